"""Maps against networks that are weights and may overlap: spatial correlation, and the same after rotations.

Pearson r over cortex: locations count by their vertices, and the medial wall,
where weights are NaN, is left out. Null: rotations of the sphere
(Alexander-Bloch et al. 2018, doi:10.1016/j.neuroimage.2018.05.070); where the wall
was turned onto a vertex, that vertex is left out of this rotation (as Markello and
Misic 2021, doi:10.1016/j.neuroimage.2021.118052, do). Parcels' centres may be turned
instead (`parcel_nulls`). Variogram surrogates, the same in both hemispheres, are not for
weights: component maps are often those of one side, and 10 to 13 % of smooth maps that
know nothing of such a network correlate with it at p < .05 against its surrogates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..errors import AtlasError
from .spins import turned_labels

_BATCH_BYTES = 2**25  # of moved weights that are held at once


@dataclass(frozen=True)
class Layout:
    """Which vertices each location stands for.

    Attributes
    ----------
    members : int (n_members,)
        Vertices of cortex that are drawn.
    sums : sparse float32 (n_locations, n_members)
        Adds values of the members up by location.
    """

    members: np.ndarray
    sums: sparse.csr_array


def lay_out(weights: np.ndarray, vertex_location: np.ndarray, n_locations: int) -> Layout:
    """The vertices that have a location and weights (n_networks, n_vertices) without NaN."""
    members = np.flatnonzero((vertex_location >= 0) & np.isfinite(weights).all(0))
    cells = (vertex_location[members], np.arange(len(members)))
    ones = np.ones(len(members), np.float32)
    return Layout(members, sparse.csr_array((ones, cells), shape=(n_locations, len(members))))


def turned_vertices(
    sphere: np.ndarray, faces: np.ndarray, n_left: int, n_spins: int, seed: int
) -> np.ndarray:
    """The vertex that each vertex takes the place of, as `spins.turned_labels`: uint16 (n_spins, n_vertices)."""
    return turned_labels(sphere, faces, n_left, np.arange(len(sphere)), n_spins, seed)


def location_weights(
    weights: np.ndarray, vertex_location: np.ndarray, n_locations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of each network summed over the vertices of each location, and how many these are.

    Parameters
    ----------
    weights : (n_networks, n_vertices), NaN where nothing is known
    vertex_location : int (n_vertices,), -1 where nothing is drawn
    n_locations : int

    Returns
    -------
    table : float32 (n_locations, n_networks)
    cover : float32 (n_locations,)
    """
    layout = lay_out(weights, vertex_location, n_locations)
    return layout.sums @ weights.T[layout.members].astype(np.float32), _cover(layout)


def _cover(layout: Layout) -> np.ndarray:
    return layout.sums @ np.ones(len(layout.members), np.float32)


