"""A story, and how loud its sound is, on the scanner's clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import StoryError
from .frozen import Frozen, check


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
