"""Test items for what a language model can do, in our own words.

Four zero-shot tasks are scored by the likelihood of each option after its
prompt; grammatical acceptability compares two whole sentences, as BLiMP does
(arXiv:1912.00582). Sentence encoders tell paraphrases from sentences that only
share words (the idea of PAWS, arXiv:1904.01130). All of it is original writing,
part of this project and under its licence; tables below ``texts/`` hold one
item per line, columns parted by tabs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ..errors import TextError, UnknownNameError
from ..values import ChoiceItem, ChoiceTask, SentencePair, SentencePairs
from .text_sets import LICENCE, SOURCE, read_embedded

SENTIMENTS = ("positive", "negative")
TOPICS = ("world", "sports", "business", "science")


def choice_tasks() -> tuple[str, ...]:
    """Names of the tasks."""
    return tuple(_TASKS)


@cache
def choice_task(name: str) -> ChoiceTask:
    """One zero-shot task.

    Parameters
    ----------
    name : {'sentiment', 'topic', 'acceptability', 'arithmetic'}

    Returns
    -------
    ChoiceTask
        Each option is right equally often; where the options differ from item
        to item, so is each place.

    Raises
    ------
    UnknownNameError, TextError
        No such task; its table is missing or damaged.
    """
    if name not in _TASKS:
        raise UnknownNameError.nearest("task", name, _TASKS)
    title, make, n_columns = _TASKS[name]
    items = tuple(make(number, *row) for number, row in enumerate(_table(name, n_columns)))
    return ChoiceTask(name, title, items, LICENCE, SOURCE)


@cache
def paraphrase_pairs() -> SentencePairs:
    """Pairs of sentences, half of them paraphrases; the others share words and say something else.

    Raises
    ------
    TextError
        The table is missing or damaged.
    """
    rows = _table("paraphrase", 3)
    pairs = tuple(SentencePair(first, second, _yes(same)) for same, first, second in rows)
    return SentencePairs("paraphrase", "Paraphrase or not", pairs, LICENCE, SOURCE)


# ---------------------------------------------------------------- tables


def _table(name: str, n_columns: int) -> list[list[str]]:
    rows = [line.split("\t") for line in read_embedded(f"{name}.tsv").splitlines()]
    for number, row in enumerate(rows, 1):
        if len(row) != n_columns or not all(cell.strip() == cell != "" for cell in row):
            raise TextError(
                f"Line {number} of {name}.tsv does not fit", found=f"{len(row)} columns", needed=f"{n_columns}, none empty",
                do="install the package again",
            )  # fmt: skip
    return rows


def _yes(same: str) -> bool:
    return bool(_place(("no", "yes"), same))


def _place(known: tuple[str, ...], word: str) -> int:
    if word not in known:
        raise UnknownNameError.nearest("answer", word, known)
    return known.index(word)


# ---------------------------------------------------------------- one line -> one item


def _sentiment(number: int, answer: str, text: str) -> ChoiceItem:
    options = tuple(f" {word}" for word in SENTIMENTS)
    return ChoiceItem(f"Review: {text}\nSentiment:", options, _place(SENTIMENTS, answer))


def _topic(number: int, answer: str, text: str) -> ChoiceItem:
    options = tuple(f" {word}" for word in TOPICS)
    return ChoiceItem(f"News: {text}\nSection:", options, _place(TOPICS, answer), answer)


def _acceptability(number: int, rule: str, good: str, bad: str) -> ChoiceItem:
    """Good first and bad first in turn, so that a model that always takes the first is right half the time."""
    answer = number % 2
    return ChoiceItem("", (good, bad) if answer == 0 else (bad, good), answer, rule)


def _arithmetic(number: int, expression: str, right: str, *wrong: str) -> ChoiceItem:
    """The right answer takes each place in turn."""
    answer = number % (len(wrong) + 1)
    options = [f" {word}" for word in wrong]
    options.insert(answer, f" {right}")
    return ChoiceItem(f"{expression} =", tuple(options), answer)


_TASKS: dict[str, tuple[str, Callable[..., ChoiceItem], int]] = {
    "sentiment": ("Sentiment of a review", _sentiment, 2),
    "topic": ("Topic of a news sentence", _topic, 2),
    "acceptability": ("Grammatical acceptability", _acceptability, 3),
    "arithmetic": ("Arithmetic", _arithmetic, 5),
}