class SpatialNull:
    """Spatial correlation of maps with weighted networks, and with the same networks moved: a `NetworkNull`.

    Parameters
    ----------
    weights : (n_networks, n_vertices)
        NaN on the medial wall.
    moves : uint16 (n_spins, n_vertices) or float32 (n_moves, n_locations, n_networks)
        Rotations, from `turned_vertices`; or sums of weights by location, from
        `parcel_nulls.moved_networks`. May have no rows where no p is wanted.
    vertex_location : int (n_vertices,), -1 where nothing is drawn
    n_locations : int

    Raises
    ------
    AtlasError
        A network has one weight on all of the cortex that was recorded.
    """

    measure = "spatial r"

    def __init__(
        self, weights: np.ndarray, moves: np.ndarray, vertex_location: np.ndarray, n_locations: int
    ) -> None:
        self.n_networks, self.n_locations = len(weights), n_locations
        self.moves = moves
        self.layout = lay_out(weights, vertex_location, n_locations)
        here = weights[:, self.layout.members].astype(np.float64)
        _check_spread(here)
        self.mean, self.spread = here.mean(1), here.std(1)
        # r has no unit: weights are scaled once, so that sums in float32 are exact enough.
        self.known = np.isfinite(weights).all(0)
        scaled = (weights - self.mean[:, None]) / self.spread[:, None]
        self.weights = np.where(self.known, scaled, 0).T.astype(np.float32)  # (n_vertices, n_networks)
        self.cover = _cover(self.layout)
        self.table = self.layout.sums @ self.weights[self.layout.members]  # (n_locations, n_networks)
        positive = self.layout.sums @ np.maximum(here, 0).T.astype(np.float32)
        self.share = positive / np.maximum(positive.sum(0), 1e-12)

    def scores(self, maps: np.ndarray, threshold: float = 0.0) -> np.ndarray:
        """r of each map with each network, and -r: maps (n_maps, n_locations) -> (2, n_maps, n_networks)."""
        return _signed(_correlations(self._centred(maps), self.table[None], self.cover[None])[0])

    def scores_p(self, maps: np.ndarray, threshold: float = 0.0, n_moves: int | None = None) -> np.ndarray:
        """(1 + #{r_moved >= r}) / (1 + n_moves) of either sign: (2, n_maps, n_networks)."""
        maps = self._centred(maps)
        observed = _correlations(maps, self.table[None], self.cover[None])[0]
        exceed = np.zeros((2, *observed.shape), np.int64)
        moves = self.moves[:n_moves]
        size = max(1, _BATCH_BYTES // (4 * self.n_networks * max(len(self.layout.members), 1)))
        for first in range(0, len(moves), size):
            r = _correlations(maps, *self._moved(moves[first : first + size]))
            exceed[0] += (r >= observed).sum(0)
            exceed[1] += (r <= observed).sum(0)
        p = (1 + exceed) / (1 + len(moves))
        p[_signed(observed) <= 0] = 1.0
        return p

    def _centred(self, maps: np.ndarray) -> np.ndarray:
        """Maps less their mean over cortex, in its standard deviations: float32."""
        maps = np.where(self.cover > 0, maps, 0).astype(np.float64)
        maps -= (maps @ self.cover / self.cover.sum())[:, None]
        return (maps / np.maximum(np.abs(maps).max(1, keepdims=True), 1e-12)).astype(np.float32)

    def _moved(self, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of moved weights by location, and the vertices that have one: (n, n_locations, n_networks), (n, n_locations)."""
        if moves.ndim == 3:
            scaled = (moves - self.cover[:, None] * self.mean) / self.spread
            return scaled.astype(np.float32), np.broadcast_to(self.cover, moves.shape[:2])
        sources = moves[:, self.layout.members]
        table = np.stack([self.layout.sums @ self.weights[one] for one in sources])
        cover = self.layout.sums @ self.known[sources].T.astype(np.float32)
        return table, cover.T


def _check_spread(weights: np.ndarray) -> None:
    """Refuse a network that is the same at all members: no map correlates with it."""
    flat = np.ptp(weights, axis=1) == 0 if weights.size else np.ones(len(weights), bool)
    if flat.any():
        raise AtlasError(
            f"Network {int(flat.argmax()) + 1} of the atlas has one weight everywhere",
            found=f"{weights.shape[1]} vertices of recorded cortex",
            needed="weights that differ among them", do="leave that map out",
        )  # fmt: skip


def _signed(r: np.ndarray) -> np.ndarray:
    return np.stack([r, -r])


def _correlations(maps: np.ndarray, table: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Pearson r over vertices of maps that are constant within locations with the locations' mean weights.

    Parameters
    ----------
    maps : float32 (n_maps, n_locations)
    table : float32 (n, n_locations, n_networks)
        Sums of weights over the vertices of each location.
    cover : float32 (n, n_locations)
        How many vertices these are.

    Returns
    -------
    float32 (n, n_maps, n_networks); 0 where either has no variance
    """
    total = cover.sum(1)[:, None]  # (n, 1)
    flat = table.transpose(1, 0, 2).reshape(table.shape[1], -1)  # (n_locations, n * n_networks)
    products = (maps @ flat).reshape(len(maps), *table.shape[::2]).transpose(1, 0, 2)
    map_sum, map_square = cover @ maps.T, cover @ (maps**2).T  # (n, n_maps)
    weight_sum = table.sum(1)  # (n, n_networks)
    per_vertex = table / np.maximum(cover, 1)[:, :, None]
    weight_square = np.einsum("nlf,nlf->nf", table, per_vertex)
    covariance = products - map_sum[:, :, None] * (weight_sum / total)[:, None, :]
    map_variance = np.maximum(map_square - map_sum**2 / total, 0)
    weight_variance = np.maximum(weight_square - weight_sum**2 / total, 0)
    scale = np.sqrt(map_variance[:, :, None] * weight_variance[:, None, :])
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 1e-6)
