"""Do the networks of a group of texts come back in single texts?

A network recurs in a text where one of the text's own components shares its key
neurons with it: intersection over union (IoU) above .2 (arXiv 2502.20408). How
often that happens by chance is ours: the group's networks with their neurons
exchanged within each layer, the same exchange for all networks and texts, so
that sizes, layers, overlaps of networks and likeness of texts stay as they are.
The test is on the mean best IoU over texts, which has no threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from scipy import sparse

from ..errors import InputError
from .statistics import fdr, p_from_null, unit_columns

RECURS = 0.2  # the paper's IoU
N_PERMUTATIONS = 1000


@dataclass(frozen=True)
class Recurrence:
    """How a group's networks come back in the texts of one set.

    Attributes
    ----------
    best : float32 (n_networks, n_texts)
        Largest IoU with one of the text's components.
    share : float64 (n_networks,)
        Share of texts in which the network recurs.
    share_null : float64 (n_networks,)
        The same for exchanged neurons, mean over permutations.
    mean_iou, mean_iou_null : float64 (n_networks,)
        Mean of ``best`` over texts, and what exchanged neurons have.
    p, q : float64 (n_networks,)
        Of ``mean_iou`` against the permutations, one-sided, never 0; FDR over networks.
    threshold : float
    """

    best: np.ndarray
    share: np.ndarray
    share_null: np.ndarray
    mean_iou: np.ndarray
    mean_iou_null: np.ndarray
    p: np.ndarray
    q: np.ndarray
    threshold: float


def recurrence(
    networks: np.ndarray,
    texts: Sequence[np.ndarray],
    layer_of_neuron: np.ndarray,
    *,
    threshold: float = RECURS,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Recurrence:
    """The best match of each network in each text, against exchanged neurons.

    Parameters
    ----------
    networks : bool (n_networks, n_neurons)
        Key neurons of the group's networks.
    texts : sequence of bool (n_components, n_neurons)
        Key neurons of each text's own components; numbers of components may differ.
    layer_of_neuron : int (n_neurons,)
        Neurons are exchanged with those of equal number only.
    threshold : float
        A network recurs in a text where its best IoU is above.
    n_permutations, seed : int

    Raises
    ------
    InputError
        No text, or masks that do not share their neurons.
    """
    _check(networks, texts, layer_of_neuron)
    components = _Components(texts)
    best = components.best_iou(networks)
    rng = np.random.default_rng(seed)
    null_mean = np.empty((n_permutations, len(networks)))
    share_null = np.zeros(len(networks))
    for i in range(n_permutations):
        fake = components.best_iou(networks[:, exchanged(layer_of_neuron, rng)])
        null_mean[i] = fake.mean(1, dtype=np.float64)
        share_null += (fake > threshold).mean(1) / n_permutations
        progress((i + 1) / n_permutations)
    mean = best.mean(1, dtype=np.float64)
    p = np.array([p_from_null(one, null) for one, null in zip(mean, null_mean.T, strict=True)])
    share = (best > threshold).mean(1)
    return Recurrence(best, share, share_null, mean, null_mean.mean(0), p, fdr(p), threshold)


def exchanged(layer_of_neuron: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of neurons that leaves each in its layer: int (n_neurons,).

    Examples
    --------
    >>> order = exchanged(np.array([0, 0, 1, 1, 0]), np.random.default_rng(0))
    >>> sorted(order[[0, 1, 4]].tolist()), sorted(order[[2, 3]].tolist())
    ([0, 1, 4], [2, 3])
    """
    order = np.empty(len(layer_of_neuron), np.int64)
    by_layer = np.argsort(layer_of_neuron, kind="stable")
    order[by_layer] = np.lexsort((rng.random(len(order)), layer_of_neuron))
    return order


class _Components:
    """The components of all texts, neuron by neuron."""

    def __init__(self, texts: Sequence[np.ndarray]) -> None:
        masks = sparse.vstack([sparse.csr_matrix(one) for one in texts], format="csr")
        self.size = np.asarray(masks.sum(1)).ravel().astype(np.int64)
        self.text = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
        self.n_texts = len(texts)
        by_neuron = masks.tocsc()
        self.starts, self.members = by_neuron.indptr, by_neuron.indices

    def best_iou(self, networks: np.ndarray) -> np.ndarray:
        """Largest IoU of each network with a component of each text: float32 (n_networks, n_texts)."""
        network, neuron = np.nonzero(networks)
        network_starts = np.searchsorted(network, np.arange(len(networks) + 1))
        best = np.zeros((len(networks), self.n_texts), np.float32)
        _best_iou(network_starts, neuron, self.starts, self.members, self.size, self.text, best)
        return best


@numba.njit(cache=True)
def _best_iou(network_starts, neurons, starts, members, size, text, best):  # pragma: no cover - compiled
    shared = np.empty(len(size), np.int64)
    for k in range(len(best)):
        shared[:] = 0
        for i in range(network_starts[k], network_starts[k + 1]):
            for j in range(starts[neurons[i]], starts[neurons[i] + 1]):
                shared[members[j]] += 1
        own = network_starts[k + 1] - network_starts[k]
        for c in range(len(size)):
            if shared[c] > 0:
                iou = shared[c] / (own + size[c] - shared[c])
                if iou > best[k, text[c]]:
                    best[k, text[c]] = iou


# -- where networks are, and how they go together ----------------------------------


def network_activity(z: np.ndarray, networks: np.ndarray) -> np.ndarray:
    """Mean of each network's key neurons over tokens.

    Parameters
    ----------
    z : (n_tokens, n_neurons), z-scored
    networks : bool (n_networks, n_neurons)

    Returns
    -------
    float32 (n_tokens, n_networks)
        0 for a network without neurons.
    """
    used = networks.any(0)  # a few per cent of all neurons
    weights = networks[:, used] / np.maximum(networks.sum(1), 1)[:, None]
    return np.asarray(z[:, used], np.float32) @ weights.T.astype(np.float32)


def functional_connectivity(activity: np.ndarray) -> np.ndarray:
    """Pearson r of every two networks over tokens: float64 (n_networks, n_networks).

    Parameters
    ----------
    activity : (n_tokens, n_networks), see `network_activity`

    Returns
    -------
    1 on the diagonal; 0 with a network that never moves.
    """
    unit = unit_columns(np.asarray(activity, np.float64))
    r = unit.T @ unit
    np.fill_diagonal(r, 1)
    return r


def _check(networks: np.ndarray, texts: Sequence[np.ndarray], layer_of_neuron: np.ndarray) -> None:
    widths = {networks.shape[-1], len(layer_of_neuron), *(one.shape[-1] for one in texts)}
    if not len(texts) or len(widths) > 1:
        raise InputError(
            "Networks and texts cannot be compared",
            found=f"{len(texts)} texts, {' and '.join(map(str, sorted(widths)))} neurons",
            needed="at least one text, all of the same neurons",
            do="decompose them with the same model and layers",
        )
