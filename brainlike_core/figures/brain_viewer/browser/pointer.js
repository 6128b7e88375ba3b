// What is under the pointer, and what the pointer does.
class PointedCanvas extends BrainCanvas {
  constructor(root, markup) {
    super(root, markup)
    const { canvas } = this
    canvas.addEventListener("wheel", e => this.wheel(e), { passive: false })
    canvas.addEventListener("dblclick", () => this.reset())
    canvas.addEventListener("webglcontextlost", e => { e.preventDefault(); this.say("The graphics card was lost; waiting for it.") })
    canvas.addEventListener("webglcontextrestored", () => this.restore())
    this.listenPointer()
    this.observer = new ResizeObserver(() => { this.projected = null; this.resize() })
    this.observer.observe(root)
  }

  fillRadios(choice, values, titles) {
    const buttons = values.map(value => {
      const button = Object.assign(document.createElement("button"), { type: "button", role: "radio", textContent: titles[value] ?? "" })
      button.dataset.value = value
      return button
    })
    this.root.querySelector(`[data-choice=${choice}]`).append(...buttons)
    return buttons
  }

  check(choice, value) {
    for (const button of this.root.querySelectorAll(`[data-choice=${choice}] button`)) {
      button.setAttribute("aria-checked", button.dataset.value === value)
    }
  }

  // A click on a vertex; a viewer that can tell somebody does.
  picked() {}

  // Screen positions of one view's vertices, remembered until the camera moves.
  project(f) {
    const { w, h, scale, panX, panY, rotation: r } = f, hemisphere = this.anatomy.hemispheres[f.view.hemisphere]
    const key = `${VIEWS.indexOf(f.view)}:${w}x${h}`
    this.projected ??= new Map()
    if (this.projected.has(key)) return this.projected.get(key)
    const out = new Float32Array(hemisphere.count * 3), [m0, m1, m2] = this.mixing, { inflated, pial, flat } = hemisphere.points
    for (let i = 0; i < out.length; i += 3) {
      const [x, y, z] = [0, 1, 2].map(k => m0 * inflated[i + k] + m1 * pial[i + k] + m2 * flat[i + k])
      out[i] = w / 2 + (r[0] * x + r[1] * y + r[2] * z) * scale + panX
      out[i + 1] = h / 2 - (r[3] * x + r[4] * y + r[5] * z) * scale - panY
      out[i + 2] = r[6] * x + r[7] * y + r[8] * z
    }
    this.projected.set(key, out)
    return out
  }

  pick(x, y) {
    if (!this.anatomy) return null
    const frames = this.frames(this.canvas.clientWidth, this.canvas.clientHeight, this.columns)
    const f = frames.find(g => x >= g.x && x < g.x + g.w && y >= g.y && y < g.y + g.h)
    return f ? this.frontmost(f, x - f.x, y - f.y) : null
  }

  frontmost(f, x, y) {
    const { faces, flat, start } = this.anatomy.hemispheres[f.view.hemisphere], p = this.project(f)
    let nearest = -Infinity, found = null
    for (let t = 0; t < faces.length; t += 3) {
      const [a, b, c] = [3 * faces[t], 3 * faces[t + 1], 3 * faces[t + 2]]
      if (Math.max(p[a + 2], p[b + 2], p[c + 2]) <= nearest || (this.mixing[2] && !flat[t / 3])) continue
      const area = (p[b] - p[a]) * (p[c + 1] - p[a + 1]) - (p[c] - p[a]) * (p[b + 1] - p[a + 1])
      if (area >= 0) continue // faces away: screen y points down
      const u = ((p[b] - x) * (p[c + 1] - y) - (p[c] - x) * (p[b + 1] - y)) / area
      const v = ((p[c] - x) * (p[a + 1] - y) - (p[a] - x) * (p[c + 1] - y)) / area
      const w = 1 - u - v
      if (u < 0 || v < 0 || w < 0) continue
      const depth = u * p[a + 2] + v * p[b + 2] + w * p[c + 2]
      if (depth <= nearest) continue
      nearest = depth
      found = start + faces[t + (u >= v && u >= w ? 0 : v >= w ? 1 : 2)]
    }
    return found
  }

  // Where a vertex is on the page, or null where it is hidden in every view.
  locate(vertex) {
    const box = this.canvas.getBoundingClientRect()
    for (const f of this.frames(box.width, box.height, this.columns)) {
      const hemisphere = this.anatomy.hemispheres[f.view.hemisphere], i = 3 * (vertex - hemisphere.start)
      if (i < 0 || i >= 3 * hemisphere.count || f.w < 2) continue
      const p = this.project(f)
      if (this.pick(f.x + p[i], f.y + p[i + 1]) === vertex) return { x: box.left + f.x + p[i], y: box.top + f.y + p[i + 1] }
    }
    return null
  }

