"""science/stability.py: matched atoms by hand and by brute force, consensus of planted atoms, null."""

import doctest
from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import signal

from brainlike_core.science import stability
from brainlike_core.science.dictionary import SparseDictionary
from brainlike_core.science.stability import consensus, match_atoms, pair_null, pair_stability
from tests.science.test_dictionary import planted

N_TRS, N_ATOMS, N_SEEDS = 200, 6, 10


def smooth(rng, n_atoms=N_ATOMS):
    """Autocorrelated time courses of mean 0 and norm 1, (n_trs, n_atoms)."""
    values = signal.lfilter([1], [1, -0.8], rng.standard_normal((N_TRS + 50, n_atoms)), axis=0)[50:]
    values -= values.mean(0)
    return values / np.linalg.norm(values, axis=0)


def shuffled(atoms, rng):
    """The same atoms in another order, with other signs and scales."""
    order = rng.permutation(atoms.shape[1])
    return atoms[:, order] * rng.choice([-1, 1], len(order)) * rng.uniform(0.5, 2, len(order))


def learned_again(noise=1.0, n_noise=0, seed=0):
    """Planted atoms, and for each seed those with noise added, and atoms that are noise alone, shuffled."""
    rng = np.random.default_rng(seed)
    truth = smooth(rng)
    versions = []
    for _ in range(N_SEEDS):
        noisy = truth + noise * smooth(rng)
        versions.append(shuffled(np.hstack([noisy, smooth(rng, n_noise)]), rng))
    return truth, versions


def test_the_examples_of_the_docstrings():
    """Doctests of the file."""
    assert doctest.testmod(stability, extraglobs={"np": np}).failed == 0


def test_matching_equals_trying_every_order():
    """Independent: of all 720 orders, none has a larger sum of |r|."""
    rng = np.random.default_rng(1)
    first, second = smooth(rng), smooth(rng)
    r = np.corrcoef(first.T, second.T)[:N_ATOMS, N_ATOMS:]
    best = max(sum(abs(r[k, j]) for k, j in enumerate(order)) for order in permutations(range(N_ATOMS)))
    partner, found = match_atoms(first, second)
    assert np.abs(found).sum() == pytest.approx(best)
    np.testing.assert_allclose(found, r[np.arange(N_ATOMS), partner])


def test_identical_dictionaries_are_fully_stable():
    """One dictionary ten times: every |r| is 1 and the consensus is the dictionary."""
    atoms = smooth(np.random.default_rng(2))
    found = consensus([atoms] * N_SEEDS)
    np.testing.assert_allclose(pair_stability([atoms] * N_SEEDS), 1)
    np.testing.assert_allclose(found.stability, 1)
    np.testing.assert_allclose(found.atoms, atoms, atol=1e-12)


def test_order_sign_and_scale_do_not_matter():
    """Permuted, sign-flipped and rescaled atoms are the same atoms."""
    rng = np.random.default_rng(3)
    atoms = smooth(rng)
    versions = [shuffled(atoms, rng) for _ in range(N_SEEDS)]
    np.testing.assert_allclose(pair_stability(versions), 1)
    found = consensus(versions)
    np.testing.assert_allclose(found.stability, 1)
    np.testing.assert_allclose(np.abs(match_atoms(found.atoms, atoms)[1]), 1)


def test_members_are_the_atoms_that_were_averaged():
    """The consensus can be computed again from the columns that it names."""
    _, versions = learned_again()
    found = consensus(versions)
    for k in range(N_ATOMS):
        own = np.stack([v[:, m] for v, m in zip(versions, found.members[:, k], strict=True)])
        r = np.corrcoef(own)
        pairs = [abs(r[i, j]) for i, j in combinations(range(N_SEEDS), 2)]
        assert found.stability[k] == pytest.approx(np.mean(pairs))
        own = own / np.linalg.norm(own, axis=1, keepdims=True) * np.sign(own @ found.atoms[:, k])[:, None]
        assert np.corrcoef(own.mean(0), found.atoms[:, k])[0, 1] == pytest.approx(1)


def test_planted_atoms_are_stable_and_noise_is_not():
    """Half of the atoms come back with noise, half are drawn anew: stability tells them apart."""
    truth, versions = learned_again(noise=0.5, n_noise=N_ATOMS)
    found = consensus(versions)
    partner, r = match_atoms(truth, found.atoms)
    fresh = np.setdiff1d(np.arange(2 * N_ATOMS), partner)
    assert np.abs(r).min() > 0.95
    assert found.stability[partner].min() > 0.6 > 0.4 > found.stability[fresh].max()


def test_consensus_is_nearer_to_the_plant_than_any_seed():
    """Noise that differs between seeds averages out."""
    truth, versions = learned_again(noise=1.0)
    single = [np.abs(match_atoms(truth, one)[1]).mean() for one in versions]
    joint = np.abs(match_atoms(truth, consensus(versions).atoms)[1]).mean()
    assert joint > max(single) + 0.1


def test_consensus_of_learned_dictionaries_recovers_the_plant():
    """Ten dictionaries of planted neurons: their consensus is nearer to the plant than they are on average."""
    values, truth = planted(0.5, n_trs=120, n_neurons=500, n_atoms=8)
    versions = [SparseDictionary(8, 0.1, seed=s).fit(values.T).components_.T for s in range(N_SEEDS)]
    single = [np.abs(match_atoms(truth, one)[1]).mean() for one in versions]
    found = consensus(versions)
    assert np.abs(match_atoms(truth, found.atoms)[1]).mean() >= np.mean(single)
    assert pair_stability(versions).mean() > np.quantile(pair_null(versions, np.random.default_rng(0)), 0.99)


def test_unrelated_dictionaries_are_no_more_stable_than_their_null():
    """Null: atoms drawn anew for each seed match as sign-randomised ones do, which is far from r = 0."""
    rng = np.random.default_rng(4)
    versions = [smooth(rng) for _ in range(N_SEEDS)]
    real, null = pair_stability(versions), pair_null(versions, rng).mean(1)
    error = np.sqrt(real.var() / len(real) + null.var() / len(null))
    assert abs(real.mean() - null.mean()) < 3 * error
    assert null.mean() > 0.15


def test_an_atom_that_never_moves_matches_nothing():
    """A constant column has r = 0 with everything, and no NaN."""
    atoms = smooth(np.random.default_rng(5))
    still = atoms.copy()
    still[:, 0] = 3.0
    partner, r = match_atoms(still, atoms)
    assert r[0] == 0 and partner[0] == 0
    np.testing.assert_allclose(r[1:], 1)
