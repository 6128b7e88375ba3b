"""The expander "Why 64 sub-groups?" of the Correspondence page, in Streamlit's test bench."""

import pytest

from brainlike_core import archive, engine, follow_ups, jobs
from brainlike_core.config import ChoiceConfig
from tests import synthetic_run as made
from tests.pages.test_pages import _point, said, show

PAGE = "pages/2_Correspondence.py"


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Pages on a store with one run; the folder and the run's id."""
    run_id = made.write(made.make_run(), tmp_path)
    _point(monkeypatch, str(tmp_path))
    return tmp_path, run_id


def test_the_page_offers_to_compare_and_begins_it_once(home, monkeypatch):
    """Nothing is stored: a button and the command; pressed, the worker is asked for this run."""
    asked = []
    monkeypatch.setattr(engine, "start_aside", lambda *given: asked.append(given))
    app = show(PAGE, run=home[1][:12])
    assert f"Why {made.N_ATOMS} sub-groups?" in [e.label for e in app.expander]
    assert [c.value for c in app.code] == [f"python -m brainlike_core choose {home[1][:12]}"]
    next(b for b in app.button if b.label == "Compare settings").click().run()
    assert asked[0][0] == ChoiceConfig(home[1]) and asked[0][1] == str(home[0])


def test_the_page_shows_what_is_stored_and_computes_nothing(home, monkeypatch):
    """The recommendation, the panel's caption, and no button."""
    found = follow_ups.choose_dictionary(ChoiceConfig(home[1]), archive.open_store(home[0]))
    monkeypatch.setattr(follow_ups, "choose_dictionary", lambda *given: pytest.fail("computed"))
    app = show(PAGE, run=home[1][:12], atom="3")
    chosen = found.row("recommended")
    assert f"{int(chosen['n_atoms'])} atoms at λ {chosen['penalty']:g}" in said(app)
    assert f"Atom 3 comes back at a mean |r| of {found.atom_stability[3]:.2f}" in said(app)
    assert "random weights reach as much" in said(app)
    assert "Compare settings" not in [b.label for b in app.button]


def test_a_reload_finds_what_is_under_way(home):
    """Its card with Cancel in place of the button; after a failure, why, and the button again."""
    job = jobs.Job(home[0], ChoiceConfig(home[1]))
    job.write("running")
    app = show(PAGE, run=home[1][:12])
    labels = [b.label for b in app.button]
    assert [e.proto.expanded for e in app.expander] == [True]
    assert "Cancel" in labels and "Compare settings" not in labels
    job.write("failed", "The worker did not start")
    app = show(PAGE, run=home[1][:12])
    assert "The worker did not start" in said(app)
    assert "Compare settings" in [b.label for b in app.button]
