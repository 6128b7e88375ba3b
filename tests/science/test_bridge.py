"""Cutting sub-groups: their time courses from what is left, and the double dissociation against random pairs."""

import numpy as np
import pytest
from scipy import sparse

from brainlike_core.science.bridge import dissociation, interaction, network_means, remaining_courses


@pytest.fixture
def world():
    """Four atoms over 80 TRs; each of 200 neurons loads on two of them."""
    rng = np.random.default_rng(0)
    atoms = rng.normal(size=(80, 4))
    atoms /= np.linalg.norm(atoms, axis=0)
    loadings = np.zeros((200, 4))
    for row in loadings:
        row[rng.choice(4, 2, replace=False)] = rng.normal(size=2)
    return atoms, loadings


def test_all_neurons_give_the_atoms_back(world):
    """No noise, nothing cut: the time courses are the atoms."""
    atoms, loadings = world
    found = remaining_courses(atoms @ loadings.T, sparse.csr_matrix(loadings), np.ones(200, bool))
    assert np.abs((found * atoms).sum(0)).min() > 0.999


def test_half_the_neurons_still_know_the_atoms(world):
    """An atom is shared by many neurons: a random half gives it back, agreeing with numpy's least squares."""
    atoms, loadings = world
    kept = np.random.default_rng(1).random(200) < 0.5
    responses = atoms @ loadings.T + 0.01 * np.random.default_rng(2).normal(size=(80, 200))
    found = remaining_courses(responses, sparse.csr_matrix(loadings), kept)
    plain = np.linalg.lstsq(loadings[kept], responses[:, kept].T, rcond=None)[0].T
    plain /= np.linalg.norm(plain, axis=0)
    assert np.abs((found * plain).sum(0)).min() > 0.999


def test_an_atom_that_no_kept_neuron_knows_is_zero(world):
    """Cut all that load on it: nothing is made up."""
    atoms, loadings = world
    kept = loadings[:, 2] == 0
    found = remaining_courses(atoms @ loadings.T, sparse.csr_matrix(loadings), kept)
    assert np.abs(found[:, 2]).max() == 0 and np.abs((found * atoms).sum(0))[[0, 1, 3]].min() > 0.99


def test_the_mean_of_a_network_counts_vertices():
    """Location 0 holds three vertices of network 0, location 1 one; network 2 has none."""
    table = np.array([[3.0, 0.0, 0.0], [1.0, 2.0, 0.0]])
    found = network_means(np.array([0.4, 0.0]), table)
    assert found[:2].tolist() == pytest.approx([0.3, 0.0]) and np.isnan(found[2])


def test_a_planted_dissociation_is_found_and_a_shared_loss_is_not():
    """Each network loses by its own cut: p = 1 / 201. Both lose by one cut alike: no interaction."""
    rng = np.random.default_rng(3)
    random = 0.01 * rng.normal(size=(200, 2, 2))
    own = dissociation(np.array([[0.2, 0.0], [0.0, 0.1]]), random)
    assert own["p"] == pytest.approx(1 / 201) and own["interaction"] == pytest.approx(0.3)
    assert own["own"] == pytest.approx(0.2) and own["other"] == pytest.approx(0.1)
    shared = dissociation(np.array([[0.2, 0.2], [0.0, 0.0]]), random)
    assert shared["interaction"] == pytest.approx(0) and shared["p"] > 0.1


def test_its_p_is_calibrated():
    """Cuts that are random themselves: p at most .05 in .05 of 2,000 worlds."""
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(2000):
        cuts = rng.normal(size=(20, 2, 2))
        hits += dissociation(cuts[0], cuts[1:])["p"] <= 0.05
    assert 0.034 <= hits / 2000 <= 0.066


def test_the_interaction_of_many_draws_at_once():
    """(n, 2, 2) -> (n,)."""
    draws = np.arange(8.0).reshape(2, 2, 2)
    assert interaction(draws).tolist() == [0.0, 0.0]
