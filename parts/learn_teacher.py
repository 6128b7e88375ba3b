"""The teacher's page: exercises that the planted truth of a simulated recording answers."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import streamlit as st

import parts
from brainlike_core import lessons
from brainlike_core.figures import learn as figures
from brainlike_core.lessons import Lesson
from brainlike_core.values import Recovery, Run

from . import learn_jobs
from .learn import choose_run, open_lesson


class Exercise(NamedTuple):
    """A task, where to do it, its answer in this run's numbers, and what students typically get wrong."""

    title: str
    task: str
    answer: str
    mistake: str
    page: str = "pages/2_Correspondence.py"
    step: int = 0


def exercises() -> None:
    """The exercises of a run on a simulated recording; a button where there is none."""
    st.markdown(
        "In the simulated recording it is known which pattern of the text drives which network, and with which sign. So "
        "every question below has a right answer, which is computed from the run that is open. Work on the other pages first."
    )
    run = choose_run()
    if run is None or run.recovery is None:
        with st.container(border=True):
            st.markdown(
                "**These exercises need a run on the simulated recording**, with the atlas it was planted on."
            )
            if not parts.embedded():
                learn_jobs.offer_first_runs()
        return
    show_all = not parts.embedded() and st.toggle("Show all answers", key="teach-all")
    for i, one in enumerate(_exercises(run, run.recovery), 1):
        _show(i, one, show_all)
    st.subheader("The truth, pattern by pattern", anchor=False)
    _planted(open_lesson(run.id), run.recovery, show_all)


