"""What every transcript format gives: words, their times, and the text as printed.

A parser turns the text of a file into a :class:`Transcript`; ``stories`` turns
that into a Story. This file reads the bytes and holds what parsers share.

Characters nobody speaks or sees (byte-order marks, zero-width spaces, soft
hyphens and the marks that turn the direction of writing) are removed: they
would split a word's tokens. The zero-width joiners stay, Persian and Hindi
spell with them. Control characters are refused. A cell such as ``=SUM(A1)`` is
a word like any other; nothing in a file is ever evaluated.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import StoryError

MAX_BYTES = 10 * 1024 * 1024
MAX_WORDS = 200_000  # a day of speech
MAX_LETTERS = 1000  # of one word
MAX_SECONDS = 86_400.0
TOLERANCE_S = 0.05  # aligners write words that overlap by a few milliseconds
MAX_WORD_S = 5.0  # half of the "words" last longer: they are sentences or blocks
FORMATS = "Gentle CSV or JSON, Praat TextGrid, Whisper or WhisperX JSON, a CSV/TSV table of words, or .txt"
ENCODINGS = {
    name.replace("_", "-"): name
    for name in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "mac_roman", "latin-1", "cp1252")
}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Where Windows-1252 typography stands in running text; the same bytes are letters in Mac Roman.
_WINDOWS_MARKS = re.compile(
    rb"(?<=[A-Za-z])\x92(?=(?:s|t|m|d|re|ve|ll)(?![A-Za-z\x80-\xff]))"  # he's
    rb"|(?<![A-Za-z\x80-\xff])[\x91\x93](?=[A-Za-z])"  # "he
    rb"|(?<=[A-Za-z.,!?])\x94(?![A-Za-z\x80-\xff])"  # so."
    rb"|(?<= )[\x96\x97](?= )|(?<=[A-Za-z])\x85(?![A-Za-z\x80-\xff])"  # dash, ellipsis
)


class Word(NamedTuple):
    """One word of a file; times are seconds, NaN where the file gives none."""

    number: int
    text: str
    onset: float = math.nan
    offset: float = math.nan
    measured: bool = True

    @property
    def timed(self) -> bool:
        return not math.isnan(self.onset)


@dataclass(frozen=True)
class Transcript:
    """What a parser found.

    Attributes
    ----------
    words : list of Word
    unit : str
        What ``Word.number`` counts: rows, words or intervals.
    text : str
        As printed; empty = the words joined by single spaces.
    spans : int64 (n_words, 2) or None
        First and last-plus-one character of each word in ``text``.
    """

    words: list[Word]
    unit: str = "Row"
    text: str = ""
    spans: np.ndarray | None = None


def read_text(path: Path, encoding: str = "") -> str:
    """Text of a transcript file, without invisible characters.

    Parameters
    ----------
    path : Path
        At most 10 MiB.
    encoding : str
        One of ``ENCODINGS``. Empty: a byte-order mark decides, then UTF-8 where
        the bytes are valid UTF-8, else one of the one-byte encodings by the
        bytes that occur (see :func:`decode`).

    Raises
    ------
    StoryError
        No file, too large, empty, not text, or not in that encoding.
    """
    raw = _read_bytes(path)
    text = decode(raw, encoding, path.name)
    if _CONTROLS.search(text):
        raise not_text(path.name, "control characters")
    text = _INVISIBLE.sub("", text)
    if not text.strip():
        raise StoryError(
            "The transcript is empty", found="no words", needed="words with times", do="choose the right file"
        )
    return text


def _read_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise StoryError(
                "The transcript cannot be read",
                found=f"no file '{path}'",
                needed=FORMATS,
                do="check the path",
            )
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StoryError(
            "The transcript cannot be read",
            found=error.strerror or "",
            needed="a readable file",
            do="check its permissions",
        ) from error
    if len(raw) > MAX_BYTES:
        raise StoryError(
            f"Transcript {path.name} is too large",
            found=f"more than {MAX_BYTES} bytes",
            needed="at most 10 MiB",
            do="split the story",
        )
    return raw


def decode(raw: bytes, encoding: str, name: str) -> str:
    """Text of the bytes of file ``name``.

    Every byte is valid in the one-byte encodings, so the bytes that occur
    decide: Mac Roman has its accented letters below 0xC0 and its curly quotes
    at 0xD2-0xD5, Latin-1 has its letters from 0xC0, and Windows-1252 adds
    quotes and dashes at 0x80-0x9F, taken for such only where each of them
    stands as a quote or dash would. Give ``encoding`` where accents come out
    wrong.

    Raises
    ------
    StoryError
        Unknown encoding, or bytes that are not in it.
    """
    if encoding:
        return _decode_as(raw, encoding, name)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decode_as(raw, "utf-16", name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    western = not re.search(rb"[\x80-\xbf\xd2-\xd5]", _WINDOWS_MARKS.sub(b"", raw))
    text = raw.decode("cp1252" if western else "mac_roman")
    return re.sub("[^\x00-\x7f]+", _undo_double_encoding, text)


def _decode_as(raw: bytes, encoding: str, name: str) -> str:
    codec = ENCODINGS.get(encoding.strip().lower().replace("_", "-"))
    if codec is None:
        raise StoryError(
            f"Encoding of transcript {name} is not known",
            found=repr(encoding[:40]),
            needed=f"one of {', '.join(ENCODINGS)}",
            do="choose one of these, or none",
        )
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise not_text(name, f"byte {error.start} that is not {codec}") from error


def _undo_double_encoding(match: re.Match) -> str:
    # A curly apostrophe saved as UTF-8, opened as Windows-1252 and saved again is three characters.
    try:
        return match.group().encode("cp1252").decode("utf-8")
    except UnicodeError:
        return match.group()


def clean(text: str) -> str:
    """A word without invisible characters, line breaks and doubled spaces.

    Raises
    ------
    StoryError
        It holds control characters or half a character (JSON can spell both).
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    if _CONTROLS.search(text):
        raise not_text("", "control characters")
    # Split no more often than a word has letters: what is longer is refused later, at little memory.
    return " ".join(_INVISIBLE.sub("", text).split(None, MAX_LETTERS)).rstrip()


