"""A figure saved from a page in a real browser, by keyboard alone."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.browser


def press_until(tab, key: str, question: str) -> None:
    """Press a key until the element in focus answers a question."""
    for _ in range(40):
        if tab.evaluate(f"document.activeElement.matches('{question}')"):
            return
        tab.keyboard.press(key)
        tab.wait_for_timeout(50)
    raise AssertionError(f"{question} was never in focus")


def test_a_figure_is_saved_by_keyboard(browser, address, tmp_path):
    """Export, a format, Save figure: the SVG has the map's title, its threshold and its caption as text."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    tab = context.new_page()
    try:
        tab.goto(f"{address}/Correspondence?atom=3&network=language")
        button = tab.get_by_role("button", name="Export")
        button.wait_for(timeout=90_000)
        tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
        button.focus()
        tab.keyboard.press("Enter")
        tab.get_by_role("button", name="Save figure").wait_for()
        tab.get_by_role("radio", name="SVG").focus()
        tab.keyboard.press("Space")
        tab.get_by_text("text stays text").wait_for()
        press_until(tab, "Tab", '[data-testid="stDownloadButton"] button')
        with tab.expect_download(timeout=120_000) as told:
            tab.keyboard.press("Enter")
        path = tmp_path / told.value.suggested_filename
        told.value.save_as(path)
    finally:
        context.close()
    assert path.name == "brain-map-atom-3-language.svg"
    svg = ElementTree.parse(path).getroot()
    words = ["".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "Atom 3 · Language +" in words and any("4 listeners" in line for line in words)
    assert any("Outline: Language." in line for line in words)
