"""The story player of a run: its maps of the moment, words and time courses."""

from __future__ import annotations

import streamlit as st

from brainlike_core import moments
from brainlike_core.figures import captions, charts
from brainlike_core.figures.brain_viewer import StoryView, plotly_fallback
from brainlike_core.figures.brain_viewer.component import ViewerResult, story_player
from brainlike_core.values import Run

from .brains import mesh, mesh_title, view_of
from .frame import embedded
from .runs import load_run, words


@st.cache_resource(max_entries=4, show_spinner="Preparing the story")
def story_view(run_id: str, stretch: moments.Stretch, on: str) -> StoryView:
    """A stretch of a run's story, as it is played on a mesh."""
    run, tr = load_run(run_id), load_run(run_id).recording.tr
    found = moments.moments(run, stretch)
    names = [f"{tr * (stretch.first + i):.1f} s" for i in range(len(found.measured))]
    heard = words(run_id, 0)
    heard = heard[heard["onset"].between(tr * stretch.first, tr * stretch.stop, inclusive="left")]
    return StoryView(
        measured=view_of(run, on, found.measured, names, "SD"),
        predicted=view_of(run, on, found.predicted, names, "SD"),
        tr=tr,
        words=tuple(heard["text"]),
        onsets=(heard["onset"] - tr * stretch.first).to_numpy(),
        courses=found.courses,
        atom_names=tuple(charts.atom_names(run.correspondence, run.dictionary.names)),
        delay_s=charts.HRF_PEAK_S,
        notes=captions.moment_maps(run, mesh_title(on)),
    )


def show_story(run: Run, atom: int, network: str | None, key: str = "story") -> ViewerResult:
    """The player; where the browser cannot draw, one moment as a plotly figure."""
    parts_of_it = moments.stretches(run)
    chosen = parts_of_it[0]
    if len(parts_of_it) > 1 and not embedded():
        chosen = st.selectbox("Story", parts_of_it, format_func=lambda one: one.title, key=f"{key}-stretch")
    story = story_view(run.id, chosen, mesh())
    told = story_player(story, key=key, atom=atom, network=network, height=720)
    if told.webgl:
        return told
    n_maps = story.measured.n_maps
    at = st.slider("Volume", 0, n_maps - 1, min(n_maps - 1, 10), key=f"{key}-volume")
    st.plotly_chart(
        plotly_fallback(story.measured, at), key=f"{key}-fallback", alt="The brain at this moment"
    )
    st.caption(story.notes[0])
    return told
