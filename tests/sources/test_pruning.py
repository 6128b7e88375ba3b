"""Intermediate neurons really removed: the same as a lesion, smaller on disk, and opened again."""

import doctest
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, processors
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

from brainlike_core.errors import ConfigError, ModelError
from brainlike_core.science import pruning_masks
from brainlike_core.science.pruning_masks import above_threshold, equal_counts, largest
from brainlike_core.sources.heads import HeadedModel, open_with_head
from brainlike_core.sources.interventions import lesion
from brainlike_core.sources.neurons import feed_forward
from brainlike_core.sources.pruning import magnitudes, n_parameters, open_pruned, prune, save_pruned
from brainlike_core.sources.scoring import score_texts
from brainlike_core.sources.token_responses import extract_tokens
from tests.headed_models import CAUSAL, ENCODERS, MASKED, TEXTS, headed, save
from tests.model_families import MIXTURES

FAMILIES = [f for f in (*CAUSAL, *MASKED) if f not in (*MIXTURES, "albert")]
IDS = torch.randint(6, 60, (2, 9), generator=torch.Generator().manual_seed(5))


def opened(family: str, folder) -> HeadedModel:
    return open_with_head(save(folder / "whole", headed(family)))


def n_units(model: HeadedModel) -> int:
    return feed_forward(model.body.model)[0].n_units


def some(model: HeadedModel, counts=(30, 9, 17), seed=0) -> np.ndarray:
    """Random neurons to keep, so many of each layer."""
    rng = np.random.default_rng(seed)
    keep = np.zeros((3, n_units(model)), bool)
    for row, count in zip(keep, counts, strict=True):
        row[rng.choice(len(row), count, replace=False)] = True
    return keep.ravel()


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model.logits(IDS) if isinstance(model, HeadedModel) else model(input_ids=IDS).logits


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pruned_model_is_the_lesioned_one_and_smaller(family, tmp_path):
    """Fused or plain, turned or not, gated or not; the whole model is left as it was."""
    model = opened(family, tmp_path)
    keep, before = some(model), logits(model)
    pruned = prune(model, keep)
    with lesion(model.body, ~keep, kind="ffn_mid", special_tokens=True):
        wanted = logits(model)
    assert (logits(pruned) - wanted).abs().max() <= 1e-4 < (wanted - before).abs().max()
    assert torch.equal(logits(model), before) and n_parameters(pruned) < n_parameters(model)


def test_the_saved_parameters_are_counted_by_hand(tmp_path):
    """Llama: three weights of 32 per removed neuron; BERT: two of 24 and a bias."""
    for family, per_neuron in (("llama", 3 * 32), ("bert", 2 * 24 + 1)):
        model = opened(family, tmp_path / family)
        pruned = prune(model, some(model))
        removed = 3 * n_units(model) - 56
        assert n_parameters(model) - n_parameters(pruned) == removed * per_neuron


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "bloom"])
def test_layers_of_one_size_open_with_the_library(family, tmp_path):
    """The folder is like any other: the library's own class, and ours, give the same logits."""
    model = opened(family, tmp_path)
    pruned = prune(model, some(model, (12, 12, 12)))
    assert save_pruned(pruned, tmp_path / "small")
    kinds = AutoModelForMaskedLM if family in MASKED else AutoModelForCausalLM
    library = kinds.from_pretrained(tmp_path / "small").eval()
    for again in (library, open_with_head(str(tmp_path / "small"))):
        assert (logits(again) - logits(pruned)).abs().max() <= 1e-5
    sizes = [
        path.stat().st_size for path in (tmp_path / name / "model.safetensors" for name in ("whole", "small"))
    ]
    assert sizes[0] - sizes[1] >= 4 * (n_parameters(model) - n_parameters(pruned)) * 0.95


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("compensated", [False, True])
def test_layers_of_different_size_open_here(family, compensated, tmp_path):
    """The config says the sizes; the library alone refuses rather than making weights up."""
    model = opened(family, tmp_path)
    means = np.random.default_rng(1).normal(size=3 * n_units(model)) if compensated else None
    pruned = prune(model, some(model), means=means)
    assert not save_pruned(pruned, tmp_path / "small")
    again = open_pruned(str(tmp_path / "small"))
    assert again.head == model.head and n_parameters(again) == n_parameters(pruned)
    assert (logits(again) - logits(pruned)).abs().max() <= 1e-5
    with pytest.raises(ModelError, match="do not fit its config"):
        open_with_head(str(tmp_path / "small"))


