"""The low-level baseline: what can be said of a story's words without any language model.

A model that predicts the brain no better than this has shown nothing about
language. Frequencies are those of the story itself: the logarithm of how often
a word occurs in it.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from ..config import LOW_LEVEL, ExtractConfig
from ..errors import ConfigError, StoryError
from ..values import Story
from ..whole_files import file_sha256
from .model_names import shorten

SENTENCE_END = re.compile(r"[.!?…\n]")
PHRASE_END = re.compile(r"[,;:–—]")


def check_baseline(config: ExtractConfig) -> None:
    """Refuse settings that only a language model has.

    Raises
    ------
    ConfigError
        Random weights, or a choice of layers.
    """
    for option, found, holds in (
        ("weights", config.weights, config.weights != "trained"),
        ("layers", str(config.layers), config.layers not in ((), (0,))),
    ):
        if holds:
            raise ConfigError(
                f"The {LOW_LEVEL} baseline has no {option}",
                found=found,
                needed="none",
                do=f"leave out --{option}",
            )


def word_features(story: Story, tr: float) -> dict[str, np.ndarray]:
    """Value of each word in each respect; the mean over the words of a TR is the feature in that TR.

    Parameters
    ----------
    story : Story
    tr : seconds
        Of the recording: word rate counts words per TR.

    Returns
    -------
    dict of str to float32 (n_words,)
        ``word rate``: words that begin in the same TR (never centred, or it would vanish where
        every TR with speech has as many words). Centred over words: ``word length`` (letters),
        ``word duration`` (seconds), ``log frequency`` (within the story), ``sentence end`` and
        ``phrase end`` (1 for a word before such punctuation). A respect in which no two words
        differ is left out; word rate stays.

    Examples
    --------
    >>> spans = np.array([[0, 2], [3, 8], [10, 12]])
    >>> onsets = np.array([0.1, 0.9, 2.5])
    >>> story = Story("s", "s", "It rains. It", ("It", "rains", "It"), spans, onsets, onsets + 0.5, onsets > 0)
    >>> features = word_features(story, tr=1.5)
    >>> features["word rate"].tolist(), features["word length"].tolist()
    ([2.0, 2.0, 1.0], [-1.0, 2.0, -1.0])
    >>> list(features)
    ['word rate', 'word length', 'log frequency', 'sentence end']
    """
    trs = np.floor(story.onsets / tr).astype(int)
    _, position, counts = np.unique(trs, return_inverse=True, return_counts=True)
    respects = {
        "word length": np.array([sum(map(str.isalnum, word)) for word in story.words], float),
        "word duration": np.round(story.offsets - story.onsets, 4),
        "log frequency": log_frequency(story.words),
        "sentence end": _ends(story, SENTENCE_END),
        "phrase end": _ends(story, PHRASE_END),
    }
    centred = {name: values - values.mean() for name, values in respects.items() if np.ptp(values) > 0}
    return {
        name: values.astype(np.float32) for name, values in {"word rate": counts[position], **centred}.items()
    }


def sound_digest(path: str) -> str:
    """SHA-256 of a sound file; empty for none.

    Raises
    ------
    StoryError
        It is not there.
    """
    if not path:
        return ""
    try:
        return file_sha256(path)
    except (OSError, ValueError) as error:
        raise StoryError(
            "The sound cannot be read",
            found=f"no file '{shorten(path)}'",
            needed="a WAV file",
            do="check --audio",
        ) from error


def log_frequency(words: tuple[str, ...]) -> np.ndarray:
    """Natural logarithm of each word's relative frequency within the story: float64 (n_words,).

    Examples
    --------
    >>> np.exp(log_frequency(("The", "sea", "the", "sky"))).round(2).tolist()
    [0.5, 0.25, 0.5, 0.25]
    """
    lower = [word.lower() for word in words]
    count = Counter(lower)
    return np.log(np.array([count[word] for word in lower]) / len(lower))


def _ends(story: Story, mark: re.Pattern[str]) -> np.ndarray:
    """1 for a word that is followed by such a mark before the next one, else 0."""
    starts = [*story.spans[1:, 0].tolist(), len(story.text)]
    gaps = (story.text[stop:start] for stop, start in zip(story.spans[:, 1].tolist(), starts, strict=True))
    return np.array([bool(mark.search(gap)) for gap in gaps], float)
