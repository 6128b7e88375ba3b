"""The second walk: networks found and cut in a model whose networks are known, remembered, refused, by command."""

import dataclasses
import json

import numpy as np
import pytest

from brainlike_core import archive, engine, jobs, lesions, networks, preservation, report_networks, slimming
from brainlike_core.__main__ import main
from brainlike_core.config import (
    BridgeConfig,
    ExtractConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
    SlimConfig,
    read_config,
)
from brainlike_core.errors import CancelledError, ConfigError, TextError
from brainlike_core.sources import text_sets
from tests.planted_networks import PLANTED, planted_items, planted_texts, save_planted
from tests.small_world import assert_same, watch_computing


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The planted model's folder, and a folder with 40 texts for it."""
    model = save_planted(tmp_path_factory.mktemp("planted"))
    texts = tmp_path_factory.mktemp("texts")
    for number, text in enumerate(planted_texts(40, seed=1)):
        (texts / f"{number:02d}.txt").write_text(text)
    return model, str(texts)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return archive.open_store(tmp_path_factory.mktemp("cache"))


def small(planted, **changes) -> NetworksConfig:
    """As few seeds and random networks as are allowed."""
    settings = {"text_sets": (planted[1],), "n_texts": 40, "n_stability_seeds": 1, "n_null": 19}
    return NetworksConfig(ExtractConfig(planted[0]), **settings | changes)


@pytest.fixture(scope="module")
def found(planted, workspace):
    return networks.find_networks(small(planted), workspace)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def nearest(found, feature: int) -> int:
    """Number of the network that is nearest a planted one."""
    return int(np.argmax([iou(mask, PLANTED[feature]) for mask in found.key]))


@pytest.mark.parametrize("feature", [0, 1])
def test_planted_networks_are_found_and_recur(feature, found):
    """Their neurons, in every layer; and they come back in single texts more often than random ones."""
    k = nearest(found, feature)
    assert iou(found.key[k], PLANTED[feature]) >= 0.9
    assert found.layer_histogram[k].tolist() == found.key[k].reshape(3, -1).sum(1).tolist()
    row = found.recurrence[found.recurrence["network"] == k].iloc[0]
    assert row["share"] > row["null"] and row["p"] == 1 / 20
    stable = found.stability.iloc[k]
    assert stable["halves"] > 0.95 > stable["halves_null"]


def test_tokens_lead_back_to_the_words(found):
    """A network's loudest tokens are cues or their answers."""
    k = nearest(found, 0)
    loudest = found.tokens.iloc[int(found.time_courses[:, k].argmax())]
    text = found.texts["text"].iloc[int(loudest["text"])]
    assert text[int(loudest["start"]) : int(loudest["stop"])] in ("ask", "yes")
    assert found.overlap.shape == (40, found.n_networks)


def test_networks_are_remembered(planted, workspace, found, monkeypatch):
    """Asked again, nothing is computed; another number of components is another question."""
    computed = watch_computing(monkeypatch)
    assert_same(networks.find_networks(small(planted), workspace), found)
    assert computed == []
    assert networks.find_networks(small(planted, n_components=5), workspace).n_networks == 5
    assert computed == ["networks"]


def test_the_means_are_those_of_the_neurons(planted, found):
    """What a `mean` lesion puts in: each neuron's mean response over all tokens."""
    from brainlike_core.sources.heads import open_with_head
    from brainlike_core.sources.token_responses import extract_tokens

    model = open_with_head(planted[0])
    read = extract_tokens(model.body, list(found.texts["text"]))
    np.testing.assert_allclose(found.means, read.values.mean(0, dtype=np.float64), atol=1e-6)


@pytest.fixture(scope="module")
def cut(planted, workspace, found):
    """The lesion of the network of the first feature, with 19 random ones."""
    config = LesionConfig(small(planted), network=(nearest(found, 0),), n_random=19, n_texts=2)
    return lesions.lesion(config, workspace)


