"""store: whole or absent, verified, computed once, whatever happens."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest

from brainlike_core.errors import CancelledError, DamagedEntryError, StoreError
from brainlike_core.store import Question, Store, entries
from brainlike_core.store import store as store_module
from brainlike_core.values import NetworkAtlas, Organization, RunRecord

QUESTION = Question("step", 1, {"a": 1}, ("x",))


def value(seed=0, rows=40):
    """An entry with tables (Parquet) and a matrix (.npy)."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"metric": ["m"] * rows, "value": rng.standard_normal(rows)})
    return Organization(table, table.copy(), rng.standard_normal((rows, 7)).astype(np.float32))


def same(a, b):
    """Bit-identical contents."""
    return a.metrics.equals(b.metrics) and np.array_equal(a.layer_profiles, b.layer_profiles)


@pytest.fixture
def kept(tmp_path):
    """A store with one entry."""
    store = Store(tmp_path / "cache")
    store.put(QUESTION, value())
    return store


def entry_files(store):
    """The data files of the only entry, in a fixed order."""
    folder = store._entry(QUESTION.key)
    return sorted(p for p in folder.iterdir() if p.name != "manifest.json")


def test_what_is_put_comes_back(kept):
    """Arrays, tables and plain fields survive; large or small."""
    assert same(kept.get(QUESTION.key), value())


def test_tuples_of_values_and_plain_fields_come_back(tmp_path):
    """A step with several results keeps them together; tuples stay tuples, dicts dicts."""
    store = Store(tmp_path)
    atlas = NetworkAtlas("a", "A", np.array([0, 1], np.int16), ("one",), "cite", "free")
    record = RunRecord("id", "label", {"k": [1, 2]}, {"s": "key"}, {"s": 1.5}, "now")
    first, second = store.get(store.put(QUESTION, (atlas, record)))
    assert first.networks == ("one",) and first.labels.tolist() == [0, 1]
    assert second.seconds == {"s": 1.5} and second.config == {"k": (1, 2)}


def test_arrays_come_back_read_only(kept):
    """Nobody changes a stored result by accident."""
    with pytest.raises(ValueError, match="read-only"):
        kept.get(QUESTION.key).layer_profiles[0, 0] = 1


@pytest.mark.parametrize(
    "other",
    [
        Question("other", 1, {"a": 1}, ("x",)),
        Question("step", 2, {"a": 1}, ("x",)),
        Question("step", 1, {"a": 2}, ("x",)),
        Question("step", 1, {"a": 1, "b": None}, ("x",)),
        Question("step", 1, {"a": 1}, ("y",)),
    ],
)
def test_key_changes_with_every_part(other):
    """Step, version, config and inputs all address the answer."""
    assert other.key != QUESTION.key and len(QUESTION.key) == 64


def test_keys_are_never_paths(kept):
    """Only 64 hex characters reach the file system."""
    for bad in ("../../etc", "a" * 63, "g" * 64, ""):
        with pytest.raises(KeyError):
            kept.get(bad)


def test_remember_computes_once(tmp_path):
    """The second call reads."""
    store, calls = Store(tmp_path), []

    def compute():
        calls.append(1)
        return value()

    first, second = store.remember(QUESTION, compute), store.remember(QUESTION, compute)
    assert len(calls) == 1 and same(first, second)


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_is_read(kept, seed):
    """Fifty damages per seed (flips, cuts, splices, zeroed pages, edited manifests): none is read as whole."""
    rng = np.random.default_rng(seed)
    folder = kept._entry(QUESTION.key)
    originals = {p: p.read_bytes() for p in folder.iterdir()}
    for _ in range(50):
        path = list(originals)[rng.integers(len(originals))]
        damaged = damage(originals[path], rng)
        if damaged == originals[path]:
            continue
        path.write_bytes(damaged)
        try:
            assert same(kept.get(QUESTION.key), value())  # white space in a manifest changes nothing
            assert path.name == "manifest.json"
        except DamagedEntryError:
            pass
        path.write_bytes(originals[path])


def damage(content, rng):
    """One random damage of some bytes."""
    kind, at = rng.integers(4), int(rng.integers(len(content)))
    if kind == 0:
        return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
    if kind == 1:
        return content[:at]
    if kind == 2:
        return content[:at] + content[: len(content) - at]
    return content[:at] + bytes(min(64, len(content) - at)) + content[at + 64 :]


def test_damage_is_set_aside_and_computed_once_more(kept):
    """One warning, one computation, the damaged bytes kept apart."""
    entry_files(kept)[0].write_bytes(b"torn")
    with pytest.warns(RuntimeWarning, match="set aside and computed again"):
        again = kept.remember(QUESTION, value)
    assert same(again, value())
    assert len(list((kept.folder / "damaged").iterdir())) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept.remember(QUESTION, lambda: pytest.fail("computed again"))


