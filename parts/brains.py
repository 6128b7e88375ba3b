"""Brains: what a run draws on the cortical surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from brainlike_core import inventory
from brainlike_core.figures import captions, charts
from brainlike_core.figures.brain_viewer import BrainView, difference_view, digest, plotly_fallback, redrawn
from brainlike_core.figures.brain_viewer.component import ViewerResult, brain_viewer, two_brains
from brainlike_core.values import Run

from . import places
from .frame import room
from .pickers import switch
from .runs import load_run, regions
from .selection import slug
from .shown import note_brain


def atom_view(run_id: str) -> BrainView:
    """The group maps of all sub-groups of a run, on the mesh of the address."""
    return _atom_view(run_id, mesh())


@st.cache_resource(max_entries=12, show_spinner=False)
def _atom_view(run_id: str, on: str) -> BrainView:
    run = load_run(run_id)
    names = charts.atom_names(run.correspondence, run.dictionary.names)
    said = tuple(captions.atom_map(run, atom, mesh_title(on)) for atom in range(len(names)))
    return view_of(run, on, run.encoding.z_maps, names, "z", captions=said)


def score_view(run_id: str) -> BrainView:
    """Held-out r and noise ceiling of a run, on the mesh of the address."""
    return _score_view(run_id, mesh())


@st.cache_resource(max_entries=12, show_spinner=False)
def _score_view(run_id: str, on: str) -> BrainView:
    run = load_run(run_id)
    maps, names = charts.score_maps(run)
    said = (captions.score_map(run, mesh_title(on)),) * len(names)
    return view_of(run, on, maps, names, "r", captions=said)


def view_of(run: Run, on: str, maps: Any, names: Sequence[str], unit: str, **marks: Any) -> BrainView:
    """Maps of a run's locations on a mesh, by its name."""
    r = run.recording
    place = (inventory.surface(), run.atlas, regions(), r.locations, r.vertex_location)
    view = BrainView(*place, maps, tuple(names), unit, **marks)
    return view if on == captions.DATA_MESH else redrawn(view, *inventory.mesh(on, places.DATA))


def _asked_mesh() -> str | None:
    """The mesh of the address; None where it is not here."""
    asked = st.query_params.get("mesh", captions.DATA_MESH)
    return next((name for name, title in inventory.meshes(places.DATA).items() if slug(title) == asked), None)


def mesh() -> str:
    """The mesh that brains are drawn on: that of the address, or the one of the data."""
    return _asked_mesh() or captions.DATA_MESH


def mesh_title(name: str = "") -> str:
    """What a mesh is called; without a name, the one that brains are drawn on."""
    return inventory.meshes(places.DATA)[name or mesh()]


def pick_mesh() -> None:
    """Which mesh brains are drawn on, where there is a choice; a line where the link's is not here."""
    titles = list(inventory.meshes(places.DATA).values())
    if _asked_mesh() is None:
        st.caption(
            ":material/info: The mesh of the link is not here: drawn on fsaverage5, where the data are."
        )
    if len(titles) > 1:
        switch("mesh", "Drawn on", titles)


def show_brain(view: BrainView, key: str, **options: Any) -> ViewerResult:
    """The viewer, or a plotly figure where the browser cannot draw; what is exported is the map left on screen."""
    place, asked = f"{key}-left", (digest(view.maps_payload), options["selected_map"])
    if (
        st.session_state.get(place, (asked,))[0] != asked
    ):  # the page asks for another map, or shows other maps
        del st.session_state[place]
    options["selected_map"] = st.session_state.get(place, asked)[1]
    with room(key, options.get("height", 460) - 60):  # where four views stand in a row
        told = brain_viewer(view, key=key, **options)
    if told.map is not None:
        st.session_state[place] = asked, told.map
        options["selected_map"] = told.map
    note_brain(view, options)
    if not told.webgl:
        shown = plotly_fallback(view, options["selected_map"], threshold=options["threshold"])
        st.plotly_chart(shown, key=f"{key}-fallback", alt="The brain map")
    return told


@st.cache_resource(max_entries=4, show_spinner=False)
def _difference(left_id: str, right_id: str, on: str) -> BrainView:
    return difference_view(_score_view(left_id, on), _score_view(right_id, on))


def show_two_brains(left: Run, right: Run, titles: tuple[str, str], key: str, **options: Any) -> ViewerResult:
    """Score maps of two runs side by side, and left minus right; camera, map, outline and surface are linked.

    Parameters
    ----------
    left, right : Run
        Of any recordings: parcels that differ are compared vertex by vertex.
    titles : (str, str)
        Above the brains; the third is called left minus right.
    key : str
    **options
        ``selected_map`` (0 held-out r, 1 where its FDR holds, 2 noise ceiling), ``threshold, limit,
        difference_threshold, difference_limit, network, colour_map, height``: see
        `difference_settings`.

    Returns
    -------
    ViewerResult
        ``pick`` of a click: ``value`` is that of the brain in which it was looked up (left),
        ``map`` the score left on screen.
    """
    view = _difference(left.id, right.id, mesh())
    _note_two(view, left, right, titles, {"threshold": 0.05} | options)
    told = two_brains(view, titles, key=key, **({"threshold": 0.05} | options))
    if not told.webgl:
        n, at = view.n_maps // 3, options.get("selected_map", 0)
        for place, title, k in zip(st.columns(3), (*titles, "Difference"), range(3), strict=True):
            shown = plotly_fallback(view, at + k * n)
            shown.update_layout(title=f"{title}: {view.map_names[at]}")
            place.plotly_chart(shown, key=f"{key}-fallback-{k}", alt=f"The brain map of {title}")
    return told


def _note_two(
    view: BrainView, left: Run, right: Run, titles: tuple[str, str], options: dict[str, Any]
) -> None:
    """Both brains and their difference can be exported."""
    n, at = view.n_maps // 3, options.get("selected_map", 0)
    on = mesh_title()
    said = (
        captions.score_map(left, on),
        captions.score_map(right, on),
        f"{titles[0]} minus {titles[1]}. No test.",
    )
    both, apart = (  # the difference has colours of its own
        replace(view, maps=view.maps[part], map_names=view.map_names[part], significant=None, captions=())
        for part in (slice(2 * n), slice(2 * n, None))
    )
    own = {"threshold": options.get("difference_threshold", 0.0), "limit": options.get("difference_limit")}
    brains = (
        (both, {"selected_map": at}),
        (both, {"selected_map": at + n}),
        (apart, {"selected_map": at} | own),
    )
    for title, caption, (brain, looks) in zip((*titles, "Difference"), said, brains, strict=True):
        note_brain(brain, options | looks, f"{title}, {view.map_names[at]}", caption)