def test_a_compensated_llama_opens_with_the_library(tmp_path):
    """Its bias gets a place in the config."""
    model = opened("llama", tmp_path)
    pruned = prune(model, some(model, (12, 12, 12)), means=np.ones(120))
    assert save_pruned(pruned, tmp_path / "small")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "small").eval()
    assert again.config.mlp_bias and (logits(again) - logits(pruned)).abs().max() <= 1e-5


def test_the_begin_token_is_saved_too(tmp_path):
    """A catalogue may name another than the config: the folder opens with the one that was read with."""
    folder = save(tmp_path / "whole", headed("llama", bos_token_id=7))
    tokenizer = Tokenizer.from_file(str(tmp_path / "whole" / "tokenizer.json"))
    tokenizer.post_processor = processors.Sequence([])
    tokenizer.save(str(tmp_path / "whole" / "tokenizer.json"))
    model = open_with_head(folder)
    assert model.body.prefix == (7,)
    model = replace(model, body=replace(model.body, prefix=(9,)))
    for name, counts, again in (("equal", (9, 9, 9), open_with_head), ("unequal", (9, 8, 9), open_pruned)):
        pruned = prune(model, some(model, counts))
        save_pruned(pruned, tmp_path / name)
        opened_again = again(str(tmp_path / name))
        assert opened_again.body.prefix == (9,)
        one, other = (score_texts(m, TEXTS)["perplexity"].value for m in (pruned, opened_again))
        assert abs(one - other) < 1e-3
    assert model.network.config.bos_token_id == 7


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "glm"])
def test_compensation_leaves_what_neurons_say_on_average(family, tmp_path):
    """The same as a lesion by the mean, and nearer to the whole model than one without."""
    model = opened(family, tmp_path)
    keep = some(model, (20, 20, 20))
    means = extract_tokens(model.body, TEXTS, neurons="ffn_mid").values.mean(0)
    pruned = prune(model, keep, means=means)
    with lesion(model.body, ~keep, how="mean", means=means, kind="ffn_mid", special_tokens=True):
        assert (logits(pruned) - logits(model)).abs().max() <= 1e-4


def test_a_model_without_a_head_is_pruned_too(tmp_path):
    """A sentence encoder keeps being one."""
    network = headed("bert").bert
    network.save_pretrained(tmp_path / "bare")
    save(tmp_path / "whole", headed("bert"))
    (tmp_path / "bare" / "tokenizer.json").write_bytes((tmp_path / "whole" / "tokenizer.json").read_bytes())
    model = open_with_head(str(tmp_path / "bare"))
    assert model.head == "none"
    for name, counts in (("equal", (7, 7, 7)), ("unequal", (30, 7, 9))):
        pruned = prune(model, some(model, counts))
        opens = save_pruned(pruned, tmp_path / name)
        again = open_with_head(str(tmp_path / name)) if opens else open_pruned(str(tmp_path / name))
        assert opens == (name == "equal") and again.head == "none"
        with torch.inference_mode():
            a, b = (one.body.model(input_ids=IDS).last_hidden_state for one in (pruned, again))
        assert (a - b).abs().max() <= 1e-5
    assert AutoModel.from_pretrained(tmp_path / "equal").config.intermediate_size == 7


def test_magnitudes_are_norms_of_weights(tmp_path):
    """By hand: gate and up rows and the down column of Llama; GPT-2's turned ones; halves of a fused layer."""
    model = opened("llama", tmp_path / "llama")
    mlp = model.body.model.layers[1].mlp
    rows = [mlp.gate_proj.weight[5], mlp.up_proj.weight[5], mlp.down_proj.weight[:, 5]]
    wanted = torch.cat(rows).norm()
    assert np.isclose(magnitudes(model)[n_units(model) + 5], wanted)
    model = opened("gpt2", tmp_path / "gpt2")
    mlp = model.body.model.h[0].mlp
    assert np.isclose(magnitudes(model)[3], torch.cat([mlp.c_fc.weight[:, 3], mlp.c_proj.weight[3]]).norm())
    model = opened("glm", tmp_path / "glm")
    mlp = model.body.model.layers[0].mlp
    rows = [mlp.gate_up_proj.weight[4], mlp.gate_up_proj.weight[40 + 4], mlp.down_proj.weight[:, 4]]
    assert np.isclose(magnitudes(model)[4], torch.cat(rows).norm())