  describe(vertex) {
    const { header, arrays } = this.geometry, location = arrays.location[vertex], { map } = this.state
    const network = header.network_names[arrays.networks[vertex] - 1]
    const region = header.location_names.length ? header.location_names[location] : header.region_names[arrays.regions[vertex] - 1]
    return { vertex, location, network, region, wall: !!arrays.wall[vertex], value: this.value(map, location),
      significant: this.isSignificant(map, location), side: vertex < header.n_left ? "Left" : "Right" }
  }

  hover(x, y) {
    const vertex = this.pick(x, y)
    this.tip.hidden = vertex === null
    this.canvas.style.cursor = vertex === null ? "grab" : "crosshair"
    if (vertex === null) return
    this.sayVertex(vertex)
    const width = this.tip.offsetWidth, room = this.canvas.clientWidth
    this.tip.style.left = `${x + 16 + width > room ? Math.max(x - width - 12, 0) : x + 16}px`
    this.tip.style.top = `${Math.max(y - this.tip.offsetHeight - 10, 0)}px`
  }

  sayVertex(vertex) {
    this.hovered = vertex
    const d = this.describe(vertex), lines = d.wall ? [`${d.side} hemisphere`, "Medial wall"] : this.lines(d)
    this.tip.replaceChildren(...lines.map((text, i) => Object.assign(document.createElement("div"), { textContent: text, className: `line${i}` })))
    if (!d.wall && d.value !== null) this.tip.firstChild.append(...significance(d.significant))
  }

  lines(d) {
    const { unit } = this.maps.header, places = /^(r|rho|R²)$/i.test(unit) ? 3 : 2
    const value = d.value === null ? "no data" : `${unit} = ${d.value.toFixed(places).replace("-", "\u2212")}`
    return [value, d.region ?? "No region", `${d.network ?? "No network"} \u00b7 ${d.side.toLowerCase()} hemisphere`]
  }

  side(x, y) {
    const f = this.frames(this.canvas.clientWidth, this.canvas.clientHeight, this.columns ?? 4)
      .find(g => x >= g.x && x < g.x + g.w && y >= g.y && y < g.y + g.h) ?? { view: VIEWS[0], scale: 1 }
    return { turn: f.view.hemisphere ? -1 : 1, pan: (f.view.hemisphere === 0) !== !!f.view.medial ? 1 : -1, scale: f.scale }
  }

  turn(dx, dy, mirror, shift) {
    if (shift || this.state.surface === "flat") {
      this.camera.panX += (dx * mirror.pan) / mirror.scale
      this.camera.panY -= dy / mirror.scale
    } else {
      this.camera.azimuth += dx * 0.01 * mirror.turn
      this.camera.elevation = Math.min(Math.max(this.camera.elevation + dy * 0.01, -1.57), 1.57)
    }
    this.moved()
  }

  wheel(e) {
    if (!e.ctrlKey && this.canvas.getRootNode().activeElement !== this.canvas) return
    e.preventDefault()
    this.camera.zoom = Math.min(Math.max(this.camera.zoom * Math.exp(-e.deltaY * 0.0015), 0.6), 8)
    this.moved()
  }

  listenPointer() {
    const { canvas } = this
    let drag = null
    canvas.addEventListener("pointerdown", e => {
      drag = { x: e.clientX, y: e.clientY, far: 0, mirror: this.side(e.offsetX, e.offsetY) }
      canvas.setPointerCapture(e.pointerId)
    })
    canvas.addEventListener("pointermove", e => {
      if (!drag) return this.hover(e.offsetX, e.offsetY)
      const dx = e.clientX - drag.x, dy = e.clientY - drag.y
      drag.far += Math.abs(dx) + Math.abs(dy)
      Object.assign(drag, { x: e.clientX, y: e.clientY })
      if (drag.far < 4) return
      this.tip.hidden = true
      this.turn(dx, dy, drag.mirror, e.shiftKey)
    })
    canvas.addEventListener("pointerup", e => {
      const vertex = drag && drag.far < 4 ? this.pick(e.offsetX, e.offsetY) : null
      drag = null
      if (vertex !== null) this.picked(vertex)
    })
    canvas.addEventListener("pointercancel", () => { drag = null })
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true })
  }

  restore() {
    this.painter.prepare()
    this.painter.setAnatomy(this.anatomy)
    this.painter.setOutline(this.state.network)
    this.shown = null
    this.say("")
    this.request()
  }

  // Milliseconds from asking for a map to its finished pixels.
  timeSwitch(map) {
    const begin = performance.now()
    this.set({ map })
    this.draw(!this.painter.software)
    this.painter.finish()
    const took = performance.now() - begin
    this.probe.switchTimes.push(took)
    return took
  }
}
