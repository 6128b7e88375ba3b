"""What a reader may change on a view, checked."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ...errors import ConfigError
from .colours import COLOUR_MAPS
from .packing import digest
from .view import BrainView


def view_settings(
    view: BrainView,
    *,
    selected_map: int = 0,
    threshold: float = 2.3,
    limit: float | None = None,
    network: str | None = None,
    colour_map: str = "RdBu_r",
    height: int = 460,
) -> dict[str, Any]:
    """Check and gather what may change on a view without packing it again, as JSON values.

    Parameters
    ----------
    view : BrainView
    selected_map : int
    threshold : float
        Magnitudes below it are not coloured.
    limit : float, optional
        Where the colours end; `BrainView.default_limit` if omitted.
    network : str, optional
        The network to outline.
    colour_map : {'RdBu_r', 'vik', 'cividis'}
    height : int
        Pixels of the whole figure, controls included; a page narrower than 900
        pixels stacks the four views two by two and takes up to 1.4 times as much.

    Raises
    ------
    ConfigError
        A map, threshold, limit, network or colour map that is out of range.
    """
    top = view.default_limit if limit is None else float(limit)
    names = view.networks.networks
    if not 0 <= selected_map < view.n_maps:
        refuse("selected_map", selected_map, f"0 to {view.n_maps - 1}")
    if not (np.isfinite(threshold) and threshold >= 0):
        refuse("threshold", threshold, "0 or more")
    if not (np.isfinite(top) and top > 0):
        refuse("limit", limit, "more than 0")
    if network is not None and network not in names:
        refuse("network", network, f"one of {', '.join(names)}")
    if colour_map not in COLOUR_MAPS:
        refuse("colour_map", colour_map, f"one of {', '.join(COLOUR_MAPS)}")
    if not 200 <= height <= 4000:
        refuse("height", height, "200 to 4000 pixels")
    return {
        "geometry": digest(view.geometry_payload),
        "maps": digest(view.maps_payload),
        "selected_map": int(selected_map),
        "threshold": float(threshold),
        "limit": top,
        "network": names.index(network) + 1 if network else 0,
        "colour_map": colour_map,
        "height": int(height),
    }


def refuse(name: str, found: object, needed: str) -> NoReturn:
    """Say which setting is out of range."""
    raise ConfigError(f"Invalid value for {name}", found=repr(found), needed=needed, do=f"change {name}")
