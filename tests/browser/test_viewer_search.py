"""Finding a region by its name, and views kept under a name, in a real browser."""

from __future__ import annotations

import json

import pytest

from tests.made_views import make_view

pytestmark = pytest.mark.browser
PROBE = "window.__brainViewer"


@pytest.fixture(scope="module")
def page(viewer_app, browser):
    """One tab for all tests of this file."""
    tab = browser.new_page(viewport={"width": 1300, "height": 800})
    tab.problems, tab.address = [], f"{viewer_app}/?kind=parcels"
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    open_page(tab)
    yield tab
    tab.close()


def open_page(tab) -> None:
    tab.goto(tab.address)
    tab.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=90_000)


def test_a_region_is_found_by_typing_and_told_to_python(page):
    """Two words narrow the list; the arrow and Enter take the second; brain, read-out and Python know it."""
    field = page.get_by_role("combobox", name="Find a region or network")
    field.press_sequentially("gion 4 right")
    names = page.locator(".find [role=option]").all_inner_texts()
    assert names and all("Right region" in name and "4" in name for name in names)
    field.press("ArrowDown")
    assert page.locator(".find [aria-selected=true]").inner_text() == names[1]
    field.press("Enter")
    chosen = names[1].split(" \u00b7 ")[0]
    assert chosen in page.locator(".tip").inner_text() and page.locator(".marker").is_visible()
    page.wait_for_function("document.body.innerText.includes('\"pick\"')", timeout=30_000)
    pick = json.loads(page.get_by_test_id("stText").inner_text())["pick"]
    view = make_view(True)
    assert pick["region"] == chosen == view.location_names[view.vertex_location[pick["vertex"]]]


def test_a_network_is_found_and_outlined(page):
    """Letters of a network's name, Enter: it is outlined. Nothing fits nonsense."""
    field = page.get_by_role("combobox", name="Find a region or network")
    field.fill("zzz")
    assert page.locator(".find [role=option]").count() == 0
    field.fill("somato")
    field.press("Enter")
    assert page.evaluate(f"{PROBE}.viewer.state.network") == 2
    assert page.get_by_label("Outline a network").input_value() == "2"


def test_the_keyboard_turns_and_zooms(page):
    """Shift and arrows turn the brain, plus and minus zoom, the map stays."""
    page.locator("canvas.brains").focus()
    before = page.evaluate(f"({{ ...{PROBE}.viewer.camera, map: {PROBE}.viewer.state.map }})")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown", "+"):
        page.keyboard.press(key)
    after = page.evaluate(f"({{ ...{PROBE}.viewer.camera, map: {PROBE}.viewer.state.map }})")
    assert after["azimuth"] > before["azimuth"] and after["elevation"] > before["elevation"]
    assert after["zoom"] > before["zoom"] and after["map"] == before["map"]


def test_a_view_is_kept_over_a_reload(page):
    """Camera, map, threshold and surface come back by name after the page was loaded anew; and can be forgotten."""
    page.evaluate(f"{PROBE}.viewer.set({{ map: 7, threshold: 4 }})")
    camera = page.evaluate(f"{PROBE}.viewer.camera")
    page.get_by_label("Saved views").click()
    page.get_by_label("Name of this view").fill("Talk <1>")
    page.keyboard.press("Enter")
    open_page(page)
    assert page.evaluate(f"{PROBE}.viewer.state.map") == 2
    page.get_by_label("Saved views").click()
    page.get_by_role("button", name="Talk <1>", exact=True).click()
    state = page.evaluate(f"{PROBE}.viewer.state")
    assert (state["map"], state["threshold"]) == (7, 4)
    assert page.evaluate(f"{PROBE}.viewer.camera") == camera
    page.get_by_role("button", name="Forget Talk <1>").click()
    assert page.get_by_role("button", name="Talk <1>", exact=True).count() == 0
    assert page.problems == []


@pytest.mark.parametrize(
    "kept", ["nonsense", '[{"name": 1}]', '[{"name": "x", "camera": {"zoom": "a"}, "state": {"map": 1e9}}]']
)
def test_whatever_the_browser_kept_is_checked(page, kept):
    """Foreign or damaged entries do no harm: what does not fit is left as it is."""
    page.evaluate("text => localStorage.setItem('brainlike.views', text)", kept)
    page.evaluate(f"{PROBE}.viewer.views.read().forEach(view => {PROBE}.viewer.views.show(view))")
    state = page.evaluate(f"[{PROBE}.viewer.state.map, {PROBE}.viewer.camera.zoom]")
    assert 0 <= state[0] < 12 and 0.6 <= state[1] <= 8 and page.problems == []
    page.evaluate("localStorage.removeItem('brainlike.views')")
