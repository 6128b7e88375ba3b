// Views under a name, kept by this browser: camera, surface, map, threshold, limit, outline, colours.

const VIEWS_KEY = "brainlike.views"
const KEPT = ["map", "threshold", "limit", "network", "colourMap", "surface", "contours"]
const MOST_VIEWS = 30

class SavedViews {
  constructor(viewer) {
    this.viewer = viewer
    this.box = viewer.root.querySelector(".views")
    const form = this.box.querySelector("form")
    form.addEventListener("submit", e => { e.preventDefault(); this.keep(form.elements.name.value.trim()); form.reset() })
    this.box.addEventListener("keydown", e => {
      e.stopPropagation()
      if (e.key === "Escape") { this.box.open = false; this.box.querySelector("summary").focus() }
    })
    this.box.addEventListener("toggle", () => this.list())
    this.box.querySelector("ul").addEventListener("click", e => {
      const { name, act } = e.target.closest("button")?.dataset ?? {}
      if (act === "forget") this.write(this.read().filter(view => view.name !== name))
      else if (name !== undefined) this.show(this.read().find(view => view.name === name))
    })
  }

  // What is kept is the browser's, and may be anything.
  read() {
    try {
      const found = JSON.parse(localStorage.getItem(VIEWS_KEY))
      return Array.isArray(found) ? found.filter(view => typeof view?.name === "string" && view.state && view.camera) : []
    } catch {
      return []
    }
  }

  write(views) {
    try {
      localStorage.setItem(VIEWS_KEY, JSON.stringify(views.slice(-MOST_VIEWS)))
    } catch {
      this.viewer.say("This browser keeps nothing for this page, so views cannot be saved.")
      setTimeout(() => this.viewer.say(""), 4000)
    }
    this.list()
  }

  keep(name) {
    if (!name) return
    const { state, camera } = this.viewer
    const view = { name, camera: { ...camera }, state: Object.fromEntries(KEPT.map(key => [key, state[key]])) }
    this.write([...this.read().filter(other => other.name !== name), view])
  }

  show({ camera, state }) {
    const { viewer } = this, { network_names } = viewer.geometry.header, number_ = (value, low, high, other) => (value >= low && value <= high ? value : other)
    viewer.camera = Object.fromEntries(Object.entries(viewer.camera).map(([key, now]) => [key, Number.isFinite(camera[key]) ? camera[key] : now]))
    viewer.camera.zoom = number_(viewer.camera.zoom, 0.6, 8, 1)
    viewer.camera.elevation = number_(viewer.camera.elevation, -1.57, 1.57, 0)
    viewer.set({
      map: number_(Math.floor(state.map), 0, viewer.nMaps() - 1, viewer.state.map), contours: !!state.contours,
      threshold: number_(state.threshold, 0, 1e9, viewer.state.threshold), limit: number_(state.limit, 1e-9, 1e9, viewer.state.limit),
      network: number_(Math.floor(state.network), 0, network_names.length, 0),
      colourMap: COLOUR_TABLES[state.colourMap] ? state.colourMap : viewer.state.colourMap,
    })
    viewer.morph(SURFACES.includes(state.surface) ? state.surface : viewer.state.surface)
    viewer.tell()
  }

  list() {
    const rows = this.read().map(({ name }) => {
      const row = document.createElement("li"), button = (text, dataset, label) => {
        const made = Object.assign(document.createElement("button"), { type: "button", textContent: text })
        Object.assign(made.dataset, dataset)
        if (label) made.setAttribute("aria-label", label)
        return made
      }
      row.append(button(name, { name }), button("\u00d7", { name, act: "forget" }, `Forget ${name}`))
      return row
    })
    this.box.querySelector("ul").replaceChildren(...rows)
  }
}
