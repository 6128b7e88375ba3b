// Presenter mode: larger type, keys, and a list of saved stops kept in this browser.
const KEPT = "brainlike-stops"
const MOUNTED = (window.__stage ??= new WeakMap())
const LARGER = `html { font-size: 21px !important; }
[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"], [data-testid="stHeader"] { display: none !important; }
[data-testid="stMainBlockContainer"] { padding-top: 1.5rem !important; padding-bottom: 6rem !important; }`

// The rules stay while one page gives way to the next.
function enlarge(larger) {
  const style = document.getElementById("brainlike-larger")
  if (larger && !style) document.head.append(Object.assign(document.createElement("style"), { id: "brainlike-larger", textContent: LARGER }))
  if (!larger) style?.remove()
}

// What others saved is data, not trusted: only pages of this app, and plain text.
function checked(stops) {
  if (!Array.isArray(stops)) throw new Error("found no list")
  return stops.slice(0, 99).map(stop => {
    const url = new URL(String(stop.address), location.origin)
    if (url.origin !== location.origin || !/^[\w/.-]*$/.test(url.pathname)) throw new Error("found an address outside this app")
    return { title: String(stop.title ?? "").slice(0, 120), address: url.pathname + url.search }
  })
}

const encode = stops => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(stops)))).replaceAll("+", "-").replaceAll("/", "_")
const decode = text => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0))))

function open(address) {
  history.pushState({}, "", address)
  window.dispatchEvent(new PopStateEvent("popstate", { state: {} }))
}

function addressWith(changes, from = location.pathname + location.search) {
  const url = new URL(from, location.origin)
  for (const [name, value] of Object.entries(changes)) value === null ? url.searchParams.delete(name) : url.searchParams.set(name, value)
  return url.pathname + url.search
}

// The first element that fits, also inside components, which have roots of their own.
function deep(selector, root = document) {
  const found = root.querySelector(selector)
  if (found) return found
  for (const element of root.querySelectorAll("*")) {
    const inside = element.shadowRoot && deep(selector, element.shadowRoot)
    if (inside) return inside
  }
  return null
}

// What a popover holds stands at the end of the page: Enter leads the keyboard in, Escape back to its button.
const inside = () => document.querySelector('[data-testid="stPopoverBody"]')
async function intoPopover(e) {
  const button = e.target.closest?.('[data-testid="stPopover"] button')
  if (button && (e.key === "Enter" || e.key === " ") && !inside()) {
    for (let i = 0; i < 60 && !inside(); i++) await new Promise(requestAnimationFrame)
    const body = inside()
    if (!body) return
    Object.assign(body, { tabIndex: -1, openedBy: button }).focus({ preventScroll: true })
  } else if (e.key === "Escape" && inside()?.contains(e.target)) {
    const back = inside().openedBy
    for (let i = 0; i < 60 && inside(); i++) await new Promise(requestAnimationFrame)
    if (!inside()) back?.focus()
  }
}

// A button that makes a file is disabled meanwhile and loses the keyboard, which comes back when the file is there.
async function backToSaved(e) {
  const place = e.target.closest?.('[data-testid="stDownloadButton"]')?.parentElement
  if (!place || (e.key !== "Enter" && e.key !== " ")) return
  for (let i = 0; i < 600; i++) {
    await new Promise(done => setTimeout(done, 100))
    const now = document.activeElement, button = place.querySelector("button:enabled")
    if (now !== document.body && !(place.contains(now) && i < 20)) return
    if (now === document.body && button) return button.focus({ preventScroll: true })
  }
}

class Stage {
  constructor(root) {
    window.__listening?.close()  // one page's keys serve until the next one listens
    window.__listening = this
    this.root = root
    this.at = -1
    this.onKey = e => this.key(e)
    window.addEventListener("keydown", this.onKey)
    window.addEventListener("keydown", intoPopover, true)  // once, however often it is asked for
    window.addEventListener("keydown", backToSaved, true)
    root.addEventListener("click", e => {
      const button = e.target.closest("[data-act]")
      if (button) this.act(button.dataset.act, Number(button.dataset.i))
    })
    root.addEventListener("change", e => {
      if (e.target.type === "file") this.load(e.target)
      else if (e.target.dataset.i) this.rename(Number(e.target.dataset.i), e.target.value)
    })
    this.receiveLink()
  }

  receive(data, setStateValue) {
    this.data = data
    enlarge(data.present)
    if (data.waits) setStateValue("larger", true)
    this.root.hidden = !data.present
    const here = addressWith({ present: null })
    const found = this.stops.findIndex(stop => stop.address === here)
    if (found >= 0) this.at = found
    this.draw()
  }

  get stops() {
    try { return checked(JSON.parse(localStorage.getItem(KEPT) ?? "[]")) } catch { return [] }
  }

  keep(stops) {
    localStorage.setItem(KEPT, JSON.stringify(stops))
    this.draw()
  }

  // A link may bring stops after its '#'; they are added once, and leave the address.
  receiveLink() {
    const match = /^#stops=([\w=-]+)$/.exec(location.hash)
    if (!match) return
    history.replaceState({}, "", location.pathname + location.search)
    try { this.add(checked(decode(match[1]))) } catch { this.say("The stops of this link could not be read.") }
  }

  add(more) {
    const known = this.stops, old = new Set(known.map(stop => stop.address))
    const fresh = more.filter(stop => !old.has(stop.address))
    this.keep([...known, ...fresh].slice(0, 99))
    this.say(`${fresh.length} ${fresh.length === 1 ? "stop" : "stops"} added.`)
  }

