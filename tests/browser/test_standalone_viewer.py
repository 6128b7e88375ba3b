"""The viewer in a file of its own: no server, no network, the same figure."""

from __future__ import annotations

import pytest

from brainlike_core.figures.brain_viewer import html_fragment, standalone_html
from tests.made_views import make_view

pytestmark = pytest.mark.browser
PROBE = "window.__brainViewer"


@pytest.fixture(scope="module")
def view():
    """64 maps on parcels."""
    return make_view(True, 64)


@pytest.fixture
def tab(browser):
    """A page that has no network and notes what it asked for and what went wrong."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    page = context.new_page()
    page.asked, page.problems = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    yield page
    context.close()


def show(tab, text: str, folder) -> None:
    """Write a page, open it from the disk, wait for its first picture."""
    path = folder / "figure.html"
    path.write_text(text, encoding="utf-8")
    tab.goto(path.as_uri())
    tab.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=60_000)


def visible(tab, view) -> tuple[int, dict]:
    """A parcel's vertex that can be seen, and where it is on the page."""
    for vertex in range(200, view.surface.n_vertices, 97):
        place = None if view.wall[vertex] else tab.evaluate(f"{PROBE}.viewer.locate({vertex})")
        if place:
            return vertex, place
    raise AssertionError("no vertex can be seen")


def test_a_figure_opens_from_a_file_and_names_what_is_under_the_pointer(tab, view, tmp_path):
    """64 maps from the disk: the read-out has the true value, asks for no other file, and fits a mail."""
    text = standalone_html(
        view, title="Sub-groups <1>", caption="n = 3", selected_map=40, threshold=1.0, network="Default"
    )
    show(tab, text, tmp_path)
    vertex, place = visible(tab, view)
    tab.mouse.move(place["x"], place["y"])
    truth, said = view.describe(40, vertex), tab.locator(".tip").inner_text().replace("\u2212", "-")
    assert truth["region"] in said and f"{truth['value']:.2f}" in said
    assert tab.locator("h1").inner_text() == "Sub-groups <1>"
    assert len(text.encode()) < 2_000_000
    assert [url for url in tab.asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert tab.problems == []


def test_a_figure_in_a_file_changes_its_map(tab, view, tmp_path):
    """The arrow key shows the next map, by name and in the read-out; a click changes nothing and fails nowhere."""
    show(tab, standalone_html(view, title="Maps", selected_map=5), tmp_path)
    vertex, place = visible(tab, view)
    tab.mouse.click(place["x"], place["y"])
    tab.locator("canvas.brains").focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(f"{PROBE}.map === 6")
    assert tab.locator("output.name").inner_text() == "Atom 7"
    tab.mouse.move(place["x"] + 1, place["y"])
    tab.mouse.move(place["x"], place["y"])
    said = tab.locator(".tip").inner_text().replace("\u2212", "-")
    assert f"{view.describe(6, vertex)['value']:.2f}" in said
    assert tab.problems == []


def test_two_figures_of_a_page_share_script_and_surface(tab, view, tmp_path):
    """The second figure adds its maps only, and both are drawn once they are scrolled to."""
    held: set[str] = set()
    other = make_view(True, 3)
    first, second = html_fragment(view, held), html_fragment(other, held)
    assert len(second) < len(first) / 20
    show(tab, f"<!doctype html><body>{first}<div style='height:3000px'></div>{second}</body>", tmp_path)
    assert tab.evaluate("Object.keys(__brainViewers).length") == 1
    tab.locator("[data-brain-figure]").nth(1).scroll_into_view_if_needed()
    tab.wait_for_function(
        "Object.values(__brainViewers).filter(v => v.draws > 0).length === 2", timeout=30_000
    )
    assert tab.locator("canvas.brains").count() == 2 and tab.problems == []


def test_without_webgl_the_page_shows_what_it_holds_instead(tab, view, tmp_path):
    """The picture that the page brought along appears, with a line that says why."""
    tab.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    text = html_fragment(view, set(), otherwise="<b>a still picture</b>")
    (tmp_path / "page.html").write_text(f"<!doctype html><body>{text}</body>", encoding="utf-8")
    tab.goto((tmp_path / "page.html").as_uri())
    tab.get_by_text("no WebGL2").wait_for()
    assert tab.get_by_text("a still picture").is_visible()
