"""The Words view: the story coloured by a sub-group, what drives it, and what a word drives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from brainlike_core import heard_words
from brainlike_core.figures import captions
from brainlike_core.figures import words as figures
from brainlike_core.values import Run

from .frame import room
from .links import word_card
from .pickers import figure
from .runs import load_run, passages, words
from .selection import Selection, select

_TRANSCRIPT = st.components.v2.component(
    "brainlike.transcript",
    html='<div class="words"><p class="told"><b></b> <i class="key" title="from 3 standard deviations below the mean to 3 above"></i></p>'
    '<div class="text" role="group"></div></div>\n',
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def transcript(run: Run, atom: int, chosen: int | None, height: int) -> None:
    """The story's words on the colour of the atom's activity; a click or Enter selects a word."""
    data = figures.transcript(words(run.id, atom), chosen)
    asked = {
        "story": run.story.name,
        "label": f"{run.story.title}: words coloured by the activity of atom {atom}. Arrow keys move, Enter selects.",
        "hint": "Point at a word for its value; click for the sub-groups it drives.",
        "height": height,
    }
    with room("transcript", min(height, 340)):  # a short story needs less than it may have
        told = _TRANSCRIPT(key="transcript", data=data | asked, on_word_change=lambda: None)
    word = told.word
    if isinstance(word, int) and 0 <= word < run.story.n_words and word != chosen:
        select(word=word)
        st.rerun()


@st.cache_data(max_entries=12, show_spinner="Reading the parts of speech")
def _kinds(run_id: str) -> pd.DataFrame:
    return heard_words.word_kinds(load_run(run_id).story)


@st.cache_data(max_entries=200, show_spinner=False)
def _profile(run_id: str, atom: int) -> pd.DataFrame:
    return heard_words.word_profile(load_run(run_id), atom, _kinds(run_id))


def words_view(run: Run, selection: Selection, atom: int) -> None:
    """The transcript and the profile of its words; beside them the chosen word's sub-groups and the passages."""
    grid = st.grid(3, min_column_width=280, gap="medium")
    wide, narrow = grid.cell(column_span=2), grid.cell()
    with wide:
        st.subheader("The story, coloured by this sub-group", anchor=False)
        transcript(run, atom, selection.word, 460)
        st.caption(captions.course(run))
        st.subheader("What kinds of words drive it", anchor=False)
        _kinds_of_words(run, atom)
    with narrow:
        if selection.word is not None:
            word_card(run, selection.word)
        st.subheader("Passages that drive it", anchor=False)
        passages(run, atom, 8)


def _kinds_of_words(run: Run, atom: int) -> None:
    table = _profile(run.id, atom)
    if not len(table):
        st.caption("No word drives this sub-group, or the story is too short to test.")
        return
    common = table["kind"] == heard_words.FREQUENCY
    st.markdown(figures.profile_sentence(table[~common], table[common].iloc[0]))
    chart = figures.class_profile(table[~common])
    alt = f"Word classes among the words that drive atom {atom}"
    figure(chart, captions.profile(table, heard_words.DRIVING_SD), alt, "profile")
