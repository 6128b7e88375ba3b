"""One file from its public home, or from a mirror: whole and verified, or not there at all.

Bytes go to a temporary file beside the goal, which takes the goal's name only
after its size and SHA-256 fit. Where the SHA-256 is known beforehand, what an
interrupted download left is kept and continued (RFC 9110, section 14).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ..errors import CancelledError, DownloadError

MIRROR_VARIABLE = "BRAINLIKE_MIRROR"
TRIES = 3
BACKOFF_S = 1.0
TIMEOUT_S = (10.0, 30.0)  # to connect, and between two pieces
MAX_REDIRECTS = 5
_PIECE = 256 * 1024
_ORPHAN_S = 86_400.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}

Progress = Callable[[int, int, float], object]


class _Absent(Exception):
    """This place does not hold the file."""


class _Broken(Exception):
    """It broke off, or came wrong: another try may succeed."""


@dataclass(frozen=True)
class _Head:
    """What a source says before the first byte: where it starts, and the whole size (0 = not said)."""

    start: int
    total: int


@dataclass(frozen=True)
class _Wanted:
    """What the finished file must be ('' and 0 = not known), and who listens while it comes."""

    name: str
    sha256: str
    size: int
    progress: Progress
    cancelled: Callable[[], bool]
    headers: Mapping[str, str] = field(default_factory=dict)


_Source = Generator["_Head | bytes", None, None]


def fetch_file(
    url: str,
    path: str | Path,
    *,
    sha256: str = "",
    size: int = 0,
    mirror: str | Path | None = "",
    beside: str = "",
    headers: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Bring one file to ``path``.

    Parameters
    ----------
    url : str
        Public home, https (http for this machine only).
    path : path
        The goal; its folder is made.
    sha256, size : str, int
        64 hex characters and bytes that the file must have; '' and 0 = not known.
    mirror : str, path or None
        A folder or an https address that is asked instead of the home; empty =
        the environment's BRAINLIKE_MIRROR; None = the home, whatever that says. The file is looked for under its
        path below the home's host, under ``beside``, and under its bare name;
        in a folder also under the end of its path (as in a clone).
    beside : str
        Path of the file below a data folder, so that another data folder can
        be the mirror.
    headers : mapping of str to str, optional
        Sent to the home; ``Authorization`` never follows a redirect to another host.
    progress : callable, optional
        ``progress(bytes_done, bytes_total, bytes_per_second)``; 0 = not known.
    cancelled : callable, optional
        Asked several times a second.

    Returns
    -------
    Path
        The goal, whole.

    Raises
    ------
    DownloadError
        Offline, refused, wrong after three tries, or no room on the disk; the
        goal is untouched.
    CancelledError
    """
    goal = Path(path)
    wanted = _Wanted(
        goal.name, sha256.lower(), size, progress or (lambda *_: None), cancelled or (lambda: False),
        headers or {},
    )  # fmt: skip
    if sha256 and goal.is_file() and file_sha256(goal) == wanted.sha256:
        return goal
    places = find_places(url, mirror, beside)
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(goal, wanted.sha256) as temporary:
            _from_first(places, temporary, wanted)
            os.replace(temporary, goal)
        _sync_folder(goal.parent)
    except OSError as error:
        raise DownloadError(
            f"{goal.name} cannot be written", found=error.strerror or str(error),
            needed=f"room and permission in {goal.parent}", do="free some space, or choose another folder",
        ) from error  # fmt: skip
    return goal


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file: 64 hex characters."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_places(url: str, mirror: str | Path | None = "", beside: str = "") -> list[str | Path]:
    """Where a file is looked for, in order: its home, or else places in the mirror.

    Raises
    ------
    DownloadError
        An address that may not be used, or a mirror that is not there.

    Examples
    --------
    >>> find_places("https://example.org/a/b.npy", "https://mirror.example.org/x")
    ['https://mirror.example.org/x/a/b.npy', 'https://mirror.example.org/x/b.npy']
    """
    _check_address(url)
    below = [part for part in unquote(urlsplit(url).path).split("/") if part]
    if not below or any(part in (".", "..") or "\\" in part for part in below):
        raise _refused(url, "an address without a plain file name")
    if mirror is None:
        return [url]
    mirror = str(mirror or os.environ.get(MIRROR_VARIABLE, ""))
    if not mirror:
        return [url]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", mirror):
        _check_address(mirror)
        tails = dict.fromkeys(filter(None, ("/".join(below), beside, below[-1])))
        return [f"{mirror.rstrip('/')}/{quote(tail)}" for tail in tails]
    if not Path(mirror).is_dir():
        raise DownloadError(
            "The mirror is not there", found=f"no folder '{mirror}'", needed="a folder or an https address",
            do=f"correct {MIRROR_VARIABLE}, or leave it empty",
        )  # fmt: skip
    shorter = ["/".join(below[i:]) for i in range(1, len(below))]
    return [Path(mirror, tail) for tail in dict.fromkeys(filter(None, ("/".join(below), beside, *shorter)))]


