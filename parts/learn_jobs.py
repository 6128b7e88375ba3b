"""What the guided tour starts: the embedded recording, a twin with random weights, a lesion; and how far they are."""

from __future__ import annotations

import dataclasses

import streamlit as st

import parts
from brainlike_core import engine, jobs
from brainlike_core.config import ExtractConfig, LesionConfig, RunConfig
from brainlike_core.exports.reproduce import run_command
from brainlike_core.values import Run

from . import network_form, run_form


def offer_first_runs() -> None:
    """A button and the command for the runs that the tour needs."""
    configs = run_form.default_configs()
    if not under_way(RunConfig) and st.button(
        "Run the embedded recording", type="primary", icon=":material/play_arrow:"
    ):
        _start(configs)
    st.code(run_command(configs), language=None, wrap_lines=True)


def offer_twin(run: Run) -> None:
    """A button and the command for the same architecture with other weights."""
    config: RunConfig = run.config  # type: ignore[assignment]
    weights = "random" if config.extract.weights == "trained" else "trained"
    extract: ExtractConfig = dataclasses.replace(config.extract, weights=weights)
    twin = dataclasses.replace(config, extract=extract)
    if not under_way(RunConfig) and st.button(f"Run it with {weights} weights", icon=":material/play_arrow:"):
        _start([twin])
    st.code(run_command([twin], parts.places.DATA), language=None, wrap_lines=True)


def _start(configs: list[RunConfig]) -> None:
    engine.start(configs, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
    st.rerun()


def offer_lesion(config: LesionConfig) -> None:
    """A button and the command for a first lesion; the model's networks are found on the way."""
    now = jobs.status(config.id, parts.places.CACHE)
    if now is not None and now.state == "failed":
        st.warning(now.message, title="This did not work", icon=":material/info:")
    if not under_way(LesionConfig) and st.button(
        "Cut network 1 of this model", icon=":material/content_cut:"
    ):
        engine.start_aside(config, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
        st.rerun()
    st.code(network_form.lesion_command(config, parts.places.DATA), language=None, wrap_lines=True)


def under_way(kind: type) -> bool:
    """Show the jobs of a kind that are under way; the page is drawn again when one ends."""
    active = [job for job in jobs.active(parts.places.CACHE, kind) if job.state in jobs.ACTIVE]
    if active:
        _cards(kind, {job.run_id for job in active})
    return bool(active)


@st.fragment(run_every=1)
def _cards(kind: type, before: set[str]) -> None:
    active = [job for job in jobs.active(parts.places.CACHE, kind) if job.state in jobs.ACTIVE]
    if before - {job.run_id for job in active}:
        st.rerun()
    for job in active:
        parts.job_card(job)
