"""science/recovery.py: a plant that is there, one that is not, and a link nobody planted."""

import numpy as np
import pandas as pd

from brainlike_core.science.recovery import expression, heard_patterns, recover, shuffled_score
from brainlike_core.science.timing import band_pass
from brainlike_core.values import Correspondence, Dictionary, PlantedTruth


def world(found, level=0.0):
    """Six patterns that are the atoms (every second one negated), planted on six networks.

    Atom k is linked to network found[k]; ``level`` is the q of every link.
    """
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
    q = np.full((2, 6, 6), level, np.float32)
    links = Correspondence(
        atlas="t",
        networks=names,
        dice=dice,
        p_spin=q,
        q_spin=q,
        p_phase=q,
        q_phase=q,
        atom_q=np.zeros(6, np.float32),
        involvement_fake=np.zeros((2, 6)),
        n_links_fake=np.array([0]),
        n_links_fake_accepted=np.array([0]),
        level=0.05,
    )
    n = np.zeros(0, np.float32)
    dictionary = Dictionary(
        atoms, n, n.astype(np.int32), np.zeros(3, np.int64), np.zeros(2, np.float32), 0.1, 0.0, 1, (0,), 2, 10
    )
    return PlantedTruth(table, patterns, names, "t"), dictionary, links


def test_a_plant_that_is_there_is_recovered_with_its_sign():
    """All six effects, negated atoms through deactivation; chance 1 in 6; every link is a planted one."""
    found = recover(*world(range(6)), 1.5, ())
    assert found.score == 1 and found.p < 0.01 and abs(found.chance - 1 / 6) < 0.01
    assert found.table["atom"].tolist() == list(range(6))
    assert (found.table["atom_r"].abs() > 0.99).all() and (found.table["dice"] == 0.5).all()
    assert (found.n_links, found.n_links_planted) == (6, 6)


def test_a_wrong_correspondence_recovers_nothing():
    """Every atom goes with the next network: score 0, p 1, no link was planted."""
    found = recover(*world(np.roll(range(6), 1)), 1.5, ())
    assert found.score == 0 and found.p == 1
    assert (found.n_links, found.n_links_planted) == (6, 0)


def test_a_link_that_does_not_beat_the_nulls_recovers_nothing():
    """The right Dice everywhere, and q = 0.2: the score that random weights get."""
    found = recover(*world(range(6), level=0.2), 1.5, ())
    assert found.score == 0 and found.n_links == 0


def test_a_link_of_an_atom_that_does_not_follow_the_pattern_recovers_nothing():
    """Unrelated atoms with all the right links."""
    truth, dictionary, links = world(range(6))
    noise = np.random.default_rng(1).standard_normal((100, 6)).astype(np.float32)
    found = recover(truth, Dictionary(**{**dictionary.__dict__, "atoms": noise}), links, 1.5, ())
    assert found.score == 0 and (found.table["atom_q"] > 0.05).all()


def test_patterns_are_compared_on_the_atoms_rows():
    """Atom rows start at TR 10 of the pattern; r = 1 and -1 in turn, and only these are significant."""
    truth, dictionary, _ = world(range(6))
    heard = heard_patterns(truth, dictionary, 1.5, ())
    r, q = expression(heard, dictionary.atoms.astype(float), np.random.default_rng(0))
    np.testing.assert_allclose(np.diag(r), [1, -1] * 3, atol=1e-6)
    assert (np.diag(q) < 0.05).all() and (q < 0.05).sum() == 6


def test_smooth_noise_expresses_nothing():
    """64 slow random atoms against ten slow patterns: the best |r| passes .3, hardly a q passes .05."""
    rng = np.random.default_rng(2)
    slow = band_pass(rng.standard_normal((700, 74)), 1.5, (0.005, 0.04))[150:550]
    r, q = expression(slow[:, :10], slow[:, 10:], rng)
    assert np.abs(r).max() > 0.3 and (q < 0.05).sum() <= 1


def test_shuffled_score_of_half_hits():
    """Two of four effects claimed, each of one network: chance 1 / 8."""
    claimed = np.zeros((4, 2, 4), bool)
    claimed[[0, 1], 0, [0, 1]] = True
    four, plus = np.arange(4), np.zeros(4, int)
    score, chance, p = shuffled_score(claimed, four, plus, four, np.random.default_rng(0))
    assert score == 0.5 and abs(chance - 0.125) < 0.01
    assert abs(p - 2 / 24) < 0.01  # both hits stay in 2 of the 24 deals
