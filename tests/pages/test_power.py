"""The page on how much data a claim needs, in Streamlit's test bench."""

import pytest

from brainlike_core import inventory
from brainlike_core.figures import power as figures
from tests import synthetic_run as made
from tests.pages.test_pages import _point, said, show

PAGE = "pages/7_How_much_data.py"


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """Pages on an empty store; its folder."""
    _point(monkeypatch, str(tmp_path))
    return tmp_path


def move(app, key, value):
    """Set one slider."""
    return next(s for s in app.slider if s.key == key).set_value(value).run()


def test_the_page_needs_no_run(empty):
    """One sentence for each claim, with its interval and the minutes for 80 %; the caption says n, units and null."""
    app = show(PAGE)
    told = said(app).replace("\xa0", " ")
    for title in figures.TITLES.values():
        assert f"**{title}.** With 20 listeners and 10 minutes" in told
    assert told.count("of the time") == 4 and "] of the time" in told
    for part in ("95 % Wilson", "sign-randomised", "Nothing is corrected", "238 parcels"):
        assert part in told
    assert not app.warning and "chosen run" not in told


def test_sliders_change_the_sentences(empty):
    """The sentence is that of the table for the design that is asked for, and the command asks the same."""
    app = move(move(move(show(PAGE), "n_subjects", 33), "minutes", 25.0), "difference", 0.17)
    table = inventory.power_table()
    assert figures.sentence(table, table.at("better", 33, 25.0, 0.17)) in said(app)
    assert app.code[0].value == "python -m brainlike_core power --subjects 33 --minutes 25"


def test_the_repetition_time_changes_volumes_not_power(empty):
    """Half the volumes at twice the TR; every other word stays."""
    app = show(PAGE)
    before = said(app)
    after = said(move(app, "tr", 3.0))
    assert "400 volumes" in before and "200 volumes" in after
    assert before.replace("400 volumes", "200 volumes") == after


def test_a_run_stands_on_the_curves_or_is_said_to_lie_outside(empty):
    """Its own listeners and minutes."""
    run = made.make_run()
    run_id = made.write(run, empty)
    minutes = run.dictionary.n_trs * run.recording.tr / 60
    told = said(show(PAGE, run=run_id[:12]))
    assert f"The chosen run: {run.recording.n_subjects} listeners, {minutes:.1f} minutes" in told
