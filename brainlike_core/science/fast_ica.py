"""FastICA with symmetric decorrelation, for many samples.

Hyvarinen 1999, doi:10.1109/72.761722. Three things are ours. The samples go
through the processor's cache stretch by stretch. Where there are many, a random
eighth of them, whitened anew, finds the neighbourhood and all of them only finish. And where
full steps go round in circles, as they do when components are nearly Gaussian,
steps are halved, which changes the way but not the fixed points; whether it is
one is always judged by a full step over all samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .singular_vectors import STRETCH, Array, like, on_host

SHARE_FIRST = 8  # one in so many samples goes first
LEAST_FIRST = 8192  # samples, and this many per component:
LEAST_PER_COMPONENT = 128
MOST_FIRST, NEAR = 60, 1e-2  # their passes at most, and their tolerance
LEAST_POWER = 0.1  # of a direction among them; it has 1 among all
PATIENCE = 25  # steps without progress before they are halved
SHORTEST = 1 / 16


@dataclass(frozen=True)
class Rotation:
    """How white signals turn into independent ones.

    Attributes
    ----------
    matrix : float64 (n_components, n_components)
        Orthogonal; sources are ``white @ matrix.T``.
    n_iterations : int
        Passes over all samples.
    converged : bool
        A full step moved no component by more than the tolerance.
    """

    matrix: np.ndarray
    n_iterations: int
    converged: bool


def independent_rotation(
    white: Array,
    contrast: str,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-4,
    max_iterations: int = 400,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Rotation:
    """The rotation that makes white signals as independent as it can.

    Parameters
    ----------
    white : float32 (n_samples, n_components)
        Mean 0, variance 1, uncorrelated; numpy array or torch tensor.
    contrast : str
        ``logcosh``: g(u) = tanh u; ``cube``: g(u) = u^3.
    rng : numpy Generator
        Draws the first rotation and the samples that go first.
    tolerance : float
        Converged when 1 - \\|cosine\\| of every component with itself one step before is below.
    max_iterations : int
        Passes over all samples at most.
    progress : called with the fraction done
    """
    n_samples, n_components = white.shape
    matrix = _decorrelated(rng.standard_normal((n_components, n_components)))
    n_first = n_samples // SHARE_FIRST
    if n_first >= max(LEAST_FIRST, LEAST_PER_COMPONENT * n_components):
        first = np.sort(rng.choice(n_samples, n_first, replace=False))
        matrix = _from_some(white[first], matrix, contrast, progress)
    return _settle(white, matrix, contrast, tolerance, max_iterations, progress)


def _from_some(
    some: Array, matrix: np.ndarray, contrast: str, progress: Callable[[float], None]
) -> np.ndarray:
    """The rotation that some of the samples find: whitened anew, since a step takes white samples for granted."""
    centred = some - some.mean(0)
    power, vectors = np.linalg.eigh(on_host(centred.T @ centred).astype(np.float64) / len(some))
    if power[0] < LEAST_POWER:
        return matrix
    whitening = (vectors / np.sqrt(power)) @ vectors.T
    white = centred @ like(centred, whitening)
    found = _settle(white, matrix, contrast, NEAR, MOST_FIRST, progress)
    return _decorrelated(found.matrix @ whitening)


def _settle(
    white: Array,
    matrix: np.ndarray,
    contrast: str,
    tolerance: float,
    at_most: int,
    progress: Callable[[float], None],
) -> Rotation:
    """Fixed-point steps until none moves a component."""
    step, least, stalled = 1.0, np.inf, 0
    for number in range(1, at_most + 1):
        progress(number / at_most)
        new = _decorrelated(_fixed_point(white, matrix, contrast))
        cosine = np.einsum("ij,ij->i", new, matrix)
        moved = float(np.abs(np.abs(cosine) - 1).max())
        if moved < tolerance:
            return Rotation(new, number, True)
        stalled = 0 if moved < 0.9 * least else stalled + 1
        least = min(moved, least)
        if stalled == PATIENCE:
            step, least, stalled = max(step / 2, SHORTEST), np.inf, 0
        new *= np.sign(cosine)[:, None]
        matrix = new if step == 1 else _decorrelated(matrix + step * (new - matrix))
    return Rotation(matrix, at_most, False)


def _fixed_point(white: Array, matrix: np.ndarray, contrast: str) -> np.ndarray:
    """``E[g(w x) x] - E[g'(w x)] w`` of every row w."""
    turn = like(white, matrix.T)
    moment, slope = np.zeros(matrix.shape), np.zeros(len(matrix))
    for first in range(0, len(white), STRETCH):
        some = white[first : first + STRETCH]
        bent, bend = _CONTRASTS[contrast](some @ turn)
        moment += on_host(bent.T @ some)
        slope += on_host(bend)
    return moment / len(white) - (slope / len(white))[:, None] * matrix


def _logcosh(sources: Array) -> tuple[Array, Array]:
    """tanh u, and the sum of its slope 1 - tanh^2 u over samples."""
    if isinstance(sources, np.ndarray):
        bent = np.tanh(sources, out=sources)
        return bent, len(bent) - np.einsum("nc,nc->c", bent, bent)
    bent = sources.tanh()
    return bent, len(bent) - (bent * bent).sum(0)


def _cube(sources: Array) -> tuple[Array, Array]:
    """u^3, and the sum of its slope 3 u^2 over samples."""
    square = sources * sources
    return square * sources, 3 * square.sum(0)


_CONTRASTS = {"logcosh": _logcosh, "cube": _cube}


def _decorrelated(matrix: np.ndarray) -> np.ndarray:
    """The orthogonal matrix nearest to this one: (W W')^(-1/2) W."""
    power, vectors = np.linalg.eigh(matrix @ matrix.T)
    if power[0] > 1e-10 * power[-1]:
        return (vectors / np.sqrt(power)) @ (vectors.T @ matrix)
    left, _, right = np.linalg.svd(matrix)  # nearly singular, after a cube of extreme values
    return left @ right
