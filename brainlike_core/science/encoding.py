"""Atoms as regressors of the brain; every claim on held-out time.

Ridge with a penalty and a delay per location, both chosen inside contiguous,
gapped training folds; score = held-out Pearson r, mean over folds. Shuffled
folds leak autocorrelation and are not offered. Paper-like scores (in-sample
R^2 of ordinary regression, arXiv 2410.19542) come with their null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import EncodingConfig
from ..errors import ConfigError, RecordingError
from ..values import EncodingResult
from .statistics import (
    fdr,
    leave_one_out_isc,
    p_from_null,
    phase_randomised,
    t_to_z,
)
from .timing import zscore

GATE_COPIES = 1000
MAP_PENALTY = 1.0  # of trace(D'D) / K: ours; weights for maps, not for scores


@dataclass(frozen=True)
class HeldOut:
    """Cross-validated scores: ``r`` (n_locations,), ``delay`` and ``penalty`` (n_folds, n_locations)
    as positions in the config's lists, ``lag_r`` (n_delays, n_locations) with one delay for all."""

    r: np.ndarray
    delay: np.ndarray
    penalty: np.ndarray
    lag_r: np.ndarray


def contiguous_folds(n_trs: int, n_folds: int, gap_trs: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Train and test rows of contiguous folds, ``gap_trs`` dropped on both sides of each test fold.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in contiguous_folds(6, 3, 1)]
    [([3, 4, 5], [0, 1]), ([0, 5], [2, 3]), ([0, 1, 2], [4, 5])]

    Raises
    ------
    ConfigError
        When a fold would have fewer than 2 test rows or 2 training rows.
    """
    edges = np.linspace(0, n_trs, n_folds + 1).round().astype(int)
    rows = np.arange(n_trs)
    folds = []
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        train = rows[(rows < start - gap_trs) | (rows >= stop + gap_trs)]
        if stop - start < 2 or len(train) < 2:
            raise ConfigError(
                "The recording is too short for its folds",
                found=f"{n_trs} TRs in {n_folds} folds with a gap of {gap_trs}",
                needed="at least 2 training and 2 test TRs in each",
                do="lower n_folds or gap_trs",
            )
        folds.append((train, rows[start:stop]))
    return folds


def delayed(bold: np.ndarray, first_tr: int, n_rows: int, delays: tuple[int, ...]) -> list[np.ndarray]:
    """The recording moved 0, 1, ... TRs later: one view (n_rows, n_columns) per delay.

    ``bold`` is (n_trs, n_columns); row i of delay d is TR ``first_tr + i + d``.
    """
    last = first_tr + n_rows + max(delays)
    if last > len(bold):
        raise RecordingError(
            "The recording ends before the delayed story does",
            found=f"{len(bold)} TRs",
            needed=f"{last} TRs",
            do="lower the delays",
        )
    return [bold[first_tr + d : first_tr + d + n_rows] for d in delays]


def held_out(
    atoms: np.ndarray, brains: list[np.ndarray], config: EncodingConfig, columns_at_once: int = 4096
) -> HeldOut:
    """Cross-validated ridge with delay and penalty chosen inside the training folds.

    Parameters
    ----------
    atoms : (n_trs, n_atoms)
    brains : one (n_trs, n_locations) array per delay of ``config.delays``

    Returns
    -------
    HeldOut
    """
    n_locations = brains[0].shape[1]
    folds = _prepared_folds(np.asarray(atoms, np.float32), config)
    parts = []
    for start in range(0, n_locations, columns_at_once):
        block = [np.asarray(b[:, start : start + columns_at_once], np.float32) for b in brains]
        parts.append(_held_out_block(folds, block, len(config.penalties)))
    return HeldOut(
        *(
            np.concatenate([getattr(p, name) for p in parts], -1)
            for name in ("r", "delay", "penalty", "lag_r")
        )
    )


@dataclass(frozen=True)
class _Fold:
    """One train/test split of the atoms, ready for any number of brain columns."""

    train: np.ndarray  # rows
    test: np.ndarray
    train_atoms: np.ndarray  # centred on the training mean
    test_atoms: np.ndarray  # centred on its own mean: r does not see the offset
    vectors: np.ndarray  # eigenvectors of D'D (n_atoms, n_atoms)
    shrink: np.ndarray  # 1 / (eigenvalue + penalty): (n_penalties, n_atoms)
    inner: tuple


def _fold(
    atoms: np.ndarray, train: np.ndarray, test: np.ndarray, penalties: tuple, inner: tuple = ()
) -> _Fold:
    mean = atoms[train].mean(0)
    train_atoms = atoms[train] - mean
    values, vectors = np.linalg.eigh((train_atoms.T @ train_atoms).astype(np.float64))
    values = np.maximum(values, 0)
    scale = max(values.mean(), 1e-12)
    shrink = 1 / (values[None, :] + np.array(penalties)[:, None] * scale)
    test_atoms = atoms[test] - atoms[test].mean(0)
    return _Fold(
        train, test, train_atoms, test_atoms, vectors.astype(np.float32), shrink.astype(np.float32), inner
    )


def _prepared_folds(atoms: np.ndarray, config: EncodingConfig) -> list[_Fold]:
    folds = []
    for train, test in contiguous_folds(len(atoms), config.n_folds, config.gap_trs):
        inner = []
        for inner_train, inner_test in contiguous_folds(len(train), config.n_inner_folds, config.gap_trs):
            inner.append(_fold(atoms, train[inner_train], train[inner_test], config.penalties))
        folds.append(_fold(atoms, train, test, config.penalties, tuple(inner)))
    return folds


def _held_out_block(folds: list[_Fold], brains: list[np.ndarray], n_penalties: int) -> HeldOut:
    n_delays, n_columns = len(brains), brains[0].shape[1]
    r = np.zeros(n_columns, np.float32)
    lag_r = np.zeros((n_delays, n_columns), np.float32)
    delays = np.empty((len(folds), n_columns), np.int16)
    penalties = np.empty((len(folds), n_columns), np.int16)
    for f, fold in enumerate(folds):
        inner = np.zeros((n_delays, n_penalties, n_columns), np.float32)
        for d, brain in enumerate(brains):
            for split in fold.inner:
                inner[d] += _scores(split, brain)
        best_penalty = inner.argmax(1)  # (n_delays, n_columns)
        best_inner = np.take_along_axis(inner, best_penalty[:, None], 1)[:, 0]
        delays[f] = best_inner.argmax(0)
        penalties[f] = np.take_along_axis(best_penalty, delays[f][None].astype(int), 0)[0]
        test_r = np.stack([_test_score(fold, b, best_penalty[d]) for d, b in enumerate(brains)])
        lag_r += test_r / len(folds)
        r += np.take_along_axis(test_r, delays[f][None].astype(int), 0)[0] / len(folds)
    return HeldOut(r, delays, penalties, lag_r)


def _rotated_covariance(fold: _Fold, brain: np.ndarray) -> np.ndarray:
    # train_atoms are centred, so the mean of the brain drops out: (n_atoms, n_columns)
    return fold.vectors.T @ (fold.train_atoms.T @ brain[fold.train])


def _scores(fold: _Fold, brain: np.ndarray) -> np.ndarray:
    """Test r of each penalty and column: (n_penalties, n_columns)."""
    rotated = _rotated_covariance(fold, brain)
    basis = fold.test_atoms @ fold.vectors
    # Prediction = (basis * shrink) @ rotated, with n_atoms numbers per column instead of n_test.
    agreement = fold.shrink @ (rotated * (basis.T @ unit_columns(brain[fold.test])))
    triangle = np.linalg.qr(basis, mode="r")
    for i, shrink in enumerate(fold.shrink):
        prediction = (triangle * shrink) @ rotated
        norm = np.sqrt(np.einsum("kv,kv->v", prediction, prediction))
        agreement[i] /= np.where(norm > 1e-12, norm, np.inf)
    return agreement


def _test_score(fold: _Fold, brain: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Test r with one penalty per column: (n_columns,)."""
    weights = _rotated_covariance(fold, brain) * fold.shrink[penalty].T
    prediction = (fold.test_atoms @ fold.vectors) @ weights
    return _r_of_prediction(prediction, unit_columns(brain[fold.test]))


