"""The table behind a chart: what the pointer would read from it, for those who do not see it or want its numbers."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

_FIELD = re.compile(r"%\{(\w+)(?:\[(\d+)\])?(?::([^}]*))?\}")
# A mark this close to a named place belongs to it: marks of one place may stand beside each other.
_NEAR = 0.45
_AT_TOP = 0.02  # of the figure's height: words this close to the top of a panel are its title


def chart_table(chart: go.Figure) -> pd.DataFrame:
    """Every value that a chart shows, one row for each mark.

    Parameters
    ----------
    chart : plotly.graph_objects.Figure
        Of `Scatter`, `Bar`, `Histogram` and `Heatmap` traces. What answers no pointer and has no
        name (stems, fills, whiskers whose ends the mark tells itself) and controls are left out.

    Returns
    -------
    DataFrame
        ``panel`` and ``series`` where there are several; the places on both axes, called by the
        axis' title where all panels share it, ``name`` where it has names and no title, else ``x`` and ``y``; ``value`` of a cell; ``... from`` and ``... to``, the ends of error bars; ``reads``,
        what the pointer would read.
    """
    panels = _panels(chart)
    rows = [
        {"panel": panels[axes_of(trace)], "series": plain_text(trace.name)} | row
        for trace in chart.data
        if trace.meta != "control" and (trace.name or trace.hoverinfo != "skip")
        for row in _rows(chart, trace)
    ]
    order = ("panel", "series", "x", "x from", "x to", "y", "y from", "y to", "value", "reads")
    table = pd.DataFrame(rows, columns=[name for name in order if any(name in row for row in rows)])
    for name in ("panel", "series", "reads"):
        if name in table and (table[name].eq("").all() or (name == "panel" and len(panels) == 1)):
            del table[name]
    return _titled(chart, table.apply(_one_kind))


def plain_text(text: str | None) -> str:
    """The words of a plotly text: tags taken out, breaks kept.

    Examples
    --------
    >>> plain_text("<b>r 0.12</b>, p &lt; .05<br>n = 8")
    'r 0.12, p < .05\\nn = 8'
    """
    broken = re.sub(r"<br\s*/?>", "\n", text or "")
    return html.unescape(re.sub(r"</?[a-z]+[^<>]*>", "", broken))


def hover_text(template: str | None, values: dict[str, Any]) -> str:
    """What plotly writes beside the pointer, on one line.

    Examples
    --------
    >>> hover_text("<b>%{text}</b><br>r %{y:.2f}, p %{customdata[1]:.3f}<extra></extra>",
    ...            {"text": "a", "y": 0.123, "customdata": [4, 0.05]})
    'a · r 0.12, p 0.050'
    """

    def fill(found: re.Match) -> str:
        value = values.get(found[1])
        value = value[int(found[2])] if found[2] and value is not None else value
        return "" if value is None else _written(value, found[3])

    shown = re.sub("<extra>.*?</extra>", "", template or "")
    return plain_text(_FIELD.sub(fill, shown)).replace("\n", " · ").strip(" ·")


def _written(value: Any, form: str | None) -> str:
    """A value in the number format of d3, which is Python's but for SI prefixes."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | np.ndarray):
        return _written(value[0], form)
    return format(value, (form or "g").replace("s", "g"))


def axes_of(trace: Any) -> tuple[str, str]:
    """Names of a trace's axes, such as ``x`` and ``y2``."""
    return trace.xaxis or "x", trace.yaxis or "y"


def axis_named(chart: go.Figure, name: str) -> Any:
    """The axis of a name: that of ``x2`` is ``layout.xaxis2``."""
    return chart.layout[f"{name[0]}axis{name[1:]}"]


def _panels(chart: go.Figure) -> dict[tuple[str, str], str]:
    """Title of each pair of axes: the words above it, else its number."""
    found: dict[tuple[str, str], str] = {}
    for x, y in dict.fromkeys(axes_of(trace) for trace in chart.data):
        left, right = axis_named(chart, x).domain or (0, 1)
        top = (axis_named(chart, y).domain or (0, 1))[1]
        above = [
            plain_text(words.text).replace("\n", ", ")
            for words in chart.layout.annotations
            if words.xref == "paper" and left <= words.x <= right and abs(words.y - top) < _AT_TOP
        ]
        found[x, y] = above[0] if above else str(len(found) + 1)
    return found