def _show(number: int, one: Exercise, show_all: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{number}. {one.title}**  \n{one.task}")
        with st.container(horizontal=True, vertical_alignment="center"):
            shown = st.toggle("Show the answer", key=f"teach-{number}") or show_all
            carried = parts.carried() | ({"step": str(one.step)} if one.step else {})
            st.page_link(one.page, label="Work on it", icon=":material/open_in_new:", query_params=carried)
        if shown:
            st.markdown(f"{one.answer}  \n:gray[:small[Typical mistake: {one.mistake}]]")


def _effect(row) -> str:
    return f"{row.pattern.replace('_', ' ')} in {row.network} ({row.sign})"


def _list(rows: pd.DataFrame) -> str:
    return "; ".join(_effect(row) for row in rows.itertuples()) or "none"


def _exercises(run: Run, recovery: Recovery) -> list[Exercise]:
    return [
        _found(recovery),
        _opposite(recovery),
        _false_links(run),
        _in_sample(run),
        _ceiling(run),
        _missed(recovery),
        _related(run),
    ]


def _found(recovery: Recovery) -> Exercise:
    table = recovery.table
    found = table[table["recovered"]]
    return Exercise(
        "Find the plant",
        f"{len(table)} effects were planted: a pattern of the text, a network, a sign. Name as many as the accepted links "
        "(solid squares) tell you, from the passages that drive each sub-group.",
        f"{len(found)} of {len(table)} can be found: {_list(found)}. Networks dealt at random reach {recovery.chance:.0%} "
        f"(p {recovery.p:.4f}).",
        "to read a pattern into every sub-group with a link. Passages always suggest a story; the link says where it holds.",
    )


def _opposite(recovery: Recovery) -> Exercise:
    table = recovery.table
    signs = table.groupby("pattern")["sign"].nunique()
    both = table[table["pattern"].isin(signs[signs > 1].index)]
    answer = f"{_list(both)}." if len(both) else "In this recording none is."
    return Exercise(
        "One pattern, two signs",
        "Which pattern was planted with opposite signs in two networks?",
        answer,
        "to take a negative weight for 'not involved': a network that falls with a pattern follows it as closely as one that "
        "rises. An atom may also stand upside down, and then both signs of its map are turned.",
    )


@st.cache_data(max_entries=8, show_spinner="Asking which links were planted")
def _planted_links(run_id: str) -> tuple[int, ...] | None:
    return lessons.planted_links(open_lesson(run_id))


def _false_links(run: Run) -> Exercise:
    c, found = run.correspondence, _planted_links(run.id)
    spin, all_spin, accepted, all_accepted = found or (0, 0, 0, 0)
    counted = (
        f"Spin rule: {spin} of {all_spin} links are planted ones. Both nulls: {accepted} of {all_accepted}. Dictionaries of "
        f"fakes, in which nothing can be planted, get {c.n_links_fake.mean():.0f} links by the spin rule and "
        f"{c.n_links_fake_accepted.mean():.1f} by both."
    )
    return Exercise(
        "How many links are true?",
        "A link is true where its sub-group follows a pattern that was planted in its network. How many links of the spin rule "
        "(hollow and solid squares) are, and how many of those that beat both nulls (solid)?",
        counted if found else "The truth of this recording is not kept with it.",
        "to trust the spin test alone. It asks whether a map has a network's shape, and smooth maps of anything often do; "
        "it never asks whether the atom has to do with the story.",
    )


def _in_sample(run: Run) -> Exercise:
    e = run.encoding
    return Exercise(
        "A high R² for nothing",
        "How much of the brain's variance do the atoms explain on the time that was fitted, and how much do fake atoms?",
        f"In-sample R² is {e.r2_insample.mean():.2f} on average, and {e.r2_insample_null.mean():.2f} for sign-randomised atoms. "
        f"Held out, the mean r is {e.r_mean:.3f}, beside {e.null_means.mean():.3f} of sign-randomised recordings (p "
        f"{e.r_mean_p:.3f}).",
        f"to report the in-sample score. {run.dictionary.n_atoms} regressors on {run.dictionary.n_trs} rows, which are alike "
        "from one to the next, fit much of anything.",
        "pages/5_Learn.py",
        step=6,
    )


def _ceiling(run: Run) -> Exercise:
    e = run.encoding
    where = int(e.r_heldout.argmax())
    return Exercise(
        "How good is r?",
        "Where is held-out r highest, and how far from the most that it could be?",
        f"At location {where} it is {e.r_heldout[where]:.2f}, with a ceiling of {e.group_ceiling[where]:.2f}. Over all locations "
        f"the means are {e.r_mean:.3f} and {e.group_ceiling.mean():.2f}; one listener agrees with the others at "
        f"{e.noise_ceiling.mean():.2f}.",
        "to compare r between places, or between recordings, without their ceilings; and to take the ceiling of one listener "
        "for that of the group's mean.",
        "pages/1_Brain_maps.py",
    )


def _missed(recovery: Recovery) -> Exercise:
    missed = recovery.table[~recovery.table["recovered"]]
    followed = int((missed["atom_q"] < lessons.LEVEL).sum())
    return Exercise(
        "What was missed, and why?",
        "Which planted effects have no accepted link? Is the pattern missing in the model, or did its map fail?",
        f"Missed: {_list(missed)}. In {followed} of {len(missed)} a sub-group follows the pattern beyond chance, but its link did "
        f"not beat both nulls; in {len(missed) - followed} none follows it."
        if len(missed)
        else "Nothing was missed in this run.",
        "to read 'no link' as 'no effect'. The effects were planted: what is missed is a matter of data and of power.",
    )


def _related(run: Run) -> Exercise:
    c = run.correspondence
    related = int((c.atom_q < c.level).sum())
    maps = int((abs(run.encoding.z_maps) > run.encoding.z_flip).any(1).sum())
    return Exercise(
        "Consistent is not related",
        "How many sub-groups have a map that all listeners share (beyond the family-wise threshold of sign flips), and how many "
        "predict the brain better than sign-randomised copies of themselves?",
        f"{maps} of {run.dictionary.n_atoms} maps pass |z| {run.encoding.z_flip:.1f} somewhere; {related} sub-groups are related "
        f"to the brain (q < {c.level:g}). Halves of the listeners agree at r {run.encoding.subject_half_r.mean():.2f}, and for "
        f"made-up atoms at {run.encoding.subject_half_r_null.mean():.2f}.",
        "to test over listeners only. All heard the same story, so they share a response that any atom correlates with a little, "
        "in all of them alike: only a null over time can tell.",
        "pages/1_Brain_maps.py",
    )


def _planted(lesson: Lesson, recovery: Recovery, show_all: bool) -> None:
    """One planted pattern over a sub-group of the reader's choice; then the whole table."""
    table, d = recovery.table, lesson.run.dictionary
    names = list(dict.fromkeys(table["pattern"]))
    grid = st.grid(5, min_column_width=140, gap="medium")  # one below the other where it is narrow
    left, right = grid.cell(column_span=2), grid.cell(column_span=3)
    pattern = left.selectbox("Planted pattern", names, format_func=lambda name: name.replace("_", " "))
    atom = int(
        left.number_input("Your sub-group", 0, d.n_atoms - 1, 0, help="the atom that you think follows it")
    )
    found = lessons.planted_course(lesson, pattern, atom)
    if found is None:
        left.caption("The course of this pattern is not kept with this recording.")
    else:
        heard, series, r = found
        left.markdown(f"Atom {atom} follows it with **r {r:+.2f}**.")
        with right:
            title = pattern.replace("_", " ")
            chart = figures.planted(heard, series, lesson.run.recording.tr, title, atom)
            parts.figure(
                chart, figures.planted_caption(r, d.n_trs), "A planted pattern and an atom", "teach-planted"
            )
    if st.toggle("Show the whole truth", key="teach-truth") or show_all:
        parts.recovery_table(recovery)
        st.caption(
            f"{len(table)} planted effects. Recovered: an accepted link through a sub-group that follows the pattern (q < {lessons.LEVEL:g} "
            f"against {lessons.N_SURROGATES:,} sign-randomised patterns, FDR over all pairs). Chance: {lessons.N_SHUFFLES:,} "
            "shuffles of the networks."
        )
