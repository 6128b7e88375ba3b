// The viewer of the pages: controls, keyboard, and what Python hears.
class Viewer extends PointedCanvas {
  constructor(root, markup = MARKUP) {
    super(root, markup)
    this.last = {}
    this.fillChoices()
    this.finder = new Finder(this)
    this.views = new SavedViews(this)
    this.look = new Look(this)
    this.listen()
  }

  receive(data, send) {
    this.send = send
    this.data = data
    if (!this.painter) return send.state("webgl", false)
    this.load()
  }

  load() {
    const { data } = this, before = this.maps
    if (!super.load()) return
    this.follow({ map: data.selected_map, threshold: data.threshold, limit: data.limit, network: data.network, colourMap: data.colour_map }, before !== this.maps)
    if (!this.look.opened) this.look.open()
  }

  setGeometry(geometry) {
    super.setGeometry(geometry)
    this.fillNetworks(geometry.header.network_names)
    this.finder.setNames(geometry.header)
  }

  // Point at a region's middle, read it out, and tell Python as a click would.
  showRegion(index) {
    const vertex = this.middleOf(index)
    if (vertex === null) return
    let place = this.locate(vertex)
    if (!place) {
      this.reset()
      place = this.locate(vertex)
    }
    const box = this.canvas.getBoundingClientRect(), marker = this.box.querySelector(".marker")
    marker.hidden = !place
    if (place) {
      const [x, y] = [place.x - box.left, place.y - box.top]
      Object.assign(marker.style, { left: `${x}px`, top: `${y}px` })
      this.hover(x, y)
    }
    this.picked(vertex)
  }

  // The vertex of a region that is nearest to its mean, of those that some view shows if there are any.
  middleOf(index) {
    const { header, arrays } = this.geometry, parcels = header.location_names.length > 0
    const own = [...arrays.sulc.keys()].filter(v => (parcels ? arrays.location[v] === index : arrays.regions[v] === index + 1))
    if (!own.length) return null
    const at = v => [0, 1, 2].map(k => arrays.inflated[3 * v + k])
    const side = own.filter(v => (v < header.n_left) === (own[0] < header.n_left)), mean = [0, 1, 2].map(k => side.reduce((sum, v) => sum + at(v)[k], 0) / side.length)
    const far = v => Math.hypot(...at(v).map((x, k) => x - mean[k]))
    const near = side.map(v => [far(v), v]).sort((a, b) => a[0] - b[0]).map(([, v]) => v)
    return near.slice(0, 40).find(v => this.locate(v)) ?? near[0]
  }

  moved() {
    this.box.querySelector(".marker").hidden = true
    this.look.note()
    super.moved()
  }

  // A click tells the map too: a rest that was still to be told would undo it.
  picked(vertex) {
    clearTimeout(this.telling)
    this.told = this.state.map
    this.send.trigger("pick", { vertex, map: this.state.map, count: (this.clicks = (this.clicks ?? 0) + 1) })
  }

  // Only what Python changed since it last spoke; the rest is the reader's. The
  // reader's own map coming back is no change: by then another may be on screen.
  follow(wanted, all) {
    const changes = {}
    for (const [name, value] of Object.entries(wanted)) if (all || this.last[name] !== value) changes[name] = value
    this.last = wanted
    if (!all && changes.map === this.told) delete changes.map
    else if (changes.map !== undefined) this.told = changes.map
    this.set(changes)
  }

  fillChoices() {
    this.fillRadios("surface", SURFACES, SURFACE_TITLES)
    for (const button of this.fillRadios("colourMap", Object.keys(COLOUR_TABLES), {})) {
      const name = button.dataset.value
      button.innerHTML = "<i></i>"
      button.firstChild.style.background = swatch(name)
      button.title = name
      button.setAttribute("aria-label", `Colour map ${name}`)
    }
  }

  fillNetworks(names) {
    const select = this.root.querySelector("[data-set=network]")
    select.replaceChildren(...["None", ...names].map((name, i) => Object.assign(document.createElement("option"), { value: i, textContent: name })))
  }

