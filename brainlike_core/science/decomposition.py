"""Functional networks inside a language model: independent components of its neurons.

Signals are neurons over tokens of many texts (arXiv 2502.20408). ``temporal``,
the paper's first way, is FastICA with tokens as samples: time courses are
independent over tokens, and a map is a row of the mixing matrix (scikit-learn's
``mixing_.T``). ``canica``, its second, follows CanICA (Varoquaux et al. 2010,
doi:10.1016/j.neuroimage.2010.02.010): the first singular vectors over neurons,
then FastICA with the cube contrast and neurons as samples, so that maps are
independent over neurons; their time courses are least squares. From the paper
too: each neuron z-scored over tokens, each map z-scored over neurons, key
neurons above 1.96.

Ours, where the paper leaves it to chance: a map's heavy tail is positive (third
moment >= 0, so key neurons are those of the heavier tail), networks are in the
order of the variance they explain, and neurons that never move take no part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, InputError
from ..values.frozen import Frozen
from .fast_ica import independent_rotation
from .singular_vectors import Array, like, on_device, singular_vectors, times
from .timing import zscore

METHODS = ("temporal", "canica")
MOST_COMPONENTS = 512
KEY_Z = 1.96
LEAST_POWER = 1e-6  # of a component, relative to the largest: float32 knows no smaller


@dataclass(frozen=True, eq=False)
class Decomposition(Frozen):
    """Functional networks of one set of signals.

    Attributes
    ----------
    maps : float32 (n_components, n_neurons)
        z-scored over the neurons that move; 0 for those that never do.
    time_courses : float32 (n_tokens, n_components)
        z-scored over tokens.
    explained : float64 (n_components,)
        Share of the variance of all moving neurons; largest first. They add up,
        since components are uncorrelated over the samples of the method.
    n_iterations : int
        Of FastICA, over all samples.
    converged : bool
        False: the last step still moved a component; look at the stability.
    """

    maps: np.ndarray
    time_courses: np.ndarray
    explained: np.ndarray
    n_iterations: int
    converged: bool

    def __post_init__(self) -> None:
        self.freeze()


def decompose(
    signals: np.ndarray,
    n_components: int = 10,
    *,
    method: str = "temporal",
    seed: int = 0,
    device: str = "cpu",
    zscored: bool = False,
    tolerance: float = 1e-4,
    max_iterations: int = 400,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Decomposition:
    """Functional networks of neurons over tokens, by independent component analysis.

    Parameters
    ----------
    signals : (n_tokens, n_neurons)
        Neurons over the tokens of all texts, one text after the other.
    n_components : int
        Networks, 2 to 512.
    method : str
        ``temporal`` or ``canica``, see the file's first lines.
    seed : int
        One seed, one decomposition.
    device : str
        ``cpu`` computes with numpy; any other name is a torch device (``cuda``).
    zscored : bool
        Signals are float32 with mean 0 and variance 1 over tokens (or all 0)
        already, and are used as they are, without a copy.
    tolerance : float
        FastICA has converged when 1 - \\|cosine\\| of every component with itself
        one step before is below.
    max_iterations : int
        Of FastICA, over all samples.
    progress : called with the fraction done

    Returns
    -------
    Decomposition

    Raises
    ------
    ConfigError
        No such method, or a number of components outside its range.
    InputError
        Signals that are not finite, or carry fewer components.
    """
    _check(signals, n_components, method)
    z = signals if zscored else standardised(signals)
    progress(0.1)
    rng = np.random.default_rng(seed)
    placed = on_device(z, device)
    basis = principal(placed, moving_neurons(z), n_components, rng, lambda f: progress(0.1 + 0.5 * f))
    return independent(
        placed, basis, method, rng, tolerance, max_iterations, lambda f: progress(0.6 + 0.4 * f)
    )


def key_neurons(maps: np.ndarray, threshold: float = KEY_Z, *, two_sided: bool = False) -> np.ndarray:
    """Which neurons make up each network: z above the threshold (the paper's rule), or its size.

    Parameters
    ----------
    maps : (n_components, n_neurons), z-scored over neurons

    Returns
    -------
    bool (n_components, n_neurons)

    Examples
    --------
    >>> maps = np.array([[2.5, -3.0, 1.0]])
    >>> key_neurons(maps).tolist(), key_neurons(maps, two_sided=True).tolist()
    ([[True, False, False]], [[True, True, False]])
    """
    return (np.abs(maps) if two_sided else maps) > threshold


# -- signals -----------------------------------------------------------------------


def standardised(signals: np.ndarray) -> np.ndarray:
    """Each neuron with mean 0 and variance 1 over tokens; 0 where it never moves.

    Parameters
    ----------
    signals : (n_tokens, n_neurons)

    Returns
    -------
    float32 (n_tokens, n_neurons)

    Raises
    ------
    InputError
        A signal that is not finite.
    """
    n_tokens, n_neurons = signals.shape
    first = np.asarray(signals[0], np.float32)  # a constant far from 0 is not to be lost in rounding
    mean = sum((part - first).sum(0) for _, part in _stretches(signals)) / n_tokens + first.astype(np.float64)
    _refuse_not_finite(mean)
    z = np.empty((n_tokens, n_neurons), np.float32)
    total, power = np.zeros(n_neurons), np.zeros(n_neurons)
    for rows, part in _stretches(signals):
        centred = np.subtract(part, mean.astype(np.float32), out=z[rows])
        total += centred.sum(0)
        power += np.einsum("tn,tn->n", centred, centred)
    left = total / n_tokens  # of the mean, by its rounding
    spread = np.sqrt(np.maximum(power / n_tokens - left**2, 0))
    _refuse_not_finite(spread)
    moves = spread > 1e-6 * np.maximum(np.abs(mean), 1e-30)
    scale = np.where(moves, 1 / np.where(moves, spread, 1), 0).astype(np.float32)
    for rows, _ in _stretches(z):
        z[rows] = (z[rows] - left.astype(np.float32)) * scale
    return z


def moving_neurons(z: np.ndarray) -> np.ndarray:
    """bool (n_neurons,): False where z-scored signals are all 0."""
    still = np.flatnonzero(~(z[:8] != 0).any(0))  # the few that a glance takes for still
    moves = np.ones(z.shape[1], bool)
    moves[still] = (z[:, still] != 0).any(0)
    return moves


def _stretches(signals: np.ndarray):
    """(rows, float32 part) of signals, a few megabytes at a time."""
    at_once = max(1, min(len(signals), 2**22 // max(1, signals.shape[1])))
    for first in range(0, len(signals), at_once):
        rows = slice(first, first + at_once)
        yield rows, np.asarray(signals[rows], np.float32)


# -- components --------------------------------------------------------------------


@dataclass(frozen=True)
class Principal:
    """What is common to all rotations of one set of signals.

    Attributes
    ----------
    left : float32 (n_tokens, n_components)
    singular : float64 (n_components,)
    right : float32 (n_neurons, n_components)
    moving : bool (n_neurons,)
    """

    left: np.ndarray
    singular: np.ndarray
    right: np.ndarray
    moving: np.ndarray


def principal(
    z: Array,
    moving: np.ndarray,
    n_components: int,
    rng: np.random.Generator,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Principal:
    """The first singular vectors of z-scored signals.

    Raises
    ------
    InputError
        The signals carry fewer components.
    """
    most = min(len(z) - 1, int(moving.sum()))
    if n_components > most:
        raise _too_few(
            n_components, f"at most {most} ({len(z)} tokens, {int(moving.sum())} neurons that move)"
        )
    left, singular, right = singular_vectors(z, n_components, rng, progress)
    there = singular**2 > LEAST_POWER * singular[0] ** 2
    if not there.all():
        raise _too_few(n_components, f"{int(there.sum())} of these with variance")
    return Principal(left, singular, right, moving)


def independent(
    z: Array,
    basis: Principal,
    method: str,
    rng: np.random.Generator,
    tolerance: float = 1e-4,
    max_iterations: int = 400,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Decomposition:
    """The principal components, turned until they are independent: over tokens, or over neurons.

    Parameters are those of `decompose`.
    """
    white, contrast = _over_tokens(basis) if method == "temporal" else _over_neurons(basis)
    found = independent_rotation(
        like(z, white), contrast, rng, tolerance=tolerance, max_iterations=max_iterations, progress=progress
    )
    n_iterations, converged = found.n_iterations, found.converged
    if method == "temporal":
        weights = (basis.right * (basis.singular / np.sqrt(len(z)))) @ found.matrix.T
        explained = (weights**2).sum(0) / basis.moving.sum()
        maps, order, sign = _maps(weights[basis.moving], explained, basis.moving)
        courses = white @ (found.matrix[order] * sign[:, None]).T.astype(np.float32)
    else:
        sources = white @ found.matrix.T.astype(np.float32)  # (n_moving, n_components)
        weights = np.zeros((z.shape[1], sources.shape[1]), np.float32)
        weights[basis.moving] = sources
        courses = times(z, weights) / np.float32(len(sources))
        explained = (courses.astype(np.float64) ** 2).mean(0)
        maps, order, sign = _maps(sources, explained, basis.moving)
        courses = (courses / np.sqrt(explained) * sign[np.argsort(order)]).astype(np.float32)[:, order]
    return Decomposition(maps, courses, explained[order], n_iterations, converged)


def _maps(
    weights: np.ndarray, explained: np.ndarray, moving: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z-scored maps by explained variance, heavy tails positive; their order, and their signs in that order."""
    order = np.argsort(-explained, kind="stable")
    z = zscore(weights[:, order].astype(np.float64)).T  # (n_components, n_moving)
    sign = np.where(np.einsum("cn,cn,cn->c", z, z, z) < 0, -1.0, 1.0)
    maps = np.zeros((len(order), len(moving)), np.float32)
    maps[:, moving] = z * sign[:, None]
    return maps, order, sign


def _over_tokens(basis: Principal) -> tuple[np.ndarray, str]:
    """White time courses, (n_tokens, n_components)."""
    return basis.left * np.float32(np.sqrt(len(basis.left))), "logcosh"


def _over_neurons(basis: Principal) -> tuple[np.ndarray, str]:
    """White maps of the neurons that move; the singular vectors are not centred over neurons, so they are here."""
    maps = basis.right[basis.moving].astype(np.float64)
    maps -= maps.mean(0)
    power, vectors = np.linalg.eigh(maps.T @ maps / len(maps))
    if power[0] < LEAST_POWER * power[-1]:
        raise _too_few(maps.shape[1], "one map that is the same for every neuron")
    return (maps @ (vectors / np.sqrt(power))).astype(np.float32), "cube"


# -- refusals ----------------------------------------------------------------------


def _check(signals: np.ndarray, n_components: int, method: str) -> None:
    if method not in METHODS:
        raise ConfigError(
            "Invalid value for method", found=repr(method), needed=" or ".join(METHODS), do="change method"
        )
    if not 2 <= n_components <= MOST_COMPONENTS:
        raise ConfigError(
            "Invalid value for the number of components", found=str(n_components),
            needed=f"2 to {MOST_COMPONENTS}", do="change it",
        )  # fmt: skip
    if signals.ndim != 2 or not all(signals.shape):
        raise InputError(
            "Signals have the wrong shape", found=str(signals.shape), needed="(n_tokens, n_neurons)",
            do="give tokens in rows and neurons in columns",
        )  # fmt: skip


def _refuse_not_finite(per_neuron: np.ndarray) -> None:
    wrong = int((~np.isfinite(per_neuron)).sum())
    if wrong:
        raise InputError(
            "Signals are not numbers", found=f"{wrong} of {len(per_neuron)} neurons with NaN or infinity",
            needed="finite values", do="check the model and its responses",
        )  # fmt: skip


def _too_few(n_components: int, found: str) -> InputError:
    return InputError(
        "The signals carry fewer components than asked for", found=found, needed=str(n_components),
        do="ask for fewer components, or give more text",
    )  # fmt: skip
