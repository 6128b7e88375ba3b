"""What a page shows, noted while it is drawn, so that it can be exported: charts, brains, runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from brainlike_core.figures.brain_viewer import BrainView
from brainlike_core.values import Run

_KEY = "shown"


@dataclass
class Shown:
    """What is on the page, in the order in which it was drawn.

    Attributes
    ----------
    charts : dict
        Name -> (chart, caption).
    brains : dict
        Name -> (view, options of the viewer).
    runs : list of Run
    """

    charts: dict[str, tuple[Any, str]] = field(default_factory=dict)
    brains: dict[str, tuple[BrainView, dict[str, Any]]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)


def begin() -> None:
    """A page starts: nothing is shown yet."""
    st.session_state[_KEY] = Shown()


def shown() -> Shown:
    """What was noted since the page started."""
    return st.session_state.setdefault(_KEY, Shown())


def note_chart(name: str, chart: Any, caption: str) -> None:
    """A chart is on the page, in its light colours."""
    shown().charts[name] = chart, caption


def note_brain(view: BrainView, options: dict[str, Any], name: str = "", caption: str | None = None) -> None:
    """A brain is on the page; ``name`` where its map's own does not do, ``caption`` where it is not the usual one."""
    said = {} if caption is None else {"caption": caption}
    title = name or view.map_names[options["selected_map"]]
    shown().brains[f"Brain map: {title}"] = view, options | said


def note_runs(runs: Sequence[Run]) -> None:
    """The page is about these runs."""
    shown().runs = list(runs)
