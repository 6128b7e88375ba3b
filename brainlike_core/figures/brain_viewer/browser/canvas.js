// One brain picture: data, camera, drawing.
class BrainCanvas {
  constructor(root, markup) {
    this.root = root
    root.innerHTML = markup
    this.canvas = root.querySelector(".brains")
    this.box = root.querySelector(".stage").parentElement // what gives the picture its width
    this.scale = root.querySelector(".scale")
    this.tip = root.querySelector(".tip")
    this.notice = root.querySelector(".notice")
    this.state = { map: 0, threshold: 0, limit: 1, network: 0, colourMap: "RdBu_r", surface: "inflated", contours: true }
    this.mixing = [1, 0, 0]
    this.detail = 1 // drawn pixels for each pixel of the screen
    this.camera = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 }
    this.probe = { ready: false, drawnAt: 0, draws: 0, uploads: 0, switchTimes: [], viewer: this }
    this.start()
  }

  start() {
    try {
      this.painter = new QuickPainter(this.canvas)
      this.probe.renderer = this.painter.renderer
    } catch {
      this.say("This browser offers no WebGL2, so the interactive brain cannot be drawn here; a simpler figure is shown instead.")
      this.root.classList.add("unable")
    }
  }

  say(text) {
    this.notice.textContent = text
    this.notice.hidden = !text
  }

  mapsDigest() {
    return this.data.maps
  }

  // Whether both blocks are here and taken in.
  load() {
    const geometry = openBlock(this.data.geometry), maps = openBlock(this.mapsDigest())
    if (!geometry || !maps) return false // the block's own event calls again
    if (geometry !== this.geometry) this.setGeometry(geometry)
    if (maps !== this.maps) this.setMaps(maps)
    this.resize()
    this.probe.ready = true
    this.say("")
    return true
  }

  setGeometry(geometry) {
    this.geometry = geometry
    this.anatomy = buildAnatomy(geometry)
    this.painter.setAnatomy(this.anatomy)
    this.outline()
    this.probe.uploads++
    this.shown = null
  }

  outline() {
    this.outlined = this.state.network
    this.painter.setOutline(this.outlined)
  }

  setMaps(maps) {
    this.maps = maps
    this.shown = null
    const { scales } = maps.arrays
    let top = 0
    const rows = maps.header.names.length, wide = maps.header.n_locations
    for (let m = 0; m < rows; m++) {
      let peak = 0
      for (let i = m * wide; i < (m + 1) * wide; i++) if (maps.arrays.maps[i] !== NO_DATA) peak = Math.max(peak, Math.abs(maps.arrays.maps[i]))
      top = Math.max(top, peak * scales[m])
    }
    this.top = Math.max(top, 1e-6)
    this.probe.uploads++
  }

  row(map) {
    const wide = this.maps.header.n_locations
    return this.maps.arrays.maps.subarray(map * wide, (map + 1) * wide)
  }

  value(map, location) {
    if (location < 0) return null
    const raw = this.row(map)[location]
    return raw === NO_DATA ? null : raw * this.maps.arrays.scales[map]
  }

  isSignificant(map, location) {
    const marks = this.maps.arrays.significant
    if (!marks || location < 0) return null
    const perRow = Math.ceil(this.maps.header.n_locations / 8)
    return !!((marks[map * perRow + (location >> 3)] >> (location & 7)) & 1)
  }

  set(changes) {
    Object.assign(this.state, changes)
    if (this.outlined !== this.state.network && this.painter && this.anatomy) this.outline()
    this.showControls()
    this.request()
  }

  printName() {
    return this.maps.header.names[this.state.map]
  }

  // A viewer with controls keeps them in step here.
  showControls() {}

  request() {
    if (this.pending || !this.painter || !this.anatomy) return
    this.pending = requestAnimationFrame(() => {
      this.pending = 0
      this.draw(!this.painter.software)
      if (!this.painter.software) return
      clearTimeout(this.rest)
      this.rest = setTimeout(() => this.draw(true), 220)
    })
  }

  // What is drawn: a name for it, its int16 values by location, and what 32767 stands for.
  values() {
    const { map } = this.state
    return { key: map, row: this.row(map), unit: 32767 * this.maps.arrays.scales[map] }
  }

  draw(fine) {
    if (!this.maps || this.painter.gl.isContextLost() || !this.canvas.width) return
    const { key, row } = this.values()
    if (this.shown !== key) {
      this.painter.setValues(row, this.geometry.arrays.location)
      this.shown = key
    }
    const ratio = this.canvas.width / this.canvas.clientWidth
    this.painter.draw(this.scene(this.canvas.width, this.canvas.height, this.columns, ratio * this.pen()), fine)
    this.paintScale()
    this.probe.drawnAt = performance.now()
    this.probe.draws++
    this.probe.fine = fine
    Object.assign(this.probe, this.state, { camera: { ...this.camera } })
  }

  pen() {
    return Math.min(Math.max(this.canvas.clientWidth / 1200, 0.85), 1.6)
  }

  scene(width, height, columns, penScale, tight = false) {
    const { state } = this, [low, high] = range(this.maps.header.signed, state.colourMap, state.limit)
    const key = JSON.stringify([width, height, columns, penScale, this.mixing, this.camera, state.contours, state.network])
    return {
      key, frames: this.frames(width, height, columns, tight), mixing: this.mixing, penScale, low, high,
      threshold: state.threshold, colourMap: state.colourMap, contours: state.contours,
      unit: this.values().unit,
    }
  }

  frames(width, height, columns, tight = false) {
    const flatness = this.mixing[2], camera = { ...this.camera, zoom: this.zoom() }
    return layout(columns, flatness).map((rect, i) => frame(VIEWS[i], rect, width, height, camera, flatness, tight))
  }

  // The reader's zoom, and what brings another mesh to the size of fsaverage5.
  zoom() {
    const [folded, flat] = this.geometry?.header.magnify ?? [1, 1]
    return this.camera.zoom * (folded + (flat - folded) * this.mixing[2])
  }

  // What shares the height of the figure with the picture, and what holds the picture.
  around() {
    return this.box === this.root ? [...this.root.children] : [...this.root.children, ...this.box.children]
  }

  resize() {
    const width = this.box.clientWidth
    if (!width || !this.data) return
    const beside = this.around().filter(part => !part.contains(this.canvas)).map(part => part.offsetHeight)
    const free = Math.max(this.data.height - beside.reduce((a, b) => a + b, 0) - 8, 150)
    this.columns = width < TWO_ROWS_BELOW ? 2 : 4 // beneath, four in a row are too small to read
    const height = Math.round(this.columns === 2 ? Math.max(free, Math.min(width * 0.72, 1.4 * free)) : Math.min(free, this.rowHeight(width)))
    const ratio = Math.min(window.devicePixelRatio || 1, 3) * this.detail
    this.canvas.style.height = `${height}px`
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h })
    this.placeTitles(width, height)
    this.request()
  }

  // Four in a row need no more than this; the flat maps take what the page gives.
  rowHeight(width) {
    return this.state.surface === "flat" ? Infinity : ((width / 4) * EXTENT.folded[1]) / EXTENT.folded[0] + 24
  }

  placeTitles(width, height) {
    const box = this.box.querySelector(".titles"), high = EXTENT[this.state.surface === "flat" ? "flat" : "folded"][1]
    box.replaceChildren(...this.frames(width, height, this.columns).filter(f => f.w > 60 && f.h > 60).map(f => {
      const title = document.createElement("span")
      title.textContent = this.state.surface === "flat" ? f.view.title.split(" ")[0] : f.view.title
      title.style.left = `${f.x + f.w / 2}px`
      title.style.top = `${Math.max(f.y + f.h / 2 - (0.5 * high * f.scale) / this.zoom() - 3, f.y)}px`
      return title
    }))
  }

  paintScale() {
    const { scale } = this, ratio = window.devicePixelRatio || 1, [width, height] = [scale.clientWidth, scale.clientHeight]
    const css = getComputedStyle(this.root), style = this.barStyle(css.color, css.fontFamily)
    const painted = JSON.stringify([width, height, ratio, style, this.maps.header.names[this.state.map]])
    if (this.painted === painted) return
    this.painted = painted
    Object.assign(scale, { width: Math.round(width * ratio), height: Math.round(height * ratio) })
    const pen = scale.getContext("2d"), long = Math.min(360, width * 0.6)
    pen.scale(ratio, ratio)
    paintBar(pen, (width - long) / 2, 5, long, 11, 1, style)
    const { name, threshold } = { name: this.maps.header.names[this.state.map], threshold: number(this.state.threshold, this.state.limit) }
    scale.setAttribute("aria-label", `Colour bar of ${name}: grey below ${threshold}, limit ${number(this.state.limit, this.state.limit)} ${this.maps.header.unit}`)
  }

  barStyle(ink, font) {
    const { state } = this, [low, high] = range(this.maps.header.signed, state.colourMap, state.limit)
    return { low, high, ink, font, threshold: state.threshold, colourMap: state.colourMap, unit: this.maps.header.unit }
  }

  morph(surface) {
    const from = [...this.mixing], to = SURFACES.map(name => Number(name === surface)), begin = performance.now()
    this.state.surface = surface
    this.resize()
    this.showControls()
    cancelAnimationFrame(this.morphing)
    const still = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches
    const step = now => {
      const t = still ? 1 : Math.min(Math.max((now - begin) / 650, 0), 1), ease = t * t * (3 - 2 * t)
      this.mixing = t === 1 ? to : from.map((v, i) => v + (to[i] - v) * ease)
      this.moved()
      this.placeTitles(this.canvas.clientWidth, this.canvas.clientHeight)
      if (t < 1) this.morphing = requestAnimationFrame(step)
    }
    this.morphing = requestAnimationFrame(step)
  }

  moved() {
    this.projected = null
    this.request()
    this.onMoved?.(this)
  }

  // Look as another picture looks.
  lookLike({ camera, mixing, state: { surface } }) {
    const changed = surface !== this.state.surface
    Object.assign(this, { camera, mixing, projected: null })
    this.state.surface = surface
    if (changed) this.resize()
    this.placeTitles(this.canvas.clientWidth, this.canvas.clientHeight)
    this.request()
  }

  reset() {
    this.camera = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 }
    this.moved()
  }

  leave() {
    this.observer.disconnect()
    cancelAnimationFrame(this.pending)
    cancelAnimationFrame(this.morphing)
    clearTimeout(this.rest)
    this.painter?.close()
  }
}
