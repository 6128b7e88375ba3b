"""Traces of plotly, drawn by matplotlib: the kinds that the charts of this project are made of.

`Scatter`, `Bar`, `Histogram` and `Heatmap`; any other kind, and any way of drawing them
that is not here, is refused by name, so that no chart can lose a part in print.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.container import BarContainer
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from ..errors import BrainlikeError
from ..figures import theme
from ..figures.chart_table import plain_text
from .paper import PT_PER_PX, colour

_FIRST = theme.MODEL_COLOURS[0]

DASHES = {
    None: "solid",
    "solid": "solid",
    "dot": (0, (1.2, 1.8)),
    "dash": (0, (5, 2.5)),
    "dashdot": "dashdot",
}
# Symbol -> marker, and its size beside that of plotly's circle.
_SYMBOLS = {
    "circle": ("o", 1.0), "square": ("s", 1.0), "diamond": ("D", 0.8), "star": ("*", 1.35), "x": ("X", 1.0),
    "cross": ("P", 1.0), "triangle-up": ("^", 1.0), "triangle-down": ("v", 1.0),
    "triangle-left": ("<", 1.0), "triangle-right": (">", 1.0), "line-ns": ("|", 1.4),
    "line-ew": ("_", 1.4),
}  # fmt: skip
_LINES = ("line-ns", "line-ew")
_ALIGN = {"left": "right", "right": "left", "center": "center"}


def refuse(what: str, found: object) -> BrainlikeError:
    """A part of a chart that cannot be printed."""
    return BrainlikeError(
        f"This chart cannot be printed: {what} is not known", found=repr(found),
        needed="one of those in exports/print_traces.py", do="draw it with those",
    )  # fmt: skip


def scatter(
    ax: Any, trace: go.Scatter, x: np.ndarray, y: np.ndarray, order: int, before: np.ndarray | None = None
) -> Line2D | Patch | None:
    """Lines, fills, error bars, markers and text; the handle of its legend.

    ``before`` is the y of the trace before, to which a fill may reach.
    """
    modes = (trace.mode or ("lines+markers" if len(x) < 20 else "lines")).split("+")  # as plotly has it
    handle: Any = None
    if trace.fill and trace.fill != "none":
        handle = _fill(ax, trace, x, y, order, before)
    if "lines" in modes and (trace.line.width is None or trace.line.width > 0):
        handle = _line(ax, trace, x, y, order)
    for axis, bars in (("x", trace.error_x), ("y", trace.error_y)):
        if bars.array is not None:
            _whiskers(ax, axis, bars, x, y, order)
    if "markers" in modes:
        marks = _markers(ax, trace, x, y, order)
        handle = _both(handle, marks) if isinstance(handle, Line2D) else marks
    if "text" in modes:
        _texts(ax, trace, x, y)
    return handle


def _line(ax: Any, trace: go.Scatter, x: np.ndarray, y: np.ndarray, order: int) -> Line2D:
    if trace.line.shape not in (None, "linear", "hv"):
        raise refuse("a line's shape", trace.line.shape)
    if trace.line.dash not in DASHES:
        raise refuse("a line's dash", trace.line.dash)
    (line,) = ax.plot(
        x, y, color=colour(trace.line.color or _FIRST, trace.opacity), zorder=order, clip_on=trace.cliponaxis is not False,
        linewidth=(trace.line.width or 2) * PT_PER_PX, linestyle=DASHES[trace.line.dash],
        drawstyle="steps-post" if trace.line.shape == "hv" else "default", solid_capstyle="butt",
    )  # fmt: skip
    return line


def _fill(
    ax: Any, trace: go.Scatter, x: np.ndarray, y: np.ndarray, order: int, before: np.ndarray | None
) -> Patch:
    face = colour(trace.fillcolor, trace.opacity)
    if trace.fill == "toself":
        ax.add_patch(
            Polygon(np.stack([x, y], 1), closed=True, facecolor=face, edgecolor="none", zorder=order)
        )
        ax.update_datalim(np.stack([x, y], 1))
    elif trace.fill in ("tozeroy", "tonexty"):
        base = 0 if before is None or trace.fill == "tozeroy" else before
        ax.fill_between(x, y, base, facecolor=face, edgecolor="none", zorder=order)
    else:
        raise refuse("a fill", trace.fill)
    return Patch(facecolor=face)


def _whiskers(ax: Any, axis: str, bars: Any, x: np.ndarray, y: np.ndarray, order: int) -> None:
    above = np.asarray(bars.array, float)
    below = (
        above
        if bars.symmetric is not False or bars.arrayminus is None
        else np.asarray(bars.arrayminus, float)
    )
    ax.errorbar(
        x, y, fmt="none", zorder=order, ecolor=colour(bars.color), elinewidth=(bars.thickness or 2) * PT_PER_PX,
        capsize=(bars.width or 0) * PT_PER_PX, **{f"{axis}err": np.stack([below, above])},
    )  # fmt: skip


def _markers(ax: Any, trace: go.Scatter, x: np.ndarray, y: np.ndarray, order: int) -> Line2D:
    n, m = max(len(x), 1), trace.marker  # a trace without points still has its legend
    opacity = m.opacity if m.opacity is not None else trace.opacity
    faces = [colour(c, opacity) for c in _padded(m.color, n, trace.line.color or _FIRST)]
    rims = [faces[i] if c is None else colour(c, opacity) for i, c in enumerate(_padded(m.line.color, n))]
    sizes = PT_PER_PX * np.array(_padded(m.size, n, 6), float)
    widths = PT_PER_PX * np.array(_padded(m.line.width, n, 0), float)
    symbols = _padded(m.symbol, n, "circle")
    size = float(np.clip(np.median(sizes), 4, 8))
    first = _look(symbols[0], faces[0], rims[0], size, float(widths[0]))
    for symbol in dict.fromkeys(symbols[: len(x)]):
        known = np.isfinite(x) & np.isfinite(y)
        chosen = [i for i in range(n) if symbols[i] == symbol and known[i]]
        if not chosen:
            continue
        line = symbol.removesuffix("-open") in _LINES  # has no inside: its colour is that of its rim
        looks = [_look(symbol, faces[i], rims[i], sizes[i], widths[i]) for i in chosen]
        ax.scatter(
            x[chosen], y[chosen], marker=looks[0]["marker"], s=[look["markersize"] ** 2 for look in looks],
            facecolors=[look["markeredgecolor" if line else "markerfacecolor"] for look in looks],
            edgecolors=None if line else [look["markeredgecolor"] for look in looks],
            linewidths=[look["markeredgewidth"] for look in looks], zorder=order, clip_on=trace.cliponaxis is not False,
        )  # fmt: skip
    return Line2D([], [], linestyle="none", **first)


def _look(symbol: str, face: Any, rim: Any, size: float, width: float) -> dict[str, Any]:
    """How one marker looks, in matplotlib's words."""
    name, hollow = symbol.removesuffix("-open"), symbol.endswith("-open")
    if name not in _SYMBOLS:
        raise refuse("a marker", symbol)
    marker, scale = _SYMBOLS[name]
    drawn = hollow or name in _LINES
    return {
        "marker": marker, "markersize": size * scale, "markerfacecolor": (0, 0, 0, 0) if hollow else face,
        "markeredgecolor": face if hollow else rim, "markeredgewidth": max(width, 2 * PT_PER_PX) if drawn else width,
    }  # fmt: skip


