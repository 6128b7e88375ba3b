"""Word responses of every neuron against a plain pass, a window per word, a full pass, and keeping every token.

The plain peer does what most pipelines do: open the model with `AutoModel`, one pass
per window with ``output_hidden_states=True``, everything kept, then averaged
per word. Hidden states are the residual stream and not the neurons; so that
both sides give the same answer, the peer also keeps the outputs of the
feed-forward layers by forward hooks. Both hold the model in memory beforehand.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from brainlike_core.config import ExtractConfig
from brainlike_core.science import timing
from brainlike_core.sources import language_model, model_catalogue, neurons, windows, word_responses
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


# -- a window per word -----------------------------------------------------------------

WINDOW = 256
N_WINDOW_WORDS = 130  # all their tokens fit in one window: both sides see the same context


def reading(name: str, weights: str = "trained", n_words: int = 0) -> Case:
    """Our model and the first words of the embedded story (0 = all)."""
    model = bert_base() if name == "bert-base" else language_model.open_model(name, weights=weights)
    story = embedded_story()
    return Case(first_words(story, n_words or story.n_words), model, ExtractConfig(window=WINDOW), None, None)


def first_words(story: Story, n: int) -> Story:
    """The beginning of a story."""
    parts = {f: getattr(story, f)[:n] for f in ("words", "spans", "onsets", "offsets", "aligned")}
    return dataclasses.replace(story, text=story.text[: story.spans[n - 1, 1]], **parts)


def bert_base() -> language_model.LanguageModel:
    """BERT-base's shape with random weights; MiniLM has the same tokenizer."""
    from transformers import BertConfig, BertModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(attn_implementation="sdpa")
        network = BertModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    small = language_model.open_model("minilm-l6")
    return dataclasses.replace(
        small, name="bert-base", model=network, n_layers=12, n_units=768, weights="random seed 0"
    )


