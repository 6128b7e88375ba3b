"""Start: choose, run, watch, open."""

import streamlit as st

import parts
from brainlike_core import archive, engine, inventory, jobs, report
from brainlike_core.exports.reproduce import run_command
from brainlike_core.figures import charts
from parts import run_form

HERO = (
    "A story is read by a language model and heard by people in a scanner. Brainlike groups the model's neurons "
    "by what they do over time and shows which group predicts which network of the brain, held out and beside its null."
)


def begin(configs: list) -> None:
    """Start runs in another process."""
    engine.start(configs, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)


@st.fragment(run_every=1)
def progress() -> None:
    """Runs under way; when one ends the page is drawn again."""
    watched = jobs.active(parts.places.CACHE)
    under_way = [job.run_id for job in watched if job.state in ("queued", "running")]
    ended = set(st.session_state.get("under way", [])) - set(under_way)
    st.session_state["under way"] = under_way
    for job in watched:
        parts.job_card(job)
    if ended:
        st.rerun()


with parts.page("Start", HERO):
    progress()
    finished = archive.finished_runs(parts.store())
    grid = st.grid(3, min_column_width=280, gap="medium")
    result, new = grid.cell(column_span=2), grid.cell()
    with new.container(border=True):
        st.subheader("New run", anchor=False)
        catalogue = inventory.catalogue(parts.places.DATA)
        models = catalogue["models"]
        configs = run_form.run_form(catalogue, archive.kept_recordings(parts.store()))
        if st.button(
            "Run", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not configs
        ):
            begin(configs)
            st.rerun()
        if configs:
            st.caption("The same from the command line:")
            st.code(run_command(configs, parts.places.DATA), language=None, wrap_lines=True)
    with result:
        if not finished:
            with st.container(border=True, horizontal_alignment="center"):
                st.subheader("Nothing has been run yet", anchor=False)
                st.markdown(
                    "The embedded recording and two small models are here, trained and with random weights."
                )
                parts.show_cost(run_form.default_configs(), [], models)
                if st.button("Run the embedded recording", type="primary", icon=":material/play_arrow:"):
                    begin(run_form.default_configs())
                    st.rerun()
            st.stop()
        run, selection = parts.choose_run(st.container())
        numbers = report.summary(run)
        parts.headline(numbers)
        atom = charts.leading_atom(run.correspondence) if selection.atom is None else selection.atom
        st.markdown(charts.atom_sentence(run, atom))
        told = parts.show_brain(
            parts.atom_view(run.id), "start", selected_map=atom, threshold=2.3, height=460
        )
        parts.follow(told, selection, atom)
        parts.next_pages()
        st.subheader("Finished runs", anchor=False)
        parts.run_table(finished, run.id)
        st.caption("This run again:")
        st.code(run_command([run.config], parts.places.DATA), language=None, wrap_lines=True)