def read_text(
    url: str, *, max_bytes: int, cancelled: Callable[[], bool] | None = None,
    headers: Mapping[str, str] | None = None, tries: int = TRIES,
) -> str:  # fmt: skip
    """A short text, such as a listing, straight into memory.

    Raises
    ------
    DownloadError
        Not had after three tries, or longer than ``max_bytes``.
    """
    wanted = _Wanted(url.partition("?")[0], "", 0, lambda *_: None, cancelled or (lambda: False))

    def once() -> str:
        body = b""
        with contextlib.closing(_in_background(_read_url(url, 0, headers or {}), wanted)) as items:
            for item in items:
                body += item if isinstance(item, bytes) else b""
                if len(body) > max_bytes:
                    raise _refused(url, f"more than {max_bytes} bytes")
        return body.decode("utf-8", "replace")

    try:
        return _try_often(once, wanted, tries)
    except (_Absent, _Broken) as error:
        raise _missing(wanted, [url], str(error)) from error


# ---------------------------------------------------------------- places and tries


def _from_first(places: list[str | Path], temporary: Path, wanted: _Wanted) -> None:
    """Fill ``temporary`` from the first place that has the right file."""
    reason = ""
    for place in places:
        try:
            tries = 1 if isinstance(place, Path) else TRIES
            _try_often(lambda place=place: _once(place, temporary, wanted), wanted, tries)  # type: ignore[misc]
            return
        except _Absent as error:
            reason = reason or str(error)
        except _Broken as error:
            reason = str(error)
    raise _missing(wanted, places, reason)


def _try_often(once: Callable, wanted: _Wanted, tries: int):
    for left in reversed(range(tries)):
        try:
            return once()
        except _Broken:
            if not left:
                raise
            _wait(BACKOFF_S * 2 ** (tries - 1 - left), wanted)


def _wait(seconds: float, wanted: _Wanted) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _check_cancelled(wanted)
        time.sleep(min(left, 0.1))


def _check_cancelled(wanted: _Wanted) -> None:
    if wanted.cancelled():
        raise CancelledError(f"The download of {wanted.name} was cancelled", do="fetch it again to go on")


# ---------------------------------------------------------------- one try


def _once(place: str | Path, temporary: Path, wanted: _Wanted) -> None:
    start = temporary.stat().st_size if wanted.sha256 and temporary.is_file() else 0
    if wanted.size and start >= wanted.size:
        if file_sha256(temporary) == wanted.sha256:
            return
        start = 0
    source = _read_local(place) if isinstance(place, Path) else _read_url(place, start, wanted.headers)
    with contextlib.closing(_in_background(source, wanted)) as items:
        head = next(items)
        assert isinstance(head, _Head)
        _check_size(head.total or wanted.size, wanted)
        size = _write(temporary, head, items, wanted)
    if head.total and size < head.total:
        raise _Broken(f"only {size} of {head.total} bytes")
    if wanted.size and size != wanted.size:
        raise _discard(temporary, f"{size} bytes")
    if wanted.sha256 and (digest := file_sha256(temporary)) != wanted.sha256:
        raise _discard(temporary, f"SHA-256 {digest[:12]}...")


def _write(temporary: Path, head: _Head, items: Iterator, wanted: _Wanted) -> int:
    """Append what comes; returns the size of the file. The bytes are on the disk afterwards."""
    done, total, began = head.start, head.total or wanted.size, time.monotonic()
    with open(temporary, "r+b" if head.start else "wb") as file:
        file.seek(head.start)
        file.truncate()
        for piece in items:
            file.write(piece)
            done += len(piece)
            if total and done > total:
                raise _discard(temporary, f"more than {total} bytes")
            speed = (done - head.start) / max(time.monotonic() - began, 1e-3)
            wanted.progress(done, total, speed)
        file.flush()
        os.fsync(file.fileno())
    return done


def _check_size(total: int, wanted: _Wanted) -> None:
    if wanted.size and total != wanted.size:
        raise _Broken(f"{total} bytes")


def _discard(temporary: Path, reason: str) -> _Broken:
    """What came is wrong: nothing of it may be continued."""
    temporary.unlink(missing_ok=True)
    return _Broken(reason)


@contextlib.contextmanager
def _temporary(goal: Path, sha256: str) -> Iterator[Path]:
    """A name beside the goal that is this download's alone; what is left of it is kept where it can be continued."""
    temporary = goal.with_name(f".{goal.name}.{secrets.token_hex(4)}.part")
    kept = goal.with_name(f".{goal.name}.{sha256[:12] or 'unknown'}.part")
    _sweep(goal)
    if sha256:
        with contextlib.suppress(FileNotFoundError):
            os.replace(kept, temporary)
    try:
        yield temporary
    finally:
        if temporary.is_file():
            if sha256 and temporary.stat().st_size:
                os.replace(temporary, kept)
            else:
                temporary.unlink()


