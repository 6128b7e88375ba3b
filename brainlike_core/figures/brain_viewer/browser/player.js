// The story player: the map of the moment, the words that run by, and the sub-group's time course.

const SPEEDS = [0.5, 1, 2, 4, 8]
const SLOW_FRAME_MS = 40
const LEAST_DETAIL = 0.6
const SOURCES = { measured: "Measured", predicted: "Predicted" }

const PLAYER_MARKUP = `
<div class="bar" role="toolbar" aria-label="Story player controls">
  <div class="group">
    <button type="button" data-act="start" aria-label="Back to the start" title="Back to the start (Home)">${icon("start")}</button>
    <button type="button" class="play" data-act="play" aria-label="Play" title="Play or pause (space)">${icon("play")}</button>
    <output class="clock" data-out="clock"></output>
  </div>
  <label class="group"><span>Speed</span><select data-set="speed" aria-label="Speed">${SPEEDS.map(s => `<option value="${s}">${s}\u00d7</option>`).join("")}</select></label>
  <div class="group switch" role="radiogroup" aria-label="Map of the moment" data-choice="source"></div>
  <label class="group"><span>Threshold</span><input type="range" data-set="threshold" min="0" step="any" aria-label="Threshold"><output data-out="threshold"></output></label>
  <div class="group switch" role="radiogroup" aria-label="Surface" data-choice="surface"></div>
  <div class="group end">
    <button type="button" data-act="contours" aria-label="Network contours" title="Network contours (c)">${icon("contours")}</button>
    <button type="button" data-act="reset" aria-label="Reset the view" title="Reset the view (r)">${icon("reset")}</button>
  </div>
</div>
${STAGE_MARKUP}
<div class="story">
  <div class="line"><span>Heard now</span><canvas class="words now" aria-hidden="true"></canvas></div>
  <div class="line"><span data-out="ago"></span><canvas class="words ago" aria-hidden="true"></canvas></div>
  <div class="line"><span data-out="course"></span><canvas class="course" role="img"></canvas></div>
  <div class="line"><span data-out="place"></span><input type="range" class="scrubber" data-set="time" min="0" step="0.1" aria-label="Place in the story"></div>
  <p class="status" data-out="status"></p>
</div>`

class StoryPlayer extends PointedCanvas {
  constructor(root) {
    super(root, PLAYER_MARKUP)
    Object.assign(this, { time: 0, speed: 1, playing: false, source: "measured", intervals: [] })
    this.course = new Course(root.querySelector(".course"))
    this.fillRadios("surface", SURFACES, SURFACE_TITLES)
    this.fillRadios("source", Object.keys(SOURCES), SOURCES)
    root.querySelector("[data-set=speed]").value = "1"
    this.listen()
  }

  // ---- data

  receive(data, send) {
    Object.assign(this, { data, send })
    if (!this.painter) return send.state("webgl", false)
    this.load()
  }

  mapsDigest() {
    return this.data[this.source]
  }

  load() {
    const { data } = this, story = openBlock(data.story), before = this.story
    if (!story || !openBlock(data.measured) || !openBlock(data.predicted) || !super.load()) return
    this.story = story
    const { tr, n_trs, atom_names } = story.header
    this.course.set(story.arrays.courses.subarray(data.atom * n_trs, (data.atom + 1) * n_trs), tr, atom_names[data.atom])
    this.out("course", `${atom_names[data.atom]}: activity, \u00b1${this.course.top.toFixed(1)} SD`)
    if (story !== before) this.begin()
    if (this.told !== data.network) this.set({ network: (this.told = data.network) })
    this.show()
  }

  // A story that was not here before: from its start, with the limits of its maps.
  begin() {
    const { words, n_trs, tr, delay } = this.story.header, { onsets } = this.story.arrays
    this.length = n_trs * tr
    this.ribbons = ["now", "ago"].map(name => new WordRibbon(this.root.querySelector(`.words.${name}`), words, onsets))
    this.out("ago", `Heard ${delay} s ago, answered now`)
    this.root.querySelector("[data-set=time]").max = this.length
    this.time = Math.max(Math.min(onsets[0] ?? 0, this.length) - 1, 0)
    this.restedAt = this.moment().first
    this.pause()
    this.choose(this.source)
  }

  choose(source) {
    this.source = source
    const maps = openBlock(this.mapsDigest())
    if (maps !== this.maps) this.setMaps(maps)
    const limit = this.data.limits[source]
    this.set({ limit, threshold: limit * 0.2 })
    this.written = null
    this.show()
  }

  // ---- the map of the moment

