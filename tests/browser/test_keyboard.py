"""From Start to an exported figure without a pointer: each stop of the way can be seen, and the file opens."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from pypdf import PdfReader

from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]
# The element in focus, inside components too: its words, and whether it, or what frames it, has a ring.
FOCUS = """() => {
  let e = document.activeElement
  while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement
  const ring = n => {
    const s = getComputedStyle(n)
    return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"
  }
  const frames = [e, e.parentElement, e.parentElement?.parentElement, e.nextElementSibling].filter(Boolean)
  const words = e.cloneNode(true)
  words.querySelectorAll?.('[data-testid="stIconMaterial"]').forEach(icon => icon.remove())
  const box = e.getBoundingClientRect()
  return {
    name: (e.getAttribute("aria-label") || words.textContent || e.tagName).trim(), role: e.getAttribute("role"), tag: e.tagName,
    ring: frames.some(ring), border: getComputedStyle(frames[frames.length > 2 ? 2 : 0]).borderColor,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0, body: e === document.body,
    html: e.outerHTML.slice(0, 200),
  }
}"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    """The whole app on a store with one run, on a server that nobody has opened yet."""
    folder = tmp_path_factory.mktemp("cache")
    made.write(made.make_run(), folder)
    return serve(ROOT / "app.py", BRAINLIKE_CACHE=str(folder))


class Walk:
    """Keys alone; every stop is noted and must be seen."""

    def __init__(self, tab) -> None:
        self.tab, self.unseen, self.stops = tab, [], []

    def to(self, name: str, key: str = "Tab", most: int = 90) -> None:
        """Press a key until the element in focus is called so."""
        for _ in range(most):
            self.tab.keyboard.press(key)
            self.tab.wait_for_timeout(120)
            here = self.tab.evaluate(FOCUS)
            if here["body"]:
                continue
            self.stops.append(here["name"])
            if not (here["ring"] and here["seen"]):
                self.unseen.append(here)
            if here["name"] == name:
                return
        raise AssertionError(f"{name} was not reached by {key}: {self.stops[-most:]}")

    def rest(self) -> None:
        """Until the page has been drawn."""
        self.tab.wait_for_timeout(400)
        self.tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def test_from_start_to_a_saved_figure_by_keys_alone(browser, address):
    """Side bar, a network by name, a chart's table, Export, a format, a file: no pointer, and every stop is seen."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    walk = Walk(tab)
    try:
        tab.goto(address)
        tab.get_by_role("heading", name="Which neurons go with which brain network?").wait_for()
        walk.rest()
        walk.to("Correspondence")
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name="Correspondence", exact=True).wait_for()
        walk.rest()
        _choose_language(walk)
        _read_the_table(walk)
        png, svg, pdf = _save(walk)
    finally:
        context.close()
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG" and picture.width == pytest.approx(
        2126, abs=2
    )  # 180 mm at 300 dots per inch
    text = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    assert any("Language" in "".join(node.itertext()) for node in text)
    (sheet,) = PdfReader(io.BytesIO(pdf)).pages
    assert "Language" in sheet.extract_text()
    assert not walk.unseen, "\n".join(str(one) for one in walk.unseen)


def _choose_language(walk: Walk) -> None:
    """The select box of brain networks, typed into."""
    walk.to("Brain network")
    walk.tab.keyboard.type("Langu")
    walk.tab.keyboard.press("Enter")
    walk.tab.wait_for_function("location.search.includes('network=language')")
    walk.rest()


def _read_the_table(walk: Walk) -> None:
    """Table below a chart, opened and closed."""
    walk.to("Table")
    walk.tab.keyboard.press("Enter")
    walk.tab.get_by_test_id("stPopoverBody").get_by_test_id("stDataFrame").wait_for()
    walk.rest()
    walk.tab.keyboard.press("Escape")
    walk.tab.get_by_test_id("stPopoverBody").wait_for(state="detached")
    walk.rest()
    assert "Table" in walk.tab.evaluate(FOCUS)["name"]  # back where it was opened


def _save(walk: Walk) -> list[bytes]:
    """Back to Export; each format by arrow; its file."""
    walk.to("Export", "Shift+Tab")
    walk.tab.keyboard.press("Enter")
    walk.tab.get_by_role("button", name="Save figure").wait_for()
    walk.rest()
    walk.to("PNG", most=3)
    files = [_file(walk, "png")]
    for before, kind, said in (("PNG", "SVG", "text stays text"), ("SVG", "PDF", "for print")):
        walk.to(before, "Shift+Tab", 3)
        walk.to(kind, "ArrowRight", 1)
        walk.tab.keyboard.press("Space")
        walk.tab.get_by_text(said).wait_for()
        walk.rest()
        files.append(_file(walk, kind.lower()))
    return files


def _file(walk: Walk, ending: str) -> bytes:
    """What Save figure gives; the keyboard is where it was."""
    walk.to("Save figure", most=2)
    with walk.tab.expect_download(timeout=120_000) as told:
        walk.tab.keyboard.press("Enter")
    assert told.value.suggested_filename.endswith(f".{ending}")
    walk.tab.wait_for_function(
        "document.activeElement.textContent.includes('Save figure') && document.activeElement.matches('button')"
    )
    return Path(told.value.path()).read_bytes()
