"""Which intermediate neurons of a language model are kept when the others are removed.

Kept are those that belong to a functional network: \\|z\\| above a threshold in the
map of any component; the first three and the last two layers are left whole
(arXiv 2508.05239).
"""

from __future__ import annotations

import numpy as np

from ..errors import ConfigError

SPARED_FIRST, SPARED_LAST = 3, 2


def network_importance(maps: np.ndarray) -> np.ndarray:
    """How strongly each neuron belongs to any network: its largest \\|z\\|.

    Parameters
    ----------
    maps : (n_components, n_neurons)
        z-scored over neurons, see `decomposition.decompose`.

    Returns
    -------
    (n_neurons,)

    Examples
    --------
    >>> network_importance(np.array([[0.5, -3.0], [1.0, 2.0]])).tolist()
    [1.0, 3.0]
    """
    return np.abs(maps).max(0)


def above_threshold(
    importance: np.ndarray,
    n_layers: int,
    threshold: float,
    spared: tuple[int, int] = (SPARED_FIRST, SPARED_LAST),
) -> np.ndarray:
    """Neurons above a threshold, and all of the first and last layers.

    Parameters
    ----------
    importance : (n_layers * n_units,)
    n_layers : int
    threshold : float
    spared : (int, int)
        First and last layers that are left whole.

    Returns
    -------
    bool (n_layers * n_units,)

    Raises
    ------
    ConfigError
        A layer would lose all its neurons.

    Examples
    --------
    >>> above_threshold(np.array([0.1, 0.2, 3.0, 0.4]), 2, 1.0, spared=(1, 0)).tolist()
    [True, True, True, False]
    """
    keep = (importance > threshold).reshape(n_layers, -1)
    keep[: spared[0]] = True
    keep[n_layers - spared[1] :] = True
    empty = np.flatnonzero(~keep.any(1))
    if len(empty):
        raise ConfigError(
            f"Layer {empty[0]} would lose all its neurons", found=f"threshold {threshold:g}",
            needed="at least one neuron above it in every layer", do="lower the threshold",
        )  # fmt: skip
    return keep.ravel()


def largest(importance: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The most important neurons of every layer, so many of each; of equals the first.

    Parameters
    ----------
    importance : (n_layers * n_units,)
    counts : int (n_layers,)

    Returns
    -------
    bool (n_layers * n_units,)

    Examples
    --------
    >>> largest(np.array([5.0, 1.0, 2.0, 7.0, 9.0, 8.0]), np.array([1, 2])).tolist()
    [True, False, False, False, True, True]
    """
    by_layer = importance.reshape(len(counts), -1)
    rank = np.argsort(np.argsort(-by_layer, axis=1, kind="stable"), axis=1)
    return (rank < np.asarray(counts)[:, None]).ravel()


def equal_counts(keep: np.ndarray, n_layers: int) -> np.ndarray:
    """As many neurons in all, the same number in every layer: int (n_layers,).

    For files that hold one size for all layers; no layer can be left whole then.

    Examples
    --------
    >>> equal_counts(np.array([True, True, True, False, True, False]), 3).tolist()
    [1, 1, 1]
    """
    return np.full(n_layers, max(1, int(keep.sum()) // n_layers))
