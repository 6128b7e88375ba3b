"""The viewer as a Streamlit component, and what the browser tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from .difference import difference_settings
from .scripts import PAIR, PLAYER, VIEWER, script, style
from .settings import view_settings
from .story import StoryView, story_settings
from .view import BrainView


@dataclass(frozen=True)
class ViewerResult:
    """What the browser told.

    Attributes
    ----------
    pick : dict or None
        The vertex just clicked, see `BrainView.describe`, and ``map``, the map
        it was clicked on; None in every run
        that no click started.
    map : int or None
        The map on screen when scrubbing was released; None otherwise.
    webgl : bool
        False when the browser cannot draw: show `plotly_fallback`.
    """

    pick: dict[str, Any] | None
    map: int | None
    webgl: bool


def brain_viewer(
    view: BrainView,
    *,
    key: str,
    on_pick: Callable[[], None] | None = None,
    on_map: Callable[[], None] | None = None,
    **options: Any,
) -> ViewerResult:
    """Show the maps of a view as an interactive figure of a Streamlit page.

    A rerun with another map, threshold, limit, network or colour map redraws;
    camera and buffers stay. What the viewer changed by itself stays too until
    the page sends another value.

    Parameters
    ----------
    view : BrainView
        Keep one object per run (``st.cache_resource``): its packed bytes are remembered.
    key : str
        The Streamlit key.
    on_pick, on_map : callable, optional
        Called before the rerun that a click or a released scrubber starts.
    **options
        ``selected_map, threshold, limit, network, colour_map, height``: see `view_settings`.

    Returns
    -------
    ViewerResult

    Raises
    ------
    ConfigError
        A map, threshold, limit, network or colour map that is out of range.
    """
    return _mount(_VIEWER, view, view_settings(view, **options), key, on_pick or _nothing, on_map or _nothing)


def _mount(
    component: Callable[..., Any],
    view: BrainView,
    settings: dict[str, Any],
    key: str,
    on_pick: Callable[[], None],
    on_map: Callable[[], None],
) -> ViewerResult:
    """Bytes first and by themselves: Streamlit sends an unchanged message as its hash only."""
    with st.container(gap=None):
        _PAYLOAD(key=f"{key}-geometry", data=view.geometry_payload)
        _PAYLOAD(key=f"{key}-maps", data=view.maps_payload)
        told = component(
            key=key,
            data=settings | {"key": key},
            default={"webgl": True},
            on_pick_change=on_pick,
            on_map_change=on_map,
            on_webgl_change=_nothing,
        )
    return _result(view, told)


def two_brains(view: BrainView, titles: tuple[str, str], *, key: str, **options: Any) -> ViewerResult:
    """Show two brains and their difference on a Streamlit page: one camera, one map, one outline for all three.

    Parameters
    ----------
    view : BrainView
        Of `difference_view`; keep one object (``st.cache_resource``).
    titles : (str, str)
        Left and right, in few words.
    key : str
        The Streamlit key.
    **options
        See `difference_settings`.

    Returns
    -------
    ViewerResult
        ``map``, the one left on screen, lies below a third of the view's maps.

    Raises
    ------
    ConfigError
        An option that is out of range.
    """
    settings = difference_settings(view, titles, **options)
    return _mount(_PAIR, view, settings, key, _nothing, _nothing)


def story_player(story: StoryView, *, key: str, **options: Any) -> ViewerResult:
    """Play a story on a Streamlit page: brain, words and time course on one clock, all in the browser.

    Parameters
    ----------
    story : StoryView
        Keep one object per run (``st.cache_resource``): its packed bytes are remembered.
    key : str
        The Streamlit key.
    **options
        ``atom, network, height``: see `story_settings`.

    Returns
    -------
    ViewerResult
        ``pick`` is looked up in the measured maps, ``map`` of which is the TR; ``map`` is the TR at which
        the reader has just come to rest.

    Raises
    ------
    ConfigError
        An option that is out of range.
    """
    settings = story_settings(story, **options)
    with st.container(gap=None):
        _PAYLOAD(key=f"{key}-geometry", data=story.measured.geometry_payload)
        for name, payload in (
            ("measured", story.measured.maps_payload),
            ("predicted", story.predicted.maps_payload),
            ("story", story.payload),
        ):
            _PAYLOAD(key=f"{key}-{name}", data=payload)
        told = _PLAYER(
            key=key,
            data=settings,
            default={"webgl": True},
            on_pick_change=_nothing,
            on_map_change=_nothing,
            on_webgl_change=_nothing,
        )
    return _result(story.measured, told)


def _result(view: BrainView, told: Mapping[str, Any]) -> ViewerResult:
    """Take only two integers and a flag from the browser; look everything else up."""
    click = told.get("pick")
    click = click if isinstance(click, Mapping) else {}
    vertex = _index(click.get("vertex"), view.surface.n_vertices)
    shown = _index(click.get("map"), view.n_maps)
    pick = None
    if vertex is not None and shown is not None:
        pick = view.describe(shown, vertex) | {"map": shown}
    rests = _index(told.get("map"), view.n_maps)
    return ViewerResult(
        pick=pick,
        map=pick["map"] if pick and rests is None else rests,  # a click tells the map as well
        webgl=told.get("webgl") is not False,
    )


def _index(value: object, end: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value) if 0 <= value < end else None


def _nothing() -> None:
    """Declare an event to Streamlit without acting on it."""


# Every mount runs in a module of its own, so the blocks meet in one table of the window.
_PAYLOAD = st.components.v2.component(
    "brainlike.brain_viewer_block", js=script("arrival.js", "mount_block.js"), html="<i hidden></i>\n"
)
_VIEWER = st.components.v2.component(
    "brainlike.brain_viewer",
    html='<div class="viewer"></div>\n',
    css=style(),
    js=script(*VIEWER, "mount.js"),
)
_PLAYER = st.components.v2.component(
    "brainlike.story_player",
    html='<div class="viewer"></div>\n',
    css=style(),
    js=script(*PLAYER, "mount_player.js"),
)
_PAIR = st.components.v2.component(
    "brainlike.two_brains",
    html='<div class="viewer"></div>\n',
    css=style(),
    js=script(*PAIR, "mount_pair.js"),
)
