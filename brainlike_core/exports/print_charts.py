"""A chart of the app (plotly) as a figure for print (matplotlib): same data, same layout, real text.

The rule: whatever `figures` makes is converted here, trace by trace and axis by axis;
no chart is drawn a second time by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, MultipleLocator, NullLocator, PercentFormatter

from ..figures import theme
from ..figures.chart_table import axes_of, axis_named, plain_text
from . import paper, print_traces
from .paper import PT_PER_PX, colour, inches

_GAP_IN = 0.06
_DEFAULT_PX = 360
_BAR_IN = 0.5  # what a colour bar takes at the right


class _Place:
    """One pair of axes: where it lies, the words of its axes, and the line that was drawn last."""

    def __init__(self, ax: Any, x: Any, y: Any) -> None:
        self.ax, self.axes = ax, {"x": x, "y": y}
        self.words: dict[str, list[str]] = {"x": [], "y": []}
        self.last_y: np.ndarray | None = None
        self.left = (x.domain or (0, 1))[0], (y.domain or (0, 1))[0]
        self.size = (x.domain or (0, 1))[1] - self.left[0], (y.domain or (0, 1))[1] - self.left[1]

    def numbers(self, axis: str, values: Any) -> np.ndarray:
        """Values on an axis; words take places in the order of their first appearance."""
        values = np.asarray([] if values is None else values)
        if values.dtype.kind in "iufb" and self.axes[axis].type != "category":
            return values.astype(float)
        if values.dtype.kind == "O" and all(v is None or isinstance(v, int | float) for v in values.tolist()):
            return np.array([np.nan if v is None else v for v in values.tolist()], float)
        known = self.words[axis]
        known += [word for word in dict.fromkeys(map(str, values.tolist())) if word not in known]
        return np.array([known.index(str(word)) for word in values.tolist()], float)


def print_chart(chart: go.Figure, title: str = "", caption: str = "") -> Figure:
    """Draw a chart of the app for print.

    Parameters
    ----------
    chart : plotly.graph_objects.Figure
        Of `Scatter`, `Bar`, `Histogram` and `Heatmap` traces.
    title, caption : str
        Plain text above and below.

    Returns
    -------
    matplotlib Figure
        180 mm wide. See `paper.print_files`.

    Raises
    ------
    BrainlikeError
        A trace, or a part of one, that is not known here.
    """
    with paper.style():
        height = inches(chart.layout.height or _DEFAULT_PX)
        figure = Figure(figsize=(paper.WIDTH_IN, height), dpi=paper.DPI, label=title)
        places = _axes(figure, chart)
        handles, bars = _draw(chart, places)
        _reach(chart, places)
        for place in places.values():
            for axis in "xy":
                _dress(place, axis)
        _shapes(chart, places)
        _words(figure, chart, places)
        _arrange(figure, chart, places, handles, bars, title, caption)
    return figure


# -- axes ---------------------------------------------------------------------------


def _axes(figure: Figure, chart: go.Figure) -> dict[tuple[str, str], _Place]:
    places: dict[tuple[str, str], _Place] = {}
    for trace in chart.data:
        key = axes_of(trace)
        if key not in places:
            places[key] = _Place(
                figure.add_axes((0.1, 0.1, 0.8, 0.8)), *(axis_named(chart, name) for name in key)
            )
    return places


def _dress(place: _Place, axis: str) -> None:
    """Range, ticks, grid and title of one axis."""
    spec, ax = place.axes[axis], place.ax
    side = ax.xaxis if axis == "x" else ax.yaxis
    ax.spines[["top", "right"]].set_visible(False)
    if spec.type == "log":
        getattr(ax, f"set_{axis}scale")("log")
    limits = getattr(ax, f"set_{axis}lim")
    if spec.range is not None:
        limits(*(10 ** np.array(spec.range, float) if spec.type == "log" else spec.range))
    elif spec.rangemode == "tozero":
        limits(min(0, getattr(ax, f"get_{axis}lim")()[0]), None)
    if spec.autorange == "reversed":
        limits(*sorted(getattr(ax, f"get_{axis}lim")(), reverse=True))
    _ticks(place, axis, side)
    shown = spec.visible is not False
    ax.spines["bottom" if axis == "x" else "left"].set_visible(shown)
    ax.grid(shown and spec.showgrid is not False, axis=axis)
    if (
        shown
        and spec.showgrid is not False
        and spec.zeroline is not False
        and spec.type not in ("log", "category")
        and not place.words[axis]
    ):
        low, high = sorted(getattr(ax, f"get_{axis}lim")())
        if low < 0 < high:
            line = ax.axvline if axis == "x" else ax.axhline
            line(0, color=theme.FAINT, linewidth=0.8, zorder=0.5)
    side.set_label_text(plain_text(spec.title.text) if shown else "", fontsize=13 * PT_PER_PX)


def _ticks(place: _Place, axis: str, side: Any) -> None:
    spec, words = place.axes[axis], place.words[axis]
    side.set_minor_locator(NullLocator())
    size = (spec.tickfont.size or 12) * PT_PER_PX
    place.ax.tick_params(axis, labelsize=size, length=0, pad=3)
    if spec.tickfont.color:
        place.ax.tick_params(axis, labelcolor=colour(spec.tickfont.color))
    if spec.tickvals is not None:
        values = [float(value) for value in spec.tickvals]
        texts = spec.ticktext if spec.ticktext is not None else [f"{value:g}" for value in values]
        side.set_ticks(values, [plain_text(str(text)) for text in texts])
    elif words:
        side.set_ticks(range(len(words)), [plain_text(word) for word in words])
    elif spec.dtick is not None:
        side.set_major_locator(MultipleLocator(float(spec.dtick)))
    elif spec.type != "log":
        side.set_major_locator(MaxNLocator(spec.nticks or 6, steps=[1, 2, 2.5, 5, 10]))
    if spec.tickformat and spec.tickformat.endswith("%"):
        side.set_major_formatter(PercentFormatter(1, decimals=0))
    elif spec.tickformat:
        raise print_traces.refuse("a format of ticks", spec.tickformat)
    if spec.visible is False or spec.showticklabels is False or (axis == "y" and _inner(spec, place)):
        place.ax.tick_params(axis, labelbottom=False, labelleft=False)
    if spec.visible is False:
        side.set_ticks([])


def _inner(spec: Any, place: _Place) -> bool:
    """A y axis that is shared with the panel at its left."""
    return bool(spec.matches) and place.left[0] > 0


# -- traces -------------------------------------------------------------------------


def _draw(chart: go.Figure, places: dict[tuple[str, str], _Place]) -> tuple[dict[str, Any], list[tuple]]:
    """Every trace on its axes; handles of the legend by name, and what has a colour bar."""
    handles: dict[str, Any] = {}
    bars = []
    legend = chart.layout.showlegend
    legend = len(chart.data) > 1 if legend is None else legend
    for order, trace in enumerate(chart.data, 2):
        if trace.visible in (False, "legendonly") or trace.meta == "control":  # of no use on paper
            continue
        place = places[axes_of(trace)]
        handle = _draw_one(chart, trace, place, order)
        if isinstance(trace, go.Heatmap):
            if trace.showscale is not False:
                bars.append((place, handle, trace.colorbar))
        elif legend and trace.showlegend is not False and trace.name and handle is not None:
            handles.setdefault(plain_text(trace.name), handle)
    return handles, bars


def _draw_one(chart: go.Figure, trace: Any, place: _Place, order: int) -> Any:
    ax = place.ax
    if isinstance(trace, go.Histogram):
        return print_traces.histogram(ax, trace, order)
    x, y = place.numbers("x", trace.x), place.numbers("y", trace.y)
    if isinstance(trace, go.Heatmap):
        return print_traces.heatmap(ax, trace, x, y, order)
    if isinstance(trace, go.Bar):
        return print_traces.bar(ax, trace, x, y, order, _bar_place(chart, trace))
    if isinstance(trace, go.Scatter):
        handle = print_traces.scatter(ax, trace, x, y, order, place.last_y)
        place.last_y = y
        return handle
    raise print_traces.refuse("a trace", trace.type)


def _bar_place(chart: go.Figure, trace: go.Bar) -> tuple[float, float]:
    """Bars of several traces stand side by side, or on one another where the layout says so."""
    gap = 0.2 if chart.layout.bargap is None else float(chart.layout.bargap)
    if chart.layout.barmode == "overlay":
        return 0.0, 1 - gap
    if chart.layout.barmode not in (None, "group"):
        raise print_traces.refuse("a mode of bars", chart.layout.barmode)
    own = [
        one
        for one in chart.data
        if isinstance(one, go.Bar) and (one.xaxis, one.yaxis) == (trace.xaxis, trace.yaxis)
    ]
    width = (1 - gap) / len(own)
    return (next(i for i, one in enumerate(own) if one is trace) - (len(own) - 1) / 2) * width, width


def _reach(chart: go.Figure, places: dict[tuple[str, str], _Place]) -> None:
    """Axes without a range of their own reach as far as the lines and bands drawn across them."""
    for shape in chart.layout.shapes:
        place = _where(places, shape.xref, shape.yref)
        across = [_by_fraction(ref) for ref in (shape.xref, shape.yref)]
        ends = [(shape.x0, shape.y0), (shape.x1, shape.y1)]
        points = [[0 if away else end for end, away in zip(point, across, strict=True)] for point in ends]
        place.ax.update_datalim(points, updatex=not across[0], updatey=not across[1])
        place.ax.autoscale_view()


def _by_fraction(ref: str | None) -> bool:
    """Whether places are fractions of the axes or of the paper, not values of the data."""
    return str(ref).endswith(("domain", "paper"))


# -- shapes and words ---------------------------------------------------------------


def _shapes(chart: go.Figure, places: dict[tuple[str, str], _Place]) -> None:
    """Lines and bands across the axes."""
    for shape in chart.layout.shapes:
        place = _where(places, shape.xref, shape.yref)
        transform = {
            (False, False): place.ax.transData, (True, False): place.ax.get_yaxis_transform(),
            (False, True): place.ax.get_xaxis_transform(), (True, True): place.ax.transAxes,
        }[_by_fraction(shape.xref), _by_fraction(shape.yref)]  # fmt: skip
        limits = place.ax.axis()
        order = 0.4 if shape.layer == "below" else 40
        if shape.type == "line":
            place.ax.plot(
                [shape.x0, shape.x1], [shape.y0, shape.y1], transform=transform, zorder=order, scalex=False, scaley=False,
                color=colour(shape.line.color or theme.INK, shape.opacity), linewidth=(shape.line.width or 2) * PT_PER_PX,
                linestyle=print_traces.DASHES[shape.line.dash],
            )  # fmt: skip
        elif shape.type == "rect":
            corner, size = (shape.x0, shape.y0), (shape.x1 - shape.x0, shape.y1 - shape.y0)
            face = colour(shape.fillcolor, shape.opacity) if shape.fillcolor else "none"
            place.ax.add_patch(
                Rectangle(corner, *size, transform=transform, facecolor=face, edgecolor="none", zorder=order)
            )
        else:
            raise print_traces.refuse("a shape", shape.type)
        place.ax.axis(limits)


def _where(places: dict[tuple[str, str], _Place], xref: str | None, yref: str | None) -> _Place:
    """The axes that a shape or a text belongs to; the first where it belongs to the paper."""
    x, y = ((ref or axis).split(" ")[0] for ref, axis in ((xref, "x"), (yref, "y")))
    fits = [place for key, place in places.items() if x in (key[0], "paper") and y in (key[1], "paper")]
    return fits[0] if fits else next(iter(places.values()))


def _words(figure: Figure, chart: go.Figure, places: dict[tuple[str, str], _Place]) -> None:
    """Annotations; those of the paper are put into the axes above which they stand."""
    for note in chart.layout.annotations:
        on_paper = note.xref == note.yref == "paper"
        place = _under(places, note) if on_paper else _where(places, note.xref, note.yref)
        x, y = note.x, note.y
        if on_paper:
            x = (note.x - place.left[0]) / place.size[0]
            y = (note.y - place.left[1]) / place.size[1]
        kinds = tuple("axes fraction" if _by_fraction(ref) else "data" for ref in (note.xref, note.yref))
        place.ax.annotate(
            plain_text(note.text), (x, y), xycoords=kinds, textcoords="offset points", annotation_clip=False,
            xytext=((note.xshift or 0) * PT_PER_PX, (note.yshift or 0) * PT_PER_PX + (2 if on_paper else 0)),
            ha=note.xanchor if note.xanchor in ("left", "right") else "center", zorder=50, rotation=-(note.textangle or 0),
            va={"bottom": "bottom", "top": "top"}.get(note.yanchor or "", "center"),
            fontsize=(note.font.size or 13) * PT_PER_PX, color=colour(note.font.color or theme.INK),
            fontweight="bold" if (note.text or "").startswith("<b>") else "normal",
        )  # fmt: skip


def _under(places: dict[tuple[str, str], _Place], note: Any) -> _Place:
    """The panel whose top edge a title of the paper stands on."""

    def away(place: _Place) -> float:
        top = abs(place.left[1] + place.size[1] - note.y)
        beside = max(place.left[0] - note.x, note.x - place.left[0] - place.size[0], 0)
        return float(top + beside)

    return min(places.values(), key=away)


# -- the sheet ----------------------------------------------------------------------


def _arrange(
    figure: Figure, chart: go.Figure, places: dict[tuple[str, str], _Place], handles: dict[str, Any],
    bars: list[tuple], title: str, caption: str,
) -> None:  # fmt: skip
    """Title, legend, panels and caption from top to bottom, as high as they need to be."""
    plot = figure.get_figheight()
    below = bool(chart.layout.legend.y is not None and chart.layout.legend.y < 0)
    legend, legend_in = _legend(figure, handles)
    top = paper.title_height(title) + (0 if below else legend_in)
    bottom = paper.caption_height(caption) + (legend_in if below else 0)
    figure.set_figheight(plot + top + bottom)
    right = _BAR_IN if bars else 0.0
    margins = np.array([0.4, 0.1 + right, 0.3, 0.1])  # left, right, bottom, top
    for _ in range(2):  # as wide as the labels turn out to be
        _put(figure, places, margins, top, bottom)
        wide, tall = figure.get_size_inches()
        most = np.array([wide, wide, tall, tall]) * 0.45  # whatever the words are, the panels stay
        margins = np.clip(margins + _overflow(figure, places, top, bottom, right), 0.02, most)
    _put(figure, places, margins, top, bottom)
    if legend is not None:
        height = figure.get_figheight()
        up = bottom / height if below else 1 - paper.title_height(title) / height
        legend.set_loc("upper left")
        legend.set_bbox_to_anchor((0.006, up))
    for place, mesh, spec in bars:
        _colour_bar(figure, place, mesh, spec)
    if title:
        paper.write_title(figure, title)
    if caption:
        paper.write_caption(figure, caption)


def _put(
    figure: Figure, places: dict[tuple[str, str], _Place], margins: np.ndarray, top: float, bottom: float
) -> None:
    """Give each panel its share of what the margins (inches) leave."""
    width, height = figure.get_size_inches()
    left, right, low, high = margins
    wide, tall = width - left - right, height - top - bottom - low - high
    for place in places.values():
        place.ax.set_position(
            (
                (left + place.left[0] * wide) / width, (bottom + low + place.left[1] * tall) / height,
                place.size[0] * wide / width, place.size[1] * tall / height,
            )
        )  # fmt: skip


def _overflow(
    figure: Figure, places: dict[tuple[str, str], _Place], top: float, bottom: float, right: float
) -> np.ndarray:
    """Inches by which words stand out of the sheet at each side (less than 0: room that is not needed)."""
    figure.draw_without_rendering()
    boxes = [
        place.ax.get_tightbbox().transformed(figure.dpi_scale_trans.inverted()) for place in places.values()
    ]
    width, height = figure.get_size_inches()
    return np.array(
        [
            _GAP_IN - min(box.x0 for box in boxes),
            max(box.x1 for box in boxes) - (width - _GAP_IN - right),
            bottom + _GAP_IN - min(box.y0 for box in boxes),
            max(box.y1 for box in boxes) - (height - top - _GAP_IN),
        ]
    )


def _legend(figure: Figure, handles: dict[str, Any]) -> tuple[Any, float]:
    """The legend with as many columns as fit, and its height in inches."""
    if not handles:
        return None, 0.0
    for columns in range(len(handles), 0, -1):
        # matplotlib fills columns: put in an order that reads row by row.
        names = [name for first in range(columns) for name in list(handles)[first::columns]]
        legend = figure.legend(
            [handles[name] for name in names], names, ncols=columns, frameon=False, fontsize=12 * PT_PER_PX,
            loc="upper left", borderaxespad=0, borderpad=0.2, handletextpad=0.5, columnspacing=1.6,
        )  # fmt: skip
        figure.draw_without_rendering()
        box = legend.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        if box.width <= figure.get_figwidth() - 0.1 or columns == 1:
            return legend, box.height + 0.04
        legend.remove()
    return None, 0.0


def _colour_bar(figure: Figure, place: _Place, mesh: Any, spec: Any) -> None:
    """A slim bar at the right edge of the sheet, beside its panel."""
    box, share = place.ax.get_position(), spec.len or 1.0
    width = figure.get_figwidth()
    height = min(box.height * share, 1.6 / figure.get_figheight())
    ax = figure.add_axes((1 - (_BAR_IN - 0.05) / width, box.y1 - height, 0.08 / width, height))
    bar = figure.colorbar(mesh, cax=ax)
    bar.outline.set_visible(False)  # type: ignore[operator]
    ax.tick_params(labelsize=10 * PT_PER_PX, length=0, pad=2)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.set_title(plain_text(spec.title.text), fontsize=10 * PT_PER_PX, color=theme.QUIET, pad=4)
