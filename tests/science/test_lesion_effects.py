"""Lesions against random lesions: hand-worked, calibrated where there is nothing, and seen where there is something."""

import doctest

import numpy as np
import pytest
from scipy import stats

from brainlike_core.errors import ConfigError
from brainlike_core.science import lesion_effects
from brainlike_core.science.lesion_effects import (
    lesion_effect,
    matched_random,
    p_two_sided,
    p_worse,
    random_share,
)
from brainlike_core.values import Scores


def test_random_lesions_have_as_many_neurons_in_each_layer():
    """Counts by layer equal; every neuron of a layer is drawn alike; the chosen ones too; the same by seed."""
    mask = np.zeros((3, 10), bool)
    mask[0, :4] = mask[2, 7] = True
    drawn = matched_random(mask.ravel(), 3, 10, 4000, seed=5)
    by_layer = drawn.reshape(-1, 3, 10)
    assert (by_layer.sum(2) == [4, 0, 1]).all()
    share = by_layer.mean(0)
    assert np.abs(share[0] - 0.4).max() < 0.04 and np.abs(share[2] - 0.1).max() < 0.03
    assert np.array_equal(drawn, matched_random(mask.ravel(), 3, 10, 4000, seed=5))
    assert not np.array_equal(drawn, matched_random(mask.ravel(), 3, 10, 4000, seed=6))


def test_avoided_neurons_are_never_drawn():
    """Where too few are left, the sentence names the layer."""
    mask = np.zeros(12, bool)
    mask[[0, 1]] = True
    avoid = np.zeros(12, bool)
    avoid[:3] = True
    drawn = matched_random(mask, 2, 6, 200, seed=1, avoid=avoid)
    assert not (drawn & avoid).any() and drawn[:, 3:6].any(0).all()
    avoid[:5] = True
    with pytest.raises(ConfigError, match="Layer 0 has too few.*found 1 that may be drawn, needed 2"):
        matched_random(mask, 2, 6, 1, seed=1, avoid=avoid)
    for wrong in (mask[:-1], mask.astype(int)):
        with pytest.raises(ConfigError, match="does not fit its layers"):
            matched_random(wrong, 2, 6, 1, seed=1)


def test_a_share_of_all_neurons():
    """15 % of them, whatever the layer; a share of everything is none."""
    drawn = random_share(400, 500, seed=2)
    assert (drawn.sum(1) == 60).all() and np.abs(drawn.mean(0) - 0.15).max() < 0.08
    with pytest.raises(ConfigError, match="share"):
        random_share(10, 1, seed=0, share=1.0)


def texts(costs, n_tokens) -> Scores:
    return Scores("perplexity", np.stack([costs, n_tokens], 1))


def test_an_effect_worked_by_hand():
    """Nats per token: 2 before, 3 after; random lesions 2.1, 2.2, 2.3."""
    n_tokens = np.array([10.0, 30.0])
    whole, cut = texts(2 * n_tokens, n_tokens), texts(3 * n_tokens, n_tokens)
    others = [texts(cost * n_tokens, n_tokens) for cost in (2.1, 2.2, 2.3)]
    found = lesion_effect(whole, cut, others)
    assert np.isclose([found.before, found.after], np.exp([2, 3])).all()
    assert np.isclose(found.random, np.exp([2.1, 2.2, 2.3]).mean())
    assert np.isclose([found.harm, found.difference, found.effect_size], [1, 0.8, 8]).all()
    assert np.allclose(found.random_harm, [0.1, 0.2, 0.3])
    # All texts change alike: items drawn again change nothing.
    assert np.isclose([found.harm_low, found.harm_high, found.difference_low], [1, 1, 0.8]).all()
    assert found.p_worse == found.p == 0.25


