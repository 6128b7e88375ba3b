"""The pages that the viewer's benchmark opens: the same 64 maps by ours, by st.plotly_chart, and as a story."""

import numpy as np
import streamlit as st

from brainlike_core import inventory
from brainlike_core.figures.brain_viewer import BrainView, StoryView, plotly_fallback
from brainlike_core.figures.brain_viewer.component import brain_viewer, story_player

N_MAPS = 64


@st.cache_resource
def view() -> BrainView:
    """Smooth waves on the 20,484 vertices of fsaverage5."""
    surface, rng = inventory.surface(), np.random.default_rng(0)
    waves = np.sin(surface.sphere / 100 @ rng.normal(size=(3, N_MAPS)) * 3 + rng.normal(size=N_MAPS))
    return BrainView(
        surface,
        inventory.atlas("eg17"),
        inventory.regions(),
        (),
        np.arange(surface.n_vertices, dtype=np.int32),
        (5 * waves.T).astype(np.float32),
        tuple(f"Map {i}" for i in range(N_MAPS)),
        "z",
    )


@st.cache_resource
def story() -> StoryView:
    """The same maps as a story of one word a second."""
    seconds = np.arange(N_MAPS * 1.5)
    words = tuple(f"word{second:.0f}" for second in seconds)
    courses = np.sin(np.arange(N_MAPS) / 3)[:, None]
    return StoryView(view(), view(), 1.5, words, seconds, courses, ("Atom 0",), 5.0, ("", ""))


def ours() -> None:
    """The viewer: another map is the browser's business."""
    brain_viewer(view(), selected_map=0, threshold=0.0, key="ours")


def plotly() -> None:
    """The same map as a plotly figure: another map is another figure."""
    at = st.session_state.setdefault("map", 0)
    if st.button("Next"):
        at = st.session_state["map"] = (at + 1) % N_MAPS
    st.plotly_chart(plotly_fallback(view(), at), key="plotly", height=460)


def played() -> None:
    """The story player."""
    story_player(story(), key="story", height=640)


def text() -> None:
    """A page with no brain."""
    st.title("Text")


st.set_page_config(layout="wide")
pages = [st.Page(text, default=True), st.Page(ours), st.Page(plotly), st.Page(played)]
chosen = st.navigation(pages, position="hidden")
for page in pages:
    st.sidebar.page_link(page)
chosen.run()
