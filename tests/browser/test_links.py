"""One selection: every cross-link clicked in a real browser, back and forward, and the keyboard in the transcript."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests import synthetic_run as made

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser):
    """A tab high enough to see a page whole."""
    tab = browser.new_page(viewport={"width": 1400, "height": 2600})
    tab.set_default_timeout(60_000)
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    assert tab.errors == []
    tab.close()


def open_at(page, url: str, title: str) -> None:
    page.goto(url)
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=60_000)
    settle(page)


def settle(page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)


def click_mark(page, marks) -> None:
    """Plotly listens to the pointer above a mark, not to a click on its path."""
    marks.wait_for()
    marks.scroll_into_view_if_needed()
    box = marks.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def wait_for_address(page, *parts: str) -> None:
    page.wait_for_function("parts => parts.every(part => location.search.includes(part))", arg=list(parts))
    settle(page)


def heading(page, text: str):
    return page.get_by_role("heading", name=text)


def chart(page, name: str):
    """A chart by its key."""
    return page.locator(f".st-key-{name}")


def test_the_head_of_a_row_chooses_a_network_alone(page, address):
    """Its ranking appears, the brain outlines it, and the sub-group stays."""
    open_at(page, f"{address}/Correspondence?atom=7", "Correspondence")
    marks = chart(page, "matrix").locator(".scatterlayer .trace").nth(1).locator("path.point")
    click_mark(page, marks.nth(made.AUDITORY))
    wait_for_address(page, "network=auditory", "atom=7")
    heading(page, "Auditory: its sub-groups").wait_for()
    page.wait_for_function("window.__brainViewer?.network === 12")


def test_a_square_leads_to_its_map_its_words_and_its_neurons(page, address):
    """From the matrix on to Brain maps with the same sub-group and network, words open."""
    open_at(page, f"{address}/Correspondence?atom=5&network=default&word=3", "Correspondence")
    page.get_by_role("link", name="Its words").click()
    page.get_by_role("heading", name="Brain maps", exact=True).wait_for()
    wait_for_address(page, "atom=5", "network=default", "word=3", "view=words")
    page.get_by_text("Atom 5: ").first.wait_for()
    heading(page, "The story, coloured by this sub-group").wait_for()


def test_a_ranking_of_a_network_selects_a_sub_group(page, address):
    """The second row of Language's ranking is atom 3 again; the third another one, and the map follows."""
    open_at(page, f"{address}/Brain_maps?atom=7&network=language", "Brain maps")
    click_mark(page, chart(page, "ranking").locator("path.point").first)
    wait_for_address(page, "atom=3")
    page.get_by_text("Atom 3: ").first.wait_for()
    page.wait_for_function("window.__brainViewer?.map === 3")


def test_a_click_on_the_brain_ranks_the_sub_groups_of_that_region(page, address):
    """The parcel that the address then holds is the one whose ranking is shown, on two pages."""
    for title, right, down in (("Brain maps", 0.13, 0.4), ("Correspondence", 0.25, 0.24)):
        open_at(page, f"{address}/{title.replace(' ', '_')}?atom=3", title)
        page.locator(".js-plotly-plot .scatterlayer").last.wait_for()  # charts above the brain are drawn
        canvas = page.locator(".viewer canvas").first
        page.wait_for_function("window.__brainViewer?.ready")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.click(box["x"] + right * box["width"], box["y"] + down * box["height"])
        wait_for_address(page, "region=")
        region = page.evaluate("new URLSearchParams(location.search).get('region')")
        heading(page, f"Sub-groups at parcel {region}").wait_for()


def test_a_word_leads_to_the_atoms_it_drives_and_on_to_one_of_them(page, address):
    """Click a word: its ranking; click the strongest: that sub-group, and the word stays."""
    open_at(page, f"{address}/Brain_maps?atom=3&view=words", "Brain maps")
    page.locator(".text span").nth(20).click()
    wait_for_address(page, "word=20")
    heading(page, "Sub-groups at").wait_for()
    first = chart(page, "word").locator("path.point").first
    click_mark(page, first)
    page.wait_for_function("!location.search.includes('atom=3')")
    wait_for_address(page, "word=20", "view=words")
    atom = page.evaluate("new URLSearchParams(location.search).get('atom')")
    page.get_by_text(f"Atom {atom}: ").first.wait_for()


def test_words_tell_their_value_to_pointer_and_keyboard(page, address):
    """Hover reads out a word; arrows move, Enter selects; a word that looks like markup is text."""
    open_at(page, f"{address}/Brain_maps?atom=3&view=words", "Brain maps")
    words, told = page.locator(".text span"), page.locator(".told b")
    words.first.wait_for()
    assert "<b>fox</b>" in words.all_inner_texts()
    words.nth(30).hover()
    hovered = told.inner_text()
    assert hovered == words.nth(30).get_attribute("aria-label") and "SD" in hovered
    words.nth(0).focus()
    for _ in range(22):
        page.keyboard.press("ArrowRight")
    assert told.inner_text() == words.nth(22).get_attribute("aria-label")
    page.keyboard.press("Enter")
    wait_for_address(page, "word=22")
    assert words.nth(22).get_attribute("aria-pressed") == "true"


