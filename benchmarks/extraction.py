"""Word responses of every neuron against a plain pass of transformers.

The peer does what most pipelines do: open the model with `AutoModel`, one pass
per window with ``output_hidden_states=True``, everything kept, then averaged
per word. Hidden states are the residual stream and not the neurons; so that
both sides give the same answer, the peer also keeps the outputs of the
feed-forward layers by forward hooks. Both hold the model in memory beforehand.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from brainlike_core.config import ExtractConfig
from brainlike_core.sources import language_model, model_catalogue, word_responses
from brainlike_core.sources.embedded_story import embedded_story
from brainlike_core.values import Story

from .measure import Comparison, within

LAYERS = {"bert": "encoder.layer.{}.output.dense", "llama": "layers.{}.mlp.down_proj"}


@dataclass(frozen=True)
class Case:
    """A story, our model, and the same files opened by transformers."""

    story: Story
    model: language_model.LanguageModel
    config: ExtractConfig
    tokenizer: Any
    plain: Any


def case(name: str) -> Case:
    """Both sides' models and the embedded story."""
    from transformers import AutoModel, AutoTokenizer, logging

    logging.disable_progress_bar()
    path = model_catalogue.wheel_paths(model_catalogue.model_card(name))[0]
    options = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    folder = str(Path(path).parent)
    plain = AutoModel.from_pretrained(folder, dtype=torch.float32, **options).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    return Case(
        embedded_story(), language_model.open_model(name), ExtractConfig(model=name), tokenizer, plain
    )


def ours(one: Case) -> np.ndarray:
    """Word responses by ours: (n_words, n_neurons)."""
    return word_responses.extract_words(one.model, one.story, one.config).values


def transformers_pass(one: Case) -> np.ndarray:
    """Word responses by a plain pass that keeps everything: (n_words, n_neurons)."""
    encoded = one.tokenizer(
        one.story.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    read = _causal if one.model.causal else _windowed
    tokens = read(one, encoded["input_ids"])  # (n_tokens, n_neurons)
    return _word_means(tokens, encoded["offset_mapping"], one.story.spans)


def _causal(one: Case, ids: list[int]) -> np.ndarray:
    """The whole story in one pass, behind one begin token."""
    return _pass(one, [list(one.model.prefix) + ids])[0, 1:]


def _windowed(one: Case, ids: list[int]) -> np.ndarray:
    """Overlapping windows in one batch; each token from the window where it is farthest from an edge."""
    size = one.config.window - 2
    last = len(ids) - size
    starts = [*range(0, last, one.config.stride), last]
    begin, end = one.tokenizer.cls_token_id, one.tokenizer.sep_token_id
    outputs = _pass(one, [[begin, *ids[s : s + size], end] for s in starts])
    return np.stack([outputs[w, 1 + t - starts[w]] for t, w in enumerate(_deepest(starts, size, len(ids)))])


def _deepest(starts: list[int], size: int, n_tokens: int) -> list[int]:
    """For each token the first of the windows in which it lies deepest."""
    depth = [[min(t - s, s + size - 1 - t) for s in starts] for t in range(n_tokens)]
    return [row.index(max(row)) for row in depth]


def _pass(one: Case, windows: list[list[int]]) -> np.ndarray:
    """Feed-forward outputs of every layer: (n_windows, n_positions, n_neurons)."""
    kept: dict[int, torch.Tensor] = {}

    def keep(layer: int, module: Any, inputs: Any, output: torch.Tensor) -> None:
        kept[layer] = output

    places = [LAYERS[one.model.family].format(i) for i in range(one.model.n_layers)]
    hooks = [
        one.plain.get_submodule(place).register_forward_hook(functools.partial(keep, i))
        for i, place in enumerate(places)
    ]
    with torch.inference_mode():
        one.plain(input_ids=torch.tensor(windows), output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    return torch.cat([kept[i] for i in range(len(places))], dim=-1).numpy()


def _word_means(tokens: np.ndarray, spans: list[tuple[int, int]], words: np.ndarray) -> np.ndarray:
    """Mean over the tokens whose characters overlap a word's: (n_words, n_neurons)."""
    first, stop = np.array(spans).T
    rows = [np.flatnonzero((first < end) & (stop > start)) for start, end in words]
    return np.stack([tokens[row].mean(0) for row in rows])


def same_responses(one: Case, a: np.ndarray, b: np.ndarray) -> str:
    """Every response agrees, relative to the neuron's spread over words."""
    return within(
        "largest difference, in a neuron's standard deviations", float((np.abs(a - b) / b.std(0)).max()), 0.01
    )


_N_WORDS = f"{embedded_story().n_words:,} words"
COMPARISONS = tuple(
    Comparison(
        "word responses", "transformers, output_hidden_states and hooks", f"{title}, {_N_WORDS}",
        "transformers", "transformers", functools.partial(case, name), ours, transformers_pass,
        same_responses, n_repeats=3, memory=True,
    )
    for name, title in (("minilm-l6", "MiniLM-L6"), ("smollm2-135m", "SmolLM2-135M"))
)  # fmt: skip
