"""From a config.json to an empty network: any text model that the transformers library knows.

Nothing that a config says is executed or fetched. Of its fields only numbers,
switches and short plain words reach the library; those that could name code, a
kernel or a quantiser are dropped. Whether the family can be read at all is not
looked up in a list: the network is built without memory (on the ``meta``
device), and its neurons must be found (`neurons`).
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, MODEL_MAPPING, PreTrainedConfig

from ..errors import BrainlikeError, ModelError
from .model_names import shorten
from .neurons import neuron_sites

# Tokens per pass where the config names no limit: ALiBi and relative positions go on without end.
DEFAULT_CONTEXT = {"causal": 2048, "bidirectional": 512}

_NEEDED = {
    "vocab_size": (2, 1 << 20),
    "hidden_size": (1, 1 << 16),
    "num_hidden_layers": (1, 1 << 9),
    "num_attention_heads": (1, 1 << 10),
}
_SIZES = {**_NEEDED, "intermediate_size": (1, 1 << 18), "max_position_embeddings": (8, 1 << 21)}
_COUNTS = re.compile(r"(?!.*(?:size|eps|_id|index)).*(?:layer|group|expert|head|block).*")
_MOST_OF_A_COUNT, _MOST = 1 << 10, 1 << 31
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9_|+. -]{0,64}")
_ROPE = {"rope_scaling", "rope_parameters"}
# Words that a family reads from its config without declaring the field.
_UNDECLARED_WORDS = {"conv_act", "norm_rel_ebd"}
# Code, kernels, quantisers and precision; and switches that go around the modules we listen to.
_NEVER = re.compile(
    r"kernel(?!_size)|quant|fusion|dtype|compile|implementation|^output_|^return_|^use_cache$"
    r"|cross_attention|^slow_but_exact$|^pretraining_tp$"
)
_BASE_FIELDS = {field.name for field in dataclasses.fields(PreTrainedConfig)}


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Turn what a library raises over a model's files into one sentence."""
    try:
        yield
    except BrainlikeError:
        raise
    except MemoryError as error:
        raise ModelError(
            f"Model '{shorten(name)}' does not fit in memory", needed="more memory",
            do="choose a smaller model",
        ) from error  # fmt: skip
    except Exception as error:
        raise ModelError(
            f"Model '{shorten(name)}' cannot be read", found=shorten(f"{type(error).__name__}: {error}", 160),
            needed="config.json, tokenizer.json and safetensors weights of one language model",
            do="download the model again, or choose another",
        ) from error  # fmt: skip


# --- config.json -------------------------------------------------------------------------------


def read_config(name: str, found: dict[str, Any]) -> PreTrainedConfig:
    """The library's config object from the harmless fields of a config.json.

    Of a model that also sees or hears, the text part is taken.

    Raises
    ------
    ModelError
        A family that the library or `neurons` does not know, code of the
        model's own, quantised weights, or a size out of bounds.
    """
    _refuse_foreign(name, found)
    text = found.get("text_config")
    if isinstance(text, dict) and "hidden_size" not in found:
        found = text
        _refuse_foreign(name, found)
    kind = CONFIG_MAPPING[str(found["model_type"])]
    _check_sizes(name, kind, found)
    with refusals(name):
        config = kind(**_harmless(name, kind, found))
    empty = blueprint(name, config).empty
    if getattr(empty, "main_input_name", "") != "input_ids":
        raise _foreign(name, f"{type(empty).__name__}, which does not read words")
    neuron_sites(empty, "ffn_out")
    return config


def _refuse_foreign(name: str, found: dict[str, Any]) -> None:
    """Refuse other families, models with code of their own, and quantised weights."""
    family = found.get("model_type")
    kind = CONFIG_MAPPING[family] if isinstance(family, str) and family in CONFIG_MAPPING else None
    positions = found.get("position_embedding_type", "absolute")
    declared = kind is not None and "position_embedding_type" in _declared(kind)
    reasons = {
        f"model_type {family!r}": kind is None,
        "auto_map (code of its own, which is never run)": "auto_map" in found,
        "quantization_config": bool(found.get("quantization_config")),
        f"position_embedding_type {positions!r}": positions != "absolute" and not declared,
        f"model_type {family!r} with compiled kernels": kind is not None and _fetches_kernels(kind),
    }
    for reason, holds in reasons.items():
        if holds:
            raise _foreign(name, reason)


def _foreign(name: str, found: str) -> ModelError:
    return ModelError(
        f"Model '{shorten(name)}' is of a kind that is not read here", found=shorten(found),
        needed="a transformer that the transformers library knows, with plain safetensors weights",
        do="choose another model",
    )  # fmt: skip


def _fetches_kernels(kind: type[PreTrainedConfig]) -> bool:
    """True where the family's own file asks the hub for compiled code when a network is made."""
    if kind not in MODEL_MAPPING:
        return False
    module = sys.modules[_model_class(kind).__module__]
    return hasattr(module, "is_kernels_available")


def _check_sizes(name: str, kind: type[PreTrainedConfig], found: dict[str, Any]) -> None:
    """Known sizes within bounds under whichever name the family uses; any other count too."""
    for key, (least, most) in _SIZES.items():
        own = kind.attribute_map.get(key, key)
        value = found.get(own, found.get(key))
        if value is None and key not in _NEEDED:
            continue
        if type(value) is not int or not least <= value <= most:
            raise _odd(name, own, value, f"a whole number from {least} to {most}")
    for key, value in found.items():
        most = _MOST_OF_A_COUNT if _COUNTS.fullmatch(key) else _MOST
        if type(value) is int and abs(value) > most and "rope" not in key:
            raise _odd(name, key, value, f"at most {most}")


