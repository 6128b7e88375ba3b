"""science/dictionary.py: planted atoms, scikit-learn's codes, null, refusals."""

import numpy as np
import pytest
from scipy import signal
from sklearn.linear_model import Lasso

from brainlike_core.config import DictionaryConfig
from brainlike_core.errors import ConfigError
from brainlike_core.science import dictionary


def planted(snr, n_trs=300, n_neurons=4000, n_atoms=64, seed=0):
    """Neurons that are sums of three autocorrelated atoms, and the atoms."""
    rng = np.random.default_rng(seed)
    atoms = signal.lfilter([1], [1, -0.7], rng.standard_normal((n_trs + 50, n_atoms)), axis=0)[50:]
    atoms = (atoms - atoms.mean(0)) / np.linalg.norm(atoms - atoms.mean(0), axis=0)
    loadings = np.zeros((n_atoms, n_neurons))
    for n in range(n_neurons):
        loadings[rng.choice(n_atoms, 3, replace=False), n] = rng.standard_normal(3)
    clean = atoms @ loadings
    noise = rng.standard_normal(clean.shape)
    noise *= np.sqrt((clean**2).sum(0) / (noise**2).sum(0) / snr)
    values = clean + noise
    return ((values - values.mean(0)) / values.std(0)).astype(np.float32), atoms


def learn(values, **changes):
    """Learn with the default config but for ``changes``."""
    return dictionary.learn_dictionary(
        values, DictionaryConfig(**changes), layers=(0,), n_units=values.shape[1]
    )


@pytest.mark.parametrize(("snr", "bar"), [(10, 0.95), (1, 0.85)])
def test_default_settings_recover_planted_atoms(snr, bar):
    """With the default penalty, planted atoms come back at |cos| >= .95 (SNR 10) and .85 (SNR 1)."""
    values, atoms = planted(snr)
    found = learn(values)
    assert np.abs(atoms.T @ found.atoms).max(1).mean() >= bar


def test_random_responses_do_not_recover_a_plant():
    """Null: atoms learned from white noise match planted ones no better than chance."""
    _, atoms = planted(10, n_neurons=70)
    noise = np.random.default_rng(1).standard_normal((300, 1500)).astype(np.float32)
    assert np.abs(atoms.T @ learn(noise).atoms).max(1).mean() < 0.3


def test_codes_equal_scikit_learns_lasso():
    """Coordinate descent on the Gram matrix reaches scikit-learn's solution."""
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((12, 60))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    neurons = rng.standard_normal((20, 60))
    neurons /= np.linalg.norm(neurons, axis=1, keepdims=True)
    ours = dictionary.sparse_codes(neurons.astype(np.float32), atoms.astype(np.float32), 0.1)
    theirs = (
        Lasso(alpha=0.1 / 60, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(atoms.T, neurons.T).coef_
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_one_atom_is_soft_thresholding():
    """Hand-worked: loading = sign(c) max(|c| - lambda, 0) for c = .8, .05, -.5."""
    atom = np.array([[1.0, 0.0]], np.float32)
    neurons = np.array([[0.8, 0.6], [0.05, 0.99], [-0.5, 0.8]], np.float32)
    codes = dictionary.sparse_codes(neurons, atom, 0.1)
    np.testing.assert_allclose(codes.ravel(), [0.7, 0.0, -0.4], atol=1e-6)


def test_objective_by_hand():
    """||(1, 0) - .5 (1, 0)||^2 / 2 + .1 * .5 = .175."""
    one = np.array([[1.0, 0.0]])
    assert dictionary.objective(one, one, np.array([[0.5]]), 0.1) == pytest.approx(0.175)


def test_same_seed_same_dictionary_other_seed_another():
    """Deterministic by seed."""
    values, _ = planted(10, n_neurons=800)
    first, again, other = learn(values), learn(values), learn(values, seed=1)
    np.testing.assert_array_equal(first.atoms, again.atoms)
    assert not np.array_equal(first.atoms, other.atoms)


def test_result_hangs_together():
    """Atoms have unit norm, R^2 equals what atoms and loadings give, histograms count neurons."""
    values, _ = planted(10, n_neurons=600)
    found = dictionary.learn_dictionary(values, DictionaryConfig(), layers=(0, 1), n_units=300)
    np.testing.assert_allclose(np.linalg.norm(found.atoms, axis=0), 1, rtol=1e-5)
    unit = values / np.linalg.norm(values, axis=0)
    left = unit - found.atoms @ found.loadings.toarray().T
    np.testing.assert_allclose(found.r2, 1 - (left**2).sum(0), atol=1e-4)
    assert found.layer_histogram.sum() == (found.subgroups >= 0).sum()
    assert found.layer_histogram.shape == (64, 2)


def test_constant_neurons_are_kept_with_no_loading():
    """A neuron that never moves stays in place, unloaded and unexplained."""
    values, _ = planted(10, n_neurons=500)
    values[:, 7] = 0
    found = learn(values)
    assert found.subgroups[7] == -1 and found.r2[7] == 0


def test_input_is_not_changed():
    """Learning does not write to its responses."""
    values, _ = planted(10, n_neurons=300)
    before = values.copy()
    learn(values)
    np.testing.assert_array_equal(values, before)


def test_more_atoms_than_trs_are_refused():
    """K is limited by TRs and neurons; the sentence gives both."""
    values = np.random.default_rng(0).standard_normal((50, 400)).astype(np.float32)
    with pytest.raises(
        ConfigError, match=r"found K = 64, needed K <= 50 \(50 TRs, 400 neurons\); lower --atoms"
    ):
        learn(values)
