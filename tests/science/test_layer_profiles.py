"""science/layer_profiles.py: shares by hand, intervals against the binomial, planted layers with other seeds."""

import numpy as np
import pytest
from scipy import sparse, stats

from brainlike_core.config import DictionaryConfig, LayersConfig
from brainlike_core.science.dictionary import learn_dictionary
from brainlike_core.science.layer_profiles import layer_profiles
from brainlike_core.values import Dictionary, NeuronResponses

N_TRS, N_UNITS = 80, 40
NETWORKS = ("one", "both", "none")
LINKS = np.zeros((2, 3, 3), bool)
LINKS[0, 0, 0] = LINKS[0, 0, 1] = LINKS[1, 1, 1] = True


def made(groups):
    """A dictionary of three atoms in which neuron n belongs to groups[n] (-1: none), on three layers."""
    rng, n = np.random.default_rng(0), len(groups)
    used = np.flatnonzero(np.array(groups) >= 0)
    loadings = sparse.csr_matrix((np.ones(len(used)), (used, np.array(groups)[used])), (n, 3))
    return Dictionary(
        rng.standard_normal((N_TRS, 3)).astype(np.float32), loadings.data.astype(np.float32),
        loadings.indices.astype(np.int32), loadings.indptr.astype(np.int64), np.zeros(n, np.float32),
        0.1, 0.3, 1, (0, 1, 2), N_UNITS, 0,
    )  # fmt: skip


def responses(values):
    return NeuronResponses("made", "tr", values.astype(np.float32), (0, 1, 2), N_UNITS)


@pytest.fixture(scope="module")
def found():
    """Atom 0: 30 neurons of layer 0, 10 of layer 2. Atom 1: all 40 of layer 1. Atom 2: none."""
    groups = [0] * 30 + [-1] * 10 + [1] * 40 + [0] * 10 + [-1] * 30
    noise = np.random.default_rng(1).standard_normal((N_TRS, 120))
    config = LayersConfig(n_seeds=0, n_bootstraps=2000)
    return layer_profiles(
        responses(noise), made(groups), LINKS, NETWORKS, DictionaryConfig(n_atoms=3), config
    )


def test_shares_and_centres_by_hand(found):
    """Three quarters in the first layer and one in the last: mean depth a quarter. An empty sub-group has none."""
    np.testing.assert_allclose(found.share, [[0.75, 0, 0.25], [0, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.subgroups["centre"], [0.25, 0.5, np.nan])
    assert found.subgroups["n_neurons"].tolist() == [40, 40, 0]


def test_intervals_over_neurons_are_binomial(found):
    """Independent: 40 neurons of which each lies in layer 2 with probability a quarter."""
    low, high = stats.binom.ppf([0.025, 0.975], 40, 0.25) / 40
    assert found.share_low[0, 2] == pytest.approx(low, abs=0.026)
    assert found.share_high[0, 2] == pytest.approx(high, abs=0.026)
    row = found.subgroups.loc[0]
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.026)
    assert found.share_low[1, 1] == found.share_high[1, 1] == 1
    assert np.isnan(found.subgroups.loc[2, "low"])


def test_a_network_is_the_mean_of_its_subgroups(found):
    """Of either sign; nothing for a network without links."""
    np.testing.assert_allclose(found.network_share, [[0.75, 0, 0.25], [0.375, 0.5, 0.125], [0, 0, 0]])
    np.testing.assert_allclose(found.networks["centre"], [0.25, 0.375, np.nan])
    assert found.networks["n_subgroups"].tolist() == [1, 2, 0]
    both = found.networks.loc[1]
    assert both["low"] < 0.375 < both["high"]
    # Only two sub-groups have neurons: every random set of two is these two.
    assert both["null_low"] == pytest.approx(0.375) and both["null_high"] == pytest.approx(0.375)
    assert np.isnan(found.networks.loc[2, "null_low"])


@pytest.fixture(scope="module")
def planted():
    """Three time courses, each followed by the neurons of one layer."""
    rng = np.random.default_rng(2)
    courses = rng.standard_normal((N_TRS, 3))
    values = np.repeat(courses, N_UNITS, axis=1) + 0.3 * rng.standard_normal((N_TRS, 120))
    return responses((values - values.mean(0)) / values.std(0))


def profiles(planted, **settings):
    used = DictionaryConfig(n_atoms=3, seed=1)
    dictionary = learn_dictionary(planted.values, used, layers=(0, 1, 2), n_units=N_UNITS)
    return layer_profiles(planted, dictionary, LINKS, NETWORKS, used, LayersConfig(**settings))


def test_planted_layers_come_back_with_other_seeds(planted):
    """Each atom's partners lie in its own layer: no spread at all, matched |r| near 1."""
    found = profiles(planted, n_seeds=2)
    assert sorted(found.subgroups["centre"]) == pytest.approx([0, 0.5, 1], abs=0.01)
    assert (found.subgroups["high"] - found.subgroups["low"]).max() < 0.05
    assert found.subgroups["matched"].min() > 0.95 and found.n_seeds == 2


def test_a_subgroup_that_moves_with_the_seed_is_uncertain(monkeypatch):
    """The run's dictionary takes layer 0 for its atom, that of the other seed layer 2: anything between may be."""
    own, other = made([0] * 40 + [1] * 40 + [2] * 40), made([2] * 40 + [1] * 40 + [0] * 40)
    monkeypatch.setattr("brainlike_core.science.layer_profiles.learn_dictionary", lambda *_, **__: other)
    noise = responses(np.random.default_rng(4).standard_normal((N_TRS, 120)))
    used, config = DictionaryConfig(n_atoms=3), LayersConfig(n_seeds=1)
    found = layer_profiles(noise, own, LINKS, NETWORKS, used, config)
    assert found.subgroups[["low", "centre", "high"]].to_numpy().tolist() == [
        [0, 0, 1],
        [0.5, 0.5, 0.5],
        [0, 1, 1],
    ]
    assert found.network_high[0].tolist() == [1, 0, 1] and found.subgroups["matched"].min() == pytest.approx(
        1
    )