def visible(text: str, spans: np.ndarray) -> tuple[str, np.ndarray]:
    """Printed text without invisible characters, and where its spans (n, 2) then lie."""
    if _CONTROLS.search(text):
        raise not_text("", "control characters")
    removed = np.fromiter((match.start() for match in _INVISIBLE.finditer(text)), np.int64)
    return _INVISIBLE.sub("", text), spans - np.searchsorted(removed, spans)


def seconds(unit: str, number: int, cell: str | float) -> float:
    """A time of one word.

    Raises
    ------
    StoryError
        Not a decimal number from 0 to 86400.
    """
    if isinstance(cell, str):
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    else:
        value = cell
    if not 0 <= value <= MAX_SECONDS:
        raise misfit(
            unit, number, f"time {str(cell)[:40]!r}", "seconds between 0 and 86400, and no header row"
        )
    return value


def timed_word(unit: str, number: int, text: str, onset: float, offset: float) -> Word:
    """A word with measured times; an offset up to 50 ms early is moved to the onset."""
    if offset < onset - TOLERANCE_S:
        raise misfit(unit, number, f"offset {offset} before onset {onset}", "an offset after the onset")
    return Word(number, text, onset, max(onset, offset))


def misfit(unit: str, number: int, found: str, needed: str) -> StoryError:
    """The error that names one row, word or interval."""
    return StoryError(
        f"{unit} {number} of the transcript does not fit",
        found=found,
        needed=needed,
        do=f"mend that {unit.lower()}",
    )


