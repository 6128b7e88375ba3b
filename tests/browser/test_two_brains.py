"""Two brains and their difference in a real browser: linked by camera and map, told apart by scale."""

from __future__ import annotations

import json

import pytest

from tests.made_views import make_pair

pytestmark = pytest.mark.browser
PROBE = "window.__brainViewer"
DRAWN = f"{PROBE}?.ready && [{PROBE}, ...({PROBE}.others ?? []).map(o => o.probe)].every(p => p.draws > 0)"


@pytest.fixture(scope="module")
def page(viewer_app, browser):
    """One tab for all tests of this file: they only look, turn and click."""
    tab = browser.new_page(viewport={"width": 1300, "height": 800})
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.goto(f"{viewer_app}/?kind=pair")
    tab.wait_for_function(DRAWN, timeout=90_000)
    yield tab
    tab.close()


def test_three_brains_turn_together(page):
    """A turn of the third picture turns all; so does a change of surface."""
    page.evaluate(f"{PROBE}.others[1].turn(40, 10, {{ turn: 1, pan: 1, scale: 1 }})")
    cameras = page.evaluate(
        f"[{PROBE}.viewer, ...{PROBE}.others].map(v => [v.camera.azimuth, v.camera.elevation])"
    )
    assert cameras[0] == cameras[1] == cameras[2] and cameras[0][0] == pytest.approx(0.4)
    page.get_by_role("radio", name="Pial").click()
    page.wait_for_function(f"{PROBE}.others.every(o => o.mixing[1] === 1)", timeout=30_000)
    page.get_by_role("button", name="Reset the view").click()
    assert page.evaluate(f"{PROBE}.others[0].camera.azimuth") == 0


def test_one_map_is_shown_on_each_side(page):
    """The next map is next on both sides and in the difference, which keeps its own limit."""
    page.get_by_role("button", name="Next map").click()
    state = page.evaluate(
        f"[{PROBE}.viewer, ...{PROBE}.others].map(v => [v.state.map, v.state.limit, v.state.threshold])"
    )
    first = state[0][0]
    assert [s[0] for s in state] == [first, first + 12, first + 24]
    assert state[0][1] == state[1][1] > state[2][1] and state[2][2] == 0


def test_the_read_out_has_all_three_values(page):
    """Wherever the pointer is: both values and their difference, region and network."""
    view, at = make_pair(), page.evaluate(f"{PROBE}.viewer.state.map")
    vertex, place = next(
        (v, p) for v in range(300, 20000, 97)
        if not view.wall[v] and (p := page.evaluate(f"{PROBE}.others[1].locate({v})"))
    )  # fmt: skip
    page.mouse.move(place["x"], place["y"])
    said = page.locator(".tip:visible").inner_text().replace("\u2212", "-")
    values = [view.describe(at + 12 * k, vertex)["value"] for k in range(3)]
    for title, value in zip(("First", "Second", "First - Second"), values, strict=True):
        assert f"{title}: z {value:.2f}" in said
    assert view.describe(at, vertex)["region"] in said and values[0] == pytest.approx(2 * values[1])


def test_a_click_on_any_brain_reaches_python(page):
    """A click in the second picture tells the place and the map; no script failed on the way."""
    view, at = make_pair(), page.evaluate(f"{PROBE}.viewer.state.map")
    vertex, place = next(
        (v, p) for v in range(500, 20000, 97)
        if not view.wall[v] and (p := page.evaluate(f"{PROBE}.others[0].locate({v})"))
    )  # fmt: skip
    page.mouse.click(place["x"], place["y"])
    page.wait_for_function("document.body.innerText.includes('\"vertex\"')", timeout=30_000)
    assert json.loads(page.get_by_test_id("stText").inner_text())["pick"] == view.describe(at, vertex) | {
        "map": at
    }
    assert page.problems == []


def test_all_three_are_saved_in_one_picture(page):
    """The sheet is three pictures high, 180 mm wide at 300 dpi."""
    width, height = page.evaluate(
        f"(async () => {{ const b = await createImageBitmap(await {PROBE}.viewer.print()); return [b.width, b.height] }})()"
    )
    assert width == 2126 and height > 1.2 * width * 178 / 224 * 3 / 4
