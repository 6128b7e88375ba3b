"""Every page comes calmly: nothing moves once it can be read, nothing is asked of another host, nothing goes wrong."""

from __future__ import annotations

import pytest

PAGES = (
    "",
    "Brain_maps?network=language&region=42",
    "Brain_maps?view=words",
    "Correspondence?network=language",
    "Compare_models",
    "Functional_networks",
    *(f"Learn?step={step}" for step in (1, 4, 6, 10)),
    "Library",
    "How_much_data",
    "Correspondence?present=1",
    "Brain_maps?embed=true&atom=3",
)
GOOD = 0.1  # cumulative layout shift that the web calls good, https://web.dev/articles/cls
# Streamlit asks for its own two addresses beneath the page first, and then at the root.
ITS_OWN = ("_stcore/health", "_stcore/host-config")
# Shifts from the moment at which the title and the side bar (in a slide: the first words) can be read.
WATCH = """
window.shifts = []
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push([entry.startTime, entry.value])
}).observe({ type: "layout-shift", buffered: true })
const look = () => {
  const page = document.querySelector('h1, [data-testid="stCaptionContainer"]'), side = document.querySelector('[data-testid="stSidebar"] a')
  if (page && (side || /embed|present/.test(location.search))) window.readable ??= performance.now()
  else requestAnimationFrame(look)
}
requestAnimationFrame(look)
"""

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(browser, comparison):
    """A tab that reaches the app's address alone, and notes what else is asked for and what goes wrong."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    tab = context.new_page()
    tab.strangers, tab.errors = [], []

    def pass_on(route):
        inside = route.request.url.startswith((comparison, "data:", "blob:"))
        if not inside:
            tab.strangers.append(route.request.url)
        route.continue_() if inside else route.abort()

    tab.route("**/*", pass_on)
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on(
        "console", lambda said: tab.errors.append(f"{said.text} {said.location}") if _wrong(said) else None
    )
    tab.add_init_script(WATCH)
    yield tab
    context.close()


def _wrong(said) -> bool:
    missing = "404" in said.text and said.location.get("url", "").endswith(ITS_OWN)
    return said.type == "error" and not missing


@pytest.mark.parametrize("path", PAGES)
def test_a_page_comes_calmly(tab, comparison, path):
    """No other host, no error, and of a page, once it can be read, a layout shift that the web calls good."""
    tab.goto(f"{comparison}/{path}")
    tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    tab.wait_for_function("window.readable")
    tab.wait_for_timeout(2500)
    moved = tab.evaluate(
        "window.shifts.filter(([at]) => at > window.readable).reduce((sum, [, v]) => sum + v, 0)"
    )
    print(f"{path or 'Start'}: layout shift {moved:.3f}")
    assert tab.strangers == []
    assert tab.errors == []
    assert moved <= GOOD


def test_a_shift_would_be_seen(tab, comparison):
    """The measure is not blind: a block pushed into the page counts."""
    tab.goto(f"{comparison}/How_much_data")
    tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    tab.wait_for_function("window.readable")
    tab.wait_for_timeout(2500)
    count = "window.shifts.filter(([at]) => at > window.readable).reduce((sum, [, v]) => sum + v, 0)"
    before = tab.evaluate(count)
    tab.evaluate(
        """() => document.querySelector('[data-testid="stMainBlockContainer"]').prepend(
            Object.assign(document.createElement("div"), { style: "height: 400px; flex: none", textContent: "!" }))"""
    )
    tab.wait_for_timeout(500)
    assert tab.evaluate(count) > before + GOOD


def test_a_place_grows_with_what_it_holds(tab, comparison):
    """On a narrow page the brains stand two by two, higher than the place kept for them: the line below makes way."""
    tab.set_viewport_size({"width": 800, "height": 1200})
    tab.goto(f"{comparison}/Brain_maps?atom=3")
    tab.wait_for_function("window.__brainViewer?.draws > 0", timeout=60_000)
    tab.wait_for_timeout(1000)
    brain = tab.locator(".viewer").bounding_box()
    below = tab.get_by_text("Group map: z of encoding weights").bounding_box()
    assert brain["height"] > 400 and below["y"] >= brain["y"] + brain["height"]
