"""Downloads: whole and verified, or not there; every way a server can fail, played by one on this machine."""

import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from brainlike_core.errors import CancelledError, DownloadError
from brainlike_core.sources import download
from brainlike_core.sources.download import fetch_file, read_text
from brainlike_core.sources.mirror import MIRROR_VARIABLE, find_places
from brainlike_core.whole_files import file_sha256

CONTENT = bytes(range(256)) * 4096  # 1 MiB: four pieces
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers by a script: one behaviour per request, the last one for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.asked, self.release = ["ok"], [], threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/home/file.bin"

    def handle_error(self, request, client_address):
        """A client that leaves is no news."""


class Handler(BaseHTTPRequestHandler):
    """Plays the behaviours."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Silent."""

    def do_GET(self):
        script = self.server.script
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        getattr(self, behaviour)()

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def ok(self):
        self.answer(200, CONTENT)

    def ranged(self):
        asked = self.headers.get("Range")
        if not asked:
            return self.ok()
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(CONTENT):
            return self.answer(416)
        self.answer(206, CONTENT[start:], Content_Range=f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")

    def odd_range(self):
        self.answer(206, CONTENT[7:], Content_Range=f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")

    def cut(self):
        self.answer(200, CONTENT[:600_000], length=len(CONTENT))

    def wrong(self):
        self.answer(200, CONTENT[:-1] + b"?")

    def short(self):
        self.answer(200, CONTENT[:10])

    def long(self):
        self.answer(200, CONTENT + b"more")

    def absent(self):
        self.answer(404)

    def forbidden(self):
        self.answer(403)

    def failing(self):
        self.answer(500)

    def chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(0, len(CONTENT), 100_000):
            piece = CONTENT[i : i + 100_000]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def endless(self):
        """No length, no chunks: nobody could tell a whole file from a cut one."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT)
        self.close_connection = True

    def silent(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:300_000])
        self.server.release.wait(20)

    def mute(self):
        self.server.release.wait(20)

    def moved(self):
        self.answer(302, Location="/elsewhere/file.bin")

    def away(self):
        self.answer(302, Location="ftp://127.0.0.1/file.bin")

    def local_file(self):
        self.answer(302, Location="file:///etc/hostname")

    def public(self):
        self.answer(302, Location="http://example.org/file.bin")


@pytest.fixture
def server(monkeypatch):
    """A server on this machine; retries do not wait."""
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.release.set()
        server.shutdown()


def parts(folder):
    """Files of the folder that are no finished download."""
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(".part"))


@pytest.mark.parametrize("behaviour", ["ok", "chunked", "moved"])
@pytest.mark.parametrize("sha256, size", [("", 0), (SHA, len(CONTENT)), (SHA.upper(), 0)])
def test_a_file_comes_whole(server, tmp_path, behaviour, sha256, size):
    """Plain, chunked, or behind a redirect of the same scheme; nothing else is left in the folder."""
    server.script = [behaviour, "ok"] if behaviour == "moved" else [behaviour]
    goal = tmp_path / "deep" / "file.bin"
    assert fetch_file(server.url, goal, sha256=sha256, size=size) == goal
    assert goal.read_bytes() == CONTENT and os.listdir(goal.parent) == ["file.bin"]


def test_progress_ends_at_the_total(server, tmp_path):
    """Bytes done grow to the total; speed is positive."""
    seen = []
    fetch_file(server.url, tmp_path / "f", progress=lambda *now: seen.append(now))
    done = [now[0] for now in seen]
    assert done == sorted(done) and done[-1] == len(CONTENT)
    assert {now[1] for now in seen} == {len(CONTENT)} and all(now[2] > 0 for now in seen)


def test_a_verified_goal_is_not_fetched_again(server, tmp_path):
    """With its SHA-256 known, a file that is there costs no request; a damaged one is replaced."""
    goal = tmp_path / "f"
    goal.write_bytes(CONTENT)
    fetch_file(server.url, goal, sha256=SHA)
    assert server.asked == []
    goal.write_bytes(CONTENT[:-1] + b"?")
    fetch_file(server.url, goal, sha256=SHA)
    assert goal.read_bytes() == CONTENT and len(server.asked) == 1


@pytest.mark.parametrize("first", ["failing", "cut", "wrong", "short", "long"])
def test_a_passing_failure_is_tried_again(server, tmp_path, first):
    """500, a broken connection, wrong bytes, too few, too many: the next try is right."""
    server.script = [first, "ok"]
    goal = fetch_file(server.url, tmp_path / "f", sha256=SHA, size=len(CONTENT))
    assert goal.read_bytes() == CONTENT and len(server.asked) == 2


@pytest.mark.parametrize(
    "behaviour, sha256, size, found, asked",
    [
        ("failing", "", 0, "500", 3),
        ("cut", "", 0, "600000 of|no answer", 3),
        ("cut", SHA, len(CONTENT), "600000 of|no answer|more than", 3),
        ("wrong", SHA, 0, "SHA-256", 3),
        ("short", SHA, len(CONTENT), "10 bytes", 3),
        ("long", SHA, len(CONTENT), "1048580 bytes", 3),
        ("absent", "", 0, "404", 1),
        ("forbidden", "", 0, "403", 1),
        ("endless", "", 0, "no word on how long", 1),
        ("away", "", 0, "redirect to ftp", 1),
        ("local_file", "", 0, "redirect to file", 1),
        ("public", "", 0, "scheme 'http'", 1),
        ("moved", "", 0, "more than 5 redirects", 6),
    ],
)
def test_a_lasting_failure_is_refused(server, tmp_path, behaviour, sha256, size, found, asked):
    """One sentence with found, needed and do; the goal is not there, an older one is untouched."""
    server.script = [behaviour]
    goal = tmp_path / "f"
    with pytest.raises(DownloadError, match=found) as caught:
        fetch_file(server.url, goal, sha256=sha256, size=size)
    assert caught.value.needed and MIRROR_VARIABLE in caught.value.do
    assert not goal.exists() and len(server.asked) == asked
    goal.write_bytes(b"older")
    with pytest.raises(DownloadError):
        fetch_file(server.url, goal, sha256=sha256, size=size)
    assert goal.read_bytes() == b"older"


def test_a_cut_download_goes_on(server, tmp_path):
    """With the SHA-256 known and a server that ranges, only the missing bytes are asked for."""
    server.script = ["cut", "ranged"]
    goal = fetch_file(server.url, tmp_path / "f", sha256=SHA, size=len(CONTENT))
    assert goal.read_bytes() == CONTENT
    first, second = (span for _, span in server.asked)
    assert first == "" and 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 600_000
    assert parts(tmp_path) == []


def test_a_server_without_ranges_starts_over(server, tmp_path):
    """A 200 to a range, or a range that starts elsewhere, is never appended."""
    for second in (["ok"], ["odd_range", "ok"]):
        server.script = ["cut", *second]
        goal = tmp_path / second[0]
        if second[0] == "odd_range":
            with pytest.raises(DownloadError, match="206"):
                fetch_file(server.url, goal, sha256=SHA)
            assert not goal.exists()
        else:
            assert fetch_file(server.url, goal, sha256=SHA).read_bytes() == CONTENT


def test_without_a_digest_nothing_is_continued(server, tmp_path):
    """A cut file without a known SHA-256 starts over, and leaves nothing when it fails."""
    server.script = ["cut", "ranged"]
    assert fetch_file(server.url, tmp_path / "f").read_bytes() == CONTENT
    assert [span for _, span in server.asked] == ["", ""]
    server.script = ["cut"]
    with pytest.raises(DownloadError):
        fetch_file(server.url, tmp_path / "g")
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("left", [b"x" * 500_000, CONTENT + b"x" * 10, b""])
def test_a_foreign_part_is_never_built_into_the_file(server, tmp_path, left):
    """What lies under the name of a kept part is verified with the rest, or thrown away."""
    server.script = ["ranged"]
    (tmp_path / f".f.{SHA[:12]}.part").write_bytes(left)
    assert fetch_file(server.url, tmp_path / "f", sha256=SHA).read_bytes() == CONTENT
    assert parts(tmp_path) == []


class Fault(BaseException):
    """A death at a given moment: nothing in the product catches it."""


@pytest.mark.parametrize("sha256", ["", SHA])
@pytest.mark.parametrize("at", range(1, 5))
def test_death_at_each_piece(server, tmp_path, at, sha256):
    """Whatever stops it after piece 1 to 4: no goal; the next call is whole, and continues where it can."""
    server.script = ["ranged"]
    seen = []

    def die(done, total, speed):
        seen.append(done)
        if len(seen) == at:
            raise Fault

    with pytest.raises(Fault):
        fetch_file(server.url, tmp_path / "f", sha256=sha256, progress=die)
    assert not (tmp_path / "f").exists() and len(parts(tmp_path)) == bool(sha256)
    assert fetch_file(server.url, tmp_path / "f", sha256=sha256).read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize(
    "fault", [Fault, KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")]
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("at", [1, 2])
def test_death_at_each_disk_call(server, tmp_path, monkeypatch, fault, call, at):
    """A failure of fsync or of the last rename leaves an older goal or the new one, never a mixture."""
    (tmp_path / "f").write_bytes(b"older")
    real, calls = getattr(os, call), []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise fault
        return real(*arguments)

    monkeypatch.setattr(download.os, call, fail)
    wanted = DownloadError if isinstance(fault, OSError) else fault
    with pytest.raises(wanted):
        for _ in range(2):
            fetch_file(server.url, tmp_path / "f", sha256=SHA)
            (tmp_path / "f").write_bytes(b"older")
    assert (tmp_path / "f").read_bytes() in (b"older", CONTENT)
    monkeypatch.undo()
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)
    assert fetch_file(server.url, tmp_path / "f", sha256=SHA).read_bytes() == CONTENT


def test_a_full_disk_is_said(server, tmp_path, monkeypatch):
    """No room is the disk's sentence, not the network's."""
    monkeypatch.setattr(
        download.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(DownloadError, match="cannot be written: found No space left.*free some space"):
        fetch_file(server.url, tmp_path / "f")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("behaviour", ["silent", "mute"])
@pytest.mark.parametrize("sha256", ["", SHA])
def test_cancel_is_quick_on_a_silent_server(server, tmp_path, behaviour, sha256):
    """A cancel is heard within a second although the server says nothing; what is kept is no goal."""
    server.script = [behaviour]
    began = time.monotonic()
    with pytest.raises(CancelledError, match="cancelled"):
        fetch_file(
            server.url, tmp_path / "f", sha256=sha256, cancelled=lambda: time.monotonic() - began > 0.5
        )
    assert time.monotonic() - began < 2 and not (tmp_path / "f").exists()
    assert len(parts(tmp_path)) == bool(sha256 and behaviour == "silent")


def test_offline_names_the_mirror(tmp_path, monkeypatch):
    """No answer at all: the sentence names the host and the way round."""
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    with pytest.raises(DownloadError, match="no answer from 127.0.0.1.*set BRAINLIKE_MIRROR to a folder"):
        fetch_file("http://127.0.0.1:9/f.bin", tmp_path / "f")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/f", "ftp://example.org/f", "file:///etc/hostname", "/etc/hostname", "",
        "https://example.org/", "https://example.org/a/../f", "https://example.org/a/%2e%2e/f",
        "https:///f", "https://example.org/a%5c..%5cf",
    ],
)  # fmt: skip
def test_only_https_and_plain_paths(tmp_path, url):
    """Other schemes and paths that climb are refused before anything is asked or written."""
    with pytest.raises(DownloadError):
        fetch_file(url, tmp_path / "f")
    assert os.listdir(tmp_path) == []


URL = "https://example.org/org/repo/abc/data/f.npy"


@pytest.mark.parametrize("tail", ["org/repo/abc/data/f.npy", "pieman/timeseries/f.npy", "f.npy"])
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_folder_can_be_the_mirror(tmp_path, monkeypatch, tail, by):
    """Found under the home's path, the path below a data folder, or the bare name; no network."""
    mirror = tmp_path / "mirror"
    (mirror / tail).parent.mkdir(parents=True)
    (mirror / tail).write_bytes(CONTENT)
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror) if by == "environment" else "/nowhere")
    goal = fetch_file(
        URL,
        tmp_path / "goal" / "f.npy",
        sha256=SHA,
        mirror=mirror if by == "argument" else "",
        beside="pieman/timeseries/f.npy",
    )
    assert goal.read_bytes() == CONTENT


