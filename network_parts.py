"""The Functional networks page's parts: choose or find networks, look at them, cut them, and the bridge to the brain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

import network_form
import page_parts as parts
from brainlike_core import archive, archive_networks, engine, inventory, jobs, report_networks
from brainlike_core.archive_networks import Finished
from brainlike_core.bridge import network_subgroups
from brainlike_core.config import BridgeConfig, LesionConfig, NetworksConfig
from brainlike_core.errors import ConfigError, DamagedEntryError
from brainlike_core.figures import charts, cuts, networks
from brainlike_core.values import BridgeResult, LesionResult, ModelNetworks, Run

# -- jobs -----------------------------------------------------------------------------


def under_way(kind: type) -> None:
    """Cards of the jobs of a kind: how far, Cancel, or why it stopped; when one ends the page is drawn again."""
    if jobs.active(parts.CACHE, kind):
        _cards(kind)


@st.fragment(run_every=1)
def _cards(kind: type) -> None:
    watched, key = jobs.active(parts.CACHE, kind), f"under way {kind.__name__}"
    now = {job.run_id for job in watched if job.state in jobs.ACTIVE}
    ended = st.session_state.get(key, set()) - now
    st.session_state[key] = now
    for job in watched:
        parts.job_card(job)
    if ended:
        st.rerun()


def _ask(config: Any, field: str, known: Sequence[str], label: str, cost: str, command: str) -> None:
    """A button that starts a job (or opens what is known), what it costs, and the command that does the same."""
    now = jobs.status(config.id, parts.CACHE)
    active = now is not None and now.state in jobs.ACTIVE
    if now is not None and now.state == "failed":
        st.warning(now.message, title="This did not work", icon=":material/info:")
    button, beside = st.columns([1, 3], vertical_alignment="center")
    done = config.id in known
    said = "Open it" if done else label
    icon = ":material/visibility:" if done else ":material/play_arrow:"
    if button.button(said, key=f"ask-{field}", icon=icon, type="primary", disabled=active, width="stretch"):
        if not done:
            engine.start_aside(config, parts.CACHE, parts.DATA, parts.SCHEDULER)
        parts.select(**{field: config.id})
        st.rerun()
    beside.caption("This is known already." if done else cost)
    st.code(command, language="bash", wrap_lines=True)


def _asked(field: str, known: Sequence[str]) -> str | None:
    """The id of the address, where it is known; a note where it is not, nor under way."""
    text = st.query_params.get(field, "")
    found = parts.unique_run(text, known)
    whole = re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII)
    if text and found is None and not (whole and jobs.status(text, parts.CACHE)):
        st.caption(f":material/info: The link's {field} could not be found here; showing the newest instead.")
    return found


# -- choose ---------------------------------------------------------------------------


def choose() -> Finished[NetworksConfig]:
    """The networks of the address, or the newest, and a form for others; a friendly stop where there are none."""
    finished = archive_networks.finished_networks(parts.store())
    ids = {one.id: one for one in finished}
    chosen = _asked("inside", list(ids)) or next(iter(ids), None)
    if parts.embedded():
        if chosen is None:
            st.info("No networks have been found yet.")
            st.stop()
        return ids[chosen]
    under_way(NetworksConfig)
    if chosen is None:
        with st.container(border=True):
            st.subheader("No networks have been found yet", anchor=False)
            st.markdown(
                "The model reads short texts of several kinds; its neurons are separated into networks that are active "
                "independently of each other, as in brain imaging. Everything for a first look is here."
            )
            _find(finished)
        st.stop()
    labels = {one.id: f"{one.label} · {_texts(one.config)} · {one.id[:6]}" for one in finished}
    parts.pick("inside", "Networks", list(ids), chosen, labels.__getitem__, short=lambda value: value[:12])
    with st.expander("Find networks in another model, or others", icon=":material/add_circle:"):
        _find(finished)
    return ids[chosen]


def _texts(config: NetworksConfig) -> str:
    names = [networks.set_name(name) for name in config.text_sets]
    return ", ".join(names) + ("" if config.method == "temporal" else f" · {config.method}")


def _find(finished: Sequence[Finished[NetworksConfig]]) -> None:
    config = network_form.networks_form(inventory.catalogue(parts.DATA))
    if config is None:
        return
    model = config.extract.model
    took = [one.seconds for one in finished if one.config.extract.model == model]
    cost = (
        f"The last ones of {model} took {_time(took[0])} here."
        if took
        else "About 3 minutes for MiniLM and 160 texts on two cores; more with the size of the model."
    )
    command = network_form.networks_command(config, parts.DATA)
    _ask(config, "inside", [one.id for one in finished], "Find networks", cost, command)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


@st.cache_resource(max_entries=4, show_spinner="Opening the networks")
def _networks(networks_id: str) -> ModelNetworks:
    return archive_networks.load_networks(networks_id, parts.store())


def load(chosen: Finished[NetworksConfig]) -> ModelNetworks:
    """The chosen networks, each byte checked once."""
    try:
        return _networks(chosen.id)
    except DamagedEntryError:
        _networks.clear()
        raise


def chosen_network(found: ModelNetworks) -> int:
    """The network of the address (there it counts from 1), or the first; with its select box."""
    text = st.query_params.get("net", "")
    number = parts.whole_number(text)
    valid = number is not None and 1 <= number <= found.n_networks
    if text and not valid:
        st.caption(":material/info: The link's net could not be found here; showing the first network.")
    return number - 1 if valid and number is not None else 0


def pick_network(found: ModelNetworks, network: int) -> None:
    """A select box of networks; what is picked goes to the address."""
    if parts.embedded():
        return
    parts.pick(
        "net", "Network", list(range(1, found.n_networks + 1)), network + 1,
        lambda k: f"Network {k} · {int(found.key[k - 1].sum()):,} key neurons",
    )  # fmt: skip


# -- look -----------------------------------------------------------------------------


def overview(chosen: Finished[NetworksConfig], found: ModelNetworks, network: int) -> None:
    """What was found in words, then by layer, by text and among each other; a click selects a network."""
    first, *others = report_networks.networks_sentences(found)
    st.markdown(f"#### {first}")
    for line in others:
        st.caption(line)
    config = chosen.config
    grid = st.grid(2, min_column_width=430, gap="large")
    with grid.cell():
        chart = networks.layers_and_stability(found, network)
        _chart(
            chart,
            networks.stability_caption(found),
            "Networks by layer, and how well each is found again",
            "layers",
        )
    with grid.cell():
        chart = networks.recurrence(found, network)
        caption = networks.recurrence_caption(found, config.iou, config.n_null)
        _chart(chart, caption, "Share of texts in which each network recurs", "recurrence")


def _chart(chart: Any, caption: str, alt: str, key: str) -> None:
    """A chart in which a click selects a network."""

    def write() -> None:
        point = parts.clicked(f"net-{key}")
        if point:
            parts.select(net=point[0] + 1)

    parts.figure(chart, caption, alt, f"net-{key}", write)


def one_network(chosen: Finished[NetworksConfig], found: ModelNetworks, network: int) -> None:
    """One network: its layers, the texts and the tokens in which it is loud, and its company."""
    st.markdown(networks.network_sentence(found, network))
    grid = st.grid(2, min_column_width=430, gap="large")
    with grid.cell():
        st.markdown("**Key neurons by layer**")
        chart = charts.layer_bars(found.layers, found.layer_histogram[network])
        caption = f"Of {found.n_units:,} neurons in each layer. Dotted: an even spread."
        parts.figure(chart, caption, f"Key neurons of network {network + 1} by layer", "net-bars")
        st.markdown("**Activity in the texts**")
        chart = networks.by_text_set(found, network)
        caption = "One dot per text: mean of the network's time course over its tokens. Line: mean of the set. No test."
        parts.figure(chart, caption, f"Activity of network {network + 1} in each text", "net-texts")
    with grid.cell():
        st.markdown("**Loudest tokens, one per text**")
        st.html(networks.token_passages(networks.loudest_tokens(found, network)))
        st.caption("Activity in standard deviations over all tokens.")
    with st.expander("How networks go together", icon=":material/hub:"):
        chart = networks.connectivity(found, network)
        _chart(chart, networks.connectivity_caption(found), "Correlation between networks", "connectivity")
    table = networks.table(found)
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(table, hide_index=True)
    name = f"networks_{chosen.id[:12]}.csv"
    st.download_button("Networks as CSV", table.to_csv(index=False), name, icon=":material/download:")


# -- cut ------------------------------------------------------------------------------


def cut(chosen: Finished[NetworksConfig], found: ModelNetworks, network: int) -> None:
    """A form for a cut, cuts under way, and what the one of the address (or the newest) did."""
    made = archive_networks.lesions_of(chosen.id, parts.store())
    ids = {one.id: one for one in made}
    if not parts.embedded():
        under_way(LesionConfig)
        _offer_cut(chosen, found, network, made)
    same = next((one.id for one in made if one.config.network == (network,)), next(iter(ids), None))
    shown = _asked("cut", list(ids)) or same
    if shown is None:
        st.caption("Nothing of these networks has been cut yet.")
        return
    if len(ids) > 1 and not parts.embedded():
        titles = {one.id: f"{_cut_title(one.config)} · {one.id[:6]}" for one in made}
        parts.pick("cut", "Cuts made", list(ids), shown, titles.__getitem__)
    show_cut(shown, archive_networks.load_lesion(shown, parts.store()))


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
) -> None:
    with st.container(border=True):
        try:
            config = network_form.lesion_form(chosen.config, network, found.reading.get("head", "none"))
        except ConfigError as error:
            st.warning(str(error), icon=":material/info:")
            return
        took = [one.seconds for one in made]
        cost = (
            f"The model is scored {5 + config.n_random} times: whole, cut, {config.n_random} random cuts, 15 % random. "
            + (
                f"The last cut took {_time(took[0])} here."
                if took
                else "About 6 minutes for MiniLM on two busy cores; more with the size of the model."
            )
        )
        command = network_form.lesion_command(config, parts.DATA)
        label = network_form.DEEDS[config.action]
        _ask(config, "cut", [one.id for one in made], label, cost, command)


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
            "first of the matched ones. Three prompts, to look at; nothing is tested."
        )
    else:
        st.caption("This model does not write: there is no text to compare.")
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(found.effects, hide_index=True)
    left, right = st.columns(2)
    name = lesion_id[:12]
    left.download_button(
        "Scores as CSV", found.effects.to_csv(index=False), f"cut_{name}.csv", icon=":material/download:"
    )
    right.download_button(
        "Random cuts as CSV",
        found.draws.to_csv(index=False),
        f"random_cuts_{name}.csv",
        icon=":material/download:",
    )


# -- the bridge -------------------------------------------------------------------------


def bridge(chosen: Finished[NetworksConfig]) -> None:
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
    asked = parts.unique_run(st.query_params.get("run", ""), list(labels)) or runs[0].id
    if not parts.embedded():
        parts.pick("run", "Run", list(labels), asked, labels.__getitem__, short=lambda value: value[:12])
    made = [one for one in archive_networks.finished_bridges(parts.store()) if one.config.run == asked]
    ids = {one.id: one for one in made}
    if not parts.embedded():
        under_way(BridgeConfig)
        _offer_bridge(parts.load_run(asked), made)
    shown = _asked("bridge", list(ids)) or next(iter(ids), None)
    if shown is None:
        st.caption("No brain network's sub-groups have been cut out of this run's model yet.")
        return
    if len(ids) > 1 and not parts.embedded():
        titles = {one.id: f"{_bridge_title(one.config)} · {one.id[:6]}" for one in made}
        parts.pick("bridge", "Bridges built", list(ids), shown, titles.__getitem__)
    show_bridge(shown, archive_networks.load_bridge(shown, parts.store()))


def _bridge_title(config: BridgeConfig) -> str:
    against = f" against {config.against}" if config.against else ""
    return f"{config.network}{against} · {network_form.RULES[config.rule].lower()}"


def _offer_bridge(run: Run, made: Sequence[Finished[BridgeConfig]]) -> None:
    groups = {rule: network_subgroups(run, rule) for rule in network_form.RULES}
    counts = {rule: {name: len(atoms) for name, atoms in one.items()} for rule, one in groups.items() if one}
    with st.container(border=True):
        config = network_form.bridge_form(run.id, counts)
        if config is None:
            return
        n = 1 + len(counts[config.rule]) + (1 + bool(config.against)) * config.n_random
        cost = f"The model reads the story {n} times, and the brain is predicted each time."
        if "extract" in run.seconds:
            cost += f" Reading alone: about {_time(n * run.seconds['extract'])}."
        if made:
            cost += f" The last one took {_time(made[0].seconds)} here."
        _ask(
            config,
            "bridge",
            [one.id for one in made],
            "Build the bridge",
            cost,
            network_form.bridge_command(config),
        )


def show_bridge(bridge_id: str, found: BridgeResult) -> None:
    """Language and prediction without the sub-groups, and the double dissociation with its verdict."""
    lines = report_networks.bridge_sentences(found)
    verdict = lines.pop() if found.dissociation else ""
    st.markdown("  \n".join([f"**{lines[0]}**", *lines[1:]]))
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
            st.markdown("**Double dissociation**")
            st.markdown(verdict)
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
