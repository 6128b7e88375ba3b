"""The browser's half as Python sends it: files joined into one script, nothing fetched."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from .colours import COLOUR_MAPS, colour_table

_FOLDER = Path(__file__).with_name("browser")
CANVAS = (
    "constants.js",
    "blocks.js",
    "meshes.js",
    "contours.js",
    "anatomy.js",
    "cameras.js",
    "shaders.js",
    "painter.js",
    "quick_painter.js",
    "colour_bar.js",
    "print.js",
    "canvas.js",
    "pointer.js",
    "controls.js",
)
VIEWER = (*CANVAS, "finder.js", "saved_views.js", "look.js", "viewer.js")
PAIR = (*VIEWER, "pair.js")
PLAYER = (*CANVAS, "ribbon.js", "course.js", "player.js")


@cache
def script(*files: str) -> str:
    """Files of the folder ``browser`` in this order, after the colour tables."""
    tables = {name: colour_table(name).tobytes().hex() for name in COLOUR_MAPS}
    return "\n".join([f"const COLOUR_TABLES = {json.dumps(tables)}", *map(_read, files)])


@cache
def style() -> str:
    """The style sheet of every brain picture."""
    return _read("viewer.css")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
