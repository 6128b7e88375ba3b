"""Texts that networks inside a model are found with, and items that what it can do is scored with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ..errors import TextError
from .frozen import check


@dataclass(frozen=True)
class TextSet:
    """Short texts of one kind.

    Attributes
    ----------
    name, title : str
        How it is called in configs, and for people.
    kind : str
        ``news``, ``encyclopaedia``, ``mathematics``, ``code``, ``held-out`` or ``own``.
    texts : tuple of str, n_texts
        None of them empty.
    labels : tuple of str, n_texts
        What the source says about each text, such as the language of a
        program; '' = nothing.
    licence, source : str

    Examples
    --------
    >>> TextSet("mini", "Mini", "own", ("A cat sat.", "A dog ran."), ("", "")).n_texts
    2
    >>> TextSet("mini", "Mini", "own", (), ())
    Traceback (most recent call last):
    ...
    brainlike_core.errors.TextError: Text set 'mini' is empty: found 0 texts, needed at least one; choose another set.
    """

    name: str
    title: str
    kind: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        what = f"Text set '{self.name}'"
        check(
            bool(self.texts), TextError, f"{what} is empty", "0 texts", "at least one", "choose another set"
        )
        check(
            len(self.labels) == len(self.texts),
            TextError, f"{what} has labels that do not fit", f"{len(self.labels)} labels",
            f"{len(self.texts)}, one per text", "give '' where a text has none",
        )  # fmt: skip
        empty = [i + 1 for i, text in enumerate(self.texts) if not text.strip()]
        check(
            not empty, TextError, f"{what} has empty texts", f"text {empty[:1]}", "words in each", "leave them out"
        )  # fmt: skip

    @property
    def n_texts(self) -> int:
        """How many there are."""
        return len(self.texts)

    @property
    def digest(self) -> str:
        """SHA-256 of the texts in their order: 64 hex characters, whatever the set is called."""
        return _digest(list(self.texts))


@dataclass(frozen=True)
class ChoiceItem:
    """One question for a language model: which of the options follows the prompt most likely?

    Attributes
    ----------
    prompt : str
        '' where the options are whole sentences.
    options : tuple of str
        Two or more, all different; after a prompt each begins with a space.
    answer : int
        Index of the right one.
    label : str
        What the item is about, such as the rule of grammar; '' = nothing.

    Examples
    --------
    >>> ChoiceItem("2 + 2 =", (" 4", " 5"), 0).options[0]
    ' 4'
    """

    prompt: str
    options: tuple[str, ...]
    answer: int
    label: str = ""

    def __post_init__(self) -> None:
        named = f"Item {(self.prompt or self.options[0])[:40]!r}" if self.options else "An item"
        distinct = len(self.options) > 1 and len(set(self.options)) == len(self.options) and all(self.options)
        check(
            distinct, TextError, f"{named} has no choice", f"options {self.options}", "two or more, all different",
            "correct the item",
        )  # fmt: skip
        check(
            0 <= self.answer < len(self.options),
            TextError, f"{named} has no answer", f"answer {self.answer}",
            f"an index from 0 to {len(self.options) - 1}", "correct the item",
        )  # fmt: skip


@dataclass(frozen=True)
class ChoiceTask:
    """Items of one kind, none of them twice.

    Attributes
    ----------
    name, title : str
    items : tuple of ChoiceItem, n_items
    licence, source : str
    """

    name: str
    title: str
    items: tuple[ChoiceItem, ...]
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        what = f"Task '{self.name}'"
        check(
            bool(self.items), TextError, f"{what} is empty", "0 items", "at least one", "choose another task"
        )
        asked = {(item.prompt, frozenset(item.options) if not item.prompt else ()) for item in self.items}
        twice = len(self.items) - len(asked)
        check(
            not twice,
            TextError,
            f"{what} repeats itself",
            f"{twice} items again",
            "each once",
            "leave them out",
        )

    @property
    def n_items(self) -> int:
        """How many there are."""
        return len(self.items)

    @property
    def chance(self) -> float:
        """Share of right answers of a guesser who takes each option equally often."""
        return sum(1 / len(item.options) for item in self.items) / self.n_items

    @property
    def digest(self) -> str:
        """SHA-256 of prompts, options and answers in their order: 64 hex characters."""
        return _digest([[item.prompt, item.options, item.answer] for item in self.items])


@dataclass(frozen=True)
class SentencePair:
    """Two sentences, and whether they say the same.

    Attributes
    ----------
    first, second : str
    paraphrase : bool
    """

    first: str
    second: str
    paraphrase: bool


@dataclass(frozen=True)
class SentencePairs:
    """Pairs of sentences, of which some say the same and some only share words.

    Attributes
    ----------
    name, title : str
    pairs : tuple of SentencePair, n_pairs
        Of both kinds.
    licence, source : str
    """

    name: str
    title: str
    pairs: tuple[SentencePair, ...]
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        kinds = {pair.paraphrase for pair in self.pairs}
        check(
            len(kinds) == 2,
            TextError, f"Pairs '{self.name}' are all of one kind", f"{len(self.pairs)} pairs",
            "paraphrases and others", "add pairs of the other kind",
        )  # fmt: skip

    @property
    def n_pairs(self) -> int:
        """How many there are."""
        return len(self.pairs)

    @property
    def digest(self) -> str:
        """SHA-256 of the pairs in their order: 64 hex characters."""
        return _digest([[pair.first, pair.second, pair.paraphrase] for pair in self.pairs])


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
