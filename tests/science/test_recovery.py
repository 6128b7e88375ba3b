"""science/recovery.py: a plant that is there, and one that is not."""

import numpy as np
import pandas as pd

from brainlike_core.science.recovery import pattern_atom_correlation, recover, shuffled_score
from brainlike_core.values import Correspondence, Dictionary, PlantedTruth


def world(found):
    """Six patterns that are the atoms (every second one negated), planted on six networks."""
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((6, 120)).astype(np.float32)
    atoms = patterns[:, 10:110].T.copy()
    atoms[:, 1::2] *= -1
    names = tuple("abcdef")
    table = pd.DataFrame(
        {"pattern": list(names), "network": list(names), "sign": "+", "gain": 1.0, "kind": "lexical"}
    )
    dice = np.zeros((2, 6, 6), np.float32)
    for k, f in enumerate(found):
        dice[k % 2, k, f] = 0.5  # a negated atom deactivates where its pattern activates
    q = np.zeros((2, 6, 6), np.float32)
    corr = Correspondence(
        "t",
        names,
        dice,
        q,
        q,
        q,
        q,
        np.zeros(6, np.float32),
        np.zeros((2, 6)),
        np.array([0]),
        np.array([0]),
        0.05,
    )
    n = np.zeros(0, np.float32)
    dictionary = Dictionary(
        atoms, n, n.astype(np.int32), np.zeros(3, np.int64), np.zeros(2, np.float32), 0.1, 0.0, 1, (0,), 2, 10
    )
    return PlantedTruth(table, patterns, names, "t"), dictionary, corr


def test_a_plant_that_is_there_is_recovered_with_its_sign():
    """All six effects, negated atoms through deactivation; chance 1 in 6."""
    found = recover(*world(range(6)), 1.5, ())
    assert found.score == 1 and found.p < 0.01 and abs(found.chance - 1 / 6) < 0.01
    assert found.table["found_sign"].tolist() == ["+", "-"] * 3
    assert (found.table["atom_r"].abs() > 0.99).all() and found.table["accepted"].all()


def test_a_wrong_correspondence_recovers_nothing():
    """Every atom goes with the next network: score 0, p 1."""
    found = recover(*world(np.roll(range(6), 1)), 1.5, ())
    assert found.score == 0 and found.p == 1


def test_an_atom_without_any_link_is_not_recovered():
    """Dice 0 everywhere names no network, even where the first network was planted."""
    truth, dictionary, corr = world([0] * 6)
    empty = Correspondence(**{**corr.__dict__, "dice": np.zeros((2, 6, 6), np.float32)})
    found = recover(truth, dictionary, empty, 1.5, ())
    assert found.score == 0 and set(found.table["found_network"]) == {"none"}


def test_patterns_are_compared_on_the_atoms_rows():
    """Atom rows start at TR 10 of the pattern."""
    truth, dictionary, _ = world(range(6))
    r = pattern_atom_correlation(truth, dictionary, 1.5, ())
    np.testing.assert_allclose(np.diag(r), [1, -1] * 3, atol=1e-6)


def test_shuffled_score_of_half_hits():
    """Two of four hits against shuffles: chance 1 / 4."""
    score, chance, p = shuffled_score(np.arange(4), np.array([0, 1, 3, 2]), np.random.default_rng(0))
    assert score == 0.5 and abs(chance - 0.25) < 0.02 and 0.2 < p < 0.4
