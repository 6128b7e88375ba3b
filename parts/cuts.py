"""The Functional networks page's cuts: of a network, of all but some, and of a brain network's sub-groups."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import parts
from brainlike_core import archive, archive_networks, report_networks
from brainlike_core.archive_networks import Finished
from brainlike_core.bridge import network_subgroups
from brainlike_core.config import BridgeConfig, LesionConfig, NetworksConfig, PreservationConfig
from brainlike_core.errors import ConfigError
from brainlike_core.figures import cuts
from brainlike_core.inside_cost import bridge_cost, curve_cost, cut_cost
from brainlike_core.values import BridgeResult, LesionResult, ModelNetworks, Run

from . import network_form
from .cost import inside_text
from .networks import ask, asked, under_way


def cut(chosen: Finished[NetworksConfig], found: ModelNetworks, network: int) -> None:
    """A form for a cut, cuts under way, and what the one of the address (or the newest) did."""
    made = archive_networks.lesions_of(chosen.id, parts.store())
    formed = None if parts.embedded() else _offer_cut(chosen, found, network, made)
    this_network_first = sorted(made, key=lambda one: one.config.network != (network,))
    ids = [one.id for one in this_network_first]
    shown = _shown("cut", ids, formed, "Nothing of these networks has been cut yet.")
    if shown:
        _pick_made("cut", "Cuts made", shown, {one.id: _cut_title(one.config) for one in made})
        show_cut(shown, archive_networks.load_lesion(shown, parts.store()))


def _shown(key: str, ids: Sequence[str], formed: str | None, nothing: str) -> str | None:
    """The id of the answer of the address, else of what the form asks, else the first; without any, ``nothing`` is said."""
    shown = asked(key, ids) or (formed if formed in ids else next(iter(ids), None))
    if shown is None:
        st.caption(nothing)
    return shown


def _pick_made(key: str, label: str, shown: str, titles: dict[str, str]) -> None:
    """A picker among several answers."""
    if len(titles) > 1 and not parts.embedded():
        named = {one: f"{title} · {one[:6]}" for one, title in titles.items()}
        parts.pick(key, label, list(named), shown, named.__getitem__)


def _cut_title(config: LesionConfig) -> str:
    extra = {"amplify": f" × {config.scale:g} + {config.add:g}", "lesion": f" to {config.how}"}.get(
        config.action, ""
    )
    return config.title[0].upper() + config.title[1:] + extra + "".join(f" · {task}" for task in config.tasks)


def _offer_cut(
    chosen: Finished[NetworksConfig],
    found: ModelNetworks,
    network: int,
    made: Sequence[Finished[LesionConfig]],
) -> str | None:
    """Cuts under way and the form; the id of what it asks."""
    under_way(LesionConfig)
    with st.container(border=True):
        try:
            config = network_form.lesion_form(chosen.config, network, found.reading.get("head", "none"))
        except ConfigError as error:
            st.warning(str(error), icon=":material/info:")
            return None
        scored = f"The model is scored {5 + config.n_random} times: whole, cut, {config.n_random} random cuts, 3 of 15 %."
        took = [one.seconds for one in made]
        cost = f"{inside_text(cut_cost(config, found.reading.get('head', 'none')), took)}  \n{scored}"
        command = network_form.lesion_command(config, parts.places.DATA)
        label = network_form.DEEDS[config.action]
        ask(config, "cut", [one.id for one in made], label, cost, command)
    return config.id


def show_cut(lesion_id: str, found: LesionResult) -> None:
    """What a cut did: sentences, scores among random cuts, and what the model then writes."""
    first, *others = report_networks.lesion_sentences(found)
    st.markdown("  \n".join([f"**{first}**", *others]))
    parts.figure(
        cuts.cut_effects(found), cuts.cut_caption(found), "Scores of the cut model among random cuts", "cut"
    )
    if len(found.continuations):
        st.markdown("**What it writes**")
        st.html(cuts.written(found.continuations))
        st.caption(
            "Always the most likely next token. Marked: words that differ from those of the whole model. The random cut is the "
            f"first of the matched ones. n = {len(found.continuations)}, to look at; nothing is tested."
        )
    else:
        st.caption("This model does not write: there is no text to compare.")
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(found.effects, hide_index=True)
    name, side = lesion_id[:12], st.container(horizontal=True)
    side.download_button(
        "Scores as CSV", found.effects.to_csv(index=False), f"cut_{name}.csv", icon=":material/download:"
    )
    side.download_button(
        "Random cuts as CSV",
        found.draws.to_csv(index=False),
        f"random_cuts_{name}.csv",
        icon=":material/download:",
    )


# -- how few will do ------------------------------------------------------------------


def how_few(chosen: Finished[NetworksConfig], head: str) -> None:
    """What the model is able to do with the key neurons of C networks alone: a form, and the curve."""
    made = archive_networks.curves_of(chosen.id, parts.store())
    ids = {one.id: one for one in made}
    formed = None if parts.embedded() else _offer_curve(chosen, made, head)
    shown = _shown("few", list(ids), formed, "This has not been asked of these networks yet.")
    if shown is None:
        return
    found = archive_networks.load_curve(shown, parts.store())
    st.markdown("  \n".join(report_networks.preservation_sentences(found)))
    caption = cuts.preservation_caption(found, ids[shown].config.n_random)
    parts.figure(cuts.preservation(found), caption, "Scores by number of neurons kept", "few")
    name = f"kept_{shown[:12]}.csv"
    st.download_button("Curve as CSV", found.rows.to_csv(index=False), name, icon=":material/download:")


def _offer_curve(
    chosen: Finished[NetworksConfig], made: Sequence[Finished[PreservationConfig]], head: str
) -> str | None:
    """Curves under way and the form; the id of what it asks."""
    under_way(PreservationConfig)
    with st.container(border=True):
        config = network_form.preservation_form(chosen.config)
        if config is None:
            st.caption(":material/info: Choose at least one number of networks.")
            return None
        n = len(config.counts)
        cost = inside_text(curve_cost(config, head, parts.places.DATA), [one.seconds for one in made])
        cost += (
            f"  \nNetworks are found {n} times; the model is scored {1 + n * (1 + config.n_random)} times."
        )
        command = network_form.preservation_command(config, parts.places.DATA)
        ask(config, "few", [one.id for one in made], "Keep only these", cost, command)
    return config.id


# -- the bridge -------------------------------------------------------------------------


def bridge(chosen: Finished[NetworksConfig], head: str) -> None:
    """The sub-groups of a brain network cut out of this model: a form, what is under way, and what was found."""
    extract = chosen.config.extract
    wanted = (extract.model, extract.weights, extract.seed)
    runs = [
        run for run in archive.finished_runs(parts.store())
        if (run.config.extract.model, run.config.extract.weights, run.config.extract.seed) == wanted
    ]  # fmt: skip
    if not runs:
        st.info(
            f"The bridge needs a finished run of {extract.model}: its sub-groups, and the brains they predict.",
            icon=":material/link_off:",
        )
        st.page_link("app.py", label="Run it on a recording", icon=":material/arrow_forward:")
        return
    labels = {run.id: f"{run.label} · {run.config.match.title} · {run.id[:6]}" for run in runs}
    run_id = parts.unique_run(st.query_params.get("run", ""), list(labels)) or runs[0].id
    if not parts.embedded():
        parts.pick("run", "Run", list(labels), run_id, labels.__getitem__, short=lambda value: value[:12])
    made = [one for one in archive_networks.finished_bridges(parts.store()) if one.config.run == run_id]
    formed = None if parts.embedded() else _offer_bridge(parts.load_run(run_id), made, head)
    nothing = "No brain network's sub-groups have been cut out of this run's model yet."
    shown = _shown("bridge", [one.id for one in made], formed, nothing)
    if shown:
        _pick_made("bridge", "Bridges built", shown, {one.id: _bridge_title(one.config) for one in made})
        show_bridge(shown, archive_networks.load_bridge(shown, parts.store()))


def _bridge_title(config: BridgeConfig) -> str:
    against = f" against {config.against}" if config.against else ""
    return f"{config.network}{against} · {network_form.RULES[config.rule].lower()}"


def _offer_bridge(run: Run, made: Sequence[Finished[BridgeConfig]], head: str) -> str | None:
    """Bridges under way and the form; the id of what it asks."""
    under_way(BridgeConfig)
    groups = {rule: network_subgroups(run, rule) for rule in network_form.RULES}
    counts = {rule: {name: len(atoms) for name, atoms in one.items()} for rule, one in groups.items() if one}
    with st.container(border=True):
        config = network_form.bridge_form(run.id, counts)
        if config is None:
            return None
        n = len(counts[config.rule])
        cost = inside_text(bridge_cost(config, run, n, head), [one.seconds for one in made])
        cost += (
            f"  \nThe model reads the story {1 + n + min(2, n) * config.n_random} times, and the brain is predicted each "
            "time; cuts that an earlier bridge of this run measured are not measured again."
        )
        command = network_form.bridge_command(config)
        ask(config, "bridge", [one.id for one in made], "Build the bridge", cost, command)
    return config.id


def show_bridge(bridge_id: str, found: BridgeResult) -> None:
    """Language and prediction without the sub-groups, and the double dissociation with its verdict."""
    lines = report_networks.bridge_sentences(found)
    verdict, _, numbers = lines.pop().partition(": ") if found.dissociation else ("", "", "")
    st.markdown("  \n".join([f"**{lines[0]}**", *lines[1:]]))
    if found.rule == "paper":
        st.caption(
            ":material/info: These sub-groups pass spins alone, a test that sign-randomised atoms pass as often."
        )
    grid = st.grid(2, min_column_width=430, gap="large")
    with grid.cell():
        st.markdown("**The brain's prediction**")
        chart = cuts.bridge_prediction(found)
        parts.figure(
            chart,
            cuts.bridge_caption(found),
            "Loss of held-out r of every brain network",
            "bridge-prediction",
        )
    with grid.cell():
        if verdict:
            st.markdown(f"**{verdict}**  \n{numbers}")
            chart = cuts.dissociation(found)
            parts.figure(chart, cuts.DISSOCIATION_CAPTION, "Two networks, two cuts", "bridge-dissociation")
        else:
            st.caption("No second network has sub-groups: there is no double dissociation to ask for.")
        st.markdown("**The model's language**")
        chart = cuts.bridge_language(found)
        parts.figure(
            chart, cuts.language_caption(found), "Language without the sub-groups", "bridge-language"
        )
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(found.prediction, hide_index=True)
        st.dataframe(found.language, hide_index=True)
    name = f"bridge_{bridge_id[:12]}.csv"
    st.download_button(
        "Losses as CSV", found.prediction.to_csv(index=False), name, icon=":material/download:"
    )
