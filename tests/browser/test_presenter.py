"""Presenter mode and slides in a real browser: keys, stops kept in the browser, links and files of stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.test_links import open_at, settle, wait_for_address

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser):
    """A tab of its own, so that no stop is left from another test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    assert tab.errors == []
    context.close()


def test_a_talk_is_held_with_keys_alone(page, address):
    """F, arrows, save, another page, Page up, a number, F: larger type and no side bar in between."""
    open_at(page, f"{address}/Brain_maps?atom=7", "Brain maps")
    bar, side = page.get_by_role("toolbar", name="Presenter"), page.locator('[data-testid="stSidebar"]')
    assert not bar.is_visible() and side.is_visible()
    usual = page.evaluate("getComputedStyle(document.documentElement).fontSize")
    page.wait_for_function("window.__brainViewer?.ready")
    page.keyboard.press("f")
    wait_for_address(page, "present=1", "atom=7")
    bar.wait_for()
    assert side.is_hidden()
    assert float(page.evaluate("getComputedStyle(document.documentElement).fontSize")[:-2]) > 1.2 * float(
        usual[:-2]
    )
    page.get_by_role("button", name="Save this view").press("Enter")
    page.keyboard.press("ArrowRight")
    wait_for_address(page, "atom=8", "present=1")
    open_at(page, f"{address}/Correspondence?atom=3&network=language&present=1", "Correspondence")
    page.get_by_role("button", name="Save this view").press("Enter")
    page.get_by_text("Stop 2 of 2: Correspondence · atom 3 · language").wait_for()
    page.keyboard.press("PageUp")
    page.get_by_role("heading", name="Brain maps", exact=True).wait_for()
    wait_for_address(page, "atom=7", "present=1")
    page.keyboard.press("2")
    page.get_by_role("heading", name="Correspondence", exact=True).wait_for()
    page.keyboard.press("f")
    page.wait_for_function("!location.search.includes('present')")
    settle(page)
    assert not bar.is_visible() and side.is_visible()


def test_letters_typed_into_a_field_are_letters(page, address):
    """An f in a title of a stop does not end the talk."""
    open_at(page, f"{address}/Brain_maps?atom=7&present=1", "Brain maps")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("button", name="Stops", exact=True).click()
    title = page.get_by_label("Title of stop 1")
    title.fill("first of five")
    title.press("Enter")
    title.press("f")
    page.get_by_text("Stop 1 of 1: first of five").wait_for()
    assert "present=1" in page.url


def test_stops_go_into_a_file_and_come_back(page, address):
    """What was saved is read again; the address of another host, or of a script, is refused."""
    open_at(page, f"{address}/Brain_maps?atom=7&present=1", "Brain maps")
    page.get_by_role("button", name="Save this view").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save file").click()
    stops = json.loads(Path(download.value.path()).read_text())
    assert stops == [{"title": "Brain maps · atom 7", "address": "/Brain_maps?atom=7"}]
    give = page.locator("input[type=file]")
    for bad in ("https://example.org/", "javascript:alert(1)"):
        give.set_input_files(
            {
                "name": "s.json",
                "mimeType": "application/json",
                "buffer": json.dumps([{"address": bad}]).encode(),
            }
        )
        page.get_by_text("This file holds no stops.").wait_for()
        page.locator(".said").evaluate("e => { e.textContent = '' }")
    more = [*stops, {"title": "<b>next</b>", "address": "/Correspondence?atom=3"}]
    give.set_input_files(
        {"name": "s.json", "mimeType": "application/json", "buffer": json.dumps(more).encode()}
    )
    page.get_by_text("1 stop added.").wait_for()
    assert page.get_by_label("Title of stop 2").input_value() == "<b>next</b>"


def test_a_link_brings_its_stops(page, address):
    """The stops after '#' are added, and leave the address, which stays as it was."""
    open_at(page, f"{address}/Brain_maps?atom=7&present=1", "Brain maps")
    page.get_by_role("button", name="Save this view").click()
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text }")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("window.copied")
    link = page.evaluate("window.copied")
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    open_at(page, link, "Brain maps")
    page.get_by_text("Stop 1 of 1: Brain maps · atom 7").wait_for()
    assert "#" not in page.url and "present=1" in page.url


@pytest.mark.parametrize("spelling", ["1", "true"])
def test_a_slide_shows_the_brain_and_no_control(page, address, spelling):
    """?embed=1 and ?embed=true hide title, pickers and side bar alike."""
    page.goto(f"{address}/Brain_maps?embed={spelling}&atom=3")
    page.wait_for_function("location.search.includes('embed=true')")
    page.get_by_text("Atom 3: ").first.wait_for()
    page.locator('[data-testid="stSidebar"]').wait_for(state="hidden")
    page.get_by_role("heading", name="Brain maps").wait_for(state="detached")
    assert page.get_by_text("Sub-group", exact=True).count() == 0
    page.locator("canvas").first.wait_for()
