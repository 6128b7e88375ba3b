"""What looking inside a model costs: by hand from rates, characters, parameters and cores; known times are met."""

import dataclasses

import pytest

from brainlike_core.config import (
    BridgeConfig,
    ExtractConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
)
from brainlike_core.inside_cost import (
    DECOMPOSITION,
    NETWORKS,
    PROCESS_BYTES,
    READING,
    SENTENCES,
    bridge_cost,
    curve_cost,
    cut_cost,
    networks_cost,
)
from brainlike_core.sources import task_items, text_sets
from brainlike_core.sources.model_catalogue import model_card
from tests import synthetic_run as made

SMALL, LARGE = NetworksConfig(ExtractConfig("minilm-l6")), NetworksConfig(ExtractConfig("smollm2-135m"))


def characters(config):
    """Of all texts."""
    sets = [text_sets.text_set(name, None, config.n_texts) for name in config.text_sets]
    return sum(len(text) for one in sets for text in one.texts)


def test_networks_cost_reading_and_decomposing():
    """Parameters x characters, neurons x characters; nothing but the text's length matters."""
    card, n = model_card("minilm-l6"), characters(SMALL)
    found = networks_cost(SMALL)
    assert found.seconds == pytest.approx(n * (READING * card.n_parameters + NETWORKS * card.n_neurons))
    assert found.memory_bytes == PROCESS_BYTES + card.memory_bytes(4) + 8 * (n // 4) * card.n_neurons
    half = networks_cost(dataclasses.replace(SMALL, n_texts=12))
    assert half.seconds < 0.6 * found.seconds
    assert networks_cost(dataclasses.replace(SMALL, text_sets=("/no/such/folder",))) is None
    assert networks_cost(NetworksConfig(ExtractConfig("/no/such/model"))) is None


def test_a_cut_is_scored_twenty_five_times_on_as_many_cores():
    """Two at a time: thirteen rounds; with a task its prompts and options are read too."""
    card = model_card("smollm2-135m")
    n = sum(map(len, text_sets.text_set("held-out", n_texts=12).texts))
    config = LesionConfig(LARGE, network=(0,))
    found = cut_cost(config, "causal", cores=2)
    assert found.n_at_once == 2
    assert found.seconds == pytest.approx(13 * READING * card.n_parameters * n)
    assert cut_cost(config, "causal", cores=1).seconds == pytest.approx(found.seconds * 25 / 13)
    items = task_items.choice_task("topic").items
    more = sum(len(item.prompt) + len(option) for item in items for option in item.options)
    tasks = cut_cost(dataclasses.replace(config, tasks=("topic",)), "causal", cores=2)
    assert tasks.seconds == pytest.approx(found.seconds * (n + more) / n)


def test_each_number_of_networks_costs_a_decomposition_and_its_scorings():
    """One more C: one decomposition, and four scorings, two at a time."""
    card, n = model_card("minilm-l6"), characters(SMALL)
    one, two = (curve_cost(PreservationConfig(SMALL, counts=c), "none", cores=2) for c in ((10,), (10, 64)))
    pairs = task_items.paraphrase_pairs().pairs
    scoring = SENTENCES * card.n_parameters * sum(map(len, {t for p in pairs for t in (p.first, p.second)}))
    assert two.seconds - one.seconds == pytest.approx(DECOMPOSITION * card.n_neurons * n + 2 * scoring)


def test_a_bridge_reads_the_story_for_every_cut():
    """Whole, three networks, and twenty random cuts each of two of them: 44, on one core."""
    run = made.make_run()
    config = BridgeConfig(run.id, run.atlas.networks[0])
    found = bridge_cost(config, run, 3, "none", cores=1)
    alone = bridge_cost(config, run, 1, "none", cores=1)
    assert found.seconds / alone.seconds == pytest.approx(44 / 22)
    assert bridge_cost(config, run, 3, "none", cores=64).n_at_once == 8


@pytest.mark.parametrize(
    ("found", "measured"),
    [
        (lambda: networks_cost(SMALL), 16.1),
        (lambda: cut_cost(LesionConfig(SMALL, network=(0,)), "none", cores=1), 20.2),
        (lambda: cut_cost(LesionConfig(LARGE, network=(0,)), "causal", cores=1), 152.0),
        (lambda: curve_cost(PreservationConfig(SMALL, counts=(10, 64)), "none", cores=1), 13.0),
        (lambda: curve_cost(PreservationConfig(LARGE, counts=(10, 64)), "causal", cores=1), 133.9),
    ],
    ids=["networks", "cut, minilm", "cut, smollm2", "curve, minilm", "curve, smollm2"],
)
def test_what_was_measured_is_met_within_half(found, measured):
    """Core-seconds of whole jobs, measured apart from the rates."""
    assert measured / 1.6 < found().seconds < measured * 1.6
