"""One sub-group in full: when it is active, what goes with the selection, and its neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from brainlike_core import archive
from brainlike_core.figures import captions, charts
from brainlike_core.values import NeuronResponses, Run, neuron_name

from .links import network_card, region_card, word_card
from .pickers import figure
from .runs import passages, store, words
from .selection import Selection, select, whole_number

_SHOWN = 200


def overview(run: Run, selection: Selection, atom: int, network: int | None) -> None:
    """What the selected region, network and word say of all sub-groups; then when this one is active, and its layers."""
    cards = [(region_card, selection.region), (network_card, network), (word_card, selection.word)]
    shown = [(card, which) for card, which in cards if which is not None]
    if shown:
        _cards(run, atom, shown)
    grid = st.grid(3, min_column_width=280, gap="medium")
    wide, narrow = grid.cell(column_span=2), grid.cell()
    with wide:
        st.subheader("When it is active", anchor=False)
        chart = charts.time_course(run.dictionary, atom, run.recording.tr, words(run.id, atom))
        figure(chart, captions.course(run), f"Time course of atom {atom}", "course")
    with narrow:
        if run.dictionary.names:
            _passages(run, atom)
        else:
            layers(run, atom)
    if not run.dictionary.names and not shown:
        _passages(run, atom)


def _cards(run: Run, atom: int, shown: Sequence[tuple[Callable[[Run, int], None], int]]) -> None:
    """A card for each thing selected; the passages fill the row."""
    row = st.grid(3, min_column_width=280, gap="medium")
    for card, which in shown:
        with row.cell():
            card(run, which)
    if not run.dictionary.names:
        with row.cell(column_span=max(1, 3 - len(shown))):
            _passages(run, atom)


def _passages(run: Run, atom: int) -> None:
    st.subheader("Passages that drive it", anchor=False)
    passages(run, atom, 5)


def layers(run: Run, atom: int) -> None:
    """Its neurons by layer."""
    st.subheader("Where its neurons sit", anchor=False)
    chart = charts.layer_histogram(run.dictionary, atom)
    figure(chart, captions.layers(run, atom), f"Neurons of atom {atom} by layer", "layers")


def neurons(run: Run, atom: int) -> None:
    """Its neurons by layer, a list by loading, and the response of the chosen one beside the atom."""
    if run.dictionary.names:
        st.info("A feature of the words has no neurons.", icon=":material/info:")
        return
    members = run.dictionary.members(atom)
    if not len(members):
        st.info("No neuron loads most on this sub-group.", icon=":material/info:")
        return
    asked = whole_number(st.query_params.get("neuron", ""))
    neuron = asked if asked in set(members["neuron"]) else int(members["neuron"].iloc[0])
    grid = st.grid(3, min_column_width=280, gap="medium")
    wide, narrow = grid.cell(column_span=2), grid.cell()
    with narrow:
        layers(run, atom)
    with wide:
        name = neuron_name(run.dictionary.layers, run.dictionary.n_units, neuron)
        st.subheader(f"One neuron: {name}", anchor=False)
        _trace(run, atom, neuron, name)
    _choose(members.head(_SHOWN), neuron, len(members))


@st.cache_resource(max_entries=2, show_spinner="Reading the neurons' responses")
def _responses(run_id: str) -> NeuronResponses:
    return archive.load_responses(run_id, store())


def _trace(run: Run, atom: int, neuron: int, name: str) -> None:
    trace = _responses(run.id).values[:, neuron]
    chart = charts.neuron_trace(run.dictionary, atom, trace, run.recording.tr, name.capitalize())
    r = float(np.corrcoef(trace, run.dictionary.atoms[:, atom])[0, 1])
    figure(chart, captions.trace(run, r), f"Response of {name} beside atom {atom}", "trace")


def _choose(members: pd.DataFrame, neuron: int, n: int) -> None:
    """A table of neurons; a chosen row is shown."""

    def write() -> None:
        rows = st.session_state["neurons-table"].selection.rows
        if rows:
            select(neuron=int(members["neuron"].iloc[rows[0]]))

    st.subheader("Its neurons by loading", anchor=False)
    shown = members.assign(shown=np.where(members["neuron"] == neuron, "●", ""))
    st.dataframe(
        shown, hide_index=True, height=min(300, 38 + 35 * len(members)), key="neurons-table", on_select=write, selection_mode="single-row",
        column_order=["shown", "layer", "unit", "loading", "r2"],
        column_config={
            "shown": st.column_config.TextColumn("", width=30),
            "loading": st.column_config.NumberColumn("Loading", format="%+.3f"),
            "r2": st.column_config.NumberColumn("R² of its response", format="%.2f"),
        },
        alt="Neurons of this sub-group",
    )  # fmt: skip
    st.caption(f"{len(members):,} of {n:,} neurons, largest loading first. Select a row to see its response.")
