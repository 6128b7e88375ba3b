"""What runs will cost, from earlier runs whose times are known."""

import dataclasses

import pytest

from brainlike_core import archive, inventory
from brainlike_core.config import ExtractConfig, RunConfig
from brainlike_core.run_cost import run_cost
from tests import synthetic_run as made

MODELS = {model["name"]: model for model in inventory.catalogue()["models"]}


def written(folder, model, seconds, recording="simulated"):
    """A store with one finished run that took so long."""
    run = dataclasses.replace(made.make_run(made.config(model, recording=recording)), seconds=seconds)
    made.write(run, folder)
    return archive.open_store(folder)


def config(model, **more):
    return RunConfig(extract=ExtractConfig(model=model, **more))


def test_steps_that_read_every_neuron_are_scaled_by_their_number(tmp_path):
    """SmolLM2 has 7.5 times the neurons of MiniLM: 2 s of extraction become 15, 30 s of encoding stay."""
    store = written(tmp_path, "minilm-l6", {"recording": 5.0, "extract": 2.0, "encoding": 30.0})
    cost = run_cost([config("smollm2-135m")], MODELS, store)
    assert cost.seconds == pytest.approx(5 + 15 + 30)
    assert (cost.n_new, cost.n_earlier, cost.same_recording) == (1, 1, True)


def test_the_recording_is_counted_once(tmp_path):
    """A model and its random twin share the recording, not the rest."""
    store = written(tmp_path, "minilm-l6", {"recording": 5.0, "encoding": 30.0})
    both = [config("minilm-l6"), config("minilm-l6", weights="random")]
    assert run_cost(both, MODELS, store).seconds == pytest.approx(5 + 30 + 30)


def test_half_the_layers_are_half_the_neurons(tmp_path):
    """Three of six layers: 2 s become 1."""
    store = written(tmp_path, "minilm-l6", {"extract": 2.0})
    assert run_cost([config("minilm-l6", layers=(0, 1, 2))], MODELS, store).seconds == pytest.approx(1)


def test_a_finished_run_costs_nothing(tmp_path):
    """It opens from the store."""
    store = written(tmp_path, "minilm-l6", {"encoding": 30.0})
    cost = run_cost([made.config()], MODELS, store)
    assert (cost.seconds, cost.n_new, cost.n_finished) == (0, 0, 1)


def test_an_empty_store_gives_documented_times(tmp_path):
    """More for more neurons, and never of an earlier run."""
    store = archive.open_store(tmp_path)
    small, large = (run_cost([config(m)], MODELS, store) for m in ("minilm-l6", "smollm2-135m"))
    assert 60 < small.seconds < large.seconds < 600 and small.n_earlier == 0 and small.same_recording


def test_another_recording_is_said_to_be_another(tmp_path):
    """Times of Pie Man for the simulated recording are a guess, and marked as one."""
    store = written(tmp_path, "minilm-l6", {"encoding": 30.0}, recording="pieman")
    cost = run_cost([config("minilm-l6")], MODELS, store)
    assert cost.seconds == pytest.approx(30) and not cost.same_recording


def test_memory_is_that_of_the_largest_model(tmp_path):
    """SmolLM2's 135 million weights in float32, and its responses; features of words have none."""
    store = archive.open_store(tmp_path)
    cost = run_cost([config("minilm-l6"), config("smollm2-135m")], MODELS, store)
    assert cost.memory_bytes == MODELS["smollm2-135m"]["memory_float32"] > 5e8
    assert run_cost([config("low-level")], MODELS, store).memory_bytes == 0