def test_verify_names_what_is_damaged(kept):
    """verify counts and changes nothing."""
    other = Question("other", 1, {})
    kept.put(other, value(1))
    entry_files(kept)[0].write_bytes(b"torn")
    found = kept.verify()
    assert found.damaged == (QUESTION.key,) and found.whole == (other.key,)
    assert kept.has(QUESTION.key)


FAULTS = [OSError(28, "No space left on device"), OSError(5, "I/O"), OSError(13, "Denied"), MemoryError(), KeyboardInterrupt(), SystemExit()]  # fmt: skip
POINTS = [
    (entries, "_encode"), (entries, "write_synced"), (entries, "sync_file"), (entries, "file_sha256"),
    (store_module, "sync_folder"), (store_module, "provenance_now"), (store_module.os, "rename"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: type(f).__name__ + str(getattr(f, "errno", "")))
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[1])
def test_a_fault_leaves_nothing_half_written(tmp_path, monkeypatch, fault, point):
    """Whatever fails while writing: absent afterwards, nothing left over, and the same call then works."""
    store = Store(tmp_path)

    def fail(*_):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(*point, fail)
        with pytest.raises((StoreError, MemoryError, KeyboardInterrupt, SystemExit)):
            store.remember(QUESTION, value)
    assert not store.has(QUESTION.key)
    assert not list((store.folder / "incoming").iterdir())
    assert same(store.remember(QUESTION, value), value())


def test_an_error_in_the_computation_passes_through(tmp_path):
    """The lock is free afterwards."""
    store = Store(tmp_path)
    with pytest.raises(ZeroDivisionError):
        store.remember(QUESTION, lambda: 1 / 0)
    assert same(store.remember(QUESTION, value), value())


def _ask(folder, log):
    def compute():
        with open(log, "a") as file:
            file.write("x")
        time.sleep(0.3)
        return value()

    Store(folder).remember(QUESTION, compute)


def test_sixteen_askers_one_computation(tmp_path):
    """Sixteen processes ask at once; one computes."""
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    askers = [context.Process(target=_ask, args=(tmp_path / "cache", log)) for _ in range(16)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert log.read_text() == "x"
    assert all(asker.exitcode == 0 for asker in askers)


def test_waiting_can_be_cancelled(tmp_path):
    """Someone who waits for another's computation can stop within a second."""
    store = Store(tmp_path)
    with store._lock(QUESTION.key, lambda: False):
        began = time.perf_counter()
        with pytest.raises(CancelledError):
            Store(tmp_path).remember(QUESTION, value, cancelled=lambda: True)
    assert time.perf_counter() - began < 2


WRITER = """
import sys
sys.path.insert(0, {repo!r})
from tests.test_store import QUESTION, value
from brainlike_core.store import Store
store = Store({folder!r})
print("writing", flush=True)
while True:
    store.put(QUESTION, value(rows=20000))
"""


def test_kill_at_any_moment_leaves_the_store_whole(tmp_path):
    """kill -9 in the middle of writing, 20 times: a reader sees absent or whole, and the next call works."""
    repo = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = WRITER.format(repo=repo, folder=str(tmp_path))
    rng = np.random.default_rng(0)
    store = Store(tmp_path)
    for _ in range(20):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=repo, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"writing\n"
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not store.verify().damaged
        assert len(store.remember(QUESTION, lambda: value(rows=20000)).metrics) == 20000
    store.remove(QUESTION.key)
    store.remember(QUESTION, value)
    assert not list((store.folder / "incoming").iterdir())  # orphans are swept


def test_prune_keeps_the_recently_used(tmp_path):
    """The least recently read entry goes first."""
    store = Store(tmp_path)
    questions = [Question("q", 1, {"i": i}) for i in range(3)]
    for i, question in enumerate(questions):
        store.put(question, value())
        os.utime(store._entry(question.key) / "manifest.json", (i, i))
    store.get(questions[0].key)
    size = sum(f.stat().st_size for f in store._entry(questions[0].key).iterdir())
    assert store.prune(2 * size + 50) == [questions[1].key]


def test_provenance_says_how_and_when(kept):
    """Step, config, inputs, versions and seconds."""
    found = kept.provenance(QUESTION.key)
    assert (found.step, found.config, found.inputs) == ("step", {"a": 1}, ("x",))
    assert found.packages["numpy"] == np.__version__


def test_unusable_folder_is_one_sentence(tmp_path):
    """A file where the cache should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="needed a folder that can be written; choose another with --cache"):
        Store(tmp_path / "file")


def test_parquet_pages_have_checksums(kept):
    """A flipped bit inside a page is caught by Parquet itself, not only by the manifest."""
    import pyarrow.parquet as pq

    path = next(p for p in entry_files(kept) if p.suffix == ".parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Exception, match=r"(?i)checksum|crc|corrupt|thrift|unexpected"):
        pq.read_table(path, page_checksum_verification=True)


def test_manifest_is_readable_json(kept):
    """A person can read where a result came from."""
    sealed = json.loads((kept._entry(QUESTION.key) / "manifest.json").read_text())
    assert sealed["body"]["provenance"]["step"] == "step"