def not_text(name: str, found: str) -> StoryError:
    """The error for bytes that no transcript holds."""
    return StoryError(
        f"Transcript {name} is not text".replace("  ", " "),
        found=found,
        needed=FORMATS,
        do="choose the aligner's file, or give its encoding",
    )


def check_count(n: int) -> None:
    """Refuse more words than a day of speech."""
    if n > MAX_WORDS:
        raise StoryError(
            "The transcript is too long",
            found=f"{n} rows or words",
            needed=f"at most {MAX_WORDS}",
            do="split the story",
        )


def check_word_by_word(words: Sequence[Word], where: str) -> None:
    """Refuse sentences or blocks of a design where single words are needed."""
    lasts = [word.offset - word.onset for word in words if word.timed]
    several = sum(" " in word.text for word in words)
    if lasts and np.median(lasts) > MAX_WORD_S:
        found = f"a median duration of {np.median(lasts):.1f} s"
    elif several > len(words) / 2:
        found = f"{several} of {len(words)} labels of several words"
    else:
        return
    raise StoryError(
        f"{where} does not hold single words",
        found=found,
        needed="one word and its time in seconds per label",
        do="align the story word by word, or choose the tier or column of words",
    )


def spoken(text: str) -> list[tuple[int, int]]:
    """Spans of the words of running text, without the punctuation around them.

    Examples
    --------
    >>> [text[a:b] for text in ["He said: don't -- he's well-known."] for a, b in spoken(text)]
    ['He', 'said', "don't", "he's", 'well-known']
    """
    spans: list[tuple[int, int]] = []
    breaks = re.finditer(r"[\s\u2013\u2014\u2026]+|--+|$(?![\s\S])", text)  # the last one is the end
    after = 0
    for match in breaks:
        start, end, after = after, match.start(), match.end()
        while start < end and _punctuation(text[start]):
            start += 1
        while start < end and _punctuation(text[end - 1]):
            end -= 1
        if start < end:
            spans.append((start, end))
            check_count(len(spans))
    return spans


def _punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"


def share_by_letters(words: Sequence[str], start: float, end: float) -> np.ndarray:
    """Boundaries (n_words + 1,) of words that share a time by their letters."""
    letters = np.maximum([sum(map(str.isalnum, word)) for word in words], 1)
    return start + (end - start) * np.concatenate([[0.0], np.cumsum(letters) / letters.sum()])


def locate(text: str, words: Sequence[str]) -> np.ndarray | None:
    """Spans (n_words, 2) of the words in printed text.

    Only punctuation and spaces may lie between them and after the last one;
    otherwise the text is not these words, and the answer is None.
    """
    spans, at = [], 0
    for word in words:
        start = text.find(word, at)
        if start < 0 or any(map(str.isalnum, text[at:start])):
            return None
        at = start + len(word)
        spans.append((start, at))
    if any(map(str.isalnum, text[at:])):
        return None
    return np.array(spans, np.int64).reshape(-1, 2)


def parse_plain(text: str, words_per_minute: float) -> Transcript:
    """Running text read at an even pace; a word lasts by its letters. None of the times is measured.

    Raises
    ------
    StoryError
        No word, too many, or more than a day.
    """
    check_count(len(text.split(None, MAX_WORDS + 1)))
    spans = spoken(text)
    words = [text[a:b] for a, b in spans]
    if not words:
        raise StoryError(
            "The transcript is empty", found="no words", needed="running text", do="choose the right file"
        )
    lasts = 60.0 * len(words) / words_per_minute
    if lasts > MAX_SECONDS:
        raise StoryError(
            "The transcript is too long",
            found=f"{lasts:.0f} s at {words_per_minute} words per minute",
            needed="at most 86400 s",
            do="raise words_per_minute",
        )
    edges = share_by_letters(words, 0.0, lasts).tolist()
    listed = [Word(i + 1, word, edges[i], edges[i + 1], False) for i, word in enumerate(words)]
    return Transcript(listed, "Word", text, np.array(spans, np.int64))