def _odd(name: str, key: str, value: Any, needed: str) -> ModelError:
    return ModelError(
        f"config.json of '{shorten(name)}' has an odd {shorten(key)}", found=shorten(repr(value)),
        needed=needed, do="choose another model",
    )  # fmt: skip


def _declared(kind: type[PreTrainedConfig]) -> set[str]:
    """Fields of this family's config, without those that every config has."""
    return ({field.name for field in dataclasses.fields(kind)} - _BASE_FIELDS) | set(kind.attribute_map)


def _harmless(name: str, kind: type[PreTrainedConfig], found: dict[str, Any]) -> dict[str, Any]:
    """The fields that reach the library.

    Numbers and switches pass under any name that does not shadow something of
    the config class (families read some that they do not declare); words and
    lists only under declared names; tables only for rotary positions.
    """
    declared = _declared(kind)
    kept = {}
    for key, value in found.items():
        free = key not in _BASE_FIELDS and not hasattr(kind, key) and re.fullmatch(r"[a-z]\w*", key)
        if _NEVER.search(key) or not (key in declared or key in _ROPE or free):
            continue
        words = key in declared or key in _ROPE or key in _UNDECLARED_WORDS
        plain = _plain(value, words, key in _ROPE)
        if not plain and key in declared:
            # Left out, it would silently become the family's default.
            raise _odd(name, key, value, "a number, a switch, or plain words")
        if value is not None and plain:
            kept[key] = value
    return kept


def _plain(value: Any, words: bool, tables: bool, depth: int = 0) -> bool:
    """True for a number or a switch; a plain word or list where ``words``, a table where ``tables``."""
    if value is None or isinstance(value, bool | int):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return words and bool(_PLAIN_TEXT.fullmatch(value))
    if depth > 3 or not words or not isinstance(value, list | dict) or len(value) > 1024:
        return False
    if isinstance(value, dict):
        return tables and all(_plain([*item], words, tables, depth + 1) for item in value.items())
    return all(_plain(part, words, tables, depth + 1) for part in value)


# --- the network -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Blueprint:
    """How to build a network without its head.

    Attributes
    ----------
    network_class : type
        Called with ``config`` and ``options``; of an encoder-decoder the
        encoder's class.
    config : PreTrainedConfig
    options : dict
    empty : nn.Module
        The network on the ``meta`` device: shapes without memory.
    """

    network_class: Any
    config: PreTrainedConfig
    options: dict[str, Any]
    empty: nn.Module


def blueprint(name: str, config: PreTrainedConfig) -> Blueprint:
    """Build the network's shapes, without pooling layers; ``name`` is for the sentence of a refusal.

    Raises
    ------
    ModelError
        The library has no network for this config, or the config contradicts itself.
    """
    with refusals(name), torch.random.fork_rng(devices=[]), torch.device("meta"):
        network_class = _model_class(type(config))
        pools = "add_pooling_layer" in inspect.signature(network_class).parameters
        options = {"add_pooling_layer": False} if pools else {}
        empty = network_class(config, **options)
        if config.is_encoder_decoder:
            empty = empty.get_encoder()
            return Blueprint(type(empty), empty.config, {}, empty)
        return Blueprint(network_class, config, options, empty)


def _model_class(kind: type[PreTrainedConfig]) -> Any:
    """The headless network of a config class; of several (Funnel) the first."""
    found = MODEL_MAPPING[kind]
    return found[0] if isinstance(found, list | tuple) else found


def is_causal(network: nn.Module) -> bool:
    """Measured: True where another last token changes no earlier position.

    One pass over two sequences of six tokens that differ in the last. An
    earlier position counts as changed where it moves by more than the root of
    the precision's step, in units of its own standard deviation.
    """
    config = network.config.get_text_config()  # type: ignore[union-attr,operator]
    usable = [token for token in range(min(config.vocab_size, 64)) if token != config.pad_token_id]
    ids = [usable[(5 * place + 3) % len(usable)] for place in range(6)]
    other = next((token for token in usable if token != ids[-1]), ids[-1])
    device = next(network.parameters()).device
    with torch.inference_mode():
        pairs = torch.tensor([ids, [*ids[:-1], other]], device=device)
        states = network(input_ids=pairs).last_hidden_state.float()  # (2, 6, n_hidden)
    moved = (states[0, :-1] - states[1, :-1]).abs().amax(-1) / states[0, :-1].std(-1).clamp_min(1e-30)
    return bool(moved.max() < torch.finfo(next(network.parameters()).dtype).eps ** 0.5)


def context_length(network: nn.Module, causal: bool) -> int:
    """Most tokens of one pass, special tokens included.

    From the config's own field; `DEFAULT_CONTEXT` where it has none (relative
    positions, ALiBi). A table of positions that begins behind the padding
    token's row (RoBERTa, MPNet) holds that many fewer.
    """
    config = network.config.get_text_config()  # type: ignore[union-attr,operator]
    names = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
    stated = [getattr(config, name, None) for name in names]
    length = next((value for value in stated if isinstance(value, int) and value > 0), None)
    if length is None:
        return DEFAULT_CONTEXT["causal" if causal else "bidirectional"]
    for name, part in network.named_modules():
        table = isinstance(part, nn.Embedding) and "position" in name and part.num_embeddings == length
        if table and part.padding_idx is not None:
            return length - int(part.padding_idx) - 1  # type: ignore[call-overload]
    return length
