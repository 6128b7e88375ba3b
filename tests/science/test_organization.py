"""science/organization.py: every quantity by hand on small cases, intervals and nulls on built ones."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from brainlike_core.config import MatchConfig, OrganizationConfig
from brainlike_core.science import organization as org
from brainlike_core.science.spins import SpinNull
from brainlike_core.values import Correspondence, Dictionary, EncodingResult


def test_mean_pairwise_by_hand():
    """Pairs .5, .1, .3: mean .3; one atom has no pair."""
    c = np.array([[1, 0.5, 0.1], [0.5, 1, 0.3], [0.1, 0.3, 1]])
    assert org.mean_pairwise(c, np.array([0, 1, 2])) == pytest.approx(0.3)
    assert np.isnan(org.mean_pairwise(c, np.array([1])))


def test_diversity_counts_size_not_sign():
    """Anticorrelated atoms are as redundant as correlated ones."""
    assert org.diversity(np.array([[1, -0.5], [-0.5, 1]])) == pytest.approx(0.5)


def test_effective_rank_of_identity_and_of_copies():
    """Four independent atoms: 4; four copies: 1."""
    assert org.effective_rank(np.eye(4)) == pytest.approx(4)
    assert org.effective_rank(np.ones((4, 4))) == pytest.approx(1, abs=1e-6)


def test_layer_divergence_equals_scipy():
    """Mean squared Jensen-Shannon distance (base 2) over pairs; empty sub-groups are left out."""
    table = np.array([[5, 0, 1], [0, 3, 3], [2, 2, 2], [0, 0, 0]])
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean([jensenshannon(table[a], table[b], base=2) ** 2 for a, b in pairs])
    assert org.layer_divergence(table) == pytest.approx(expected)


def test_involvement_entropy_bounds():
    """All links with one network: 0; spread evenly: 1; no link: not defined."""
    links = np.zeros((2, 4, 3), bool)
    assert np.isnan(org.involvement_entropy(links))
    links[0, :, 1] = True
    assert org.involvement_entropy(links) == 0
    links[0] = True
    assert org.involvement_entropy(links) == pytest.approx(1)


def test_specialisation_by_hand():
    """Best .8 minus second best .5 over networks and signs."""
    dice = np.array([[[0.8, 0.1]], [[0.5, 0.0]]])
    assert org.specialisation(dice) == pytest.approx([0.3])


def test_balance_is_a_harmonic_mean():
    """.6 and .3 give .4; no positive consistency gives 0."""
    assert org._balance(0.6, 0.3) == pytest.approx(0.4)
    assert org._balance(0.6, -0.2) == 0


def world(similar):
    """Eight atoms, two networks of 20 of 60 locations; atoms 0-3 drive network A, alike where ``similar``."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal((200, 1))
    atoms = rng.standard_normal((200, 8))
    if similar:
        atoms[:, :4] = base + 0.5 * atoms[:, :4]
    atoms = (atoms - atoms.mean(0)) / np.linalg.norm(atoms - atoms.mean(0), axis=0)
    labels = np.repeat([1, 2, 0], 20).astype(np.uint8)
    weights = rng.standard_normal((10, 8, 60)).astype(np.float32)
    weights[:, :4, :20] += 4
    null = SpinNull(labels, labels[None][:0], np.arange(60, dtype=np.int32), 2, 60)
    p = np.ones((2, 8, 2), np.float32)
    p[0, :4, 0] = 0.001
    dice = np.zeros((2, 8, 2), np.float32)
    dice[0, :4, 0] = 0.8
    ones = np.ones(8, np.float32)
    corr = Correspondence(
        "t",
        ("A", "B"),
        dice,
        p,
        p,
        p,
        p,
        ones,
        np.zeros((2, 2), np.float32),
        np.array([3]),
        np.array([0]),
        0.05,
    )
    starts = np.arange(0, 25)
    dictionary = Dictionary(
        atoms.astype(np.float32), np.ones(24, np.float32), (np.arange(24) % 8).astype(np.int32), starts.astype(np.int64),
        np.ones(24, np.float32), 0.1, 1.0, 1, (0, 1), 12, 0,
    )  # fmt: skip
    v = np.zeros(60, np.float32)
    fields = dict.fromkeys(EncodingResult.__dataclass_fields__, v)
    encoded = EncodingResult(
        **fields | {"z_maps": weights.mean(0) * 3, "weights": weights, "r_subjects": np.zeros(10)}
    )
    return dictionary, encoded, corr, null


def organize(similar):
    """The organization of a built world."""
    return org.organize(*world(similar), MatchConfig(), OrganizationConfig(n_bootstraps=60, n_null=200), 1.5)


def test_similar_atoms_of_a_network_beat_the_size_matched_null():
    """Consistency of alike atoms lies above random sets of the same size, with an interval around it."""
    table = organize(True).metrics.set_index("metric")
    row = table.loc["consistency"]
    assert row["low"] <= row["value"] <= row["high"]
    assert row["value"] > row["null_high"] and row["low"] > row["null"]


def test_unrelated_atoms_do_not():
    """Null: linked atoms that have nothing in common stay inside the null's range."""
    row = organize(False).metrics.set_index("metric").loc["consistency"]
    assert row["null_low"] <= row["value"] <= row["null_high"]


def test_counts_and_compactness():
    """Four links of 8 x 2 pairs: compactness .75; involvement 4 and 0; profile rows sum to 1 or are 0."""
    found = organize(True)
    assert found.value("compactness") == 0.75 and found.value("n_links") == 4
    assert found.networks["involvement_pos"].tolist() == [4, 0]
    np.testing.assert_allclose(found.layer_profiles.sum(1), [1, 0])
    assert np.isnan(found.networks["consistency"][1])