def test_harm_is_for_the_worse_whatever_the_measure():
    """More accuracy is better, more perplexity is worse; a lesion that helps has a negative harm."""
    ones = np.ones(8)
    right = Scores("word accuracy", np.stack([np.arange(8) < 6, ones], 1))
    less = Scores("word accuracy", np.stack([np.arange(8) < 2, ones], 1))
    assert lesion_effect(right, less, [right, right]).harm == 0.5
    helped = lesion_effect(less, right, [less, less])
    assert helped.harm == -0.5 and helped.p_worse == 1 and np.isnan(helped.effect_size)
    assert np.isclose(
        lesion_effect(texts(ones, ones), texts(2 * ones, ones), [texts(ones, ones)] * 2).harm, 1
    )


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Paired over texts: 400 lesions whose true harm is .5 nats per token."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        n_tokens = rng.integers(60, 120, 40).astype(float)
        base = n_tokens * rng.normal(3, 0.8, 40)  # texts differ far more than the lesion does
        after = base + n_tokens * rng.normal(0.5, 0.3, 40)
        found = lesion_effect(
            texts(base, n_tokens), texts(after, n_tokens), [texts(base, n_tokens)] * 2, n_bootstraps=400
        )
        held += found.harm_low <= 0.5 <= found.harm_high
        assert found.harm_high - found.harm_low < 0.3
    assert 0.90 <= held / 400 <= 0.98


def toy_scores(mask: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> Scores:
    """Ten texts whose cost rises with the weights of the neurons that are gone."""
    n_tokens = np.full(10, 50.0)
    return texts(n_tokens * (3 + weight[mask].sum() + 0.01 * rng.normal(size=10)), n_tokens)


def lesioned(mask: np.ndarray, weight: np.ndarray, seed: int):
    """The whole comparison on a model of 4 layers of 25 neurons."""
    rng = np.random.default_rng(seed)
    random = matched_random(mask, 4, 25, 19, seed=seed)
    whole = toy_scores(np.zeros(100, bool), weight, rng)
    cut, *others = (toy_scores(one, weight, rng) for one in (mask, *random))
    return lesion_effect(whole, cut, others, n_bootstraps=20)


def test_a_random_lesion_is_rarely_called_special():
    """Null: masks drawn at random themselves, neurons of very unequal weight: p is uniform, .05 holds."""
    rng = np.random.default_rng(4)
    weight = rng.lognormal(-3, 1.5, 100)
    found = []
    for seed in range(600):
        mask = np.zeros(100, bool)
        mask[rng.choice(100, 8, replace=False)] = True
        found.append(lesioned(mask, weight, seed))
    for p in (np.array([one.p_worse for one in found]), np.array([one.p for one in found])):
        # 600 draws at .05: 30 expected, standard deviation 5.3.
        assert 14 <= (p <= 0.05).sum() <= 46
        assert stats.kstest(p - 0.025, "uniform").statistic < 0.08


def test_a_lesion_of_the_neurons_that_matter_is_seen():
    """Planted: ten neurons carry everything."""
    weight = np.full(100, 0.001)
    mask = np.zeros(100, bool)
    mask[[3, 7, 30, 31, 40, 60, 61, 62, 90, 99]] = True
    weight[mask] = 0.2
    found = lesioned(mask, weight, seed=1)
    assert found.p_worse == found.p == 0.05 and found.effect_size > 4 and found.difference_low > 1


def test_p_values_by_counting():
    """Ties count against the lesion; the two-sided one looks at both ends."""
    random = np.array([0.0, 1.0, 2.0, 3.0])
    assert [p_worse(harm, random) for harm in (4, 3, 1.5, -1)] == [0.2, 0.4, 0.6, 1.0]
    assert p_two_sided(10.0, random) == p_two_sided(-10.0, random) == 0.2
    assert p_two_sided(1.5, random) == 1.0


def test_what_cannot_be_compared_is_refused():
    """Another measure, other items, and a single random lesion."""
    ones = np.ones(4)
    a, b = texts(ones, ones), texts(np.ones(5), np.ones(5))
    c = Scores("word accuracy", np.ones((4, 2)))
    for others in ([a, b], [a, c]):
        with pytest.raises(ConfigError, match="cannot be compared"):
            lesion_effect(a, a, others)
    with pytest.raises(ConfigError, match="too few random lesions: found 1"):
        lesion_effect(a, a, [a])


def test_docstring_examples():
    """Doctests."""
    assert doctest.testmod(lesion_effects).failed == 0
