// What is on screen as one picture for print: title, settings, brains, colour bar.
async function printPicture(viewer) {
  const width = Math.round((PRINT_MM / 25.4) * PRINT_DPI), unit = width / 1100, flat = viewer.mixing[2] > 0.5
  const limit = viewer.painter.gl.getParameter(viewer.painter.gl.MAX_RENDERBUFFER_SIZE)
  const extent = flat ? EXTENT.flat : EXTENT.folded, columns = flat ? 2 : 4
  const high = Math.min(Math.round((width / columns) * ((extent[1] - 14) / extent[0])), limit)
  const image = viewer.painter.picture(viewer.scene(width, high, 4, unit, true), width, high)
  const [head, foot] = [Math.round(46 * unit), Math.round(64 * unit)], sheet = document.createElement("canvas")
  Object.assign(sheet, { width, height: head + high + foot })
  const pen = sheet.getContext("2d"), font = "Helvetica, Arial, sans-serif"
  pen.fillStyle = "#fff"
  pen.fillRect(0, 0, width, sheet.height)
  pen.putImageData(image, 0, head)
  pen.fillStyle = "#1a1a1a"
  pen.font = `600 ${19 * unit}px ${font}`
  pen.fillText(viewer.maps.header.names[viewer.state.map], 12 * unit, 24 * unit)
  pen.font = `${12 * unit}px ${font}`
  pen.fillStyle = "#555"
  pen.fillText(viewer.caption(), 12 * unit, 41 * unit)
  paintBar(pen, width / 2 - 150 * unit, head + high + 14 * unit, 300 * unit, 11 * unit, unit, viewer.barStyle("#1a1a1a", font))
  viewer.draw(true)
  return withResolution(await new Promise(done => sheet.toBlob(done, "image/png")), PRINT_DPI)
}

// A PNG that opens at its printed size: the pHYs chunk says pixels per metre.
async function withResolution(blob, dpi) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), chunk = new DataView(new ArrayBuffer(21))
  const perMetre = Math.round(dpi / 0.0254)
  chunk.setUint32(0, 9)
  chunk.setUint32(4, 0x70485973)
  chunk.setUint32(8, perMetre)
  chunk.setUint32(12, perMetre)
  chunk.setUint8(16, 1)
  let crc = ~0
  for (let i = 4; i < 17; i++) {
    crc ^= chunk.getUint8(i)
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  chunk.setUint32(17, ~crc >>> 0)
  const header = 33 // signature and IHDR
  return new Blob([bytes.subarray(0, header), chunk.buffer, bytes.subarray(header)], { type: "image/png" })
}