def unit_columns(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and norm 1; 0 where one never moves."""
    centred = values - values.mean(0)
    norm = np.sqrt(np.einsum("tv,tv->v", centred, centred))
    return centred / np.where(norm > 1e-6, norm, np.inf)


def _r_of_prediction(prediction: np.ndarray, unit_truth: np.ndarray) -> np.ndarray:
    # The prediction's columns have mean zero because the test atoms do.
    norm = np.sqrt(np.einsum("tv,tv->v", prediction, prediction))
    return np.einsum("tv,tv->v", prediction, unit_truth) / np.where(norm > 1e-12, norm, np.inf)


# -- maps ----------------------------------------------------------------------------


def ridge_solver(atoms: np.ndarray, penalty: float = MAP_PENALTY) -> np.ndarray:
    """What turns brain columns into ridge weights: (n_atoms, n_rows).

    The penalty is in units of trace(D'D) / K. The rows sum to zero, so brain
    columns need no centring.
    """
    centred = atoms - atoms.mean(0)
    gram = (centred.T @ centred).astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    return np.linalg.solve(gram, centred.T.astype(np.float64)).astype(np.float32)


def subject_weights(atoms: np.ndarray, bold: np.ndarray, first_tr: int, delay: int) -> np.ndarray:
    """Encoding weights of each subject, standardised over locations.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    bold : (n_subjects, n_trs, n_locations)
    first_tr, delay : in TRs

    Returns
    -------
    float32 (n_subjects, n_atoms, n_locations)
    """
    rows = slice(first_tr + delay, first_tr + delay + len(atoms))
    solver = ridge_solver(atoms)
    return np.stack([zscore(solver @ np.asarray(one[rows]), axis=1) for one in bold])


def group_t(weights: np.ndarray) -> np.ndarray:
    """One-sample t over subjects: (n_subjects, n_atoms, n_locations) -> (n_atoms, n_locations)."""
    n = len(weights)
    mean = weights.mean(0)
    spread = np.sqrt(np.maximum(((weights - mean) ** 2).sum(0) / (n - 1), 1e-12))
    return (mean / (spread / np.sqrt(n))).astype(np.float32)


class AtomGate:
    """Is an atom related to the brain at all?

    The statistic is the mean squared r over locations at the best delay; the
    null is the atom's own phase-randomised copies. Through the Gram matrix of
    time points, any number of locations costs n_trs^2 per atom.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    brains : one (n_rows, n_locations) array per delay
    n_copies : int
    rng : numpy Generator
    """

    def __init__(self, atoms: np.ndarray, brains: list[np.ndarray], n_copies: int, rng: np.random.Generator):
        atoms = np.asarray(atoms, np.float32)
        self.grams = [_time_gram(brain) for brain in brains]
        self.copies = np.stack([self.relation(phase_randomised(atoms, rng)) for _ in range(n_copies)])

    def relation(self, atoms: np.ndarray) -> np.ndarray:
        """Mean squared r of each atom: (n_atoms,)."""
        unit = unit_columns(np.asarray(atoms, np.float32))
        return np.max([np.einsum("tk,tk->k", unit, gram @ unit) for gram in self.grams], axis=0)

    def p(self, atoms: np.ndarray) -> np.ndarray:
        """p of atoms that have the spectra of those given at first: (n_atoms,)."""
        reached = (self.copies >= self.relation(atoms)).sum(0)
        return (reached + 1) / (len(self.copies) + 1)


def _time_gram(brain: np.ndarray) -> np.ndarray:
    unit = unit_columns(np.asarray(brain, np.float32))
    moving = max(int((np.abs(unit).sum(0) > 0).sum()), 1)
    return unit @ unit.T / moving


# -- paper-like ----------------------------------------------------------------------


def insample_r2(atoms: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """R^2 of ordinary regression on all rows (no cross-validation): (n_locations,)."""
    basis, singular, _ = np.linalg.svd(atoms - atoms.mean(0), full_matrices=False)
    basis = basis[:, singular > 1e-5 * singular.max()]
    projected = basis.T @ unit_columns(np.asarray(brain, np.float32))
    return np.einsum("kv,kv->v", projected, projected)


# -- the step ------------------------------------------------------------------------


def encode(
    atoms: np.ndarray,
    bold: np.ndarray,
    first_tr: int,
    config: EncodingConfig,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> EncodingResult:
    """Everything the atoms say about one recording.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
        Temporal atoms; row 0 is TR ``first_tr``.
    bold : (n_subjects, n_trs, n_locations)
        z-scored.

    Returns
    -------
    EncodingResult

    Raises
    ------
    RecordingError
        With fewer than 3 subjects (no group map), or values that are not numbers.
    """
    _check_bold(bold)
    atoms = np.asarray(atoms, np.float32)
    rng = np.random.default_rng(config.seed)
    mean = zscore(bold.mean(0, dtype=np.float32))  # (n_trs, n_locations)
    brains = delayed(mean, first_tr, len(atoms), config.delays)
    observed = held_out(atoms, brains, config)
    progress(0.2)
    sample = null_locations(mean.shape[1], config.max_null_locations)
    null = _null_r(atoms, mean[:, sample], first_tr, config, rng, lambda f: progress(0.2 + 0.5 * f))
    p = p_from_null(observed.r, null)
    q = fdr(np.where(mean.std(0) > 0, p, np.nan))
    null_means = null.mean(1)
    r_subjects = _subject_r(atoms, bold, sample, first_tr, config)
    progress(0.85)
    map_delay = config.delays[int(observed.lag_r.mean(1).argmax())]
    weights = subject_weights(atoms, bold, first_tr, map_delay)
    gate = AtomGate(atoms, brains, GATE_COPIES, rng)
    atom_p = gate.p(atoms)
    best = brains[config.delays.index(map_delay)]
    fakes = [insample_r2(phase_randomised(atoms, rng), best) for _ in range(20)]
    return EncodingResult(
        r_heldout=observed.r,
        p=p.astype(np.float32),
        q=q.astype(np.float32),
        delay=np.array(config.delays, np.int16)[_most_common(observed.delay, len(config.delays))],
        noise_ceiling=leave_one_out_isc(bold).mean(0),
        r2_insample=insample_r2(atoms, best).astype(np.float32),
        r2_insample_null=np.mean(fakes, axis=0).astype(np.float32),
        r_mean=float(observed.r.mean()),
        r_mean_p=float(p_from_null(observed.r[sample].mean(), null_means)),
        null_means=null_means.astype(np.float32),
        r_subjects=r_subjects,
        lag_delays=np.array(config.delays, np.int16),
        lag_curve=observed.lag_r.mean(1),
        map_delay=map_delay,
        z_maps=t_to_z(group_t(weights), len(bold)),
        weights=weights,
        atom_r2=gate.relation(atoms).astype(np.float32),
        atom_p=atom_p.astype(np.float32),
        atom_q=fdr(atom_p).astype(np.float32),
    )


def null_locations(n_locations: int, at_most: int) -> np.ndarray:
    """An even subset of locations for the null: all of them when they are few.

    fsaverage5 is an icosahedron divided five times whose first 10, 42, 162, 642, ...
    vertices are the coarser spheres, so a prefix of each hemisphere is even.
    """
    if n_locations <= at_most:
        return np.arange(n_locations)
    if n_locations == 20484:
        prefix = max(n for n in (12, 42, 162, 642, 2562) if 2 * n <= at_most)
        return np.concatenate([np.arange(prefix), 10242 + np.arange(prefix)])
    return np.linspace(0, n_locations - 1, at_most).round().astype(int)


def _null_r(
    atoms: np.ndarray,
    mean: np.ndarray,
    first_tr: int,
    config: EncodingConfig,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> np.ndarray:
    """Held-out r of phase-randomised recordings, (n_surrogates, n_locations): surrogates are just more columns."""
    n_columns = mean.shape[1]
    at_once = max(1, 4096 // n_columns)
    rows = []
    for start in range(0, config.n_surrogates, at_once):
        n = min(at_once, config.n_surrogates - start)
        fakes = np.concatenate([phase_randomised(mean, rng) for _ in range(n)], axis=1)
        scores = held_out(atoms, delayed(fakes, first_tr, len(atoms), config.delays), config)
        rows.append(scores.r.reshape(n, n_columns))
        progress((start + n) / config.n_surrogates)
    return np.concatenate(rows)


def _subject_r(
    atoms: np.ndarray, bold: np.ndarray, sample: np.ndarray, first_tr: int, config: EncodingConfig
) -> np.ndarray:
    scores = []
    for one in bold:
        brains = delayed(np.asarray(one[:, sample]), first_tr, len(atoms), config.delays)
        scores.append(held_out(atoms, brains, config).r.mean())
    return np.array(scores, np.float32)


def _most_common(choices: np.ndarray, n: int) -> np.ndarray:
    return np.stack([(choices == i).sum(0) for i in range(n)]).argmax(0)


def _check_bold(bold: np.ndarray) -> None:
    if len(bold) < 3:
        raise RecordingError(
            "Group maps need several subjects",
            found=f"{len(bold)} subject{'s' * (len(bold) != 1)}",
            needed="at least 3",
            do="name more with --subjects",
        )
    for i, one in enumerate(bold):
        if not np.isfinite(one).all():
            raise RecordingError(
                f"Subject {i + 1} of the recording holds values that are not numbers",
                found=f"{int((~np.isfinite(one)).sum())} NaN or infinite values",
                needed="finite values",
                do="clean the recording or leave the subject out with --subjects",
            )
