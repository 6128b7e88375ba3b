"""The brain viewer: four linked views of every map of a run, drawn by WebGL2 in the browser.

Geometry and maps travel once, each as one block of bytes; after that the
browser changes map, threshold, colours, surface and outline by itself, and
Python hears of clicks and of the map that was left on screen. Maps travel as
16-bit integers with one scale per map (rounding error below 2e-5 of the map's
largest value); what a click returns is read from the original array.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ..errors import AtlasError, BrainlikeError, ConfigError
from ..values import NetworkAtlas, Surface

# Anchors of Crameri's vik (Scientific colour maps, doi 10.5281/zenodo.1243862, MIT), evenly
# spaced; linear interpolation stays within .025 of the published table. The other two are
# ColorBrewer's RdBu (reversed) and cividis (Nunez et al. 2018, doi 10.1371/journal.pone.0199239).
_COLOUR_ANCHORS = {
    "RdBu_r": "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
    "vik": "001261 022b71 034481 0c5e92 2f7ca6 609dbc 92bdd2 c5dbe5 ece5e1 "
    "e9cbb9 dcab8f cf8e68 c37243 b3531f 932e06 741506 590008",
    "cividis": "00224e 002e6c 1e3a6f 35456c 47516c 575d6d 666970 757575 "
    "848279 948e77 a59c74 b7a96e c8b866 dbc75a eed649 fee838",
}
COLOUR_MAPS = tuple(_COLOUR_ANCHORS)
NO_DATA = -32768
# Longer triangles of the flat geometry bridge a cut (median edge: 3 mm).
_MAX_FLAT_EDGE_MM = 15.0


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
        surface, scaled = self.surface, _scaled_geometries(self.surface)
        top = max(float(np.abs(g).max()) for g in scaled.values())
        names = self.regions.networks if self.regions is not None else ()
        regions = self.regions.labels if self.regions is not None else np.zeros(surface.n_vertices)
        depth = np.clip(surface.sulc / (2 * float(surface.sulc.std()) or 1.0), -1, 1)
        arrays = {name: np.round(g / top * 32767).astype("<i2") for name, g in scaled.items()}
        arrays |= {
            "faces": surface.faces.astype("<u4"),
            "flat_faces": _flat_faces(surface).astype("u1"),
            "sulc": np.round(depth * 127).astype("i1"),
            "networks": self.networks.labels.astype("<i2"),
            "regions": regions.astype("<i2"),
            "location": self.vertex_location.astype("<i4"),
            "wall": self.wall.astype("u1"),
        }
        header = {
            "n_left": surface.n_left,
            "millimetres": top,
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
            "unit": self.unit,
            "signed": bool(np.nanmin(self.maps, initial=0.0) < 0),
            "n_locations": self.n_locations,
        }
        return pack(header, arrays)


@dataclass(frozen=True)
class ViewerResult:
    """What the browser told.

    Attributes
    ----------
    pick : dict or None
        The vertex just clicked, see `BrainView.describe`, and ``map``, the map
        it was clicked on; None in every run
        that no click started.
    map : int or None
        The map on screen when scrubbing was released; None otherwise.
    webgl : bool
        False when the browser cannot draw: show `plotly_fallback`.
    """

    pick: dict[str, Any] | None
    map: int | None
    webgl: bool


def brain_viewer(
    view: BrainView,
    *,
    selected_map: int = 0,
    threshold: float = 2.3,
    limit: float | None = None,
    network: str | None = None,
    colour_map: str = "RdBu_r",
    height: int = 460,
    key: str,
    on_pick: Callable[[], None] | None = None,
    on_map: Callable[[], None] | None = None,
) -> ViewerResult:
    """Show the maps of a view as an interactive figure of a Streamlit page.

    A rerun with another map, threshold, limit, network or colour map redraws;
    camera and buffers stay. What the viewer changed by itself stays too until
    the page sends another value.

    Parameters
    ----------
    view : BrainView
        Keep one object per run (``st.cache_resource``): its packed bytes are remembered.
    selected_map : int
    threshold : float
        Magnitudes below it are not coloured.
    limit : float, optional
        Where the colours end; `BrainView.default_limit` if omitted.
    network : str, optional
        The network to outline.
    colour_map : {'RdBu_r', 'vik', 'cividis'}
    height : int
        Pixels of the whole figure, controls included; a page narrower than 900
        pixels stacks the four views two by two and takes up to 1.4 times as much.
    key : str
        The Streamlit key.
    on_pick, on_map : callable, optional
        Called before the rerun that a click or a released scrubber starts.

    Returns
    -------
    ViewerResult

    Raises
    ------
    ConfigError
        A map, threshold, limit, network or colour map that is out of range.
    """
    settings = _settings(view, selected_map, threshold, limit, network, colour_map, height)
    with st.container(gap=None):
        # The bytes go first and by themselves: Streamlit sends an unchanged message as its hash only.
        _PAYLOAD(key=f"{key}-geometry", data=view.geometry_payload)
        _PAYLOAD(key=f"{key}-maps", data=view.maps_payload)
        told = _VIEWER(
            key=key,
            data=settings | {"key": key},
            default={"webgl": True},
            on_pick_change=on_pick or _nothing,
            on_map_change=on_map or _nothing,
            on_webgl_change=_nothing,
        )
    return _result(view, told)


def plotly_fallback(view: BrainView, map_index: int, *, threshold: float = 0.0) -> go.Figure:
    """Draw one map without WebGL2 shaders of our own, as a plotly figure.

    Parameters
    ----------
    view : BrainView
    map_index : int
    threshold : float
        Magnitudes below it are drawn as 0.

    Returns
    -------
    plotly.graph_objects.Figure
        The two inflated hemispheres side by side.
    """
    padded = np.append(np.nan_to_num(np.asarray(view.maps[map_index], dtype=float)), 0.0)
    values = np.where(view.wall, 0.0, padded[view.vertex_location])  # (n_vertices,)
    values[np.abs(values) < threshold] = 0.0
    points = view.surface.inflated.astype(float).copy()
    left = slice(0, view.surface.n_left), slice(view.surface.n_left, None)
    for part, shift in zip(left, (-50.0, 50.0), strict=True):
        points[part, 0] += shift - (points[part, 0].max() + points[part, 0].min()) / 2
    mesh = go.Mesh3d(
        **dict(zip("xyz", points.T, strict=True)),
        **dict(zip("ijk", view.surface.faces.T, strict=True)),
        intensity=values, colorscale="RdBu_r", cmin=-view.default_limit, cmax=view.default_limit,
        colorbar={"title": view.unit}, hovertemplate="%{intensity:.2f}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(mesh)
    figure.update_layout(
        title=view.map_names[map_index],
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        scene={f"{axis}axis": {"visible": False} for axis in "xyz"} | {"aspectmode": "data"},
    )
    return figure


def quantise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round maps to 16 bits, each by its own scale.

    Parameters
    ----------
    maps : float (n_maps, n_locations)
        NaN where there are no data.

    Returns
    -------
    values : int16 (n_maps, n_locations)
        -32768 where there are no data; otherwise ``maps = values * scale``.
    scales : float32 (n_maps,)
    """
    full = np.asarray(maps, dtype=np.float64)
    top = np.nanmax(np.abs(full), axis=1, initial=0.0)
    scales = np.where(top > 0, top / 32767, 1.0).astype("<f4")
    values = np.nan_to_num(np.round(full / scales[:, None]), nan=NO_DATA)
    return np.clip(values, NO_DATA, 32767).astype("<i2"), scales


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One block of bytes: header length, JSON header, arrays.

    Parameters
    ----------
    header : mapping
        Anything JSON can hold; ``digest`` and ``arrays`` are added.
    arrays : mapping of str to array

    Returns
    -------
    bytes
        uint32 length of the header, the header padded with spaces, then the
        arrays, all little-endian and each starting at a multiple of 4.
    """
    entries, parts, at = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        entries.append({"name": name, "type": array.dtype.str[1:], "at": at, "size": array.size})
        parts.append(raw + bytes(-len(raw) % 4))
        at += len(parts[-1])
    body = b"".join(parts)
    full = dict(header) | {"arrays": entries}
    named = hashlib.sha256(json.dumps(full).encode() + body).hexdigest()[:32]
    text = json.dumps(full | {"digest": named}).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + body


def digest(payload: bytes) -> str:
    """The content digest in the header of a packed block."""
    length = int.from_bytes(payload[:4], "little")
    return json.loads(payload[4 : 4 + length])["digest"]


def colour_table(name: str) -> np.ndarray:
    """A colour map as uint8 (256, 3).

    Raises
    ------
    ConfigError
        A name that is not one of `COLOUR_MAPS`.
    """
    if name not in COLOUR_MAPS:
        _refuse("colour_map", name, f"one of {', '.join(COLOUR_MAPS)}")
    anchors = np.array([list(bytes.fromhex(c)) for c in _COLOUR_ANCHORS[name].split()])  # (n_anchors, 3)
    at, x = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    return np.round(np.stack([np.interp(x, at, c) for c in anchors.T], axis=1)).astype(np.uint8)


def _scaled_geometries(surface: Surface) -> dict[str, np.ndarray]:
    """Each geometry with its hemispheres centred and as long as the inflated one."""
    shapes = {"inflated": surface.inflated, "pial": surface.pial}
    centred = {name: _centre(points, surface.n_left) for name, points in shapes.items()}
    length = np.ptp(centred["inflated"][: surface.n_left, 1]) or 1.0
    centred["pial"] *= length / (np.ptp(centred["pial"][: surface.n_left, 1]) or 1.0)
    centred["flat"] = _upright_flat(surface, centred["inflated"])
    return centred


def _centre(points: np.ndarray, n_left: int) -> np.ndarray:
    moved = points.astype(np.float64)
    for part in (slice(0, n_left), slice(n_left, None)):
        moved[part] -= (moved[part].max(axis=0) + moved[part].min(axis=0)) / 2
    return moved


def _upright_flat(surface: Surface, inflated: np.ndarray) -> np.ndarray:
    """Stand the flat geometry in the lateral plane, turned to lie as the inflated one does."""
    upright = np.zeros((surface.n_vertices, 3))
    on_patch = _on_flat_patch(surface)
    for part, right in ((slice(0, surface.n_left), -1.0), (slice(surface.n_left, None), 1.0)):
        used = on_patch[part]
        uv = surface.flat[part, :2].astype(np.float64)
        uv -= (uv[used].max(axis=0) + uv[used].min(axis=0)) / 2
        seen = inflated[part][:, 1:] * (right, 1.0)  # what the lateral view shows
        cross = (uv[used, 0] * seen[used, 1] - uv[used, 1] * seen[used, 0]).sum()
        angle = np.arctan2(cross, (uv[used] * seen[used]).sum())
        cos, sin = np.cos(angle), np.sin(angle)
        uv = np.where(used[:, None], uv @ np.array([[cos, sin], [-sin, cos]]), 0.0)
        upright[part, 1], upright[part, 2] = uv[:, 0] * right, uv[:, 1]
    return upright


def _on_flat_patch(surface: Surface) -> np.ndarray:
    """Vertices that were flattened, bool (n_vertices,): the others kept a height."""
    return np.abs(surface.flat[:, 2] - np.median(surface.flat[:, 2])) < 1e-3


def _flat_faces(surface: Surface) -> np.ndarray:
    """Triangles to draw when flat, bool (n_faces,): none off the patch, none across a cut."""
    corners = surface.flat[surface.faces]  # (n_faces, 3, 3)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    return _on_flat_patch(surface)[surface.faces].all(axis=1) & (longest < _MAX_FLAT_EDGE_MM)


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


def _settings(
    view: BrainView,
    selected_map: int,
    threshold: float,
    limit: float | None,
    network: str | None,
    colour_map: str,
    height: int,
) -> dict[str, Any]:
    """Check and gather what a rerun may change, as JSON values."""
    top = view.default_limit if limit is None else float(limit)
    names = view.networks.networks
    if not 0 <= selected_map < view.n_maps:
        _refuse("selected_map", selected_map, f"0 to {view.n_maps - 1}")
    if not (np.isfinite(threshold) and threshold >= 0):
        _refuse("threshold", threshold, "0 or more")
    if not (np.isfinite(top) and top > 0):
        _refuse("limit", limit, "more than 0")
    if network is not None and network not in names:
        _refuse("network", network, f"one of {', '.join(names)}")
    if colour_map not in COLOUR_MAPS:
        _refuse("colour_map", colour_map, f"one of {', '.join(COLOUR_MAPS)}")
    if not 200 <= height <= 4000:
        _refuse("height", height, "200 to 4000 pixels")
    return {
        "geometry": digest(view.geometry_payload),
        "maps": digest(view.maps_payload),
        "selected_map": int(selected_map),
        "threshold": float(threshold),
        "limit": top,
        "network": names.index(network) + 1 if network else 0,
        "colour_map": colour_map,
        "height": int(height),
    }


def _refuse(name: str, found: object, needed: str) -> None:
    raise ConfigError(f"Invalid value for {name}", found=repr(found), needed=needed, do=f"change {name}")


def _result(view: BrainView, told: Mapping[str, Any]) -> ViewerResult:
    """Take only two integers and a flag from the browser; look everything else up."""
    click = told.get("pick")
    click = click if isinstance(click, Mapping) else {}
    vertex = _index(click.get("vertex"), view.surface.n_vertices)
    shown = _index(click.get("map"), view.n_maps)
    pick = None
    if vertex is not None and shown is not None:
        pick = view.describe(shown, vertex) | {"map": shown}
    return ViewerResult(
        pick=pick,
        map=_index(told.get("map"), view.n_maps),
        webgl=told.get("webgl") is not False,
    )


def _index(value: object, end: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value) if 0 <= value < end else None


def _nothing() -> None:
    """Declare an event to Streamlit without acting on it."""


def _source(suffix: str) -> str:
    return Path(__file__).with_suffix(suffix).read_text(encoding="utf-8")


def _script() -> str:
    tables = {name: colour_table(name).tobytes().hex() for name in COLOUR_MAPS}
    return f"const COLOUR_TABLES = {json.dumps(tables)}\n{_source('.js')}"


# Every mount runs in a module of its own, so the blocks meet in one table of the window.
_PAYLOAD_SCRIPT = """
export default function ({ data }) {
  const blocks = (window.__brainViewerBlocks ??= new Map())
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const length = view.getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)))
  if (blocks.has(header.digest)) return
  blocks.set(header.digest, { header, body: data.slice(4 + length) })
  while (blocks.size > 24) blocks.delete(blocks.keys().next().value)
  window.dispatchEvent(new Event("brain-viewer-block"))
}
"""

_PAYLOAD = st.components.v2.component(
    "brainlike.brain_viewer_block", js=_PAYLOAD_SCRIPT, html="<i hidden></i>\n"
)
_VIEWER = st.components.v2.component(
    "brainlike.brain_viewer", html='<div class="viewer"></div>\n', css=_source(".css"), js=_script()
)
