"""Transcripts with word timings, as the forced aligner Gentle writes them."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import StoryError
from ..values import Story

MAX_BYTES = 10 * 1024 * 1024
MAX_SECONDS = 86_400.0
TOLERANCE_S = 0.05  # aligners write words that overlap by a few milliseconds
_COLUMNS = "word, aligned, onset, offset"


@dataclass(frozen=True)
class _Row:
    """One word of the file; times are NaN where the aligner left them blank."""

    number: int
    word: str
    onset: float
    offset: float

    @property
    def timed(self) -> bool:
        return not math.isnan(self.onset)


def read_gentle_csv(path: str | Path, name: str, title: str) -> Story:
    """Read a transcript aligned by Gentle.

    Parameters
    ----------
    path : path of a CSV file
        Columns ``word, aligned, onset, offset`` without header, in seconds.
        UTF-8, Mac Roman or Latin-1, at most 10 MiB. ``<unk>`` (a word that is
        not in the aligner's lexicon) keeps its time when it has one.
    name, title : str
        How the story is called in configs, and for people.

    Returns
    -------
    Story
        Text is the words joined by single spaces. Words without time share
        the gap between their timed neighbours evenly and have ``aligned``
        False; at an end of the story they take the nearest time, with no
        duration. Overlaps and steps back of up to 50 ms are clipped.

    Raises
    ------
    StoryError
        Not a readable file of such rows; names the row.
    """
    rows = _parse(_decode(_read_bytes(Path(path))))
    timed = [row for row in rows if row.timed]
    if not timed:
        raise StoryError(
            f"Transcript '{name}' has no timed word",
            found=f"{len(rows)} words",
            needed="onset and offset of at least one word",
            do="align the audio with its transcript first",
        )
    _check_order(timed)
    onsets, offsets = _times(rows)
    words = tuple(row.word for row in rows)
    return Story(
        name=name,
        title=title,
        text=" ".join(words),
        words=words,
        spans=_spans(words),
        onsets=onsets,
        offsets=offsets,
        aligned=np.array([row.timed for row in rows]),
    )


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise StoryError(
            "The transcript cannot be read",
            found=f"no file '{path}'",
            needed=f"a CSV file with columns {_COLUMNS}",
            do="check the path",
        )
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StoryError(
            "The transcript cannot be read", found=error.strerror or "", do="check its permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise StoryError(
            f"Transcript {path.name} is too large",
            found=f"more than {MAX_BYTES} bytes",
            needed="at most 10 MiB",
            do="split the story",
        )
    if re.search(rb"[\x00-\x08\x0e-\x1f]", raw):
        raise StoryError(
            f"Transcript {path.name} is not text",
            found="control characters",
            needed=f"a CSV file with columns {_COLUMNS}",
            do="choose the aligner's CSV file",
        )
    return raw


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    # Every byte is valid in both one-byte encodings. Mac Roman puts its accented
    # letters below 0xC0 and its curly quotes at 0xD2-0xD5, Latin-1 letters lie above.
    latin = not re.search(rb"[\x80-\xbf\xd2-\xd5]", raw)
    text = raw.decode("latin-1" if latin else "mac_roman")
    return re.sub("[^\x00-\x7f]+", _undo_double_encoding, text)


def _undo_double_encoding(match: re.Match) -> str:
    # A curly apostrophe saved as UTF-8, opened as Windows-1252 and saved again is three characters.
    try:
        return match.group().encode("cp1252").decode("utf-8")
    except UnicodeError:
        return match.group()


def _parse(text: str) -> list[_Row]:
    lines = csv.reader(io.StringIO(text, newline=""))
    rows = []
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(_row(lines.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise _bad_row(lines.line_num, str(error), f"columns {_COLUMNS}") from error
    if not rows:
        raise StoryError(
            "The transcript is empty",
            found="no words",
            needed=f"rows of {_COLUMNS}",
            do="choose the aligner's CSV file",
        )
    return rows


def _row(number: int, cells: list[str]) -> _Row:
    if len(cells) != 4:
        raise _bad_row(number, f"{len(cells)} columns", f"4 columns ({_COLUMNS})")
    word, _, onset, offset = cells
    if not word:
        raise _bad_row(number, "no word", "a word in the first column")
    if bool(onset) != bool(offset):
        raise _bad_row(number, f"onset {onset!r} and offset {offset!r}", "both times or neither")
    if not onset:
        return _Row(number, word, math.nan, math.nan)
    start, end = _seconds(number, onset), _seconds(number, offset)
    if end < start - TOLERANCE_S:
        raise _bad_row(number, f"offset {end} before onset {start}", "an offset after the onset")
    return _Row(number, word, start, max(start, end))


def _seconds(number: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_SECONDS:
        raise _bad_row(number, f"time {cell[:40]!r}", "seconds between 0 and 86400, and no header row")
    return value


def _check_order(timed: list[_Row]) -> None:
    for before, after in pairwise(timed):
        back = before.offset - after.onset
        if back > TOLERANCE_S + 1e-9 or after.onset < before.onset - TOLERANCE_S:
            raise _bad_row(
                after.number,
                f"'{after.word}' starts {back:.3f} s before '{before.word}' ends",
                "words in order, overlapping by at most 0.05 s",
            )


def _times(rows: list[_Row]) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and offsets of all words: clipped where timed, shared out where not."""
    at = np.array([i for i, row in enumerate(rows) if row.timed])
    starts = np.maximum.accumulate([rows[i].onset for i in at])
    ends = np.maximum([rows[i].offset for i in at], starts)
    ends[:-1] = np.maximum(starts[:-1], np.minimum(ends[:-1], starts[1:]))
    # One running index of word boundaries: timed word i begins at i and ends at i + 1, so
    # linear interpolation shares a gap out evenly and holds the nearest time at both ends.
    boundaries = np.stack([at, at + 1], axis=1).ravel()
    times = np.stack([starts, ends], axis=1).ravel()
    index = np.arange(len(rows))
    onsets = np.interp(index, boundaries, times)
    offsets = np.interp(index + 1, boundaries, times)
    onsets[at], offsets[at] = starts, ends  # two timed words may meet at one boundary
    return onsets, offsets


def _spans(words: tuple[str, ...]) -> np.ndarray:
    lengths = np.array([len(word) for word in words])
    ends = np.cumsum(lengths + 1) - 1
    return np.stack([ends - lengths, ends], axis=1).astype(np.int64)  # (n_words, 2)


def _bad_row(number: int, found: str, needed: str) -> StoryError:
    return StoryError(
        f"Row {number} of the transcript does not fit", found=found, needed=needed, do="mend that row"
    )
