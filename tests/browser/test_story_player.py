"""The story player in a real browser: one clock for brain, words and time course, and no server in between."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.made_views import make_story

pytestmark = pytest.mark.browser
APP = Path(__file__).with_name("story_player_app.py")
PROBE = "window.__storyPlayer"


@pytest.fixture(scope="module")
def address(serve) -> str:
    """One server for all tests of this file."""
    return serve(APP)


@pytest.fixture(scope="module")
def story():
    """What the page plays."""
    return make_story()


@pytest.fixture
def page(browser, address):
    """A tab with the player on it, paused, with its first picture."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    tab.problems, tab.sent = [], []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("websocket", lambda socket: socket.on("framesent", lambda frame: tab.sent.append(frame)))
    tab.goto(address)
    tab.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=60_000)
    tab.wait_for_timeout(800)
    yield tab
    context.close()


def probe(page, name: str):
    return page.evaluate(f"{PROBE}.{name}")


def picture(page) -> str:
    """The brains as they are, drawn at once."""
    return page.evaluate(
        f"(() => {{ {PROBE}.viewer.draw(true); return {PROBE}.viewer.canvas.toDataURL() }})()"
    )


def read_out(page, location: int) -> float:
    return page.evaluate(f"{PROBE}.viewer.value(null, {location})")


def test_playing_moves_time_map_words_and_line_without_the_server(page):
    """Time runs at the clock's pace, the brain and the words change with it; Python hears of the moment at rest alone."""
    before, words = picture(page), page.locator("canvas.words.now").screenshot()
    course = page.locator("canvas.course").screenshot()
    assert not probe(page, "playing")
    sent, start, at = len(page.sent), probe(page, "time"), page.evaluate("performance.now()")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{PROBE}.time > {start} + 2.5", timeout=30_000)
    passed = (page.evaluate("performance.now()") - at) / 1000
    assert probe(page, "playing") and probe(page, "time") - start <= passed + 0.05
    assert len(page.sent) == sent
    page.get_by_role("button", name="Pause").click()
    stopped = probe(page, "time")
    page.wait_for_timeout(1500)
    assert probe(page, "time") == stopped and not probe(page, "playing")
    assert picture(page) != before
    assert page.locator("canvas.words.now").screenshot() != words
    assert page.locator("canvas.course").screenshot() != course
    assert len(page.sent) == sent + 1 and page.problems == []


def test_between_two_volumes_the_map_is_their_mean_by_nearness(page, story):
    """A quarter of the way from volume 8 to 9 each value is 3/4 of the one and 1/4 of the other."""
    page.evaluate(f"{PROBE}.viewer.seek(8.25 * 1.5)")
    maps = story.measured.maps
    for location in (3, 40, 77):
        expected = 0.75 * maps[8, location] + 0.25 * maps[9, location]
        assert read_out(page, location) == pytest.approx(expected, abs=2e-3)


def test_drawn_values_are_those_of_the_moment(page, story):
    """What goes to the graphics card is the same mean, within a step of 16 bits."""
    page.evaluate(f"{PROBE}.viewer.seek(20.5 * 1.5)")
    drawn = page.evaluate(
        f"(() => {{ const v = {PROBE}.viewer.values(); return Array.from(v.row, x => x * v.unit / 32767) }})()"
    )
    expected = story.measured.maps[20:22].mean(axis=0)
    np.testing.assert_allclose(drawn, expected, atol=2 * np.abs(story.measured.maps).max() / 32767)


def test_predicted_maps_are_another_source(page, story):
    """The reader's choice: half of the measured by construction, and grey where nothing is predicted."""
    page.evaluate(f"{PROBE}.viewer.seek(10 * 1.5)")
    page.get_by_role("radio", name="Predicted").click()
    assert read_out(page, 5) == pytest.approx(story.measured.maps[10, 5] / 2, abs=2e-3)
    assert page.get_by_text("Predicted note").is_visible()
    page.evaluate(f"{PROBE}.viewer.seek(0)")
    assert read_out(page, 5) is None


