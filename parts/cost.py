"""What a choice will cost, said before Run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from brainlike_core.config import RunConfig
from brainlike_core.inside_cost import InsideCost
from brainlike_core.run_cost import RunCost, run_cost

from .models import size_text, state_of
from .runs import store
from .start import duration


def show_cost(
    configs: Sequence[RunConfig], chosen: Sequence[Mapping[str, Any]], models: Sequence[Mapping[str, Any]]
) -> None:
    """Time, memory and download of a choice.

    Parameters
    ----------
    configs : sequence of RunConfig
        Empty where a chosen model is not here yet: then only the download is told.
    chosen, models : sequence of mapping
        Cards of the chosen models, and of all (see `inventory.model_facts`).
    """
    told = [_download(chosen)]
    if configs:
        cost = run_cost(configs, {model["name"]: model for model in models}, store())
        told = [_time(cost), _memory(cost), *told]
    with st.container(border=True, gap=None):
        for line in filter(None, told):
            st.caption(line)


def inside_text(cost: InsideCost | None, took: Sequence[float] = ()) -> str:
    """Time and memory of a job inside a model, in one line; ``took``: seconds of earlier ones, the last first."""
    last = f"; the last one here took {duration(took[0])}" if took else ""
    if cost is None:
        return f":material/schedule: How long it takes is not known: the model's size is not{last}."
    at_once = f"{cost.n_at_once} at once, " if cost.n_at_once > 1 else ""
    return (
        f":material/schedule: **About {duration(cost.seconds)}** ({at_once}from measured rates, where nothing else runs{last}) · "
        f":material/memory: **About {size_text(cost.memory_bytes)}** of memory"
    )


def _time(cost: RunCost) -> str:
    if not cost.n_new:
        return ":material/schedule: Finished already: Run opens what is stored."
    here = "on this recording" if cost.same_recording else "on another recording: a rough guess"
    source = f"step times of {cost.n_earlier} earlier {'run' if cost.n_earlier == 1 else 'runs'} here, {here}"
    if not cost.n_earlier:
        source = "times measured on two cores" + (
            "" if cost.same_recording else ", another recording: a rough guess"
        )
    known = (
        f"; {cost.n_finished} of {cost.n_new + cost.n_finished} finished already" if cost.n_finished else ""
    )
    return f":material/schedule: **About {duration(cost.seconds)}** ({source}{known})"


def _memory(cost: RunCost) -> str:
    if not (cost.memory_bytes and cost.n_new):
        return ""
    return f":material/memory: **About {size_text(cost.memory_bytes)}** of memory for the model, beside the recording"


def _download(chosen: Sequence[Mapping[str, Any]]) -> str:
    missing = [model for model in chosen if state_of(dict(model)) != "here"]
    if not missing:
        return ":material/cloud_off: **Nothing to download**"
    known = sum(model["size_bytes"] for model in missing)
    more = "" if all(model["size_bytes"] for model in missing) else ", and more that is not known here"
    names = ", ".join(model["title"] for model in missing)
    return f":material/cloud_download: **{size_text(known) if known else 'Unknown size'}** to download first: {names}{more}"
