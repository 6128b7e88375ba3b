"""What the Compare page is made of: which runs, in which order, which pair, and what can be claimed of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

import parts
from brainlike_core import archive, inventory
from brainlike_core.claims import Claim, comparable, compare
from brainlike_core.figures import comparison
from brainlike_core.figures.families import family
from brainlike_core.values import Run

from .shown import note_runs

MOST = 12
ORDERS = ("As chosen", "By family and size", "By held-out r")
_BADGES = {
    "supported": ":green-badge[:material/check: supported]",
    "not supported": ":red-badge[:material/close: not supported]",
    "cannot tell": ":gray-badge[:material/help: cannot tell]",
}


# -- which runs ---------------------------------------------------------------------------


def choose_runs() -> list[Run]:
    """The finished runs of one recording and atlas that the address names, or all of them, in the order it asks for."""
    finished = archive.finished_runs(parts.store())
    if not finished:
        parts.no_runs()
    groups: dict[str, list[archive.RunSummary]] = {}
    for run in sorted(finished, key=lambda run: run.config.extract.weights != "trained"):
        groups.setdefault(f"{run.config.recording.title} · {run.config.match.title}", []).append(run)
    selection = parts.parse_selection(st.query_params, [run.id for run in finished])
    named = [
        parts.unique_run(t, [r.id for r in finished]) for t in st.query_params.get("runs", "").split(",") if t
    ]
    known = [run_id for run_id in named if run_id]
    first = next(iter(known), selection.run)
    start = next((g for g, runs in groups.items() if first in {r.id for r in runs}), next(iter(groups)))
    runs = [parts.load_run(run_id) for run_id in _pick_runs(groups, start, known)]
    note_runs(runs)
    return in_order(runs, _order())


def _pick_runs(groups: dict[str, list[archive.RunSummary]], start: str, known: list[str]) -> list[str]:
    """Two pickers: recording and atlas, then runs; what is picked goes to the address."""
    labels = {run.id: f"{run.label} · {run.id[:6]}" for runs in groups.values() for run in runs}

    def write(ids: list[str]) -> None:
        parts.select(runs=",".join(run_id[:12] for run_id in ids), first=None, second=None)

    ids = [run.id for run in groups[start]]
    chosen = [run_id for run_id in known if run_id in ids] or ids[:MOST]
    if parts.embedded():
        return chosen
    st.session_state["compare-group"], st.session_state["compare-runs"] = start, chosen
    narrow, wide = st.columns([2, 6])
    narrow.selectbox(
        "Recording and atlas", list(groups), key="compare-group",
        on_change=lambda: write([run.id for run in groups[st.session_state["compare-group"]][:MOST]]),
    )  # fmt: skip
    wide.multiselect(
        "Runs", ids, format_func=labels.__getitem__, key="compare-runs",
        on_change=lambda: write(st.session_state["compare-runs"]),
    )  # fmt: skip
    return chosen


def _order() -> str:
    """The order that the address asks for; as chosen where it asks for none that there is."""
    return {parts.slug(order): order for order in ORDERS}.get(st.query_params.get("order", ""), ORDERS[0])


def in_order(runs: Sequence[Run], order: str) -> list[Run]:
    """The runs as they were chosen; families together, small models first; or by mean held-out r, highest first."""
    if order == "By held-out r":
        return sorted(runs, key=lambda run: -run.encoding.r_mean)
    if order == "By family and size":
        sizes = parameters()
        return sorted(runs, key=lambda run: (family(model(run)), sizes.get(model(run), 0), _random(run)))
    return list(runs)


def model(run: Run) -> str:
    return run.config.extract.model  # type: ignore[attr-defined]


def _random(run: Run) -> bool:
    return run.config.extract.weights != "trained"  # type: ignore[attr-defined]


@st.cache_data(show_spinner=False)
def parameters() -> dict[str, int]:
    """Parameters of every model of the catalogue by its name; those that are not known are left out."""
    return {
        one["name"]: one["n_parameters"] for one in inventory.catalogue()["models"] if one["n_parameters"]
    }


# -- which pair, and what can be claimed of it --------------------------------------------------


def choose_pair(runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """Two runs that differ in their model alone, as the address says; None where no two do. Beside it, their order."""
    grid = st.grid(3, min_column_width=220, vertical_alignment="bottom")
    pair = _pair(runs, grid)
    if len(runs) > 2 and not parts.embedded():
        with grid.cell():
            parts.pick("order", "Order of the runs", ORDERS, _order(), str, short=parts.slug)
    return pair


def _pair(runs: Sequence[Run], grid: Any) -> tuple[Run, Run] | None:
    names = dict(zip([run.id for run in runs], comparison.run_names(runs), strict=True))
    by_id = {run.id: run for run in runs}
    against = {
        run.id: [o.id for o in runs if comparable(run.config, o.config)]  # type: ignore[arg-type]
        for run in runs
    }
    able = [run_id for run_id, others in against.items() if others]
    if not able:
        return None
    asked = [parts.unique_run(st.query_params.get(field, ""), able) for field in ("first", "second")]
    first = asked[0] or able[0]
    second = asked[1] if asked[1] in against[first] else against[first][0]
    if not parts.embedded():
        with grid.cell():
            parts.pick("first", "Does", able, first, names.__getitem__, short=_short, drops=("second",))
        with grid.cell():
            parts.pick("second", "differ from", against[first], second, names.__getitem__, short=_short)
    return by_id[first], by_id[second]


def _short(run_id: str) -> str:
    return run_id[:12]


def claims(pair: tuple[Run, Run] | None, metrics: Sequence[str]) -> None:
    """Claims about the pair that rest on these metrics, each with its verdict and numbers."""
    if pair is None:
        st.info("A claim needs two runs that differ in their model alone: choose another run above.")
        return
    for claim in compare(*pair):
        if claim.metric in metrics:
            show_claim(claim)


def show_claim(claim: Claim) -> None:
    """A verdict, what it is about, and its numbers."""
    st.markdown(f"{_BADGES[claim.verdict]} **{claim.text}**  \n:gray[:small[{claim.numbers}]]")
