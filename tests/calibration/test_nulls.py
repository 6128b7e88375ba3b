"""False-positive rates at .05 on data with nothing in them; the same harness must catch wrong tests.

BRAINLIKE_LONG=1 runs five times as many tests.
"""

import os

import numpy as np
import pytest
from scipy import signal, stats

from brainlike_core.config import EncodingConfig
from brainlike_core.science.cross_validation import RidgeFolds
from brainlike_core.science.encoding_nulls import null_r
from brainlike_core.science.folds import Split, contiguous_folds
from brainlike_core.science.group_inference import sign_flip_p
from brainlike_core.science.held_out import HeldOutFolds

LONG = 5 if os.environ.get("BRAINLIKE_LONG") else 1
N_SETS, N_PER_SET, N_TRS, N_FAKES = 100 * LONG, 20, 240, 59
LOW, HIGH = 0.034, 0.066
CONFIG = EncodingConfig(
    n_folds=3, n_inner_folds=2, gap_trs=3, delays=(0, 1), penalties=(0.1, 10.0), n_surrogates=N_FAKES
)


def series(rng, n_trs, n, autocorrelation):
    """Unrelated AR(1) series."""
    white = rng.standard_normal((n_trs + 100, n)).astype(np.float32)
    return signal.lfilter([1], [1, -autocorrelation], white, axis=0)[100:].astype(np.float32)


def rate(p):
    """Share of p at or below .05."""
    return float((np.concatenate(p) <= 0.05).mean())


def surrogate_p(rng, autocorrelation, null):
    """p of 20 unrelated recordings, each against its own surrogates, every choice repeated."""
    config = EncodingConfig(**{**CONFIG.__dict__, "null": null})
    atoms, brain = series(rng, N_TRS, 4, autocorrelation), series(rng, N_TRS + 1, N_PER_SET, autocorrelation)
    folds = HeldOutFolds(atoms, config)
    observed = folds.score([brain[:N_TRS], brain[1:]]).r
    fakes = null_r(folds, brain, (0, N_TRS), config, rng)
    return (1 + (fakes >= observed).sum(0)) / (1 + len(fakes))


@pytest.mark.parametrize("autocorrelation", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("null", ["sign", "phase", "block"])
def test_surrogate_recordings_hold_their_level(null, autocorrelation):
    """Held-out r of unrelated series: 2,000 tests per setting, 3.4 to 6.6 % at .05."""
    rng = np.random.default_rng([int(10 * autocorrelation), len(null)])
    found = rate([surrogate_p(rng, autocorrelation, null) for _ in range(N_SETS)])
    assert LOW <= found <= HIGH


@pytest.mark.parametrize("smoothness", [0.0, 0.5, 0.9])
def test_sign_flips_hold_their_family_wise_level(smoothness):
    """Noise maps of 12 subjects and 60 locations: any location at .05 in 3.4 to 6.6 % of 2,000 studies."""
    rng = np.random.default_rng(int(10 * smoothness))
    found = []
    for _ in range(2000 * LONG):
        maps = series(rng, 60, 12, smoothness).T[:, None]
        found.append(sign_flip_p(maps, 100, rng).min(keepdims=True).ravel())
    assert LOW <= rate(found) <= HIGH


# -- the harness catches wrong tests ---------------------------------------------------


def textbook_p(r, n):
    """p of Pearson r as if rows were independent."""
    return stats.t.sf(r * np.sqrt((n - 2) / np.maximum(1 - r**2, 1e-9)), n - 2)


def plain_r(atoms, brain, folds):
    """Mean test r over folds with one penalty."""
    prepared = RidgeFolds(atoms, [Split(*fold) for fold in folds], (1.0,))
    sums = prepared.sums(brain)
    return np.mean([prepared.scores(i, sums)[0] for i in range(len(folds))], axis=0)


def test_the_textbook_p_fails():
    """Autocorrelated series in proper folds: the parametric p is out of bounds."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(N_SETS):
        atoms, brain = series(rng, N_TRS, 4, 0.8), series(rng, N_TRS, N_PER_SET, 0.8)
        found.append(textbook_p(plain_r(atoms, brain, contiguous_folds(N_TRS, 3, 3)), N_TRS))
    assert rate(found) > HIGH


def test_shuffled_folds_fail():
    """Slow series in shuffled folds predict each other: r far above 0, p out of bounds; contiguous folds: r about 0."""
    rng = np.random.default_rng(2)
    found, shuffled, contiguous = [], [], []
    for _ in range(N_SETS):
        atoms, brain = series(rng, N_TRS, 40, 0.95), series(rng, N_TRS, N_PER_SET, 0.95)
        order = rng.permutation(N_TRS)
        mixed = [(order[a], order[b]) for a, b in contiguous_folds(N_TRS, 3, 0)]
        shuffled.append(plain_r(atoms, brain, mixed))
        contiguous.append(plain_r(atoms, brain, contiguous_folds(N_TRS, 3, 30)))
        found.append(textbook_p(shuffled[-1], N_TRS))
    assert rate(found) > 0.5 and np.mean(shuffled) > 0.2
    assert abs(np.mean(contiguous)) < 0.05
