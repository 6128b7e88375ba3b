"""The Functional networks page in a real browser: a click on a square selects its network, and a link re-opens it."""

from pathlib import Path

import pytest

from tests import synthetic_networks as made
from tests.browser.test_pages import open_at, page  # noqa: F401

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


def test_a_click_on_a_square_selects_its_network(serve, page, tmp_path):  # noqa: F811
    """Network 2 in layer 1: its sentence follows, and the address says `net=2`."""
    made.write(made.config(), made.make_networks(), "networks", tmp_path)
    address = serve(ROOT / "app.py", BRAINLIKE_CACHE=str(tmp_path))
    open_at(page, f"{address}/Functional_networks?net=3", "Functional networks")
    page.get_by_text("Network 3: ").first.wait_for()
    square = page.locator(".scatterlayer .trace.scatter").first.locator("path.point").nth(made.N_LAYERS + 1)
    square.wait_for(timeout=30_000)
    box = square.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("Network 2: ").first.wait_for(timeout=15_000)
    assert "net=2" in page.url and not page.errors and page.strangers == []
