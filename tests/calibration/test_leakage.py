"""Eight ways in which test rows could reach training; what training makes must be bit-identical with a sentinel there."""

import inspect

import numpy as np
import pytest
from scipy import signal

from brainlike_core.config import DictionaryConfig, EncodingConfig
from brainlike_core.science.cross_validation import RidgeFolds
from brainlike_core.science.dictionary import learn_dictionary
from brainlike_core.science.folds import Split, contiguous_folds, delayed_atoms, nested_folds, story_folds
from brainlike_core.science.held_out import held_out
from brainlike_core.science.timing import band_pass

SENTINEL, N_TRS = 1e4, 160
CONFIG = EncodingConfig(n_folds=4, n_inner_folds=3, gap_trs=4, delays=(0, 1, 2), penalties=(0.1, 1.0, 10.0))


@pytest.fixture
def world():
    """Atoms, a brain that they partly predict a TR later, and nuisance."""
    rng = np.random.default_rng(0)
    slow = signal.lfilter([1], [1, -0.7], rng.standard_normal((N_TRS, 12)), axis=0).astype(np.float32)
    atoms, nuisance, brain = slow[:, :4], slow[:, 4:6], slow[:, 6:].copy()
    brain[1:] += atoms[:-1, :1]
    return atoms, nuisance, brain


def with_sentinel(values, rows):
    """A copy with absurd values in some rows."""
    out = values.copy()
    out[rows] = SENTINEL
    return out


@pytest.mark.parametrize("spoiled", ["brain", "atoms"])
def test_centring_and_scaling_come_from_training_rows(world, spoiled):
    """Trap 1, z-scoring: basis, penalties and weights of a fold do not see its test rows."""
    atoms, _, brain = world
    split = Split(*contiguous_folds(N_TRS, 4, 4)[1])
    clean = RidgeFolds(atoms, [split], CONFIG.penalties)
    other = atoms if spoiled == "brain" else with_sentinel(atoms, split.test)
    marked = RidgeFolds(other, [split], CONFIG.penalties)
    sentinel = with_sentinel(brain, split.test) if spoiled == "brain" else brain
    best = np.zeros(brain.shape[1], int)
    np.testing.assert_array_equal(clean.sides[0].from_train, marked.sides[0].from_train)
    np.testing.assert_array_equal(clean.sides[0].shrink, marked.sides[0].shrink)
    np.testing.assert_array_equal(
        clean.weights(0, clean.sums(brain), best), marked.weights(0, marked.sums(sentinel), best)
    )


def test_no_brain_reaches_the_dictionary():
    """Trap 2: atoms are learned from neurons alone; nothing of a recording can be given."""
    taken = set(inspect.signature(learn_dictionary).parameters)
    assert not taken & {"bold", "brain", "recording", "labels", "targets"}
    rng = np.random.default_rng(1)
    neurons = rng.standard_normal((60, 200)).astype(np.float32)
    config, plan = (
        DictionaryConfig(n_atoms=4, n_iterations=5),
        {"layers": (0,), "n_units": 200, "first_tr": 0},
    )
    learned = [learn_dictionary(neurons, config, **plan).atoms for _ in range(2)]
    np.testing.assert_array_equal(*learned)


@pytest.mark.parametrize("choice", ["delay", "penalty", "ratio"])
@pytest.mark.parametrize("fold", [0, 2, 3])
def test_choices_do_not_see_the_test_rows(world, choice, fold):
    """Traps 3 and 4, selection and penalty: what a fold chooses is the same with a sentinel in its test rows."""
    atoms, nuisance, brain = world
    test = nested_folds(N_TRS - 2, CONFIG)[fold].test
    brains = [brain[d : N_TRS - 2 + d] for d in range(3)]
    spoiled = [with_sentinel(one, test) for one in brains]
    clean, marked = (held_out(atoms[:-2], one, CONFIG, nuisance=nuisance[:-2]) for one in (brains, spoiled))
    np.testing.assert_array_equal(getattr(clean, choice)[fold], getattr(marked, choice)[fold])


def test_delays_do_not_reach_from_one_run_into_the_next():
    """Trap 5: a sentinel at the end of story 1 leaves every row of story 2 unchanged."""
    atoms, stories = np.arange(40.0)[:, None], np.repeat([1, 2], 20)
    clean = delayed_atoms(atoms, (0, 1, 4), stories)
    marked = delayed_atoms(with_sentinel(atoms, slice(15, 20)), (0, 1, 4), stories)
    np.testing.assert_array_equal(clean[20:], marked[20:])


def test_filter_edges_fall_into_the_gap():
    """Trap 6: a recording filtered as a whole leaks some of a test row into its neighbours, little beyond the gap."""
    impulse = np.zeros((300, 1))
    impulse[150] = 1
    spread = band_pass(impulse, 1.5, (0.01, 0.12))[:, 0] ** 2
    gap = EncodingConfig().gap_trs
    beyond = np.abs(np.arange(300) - 150) > gap
    assert spread[beyond].sum() < 0.1 * spread.sum()
    assert spread[np.abs(np.arange(300) - 150) > 0].sum() > 0.5 * spread.sum()  # without a gap it would leak


def test_a_repeated_story_is_tested_as_one():
    """Trap 7: both hearings of a story are left out together."""
    for train, test in story_folds(np.repeat([5, 6, 5], 10)):
        assert len(test) in (10, 20)
        assert not {5, 6} <= set(np.repeat([5, 6, 5], 10)[test])
        assert not set(np.repeat([5, 6, 5], 10)[train]) & set(np.repeat([5, 6, 5], 10)[test])


def test_folds_cannot_be_shuffled():
    """Trap 8: every test fold is one run of rows, and no training row lies within the gap of it, inside and outside."""
    for split in nested_folds(N_TRS, CONFIG):
        for one, rows in ((split, np.arange(N_TRS)), *((s, split.train) for s in split.inner)):
            places, training = np.searchsorted(rows, one.test), np.searchsorted(rows, one.train)
            assert (np.diff(places) == 1).all()
            assert np.abs(training[:, None] - places).min() > CONFIG.gap_trs
