"""Are networks the same ones from another start, and in the other half of the texts?

Networks are matched one to one so that the sum of \\|r\\| of their maps is largest
(see `stability`). What a match is worth by chance: random rotations of the one
decomposition span the same space but none of its networks, so a network that
matches no better than they do is a property of the space alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import ortho_group

from ..errors import InputError
from .decomposition import Decomposition, decompose, independent, moving_neurons, principal, standardised
from .singular_vectors import on_device
from .stability import match_atoms
from .statistics import p_from_null


@dataclass(frozen=True)
class ComponentStability:
    """How well each network of a decomposition comes back.

    Attributes
    ----------
    r_seeds : float64 (n_components,)
        Mean matched \\|r\\| of its map over other starts.
    null_seeds : float64
        Mean matched \\|r\\| of random rotations.
    p_seeds : float64 (n_components,)
        Against the rotations; never 0.
    r_halves, null_halves, p_halves
        The same between decompositions of two halves of the texts, each standardised by itself.
    """

    r_seeds: np.ndarray
    null_seeds: float
    p_seeds: np.ndarray
    r_halves: np.ndarray
    null_halves: float
    p_halves: np.ndarray


def component_stability(
    signals: np.ndarray,
    texts: np.ndarray,
    n_components: int = 10,
    *,
    method: str = "temporal",
    seed: int = 0,
    n_starts: int = 5,
    n_null: int = 100,
    device: str = "cpu",
    progress: Callable[[float], None] = lambda fraction: None,
) -> ComponentStability:
    """Stability of the networks that `decompose` gives with the same arguments.

    Parameters
    ----------
    signals : (n_tokens, n_neurons)
    texts : (n_tokens,)
        Which text each token belongs to; halves keep texts whole.
    n_starts : int
        Other random starts.
    n_null : int
        Random rotations.

    Raises
    ------
    ConfigError, InputError
        Those of `decompose`; fewer than two texts.
    """
    whole = decompose(signals, n_components, method=method, seed=seed, device=device)
    progress(0.3)
    rng = np.random.default_rng([seed, 1])
    others = _other_starts(signals, n_components, method, n_starts, device, rng)
    r = np.mean([_matched(whole.maps, one.maps)[1] for one in others], axis=0)
    null = _rotated(whole.maps, others[0].maps, n_null, rng)
    progress(0.6)
    first, second = (
        decompose(signals[half], n_components, method=method, seed=seed, device=device).maps
        for half in _halves(texts, rng)
    )
    own = _matched(whole.maps, first)[0]
    r_halves = _matched(first, second)[1][own]
    null_halves = _rotated(first, second, n_null, rng)
    progress(1.0)
    return ComponentStability(
        r, float(null.mean()), p_from_null(r, null),
        r_halves, float(null_halves.mean()), p_from_null(r_halves, null_halves),
    )  # fmt: skip


def _other_starts(
    signals: np.ndarray,
    n_components: int,
    method: str,
    n_starts: int,
    device: str,
    rng: np.random.Generator,
) -> list[Decomposition]:
    """Decompositions from other random rotations of one set of singular vectors."""
    z = standardised(signals)
    placed = on_device(z, device)
    basis = principal(placed, moving_neurons(z), n_components, rng)
    return [independent(placed, basis, method, one) for one in rng.spawn(n_starts)]


def _halves(texts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens are in a random half of the texts, and which are not."""
    names = np.unique(texts)
    if len(names) < 2:
        raise InputError(
            "Stability over halves needs several texts", found=f"{len(names)}", needed="at least 2",
            do="give more texts",
        )  # fmt: skip
    chosen = np.isin(texts, rng.permutation(names)[: len(names) // 2])
    return chosen, ~chosen


def _matched(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Partner of each of the first maps (n_components, n_neurons), and \\|r\\|."""
    partner, r = match_atoms(first.T, second.T)
    return partner, np.abs(r)


def _rotated(first: np.ndarray, second: np.ndarray, n_null: int, rng: np.random.Generator) -> np.ndarray:
    """Matched \\|r\\| with random rotations of the second maps: (n_null * n_components,)."""
    turns = ortho_group.rvs(len(second), size=n_null, random_state=rng).reshape(n_null, *[len(second)] * 2)
    return np.concatenate([_matched(first, turn @ second)[1] for turn in turns])
