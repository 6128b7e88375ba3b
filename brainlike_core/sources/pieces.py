"""The bytes of one place, piece by piece: a file of a folder, or an answer over the network."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from .mirror import check_address, refused

TIMEOUT_S = (10.0, 30.0)  # to connect, and between two pieces
MAX_REDIRECTS = 5
_PIECE = 256 * 1024
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}  # statuses below 500 after which another try may succeed


class Absent(Exception):
    """This place does not hold the file."""


class Broken(Exception):
    """It broke off, or came wrong: another try may succeed."""


@dataclass(frozen=True)
class Head:
    """What a place says before the first byte: where it starts, and the whole size (0 = not said)."""

    start: int
    total: int


Pieces = Generator[Head | bytes, None, None]


def read_local(path: Path) -> Pieces:
    """A file of a folder: its `Head`, then its bytes.

    Raises
    ------
    Absent, Broken
    """
    try:
        with open(path, "rb") as file:
            yield Head(0, os.fstat(file.fileno()).st_size)
            while piece := file.read(_PIECE):
                yield piece
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Absent(f"no file {path}") from error
    except OSError as error:
        raise Broken(f"{path} cannot be read ({error.strerror})") from error


def read_url(url: str, start: int, headers: Mapping[str, str]) -> Pieces:
    """What is behind an address, from byte ``start`` where the server can: its `Head`, then its bytes.

    Raises
    ------
    Absent, Broken
    DownloadError
        Another try would end the same.
    """
    try:
        with (
            requests.Session() as session,
            contextlib.closing(_get(session, url, start, headers)) as response,
        ):
            yield _head(response, start)
            while piece := response.raw.read1(_PIECE, decode_content=True):
                yield piece
    except (requests.RequestException, HTTPError, OSError) as error:
        raise Broken(f"no answer from {urlsplit(url).hostname} ({type(error).__name__})") from error


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
            raise refused(url, f"a redirect to {target.partition('?')[0]}")
        check_address(target)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            headers.pop("Authorization", None)
        url = target
    raise refused(url, f"more than {MAX_REDIRECTS} redirects")


def _head(response: requests.Response, start: int) -> Head:
    status, headers = response.status_code, response.headers
    if status in (404, 410):
        raise Absent(f"{status} {response.reason}")
    if status >= 500 or status in _PASSING:
        raise Broken(f"{status} {response.reason}")
    if status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if start and span and int(span[1]) == start:
            return Head(start, int(span[2]))
    if status != 200:
        raise refused(response.url, f"{status} {response.reason}")
    length = "" if headers.get("Content-Encoding") else headers.get("Content-Length", "")
    if not length and "chunked" not in headers.get("Transfer-Encoding", ""):
        raise refused(response.url, "no word on how long the file is")
    return Head(0, int(length or 0))


def in_background(source: Pieces, check: Callable[[], None]) -> Pieces:
    """The same items, read by a thread: a server that falls silent cannot hold up ``check``, which raises to cancel."""
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
            check()
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
