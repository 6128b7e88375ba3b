"""What the Compare page is made of: which runs, and what can be claimed of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import parts
from brainlike_core import archive
from brainlike_core.claims import Claim, comparable, compare
from brainlike_core.figures import comparison
from brainlike_core.values import Run

_BADGES = {
    "supported": ":green-badge[:material/check: supported]",
    "not supported": ":red-badge[:material/close: not supported]",
    "cannot tell": ":gray-badge[:material/help: cannot tell]",
}


def choose_runs() -> list[Run]:
    """The finished runs of one recording and atlas that the address names, or all of them."""
    finished = archive.finished_runs(parts.store())
    if not finished:
        parts.no_runs()
    groups: dict[str, list[archive.RunSummary]] = {}
    for run in sorted(finished, key=lambda run: run.config.extract.weights != "trained"):
        groups.setdefault(f"{run.config.recording.title} · {run.config.match.title}", []).append(run)
    selection = parts.parse_selection(st.query_params, [run.id for run in finished])
    asked = [
        parts.unique_run(t, [r.id for r in finished]) for t in st.query_params.get("runs", "").split(",") if t
    ]
    known = [run_id for run_id in asked if run_id]
    first = next(iter(known), selection.run)
    start = next((g for g, runs in groups.items() if first in {r.id for r in runs}), next(iter(groups)))
    return [parts.load_run(run_id) for run_id in _pick_runs(groups, start, known)]


def _pick_runs(groups: dict[str, list[archive.RunSummary]], start: str, known: list[str]) -> list[str]:
    """Two pickers: recording and atlas, then runs; what is picked goes to the address."""
    labels = {run.id: f"{run.label} · {run.id[:6]}" for runs in groups.values() for run in runs}

    def write(ids: list[str]) -> None:
        st.query_params["runs"] = ",".join(run_id[:12] for run_id in ids)

    ids = [run.id for run in groups[start]]
    chosen = [run_id for run_id in known if run_id in ids] or ids[:8]
    if parts.embedded():
        return chosen
    st.session_state["compare-group"], st.session_state["compare-runs"] = start, chosen
    narrow, wide = st.columns([2, 6])
    narrow.selectbox(
        "Recording and atlas", list(groups), key="compare-group",
        on_change=lambda: write([run.id for run in groups[st.session_state["compare-group"]][:8]]),
    )  # fmt: skip
    wide.multiselect(
        "Runs", ids, format_func=labels.__getitem__, key="compare-runs",
        on_change=lambda: write(st.session_state["compare-runs"]),
    )  # fmt: skip
    return chosen


def claims(runs: Sequence[Run]) -> list[Claim]:
    """Claims about two of the runs, each with its verdict and numbers; empty where no two are comparable."""
    names = dict(zip([run.id for run in runs], comparison.run_names(runs), strict=True))
    by_id = {run.id: run for run in runs}
    against = {run.id: [o.id for o in runs if comparable(run.config, o.config)] for run in runs}
    able = [run_id for run_id, others in against.items() if others]
    if not able:
        st.info("Two runs that differ in their model alone are needed: choose another run above.")
        return []
    first, second = able[0], against[able[0]][0]
    if not parts.embedded():
        left, right = st.columns(2)
        first = left.selectbox("Does", able, format_func=names.__getitem__, key="claims-first")
        second = right.selectbox(
            "differ from", against[first], format_func=names.__getitem__, key=f"claims-{first}"
        )
    found = compare(by_id[first], by_id[second])
    for claim in found:
        show_claim(claim)
    return found


def show_claim(claim: Claim) -> None:
    """A verdict, what it is about, and its numbers."""
    st.markdown(f"{_BADGES[claim.verdict]} **{claim.text}**  \n:gray[:small[{claim.numbers}]]")
