"""Exact lasso codes of many neurons on one set of atoms.

``min_a 1/2 ||x - D a||^2 + penalty ||a||_1`` for each neuron x, by coordinate
descent on the Gram matrix of the atoms (Friedman et al. 2010, J Stat Softw
33:1). 64 neurons walk through the atoms side by side: every instruction serves
all of them, and the gradients of eight atoms at a time are one small matrix
product. Each step goes a fifth beyond its coordinate's minimum, as in
successive over-relaxation: the objective still falls with each step (any factor
below 2 does that), and fewer sweeps are needed where atoms are correlated.

Arrays are atom-major, (n_atoms, n_neurons), inside this file and while learning.
"""

from __future__ import annotations

import numba
import numpy as np

N_LANES = 64  # neurons side by side
N_TOGETHER = 8  # atoms whose gradients are computed at once
RELAXATION = 1.2
MAX_SWEEPS = 1000
TOLERANCE = 1e-5


def sparse_codes(
    neurons: np.ndarray, atoms: np.ndarray, penalty: float, start: np.ndarray | None = None
) -> np.ndarray:
    """Exact lasso codes of each neuron on the atoms.

    Parameters
    ----------
    neurons : (n_neurons, n_trs), float32 or float64
    atoms : (n_atoms, n_trs)
    penalty : float
    start : (n_neurons, n_atoms), optional
        Warm start; it is not changed.

    Returns
    -------
    (n_neurons, n_atoms), float64 where neurons and atoms are, else float32
        No loading moves by more than 1e-5 in a further sweep.

    Examples
    --------
    >>> sparse_codes(np.array([[0.8, 0.6], [0.05, 0.99]]), np.array([[1.0, 0.0]]), 0.1).round(3)
    array([[0.7],
           [0. ]])
    """
    kind = np.float64 if neurons.dtype == atoms.dtype == np.float64 else np.float32
    neurons, atoms = neurons.astype(kind, copy=False), atoms.astype(kind, copy=False)
    codes = np.zeros((len(atoms), len(neurons)), kind)
    if start is not None:
        codes[:] = start.T
    descend(atoms @ atoms.T, atoms @ neurons.T, codes, penalty, TOLERANCE)
    return codes.T


def descend(
    gram: np.ndarray, target: np.ndarray, codes: np.ndarray, penalty: float, tolerance: float
) -> None:
    """Improve codes in place until no loading moves by more than the tolerance in a sweep.

    Parameters
    ----------
    gram : (n_atoms, n_atoms)
    target : (n_atoms, n_neurons)
        Products of atoms and neurons.
    codes : (n_atoms, n_neurons)
        Start and result; of the same dtype as the others.
    penalty, tolerance : float
    """
    kind = codes.dtype.type
    steps = np.divide(1, gram.diagonal(), out=np.zeros(len(gram), kind), where=gram.diagonal() > 1e-12)
    _descend(
        np.ascontiguousarray(gram), target, codes, steps, kind(penalty), kind(tolerance), kind(RELAXATION)
    )


@numba.njit(parallel=True, cache=True, fastmath=True)
def _descend(gram, target, codes, steps, penalty, tolerance, relaxation):  # pragma: no cover - compiled
    n_atoms, n_neurons = codes.shape
    for block in numba.prange((n_neurons + N_LANES - 1) // N_LANES):
        first, last = block * N_LANES, min((block + 1) * N_LANES, n_neurons)
        pull = np.zeros((n_atoms, N_LANES), codes.dtype)
        lanes = np.zeros((n_atoms, N_LANES), codes.dtype)  # unused lanes stay at zero
        for k in range(n_atoms):
            pull[k, : last - first] = target[k, first:last]
            lanes[k, : last - first] = codes[k, first:last]
        gradient = np.empty((N_TOGETHER, N_LANES), codes.dtype)
        change = np.empty(N_LANES, codes.dtype)
        for _ in range(MAX_SWEEPS):
            largest = codes.dtype.type(0)
            for k in range(0, n_atoms, N_TOGETHER):
                some = gram[k : k + N_TOGETHER]
                np.dot(some, lanes, gradient[: len(some)])
                moved = _visit(some, k, pull, lanes, gradient, change, steps, penalty, relaxation)
                largest = max(largest, moved)
            if largest < tolerance:
                break
        for k in range(n_atoms):
            codes[k, first:last] = lanes[k, : last - first]


@numba.njit(cache=True, fastmath=True)
def _visit(
    some, first, pull, lanes, gradient, change, steps, penalty, relaxation
):  # pragma: no cover - compiled
    """One step on each of a few atoms, for all lanes; returns the largest change."""
    n_lanes = len(change)
    largest = lanes.dtype.type(0)
    for q in range(len(some)):
        k = first + q
        towards, left, lane, row = pull[k], gradient[q], lanes[k], some[q]
        diagonal, step = row[k], steps[k]
        for i in range(n_lanes):
            wish = towards[i] - left[i] + diagonal * lane[i]
            new = step * (wish - min(max(wish, -penalty), penalty))
            beyond = lane[i] + relaxation * (new - lane[i])
            new = beyond if beyond * new > 0 else new  # never beyond zero
            change[i] = new - lane[i]
            lane[i] = new
            largest = max(largest, abs(change[i]))
        for later in range(q + 1, len(some)):
            following, weight = gradient[later], row[first + later]
            for i in range(n_lanes):
                following[i] += weight * change[i]
    return largest


def objective(neurons: np.ndarray, atoms: np.ndarray, codes: np.ndarray, penalty: float) -> float:
    """Mean over neurons of ``1/2 ||x - D a||^2 + penalty ||a||_1``.

    Parameters
    ----------
    neurons : (n_neurons, n_trs)
    atoms : (n_atoms, n_trs)
    codes : (n_neurons, n_atoms)
    penalty : float
    """
    gram, target = atoms @ atoms.T, neurons @ atoms.T
    fit = (neurons * neurons).sum() - 2 * (target * codes).sum() + ((codes @ gram) * codes).sum()
    return float((0.5 * fit + penalty * np.abs(codes).sum()) / len(neurons))