def test_a_lesion_is_held_against_random_ones_of_the_same_layers(cut, found):
    """One row per measure, 19 draws each, p never 0; the table agrees with its draws."""
    assert cut.n_cut == found.key[nearest(found, 0)].sum()
    assert set(cut.effects["measure"]) == {"perplexity", "token accuracy", "word accuracy"}
    assert (cut.draws.groupby("measure").size() == 19).all()
    for row in cut.effects.itertuples():
        values = cut.draws.loc[cut.draws["measure"] == row.measure, "value"]
        assert row.random == pytest.approx(values.mean()) and row.random_sd == pytest.approx(values.std())
        assert 1 / 20 <= row.p_worse <= 1 and row.higher_is_better == (row.measure != "perplexity")
        harm = cut.draws.loc[cut.draws["measure"] == row.measure, "harm"]
        assert row.difference == pytest.approx(row.harm - harm.mean())
    assert cut.continuations["prompt"].tolist() == list(lesions.PROMPTS)


def test_other_texts_in_the_same_folder_are_another_lesion(planted, tmp_path, monkeypatch):
    """The same config, but a text was changed: networks and lesion are made again, not read."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate(planted_texts(6, seed=1)):
        (folder / f"{number}.txt").write_text(text)
    config = LesionConfig(
        small((planted[0], str(folder)), n_components=3), network=(0,), n_random=19, n_texts=2
    )
    workspace, computed = archive.open_store(tmp_path / "cache"), watch_computing(monkeypatch)
    lesions.lesion(config, workspace)
    (folder / "0.txt").write_text(planted_texts(1, seed=9)[0])
    lesions.lesion(config, workspace)
    assert computed == ["networks", "lesion"] * 2


def test_nothing_cut_is_nothing_lost(planted, workspace, found):
    """Amplified by 1 + 1e-12: every score is as before, whatever the neurons."""
    config = LesionConfig(
        small(planted), network=(0,), action="amplify", scale=1 + 1e-12, n_random=19, n_texts=2
    )
    effects = lesions.lesion(config, workspace).effects
    np.testing.assert_allclose(effects["after"], effects["before"], rtol=1e-5)
    assert (effects["p_worse"] > 0.05).all()


def test_the_neurons_that_are_meant(planted, found):
    """By network, the union, by number, and only those of some layers."""
    config = small(planted)
    union = lesions.named_neurons(LesionConfig(config), found)
    assert (union == found.key.any(0)).all()
    assert (
        lesions.named_neurons(LesionConfig(config, network=(1, 2)), found) == found.key[[1, 2]].any(0)
    ).all()
    assert np.flatnonzero(lesions.named_neurons(LesionConfig(config, neurons=(3, 17)), found)).tolist() == [
        3,
        17,
    ]
    last = lesions.named_neurons(LesionConfig(config, layers=(2,)), found)
    assert last.any() and not last[: 2 * found.n_units].any()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"neurons": (3, 999)}, "found 3 to 999"),
        ({"network": (0,), "layers": (7,)}, "No neuron is meant"),
    ],
)
def test_neurons_that_are_not_there_are_refused(changes, said, planted, found):
    with pytest.raises(ConfigError, match=said):
        lesions.named_neurons(LesionConfig(small(planted), **changes), found)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: NetworksConfig(n_components=1), "2 to 512"),
        (lambda: NetworksConfig(ExtractConfig("low-level")), "a language model"),
        (lambda: NetworksConfig(method="pca"), "temporal, canica"),
        (lambda: NetworksConfig(text_sets=()), "at least one set"),
        (lambda: LesionConfig(network=(10,)), "0 to 9"),
        (lambda: LesionConfig(network=(1,), neurons=(1,)), "not both"),
        (lambda: LesionConfig(action="amplify"), "changes something"),
        (lambda: LesionConfig(n_random=5), "19 to"),
        (lambda: LesionConfig(tasks=("chess",)), "sentiment"),
        (lambda: SlimConfig(NetworksConfig()), "ffn_mid"),
        (lambda: PreservationConfig(counts=(1,)), "2 to 512"),
        (lambda: BridgeConfig(against="Language"), "another network"),
        (lambda: BridgeConfig(rule="best"), "accepted, paper"),
    ],
)
def test_settings_out_of_range_are_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()


def test_configs_come_back_from_their_json():
    """With the same id; each field changes it."""
    plain = NetworksConfig(ExtractConfig("minilm-l6", layers=(1, 2)), text_sets=("news",))
    cut, bridge = LesionConfig(plain, network=(2, 3)), BridgeConfig("ab" * 32)
    configs = [plain, cut, bridge, PreservationConfig(plain, (3, 4)), SlimConfig(equal=True)]
    for config in configs:
        again = read_config(type(config), json.loads(json.dumps(dataclasses.asdict(config))))
        assert again == config and again.id == config.id
    assert len({plain.id, cut.id, bridge.id, dataclasses.replace(cut, seed=1).id}) == 4


def test_it_can_be_cancelled_at_each_step(planted, tmp_path):
    """What it was asked to stop in is not kept; a later call answers."""
    workspace, stopped = archive.open_store(tmp_path), []
    for step in ("tokens", "networks", "recurrence", "stability"):

        def stop(now, fraction, at=step):
            if now == at and fraction > 0:
                raise CancelledError("stop")

        with pytest.raises(CancelledError):
            networks.find_networks(small(planted, n_components=3), workspace, progress=stop)
        stopped.append(step)
        assert list(workspace.runs) == []
    assert len(stopped) == 4


def test_a_folder_without_texts_is_refused(planted, tmp_path):
    with pytest.raises(TextError, match="txt"):
        networks.find_networks(small((planted[0], str(tmp_path))), archive.open_store(tmp_path / "cache"))


def test_both_commands_say_the_same_numbers(planted, workspace, found, cut, capsys):
    """`networks --json` and `lesion --json`: one object each; networks count from 1."""
    options = [
        "--model",
        planted[0],
        "--texts",
        planted[1],
        "--n-texts",
        "40",
        "--cache",
        str(workspace.folder),
    ]
    state = jobs.status(small(planted).id, workspace.folder)
    assert state is None  # found in this process, without a job
    assert main(["networks", *options, "--components", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["networks"]) == 4 and told["n_texts"] == 40 and told["networks"][0]["n_neurons"] > 0
    assert main(["lesion", *options, "--components", "4", "--network", "2", "--random", "19", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["action"] == "lesion of network 2" and told["n_random"] == 19
    assert {row["measure"] for row in told["effects"]} == set(cut.effects["measure"])
    assert main(["lesion", *options, "--components", "4", "--network", "0"]) == 2
    assert "--network" in capsys.readouterr().err


def test_the_sentences_hold_the_numbers(found, cut):
    """Networks and lesion in words: n, null and p stand in them."""
    lines = " ".join(report_networks.networks_sentences(found))
    assert f"{found.n_networks} networks" in lines and "null" in lines and "FDR" in lines
    said = report_networks.lesion_sentences(cut)
    perplexity = cut.effects.set_index("measure").loc["perplexity"]
    assert f"p = {perplexity['p_worse']:.3f}" in said[1] and "19 random cuts" in said[1]


def test_a_lesion_runs_as_a_job(planted, tmp_path):
    """Its state on disk says each step, and that it is done."""
    config = LesionConfig(small(planted, n_components=3), network=(0,), n_random=19, n_texts=2)
    engine.run_now(config, tmp_path)
    state = jobs.status(config.id, tmp_path)
    assert state.state == "done" and [name for _, name, _ in state.steps] == ["done"] * 5


@pytest.fixture(scope="module")
def curve(planted, workspace):
    """The networks of the planted model kept alone: three of them, then ten."""
    config = PreservationConfig(small(planted), (3, 10), n_random=2, n_texts=2)
    return config, preservation.preservation(config, workspace)


def test_more_networks_keep_more_neurons(curve, planted, workspace, monkeypatch):
    """Two numbers of networks, three measures each; the whole model's score is the same in every row."""
    config, found = curve
    assert found.rows["n_networks"].tolist() == [3] * 3 + [10] * 3
    few, many = found.rows["n_kept"].iloc[[0, 3]]
    assert 0 < few < many <= found.n_neurons
    for _, rows in found.rows.groupby("measure"):
        assert rows["whole"].nunique() == 1 and (rows["random_low"] <= rows["random_high"]).all()
    computed = watch_computing(monkeypatch)
    assert_same(preservation.preservation(config, workspace), found)
    assert computed == []


