"""Transcripts as tables: Gentle's CSV without header, and CSV/TSV with a header.

Tables of researchers differ in their names, so a few names are known for each
role (``ONSETS``, ``OFFSETS``, ``DURATIONS``, ``WORDS``); times are seconds. The
events files of BIDS (bids-specification.readthedocs.io, "Task events") are such
tables, and so is the word table of Le Petit Prince (OpenNeuro ds003643).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import StoryError
from .story_formats import (
    TOLERANCE_S,
    Transcript,
    Word,
    check_count,
    check_word_by_word,
    clean,
    misfit,
    seconds,
    timed_word,
)

UNIT = "Row"
GENTLE_COLUMNS = "word, aligned, onset, offset"
DELIMITERS = ",\t;|"
ONSETS = ("onset", "start", "start_time", "begin", "tmin", "xmin")
OFFSETS = ("offset", "end", "end_time", "stop", "tmax", "xmax")
DURATIONS = ("duration", "dur")
WORDS = ("word", "words", "token", "text", "transcript", "transcription")  # the first one there
EVENTS = ("value", "trial_type")  # may hold the words in a BIDS events file
MISSING = {"", "n/a"}
_NEEDED = "columns onset, word and one of duration, offset or end, separated by comma, tab, ; or |"


def parse_gentle_csv(text: str) -> Transcript:
    """Rows of word, aligned, onset, offset without header; times may be blank.

    Raises
    ------
    StoryError
        A row that is not of this form; names it.
    """
    words = [_gentle_row(number, cells) for number, cells in _rows(text, ",", GENTLE_COLUMNS)]
    if not words:
        raise StoryError(
            "The transcript is empty",
            found="no words",
            needed=f"rows of {GENTLE_COLUMNS}",
            do="choose the aligner's CSV file",
        )
    return Transcript(words, UNIT)


def _gentle_row(number: int, cells: list[str]) -> Word:
    if len(cells) != 4:
        raise misfit(UNIT, number, f"{len(cells)} columns", f"4 columns ({GENTLE_COLUMNS})")
    word, _, onset, offset = cells
    if not (word := clean(word)):
        raise misfit(UNIT, number, "no word", "a word in the first column")
    if bool(onset) != bool(offset):
        raise misfit(UNIT, number, f"onset {onset!r} and offset {offset!r}"[:80], "both times or neither")
    if not onset:
        return Word(number, word)
    return timed_word(UNIT, number, word, seconds(UNIT, number, onset), seconds(UNIT, number, offset))


def _rows(text: str, delimiter: str, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped cells of each row that is not blank."""
    check_count(max(text.count("\n"), text.count("\r")))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield lines.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise misfit(UNIT, lines.line_num, str(error), f"columns {columns}") from error


@dataclass(frozen=True)
class _Columns:
    """Positions of the columns in use; -1 where there is none."""

    n: int
    onset: int
    offset: int
    duration: int
    word: int
    kind: int = -1
    section: int = -1
    lemma: int = -1


def delimiter_of(text: str) -> str:
    """The delimiter under which the first row is a header of a table of words; '' if none.

    Examples
    --------
    >>> delimiter_of("onset;duration;word"), delimiter_of("I,i,1.0,1.1")
    (';', '')
    """
    fitting = [d for d in DELIMITERS if _is_header(_header(text, d))]
    return fitting[0] if len(fitting) == 1 else ""


def is_gentle(text: str) -> bool:
    """Whether the first row is four cells, the last two of them numbers or blank."""
    cells = _header(text, ",")
    return len(cells) == 4 and all(re.fullmatch(r"(-?\d[\d.eE+-]*)?", cell, re.ASCII) for cell in cells[2:])


def _header(text: str, delimiter: str) -> list[str]:
    first = re.split(r"[\r\n]", text[:10_000].lstrip(), maxsplit=1)[0]
    cells = next(csv.reader([first], delimiter=delimiter), [])
    return [cell.strip().casefold() for cell in cells]


