"""science/recurrence.py: IoU by hand, brute force, a calibrated null, connectivity and layers in closed form."""

import doctest

import numpy as np
import pytest
from scipy import stats

from brainlike_core.errors import InputError
from brainlike_core.science import recurrence as module
from brainlike_core.science.recurrence import (
    exchanged,
    functional_connectivity,
    network_activity,
    recurrence,
)

N_LAYERS, N_UNITS = 4, 100
LAYER = np.repeat(np.arange(N_LAYERS), N_UNITS)


def random_sets(rng, n, size=30, hubs=True):
    """Sets of neurons; with hubs, some layers have far more than others."""
    odds = np.where(LAYER == 1, 8.0, 1.0) if hubs else np.ones(len(LAYER))
    sets = np.zeros((n, len(LAYER)), bool)
    for one in sets:
        one[rng.choice(len(LAYER), size, replace=False, p=odds / odds.sum())] = True
    return sets


def test_docstring_examples():
    """The hand-worked examples hold."""
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


def test_the_best_match_is_that_of_brute_force():
    """For every network and text, the largest of all IoUs; texts may have different numbers of components."""
    rng = np.random.default_rng(0)
    networks = random_sets(rng, 3)
    networks[2] = False
    texts = [random_sets(rng, n, size) for n, size in ((4, 20), (1, 40), (6, 30))]
    found = recurrence(networks, texts, LAYER, n_permutations=1)
    for t, text in enumerate(texts):
        for k, network in enumerate(networks):
            ious = [(network & one).sum() / (network | one).sum() for one in text]
            assert found.best[k, t] == pytest.approx(max(ious))


def test_a_recurring_network_by_hand():
    """Network {0,1,2,3}: text one has {0,1,2} (IoU 3/4), text two {3,4,5,6} (1/7): it recurs in half of them."""
    sets = np.zeros((3, 400), bool)
    for row, own in zip(sets, ([0, 1, 2, 3], [0, 1, 2], [3, 4, 5, 6]), strict=True):
        row[own] = True
    found = recurrence(sets[:1], [sets[1:2], sets[2:]], LAYER, n_permutations=200)
    np.testing.assert_allclose(found.best, [[3 / 4, 1 / 7]], rtol=1e-6)
    assert found.share.tolist() == [0.5] and found.mean_iou[0] == pytest.approx((3 / 4 + 1 / 7) / 2)
    assert found.p.tolist() == [1 / 201]


def test_exactly_the_threshold_does_not_recur():
    """IoU > .2, not >=: one of five shared neurons is not enough."""
    sets = np.zeros((2, 400), bool)
    sets[0, :3] = True
    sets[1, 2:5] = True
    assert recurrence(sets[:1], [sets[1:]], LAYER, n_permutations=1).share.tolist() == [0.0]


def test_planted_networks_recur_and_others_do_not():
    """Half of the networks come back in every text with half of their neurons: found, and only they."""
    rng = np.random.default_rng(1)
    networks = random_sets(rng, 6)
    texts = []
    for _ in range(12):
        own = networks[:3] & (rng.random((3, len(LAYER))) < 0.6)
        texts.append(np.concatenate([own | random_sets(rng, 3, 8), random_sets(rng, 4)]))
    found = recurrence(networks, texts, LAYER, n_permutations=400)
    assert (found.q[:3] < 0.05).all() and (found.q[3:] > 0.05).all()
    assert (found.share[:3] > 0.9).all() and (found.share_null < 0.05).all()
    assert (found.p > 0).all()


@pytest.mark.parametrize("alike", [False, True])
def test_the_null_is_calibrated(alike):
    """Networks that have only their layers in common with the texts, alike among themselves or not: p is uniform."""
    rng = np.random.default_rng(2)
    p = []
    for _ in range(60):
        shared = random_sets(rng, 5, 20)  # texts that are alike are not many pieces of evidence
        texts = [random_sets(rng, 5, 20) | (shared if alike else False) for _ in range(5)]
        p.append(recurrence(random_sets(rng, 4), texts, LAYER, n_permutations=99, seed=len(p)).p)
    p = np.concatenate(p)
    # The networks of one draw share permutations, and mean IoUs can tie: both on the safe side.
    assert 0.01 <= (p <= 0.05).mean() <= 0.08
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_a_null_that_forgets_layers_would_not_be():
    """The same networks, exchanged over the whole model: far too many seem to recur."""
    rng = np.random.default_rng(2)
    anywhere = np.zeros(len(LAYER), int)
    p = [
        recurrence(
            random_sets(rng, 4), [random_sets(rng, 5) for _ in range(5)], anywhere, n_permutations=99
        ).p
        for _ in range(10)
    ]
    assert (np.concatenate(p) <= 0.05).mean() > 0.5


def test_exchanges_are_even_and_keep_layers():
    """Every neuron goes to every place of its layer equally often, and to no other layer."""
    rng = np.random.default_rng(0)
    layers = np.array([0, 1, 0, 1, 1, 0])
    count = np.zeros((6, 6))
    for _ in range(3000):
        order = exchanged(layers, rng)
        assert sorted(order) == list(range(6))
        count[np.arange(6), order] += 1
    same = layers[:, None] == layers
    assert not count[~same].any()
    np.testing.assert_allclose(count[same] / 3000, 1 / 3, atol=0.04)


def test_activity_is_the_mean_of_key_neurons():
    """By hand; a network without neurons is silent."""
    z = np.array([[1.0, 3.0, -1.0], [0.0, 2.0, 5.0]])
    networks = np.array([[True, True, False], [False, False, False], [False, False, True]])
    assert network_activity(z, networks).tolist() == [[2, 0, -1], [1, 0, 5]]


def test_connectivity_is_pearson():
    """numpy's corrcoef; 0, not NaN, with a silent network."""
    activity = np.random.default_rng(0).standard_normal((50, 4))
    activity[:, 2] = 0
    found = functional_connectivity(activity)
    np.testing.assert_allclose(found[:2, :2], np.corrcoef(activity[:, :2].T))
    assert found[2].tolist() == [0, 0, 1, 0]


def test_masks_of_different_models_are_refused():
    """Both numbers of neurons are named; no text is refused as well."""
    sets = random_sets(np.random.default_rng(0), 2)
    with pytest.raises(InputError, match="1 texts, 300 and 400 neurons"):
        recurrence(sets, [sets[:, :300]], LAYER)
    with pytest.raises(InputError, match="0 texts"):
        recurrence(sets, [], LAYER)