  showControls() {
    if (!this.maps) return
    this.look.note()
    const { state, root } = this, { names, unit } = this.maps.header
    const at = name => root.querySelector(`[data-set=${name}]`), out = (name, text) => { root.querySelector(`[data-out=${name}]`).textContent = text }
    const slide = (name, top) => {
      const input = at(name)
      Object.assign(input, { min: name === "limit" ? top / 200 : 0, max: top, step: name === "map" ? 1 : "any", value: state[name] })
      input.style.setProperty("--filled", `${(100 * (state[name] - input.min)) / (input.max - input.min || 1)}%`)
    }
    slide("map", this.nMaps() - 1)
    slide("threshold", Math.max(state.limit, state.threshold))
    slide("limit", Math.max(this.top, state.limit))
    out("map", names[state.map])
    out("threshold", `|${unit}| \u2265 ${number(state.threshold, Math.min(state.limit, 9.9))}`)
    out("limit", `\u00b1${number(state.limit, Math.min(state.limit, 9.9))}`)
    at("map").setAttribute("aria-valuetext", names[state.map])
    at("network").value = state.network
    for (const name of ["surface", "colourMap"]) this.check(name, state[name])
    root.querySelector("[data-act=contours]").setAttribute("aria-pressed", state.contours)
    this.canvas.setAttribute("aria-label", `${names[state.map]} on the ${state.surface} cortical surface, four views. Arrow keys change map and threshold, with shift they turn the brain; plus and minus zoom.`)
  }

  nMaps() {
    return this.maps.header.names.length
  }

  step(by) {
    const last = this.nMaps() - 1, map = Math.min(Math.max(this.state.map + by, 0), last)
    if (map === this.state.map) return
    this.set({ map })
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tell(), 450)
  }

  // Python hears once, when the reader has stopped at a map.
  tell() {
    if (this.state.map === this.told) return
    this.told = this.state.map
    this.send.trigger("map", this.told)
  }

  act(name) {
    if (!this.maps) return
    if (name === "back" || name === "next") this.step(name === "next" ? 1 : -1)
    if (name === "reset") this.reset()
    if (name === "contours") this.set({ contours: !this.state.contours })
    if (name === "save") this.save()
  }

  listen() {
    const { root, canvas } = this
    root.addEventListener("input", e => {
      const name = e.target.dataset.set
      if (!name || !this.maps) return
      const value = Number(e.target.value)
      this.set(name === "limit" ? { limit: value, threshold: Math.min(this.state.threshold, value) } : { [name]: value })
    })
    root.addEventListener("change", e => { if (e.target.dataset.set === "map" && this.maps) this.tell() })
    root.addEventListener("click", e => {
      const button = e.target.closest("button")
      if (!button) return
      const choice = button.parentElement.dataset.choice
      if (choice === "surface") this.morph(button.dataset.value)
      else if (choice) this.set({ [choice]: button.dataset.value })
      else this.act(button.dataset.act)
    })
    canvas.addEventListener("keydown", e => this.key(e))
    this.onBlock = () => this.data && this.painter && this.load()
    window.addEventListener("brain-viewer-block", this.onBlock)
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.maps) return
    const turns = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] }
    const zoom = by => { this.camera.zoom = Math.min(Math.max(this.camera.zoom * by, 0.6), 8); this.moved() }
    const bump = by => this.set({ threshold: Math.min(Math.max(this.state.threshold + (by * this.state.limit) / 50, 0), this.state.limit) })
    const acts = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), ArrowUp: () => bump(1), ArrowDown: () => bump(-1),
      r: () => this.reset(), c: () => this.act("contours"),
      "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15),
      s: () => this.morph(SURFACES[(SURFACES.indexOf(this.state.surface) + 1) % SURFACES.length]),
    }
    if (!acts[e.key]) return
    e.preventDefault()
    e.stopPropagation() // r and c are shortcuts of the page too
    if (e.shiftKey && turns[e.key]) this.turn(...turns[e.key], { turn: 1, pan: 1, scale: 1 }, false)
    else acts[e.key]()
  }

  print() {
    return printSheet([this], this.caption())
  }

  // The settings in words, then what the page says of the map.
  caption() {
    const { state } = this, { unit, captions } = this.maps.header, { surface, network_names } = this.geometry.header
    const outline = state.network ? `, green outline: ${network_names[state.network - 1]}` : ""
    const settings = `${surface}, ${state.surface}; coloured where |${unit}| \u2265 ${number(state.threshold, Math.min(state.limit, 9.9))}${outline}.`
    return [settings, captions?.[state.map] ?? ""].join("\n")
  }

  async save() {
    download(await this.print(), `${this.printName().replace(/[^\w-]+/g, "_").toLowerCase()}_${this.state.surface}.png`)
  }

  close() {
    window.removeEventListener("brain-viewer-block", this.onBlock)
    clearTimeout(this.telling)
    this.look.close()
    this.leave()
    if (window.__brainViewer === this.probe) delete window.__brainViewer
    delete window.__brainViewers[this.data?.key]
  }
}
