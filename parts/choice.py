"""Why this many sub-groups? What is stored of that question, or a button that asks it."""

from __future__ import annotations

import streamlit as st

import parts
from brainlike_core import archive, engine, jobs
from brainlike_core.config import ChoiceConfig
from brainlike_core.figures import dictionary_choice
from brainlike_core.values import DictionaryChoice, Run


def why_this_many(run: Run, atom: int) -> None:
    """An expander with the settings of the run's dictionary compared, and the stability of one atom.

    Nothing where the run has no sparse dictionary.
    """
    if run.dictionary.names or run.config.dictionary.method != "sparse":  # type: ignore[attr-defined]
        return
    config = ChoiceConfig(run.id)
    now = jobs.status(config.id, parts.places.CACHE)
    active = now is not None and now.state in ("queued", "running")
    if active:
        st.session_state["choice"] = run.id  # it stays open when the answer comes
    wanted = st.session_state.get("choice") == run.id
    with st.expander(f"Why {run.dictionary.n_atoms} sub-groups?", icon=":material/tune:", expanded=wanted):
        found = archive.load_choice(config, parts.store())
        if found is not None:
            _show(run, found, atom)
        elif active:
            _under_way(config.id)
        else:
            _offer(config, now)


def _show(run: Run, found: DictionaryChoice, atom: int) -> None:
    first, *others = dictionary_choice.recommendation(found)
    st.markdown("  \n".join([f"**{first}**", *others, dictionary_choice.atom_sentence(found, atom)]))
    chart = dictionary_choice.choice_chart(found)
    parts.figure(chart, dictionary_choice.caption(found), "Settings of the dictionary compared", "choice")
    name = f"settings_{run.id[:12]}.csv"
    st.download_button("Settings as CSV", found.table.to_csv(index=False), name, icon=":material/download:")


def _offer(config: ChoiceConfig, now: jobs.Status | None) -> None:
    """What would be compared, the command, and a button; why an earlier attempt failed."""
    st.markdown(
        "The number of sub-groups and the penalty are choices. This tries others on neurons that no atom was learned "
        "from, lets one half of the story predict the other, and asks which atoms come back with another seed. A "
        "minute or two for the smaller models."
    )
    if now is not None and now.state == "failed":
        st.warning(now.message, title="This could not be compared", icon=":material/info:")
    if parts.embedded():
        return
    if st.button("Compare settings", key="choose", icon=":material/play_arrow:"):
        engine.start_aside(config, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
        st.rerun()
    st.code(f"python -m brainlike_core choose {config.run[:12]}", language=None)


@st.fragment(run_every=0.5)
def _under_way(choice_id: str) -> None:
    now = jobs.status(choice_id, parts.places.CACHE)
    if now is None or now.state not in ("queued", "running"):
        st.rerun()
    else:
        parts.job_card(now)
