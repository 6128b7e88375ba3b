"""figures/dictionary_choice.py: every point of the table, the null, the marks, and plain words with their numbers."""

import numpy as np
import pandas as pd
import pytest

from brainlike_core.figures import dictionary_choice as shown
from brainlike_core.values import DictionaryChoice

ROWS = [  # n_atoms, penalty, r2_neurons, r2_time, behind, loadings, stability, within, recommended, used
    (16, 0.1, 0.20, 0.141, 0.009, 4.0, 0.60, True, True, False),
    (16, 0.2, 0.10, 0.120, 0.030, 2.0, 0.70, False, False, False),
    (32, 0.1, 0.30, 0.150, 0.000, 6.0, 0.50, True, False, False),
    (32, 0.2, 0.15, 0.130, 0.020, 3.0, 0.65, False, False, True),
]


def choice(rows=ROWS):
    """Four settings: the fewer atoms at lambda .1 are within one standard error (.01) of the best."""
    columns = "n_atoms penalty r2_neurons r2_time behind loadings stability within recommended used"
    table = pd.DataFrame(rows, columns=columns.split())
    table = table.assign(r2_learned=table["r2_neurons"], r2_time_se=0.01, behind_se=0.004)
    table = table.assign(stability_null=0.2, stability_null_high=0.25)
    three = np.array([0.3, 0.5, 0.7], np.float32)
    return DictionaryChoice(table, 800, 200, 10, np.zeros((50, 3), np.float32), three, three, 0.4)


def traces(figure, name):
    """All traces of a name."""
    return [trace for trace in figure.data if trace.name == name]


def test_every_setting_is_drawn_in_three_panels():
    """One line for each penalty in each panel, through the table's values."""
    figure = shown.choice_chart(choice())
    for penalty in (0.1, 0.2):
        lines, rows = traces(figure, f"λ = {penalty:g}"), choice().table.query("penalty == @penalty")
        assert [list(line.y) for line in lines] == [
            list(rows[c]) for c in ("r2_time", "r2_neurons", "stability")
        ]
        assert all(list(line.x) == [16, 32] for line in lines)
    assert sum(bool(trace.showlegend) for trace in figure.data) == 5  # each thing is named once


def test_the_null_stands_in_the_panel_of_stability():
    """Mean and 95th percentile of sign-randomised atoms; one standard error below the best as a band."""
    figure = shown.choice_chart(choice())
    mean, high = traces(figure, "sign-randomised atoms, mean to 95 %")
    assert list(mean.y) == [0.2, 0.2] and list(high.y) == [0.25, 0.25]
    (band,) = figure.layout.shapes
    assert sorted([band.y0, band.y1]) == pytest.approx([0.14, 0.15])


def test_the_recommended_and_the_used_setting_are_marked():
    """A star and a ring, at the same settings in all panels."""
    figure = shown.choice_chart(choice())
    assert [(t.x[0], t.y[0]) for t in traces(figure, "recommended")] == [(16, 0.141), (16, 0.20), (16, 0.60)]
    assert [(t.x[0], t.y[0]) for t in traces(figure, "this run")] == [(32, 0.130), (32, 0.15), (32, 0.65)]


def test_the_recommendation_says_why_in_numbers():
    """Which setting, within what of which best; and that the run's own is not within it."""
    first, edge, own, stable = shown.recommendation(choice())
    assert "16 atoms at λ 0.1, the fewest atoms" in first and "(0.150: 32 atoms at λ 0.1)" in first
    assert "one standard error (0.010)" in first and "edge" in edge
    assert "32 atoms at λ 0.2 (R² 0.130) do not lie within" in own and "0.020 below it (± 0.004" in own
    assert "mean |r| of 0.65 (sign-randomised 0.20); 2 of the run's 3 atoms" in stable


def test_a_run_with_the_best_setting_is_told_so():
    """Nothing lies behind the best: no number compares it with itself."""
    rows = [(*row[:8], row[:2] == (16, 0.1), row[:2] == (32, 0.1)) for row in ROWS]
    assert "This run's 32 atoms at λ 0.1 did best." in shown.recommendation(choice(rows))
    rows = [(*row[:8], *[row[:2] == (32, 0.1)] * 2) for row in ROWS]
    assert "the best that was tried, R² 0.150" in shown.recommendation(choice(rows))[0]


def test_one_atom_is_held_against_the_null():
    """Of stabilities .3, .5 and .7 with a null of .4, the first is not beyond it."""
    assert "Atom 0 comes back at a mean |r| of 0.30 over seeds, not beyond" in shown.atom_sentence(
        choice(), 0
    )
    assert "0.70 over seeds, beyond" in shown.atom_sentence(choice(), 2)


def test_the_caption_claims_no_likeness_to_the_brain():
    """How many neurons, what was unseen, and that random weights reach as much."""
    said = shown.caption(choice())
    assert "800 neurons" in said and "200 others" in said
    assert "random weights reach as much" in said
