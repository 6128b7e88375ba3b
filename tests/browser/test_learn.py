"""The tour in a real browser: walked by keyboard, the address follows, and nothing is asked of the outside."""

import pytest


@pytest.fixture
def page(browser, address):
    """A page on which every request to elsewhere is noted and refused."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.asked = []

    def pass_on(route):
        inside = route.request.url.startswith((address, "data:", "blob:"))
        if not inside:
            page.asked.append(route.request.url)
        route.continue_() if inside else route.abort()

    page.route("**/*", pass_on)
    yield page
    context.close()


def heading(page, text: str) -> None:
    """Wait for a step's own heading, and until the page rests: keys count from then on."""
    page.get_by_role("heading", name=text, exact=True).wait_for(timeout=60_000)
    page.get_by_text("Show the answer").wait_for(timeout=60_000)
    page.get_by_test_id("stStatusWidget").wait_for(state="hidden", timeout=60_000)
    page.wait_for_timeout(1500)


def test_the_tour_is_walked_by_keyboard_and_a_link_opens_a_step(page, address):
    """N goes on, P goes back; arrows belong to the control that has the focus; nothing comes from elsewhere."""
    page.goto(f"{address}/Learn?step=4")
    heading(page, "4. Atom")
    page.keyboard.press("n")
    heading(page, "5. Sub-group")
    assert "step=5" in page.url
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("by more than 0.25").wait_for(timeout=60_000)
    assert "step=5" in page.url
    page.get_by_role("heading", name="Learn", exact=True).click()
    page.keyboard.press("p")
    heading(page, "4. Atom")
    assert not page.asked
