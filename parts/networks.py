"""The Functional networks page's parts: jobs, choosing or finding networks, and looking at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

import parts
from brainlike_core import archive_networks, engine, inventory, jobs, report_networks
from brainlike_core.archive_networks import Finished
from brainlike_core.config import NetworksConfig
from brainlike_core.errors import DamagedEntryError
from brainlike_core.figures import charts, networks
from brainlike_core.inside_cost import networks_cost
from brainlike_core.values import ModelNetworks

from . import network_form
from .cost import inside_text

# -- jobs -----------------------------------------------------------------------------


def under_way(kind: type) -> None:
    """Cards of the jobs of a kind: how far, and Cancel; when one ends the page is drawn again."""
    if _active(kind):
        _cards(kind)


def _active(kind: type) -> list[jobs.Status]:
    return [job for job in jobs.active(parts.places.CACHE, kind) if job.state in jobs.ACTIVE]


@st.fragment(run_every=1)
def _cards(kind: type) -> None:
    watched, key = _active(kind), f"under way {kind.__name__}"
    now = {job.run_id for job in watched}
    ended = st.session_state.get(key, set()) - now
    st.session_state[key] = now
    for job in watched:
        parts.job_card(job)
    if ended:
        st.rerun()


def ask(config: Any, field: str, known: Sequence[str], label: str, cost: str, command: str) -> None:
    """A button that starts a job (or opens what is known), what it costs, and the command that does the same."""
    now = jobs.status(config.id, parts.places.CACHE)
    active = now is not None and now.state in jobs.ACTIVE
    if now is not None and now.state == "failed" and st.query_params.get(field) != config.id:
        st.warning(now.message, title="This did not work", icon=":material/info:")
    done = config.id in known
    said, icon = ("Show it", ":material/visibility:") if done else (label, ":material/play_arrow:")
    kind = "secondary" if done else "primary"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(said, key=f"ask-{field}", icon=icon, type=kind, disabled=active):
            if not done:
                engine.start_aside(config, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
            parts.select(**{field: config.id})
            st.rerun()
        st.caption("This is known already." if done else cost)
    st.code(command, language=None, wrap_lines=True)


def asked(field: str, known: Sequence[str]) -> str | None:
    """The id of the address, where it is known; else why it failed, or a note that it is not here."""
    text = st.query_params.get(field, "")
    found = parts.unique_run(text, known)
    if not text or found is not None:
        return found
    whole = re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII)
    now = jobs.status(text, parts.places.CACHE) if whole else None
    if now is None or now.state == "done":
        st.caption(f":material/info: The link's {field} could not be found here; showing the newest instead.")
    elif now.state == "cancelled":
        st.caption(f":material/info: {now.label}: {now.message.rstrip('.')}.")
    elif now.state not in jobs.ACTIVE:
        st.warning(now.message, title=f"{now.label}: {now.state}", icon=":material/info:")
    return None


# -- choose ---------------------------------------------------------------------------


def choose() -> Finished[NetworksConfig]:
    """The networks of the address, or the newest, and a form for others; a friendly stop where there are none."""
    finished = archive_networks.finished_networks(parts.store())
    ids = {one.id: one for one in finished}
    chosen = asked("inside", list(ids)) or next(iter(ids), None)
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
    config = network_form.networks_form(inventory.catalogue(parts.places.DATA))
    if config is None:
        return
    took = [one.seconds for one in finished if one.config.extract.model == config.extract.model]
    cost = inside_text(networks_cost(config, parts.places.DATA), took)
    command = network_form.networks_command(config, parts.places.DATA)
    ask(config, "inside", [one.id for one in finished], "Find networks", cost, command)


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
    st.caption("  \n".join(others))
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
    with grid.cell():
        st.markdown("**How networks go together**")
        chart = networks.connectivity(found, network)
        _chart(chart, networks.connectivity_caption(found), "Correlation between networks", "connectivity")
    with grid.cell():
        st.markdown("**All numbers**")
        table = networks.table(found)
        st.dataframe(table, hide_index=True)
        name = f"networks_{chosen.id[:12]}.csv"
        st.download_button("Networks as CSV", table.to_csv(index=False), name, icon=":material/download:")


def _chart(chart: Any, caption: str, alt: str, key: str) -> None:
    """A chart in which a click selects a network."""

    def write() -> None:
        point = parts.clicked(f"net-{key}")
        if point:
            parts.select(net=point[0] + 1)

    parts.figure(chart, caption, alt, f"net-{key}", write)


def one_network(found: ModelNetworks, network: int) -> None:
    """One network: its layers, the texts in which it is active, and its tokens in context."""
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
        st.markdown("**Its tokens in context**")
        loudest = True
        if not parts.embedded():
            loudest = st.segmented_control(
                "Tokens", [True, False], default=True, required=True, label_visibility="collapsed",
                format_func=lambda most: "Most active" if most else "Least active",
            )  # fmt: skip
        st.html(networks.token_passages(networks.telling_tokens(found, network, loudest=loudest)))
        st.caption("One token per text. Activity in standard deviations over all tokens; 0 is the mean.")
