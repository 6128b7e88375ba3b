"""The bridge on a small walk: which neurons are cut, what is measured, remembered, refused, by command."""

import json
from dataclasses import replace

import numpy as np
import pytest

from brainlike_core import archive, bridge, pipeline, report_networks
from brainlike_core.__main__ import main
from brainlike_core.atlas_nulls import network_overlap
from brainlike_core.config import BridgeConfig, MatchConfig
from brainlike_core.errors import CancelledError, ConfigError, UnknownNameError
from brainlike_core.lesions import language_scores
from brainlike_core.networks import Reader
from brainlike_core.science.bridge import network_means, remaining_courses
from brainlike_core.science.encoding_nulls import null_locations
from brainlike_core.science.folds import delayed
from brainlike_core.science.held_out import held_out
from brainlike_core.science.lesion_effects import matched_random
from brainlike_core.science.timing import zscore
from brainlike_core.sources import side_by_side, task_items, text_sets
from brainlike_core.sources.interventions import lesion
from brainlike_core.sources.word_responses import extract_words
from brainlike_core.story_clock import on_recording_clock
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


def _plainly(run, config, neurons):
    """One cut by the long way: hooks, the whole story, the clock, the loadings, every fold; on all cores."""
    reader = Reader(run.config.extract, "cpu")
    texts = text_sets.text_set("held-out", n_texts=config.n_texts).texts
    body, extract = reader.model.body, run.config.extract
    with lesion(body, neurons, kind=extract.neurons, layers=extract.layers):
        read = extract_words(body, run.story, extract)
        language = language_scores(reader.model, texts)
    clocked = on_recording_clock(read, run.story, run.recording, run.config)
    courses = remaining_courses(clocked.values, run.dictionary.loadings, ~neurons)
    dictionary, sample = run.dictionary, null_locations(run.recording.n_locations, bridge.MOST_LOCATIONS)
    mean = zscore(run.recording.bold.mean(0)[:, sample])
    brains = delayed(mean, dictionary.first_tr, dictionary.n_trs, run.config.encoding.delays)
    r = held_out(courses, brains, run.config.encoding.one_delay).r
    return network_means(r, network_overlap(run.atlas, run.recording)[sample]), language


def test_cuts_at_once_say_what_one_after_the_other_says(found, walked, asked):
    """Each network's own cut and a random one, measured again by the long way."""
    run = walked[1]
    cuts = bridge._cuts(run, asked)
    language = found.language.set_index("cut")
    for name, neurons in cuts.items():
        r, scores = _plainly(run, asked, neurons)
        mine = found.prediction[found.prediction["cut"] == name].set_index("network")
        np.testing.assert_allclose(mine.loc[list(run.atlas.networks), "after"], r, atol=1e-5)
        auc = scores["paraphrases", "paraphrase AUC"].value
        assert language.loc[name, "after"] == pytest.approx(auc, abs=1e-6)
    name, n_layers = asked.network, len(run.dictionary.layers)
    draw = matched_random(cuts[name], n_layers, run.dictionary.n_units, asked.n_random, asked.seed)[7]
    before = found.prediction.drop_duplicates("network").set_index("network")["before"]
    drawn = found.draws[(found.draws["cut"] == name) & (found.draws["draw"] == 7)].set_index("network")
    np.testing.assert_allclose(
        (before - drawn["loss"])[list(run.atlas.networks)], _plainly(run, asked, draw)[0], atol=1e-5
    )


def test_a_bridge_that_was_stopped_goes_on_where_it_was(walked, asked, found, monkeypatch):
    """Cuts that were measured are kept: the same ones in another order cost nothing, nor do those before a stop."""
    workspace, measured, left = walked[0], [], [3, 7]
    whole = bridge._Bench.ask
    monkeypatch.setattr(side_by_side, "n_cores", lambda: 1)
    monkeypatch.setattr(
        bridge._Bench, "ask", lambda bench, *given: measured.append(given[1]) or whole(bench, *given)
    )
    turned = bridge.bridge(replace(asked, network=asked.against, against=asked.network), workspace)
    assert measured == [] and turned.dissociation["p"] == found.dissociation["p"]

    def stop(step, fraction):
        if len(measured) > left[0]:
            left.pop(0)
            raise CancelledError("enough")

    while left:
        with pytest.raises(CancelledError, match="enough"):
            bridge.bridge(replace(asked, seed=1), workspace, progress=stop)
    assert len(measured) >= 8
    assert len(measured) - len({neurons.tobytes() for neurons in measured}) <= 1  # what was under way


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
