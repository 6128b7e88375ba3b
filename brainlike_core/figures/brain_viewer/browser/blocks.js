function openBlock(digest) {
  const block = window.__brainViewerBlocks?.get(digest)
  if (!block) return null
  if (block.arrays) return block
  block.arrays = {}
  for (const { name, type, at, size } of block.header.arrays) {
    block.arrays[name] = new TYPES[type](block.body.buffer, block.body.byteOffset + at, size)
  }
  return block
}
