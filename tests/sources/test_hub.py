"""hub.py and hub_cache.py against a hub of the test's own: pinned, verified, resumed, refused in one sentence."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from brainlike_core import fetching
from brainlike_core.errors import CancelledError, DownloadError, ModelError
from brainlike_core.sources import catalogue, download
from brainlike_core.sources import hub as module
from brainlike_core.sources.hub import look_up
from brainlike_core.sources.hub_cache import fetch_model, find_cached, git_sha1
from tests.hub_server import Repo, hub, point_at  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
NAME = "org/tiny"
WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "modeling_tiny.py": b"raise SystemExit('code of a model ran')",
    "README.md": b"# tiny",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No waiting between tries."""
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)


@pytest.fixture
def tiny(hub):  # noqa: F811
    """A hub with one model."""
    hub.repos[NAME] = Repo(dict(FILES))
    return hub


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left_over(cache: Path) -> list[str]:
    """Temporary files anywhere in the cache."""
    return [path.name for path in cache.rglob(".*") if path.is_file()]


# ---------------------------------------------------------------- what comes


def test_only_safe_files_come_pinned_to_their_commit(tiny, tmp_path):
    """Configuration, tokenizer and safetensors; no pickle, no code; the folder is the commit."""
    folder = fetch_model(NAME)
    assert folder.name == "a" * 40
    assert files_of(folder) == {k: v for k, v in FILES.items() if k in
                                ("config.json", "tokenizer.json", "model.safetensors")}  # fmt: skip
    assert set(tiny.files_asked) == set(files_of(folder))
    assert left_over(tmp_path / "hub") == []


def test_what_is_said_before_anything_is_downloaded(tiny, tmp_path):
    """Commit, licence, gated or not and size; one request, nothing written."""
    tiny.repos[NAME].card = {"license": "other", "license_name": "tiny-1"}
    found = look_up(NAME)
    assert (found.commit, found.licence, found.gated) == ("a" * 40, "tiny-1", False)
    assert found.size_bytes == sum(len(FILES[name]) for name in
                                   ("config.json", "tokenizer.json", "model.safetensors"))  # fmt: skip
    assert found.other_weights == ("pytorch_model.bin",)
    assert len(tiny.asked) == 1 and not (tmp_path / "hub").exists()


def test_the_hubs_own_client_finds_what_was_brought(tiny):
    """The cache is laid out as huggingface_hub lays it out: it reads it offline."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    folder = fetch_model(NAME)
    assert try_to_load_from_cache(NAME, "model.safetensors") == str(folder / "model.safetensors")
    path = hf_hub_download(NAME, "config.json", local_files_only=True)
    assert Path(path).read_bytes() == FILES["config.json"]


def test_what_the_hubs_own_client_brought_is_found(tiny, monkeypatch):
    """The other way round: its files are here, and only what is missing is fetched."""
    from huggingface_hub import hf_hub_download

    monkeypatch.setattr(module.constants, "HF_HUB_DISABLE_XET", True)
    for name in ("config.json", "tokenizer.json"):
        hf_hub_download(NAME, name, endpoint=tiny.address)
    assert find_cached(NAME) is None and find_cached(NAME, weights=False) is not None
    tiny.asked.clear()
    fetch_model(NAME)
    assert tiny.files_asked == ["model.safetensors"]


def test_shards_come_with_their_index_and_a_missing_one_is_not_here(tiny):
    """All numbered files; the model counts as here only with each that the index names."""
    shards = {f"model-0000{i}-of-00002.safetensors": bytes([i]) * 100 for i in (1, 2)}
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    files = {k: v for k, v in FILES.items() if k != "model.safetensors"} | shards
    tiny.repos[NAME].files = files | {"model.safetensors.index.json": json.dumps(index).encode()}
    folder = fetch_model(NAME)
    assert find_cached(NAME) == folder and set(shards) < set(files_of(folder))
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert find_cached(NAME) is None


def test_a_random_twin_needs_no_weights(tiny):
    """Configuration and tokenizer are enough; they are not the whole model."""
    folder = fetch_model(NAME, weights=False)
    assert set(files_of(folder)) == {"config.json", "tokenizer.json"}
    assert find_cached(NAME) is None and find_cached(NAME, weights=False) == folder


# ---------------------------------------------------------------- revisions


def test_a_revision_is_asked_for_and_resolved(tiny):
    """v2 becomes its commit; a commit that is here is not asked for again."""
    folder = fetch_model(f"{NAME}@v2")
    assert tiny.asked[0][0].endswith("/revision/v2") and folder.name == "a" * 40
    tiny.asked.clear()
    assert fetch_model(f"{NAME}@{'a' * 40}") == folder
    assert tiny.asked == []


def test_a_branch_that_moved_on_is_a_new_commit(tiny):
    """Both stay: the old results can still be opened at their commit."""
    old = fetch_model(NAME)
    tiny.repos[NAME].commit = "b" * 40
    new = fetch_model(NAME)
    assert new.name == "b" * 40 and old.is_dir() and find_cached(NAME) == new
    assert tiny.files_asked.count("model.safetensors") == 1  # the same bytes are not fetched twice


def test_an_answer_without_a_commit_is_refused(tiny):
    """A branch's name could mean something else tomorrow."""
    tiny.repos[NAME].commit = "main"
    with pytest.raises(ModelError, match="has no commit"):
        fetch_model(NAME)