def window_per_word(one: Case) -> np.ndarray:
    """A pass per word over at most 256 tokens: what comes before it, or (bidirectional) what is around it."""
    model = one.model
    ids, pooling = windows.tokenise(model, one.story)
    size = WINDOW - len(model.prefix) - len(model.suffix)
    rows = []
    for word in range(one.story.n_words):
        mine = pooling[word].indices
        middle = mine.max() + 1 if model.causal else min(int(mine.mean()) + size // 2, len(ids))
        start = max(0, middle - size)
        stop = middle if model.causal else min(start + size, len(ids))
        sequence = [*model.prefix, *ids[start:stop].tolist(), *model.suffix]
        rows.append(_outputs(model, sequence)[mine - start + len(model.prefix)].mean(0))
    return np.stack(rows)


def _outputs(model: language_model.LanguageModel, sequence: list[int]) -> np.ndarray:
    """Feed-forward outputs of every layer in one pass: (n_positions, n_neurons)."""
    heard: dict[int, torch.Tensor] = {}
    sites = neurons.neuron_sites(model.model, "ffn_out")
    with torch.inference_mode(), neurons.listening(model.model, sites, heard.__setitem__):
        model.model(input_ids=torch.tensor([sequence]))
    return torch.cat([heard[i][0] for i in range(len(sites))], dim=-1).numpy()


# -- one full pass ----------------------------------------------------------------------


def full_pass(one: Case) -> np.ndarray:
    """All tokens at once, pooled in the same way."""
    with mock.patch.object(word_responses, "CHUNK_TOKENS", 10**9):
        return ours(one)


def equal_rows(one: Case, a: np.ndarray, b: np.ndarray) -> str:
    """Within 1e-5 of each neuron's largest response."""
    difference = np.abs(a - b).max(0) / np.maximum(1, np.abs(b).max(0))
    return within(
        "largest difference, relative to the neuron's largest response", float(difference.max()), 1e-5
    )


# -- memory -----------------------------------------------------------------------------

TR = 1.0
N_NEURONS = 32 * 1024
SHAPE = {
    "hidden_size": 1024, "num_hidden_layers": 32, "num_attention_heads": 16, "num_key_value_heads": 2,
    "intermediate_size": 512, "max_position_embeddings": 8192,
}  # fmt: skip


def llama_shape() -> Case:
    """A Llama of 32 layers x 1,024 units with random weights, and the embedded story."""
    from transformers import LlamaConfig, LlamaModel

    small = language_model.open_model("smollm2-135m", weights="random")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(vocab_size=small.model.config.vocab_size, attn_implementation="sdpa", **SHAPE)
        network = LlamaModel(config).eval().requires_grad_(False)
    model = dataclasses.replace(small, name="llama", model=network, n_layers=32, n_units=1024, context=8192)
    return Case(embedded_story(), model, ExtractConfig(), None, None)


def on_trs(one: Case) -> np.ndarray:
    """Mean responses per TR, pooled inside the hooks: (n_trs, n_neurons)."""
    trs = timing.word_trs(one.story.onsets, TR)
    return word_responses.extract_trs(one.model, one.story, one.config, trs).values


def pass_only(one: Case) -> None:
    """The same pass in the same chunks; nothing is kept."""
    with mock.patch.object(word_responses._Sums, "hear", lambda *parts: None):
        on_trs(dataclasses.replace(one, config=dataclasses.replace(one.config, layers=(0,))))


def floor(one: Case) -> np.ndarray:
    """The same pass, beside an array of n_trs x n_neurons float32 with a number in each place."""
    n_trs = int(np.ptp(timing.word_trs(one.story.onsets, TR))) + 1
    held = np.ones((n_trs, N_NEURONS), np.float32)
    pass_only(one)
    return held


def every_token(one: Case) -> np.ndarray:
    """The same pass, every token's neurons kept, then averaged to TRs."""
    model = one.model
    ids, pooling = windows.tokenise(model, one.story)
    trs = timing.word_trs(one.story.onsets, TR)
    by_tr = windows.rows_of_words(trs - trs.min()) @ pooling
    kept = np.empty((len(ids), N_NEURONS), np.float32)

    def keep(sums: Any, layer: int, responses: torch.Tensor) -> None:
        at = keep.at  # type: ignore[attr-defined]
        here = responses[0, 1:] if at == 0 else responses[0]
        kept[at : at + len(here), layer * 1024 : (layer + 1) * 1024] = here.numpy()
        if layer == 31:
            keep.at += len(here)  # type: ignore[attr-defined]

    keep.at = 0  # type: ignore[attr-defined]
    with mock.patch.object(word_responses._Sums, "hear", keep):
        on_trs(one)
    return by_tr @ kept


def same_size(one: Case, a: np.ndarray, b: np.ndarray) -> str:
    """Both hold n_trs x n_neurons float32."""
    return within("difference in bytes", abs(a.nbytes - b.nbytes), 0)


_N_WORDS = f"{embedded_story().n_words:,} words"
_N_TRS = int(np.ptp(timing.word_trs(embedded_story().onsets, TR))) + 1
_SHAPED = f"Llama shape 32 x 1,024, random weights; {_N_WORDS} -> {_N_TRS} TRs"
_HF = ("transformers", "transformers")
COMPARISONS = (
    *(
        Comparison(
            "word responses", "transformers, output_hidden_states and hooks", f"{title}, {_N_WORDS}", *_HF,
            functools.partial(case, name), ours, transformers_pass, same_responses, n_repeats=3, memory=True,
        )
        for name, title, module in (
            ("minilm-l6", "MiniLM-L6", "transformers"), ("smollm2-135m", "SmolLM2-135M", "accelerate"),
        )
        if importlib.util.find_spec(module)  # transformers reads a GGUF file with accelerate only
    ),
    *(
        Comparison(
            "a window per word", "a 256-token window per word",
            f"{title}; {N_WINDOW_WORDS} words, at most 256 tokens of context", *_HF,
            functools.partial(reading, *model, n_words=N_WINDOW_WORDS), ours, window_per_word, same_responses,
            n_repeats=3, row="extraction-window", goal=">= 50",
        )
        for title, model in (
            ("MiniLM-L6", ("minilm-l6",)), ("BERT-base shape, random weights", ("bert-base",)),
            ("SmolLM2-135M", ("smollm2-135m",)),
        )
    ),
    *(
        Comparison(
            "a cache in chunks of 256 tokens", "one full pass", f"{title}; {_N_WORDS}", *_HF,
            functools.partial(reading, "smollm2-135m", weights), ours, full_pass, equal_rows, n_repeats=3,
            row="extraction-cache", goal="<= 1.15",
        )
        for title, weights in (("SmolLM2-135M", "trained"), ("Llama-135M shape, random weights", "random"))
    ),
    Comparison(
        "memory beyond weights and the pass itself", "TRs x layers x units float32", _SHAPED, *_HF,
        llama_shape, on_trs, floor, same_size, n_repeats=3, row="memory", goal="<= 1.2", compared="memory",
        beyond=pass_only,
    ),
    Comparison(
        "memory beyond weights and the pass itself", "keeping every token", _SHAPED, *_HF,
        llama_shape, on_trs, every_token, equal_rows, n_repeats=3, row="memory", compared="memory",
        beyond=pass_only,
    ),
)  # fmt: skip
