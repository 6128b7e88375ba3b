"""The viewer in a file: one page of HTML that needs no server, no network and no other file."""

from __future__ import annotations

import base64
import html
import json
import zlib
from typing import Any

from .packing import digest
from .scripts import VIEWER, script, style
from .settings import view_settings
from .view import BrainView

_SCRIPT = "brain viewer script"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1b2430; background: #fff; max-width: 1500px; margin: 2rem auto; padding: 0 1.5rem; }}
h1 {{ font: 600 1.6rem/1.25 Georgia, serif; }}
p {{ max-width: 75ch; color: #66707c; }}
</style>
</head>
<body>
<h1>{title}</h1>
{figure}
<p>{caption}</p>
</body>
</html>
"""


def standalone_html(view: BrainView, *, title: str, caption: str = "", **options: Any) -> str:
    """A page of one interactive figure that opens from a file.

    Parameters
    ----------
    view : BrainView
    title, caption : str
        Plain text above and below the figure.
    **options
        ``selected_map, threshold, limit, network, colour_map, height``: see `view_settings`.

    Returns
    -------
    str
        A whole HTML document.

    Raises
    ------
    ConfigError
        An option that is out of range.
    """
    figure = html_fragment(view, set(), **options)
    return _PAGE.format(title=html.escape(title), figure=figure, caption=html.escape(caption))


def html_fragment(view: BrainView, held: set[str], *, otherwise: str = "", **options: Any) -> str:
    """One interactive figure for a page of HTML: script, style and bytes in the fragment itself.

    Parameters
    ----------
    view : BrainView
    held : set of str
        What earlier fragments of the same page hold already; start with an empty
        set and pass the same one each time. Script, style and equal bytes, such
        as the surface, are then written once. Filled by this call.
    otherwise : str
        HTML shown where the browser has no WebGL2, such as an ``<img>``.
    **options
        ``selected_map, threshold, limit, network, colour_map, height``: see `view_settings`.

    Raises
    ------
    ConfigError
        An option that is out of range.
    """
    settings = view_settings(view, **options) | {"key": f"figure-{len(held)}"}
    parts = [f'<div data-brain-figure="{html.escape(json.dumps(settings))}">{otherwise}</div>']
    for payload in (view.geometry_payload, view.maps_payload):
        name = digest(payload)
        if name not in held:
            parts.append(f'<script type="text/plain" data-brain-block="{name}">{_packed(payload)}</script>')
            held.add(name)
    if _SCRIPT not in held:
        parts.append(f"<template data-brain-style>{style()}</template>")
        parts.append(f'<script type="module">\n{script("arrival.js", *VIEWER, "stand_alone.js")}</script>')
    held |= {_SCRIPT, settings["key"]}
    return "\n".join(parts)


def _packed(payload: bytes) -> str:
    return base64.b64encode(zlib.compress(payload, 9)).decode("ascii")
