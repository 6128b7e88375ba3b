"""One file from its public home, or from a mirror: whole and verified, or not there at all.

Bytes go to a temporary file beside the goal, which takes the goal's name only
after its size and SHA-256 fit. Where the SHA-256 is known beforehand, what an
interrupted download left is kept and continued (RFC 9110, section 14).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CancelledError, DownloadError
from ..whole_files import file_sha256, sync_folder
from .mirror import MIRROR_VARIABLE, find_places, refused
from .pieces import Absent, Broken, Head, in_background, read_local, read_url

TRIES = 3
BACKOFF_S = 1.0
_ORPHAN_S = 86_400.0

Progress = Callable[[int, int, float], object]


@dataclass(frozen=True)
class _Wanted:
    """What the finished file must be ('' and 0 = not known), and who listens while it comes."""

    name: str
    sha256: str
    size: int
    progress: Progress
    cancelled: Callable[[], bool]
    headers: Mapping[str, str] = field(default_factory=dict)

    def check_cancelled(self) -> None:
        if self.cancelled():
            raise CancelledError(f"The download of {self.name} was cancelled", do="fetch it again to go on")


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
        sync_folder(goal.parent)
    except OSError as error:
        raise DownloadError(
            f"{goal.name} cannot be written", found=error.strerror or str(error),
            needed=f"room and permission in {goal.parent}", do="free some space, or choose another folder",
        ) from error  # fmt: skip
    return goal


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
        with contextlib.closing(
            in_background(read_url(url, 0, headers or {}), wanted.check_cancelled)
        ) as items:
            for item in items:
                body += item if isinstance(item, bytes) else b""
                if len(body) > max_bytes:
                    raise refused(url, f"more than {max_bytes} bytes")
        return body.decode("utf-8", "replace")

    try:
        return _try_often(once, wanted, tries)
    except (Absent, Broken) as error:
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
        except Absent as error:
            reason = reason or str(error)
        except Broken as error:
            reason = str(error)
    raise _missing(wanted, places, reason)


def _try_often(once: Callable, wanted: _Wanted, tries: int):
    for left in reversed(range(tries)):
        try:
            return once()
        except Broken:
            if not left:
                raise
            _wait(BACKOFF_S * 2 ** (tries - 1 - left), wanted)


def _wait(seconds: float, wanted: _Wanted) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        wanted.check_cancelled()
        time.sleep(min(left, 0.1))


# ---------------------------------------------------------------- one try


def _once(place: str | Path, temporary: Path, wanted: _Wanted) -> None:
    start = temporary.stat().st_size if wanted.sha256 and temporary.is_file() else 0
    if wanted.size and start >= wanted.size:
        if file_sha256(temporary) == wanted.sha256:
            return
        start = 0
    source = read_local(place) if isinstance(place, Path) else read_url(place, start, wanted.headers)
    with contextlib.closing(in_background(source, wanted.check_cancelled)) as items:
        head = next(items)
        assert isinstance(head, Head)
        _check_size(head.total or wanted.size, wanted)
        size = _write(temporary, head, items, wanted)
    if head.total and size < head.total:
        raise Broken(f"only {size} of {head.total} bytes")
    if wanted.size and size != wanted.size:
        raise _discard(temporary, f"{size} bytes")
    if wanted.sha256 and (digest := file_sha256(temporary)) != wanted.sha256:
        raise _discard(temporary, f"SHA-256 {digest[:12]}...")


def _write(temporary: Path, head: Head, items: Iterator, wanted: _Wanted) -> int:
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
        raise Broken(f"{total} bytes")


def _discard(temporary: Path, reason: str) -> Broken:
    """What came is wrong: nothing of it may be continued."""
    temporary.unlink(missing_ok=True)
    return Broken(reason)


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
