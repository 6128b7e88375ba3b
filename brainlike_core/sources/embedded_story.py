"""The story that this project brings along, and what its text alone says about each word.

*The Tide Clock* is our own writing. A deterministic speaking model gives the
times of its words; labels in the script say which scene a word belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import StoryError
from ..values import Story
from .low_level import log_frequency

NAME = "simulated"
TITLE = "The Tide Clock (simulated listeners)"
SCENES = ("place", "counting", "hands", "emotion", "memory")

_SCRIPT = Path(__file__).parent.parent / "embedded" / "story.txt"
_WORD = re.compile(r"[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*")
_FIRST_WORD_S = 12.0
_PAUSES_S = (("\n", 0.85), (".", 0.45), ("!", 0.45), ("?", 0.45), (":", 0.3), (";", 0.3), (",", 0.18))


def read_script(markup: str, name: str, title: str = "") -> tuple[Story, dict[str, np.ndarray]]:
    """Build a story and its scenes from a script.

    Parameters
    ----------
    markup : str
        One passage per line, ``label| text``, where the label is one of
        `SCENES` or ``-``; an empty line ends a paragraph.
    name, title : str

    Returns
    -------
    story : Story
        Text without the labels, timed by a deterministic speaking model.
    scenes : dict of str to bool (n_words,)
        For each of `SCENES`, which words belong to it.

    Raises
    ------
    StoryError
        A line without a known label, or no words.

    Examples
    --------
    >>> story, scenes = read_script("place| A red wall.", "mini")
    >>> story.words, story.text, scenes["place"].tolist()
    (('A', 'red', 'wall'), 'A red wall.', [True, True, True])
    """
    text, labels = "", []
    for line in markup.strip().splitlines():
        label, passage = _passage(line)
        gap = "" if not text or text.endswith("\n") else " "
        text += gap + passage if passage else "\n\n"
        labels += [label] * len(_WORD.findall(passage))
    matches = list(_WORD.finditer(text))
    spans = np.array([m.span() for m in matches], np.int64).reshape(-1, 2)
    onsets, offsets = _speak(text, spans)
    words = tuple(m.group() for m in matches)
    aligned = np.ones(len(words), bool)
    story = Story(name, title or name, text, words, spans, onsets, offsets, aligned)
    return story, {scene: np.array(labels) == scene for scene in SCENES}


def _passage(line: str) -> tuple[str, str]:
    if not line.strip():
        return "-", ""
    label, bar, passage = line.partition("|")
    if not bar or label not in (*SCENES, "-"):
        raise StoryError(
            "A line of the script has no known label",
            found=repr(line[:40]),
            needed=f"one of {', '.join(SCENES)} or -, then a bar",
            do="label the line",
        )
    return label, passage.strip()


def _speak(text: str, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and offsets, each (n_words,) seconds, of a teller of about 2.6 words per second."""
    words = [text[start:stop] for start, stop in spans]
    voiced = np.array([0.06 + 0.024 * len(w) + 0.105 * _syllables(w) for w in words])
    index = np.arange(len(words))
    # Tellers hurry and linger: a tempo of its own, so that word rate is not all word length and pauses.
    voiced *= 1 + 0.18 * np.sin(index * 2 * np.pi / 37) + 0.12 * np.sin(index * 2 * np.pi / 101 + 1)
    gaps = [text[stop:start] for stop, start in zip(spans[:-1, 1], spans[1:, 0], strict=True)]
    pauses = np.array([0.0, *(_pause(gap) for gap in gaps)])[: len(words)]
    ends = _FIRST_WORD_S + np.cumsum(voiced + pauses)
    return ends - voiced, ends


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    silent = word.lower().endswith("e") and groups > 1
    return max(1, groups - silent)


def _pause(gap: str) -> float:
    """Seconds of silence after a word, by the longest pause its punctuation asks for."""
    asked = [seconds for mark, seconds in _PAUSES_S if mark in gap]
    return 0.02 + max(asked, default=0.0)


@lru_cache(maxsize=1)
def _embedded() -> tuple[Story, dict[str, np.ndarray]]:
    try:
        markup = _SCRIPT.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise StoryError(
            "The embedded story cannot be read",
            found=str(error),
            needed="embedded/story.txt",
            do="install the package again",
        ) from error
    return read_script(markup, NAME, TITLE)


def embedded_story() -> Story:
    """The embedded story, told in about eleven minutes.

    Returns
    -------
    Story
        Words timed by a deterministic speaking model; the first at 12 s.

    Raises
    ------
    StoryError
        The embedded text is missing or damaged.
    """
    return _embedded()[0]


def embedded_scenes() -> dict[str, np.ndarray]:
    """Which words of `embedded_story` belong to each of `SCENES`: bool (n_words,) each."""
    return {scene: mask.copy() for scene, mask in _embedded()[1].items()}


# ---------------------------------------------------------------- what the text says


def word_features(story: Story, scenes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the text alone says about each word, centred over words.

    Parameters
    ----------
    story : Story
    scenes : mapping of str to bool (n_words,)
        Which words belong to each of `SCENES`.

    Returns
    -------
    dict of str to float64 (n_words,)
        ``word_length``: letters and digits. ``word_rarity``: minus the natural
        logarithm of the word's share of the story, beyond what its length
        explains. ``sentence_build_up``: words so far in the sentence.
        ``dialogue``: inside double quotes. And one for each scene.

    Raises
    ------
    StoryError
        Scenes that do not cover the story's words.
    """
    lengths = np.array([sum(map(str.isalnum, word)) for word in story.words], float)
    features = {
        "word_length": lengths,
        "word_rarity": _beyond(_rarity(story.words), lengths),
        "sentence_build_up": _build_up(story),
        "dialogue": _in_quotes(story),
    }
    for scene in SCENES:
        mask = np.asarray(scenes.get(scene, ()), float)
        if mask.shape != (story.n_words,):
            raise StoryError(
                f"Scene '{scene}' does not cover story '{story.name}'",
                found=f"{mask.size} marks",
                needed=f"{story.n_words}, one per word",
                do="pass the scenes of this story",
            )
        features[scene] = mask
    return {name: values - values.mean() for name, values in features.items()}


def _rarity(words: tuple[str, ...]) -> np.ndarray:
    """Minus the natural logarithm of each word's relative frequency within the story."""
    return -log_frequency(words)


def _beyond(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What a straight line on ``other`` leaves of ``values``."""
    a, b = values - values.mean(), other - other.mean()
    power = b @ b
    return a - b * (a @ b / power) if power > 0 else a


def _build_up(story: Story) -> np.ndarray:
    """Words heard so far in the sentence, this one included: 1, 2, 3, ..."""
    position = np.ones(story.n_words)
    for i in range(1, story.n_words):
        gap = story.text[story.spans[i - 1, 1] : story.spans[i, 0]]
        position[i] = 1 if re.search(r"[.!?\n]", gap) else position[i - 1] + 1
    return position


def _in_quotes(story: Story) -> np.ndarray:
    """1 for a word inside double quotes, else 0."""
    marks = np.array([i for i, letter in enumerate(story.text) if letter == '"'], int)
    return np.searchsorted(marks, story.spans[:, 0]) % 2.0
