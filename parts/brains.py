"""Brains: what a run draws on the cortical surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from brainlike_core import inventory
from brainlike_core.figures import charts
from brainlike_core.figures.brain_viewer import BrainView, plotly_fallback
from brainlike_core.figures.brain_viewer.component import ViewerResult, brain_viewer
from brainlike_core.values import Run

from .runs import load_run, regions


@st.cache_resource(max_entries=12, show_spinner=False)
def atom_view(run_id: str) -> BrainView:
    """The group maps of all sub-groups of a run."""
    run = load_run(run_id)
    return view_of(run, run.encoding.z_maps, charts.atom_names(run.correspondence, run.dictionary.names), "z")


@st.cache_resource(max_entries=12, show_spinner=False)
def score_view(run_id: str) -> BrainView:
    """Held-out r and noise ceiling of a run."""
    run = load_run(run_id)
    return view_of(run, *charts.score_maps(run), unit="r")


def view_of(run: Run, maps: Any, names: Sequence[str], unit: str, significant: Any = None) -> BrainView:
    """Maps of a run's locations on the cortical surface."""
    r = run.recording
    return BrainView(
        inventory.surface(),
        run.atlas,
        regions(),
        r.locations,
        r.vertex_location,
        maps,
        tuple(names),
        unit,
        significant,
    )


def show_brain(view: BrainView, key: str, **options: Any) -> ViewerResult:
    """The viewer, or a plotly figure where the browser cannot draw."""
    told = brain_viewer(view, key=key, **options)
    if not told.webgl:
        shown = plotly_fallback(view, options["selected_map"], threshold=options["threshold"])
        st.plotly_chart(shown, key=f"{key}-fallback", alt="The brain map")
    return told
