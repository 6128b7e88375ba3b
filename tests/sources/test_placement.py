"""Where a model runs and how precisely: what is here, what survives bfloat16, what is refused."""

import dataclasses
import doctest
import sys
import types

import numpy as np
import pytest
import torch

from brainlike_core.config import ExtractConfig
from brainlike_core.errors import ConfigError, ModelError
from brainlike_core.sources import placement
from brainlike_core.sources.placement import choose_device, first_words, neuron_correlations, place
from tests.sources.test_word_responses import BERT, GROUPED, STORY, tiny


def test_docstring_examples():
    """The hand-worked examples in the docstrings hold."""
    results = doctest.testmod(placement)
    assert results.attempted >= 2 and not results.failed


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_first_device_that_is_here(cuda, mps, wanted, monkeypatch):
    """CUDA before MPS before the processor."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == wanted


@pytest.mark.parametrize("name", ["cuda", "mps", "tpu", "cuda:9"])
def test_a_device_that_is_not_here_is_refused(name, monkeypatch):
    """The sentence lists what is here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"needed auto or cpu .*use --device auto"):
        choose_device(name)


def test_correlations_equal_numpy():
    """Column by column against corrcoef."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 7)).astype(np.float32)
    wanted = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(7)]
    np.testing.assert_allclose(neuron_correlations(a, b), wanted, rtol=1e-6)


def test_the_processor_reads_in_float32():
    """The default: the same model, in float32, and it says so."""
    model, how = place(lambda: tiny("llama", GROUPED), STORY, ExtractConfig())
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert how == {"device": "cpu", "precision": "float32"}
        assert next(model.model.parameters()).dtype == torch.float32


@pytest.mark.parametrize(("family", "config"), [("llama", GROUPED), ("bert", BERT)])
def test_bfloat16_is_compared_with_float32(family, config):
    """Asked for on the processor: used, and its correlation with float32 is recorded."""
    model, how = place(lambda: tiny(family, config), STORY, ExtractConfig(precision="bfloat16"), "cpu")
    assert next(model.model.parameters()).dtype == torch.bfloat16
    assert how["precision"] == "bfloat16" and 0.9 < how["r_float32_min"] <= how["r_float32_median"] < 1


def automatic(monkeypatch) -> dict:
    """`place` as it decides beside a GPU, on the processor."""
    chosen = types.SimpleNamespace(type="cuda")
    monkeypatch.setattr(placement, "choose_device", lambda name: chosen)
    monkeypatch.setattr(placement, "_named", lambda device: "cuda (test)")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    on = lambda m, device, dtype: dataclasses.replace(m, model=m.model.to(dtype))  # noqa: E731
    monkeypatch.setattr(placement, "_on", on)
    model, how = place(lambda: tiny("llama", GROUPED), STORY, ExtractConfig())
    assert str(next(model.model.parameters()).dtype) == f"torch.{how['precision']}"
    return how


@pytest.mark.parametrize(("least", "precision"), [(0.5, "bfloat16"), (1.0, "float32")])
def test_auto_takes_bfloat16_only_where_neurons_survive_it(least, precision, monkeypatch):
    """Below the least correlation the model is opened again in float32; both ways the measure is kept."""
    monkeypatch.setattr(placement, "LEAST_R", least)
    monkeypatch.setattr(placement, "LEAST_MEDIAN_R", least)
    how = automatic(monkeypatch)
    assert how["precision"] == precision and how["r_float32_median"] > 0.9


def test_quantised_weights_need_a_gpu():
    """A named error on the processor, with what to do."""
    with pytest.raises(ModelError, match="found device cpu.*use --precision float32"):
        place(lambda: tiny("llama", GROUPED), STORY, ExtractConfig(precision="nf4"), "cpu")


def test_a_model_larger_than_the_gpu_asks_for_accelerate(monkeypatch):
    """Without accelerate: the sentence says how to get it. With it: the model is spread by its blocks."""
    network = tiny("llama", GROUPED).model
    monkeypatch.setattr(placement.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install accelerate"):
        placement._spread(network, "tiny")
    fake = types.ModuleType("accelerate")
    fake.infer_auto_device_map = lambda model, no_split_module_classes: {"": no_split_module_classes}
    fake.dispatch_model = lambda model, table: (model, table)
    monkeypatch.setitem(sys.modules, "accelerate", fake)
    monkeypatch.setattr(placement.importlib.util, "find_spec", lambda name: object())
    assert placement._spread(network, "tiny") == (network, {"": ["LlamaDecoderLayer"]})


def test_first_words_are_a_story():
    """Three words and their text; asking for more than there are gives all."""
    start = first_words(STORY, 3)
    assert start.words == STORY.words[:3] and start.text == "The lighthouse keeper"
    assert first_words(STORY, 10**6).n_words == STORY.n_words