@pytest.mark.parametrize(
    ("family", "sentence"),
    [("albert", "layers of their own"), ("mixtral", "mixture of experts")],
)
def test_families_without_neurons_of_their_own_are_refused(family, sentence, tmp_path):
    """Shared layers and experts."""
    model = opened(family, tmp_path)
    with pytest.raises(ModelError, match=sentence):
        prune(model, np.ones(120, bool))


class _LooksAtAll(torch.nn.Module):
    """An activation of one neuron that depends on all the others."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / x.norm(dim=-1, keepdim=True)


def test_a_feed_forward_part_that_does_more_is_refused(tmp_path):
    """Removing neurons there is not silencing them: told by comparing with a lesion."""
    model = opened("llama", tmp_path)
    model.body.model.layers[0].mlp.act_fn = _LooksAtAll()
    with pytest.raises(ModelError, match="is more than its linear layers"):
        prune(model, some(model))


def test_what_cannot_be_pruned_or_opened_is_refused(tmp_path):
    """An empty layer, a mask that does not fit, an ordinary folder, a file that lacks a weight."""
    model = opened("llama", tmp_path)
    with pytest.raises(ConfigError, match="Layer 1 would lose all"):
        prune(model, some(model, (3, 0, 3)))
    with pytest.raises(ConfigError, match="does not fit"):
        prune(model, np.ones(5, bool))
    with pytest.raises(ConfigError, match="needed 120 finite numbers"):
        prune(model, some(model), means=np.ones(5))
    with pytest.raises(ModelError, match="not one with layers of different size"):
        open_pruned(str(tmp_path / "whole"))
    save_pruned(prune(model, some(model)), tmp_path / "small")
    state = load_file(tmp_path / "small" / "model.safetensors")
    state.pop("model.layers.1.mlp.up_proj.weight")
    save_file(state, tmp_path / "small" / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="not complete: found no model.layers.1.mlp.up_proj.weight"):
        open_pruned(str(tmp_path / "small"))


def test_an_encoder_of_an_encoder_decoder_is_pruned_in_memory(tmp_path):
    """Its states are those of the lesioned one."""
    for family in ENCODERS:
        model = opened(family, tmp_path / family)
        keep = some(model)
        pruned = prune(model, keep)
        with torch.inference_mode(), lesion(model.body, ~keep, kind="ffn_mid", special_tokens=True):
            wanted = model.body.model(input_ids=IDS).last_hidden_state
            assert (pruned.body.model(input_ids=IDS).last_hidden_state - wanted).abs().max() <= 1e-4


# --- which neurons --------------------------------------------------------------------------------


def test_first_and_last_layers_are_left_whole():
    """Three and two of seven layers; between them, the threshold."""
    importance = np.tile([0.5, 2.5, 1.5], 7)
    keep = above_threshold(importance, 7, 2.0).reshape(7, 3)
    assert keep[[0, 1, 2, 5, 6]].all() and (keep[3:5] == [False, True, False]).all()
    with pytest.raises(ConfigError, match="Layer 3 would lose all its neurons"):
        above_threshold(importance, 7, 3.0)


def test_as_many_of_each_layer_as_asked():
    """The rivals of a mask: as large, by another rule; or as large in every layer."""
    importance = np.random.default_rng(0).random(40)
    keep = above_threshold(importance, 4, 0.6, spared=(1, 0))
    rival = largest(importance[::-1].copy(), keep.reshape(4, 10).sum(1))
    assert (rival.reshape(4, 10).sum(1) == keep.reshape(4, 10).sum(1)).all()
    even = largest(importance, equal_counts(keep, 4)).reshape(4, 10)
    assert len(set(even.sum(1))) == 1 and abs(even.sum() - keep.sum()) < 4
    worst_kept = np.where(even, importance.reshape(4, 10), np.inf).min(1)
    assert (worst_kept >= np.where(even, -np.inf, importance.reshape(4, 10)).max(1)).all()


def test_docstring_examples():
    """Doctests."""
    assert doctest.testmod(pruning_masks).failed == 0
