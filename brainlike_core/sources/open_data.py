"""What public S3 buckets hold of a recording: the files of one listener, listed before they are fetched.

Narratives (Nastase et al. 2021, doi:10.1038/s41597-021-01033-3) and Le Petit
Prince (Li et al. 2022, doi:10.1038/s41597-022-01625-7). Run numbers differ from
listener to listener, so the bucket's own listing is asked, never guessed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.etree import ElementTree

from ..errors import DownloadError
from .download import read_text
from .mirror import MIRROR_VARIABLE

HOME = "https://s3.amazonaws.com"
MAX_LISTING_BYTES = 8 * 1024 * 1024
_MAX_PAGES = 20
_SAFE_PART = re.compile(r"[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*")


@dataclass(frozen=True)
class RemoteFile:
    """One file that can be fetched.

    Attributes
    ----------
    path : str
        Where it goes, below the data folder: plain names joined by ``/``.
    url : str
    sha256 : str
        64 hex characters; '' = not known before the first download.
    size : int
        Bytes; 0 = not known.

    Examples
    --------
    >>> RemoteFile("../x", "https://example.org/x")
    Traceback (most recent call last):
    ...
    brainlike_core.errors.DownloadError: A file would lie outside the data folder: found '../x', needed plain names joined by /.
    """

    path: str
    url: str
    sha256: str = ""
    size: int = 0

    def __post_init__(self) -> None:
        if not all(_SAFE_PART.fullmatch(part) for part in self.path.split("/")):
            raise DownloadError(
                "A file would lie outside the data folder",
                found=repr(self.path[:80]),
                needed="plain names joined by /",
            )


@dataclass(frozen=True)
class ListenerFiles:
    """Where the files of one listener lie; ``{subject}`` stands for ``sub-030`` and the like.

    Attributes
    ----------
    bucket, prefix : str
        In S3.
    pattern : str
        Regular expression of the file names.
    folder : str
        Where they go, below the data folder.
    """

    bucket: str
    prefix: str
    pattern: str
    folder: str


def listener_files(
    where: ListenerFiles, subject: str, mirror: str | Path = "", cancelled: Callable[[], bool] | None = None
) -> tuple[RemoteFile, ...]:
    """The files of one listener, in order of their names; empty where there are none.

    Raises
    ------
    DownloadError
        The listing cannot be had.
    """
    prefix, folder = where.prefix.format(subject=subject), where.folder.format(subject=subject)
    pattern = re.compile(where.pattern.replace("{subject}", re.escape(subject)))
    mirror = str(mirror or os.environ.get(MIRROR_VARIABLE, ""))
    if mirror and Path(mirror).is_dir():
        found = _list_folder(Path(mirror), f"{where.bucket}/{prefix}", folder)
    else:
        found, _ = _list_bucket(mirror or HOME, where.bucket, prefix, cancelled)
    names = {PurePosixPath(key).name: size for key, size in found.items()}
    return tuple(
        RemoteFile(f"{folder}/{name}", f"{HOME}/{where.bucket}/{quote(prefix + name)}", size=size)
        for name, size in sorted(names.items())
        if pattern.fullmatch(name)
    )


def list_subjects(
    bucket: str,
    prefix: str,
    pattern: str,
    mirror: str | Path = "",
    cancelled: Callable[[], bool] | None = None,
) -> tuple[str, ...]:
    """Names of the folders below a prefix that fit a pattern, sorted.

    Raises
    ------
    DownloadError
        The listing cannot be had.
    """
    mirror = str(mirror or os.environ.get(MIRROR_VARIABLE, ""))
    if mirror and Path(mirror).is_dir():
        names = [
            path.name for place in _tails(Path(mirror), f"{bucket}/{prefix}") for path in place.iterdir()
        ]
    else:
        _, folders = _list_bucket(mirror or HOME, bucket, prefix, cancelled)
        names = [PurePosixPath(folder).name for folder in folders]
    return tuple(sorted({name for name in names if re.fullmatch(pattern, name)}))


def _list_folder(mirror: Path, prefix: str, folder: str) -> dict[str, int]:
    """Names and sizes of the first folder of the mirror that is this one, by its S3 path or by ours."""
    for place in [*_tails(mirror, prefix), mirror / folder]:
        if place.is_dir():
            return {path.name: path.stat().st_size for path in place.iterdir() if path.is_file()}
    return {}


def _tails(mirror: Path, prefix: str) -> list[Path]:
    parts = [part for part in prefix.split("/") if part]
    places = [mirror.joinpath(*parts[i:]) for i in range(len(parts))]
    return [place for place in places if place.is_dir()]


def _list_bucket(
    home: str, bucket: str, prefix: str, cancelled: Callable[[], bool] | None
) -> tuple[dict[str, int], list[str]]:
    """Keys with their sizes, and folders, directly below a prefix (S3 ListObjectsV2)."""
    sizes: dict[str, int] = {}
    folders: list[str] = []
    token = ""
    for _ in range(_MAX_PAGES):
        more = f"&continuation-token={quote(token, safe='')}" if token else ""
        url = f"{home.rstrip('/')}/{bucket}?list-type=2&delimiter=/&prefix={quote(prefix, safe='')}{more}"
        page = _parse(url, read_text(url, max_bytes=MAX_LISTING_BYTES, cancelled=cancelled))
        for item in page.iterfind("{*}Contents"):
            size = item.findtext("{*}Size", "0")
            sizes[item.findtext("{*}Key", "")] = int(size) if size.isdigit() else 0
        folders += [item.findtext("{*}Prefix", "").rstrip("/") for item in page.iterfind("{*}CommonPrefixes")]
        token = page.findtext("{*}NextContinuationToken", "")
        if not token:
            break
    return sizes, folders


def _parse(url: str, text: str) -> ElementTree.Element:
    try:
        page = ElementTree.fromstring(text)
        if not page.tag.endswith("ListBucketResult"):
            raise ElementTree.ParseError(f"<{page.tag}>")
    except ElementTree.ParseError as error:
        raise DownloadError(
            f"{url.partition('?')[0]} does not list what it holds", found=str(error)[:80],
            needed="the listing of an S3 bucket", do=f"try later, or set {MIRROR_VARIABLE} to a folder with the files",
        ) from error  # fmt: skip
    return page