  draw() {
    const { root } = this, stops = this.stops, stop = stops[this.at]
    const there = stop?.address === addressWith({ present: null })
    const where = stop ? `${there ? "Stop" : "After stop"} ${this.at + 1} of ${stops.length}${there ? `: ${stop.title}` : ""}` : `Saved stops: ${stops.length}`
    root.querySelector(".where").textContent = stops.length ? where : "No stops saved yet"
    const list = root.querySelector("ol")
    list.replaceChildren(...stops.map((one, i) => this.row(one, i)))
    for (const button of root.querySelectorAll("[data-needs]")) button.disabled = !stops.length
  }

  row(stop, i) {
    const row = document.createElement("li")
    const title = Object.assign(document.createElement("input"), { value: stop.title })
    title.dataset.i = i
    title.setAttribute("aria-label", `Title of stop ${i + 1}`)
    const act = (name, text, label) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text })
      Object.assign(button.dataset, { act: name, i })
      button.setAttribute("aria-label", `${label} stop ${i + 1}`)
      return button
    }
    row.append(title, act("go", "Go", "Go to"), act("up", "\u2191", "Move up"), act("remove", "\u00d7", "Remove"))
    row.classList.toggle("here", i === this.at)
    return row
  }

  say(text) { this.root.querySelector(".said").textContent = text }

  go(i) {
    const stops = this.stops
    if (!stops[i]) return
    this.at = i
    this.draw()
    open(addressWith({ present: "1" }, stops[i].address))
  }

  rename(i, title) {
    const stops = this.stops
    stops[i].title = title.slice(0, 120)
    this.keep(stops)
  }

  act(name, i) {
    const stops = this.stops, list = this.root.querySelector(".list")
    if (name === "go") this.go(i)
    if (name === "next") this.go(Math.min(this.at + 1, stops.length - 1))
    if (name === "back") this.go(Math.max(this.at - 1, 0))
    if (name === "leave") open(addressWith({ present: null }))
    if (name === "list") list.hidden = !list.hidden
    if (name === "up" && i > 0) this.keep(stops.toSpliced(i - 1, 2, stops[i], stops[i - 1]))
    if (name === "remove") { this.at = -1; this.keep(stops.toSpliced(i, 1)) }
    if (name === "save") this.save(stops)
    if (name === "link") this.copyLink(stops)
    if (name === "file") this.saveFile(stops)
  }

  save(stops) {
    const address = addressWith({ present: null }), known = stops.findIndex(stop => stop.address === address)
    if (known >= 0) return this.say(`This view is stop ${known + 1} already.`)
    const asked = new URLSearchParams(location.search)
    const what = [asked.get("atom") && `atom ${asked.get("atom")}`, asked.get("network"), asked.get("view")].filter(Boolean)
    this.at = stops.length
    this.keep([...stops, { title: [this.data.title, ...what].join(" \u00b7 "), address }])
    this.say(`Saved as stop ${stops.length + 1}.`)
  }

  async copyLink(stops) {
    const link = `${location.origin}${addressWith({ present: "1" })}#stops=${encode(stops)}`
    try {
      await navigator.clipboard.writeText(link)
      this.say("The link with all stops is on the clipboard.")
    } catch { this.say(link) }
  }

  saveFile(stops) {
    const address = URL.createObjectURL(new Blob([JSON.stringify(stops, null, 1)], { type: "application/json" }))
    Object.assign(document.createElement("a"), { href: address, download: "stops.json" }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10000)
  }

  async load(input) {
    try { this.add(checked(JSON.parse(await input.files[0].text()))) } catch { this.say("This file holds no stops.") }
    input.value = ""
  }

  key(e) {
    const from = e.composedPath()[0]
    const typing = from.closest?.("input, textarea, select, [contenteditable=true], [role=combobox], [role=listbox], [role=slider], [role=grid]")
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing || !this.data) return
    if (e.key.toLowerCase() === "f") open(addressWith({ present: this.data.present ? null : "1" }))
    else if (!this.data.present || !this.present(e, from)) return
    e.preventDefault()
  }

  // Keys of presenter mode; true where the key was one of them.
  present(e, from) {
    const onButton = from.closest?.("button, a, [role=button]")
    const map = { ArrowRight: 1, ArrowLeft: -1 }
    if (/^[1-9]$/.test(e.key)) this.go(Number(e.key) - 1)
    else if (e.key === "PageDown") this.act("next")
    else if (e.key === "PageUp") this.act("back")
    else if (e.key in map && !from.closest?.("[role=radiogroup], [role=tablist]")) window.__brainViewer?.viewer.step(map[e.key])
    else if (e.key === " " && !onButton) deep("[data-act=play]")?.click()
    else if (e.key === "Escape") this.root.querySelector(".list").hidden = true
    else return false
    return true
  }

  close() {
    window.removeEventListener("keydown", this.onKey)
    window.removeEventListener("keydown", intoPopover, true)
    window.removeEventListener("keydown", backToSaved, true)
  }
}

export default function ({ data, parentElement, setStateValue }) {
  if (new URLSearchParams(location.search).get("embed") === "1") location.replace(addressWith({ embed: "true" }))
  let stage = MOUNTED.get(parentElement)
  if (!stage) MOUNTED.set(parentElement, (stage = new Stage(parentElement.querySelector(".stage"))))
  stage.receive(data, setStateValue)
  return () => MOUNTED.delete(parentElement)
}
