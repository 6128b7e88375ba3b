"""Finished runs as the pages open them: each read and checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brainlike_core import archive, heard_words, inventory
from brainlike_core.errors import DamagedEntryError
from brainlike_core.figures import words as word_figures
from brainlike_core.values import NetworkAtlas, Run

from . import places
from .frame import embedded
from .pickers import pick
from .selection import Selection, network_index, parse_selection
from .shown import note_runs


@st.cache_resource(show_spinner=False)
def store() -> archive.Workspace:
    """The cache folder."""
    return archive.open_store(places.CACHE)


@st.cache_resource(max_entries=24, show_spinner="Opening the run")
def load_run(run_id: str) -> Run:
    """A finished run, each byte checked once."""
    return archive.load_run(run_id, store())


@st.cache_resource(show_spinner=False)
def regions() -> NetworkAtlas:
    """Named cortical regions."""
    return inventory.regions()


def run_labels(runs: Sequence[archive.RunSummary]) -> dict[str, str]:
    """The name of each run in a picker, by its id."""
    return {run.id: f"{run.label} · {run.config.match.title} · {run.id[:6]}" for run in runs}


def choose_run(place: Any) -> tuple[Run, Selection]:
    """The run of the address, or the newest; a friendly stop where there is none."""
    runs = archive.finished_runs(store())
    if not runs:
        no_runs()
    labels = run_labels(runs)
    selection = parse_selection(st.query_params, list(labels))
    trained = [run.id for run in runs if run.config.extract.weights == "trained"]
    run_id = selection.run or next(iter(trained), runs[0].id)
    if not embedded():
        with place:
            pick(
                "run", "Run", list(labels), run_id, labels.__getitem__,
                short=lambda value: value[:12], drops=("atom",),
            )  # fmt: skip
    try:
        run = load_run(run_id)
    except DamagedEntryError:
        load_run.clear()
        raise
    note_runs([run])
    return run, _within(selection, run)


def _within(selection: Selection, run: Run) -> Selection:
    """Drop what this run does not have, and say so."""
    ignored = set(selection.ignored)
    atom, region, word = selection.atom, selection.region, selection.word
    if atom is not None and atom >= run.dictionary.n_atoms:
        atom = None
        ignored.add("atom")
    if region is not None and region >= run.recording.n_locations:
        region = None
        ignored.add("region")
    if word is not None and word >= run.story.n_words:
        word = None
        ignored.add("word")
    if selection.network and network_index(selection.network, run.atlas.networks) is None:
        ignored.add("network")
    if ignored:
        st.caption(
            f":material/info: The link's {' and '.join(sorted(ignored))} could not be found here; "
            "showing the nearest sensible thing instead."
        )
    return Selection(selection.run, atom, selection.network, region, word)


def no_runs() -> None:
    """A friendly stop where nothing has been run."""
    st.info("Nothing has been run yet.", title="No finished run", icon=":material/play_circle:")
    st.page_link("app.py", label="Run the embedded recording", icon=":material/arrow_forward:")
    st.stop()


@st.cache_data(max_entries=200, show_spinner=False)
def words(run_id: str, atom: int) -> pd.DataFrame:
    """The story's words with the atom's activity."""
    return heard_words.word_activity(load_run(run_id), atom)


def passages(run: Run, atom: int, n: int = 6) -> None:
    """The passages in which a sub-group is most active."""
    st.html(word_figures.passages(heard_words.top_words(run, atom, n)))