def test_keyboard_plays_and_moves(page):
    """Space plays and pauses, an arrow moves one volume, End and Home go to the ends; focus is seen."""
    brains = page.locator("canvas.brains")
    brains.focus()
    assert brains.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert probe(page, "time") == pytest.approx(1.5)
    page.keyboard.press("End")
    assert probe(page, "time") == pytest.approx(60)
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function(f"{PROBE}.playing && {PROBE}.time > 0.3")
    page.keyboard.press("Space")
    assert not probe(page, "playing")


def test_scrubbing_by_mouse(page):
    """A click in the middle of the time course goes to the middle of the story, the slider follows."""
    box = page.locator("canvas.course").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert probe(page, "time") == pytest.approx(30, abs=0.2)
    slider = page.get_by_role("slider", name="Place in the story")
    assert float(slider.input_value()) == pytest.approx(30, abs=0.6)
    assert "word30" in slider.get_attribute("aria-valuetext")
    slider.fill("45")
    assert probe(page, "time") == pytest.approx(45)


def test_speed_multiplies_the_clock(page):
    """At 8x the story runs some times faster than the clock."""
    page.get_by_label("Speed").select_option("8")
    start, at = probe(page, "time"), page.evaluate("performance.now()")
    page.keyboard.press("Home")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{PROBE}.time > {start} + 16", timeout=30_000)
    assert 16 / ((page.evaluate("performance.now()") - at) / 1000) > 1.5


def test_another_atom_from_the_page_changes_the_course_only(page):
    """A rerun with another atom keeps time and picture, and draws another line."""
    page.evaluate(f"{PROBE}.viewer.seek(21)")
    course, uploads = page.locator("canvas.course").screenshot(), probe(page, "uploads")
    page.get_by_test_id("stSelectbox").locator("input").click()
    page.get_by_role("option", name="1").click()
    page.get_by_text("Atom 1: activity").wait_for()
    assert probe(page, "time") == 21 and probe(page, "uploads") == uploads
    assert page.locator("canvas.course").screenshot() != course


def test_a_click_tells_python_the_place_and_the_volume(page, story):
    """Python hears of the vertex on the map of that volume, with the value of the array."""
    page.evaluate(f"{PROBE}.viewer.seek(12 * 1.5)")
    page.wait_for_timeout(400)
    seen = [v for v in range(300, 20000, 97) if not story.measured.wall[v]]
    vertex, place = next(
        (v, at) for v in seen if (at := page.evaluate(f"{PROBE}.viewer.locate({v})")) is not None
    )
    page.mouse.click(place["x"], place["y"])
    page.wait_for_function("document.body.innerText.includes('\"vertex\"')", timeout=20_000)
    told = json.loads(page.get_by_test_id("stText").inner_text())
    assert told["pick"] == story.measured.describe(12, vertex) | {"map": 12}


def test_frames_come_fast_enough_to_look_like_motion(page):
    """Brain, words and line are drawn, to finished pixels, in less than 1/15 s with software GL (best third of 30)."""
    took = page.evaluate(
        f"""(() => {{ const v = {PROBE}.viewer, took = []
        for (let i = 0; i < 30; i++) {{ const begin = performance.now()
          v.time = 10 + i * 0.1; v.draw(false); v.show(); v.painter.finish(); took.push(performance.now() - begin) }}
        return took.sort((a, b) => a - b)[10] }})()"""
    )
    assert took < 1000 / 15


def test_reduced_motion_steps_from_volume_to_volume(browser, address, story):
    """Nothing plays by itself; when asked to play, the map steps and does not glide."""
    context = browser.new_context(reduced_motion="reduce")
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=60_000)
    assert not probe(tab, "playing")
    tab.evaluate(f"{PROBE}.viewer.seek(8.75 * 1.5)")
    assert read_out(tab, 3) == pytest.approx(story.measured.maps[8, 3], abs=2e-3)
    context.close()
