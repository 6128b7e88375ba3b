"""What kind of word each word of an English story is, and how common it is in English.

Parts of speech: the lexicon and rules of Pattern (De Smedt and Daelemans 2012,
JMLR 13, 2063), a Brill tagger (Brill 1992, doi:10.3115/974499.974526), as the
package textblob ships them in plain text. Frequencies: the package wordfreq
(Speer 2022, doi:10.5281/zenodo.7199437) on the Zipf scale (van Heuven et al.
2014, doi:10.1080/17470218.2013.850521).
"""

from __future__ import annotations

import re

import numpy as np

from ..values import Story

# Tags of the Penn Treebank by their first letters; the longest that fits counts.
_CLASSES = {
    "NN": "Noun", "VB": "Verb", "MD": "Verb", "JJ": "Adjective", "RB": "Adverb", "WRB": "Adverb",
    "PRP": "Pronoun", "WP": "Pronoun", "EX": "Pronoun", "DT": "Determiner", "PDT": "Determiner",
    "WDT": "Determiner", "IN": "Preposition", "TO": "Preposition", "RP": "Preposition", "CC": "Conjunction",
    "CD": "Number",
}  # fmt: skip
WORD_CLASSES = (*dict.fromkeys(_CLASSES.values()), "Other")
_CLITIC = re.compile(r"(n['\u2019]t|['\u2019]\w*)$", re.IGNORECASE)
_STEMS = {"ca": "can", "wo": "will", "sha": "shall"}


def word_classes(story: Story) -> tuple[str, ...]:
    """The class of each word in its sentence, one of `WORD_CLASSES`: tuple of str, n_words.

    A contraction is classed by its first part: ``don't`` as ``do``.

    Parameters
    ----------
    story : Story
        English; sentences end at ``.``, ``!``, ``?`` or a new line of its text.
    """
    from textblob.en import parser  # slow to import: only when a profile is asked for

    tags: list[str] = []
    for sentence in _sentences(story):
        tags += [tag for _, tag in parser.find_tags([_stem(word) for word in sentence])]
    return tuple(_class(tag) for tag in tags)


def word_zipf(story: Story) -> np.ndarray:
    """How common each word is in English: float64 (n_words,), log10 per 10^9 words; NaN where unknown."""
    import wordfreq

    found = np.array([wordfreq.zipf_frequency(word, "en") for word in story.words], float)
    return np.where(found > 0, found, np.nan)


def _sentences(story: Story) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for i, word in enumerate(story.words):
        gap = story.text[story.spans[i - 1, 1] : story.spans[i, 0]] if i else ""
        if re.search(r"[.!?\n]", gap):
            sentences.append([])
        sentences[-1].append(word)
    return sentences


def _stem(word: str) -> str:
    stem = _CLITIC.sub("", word)
    return _STEMS.get(stem.lower(), stem) or word


def _class(tag: str) -> str:
    fits = [name for name in _CLASSES if tag.startswith(name)]
    return _CLASSES[max(fits, key=len)] if fits else "Other"
