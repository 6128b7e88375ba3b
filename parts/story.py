"""The story player of a run: its maps of the moment, words and time courses."""

from __future__ import annotations

import streamlit as st

from brainlike_core import moments
from brainlike_core.figures import captions, charts
from brainlike_core.figures.brain_viewer import StoryView, digest, plotly_fallback
from brainlike_core.figures.brain_viewer.component import ViewerResult, story_player
from brainlike_core.values import Run

from .brains import mesh, mesh_title, view_of
from .frame import embedded
from .runs import load_run, words
from .shown import note_brain

THRESHOLD_SHARE = 0.2  # of the limit, as in the player


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
    n_maps = story.measured.n_maps
    if told.webgl:
        at = _rests_at(story, told.map, key)
    else:
        at = st.slider("Volume", 0, n_maps - 1, min(n_maps - 1, 10), key=f"{key}-volume")
    _note_moment(story, at, network)
    if told.webgl:
        return told
    st.plotly_chart(
        plotly_fallback(story.measured, at), key=f"{key}-fallback", alt="The brain at this moment"
    )
    st.caption(story.notes[0])
    return told


def _rests_at(story: StoryView, told: int | None, key: str) -> int:
    """The volume at which the reader has come to rest; where the player begins until then."""
    place, which = f"{key}-rests", digest(story.payload)
    begins = int(max(story.onsets[0] - 1, 0) / story.tr) if len(story.onsets) else 0
    before, at = st.session_state.get(place, (which, begins))
    at = told if told is not None else at if before == which else begins
    st.session_state[place] = which, at
    return at


def _note_moment(story: StoryView, at: int, network: str | None) -> None:
    """Measured and predicted maps of the moment can be exported, as the player draws them."""
    for name, view, note in (
        ("measured", story.measured, story.notes[0]),
        ("predicted", story.predicted, story.notes[1]),
    ):
        limit = view.default_limit
        looks = {"selected_map": at, "threshold": THRESHOLD_SHARE * limit, "limit": limit, "network": network}
        note_brain(view, looks, f"Story at {view.map_names[at]}, {name}", note)
