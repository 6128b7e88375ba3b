const PAIRS = (window.__brainPairMounts ??= new WeakMap())

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let viewer = PAIRS.get(parentElement)
  if (!viewer) {
    viewer = new PairViewer(parentElement.querySelector(".viewer"))
    PAIRS.set(parentElement, viewer)
  }
  window.__brainViewer = (window.__brainViewers ??= {})[data.key] = viewer.probe
  viewer.receive(data, { state: setStateValue, trigger: setTriggerValue })
  return () => {
    PAIRS.delete(parentElement)
    viewer.close()
  }
}
