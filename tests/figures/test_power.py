"""figures/power.py: the sentences and the curves say what the table says."""

import doctest

import pandas as pd
import pytest

from brainlike_core.figures import power as figures
from brainlike_core.values import PowerTable
from tests.test_power_table import table


@pytest.fixture(scope="module")
def made():
    """A table by a rule, its atoms and its config."""
    rows = [(m, n, s, 0.9, 0.5, 0.4, 0.6, 192) for m in (5.0, 10.0) for n in (1000, 4000) for s in (0.1, 1.0)]
    atoms = pd.DataFrame(rows, columns=["minutes", "n_neurons", "snr", "cos", "found", "low", "high", "n"])
    return PowerTable(table().table, atoms, {"config": {"weaker": 0.3}})


def test_examples():
    """The docstrings are true."""
    assert doctest.testmod(figures).failed == 0


def test_the_sentence_has_the_numbers_of_the_table(made):
    """Power, its interval, that it is interpolated, and the minutes for 80 %."""
    exact = figures.sentence(made, made.at("better", 20, 10.0, 0.2)).replace("\xa0", " ")
    assert exact == (
        "With 20 listeners and 10 minutes, a true difference of r = .20 between two models is found "
        "**31 %** [29, 33] of the time; even 40 minutes do not give 80 %."
    )
    between = figures.sentence(made, made.at("predicts", 40, 20.0, 0.4)).replace("\xa0", " ")
    assert between.endswith("**72 %** [70, 74] of the time, interpolated; even 40 minutes do not give 80 %.")


def test_nothing_needs_minutes_to_be_found_where_nothing_is(made):
    """At a true effect of 0 the share is that of false findings."""
    assert "there is nothing to find" in figures.sentence(made, made.at("predicts", 20, 10.0, 0.0))


@pytest.mark.parametrize(
    ("n", "power", "words"),
    [
        (80, 0.2, "5 minutes or fewer give 20"),
        (5, 0.99, "even 40 minutes do not give 99"),
        (20, 0.55, "needs about 7"),
    ],
)
def test_minutes_in_words(made, n, power, words):
    """At the shortest, never, and in between."""
    found = made.at("predicts", n, 10.0, 0.4)
    assert words in figures.needed(made, found, power).replace("\xa0", " ")


def test_curves_pass_through_the_table(made):
    """Each line's value at 10 minutes is the table's; the chosen design, recordings inside and none outside are marked."""
    effects = {"predicts": 0.4, "better": 0.2}
    marks = (("Pie Man", 40, 6.9), ("too long", 40, 90.0))
    chart = figures.power_curves(made, 33, 12.0, effects, marks)
    line = next(t for t in chart.data if t.name == "20 listeners")
    at = min(range(len(line.x)), key=lambda i: abs(line.x[i] - 10))
    assert line.y[at] == pytest.approx(made.at("predicts", 20, line.x[at], 0.4).power)
    names = [t.name for t in chart.data]
    assert any(n and n.startswith("Pie Man (40, 7 min)") for n in names) and not any(
        n and "long" in n for n in names
    )
    points = [t for t in chart.data if t.mode == "markers" and list(t.x) == [12.0]]
    assert [p.y[0] for p in points] == [made.at(c, 33, 12.0, e).power for c, e in effects.items()]


def test_captions_say_n_units_null_and_correction(made):
    """Also how many worlds each point has."""
    caption = figures.curves_caption(made)
    for part in (
        "50 to 100 for each point",
        "Wilson",
        "sign-randomised",
        "Nothing is corrected",
        "true r is .30",
    ):
        assert part in caption
    assert "192 for each point" in figures.atoms_caption(made)


def test_atom_curves_have_a_panel_for_each_number_of_neurons(made):
    """Two panels of two lines."""
    chart = figures.atom_curves(made)
    assert len(chart.data) == 4 and [a.text for a in chart.layout.annotations] == [
        "1,000 neurons",
        "4,000 neurons",
    ]