def test_the_mirror_s_right_file_wins(tmp_path):
    """A namesake with other bytes is passed over when the SHA-256 is known."""
    (tmp_path / "m" / "pieman").mkdir(parents=True)
    (tmp_path / "m" / "pieman" / "f.npy").write_bytes(b"another file")
    (tmp_path / "m" / "f.npy").write_bytes(CONTENT)
    goal = fetch_file(URL, tmp_path / "f", sha256=SHA, mirror=tmp_path / "m", beside="pieman/f.npy")
    assert goal.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [None, b"", CONTENT[:-1]])
def test_a_mirror_without_the_right_file_is_refused(tmp_path, content):
    """Missing, empty or cut in the mirror: named, with the places looked at; the home is not asked."""
    (tmp_path / "m").mkdir()
    if content is not None:
        (tmp_path / "m" / "f.npy").write_bytes(content)
    with pytest.raises(DownloadError, match="f.npy"):
        fetch_file(URL, tmp_path / "f", sha256=SHA, size=len(CONTENT), mirror=tmp_path / "m")
    assert not (tmp_path / "f").exists()


def test_a_server_can_be_the_mirror(server, tmp_path):
    """An address is asked for the home's path first, then for the bare name."""
    server.script = ["absent", "ok"]
    base = server.url.removesuffix("/home/file.bin")
    assert fetch_file(URL, tmp_path / "f", sha256=SHA, mirror=base).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/org/repo/abc/data/f.npy", "/f.npy"]