@pytest.mark.parametrize("name", ["org/none", f"{NAME}@v9"])
def test_what_the_hub_lacks(tiny, name):
    """An unknown model or revision is one sentence, at once."""
    with pytest.raises(ModelError, match="The hub has no model"):
        fetch_model(name)


# ---------------------------------------------------------------- gated models


def test_a_gated_model_says_how_it_is_had(tiny, tmp_path):
    """The page of its terms, where a token is made, and how it is given; nothing is kept."""
    tiny.repos[NAME].gated = True
    assert look_up(NAME).gated
    with pytest.raises(ModelError) as refusal:
        fetch_model(NAME)
    sentence = str(refusal.value)
    assert "is gated" in sentence and f"https://huggingface.co/{NAME}" in sentence and "HF_TOKEN" in sentence
    assert [path for path in (tmp_path / "hub").rglob("*") if path.is_file()] == []


def test_a_token_opens_it_and_is_kept_nowhere(tiny, tmp_path, monkeypatch):
    """HF_TOKEN is sent to the hub and found in no file afterwards."""
    tiny.repos[NAME] = Repo(dict(FILES), gated=True, token="hf_secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    folder = fetch_model(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not any(b"hf_secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_wrong_token_is_the_same_sentence(tiny, monkeypatch):
    """Terms that were not accepted with this token."""
    tiny.repos[NAME].gated = True
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ModelError, match="is gated"):
        fetch_model(NAME)


def test_a_token_stays_with_the_hub(tmp_path, monkeypatch):
    """A redirect to another host (localhost is not 127.0.0.1) goes without it."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen = []

    class Two(BaseHTTPRequestHandler):
        def log_message(self, *_):
            """Quiet."""

        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            first = self.headers["Host"].startswith("127.0.0.1")
            self.send_response(302 if first else 200)
            if first:
                self.send_header("Location", f"http://localhost:{self.server.server_port}/there")
            self.send_header("Content-Length", "2" if not first else "0")
            self.end_headers()
            self.wfile.write(b"" if first else b"ok")

    server = HTTPServer(("127.0.0.1", 0), Two)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/file"
    download.fetch_file(url, tmp_path / "file", mirror=None, headers={"Authorization": "Bearer x"})
    server.shutdown()
    server.server_close()
    assert seen == ["Bearer x", None]


# ---------------------------------------------------------------- what goes wrong on the way


def test_a_broken_line_is_resumed(tiny):
    """Half the weights, then the rest: no byte is fetched twice, and the whole is verified."""
    tiny.cut_after["model.safetensors"] = 500_000
    folder = fetch_model(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [h.get("Range") for path, h in tiny.asked if path.endswith("model.safetensors")]
    assert ranges[0] is None and ranges[1].startswith("bytes=5")


def test_a_cancelled_download_is_heard_and_goes_on_later(tiny):
    """Within half a second; nothing half-taken counts as here; the next one goes on where it stopped."""
    tiny.seconds_per_piece = 0.05
    stop, began = threading.Event(), []

    def progress(done, total, speed):
        if done > 200_000 and not began:
            began.append(time.monotonic())
            stop.set()

    with pytest.raises(CancelledError):
        fetch_model(NAME, progress=progress, cancelled=stop.is_set)
    assert time.monotonic() - began[0] < 0.5
    assert find_cached(NAME) is None
    tiny.seconds_per_piece = 0
    tiny.asked.clear()
    fetch_model(NAME)
    last = tiny.asked[-1]
    assert last[0].endswith("model.safetensors") and int(last[1]["Range"][6:-1]) > 100_000


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_turned_bit_is_never_taken(tiny, file, tmp_path):
    """Large files by their SHA-256, small ones by git's SHA-1."""
    tiny.spoil = file
    with pytest.raises(DownloadError, match="SHA"):
        fetch_model(NAME)
    assert find_cached(NAME, weights=False) is None
    tiny.spoil = ""
    assert files_of(fetch_model(NAME))[file] == FILES[file]


