"""science/dictionary_choice.py: the planted number of atoms, null, and each figure computed another way."""

import doctest

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso

from brainlike_core.config import ChoiceConfig, DictionaryConfig
from brainlike_core.errors import ConfigError
from brainlike_core.science import dictionary_choice
from brainlike_core.science.dictionary import SparseDictionary
from brainlike_core.science.dictionary_choice import across_halves, choose
from tests.science.test_dictionary import planted

USED = DictionaryConfig(n_atoms=8, penalty=0.1)
SMALL = ChoiceConfig(n_atoms=(4, 8, 16, 32), penalties=(0.05, 0.1), n_seeds=4, n_grid_seeds=2)
TR = 1.5


def learned(values, seed=0):
    """Atoms with the settings in use, (n_trs, n_atoms)."""
    return SparseDictionary(USED.n_atoms, USED.penalty, seed=seed).fit(values.T).components_.T


@pytest.fixture(scope="module")
def world():
    """Three hundred neurons that are sums of 3 of 8 planted atoms."""
    return planted(2, n_trs=240, n_neurons=300, n_atoms=8)[0]


@pytest.fixture(scope="module")
def found(world):
    """The settings compared in that world."""
    return choose(world, TR, learned(world), USED, SMALL)


def at(table, n_atoms, penalty):
    """The row of one setting."""
    return table[(table["n_atoms"] == n_atoms) & (table["penalty"] == penalty)].iloc[0]


def test_the_examples_of_the_docstrings():
    """Doctests of the file."""
    assert doctest.testmod(dictionary_choice, extraglobs={"np": np, "pd": pd}).failed == 0


@pytest.mark.parametrize("n_atoms", [4, 8, 16])
def test_the_planted_number_of_atoms_is_recommended(n_atoms):
    """Neurons made of 4, 8 or 16 atoms: held-out time finds how many."""
    values = planted(2, n_trs=240, n_neurons=400, n_atoms=n_atoms)[0]
    found = choose(values, TR, learned(values), USED, SMALL)
    assert found.row("recommended")["n_atoms"] == n_atoms


def test_more_atoms_than_planted_gain_on_neurons_and_lose_on_time(found):
    """Reconstruction alone would choose the most atoms; prediction of unseen time does not."""
    few, many = at(found.table, 8, 0.05), at(found.table, 32, 0.05)
    assert many["r2_learned"] > few["r2_learned"] and many["r2_neurons"] > few["r2_neurons"]
    assert many["r2_time"] < few["r2_time"] and not many["within"]


def test_neurons_of_noise_are_reconstructed_but_not_predicted():
    """Null: of white noise, codes explain some of held-out neurons, and nothing of the other half of their story."""
    noise = np.random.default_rng(0).standard_normal((160, 300)).astype(np.float32)
    table = choose(noise, TR, learned(noise), USED, SMALL).table
    assert (table["r2_neurons"] > 0.005).all()
    assert (table["r2_time"] < 0).all()


def test_errors_across_halves_equal_those_of_scikit_learn():
    """Independent: `Lasso` on the fitted rows alone; rows that no one predicts count nothing."""
    rng = np.random.default_rng(1)
    neurons, atoms = rng.standard_normal((5, 40)), rng.standard_normal((3, 40))
    neurons, atoms = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (neurons, atoms))
    halves = [(np.arange(18), np.arange(20, 36))]
    expected = np.zeros(40)
    for neuron in neurons:
        # scikit-learn divides the squares by the number of rows: 18/40 of a penalty of .1, over 18 rows
        model = Lasso(0.1 * 18 / 40 / 18, fit_intercept=False, tol=1e-10).fit(atoms[:, :18].T, neuron[:18])
        expected[20:36] += (neuron[20:36] - model.predict(atoms[:, 20:36].T)) ** 2
    np.testing.assert_allclose(across_halves(neurons, atoms, 0.1, halves), expected, rtol=1e-4)


class Tried:
    """A setting with given squared errors at each TR."""

    def __init__(self, n_atoms, errors, loadings=2.0):
        self.errors = np.array(errors, float)
        self.row = {"n_atoms": n_atoms, "penalty": 0.1, "loadings": loadings}


def test_distance_from_the_best_and_errors_by_hand():
    """Two settings, four stretches of two TRs that hold a tenth, two, three and four tenths of the variance."""
    energy, blocks = np.array([1, 0, 1, 1, 1, 2, 2, 2.0]), np.array([0, 2, 4, 6])
    errors = [1, 0, 1, 1, 0, 1, 1, 1], [1, 0, 1, 1, 0, 2, 1, 1]
    tried = [Tried(8, errors[0]), Tried(16, errors[1])]
    table = dictionary_choice._compare(tried, energy, blocks, USED)
    np.testing.assert_allclose(table["r2_time"], [0.4, 0.3])
    np.testing.assert_allclose(table["behind"], [0, 0.1], atol=1e-12)
    # lost (.1, .2, .1, .2) minus .6 x variance; lost (.1, .2, .2, .2) minus .7 x variance
    own = [[0.04, 0.08, -0.08, -0.04], [0.03, 0.06, -0.01, -0.08]]
    np.testing.assert_allclose(table["r2_time_se"], [2 * np.std(one, ddof=1) for one in own])
    paired = [-0.01, -0.02, 0.07, -0.04]
    np.testing.assert_allclose(table["behind_se"], [0, 2 * np.std(paired, ddof=1)], atol=1e-12)
    assert table["within"].tolist() == [True, True]  # .1 < .14
    assert table["recommended"].tolist() == [True, False] and table["used"].tolist() == [True, False]


