"""A story through a model once: equal however it is cut, pooled or interrupted."""

import dataclasses
import re
from collections.abc import Container
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModel

from brainlike_core.config import ExtractConfig
from brainlike_core.errors import ModelError
from brainlike_core.science import timing
from brainlike_core.sources import word_responses
from brainlike_core.sources.language_model import LanguageModel, open_model
from brainlike_core.sources.word_responses import extract_trs, extract_words, out_of_memory
from brainlike_core.values import Story
from tests.model_families import story_of
from tests.sources.test_language_model import TEXT, close, needs_models

ROTARY = {
    "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 40, "max_position_embeddings": 1024, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "initializer_range": 0.2,
}  # fmt: skip
GROUPED = {**ROTARY, "num_key_value_heads": 2}
CAUSAL = {
    "llama": GROUPED,
    "mistral": {**GROUPED, "sliding_window": 12},
    "gemma2": {**GROUPED, "head_dim": 16, "sliding_window": 12},
    "gemma3_text": {**GROUPED, "head_dim": 16, "sliding_window": 12},
    "qwen3": {**GROUPED, "head_dim": 16},
    "gpt2": {"vocab_size": 64, "n_embd": 24, "n_layer": 3, "n_head": 4, "n_positions": 1024},
    "gpt_neox": ROTARY,
    "opt": {**ROTARY, "ffn_dim": 40, "word_embed_proj_dim": 32},
    "bloom": {"vocab_size": 64, "hidden_size": 24, "n_layer": 3, "n_head": 4},
    "falcon": ROTARY,
    "phi": ROTARY,
    "glm": {**GROUPED, "head_dim": 8},
}
BERT = {k: v for k, v in ROTARY.items() if k not in ("bos_token_id", "eos_token_id")}
STORY = story_of(" ".join([TEXT] * 2)[:800].rsplit(" ", 1)[0])

pytestmark = pytest.mark.usefixtures("one_thread")


def letters() -> Tokenizer:
    """One token per letter, space or sign: about three hundred in the story."""
    alphabet = sorted(set(STORY.text))
    vocabulary = {letter: number + 4 for number, letter in enumerate(alphabet)} | {"[UNK]": 3}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return tokenizer


def tiny(family: str, config: dict, context: int = 1024) -> LanguageModel:
    """A random model with large weights, so that a wrong step shows."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = AutoModel.from_config(AutoConfig.for_model(family, **config))
        for weight in network.parameters():
            weight.requires_grad_(False)
            if weight.dim() > 1:
                weight.normal_(0, 0.2)
    width = network.config.get_text_config()
    causal = family != "bert"
    return LanguageModel(
        name="tiny", revision="0" * 40, family=family, causal=causal, n_layers=3, n_units=width.hidden_size,
        tokenizer=letters(), model=network.eval(), context=context, prefix=(1,), suffix=() if causal else (2,),
    )  # fmt: skip


@contextmanager
def failing(model: LanguageModel, passes: Container[int], error: Exception, late: bool = False):
    """The n-th passes raise; ``late``: in the last layer, when caches and hooks have moved on."""
    number = [0]

    def begin(module, inputs):
        number[0] += 1
        if number[0] in passes and not late:
            raise error

    def end(module, inputs, output):
        if number[0] in passes:
            raise error

    layers = [part for part in model.model.modules() if isinstance(part, torch.nn.Linear)]
    handles = [model.model.register_forward_pre_hook(begin)]
    handles += [layers[-1].register_forward_hook(end)] if late else []
    try:
        yield lambda: number[0]
    finally:
        for handle in handles:
            handle.remove()


ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    "python": MemoryError(),
}


# --- cut, interrupted ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", CAUSAL)
def test_cached_chunks_equal_one_full_pass(family, monkeypatch):
    """Chunks of 7 with a cache, sliding windows of 12 among them, give what one pass without a cache gives."""
    model = tiny(family, CAUSAL[family])
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 7)
    chunked = extract_words(model, STORY, ExtractConfig()).values
    monkeypatch.setattr(word_responses, "_takes_cache", lambda model: False)
    full = extract_words(model, STORY, ExtractConfig()).values
    assert full.std(0).min() > 1e-3
    assert close(chunked, full) <= 1e-5


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize("late", [False, True], ids=["at the start", "in the last layer"])
@pytest.mark.parametrize("family", ["bert", "llama", "mistral"])
def test_out_of_memory_at_any_pass_leaves_the_result_equal(family, late, n, monkeypatch):
    """The batch or the chunk halves, and the cache is built again: the same responses."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 24)
    monkeypatch.setattr(word_responses, "BATCH_BYTES", 1_000_000)
    model, config = tiny(family, CAUSAL.get(family, BERT)), ExtractConfig(window=40, stride=9)
    wanted = extract_words(model, STORY, config).values
    with failing(model, {n}, list(ERRORS.values())[n % 3], late) as passes:
        found = extract_words(model, STORY, config).values
    assert passes() > n  # it did fail, and went on
    assert close(found, wanted) <= 1e-5


