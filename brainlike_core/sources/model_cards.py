"""The card of any model that a person names, before anything is downloaded: asked of the hub, or read in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import InputError, ModelError
from . import hub
from .model_catalogue import ModelCard, model_card, parse_model_name
from .model_names import shorten, split_hub_id

_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_UNITS = ("hidden_size", "n_embd", "dim", "d_model")


def look_up_card(name: str) -> ModelCard:
    """What is known about a model, within about five seconds; torch is not loaded.

    Parameters
    ----------
    name : str
        A short name, a hub id ``org/name[@revision]``, or a folder.

    Returns
    -------
    ModelCard
        ``note`` says why it cannot be used, where its configuration says so; 0 stands for numbers that
        are not known (a gated model's layers, before its terms are accepted).

    Raises
    ------
    InputError
        No such model, no network, or nothing that can be read.
    """
    kind, place = parse_model_name(name)
    if kind == "wheel":
        return model_card(name)
    return _of_hub(name) if kind == "hub" else _of_folder(place)


def _of_hub(name: str) -> ModelCard:
    found = hub.look_up(name)
    note = "" if any(file.name.endswith(".safetensors") for file in found.files) else _no_safetensors(found)
    try:
        config = hub.read_config(found)
    except ModelError as error:
        config, note = {}, note or str(error)
    stated = found.licence or "not stated: see its page"
    source = f"{hub.model_page(found.repo)} at {found.commit[:12]}"
    return _card(name, split_hub_id(name)[0].split("/")[1], config, note, licence=stated, citation=source,
                 gated=found.gated, n_parameters=found.n_parameters, size_bytes=found.size_bytes)  # fmt: skip


def _no_safetensors(found: hub.HubModel) -> str:
    return f"No safetensors weights ({', '.join(found.other_weights) or 'none at all'}): other kinds are never read."


def _of_folder(place: str) -> ModelCard:
    folder = Path(place)
    try:
        path = folder / "config.json"
        if path.stat().st_size > hub.MAX_JSON_BYTES:
            raise ValueError("config.json is too large")
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("config.json is not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"Folder '{shorten(place)}' holds no model", found=type(error).__name__, needed="a config.json",
            do="name the folder that holds config.json, tokenizer.json and safetensors weights",
        ) from error  # fmt: skip
    weights = list(folder.glob("model*.safetensors"))
    note = "" if weights else "No safetensors weights: other kinds are never read."
    note = note if (folder / "tokenizer.json").is_file() else note or "No tokenizer.json."
    size = sum(path.stat().st_size for path in weights)
    return _card(
        place, folder.name, config, note, licence="as its source states", citation=place, size_bytes=size
    )


def _card(name: str, title: str, config: dict[str, Any], note: str, **facts: Any) -> ModelCard:
    family = config.get("model_type") if isinstance(config.get("model_type"), str) else ""
    inner = config.get("text_config")
    sizes = inner if isinstance(inner, dict) and not _number(config, _UNITS) else config
    return ModelCard(
        name=name, title=shorten(title), description="Named by you.", family=shorten(str(family), 40),
        n_layers=_number(sizes, _LAYERS), n_units=_number(sizes, _UNITS),
        how=f"python -m brainlike_core fetch {name}", group=shorten(str(family), 40) or "not known",
        note=note or _foreign(config), **facts,
    )  # fmt: skip


def _number(config: dict[str, Any], keys: tuple[str, ...]) -> int:
    found = next((config[key] for key in keys if type(config.get(key)) is int), 0)
    return found if 0 < found < 1 << 20 else 0


def _foreign(config: dict[str, Any]) -> str:
    if "auto_map" in config:
        return "It needs code of its own, which is never run here."
    return "Its weights are quantised, which is not read here." if config.get("quantization_config") else ""


def card_or_reason(name: str) -> ModelCard | str:
    """The card, or the sentence why there is none."""
    try:
        return look_up_card(name)
    except InputError as error:
        return str(error)
