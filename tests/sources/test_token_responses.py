"""Many texts, token by token: against one pass per text with plain hooks, for every family."""

import doctest
from dataclasses import replace

import numpy as np
import pytest
import torch

from brainlike_core.config import NEURON_KINDS
from brainlike_core.errors import BrainlikeError, CancelledError, ConfigError, ModelError, TextError
from brainlike_core.sources import token_batches
from brainlike_core.sources.language_model import LanguageModel, open_model
from brainlike_core.sources.neurons import listening, neuron_sites
from brainlike_core.sources.token_responses import extract_tokens
from brainlike_core.values import TokenResponses
from tests.headed_models import CAUSAL, ENCODERS, MASKED, TEXTS, headed, save


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of a family, opened once."""
    opened: dict[str, LanguageModel] = {}

    def of(family: str) -> LanguageModel:
        if family not in opened:
            folder = tmp_path_factory.mktemp("model")
            opened[family] = open_model(save(folder, headed(family)))
        return opened[family]

    return of


def one_by_one(model: LanguageModel, text: str, kind: str, layers=(0, 1, 2)) -> np.ndarray:
    """A text alone through the model, special tokens cut off."""
    ids = model.tokenizer.encode(text, add_special_tokens=False).ids
    sites, found = neuron_sites(model.model, kind), {}
    with torch.inference_mode(), listening(model.model, sites, lambda i, x: found.update({i: x[0].clone()})):
        model.model(input_ids=torch.tensor([[*model.prefix, *ids, *model.suffix]]))
    rows = slice(len(model.prefix), len(model.prefix) + len(ids))
    return np.concatenate([found[layer][rows].numpy() for layer in layers], axis=1)


@pytest.mark.parametrize("family", [*CAUSAL, *MASKED, *ENCODERS])
def test_batches_give_what_single_texts_give(family, tiny):
    """Padding changes nothing, whatever the family; rows are the texts' tokens in order."""
    model = tiny(family)
    found = extract_tokens(model, TEXTS)
    wanted = [one_by_one(model, text, "ffn_out") for text in TEXTS]
    assert np.abs(found.values - np.concatenate(wanted)).max() <= 1e-4
    assert found.text_of_token.tolist() == [i for i, rows in enumerate(wanted) for _ in rows]
    assert found.values.dtype == np.float32 and found.layers == (0, 1, 2) and found.model == model.label


@pytest.mark.parametrize("kind", NEURON_KINDS)
def test_every_kind_of_some_layers(kind, tiny):
    """Layers in the order asked for."""
    model = tiny("llama")
    found = extract_tokens(model, TEXTS, neurons=kind, layers=(2, 0))
    wanted = np.concatenate([one_by_one(model, text, kind, (2, 0)) for text in TEXTS])
    assert np.abs(found.values - wanted).max() <= 1e-4 and (found.layers, found.neurons) == ((2, 0), kind)


def test_tokens_are_the_characters_of_their_spans(tiny):
    """Pieces of words as written in the text."""
    found = extract_tokens(tiny("bert"), ["bade gika.", "  mi"])
    assert found.tokens == ("ba", "de", "gi", "ka", ".", "mi")
    assert found.spans.tolist() == [[0, 2], [2, 4], [5, 7], [7, 9], [9, 10], [2, 4]]


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_a_text_longer_than_the_context_is_read_in_windows(family, tiny):
    """Every token once; the first window as if it stood alone."""
    model = replace(tiny(family), context=12)
    text = " ".join(TEXTS)
    found = extract_tokens(model, [text])
    ids = model.tokenizer.encode(text, add_special_tokens=False)
    n_first = 12 - len(model.prefix) - len(model.suffix)
    alone = one_by_one(model, text[: ids.offsets[n_first - 1][1]], "ffn_out")
    sure = n_first if model.causal else n_first // 2
    assert found.n_tokens == len(ids.ids) > 12
    assert np.abs(found.values[:sure] - alone[:sure]).max() <= 1e-4
    assert (np.abs(found.values).max(1) > 0).all()


def test_memory_is_told_before_it_is_taken(tiny):
    """The sentence names tokens, neurons and gigabytes."""
    model = tiny("llama")
    n_tokens = sum(len(model.tokenizer.encode(text, add_special_tokens=False).ids) for text in TEXTS)
    need = 4 * n_tokens * 96
    assert extract_tokens(model, TEXTS, most_bytes=need).values.nbytes == need
    with pytest.raises(
        ModelError, match=f"found {n_tokens} tokens x 96 neurons.*fewer texts, or fewer layers"
    ):
        extract_tokens(model, TEXTS, most_bytes=need - 1)


def test_progress_and_cancel(tiny, monkeypatch):
    """Fractions rise to 1; asked between passes, and no hook stays behind."""
    monkeypatch.setattr(token_batches, "BATCH_TOKENS", 24)
    model, told = tiny("llama"), []
    extract_tokens(model, TEXTS, progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told) and len(told) > 1 and told[-1] == 1
    answers = iter([False, True])
    with pytest.raises(CancelledError, match="Reading the texts was cancelled"):
        extract_tokens(model, TEXTS, cancelled=lambda: next(answers))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.model.modules())


def test_what_cannot_be_read_is_refused(tiny):
    """No text, an empty text, a layer and a kind that are not there."""
    model = tiny("llama")
    with pytest.raises(TextError, match="found no text"):
        extract_tokens(model, [])
    with pytest.raises(TextError, match="Text 2 has no token"):
        extract_tokens(model, ["bade", " "])
    with pytest.raises(ConfigError, match="numbers from 0 to 2"):
        extract_tokens(model, TEXTS, layers=(3,))
    with pytest.raises(ConfigError, match="ffn_out, ffn_mid"):
        extract_tokens(model, TEXTS, neurons="heads")


def test_a_value_checks_its_shapes():
    """Neurons, texts and spans of every token."""
    fine = {
        "model": "m", "neurons": "ffn_out", "values": np.zeros((2, 6), np.float32),
        "text_of_token": np.zeros(2, np.int32), "spans": np.zeros((2, 2), np.int32), "tokens": ("a", "b"),
        "layers": (0, 1), "n_units": 3,
    }  # fmt: skip
    assert TokenResponses(**fine).n_neurons == 6
    for change in ({"n_units": 2}, {"tokens": ("a",)}, {"text_of_token": np.zeros(3, np.int32)}):
        with pytest.raises(BrainlikeError, match="Token responses"):
            TokenResponses(**(fine | change))


def test_docstring_examples():
    """Doctests."""
    assert doctest.testmod(token_batches).failed == 0
