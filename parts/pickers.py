"""Pickers that write to the address, and charts that can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from brainlike_core.figures import charts, theme
from brainlike_core.figures.chart_table import chart_table
from brainlike_core.values import Run

from .frame import embedded, room
from .selection import select, slug
from .shown import note_chart
from .stage import presenting

PLOT = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
_PICKER_PX, _SWITCH_PX = 68, 60  # with their labels


def pick(
    field: str,
    label: str,
    options: Sequence[Any],
    chosen: Any,
    text: Callable[[Any], str],
    short: Callable[[Any], Any] = lambda value: value,
    drops: Sequence[str] = (),
) -> None:
    """A select box that shows the address and writes to it; ``drops`` names what another choice makes void."""
    key = f"{st.session_state.get('here')}-{field}"

    def write() -> None:
        select(**dict.fromkeys(drops), **{field: short(st.session_state[key])})

    st.session_state[key] = chosen
    with room(key, _PICKER_PX):
        st.selectbox(label, options, format_func=text, key=key, on_change=write)


def switch(field: str, label: str, options: Sequence[str]) -> str:
    """A row of buttons that shows the address and writes to it; the first is what an address without it means."""
    key = f"{st.session_state.get('here')}-{field}"
    slugs = [slug(option) for option in options]
    asked = st.query_params.get(field, "")
    chosen = options[slugs.index(asked) if asked in slugs else 0]

    def write() -> None:
        picked = slugs[options.index(st.session_state[key])]
        select(**{field: None if picked == slugs[0] else picked})

    if embedded():
        return chosen
    st.session_state[key] = chosen
    with room(key, _SWITCH_PX):
        st.segmented_control(label, options, key=key, on_change=write, required=True)
    return chosen


def pick_atom(run: Run, chosen: int, order: Sequence[int] | None = None) -> None:
    """Choose a sub-group."""
    names = charts.atom_names(run.correspondence, run.dictionary.names)
    pick("atom", "Sub-group", list(order or range(len(names))), chosen, names.__getitem__)


def pick_network(run: Run, chosen: int | None) -> None:
    """Choose a brain network, or none (-1: a select box has no other way to offer nothing)."""
    names = (*run.atlas.networks, "None")
    pick(
        "network", "Brain network", [-1, *range(len(names) - 1)], -1 if chosen is None else chosen,
        names.__getitem__, short=lambda f: slug(names[f]) if f >= 0 else None,
    )  # fmt: skip


def clicked(key: str) -> list[int] | None:
    """``customdata`` of the point just clicked in a chart, from inside its callback."""
    points = st.session_state[key].selection.points
    return [int(value) for value in points[0]["customdata"]] if points else None


def figure(chart: Any, caption: str, alt: str, key: str, on_select: Any = "ignore") -> None:
    """A chart with its caption and its table, in the colours of the page it stands on."""
    note_chart(alt, chart, caption)
    noted = chart
    if presenting():
        chart = theme.enlarged(chart)
    if st.context.theme.type == "dark":
        chart = theme.in_dark(chart)
    st.plotly_chart(
        chart, key=key, theme=None, config=PLOT, alt=alt, on_select=on_select, selection_mode="points"
    )
    if embedded():
        st.caption(caption)
        return
    with st.container(horizontal=True, wrap=False, vertical_alignment="top", gap="small"):
        st.caption(caption, width="stretch")
        _table(noted, alt, key)


def _table(chart: Any, alt: str, key: str) -> None:
    """The numbers of a chart, made when they are asked for."""
    asked = st.popover(
        ":small[:gray[Table]]", key=f"{key}-table", type="tertiary", width="content", on_change="rerun",
        help=f"The numbers of the chart: {alt}",
    )  # fmt: skip
    if asked.open:
        with asked:
            st.dataframe(chart_table(chart), hide_index=True, width=640, height=360, key=f"{key}-numbers")


def atom_chart(chart: Any, caption: str, alt: str, key: str) -> None:
    """A chart in which a click on a point selects its sub-group."""

    def write() -> None:
        point = clicked(key)
        if point:
            select(atom=point[0])

    figure(chart, caption, alt, key, write)
