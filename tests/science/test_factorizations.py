"""science/factorizations.py: independent computations, planted sources and clusters, one contract for all."""

import numpy as np
import pytest

from brainlike_core.config import METHODS, DictionaryConfig
from brainlike_core.errors import ConfigError
from brainlike_core.science.dictionary import learn_dictionary

OTHERS = [method for method in METHODS if method != "sparse"]


def planted(loadings, n_trs=150, noise=0.05, seed=0):
    """z-scored sums of white time courses with the given loadings (n_neurons, n_atoms), and the courses."""
    rng = np.random.default_rng(seed)
    courses = rng.standard_normal((n_trs, loadings.shape[1]))
    courses -= courses.mean(0)
    values = courses @ loadings.T + noise * rng.standard_normal((n_trs, len(loadings)))
    values -= values.mean(0)
    return (values / values.std(0)).astype(np.float32), courses / np.linalg.norm(courses, axis=0)


def sums(n_neurons=600, n_atoms=5, seed=0):
    """Neurons that are sparse sums of a few courses."""
    rng = np.random.default_rng(seed)
    return planted(rng.laplace(size=(n_neurons, n_atoms)) * (rng.random((n_neurons, n_atoms)) < 0.5) + 1e-3)


def learn(values, method, **changes):
    """Five atoms by a method."""
    config = DictionaryConfig(**{"n_atoms": 5, "method": method} | changes)
    return learn_dictionary(values, config, layers=(0,), n_units=values.shape[1])


def matched(courses, found):
    """Worst over planted courses of the best |cos| with an atom."""
    return np.abs(courses.T @ found.atoms).max(1).min()


@pytest.mark.parametrize("method", OTHERS)
def test_one_contract(method):
    """Unit atoms of mean 0, R^2 from atoms and loadings, deterministic by seed, input not changed, first atom largest."""
    values, _ = sums()
    before = values.copy()
    found, again = learn(values, method), learn(values, method)
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(found.atoms, again.atoms)
    np.testing.assert_allclose(np.linalg.norm(found.atoms, axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(found.atoms.mean(0), 0, atol=2e-2 if method == "autoencoder" else 1e-4)
    unit = values / np.linalg.norm(values, axis=0)
    left = ((unit - found.atoms @ found.loadings.toarray().T) ** 2).sum(0)
    np.testing.assert_allclose(found.r2, 1 - left, atol=1e-3)
    assert found.objective == pytest.approx(0.5 * left.mean(), rel=1e-3)
    carried = np.abs(found.loadings.toarray()).sum(0)
    assert (np.diff(carried) <= 1e-3).all()
    assert found.penalty == (0.1 if method == "autoencoder" else 0)


@pytest.mark.parametrize("method", OTHERS)
def test_white_noise_recovers_nothing(method):
    """Null: atoms of white noise match planted courses no better than chance (|cos| of five against five)."""
    _, courses = sums()
    noise = np.random.default_rng(3).standard_normal((150, 600)).astype(np.float32)
    assert matched(courses, learn(noise, method)) < 0.3


def test_pca_is_the_svd():
    """Atoms span the leading right singular vectors of the unit-norm neurons; R^2 is their share of the variance."""
    values, _ = sums()
    unit = values.T / np.linalg.norm(values.T, axis=1, keepdims=True)
    right = np.linalg.svd(unit.astype(float), full_matrices=False)[2][:5]
    found = learn(values, "pca")
    assert np.linalg.norm(right @ found.atoms) ** 2 == pytest.approx(5, abs=1e-3)
    np.testing.assert_allclose(found.r2, ((unit @ right.T) ** 2).sum(1), atol=1e-3)


@pytest.mark.parametrize("method", ["ica", "sparse"])
def test_sparse_sources_come_back(method):
    """Courses with sparse, independent loadings are found by ICA and by the sparse dictionary, but not by PCA."""
    rng = np.random.default_rng(0)
    loadings = rng.laplace(size=(2000, 20)) * (rng.random((2000, 20)) < 0.15) + 1e-3
    values, courses = planted(loadings)
    assert matched(courses, learn(values, method, n_atoms=20)) > 0.95
    assert matched(courses, learn(values, "pca", n_atoms=20)) < 0.8


def test_clusters_come_back():
    """Neurons that each follow one course: k-means finds courses and members."""
    own = np.arange(300) % 5
    values, courses = planted(np.eye(5)[own])
    found = learn(values, "kmeans")
    assert matched(courses, found) > 0.99
    assert all(len(set(found.subgroups[own == k])) == 1 for k in range(5))
    assert (np.diff(found.loading_starts) == 1).all()


def test_nonnegative_sums_come_back():
    """Sums of bursts, each course at rest most of the time: NMF finds the bursts with loadings >= 0."""
    rng = np.random.default_rng(0)
    bursts = rng.random((150, 5)) * (rng.random((150, 5)) < 0.1)
    values = bursts @ (rng.random((5, 400)) * (rng.random((5, 400)) < 0.4) + 1e-3)
    values = ((values - values.mean(0)) / values.std(0)).astype(np.float32)
    found = learn(values, "nmf")
    centred = bursts - bursts.mean(0)
    assert matched(centred / np.linalg.norm(centred, axis=0), found) > 0.9
    assert (found.loadings.data >= 0).all()


def test_autoencoder_finds_clusters_and_stays_sparse():
    """Neurons that each follow one course: a neuron's loadings are non-negative and few."""
    values, courses = planted(np.eye(5)[np.arange(600) % 5])
    found = learn(values, "autoencoder", n_atoms=10)
    assert matched(courses, found) > 0.9
    assert (found.loadings.data > 0).all() and np.diff(found.loading_starts).mean() < 5


@pytest.mark.parametrize("method", OTHERS)
def test_too_many_atoms_are_refused(method):
    """The limit is the same for all: K <= TRs and neurons."""
    with pytest.raises(ConfigError, match="found K = 5, needed K <= 3"):
        learn(np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32), method)


def test_unknown_method_is_refused():
    """The sentence lists the methods."""
    with pytest.raises(
        ConfigError, match="found 'svd', needed one of sparse, pca, ica, nmf, kmeans, autoenc"
    ):
        DictionaryConfig(method="svd")
