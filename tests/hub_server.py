"""A small HTTP server on this machine that speaks the hub's API, for models that a test writes."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

LARGE = (".safetensors", ".bin", ".gguf")


@dataclass
class Repo:
    """One model: its files, and who may have them."""

    files: dict[str, bytes]
    commit: str = "a" * 40
    gated: bool = False
    token: str = "right"
    card: dict = field(default_factory=lambda: {"license": "apache-2.0"})


@dataclass
class Hub:
    """The server's models, what was asked of it, and what goes wrong next."""

    address: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    asked: list[tuple[str, dict]] = field(default_factory=list)
    cut_after: dict[str, int] = field(default_factory=dict)  # bytes of a file until the line breaks, once
    seconds_per_piece: float = 0.0
    silent: bool = False
    spoil: str = ""  # a file that comes with one bit turned

    @property
    def files_asked(self) -> list[str]:
        """Names of the files that were asked for, in order."""
        return [path.rsplit("/", 1)[1] for path, _ in self.asked if "/resolve/" in path]


def git_blob(content: bytes) -> str:
    """What `git hash-object` prints."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def model_info(name: str, repo: Repo) -> dict:
    """The answer to ``/api/models/<name>?blobs=true``."""
    siblings = []
    for file, content in repo.files.items():
        entry: dict = {"rfilename": file, "size": len(content), "blobId": git_blob(content)}
        if file.endswith(LARGE):
            entry["lfs"] = {
                "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134,
            }  # fmt: skip
        siblings.append(entry)
    return {
        "id": name, "modelId": name, "sha": repo.commit, "private": False, "disabled": False,
        "gated": "manual" if repo.gated else False, "siblings": siblings, "cardData": repo.card, "tags": [],
        "downloads": 1, "likes": 1,
    }  # fmt: skip


class _Answer(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append((path, dict(self.headers)))
        if self.hub.silent:
            time.sleep(30)
            return
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(found[1], found[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^/]+)", path):
            self._file(*found.groups())
        else:
            self._refuse(404, "EntryNotFound")

    def _info(self, name: str, revision: str | None) -> None:
        repo = self.hub.repos.get(name)
        if repo is None:
            return self._refuse(401, "RepoNotFound")  # so the hub hides private models
        if revision not in (None, "main", "v2", repo.commit):
            return self._refuse(404, "RevisionNotFound")
        self._send(200, json.dumps(model_info(name, repo)).encode())

    def _file(self, name: str, commit: str, file: str) -> None:
        repo = self.hub.repos[name]
        if repo.gated and self.headers.get("Authorization") != f"Bearer {repo.token}":
            return self._refuse(403 if "Authorization" in self.headers else 401, "GatedRepo")
        assert commit in ("main", repo.commit)
        content = repo.files[file]
        if file == self.hub.spoil:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0)
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{git_blob(content)}"'}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.hub.cut_after.pop(file, None)
        self._send(206 if start else 200, content[start:], headers, cut)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b'{"error": "no"}', {"X-Error-Code": code, "X-Error-Message": code})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        body = b"" if self.command == "HEAD" else body[: len(body) if cut is None else cut]
        for at in range(0, len(body), 1 << 16):
            self.wfile.write(body[at : at + (1 << 16)])
            time.sleep(self.hub.seconds_per_piece)
        self.close_connection = True

    do_HEAD = do_GET


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of the test's own, with a cache of its own; no token is set."""
    made = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"hub": made}))
    made.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    point_at(made.address, tmp_path / "hub", monkeypatch)
    yield made
    server.shutdown()
    server.server_close()


def point_at(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process use another hub and another cache."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("BRAINLIKE_MIRROR", raising=False)
