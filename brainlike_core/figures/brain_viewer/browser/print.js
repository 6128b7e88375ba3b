// What is on screen as one sheet for print: name, brains and colour bar of each picture, then the caption.

const PRINT_FONT = "Helvetica, Arial, sans-serif"
const PRINT_INK = "#1a1a1a"

async function printSheet(pictures, caption) {
  const width = Math.round((PRINT_MM / 25.4) * PRINT_DPI), unit = width / 1000
  const rows = pictures.map(picture => printedBrains(picture, width, unit))
  const pen = Object.assign(document.createElement("canvas"), { width, height: 1 }).getContext("2d"), font = `${15 * unit}px ${PRINT_FONT}`
  pen.font = font
  const lines = wrapped(pen, caption, width - 24 * unit), [head, bar, line] = [34, 52, 20].map(v => Math.round(v * unit))
  const height = rows.reduce((sum, { image }) => sum + head + image.height + bar, 0) + lines.length * line + Math.round(14 * unit)
  Object.assign(pen.canvas, { height })
  pen.fillStyle = "#fff"
  pen.fillRect(0, 0, width, height)
  let y = 0
  for (const { picture, image } of rows) {
    pen.fillStyle = PRINT_INK
    pen.textBaseline = "alphabetic"
    pen.font = `600 ${19 * unit}px ${PRINT_FONT}`
    pen.fillText(picture.printName(), 12 * unit, y + 25 * unit)
    pen.putImageData(image, 0, y + head)
    y += head + image.height
    paintBar(pen, width / 2 - 150 * unit, y + 8 * unit, 300 * unit, 11 * unit, 1.2 * unit, picture.barStyle(PRINT_INK, PRINT_FONT))
    y += bar
  }
  Object.assign(pen, { font, fillStyle: "#444", textBaseline: "top", textAlign: "left" })
  lines.forEach((text, i) => pen.fillText(text, 12 * unit, y + i * line))
  return withResolution(await new Promise(done => pen.canvas.toBlob(done, "image/png")), PRINT_DPI)
}

function printedBrains(picture, width, unit) {
  const { gl } = picture.painter, limit = gl.getParameter(gl.MAX_RENDERBUFFER_SIZE), flat = picture.mixing[2] > 0.5
  const extent = flat ? EXTENT.flat : EXTENT.folded, columns = flat ? 2 : 4
  const high = Math.min(Math.round((width / columns) * ((extent[1] - 14) / extent[0])), limit)
  picture.draw(false) // brings the values to the graphics card
  const image = picture.painter.picture(picture.scene(width, high, 4, unit, true), width, high)
  picture.draw(true)
  return { picture, image }
}

function wrapped(pen, text, width) {
  const lines = []
  for (const paragraph of text.split("\n").filter(Boolean)) {
    let line = ""
    for (const word of paragraph.split(" ")) {
      const longer = line ? `${line} ${word}` : word
      if (line && pen.measureText(longer).width > width) { lines.push(line); line = word } else line = longer
    }
    lines.push(line)
  }
  return lines
}

function download(blob, name) {
  const address = URL.createObjectURL(blob)
  Object.assign(document.createElement("a"), { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10000)
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
