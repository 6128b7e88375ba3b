"""axe-core on every page, light and dark: nothing that keeps a reader out."""

from __future__ import annotations

import pytest

PAGES = (
    "",
    "Brain_maps?network=language&region=42",
    "Correspondence?network=language",
    "Compare_models",
    "Functional_networks",
    "Learn?step=4",
    "Library",
    "How_much_data",
)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_serious_violation(browser, comparison, path, scheme):
    """axe-core (WCAG 2.2 A and AA, and its best practices) finds nothing serious or critical."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    context = browser.new_context(viewport={"width": 1400, "height": 1200}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{comparison}/{path}")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    found = axe.Axe().run(page).response["violations"]
    context.close()
    serious = [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not serious, "\n".join(serious)
