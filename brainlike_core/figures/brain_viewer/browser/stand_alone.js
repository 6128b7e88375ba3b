// Starts the figures of a page that has no server: bytes from the page itself.

async function unpackBlock(element) {
  const packed = Uint8Array.from(atob(element.textContent.trim()), letter => letter.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function startFigure(host, css) {
  const shadow = host.attachShadow({ mode: "open" }), root = Object.assign(document.createElement("div"), { className: "viewer" })
  shadow.append(Object.assign(document.createElement("style"), { textContent: css }), root)
  const viewer = new Viewer(root), data = JSON.parse(host.dataset.brainFigure)
  if (!viewer.painter) shadow.append(document.createElement("slot")) // what the page holds for this case
  window.__brainViewer = (window.__brainViewers ??= {})[data.key] = viewer.probe
  viewer.receive(data, { state() {}, trigger() {} })
}

async function startFigures() {
  for (const block of document.querySelectorAll("script[data-brain-block]")) {
    keepBlock(await unpackBlock(block))
    block.remove()
  }
  const css = document.querySelector("template[data-brain-style]").innerHTML
  // A browser holds few drawing contexts and a report may have many figures: each starts when it comes near.
  const near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue
      near.unobserve(target)
      startFigure(target, css)
    }
  }, { rootMargin: "300px" })
  for (const host of document.querySelectorAll("[data-brain-figure]")) near.observe(host)
}

startFigures()
