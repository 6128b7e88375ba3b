"""The report of a run opened from a disk, without a network: it draws, answers clicks, and prints."""

from __future__ import annotations

import time

import pytest

from brainlike_core import inventory
from brainlike_core.exports import html_report
from tests import synthetic_run as made

pytestmark = pytest.mark.browser
VIEWER = "Object.values(window.__brainViewers ?? {})[0]"


@pytest.fixture
def tab(browser):
    """A tab without a network that notes what it asks for and what goes wrong."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    tab.asked, tab.problems = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on(
        "console", lambda told: tab.problems.append(told.text) if told.type in ("error", "warning") else None
    )
    yield tab
    context.close()


def wait(tab, question: str) -> None:
    """Ask until it is so; the page's policy forbids to evaluate text inside of it."""
    end = time.monotonic() + 60
    while not tab.evaluate(question):
        assert time.monotonic() < end, question
        tab.wait_for_timeout(100)


def test_the_report_opens_from_a_disk(tab, tmp_path):
    """The viewer draws, a click on a square of the matrix changes its map, nothing is asked from outside, no error."""
    run = made.make_run()
    page = html_report.html_report(
        run, inventory.surface(), inventory.regions(), methods="M.", bibtex="@x{y}", command="c", atom=5
    )
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    tab.goto(path.as_uri())
    wait(tab, f"{VIEWER}?.draws > 0")
    assert tab.evaluate(f"{VIEWER}.map") == 5
    square = tab.locator('.matrix rect[data-atom="3"]').first
    assert "Atom 3" in square.locator("title").text_content()
    square.click()
    wait(tab, f"{VIEWER}.map === 3")
    tab.get_by_role("button", name="Show in the viewer").first.focus()
    tab.keyboard.press("Enter")
    wait(tab, f"{VIEWER}.map === 5")
    assert [url for url in tab.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert tab.problems == []
    tab.emulate_media(media="print")
    assert tab.locator(".paper-only img").is_visible() and not tab.locator("[data-brain-figure]").is_visible()
