"""model_cards.py and suggested_models.py: what a model is, before anything of it is downloaded."""

import json

import pytest

from brainlike_core.sources.model_cards import card_or_reason, look_up_card
from brainlike_core.sources.model_catalogue import SIZE_CLASSES, model_card, model_cards
from brainlike_core.sources.suggested_models import SUGGESTIONS
from tests.hub_server import Repo, hub  # noqa: F401

GPT2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768}


def put(hub, config, **fields):  # noqa: F811
    files = {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": b"w" * 1000,
    }
    hub.repos["org/name"] = Repo(files, **fields)


def test_a_hub_model_is_known_before_it_is_downloaded(hub, tmp_path):  # noqa: F811
    """Family, layers, neurons, licence, size and gate; the weights are not asked for and nothing is kept."""
    put(hub, GPT2, card={"license": "mit"})
    card = look_up_card("org/name")
    assert (card.family, card.n_layers, card.n_units, card.n_neurons) == ("gpt2", 12, 768, 9216)
    assert (card.licence, card.gated, card.note, card.here) == ("mit", False, "", False)
    assert 1000 < card.size_bytes < 1200
    assert hub.files_asked == ["config.json"] and not (tmp_path / "hub").exists()


def test_a_gated_model_shows_what_is_public(hub):  # noqa: F811
    """Its licence and size; its layers only once its terms are accepted, and how."""
    put(hub, GPT2, gated=True, card={"license": "other", "license_name": "llama9"})
    card = look_up_card("org/name")
    assert card.gated and card.licence == "llama9" and card.n_layers == 0 and "HF_TOKEN" in card.note


@pytest.mark.parametrize(
    "fields, said",
    [({"auto_map": {}}, "code of its own"), ({"quantization_config": {"bits": 4}}, "quantised")],
)
def test_what_will_be_refused_is_said_on_the_card(hub, fields, said):  # noqa: F811
    """Before its gigabytes are fetched."""
    put(hub, GPT2 | fields)
    assert said in look_up_card("org/name").note


def test_pickles_are_said_on_the_card(hub):  # noqa: F811
    """The file is named."""
    hub.repos["org/name"] = Repo({"config.json": b"{}", "pytorch_model.bin": b"p"})
    assert "pytorch_model.bin" in look_up_card("org/name").note


def test_no_network_is_a_sentence(hub):  # noqa: F811
    """With what works offline."""
    hub.silent = True
    from brainlike_core.sources import hub as module

    answer = module.look_up.__defaults__
    module.look_up.__defaults__ = (0.3,)
    try:
        assert "smollm2-135m" in card_or_reason("org/name")
    finally:
        module.look_up.__defaults__ = answer


def test_a_folder_has_a_card(tmp_path):
    """Read from its config.json; what is missing is said."""
    (tmp_path / "config.json").write_text(json.dumps(GPT2))
    card = look_up_card(str(tmp_path))
    assert card.n_neurons == 9216 and card.here and "safetensors" in card.note


def test_suggestions_compare_families_at_equal_size():
    """Every class of size has at least two families to choose from, and gated ones have ungated company."""
    for size in SIZE_CLASSES:
        here = [card for card in model_cards() if card.size_class == size and card.n_parameters]
        assert len({card.group for card in here if not card.gated}) >= 2, size
    assert len({one.name for one in SUGGESTIONS}) == len(SUGGESTIONS)


def test_parameters_fit_layers_and_width():
    """A transformer has at least 8 and at most about 20 parameters per layer and unit squared, words aside."""
    for one in SUGGESTIONS:
        blocks = one.n_layers * one.n_units**2
        assert 5 * blocks < one.millions * 1e6 < 25 * blocks + 160_000 * one.n_units * 2, one.name


def test_memory_is_weights_and_responses():
    """Llama 1, bfloat16: 2 x 6.74e9 bytes, and 300 volumes x 131,072 neurons x 4 bytes."""
    card = model_card("huggyllama/llama-7b")
    assert card.memory_bytes(2) == 2 * 6_738_415_616 + 4 * 300 * 131_072
    assert model_card("low-level").memory_bytes() == 0
