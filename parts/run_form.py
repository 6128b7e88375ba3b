"""The form of a new run: settings with good defaults -> configs, and the command that does the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from brainlike_core.config import (
    DictionaryConfig,
    EncodingConfig,
    ExtractConfig,
    MatchConfig,
    OrganizationConfig,
    RecordingConfig,
    RunConfig,
    extract_configs,
)

from .cost import show_cost
from .models import pick_models, state_of

DEFAULT_MODELS = ("smollm2-135m", "minilm-l6")


class _Settings(NamedTuple):
    """What is behind "More settings"; ``seeds`` are those of the random twins, the first that of everything else."""

    layers: tuple[int, ...]
    n_atoms: int
    penalty: float
    seeds: range


def _more_stories(first: RecordingConfig, here: Sequence[str]) -> RecordingConfig:
    """The same with more stories of its listeners, where there are any."""
    others = [name for name in here if name.startswith("narratives-") and name != first.name]
    if first.name == "lpp-en":
        others = [f"lpp-en:{section}" for section in range(1, 10) if section != first.section]
    elif not first.name.startswith("narratives-"):
        others = []
    if not others:
        return first
    chosen = st.multiselect(
        "More stories of the same listeners", others, help="Each story is left out once, and predicted from the others"
    )  # fmt: skip
    return replace(first, also=tuple(chosen))


def default_configs() -> list[RunConfig]:
    """The embedded recording with both embedded models, trained and random."""
    return [
        RunConfig(extract=ExtractConfig(model=model, weights=weights))
        for model in DEFAULT_MODELS
        for weights in ("trained", "random")
    ]


def run_form(catalogue: dict[str, list[dict]], kept: Sequence[RecordingConfig] = ()) -> list[RunConfig]:
    """Show the form.

    Parameters
    ----------
    catalogue : dict
        See `inventory.catalogue`; only what is here can be chosen.
    kept : sequence of RecordingConfig
        Recordings of one's own.

    Returns
    -------
    list of RunConfig
        Empty where no model or no weights are chosen, or a model is not here yet.

    Raises
    ------
    ConfigError
        A setting outside its range.
    """
    titles = {entry["name"]: entry["title"] for entries in catalogue.values() for entry in entries}
    here = {kind: [e["name"] for e in entries if e["here"]] for kind, entries in catalogue.items()}
    recording = _recording(here["recordings"], kept, titles)
    chosen = pick_models(catalogue["models"], DEFAULT_MODELS)
    weights = st.pills(
        "Weights", ["trained", "random"], default=["trained"], selection_mode="multi", format_func=str.capitalize
    )  # fmt: skip
    atlas = st.selectbox("Network atlas", here["atlases"], format_func=titles.__getitem__)
    settings = _more_settings(chosen)
    st.page_link(
        "pages/6_Library.py", label="More recordings, models and atlases", icon=":material/library_add:"
    )
    waiting = [model["title"] for model in chosen if state_of(model) != "here"]
    if waiting:
        st.caption(f":material/info: Not here yet: {', '.join(waiting)}. Get it, or leave it out.")
    if waiting or not weights:
        show_cost([], chosen, catalogue["models"])
        return []
    names, seed = [model["name"] for model in chosen], settings.seeds[0]
    configs = [
        RunConfig(
            recording=recording,
            extract=extract,
            dictionary=DictionaryConfig(n_atoms=settings.n_atoms, penalty=settings.penalty, seed=seed),
            encoding=EncodingConfig(seed=seed),
            match=MatchConfig(atlas=atlas, seed=seed),
            organization=OrganizationConfig(seed=seed),
        )
        for extract in extract_configs(names, weights, settings.seeds, settings.layers, ExtractConfig.neurons)
    ]
    show_cost(configs, chosen, catalogue["models"])
    return configs


def _recording(
    here: Sequence[str], kept: Sequence[RecordingConfig], titles: dict[str, str]
) -> RecordingConfig:
    """The recording, its section where it has some, and more stories of its listeners."""
    chosen = st.selectbox(
        "Recording", [*map(RecordingConfig, here), *kept], format_func=lambda one: titles.get(one.name, one.title)
    )  # fmt: skip
    if chosen.name == "lpp-en":
        chosen = replace(chosen, section=int(st.number_input("Section", 1, 9, 1)))
    return _more_stories(chosen, here)


def _more_settings(models: list[dict[str, Any]]) -> _Settings:
    with st.expander("More settings", icon=":material/tune:"):
        layers = _layers([model for model in models if model["n_layers"]])
        n_atoms = st.number_input(
            "Sub-groups (atoms)", 2, 512, DictionaryConfig.n_atoms, help="64 in the paper"
        )
        penalty = st.number_input("L1 penalty", 0.01, 0.9, DictionaryConfig.penalty, 0.01)
        seed = st.number_input("Seed", 0, 10_000, 0)
        n_random = st.number_input(
            "Random twins of each model", 1, 20, 1, help="three or more make a control"
        )
    return _Settings(layers, int(n_atoms), float(penalty), range(int(seed), int(seed) + int(n_random)))


def _layers(models: list[dict[str, Any]]) -> tuple[int, ...]:
    """One layer or a range of one model; all (empty) where several are chosen."""
    if len(models) != 1:
        st.caption("Layers: all. Choose one model to take a range.")
        return ()
    last = models[0]["n_layers"] - 1
    low, high = st.slider("Layers", 0, last, (0, last))
    return () if (low, high) == (0, last) else tuple(range(low, high + 1))
