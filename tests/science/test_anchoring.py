"""science/anchoring.py: planted anchors, a calibrated null, fingerprints of related and unrelated models."""

import numpy as np
import pytest
from scipy import signal, stats

from brainlike_core.errors import InputError
from brainlike_core.science.anchoring import anchor_neurons, fingerprint


def slow(rng, n_rows, n_columns):
    """Autocorrelated time courses."""
    return signal.lfilter([1], [1, -0.8], rng.standard_normal((n_rows + 50, n_columns)), axis=0)[50:]


def test_planted_anchors_are_found():
    """Neurons that follow one of four networks with r of about .7 are anchored to it; the others to none."""
    rng = np.random.default_rng(0)
    courses = slow(rng, 300, 4)
    own = np.arange(80) % 4
    neurons = np.hstack([courses[:, own] + slow(rng, 300, 80), slow(rng, 300, 80)])
    found = anchor_neurons(neurons, courses, n_surrogates=500)
    assert (found.network[:80] == own).all() and (found.q[:80] < 0.05).all()
    assert (found.q[80:] < 0.05).mean() < 0.1
    np.testing.assert_allclose(found.r[0], np.corrcoef(neurons[:, 0], courses[:, 0])[0, 1], atol=1e-6)


def test_no_neuron_is_anchored_by_its_slowness():
    """Unrelated slow neurons, the largest of six networks each: p <= .05 in about one of twenty."""
    rng = np.random.default_rng(1)
    p = np.concatenate(
        [anchor_neurons(slow(rng, 250, 20), slow(rng, 250, 6), n_surrogates=99, seed=i).p for i in range(30)]
    )
    assert 0.02 <= (p <= 0.05).mean() <= 0.085 and p.min() > 0


def test_stretches_of_neurons_do_not_matter(monkeypatch):
    """The same anchors and p however many are taken at once, for neurons as for surrogates."""
    rng = np.random.default_rng(2)
    neurons, courses = slow(rng, 100, 30), slow(rng, 100, 3)
    whole = anchor_neurons(neurons, courses, n_surrogates=40)
    monkeypatch.setattr("brainlike_core.science.anchoring.NEURONS_AT_ONCE", 7)
    parts = anchor_neurons(neurons, courses, n_surrogates=40)
    assert np.array_equal(whole.network, parts.network) and np.array_equal(whole.p, parts.p)


def test_anchors_are_refused_without_common_trs():
    """Both numbers are named; NaN is refused."""
    with pytest.raises(InputError, match="100 and 90 TRs"):
        anchor_neurons(np.zeros((100, 3)), np.zeros((90, 2)))
    with pytest.raises(InputError, match="not numbers"):
        anchor_neurons(np.full((100, 3), np.nan), np.zeros((100, 2)))


def test_a_model_and_its_distorted_self_have_a_common_origin():
    """The same networks in another order, with other signs and a monotone distortion: rho is +-1, matched."""
    rng = np.random.default_rng(3)
    first = slow(rng, 200, 5)
    order = rng.permutation(5)
    second = -(first[:, order] ** 3)
    found = fingerprint(first, second, n_surrogates=100)
    np.testing.assert_allclose(found.matched, -1)
    assert np.array_equal(order[found.partner], np.arange(5))
    assert found.score == pytest.approx(1) and found.common_origin and found.p == 1 / 101


def test_rho_is_scipys():
    """Spearman of every pair, ties included."""
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 9, (60, 3)), rng.integers(0, 9, (60, 4))
    expected = stats.spearmanr(first, second).statistic[:3, 3:]
    np.testing.assert_allclose(fingerprint(first, second, n_surrogates=1).rho, expected)


def test_unrelated_models_have_no_common_origin():
    """Null: unrelated slow time courses have p below .05 in about one of twenty, and a score below .5."""
    rng = np.random.default_rng(5)
    found = [fingerprint(slow(rng, 200, 4), slow(rng, 200, 5), n_surrogates=99, seed=i) for i in range(120)]
    assert sum(one.p <= 0.05 for one in found) <= 13
    assert not any(one.common_origin for one in found)
    assert np.mean([one.score for one in found]) == pytest.approx(
        np.mean([one.null.mean() for one in found]), abs=0.02
    )


def test_models_without_common_words_are_refused():
    """Different words, and fewer networks in the second."""
    rng = np.random.default_rng(6)
    with pytest.raises(InputError, match="60 and 50 words"):
        fingerprint(slow(rng, 60, 3), slow(rng, 50, 3))
    with pytest.raises(InputError, match="found 3 and 2"):
        fingerprint(slow(rng, 60, 3), slow(rng, 60, 2))
