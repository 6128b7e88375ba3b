"""The first singular vectors of a large matrix, on the processor or another device.

Through the smaller of the two Grams where it is small; otherwise by block
Davidson iteration (Davidson 1975, doi:10.1016/0021-9991(75)90065-0), which needs
only products with the matrix and ends when the residuals say that the vectors
are right. Products are float32, sums over stretches of rows and everything small
float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg

Array = Any  # numpy array, or torch tensor on a device: both know @, .T, slices and +, -, *

STRETCH = 8192  # rows at once; a few megabytes stay in the processor's cache
GRAM_ROWS = 4 * STRETCH  # at once for a Gram, which has its own order; sums of these are float64
LARGEST_GRAM = 2048  # on the smaller side; beyond it, eigenvectors cost more than the iteration
TOLERANCE = 3e-4  # of a residual, relative to its eigenvalue
MOST_STEPS = 100
MARGIN = 10  # vectors more than asked for, which make the wanted ones converge sooner
LONGEST = 5  # the basis is cut to its best when it holds this many blocks


def on_device(values: np.ndarray, device: str) -> Array:
    """float32 values where they are to be computed with: ``cpu`` is numpy, anything else torch."""
    if device == "cpu":
        return np.ascontiguousarray(values, np.float32)
    import torch

    return like(torch.empty(0, device=device), values)


def like(other: Array, values: np.ndarray) -> Array:
    """``values`` as float32 beside ``other``, on its device."""
    values = np.ascontiguousarray(values, np.float32)
    if isinstance(other, np.ndarray):
        return values
    import torch

    return torch.from_numpy(values).to(other.device)


def on_host(values: Array) -> np.ndarray:
    """A numpy array of values on any device."""
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def times(values: Array, factor: np.ndarray) -> np.ndarray:
    """``values @ factor`` in float32, where ``values`` are; the product comes back."""
    return on_host(values @ like(values, factor))


def singular_vectors(
    values: Array,
    n_components: int,
    rng: np.random.Generator,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first singular vectors on both sides, and the singular values.

    Parameters
    ----------
    values : float32 (n_rows, n_columns)
        numpy array or torch tensor.
    n_components : int
        At most the rank of ``values``.
    rng : numpy Generator
        Where the iteration begins; its end does not depend on it.
    progress : called with the fraction done

    Returns
    -------
    left : float32 (n_rows, n_components), orthonormal
    singular : float64 (n_components,), largest first
    right : float32 (n_columns, n_components), orthonormal
        Signs make the sum of cubes >= 0 on the smaller side, whatever its order.

    Examples
    --------
    >>> left, singular, right = singular_vectors(np.diag([3.0, -2, 1]), 2, np.random.default_rng(0))
    >>> singular.tolist(), left.argmax(0).tolist(), right[1].tolist()
    ([3.0, 2.0], [0, 0], [0.0, 1.0])
    """
    tall = values.shape[0] >= values.shape[1]
    large_by_small = values if tall else values.T
    n_small = large_by_small.shape[1]
    if n_small <= max(LARGEST_GRAM, 6 * n_components):
        power, small = _of_gram(large_by_small, n_components, progress)
    else:
        power, small = _davidson(large_by_small, n_components, rng, progress)
    singular = np.sqrt(np.maximum(power, np.finfo(np.float32).tiny))
    small = np.where((small * small * small).sum(0) < 0, -small, small)
    large, small = times(large_by_small, small / singular), small.astype(np.float32)
    return (large, singular, small) if tall else (small, singular, large)


def _of_gram(
    values: Array, n_components: int, progress: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues of ``values.T @ values``, and their vectors (n_small, n_components)."""
    gram = np.zeros((values.shape[1],) * 2)
    for first in range(0, values.shape[0], GRAM_ROWS):
        some = values[first : first + GRAM_ROWS]
        gram += on_host(some.T @ some)
        progress(first / values.shape[0])
    power, vectors = linalg.eigh(
        gram, subset_by_index=[len(gram) - n_components, len(gram) - 1], overwrite_a=True
    )
    return power[::-1], vectors[:, ::-1]


def _davidson(
    values: Array, n_components: int, rng: np.random.Generator, progress: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """The same without the Gram: the basis grows by the residuals of its best vectors."""
    width = n_components + max(MARGIN, n_components // 4)
    basis = np.linalg.qr(rng.standard_normal((values.shape[1], width)))[0]
    image = _twice(values, basis)
    for step in range(MOST_STEPS):
        progress(step / (step + MARGIN))
        inner = basis.T @ image
        power, turn = np.linalg.eigh((inner + inner.T) / 2)
        power, turn = power[::-1][:width], turn[:, ::-1]
        residual = image @ turn[:, :width] - (basis @ turn[:, :width]) * power
        off = np.linalg.norm(residual, axis=0) > TOLERANCE * np.maximum(power, 1e-12)
        if not off[:n_components].any() or step == MOST_STEPS - 1:
            break
        if basis.shape[1] > LONGEST * width:
            basis, image, turn = basis @ turn[:, : 2 * width], image @ turn[:, : 2 * width], np.eye(2 * width)
        new = _orthonormal(residual[:, off], basis)
        basis, image = np.hstack([basis, new]), np.hstack([image, _twice(values, new)])
    return power[:n_components], basis @ turn[:, :n_components]


def _twice(values: Array, vectors: np.ndarray) -> np.ndarray:
    """``values.T @ values @ vectors``."""
    return on_host(values.T @ (values @ like(values, vectors))).astype(np.float64)


def _orthonormal(block: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """An orthonormal block orthogonal to the basis; twice, since once leaves rounding behind."""
    for _ in range(2):
        block = block / np.linalg.norm(block, axis=0)
        block = np.linalg.qr(block - basis @ (basis.T @ block))[0]
    return block