  moment() {
    const last = this.story.header.n_trs - 1, place = Math.min(Math.max(this.time / this.story.header.tr, 0), last)
    const first = Math.min(Math.floor(place), last)
    return { first, next: Math.min(first + 1, last), share: this.still() ? 0 : place - first }
  }

  still() {
    return !!window.matchMedia?.("(prefers-reduced-motion: reduce)").matches
  }

  // Between two TRs the map is the mean of both by nearness, in steps of one scale for all.
  values() {
    const { first, next, share } = this.moment(), step = this.top / 32767
    const key = `${this.source} ${first} ${share.toFixed(3)}`
    if (this.mixedKey !== key) {
      const [a, b] = [this.row(first), this.row(next)], { scales } = this.maps.arrays
      const [p, q] = [((1 - share) * scales[first]) / step, (share * scales[next]) / step]
      this.mixed = this.mixed?.length === a.length ? this.mixed : new Int16Array(a.length)
      for (let i = 0; i < a.length; i++) {
        this.mixed[i] = a[i] === NO_DATA || (share && b[i] === NO_DATA) ? NO_DATA : a[i] * p + b[i] * q
      }
      this.mixedKey = key
    }
    return { key, row: this.mixed, unit: this.top }
  }

  setMaps(maps) {
    super.setMaps(maps)
    this.mixedKey = null
  }

  value(_, location) {
    const { first, next, share } = this.moment(), a = super.value(first, location), b = super.value(next, location)
    if (a === null || (share && b === null)) return null
    return share ? a * (1 - share) + b * share : a
  }

  lines(d) {
    const [, ...rest] = super.lines(d)
    return [d.value === null ? "no data" : `${d.value.toFixed(2).replace("-", "\u2212")} SD`, ...rest]
  }

  // A click tells the moment too: a rest that was still to be told would undo it.
  picked(vertex) {
    clearTimeout(this.telling)
    this.restedAt = this.moment().first
    this.send.trigger("pick", { vertex, map: this.restedAt, count: (this.clicks = (this.clicks ?? 0) + 1) })
  }

  // ---- time

  play() {
    if (this.playing || !this.story) return
    if (this.time >= this.length) this.time = 0
    Object.assign(this, { playing: true, clockAt: performance.now(), intervals: [] })
    this.controls()
    this.loop = requestAnimationFrame(now => this.tick(now))
  }

  pause() {
    this.playing = false
    cancelAnimationFrame(this.loop)
    this.setDetail(1)
    this.controls()
    this.request()
    this.atRest()
  }