def _both(line: Line2D, marks: Line2D) -> Line2D:
    """A legend handle with the line and its marks."""
    marks.set(linestyle=line.get_linestyle(), linewidth=line.get_linewidth(), color=line.get_color())
    return marks


def _texts(ax: Any, trace: go.Scatter, x: np.ndarray, y: np.ndarray) -> None:
    places = _each(trace.textposition, len(x), "middle center")
    size = (trace.textfont.size or 12) * PT_PER_PX
    for text, place, left, up in zip(_each(trace.text, len(x)), places, x, y, strict=True):
        vertical, _, horizontal = place.partition(" ")
        shift = {"left": (-7, 0), "right": (7, 0)}.get(
            horizontal, (0, {"top": 7, "bottom": -7}.get(vertical, 0))
        )
        ax.annotate(
            plain_text(text), (left, up), xytext=shift, textcoords="offset points", fontsize=size,
            ha=_ALIGN.get(horizontal, "center"), va={"top": "bottom", "bottom": "top"}.get(vertical, "center"),
            color=colour(trace.textfont.color or theme.INK), annotation_clip=False,
        )  # fmt: skip


def bar(
    ax: Any, trace: go.Bar, x: np.ndarray, y: np.ndarray, order: int, place: tuple[float, float]
) -> Patch:
    """Bars, upright or lying, with their text; the handle of its legend.

    Parameters
    ----------
    place : (float, float)
        Shift of the middle and width of each bar, where the trace does not say.
    """
    lying = trace.orientation == "h"
    at, length = (y, x) if lying else (x, y)
    faces = [colour(c, trace.marker.opacity) for c in _each(trace.marker.color, len(at), _FIRST)]
    rims = zip(_each(trace.marker.line.color, len(at)), length, strict=True)
    edges = [colour(c) if c is not None and size else "none" for c, size in rims]  # no bar, no line
    shift, width = (0.0, float(trace.width)) if isinstance(trace.width, int | float) else place
    base = 0 if trace.base is None else np.asarray(_each(trace.base, len(at)), float)
    looks = {
        "color": faces,
        "edgecolor": edges,
        "linewidth": max(map(float, _each(trace.marker.line.width, 1, 0))) * PT_PER_PX,
        "zorder": order,
    }
    if lying:
        bars: BarContainer = ax.barh(at + shift, length, height=width, left=base, **looks)
    else:
        bars = ax.bar(at + shift, length, width=width, bottom=base, **looks)
    if trace.text is not None and trace.textposition not in (None, "none"):
        words = [plain_text(str(text)) for text in _each(trace.text, len(at))]
        ax.bar_label(bars, words, padding=2, fontsize=11 * PT_PER_PX)
    rim = _padded(trace.marker.line.color, len(at))[0]
    return Patch(facecolor=faces[0] if faces else "none", edgecolor=colour(rim) if rim else "none")