def _rows(chart: go.Figure, trace: Any) -> Iterator[dict[str, Any]]:
    if trace.type == "heatmap":
        yield from _cells(trace)
        return
    empty = itertools.repeat(None)
    at = {axis: list(values) for axis in "xy" if (values := getattr(trace, axis)) is not None}
    templates = itertools.repeat(trace.hovertemplate)
    if not isinstance(trace.hovertemplate, str | None):
        templates = iter(trace.hovertemplate)
    names = {
        axis: _names(chart, place, at.get(axis, [])) for axis, place in zip("xy", axes_of(trace), strict=True)
    }
    parts = [
        empty if part is None else itertools.repeat(part) if isinstance(part, str) else part
        for part in (trace.text, trace.hovertext, trace.customdata)
    ]
    n = len(next(iter(at.values()), []))
    for i, template, text, hovertext, custom in zip(range(n), templates, *parts, strict=False):
        here = {axis: values[i] for axis, values in at.items()}
        if trace.type == "scatter" and any(_missing(value) for value in here.values()):
            continue  # a gap between two lines
        told = here | {"text": text, "hovertext": hovertext, "customdata": custom}
        ends = {} if trace.type == "histogram" else _ends(trace, here, i)
        yield (
            {axis: names[axis].get(value, value) for axis, value in here.items()}
            | ends
            | {"reads": "" if trace.type == "histogram" else hover_text(template, told)}
        )


def _cells(trace: go.Heatmap) -> Iterator[dict[str, Any]]:
    """One row for each cell of a heat map that has a value."""
    for (i, j), value in np.ndenumerate(np.asarray(trace.z, float)):
        told = {"x": trace.x[j], "y": trace.y[i], "z": value}
        for name in ("text", "customdata"):
            told[name] = None if trace[name] is None else trace[name][i][j]
        if not np.isnan(value):
            yield {
                "x": told["x"],
                "y": told["y"],
                "value": value,
                "reads": hover_text(trace.hovertemplate, told),
            }


def _ends(trace: Any, here: dict[str, Any], i: int) -> dict[str, float]:
    """Where the error bars of a mark end."""
    found: dict[str, float] = {}
    for axis, value in here.items():
        bars = trace[f"error_{axis}"]
        if bars.array is not None:
            below = bars.array if bars.arrayminus is None or bars.symmetric else bars.arrayminus
            found |= {f"{axis} from": value - below[i], f"{axis} to": value + bars.array[i]}
    return found


def _names(chart: go.Figure, axis: str, values: list) -> dict[Any, str]:
    """Value -> name, on an axis whose whole numbers stand for names; ``layout.meta`` has those without a tick."""
    spec, known = axis_named(chart, axis), [value for value in values if not _missing(value)]
    names = (chart.layout.meta or {}).get(axis)
    ticks, words = (range(len(names)), names) if names else (spec.tickvals, spec.ticktext)
    if ticks is None or words is None or not len(ticks) or any(isinstance(value, str) for value in known):
        return {}
    ticks, words = np.asarray(ticks, float), [plain_text(str(text)).replace("\n", ", ") for text in words]
    itself = all(_number(word) in (tick, -tick) for word, tick in zip(words, ticks, strict=True))
    whole = (ticks == ticks.round()).all() and (np.diff(np.sort(ticks)) == 1).all()
    if itself or not whole or any(np.abs(ticks - value).min() > _NEAR for value in known):
        return {}
    return {value: words[int(np.abs(ticks - value).argmin())] for value in known}


def _number(word: str) -> float | None:
    try:
        return float(word.replace("−", "-"))
    except ValueError:
        return None


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _one_kind(column: pd.Series) -> pd.Series:
    """Numbers as numbers; a column of numbers and names as words."""
    if column.map(lambda value: isinstance(value, str)).any():
        return column.map(lambda value: "" if _missing(value) else str(value))
    return pd.to_numeric(column)


def _titled(chart: go.Figure, table: pd.DataFrame) -> pd.DataFrame:
    """Columns of an axis by its title, where all panels share one."""
    called = {}
    for axis, at in (("x", 0), ("y", 1)):
        titles = {plain_text(axis_named(chart, axes_of(trace)[at]).title.text) for trace in chart.data} - {""}
        if len(titles) == 1:
            called[axis] = titles.pop()
    words = [
        axis
        for axis in "xy"
        if axis in table and axis not in called and not pd.api.types.is_numeric_dtype(table[axis])
    ]
    called |= {axis: "name" for axis in words if len(words) == 1}
    known = {
        **called,
        **{f"{axis} {end}": f"{name} {end}" for axis, name in called.items() for end in ("from", "to")},
    }
    return table if len(set(called.values())) < len(called) else table.rename(columns=known)
