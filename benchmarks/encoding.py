"""Nested ridge regression against himalaya and a loop of scikit-learn's Ridge.

Same folds, same gap, same score (held-out Pearson r, mean over folds), penalty
per location chosen by that score inside the training folds. himalaya: Dupre la
Tour et al. 2022, doi:10.1016/j.neuroimage.2022.119728.

``encoding`` and ``encoding-fir``: one cross-validation with a penalty per
location by R^2, then the refit, as himalaya's RidgeCV does it. ``null``:
in-sample R^2 of every circular shift of a recording.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainlike_core.config import EncodingConfig
from brainlike_core.science.cross_validation import RidgeFit, ridge_cv
from brainlike_core.science.encoding_nulls import shifted_r2
from brainlike_core.science.folds import contiguous_folds, delayed, delayed_atoms
from brainlike_core.science.held_out import held_out
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


# -- one cross-validation, as himalaya's RidgeCV ------------------------------------


@dataclass(frozen=True)
class Plain:
    """Regressors, targets, absolute penalties and folds."""

    atoms: np.ndarray  # float32 (n_rows, n_features)
    brain: np.ndarray  # float32 (n_rows, n_locations)
    penalties: np.ndarray
    folds: list


def plain_case() -> Plain:
    """1,000 TRs, 64 atoms, fsaverage5, 5 folds, 20 penalties."""
    return _plain(1000, 20484, ())


def fir_case() -> Plain:
    """The same with each atom at five delays: 320 regressors, 200 test rows."""
    return _plain(1000, 20484, (0, 1, 2, 3, 4))


def _plain(n_rows: int, n_locations: int, delays: tuple[int, ...]) -> Plain:
    rng = np.random.default_rng(0)
    # Haemodynamic, not band-passed: stacked delays of a narrow band would be almost dependent.
    atoms = zscore(convolve_hrf(rng.standard_normal((n_rows, N_ATOMS)), TR)).astype(np.float32)
    signal = zscore(atoms @ rng.standard_normal((N_ATOMS, n_locations)).astype(np.float32))
    noise = rng.standard_normal((n_rows, n_locations), dtype=np.float32)
    brain = zscore(rng.uniform(0, 0.5, n_locations).astype(np.float32) * signal + noise)
    atoms = delayed_atoms(atoms, delays) if delays else atoms
    penalties = (np.logspace(-2, 4, 20) * n_rows / 10).astype(np.float32)
    return Plain(atoms, brain, penalties, contiguous_folds(n_rows, 5, WALK.gap_trs))


def our_fit(case: Plain) -> RidgeFit:
    """Ours: from inner products."""
    return ridge_cv(case.atoms, case.brain, case.penalties, case.folds)


def their_fit(case: Plain) -> RidgeFit:
    """himalaya's RidgeCV with R^2 in place of its default criterion."""
    from himalaya.ridge import RidgeCV
    from himalaya.scoring import r2_score

    options = {"score_func": r2_score, "n_targets_batch": TARGETS_AT_ONCE, "warn": False}
    model = RidgeCV(case.penalties, fit_intercept=True, cv=_Splits(case.folds), solver_params=options)
    model.fit(case.atoms, case.brain)
    penalty = np.abs(np.log(case.penalties)[:, None] - np.log(model.best_alphas_)).argmin(0)
    return RidgeFit(model.coef_, model.intercept_, penalty, model.cv_scores_)


def same_fit(case: Plain, a: RidgeFit, b: RidgeFit) -> str:
    """Scores at every location, chosen penalties, and weights where the penalties are the same."""
    same = a.penalty == b.penalty
    score = within("largest difference of R2", float(np.abs(a.score - b.score).max()), 1e-5)
    chosen = within("share of other penalties (near ties)", float(1 - same.mean()), 0.005)
    weights = within(
        "largest difference of a weight", float(np.abs(a.weights - b.weights)[:, same].max()), 1e-3
    )
    return f"{score}; {chosen}; {weights}"


# -- null --------------------------------------------------------------------------


def null_case() -> Plain:
    """1,000 TRs, hence 1,000 circular shifts; 64 atoms, 2,048 locations."""
    return _plain(1000, 2048, ())


def our_null(case: Plain) -> np.ndarray:
    """R^2 of each shift: (n_locations, n_shifts)."""
    return np.concatenate(list(shifted_r2(case.atoms, case.brain)))


def their_null(case: Plain) -> np.ndarray:
    """The same by a scikit-learn regression fitted to each shift."""
    from sklearn.linear_model import Ridge

    out = np.empty((case.brain.shape[1], len(case.atoms)), np.float32)
    for shift in range(len(case.atoms)):
        y = np.roll(case.brain, shift, axis=0)
        left = y - Ridge(alpha=1e-3, solver="cholesky").fit(case.atoms, y).predict(case.atoms)
        y = y - y.mean(0)
        out[:, shift] = 1 - (left * left).sum(0) / (y * y).sum(0)
    return out


def same_null(case: Plain, a: np.ndarray, b: np.ndarray) -> str:
    """R^2 agrees at every location and shift."""
    return within("largest difference of R2", float(np.abs(a - b).max()), 1e-4)


COMPARISONS = (
    Comparison(
        "ridge, penalty per location", "himalaya RidgeCV (score: R2)",
        "1,000 TRs x 64 atoms x 20,484 locations, 5 folds, 20 penalties, and the refit", "himalaya", "himalaya",
        plain_case, our_fit, their_fit, same_fit, memory=True, row="encoding", goal=">= 10",
    ),
    Comparison(
        "ridge, five delays stacked", "himalaya RidgeCV (score: R2)",
        "1,000 TRs x 320 regressors x 20,484 locations, 5 folds, 20 penalties, and the refit", "himalaya", "himalaya",
        fir_case, our_fit, their_fit, same_fit, row="encoding-fir", goal=">= 3",
    ),
    Comparison(
        "circular-shift null", "loop of scikit-learn Ridge refits (cholesky)",
        "1,000 shifts x 64 atoms x 2,048 locations", "sklearn", "scikit-learn",
        null_case, our_null, their_null, same_null, row="null", goal=">= 50",
    ),
    Comparison(
        "nested ridge", "himalaya RidgeCV (score: correlation)",
        "1,000 TRs x 64 atoms x 4,096 locations, 5 x 4 folds, 20 penalties", "himalaya", "himalaya",
        long_case, ours, himalaya, close_r, memory=True,
    ),
    Comparison(
        "nested ridge", "loop of scikit-learn Ridge",
        "400 TRs x 64 atoms x 2,048 locations, 5 x 4 folds, 7 penalties x 5 delays", "sklearn", "scikit-learn",
        walk_case, ours, scikit_learn, same_r,
    ),
)  # fmt: skip
