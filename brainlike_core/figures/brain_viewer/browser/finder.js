// Find a network or a region by its name: type, choose with the arrows, Enter.

const MOST_FOUND = 12

class Finder {
  constructor(viewer) {
    this.viewer = viewer
    this.input = viewer.root.querySelector(".find input")
    this.list = viewer.root.querySelector(".find [role=listbox]")
    this.at = -1
    this.input.addEventListener("input", () => this.open())
    this.input.addEventListener("focus", () => this.open())
    this.input.addEventListener("keydown", e => this.key(e))
    this.input.addEventListener("blur", () => this.shut())
    // Before blur, which would shut the list under the pointer.
    this.list.addEventListener("pointerdown", e => { e.preventDefault(); this.take(Number(e.target.dataset.at)) })
  }

  setNames({ network_names, location_names, region_names }) {
    const regions = location_names.length ? location_names : region_names
    this.names = [
      ...network_names.map((name, index) => ({ name, kind: "network", index })), ...regions.map((name, index) => ({ name, kind: "region", index })),
    ]
  }

  // Names that hold every word typed; those that begin with it first.
  matches(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean)
    if (!words.length) return []
    const rank = ({ name }) => (name.toLowerCase().startsWith(words[0]) ? 0 : 1)
    return this.names.filter(({ name }) => words.every(word => name.toLowerCase().includes(word))).sort((a, b) => rank(a) - rank(b)).slice(0, MOST_FOUND)
  }

  open() {
    this.found = this.names ? this.matches(this.input.value) : []
    this.list.replaceChildren(...this.found.map(({ name, kind }, i) => {
      const option = Object.assign(document.createElement("div"), { role: "option", id: `${this.list.id}-${i}`, textContent: `${name} \u00b7 ${kind}` })
      option.dataset.at = i
      return option
    }))
    this.list.hidden = !this.found.length
    this.input.setAttribute("aria-expanded", !this.list.hidden)
    this.point(this.found.length ? 0 : -1)
  }

  point(at) {
    this.at = at
    ;[...this.list.children].forEach((option, i) => option.setAttribute("aria-selected", i === at))
    this.list.children[at]?.scrollIntoView({ block: "nearest" })
    this.input.setAttribute("aria-activedescendant", at < 0 ? "" : `${this.list.id}-${at}`)
  }

  shut() {
    this.list.hidden = true
    this.input.setAttribute("aria-expanded", false)
  }

  key(e) {
    const n = this.found?.length ?? 0
    const acts = {
      ArrowDown: () => n && this.point((this.at + 1) % n), ArrowUp: () => n && this.point((this.at + n - 1) % n),
      Enter: () => this.take(this.at), Escape: () => this.shut(),
    }
    e.stopPropagation() // letters are shortcuts elsewhere
    if (!acts[e.key]) return
    e.preventDefault()
    acts[e.key]()
  }

  take(at) {
    const chosen = this.found?.[at]
    if (!chosen) return
    this.input.value = chosen.name
    this.shut()
    if (chosen.kind === "network") this.viewer.set({ network: chosen.index + 1 })
    else this.viewer.showRegion(chosen.index)
  }
}
