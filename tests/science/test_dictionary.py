"""science/dictionary.py: planted atoms, the gate of the defaults, null, the estimator, refusals."""

import doctest

import numpy as np
import pytest
from scipy import signal
from sklearn.base import clone

from brainlike_core.config import DictionaryConfig
from brainlike_core.errors import ConfigError, InputError
from brainlike_core.science import dictionary
from brainlike_core.science.code_holders import ProcessorCodes
from brainlike_core.science.dictionary import SparseDictionary
from brainlike_core.science.sparse_codes import objective, sparse_codes


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


GATE = [(10, 0.95), (1, 0.85)]  # SNR, mean |cos| of planted atoms with the best found


def recovery(snr, **changes):
    """Mean over planted atoms of the best |cos|."""
    values, atoms = planted(snr)
    return np.abs(atoms.T @ learn(values, **changes).atoms).max(1).mean()


@pytest.mark.parametrize(("snr", "bar"), GATE)
def test_default_settings_recover_planted_atoms(snr, bar):
    """With the default penalty, planted atoms come back at |cos| >= .95 (SNR 10) and .85 (SNR 1)."""
    assert recovery(snr) >= bar


@pytest.mark.parametrize(("snr", "bar"), GATE)
@pytest.mark.parametrize("changes", [{"penalty": 0.5}, {"n_atoms": 32}, {"method": "pca"}])
def test_gate_fails_for_bad_settings(snr, bar, changes):
    """The same gate refuses a penalty too high, too few atoms, and components that are not sparse."""
    assert recovery(snr, **changes) < bar


def test_default_penalty_relative_to_the_largest():
    """The default penalty lies at 10-25 % (real neurons: about 25 %) of what would leave the median planted neuron without loadings."""
    for snr, _ in GATE:
        found = learn(planted(snr)[0])
        assert 0.1 < found.penalty / found.penalty_max < 0.25


def test_largest_penalty_by_hand():
    """Above the median of the neurons' largest |correlation| with an atom, fewer than half of them load."""
    model = SparseDictionary(8, 0.1).fit(planted(10, n_neurons=501, n_atoms=8)[0].T)
    values = planted(10, n_neurons=501, n_atoms=8)[0]
    rows = values.T / np.linalg.norm(values.T, axis=1, keepdims=True)
    for factor, expected in ((1.001, 250), (0.999, 251)):
        loaded = sparse_codes(rows, model.components_, model.penalty_max_ * factor).any(1).sum()
        assert loaded == pytest.approx(expected, abs=3)


def test_random_responses_do_not_recover_a_plant():
    """Null: atoms learned from white noise match planted ones no better than chance."""
    _, atoms = planted(10, n_neurons=70)
    noise = np.random.default_rng(1).standard_normal((300, 1500)).astype(np.float32)
    assert np.abs(atoms.T @ learn(noise).atoms).max(1).mean() < 0.3


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


# -- the estimator -----------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    """Neurons (n_neurons, n_trs) and an estimator that has learned from them."""
    neurons = planted(3, n_trs=120, n_neurons=1500, n_atoms=12)[0].T
    return neurons, SparseDictionary(12, 0.1).fit(neurons)


def test_docstring_examples():
    """The examples of the docstrings hold."""
    found = doctest.testmod(dictionary)
    assert found.attempted and not found.failed


def test_estimator_is_scikit_learns():
    """get_params, set_params and clone work; fit_transform equals fit and transform."""
    model = SparseDictionary(n_atoms=5).set_params(penalty=0.2)
    assert clone(model).get_params() == model.get_params()
    assert model.get_params()["penalty"] == 0.2


def test_transform_gives_the_codes_of_learning(fitted):
    """The codes that come with the atoms are those of a fresh start, in the order of the neurons."""
    neurons, model = fitted
    codes = clone(model).fit_transform(neurons)
    np.testing.assert_allclose(codes, model.transform(neurons), atol=2e-4)
    assert codes.shape == (1500, 12)


def test_logged_objective_is_true_in_float64(fitted):
    """The last objective is that of atoms and exact codes, computed in double precision from scratch."""
    neurons, model = fitted
    rows = neurons.astype(float) / np.linalg.norm(neurons.astype(float), axis=1, keepdims=True)
    atoms = model.components_.astype(float)
    value = objective(rows, atoms, sparse_codes(rows, atoms, 0.1), 0.1)
    assert model.objective_[-1] == pytest.approx(value, rel=1e-5)


def test_objective_of_each_pass_is_that_of_its_atoms_and_codes():
    """What the statistics say after a pass equals the objective computed from all neurons."""
    neurons = planted(3, n_trs=100, n_neurons=700, n_atoms=8)[0].T
    rows = dictionary._unit_rows(neurons, np.arange(700))
    model = SparseDictionary(8, 0.1, n_iterations=3, tolerance=1e-9)
    holder = ProcessorCodes(rows, 8, 0.1)
    atoms, log = model._passes(rows, holder, rows[:8].copy())
    assert len(log) == 3 and log[-1] == min(log)
    assert log[-1] == pytest.approx(objective(rows.astype(float), atoms, holder.codes.T, 0.1), rel=1e-5)


def test_passes_end_at_the_tolerance():
    """A looser tolerance stops earlier, at a higher objective; the objective falls on the way."""
    neurons = planted(3, n_trs=120, n_neurons=1500, n_atoms=12)[0].T
    loose, tight = (SparseDictionary(12, 0.1, tolerance=t).fit(neurons) for t in (0.05, 1e-6))
    assert loose.n_iter_ < tight.n_iter_ and loose.objective_[-1] > tight.objective_[-1]
    assert tight.objective_[-1] <= min(tight.objective_[:-1]) * (1 + 1e-6)  # single precision
    assert len(tight.objective_) == tight.n_iter_ + 1


def test_objective_is_not_above_scikit_learns(fitted):
    """scikit-learn's batch dictionary learning, from our atoms, finds nothing better by 1 %."""
    from sklearn.decomposition import DictionaryLearning

    neurons, model = fitted
    rows = (neurons / np.linalg.norm(neurons, axis=1, keepdims=True)).astype(float)
    start = model.components_.astype(float)
    peer = DictionaryLearning(
        12, alpha=0.1, max_iter=20, fit_algorithm="cd", dict_init=start, code_init=model.transform(neurons)
    )
    atoms = peer.fit(rows).components_
    assert model.objective_[-1] <= 1.01 * objective(rows, atoms, sparse_codes(rows, atoms, 0.1), 0.1)


def test_unused_atoms_go_to_badly_explained_neurons():
    """More atoms than planted ones: none is left as it began, unless no neuron needs it."""
    neurons = planted(10, n_trs=100, n_neurons=400, n_atoms=4)[0].T
    sums = dictionary._Statistics(neurons[:3])
    rows = dictionary._unit_rows(neurons, np.arange(400))
    atoms = sums.revive(np.zeros((3, 100), np.float32), ProcessorCodes(rows, 3, 0.1), rows)
    assert all((atom == rows).all(1).any() for atom in atoms)


def test_responses_that_are_not_numbers_are_refused():
    """NaN in one neuron: the sentence says how many."""
    values = planted(10, n_neurons=300)[0]
    values[3, 5] = np.nan
    with pytest.raises(InputError, match="found 1 of 300 neurons with NaN or infinity, needed finite values"):
        learn(values)


def test_progress_can_end_learning_early():
    """The callback is asked from the first neurons on, and its exception goes through."""

    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SparseDictionary(8, progress=stop).fit(planted(10, n_neurons=600)[0].T)
