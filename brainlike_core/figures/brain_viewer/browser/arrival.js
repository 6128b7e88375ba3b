// Keeps a block of bytes in the window's table, where every viewer of the page finds it.
function keepBlock(data, most = Infinity) {
  const blocks = (window.__brainViewerBlocks ??= new Map())
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const length = view.getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)))
  if (blocks.has(header.digest)) return
  blocks.set(header.digest, { header, body: data.slice(4 + length) })
  while (blocks.size > most) blocks.delete(blocks.keys().next().value)
  window.dispatchEvent(new Event("brain-viewer-block"))
}
