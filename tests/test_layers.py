"""Which layers predict the brain: remembered, refused where it cannot be asked, in a worker, by command."""

import dataclasses
import json
import shutil
import time

import pytest

from brainlike_core import archive, archive_layers, engine, follow_ups, jobs
from brainlike_core.__main__ import main
from brainlike_core.config import LOW_LEVEL, ExtractConfig, LayersConfig, MatchConfig, RunConfig
from brainlike_core.errors import CancelledError, ConfigError, RecordingError, UnknownNameError
from tests import synthetic_run as made
from tests.small_world import assert_same, watch_computing


def small(run_id, **changes):
    """As few surrogates, resamples and seeds as are allowed."""
    return LayersConfig(run_id, **{"n_surrogates": 19, "n_bootstraps": 20, "n_seeds": 1} | changes)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A cache folder with one made-up run on a recording long enough for folds, and the run's id."""
    folder = tmp_path_factory.mktemp("cache")
    few = dataclasses.replace(made.short_folds(), match=MatchConfig(n_spins=99, n_fakes=5))
    return folder, made.write(made.make_run(few), folder)


@pytest.fixture
def home(written, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(written[0], tmp_path / "cache"), written[1]


def test_the_answer_is_remembered(home, monkeypatch):
    """Asked twice, computed once; by thirds the depth of sub-groups is not computed again."""
    workspace, config = archive.open_store(home[0]), small(home[1])
    assert archive.load_layers(config, workspace) is None
    computed, said = watch_computing(monkeypatch), []
    found = follow_ups.layer_answers(config, workspace, lambda *now: said.append(now))
    assert computed == ["curve", "profiles"] and said[0] == ("curve", 0.0) and said[-1] == ("profiles", 1.0)
    for one in (follow_ups.layer_answers(config, workspace), archive.load_layers(config, workspace)):
        for a, b in zip(one, found, strict=True):
            assert_same(a, b)
    thirds, _ = follow_ups.layer_answers(small(home[1], by="third"), workspace)
    assert computed == ["curve", "profiles", "curve"]
    assert thirds.rows["name"].tolist() == ["early", "middle", "late"]
    assert found[0].rows["n_atoms"].tolist() == [made.N_UNITS] * made.N_LAYERS  # ten neurons carry no twelve


def test_each_setting_is_in_its_key(home):
    """Another setting is another question: of the curve, or of the profiles, never of both."""
    workspace, plain = archive.open_store(home[0]), small(home[1])

    def keys(config):
        return archive.curve_question(config, workspace).key, archive.profiles_question(config, workspace).key

    curve, profiles = keys(plain)
    changes = {
        "by": "third", "n_surrogates": 20, "max_locations": 10, "max_null_locations": 5, "n_bootstraps": 30,
        "n_seeds": 0, "seed": 1,
    }  # fmt: skip
    assert set(changes) | {"run"} == {field.name for field in dataclasses.fields(plain)}
    for change in changes.items():
        other = keys(dataclasses.replace(plain, **dict([change])))
        assert (other[0] == curve) + (other[1] == profiles) == 1, change


def test_what_cannot_be_asked_is_refused(home):
    """No such run; features of the words; neurons that were pruned. Each says what to do."""
    folder, run_id = home
    workspace = archive.open_store(folder)
    with pytest.raises(UnknownNameError, match="run it first"):
        follow_ups.layer_answers(small("f" * 64), workspace)
    config = RunConfig(extract=ExtractConfig(LOW_LEVEL))
    words = made.write(made.make_run(config), folder)
    record = workspace.runs.get(archive.record_question(words).key)
    del record.entries["responses"]
    workspace.runs.put(archive.record_question(words), record)
    with pytest.raises(ConfigError, match="have no neurons"):
        follow_ups.layer_answers(small(words), workspace)
    key = archive.curve_question(small(run_id), workspace).inputs[0]
    shutil.rmtree(workspace.results.folder / "entries" / key[:2] / key)
    with pytest.raises(RecordingError, match="run it again"):
        follow_ups.layer_answers(small(run_id), workspace)
    assert archive.load_layers(small("f" * 64), workspace) is None


def test_cancelled_between_two_layers(home):
    """Progress that raises ends it at once, and nothing is stored."""
    workspace = archive.open_store(home[0])

    def stop(step, fraction):
        if fraction > 0.3:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        follow_ups.layer_answers(small(home[1]), workspace, stop)
    assert archive.load_layers(small(home[1]), workspace) is None


def test_one_command_gives_one_json_object(home, capsys):
    """`layers RUN --json`: rows, thirds, networks, sub-groups and sentences; words without `--json`."""
    command = ["layers", home[1][:12], "--cache", str(home[0]), "--seeds", "1"]
    assert main([*command, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in body["rows"]] == [f"layer {i}" for i in range(made.N_LAYERS)]
    assert [row["third"] for row in body["thirds"]] == ["early", "middle", "late"]
    assert len(body["subgroups"]) == made.N_ATOMS and len(body["subgroups"][0]["share"]) == made.N_LAYERS
    assert set(body["networks"][0]["r"]) == {row["network"] for row in body["network_profiles"]}
    assert main(command) == 0
    words = capsys.readouterr().out
    assert all(sentence in words for sentence in body["sentences"]) and words.count("layer 3 ") >= 1


def test_thirds_come_with_their_links(home, capsys, monkeypatch):
    """`layers RUN --by third --json`: links and counts of each third beside fake atoms; asked again, only read."""
    command = ["layers", home[1][:12], "--cache", str(home[0]), "--seeds", "1", "--by", "third"]
    computed = watch_computing(monkeypatch)
    assert main([*command, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert computed == ["curve", "profiles", "third_links"]
    links = body["links"]
    assert [row["third"] for row in links["thirds"]] == ["early", "middle", "late"]
    for row in links["thirds"]:
        own = [link for link in links["links"] if link["third"] == row["third"]]
        assert len(own) == row["n_links"] and sum(link["accepted"] for link in own) == row["n_accepted"]
        assert sum(c["n_links"] for c in links["counts"] if c["third"] == row["third"]) == row["n_links"]
    assert links["n_fakes"] == 5 and links["measure"] == "Dice"
    assert main(command) == 0
    said = capsys.readouterr().out
    assert computed == ["curve", "profiles", "third_links"]
    assert "The middle third (layers 2-2)" in said and "sign-randomised atoms" in said
    workspace = archive.open_store(home[0])
    config = LayersConfig(home[1], "third", n_seeds=1)
    assert archive_layers.load_third_links(config, workspace).n_fakes == 5
    assert follow_ups.third_links(LayersConfig(home[1]), workspace) is None
    assert main(["show", home[1][:12], "--cache", str(home[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["links_by_third"] == links
    assert main(["show", home[1][:12], "--cache", str(home[0])]) == 0
    assert "The middle third (layers 2-2)" in capsys.readouterr().out


def test_one_sentence_for_a_wrong_setting(home, capsys):
    """Exit status 2, and which option to change."""
    assert main(["layers", home[1][:12], "--cache", str(home[0]), "--by", "half"]) == 2
    assert "--by" in capsys.readouterr().err
    assert main(["layers", "zz", "--cache", str(home[0])]) == 2


def test_a_worker_answers_and_a_reload_finds_it(home):
    """Begun by id in another process: its state is on disk, then its result in the store; no walk is listed."""
    folder, config = home[0], small(home[1], by="third")
    assert engine.start_aside(config, folder) == config.id
    assert jobs.active(folder) == []
    for _ in range(1200):
        now = jobs.status(config.id, folder)
        if now.state not in ("queued", "running"):
            break
        time.sleep(0.1)
    assert now.state == "done" and now.fraction == 1, now.message
    curve, profiles = archive.load_layers(config, archive.open_store(folder))
    assert len(curve.rows) == 3 and profiles.n_seeds == 1
