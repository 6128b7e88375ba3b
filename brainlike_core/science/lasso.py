"""Lasso encoding: sparse weights per location, the penalty chosen in the same folds as ridge's.

The paper's own regression is L1-penalised (arXiv 2410.19542). Coordinate
descent on the Gram matrix, the same as the dictionary's codes; warm starts from
the strongest penalty down.
"""

from __future__ import annotations

import numpy as np

from .cross_validation import RidgeFolds, Sums

TOLERANCE = 1e-5  # of a standardised weight, in one further sweep


def lasso_path(gram: np.ndarray, covariance: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Weights minimising ``1/2 ||y - D w||^2 + share * largest ||w||_1`` for each share and column.

    Parameters
    ----------
    gram : (n_features, n_features)
        D'D, centred.
    covariance : (n_features, n_columns)
        D'y, centred; ``largest`` is max |D'y| of a column, from where on all weights are 0.
    shares : (n_penalties,), between 0 and 1

    Returns
    -------
    float32 (n_penalties, n_features, n_columns)
    """
    from .sparse_codes import descend  # numba: compiled on first use only

    largest = np.maximum(np.abs(covariance).max(0), 1e-12)
    scale = max(float(gram.diagonal().mean()), 1e-12)
    unit = np.ascontiguousarray(gram / scale, np.float32)
    target = np.ascontiguousarray(covariance / largest, np.float32)
    codes = np.zeros_like(target)
    out = np.empty((len(shares), *covariance.shape), np.float32)
    for i in np.argsort(shares)[::-1]:
        descend(unit, target, codes, float(shares[i]), TOLERANCE)
        out[i] = codes * (largest / scale)
    return out


class LassoFolds(RidgeFolds):
    """Lasso in given splits; ``penalties`` are shares of the penalty from which all weights are 0."""

    def _basis(self, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._grams = [*getattr(self, "_grams", []), gram]
        return np.ones(len(gram)), np.eye(len(gram))

    def _path(self, i: int, sums: Sums) -> np.ndarray:
        return lasso_path(self._grams[i], self._train(i, sums), self.penalties)

    def scores(self, i: int, sums: Sums) -> np.ndarray:
        """Test score of split i for each penalty and column: (n_penalties, n_columns)."""
        found = [self.score_of(i, sums, weights) for weights in self._path(i, sums)]
        return np.stack([r if self.criterion == "r" else r2 for r, r2 in found])

    def weights(self, i: int, sums: Sums, penalty: np.ndarray) -> np.ndarray:
        """Weights with one penalty per column: (n_features, n_columns)."""
        return np.take_along_axis(self._path(i, sums), penalty[None, None].astype(int), 0)[0]
