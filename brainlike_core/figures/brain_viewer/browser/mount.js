const VIEWERS = (window.__brainViewerMounts ??= new WeakMap())

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let viewer = VIEWERS.get(parentElement)
  if (!viewer) {
    viewer = new Viewer(parentElement.querySelector(".viewer"))
    VIEWERS.set(parentElement, viewer)
  }
  window.__brainViewer = (window.__brainViewers ??= {})[data.key] = viewer.probe
  viewer.receive(data, { state: setStateValue, trigger: setTriggerValue })
  return () => {
    VIEWERS.delete(parentElement)
    viewer.close()
  }
}
