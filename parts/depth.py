"""Which layers predict the brain? What is stored of that question for each run, or a button that asks it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import parts
from brainlike_core import archive, archive_layers, engine, jobs
from brainlike_core.config import LayersConfig
from brainlike_core.depth_claims import depth_claims
from brainlike_core.figures import comparison, layers, third_links
from brainlike_core.values import LayerCurve, LayerProfiles, Run

from .compare import show_claim

_Found = list[tuple[Run, LayerCurve, LayerProfiles]]


def which_layers(runs: Sequence[Run]) -> None:
    """Curves, claims and profiles of the runs whose answer is known; for the others a button, or how far it is."""
    runs = [run for run in runs if not run.dictionary.names]
    if not runs:
        st.info("Features of the words have no layers: choose a run of a model above.")
        return
    by = "layer"
    if not parts.embedded():
        by = st.segmented_control(
            "One dictionary for each", ["layer", "third"], default=by, required=True, key="depth-by",
            format_func=lambda by: "Layer" if by == "layer" else "Third of the depth",
        )  # fmt: skip
    configs = {run.id: LayersConfig(run.id, by) for run in runs}
    known: _Found = []
    for run in runs:
        found = archive.load_layers(configs[run.id], parts.store())
        if found is not None:
            known.append((run, *found))
    if known:
        _show(known)
        if by == "third":
            _show_links([run for run, *_ in known], configs)
    asked = {run.id for run, *_ in known}
    unknown = [run for run in runs if run.id not in asked]
    if unknown:
        _ask(unknown, configs)


def _show(known: _Found) -> None:
    runs, curves, profiles = ([one[i] for one in known] for i in range(3))
    grid = st.grid(5, min_column_width=140, gap="medium")
    left, right = grid.cell(column_span=3), grid.cell(column_span=2)
    with left:
        chart = layers.curves(runs, curves)
        parts.figure(chart, layers.curve_caption(curves), "Held-out r by relative depth", "depth-curve")
    with right:
        for name, curve in zip(comparison.run_names(runs), curves, strict=True):
            st.markdown(f"**{name}**  \n{layers.best_sentence(curve)}")
            for claim in depth_claims(curve)[: -len(curve.pairs)]:  # their numbers hold the pairs
                show_claim(claim)
    with st.expander("By brain network", icon=":material/grid_on:", expanded=True):
        chart = layers.by_network(runs, curves)
        parts.figure(
            chart, layers.network_caption(curves), "Held-out r by network and layer", "depth-networks"
        )
    with st.expander("How deep each network's sub-groups lie", icon=":material/layers:"):
        chart = layers.network_depths(runs, profiles)
        parts.figure(
            chart, layers.profile_caption(profiles), "Depth of each network's sub-groups", "depth-fbn"
        )
        chart = layers.subgroup_depths(runs, profiles)
        parts.figure(chart, layers.subgroup_caption(profiles), "Depth of every sub-group", "depth-atoms")
    table = layers.table(runs, curves)
    st.download_button("Layers as CSV", table.to_csv(index=False), "layers.csv", icon=":material/download:")


def _show_links(runs: Sequence[Run], configs: dict[str, LayersConfig]) -> None:
    """Which networks each third's sub-groups go with; said where it was not asked of a run, or of another atlas."""
    stored = [(run, archive_layers.load_third_links(configs[run.id], parts.store())) for run in runs]
    linked = [(run, one) for run, one in stored if one is not None]
    alike = [(run, one) for run, one in linked if one.networks == linked[0][1].networks]
    missing = [run for run, one in stored if one is None]
    with st.expander("Which networks each third goes with", icon=":material/hub:", expanded=True):
        for name, run in zip(comparison.run_names(missing), missing, strict=True):
            st.caption(
                f":material/info: Not known for {name}: `python -m brainlike_core layers {run.id[:12]} --by third`"
            )
        if len(alike) < len(linked):
            st.caption(f":material/info: Runs on the atlas of {alike[0][0].label} only.")
        if not alike:
            return
        shown, found = ([one[i] for one in alike] for i in range(2))
        chart, caption = third_links.by_third(shown, found), third_links.caption(shown, found)
        parts.figure(chart, caption, "Links of each network with each third of the depth", "depth-links")
        for name, one in zip(comparison.run_names(shown), found, strict=True):
            st.markdown("  \n".join([f"**{name}**", *third_links.sentences(one)]))
        numbers = third_links.table(shown, found).to_csv(index=False)
        st.download_button("Links as CSV", numbers, "links_by_third.csv", icon=":material/download:")


def _ask(runs: Sequence[Run], configs: dict[str, LayersConfig]) -> None:
    """One line for each run: a button and the command, or its progress; why an earlier attempt failed."""
    names = dict(zip([run.id for run in runs], comparison.run_names(runs), strict=True))
    waiting = [config.id for config in (configs[run.id] for run in runs) if _active(config.id)]
    if waiting:
        _under_way(waiting)
    offered = [run for run in runs if configs[run.id].id not in waiting]
    if offered and not waiting:
        st.markdown(
            "Each layer, or each third of the depth, gets a dictionary of its own and predicts the brain on held-out "
            "time, against the same sign-randomised recordings. A minute or two for the smaller models."
        )
    if len(offered) > 3:
        place = st.expander(f"{len(offered)} runs that were not asked yet", icon=":material/play_arrow:")
    else:
        place = st.container()
    with place:
        for run in offered:
            _offer(configs[run.id], names[run.id])


def _offer(config: LayersConfig, name: str) -> None:
    """A button and the command for one run; why an earlier attempt failed."""
    now = jobs.status(config.id, parts.places.CACHE)
    if now is not None and now.state == "failed":
        st.warning(now.message, title=f"{name} could not be walked", icon=":material/info:")
    if parts.embedded():
        return
    button, command = st.columns([2, 3], vertical_alignment="center")
    if button.button(f"Compute {name}", key=f"depth-{config.run}", icon=":material/play_arrow:"):
        engine.start_aside(config, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
        st.rerun()
    command.code(f"python -m brainlike_core layers {config.run[:12]} --by {config.by}", language=None)


def _active(job_id: str) -> bool:
    now = jobs.status(job_id, parts.places.CACHE)
    return now is not None and now.state in jobs.ACTIVE


@st.fragment(run_every=0.5)
def _under_way(job_ids: list[str]) -> None:
    """Cards of what is being computed; when one ends the page is drawn again."""
    for job_id in job_ids:
        now = jobs.status(job_id, parts.places.CACHE)
        if now is None or now.state not in jobs.ACTIVE:
            st.rerun()
        else:
            parts.job_card(now)
