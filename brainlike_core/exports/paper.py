"""The sheet that a printed figure stands on: its type, its size, title and caption, and the three formats.

Text stays text: TrueType outlines in the PDF (fonttype 42) and ``<text>`` elements in
the SVG (fonttype none), so that both can be searched and edited. matplotlib draws;
no browser is asked, so this works without a network.
"""

from __future__ import annotations

import io
import re
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from ..figures import theme
from .names import Files

PT_PER_PX = 0.62  # a chart of 820 pixels fills a column of 7 inches; 13 px become 8 pt
WIDTH_IN = 180 / 25.4  # two columns of a journal
DPI = 300
_ONE_AT_A_TIME = threading.RLock()
FORMATS = ("png", "svg", "pdf")
_TITLE_PT, _CAPTION_PT = 9.5, 6.5
_CAPTION_LETTERS = 138  # that many of `_CAPTION_PT` fill a line of the sheet
_LINE = 1.35
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same figure on every machine
    "font.size": 13 * PT_PER_PX,
    "text.color": theme.INK,
    "axes.edgecolor": theme.FAINT,
    "axes.labelcolor": theme.QUIET,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": theme.FAINT,
    "ytick.color": theme.FAINT,
    "xtick.labelcolor": theme.QUIET,
    "ytick.labelcolor": theme.QUIET,
    "grid.color": theme.GRID,
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "brainlike",
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's settings for everything that is drawn inside."""
    with _ONE_AT_A_TIME, matplotlib.rc_context(_STYLE):  # its settings are the same for all threads
        yield


def inches(pixels: float) -> float:
    """Pixels of a chart on the screen as inches on paper."""
    return pixels * PT_PER_PX / 72


def colour(value: object, opacity: float | None = None) -> tuple[float, float, float, float]:
    """A colour of plotly as red, green, blue and opacity, 0 to 1.

    Examples
    --------
    >>> colour("rgba(255, 0, 0, 0.5)"), colour("#0000ff", 0.2)
    ((1.0, 0.0, 0.0, 0.5), (0.0, 0.0, 1.0, 0.2))
    """
    text = str(value)
    numbers = re.fullmatch(r"rgba?\(([^)]*)\)", text)
    if numbers:
        parts = [float(part) for part in numbers[1].split(",")]
        rgba = (parts[0] / 255, parts[1] / 255, parts[2] / 255, parts[3] if len(parts) > 3 else 1.0)
    else:
        rgba = to_rgba(text)
    return (*rgba[:3], rgba[3] * (1.0 if opacity is None else opacity))


def caption_height(caption: str) -> float:
    """Inches that a caption takes below a figure of full width."""
    return (len(_wrapped(caption)) * _CAPTION_PT * _LINE + 8) / 72 if caption else 0.0


def title_height(title: str) -> float:
    """Inches that a title takes above a figure."""
    return (_TITLE_PT * _LINE + 6) / 72 if title else 0.0


def write_title(figure: Figure, title: str) -> None:
    """The title, at the left edge of the sheet."""
    height = figure.get_figheight()
    figure.text(0.012, 1 - 4 / 72 / height, title, fontsize=_TITLE_PT, fontweight="bold", va="top", ha="left")


def write_caption(figure: Figure, caption: str) -> None:
    """The caption, below everything."""
    text = "\n".join(_wrapped(caption))
    place = (0.012, 4 / 72 / figure.get_figheight())
    figure.text(*place, text, fontsize=_CAPTION_PT, color=theme.QUIET, va="bottom", linespacing=_LINE)


def _wrapped(caption: str) -> list[str]:
    return textwrap.wrap(caption, _CAPTION_LETTERS)


def print_files(
    figure: Figure, stem: str, formats: tuple[str, ...] = FORMATS, dpi: int | None = None
) -> Files:
    """A figure as PNG (300 dpi if not said), SVG and PDF.

    Parameters
    ----------
    figure : matplotlib Figure
    stem : str
        File name without its ending.
    formats : tuple of str
    dpi : int, optional
    """
    files: Files = {}
    title = figure.get_label() or stem
    for kind in formats:
        # Nothing of the day of writing: equal figures are equal bytes.
        metadata = {
            "png": {"Title": title},
            "svg": {"Title": title, "Date": None},
            "pdf": {"Title": title, "CreationDate": None},
        }
        with style():
            sink = io.BytesIO()
            figure.savefig(sink, format=kind, dpi=dpi or DPI, metadata=metadata[kind], facecolor="white")
        files[f"{stem}.{kind}"] = sink.getvalue()
    return files