def test_the_planted_answers_survive_with_their_networks(planted, found):
    """All key neurons kept, the rest silent: what was planted is still answered."""
    from brainlike_core.sources.heads import open_with_head
    from brainlike_core.sources.interventions import preserve
    from brainlike_core.sources.scoring import score_choices

    model = open_with_head(planted[0])
    with preserve(model.body, found.key.any(0)):
        for feature in (0, 1):
            items = planted_items(feature, 20, seed=2)
            assert score_choices(model, items)["choice accuracy"].value == 1


def test_the_command_tells_the_curve(planted, workspace, curve, capsys):
    """`preserve --json`: one row per number of networks and measure, with sentences."""
    options = [
        "--model",
        planted[0],
        "--texts",
        planted[1],
        "--cache",
        str(workspace.folder),
        "--random",
        "2",
    ]
    assert main(["preserve", *options, "--counts", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rows"]) == len(told["sentences"]) == 3 and "3 networks" in told["sentences"][0]


def test_a_model_has_its_own_fingerprint(planted, found, workspace):
    """Against itself the networks match one to one; against its random twin they do not."""
    same = networks.fingerprint(found, found, n_surrogates=50)
    assert same.partner.tolist() == list(range(10)) and same.score == pytest.approx(1, abs=1e-6)
    assert same.common_origin and same.p == pytest.approx(1 / 51)
    twin = NetworksConfig(
        ExtractConfig(planted[0], weights="random"), (planted[1],), n_texts=40, n_stability_seeds=1, n_null=19
    )
    other = networks.fingerprint(found, networks.find_networks(twin, workspace), n_surrogates=50)
    assert other.score < 0.5 and not other.common_origin
    assert other.n_words == same.n_words == sum(len(text.split()) for text in found.texts["text"])


def test_fingerprints_need_the_same_texts(planted, found, workspace, tmp_path):
    (tmp_path / "one.txt").write_text(" ".join(planted_texts(3, seed=5)))
    (tmp_path / "two.txt").write_text(" ".join(planted_texts(3, seed=6)))
    other = networks.find_networks(small((planted[0], str(tmp_path))), workspace)
    with pytest.raises(ConfigError, match="40 and 2 texts"):
        networks.fingerprint(found, other)


def test_the_fingerprint_command(planted, workspace, capsys):
    """A model with itself, in one sentence with its null."""
    options = [
        "--model",
        planted[0],
        "--with",
        planted[0],
        "--texts",
        planted[1],
        "--n-texts",
        "40",
        "--components",
        "4",
    ]
    assert main(["fingerprint", *options, "--cache", str(workspace.folder)]) == 0
    said = capsys.readouterr().out
    assert "matched |Spearman| 1.00" in said and "suggests a common origin" in said


@pytest.fixture(scope="module")
def slimmed(planted, workspace):
    """The planted model without the intermediate neurons outside three networks, layers of equal size."""
    inner = small(planted, n_components=3, threshold=1.96)
    inner = dataclasses.replace(inner, extract=ExtractConfig(planted[0], neurons="ffn_mid"))
    config = SlimConfig(inner, equal=True, n_random=2, n_texts=2)
    return config, slimming.slim(config, workspace)


def test_a_smaller_model_is_held_against_other_ways(slimmed):
    """By networks, magnitude and chance as many neurons go; only the whole model has more parameters."""
    _, found = slimmed
    size = found.rows.groupby("way")["n_parameters"].unique()
    assert all(len(sizes) == 1 for sizes in size) and size["networks"] == size["magnitude"] == size["random"]
    assert size["networks"][0] < size["whole"][0]
    assert len(set(found.keep.reshape(found.n_layers, -1).sum(1))) == 1
    assert found.rows.groupby("way")["draw"].nunique().to_dict() == {
        "magnitude": 1,
        "networks": 1,
        "random": 2,
        "whole": 1,
    }
    assert (
        f"{size['networks'][0]:,} of {size['whole'][0]:,} parameters"
        in report_networks.slim_sentences(found)[0]
    )


def test_the_smaller_model_is_saved_and_opened_by_the_library(slimmed, tmp_path):
    """safetensors that transformers reads, with the score of the table; a folder in use is refused."""
    from transformers import AutoModelForCausalLM

    from brainlike_core.sources.heads import open_with_head

    config, found = slimmed
    assert slimming.save(config, found, tmp_path / "small")
    network = AutoModelForCausalLM.from_pretrained(tmp_path / "small")
    row = found.rows[(found.rows["way"] == "networks") & (found.rows["measure"] == "perplexity")].iloc[0]
    assert sum(weight.numel() for weight in network.parameters()) == row["n_parameters"]
    texts = text_sets.text_set("held-out", n_texts=2).texts
    again = lesions.language_scores(open_with_head(str(tmp_path / "small")), texts)
    assert again["text", "perplexity"].value == pytest.approx(row["value"], rel=1e-4)
    with pytest.raises(ConfigError, match="not empty"):
        slimming.save(config, found, tmp_path / "small")
