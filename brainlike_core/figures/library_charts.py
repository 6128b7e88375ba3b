"""Charts of the Library page: does a recording's clock fit its story, and the story's sound both?"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ..values import FitCheck
from . import theme

LAG_CAPTION = (
    "Largest r over locations between speech, or the level of its sound (haemodynamic response, same filter), and the "
    "mean listener. Dotted: 95 % of the largest r of 200 sign-randomised copies, over all lags and locations."
)
SOUND_CAPTION = (
    'r of the sound\'s level with "a word is being spoken", in steps of 0.1 s. Dotted: 95 % of the largest r of 200 '
    "sign-randomised sounds, over all lags."
)


def lag_curve(check: FitCheck, plausible_s: tuple[float, float] = (-1.5, 4.5)) -> go.Figure:
    """Largest r of speech, and of its sound, with the mean listener by lag; their nulls; where a right clock peaks."""
    figure = go.Figure()
    _band(figure, plausible_s, "a right clock peaks here")
    curves = [("speech", check.best_r, check.null_r, theme.INK)]
    places = ["top center"]
    if check.has_audio:
        curves.append(("its sound", check.audio_r, check.audio_null_r, theme.MODEL_COLOURS[0]))
        apart = check.audio_peak_lag_s - check.peak_lag_s
        places = ["top left", "top right"] if apart >= 0 else ["top right", "top left"]
    for (name, r, null_r, colour), place in zip(curves, places, strict=True):
        _curve(figure, name, check.lags_s, r, null_r, colour, plausible_s, place)
    theme.styled(figure, 320)
    figure.update_layout(showlegend=check.has_audio, legend={"orientation": "h", "y": 1.14, "x": 0})
    figure.update_xaxes(title="the brain follows the haemodynamic response by (s)")
    top = max(float(r.max()) for _, r, _, _ in curves)
    figure.update_yaxes(title="largest r over locations", range=[0, 1.4 * max(top, check.null_r)])
    return figure


def sound_curve(check: FitCheck, good_s: float = 0.5) -> go.Figure:
    """r of the sound with its words by lag, its null, and where a right clock peaks."""
    figure = go.Figure()
    _band(figure, (-good_s, good_s), "one clock")
    _curve(
        figure, "sound", check.sound_lags_s, check.sound_r, check.sound_null_r, theme.MODEL_COLOURS[0],
        (-good_s, good_s), mode="lines",
    )  # fmt: skip
    theme.styled(figure, 260)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="the sound comes after its words by (s)")
    low, high = min(float(check.sound_r.min()), 0.0), float(check.sound_r.max())
    figure.update_yaxes(title="r with the words", range=[1.1 * low, 1.5 * max(high, check.sound_null_r)])
    return figure


def _band(figure: go.Figure, where: tuple[float, float], text: str) -> None:
    figure.add_vrect(
        *where, fillcolor=theme.GRID, opacity=0.9, line_width=0, layer="below", annotation_text=text,
        annotation_position="top", annotation_font={"size": 11, "color": theme.QUIET},
    )  # fmt: skip


def _curve(
    figure: go.Figure, name: str, lags: np.ndarray, r: np.ndarray, null_r: float, colour: str,
    plausible: tuple[float, float], place: str = "top center", mode: str = "lines+markers",
) -> None:  # fmt: skip
    """A curve, its null, and its peak: red where a right clock does not peak, hollow where nothing beats the null."""
    figure.add_trace(
        go.Scatter(
            x=lags, y=r, mode=mode, name=name, line={"color": colour, "width": 2}, marker={"size": 5},
            hovertemplate="%{x:+.1f} s<br>r %{y:.2f}<extra>" + name + "</extra>",
        )
    )  # fmt: skip
    figure.add_hline(null_r, line={"color": colour, "dash": "dot", "width": 1.2}, opacity=0.7)
    peak, best = float(lags[r.argmax()]), float(r.max())
    told, right = best > null_r, plausible[0] <= peak <= plausible[1]
    shade = theme.QUIET if not told else colour if right else theme.ACTIVATION
    figure.add_trace(
        go.Scatter(
            x=[peak], y=[best], mode="markers+text", text=[f"<b>{peak:+.1f} s</b>"], textposition=place,
            textfont={"color": shade, "size": 14}, showlegend=False, hoverinfo="skip", cliponaxis=False,
            marker={"color": shade if told else theme.PAPER, "size": 11, "line": {"color": shade, "width": 2}},
        )
    )  # fmt: skip