def _is_header(cells: list[str]) -> bool:
    roles = (ONSETS, OFFSETS + DURATIONS, WORDS + EVENTS)
    return all(any(cell in names for cell in cells) for names in roles)


def parse_table(text: str, section: int = 0) -> Transcript:
    """Words of a table with a header.

    Rows whose word is blank or ``n/a`` are events without a word and are left
    out. A word whose onset and end are blank or ``n/a`` stays untimed. The
    words are in the first column there of ``WORDS``; else in ``value`` or
    ``trial_type``. Where some ``trial_type`` is ``word``, only those rows count.

    Parameters
    ----------
    text : str
        The file, decoded.
    section : int
        Keep the rows of this section; needs a column ``section``. 0 = all of
        them, which is refused where a section begins before the last one ends.
        The nine sections of Le Petit Prince each begin at 0 s, on the clock of
        their own scanner run, so that table needs a section from 1 to 9.

    Notes
    -----
    The table of Le Petit Prince (columns ``lemma`` and ``section``) splits 31
    contractions into a word ("hasnt") with half the time and a blank row with
    the other half: the halves are joined again. A spreadsheet made its "true"
    and "false" upper case: they are lower case again.

    Raises
    ------
    StoryError
        Columns that are missing, double or ambiguous; a row that does not fit;
        no word; a section that is not there.
    """
    delimiter = delimiter_of(text)
    if not delimiter:
        raise _wrong_columns(_header(text, ","), "")
    rows = _rows(text, delimiter, "as in the header")
    _, names = next(rows)
    columns = _columns([name.casefold() for name in names])
    kinds = _has_kind_word(text, delimiter, columns)
    words, sections, seen = _words(rows, columns, kinds, section)
    if not words:
        raise _no_words(section, seen)
    _check_clock(words, sections)
    check_word_by_word(words, f"Column '{names[columns.word]}'")
    return Transcript(words, UNIT)


def _columns(header: list[str]) -> _Columns:
    named = [name for name in header if name]
    if len(named) != len(set(named)):
        raise _wrong_columns(header, "a name that occurs twice")
    at = {name: i for i, name in enumerate(header)}
    word = next((name for name in WORDS if name in at), "")
    if not word:
        events = [name for name in EVENTS if name in at]
        word = "value" if "value" in at else events[0]
    kind = at.get("trial_type", -1) if word != "trial_type" else -1
    return _Columns(
        n=len(header),
        onset=_only(at, ONSETS),
        offset=_only(at, OFFSETS),
        duration=_only(at, DURATIONS),
        word=at[word],
        kind=kind,
        section=at.get("section", -1),
        lemma=at.get("lemma", -1),
    )


def _only(at: dict[str, int], names: tuple[str, ...]) -> int:
    there = [name for name in names if name in at]
    if len(there) > 1:
        raise _wrong_columns(list(at), f"both {' and '.join(there)}")
    return at[there[0]] if there else -1


def _has_kind_word(text: str, delimiter: str, columns: _Columns) -> bool:
    """Whether ``trial_type`` marks the rows of words."""
    if columns.kind < 0:
        return False
    rows = _rows(text, delimiter, "as in the header")
    header = next(rows)[1]
    marked = any(len(row) == columns.n and row[columns.kind].casefold() == "word" for _, row in rows)
    if not marked and header[columns.word].casefold() in EVENTS:
        raise _wrong_columns(header, "words that may be in 'value' or in 'trial_type'")
    return marked


