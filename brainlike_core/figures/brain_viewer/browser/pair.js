// Two brains and their difference: three pictures that share camera, surface, outline and map.
// The maps of the block are the left ones, the right ones, and left minus right, in this order.

const PAIR_MARKUP = `${TOOL_BAR}<div class="three">${'<div class="one"></div>'.repeat(3)}</div>`
const ONE_MARKUP = `<h3></h3>${STAGE_MARKUP}`

class PairedBrain extends PointedCanvas {
  constructor(root, pair, index) {
    super(root, ONE_MARKUP)
    Object.assign(this, { pair, index })
  }

  lines(d) {
    return this.pair.lines(d)
  }

  around() {
    return [...this.pair.root.children, ...this.box.children]
  }

  printName() {
    return `${this.pair.data.titles[this.index]}: ${super.printName()}`
  }

  picked(vertex) {
    this.pair.picked(vertex)
  }
}

class PairViewer extends Viewer {
  constructor(root) {
    super(root, PAIR_MARKUP.replace('<div class="one"></div>', `<div class="one">${ONE_MARKUP}</div>`))
    const boxes = [...root.querySelectorAll(".one")]
    this.others = this.painter ? [1, 2].map(index => new PairedBrain(boxes[index], this, index)) : []
    for (const picture of this.pictures()) picture.onMoved = from => this.link(from)
    this.probe.others = this.others
  }

  pictures() {
    return [this, ...this.others]
  }

  link(from) {
    for (const picture of this.pictures()) if (picture !== from) picture.lookLike(from)
    this.showControls()
  }

  load() {
    for (const picture of this.others) {
      picture.data = this.data
      if (picture.painter) picture.load()
    }
    super.load()
    this.root.querySelectorAll(".one h3").forEach((heading, i) => { heading.textContent = this.data.titles[i] })
  }

  nMaps() {
    return this.maps.header.names.length / 3
  }

  set(changes) {
    super.set(changes)
    if (!this.others || !this.maps) return
    this.others.forEach((picture, i) => {
      if (!picture.maps) return
      const { state } = this, last = i === 1 // the difference has its own scale
      picture.set({
        ...state, map: state.map + (i + 1) * this.nMaps(), surface: picture.state.surface,
        limit: last ? this.data.difference_limit : state.limit, threshold: last ? this.data.difference_threshold : state.threshold,
      })
    })
  }

  // All three values, wherever the pointer is.
  lines(d) {
    const n = this.nMaps(), { unit } = this.maps.header, { map } = this.state, places = /^(r|rho|R²)$/i.test(unit) ? 3 : 2
    const said = [0, 1, 2].map(i => {
      const value = this.value(map + i * n, d.location)
      return `${this.data.titles[i]}: ${value === null ? "no data" : `${unit} ${value.toFixed(places).replace("-", "\u2212")}`}`
    })
    d.significant = null
    return [said.join("\n"), ...super.lines(d).slice(1)]
  }

  printName() {
    return `${this.data.titles[0]}: ${super.printName()}`
  }

  print() {
    return printSheet(this.pictures(), this.caption())
  }

  caption() {
    const { difference_threshold: from } = this.data, [settings, ...rest] = super.caption().split("\n")
    const apart = from > 0 ? `where its magnitude is \u2265 ${number(from, this.data.difference_limit)}` : "everywhere"
    return [`${settings} The difference, which is not tested, is coloured ${apart}.`, ...rest].join("\n")
  }

  close() {
    for (const picture of this.others) picture.leave()
    super.close()
  }
}