@pytest.mark.parametrize(("family", "tokens"), [("bert", 40), ("llama", 16)])
def test_a_pass_that_never_fits_is_a_named_error(family, tokens):
    """One window, or 16 tokens, is the smallest: then one sentence with what to do, and no hook is left."""
    model = tiny(family, CAUSAL.get(family, BERT))
    with (
        failing(model, range(99), ERRORS["cpu"]),
        pytest.raises(ModelError, match=f"with {tokens} tokens.*smaller model"),
    ):
        extract_words(model, STORY, ExtractConfig(window=40, stride=9))
    assert not any(part._forward_hooks for part in model.model.modules())


def test_other_errors_are_not_taken_for_memory():
    """A wrong shape is raised as it is."""
    model = tiny("llama", GROUPED)
    error = RuntimeError("shapes cannot be multiplied")
    with failing(model, {2}, error), pytest.raises(RuntimeError, match="shapes"):
        extract_words(model, STORY, ExtractConfig())


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_running_out_of_memory_is_told_by_type_or_words(error):
    """CUDA's, the processor's and Python's; no other RuntimeError."""
    assert out_of_memory(error) and not out_of_memory(RuntimeError("index out of range"))


def test_batches_of_windows_equal_single_windows(monkeypatch):
    """Windows of 40 read one by one and up to 64 at once."""
    model, config = tiny("bert", BERT), ExtractConfig(window=40, stride=9)
    values = []
    for budget in (1, 10**9):
        monkeypatch.setattr(word_responses, "BATCH_BYTES", budget)
        values.append(extract_words(model, STORY, config).values)
    assert close(*values) <= 1e-5


def test_windows_beyond_the_context_need_no_cache(monkeypatch):
    """A causal model without a cache reads the same half-overlapping windows in one pass each."""
    model = tiny("gpt2", CAUSAL["gpt2"], context=64)
    cached = extract_words(model, STORY, ExtractConfig()).values
    monkeypatch.setattr(word_responses, "_takes_cache", lambda model: False)
    assert close(extract_words(model, STORY, ExtractConfig()).values, cached) <= 1e-5


