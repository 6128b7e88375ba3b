"""Nulls of brain networks on parcels, beside rotations of the vertices.

Centroid spins turn the parcels' centres and give each parcel the networks of the
nearest one (Alexander-Bloch et al. 2018, doi:10.1016/j.neuroimage.2018.05.070, as
compared by Markello and Misic 2021, doi:10.1016/j.neuroimage.2021.118052).
Variogram surrogates shuffle a network's parcels and smooth them until parcels at
each distance differ as much as they did (Burt et al. 2020,
doi:10.1016/j.neuroimage.2020.117038). Both move the networks among parcels alone:
a medial wall that no parcel covers takes nothing from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import AtlasError

MAX_PARCELS = 2000
MIRROR = np.diag([-1.0, 1.0, 1.0])
SCALES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)  # of smoothing, in radians on the sphere
NOISE = (0.0, 0.1, 0.25, 0.5)  # share of variance that is not smooth
N_TRIED = 30  # surrogates per pair of these
N_DISTANCES = 15
NEAREST_PAIRS = 0.25  # share of the pairs that a variogram describes


@dataclass(frozen=True)
class Parcels:
    """Where parcels lie on the sphere.

    Attributes
    ----------
    members : int (n_parcels,)
        Locations that are drawn anywhere; the others (such as subcortex) are no part of a null.
    centres : float64 (n_parcels, 3), unit length
    left : bool (n_parcels,)
        Hemisphere of most of a parcel's vertices.
    """

    members: np.ndarray
    centres: np.ndarray
    left: np.ndarray


def check_parcels(n_locations: int) -> None:
    """Refuse vertices.

    Raises
    ------
    AtlasError
        More than 2,000 locations.
    """
    if n_locations > MAX_PARCELS:
        raise AtlasError(
            "This null is for parcels", found=f"{n_locations} locations", needed=f"at most {MAX_PARCELS}",
            do="match with null=spin, or read the recording as parcels",
        )  # fmt: skip


def find_parcels(sphere: np.ndarray, n_left: int, vertex_location: np.ndarray) -> Parcels:
    """Centres of the parcels on the sphere of their hemisphere.

    Parameters
    ----------
    sphere : (n_vertices, 3), left hemisphere first
    n_left : int
    vertex_location : int (n_vertices,), -1 where nothing is drawn

    Raises
    ------
    AtlasError
        More than 2,000 locations.
    """
    drawn = np.flatnonzero(vertex_location >= 0)
    where = vertex_location[drawn]
    n = int(where.max()) + 1
    check_parcels(n)
    on_left = np.bincount(where[drawn < n_left], minlength=n)
    size = np.bincount(where, minlength=n)
    left = 2 * on_left >= size
    own = (drawn < n_left) == left[where]  # a parcel's centre is that of its larger half
    points = sphere[drawn[own]] / np.linalg.norm(sphere[drawn[own]], axis=1, keepdims=True)
    sums = np.stack([np.bincount(where[own], weights=axis, minlength=n) for axis in points.T], axis=1)
    members = np.flatnonzero(size)
    centres = sums[members] / np.linalg.norm(sums[members], axis=1, keepdims=True)
    return Parcels(members, centres, left[members])


def parcel_spins(parcels: Parcels, n_spins: int, seed: int) -> np.ndarray:
    """Which parcel each parcel takes the place of: the nearest after a random rotation of the centres.

    The right hemisphere turns by the mirror image of the left one's rotation. Some
    parcels are taken twice and others not at all.

    Parameters
    ----------
    parcels : Parcels
    n_spins, seed : int

    Returns
    -------
    int32 (n_spins, n_parcels)
    """
    rotations = Rotation.random(n_spins, rng=np.random.default_rng(seed)).as_matrix()
    out = np.empty((n_spins, len(parcels.members)), np.int32)
    for side, flip in ((parcels.left, np.eye(3)), (~parcels.left, MIRROR)):
        here, centres = np.flatnonzero(side), parcels.centres[side]
        for s, turn in enumerate(flip @ rotations @ flip if len(here) else ()):
            out[s, here] = here[((centres @ turn.T) @ centres.T).argmax(1)]
    return out


def great_circles(parcels: Parcels) -> np.ndarray:
    """Distance of all parcels in radians, hemispheres laid on each other by mirroring: (n_parcels, n_parcels).

    So networks that lie alike in both hemispheres have surrogates that do.
    """
    folded = np.where(parcels.left[:, None], parcels.centres, parcels.centres @ MIRROR)
    return np.arccos(np.clip(folded @ folded.T, -1, 1))


class Variogram:
    """Half the mean squared difference of parcels at each of a few distances.

    Parameters
    ----------
    distance : (n_parcels, n_parcels)
        The nearest quarter of all pairs is described.
    """

    def __init__(self, distance: np.ndarray) -> None:
        apart = distance[np.triu_indices(len(distance), 1)]
        self.at = np.linspace(0, np.quantile(apart, NEAREST_PAIRS), N_DISTANCES + 1)[1:]
        width = self.at[0]
        self.kernels = np.exp(-(((distance[None] - self.at[:, None, None]) / width) ** 2) / 2)
        self.kernels[:, np.arange(len(distance)), np.arange(len(distance))] = 0  # none with itself
        self.kernels = (self.kernels / self.kernels.sum((1, 2), keepdims=True)).astype(np.float32)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Of each column: (n_parcels, n_maps) -> (n_distances, n_maps)."""
        own = self.kernels.sum(2) @ values**2
        return own - np.einsum("hij,jm,im->hm", self.kernels, values, values, optimize=True)


