"""The bridge on a small walk: which neurons are cut, what is measured, remembered, refused, by command."""

import json
from dataclasses import replace

import numpy as np
import pytest

from brainlike_core import archive, bridge, pipeline, report_networks
from brainlike_core.__main__ import main
from brainlike_core.config import BridgeConfig, MatchConfig
from brainlike_core.errors import ConfigError, UnknownNameError
from brainlike_core.sources import task_items
from tests.small_world import assert_same, needs_minilm, small_config, watch_computing, write_pieman

pytestmark = needs_minilm


@pytest.fixture(scope="module", autouse=True)
def few_pairs():
    """Ten pairs of sentences in place of all: every cut is scored with them."""
    pairs = task_items.paraphrase_pairs()
    few = replace(pairs, pairs=pairs.pairs[:5] + pairs.pairs[-5:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task_items, "paraphrase_pairs", lambda: few)
        yield


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A finished small walk, and a low threshold so that some sub-group is linked by the paper's rule."""
    data = write_pieman(tmp_path_factory.mktemp("data"))
    workspace = archive.open_store(tmp_path_factory.mktemp("cache"))
    config = small_config(match=MatchConfig(n_spins=40, n_fakes=5, z_threshold=0.5, level=0.5))
    return workspace, pipeline.walk(config, workspace, data=str(data))


@pytest.fixture(scope="module")
def asked(walked):
    """A bridge between the two networks with most sub-groups."""
    _, run = walked
    groups = bridge.network_subgroups(run, "paper")
    sizes = {name: np.isin(run.dictionary.subgroups, atoms).sum() for name, atoms in groups.items()}
    first, second = sorted(sizes, key=lambda name: -sizes[name])[:2]
    return BridgeConfig(run.id, first, second, rule="paper", n_random=19, n_texts=2)


@pytest.fixture(scope="module")
def found(walked, asked):
    return bridge.bridge(asked, walked[0])


def test_a_subgroup_goes_with_its_strongest_link(walked):
    """Each linked sub-group stands under one network, that of its largest Dice."""
    _, run = walked
    groups = bridge.network_subgroups(run, "paper")
    links = run.correspondence.links("paper")
    assert sorted(sum(groups.values(), [])) == sorted(links["atom"].unique())
    for name, atoms in groups.items():
        for atom in atoms:
            own = links[links["atom"] == atom]
            assert own.loc[own["dice"].idxmax(), "network"] == name


def test_every_cut_is_seen_from_both_sides(found, walked, asked):
    """All networks' predictions for every cut; the first two against 19 random cuts each."""
    run = walked[1]
    cuts = found.groups["cut"].tolist()
    assert cuts[:2] == [asked.network, asked.against]
    assert len(found.prediction) == len(cuts) * run.atlas.n_networks
    held = found.prediction.dropna(subset="p")
    assert set(held["cut"]) <= {asked.network, asked.against} and (held["p"] >= 1 / 20).all()
    assert found.draws.groupby("cut")["draw"].nunique().tolist() == [19, 19]
    assert set(found.language["measure"]) == {"paraphrase AUC"}  # MiniLM has no head
    row = held[(held["cut"] == asked.network) & (held["network"] == asked.network)].iloc[0]
    mine = found.draws[(found.draws["cut"] == asked.network) & (found.draws["network"] == asked.network)]
    assert row["random_loss"] == pytest.approx(mine["loss"].mean())
    assert row["loss"] == pytest.approx(row["before"] - row["after"])


def test_the_dissociation_is_that_of_the_table(found, asked):
    """Losses of both networks by both cuts, as the prediction table has them."""
    loss = found.prediction.pivot(index="cut", columns="network", values="loss")
    own = loss.loc[asked.network, asked.network] - loss.loc[asked.against, asked.network]
    other = loss.loc[asked.against, asked.against] - loss.loc[asked.network, asked.against]
    assert found.dissociation["own"] == pytest.approx(own)
    assert found.dissociation["interaction"] == pytest.approx(own + other)
    sentence = report_networks.bridge_sentences(found)[-1]
    assert sentence.startswith(("Double dissociation", "No dissociation"))


def test_it_is_remembered_and_the_command_reads_it(walked, asked, found, monkeypatch, capsys):
    """Asked again nothing is computed; `lesion --run` says the same numbers."""
    workspace = walked[0]
    computed = watch_computing(monkeypatch)
    assert_same(bridge.bridge(asked, workspace), found)
    assert computed == []
    options = ["--fbn", asked.network, "--against", asked.against, "--rule", "paper", "--random", "19"]
    config = replace(asked, n_texts=BridgeConfig().n_texts)
    monkeypatch.setattr(bridge, "_measure", lambda *given: found)
    command = ["lesion", "--run", config.run[:12], *options, "--cache", str(workspace.folder), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["network"] == asked.network and told["dissociation"]["p"] == found.dissociation["p"]


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"network": "Languag"}, UnknownNameError, "did you mean Language"),
        ({"rule": "accepted"}, ConfigError, "No sub-group goes with"),
    ],
)
def test_networks_without_subgroups_are_refused(changes, error, said, walked, asked):
    """A name that the atlas lacks; a network that no accepted link names."""
    with pytest.raises(error, match=said):
        bridge.bridge(replace(asked, **changes), walked[0])