# --- words and TRs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("shift", [0.0, -20.0, 11.3], ids=["from 0", "begins before", "ends after"])
@pytest.mark.parametrize("family", ["bert", "llama"])
def test_pooling_to_trs_inside_the_hook_equals_the_word_route(family, shift, centre, monkeypatch):
    """Words, then TRs, HRF and z-score; or TRs at once: within 1e-5, with words outside the recording too."""
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 16)
    model, config = tiny(family, CAUSAL.get(family, BERT)), ExtractConfig(window=40, stride=9)
    onsets = np.sort(np.random.default_rng(0).uniform(0, 140, STORY.n_words)) + shift
    story = dataclasses.replace(STORY, onsets=onsets, offsets=onsets + 0.2)
    times, options = (onsets, 1.5, 97), {"band": (0.01, 0.12), "rows": (3, 90), "centre_words": centre}
    words = extract_words(model, story, config)
    trs = extract_trs(model, story, config, timing.word_trs(onsets, 1.5))
    assert (words.clock, trs.clock, trs.first_tr) == ("word", "tr mean", int(onsets[0] // 1.5))
    assert len(trs.values) == int(onsets[-1] // 1.5) - trs.first_tr + 1
    wanted = timing.responses_on_trs(words.values, *times, **options)
    found = timing.responses_from_tr_means(trs.values, trs.first_tr, *times, **options)
    assert np.abs(wanted).max() > 2 and close(found, wanted) <= 1e-5


def test_tr_means_by_hand():
    """Three words in TRs 2, 2 and 4: the mean of two, silence, and the third."""
    onsets = np.array([2.1, 2.9, 4.0])
    story = dataclasses.replace(story_of("the sea lay"), onsets=onsets, offsets=onsets + 0.1)
    model = tiny("llama", GROUPED)
    words = extract_words(model, story, ExtractConfig()).values
    trs = extract_trs(model, story, ExtractConfig(), timing.word_trs(story.onsets, 1.0))
    assert trs.first_tr == 2
    np.testing.assert_allclose(trs.values, [words[:2].mean(0), 0 * words[0], words[2]], rtol=1e-5, atol=1e-6)


# --- the two real models, token by token -----------------------------------------------------------


def reference(name: str, story: Story, tr: float, n_trs: int) -> tuple[np.ndarray, np.ndarray]:
    """Plain transformers and loops: (n_words, n_neurons) and their means per TR (n_trs, n_neurons)."""
    opened = open_model(name)  # its weights and tokenizer have tests of their own
    network, encoded = opened.model, opened.tokenizer.encode(story.text, add_special_tokens=False)
    pattern = r"(layers\.\d+\.mlp\.down_proj|encoder\.layer\.\d+\.output\.dense)"
    layers = [part for part_name, part in network.named_modules() if re.fullmatch(pattern, part_name)]
    heard = []
    handles = [part.register_forward_hook(lambda m, i, o: heard.append(o[0].numpy())) for part in layers]
    before, after = ([101], [102]) if name == "minilm-l6" else ([0], [])
    with torch.no_grad():
        network(torch.tensor([before + encoded.ids + after]))
    for handle in handles:
        handle.remove()
    words, trs = [], [[] for _ in range(n_trs)]
    for word, (start, stop) in enumerate(story.spans):
        mine = [
            np.concatenate([layer[len(before) + t] for layer in heard])
            for t, (a, b) in enumerate(encoded.offsets)
            if any(start <= character < stop for character in range(a, b))
        ]
        words.append(sum(mine) / len(mine))
        trs[int(story.onsets[word] // tr)].append(words[-1])
    silence = np.zeros_like(words[0])
    return np.array(words), np.array([sum(tr) / len(tr) if tr else silence for tr in trs])


@needs_models
@pytest.mark.models
@pytest.mark.parametrize("name", ["minilm-l6", "smollm2-135m"])
def test_pooled_responses_equal_a_token_by_token_reference(name, monkeypatch):
    """The first 90 words by plain transformers and loops, to words and to TRs: within 1e-4 of each neuron's size."""
    story = story_of(TEXT[: [m.end() for m in re.finditer(r"\S+", TEXT)][89]])
    monkeypatch.setattr(word_responses, "CHUNK_TOKENS", 32)
    model, config = open_model(name), ExtractConfig(model=name)
    tr = 1.7
    words, trs = reference(name, story, tr, int(story.onsets[-1] // tr) + 1)
    found = (
        extract_words(model, story, config).values,
        extract_trs(model, story, config, timing.word_trs(story.onsets, tr)).values,
    )
    for ours, theirs in zip(found, (words, trs), strict=True):
        assert ours.shape == theirs.shape
        assert np.max(np.abs(ours - theirs).max(0) / np.abs(theirs).max(0)) <= 1e-4
