"""What Start shows of a run: its figures beside their nulls, ways on, finished runs, runs under way."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from brainlike_core import archive, jobs, report
from brainlike_core.values import Recovery

from . import places
from .frame import PAGES
from .selection import carried, select


def headline(numbers: dict[str, Any]) -> None:
    """A run in five figures, each beside its null (``report.summary``)."""
    with st.grid(3, min_column_width=175, gap="small"):
        for label, value, beside in report.headline(numbers):
            st.metric(label, value, beside, delta_color="off", delta_arrow="off", border=True)


def next_pages() -> None:
    """Ways on from the result."""
    ways = st.grid(3, min_column_width=190, gap="small")
    for path, label, icon, text in PAGES[1:4]:
        with ways.cell(), st.container(border=True, gap=None, height="stretch"):
            st.page_link(path, label=f"**{label}**", icon=icon, query_params=carried(), width="stretch")
            st.caption(text)


def run_table(finished: list[archive.RunSummary], shown: str) -> None:
    """Finished runs; a chosen row is opened."""

    def write() -> None:
        rows = st.session_state["runs-table"].selection.rows
        if rows:
            select(run=finished[rows[0]].id[:12], atom=None)

    table = pd.DataFrame(
        {
            "open": ["●" if run.id == shown else "" for run in finished],
            "model": [run.config.extract.model for run in finished],
            "weights": [run.config.extract.weights for run in finished],
            "recording": [run.config.recording.title for run in finished],
            "atlas": [run.config.match.title for run in finished],
            "atoms": [run.config.dictionary.n_atoms for run in finished],
            "finished (UTC)": [run.utc[:16].replace("T", " ") for run in finished],
            "id": [run.id[:12] for run in finished],
        }
    )
    st.dataframe(
        table, hide_index=True, key="runs-table", on_select=write, selection_mode="single-row",
        column_config={"open": st.column_config.TextColumn("", width=30)},
    )  # fmt: skip


def job_card(job: jobs.Status) -> None:
    """One run under way: what it does, how long still, and Cancel."""
    if job.state == "failed":
        st.warning(job.message, title=f"{job.label}: failed", icon=":material/error:")
        return
    with st.container(border=True):
        if job.state not in ("queued", "running"):
            st.markdown(f"**{job.label}** · {job.state}. {job.message}")
            return
        left = "" if job.seconds_left is None else f" · about {duration(job.seconds_left)} left"
        doing = job.step or "Waiting for its turn"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(max(job.fraction, 0.0), 1.0), text=f"**{job.label}** · {doing}{left}")
            cancel = st.button("Cancel", key=f"cancel-{job.run_id}", width="content")
        if cancel:
            jobs.cancel(job.run_id, places.CACHE)
        done = [
            f":green-badge[{title} · {seconds:.0f} s]"
            for title, state, seconds in job.steps
            if state == "done"
        ]
        if done:
            st.markdown(" ".join(done))


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def recovery_table(recovery: Recovery) -> None:
    """Planted patterns, their networks, and what was found."""
    table = recovery.table.assign(
        pattern=recovery.table["pattern"].str.replace("_", " "),
        planted=recovery.table["network"] + " " + recovery.table["sign"],
    )
    columns = {
        "pattern": st.column_config.TextColumn("Planted pattern"),
        "kind": st.column_config.TextColumn("Kind"),
        "planted": st.column_config.TextColumn("Planted in"),
        "recovered": st.column_config.CheckboxColumn("Recovered"),
        "n_subgroups": st.column_config.NumberColumn(
            "Sub-groups", help="that carry the pattern to the network"
        ),
        "atom": st.column_config.NumberColumn(
            "Atom", help="the best of them, or the one most like the pattern"
        ),
        "atom_r": st.column_config.NumberColumn("r with pattern", format="%.2f"),
        "dice": st.column_config.NumberColumn("Dice with network", format="%.2f"),
    }
    st.dataframe(table, column_order=list(columns), column_config=columns, hide_index=True, height="content")
