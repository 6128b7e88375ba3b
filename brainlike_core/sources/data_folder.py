"""A data folder: files that were fetched, and the notes of what came from where.

Beside the files of each entry, `MANIFEST` keeps the address, size and SHA-256
that each had when it came. Whoever was not pinned before is known from then on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from ..whole_files import file_sha256, replace_file
from .download import Progress, fetch_file
from .open_data import RemoteFile

MANIFEST = "downloads.json"


def fetch_all(
    files: list[RemoteFile], folder: Path, mirror: str | Path,
    progress: Progress | None, cancelled: Callable[[], bool] | None,
) -> Path:  # fmt: skip
    """Fetch files that share their first folder, one after the other; returns that folder.

    A file that is there with the right SHA-256 stays. ``progress`` counts the
    bytes of all files; its total is 0 where a size is not known.
    """
    top = folder / files[0].path.split("/")[0]
    # The words come first; a bucket's listing gives the sizes of the rest.
    total = sum(file.size for file in files) if all(file.size for file in files[1:]) else 0
    done, manifest = 0, _read_manifest(top)
    for file in files:
        goal, before = folder / file.path, done

        def tell(now: int, _: int, speed: float, before: int = before) -> None:
            if progress is not None:
                progress(before + now, max(total, before + now) if total else 0, speed)

        if not _is_whole(goal, file, manifest):
            fetch_file(
                file.url, goal, sha256=file.sha256, size=file.size, mirror=mirror, beside=file.path,
                progress=tell, cancelled=cancelled,
            )  # fmt: skip
            manifest[file.path] = {
                "url": file.url, "size": goal.stat().st_size, "sha256": file_sha256(goal),
                "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }  # fmt: skip
            _write_manifest(top, manifest)
        done += goal.stat().st_size
        tell(0, 0, 0.0, done)
    return top


def _is_whole(goal: Path, file: RemoteFile, manifest: dict) -> bool:
    """There, with the pinned SHA-256 or else the one recorded at its first download."""
    known = file.sha256 or manifest.get(file.path, {}).get("sha256", "")
    return bool(known) and goal.is_file() and file_sha256(goal) == known


def is_full(path: Path) -> bool:
    """A file that is there and not empty."""
    return path.is_file() and path.stat().st_size > 0


def has_size(path: Path, size: int) -> bool:
    """A file that is there with that many bytes."""
    return path.is_file() and path.stat().st_size == size


def sizes_hold(top: Path) -> bool:
    """Every file that was downloaded into this folder and is still there has the size it came with."""
    noted = _read_manifest(top)
    return all(
        has_size(top.parent / path, note["size"])
        for path, note in noted.items()
        if (top.parent / path).is_file()
    )


def _read_manifest(top: Path) -> dict:
    try:
        manifest = json.loads((top / MANIFEST).read_text(encoding="utf-8"))
        return {
            str(path): dict(note) for path, note in manifest.items() if "size" in note and "sha256" in note
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # it is notes only: without them files are verified or fetched again


def _write_manifest(top: Path, manifest: dict) -> None:
    replace_file(top / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
