"""Dice of maps and networks, and what rotations of the sphere make of it.

Signed Dice of thresholded maps and network labels, as in the Network
Correspondence Toolbox (Kong et al. 2025, doi:10.1038/s41467-025-58176-9);
rotations: Alexander-Bloch et al. 2018, doi:10.1016/j.neuroimage.2018.05.070.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

_GRID_CELLS = 128  # along each edge of the cube around the sphere in which a nearest vertex is looked up

# -- Dice --------------------------------------------------------------------------


def signed_masks(maps: np.ndarray, threshold: float) -> np.ndarray:
    """Activation and deactivation of each map: bool (2, n_atoms, n_locations).

    ``maps`` is (n_atoms, n_locations), in the unit of ``threshold``.
    """
    return np.stack([maps > threshold, maps < -threshold])


def dice_coefficients(overlap: np.ndarray, map_size: np.ndarray, network_size: np.ndarray) -> np.ndarray:
    """``2 |B n F| / (|B| + |F|)``, 0 where both are empty.

    Parameters
    ----------
    overlap : (..., n_networks)
    map_size : (...,)
    network_size : (n_networks,) or (..., n_networks)
    """
    total = map_size[..., None] + network_size
    return np.divide(2 * overlap, total, out=np.zeros(overlap.shape, np.float32), where=total > 0)


def location_overlap(
    labels: np.ndarray, vertex_location: np.ndarray, n_networks: int, n_locations: int
) -> np.ndarray:
    """Vertices of each network inside each location: float32 (n_locations, n_networks)."""
    return _tables(labels[None], vertex_location, n_networks, n_locations)[0]


def _tables(labels: np.ndarray, vertex_location: np.ndarray, n_networks: int, n_locations: int) -> np.ndarray:
    """(n_spins, n_vertices) labels -> vertex counts (n_spins, n_locations, n_networks)."""
    drawn = vertex_location >= 0
    out = np.empty((len(labels), n_locations, n_networks), np.float32)
    for i, one in enumerate(labels):
        use = drawn & (one > 0)
        cell = vertex_location[use].astype(np.int64) * n_networks + one[use] - 1
        out[i] = np.bincount(cell, minlength=n_locations * n_networks).reshape(n_locations, n_networks)
    return out


# -- spins -------------------------------------------------------------------------


def turned_labels(
    sphere: np.ndarray, faces: np.ndarray, n_left: int, labels: np.ndarray, n_spins: int, seed: int
) -> np.ndarray:
    """Labels after random rotations of the sphere: each vertex takes its nearest turned vertex's label.

    The right hemisphere turns by the mirror image of the left one's rotation.
    Nearest vertices are exact: a lookup grid gives a start, and walking along
    mesh edges downhill in distance ends at the nearest vertex.

    Parameters
    ----------
    sphere : (n_vertices, 3), left hemisphere first
    faces : int (n_faces, 3)
    n_left, n_spins, seed : int
    labels : int (n_vertices,), 0 to 65,535

    Returns
    -------
    uint8 (n_spins, n_vertices); uint16 where labels go beyond 255
    """
    rotations = Rotation.random(n_spins, rng=np.random.default_rng(seed)).as_matrix()
    mirror = np.diag([-1.0, 1.0, 1.0])
    out = np.empty((n_spins, len(sphere)), np.uint8 if labels.max() < 256 else np.uint16)
    for first, last, flip in ((0, n_left, np.eye(3)), (n_left, len(sphere), mirror)):
        points = sphere[first:last].astype(np.float64)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        own = faces[(faces[:, 0] >= first) & (faces[:, 0] < last)] - first
        neighbours = _neighbours(own, len(points))
        grid = _lookup_grid(points, _GRID_CELLS)
        turns = np.ascontiguousarray(flip @ rotations @ flip)
        _turn(points, neighbours, grid, turns, labels[first:last].astype(out.dtype), out[:, first:last])
    return out


def _neighbours(faces: np.ndarray, n_vertices: int) -> np.ndarray:
    """Mesh neighbours of each vertex, padded with the vertex itself: int32 (n_vertices, most)."""
    pairs = np.unique(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=0)
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    starts = np.searchsorted(pairs[:, 0], np.arange(n_vertices + 1))
    most = int(np.diff(starts).max())
    table = np.repeat(np.arange(n_vertices, dtype=np.int32)[:, None], most, axis=1)
    for column in range(most):
        has = starts[:-1] + column < starts[1:]
        table[has, column] = pairs[starts[:-1][has] + column, 1]
    return table


def _lookup_grid(points: np.ndarray, size: int) -> np.ndarray:
    """Nearest vertex of each cell of a cube around the sphere: int32 (6, size, size)."""
    middle = (np.arange(size) + 0.5) / size * 2 - 1
    u, v = np.meshgrid(middle, middle, indexing="ij")
    tree = cKDTree(points)
    grid = np.empty((6, size, size), np.int32)
    for face in range(6):
        axis, sign = face // 2, 1.0 - 2 * (face % 2)
        cells = np.empty((size, size, 3))
        cells[..., axis], cells[..., (axis + 1) % 3], cells[..., (axis + 2) % 3] = sign, u, v
        grid[face] = tree.query(cells / np.linalg.norm(cells, axis=-1, keepdims=True))[1]
    return grid


@numba.njit(parallel=True, cache=True)
def _turn(points, neighbours, grid, turns, labels, out):  # pragma: no cover - compiled
    n_vertices, size = len(points), grid.shape[1]
    for s in numba.prange(len(turns)):
        m = turns[s]
        for i in range(n_vertices):
            x = m[0, 0] * points[i, 0] + m[0, 1] * points[i, 1] + m[0, 2] * points[i, 2]
            y = m[1, 0] * points[i, 0] + m[1, 1] * points[i, 1] + m[1, 2] * points[i, 2]
            z = m[2, 0] * points[i, 0] + m[2, 1] * points[i, 1] + m[2, 2] * points[i, 2]
            if abs(x) >= abs(y) and abs(x) >= abs(z):
                face, depth, u, v = (0 if x > 0 else 1), abs(x), y, z
            elif abs(y) >= abs(z):
                face, depth, u, v = (2 if y > 0 else 3), abs(y), z, x
            else:
                face, depth, u, v = (4 if z > 0 else 5), abs(z), x, y
            row = min(int((u / depth + 1) * 0.5 * size), size - 1)
            column = min(int((v / depth + 1) * 0.5 * size), size - 1)
            best = grid[face, row, column]
            near = points[best, 0] * x + points[best, 1] * y + points[best, 2] * z
            moved = True
            while moved:
                moved = False
                here = best
                for j in neighbours[here]:
                    dot = points[j, 0] * x + points[j, 1] * y + points[j, 2] * z
                    if dot > near:
                        near, best, moved = dot, j, True
            out[s, i] = labels[best]


class SpinNull:
    """Dice of maps with rotated networks, for any number of maps.

    Parameters
    ----------
    labels : int (n_vertices,)
        0 = none, f + 1 = network f.
    turned : uint8 (n_spins, n_vertices), from `turned_labels`
        May have no rows where only `dice` is wanted. Of parcels also float32
        (n_spins, n_locations, n_networks), from `parcel_nulls.moved_networks`.
    vertex_location : int32 (n_vertices,), -1 where nothing is drawn
    n_networks, n_locations : int
    whole : bool
        Scale the overlap of each turned network from what is left of it to its
        whole size: what fell on the medial wall is no evidence either way (ours).
    """

    measure = "Dice"

    def __init__(
        self,
        labels: np.ndarray,
        turned: np.ndarray,
        vertex_location: np.ndarray,
        n_networks: int,
        n_locations: int,
        whole: bool = False,
    ) -> None:
        self.n_networks, self.n_locations = n_networks, n_locations
        self.vertex_location = vertex_location
        drawn = vertex_location >= 0
        self.weight = np.bincount(vertex_location[drawn], minlength=n_locations).astype(np.float32)
        self.table = location_overlap(labels, vertex_location, n_networks, n_locations)
        self.share = self.table / np.maximum(self.table.sum(0), 1)  # location -> mean of the network
        self.by_vertex = n_locations > 2000
        if self.by_vertex:
            self.turned = turned
            if not np.array_equal(vertex_location, np.arange(n_locations)):
                self.turned = np.zeros((len(turned), n_locations), turned.dtype)
                self.turned[:, vertex_location[drawn]] = turned[:, drawn]
            self.sizes = _network_sizes(np.ascontiguousarray(self.turned), n_networks)
        else:
            tables = turned.ndim == 3
            self.turned = turned if tables else _tables(turned, vertex_location, n_networks, n_locations)
            self.sizes = self.turned.sum(1)
        self.scale = np.ones_like(self.sizes)
        if whole:
            sizes = self.table.sum(0)
            self.scale = sizes / np.maximum(self.sizes, 1)
            self.sizes = np.broadcast_to(sizes, self.sizes.shape)

    def scores(self, maps: np.ndarray, threshold: float) -> np.ndarray:
        """Dice of activation and deactivation beyond a threshold: maps (n_maps, n_locations) -> (2, n_maps, n_networks)."""
        return self.dice(signed_masks(maps, threshold))

    def scores_p(self, maps: np.ndarray, threshold: float, n_moves: int | None = None) -> np.ndarray:
        """Spin p of `scores`."""
        return self.p(signed_masks(maps, threshold), n_moves)

    def dice(self, masks: np.ndarray) -> np.ndarray:
        """Dice with the networks where they are: masks (..., n_locations) -> (..., n_networks)."""
        weighted = masks.astype(np.float32)
        return dice_coefficients(weighted @ self.table, weighted @ self.weight, self.table.sum(0))

    def p(self, masks: np.ndarray, n_spins: int | None = None) -> np.ndarray:
        """Spin p of each map and network: (1 + #{Dice_spin >= Dice}) / (1 + n_spins).

        ``masks`` is bool (..., n_locations); the result is (..., n_networks).
        """
        flat = masks.reshape(-1, masks.shape[-1])
        observed = self.dice(flat)
        turned, sizes, scale = self.turned[:n_spins], self.sizes[:n_spins], self.scale[:n_spins]
        if self.by_vertex:
            rows, starts = _mask_lists(flat)
            exceed = _exceed_vertices(rows, starts, turned, sizes, scale, observed)
        else:
            exceed = _exceed_parcels(flat.astype(np.float32), self.weight, turned, sizes, scale, observed)
        p = (1 + exceed) / (1 + len(turned))
        p[observed <= 0] = 1.0
        return p.reshape(*masks.shape[:-1], self.n_networks)


@numba.njit(parallel=True, cache=True)
def _network_sizes(turned, n_networks):  # pragma: no cover - compiled
    """Locations of each network in each rotation: float32 (n_spins, n_networks)."""
    sizes = np.zeros((len(turned), n_networks + 1), np.float32)
    for s in numba.prange(len(turned)):
        for label in turned[s]:
            sizes[s, label] += 1
    return sizes[:, 1:]


def _mask_lists(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Members of each mask in one list, and where each mask starts."""
    which, member = np.nonzero(masks)
    starts = np.searchsorted(which, np.arange(len(masks) + 1))
    return member.astype(np.int32), starts.astype(np.int64)


@numba.njit(parallel=True, cache=True)
def _exceed_vertices(members, starts, turned, sizes, scale, observed):  # pragma: no cover - compiled
    n_masks, n_networks = observed.shape
    exceed = np.zeros((n_masks, n_networks), np.int64)
    for m in numba.prange(n_masks):
        counts = np.empty(n_networks + 1, np.int64)
        first, last = starts[m], starts[m + 1]
        for s in range(len(turned)):
            counts[:] = 0
            labels = turned[s]
            for i in range(first, last):
                counts[labels[members[i]]] += 1
            for f in range(n_networks):
                dice = np.float32(2 * counts[f + 1]) * scale[s, f] / np.float32(last - first + sizes[s, f])
                if dice >= observed[m, f]:
                    exceed[m, f] += 1
    return exceed


def _exceed_parcels(
    masks: np.ndarray,
    weight: np.ndarray,
    turned: np.ndarray,
    sizes: np.ndarray,
    scale: np.ndarray,
    observed: np.ndarray,
) -> np.ndarray:
    exceed = np.zeros(observed.shape, np.int64)
    map_size = masks @ weight
    for start in range(0, len(turned), 500):
        now = slice(start, start + 500)
        overlap = np.einsum("ml,slf->smf", masks, turned[now], optimize=True) * scale[now][:, None, :]
        dice = dice_coefficients(overlap, map_size[None], sizes[now][:, None, :])
        exceed += (dice >= observed[None]).sum(0)
    return exceed
