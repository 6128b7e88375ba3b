"""Praat TextGrids, in the long and the short text format.

As Praat itself does (fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html),
only free-standing numbers, quoted strings and ``<exists>`` are read; all else
(``xmin =``, ``intervals [3]:``, comments after ``!``) is decoration, so both
formats are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import StoryError
from .story_formats import Transcript, check_count, check_word_by_word, clean, seconds, timed_word

MAX_TIERS = 100
MAX_INTERVALS = 200_000  # in all tiers
PAUSES = {"", "#", "##", "_", "sp", "sil", "<sil>", "<eps>", "<p>", "<p:>"}
_NOISES = re.compile(r"\{[A-Z]{2}\}")  # {SL}, {BR}, {LG}, {NS}, {CG} of the Penn aligner
_TOKEN = re.compile(
    r'"(?P<string>[^"]*+(?:""[^"]*+)*+)"|(?<!\S)(?:'
    r"(?P<comment>![^\r\n]*)|(?P<number>[+-]?\d[\d.eE+-]*)(?!\S)|(?P<flag><exists>|<absent>)(?!\S))"
    r'|(?P<open>")',
    re.ASCII,
)
# Names of the tier of words, the most telling first: MFA "words", LPP "TokensAlign", WebMAUS "ORT-MAU".
_NAMES = (r"(?<![a-z])words?(?![a-z])", r"token", r"(?<![a-z])ort(?![a-z])", r"transcri|orthogr|text")
_WORD_TIERS = [re.compile(p, re.I) for p in _NAMES]
_OTHER_TIERS = re.compile(
    r"phon|segment|syll|\bkan\b|\bmau\b|\bipa\b|sentence|utterance|phrase|pos\b|gloss|note|comment", re.I
)


@dataclass(frozen=True)
class Tier:
    """An interval tier: (number, onset, offset, label) of each interval that is no pause."""

    name: str
    labels: list[tuple[int, float, float, str]]


def parse_textgrid(text: str, tier: str = "") -> Transcript:
    """Words of the tier of words.

    Parameters
    ----------
    text : str
        The file, decoded.
    tier : str
        Name of the tier of words. Empty: the interval tier whose name says so
        (word(s), then token, ORT, then transcript, orthography or text); without
        such a name, the one with most labels of those not named for phones,
        syllables, sentences or notes. Empty intervals and the pause marks
        ``# sp sil <eps> {SL}`` ... are no words; labels are kept as written.

    Raises
    ------
    StoryError
        Not a TextGrid, counts that do not hold, no interval tier, or two tiers
        that may be it.
    """
    chosen = _choose(_tiers(_Tokens(text)), tier)
    check_count(len(chosen.labels))
    unit = "Interval"
    words = [
        timed_word(unit, number, label, seconds(unit, number, start), seconds(unit, number, end))
        for number, start, end, label in chosen.labels
    ]
    check_word_by_word(words, f"Tier '{chosen.name}'")
    return Transcript(words, unit)


class _Tokens:
    """The free-standing numbers, strings and flags of the file, one after the other."""

    def __init__(self, text: str) -> None:
        self._matches: Iterator[re.Match] = _TOKEN.finditer(text)

    def next(self, kind: str, what: str) -> str:
        """The next token, which has to be of that kind ('number', 'string' or 'flag')."""
        found = self._any()
        if found is None:
            raise _damaged("the end of the file", what, "save the TextGrid again, it is cut short")
        if found.lastgroup != kind:
            raise _damaged(f"{found.group()[:40]!r}", what, "check the counts and quotes of the file")
        return found.group(kind)

    def number(self, what: str) -> float:
        token = self.next("number", what)
        try:
            return float(token)
        except ValueError as error:
            raise _damaged(repr(token[:40]), what, "mend that number") from error

    def string(self, what: str) -> str:
        return self.next("string", what).replace('""', '"')

    def end(self) -> None:
        rest = self._any()
        if rest is not None:
            raise _damaged(
                f"{rest.group()[:40]!r} after the last tier", "as much as the counts say", "mend the counts"
            )

    def _any(self) -> re.Match | None:
        return next((match for match in self._matches if match.lastgroup != "comment"), None)


def _tiers(tokens: _Tokens) -> list[Tier]:
    head = (tokens.string("file type 'ooTextFile'"), tokens.string("object class 'TextGrid'"))
    if head[0] != "ooTextFile" or head[1].split()[:1] != ["TextGrid"]:
        raise _damaged(f"{head[0][:20]!r}, {head[1][:20]!r}", "'ooTextFile', 'TextGrid'", "save it as text")
    tokens.number("xmin of the TextGrid")
    tokens.number("xmax of the TextGrid")
    if tokens.next("flag", "<exists>") != "<exists>":
        raise _no_tier("no tiers")
    n_tiers = _count(tokens, "the number of tiers", MAX_TIERS)
    tiers, n_read = [], 0
    for i in range(1, n_tiers + 1):
        kind, name = tokens.string(f"class of tier {i}"), clean(tokens.string(f"name of tier {i}"))
        tokens.number(f"xmin of tier {i}")
        tokens.number(f"xmax of tier {i}")
        n = _count(tokens, f"the number of intervals of tier {i}", MAX_INTERVALS - n_read)
        n_read += n
        if kind == "IntervalTier":
            tiers.append(Tier(name, _intervals(tokens, n, i)))
        elif kind == "TextTier":
            _skip_points(tokens, n, i)
        else:
            raise _damaged(f"class {kind[:40]!r} of tier {i}", "IntervalTier or TextTier", "save it again")
    tokens.end()
    return tiers


def _intervals(tokens: _Tokens, n: int, tier: int) -> list[tuple[int, float, float, str]]:
    labels = []
    for number in range(1, n + 1):
        where = f"interval {number} of {n} of tier {tier}"
        start, end = tokens.number(where), tokens.number(where)
        label = clean(tokens.string(where))
        if label.lower() not in PAUSES and not _NOISES.fullmatch(label):
            labels.append((number, start, end, label))
    return labels


def _skip_points(tokens: _Tokens, n: int, tier: int) -> None:
    for number in range(1, n + 1):
        where = f"point {number} of {n} of tier {tier}"
        tokens.number(where)
        tokens.string(where)


def _count(tokens: _Tokens, what: str, most: int) -> int:
    value = tokens.number(what)
    if not (0 <= value <= most and value == int(value)):
        raise _damaged(f"{value:g} as {what}", f"a whole number of at most {most}", "mend the count")
    return int(value)


def _choose(tiers: list[Tier], name: str) -> Tier:
    filled = [tier for tier in tiers if tier.labels]
    if name:
        filled = [tier for tier in filled if tier.name == name]
        if len(filled) != 1:
            raise _ambiguous(f"{len(filled)} tiers with words named {name!r}", tiers)
        return filled[0]
    if not filled:
        raise _no_tier("only empty or point tiers")
    for pattern in _WORD_TIERS:
        named = [tier for tier in filled if pattern.search(tier.name)]
        if len(named) > 1:
            raise _ambiguous(f"{len(named)} tiers that may hold the words", named)
        if named:
            return named[0]
    others = [tier for tier in filled if not _OTHER_TIERS.search(tier.name)]
    most = max((len(tier.labels) for tier in others), default=0)
    fullest = [tier for tier in others if len(tier.labels) == most]
    if len(fullest) != 1:
        raise _ambiguous("no tier that is clearly the words", filled)
    return fullest[0]


def _ambiguous(found: str, tiers: list[Tier]) -> StoryError:
    names = ", ".join(f"'{tier.name[:30]}' ({len(tier.labels)} labels)" for tier in tiers[:6])
    return StoryError(
        "The tier of words cannot be told",
        found=f"{found}: {names or 'no interval tier'}",
        needed="one interval tier of words",
        do="give tier= its name",
    )


def _no_tier(found: str) -> StoryError:
    return StoryError(
        "The TextGrid has no words",
        found=found,
        needed="an interval tier with labels",
        do="choose the aligned file",
    )


def _damaged(found: str, needed: str, do: str) -> StoryError:
    return StoryError("The TextGrid cannot be read", found=found, needed=needed, do=do)
