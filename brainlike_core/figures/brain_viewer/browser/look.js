// How the reader looks at the brain, in the address, so that a link opens the same view: camera, surface, colours.

const LOOK = "look"
const STILL = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 }
const LOOK_NUMBER = /^-?\d{1,6}(\.\d{1,4})?$/

class Look {
  constructor(viewer) {
    this.viewer = viewer
    this.onMove = () => this.open()
    window.addEventListener("popstate", this.onMove) // back, forward, a stop of a talk
  }

  // key, five numbers of the camera, threshold, limit, surface, contours, colours
  text({ camera, state }) {
    const numbers = [...Object.keys(STILL).map(name => camera[name]), state.threshold, state.limit]
    return [this.viewer.data.key, ...numbers.map(x => String(Number(x.toFixed(4)))), state.surface, Number(state.contours), state.colourMap].join("_")
  }

  // What a page without a look shows.
  usual() {
    const { threshold, limit, colour_map: colourMap } = this.viewer.data
    return this.text({ camera: STILL, state: { threshold, limit, colourMap, surface: SURFACES[0], contours: true } })
  }

  // A link is another's: all or nothing, and only what this viewer could have written.
  parse(text) {
    const [key, ...rest] = text.split("_"), numbers = rest.splice(0, 7), [surface, contours, ...colours] = rest, colourMap = colours.join("_")
    const known = SURFACES.includes(surface) && /^[01]$/.test(contours) && Object.hasOwn(COLOUR_TABLES, colourMap)
    if (key !== this.viewer.data.key || !known || !numbers.every(one => LOOK_NUMBER.test(one))) return null
    const [threshold, limit] = numbers.splice(5).map(Number), { map, network } = this.viewer.state
    const camera = Object.fromEntries(Object.keys(STILL).map((name, i) => [name, Number(numbers[i])]))
    return { camera, state: { map, network, threshold, limit, surface, colourMap, contours: contours === "1" } }
  }

  inAddress() {
    return new URLSearchParams(location.search).get(LOOK) ?? ""
  }

  open() {
    const found = this.viewer.data.key && this.viewer.maps ? this.parse(this.inAddress()) : null
    if (found) this.viewer.views.show(found)
    this.opened = true
  }

  // Once the reader rests.
  note() {
    clearTimeout(this.resting)
    if (this.opened && this.viewer.data.key && location.protocol !== "file:") this.resting = setTimeout(() => this.write(), 400)
  }

  write() {
    const text = this.text(this.viewer), before = this.inAddress(), url = new URL(location.href)
    if (text !== this.usual()) url.searchParams.set(LOOK, text)
    else if (before.startsWith(`${this.viewer.data.key}_`)) url.searchParams.delete(LOOK)
    if ((url.searchParams.get(LOOK) ?? "") !== before) history.replaceState(history.state, "", url)
  }

  close() {
    clearTimeout(this.resting)
    window.removeEventListener("popstate", this.onMove)
  }
}
