"""Charts of the Library page: does a recording's clock fit its story?"""

from __future__ import annotations

import plotly.graph_objects as go

from ..values import FitCheck
from . import theme


def lag_curve(check: FitCheck, plausible_s: tuple[float, float] = (-1.5, 4.5)) -> go.Figure:
    """Largest r between speech and the mean listener by lag, its null, and where a right clock peaks."""
    figure = go.Figure()
    figure.add_vrect(*plausible_s, fillcolor=theme.GRID, opacity=0.8, line_width=0, layer="below")
    figure.add_trace(
        go.Scatter(
            x=check.lags_s, y=check.best_r, mode="lines+markers", showlegend=False,
            line={"color": theme.INK, "width": 2}, marker={"size": 5},
            hovertemplate="brain %{x:+.1f} s after the response<br>r %{y:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(check.null_r, line={"color": theme.QUIET, "dash": "dot", "width": 1.5})
    top = int(check.best_r.argmax())
    figure.add_annotation(
        x=check.lags_s[top], y=float(check.best_r[top]), text=f"<b>{check.peak_lag_s:+.1f} s</b>",
        showarrow=False, yshift=14,
    )  # fmt: skip
    theme.styled(figure, 300)
    figure.update_xaxes(title="brain follows the haemodynamic response to speech by (s)")
    figure.update_yaxes(title="largest r over locations", rangemode="tozero")
    return figure
