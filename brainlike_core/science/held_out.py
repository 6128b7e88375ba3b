"""Held-out scores with delay and penalty chosen inside the training folds, per location."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..config import EncodingConfig
from .cross_validation import COLUMNS_AT_ONCE, RidgeFolds, Sums
from .folds import Split, delayed_atoms, nested_folds


@dataclass(frozen=True)
class HeldOut:
    """Cross-validated scores, means over the outer folds.

    Attributes
    ----------
    r, r2 : (n_locations,)
        Pearson r, and 1 - residual / total sum of squares.
    delay, penalty, ratio : (n_folds, n_locations)
        What each fold chose, as positions in the config's lists.
    lag_r : (n_delays, n_locations)
        r with one delay for all folds.
    """

    r: np.ndarray
    r2: np.ndarray
    delay: np.ndarray
    penalty: np.ndarray
    ratio: np.ndarray
    lag_r: np.ndarray


def held_out(
    atoms: np.ndarray,
    brains: list[np.ndarray],
    config: EncodingConfig,
    columns_at_once: int = COLUMNS_AT_ONCE,
    *,
    nuisance: np.ndarray | None = None,
    stories: np.ndarray | None = None,
) -> HeldOut:
    """Nested cross-validation: all choices are made on the training rows.

    Parameters
    ----------
    atoms : (n_trs, n_atoms)
    brains : one (n_trs, n_locations) array per delay of ``config.delays``
        Near mean 0 over the run, as z-scored recordings are.
    config : EncodingConfig
        With ``fir`` the atoms of all delays are regressors together, on the
        first brain.
    nuisance : (n_trs, n_nuisance), optional
        A second band of regressors with a penalty of its own: the atoms' times
        one of ``config.band_ratios``.
    stories : (n_trs,), optional
        Leave one story out; else contiguous folds.

    Returns
    -------
    HeldOut
    """
    return HeldOutFolds(atoms, config, nuisance=nuisance, stories=stories).score(brains, columns_at_once)


class HeldOutFolds:
    """`held_out` prepared once for many brains: everything that depends on the regressors only."""

    def __init__(
        self,
        atoms: np.ndarray,
        config: EncodingConfig,
        *,
        nuisance: np.ndarray | None = None,
        stories: np.ndarray | None = None,
    ) -> None:
        atoms = np.asarray(atoms, np.float32)
        self.splits = nested_folds(len(atoms), config, stories)
        self.n_brains = 1 if config.fir else len(config.delays)
        if config.fir:
            first = config.delays[0]
            atoms = delayed_atoms(atoms, tuple(d - first for d in config.delays), stories)
        flat = [one for split in self.splits for one in (split, *split.inner)]
        self.designs = [_folds(one, flat, config) for one in _designs(atoms, nuisance, config)]

    def score(self, brains: list[np.ndarray], columns_at_once: int = COLUMNS_AT_ONCE) -> HeldOut:
        """Scores of brain columns: one (n_trs, n_locations) array per delay."""
        parts = []
        for start in range(0, brains[0].shape[1], columns_at_once):
            block = [b[:, start : start + columns_at_once] for b in brains[: self.n_brains]]
            parts.append(_block(self.designs, self.splits, block))
        fields = HeldOut.__dataclass_fields__
        return HeldOut(*(np.concatenate([getattr(p, name) for p in parts], -1) for name in fields))


def _designs(atoms: np.ndarray, nuisance: np.ndarray | None, config: EncodingConfig) -> list[np.ndarray]:
    if nuisance is None:
        return [atoms]
    # A regressor divided by s is penalised s^2 times as much.
    return [
        np.concatenate([atoms, np.asarray(nuisance, np.float32) / np.sqrt(ratio)], 1)
        for ratio in config.band_ratios
    ]


def _folds(features: np.ndarray, splits: list[Split], config: EncodingConfig) -> RidgeFolds:
    if config.regression == "lasso":
        from .lasso import LassoFolds

        return LassoFolds(features, splits, config.lasso_shares, criterion=config.criterion)
    return RidgeFolds(features, splits, config.penalties, criterion=config.criterion)


def _block(designs: list[RidgeFolds], splits: list[Split], brains: list[np.ndarray]) -> HeldOut:
    """All folds of one block of columns."""
    n_delays, n_columns, n_folds = len(brains), brains[0].shape[1], len(splits)
    # Candidate c is design c // n_delays with the brain of delay c % n_delays.
    inner = np.zeros((n_folds, len(designs) * n_delays, designs[0].n_penalties, n_columns), np.float32)
    sums = [design.sums(brain) for design in designs for brain in brains]
    places = _places(splits)
    for c, one in enumerate(sums):
        for f, place in enumerate(places):
            for i in range(place + 1, place + 1 + len(splits[f].inner)):
                inner[f, c] += designs[c // n_delays].scores(i, one)
    penalty = inner.argmax(2)  # (n_folds, n_candidates, n_columns)
    best = np.take_along_axis(inner, penalty[:, :, None], 2)[:, :, 0]
    candidate = best.argmax(1)  # (n_folds, n_columns)
    r, r2 = np.empty((2, n_folds, len(sums), n_columns), np.float32)
    for c, one in enumerate(sums):
        for f, place in enumerate(places):
            r[f, c], r2[f, c] = designs[c // n_delays].chosen(place, one, penalty[f, c])
    by_ratio = best.reshape(n_folds, len(designs), n_delays, n_columns).argmax(1)
    lag = np.take_along_axis(r.reshape(n_folds, -1, n_delays, n_columns), by_ratio[:, None], 1)[:, 0]
    return HeldOut(
        r=_at(r, candidate).mean(0),
        r2=_at(r2, candidate).mean(0),
        delay=(candidate % n_delays).astype(np.int16),
        penalty=_at(penalty, candidate).astype(np.int16),
        ratio=(candidate // n_delays).astype(np.int16),
        lag_r=lag.mean(0),
    )


def _places(splits: list[Split]) -> list[int]:
    """Where each outer split stands in the list of all: the inner ones follow it."""
    sizes = [1 + len(split.inner) for split in splits]
    return [sum(sizes[:f]) for f in range(len(splits))]


def _at(values: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, candidate[:, None].astype(int), 1)[:, 0]


# -- contributions -------------------------------------------------------------------


@dataclass(frozen=True)
class UniqueVariance:
    """Held-out R^2 of nuisance alone, of atoms and nuisance together, and the difference: (n_locations,)."""

    nuisance: np.ndarray
    joint: np.ndarray
    unique: np.ndarray


def unique_variance(
    atoms: np.ndarray,
    nuisance: np.ndarray,
    brains: list[np.ndarray],
    config: EncodingConfig,
    stories: np.ndarray | None = None,
) -> UniqueVariance:
    """What the atoms predict beyond nuisance regressors, by banded ridge in the same folds.

    Confounds are regressed together with the atoms inside the folds: taking
    them out of the whole run first would leak test rows into training. Banded
    ridge: Nunez-Elizalde et al. 2019, doi:10.1016/j.neuroimage.2019.04.012.

    Parameters
    ----------
    atoms : (n_trs, n_atoms)
    nuisance : (n_trs, n_nuisance)
    brains, config, stories : as in `held_out`; penalties are chosen by R^2
    """
    plain = replace(config.one_delay, criterion="r2")
    alone = held_out(nuisance, brains, plain, stories=stories).r2
    joint = held_out(atoms, brains, plain, nuisance=nuisance, stories=stories).r2
    return UniqueVariance(alone, joint, joint - alone)


def unique_contributions(
    atoms: np.ndarray,
    brains: list[np.ndarray],
    config: EncodingConfig,
    found: HeldOut,
    stories: np.ndarray | None = None,
) -> np.ndarray:
    """Held-out R^2 lost when one atom is left out, delay and penalty staying as chosen.

    No model is fitted again: with A the inverse of the penalised Gram matrix,
    leaving out atom k moves the weights by ``-A[:, k] w_k / A[k, k]``. Shared
    variance belongs to nobody: correlated atoms can all be near 0.

    Parameters
    ----------
    atoms, brains, config : as given to `held_out`, ridge with one delay
    found : what `held_out` gave

    Returns
    -------
    float32 (n_atoms, n_locations)
        Mean over folds.
    """
    splits = nested_folds(len(atoms), config, stories)
    outer = RidgeFolds(atoms, [Split(s.train, s.test) for s in splits], config.penalties)
    lost = np.zeros((outer.features.shape[1], brains[0].shape[1]), np.float32)
    for f in range(len(splits)):
        for d, brain in enumerate(brains):
            columns = np.flatnonzero(found.delay[f] == d)
            for start in range(0, len(columns), COLUMNS_AT_ONCE):
                some = columns[start : start + COLUMNS_AT_ONCE]
                sums = outer.sums(brain[:, some])
                lost[:, some] += _lost(outer, f, sums, found.penalty[f, some]) / len(splits)
    return lost


def _lost(folds: RidgeFolds, i: int, sums: Sums, penalty: np.ndarray) -> np.ndarray:
    """Rise of the test residual without each atom, as a share of the total: (n_atoms, n_columns)."""
    side = folds.sides[i]
    moving, step = folds._spread(i, sums)
    rows = np.concatenate([side.root, np.sqrt(side.n_test) * side.offset[None]])  # in the eigenbasis
    covariance = folds._test(i, sums) + side.n_test * step * side.offset[:, None]
    weights = folds.weights(i, sums, penalty)
    left = covariance - rows.T @ (rows @ weights)  # residual's product with the test atoms
    out = np.zeros_like(weights)
    for p in np.unique(penalty):
        at = penalty == p
        turned = side.vectors * side.shrink[p]  # row k: A[k, :] in the eigenbasis
        diagonal = np.einsum("km,km->k", turned, side.vectors)
        share = (side.vectors @ weights[:, at]) / diagonal[:, None]
        power = np.einsum("mk,mk->k", rows @ turned.T, rows @ turned.T)
        out[:, at] = share * (2 * (turned @ left[:, at]) + share * power[:, None])
    return np.where(moving > 0, out / np.where(moving > 0, moving, 1), 0)