@pytest.mark.parametrize("mirror", ["/nowhere/at/all", "http://example.org", "ftp://example.org/x"])
def test_a_useless_mirror_is_refused(tmp_path, mirror):
    """A folder that is not there, or an address that is not https."""
    with pytest.raises(DownloadError):
        fetch_file(URL, tmp_path / "f", mirror=mirror)


def test_places_without_a_mirror_are_the_home(monkeypatch):
    """Nothing set: the home alone."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    assert find_places(URL) == [URL]


def test_old_orphans_are_swept(server, tmp_path):
    """What a killed download left more than a day ago goes; other files and fresh parts stay."""
    for name in (".f.aaaaaaaa.part", ".f.bbbbbbbb.part", ".g.aaaaaaaa.part", "f.part"):
        (tmp_path / name).write_bytes(b"x")
    for name in (".f.aaaaaaaa.part", ".g.aaaaaaaa.part", "f.part"):
        os.utime(tmp_path / name, (0, 0))
    fetch_file(server.url, tmp_path / "f")
    assert sorted(os.listdir(tmp_path)) == [".f.bbbbbbbb.part", ".g.aaaaaaaa.part", "f", "f.part"]


def test_short_texts_are_capped(server):
    """A listing comes as text; one that is too long is refused."""
    assert len(read_text(server.url, max_bytes=2_000_000)) > 1000
    with pytest.raises(DownloadError, match="more than 1000 bytes"):
        read_text(server.url, max_bytes=1000)
    server.script = ["absent"]
    with pytest.raises(DownloadError, match="404"):
        read_text(server.url, max_bytes=1000)


def test_digest_is_that_of_hashlib(tmp_path):
    """The helper is plain SHA-256."""
    (tmp_path / "f").write_bytes(CONTENT)
    assert file_sha256(tmp_path / "f") == SHA
