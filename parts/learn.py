"""The Learn page's frame: the tour's place in the address, its run, the glossary, the teacher's exercises."""

from __future__ import annotations

import streamlit as st

import parts
from brainlike_core import archive, lessons
from brainlike_core.config import LOW_LEVEL
from brainlike_core.figures import charts
from brainlike_core.lessons import Lesson
from brainlike_core.values import Run

from . import learn_jobs
from .learn_glossary import search
from .learn_neurons import Here
from .learn_steps import STEPS


@st.cache_resource(max_entries=2, show_spinner="Opening the run")
def open_lesson(run_id: str) -> Lesson:
    """A run with its neurons and its planted truth."""
    return lessons.open_lesson(parts.load_run(run_id), parts.store())


# -- the tour -------------------------------------------------------------------------------


def tour() -> None:
    """One step of the tour, and the way to the others."""
    number = step_of_address()
    step = STEPS[number - 1]
    if not parts.embedded():
        _stepper(number)
    st.subheader(f"{number}. {step.name}", anchor=False)
    grid = st.grid(5, min_column_width=140, gap="medium")  # one below the other where it is narrow
    left, right = grid.cell(column_span=2), grid.cell(column_span=3)
    left.markdown(step.idea)
    run = choose_run()
    if run is None:
        _needs_a_run(left, right)
        answer = "Its answer is computed from a run: start the one beside."
    else:
        answer = step.show(_here(run), left, right)
    with st.container(border=True):
        st.markdown(f"**{step.question}**")
        # A key of its own for each step: an answer that was asked for does not give the next one away.
        if st.toggle("Show the answer", key=f"learn-answer-{number}"):
            st.markdown(answer)


def step_of_address() -> int:
    """The step that the address asks for, from 1; the first where it asks for nothing that there is."""
    text = st.query_params.get("step", "1")
    number = parts.whole_number(text) or 0
    if 1 <= number <= len(STEPS):
        return number
    st.caption(":material/info: The link's step could not be found here; showing the first.")
    return 1


def _stepper(number: int) -> None:
    """Progress, each step by name, and the ones before and after by button and by key."""
    steps = list(range(1, len(STEPS) + 1))
    st.session_state["learn-step"] = number

    def write() -> None:
        parts.select(step=st.session_state["learn-step"] or number)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(number / len(STEPS), text=f"Step {number} of {len(STEPS)}")
        _turn("Previous", number - 1, "P", ":material/arrow_back:")
        _turn("Next", number + 1, "N", ":material/arrow_forward:")
    st.segmented_control(
        "Steps", steps, key="learn-step", on_change=write, label_visibility="collapsed",
        format_func=lambda i: f"{i} {STEPS[i - 1].name}",
    )  # fmt: skip


def _turn(label: str, to: int, key: str, icon: str) -> None:
    st.button(
        label,
        icon=icon,
        shortcut=key,
        disabled=not 1 <= to <= len(STEPS),
        on_click=parts.select,
        kwargs={"step": to},
    )


def choose_run() -> Run | None:
    """The run of the address; else one with a planted truth, trained weights first; None where there is none."""
    runs = [run for run in archive.finished_runs(parts.store()) if run.config.extract.model != LOW_LEVEL]
    if not runs:
        return None
    labels = parts.run_labels(runs)
    asked = parts.parse_selection(st.query_params, list(labels)).run
    if "run" in st.query_params and asked is None:
        st.caption(":material/info: The link's run could not be found here; showing another.")
    runs.sort(
        key=lambda run: (run.config.recording.name != "simulated", run.config.extract.weights != "trained")
    )
    run_id = asked or runs[0].id
    if not parts.embedded():
        with st.sidebar:
            parts.pick(
                "run",
                "The tour's run",
                list(labels),
                run_id,
                labels.__getitem__,
                short=lambda value: value[:12],
            )
    return parts.load_run(run_id)


def _here(run: Run) -> Here:
    """What the address points at in this run; where it points at nothing, the leading link and its neuron."""
    lesson, c = open_lesson(run.id), run.correspondence
    selection = parts.parse_selection(st.query_params, [run.id])
    atom = selection.atom
    if atom is None or atom >= run.dictionary.n_atoms:
        atom = charts.leading_atom(c)
    network = parts.network_index(selection.network, c.networks)
    if network is None:
        network = int(c.dice[:, atom].max(0).argmax())
    neuron = parts.whole_number(st.query_params.get("neuron", ""))
    if neuron is None or neuron >= lesson.n_neurons:
        neuron = lessons.leading_neuron(run.dictionary, atom)
    return Here(lesson, atom, network, neuron)


def _needs_a_run(left, right) -> None:
    left.caption("The control and its numbers come with a run.")
    with right.container(border=True):
        st.markdown(
            "**Nothing has been run yet.** The tour walks over the embedded recording; no download is needed."
        )
        if not parts.embedded():
            learn_jobs.offer_first_runs()


# -- the glossary -----------------------------------------------------------------------------


def glossary() -> None:
    """The terms of the field, searched as one types; each leads to its step."""
    text = st.text_input(
        "Search", key="term", bind="query-params", placeholder="such as ceiling, spin, loading", max_chars=60
    )
    found = search(text or "")
    st.caption(f"{len(found)} term{'s' * (len(found) != 1)}")
    if not found:
        st.info("No term holds these letters.")
    for entry in found:
        with st.container(horizontal=True, vertical_alignment="top"):
            st.markdown(f"**{entry.term}**  \n{entry.sentence}", width="stretch")
            if entry.step and not parts.embedded():
                names = {step.name: i for i, step in enumerate(STEPS, 1)}
                st.button(
                    entry.step, key=f"term-{entry.term}", icon=":material/school:", on_click=_open_step,
                    args=(names[entry.step],), help="Open this step of the tour",
                )  # fmt: skip


def _open_step(number: int) -> None:
    parts.select(part=None, step=number)
