"""What the brain viewer draws: maps of one run on one surface, packed for the browser once.

Maps travel as 16-bit integers with one scale per map (rounding error below 2e-5
of the map's largest value); what a click returns is read from the original array.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import AtlasError, BrainlikeError
from ...values import NetworkAtlas, Surface
from .geometry import flat_faces, magnification, scaled_geometries
from .packing import pack, quantise


@dataclass(frozen=True, eq=False)
class BrainView:
    """What is drawn.

    Attributes
    ----------
    surface : Surface
    networks : NetworkAtlas
        Contours, and the network named on hover. Vertices that have neither a
        network nor a region are drawn as medial wall.
    regions : NetworkAtlas or None
        Regions named on hover when the maps are per vertex.
    location_names : tuple of str
        Regions named on hover when the maps are per parcel; empty for vertices.
    vertex_location : int32 (n_vertices,)
        Location drawn at each vertex, -1 for none.
    maps : float (n_maps, n_locations)
        Any float type; NaN where there are no data.
    map_names : tuple of str, n_maps
    unit : str
        Such as ``z`` or ``r``.
    significant : bool (n_maps, n_locations) or None
        Whether the value survives the false-discovery rate; said on hover.
    captions : tuple of str, n_maps
        What is said under each map when it is saved as a picture; may be empty.

    Raises
    ------
    AtlasError
        Labels or locations that do not fit the surface.
    BrainlikeError
        Maps, names or marks that do not fit each other.
    """

    surface: Surface
    networks: NetworkAtlas
    regions: NetworkAtlas | None
    location_names: tuple[str, ...]
    vertex_location: np.ndarray
    maps: np.ndarray
    map_names: tuple[str, ...]
    unit: str
    significant: np.ndarray | None = None
    captions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_labels(self)
        _check_maps(self)

    @property
    def n_maps(self) -> int:
        return self.maps.shape[0]

    @property
    def n_locations(self) -> int:
        return self.maps.shape[1]

    @cached_property
    def wall(self) -> np.ndarray:
        """Vertices of the medial wall: bool (n_vertices,).

        Without regions an atlas may leave cortex unlabelled, so vertices that
        carry data are then kept.
        """
        unlabelled = self.networks.labels == 0
        if self.regions is not None:
            return unlabelled & (self.regions.labels == 0)
        has_data = np.append((np.nan_to_num(self.maps) != 0).any(axis=0), False)  # -1 -> False
        return unlabelled & ~has_data[self.vertex_location]

    @cached_property
    def default_limit(self) -> float:
        """Where the colours end: the 99.5th percentile of all magnitudes, rounded up to two digits."""
        finite = np.abs(self.maps[np.isfinite(self.maps)])
        top = float(np.percentile(finite, 99.5)) if finite.size else 0.0
        if top <= 0:
            return 1.0
        step = 10.0 ** (np.floor(np.log10(top)) - 1)
        return float(np.ceil(round(top / step, 6)) * step)

    def describe(self, map_index: int, vertex: int) -> dict[str, Any]:
        """What is at one vertex: vertex, hemisphere, location, region, network, value.

        Parameters
        ----------
        map_index, vertex : int

        Returns
        -------
        dict
            ``location`` is None where nothing was measured; ``value`` is the
            value of ``maps`` itself, None where it is missing.
        """
        location = int(self.vertex_location[vertex])
        value = float(self.maps[map_index, location]) if location >= 0 else np.nan
        return {
            "vertex": int(vertex),
            "hemisphere": "left" if vertex < self.surface.n_left else "right",
            "location": location if location >= 0 else None,
            "region": self._region(vertex, location),
            "network": _name_at(self.networks, vertex),
            "value": value if np.isfinite(value) else None,
        }

    def _region(self, vertex: int, location: int) -> str | None:
        if self.location_names:
            return self.location_names[location] if location >= 0 else None
        return _name_at(self.regions, vertex) if self.regions is not None else None

    @cached_property
    def geometry_payload(self) -> bytes:
        """Surface, labels and their names, packed for the browser."""
        surface, scaled = self.surface, scaled_geometries(self.surface)
        top = max(float(np.abs(g).max()) for g in scaled.values())
        names = self.regions.networks if self.regions is not None else ()
        regions = self.regions.labels if self.regions is not None else np.zeros(surface.n_vertices)
        depth = np.clip(surface.sulc / (2 * float(surface.sulc.std()) or 1.0), -1, 1)
        arrays = {name: np.round(g / top * 32767).astype("<i2") for name, g in scaled.items()}
        arrays |= {
            "faces": surface.faces.astype("<u4"),
            "flat_faces": flat_faces(surface).astype("u1"),
            "sulc": np.round(depth * 127).astype("i1"),
            "networks": self.networks.labels.astype("<i2"),
            "regions": regions.astype("<i2"),
            "location": self.vertex_location.astype("<i4"),
            "wall": self.wall.astype("u1"),
        }
        header = {
            "n_left": surface.n_left,
            "millimetres": top,
            "magnify": magnification(scaled, surface.n_left),
            "network_names": self.networks.networks,
            "region_names": names,
            "location_names": self.location_names,
            "surface": surface.name,
        }
        return pack(header, arrays)

    @cached_property
    def maps_payload(self) -> bytes:
        """All maps as int16 with one scale each, and which values are significant."""
        values, scales = quantise(self.maps)
        arrays = {"maps": values, "scales": scales}
        if self.significant is not None:
            arrays["significant"] = np.packbits(self.significant, axis=1, bitorder="little")
        header = {
            "names": self.map_names,
            "captions": self.captions,
            "unit": self.unit,
            "signed": bool(np.nanmin(self.maps, initial=0.0) < 0),
            "n_locations": self.n_locations,
        }
        return pack(header, arrays)


def _name_at(atlas: NetworkAtlas, vertex: int) -> str | None:
    label = int(atlas.labels[vertex])
    return atlas.networks[label - 1] if label else None


def _check_labels(view: BrainView) -> None:
    n = view.surface.n_vertices
    atlases = [a for a in (view.networks, view.regions) if a is not None]
    sizes = [len(a.labels) for a in atlases] + [len(view.vertex_location)]
    if any(size != n for size in sizes):
        raise AtlasError(
            "Labels do not fit the surface", found=f"{sizes} vertices",
            needed=f"{n} each ({view.surface.name})", do="bring them to this surface",
        )  # fmt: skip
    low, high = int(view.vertex_location.min()), int(view.vertex_location.max())
    if view.maps.ndim == 2 and not (low >= -1 and high < view.maps.shape[1]):
        raise AtlasError(
            "Vertices point to locations that the maps lack", found=f"{low} to {high}",
            needed=f"-1 to {view.maps.shape[1] - 1}", do="use the recording's own vertex_location",
        )  # fmt: skip


def _check_maps(view: BrainView) -> None:
    shape = view.maps.shape
    _need_shape(
        "Maps have the wrong shape", len(shape) == 2 and 0 not in shape, shape, "(n_maps, n_locations)"
    )
    _need_shape(
        "Maps and their names differ",
        len(view.map_names) == shape[0],
        len(view.map_names),
        f"{shape[0]} names",
    )
    said = len(view.captions) in (0, shape[0])
    _need_shape("Maps and their captions differ", said, len(view.captions), f"{shape[0]} captions or none")
    named = len(view.location_names) in (0, shape[1])
    _need_shape(
        "Locations and their names differ", named, len(view.location_names), f"{shape[1]} names or none"
    )
    marks = view.significant
    _need_shape(
        "Marks of significance do not fit the maps", marks is None or marks.shape == shape,
        None if marks is None else marks.shape, str(shape),
    )  # fmt: skip
    _need_shape("Maps hold infinite values", not np.isinf(view.maps).any(), "inf", "finite values or NaN")


def _need_shape(what: str, condition: bool, found: object, needed: str) -> None:
    if not condition:
        raise BrainlikeError(what, found=str(found), needed=needed, do="check what the view is made of")
