// An atom's time course with a line at the moment: drawn once, then copied under the moving line.

const COURSE_POSITIVE = "178, 24, 43", COURSE_NEGATIVE = "33, 102, 172"

class Course {
  constructor(canvas) {
    this.canvas = canvas
    this.still = document.createElement("canvas")
  }

  // values: standard deviations at each TR, NaN where the atom is not known.
  set(values, tr, name) {
    Object.assign(this, { values, tr, name, drawn: "" })
    this.top = values.reduce((top, v) => (Math.abs(v) > top ? Math.abs(v) : top), 1)
  }

  x(time, width) {
    return (time / (this.tr * this.values.length)) * width
  }

  time(x) {
    return Math.min(Math.max(x / this.canvas.clientWidth, 0), 1) * this.tr * this.values.length
  }

  draw(time, { ink, family, ratio }) {
    const { canvas, still } = this, width = canvas.clientWidth, height = canvas.clientHeight
    if (!width) return
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h })
    const wanted = `${w}x${h} ${ink}`
    if (this.drawn !== wanted) {
      this.drawn = wanted
      Object.assign(still, { width: w, height: h })
      this.paint(still.getContext("2d"), width, height, ink, family, ratio)
    }
    const pen = canvas.getContext("2d")
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.clearRect(0, 0, w, h)
    pen.drawImage(still, 0, 0)
    pen.fillStyle = ink
    pen.fillRect(Math.round(this.x(time, w) - ratio), 0, Math.max(2 * ratio, 1), h)
  }

  paint(pen, width, height, ink, family, ratio) {
    const { values, tr } = this, middle = height / 2, y = v => middle - (v / this.top) * (middle - 4)
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    for (const [sign, colour] of [[1, COURSE_POSITIVE], [-1, COURSE_NEGATIVE]]) {
      pen.fillStyle = `rgba(${colour}, 0.34)`
      this.trace(pen, width, v => y(sign * Math.max(sign * v, 0)), middle)
      pen.fill()
    }
    pen.strokeStyle = pen.fillStyle = ink
    pen.lineWidth = 1.3
    this.trace(pen, width, y, null)
    pen.stroke()
    pen.globalAlpha = 0.3
    pen.fillRect(0, middle, width, 1)
    pen.globalAlpha = 0.85
    pen.font = `12px ${family}`
    pen.textBaseline = "bottom"
    const step = [10, 30, 60, 120, 300, 600].find(s => (s / (tr * values.length)) * width > 70) ?? 1200
    for (let t = step; t < tr * values.length; t += step) {
      pen.fillRect(this.x(t, width), height - 4, 1, 4)
      pen.fillText(clock(t), this.x(t, width) + 3, height)
    }
    pen.globalAlpha = 1
  }

  // One line through the known values; with a floor each stretch is closed to it, for filling.
  trace(pen, width, y, floor) {
    const { values, tr } = this
    let last = null
    pen.beginPath()
    const close = () => { if (last !== null && floor !== null) pen.lineTo(this.x(last * tr, width), floor) }
    values.forEach((value, i) => {
      const x = this.x(i * tr, width)
      if (Number.isNaN(value)) { close(); last = null; return }
      if (last === null) pen.moveTo(x, floor ?? y(value))
      pen.lineTo(x, y(value))
      last = i
    })
    close()
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}
