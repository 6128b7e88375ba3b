const PLAYERS = (window.__storyPlayerMounts ??= new WeakMap())

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let player = PLAYERS.get(parentElement)
  if (!player) {
    player = new StoryPlayer(parentElement.querySelector(".viewer"))
    PLAYERS.set(parentElement, player)
  }
  window.__storyPlayer = player.probe
  player.receive(data, { state: setStateValue, trigger: setTriggerValue })
  return () => {
    PLAYERS.delete(parentElement)
    player.close()
  }
}
