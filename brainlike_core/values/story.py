"""A story, and how loud its sound is, on the scanner's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import StoryError
from .frozen import Frozen, check

# The canonical haemodynamic response peaks about 5 s after a word.
HRF_PEAK_S = 5.0


@dataclass(frozen=True, eq=False)
class Story(Frozen):
    """A transcript with its words on the scanner's clock.

    Attributes
    ----------
    name, title : str
    text : str
        What the language model reads.
    words : tuple of str, n_words
    spans : int64 (n_words, 2)
        First and last-plus-one character of each word in ``text``.
    onsets, offsets : float64 (n_words,)
        Seconds from the first volume.
    aligned : bool (n_words,)
        False where the time was interpolated, not measured.
    """

    name: str
    title: str
    text: str
    words: tuple[str, ...]
    spans: np.ndarray
    onsets: np.ndarray
    offsets: np.ndarray
    aligned: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.words)
        fix = "check the transcript"
        check(n > 0, StoryError, f"Story '{self.name}' has no words", "0 words", "at least one word", fix)
        shapes = (self.spans.shape, self.onsets.shape, self.offsets.shape, self.aligned.shape)
        check(
            shapes == ((n, 2), (n,), (n,), (n,)),
            StoryError, f"Story '{self.name}' has columns of different length", shapes, f"{n} rows each", fix,
        )  # fmt: skip
        finite = bool(np.isfinite(self.onsets).all() and np.isfinite(self.offsets).all())
        check(
            finite, StoryError, f"Story '{self.name}' has untimed words", "NaN", "a time for each word", fix
        )
        ordered = bool((np.diff(self.onsets) >= 0).all() and (self.offsets >= self.onsets).all())
        check(
            ordered, StoryError, f"Story '{self.name}' runs backwards", "onsets out of order",
            "onsets that never fall and offsets after them", "sort the words by onset",
        )  # fmt: skip
        self.freeze()

    @property
    def n_words(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class StoryRows:
    """Rows of several stories in a recording that holds them one after the other.

    Attributes
    ----------
    stories : tuple of (n_trs, first, stop)
        TRs that each story takes in the recording, and its own TRs, from
        ``first`` to before ``stop``, that are rows.

    Examples
    --------
    >>> rows = StoryRows(((6, 1, 3), (5, 0, 2)))
    >>> rows.trs.tolist(), rows.labels.tolist(), rows.recorded.tolist()
    ([1, 2, 6, 7], [0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    """

    stories: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        inside = all(0 <= first < stop <= n_trs for n_trs, first, stop in self.stories)
        check(
            len(self.stories) > 1 and inside, StoryError, "Rows of stories lie outside them", self.stories,
            "two or more stories, and rows within each", "check the word times",
        )  # fmt: skip

    @property
    def starts(self) -> tuple[int, ...]:
        """TR of the recording with which each story begins."""
        lengths = [n_trs for n_trs, _, _ in self.stories]
        return tuple(sum(lengths[:i]) for i in range(len(lengths)))

    @property
    def trs(self) -> np.ndarray:
        """TR of the recording of each row: int64 (n_rows,)."""
        spans = zip(self.starts, self.stories, strict=True)
        return np.concatenate([start + np.arange(first, stop) for start, (_, first, stop) in spans])

    @property
    def labels(self) -> np.ndarray:
        """Story of each row: int64 (n_rows,)."""
        return np.repeat(np.arange(len(self.stories)), [stop - first for _, first, stop in self.stories])

    @property
    def recorded(self) -> np.ndarray:
        """Story of each TR of the recording: int64 (n_trs,)."""
        return np.repeat(np.arange(len(self.stories)), [n_trs for n_trs, _, _ in self.stories])


def one_after_the_other(stories: Sequence[Story], seconds: Sequence[float]) -> Story:
    """Several stories as one, on the clock of the recording that holds them one after the other.

    Words heard before or after a story's own recording are left out.

    Parameters
    ----------
    stories : sequence of Story
    seconds : sequence of float
        How long the recording of each lasts.
    """
    words: list[str] = []
    columns: list[tuple[np.ndarray, ...]] = []
    text, clock = "", 0.0
    for story, length in zip(stories, seconds, strict=True):
        text += "\n\n" * bool(text)
        heard = (story.onsets >= 0) & (story.onsets < length)
        words += [word for word, one in zip(story.words, heard, strict=True) if one]
        shifted = (story.spans + len(text), story.onsets + clock, story.offsets + clock, story.aligned)
        columns.append(tuple(column[heard] for column in shifted))
        text, clock = text + story.text, clock + length
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    names, titles = (" + ".join(getattr(one, key) for one in stories) for key in ("name", "title"))
    return Story(names, titles, text, tuple(words), *joined)


@dataclass(frozen=True, eq=False)
class Audio(Frozen):
    """How loud a story's sound is, on the scanner's clock.

    Attributes
    ----------
    name : str
    envelope : float32 (n_steps,)
        Mean rectified amplitude in each step; full scale = 1.
    step_s : float
        Seconds per step.
    onset_s : float
        Seconds from the first volume to the first sample.
    seconds : float
        How long the sound lasts.
    """

    name: str
    envelope: np.ndarray
    step_s: float
    onset_s: float
    seconds: float

    def __post_init__(self) -> None:
        self.freeze()