def test_standard_error_equals_a_bootstrap_over_stretches():
    """Independent: R2 of resampled stretches spreads as the standard error says."""
    rng = np.random.default_rng(3)
    energy = rng.uniform(1, 2, 400)
    errors = energy * rng.uniform(0.2, 1.0, 400)
    blocks = np.arange(40) * 10
    table = dictionary_choice._compare([Tried(8, errors)], energy, blocks, USED)
    lost, whole = errors.reshape(40, 10).sum(1), energy.reshape(40, 10).sum(1)
    drawn = rng.integers(40, size=(4000, 40))
    spread = (1 - lost[drawn].sum(1) / whole[drawn].sum(1)).std()
    assert table["r2_time_se"][0] == pytest.approx(spread, rel=0.06)


def test_held_out_neurons_are_not_learned_from(world):
    """Leakage: other held-out neurons change nothing of what was learned."""
    split = dictionary_choice._split(world, SMALL)
    assert len(split[0]) == 240 and len(split[1]) == 60
    units = world.T / np.linalg.norm(world.T, axis=1, keepdims=True)
    nearest = [(rows @ units.T).argmax(1) for rows in split]
    assert not set(nearest[0]) & set(nearest[1]) and len(set(nearest[0]) | set(nearest[1])) == 300


def test_halves_do_not_touch():
    """Rows to fit on and rows to predict lie a gap apart, and every row is predicted once."""
    halves = dictionary_choice._halves([(0, 101)], 7)
    for fitted, predicted in halves:
        assert np.abs(fitted[:, None] - predicted).min() == 8
    assert sorted(t for _, predicted in halves for t in predicted) == list(range(101))


def test_each_story_is_halved_by_itself():
    """Stories of 10 and 6 rows, gap 1, by hand; stretches of time never reach from one into the other."""
    parts = dictionary_choice._stories(16, np.repeat([0, 1], [10, 6]))
    assert parts == [(0, 10), (10, 6)]
    (fitted, predicted), (later, earlier) = dictionary_choice._halves(parts, 1)
    assert fitted.tolist() == [0, 1, 2, 3, 10, 11] and predicted.tolist() == [5, 6, 7, 8, 9, 13, 14, 15]
    assert later.tolist() == [6, 7, 8, 9, 14, 15] and earlier.tolist() == [0, 1, 2, 3, 4, 10, 11, 12]
    assert dictionary_choice._blocks(parts, 4).tolist() == [0, 4, 10, 13]


def test_a_course_of_one_story_alone_is_not_held_against_the_other(world):
    """Neurons that are silent in one of two stories: halved as one recording nothing of the loud one is known.

    Halved story by story, its first half tells the second.
    """
    loud = np.zeros((2 * len(world), world.shape[1]), np.float32)
    loud[: len(world)] = world
    stories = np.repeat([0, 1], len(world))
    few = ChoiceConfig(n_atoms=(8,), penalties=(0.1,), n_seeds=2, n_grid_seeds=2)
    atoms = np.concatenate([learned(world), np.zeros_like(learned(world))])
    joined, apart = (choose(loud, TR, atoms, USED, few, stories=of) for of in (None, stories))
    assert joined.table["r2_time"].max() < 0.1 < apart.table["r2_time"].max()


def test_planted_atoms_of_the_run_come_back_with_other_seeds(world, found):
    """Each atom of the run stands above sign-randomised ones; atoms of noise in their place do not."""
    assert found.atom_stability.min() > 0.9 > found.atom_null
    assert found.consensus.shape == (240, 8) and found.consensus_stability.min() > 0.9
    noise = np.random.default_rng(2).standard_normal((240, 8)).astype(np.float32)
    other = choose(world, TR, noise, USED, SMALL)
    assert (other.atom_stability > other.atom_null).sum() <= 3


def test_stability_beside_its_null(found):
    """At the planted number, seeds agree far beyond sign-randomised atoms."""
    row = found.row("used")
    assert row["stability"] > 0.95 and row["stability_null"] < row["stability_null_high"] < 0.5


def test_the_setting_in_use_is_compared_even_outside_the_grid(world):
    """K = 10 and lambda = .15 are in no grid, and stand in one row with their own seeds."""
    used = DictionaryConfig(n_atoms=10, penalty=0.15)
    found = choose(world, TR, learned(world), used, ChoiceConfig(n_atoms=(8,), penalties=(0.1,), n_seeds=3))
    assert len(found.table) == 2 and found.table["used"].sum() == 1
    assert found.row("used")["n_atoms"] == 10 and found.consensus.shape == (240, 10)


def test_settings_that_the_data_cannot_carry_are_left_out(world):
    """Twenty neurons to learn from carry no 32 atoms; where they cannot carry the run's own, it is refused."""
    few = ChoiceConfig(n_atoms=(4, 32), penalties=(0.1,), n_seeds=2, n_grid_seeds=2, n_neurons=25)
    assert choose(world, TR, learned(world), USED, few).table["n_atoms"].tolist() == [4, 8]
    with pytest.raises(ConfigError, match="K = 24"):
        choose(world, TR, learned(world), DictionaryConfig(n_atoms=24), few)


def test_one_seed_one_answer_and_progress_ends_at_1(world, found):
    """Deterministic; fractions rise to 1."""
    said = []
    again = choose(world, TR, learned(world), USED, SMALL, said.append)
    pd.testing.assert_frame_equal(again.table, found.table)
    assert said == sorted(said) and said[-1] == 1


def test_the_edge_of_the_grid_is_told(world, found):
    """The best of 4 and 8 atoms has 8, the most that were tried."""
    narrow = ChoiceConfig(n_atoms=(4, 8), penalties=(0.01, 0.1, 0.5), n_seeds=2, n_grid_seeds=2)
    assert choose(world, TR, learned(world), USED, narrow).at_edge
