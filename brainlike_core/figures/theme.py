"""Colours, type and the plotly template that all charts share.

Signs use the ends of ColorBrewer's RdBu, models the palette of Okabe and Ito
(2008), both safe for the common kinds of colour blindness. Seventeen networks
cannot all be told apart by colour alone, so a network's colour never stands
without its name.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from .families import family

INK = "#10151C"
QUIET = "#66707C"
FAINT = "#C9CCCB"
GRID = "#ECEBE6"
PAPER = "#FFFFFF"
ACCENT = "#0F5C66"
NULL_BAND = "rgba(102, 112, 124, 0.16)"
FONT = '"Source Sans", "Source Sans Pro", "Segoe UI", "Helvetica Neue", Arial, sans-serif'

ACTIVATION, DEACTIVATION = "#B2182B", "#2166AC"
SIGN_COLOURS = {"+": ACTIVATION, "-": DEACTIVATION}
SIGN_WORDS = {"+": "activation", "-": "deactivation"}
SHADES = ["#FFFFFF", "#DCEBEA", "#A9CFCD", "#6BABAA", "#2F8285", "#0F5C66", "#083A42"]

# Okabe and Ito 2008, https://jfly.uni-koeln.de/color/
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#3A3A3A")

# What a page on a dark ground shows in place of each: surfaces, ink and the sequential scale turn over.
DARK_PAPER = "#10191F"
_IN_DARK = {
    INK: "#E6EBEA", QUIET: "#A3B0B7", FAINT: "#46565F", GRID: "#202D35", PAPER: DARK_PAPER, ACCENT: "#7CC4C2",
    "#E4E3DD": "#24323A", "#D5D8D9": "#3A4850",
    **dict(zip(SHADES[1:], ["#173A41", "#1B565C", "#2F8285", "#6BABAA", "#A9CFCD", "#DCEBEA"], strict=True)),
}  # fmt: skip
_HEX = re.compile("#[0-9A-Fa-f]{6}")
_LEAST_CONTRAST = 3.0  # of a mark against its ground (WCAG 2.2, 1.4.11)


def model_colours(models: list[str]) -> dict[str, str]:
    """One colour per family of models, in order of first appearance, and its shades for the family's members.

    The first member is the lightest. More than seven families share colours.

    Examples
    --------
    >>> model_colours(["a", "b", "a"])
    {'a': '#0072B2', 'b': '#D55E00'}
    >>> list(model_colours(["gpt2", "gpt2-xl"]).values())
    ['#4C9CC9', '#004F7C']
    """
    families: dict[str, list[str]] = {}
    for name in dict.fromkeys(models):
        families.setdefault(family(name), []).append(name)
    found = {}
    for i, members in enumerate(families.values()):
        for j, name in enumerate(members):
            darker = 0.6 * j / (len(members) - 1) - 0.3 if len(members) > 1 else 0.0
            found[name] = _shade(MODEL_COLOURS[i % len(MODEL_COLOURS)], darker)
    return {name: found[name] for name in dict.fromkeys(models)}


def _shade(colour: str, darker: float) -> str:
    """A hex colour mixed with white (below 0) or with black (above), by this share."""
    ground = 0.0 if darker > 0 else 1.0
    mixed = [c + abs(darker) * (ground - c) for c in _rgb(colour)]
    return "#" + "".join(f"{int(255 * part):02X}" for part in mixed) if darker else colour


def _axis() -> dict:
    return {
        "gridcolor": GRID,
        "zerolinecolor": FAINT,
        "linecolor": FAINT,
        "ticks": "",
        "title": {"font": {"size": 13, "color": QUIET}, "standoff": 10},
        "tickfont": {"size": 12, "color": QUIET},
        "automargin": True,
    }


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {"font": {"size": 16, "color": INK}, "x": 0, "xanchor": "left"},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "colorway": list(MODEL_COLOURS),
        "hoverlabel": {
            "bgcolor": PAPER,
            "bordercolor": FAINT,
            "font": {"family": FONT, "size": 13, "color": INK},
            "align": "left",
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12},
            "bgcolor": "rgba(0,0,0,0)",
        },
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "xaxis": _axis(),
        "yaxis": _axis(),
        "dragmode": False,
        "hovermode": "closest",
    }
)


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the shared template and a height in pixels."""
    return figure.update_layout(template=TEMPLATE, height=height)


def enlarged(figure: go.Figure) -> go.Figure:
    """The same figure with larger type, for a projector."""
    for part in (figure.update_xaxes, figure.update_yaxes):
        part(tickfont_size=16, title_font_size=17)
    height = figure.layout.height
    figure.update_layout(font_size=17, legend_font_size=16, hoverlabel_font_size=17)
    return figure.update_layout(height=round(1.25 * height)) if height else figure


def in_dark(figure: go.Figure) -> go.Figure:
    """The same figure for a dark page: no colour is left that the ground would swallow.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Coloured by this file, as six-digit hex colours.
    """
    traces = [_each_colour(trace.to_plotly_json()) for trace in figure.data]
    return go.Figure(traces, _each_colour(figure.layout.to_plotly_json()))


def _each_colour(part: Any) -> Any:
    if isinstance(part, str):
        return dark_colour(part) if _HEX.fullmatch(part) else part
    if isinstance(part, Mapping):
        return {name: _each_colour(value) for name, value in part.items()}
    if isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype.kind in "OU"):
        return [_each_colour(value) for value in part]
    return part


def dark_colour(colour: str) -> str:
    """A colour on a dark page: its partner, or itself made lighter until it can be told from the ground.

    Examples
    --------
    >>> dark_colour(PAPER) == DARK_PAPER
    True
    >>> contrast(dark_colour("#3A3A3A"), DARK_PAPER) >= 3
    True
    """
    colour = _IN_DARK.get(colour.upper(), colour)
    if colour in _IN_DARK.values():
        return colour
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    while contrast(colour, DARK_PAPER) < _LEAST_CONTRAST:
        light += 0.02
        parts = colorsys.hls_to_rgb(hue, light, saturation)
        colour = "#" + "".join(f"{round(255 * part):02X}" for part in parts)
    return colour


def contrast(first: str, second: str) -> float:
    """Contrast of two hex colours, 1 to 21 (WCAG 2.2).

    Examples
    --------
    >>> round(contrast("#000000", "#FFFFFF"))
    21
    """
    low, high = sorted(_luminance(colour) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
