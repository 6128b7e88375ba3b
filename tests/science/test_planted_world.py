"""science/planted_world.py: the brain's shape, the spectra, and how like Pie Man its listeners are."""

import doctest

import numpy as np
import pytest

from brainlike_core.science import planted_world
from brainlike_core.science.planted_world import (
    BAND,
    OVERLAP,
    PlantedWorld,
    heard_power,
    noise_power,
    planted_brain,
    series,
)
from brainlike_core.science.statistics import correlate, leave_one_out_isc
from brainlike_core.science.timing import band_pass

BRAIN = planted_brain()


def world(minutes=7.0, seed=0, tr=1.5):
    return PlantedWorld(BRAIN, minutes, tr, np.random.default_rng(seed))


def test_examples():
    """The docstrings are true."""
    assert doctest.testmod(planted_world).failed == 0


def test_every_network_is_a_patch_in_both_hemispheres():
    """Seven parcels each side, mirrored, and nearer to their own middle than to most others."""
    half = BRAIN.n_locations // 2
    assert (BRAIN.labels[:half] == BRAIN.labels[half:]).all()
    assert np.allclose(BRAIN.sphere[:half] * [-1, 1, 1], BRAIN.sphere[half:])
    assert np.allclose((BRAIN.loadings**2).sum(0), 1, atol=1e-5)
    near = BRAIN.sphere[:half] @ BRAIN.sphere[:half].T
    same = BRAIN.labels[:half, None] == BRAIN.labels[:half]
    assert near[same].mean() > near[~same].mean() + 0.5


@pytest.mark.parametrize("power", [heard_power, noise_power])
def test_series_lie_in_the_band_and_have_variance_one(power):
    """What the band-pass of a recording would take away is under 3 %, with no swelling at the ends."""
    values = series(np.random.default_rng(0), power, 400, 300, 1.5)
    assert abs((values**2).mean() - 1) < 0.05
    lost = values - band_pass(values, 1.5, BAND)
    assert (lost**2).mean() < 0.03
    ends = (np.concatenate([values[:10], values[-10:]]) ** 2).mean()
    assert 0.8 < ends < 1.2


def test_what_is_shared_follows_each_model_as_planted():
    """True r .4 of one model and .25 of another, and predictions that correlate by OVERLAP, in ten hours of story."""
    long = world(600.0)
    shared = long.shared(0.4, 0.25)
    for atoms, r in ((long.atoms, 0.4), (long.others, 0.25)):
        best = atoms[:, : len(BRAIN.courses)] @ BRAIN.loadings
        assert abs(correlate(best, shared).mean() - r) < 0.02
    assert abs(correlate(long.atoms, long.others).mean() - OVERLAP) < 0.03
    assert abs(correlate(long.atoms[:, -15:], shared[:, :15]).mean()) < 0.03


def test_listeners_are_as_alike_as_those_of_pie_man():
    """40 listeners, 7 minutes: leave-one-out correlation .11-.15 (Pie Man .14), ceiling of the mean .68-.77 (.72)."""
    rng = np.random.default_rng(1)
    alike, ceiling = [], []
    for seed in range(3):
        one = world(6.95, seed)
        bold = one.listeners(one.shared(0.3), one.noise(40))
        alike.append(leave_one_out_isc(bold).mean())
        order = rng.permutation(40)
        half = np.clip(correlate(bold[order[:20]].mean(0), bold[order[20:]].mean(0)), 0, 1)
        ceiling.append(np.sqrt(2 * half / (1 + half)).mean())
    assert 0.11 <= np.mean(alike) <= 0.15
    assert 0.68 <= np.mean(ceiling) <= 0.77


def test_the_group_mean_is_that_of_single_listeners():
    """Noise of a mean drawn at once has the variance of 20 drawn apart: their group means follow the story alike."""
    apart, at_once = [], []
    for seed in range(4):
        one = world(20.0, seed)
        shared = one.shared(0.0)
        apart.append(correlate(one.listeners(shared, one.noise(20)).mean(0), shared).mean())
        at_once.append(correlate(one.group_mean(shared, one.group_noise((5, 20))[1]), shared).mean())
    assert abs(np.mean(apart) - np.mean(at_once)) < 0.03


def test_a_larger_group_holds_the_smaller_one():
    """Means of 5 and of 10 listeners share half their noise: r = sqrt(1/2)."""
    few, many = world(120.0).group_noise((5, 10))
    assert abs(correlate(few, many).mean() - np.sqrt(0.5)) < 0.02
    assert abs(few.std() - np.sqrt(1 / 5)) < 0.02 and abs(many.std() - np.sqrt(1 / 10)) < 0.02