def _words(
    rows: Iterator[tuple[int, list[str]]], columns: _Columns, kinds: bool, section: int
) -> tuple[list[Word], list[str], list[str]]:
    """Words of the wanted rows, the section of each, and all sections there are."""
    if section and columns.section < 0:
        raise StoryError(
            "The table has no sections",
            found=f"section {section}",
            needed="a column 'section'",
            do="leave section at 0",
        )
    words: list[Word] = []
    sections: list[str] = []
    seen: dict[str, None] = {}
    for number, cells in rows:
        if len(cells) != columns.n or any("\n" in cell or "\r" in cell for cell in cells):
            raise misfit(UNIT, number, _shape(cells), f"{columns.n} cells as in the header")
        if kinds and cells[columns.kind].casefold() != "word":
            continue
        here = re.sub(r"\.0+$", "", cells[columns.section]) if columns.section >= 0 else ""
        seen[here] = None
        if section and here != str(section):
            continue
        joined = _joined(number, cells, columns, words if sections[-1:] == [here] else [])
        if joined:
            words[-1] = joined
        elif cells[columns.word].casefold() not in MISSING:
            words.append(_word(number, cells, columns))
            sections.append(here)
    return words, sections, list(seen)


def _shape(cells: list[str]) -> str:
    broken = any("\n" in cell or "\r" in cell for cell in cells)
    return "a quote that is not closed on its line" if broken else f"{len(cells)} cells"


def _joined(number: int, cells: list[str], columns: _Columns, words: list[Word]) -> Word | None:
    """The last word with the time of a blank row after it: the other half of a contraction."""
    if columns.lemma < 0 or columns.section < 0 or cells[columns.word] or not words:
        return None
    onset, offset = _times(number, cells, columns)
    if onset is None or offset is None or abs(onset - words[-1].offset) > TOLERANCE_S / 10:
        return None
    return words[-1]._replace(offset=offset)


def _word(number: int, cells: list[str], columns: _Columns) -> Word:
    text = clean(cells[columns.word])
    if columns.lemma >= 0 and columns.section >= 0 and text in ("TRUE", "FALSE"):
        text = text.lower()
    onset, offset = _times(number, cells, columns)
    if onset is None or offset is None:
        return Word(number, text)
    return timed_word(UNIT, number, text, onset, offset)


def _times(number: int, cells: list[str], columns: _Columns) -> tuple[float | None, float | None]:
    at = [column for column in (columns.onset, columns.offset, columns.duration) if column >= 0]
    missing = [cells[column].casefold() in MISSING for column in at]
    if all(missing):
        return None, None
    if any(missing):
        raise misfit(UNIT, number, "only some of its times", "an onset and an end, or neither")
    onset, *ends = (seconds(UNIT, number, cells[column]) for column in at)
    if columns.duration >= 0:
        ends[-1] += onset
    if abs(ends[0] - ends[-1]) > TOLERANCE_S:
        raise misfit(UNIT, number, f"offset {ends[0]} and onset + duration {ends[-1]}", "one end of the word")
    return onset, ends[0]


def _check_clock(words: list[Word], sections: list[str]) -> None:
    """Several sections are one story only where time runs on through them."""
    last: Word | None = None
    last_section = ""
    for word, here in zip(words, sections, strict=True):
        if not word.timed:
            continue
        if last and here != last_section and word.onset < last.offset - TOLERANCE_S:
            names = list(dict.fromkeys(sections))
            raise StoryError(
                "The sections of the table are on clocks of their own",
                found=f"section {here} at {word.onset} s after section {last_section} at {last.offset} s",
                needed=f"one of sections {', '.join(names[:12])}",
                do="give section= its number",
            )
        last, last_section = word, here


def _no_words(section: int, sections: list[str]) -> StoryError:
    if section:
        return StoryError(
            f"The table has no words in section {section}",
            found=f"sections {', '.join(sections[:12])}",
            needed="a section that is there",
            do="give section= another number",
        )
    return StoryError(
        "The transcript is empty",
        found="no words: all cells of the column of words are blank or n/a",
        needed="a word in each row that is one",
        do="choose the table of words",
    )


def _wrong_columns(header: list[str], found: str) -> StoryError:
    names = ", ".join(name for name in header if name)[:80]
    return StoryError(
        "The columns of the table do not fit",
        found=f"{found + ' in ' if found else ''}a first row of {names!r}",
        needed=f"{_NEEDED} (or Gentle's {GENTLE_COLUMNS} without header)",
        do="name the columns so",
    )
