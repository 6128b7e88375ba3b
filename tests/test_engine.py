"""engine.py: a walk with its state on disk, in this process or in a Dask worker's."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from brainlike_core import archive, engine, jobs, pipeline, recording_step
from brainlike_core.config import CheckConfig, DictionaryConfig, OrganizationConfig, RecordingConfig
from brainlike_core.errors import CancelledError, RecordingError, StoreError
from brainlike_core.sources import bids
from tests.small_study import TR, write_study
from tests.small_world import (
    OFFLINE,
    ROOT,
    assert_same,
    needs_minilm,
    small_config,
    watch_computing,
    write_pieman,
)

WALK = ["recording", "extract", "responses", "dictionary", "encoding", "match", "organization", "equal_size"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a small Pie Man."""
    return str(write_pieman(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def watched(data, tmp_path_factory):
    """A cache folder, the run walked in it, and at each word of progress the state on disk."""
    folder, said = tmp_path_factory.mktemp("watched"), []

    def watch(step, fraction):
        said.append((step, fraction, jobs.status(small_config().id, folder)))

    run = engine.run_now(small_config(), folder, data, watch)
    return folder, run, said


@pytest.fixture
def cache(watched, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(watched[0], tmp_path / "cache")


def job_file(folder, config):
    """Where a walk's state is."""
    return folder / "jobs" / f"{config.id}.json"


# -- in this process ----------------------------------------------------------------


@needs_minilm
def test_fractions_never_fall_within_a_step_and_end_at_1(watched):
    """Steps follow in order, each from 0 to 1."""
    said = watched[2]
    order = list(dict.fromkeys(step for step, _, _ in said))
    assert order == WALK
    for step in WALK:
        fractions = [fraction for name, fraction, _ in said if name == step]
        assert fractions[0] == 0 and fractions[-1] == 1
        assert fractions == sorted(fractions) and len(fractions) >= 2
    assert len([1 for name, _, _ in said if name == "encoding"]) > 4  # it says more than 0 and 1


@needs_minilm
def test_the_job_file_follows_the_steps(watched):
    """Done before, running now, waiting after; the share of the whole never falls."""
    said = watched[2]
    for step, fraction, status in said:
        assert status.state == "running" and status.label == "minilm-l6 · pieman"
        states = [state for _, state, _ in status.steps]
        here = WALK.index(step)
        assert states[:here] == ["done"] * here and set(states[here + 1 :]) == {"waiting"}
        if fraction in (0.0, 1.0):
            assert status.step == status.steps[here][0]
            assert states[here] == ("done" if fraction == 1 else "running")
    whole = [status.fraction for _, _, status in said]
    assert whole == sorted(whole) and whole[0] == 0 and whole[-1] < 1


@needs_minilm
def test_a_finished_walk_is_done(watched):
    """State done, fraction 1, and no longer among the active."""
    folder, run, _ = watched
    status = jobs.status(run.id, folder)
    assert (status.state, status.fraction, status.seconds_left, status.message) == ("done", 1.0, None, "")
    assert jobs.active(folder) == []
    assert_same(archive.load_run(run.id, archive.open_store(folder)), run)
    assert not [p for p in (folder / "jobs").iterdir() if p.suffix != ".json"]  # no temporary file is left


def test_a_walk_that_was_never_begun(tmp_path):
    """No state, none active; to cancel it is no error and leaves nothing behind."""
    assert jobs.status("0" * 64, tmp_path) is None and jobs.active(tmp_path) == []
    jobs.cancel("0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_minilm
def test_cancel_keeps_what_is_finished_and_a_later_run_completes(watched, data, tmp_path, monkeypatch):
    """Cancelled in the dictionary: three results stay; the next run computes the other four, equal bits."""
    config = small_config()

    def watch(step, fraction):
        if step == "dictionary":
            jobs.cancel(config.id, tmp_path)

    with pytest.raises(CancelledError, match="what is finished is kept"):
        engine.run_now(config, tmp_path, data, watch)
    status = jobs.status(config.id, tmp_path)
    assert (status.state, status.step) == ("cancelled", "Learn the sparse dictionary")
    assert [state for _, state, _ in status.steps][:3] == ["done"] * 3 and "is kept" in status.message
    assert [job.state for job in jobs.active(tmp_path)] == ["cancelled"]
    workspace = archive.open_store(tmp_path)
    assert len(list(workspace.results)) == 3 and archive.finished_runs(workspace) == []
    computed = watch_computing(monkeypatch)
    run = engine.run_now(config, tmp_path, data)
    assert computed == WALK[3:] and jobs.status(config.id, tmp_path).state == "done"
    for part in ("dictionary", "encoding", "correspondence", "organization"):
        assert_same(getattr(run, part), getattr(watched[1], part))


@needs_minilm
def test_cancel_of_a_finished_walk_changes_nothing(cache, data):
    """The next run is not stopped by it."""
    jobs.cancel(small_config().id, cache)
    assert jobs.status(small_config().id, cache).state == "done"
    assert engine.run_now(small_config(), cache, data).id == small_config().id


def test_a_queued_walk_is_cancelled_at_once_and_does_not_begin(tmp_path, data):
    """Its worker, when it comes to it, stops before anything is read."""
    config = small_config()
    jobs.Job(tmp_path, config).write("queued")
    assert [job.state for job in jobs.active(tmp_path)] == ["queued"]
    jobs.cancel(config.id, tmp_path)
    assert jobs.status(config.id, tmp_path).message == "Cancelled before it began."
    fields = json.loads(json.dumps(dataclasses.asdict(config)))
    assert "was cancelled" in engine._task("jobs", fields, str(tmp_path), data)
    assert jobs.status(config.id, tmp_path).state == "cancelled"
    assert list(archive.open_store(tmp_path).results) == []


def test_a_refusal_is_the_message_of_the_job(tmp_path, data):
    """The same sentence is raised and written."""
    config = small_config(recording=RecordingConfig("pieman", (7,)))
    with pytest.raises(RecordingError) as refusal:
        engine.run_now(config, tmp_path, data)
    status = jobs.status(config.id, tmp_path)
    assert status.state == "failed" and status.message == str(refusal.value)
    assert "Pie Man has no subject 7: found position 7, needed 1 to 4" in status.message


def test_a_defect_is_the_message_of_the_job(tmp_path, data, monkeypatch):
    """What nobody foresaw is named, not hidden."""
    monkeypatch.setattr(pipeline, "recording_and_stories", lambda state: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.run_now(small_config(), tmp_path, data)
    status = jobs.status(small_config().id, tmp_path)
    assert (status.state, status.message) == ("failed", "Unexpected ZeroDivisionError: division by zero")


def test_a_file_where_the_store_should_be(tmp_path, data):
    """One sentence before anything else."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another with --cache"):
        engine.run_now(small_config(), tmp_path / "file", data)


# -- states that others left -----------------------------------------------------------


def dead_process():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_whose_process_is_dead_was_interrupted(tmp_path, state):
    """Not running for ever: failed, and what to do."""
    config = small_config()
    jobs.Job(tmp_path, config).write(state)
    assert jobs.status(config.id, tmp_path).state == state
    body = json.loads(job_file(tmp_path, config).read_text())
    job_file(tmp_path, config).write_text(json.dumps({**body, "pid": dead_process()}))
    status = jobs.status(config.id, tmp_path)
    assert status.state == "failed" and status.message.startswith("Its process ended. Run it again")
    assert [job.state for job in jobs.active(tmp_path)] == ["failed"]


def test_a_job_of_another_machine_is_believed(tmp_path):
    """Its process cannot be seen from here."""
    config = small_config()
    jobs.Job(tmp_path, config).write("running")
    body = json.loads(job_file(tmp_path, config).read_text())
    elsewhere = {**body, "pid": dead_process(), "host": "another"}
    job_file(tmp_path, config).write_text(json.dumps(elsewhere))
    assert jobs.status(config.id, tmp_path).state == "running"


def test_old_failures_leave_the_list(tmp_path):
    """After a minute; a walk that is queued stays."""
    failed, queued = small_config(), small_config(organization=OrganizationConfig(seed=2))
    jobs.Job(tmp_path, failed).write("failed", "Why.")
    jobs.Job(tmp_path, queued).write("queued")
    assert [job.state for job in jobs.active(tmp_path)] == ["failed", "queued"]
    for config in (failed, queued):
        os.utime(job_file(tmp_path, config), (time.time() - 61,) * 2)
    assert [job.state for job in jobs.active(tmp_path)] == ["queued"]


def test_an_unreadable_job_file_is_no_job(tmp_path):
    """The list goes on without it."""
    job = jobs.Job(tmp_path, small_config())
    job.write("running")
    job_file(tmp_path, small_config()).write_text("{")
    assert jobs.status(small_config().id, tmp_path) is None and jobs.active(tmp_path) == []


# -- in a Dask worker ------------------------------------------------------------------

ASKER = """
import json, sys, time
from brainlike_core import engine, jobs
from brainlike_core.config import RunConfig, read_config

if __name__ == "__main__":
    folder, data = sys.argv[1:3]
    good, bad = (read_config(RunConfig, fields) for fields in json.loads(sys.argv[3]))
    ids = engine.start([good, bad], folder, data)
    first = engine._futures[good.id]
    engine.start([good], folder, data)
    once = engine._futures[good.id] is first
    print("started", flush=True)
    for run_id in ids:
        while jobs.status(run_id, folder).state in ("queued", "running"):
            time.sleep(0.05)
    heavy = [name for name in ("torch", "transformers", "numba") if name in sys.modules]
    print(json.dumps({"ids": ids, "once": once, "heavy": heavy}), flush=True)
    sys.stdin.read()
"""


@needs_minilm
def test_walks_in_a_worker_are_seen_from_another_process(watched, data, tmp_path):
    """One process asks twice and loads no torch, a worker walks once, this one watches; equal bits at the end."""
    good, bad = small_config(), small_config(dictionary=DictionaryConfig(n_atoms=1000))
    fields = json.dumps([dataclasses.asdict(config) for config in (good, bad)])
    script = tmp_path / "asker.py"
    script.write_text(ASKER)
    folder = tmp_path / "cache"
    with subprocess.Popen(
        [sys.executable, script, folder, data, fields],
        cwd=ROOT, env={**OFFLINE, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as asker:  # fmt: skip
        assert asker.stdout.readline() == "started\n"
        seen = watch_until_done(good, folder)
        said = json.loads(asker.stdout.readline())
        worker = json.loads(job_file(folder, good).read_text())["pid"]
        assert worker not in (asker.pid, os.getpid())
        asker.stdin.close()
    assert asker.returncode == 0
    assert said == {"ids": [good.id, bad.id], "once": True, "heavy": []}
    assert {"running"} <= {status.state for status in seen} and seen[-1].state == "done"
    fractions = [status.fraction for status in seen]
    assert fractions == sorted(fractions) and len(set(fractions)) > 3
    refused = jobs.status(bad.id, folder)
    assert refused.state == "failed"
    assert refused.message.endswith("found K = 1000, needed K <= 102 (102 TRs, 384 neurons); lower --atoms.")
    run = archive.load_run(good.id, archive.open_store(folder))
    for part in ("dictionary", "encoding", "correspondence", "organization"):
        assert_same(getattr(run, part), getattr(watched[1], part))


def watch_until_done(config, folder):
    """States of one walk while any is active, its last one included."""
    seen, began = [], time.monotonic()
    while any(job.state in ("queued", "running") for job in jobs.active(folder)):
        assert time.monotonic() - began < 300, seen[-1]
        seen.append(jobs.status(config.id, folder))
        time.sleep(0.05)
    return [*seen, jobs.status(config.id, folder)]


CHECKER = """
import json, sys, time
from brainlike_core import engine, jobs
from brainlike_core.config import CheckConfig, read_config

if __name__ == "__main__":
    config = read_config(CheckConfig, json.loads(sys.argv[2]))
    began = time.perf_counter()
    check_id = engine.start_aside(config, sys.argv[1])
    waited = time.perf_counter() - began
    while jobs.status(check_id, sys.argv[1]).state in ("queued", "running"):
        time.sleep(0.05)
    heavy = [name for name in ("torch", "transformers", "numba", "nilearn") if name in sys.modules]
    print(json.dumps({"waited": waited, "heavy": heavy}), flush=True)
"""


def test_a_check_in_a_worker_is_seen_from_another_process(tmp_path):
    """It begins without waiting for its worker; this process finds what was asked, and what was found."""
    study = write_study(tmp_path)
    config = CheckConfig(RecordingConfig(str(study.tables), story=str(study.story), tr=TR), str(study.sound))
    script, folder = tmp_path / "checker.py", tmp_path / "cache"
    script.write_text(CHECKER)
    done = subprocess.run(
        [sys.executable, script, folder, json.dumps(dataclasses.asdict(config))],
        cwd=ROOT, env={**OFFLINE, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["heavy"] == [] and said["waited"] < 2
    found = jobs.check(config.id[:12], folder)
    assert found.config == config and found.status.state == "done"
    assert [state for _, state, _ in found.status.steps] == ["done"] * 3
    assert_same(found.found, recording_step.check_fit(config, archive.open_store(tmp_path / "other")))
    assert jobs.active(folder) == []  # a check is no walk


def test_cancel_of_a_check_is_heard_between_listeners(tmp_path, monkeypatch):
    """Asked for while the first is read: the second is not."""
    study = write_study(tmp_path)
    config = CheckConfig(RecordingConfig(str(study.tables), story=str(study.story), tr=TR))
    read, read_table = [], bids.read_table

    def reading(path):
        read.append(path)
        jobs.cancel(config.id, tmp_path)
        return read_table(path)

    monkeypatch.setattr(bids, "read_table", reading)
    assert "was cancelled" in engine._task("checks", dataclasses.asdict(config), str(tmp_path), None)
    found = jobs.check(config.id, tmp_path)
    assert found.status.state == "cancelled" and found.found is None and len(read) == 1
    assert list(archive.open_store(tmp_path).results) == []


def test_a_worker_that_does_not_start_is_the_message_of_the_check(tmp_path, monkeypatch):
    """Not queued for ever."""
    monkeypatch.setattr(engine, "_client", lambda *_: 1 / 0)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    config = CheckConfig(RecordingConfig("simulated"))
    engine.start_aside(config, tmp_path)
    for _ in range(100):
        if jobs.status(config.id, tmp_path).state == "failed":
            break
        time.sleep(0.05)
    assert "did not start: ZeroDivisionError" in jobs.status(config.id, tmp_path).message


def test_a_check_that_is_not_whole_is_none(tmp_path):
    """Unknown, cut short, of another version, or with a result that was pruned."""
    config = CheckConfig(RecordingConfig("simulated"))
    jobs.Job(tmp_path, config).write("done")
    assert jobs.check(config.id, tmp_path).found is None
    for wrong in ("", "0" * 64, config.id[:11], "*" * 12, config.id.upper()):
        assert jobs.check(wrong, tmp_path) is None
    path = tmp_path / "checks" / f"{config.id}.json"
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, "config": {**body["config"], "sound": 1}}))
    assert jobs.check(config.id, tmp_path) is None
    path.write_text("{")
    assert jobs.check(config.id, tmp_path) is None