def variogram_surrogates(
    values: np.ndarray, distance: np.ndarray, n_surrogates: int, rng: np.random.Generator
) -> np.ndarray:
    """Maps with the values and the variogram of one map, otherwise random.

    White noise is smoothed over a distance, some noise is added, and the values
    are handed out in that order. Distance and noise are those whose surrogates
    have the variogram nearest to the map's, on average over 30.

    Parameters
    ----------
    values : (n_parcels,)
    distance : (n_parcels, n_parcels)
    n_surrogates : int
    rng : numpy Generator

    Returns
    -------
    float32 (n_parcels, n_surrogates)
    """
    variogram = Variogram(distance)
    wanted = variogram(np.asarray(values, np.float32)[:, None])[:, 0]
    smooth = {scale: _smoother(distance, scale) for scale in SCALES}

    def draw(scale: float, noise: float, n: int) -> np.ndarray:
        white = rng.standard_normal((2, len(values), n), np.float32)
        return _in_order(values, np.sqrt(1 - noise) * (smooth[scale] @ white[0]) + np.sqrt(noise) * white[1])

    pairs = [(scale, noise) for scale in SCALES for noise in NOISE]
    miss = [((variogram(draw(*pair, N_TRIED)).mean(1) - wanted) ** 2).sum() for pair in pairs]
    return draw(*pairs[int(np.argmin(miss))], n_surrogates)


def _smoother(distance: np.ndarray, scale: float) -> np.ndarray:
    """Gaussian weights whose rows keep the variance of white noise at 1: float32 (n_parcels, n_parcels)."""
    if scale == 0:
        return np.eye(len(distance), dtype=np.float32)
    weights = np.exp(-((distance / scale) ** 2) / 2)
    return (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)


def _in_order(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The values, smallest where ``by`` is smallest: (n_parcels, n_maps)."""
    out = np.empty(by.shape, np.float32)
    np.put_along_axis(out, by.argsort(0), np.sort(values).astype(np.float32)[:, None], axis=0)
    return out


def moved_networks(
    kind: str, table: np.ndarray, weight: np.ndarray, parcels: Parcels, n_moves: int, seed: int
) -> np.ndarray:
    """Vertices of each network inside each parcel, after the networks were moved among parcels.

    A parcel takes the shares that networks have in another one, of its own size.

    Parameters
    ----------
    kind : str
        ``centroid`` or ``variogram``.
    table : (n_locations, n_networks)
        Vertices of each network inside each location.
    weight : (n_locations,)
        Vertices of each location.
    parcels : Parcels
    n_moves, seed : int

    Returns
    -------
    float32 (n_moves, n_locations, n_networks)
    """
    size = weight[parcels.members].astype(np.float32)
    shares = (table[parcels.members] / size[:, None]).astype(np.float32)
    out = np.zeros((n_moves, *table.shape), np.float32)
    if kind == "centroid":
        out[:, parcels.members] = shares[parcel_spins(parcels, n_moves, seed)] * size[:, None]
        return out
    distance, rng = great_circles(parcels), np.random.default_rng([seed, 3])
    for f, share in enumerate(shares.T):
        out[:, parcels.members, f] = (variogram_surrogates(share, distance, n_moves, rng) * size[:, None]).T
    return out
