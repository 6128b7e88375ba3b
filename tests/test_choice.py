"""Settings of a run's dictionary compared: remembered, refused where they cannot be, in a worker, by command."""

import dataclasses
import json
import shutil
import time

import pytest

from brainlike_core import archive, engine, follow_ups, jobs, report
from brainlike_core.__main__ import main
from brainlike_core.config import ChoiceConfig, DictionaryConfig, ExtractConfig, RunConfig
from brainlike_core.errors import CancelledError, ConfigError, RecordingError, UnknownNameError
from tests import synthetic_run as made
from tests.small_world import assert_same, watch_computing


def small(run_id, **changes):
    """Two numbers of atoms, one penalty, and as few seeds as are allowed."""
    return ChoiceConfig(run_id, (4, 12), (0.1,), n_seeds=3, n_grid_seeds=2, **changes)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A cache folder with one made-up run, and the run's id."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, made.write(made.make_run(), folder)


@pytest.fixture
def home(written, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(written[0], tmp_path / "cache"), written[1]


def test_the_comparison_is_remembered(home, monkeypatch):
    """Asked twice, computed once; the stored neurons are read, nothing of the walk is computed."""
    workspace, config = archive.open_store(home[0]), small(home[1])
    assert archive.load_choice(config, workspace) is None
    computed, said = watch_computing(monkeypatch), []
    found = follow_ups.choose_dictionary(config, workspace, lambda *now: said.append(now))
    assert computed == ["choice"] and said[0] == ("choice", 0.0) and said[-1] == ("choice", 1.0)
    assert_same(follow_ups.choose_dictionary(config, workspace), found)
    assert computed == ["choice"]
    assert_same(archive.load_choice(config, workspace), found)


def test_each_setting_of_the_comparison_is_in_its_key(home):
    """Another grid, other seeds or other neurons are another question; the same responses are the same."""
    workspace, plain = archive.open_store(home[0]), small(home[1])
    key = archive.choice_question(plain, workspace).key
    changes = [
        {"n_atoms": (4,)}, {"penalties": (0.2,)}, {"n_seeds": 4}, {"n_grid_seeds": 3}, {"n_neurons": 30},
        {"held_out": 0.5}, {"gap_trs": 2}, {"block_s": 9.0}, {"seed": 1},
    ]  # fmt: skip
    assert {next(iter(change)) for change in changes} | {"run"} == {f.name for f in dataclasses.fields(plain)}
    keys = {archive.choice_question(dataclasses.replace(plain, **one), workspace).key for one in changes}
    assert len(keys | {key}) == len(changes) + 1


def test_what_cannot_be_compared_is_refused(home):
    """No such run; a run of another method; one whose neurons were pruned. Each says what to do."""
    folder, run_id = home
    workspace = archive.open_store(folder)
    with pytest.raises(UnknownNameError, match="run it first"):
        follow_ups.choose_dictionary(small("f" * 64), workspace)
    other = RunConfig(extract=ExtractConfig("minilm-l6"), dictionary=DictionaryConfig(method="pca"))
    with pytest.raises(ConfigError, match="method pca"):
        follow_ups.choose_dictionary(small(made.write(made.make_run(other), folder)), workspace)
    key = archive.choice_question(small(run_id), workspace).inputs[0]
    shutil.rmtree(workspace.results.folder / "entries" / key[:2] / key)
    with pytest.raises(RecordingError, match="run it again"):
        follow_ups.choose_dictionary(small(run_id), workspace)
    assert archive.load_choice(small("f" * 64), workspace) is None


def test_cancelled_between_two_dictionaries(home):
    """Progress that raises ends it at once, and nothing is stored."""
    workspace = archive.open_store(home[0])

    def stop(step, fraction):
        if fraction > 0.3:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        follow_ups.choose_dictionary(small(home[1]), workspace, stop)
    assert archive.load_choice(small(home[1]), workspace) is None


def test_a_worker_compares_and_a_reload_finds_it(home):
    """Begun by id in another process: its state is on disk, then its result in the store; no walk is listed."""
    folder, config = home[0], small(home[1])
    assert engine.start_aside(config, folder) == config.id
    assert jobs.active(folder) == []
    for _ in range(1200):
        now = jobs.status(config.id, folder)
        if now.state not in ("queued", "running"):
            break
        time.sleep(0.1)
    assert now.state == "done" and now.fraction == 1, now.message
    found = archive.load_choice(config, archive.open_store(folder))
    assert found.row("used")["n_atoms"] == made.N_ATOMS


def test_one_command_gives_one_json_object(home, capsys):
    """`choose RUN --json`: the settings, the recommended one and why; words without `--json`."""
    command = ["choose", home[1][:12], "--cache", str(home[0]), "--atoms", "4", "12", "--penalty", "0.1"]
    assert main([*command, "--seeds", "3", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [row["n_atoms"] for row in body["settings"]] == [4, 12]
    assert body["used"]["n_atoms"] == 12 and len(body["atom_stability"]) == made.N_ATOMS
    assert body["recommended"] in body["settings"]
    assert main([*command, "--seeds", "3"]) == 0
    words = capsys.readouterr().out
    assert body["sentences"][0] in words and words.count("lambda 0.1 ") >= 2


def test_one_sentence_for_a_wrong_setting(home, capsys):
    """Exit status 2, and which option to change."""
    assert main(["choose", home[1][:12], "--cache", str(home[0]), "--atoms", "1"]) == 2
    assert "--atoms" in capsys.readouterr().err
    assert main(["choose", "zz", "--cache", str(home[0])]) == 2


def test_json_has_no_number_that_is_not_one(home):
    """A comparison with a single setting has no spread anywhere it would be divided by."""
    config = dataclasses.replace(small(home[1]), n_atoms=(12,))
    body = report.choice(follow_ups.choose_dictionary(config, archive.open_store(home[0])))
    assert json.loads(json.dumps(body, allow_nan=False))["recommended"]["n_atoms"] == 12
