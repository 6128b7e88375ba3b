"""Two views as one: the maps of both, and left minus right."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ...errors import BrainlikeError
from .settings import refuse, view_settings
from .view import BrainView


def difference_view(left: BrainView, right: BrainView) -> BrainView:
    """Maps of both views and left minus right, drawn side by side by `component.two_brains`.

    Parameters
    ----------
    left, right : BrainView
        The same surface, as many maps, one unit; map i is compared with map i.
        Where locations differ, such as parcels of one recording and vertices
        of another, all maps are brought to vertices.

    Returns
    -------
    BrainView
        Maps (3 * n_maps, n_locations): the left ones, the right ones, the
        differences (NaN where either has no data), named as the left ones.
        Nothing is tested: ``significant`` is None.

    Raises
    ------
    BrainlikeError
        Another surface, number of maps or unit.
    """
    found = (right.surface.name, right.n_maps, right.unit)
    needed = (left.surface.name, left.n_maps, left.unit)
    if found != needed:
        raise BrainlikeError(
            "Two brains cannot be compared", found=str(found), needed=f"{needed} (surface, maps, unit)",
            do="make both views of the same surface and the same kind of maps",
        )  # fmt: skip
    same = left.location_names == right.location_names and np.array_equal(
        left.vertex_location, right.vertex_location
    )
    ours, theirs = (left, right) if same else (_on_vertices(left), _on_vertices(right))
    first, second = (np.asarray(view.maps, np.float32) for view in (ours, theirs))
    return dataclasses.replace(
        ours,
        maps=np.concatenate([first, second, first - second]),
        map_names=3 * left.map_names,
        captions=3 * left.captions,
        significant=None,
    )


def _on_vertices(view: BrainView) -> BrainView:
    """The same maps with one location per vertex, NaN where nothing is drawn."""
    maps = np.concatenate(
        [np.asarray(view.maps, np.float32), np.full((view.n_maps, 1), np.nan, np.float32)], 1
    )
    return dataclasses.replace(
        view,
        maps=maps[:, view.vertex_location],  # -1 is the last column
        vertex_location=np.arange(view.surface.n_vertices, dtype=np.int32),
        location_names=(),
        significant=None,
    )


def difference_settings(
    view: BrainView,
    titles: tuple[str, str],
    *,
    selected_map: int = 0,
    difference_threshold: float = 0.0,
    difference_limit: float | None = None,
    limit: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Check and gather what may change on a `difference_view` without packing it again.

    Parameters
    ----------
    view : BrainView
        Of `difference_view`.
    titles : (str, str)
        Left and right, in few words.
    selected_map : int
        Below a third of the view's maps.
    limit : float, optional
        Where the colours of left and right end; over the maps of both if omitted.
    difference_threshold, difference_limit : float
        The same of the difference.
    **options
        ``threshold, network, colour_map, height``: see `view_settings`.

    Raises
    ------
    ConfigError
        An option that is out of range.
    """
    n = view.n_maps // 3
    if not 0 <= selected_map < n:
        refuse("selected_map", selected_map, f"0 to {n - 1}")
    both, apart = (
        dataclasses.replace(view, maps=part, **_nameless(len(part)))
        for part in (view.maps[: 2 * n], view.maps[2 * n :])
    )
    settings = view_settings(
        view, selected_map=selected_map, limit=both.default_limit if limit is None else limit, **options
    )
    top = apart.default_limit if difference_limit is None else float(difference_limit)
    if not (np.isfinite(top) and top > 0):
        refuse("difference_limit", difference_limit, "more than 0")
    if not (np.isfinite(difference_threshold) and difference_threshold >= 0):
        refuse("difference_threshold", difference_threshold, "0 or more")
    return settings | {
        "titles": [*titles, f"{titles[0]} \u2212 {titles[1]}"],
        "difference_limit": top,
        "difference_threshold": float(difference_threshold),
    }


def _nameless(n: int) -> dict[str, Any]:
    return {"map_names": ("",) * n, "captions": (), "significant": None}
