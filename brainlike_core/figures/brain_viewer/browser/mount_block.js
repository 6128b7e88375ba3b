export default function ({ data }) {
  keepBlock(data, 24)
}