  // Python hears once, when the reader has stopped at a moment.
  atRest() {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => {
      const { first } = this.moment()
      if (!this.playing && first !== this.restedAt) this.send.trigger("map", (this.restedAt = first))
    }, 450)
  }

  tick(now) {
    if (!this.playing) return
    const took = Math.min(Math.max(now - this.clockAt, 0), 250)
    this.clockAt = now
    this.time = Math.min(this.time + (took / 1000) * this.speed, this.length)
    this.keepUp(took)
    this.draw(!this.painter.software)
    this.show()
    if (this.time >= this.length) return this.pause()
    this.loop = requestAnimationFrame(next => this.tick(next))
  }

  // Where frames come slowly the brains are drawn coarser until they come in time.
  keepUp(took) {
    this.intervals.push(took)
    if (this.intervals.length < 12) return
    const mean = this.intervals.reduce((a, b) => a + b) / this.intervals.length
    this.probe.frameMs = mean
    this.intervals = []
    if (mean > SLOW_FRAME_MS && this.detail > LEAST_DETAIL) this.setDetail(Math.max(this.detail * 0.75, LEAST_DETAIL))
  }

  setDetail(detail) {
    if (this.detail === detail) return
    this.detail = detail
    this.resize()
  }

  seek(time) {
    if (!this.story) return
    this.time = Math.min(Math.max(time, 0), this.length)
    if (!this.playing) this.request()
    this.show()
    this.atRest()
  }

  // ---- beside the brains

  // Words, course, clock: what changes with the moment.
  show() {
    if (!this.story) return
    const css = getComputedStyle(this.root), { delay } = this.story.header
    const style = { ink: css.color, family: css.fontFamily, ratio: window.devicePixelRatio || 1 }
    this.ribbons[0].draw(this.time, { ...style, strong: true })
    this.ribbons[1].draw(this.time - delay, style)
    this.course.draw(this.time, style)
    if (!this.tip.hidden && this.playing && this.hovered !== undefined) this.sayVertex(this.hovered)
    Object.assign(this.probe, { time: this.time, playing: this.playing, source: this.source, detail: this.detail })
    const text = `${clock(this.time)} / ${clock(this.length)}`
    if (text !== this.written) this.write(text)
  }

  // Once a second: what a screen reader would say too.
  write(text) {
    const { root } = this, scrubber = root.querySelector("[data-set=time]")
    this.written = text
    this.out("clock", text)
    this.out("place", `Volume ${this.moment().first + 1} of ${this.story.header.n_trs}`)
    this.fill(scrubber, this.time)
    const i = this.ribbons[0].at(this.time), heard = this.ribbons[0].words.slice(Math.max(i - 4, 0), i + 1).join(" ")
    scrubber.setAttribute("aria-valuetext", `${text}${heard ? `, heard: ${heard}` : ""}`)
    this.out("status", this.data.notes[this.source])
  }

  fill(input, value) {
    input.value = value
    input.style.setProperty("--filled", `${(100 * value) / (input.max || 1)}%`)
  }

  out(name, text) {
    this.root.querySelector(`[data-out=${name}]`).textContent = text
  }

  controls() {
    const { root, playing } = this, button = root.querySelector("[data-act=play]")
    button.innerHTML = icon(playing ? "pause" : "play")
    button.setAttribute("aria-label", playing ? "Pause" : "Play")
    this.written = null
    this.show()
  }

  showControls() {
    if (!this.maps) return
    const { state, root } = this, slider = root.querySelector("[data-set=threshold]")
    slider.max = state.limit
    this.fill(slider, state.threshold)
    this.out("threshold", `|SD| \u2265 ${number(state.threshold, Math.min(state.limit, 9.9))}`)
    this.check("surface", state.surface)
    this.check("source", this.source)
    root.querySelector("[data-act=contours]").setAttribute("aria-pressed", state.contours)
    this.canvas.setAttribute("aria-label", `${SOURCES[this.source]} activity of the moment on the ${state.surface} cortical surface, four views. Space plays, arrow keys move in time.`)
    this.course.canvas.setAttribute("aria-label", `Time course of ${this.course.name ?? "the sub-group"}, with a line at the moment`)
  }

  // ---- mouse and keyboard

  act(name) {
    if (!this.story) return
    const acts = {
      play: () => (this.playing ? this.pause() : this.play()), start: () => this.seek(0), reset: () => this.reset(),
      contours: () => this.set({ contours: !this.state.contours }),
    }
    acts[name]?.()
  }

  listen() {
    const { root } = this, course = this.course.canvas
    root.addEventListener("input", e => this.input(e.target))
    root.addEventListener("click", e => {
      const button = e.target.closest("button"), choice = button?.parentElement.dataset.choice
      if (choice === "surface") this.morph(button.dataset.value)
      else if (choice === "source") this.choose(button.dataset.value)
      else if (button) this.act(button.dataset.act)
    })
    root.addEventListener("keydown", e => this.key(e))
    const scrub = e => { if (e.buttons & 1 && this.story) this.seek(this.course.time(e.offsetX)) }
    course.addEventListener("pointerdown", e => { course.setPointerCapture(e.pointerId); scrub(e) })
    course.addEventListener("pointermove", scrub)
    this.onBlock = () => this.data && this.painter && this.load()
    window.addEventListener("brain-viewer-block", this.onBlock)
  }

  input(target) {
    const name = target.dataset.set, value = Number(target.value)
    if (!this.story) return
    if (name === "time") this.seek(value)
    if (name === "speed") this.speed = value
    if (name === "threshold") this.set({ threshold: value })
  }

  key(e) {
    const { target } = e, { dataset } = target
    if (e.ctrlKey || e.metaKey || e.altKey || !this.story) return
    if (target.matches("select") || dataset.set === "threshold" || (e.key === " " && target.matches("button"))) return
    const by = this.story.header.tr * (e.shiftKey ? 5 : 1)
    const acts = {
      " ": () => this.act("play"), ArrowLeft: () => this.seek(this.time - by), ArrowRight: () => this.seek(this.time + by),
      Home: () => this.seek(0), End: () => this.seek(this.length), r: () => this.reset(), c: () => this.act("contours"),
    }
    if (!acts[e.key]) return
    e.preventDefault()
    e.stopPropagation() // space, r and c are shortcuts of the page too
    acts[e.key]()
  }

  resize() {
    super.resize()
    this.show()
  }

  close() {
    window.removeEventListener("brain-viewer-block", this.onBlock)
    this.pause()
    clearTimeout(this.telling)
    this.leave()
    if (window.__storyPlayer === this.probe) delete window.__storyPlayer
  }
}
