"""science/sparse_codes.py: hand-worked codes, scikit-learn's codes, optimality, both precisions, warm starts."""

import doctest

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from brainlike_core.science import sparse_codes as module
from brainlike_core.science.sparse_codes import objective, sparse_codes


def unit(rows):
    """Rows of norm 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def case(n_neurons, n_atoms, n_trs, seed=0):
    """Random neurons, and atoms that are correlated with each other; float64."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal(n_trs)
    return unit(rng.standard_normal((n_neurons, n_trs))), unit(
        rng.standard_normal((n_atoms, n_trs)) + 0.5 * shared
    )


def test_codes_equal_scikit_learns_lasso():
    """Coordinate descent on the Gram matrix reaches scikit-learn's solution."""
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((12, 60))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    neurons = rng.standard_normal((20, 60))
    neurons /= np.linalg.norm(neurons, axis=1, keepdims=True)
    ours = sparse_codes(neurons.astype(np.float32), atoms.astype(np.float32), 0.1)
    theirs = (
        Lasso(alpha=0.1 / 60, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(atoms.T, neurons.T).coef_
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_one_atom_is_soft_thresholding():
    """Hand-worked: loading = sign(c) max(|c| - lambda, 0) for c = .8, .05, -.5."""
    atom = np.array([[1.0, 0.0]], np.float32)
    neurons = np.array([[0.8, 0.6], [0.05, 0.99], [-0.5, 0.8]], np.float32)
    codes = sparse_codes(neurons, atom, 0.1)
    np.testing.assert_allclose(codes.ravel(), [0.7, 0.0, -0.4], atol=1e-6)


def test_objective_by_hand():
    """||(1, 0) - .5 (1, 0)||^2 / 2 + .1 * .5 = .175."""
    one = np.array([[1.0, 0.0]])
    assert objective(one, one, np.array([[0.5]]), 0.1) == pytest.approx(0.175)


def test_docstring_example():
    """The example of the docstring holds."""
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


@pytest.mark.parametrize(("n_neurons", "n_atoms"), [(1, 3), (63, 8), (64, 9), (65, 20), (200, 17)])
def test_conditions_of_the_optimum(n_neurons, n_atoms):
    """Every size of the last block: the gradient is penalty times the sign where a loading is, and smaller elsewhere."""
    neurons, atoms = case(n_neurons, n_atoms, 50)
    codes = sparse_codes(neurons, atoms, 0.1)
    gradient = (neurons - codes @ atoms) @ atoms.T
    assert np.abs(gradient).max() <= 0.1 + 1e-4
    np.testing.assert_allclose(gradient[codes != 0], 0.1 * np.sign(codes[codes != 0]), atol=1e-4)
    assert 0 < (codes != 0).mean() < 1


def test_float32_equals_float64():
    """Single precision gives the codes of double precision within 1e-4."""
    neurons, atoms = case(300, 24, 80)
    single = sparse_codes(neurons.astype(np.float32), atoms.astype(np.float32), 0.05)
    double = sparse_codes(neurons, atoms, 0.05)
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_allclose(single, double, atol=1e-4)


def test_start_changes_nothing_but_the_way():
    """A warm start gives the same codes and is not changed."""
    neurons, atoms = case(100, 24, 80)
    cold = sparse_codes(neurons, atoms, 0.05)
    start = np.random.default_rng(1).standard_normal(cold.shape)
    kept = start.copy()
    np.testing.assert_allclose(sparse_codes(neurons, atoms, 0.05, start), cold, atol=1e-4)
    np.testing.assert_array_equal(start, kept)


def test_atoms_of_any_norm_and_empty_atoms():
    """Atoms need not have norm 1; one of zeros gets no loading."""
    neurons, atoms = case(20, 6, 40)
    atoms *= np.array([0.5, 2, 1, 1, 3, 0])[:, None]
    lasso = Lasso(alpha=0.1 / 40, fit_intercept=False, tol=1e-12, max_iter=100_000)
    found = sparse_codes(neurons, atoms, 0.1)
    np.testing.assert_allclose(found, lasso.fit(atoms.T, neurons.T).coef_, atol=1e-4)
    assert not found[:, 5].any()


def test_order_of_neurons_does_not_matter():
    """Neurons are coded apart, whichever stand side by side."""
    neurons, atoms = case(130, 16, 40)
    order = np.random.default_rng(2).permutation(130)
    np.testing.assert_allclose(
        sparse_codes(neurons[order], atoms, 0.1), sparse_codes(neurons, atoms, 0.1)[order], atol=1e-4
    )
