"""Cross-links: what a click in a brain selects, and what a region, a network or a word says of the sub-groups."""

from __future__ import annotations

import numpy as np
import streamlit as st

from brainlike_core import heard_words
from brainlike_core.figures import captions, charts
from brainlike_core.figures.brain_viewer.component import ViewerResult
from brainlike_core.values import Run

from .pickers import atom_chart
from .runs import regions
from .selection import Selection, carried, select


def follow(told: ViewerResult, selection: Selection, atom: int | None) -> None:
    """Select what was clicked in a brain, or the sub-group that was left on screen.

    Parameters
    ----------
    told : ViewerResult
    selection : Selection
    atom : int or None
        The sub-group on screen; None where the maps are not sub-groups.
    """
    chosen: dict[str, int | str | None] = {}
    if atom is not None and told.map is not None and told.map != atom:
        chosen["atom"] = told.map
    if told.pick and told.pick["location"] is not None and told.pick["location"] != selection.region:
        chosen["region"] = told.pick["location"]
    if chosen:
        select(**chosen)
        st.rerun()


def region_card(run: Run, region: int, n: int = 8) -> None:
    """The sub-groups whose maps are strongest in one region; a click selects one."""
    name, values, n_locations = charts.region_values(run.encoding.z_maps, run.recording, regions(), region)
    st.subheader(f"Sub-groups at {name}", anchor=False)
    chart = charts.region_ranking(run.correspondence, values, n)
    atom_chart(chart, captions.region(run, n_locations), f"Sub-groups that predict {name}", "region")
    _clear("region")


def network_card(run: Run, network: int) -> None:
    """The sub-groups that overlap most with one network; a click selects one."""
    name = run.correspondence.networks[network]
    st.subheader(f"{name}: its sub-groups", anchor=False)
    chart = charts.network_ranking(run.correspondence, network)
    atom_chart(chart, captions.ranking(run), f"Ranking of sub-groups for {name}", "ranking")
    _clear("network")


def word_card(run: Run, word: int, n: int = 8) -> None:
    """The sub-groups that are furthest from their mean when one word is heard; a click selects one."""
    at = int(run.story.onsets[word])
    st.subheader(f"Sub-groups at “{run.story.words[word]}”, {at // 60}:{at % 60:02d}", anchor=False)
    activity = heard_words.atoms_at_word(run, word)
    if np.isnan(activity).all():
        st.caption("This word lies outside the part of the story that the sub-groups were learned from.")
    else:
        chart = charts.word_ranking(run.correspondence, activity, n)
        atom_chart(chart, captions.word(run), "Sub-groups that this word drives", "word")
    _clear("word")


def _clear(field: str) -> None:
    """A button that takes a part out of the selection."""
    st.button(
        "Clear", key=f"clear-{field}", icon=":material/close:", type="tertiary",
        help=f"Take the {field} out of the selection", on_click=select, kwargs={field: None},
    )  # fmt: skip


def ways(atom: int, *pages: tuple[str, str, str, dict[str, str]]) -> None:
    """Links to other pages that carry the selection: path, label, icon, and what else to ask for."""
    along = carried() | {"atom": str(atom)}
    with st.container(horizontal=True):
        for path, label, icon, asked in pages:
            st.page_link(path, label=label, icon=icon, query_params=along | asked)
