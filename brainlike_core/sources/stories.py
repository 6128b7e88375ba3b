"""Stories: transcripts with word timings, in the formats that researchers have.

==================  =========================================================
Gentle              ``align.csv`` and ``align.json`` (lowerquality/gentle)
Praat TextGrid      long and short text format, UTF-8 or UTF-16
WhisperX, Whisper   JSON with or without word times
table               CSV/TSV with a header; BIDS events; Le Petit Prince words
plain text          ``.txt`` read at so many words per minute
==================  =========================================================
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import StoryError
from ..values import Story
from .story_formats import (
    FORMATS,
    MAX_BYTES,
    MAX_LETTERS,
    MAX_SECONDS,
    TOLERANCE_S,
    Transcript,
    Word,
    misfit,
    parse_plain,
    read_text,
)
from .story_formats_json import parse_json
from .story_formats_table import delimiter_of, is_gentle, parse_gentle_csv, parse_table
from .textgrid import parse_textgrid

PACE = (20.0, 1000.0)  # words per minute
# What may be in a file of that name; the first one is tried where the content tells nothing.
KINDS = {
    ".json": ("json",),
    ".textgrid": ("textgrid",),
    ".csv": ("table", "gentle"),
    ".tsv": ("table",),
    ".txt": ("plain", "table", "gentle", "json", "textgrid"),
}
_TITLES = {
    "json": "JSON",
    "textgrid": "a TextGrid",
    "table": "a table",
    "gentle": "Gentle's CSV",
    "plain": "plain text",
}
_READERS = {"words_per_minute": "plain", "section": "table", "tier": "textgrid"}


def read_story(
    path: str | Path,
    name: str = "",
    title: str = "",
    *,
    words_per_minute: float = 0.0,
    onset_s: float = 0.0,
    encoding: str = "",
    section: int = 0,
    tier: str = "",
) -> Story:
    """Read a story in any of the formats above.

    The format is what the content says, and a name that ends in ``.csv``,
    ``.tsv``, ``.json``, ``.TextGrid`` or ``.txt`` has to agree with it.

    Parameters
    ----------
    path : path of a file of at most 10 MiB
    name, title : str
        How the story is called in configs, and for people. Empty: the name of
        the file without its extension, and the name.
    words_per_minute : float
        Pace of plain text, 20 to 1000; needed there and refused elsewhere.
    onset_s : float
        Seconds from the first volume to time zero of the file; added to all
        times. Negative where volumes were cut from the start.
    encoding : str
        ``utf-8``, ``utf-16``, ``mac_roman``, ``latin-1`` or ``cp1252``; empty =
        from the byte-order mark and the bytes that occur.
    section : int
        Of a table with a column ``section``; 0 = all, if they share one clock.
        Le Petit Prince needs 1 to 9.
    tier : str
        Name of the tier of words of a TextGrid; empty = see ``parse_textgrid``.

    Returns
    -------
    Story
        ``text`` keeps the punctuation of formats that print it (Gentle's and
        Whisper's JSON, plain text); else it is the words joined by single
        spaces. ``aligned`` is False for words whose time was not measured:
        words without time share the gap between their timed neighbours evenly
        (at an end of the story they take the nearest time, with no duration);
        words of a Whisper segment without word times, and those of plain text,
        share its duration by their letters. Where that holds for all words the
        title ends with "(timings estimated)". Overlaps and steps back of up to
        50 ms are clipped.

    Raises
    ------
    StoryError
        The file is none of these formats, or an option does not fit it; names
        the row, word or interval.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "tale.txt").write_text("Once, a king.")
    ...     story = read_story(Path(folder, "tale.txt"), words_per_minute=60)
    >>> story.title, story.words, story.onsets.tolist()
    ('tale (timings estimated)', ('Once', 'a', 'king'), [0.0, 1.3333333333333333, 1.6666666666666665])
    """
    path = Path(path)
    _check_onset(onset_s)
    text = read_text(path, encoding)
    kind = _kind(path, text)
    options = {"words_per_minute": words_per_minute, "section": section, "tier": tier}
    for option, value in options.items():
        if value and kind != _READERS[option]:
            raise _misplaced(path.name, kind, option, value)
    transcript = _parse(kind, text, words_per_minute, section, tier)
    name = name or path.stem
    return _story(transcript, name, title or name, onset_s)


def read_gentle_csv(path: str | Path, name: str, title: str) -> Story:
    """Read a transcript aligned by Gentle.

    Parameters
    ----------
    path : path of a CSV file
        Columns ``word, aligned, onset, offset`` without header, in seconds.
        Any encoding of :func:`read_story`, at most 10 MiB. ``<unk>`` (a word that is
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
    return _story(parse_gentle_csv(read_text(Path(path))), name, title, 0.0)


def _kind(path: Path, text: str) -> str:
    """Format of a file by its content; its extension has to agree."""
    found = _content(text)
    expected = KINDS.get(path.suffix.lower())
    if expected is None and not found:
        raise StoryError(
            f"The format of transcript {path.name} cannot be told",
            found=f"extension {path.suffix[:20]!r} and text of no known format",
            needed=FORMATS,
            do="rename the file to the extension of its format",
        )
    if expected and found and found not in expected:
        raise StoryError(
            f"Transcript {path.name} is not what its name says",
            found=f"{_TITLES[found]} in a file named {path.suffix}",
            needed=" or ".join(_TITLES[kind] for kind in expected),
            do="rename the file to the extension of its format",
        )
    return found or (expected or ("",))[0]


def _content(text: str) -> str:
    head = text[:10_000].lstrip()
    if "ooTextFile" in head.split("\n", 1)[0]:
        return "textgrid"
    if re.match(r'\{\s*["}]|\[\s*[\[{\]]', head):
        return "json"
    if delimiter_of(text):
        return "table"
    return "gentle" if is_gentle(text) else ""


def _parse(kind: str, text: str, words_per_minute: float, section: int, tier: str) -> Transcript:
    if kind == "plain":
        _check_pace(words_per_minute)
        return parse_plain(text, words_per_minute)
    if kind == "table":
        return parse_table(text, section)
    if kind == "textgrid":
        return parse_textgrid(text, tier)
    return parse_json(text) if kind == "json" else parse_gentle_csv(text)


def _check_onset(onset_s: float) -> None:
    if not abs(onset_s) <= MAX_SECONDS:
        raise StoryError(
            "The onset of the story is out of range",
            found=f"onset_s {onset_s}",
            needed="seconds between -86400 and 86400",
            do="set onset_s to the start of the story on the scanner's clock",
        )


def _check_pace(words_per_minute: float) -> None:
    if not PACE[0] <= words_per_minute <= PACE[1]:
        raise StoryError(
            "Plain text has no timings",
            found=f"words_per_minute {words_per_minute}",
            needed=f"a pace of {PACE[0]:.0f} to {PACE[1]:.0f} words per minute",
            do="set words_per_minute (about 150 for read speech), or give a file with timings",
        )


def _misplaced(name: str, kind: str, option: str, value: object) -> StoryError:
    return StoryError(
        f"Option {option} does not fit transcript {name}",
        found=f"{option} {str(value)[:40]!r} for {_TITLES[kind]}",
        needed=f"{option} only for {_TITLES[_READERS[option]]}",
        do=f"leave {option} out",
    )


def _story(transcript: Transcript, name: str, title: str, onset_s: float) -> Story:
    words = transcript.words
    timed = [word for word in words if word.timed]
    if not timed:
        raise StoryError(
            f"Transcript '{name}' has no timed word",
            found=f"{len(words)} words",
            needed="onset and offset of at least one word",
            do="align the audio with its transcript first",
        )
    _check_order(timed, transcript.unit)
    onsets, offsets = _times(words)
    texts = tuple(word.text for word in words)
    _check_lengths(words, transcript.unit)
    aligned = np.array([word.timed and word.measured for word in words])
    return Story(
        name=name,
        title=title if aligned.any() else f"{title} (timings estimated)",
        text=transcript.text or " ".join(texts),
        words=texts,
        spans=_spans(texts) if transcript.spans is None else transcript.spans,
        onsets=onsets + onset_s,
        offsets=offsets + onset_s,
        aligned=aligned,
    )


def _check_lengths(words: list[Word], unit: str) -> None:
    longest = max(words, key=lambda word: len(word.text))
    if len(longest.text) > MAX_LETTERS:
        found = f"'{longest.text[:20]}...' of {len(longest.text)} letters"
        raise misfit(unit, longest.number, found, f"words of at most {MAX_LETTERS} letters")


def _check_order(timed: list[Word], unit: str) -> None:
    for before, after in pairwise(timed):
        back = before.offset - after.onset
        if back > TOLERANCE_S + 1e-9 or after.onset < before.onset - TOLERANCE_S:
            raise misfit(
                unit,
                after.number,
                f"'{after.text[:40]}' starts {back:.3f} s before '{before.text[:40]}' ends",
                "words in order, overlapping by at most 0.05 s",
            )


def _times(words: list[Word]) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and offsets of all words: clipped where timed, shared out where not."""
    at = np.array([i for i, word in enumerate(words) if word.timed])
    starts = np.maximum.accumulate([words[i].onset for i in at])
    ends = np.maximum([words[i].offset for i in at], starts)
    ends[:-1] = np.maximum(starts[:-1], np.minimum(ends[:-1], starts[1:]))
    # One running index of word boundaries: timed word i begins at i and ends at i + 1, so
    # linear interpolation shares a gap out evenly and holds the nearest time at both ends.
    boundaries = np.stack([at, at + 1], axis=1).ravel()
    times = np.stack([starts, ends], axis=1).ravel()
    index = np.arange(len(words))
    onsets = np.interp(index, boundaries, times)
    offsets = np.interp(index + 1, boundaries, times)
    onsets[at], offsets[at] = starts, ends  # two timed words may meet at one boundary
    return onsets, offsets


def _spans(words: tuple[str, ...]) -> np.ndarray:
    lengths = np.array([len(word) for word in words])
    ends = np.cumsum(lengths + 1) - 1
    return np.stack([ends - lengths, ends], axis=1).astype(np.int64)  # (n_words, 2)


__all__ = ["MAX_BYTES", "read_gentle_csv", "read_story"]
