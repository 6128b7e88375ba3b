"""The networks of an atlas on a recording, and the same networks moved, as a match asks for them.

Labels are matched by Dice (`science.matching`), weights by spatial correlation
(`science.soft_matching`). What several runs share is kept while the process lives.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from .config import MatchConfig
from .errors import AtlasError
from .inventory import surface
from .values import NetworkAtlas, Recording

if TYPE_CHECKING:  # numba loads slowly: where a finished run is only read, it is not wanted
    from .science.network_null import NetworkNull


def check_null(config: MatchConfig, networks: NetworkAtlas) -> None:
    """Refuse a null that does not hold its level for the atlas.

    Raises
    ------
    AtlasError
        Variogram surrogates of weights: where a network lies on one side they let 10 to
        13 % of smooth null maps through at p < .05.
    """
    if config.null == "variogram" and networks.has_weights:
        raise AtlasError(
            f"Variogram surrogates are too generous for the weights of atlas '{networks.name}'",
            found="null=variogram", needed="null=cortex-spin, or centroid for parcels",
            do="change null; or give labels instead of weights",
        )  # fmt: skip


def check_locations(config: MatchConfig, recording: Recording) -> None:
    """Refuse a null of parcels for vertices (`AtlasError`), before anything is computed."""
    if "spin" not in config.null:
        from .science.parcel_nulls import check_parcels

        check_parcels(recording.n_locations)


def network_overlap(networks: NetworkAtlas, recording: Recording) -> np.ndarray:
    """How much of each network lies in each location: float32 (n_locations, n_networks).

    Vertices of a label; of weights, the sum of those above 0.
    """
    if networks.has_weights:
        from .science.soft_matching import location_weights

        positive = np.maximum(networks.weights, 0)
        return location_weights(positive, recording.vertex_location, recording.n_locations)[0]
    from .science.spins import location_overlap

    return location_overlap(
        networks.labels, recording.vertex_location, networks.n_networks, recording.n_locations
    )


def moved(networks: NetworkAtlas, recording: Recording, config: MatchConfig) -> Any:
    """The networks moved as the null says: labels or places of vertices, or tables of parcels."""
    if networks.has_weights:
        return _moved_weights(networks, recording, config)
    labels = networks.labels.tobytes()
    if "spin" in config.null:
        return _turned_labels(labels, config.n_spins, config.seed)
    where = recording.vertex_location.astype(np.int32).tobytes()
    sizes = (networks.n_networks, recording.n_locations)
    return _moved_labels(config.null, labels, where, sizes, config.n_spins, config.seed)


def unmoved(networks: NetworkAtlas) -> Any:
    """No moves at all: for scores without a p."""
    return np.zeros((0, len(networks.labels)), np.uint16)


def network_null(
    networks: NetworkAtlas, moves: Any, recording: Recording, config: MatchConfig
) -> NetworkNull:
    """The null of `moved` (or `unmoved`) networks."""
    if networks.has_weights:
        from .science.soft_matching import SpatialNull

        return SpatialNull(networks.weights, moves, recording.vertex_location, recording.n_locations)
    from .science.spins import SpinNull

    return SpinNull(
        networks.labels, moves, recording.vertex_location, networks.n_networks, recording.n_locations,
        config.null == "cortex-spin",
    )  # fmt: skip


def _moved_weights(networks: NetworkAtlas, recording: Recording, config: MatchConfig) -> np.ndarray:
    from .science import parcel_nulls
    from .science.soft_matching import location_weights

    if "spin" in config.null:
        return _turned_vertices(config.n_spins, config.seed)
    mesh = surface()
    on_cortex = np.isfinite(networks.weights).all(0)
    drawn = np.where(on_cortex, recording.vertex_location, -1)
    parcels = parcel_nulls.find_parcels(mesh.sphere, mesh.n_left, drawn)
    table, cover = location_weights(networks.weights, recording.vertex_location, recording.n_locations)
    return parcel_nulls.moved_networks(config.null, table, cover, parcels, config.n_spins, config.seed)


@functools.lru_cache(maxsize=1)
def _moved_labels(
    kind: str, labels: bytes, where: bytes, sizes: tuple[int, int], n_moves: int, seed: int
) -> Any:
    from .science import parcel_nulls, spins

    mesh, location = surface(), np.frombuffer(where, np.int32)
    still = np.frombuffer(labels, np.int16)
    null = spins.SpinNull(still, still[None][:0], location, *sizes)
    parcels = parcel_nulls.find_parcels(mesh.sphere, mesh.n_left, location)
    return parcel_nulls.moved_networks(kind, null.table, null.weight, parcels, n_moves, seed)


@functools.lru_cache(maxsize=1)  # the runs of one comparison share their rotations
def _turned_labels(labels: bytes, n_spins: int, seed: int) -> Any:
    from .science import spins

    mesh = surface()
    still = np.frombuffer(labels, np.int16)
    return spins.turned_labels(mesh.sphere, mesh.faces, mesh.n_left, still, n_spins, seed)


@functools.lru_cache(maxsize=1)
def _turned_vertices(n_spins: int, seed: int) -> np.ndarray:
    from .science.soft_matching import turned_vertices

    mesh = surface()
    return turned_vertices(mesh.sphere, mesh.faces, mesh.n_left, n_spins, seed)
