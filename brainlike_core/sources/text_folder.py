"""A folder of one's own .txt files as a set of texts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..errors import TextError
from ..values import TextSet
from .public_texts import MAX_LETTERS, draw

MAX_FILES = 10_000
MAX_BYTES = 4 * MAX_LETTERS  # of a file: no UTF-8 character is longer than four
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NEEDED = f"one text of at most {MAX_LETTERS:,} characters per .txt file, in UTF-8"


def read_text_folder(folder: str | Path, n_texts: int = 100, seed: int = 0) -> TextSet:
    """Read the .txt files that lie directly in a folder, in the order of their names.

    Parameters
    ----------
    folder : path
        At most 10,000 such files of at most 20,000 characters each; other
        files are left alone.
    n_texts, seed : int
        See `text_sets.text_set`; every file that is drawn is checked.

    Returns
    -------
    TextSet
        ``labels`` are the names of the files. ``name`` holds a digest of the
        texts, so that two folders never share a stored result.

    Raises
    ------
    TextError
        No such folder, none or too many of them; a file that is empty, too
        long, not text or not UTF-8, named.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _wrong(
            f"'{folder}' is no folder", "nothing there, or a file", "name the folder that holds the texts"
        )
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".txt" and path.is_file())
    if not 0 < len(files) <= MAX_FILES:
        found = f"{len(files):,} .txt files"
        raise TextError(
            f"Folder '{folder.name}' holds no set of texts", found=found, needed=f"1 to {MAX_FILES:,} .txt files",
            do="put each text into a file of its own that ends in .txt",
        )  # fmt: skip
    chosen = draw([(path.name, str(path)) for path in files], n_texts, seed)
    labels, texts = zip(*((label, _read(Path(path))) for label, path in chosen), strict=True)
    stem = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:40] or "texts"
    named = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
    return TextSet(
        f"own-{stem}-{named}", f"{folder.resolve().name} (your own)", "own", texts, labels,
        "your own files", "your folder",
    )  # fmt: skip


def _read(path: Path) -> str:
    """One text, without a byte-order mark and the space around it."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(
            f"Text {path.name} cannot be read", error.strerror or "", "check its permissions"
        ) from error
    try:
        # A file that is too long may be cut within a character; that it is too long counts then.
        text = raw.decode("utf-8-sig", "strict" if len(raw) <= MAX_BYTES else "ignore").strip()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at {error.start}"
        raise _wrong(f"Text {path.name} is not UTF-8", found, "save it as UTF-8") from error
    if _CONTROLS.search(text):
        raise _wrong(f"Text {path.name} is not text", "control characters", "take it out of the folder")
    if not text:
        raise _wrong(f"Text {path.name} is empty", "no words", "take it out of the folder")
    if len(raw) > MAX_BYTES or len(text) > MAX_LETTERS:
        found = f"more than {MAX_LETTERS:,} characters"
        raise _wrong(f"Text {path.name} is too long", found, "split it into several files")
    return text.replace("\r\n", "\n")


def _wrong(what: str, found: str, do: str) -> TextError:
    return TextError(what, found=found, needed=_NEEDED, do=do)
