// Words running by: one line of text, moved so that the word of the moment stands in the middle.

const RIBBON_MOVE_S = 0.7 // the text glides to a word within this time before it is heard

class WordRibbon {
  constructor(canvas, words, onsets) {
    Object.assign(this, { canvas, words, onsets })
  }

  // Index of the last word that began by a time, -1 before the first.
  at(time) {
    let low = 0, high = this.onsets.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.onsets[middle] <= time) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  measure(pen, font) {
    if (this.font === font) return
    this.font = font
    pen.font = font
    const space = pen.measureText(" ").width
    let x = 0
    this.middles = this.words.map(word => {
      const width = pen.measureText(word).width, middle = x + width / 2
      x += width + 1.6 * space
      return middle
    })
  }

  place(time) {
    const i = this.at(time), { middles, onsets } = this
    if (i < 0) return middles[0] - 30 * Math.min(onsets[0] - time, 3)
    if (i + 1 >= middles.length) return middles[i]
    const gap = Math.min(onsets[i + 1] - onsets[i], RIBBON_MOVE_S) || 1e-6
    const share = Math.min(Math.max(1 - (onsets[i + 1] - time) / gap, 0), 1)
    return middles[i] + (middles[i + 1] - middles[i]) * share
  }

  draw(time, { ink, family, ratio, strong }) {
    const { canvas } = this, width = canvas.clientWidth, height = canvas.clientHeight
    if (!width || !this.words.length) return
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h })
    const pen = canvas.getContext("2d"), font = `${strong ? 17 : 15}px ${family}`
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    this.measure(pen, font)
    const here = this.place(time), now = this.at(time)
    Object.assign(pen, { textAlign: "center", textBaseline: "middle", fillStyle: ink })
    for (let i = Math.max(now - 60, 0); i < Math.min(now + 60, this.words.length); i++) {
      const x = width / 2 + this.middles[i] - here, away = Math.abs(x - width / 2) / (width / 2)
      if (away > 1.15) continue
      pen.globalAlpha = i === now ? 1 : Math.max(0.6 * (1 - away) + 0.12, 0.05)
      pen.font = i === now ? `600 ${font}` : font
      pen.fillText(this.words[i], x, height / 2)
    }
    pen.globalAlpha = 1
  }
}
