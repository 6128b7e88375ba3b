// Rows: screen right, screen up, towards the viewer.
const FROM_LEFT = [0, -1, 0, 0, 0, 1, -1, 0, 0]
const FROM_RIGHT = [0, 1, 0, 0, 0, 1, 1, 0, 0]
const VIEWS = [
  { hemisphere: 0, base: FROM_LEFT, title: "Left lateral" },
  { hemisphere: 0, base: FROM_RIGHT, title: "Left medial", medial: true },
  { hemisphere: 1, base: FROM_LEFT, title: "Right medial", medial: true },
  { hemisphere: 1, base: FROM_RIGHT, title: "Right lateral" },
]
const EXTENT = { folded: [224, 178], flat: [336, 296] }

function multiply(a, b) {
  const out = new Array(9).fill(0)
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) out[3 * i + j] += a[3 * i + k] * b[3 * k + j]
  return out
}

function rotation(view, camera, flatness) {
  const turn = camera.azimuth * (view.hemisphere ? -1 : 1) * (1 - flatness), tilt = camera.elevation * (1 - flatness)
  const [c, s, d, e] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)]
  return multiply([1, 0, 0, 0, d, -e, 0, e, d], multiply([c, 0, s, 0, 1, 0, -s, 0, c], view.base))
}

// Left, top, width, height of the four views as fractions of the picture.
function layout(columns, flatness) {
  const wide = columns === 4
  const folded = wide
    ? [[0, 0, 0.25, 1], [0.25, 0, 0.25, 1], [0.5, 0, 0.25, 1], [0.75, 0, 0.25, 1]]
    : [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.5, 0, 0.5, 0.5]]
  const flat = wide
    ? [[0, 0, 0.5, 1], [0.5, 0, 0, 1], [0.5, 0, 0, 1], [0.5, 0, 0.5, 1]]
    : [[0, 0, 0.5, 1], [0, 1, 0.5, 0], [0.5, 1, 0.5, 0], [0.5, 0, 0.5, 1]]
  return folded.map((rect, i) => rect.map((v, k) => v + (flat[i][k] - v) * flatness))
}

function frame(view, rect, width, height, camera, flatness, tight) {
  const [x, y, w, h] = [rect[0] * width, rect[1] * height, rect[2] * width, rect[3] * height]
  const [mmWide, mmHigh] = EXTENT.folded.map((v, k) => v + (EXTENT.flat[k] - v) * flatness)
  const scale = Math.min(w / mmWide, h / (mmHigh - (tight ? 14 : 0))) * camera.zoom // pixels per millimetre
  const mirror = view.hemisphere === 0 !== !!view.medial ? 1 : -1
  return {
    view, x, y, w, h, scale, rotation: rotation(view, camera, flatness),
    panX: camera.panX * scale * mirror, panY: camera.panY * scale,
  }
}
