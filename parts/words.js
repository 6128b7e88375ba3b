const MOUNTED = (window.__storyWords ??= new WeakMap())
const clock = s => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`

class Transcript {
  constructor(root) {
    this.root = root
    this.told = root.querySelector(".told")
    this.text = root.querySelector(".text")
    this.spans = []
    const word = e => (e.target.closest("span") ? Number(e.target.closest("span").dataset.i) : null)
    this.text.addEventListener("pointerover", e => word(e) !== null && this.say(word(e)))
    this.text.addEventListener("pointerleave", () => this.say(this.data.chosen))
    this.text.addEventListener("focusin", e => word(e) !== null && this.say(word(e)))
    this.text.addEventListener("click", e => word(e) !== null && this.choose(word(e)))
    this.text.addEventListener("keydown", e => this.key(e))
  }

  receive(data, send) {
    const last = this.data
    this.send = send
    this.data = data
    if (last?.story !== data.story || last?.text.length !== data.text.length) this.write()
    const [red, blue] = data.colours
    data.text.forEach((_, i) => {
      const sd = data.activity[i], span = this.spans[i]
      const strength = sd === null ? 0 : Math.min(Math.max(Math.abs(sd) - 0.5, 0) / 2.5, 1) * 0.6
      span.style.background = strength ? `rgba(${sd > 0 ? red : blue}, ${strength.toFixed(2)})` : ""
      span.setAttribute("aria-label", this.describe(i))
      span.setAttribute("aria-pressed", i === data.chosen)
    })
    this.text.style.maxHeight = `${data.height}px`
    this.text.setAttribute("aria-label", data.label)
    this.root.querySelector(".key").style.background =
      `linear-gradient(90deg, rgba(${blue}, 0.6), rgba(${blue}, 0) 41%, rgba(${red}, 0) 59%, rgba(${red}, 0.6))`
    if (data.chosen !== last?.chosen) this.stop(data.chosen ?? 0, data.chosen !== null)
    this.say(data.chosen)
  }

  write() {
    this.text.replaceChildren()
    this.spans = this.data.text.map((word, i) => {
      const span = document.createElement("span")
      Object.assign(span, { textContent: word, tabIndex: -1 })
      span.setAttribute("role", "button")
      span.dataset.i = i
      this.text.append(span, " ")
      return span
    })
    if (this.spans[0]) this.spans[0].tabIndex = 0
  }

  describe(i) {
    const sd = this.data.activity[i]
    const value = sd === null ? "no activity" : `${sd < 0 ? "\u2212" : "+"}${Math.abs(sd).toFixed(1)} SD`
    return `${this.data.text[i]}, ${clock(this.data.seconds[i])}, ${value}`
  }

  say(i) {
    const bold = this.told.querySelector("b")
    bold.textContent = i === null || !this.spans[i] ? this.data.hint : this.describe(i)
  }

  // One word is a tab stop; arrows move it.
  stop(i, show) {
    const old = this.text.querySelector('span[tabindex="0"]')
    if (old) old.tabIndex = -1
    const span = this.spans[i]
    if (!span) return
    span.tabIndex = 0
    if (show) this.text.scrollTop = span.offsetTop - this.text.clientHeight / 2
  }

  choose(i) {
    this.stop(i, false)
    this.send("word", i)
  }

  key(e) {
    const span = e.target.closest("span")
    if (!span || e.ctrlKey || e.metaKey || e.altKey) return
    const i = Number(span.dataset.i), last = this.spans.length - 1
    const steps = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: last, ArrowDown: this.line(i, 1), ArrowUp: this.line(i, -1) }
    if (e.key === "Enter" || e.key === " ") this.choose(i)
    else if (e.key in steps) {
      const next = Math.min(Math.max(steps[e.key], 0), last)
      this.stop(next, false)
      this.spans[next].focus()
    } else return
    e.preventDefault()
    e.stopPropagation()
  }

  // The word one line down or up that starts nearest to this one's place.
  line(i, by) {
    const here = this.spans[i]
    let best = i, found = null
    for (let j = i + by; j >= 0 && j < this.spans.length; j += by) {
      const top = this.spans[j].offsetTop
      if (Math.abs(top - here.offsetTop) < 3) continue
      if (found !== null && Math.abs(top - found) > 3) break
      found ??= top
      if (best === i || Math.abs(this.spans[j].offsetLeft - here.offsetLeft) < Math.abs(this.spans[best].offsetLeft - here.offsetLeft)) best = j
    }
    return best
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let mounted = MOUNTED.get(parentElement)
  if (!mounted) MOUNTED.set(parentElement, (mounted = new Transcript(parentElement.querySelector(".words"))))
  mounted.receive(data, setTriggerValue)
  return () => MOUNTED.delete(parentElement)
}
