const ICONS = {
  back: '<path d="M10 3 5 8l5 5"/>',
  next: '<path d="m6 3 5 5-5 5"/>',
  reset: '<path d="M3 8a5 5 0 1 0 1.6-3.7M3 2.5v3h3"/>',
  save: '<path d="M8 2v8M4.8 7 8 10.2 11.2 7M3 13h10"/>',
  views: '<path d="M4 2.500h8v11l-4-3-4 3Z"/>',
  start: '<path d="M4 3v10M13 3 6.500 8 13 13Z"/>',
  play: '<path d="M4.500 2.500 13 8l-8.500 5.500Z" fill="currentColor"/>',
  pause: '<path d="M5 3v10M11 3v10" stroke-width="2.600"/>',
  contours: '<path d="M2 5.500 6 3l4 2.500L14 3v7.500L10 13l-4-2.500L2 13ZM6 3v7.500M10 5.500V13"/>',
}

function icon(name) {
  return `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${ICONS[name]}</svg>`
}

function swatch(name) {
  const table = hexBytes(COLOUR_TABLES[name])
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map(i => `rgb(${table[3 * i]},${table[3 * i + 1]},${table[3 * i + 2]})`)
  return `linear-gradient(90deg,${stops.join(",")})`
}

const STAGE_MARKUP = `<div class="stage">
  <canvas class="brains" tabindex="0" role="img"></canvas>
  <div class="titles" aria-hidden="true"></div>
  <i class="marker" hidden></i>
  <div class="tip" role="status" hidden></div>
  <p class="notice" hidden></p>
</div>
<canvas class="scale" role="img"></canvas>`

const TOOL_BAR = `
<div class="bar" role="toolbar" aria-label="Brain map controls">
  <div class="group scrub">
    <button type="button" data-act="back" aria-label="Previous map" title="Previous map (left arrow)">${icon("back")}</button>
    <input type="range" data-set="map" min="0" step="1" aria-label="Map">
    <button type="button" data-act="next" aria-label="Next map" title="Next map (right arrow)">${icon("next")}</button>
    <output class="name" data-out="map" aria-live="polite"></output>
  </div>
  <label class="group"><span>Threshold</span><input type="range" data-set="threshold" min="0" aria-label="Threshold"><output data-out="threshold"></output></label>
  <label class="group"><span>Limit</span><input type="range" data-set="limit" aria-label="Colour limit"><output data-out="limit"></output></label>
  <div class="group switch" role="radiogroup" aria-label="Surface" data-choice="surface"></div>
  <div class="group switch swatches" role="radiogroup" aria-label="Colour map" data-choice="colourMap"></div>
  <label class="group"><span>Outline</span><select data-set="network" aria-label="Outline a network"></select></label>
  <div class="group find">
    <input type="search" role="combobox" aria-expanded="false" aria-autocomplete="list" aria-controls="found" aria-label="Find a region or network" placeholder="Find a region" autocomplete="off" spellcheck="false">
    <div role="listbox" id="found" aria-label="Regions and networks" hidden></div>
  </div>
  <div class="group end">
    <details class="views">
      <summary aria-label="Saved views" title="Saved views">${icon("views")}</summary>
      <div><form><input name="name" maxlength="60" aria-label="Name of this view" placeholder="Name this view" autocomplete="off"><button type="submit">Keep</button></form><ul></ul></div>
    </details>
    <button type="button" data-act="contours" aria-label="Network contours" title="Network contours (c)">${icon("contours")}</button>
    <button type="button" data-act="reset" aria-label="Reset the view" title="Reset the view (r)">${icon("reset")}</button>
    <button type="button" data-act="save" aria-label="Download a PNG for print" title="PNG, ${PRINT_MM} mm at ${PRINT_DPI} dpi">${icon("save")}</button>
  </div>
</div>`

const MARKUP = `${TOOL_BAR}${STAGE_MARKUP}`