def _sweep(goal: Path) -> None:
    """Remove what killed downloads of this file left more than a day ago."""
    shape = re.compile(re.escape(f".{goal.name}.") + r"[0-9a-z]+\.part")
    for path in goal.parent.iterdir():
        with contextlib.suppress(OSError):
            if shape.fullmatch(path.name) and time.time() - path.stat().st_mtime > _ORPHAN_S:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------- sources of bytes


def _in_background(source: _Source, wanted: _Wanted) -> _Source:
    """The same items, read by a thread: a server that falls silent cannot hold up a cancel."""
    line: queue.Queue = queue.Queue(maxsize=8)
    left = threading.Event()

    def hand_over(item: object) -> None:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                return line.put(item, timeout=0.1)

    def read() -> None:
        try:
            with contextlib.closing(source):
                for item in source:
                    hand_over(item)
                    if left.is_set():
                        return
            hand_over(None)
        except BaseException as error:  # handed on, and raised where it is awaited
            hand_over(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            _check_cancelled(wanted)
            try:
                item = line.get(timeout=0.2)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()


def _read_local(path: Path) -> _Source:
    try:
        with open(path, "rb") as file:
            yield _Head(0, os.fstat(file.fileno()).st_size)
            while piece := file.read(_PIECE):
                yield piece
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise _Absent(f"no file {path}") from error
    except OSError as error:
        raise _Broken(f"{path} cannot be read ({error.strerror})") from error


def _read_url(url: str, start: int, headers: Mapping[str, str]) -> _Source:
    try:
        with (
            requests.Session() as session,
            contextlib.closing(_get(session, url, start, headers)) as response,
        ):
            yield _head(response, start)
            while piece := response.raw.read1(_PIECE, decode_content=True):
                yield piece
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _Broken(f"no answer from {urlsplit(url).hostname} ({type(error).__name__})") from error


def _get(session: requests.Session, url: str, start: int, extra: Mapping[str, str]) -> requests.Response:
    """Ask for a file, following redirects that keep to the same scheme."""
    if extra:
        session.auth = lambda request: request  # a .netrc must not replace the token that was given
    headers = {"Accept-Encoding": "identity", "User-Agent": "brainlike", **extra}
    if start:
        headers["Range"] = f"bytes={start}-"
    for _ in range(MAX_REDIRECTS + 1):
        response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S, allow_redirects=False)
        if response.status_code == 416 and headers.pop("Range", ""):
            continue  # the part that is here is longer than the file: start over
        if response.status_code not in _REDIRECTS:
            return response
        target = urljoin(url, response.headers.get("Location", ""))
        response.close()
        if urlsplit(target).scheme != urlsplit(url).scheme:
            raise _refused(url, f"a redirect to {target.partition('?')[0]}")
        _check_address(target)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            headers.pop("Authorization", None)
        url = target
    raise _refused(url, f"more than {MAX_REDIRECTS} redirects")


def _head(response: requests.Response, start: int) -> _Head:
    status, headers = response.status_code, response.headers
    if status in (404, 410):
        raise _Absent(f"{status} {response.reason}")
    if status >= 500 or status in _PASSING:
        raise _Broken(f"{status} {response.reason}")
    if status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if start and span and int(span[1]) == start:
            return _Head(start, int(span[2]))
    if status != 200:
        raise _refused(response.url, f"{status} {response.reason}")
    length = "" if headers.get("Content-Encoding") else headers.get("Content-Length", "")
    if not length and "chunked" not in headers.get("Transfer-Encoding", ""):
        raise _refused(response.url, "no word on how long the file is")
    return _Head(0, int(length or 0))


# ---------------------------------------------------------------- refusals


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise _refused(url, f"the scheme '{parts.scheme}'")


def _refused(url: str, found: str) -> DownloadError:
    return DownloadError(
        f"{url.partition('?')[0]} cannot be used", found=found, needed="a file behind an https address",
        do=f"try later, or set {MIRROR_VARIABLE} to a folder that holds the file",
    )  # fmt: skip


def _missing(wanted: _Wanted, places: list[str | Path], reason: str) -> DownloadError:
    needed = [
        f"{wanted.size} bytes" if wanted.size else "",
        wanted.sha256 and f"SHA-256 {wanted.sha256[:12]}...",
    ]
    return DownloadError(
        f"{wanted.name} cannot be downloaded",
        found=f"{reason} ({', or '.join(map(str, places))})",
        needed=" with ".join(filter(None, ["the file", " and ".join(filter(None, needed))])),
        do=f"connect to the network, or set {MIRROR_VARIABLE} to a folder or an https address that holds it",
    )
