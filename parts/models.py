"""Cards of language models, here or to be had, and the picker of the Start page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

import parts
from brainlike_core import fetching

CONTROLS = "Controls"
STATES = {
    "here": ":green-badge[:material/check: here]",
    "agreement": ":orange-badge[:material/gavel: gated]",
    "get": ":gray-badge[:material/cloud_download: to download]",
    "never": ":red-badge[:material/block: not read here]",
}


def state_of(model: dict[str, Any]) -> str:
    """One of `STATES`."""
    if model["note"]:
        return "never"
    if model["here"]:
        return "here"
    return "agreement" if model["gated"] else "get"


def model_card(model: dict[str, Any], place: str) -> None:
    """One model: what it is, what it takes, whether it is here, and how it is had.

    Parameters
    ----------
    model : dict
        See `inventory.model_facts`.
    place : str
        Of the page; widgets of two cards of one model are told apart by it.
    """
    state = state_of(model)
    st.markdown(f"**{model['title']}**  \n{STATES[state]} `{model['name']}`")
    st.caption("  \n".join([*_facts(model), f"Licence: {model['licence']}"]))
    if state == "never":
        st.caption(f":material/block: {model['note']}")
    elif state == "agreement":
        page = f"https://huggingface.co/{model['name'].partition('@')[0]}"
        st.caption(
            f"Gated: accept its terms on [its page]({page}), make a "
            "[token](https://huggingface.co/settings/tokens), and start the app with `HF_TOKEN=...`. It is not stored."
        )
    if state in ("agreement", "get"):
        get_button(model["name"], place)


def _facts(model: dict[str, Any]) -> list[str]:
    lines = [model["description"]]
    if model["n_layers"]:
        lines.append(
            f"{model['group']}: {model['n_layers']} layers × {model['n_units']:,} = **{model['n_neurons']:,}** neurons"
        )
    if model["memory_float32"]:
        lines.append(
            f"Memory about {size_text(model['memory_float32'])} "
            f"({size_text(model['memory_bfloat16'])} in bfloat16), for 300 volumes"
        )
    if model["size_bytes"] and not model["here"]:
        lines.append(f"Download about {size_text(model['size_bytes'])}")
    return lines


def size_text(n_bytes: int) -> str:
    """Bytes as people read them."""
    if n_bytes < 0.995e9:
        return f"{n_bytes / 1e6:,.0f} MB"
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes < 9.95e9 else f"{n_bytes / 1e9:,.0f} GB"


def get_button(name: str, place: str = "") -> None:
    """Get it, with progress and cancel."""
    download = fetching.downloads().get(name)
    if download and download.state == "running":
        _progress(name, place)
        return
    if download and download.state == "failed":
        st.warning(download.message, icon=":material/info:")
    if st.button("Get it", key=f"get-{place}{name}", icon=":material/download:"):
        fetching.start(name, parts.places.DATA)
        st.rerun()


@st.fragment(run_every=0.5)
def _progress(name: str, place: str) -> None:
    download = fetching.downloads()[name]
    if download.state != "running":
        fetching.forget_card(name)
        st.rerun()
    share = download.n_bytes / download.n_total if download.n_total else 0.0
    text = f"{download.n_bytes / 1e6:,.1f} MB"
    if download.bytes_per_s:
        text += f" · {download.bytes_per_s / 1e6:.1f} MB/s"
        if download.n_total:
            text += f" · {(download.n_total - download.n_bytes) / download.bytes_per_s:,.0f} s left"
    st.progress(min(share, 1.0), text=text)
    if st.button("Cancel", key=f"cancel-{place}{name}"):
        fetching.cancel(name)


# -- the picker -------------------------------------------------------------------------


def pick_models(models: Sequence[dict[str, Any]], default: Sequence[str]) -> list[dict[str, Any]]:
    """Choose models by family, or name one; a card for each that is not an everyday one.

    Returns
    -------
    list of dict
        Those chosen; an unknown one only once its card is known.
    """
    known = {model["name"]: model for model in grouped(models)}
    chosen = st.multiselect(
        "Models", list(known), default=[name for name in default if known[name]["here"]],
        format_func=lambda name: _label(known[name]), placeholder="by family and size",
    )  # fmt: skip
    typed = st.text_input(
        "Another model", placeholder="org/name, org/name@revision or /folder",
        help="Any safetensors model of the Hugging Face hub, or a folder on this computer",
    ).strip()  # fmt: skip
    picked = [known[name] for name in chosen]
    if typed and typed not in chosen and (found := _named(typed)):
        picked.append(found)
    if picked:
        plural = "" if len(picked) == 1 else "s"
        with st.expander(
            f"About {len(picked)} model{plural}", expanded=any(state_of(m) != "here" for m in picked)
        ):
            for model in sorted(picked, key=lambda one: state_of(one) == "here"):
                with st.container(gap="small"):
                    model_card(model, "start-")
    return picked


def grouped(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By family in order of first appearance, small to large within one; the controls come last."""
    order = [*dict.fromkeys(model["group"] for model in models if model["group"] != CONTROLS), CONTROLS]
    return sorted(models, key=lambda m: (order.index(m["group"]), m["n_parameters"]))


def _label(model: dict[str, Any]) -> str:
    known = model["title"].startswith(model["group"]) or model["group"] == CONTROLS
    title = model["title"] if known else f"{model['group']} · {model['title']}"
    return title + ("" if model["here"] else " (to download)")


def _named(name: str) -> dict[str, Any] | None:
    found = fetching.model_card(name)
    if found is None:
        _asking(name)
    elif isinstance(found, str):
        st.warning(found, icon=":material/info:")
        if "cannot be downloaded" in found and st.button("Ask again", key="ask-again"):
            fetching.forget_card(name)
            st.rerun()
    return found if isinstance(found, dict) else None


@st.fragment(run_every=0.3)
def _asking(name: str) -> None:
    """Until the hub has said what it knows, or has been silent for some seconds."""
    if fetching.model_card(name) is not None:
        st.rerun()
    st.caption(":material/hourglass_top: Asking the hub ...")
