"""Forms of the Functional networks page -> configs, and the commands that do the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from brainlike_core.config import (
    ACTIONS,
    DECOMPOSITIONS,
    LOW_LEVEL,
    TASKS,
    TEXT_SETS,
    BridgeConfig,
    ExtractConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
)

from .models import grouped, state_of

METHODS = {"temporal": "Independent over tokens", "canica": "Independent over neurons (CanICA)"}
DEEDS = {"lesion": "Cut", "preserve": "Keep only", "amplify": "Amplify"}
RULES = {"accepted": "Beat both nulls", "paper": "The paper's spin rule"}


def networks_form(catalogue: dict[str, list[dict]]) -> NetworksConfig | None:
    """Model, number of networks, texts and method; None where no model or no texts are chosen.

    Parameters
    ----------
    catalogue : dict
        See `inventory.catalogue`; only what is here can be chosen.
    """
    models = [m for m in catalogue["models"] if state_of(m) == "here" and m["name"] != LOW_LEVEL]
    titles = {m["name"]: f"{m['title']} · {m['n_neurons'] or 0:,} neurons" for m in grouped(models)}
    names, plain = list(titles), NetworksConfig()
    grid = st.grid(4, min_column_width=170, vertical_alignment="bottom")
    model = grid.cell(column_span=2).selectbox(
        "Model", names, names.index(ExtractConfig.model) if ExtractConfig.model in names else 0,
        format_func=titles.__getitem__,
    )  # fmt: skip
    n_components = grid.cell().number_input(
        "Networks (C)", 2, 512, plain.n_components, help="10 in the paper"
    )
    n_texts = grid.cell().number_input(
        "Texts of each set", 2, 1000, plain.n_texts, help="100 in the paper; as many as there are"
    )
    sets = {t["name"]: t["title"] for t in catalogue["texts"] if t["here"] and t["name"] != "held-out"}
    chosen = st.pills(
        "Texts", list(sets), selection_mode="multi", default=[t for t in TEXT_SETS if t in sets],
        format_func=sets.__getitem__,
    )  # fmt: skip
    with st.expander("More settings", icon=":material/tune:"):
        own = st.text_input("A folder of .txt files besides", placeholder="/data/my_texts").strip()
        method = st.segmented_control(
            "Decomposition",
            DECOMPOSITIONS,
            default=plain.method,
            required=True,
            format_func=METHODS.__getitem__,
        )
        weights = st.segmented_control(
            "Weights", ["trained", "random"], default="trained", required=True, format_func=str.capitalize
        )
        left, right = st.columns(2)
        threshold = left.number_input("Key neurons: z above", 0.5, 10.0, plain.threshold, 0.1)
        seed = right.number_input("Seed", 0, 100_000, plain.seed, help="666 in the paper")
    texts = (*chosen, *([own] if own else []))
    if model is None or not texts:
        st.caption(":material/info: Choose a model and at least one set of texts.")
        return None
    return NetworksConfig(
        extract=ExtractConfig(model=model, weights=weights),
        text_sets=texts,
        n_texts=int(n_texts),
        n_components=int(n_components),
        method=method,
        threshold=float(threshold),
        seed=int(seed),
    )


def lesion_form(networks: NetworksConfig, network: int, head: str) -> LesionConfig:
    """What is done to which networks, and what is scored.

    Parameters
    ----------
    networks : NetworksConfig
    network : int
        The chosen one, from 0.
    head : str
        Of the model; zero-shot tasks need one.
    """
    grid = st.grid(3, min_column_width=300, vertical_alignment="bottom")
    action = grid.cell().segmented_control(
        "What", ACTIONS, default="lesion", required=True, format_func=DEEDS.__getitem__
    )
    meant = grid.cell().segmented_control(
        "Which", ["this", "several", "all"], default="this", required=True,
        format_func={"this": f"Network {network + 1}", "several": "Several", "all": "All together"}.__getitem__,
    )  # fmt: skip
    cell = grid.cell()
    change: dict[str, Any] = {}
    if action == "amplify":
        left, right = cell.columns(2)
        change = {
            "scale": left.number_input("Times", 0.0, 100.0, 2.0),
            "add": right.number_input("Plus", -100.0, 100.0, 0.0),
        }
    elif action == "lesion":
        change["how"] = cell.segmented_control(
            "A cut neuron gives", ["zero", "mean"], default="zero", required=True,
            format_func={"zero": "Zero", "mean": "Its mean"}.__getitem__,
        )  # fmt: skip
    chosen: Sequence[int] = {"this": [network], "all": []}.get(meant, [network])
    if meant == "several":
        several = range(networks.n_components)
        chosen = st.multiselect("Networks", several, [network], format_func=lambda k: f"Network {k + 1}") or [
            network
        ]
    tasks: list[str] = []
    if head != "none":
        tasks = st.pills(
            "Score besides, without examples", TASKS, selection_mode="multi", format_func=str.capitalize
        )
    return LesionConfig(
        networks=networks, network=tuple(sorted(chosen)), action=action, tasks=tuple(tasks), **change
    )


def preservation_form(networks: NetworksConfig) -> PreservationConfig | None:
    """Numbers of networks; None where none is chosen."""
    usual = PreservationConfig.counts
    counts = st.pills(
        "Networks (C)", sorted({2, 5, 20, *usual}), selection_mode="multi", default=list(usual),
        help="10 to 512 in the paper",
    )  # fmt: skip
    return PreservationConfig(networks=networks, counts=tuple(sorted(counts))) if counts else None


def bridge_form(run_id: str, groups: Mapping[str, Mapping[str, int]]) -> BridgeConfig | None:
    """A brain network with sub-groups and another one; None where no network has any.

    Parameters
    ----------
    run_id : str
    groups : mapping
        Rule -> network -> number of its sub-groups; rules without any are left out.
    """
    if not groups:
        st.info(
            "No sub-group of this run goes with a brain network, by either rule: there is nothing to cut."
        )
        return None
    grid = st.grid(3, min_column_width=300, vertical_alignment="bottom")
    rule = grid.cell().segmented_control(
        "Links by", list(groups), default=next(iter(groups)), required=True, format_func=RULES.__getitem__
    )
    if "accepted" not in groups:
        st.caption(
            ":material/info: No link of this run beats both nulls. The paper's rule asks spins alone, which "
            "sign-randomised atoms pass as often: what follows is about those sub-groups, not about proven ones."
        )
    counts = groups[rule]
    names = sorted(counts, key=lambda name: -counts[name])
    text = {name: f"{name} ({n} sub-group{'s' * (n != 1)})" for name, n in counts.items()}
    first = grid.cell().selectbox(
        "Brain network",
        names,
        names.index("Language") if "Language" in names else 0,
        format_func=text.__getitem__,
    )
    others = [name for name in names if name != first]
    against = grid.cell().selectbox(
        "Against", others, format_func=text.__getitem__, disabled=not others, placeholder="no other has sub-groups",
        help="For the double dissociation",
    )  # fmt: skip
    return BridgeConfig(run=run_id, network=first, against=against or "", rule=rule)


# -- the same from the command line ---------------------------------------------------


def networks_command(config: NetworksConfig, data_folder: str | None = None) -> str:
    """The command that finds the same networks.

    Examples
    --------
    >>> networks_command(NetworksConfig(ExtractConfig("minilm-l6"), n_components=20))
    'python -m brainlike_core networks --model minilm-l6 --components 20'
    """
    return shlex.join(_words("networks", config, data_folder))


def lesion_command(config: LesionConfig, data_folder: str | None = None) -> str:
    """The command that makes the same lesion.

    Examples
    --------
    >>> lesion_command(LesionConfig(NetworksConfig(ExtractConfig("minilm-l6")), network=(2,), how="mean"))
    'python -m brainlike_core lesion --model minilm-l6 --network 3 --how mean'
    """
    words, plain = _words("lesion", config.networks, data_folder), LesionConfig()
    if config.network:
        words += ["--network", *(str(k + 1) for k in config.network)]
    for name in ("action", "how", "add", "scale"):
        if getattr(config, name) != getattr(plain, name):
            words += [f"--{name}", str(getattr(config, name))]
    for task in config.tasks:
        words += ["--task", task]
    return shlex.join(words)


def preservation_command(config: PreservationConfig, data_folder: str | None = None) -> str:
    """The command that draws the same curve.

    Examples
    --------
    >>> preservation_command(PreservationConfig(NetworksConfig(ExtractConfig("minilm-l6")), counts=(5, 10)))
    'python -m brainlike_core preserve --model minilm-l6 --counts 5 10'
    """
    words = _words("preserve", config.networks, data_folder)
    if config.counts != PreservationConfig.counts:
        words += ["--counts", *map(str, config.counts)]
    return shlex.join(words)


def bridge_command(config: BridgeConfig) -> str:
    """The command that builds the same bridge.

    Examples
    --------
    >>> bridge_command(BridgeConfig("ab" * 32, against="Default", rule="paper"))
    'python -m brainlike_core lesion --run abababababab --fbn Language --against Default --rule paper'
    """
    words = ["python", "-m", "brainlike_core", "lesion", "--run", config.run[:12], "--fbn", config.network]
    words += ["--against", config.against] if config.against else []
    return shlex.join([*words, *(["--rule", config.rule] if config.rule != BridgeConfig.rule else [])])


def _words(command: str, config: NetworksConfig, data_folder: str | None) -> list[str]:
    plain = NetworksConfig()
    words = ["python", "-m", "brainlike_core", command, "--model", config.extract.model]
    options = {
        "--weights": (config.extract.weights, plain.extract.weights),
        "--components": (config.n_components, plain.n_components),
        "--method": (config.method, plain.method),
        "--threshold": (config.threshold, plain.threshold),
        "--n-texts": (config.n_texts, plain.n_texts),
        "--seed": (config.seed, plain.seed),
    }
    for option, (value, usual) in options.items():
        words += [option, str(value)] if value != usual else []
    if config.text_sets != plain.text_sets:
        for name in config.text_sets:
            words += ["--texts", name]
    if config.extract.layers:
        words += ["--layers", ",".join(map(str, config.extract.layers))]
    if config.extract.neurons != plain.extract.neurons:
        words += ["--neurons", config.extract.neurons]
    return words + (["--data", data_folder] if data_folder and set(config.text_sets) - set(TEXT_SETS) else [])
