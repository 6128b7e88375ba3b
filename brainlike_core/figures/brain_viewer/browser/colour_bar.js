function hexBytes(hex) {
  return Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16))
}

function range(signed, colourMap, limit) {
  return signed || colourMap !== "cividis" ? [-limit, limit] : [0, limit]
}

function paintBar(pen, x, y, width, height, scale, style) {
  const { low, high, threshold, colourMap, unit, ink } = style
  const table = hexBytes(COLOUR_TABLES[colourMap]), steps = Math.max(Math.round(width), 2)
  for (let i = 0; i < steps; i++) {
    const value = low + ((i + 0.5) / steps) * (high - low)
    const at = 3 * Math.round(((value - low) / (high - low)) * 255)
    pen.fillStyle = Math.abs(value) < threshold ? "rgb(186,186,188)" : `rgb(${table[at]},${table[at + 1]},${table[at + 2]})`
    pen.fillRect(x + (i * width) / steps, y, width / steps + 0.6, height)
  }
  pen.fillStyle = pen.strokeStyle = ink
  pen.lineWidth = Math.max(0.75 * scale, 0.5)
  pen.font = `${11 * scale}px ${style.font}`
  pen.textBaseline = "top"
  const place = value => x + ((value - low) / (high - low)) * width
  const marks = [low, ...(low < 0 ? [-threshold] : []), ...(low < 0 && threshold > 0.35 * high ? [0] : []), threshold, high]
  let last = -Infinity
  for (const value of [...new Set(marks)].filter(v => v >= low && v <= high)) {
    const text = number(value, high), half = pen.measureText(text).width / 2
    pen.beginPath()
    pen.moveTo(place(value), y + height)
    pen.lineTo(place(value), y + height + 4 * scale)
    pen.stroke()
    if (place(value) - half < last + 4 * scale) continue
    pen.textAlign = "center"
    pen.fillText(text, place(value), y + height + 6 * scale)
    last = place(value) + half
  }
  pen.textAlign = "left"
  pen.textBaseline = "middle"
  pen.font = `italic 600 ${13 * scale}px ${style.font}`
  pen.fillText(unit, x + width + 12 * scale, y + height / 2)
}

function digits(limit) {
  return limit >= 20 ? 0 : limit >= 2 ? 1 : limit >= 0.2 ? 2 : 3
}

function number(value, limit) {
  return value.toFixed(digits(limit)).replace("-", "\u2212")
}

function significance(passes) {
  if (passes === null) return []
  if (!passes) return ["  n.s."]
  return ["  p", Object.assign(document.createElement("sub"), { textContent: "FDR" }), " < .05"]
}
