"""Colours, type and the plotly template that all charts share.

Signs use the ends of ColorBrewer's RdBu, models the palette of Okabe and Ito
(2008), both safe for the common kinds of colour blindness. Seventeen networks
cannot all be told apart by colour alone, so a network's colour never stands
without its name.
"""

from __future__ import annotations

import plotly.graph_objects as go

INK = "#1B2430"
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

_NETWORK_COLOURS = {
    "default": "#C0504D",
    "lateral visual": "#4F6DB8",
    "medial visual": "#7FA6E0",
    "visual": "#4F6DB8",
    "frontoparietal": "#E0B040",
    "dorsal attention": "#3F9B52",
    "premotor": "#8FBF7A",
    "language": "#0E8C91",
    "salience": "#4A4A4A",
    "cingulo-opercular": "#7B4FA3",
    "hand somatomotor": "#5FC4C9",
    "face somatomotor": "#E08A3C",
    "foot somatomotor": "#2E6E73",
    "somatomotor": "#5FC4C9",
    "auditory": "#D08FC7",
    "anterior mtl": "#9C8F6B",
    "posterior mtl": "#C7B98A",
    "parietal memory": "#3D63A8",
    "context": "#A8A29A",
    "limbic": "#C7B98A",
}
_SPARE_COLOURS = tuple(dict.fromkeys(_NETWORK_COLOURS.values()))


def network_colour(name: str, index: int = 0) -> str:
    """The colour of a network: by its name where known, else by its place in the atlas.

    Examples
    --------
    >>> network_colour("Language") == network_colour("language")
    True
    >>> network_colour("Never heard of", 3).startswith("#")
    True
    """
    return _NETWORK_COLOURS.get(name.lower(), _SPARE_COLOURS[index % len(_SPARE_COLOURS)])


def model_colours(models: list[str]) -> dict[str, str]:
    """One colour per model name, in order of first appearance; more than seven share colours.

    Examples
    --------
    >>> model_colours(["a", "b", "a"])
    {'a': '#0072B2', 'b': '#D55E00'}
    """
    names = dict.fromkeys(models)
    return {name: MODEL_COLOURS[i % len(MODEL_COLOURS)] for i, name in enumerate(names)}


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
