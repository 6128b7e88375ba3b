"""A brain map for print: four views of the surface as a picture, everything else as vectors.

The surface is drawn by a small rasteriser of our own (orthographic, nearest triangle
wins, values interpolated inside each triangle), so the same picture comes out on every
machine, with no graphics card and no browser. Outlines, colour bar and words are vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from ..figures import theme
from ..figures.brain_viewer import BrainView, colour_table, view_settings
from ..values import Surface
from . import paper

# Where the camera stands (x), and which way it sees y.
_VIEWS = (
    ("Left, lateral", 0, -1.0),
    ("Left, medial", 0, 1.0),
    ("Right, medial", 1, -1.0),
    ("Right, lateral", 1, 1.0),
)
_FINER = 2  # pixels are drawn so many times finer, then averaged
_WALL, _GYRUS, _SULCUS = 0.66, 0.86, 0.70
_GAP, _BAR_IN = 0.04, 0.44


@dataclass(frozen=True, eq=False)
class Raster:
    """Which vertices each pixel of a view shows.

    Attributes
    ----------
    corners : int32 (n_rows, n_columns, 3)
        Vertices of the triangle that is seen; -1 where there is none.
    weights : float32 (n_rows, n_columns, 3)
        How near the pixel is to each; they sum to 1.
    """

    corners: np.ndarray
    weights: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Whether a pixel shows the surface: bool (n_rows, n_columns)."""
        return self.corners[..., 0] >= 0

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Values of vertices (n_vertices,) at each pixel; vertices that are NaN are left out."""
        at = values[self.corners]  # (n_rows, n_columns, 3)
        known = np.where(np.isnan(at), 0, self.weights)
        total = known.sum(-1)
        mean = (known * np.nan_to_num(at)).sum(-1) / np.where(total > 0, total, 1)
        return np.where(self.seen & (total > 0), mean, np.nan)

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """The value of the nearest of the three vertices."""
        best = np.take_along_axis(self.corners, self.weights.argmax(-1)[..., None], -1)[..., 0]
        return values[best]


def rasterise(points: np.ndarray, faces: np.ndarray, shape: tuple[int, int], scale: float) -> Raster:
    """Look at a surface along its third axis, from above, without perspective.

    Parameters
    ----------
    points : float (n_vertices, 3)
        To the right, up, and towards the eye; the middle of the picture is 0, 0.
    faces : int (n_faces, 3)
    shape : (n_rows, n_columns)
        Of the picture; row 0 is at the top.
    scale : float
        Pixels for one unit of length.

    Returns
    -------
    Raster
    """
    n_rows, n_columns = shape
    place = np.stack([points[:, 0] * scale + n_columns / 2, n_rows / 2 - points[:, 1] * scale], 1)
    a, b, c = (place[faces[:, k]] for k in range(3))  # column, row
    area = _cross(b - a, c - a)
    low = np.floor(np.minimum(np.minimum(a, b), c)).astype(int).clip(0)
    high = np.ceil(np.maximum(np.maximum(a, b), c)).astype(int) + 1
    wide, tall = np.minimum(high, (n_columns, n_rows)).T - low.T
    drawn = np.flatnonzero((np.abs(area) > 1e-9) & (wide > 0) & (tall > 0))
    count = (wide * tall)[drawn]  # candidates: every pixel of a triangle's box
    face = np.repeat(drawn, count)
    inside = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(inside, wide[face])
    # How near a pixel is to the second and third corner grows evenly along columns and rows.
    from_a = column + (low[:, 0] + 0.5 - a[:, 0])[face], row + (low[:, 1] + 0.5 - a[:, 1])[face]
    full = np.where(area == 0, 1, area)[:, None]
    to_b, to_c = (b - a) / full, (c - a) / full
    second = from_a[0] * to_c[face, 1] - from_a[1] * to_c[face, 0]
    third = from_a[1] * to_b[face, 0] - from_a[0] * to_b[face, 1]
    hit = np.flatnonzero((second >= -1e-6) & (third >= -1e-6) & (second + third <= 1 + 1e-6))
    face, second, third = face[hit], second[hit], third[hit]
    pixel = (row[hit] + low[face, 1]) * n_columns + column[hit] + low[face, 0]
    weights = np.stack([1 - second - third, second, third], 1)  # (n_hits, 3)
    return _nearest_faces(points[:, 2], faces, face, pixel, weights, shape)


def _nearest_faces(
    height: np.ndarray,
    faces: np.ndarray,
    face: np.ndarray,
    pixel: np.ndarray,
    weights: np.ndarray,
    shape: tuple[int, int],
) -> Raster:
    """Of all triangles at a pixel, the one nearest to the eye."""
    up = (height[faces[face]] * weights).sum(1)
    order = np.argsort(up, kind="stable")  # the last written wins
    seen = np.full(shape[0] * shape[1], -1)
    seen[pixel[order]] = order
    corners = np.full((len(seen), 3), -1, np.int32)
    shares = np.zeros((len(seen), 3), np.float32)
    full = seen >= 0
    corners[full], shares[full] = faces[face[seen[full]]], weights[seen[full]]
    return Raster(corners.reshape(*shape, 3), shares.reshape(*shape, 3))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def print_brain(
    view: BrainView,
    map_index: int,
    *,
    threshold: float = 2.3,
    limit: float | None = None,
    network: str | None = None,
    colour_map: str = "RdBu_r",
    title: str = "",
    caption: str = "",
    width_in: float = paper.WIDTH_IN,
    dpi: int = paper.DPI,
) -> Figure:
    """Four views of one map: lateral and medial, left and right.

    Parameters
    ----------
    view : BrainView
    map_index : int
    threshold : float
        Magnitudes below it are not coloured; the colour bar shows where it lies.
    limit : float, optional
        Where the colours end; `BrainView.default_limit` if omitted.
    network : str, optional
        The network to outline.
    colour_map : {'RdBu_r', 'vik', 'cividis'}
    title, caption : str
    width_in : float
        Inches.
    dpi : int
        Of the picture inside the figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ConfigError
        A map, threshold, limit, network or colour map that is out of range.
    """
    settings = view_settings(
        view, selected_map=map_index, threshold=threshold, limit=limit, network=network, colour_map=colour_map
    )
    with paper.style():
        panel = (width_in - 5 * _GAP) / 4, (width_in - 5 * _GAP) / 4 * 0.78
        above, below = paper.title_height(title), paper.caption_height(caption)
        height = above + 0.16 + panel[1] + _BAR_IN + below
        figure = Figure(figsize=(width_in, height), dpi=paper.DPI, label=title)
        colours = _colours(
            colour_map, settings["threshold"], settings["limit"], bool((np.nan_to_num(view.maps) < 0).any())
        )
        for k, (name, side, sign) in enumerate(_VIEWS):
            left, low = _GAP + k * (panel[0] + _GAP), below + _BAR_IN
            ax = figure.add_axes((left / width_in, low / height, panel[0] / width_in, panel[1] / height))
            _draw_view(ax, view, map_index, (side, sign), panel, dpi, colours, settings["network"])
            ax.set_title(name, fontsize=6.5, color=theme.QUIET, pad=2)
        _colour_bar(
            figure,
            view,
            colours,
            settings["threshold"],
            (below + 0.28) / height,
            f"{view.map_names[map_index]} ({view.unit})" if width_in > 6 else view.unit,
        )
        if title:
            paper.write_title(figure, title)
        if caption:
            paper.write_caption(figure, caption)
    return figure


def _colours(name: str, threshold: float, limit: float, signed: bool) -> ScalarMappable:
    """The colour map, grey where a value lies below the threshold."""
    low = 0.0 if name == "cividis" and not signed else -limit
    table = np.concatenate([colour_table(name) / 255, np.ones((256, 1))], axis=1)
    values = low + (np.arange(256) + 0.5) / 256 * (limit - low)
    table[np.abs(values) < threshold, :3] = _GYRUS
    return ScalarMappable(Normalize(low, limit), ListedColormap(table))


def _draw_view(
    ax: Axes, view: BrainView, map_index: int, camera: tuple[int, float], panel: tuple[float, float], dpi: int,
    colours: ScalarMappable, network: int,
) -> None:  # fmt: skip
    """One hemisphere from one side: the picture, and the outline of a network over it."""
    shape = round(panel[1] * dpi) * _FINER, round(panel[0] * dpi) * _FINER
    seen = _look(view.surface, camera, shape)
    part = _half(view.surface, camera[0])
    picture = _picture(seen, view, map_index, part, colours)
    ax.imshow(_smaller(picture), interpolation="none", extent=(0, shape[1], shape[0], 0))
    if network:
        inside = (view.networks.labels[part] == network).astype(float)
        field = np.nan_to_num(seen.raster.mean(inside))[::_FINER, ::_FINER]
        if field.max() > 0.5 > field.min():
            columns, rows = np.arange(0, shape[1], _FINER) + 0.5, np.arange(0, shape[0], _FINER) + 0.5
            ax.contour(columns, rows, field, [0.5], colors=[theme.INK], linewidths=0.8)
    ax.set_axis_off()


@dataclass(frozen=True, eq=False)
class _Seen:
    """A hemisphere from one side: its pixels, and the light and the depth of the folds at each of them."""

    raster: Raster
    shade: np.ndarray
    grey: np.ndarray


def _half(surface: Surface, side: int) -> slice:
    return slice(0, surface.n_left) if side == 0 else slice(surface.n_left, None)


@lru_cache(maxsize=4)  # the four views of one figure: the next map of the same surface is quick
def _look(surface: Surface, camera: tuple[int, float], shape: tuple[int, int]) -> _Seen:
    side, sign = camera
    part = _half(surface, side)
    points = surface.inflated[part].astype(float)
    points -= (points.max(0) + points.min(0)) / 2
    points = np.stack([points[:, 1] * sign, points[:, 2], points[:, 0] * sign], 1)
    left = (surface.faces < surface.n_left).all(1) == (side == 0)
    faces = surface.faces[left] - (0 if side == 0 else surface.n_left)
    normals = _normals(points, faces)
    outward = np.sign((normals[:, 2] * points[faces, 2].mean(1)).sum())  # a closed surface has a volume
    scale = min(shape[1] / np.ptp(points[:, 0]), shape[0] / np.ptp(points[:, 1])) * 0.98
    raster = rasterise(points, faces[normals[:, 2] * outward > 0], shape, scale)
    depth = np.clip(surface.sulc[part] / (2 * float(surface.sulc.std()) or 1.0), -1, 1)
    grey = (_GYRUS + _SULCUS) / 2 - (_GYRUS - _SULCUS) / 2 * np.nan_to_num(raster.mean(depth))
    shade = 0.62 + 0.38 * np.nan_to_num(raster.mean(_facing(normals, faces, len(points))))
    return _Seen(raster, shade.astype(np.float32), grey.astype(np.float32))


def _normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Of each triangle, as long as it is large: (n_faces, 3)."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def _facing(normals: np.ndarray, faces: np.ndarray, n: int) -> np.ndarray:
    """How straight the surface faces the eye at each vertex, 0 to 1: (n_vertices,)."""
    total = np.zeros((n, 3))
    for k in range(3):
        np.add.at(total, faces[:, k], normals)
    return np.abs(total[:, 2]) / np.maximum(np.linalg.norm(total, axis=1), 1e-12)


def _picture(
    seen: _Seen, view: BrainView, map_index: int, part: slice, colours: ScalarMappable
) -> np.ndarray:
    """Colours of each pixel, shaded by the slope of the surface: float (n_rows, n_columns, 4), clear off the brain."""
    raster = seen.raster
    values = np.append(view.maps[map_index].astype(float), np.nan)[view.vertex_location[part]]
    at = raster.nearest(values) if view.location_names else raster.mean(values)
    coloured = colours.to_rgba(np.clip(np.nan_to_num(at), *colours.get_clim()))[..., :3]
    plain = np.isnan(at) | (np.abs(coloured - _GYRUS).max(-1) < 1e-9)  # no data, or below the threshold
    picture = np.where(plain[..., None], seen.grey[..., None], coloured)
    picture = np.where(raster.nearest(view.wall[part])[..., None], _WALL, picture)
    return np.concatenate([picture * seen.shade[..., None], raster.seen[..., None]], axis=-1)


def _smaller(picture: np.ndarray) -> np.ndarray:
    """Average blocks of pixels, so that edges are smooth; colours count only where there is brain."""
    rows, columns = picture.shape[0] // _FINER, picture.shape[1] // _FINER
    blocks = picture.reshape(rows, _FINER, columns, _FINER, 4)
    opacity = blocks[..., 3:].sum((1, 3))
    colour = (blocks[..., :3] * blocks[..., 3:]).sum((1, 3)) / np.maximum(opacity, 1)
    return np.concatenate([colour, opacity / _FINER**2], axis=-1)


def _colour_bar(
    figure: Figure, view: BrainView, colours: ScalarMappable, threshold: float, low: float, label: str
) -> None:
    """Below the brains: the colours, with the threshold among the ticks."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((0.5 - 1.1 / width, low, 2.2 / width, 0.085 / height))
    bar = figure.colorbar(colours, cax=ax, orientation="horizontal")
    bar.outline.set_visible(False)  # type: ignore[operator]
    first, last = (float(end or 0) for end in colours.get_clim())
    ticks = _bar_ticks(first, last, threshold)
    bar.set_ticks(list(ticks), labels=[words.replace("-", "−") for words in ticks.values()])
    ax.tick_params(labelsize=6, length=0, pad=2)
    ax.text(-0.03, 0.5, label, transform=ax.transAxes, ha="right", va="center", fontsize=6.5, color=theme.INK)
    if threshold > 0:
        ax.text(
            1.03,
            0.5,
            f"grey: below {threshold:g}",
            transform=ax.transAxes,
            ha="left",
            va="center",
            fontsize=6.5,
            color=theme.QUIET,
        )


def _bar_ticks(first: float, last: float, threshold: float) -> dict[float, str]:
    """Place and words of each tick; numbers that would touch are left out or said as one.

    Examples
    --------
    >>> _bar_ticks(-4, 4, 2)
    {-4: '-4', -2: '-2', 2: '2', 4: '4'}
    >>> _bar_ticks(-0.75, 0.75, 0.05)
    {-0.75: '-0.75', 0.0: '±0.05', 0.75: '0.75'}
    >>> _bar_ticks(0, 4, 3.9)
    {0: '0', 4: '4'}
    """
    near = 0.13 * (last - first)
    inner: dict[float, str] = {}
    if near <= threshold < last - near:
        inner = {-threshold: f"{-threshold:g}"} if first < 0 else {}
        inner |= {threshold: f"{threshold:g}"}
    elif 0 < threshold < near and first < 0:
        inner = {0.0: f"±{threshold:g}"}
    return {first: f"{first:g}"} | inner | {last: f"{last:g}"}
