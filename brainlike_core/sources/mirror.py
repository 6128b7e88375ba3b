"""Where a file is asked for: at its public home, or else in a mirror, and over which addresses."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ..errors import DownloadError

MIRROR_VARIABLE = "BRAINLIKE_MIRROR"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


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
    check_address(url)
    below = [part for part in unquote(urlsplit(url).path).split("/") if part]
    if not below or any(part in (".", "..") or "\\" in part for part in below):
        raise refused(url, "an address without a plain file name")
    if mirror is None:
        return [url]
    mirror = str(mirror or os.environ.get(MIRROR_VARIABLE, ""))
    if not mirror:
        return [url]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", mirror):
        check_address(mirror)
        tails = dict.fromkeys(filter(None, ("/".join(below), beside, below[-1])))
        return [f"{mirror.rstrip('/')}/{quote(tail)}" for tail in tails]
    if not Path(mirror).is_dir():
        raise DownloadError(
            "The mirror is not there", found=f"no folder '{mirror}'", needed="a folder or an https address",
            do=f"correct {MIRROR_VARIABLE}, or leave it empty",
        )  # fmt: skip
    shorter = ["/".join(below[i:]) for i in range(1, len(below))]
    return [Path(mirror, tail) for tail in dict.fromkeys(filter(None, ("/".join(below), beside, *shorter)))]


def check_address(url: str) -> None:
    """Refuse any address but https; http is for this machine only.

    Raises
    ------
    DownloadError
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise refused(url, f"the scheme '{parts.scheme}'")


def refused(url: str, found: str) -> DownloadError:
    """The refusal of an address, without its query, which may hold a secret."""
    return DownloadError(
        f"{url.partition('?')[0]} cannot be used", found=found, needed="a file behind an https address",
        do=f"try later, or set {MIRROR_VARIABLE} to a folder that holds the file",
    )  # fmt: skip
