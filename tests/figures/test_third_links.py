"""figures/third_links.py: links of each third beside fake atoms: every number is on the chart, in words, in the table."""

import numpy as np
import pytest

from brainlike_core.figures import third_links as shown
from tests import synthetic_run as made
from tests.layer_world import made_third_links


@pytest.fixture(scope="module")
def runs():
    """A trained and a random model."""
    return [made.make_run(made.config()), made.make_run(made.config(weights="random"))]


@pytest.fixture
def found(runs):
    return [made_third_links(runs[0].atlas.networks)] * 2


def test_colour_is_what_beats_both_nulls_and_the_rest_is_a_number_beside_it(runs, found):
    """One panel per run; only the middle third's first network has colour; cells without a link say nothing."""
    first, second = shown.by_third(runs, found).data
    assert list(first.x) == ["early", "middle", "late"]
    assert first.z[0].tolist() == [0, 2, 0] and first.z.sum() == 2
    assert list(first.text[0]) == ["0 · 4", "2 · 6", "0 · 4"] and set(first.text[1]) == {""}
    np.testing.assert_allclose(first.customdata[0, :, 1], 0.5)  # of fake atoms
    assert first.zmax == second.zmax == 3


def test_words_and_caption_hold_the_numbers(runs, found):
    """Links beside those of fake atoms with p; units, null and correction in the caption."""
    early, middle, late = shown.sentences(found[0])
    assert middle == (
        "The middle third (layers 1-1): 6 links by the spin rule, sign-randomised atoms 4 (1-8, p 0.200); 2 pass both "
        f"nulls and the atom gate, of theirs 0.1 (p 0.010): {runs[0].atlas.networks[0]} 2."
    )
    assert early.endswith("of theirs 0.1 (p 1.000).")
    said = shown.caption(runs, found)
    assert "8 atoms of 30 neurons" in said and "200 dictionaries of sign-randomised atoms" in said
    assert "FDR 0.05" in said and "uncorrected" in said and "No test between thirds" in said


def test_the_table_has_a_row_for_each_network_and_third_of_each_run(runs, found):
    """As many rows as cells; the runs are named."""
    table = shown.table(runs, found)
    assert len(table) == 2 * 3 * len(runs[0].atlas.networks) and table["run"].nunique() == 2
    assert table["n_accepted"].sum() == 4
