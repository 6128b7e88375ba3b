"""Several stories one after the other in one recording: nothing reaches from one into the next.

One story is a stretch of TRs, told by its first one; several are `StoryRows`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..values import StoryRows
from .timing import zscore

Rows = int | StoryRows


def rows_at(rows: Rows, n_rows: int, delay: int = 0) -> slice | np.ndarray:
    """TRs of the atoms' rows, ``delay`` TRs later: a slice for one story, else an index (n_rows,).

    Examples
    --------
    >>> rows_at(2, 3, 1)
    slice(3, 6, None)
    >>> rows_at(StoryRows(((6, 1, 3), (5, 0, 2))), 4, 1).tolist()
    [2, 3, 7, 8]
    """
    if isinstance(rows, StoryRows):
        return rows.trs + delay
    return slice(rows + delay, rows + delay + n_rows)


def row_stories(rows: Rows) -> np.ndarray | None:
    """Story of each row of the atoms, (n_rows,); None for one story."""
    return rows.labels if isinstance(rows, StoryRows) else None


def recorded_stories(rows: Rows) -> np.ndarray | None:
    """Story of each TR of the recording, (n_trs,); None for one story."""
    return rows.recorded if isinstance(rows, StoryRows) else None


def by_story(
    change: Callable[[np.ndarray], np.ndarray], values: np.ndarray, stories: np.ndarray | None
) -> np.ndarray:
    """Change each story's rows by themselves; all rows together for one story.

    Parameters
    ----------
    change : callable
        (n_rows of the story, n_columns) -> the same shape.
    values : (n_rows, n_columns)
    stories : (n_rows,) or None
        Which story each row belongs to.

    Examples
    --------
    >>> by_story(lambda part: part[::-1], np.arange(5), np.array([0, 0, 1, 1, 1])).tolist()
    [1, 0, 4, 3, 2]
    """
    if stories is None:
        return change(values)
    names = stories[np.sort(np.unique(stories, return_index=True)[1])]
    return np.concatenate([change(values[stories == name]) for name in names])


def group_mean(bold: np.ndarray, rows: Rows) -> np.ndarray:
    """Mean over subjects (n_subjects, n_trs, n_locations), z-scored story by story: (n_trs, n_locations)."""
    return by_story(zscore, bold.mean(0, dtype=np.float32), recorded_stories(rows))