def test_progress_counts_the_bytes_of_all_files(tiny):
    """It never falls, and ends at the whole."""
    seen = []
    fetch_model(NAME, progress=lambda done, total, speed: seen.append((done, total)))
    done = [pair[0] for pair in seen]
    assert done == sorted(done) and seen[-1][0] == seen[-1][1] == look_up(NAME).size_bytes


def test_no_safetensors_is_refused_before_anything_comes(tiny, tmp_path):
    """A pickle is named and not asked for."""
    del tiny.repos[NAME].files["model.safetensors"]
    with pytest.raises(ModelError, match="no safetensors weights.*pytorch_model.bin"):
        fetch_model(NAME)
    assert tiny.files_asked == [] and not (tmp_path / "hub").exists()


def test_no_tokenizer_is_refused_before_anything_comes(tiny, tmp_path):
    """Named, with what is needed."""
    del tiny.repos[NAME].files["tokenizer.json"]
    with pytest.raises(ModelError, match="has no tokenizer.json"):
        fetch_model(NAME)
    assert tiny.files_asked == [] and not (tmp_path / "hub").exists()


# ---------------------------------------------------------------- no network


def test_offline_uses_what_is_here(tiny, monkeypatch):
    """HF_HUB_OFFLINE: not one request; without the model one sentence."""
    with monkeypatch.context() as offline:
        offline.setattr(module.constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(DownloadError, match="HF_HUB_OFFLINE is set"):
            fetch_model(NAME)
    folder = fetch_model(NAME)
    tiny.asked.clear()
    monkeypatch.setattr(module.constants, "HF_HUB_OFFLINE", True)
    assert fetch_model(NAME) == folder and tiny.asked == []


def test_a_hub_that_is_gone_uses_what_is_here(tiny, monkeypatch):
    """The commit that main was last time."""
    folder = fetch_model(NAME)
    monkeypatch.setattr(module.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert fetch_model(NAME) == folder
    with pytest.raises(DownloadError, match="smollm2-135m"):
        fetch_model("org/other")


def test_a_silent_hub_is_given_up(tiny):
    """After the seconds that were given."""
    tiny.silent = True
    began = time.monotonic()
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        look_up(NAME, timeout_s=0.5)
    assert time.monotonic() - began < 2


# ---------------------------------------------------------------- through the doors


def test_the_catalogue_fetches_any_id(tiny, tmp_path):
    """`fetch org/name`, as for a recording."""
    assert catalogue.fetch(NAME, tmp_path / "data").name == "a" * 40
    assert not (tmp_path / "data").exists()


def test_a_page_begins_it_in_the_background(tiny, monkeypatch):
    """Bytes are seen, and it ends done."""
    monkeypatch.setattr(fetching, "_downloads", {})
    fetching.start(NAME)
    for _ in range(500):
        if fetching.downloads()[NAME].state != "running":
            break
        time.sleep(0.01)
    found = fetching.downloads()[NAME]
    assert found.state == "done" and found.n_bytes == found.n_total == look_up(NAME).size_bytes


def test_environment_names_the_hub_and_its_home(tiny, tmp_path):
    """HF_ENDPOINT, HF_HOME and the command line, in a process of its own; torch is not loaded."""
    environment = {**os.environ, "HF_ENDPOINT": tiny.address, "HF_HOME": str(tmp_path / "home")}
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        environment.pop(name, None)
    code = (
        "import sys; from brainlike_core.__main__ import main; status = main(sys.argv[1:]);"
        "assert not {'torch', 'transformers'} & set(sys.modules); sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "fetch", NAME, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    folder = Path(json.loads(done.stdout)["folder"])
    assert folder.is_relative_to(tmp_path / "home" / "hub") and (folder / "model.safetensors").is_file()


def test_gits_digest_is_gits(tmp_path):
    """Of 'hello' and a newline, as `git hash-object` prints it."""
    (tmp_path / "a").write_bytes(b"hello\n")
    assert git_sha1(tmp_path / "a") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_two_caches_are_two(tiny, tmp_path, monkeypatch):
    """Nothing is remembered in the process: another HF_HOME is empty."""
    fetch_model(NAME)
    point_at(tiny.address, tmp_path / "elsewhere", monkeypatch)
    assert find_cached(NAME) is None
