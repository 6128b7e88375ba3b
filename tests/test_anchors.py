"""Neurons of a finished run anchored to brain networks: planted, null, remembered, refused, by command."""

import dataclasses
import json

import numpy as np
import pytest

from brainlike_core import archive, follow_ups
from brainlike_core.__main__ import main
from brainlike_core.config import AnchorsConfig
from brainlike_core.errors import ConfigError, UnknownNameError
from brainlike_core.science.spins import location_overlap
from tests import synthetic_run as made
from tests.small_world import assert_same, watch_computing

PLANTED = 7  # a neuron that is made of the Language network's own time course


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A made-up run whose neuron 7 follows the mean of its Language network."""
    run, responses = made.make_run(), made._responses()
    table = location_overlap(
        run.atlas.labels, run.recording.vertex_location, run.atlas.n_networks, run.recording.n_locations
    )
    first = responses.first_tr + run.encoding.map_delay
    mean = run.recording.bold[:, first : first + len(responses.values)].mean(0)
    values = np.array(responses.values[: len(mean)])
    values[:, PLANTED] = mean @ table[:, made.LANGUAGE]
    workspace = archive.open_store(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "_responses", lambda: dataclasses.replace(responses, values=values))
        return workspace, made.write(run, workspace.folder)


def test_a_planted_neuron_is_anchored_to_its_network(written):
    """Its r is 1 and it is significant; few of the random neurons are (one of 40 needs p .001 for q .04)."""
    found = follow_ups.anchors(AnchorsConfig(written[1]), written[0])
    assert found.networks[found.network[PLANTED]] == "Language"
    assert found.r[PLANTED] > 0.99 and found.q[PLANTED] < 0.05
    table = found.table().set_index("network")
    assert table["n_neurons"].sum() == len(found.network) == made.N_LAYERS * made.N_UNITS
    assert table.loc["Language", "layer 0"] >= 1 and (found.q < 0.05).sum() <= 8


def test_anchors_are_remembered_and_told(written, monkeypatch, capsys):
    """Computed once; the command says the same numbers, with null and correction."""
    config, computed = AnchorsConfig(written[1], seed=1), watch_computing(monkeypatch)
    assert_same(follow_ups.anchors(config, written[0]), follow_ups.anchors(config, written[0]))
    assert computed == ["anchors"]
    found = follow_ups.anchors(AnchorsConfig(written[1]), written[0])
    assert main(["anchors", written[1][:12], "--cache", str(written[0].folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n_significant"] == (found.q < 0.05).sum() and "1,000 sign-randomised" in told["sentences"][0]


def test_what_has_no_neurons_is_refused(written, tmp_path):
    """A baseline of features; a run that is not there."""
    with pytest.raises(UnknownNameError):
        follow_ups.anchors(AnchorsConfig("0" * 64), written[0])
    workspace, run_id = archive.open_store(tmp_path), made.write(made.make_run(), tmp_path)
    record = archive._record(run_id, workspace)
    entries = {step: key for step, key in record.entries.items() if step != "responses"}
    archive.write_record(made.make_run().config, entries, {}, workspace)
    with pytest.raises(ConfigError, match="no neurons"):
        follow_ups.anchors(AnchorsConfig(run_id), workspace)
