"""Files that are whole or not there: synced to the disk, renamed into place, known by their SHA-256."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes: 64 hex characters."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file beside its place and rename it there: a reader finds the older one or this one, whole.

    Parameters
    ----------
    path : Path
        In a folder that is there.
    content : str or bytes
        Text is written as UTF-8.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Bring a file that was written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        sync_file(path)
