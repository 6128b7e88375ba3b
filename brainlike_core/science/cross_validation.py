"""Regression scored on held-out rows, for any number of brain columns at once.

All penalties of all splits are scored from inner products: rows that belong to
the same training and test sets are summed once (one pass over the brain), and
what a split needs is a sum of such sums. In the eigenbasis of a split's Gram
matrix every penalty is a rescaling, and the norm of its prediction needs
min(n_test, n_features) numbers per column: with more features than test rows
that is the explicit prediction. Sums only ever add training rows: nothing of a
test row, not even its rounding, reaches a training set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .folds import Split

COLUMNS_AT_ONCE = 512  # a block's products stay in the processor's cache


@dataclass(frozen=True)
class Sums:
    """Inner products of each row set with a block of brain columns.

    ``products`` (n_sets, n_features + 1, n_columns): features' y, then sum of y;
    ``squares`` (n_sets, n_columns): sum of y^2.
    """

    products: np.ndarray
    squares: np.ndarray
    brain: np.ndarray  # the block itself (n_rows, n_columns)


@dataclass(frozen=True)
class _Side:
    """What a split knows of its features; the basis is that of its training Gram matrix."""

    vectors: np.ndarray  # (n_features, n_features)
    values: np.ndarray  # eigenvalues (n_features,)
    penalties: np.ndarray  # absolute (n_penalties,)
    from_train: np.ndarray  # (n_features, n_features + 1): centre on the training mean, rotate
    from_test: np.ndarray  # the same on the test mean
    root: np.ndarray  # (m, n_features) with root' root = test Gram matrix, centred on its own mean
    offset: np.ndarray  # test mean minus training mean, rotated (n_features,)
    test: np.ndarray | slice  # rows
    n_train: int
    n_test: int

    @cached_property
    def shrink(self) -> np.ndarray:
        """1 / (eigenvalue + penalty): (n_penalties, n_features)."""
        return (1 / (self.values + self.penalties[:, None])).astype(np.float32)

    @cached_property
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """``mix`` (n_penalties, rank) and ``few`` (rank, n_features) with mix @ few = shrink.

        The shrinkage e / (e + penalty) changes so smoothly with the penalty that
        a dozen of its combinations give all, to the precision of float32.
        """
        floor = np.maximum(self.values, 1e-9 * max(self.values.max(), 1e-30))
        share = floor / (floor + self.penalties[:, None])
        top = share.max(1, keepdims=True)
        left, size, right = np.linalg.svd(share / top, full_matrices=False)
        rank = max(int((size > 1e-6 * size[0]).sum()), 1)
        if 4 * rank > 3 * len(share):
            return np.eye(len(share), dtype=np.float32), self.shrink
        mix, few = top * left[:, :rank], size[:rank, None] * right[:rank] / floor
        return mix.astype(np.float32), few.astype(np.float32)

    @cached_property
    def stacked(self) -> np.ndarray:
        """``root`` and its offset's weight for each of ``few``: (rank * (m + 1), n_features).

        When predicting explicitly it takes products as they are: (rank * (m + 1), n_features + 1).
        """
        rows = np.concatenate([self.root, np.sqrt(self.n_test) * self.offset[None]])
        stacked = (rows * self.factors[1][:, None]).reshape(-1, rows.shape[1])
        return np.ascontiguousarray(stacked @ self.from_train if self.explicit else stacked, np.float32)

    @property
    def explicit(self) -> bool:
        """Are there so few test rows that predicting them is cheaper than rotating their products?"""
        n_features = len(self.values)
        return self.n_test <= min(n_features, n_features**2 / 100)


class RidgeFolds:
    """Ridge regression in given splits: prepared once, scored for any number of columns.

    Parameters
    ----------
    features : (n_rows, n_features)
    splits : list of Split
    penalties : (n_penalties,)
        Multiples of the mean eigenvalue of each training Gram matrix, or as
        they are when ``relative`` is False.
    criterion : str
        ``r``: Pearson r; ``r2``: 1 - residual / total sum of squares, with the
        intercept of the training rows.

    Notes
    -----
    Columns should be near mean 0 over the whole run, as z-scored recordings
    are: centring is done on inner products.
    """

    def __init__(
        self,
        features: np.ndarray,
        splits: list[Split],
        penalties: tuple[float, ...] | np.ndarray,
        *,
        criterion: str = "r",
        relative: bool = True,
    ) -> None:
        self.features = np.asarray(features, np.float32)
        self.penalties, self.relative = np.asarray(penalties, float), relative
        self.criterion, self.n_penalties = criterion, len(penalties)
        self.sides = [self._side(split) for split in splits]
        self.groups, self.members = _row_groups(len(features), splits)

    def _side(self, split: Split) -> _Side:
        train, test = self.features[split.train], self.features[split.test]
        train_mean, test_mean = train.mean(0), test.mean(0)
        train, test = train - train_mean, test - test_mean
        values, vectors = self._basis((train.T @ train).astype(np.float64))
        scale = max(values.mean(), 1e-12) if self.relative else 1.0
        vectors = vectors.astype(np.float32)
        basis = test @ vectors
        return _Side(
            vectors,
            values,
            self.penalties * scale,
            np.concatenate([vectors.T, -(vectors.T @ train_mean)[:, None]], 1),
            np.concatenate([vectors.T, -(vectors.T @ test_mean)[:, None]], 1),
            np.asarray(np.linalg.qr(basis, mode="r")) if len(basis) > basis.shape[1] else basis,
            (test_mean - train_mean) @ vectors,
            _as_slice(split.test),
            len(train),
            len(test),
        )

    def _basis(self, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = np.linalg.eigh(gram)
        return np.maximum(values, 0), vectors

    def sums(self, brain: np.ndarray) -> Sums:
        """One pass over brain columns (n_rows, n_columns)."""
        n_columns = brain.shape[1]
        ones = np.ones((len(self.features), 1), np.float32)
        features = np.concatenate([self.features, ones], 1).T
        products = np.empty((len(self.groups), len(features), n_columns), np.float32)
        squares = np.empty((len(self.groups), n_columns), np.float32)
        for i, rows in enumerate(self.groups):
            y = np.asarray(brain[rows], np.float32)
            np.matmul(features[:, rows], y, out=products[i])
            np.einsum("tv,tv->v", y, y, out=squares[i])
        flat = self.members @ products.reshape(len(products), -1)
        return Sums(flat.reshape(-1, *products.shape[1:]), self.members @ squares, brain)

    # -- one split ------------------------------------------------------------------

    def _train(self, i: int, sums: Sums) -> np.ndarray:
        """Covariance of the training rows in the split's basis: (n_features, n_columns)."""
        return self.sides[i].from_train @ sums.products[2 * i]

    def _test(self, i: int, sums: Sums) -> np.ndarray:
        """Covariance of the test rows in the split's basis: (n_features, n_columns)."""
        return self.sides[i].from_test @ sums.products[2 * i + 1]

    def _spread(self, i: int, sums: Sums) -> tuple[np.ndarray, np.ndarray]:
        """Centred sum of y^2 of the test rows, and their mean minus the training mean: (n_columns,) each."""
        side, total = self.sides[i], sums.products[2 * i + 1, -1]
        squares, mean = sums.squares[2 * i + 1], total / side.n_test
        moving = squares - total * mean
        moving = np.where(moving > 1e-6 * squares, moving, 0)
        return moving, mean - sums.products[2 * i, -1] / side.n_train

    def scores(self, i: int, sums: Sums) -> np.ndarray:
        """Test score of split i for each penalty and column: (n_penalties, n_columns)."""
        side, n_columns = self.sides[i], sums.squares.shape[1]
        moving, step = self._spread(i, sums)
        predict = self._explicit if side.explicit else self._implicit
        predicted, agreement = predict(side, i, sums, step)
        mixed = predicted
        if len(predicted) < self.n_penalties:
            mixed = (side.factors[0] @ predicted.reshape(len(predicted), -1)).reshape(
                self.n_penalties, -1, n_columns
            )
        if self.criterion == "r":
            return _r(agreement, np.einsum("pmv,pmv->pv", mixed[:, :-1], mixed[:, :-1]), moving)
        residual = moving + side.n_test * step**2 - 2 * agreement
        return _r2(residual + np.einsum("pmv,pmv->pv", mixed, mixed), moving)

    def _implicit(self, side: _Side, i: int, sums: Sums, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Root of the test Gram matrix times few weights (rank, m + 1, n_columns); agreement of all."""
        rotated = self._train(i, sums)
        covariance = self._test(i, sums)
        if self.criterion == "r2":
            covariance += side.n_test * step * side.offset[:, None]
        predicted = (side.stacked @ rotated).reshape(len(side.factors[1]), -1, len(step))
        return predicted, side.shrink @ (rotated * covariance)

    def _explicit(self, side: _Side, i: int, sums: Sums, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Few predictions of the test rows (rank, m + 1, n_columns); agreement of all with the truth."""
        predicted = (side.stacked @ sums.products[2 * i]).reshape(len(side.factors[1]), -1, len(step))
        truth = np.asarray(sums.brain[side.test], np.float32)
        agreement = np.einsum("amv,mv->av", predicted[:, :-1], truth - truth.mean(0))
        if self.criterion == "r2":
            agreement += np.sqrt(side.n_test) * step * predicted[:, -1]
        return predicted, side.factors[0] @ agreement

    def weights(self, i: int, sums: Sums, penalty: np.ndarray) -> np.ndarray:
        """Weights in the split's basis with one penalty per column: (n_features, n_columns)."""
        return self._train(i, sums) * self.sides[i].shrink[penalty].T

    def chosen(self, i: int, sums: Sums, penalty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Test r and R^2 of split i with one penalty (a position) per column: (n_columns,) each."""
        return self.score_of(i, sums, self.weights(i, sums, penalty))

    def score_of(self, i: int, sums: Sums, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Test r and R^2 of given weights (n_features, n_columns) in the split's basis: (n_columns,) each."""
        side = self.sides[i]
        covariance, (moving, step) = self._test(i, sums), self._spread(i, sums)
        fit = side.root @ weights
        power = np.einsum("mv,mv->v", fit, fit)
        agreement = np.einsum("kv,kv->v", weights, covariance)
        residual = moving - 2 * agreement + power + side.n_test * (step - side.offset @ weights) ** 2
        return _r(agreement, power, moving), _r2(residual, moving)


def _r(agreement: np.ndarray, power: np.ndarray, moving: np.ndarray) -> np.ndarray:
    scale = np.sqrt(power * moving)
    return agreement / np.where(scale > 1e-12, scale, np.inf)


def _r2(residual: np.ndarray, moving: np.ndarray) -> np.ndarray:
    return np.where(moving > 0, 1 - residual / np.where(moving > 0, moving, 1), 0)


def _row_groups(n_rows: int, splits: list[Split]) -> tuple[list[np.ndarray | slice], np.ndarray]:
    """Rows that belong to the same sets, and which groups make up each set (train, test of each split)."""
    belongs = np.zeros((2 * len(splits), n_rows), bool)
    for i, split in enumerate(splits):
        belongs[2 * i, split.train] = True
        belongs[2 * i + 1, split.test] = True
    kinds, group = np.unique(belongs, axis=1, return_inverse=True)
    rows = [np.flatnonzero(group.ravel() == g) for g in range(kinds.shape[1])]
    return [_as_slice(one) for one in rows], kinds.astype(np.float32)


def _as_slice(rows: np.ndarray) -> np.ndarray | slice:
    run = slice(int(rows[0]), int(rows[-1]) + 1)
    return run if run.stop - run.start == len(rows) else rows


@dataclass(frozen=True)
class RidgeFit:
    """``weights`` (n_features, n_targets), ``intercept``, ``penalty`` (a position) and ``score`` (n_targets,)."""

    weights: np.ndarray
    intercept: np.ndarray
    penalty: np.ndarray
    score: np.ndarray


def ridge_cv(
    features: np.ndarray,
    targets: np.ndarray,
    penalties: tuple[float, ...] | np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    *,
    criterion: str = "r2",
) -> RidgeFit:
    """Ridge with one penalty per target, the best mean score over folds, refitted on all rows.

    Parameters
    ----------
    features : (n_rows, n_features)
    targets : (n_rows, n_targets)
    penalties : (n_penalties,), absolute
    folds : list of (train, test) rows
    criterion : ``r2`` or ``r``

    Returns
    -------
    RidgeFit
    """
    everything = np.arange(len(features))
    splits = [*(Split(train, test) for train, test in folds), Split(everything, everything)]
    prepared = RidgeFolds(features, splits, penalties, criterion=criterion, relative=False)
    n, n_targets = len(folds), targets.shape[1]
    weights = np.empty((features.shape[1], n_targets), np.float32)
    intercept, score = np.empty((2, n_targets), np.float32)
    penalty = np.empty(n_targets, np.int16)
    mean = prepared.features.mean(0)
    for start in range(0, n_targets, COLUMNS_AT_ONCE):
        block = slice(start, start + COLUMNS_AT_ONCE)
        sums = prepared.sums(targets[:, block])
        scores = np.mean([prepared.scores(i, sums) for i in range(n)], axis=0)
        penalty[block] = best = scores.argmax(0)
        score[block] = np.take_along_axis(scores, best[None], 0)[0]
        weights[:, block] = prepared.sides[n].vectors @ prepared.weights(n, sums, best)
        intercept[block] = sums.products[2 * n, -1] / len(features) - mean @ weights[:, block]
    return RidgeFit(weights, intercept, penalty, score)