def histogram(ax: Any, trace: go.Histogram, order: int) -> Patch:
    """Counts in bins of equal width, as many as the trace asks for."""
    if trace.x is None:
        raise refuse("a histogram without x", trace.y)
    values = np.asarray(trace.x, float)
    edges = np.histogram_bin_edges(values, bins=trace.nbinsx or "auto")
    if np.array_equal(values, values.round()):  # whole numbers: bins that hold equally many of them
        step = max(1, round(float(edges[1] - edges[0])))
        edges = np.arange(values.min() - 0.5, values.max() + step + 0.5, step)
    face = colour(trace.marker.color or "#C9CCCB")
    ax.hist(values, bins=edges, color=face, edgecolor=colour(trace.marker.line.color or "white"), zorder=order,
            linewidth=(trace.marker.line.width or 0) * PT_PER_PX)  # fmt: skip
    return Patch(facecolor=face)


def heatmap(ax: Any, trace: go.Heatmap, x: np.ndarray, y: np.ndarray, order: int) -> Any:
    """Cells with a gap between them; cells without a value stay empty. Returns what a colour bar needs."""
    z = np.ma.masked_invalid(np.asarray(trace.z, float))
    low = float(z.min()) if trace.zmin is None else float(trace.zmin)
    high = float(z.max()) if trace.zmax is None else float(trace.zmax)
    mesh = ax.pcolormesh(
        x, y, z, cmap=colour_map(trace.colorscale), vmin=low, vmax=high, shading="nearest", zorder=order,
        edgecolors="white", linewidth=max(trace.xgap or 0, trace.ygap or 0) * PT_PER_PX,
    )  # fmt: skip
    if trace.texttemplate:
        if trace.texttemplate != "%{text}":
            raise refuse("a cell's text", trace.texttemplate)
        for (row, column), words in np.ndenumerate(np.asarray(trace.text, object)):
            if words:
                dark = sum(mesh.cmap(mesh.norm(z[row, column]))[:3]) < 1.5
                ax.text(x[column], y[row], plain_text(str(words)), color="white" if dark else theme.INK, ha="center", va="center",
                        fontsize=(trace.textfont.size or 11) * PT_PER_PX, zorder=order + 1)  # fmt: skip
    return mesh


def colour_map(scale: Any) -> LinearSegmentedColormap:
    """A colour scale of plotly: places from 0 to 1 and their colours."""
    if not scale:
        raise refuse("a heat map without colours", scale)
    return LinearSegmentedColormap.from_list("plotly", [(float(at), colour(c)) for at, c in scale])


def _padded(value: Any, n: int, otherwise: Any = None) -> list:
    """One value for each point, or one alone where there is no point."""
    return _each(value, n, otherwise) or [otherwise]


def _each(value: Any, n: int, otherwise: Any = None) -> list:
    """One value for each point."""
    value = otherwise if value is None else value
    one = value is None or isinstance(value, str) or np.isscalar(value)
    return [value] * n if one else list(value)
