"""Transcripts in JSON: Gentle, WhisperX and Whisper.

- Gentle (github.com/lowerquality/gentle): ``transcript`` and ``words[]`` with
  ``case``, ``start``, ``end``, ``startOffset``, ``endOffset``.
- Whisper (github.com/openai/whisper) and WhisperX (github.com/m-bain/whisperX):
  ``segments[]`` with ``text``, ``start``, ``end`` and perhaps ``words[]``; a
  bare list of segments; or, as the web service answers, ``text`` and ``words[]``.

Whisper writes NaN where a confidence has no value, so NaN is read, and refused
only where a time is wanted.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import StoryError
from .story_formats import (
    Transcript,
    Word,
    check_count,
    clean,
    locate,
    misfit,
    seconds,
    share_by_letters,
    spoken,
    timed_word,
    visible,
)

MAX_CONTAINERS = 400_000  # objects and lists; bounds what 10 MiB of "{}" can take in memory
MAX_VALUES = 1_500_000
UNIT = "Word"
_NEEDED = "'words' (Gentle) or 'segments' (Whisper, WhisperX) with word, start and end"


def parse_json(text: str) -> Transcript:
    """Words of a Gentle, WhisperX or Whisper file.

    Words without ``start`` and ``end`` (numbers in WhisperX, words that Gentle
    did not hear) stay untimed. Words of a segment without word times share its
    duration by their letters and are marked as not measured. Speech that is
    not in the transcript (Gentle's ``not-found-in-transcript``) is left out, as
    in Gentle's own CSV.

    Raises
    ------
    StoryError
        Not JSON, too deep or too many values, or not one of these forms.
    """
    value = _load(text)
    if isinstance(value, list):
        alone = bool(value) and isinstance(value[0], dict) and "word" in value[0]
        value = {"words" if alone else "segments": value}
    if not isinstance(value, dict):
        raise _unknown(f"a bare {type(value).__name__}")
    if isinstance(value.get("words"), list) and value["words"]:
        return _word_list(value)
    if isinstance(value.get("segments"), list) and value["segments"]:
        return _segments(value["segments"])
    raise _unknown(f"keys {', '.join(sorted(value))[:80] or 'none'}, or no words in them")


def _load(text: str) -> Any:
    if text.count("{") + text.count("[") > MAX_CONTAINERS or text.count(",") > MAX_VALUES:
        raise _not_json("too many values", f"at most {MAX_VALUES} values in {MAX_CONTAINERS} objects")
    try:
        # Whole numbers as floats: a number of thousands of digits is infinite, not a long computation.
        return json.loads(text, parse_int=float, object_pairs_hook=_without_doubles)
    except RecursionError as error:
        raise _not_json("lists or objects nested too deep", "a few levels") from error
    except ValueError as error:
        raise _not_json(str(error)[:80], "valid JSON") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError(f"a key twice in one object of {', '.join(mapping)}"[:80])
    return mapping


def _word_list(value: dict) -> Transcript:
    check_count(len(value["words"]))
    items = [
        item
        for i, item in enumerate(value["words"], 1)
        if _object(i, item).get("case") != "not-found-in-transcript"
    ]
    words = [_word(i, item) for i, item in enumerate(items, 1)]
    printed = value.get("transcript", value.get("text")) or ""
    if not isinstance(printed, str) or not words:
        return _printed(words, "")
    spans = _offsets(items, words, printed)
    if spans is None:
        return _printed(words, printed)
    text, spans = visible(printed, spans)
    return Transcript(words, UNIT, text, spans)


def _offsets(items: list[dict], words: list[Word], printed: str) -> np.ndarray | None:
    """Gentle's own character offsets, where they cut the words out of the transcript."""
    try:
        spans = [(int(item["startOffset"]), int(item["endOffset"])) for item in items]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    edges = [0, *(edge for span in spans for edge in span), len(printed)]
    if edges != sorted(edges):
        return None
    cut = all(clean(printed[a:b]) == word.text for (a, b), word in zip(spans, words, strict=True))
    return np.array(spans, np.int64) if cut else None


def _segments(segments: list) -> Transcript:
    words: list[Word] = []
    printed: list[str] = []
    for i, item in enumerate(segments, 1):
        segment = _object(i, item, "Segment")
        text = segment.get("text", "")
        if not isinstance(text, str):
            raise misfit("Segment", i, f"a text of {type(text).__name__}", "a string")
        listed = segment.get("words") or []
        if not isinstance(listed, list):
            raise misfit("Segment", i, f"words as {type(listed).__name__}", "a list")
        check_count(len(words) + len(listed))
        if listed:
            words += [_word(len(words) + j, _object(j, word)) for j, word in enumerate(listed, 1)]
        else:
            words += _estimated(i, segment, text, len(words))
        printed.append(text if text[:1].isspace() else " " + text)
    return _printed(words, "".join(printed))


def _estimated(number: int, segment: dict, text: str, before: int) -> list[Word]:
    """Words of a segment that has one time for all of them."""
    text, _ = visible(text, np.zeros((0, 2), np.int64))
    words = [text[a:b] for a, b in spoken(text)]
    check_count(before + len(words))
    if not words:
        return []
    if segment.get("start") is None or segment.get("end") is None:
        return [Word(before + i, word) for i, word in enumerate(words, 1)]
    whole = _timed("Segment", number, text, segment)
    edges = share_by_letters(words, whole.onset, whole.offset).tolist()
    return [Word(before + i + 1, word, edges[i], edges[i + 1], False) for i, word in enumerate(words)]


def _word(number: int, item: dict) -> Word:
    text = item.get("word", item.get("text"))
    if not isinstance(text, str) or not (text := clean(text)):
        raise misfit(UNIT, number, f"word {text!r}"[:60], "a word")
    missing = [item.get(key) is None for key in ("start", "end")]
    if all(missing):
        return Word(number, text)
    if any(missing):
        raise misfit(UNIT, number, "only one of start and end", "both times or neither")
    return _timed(UNIT, number, text, item)


def _timed(unit: str, number: int, text: str, item: dict) -> Word:
    times = item["start"], item["end"]
    if not all(isinstance(time, float) for time in times):
        raise misfit(unit, number, f"times {times!r}"[:60], "numbers")
    start, end = (seconds(unit, number, time) for time in times)
    return timed_word(unit, number, text, start, end)


def _printed(words: list[Word], text: str) -> Transcript:
    """Keep the printed text where it is these words and punctuation, else the words alone."""
    text, _ = visible(text, np.zeros((0, 2), np.int64))
    text = text.strip()
    spans = locate(text, [word.text for word in words]) if text else None
    return Transcript(words, UNIT) if spans is None else Transcript(words, UNIT, text, spans)


def _object(number: int, item: Any, unit: str = UNIT) -> dict:
    if not isinstance(item, dict):
        raise misfit(unit, number, f"a {type(item).__name__}", "an object with start and end")
    return item


def _unknown(found: str) -> StoryError:
    return StoryError(
        "The JSON file is not a transcript", found=found, needed=_NEEDED, do="choose the aligner's JSON file"
    )


def _not_json(found: str, needed: str) -> StoryError:
    return StoryError("The JSON file cannot be read", found=found, needed=needed, do="write the file again")
