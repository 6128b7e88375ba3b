"""Nested ridge regression against himalaya and a loop of scikit-learn's Ridge.

Same folds, same gap, same score (held-out Pearson r, mean over folds), penalty
per location chosen by that score inside the training folds. himalaya: Dupre la
Tour et al. 2022, doi:10.1016/j.neuroimage.2022.119728.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainlike_core.config import EncodingConfig
from brainlike_core.science.encoding import contiguous_folds, delayed, held_out
from brainlike_core.science.statistics import correlate
from brainlike_core.science.timing import band_pass, convolve_hrf, zscore

from .measure import Comparison, within

TR, BAND, N_ATOMS = 1.5, (0.01, 0.12), 64
TARGETS_AT_ONCE = 512  # for himalaya: 256 and 512 were the fastest of 128 to 8,192 on one core
LONG = EncodingConfig(delays=(0,), penalties=tuple(np.logspace(-2, 4, 20)))
WALK = EncodingConfig()


@dataclass(frozen=True)
class Case:
    """Atoms and a recording that they partly predict, two TRs late."""

    atoms: np.ndarray  # float32 (n_rows, n_atoms)
    bold: np.ndarray  # float32 (n_trs, n_locations)
    config: EncodingConfig

    @property
    def brains(self) -> list[np.ndarray]:
        """One view of the recording per delay."""
        return delayed(self.bold, 0, len(self.atoms), self.config.delays)


def long_case() -> Case:
    """1,000 TRs, 4,096 locations, 20 penalties, no delays."""
    return _case(1000, 4096, LONG)


def one_penalty_case() -> Case:
    """The same with a single penalty: nothing to choose, so both sides must agree to rounding."""
    long = long_case()
    return Case(long.atoms, long.bold, replace(LONG, penalties=(1.0,)))


def walk_case() -> Case:
    """The default settings of the walk (7 penalties, 5 delays) on 400 TRs and 2,048 locations."""
    return _case(400, 2048, WALK)


def _case(n_rows: int, n_locations: int, config: EncodingConfig) -> Case:
    rng = np.random.default_rng(0)
    n_trs = n_rows + max(config.delays)
    atoms = _slow(rng.standard_normal((n_trs, N_ATOMS)))
    signal = np.roll(atoms, min(2, max(config.delays)), axis=0) @ rng.standard_normal((N_ATOMS, n_locations))
    noise = _slow(rng.standard_normal((n_trs, n_locations)))
    strength = rng.uniform(0, 0.5, n_locations)
    bold = zscore(strength * zscore(signal) + noise)
    return Case(atoms[:n_rows].astype(np.float32), bold.astype(np.float32), config)


def _slow(white: np.ndarray) -> np.ndarray:
    return zscore(band_pass(convolve_hrf(white, TR), TR, BAND))


# -- the sides ---------------------------------------------------------------------


def ours(case: Case) -> np.ndarray:
    """Held-out r by ours: (n_locations,)."""
    return held_out(case.atoms, case.brains, case.config).r


def himalaya(case: Case) -> np.ndarray:
    """Held-out r by himalaya's RidgeCV in each outer fold: (n_locations,)."""
    from himalaya.ridge import RidgeCV
    from himalaya.scoring import correlation_score

    config, brain = case.config, case.brains[0]
    r = np.zeros(brain.shape[1])
    options = {"score_func": correlation_score, "n_targets_batch": TARGETS_AT_ONCE, "warn": False}
    for train, test in contiguous_folds(len(brain), config.n_folds, config.gap_trs):
        inner = contiguous_folds(len(train), config.n_inner_folds, config.gap_trs)
        alphas = np.array(config.penalties, np.float32) * _scale(case.atoms[train])
        model = RidgeCV(alphas, fit_intercept=True, cv=_Splits(inner), solver_params=options)
        model.fit(case.atoms[train], brain[train])
        r += correlation_score(brain[test], model.predict(case.atoms[test])) / config.n_folds
    return r


def scikit_learn(case: Case) -> np.ndarray:
    """Held-out r by one scikit-learn Ridge per fold, delay and penalty: (n_locations,)."""
    config, brains = case.config, case.brains
    r = np.zeros(brains[0].shape[1])
    for train, test in contiguous_folds(len(case.atoms), config.n_folds, config.gap_trs):
        inner = np.zeros((len(brains), len(config.penalties), len(r)))
        for fit, check in contiguous_folds(len(train), config.n_inner_folds, config.gap_trs):
            inner += _ridge_scores(case, train[fit], train[check])
        best = inner.reshape(-1, len(r)).argmax(0)  # delay and penalty in one number
        outer = _ridge_scores(case, train, test).reshape(-1, len(r))
        r += outer[best, np.arange(len(r))] / config.n_folds
    return r


def _ridge_scores(case: Case, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Test r of each delay, penalty and location: (n_delays, n_penalties, n_locations)."""
    from sklearn.linear_model import Ridge

    scale = _scale(case.atoms[train])
    models = [Ridge(alpha=penalty * scale) for penalty in case.config.penalties]
    return np.array(
        [
            [
                correlate(model.fit(case.atoms[train], b[train]).predict(case.atoms[test]), b[test])
                for model in models
            ]
            for b in case.brains
        ]
    )


def _scale(atoms: np.ndarray) -> float:
    """Mean eigenvalue of the centred Gram matrix, the unit of a penalty."""
    return float(atoms.var(0).mean() * len(atoms))


class _Splits:
    """Fixed folds in the form that scikit-learn's check_cv takes."""

    def __init__(self, folds: list[tuple[np.ndarray, np.ndarray]]) -> None:
        self.folds = folds

    def split(self, *_: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """Train and test rows of each fold."""
        return self.folds

    def get_n_splits(self, *_: Any) -> int:
        """How many folds."""
        return len(self.folds)


# -- agreement ---------------------------------------------------------------------


def same_r(case: Case, a: np.ndarray, b: np.ndarray) -> str:
    """Same penalties in the same folds: r agrees at every location, but for near ties of the choice."""
    most = within("99th percentile of |difference of r|", float(np.quantile(np.abs(a - b), 0.99)), 1e-3)
    mean = within("difference of the mean r", float(abs((a - b).mean())), 1e-4)
    return f"{most}; {mean}"


def same_r_one_penalty(case: Case, a: np.ndarray, b: np.ndarray) -> str:
    """Nothing is chosen: r agrees at every location."""
    return within("largest difference of r", float(np.abs(a - b).max()), 1e-5)


def close_r(case: Case, a: np.ndarray, b: np.ndarray) -> str:
    """himalaya's penalties are absolute, ours relative to each inner fold: choices may differ by a step."""
    one = one_penalty_case()
    sentence = same_r_one_penalty(one, ours(one), himalaya(one))
    mean = within("with 20, difference of the mean r", float(abs((a - b).mean())), 1e-3)
    return f"one penalty: {sentence}; {mean}"


COMPARISONS = (
    Comparison(
        "nested ridge", "himalaya RidgeCV (score: correlation)",
        "1,000 TRs x 64 atoms x 4,096 locations, 5 x 4 folds, 20 penalties", "himalaya", "himalaya",
        long_case, ours, himalaya, close_r, n_repeats=3, memory=True,
    ),
    Comparison(
        "nested ridge", "loop of scikit-learn Ridge",
        "400 TRs x 64 atoms x 2,048 locations, 5 x 4 folds, 7 penalties x 5 delays", "sklearn", "scikit-learn",
        walk_case, ours, scikit_learn, same_r, n_repeats=3,
    ),
)  # fmt: skip
