"""A run from moment to moment: what the brain did at each TR, and what the sub-groups predict of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import RunConfig
from .science.encoding_maps import predicted_response
from .science.folds import contiguous_folds, delayed, story_folds
from .science.story_rows import group_mean, row_stories
from .science.timing import zscore
from .values import Run

MOST_VALUES = 8_000_000  # of one map of the moment: 16 MB for the browser


@dataclass(frozen=True)
class Stretch:
    """TRs of a recording that are shown together: a story, or a part of a long one.

    Attributes
    ----------
    title : str
    first, stop : int
        First and last-plus-one TR.
    """

    title: str
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class Moments:
    """Brain and sub-groups at each TR of a stretch.

    Attributes
    ----------
    measured : float32 (n_trs, n_locations)
        Mean over listeners, in standard deviations over time.
    predicted : float32 (n_trs, n_locations)
        What the atoms predict of it, each TR by weights that did not see it;
        NaN before the story's words reach the brain and after the last.
    courses : float32 (n_trs, n_atoms)
        Atoms in standard deviations; NaN outside their rows.
    """

    measured: np.ndarray
    predicted: np.ndarray
    courses: np.ndarray


def stretches(run: Run, most_values: int = MOST_VALUES) -> list[Stretch]:
    """The stories of a recording, cut into equal parts where one has more than ``most_values`` values."""
    recording, found, first = run.recording, [], 0
    longest = max(most_values // recording.n_locations, 2)
    for name, n_trs in recording.stories or ((run.story.title, recording.n_trs),):
        n_parts = -(-n_trs // longest)
        edges = np.linspace(first, first + n_trs, n_parts + 1).round().astype(int).tolist()
        for part, (start, stop) in enumerate(zip(edges[:-1], edges[1:], strict=True), 1):
            title = name if n_parts == 1 else f"{name}, part {part} of {n_parts}"
            found.append(Stretch(title, start, stop))
        first += n_trs
    return found


def moments(run: Run, stretch: Stretch) -> Moments:
    """The maps of a stretch, measured and predicted, and the atoms' courses.

    The prediction is ridge on all atoms at the delay of the maps, in the
    run's own contiguous gapped folds (of several stories: each from the
    others), with one fixed penalty.
    """
    config: RunConfig = run.config  # type: ignore[assignment]
    d, settings = run.dictionary, config.encoding
    mean = group_mean(run.recording.bold, d.rows)  # (n_trs, n_locations)
    mean[:, run.recording.constant.all(axis=0)] = np.nan
    (brain,) = delayed(mean, d.rows, d.n_trs, (run.encoding.map_delay,))
    stories = row_stories(d.rows)
    if stories is None:
        folds = contiguous_folds(d.n_trs, settings.n_folds, settings.gap_trs)
    else:
        folds = story_folds(stories)
    predicted = np.full(mean.shape, np.nan, np.float32)
    predicted[d.trs + run.encoding.map_delay] = predicted_response(d.atoms, brain, folds)
    courses = np.full((len(mean), d.n_atoms), np.nan, np.float32)
    courses[d.trs] = zscore(d.atoms)
    shown = slice(stretch.first, stretch.stop)
    return Moments(mean[shown].astype(np.float32), predicted[shown], courses[shown])