def test_back_and_forward_step_through_the_selection(page, address):
    """Sub-group, network, page: three steps back and three forward, each as it was."""
    open_at(page, f"{address}/Brain_maps?atom=7", "Brain maps")
    page.get_by_label("Sub-group", exact=False).first.click()
    page.get_by_role("option", name="Atom 5").click()
    wait_for_address(page, "atom=5")
    page.get_by_role("radio", name="Words").or_(page.get_by_role("button", name="Words")).first.click()
    wait_for_address(page, "view=words")
    page.locator('[data-testid="stSidebar"] a', has_text="Correspondence").first.click()
    page.get_by_role("heading", name="Correspondence", exact=True).wait_for()
    page.go_back()
    heading(page, "The story, coloured by this sub-group").wait_for()
    page.go_back()
    heading(page, "When it is active").wait_for()
    page.get_by_text("Atom 5: ").first.wait_for()
    page.go_back()
    page.get_by_text("Atom 7: ").first.wait_for()
    for _ in range(2):
        page.go_forward()
        page.wait_for_timeout(300)
        settle(page)
    heading(page, "The story, coloured by this sub-group").wait_for()
    page.get_by_text("Atom 5: ").first.wait_for()
    page.go_forward()
    page.get_by_role("heading", name="Correspondence", exact=True).wait_for()


def test_the_same_square_can_be_chosen_again_after_back(page, address):
    """A mark that was clicked, left by Back, and clicked again selects again."""
    open_at(page, f"{address}/Correspondence?atom=0", "Correspondence")
    solid = chart(page, "matrix").locator(".scatterlayer .trace").nth(3).locator("path.point")
    for _ in range(2):
        click_mark(page, solid)
        wait_for_address(page, "atom=3", "network=language")
        page.go_back()
        wait_for_address(page, "atom=0")
        page.get_by_text("Atom 0: ").first.wait_for()


def test_a_neuron_of_the_table_shows_its_response(page, address):
    """A link with a neuron opens on it; one that is not of this sub-group falls back to the first."""
    open_at(page, f"{address}/Brain_maps?atom=5&view=neurons&neuron=17", "Brain maps")
    heading(page, "One neuron: layer 1, unit 7").wait_for()
    open_at(page, f"{address}/Brain_maps?atom=5&view=neurons&neuron=16", "Brain maps")
    heading(page, "One neuron: layer 0, unit 5").wait_for()


def test_a_link_opens_the_brain_as_it_was_left(page, address):
    """Turned, zoomed, on the pial surface, another threshold: the address says so, and its link shows the same."""
    open_at(page, f"{address}/Brain_maps?atom=3", "Brain maps")
    viewer = "window.__brainViewer.viewer"
    page.wait_for_function("window.__brainViewer?.draws > 0")
    page.evaluate(
        f"{viewer}.turn(40, 20, {{ turn: 1, pan: 1, scale: 1 }}); {viewer}.set({{ threshold: 1.5 }})"
    )
    page.locator("canvas.brains").press("+")
    page.get_by_role("radio", name="Pial").click()
    wait_for_address(page, "look=maps_0.4_0.2_1.15_0_0_1.5_", "_pial_1_RdBu_r")
    link, camera = page.url, page.evaluate(f"{viewer}.camera")
    page.goto("about:blank")
    open_at(page, link, "Brain maps")
    page.wait_for_function(f"window.__brainViewer?.draws > 0 && {viewer}.mixing[1] === 1")
    assert page.evaluate(f"{viewer}.camera") == camera
    assert page.evaluate(f"[{viewer}.state.threshold, {viewer}.state.map]") == [1.5, 3]
    page.locator("canvas.brains").press("r")
    page.get_by_role("radio", name="Inflated").click()
    page.evaluate(f"{viewer}.set({{ threshold: 2.3 }})")
    page.wait_for_function("!location.search.includes('look')")  # what a page shows anyway needs no words


@pytest.mark.parametrize(
    "look",
    [
        "maps_NaN_0_1_0_0_2_5_pial_1_vik", "maps_0_0_1_0_0_2_5_pial_1_toString", "scores_1_1_2_0_0_2_5_pial_1_vik",
        "maps_1_1_2_0_0_2_pial_1_vik", "maps_1e5_0_1_0_0_2_5_pial_1_vik", "<img src=x onerror=alert(1)>",
    ],
)  # fmt: skip
def test_a_look_that_is_not_understood_changes_nothing(page, address, look):
    """Numbers that are none, colours that are none, another brain's look, too few words, markup."""
    open_at(page, f"{address}/Brain_maps?look={quote(look)}", "Brain maps")
    page.wait_for_function("window.__brainViewer?.draws > 0")
    assert page.evaluate("Object.values(window.__brainViewer.camera)") == [0, 0, 1, 0, 0]
    assert page.evaluate("window.__brainViewer.surface") == "inflated"
    assert page.evaluate("window.__brainViewer.colourMap") == "RdBu_r"
