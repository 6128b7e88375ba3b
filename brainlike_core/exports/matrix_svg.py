"""The matrix of sub-groups and networks as SVG for a page of HTML: each square says what it is when it is pointed at."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..figures import theme
from ..figures.chart_table import plain_text

_LEFT, _TOP, _STEP_X, _STEP_Y = 150, 8, 13.0, 22.0


def matrix_svg(chart: go.Figure) -> str:
    """Draw ``matrix.correspondence_matrix`` as SVG.

    Parameters
    ----------
    chart : plotly.graph_objects.Figure
        Of square markers, with ``customdata`` (atom, network) and ``text``.

    Returns
    -------
    str
        ``<svg>``; a square is a ``<rect>`` with ``data-atom`` and a ``<title>``.
    """
    rows = list(chart.layout.yaxis.ticktext)
    columns = int(max(max(trace.x, default=0) for trace in chart.data)) + 1
    step = min(max(_STEP_X, 820 / columns), 40)
    wide, tall = _LEFT + step * columns + 10, _TOP + _STEP_Y * len(rows) + 36
    parts = [
        f'<line x1="{_LEFT}" x2="{wide - 10:.0f}" y1="{_y(f):.1f}" y2="{_y(f):.1f}" stroke="{theme.GRID}"/>'
        f'<text x="{_LEFT - 8}" y="{_y(f) + 4:.1f}" text-anchor="end" fill="{theme.INK}">{html.escape(name)}</text>'
        for f, name in enumerate(rows)
    ]
    ticks = zip(chart.layout.xaxis.tickvals, chart.layout.xaxis.ticktext, strict=True)
    parts += [
        f'<text x="{_x(place, step):.1f}" y="{tall - 20:.0f}" text-anchor="middle" font-size="9" fill="{theme.QUIET}">{name}</text>'
        for place, name in ticks
    ]
    parts.append(
        f'<text x="{_LEFT + step * columns / 2:.0f}" y="{tall - 4:.0f}" text-anchor="middle" fill="{theme.QUIET}">sub-group (atom)</text>'
    )
    for trace in chart.data:
        parts += [] if trace.meta == "control" else _squares(trace, step)
    label = html.escape(f"Sub-groups against {len(rows)} networks; the table below has the same links")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{wide:.0f}" height="{tall:.0f}" '
        f'viewBox="0 0 {wide:.0f} {tall:.0f}">{"".join(parts)}</svg>'
    )


def _x(place: float, step: float) -> float:
    return _LEFT + step * (place + 0.5)


def _y(place: float) -> float:
    return _TOP + _STEP_Y * (place + 0.5)


def _squares(trace: go.Scatter, step: float) -> list[str]:
    sizes = np.broadcast_to(np.asarray(trace.marker.size, float), len(trace.x))
    rim = trace.marker.line.color or "none"
    drawn = []
    points: Sequence = list(zip(trace.x, trace.y, sizes, trace.customdata, trace.text, strict=True))
    for x, y, size, (atom, _), words in points:
        size = min(float(size), step - 1)
        drawn.append(
            f'<rect data-atom="{int(atom)}" x="{_x(x, step) - size / 2:.1f}" y="{_y(y) - size / 2:.1f}" width="{size:.1f}" height="{size:.1f}" '
            f'fill="{trace.marker.color}" stroke="{rim}" stroke-width="1.6"><title>{html.escape(plain_text(words))}</title></rect>'
        )
    return drawn
