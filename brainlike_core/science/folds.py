"""Which time points train and which test: contiguous, gapped, nested; and what a delay is.

Shuffled folds leak autocorrelation (unrelated series then predict each other)
and are not offered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import EncodingConfig
from ..errors import ConfigError, RecordingError
from ..values import StoryRows
from .story_rows import Rows, rows_at


@dataclass(frozen=True)
class Split:
    """Training and test rows; ``inner`` splits lie wholly inside the training rows."""

    train: np.ndarray
    test: np.ndarray
    inner: tuple[Split, ...] = ()


def contiguous_folds(n_trs: int, n_folds: int, gap_trs: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Train and test rows of contiguous folds, ``gap_trs`` dropped on both sides of each test fold.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in contiguous_folds(6, 3, 1)]
    [([3, 4, 5], [0, 1]), ([0, 5], [2, 3]), ([0, 1, 2], [4, 5])]

    Raises
    ------
    ConfigError
        When a fold would have fewer than 2 test rows or 2 training rows.
    """
    edges = np.linspace(0, n_trs, n_folds + 1).round().astype(int)
    rows = np.arange(n_trs)
    folds = []
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        train = rows[(rows < start - gap_trs) | (rows >= stop + gap_trs)]
        if stop - start < 2 or len(train) < 2:
            raise ConfigError(
                "The recording is too short for its folds",
                found=f"{n_trs} TRs in {n_folds} folds with a gap of {gap_trs}",
                needed="at least 2 training and 2 test TRs in each",
                do="lower n_folds or gap_trs",
            )
        folds.append((train, rows[start:stop]))
    return folds


def story_folds(stories: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Leave one story out: each story is tested once, all others train.

    Parameters
    ----------
    stories : (n_trs,)
        Which story each row belongs to.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in story_folds(np.array([7, 7, 9, 9, 9]))]
    [([2, 3, 4], [0, 1]), ([0, 1], [2, 3, 4])]

    Raises
    ------
    ConfigError
        With one story, or a story of one TR.
    """
    names, lengths = np.unique(stories, return_counts=True)
    if len(names) < 2 or lengths.min() < 2:
        raise ConfigError(
            "Leaving one story out needs several stories",
            found=f"{len(names)} with {lengths.tolist()} TRs",
            needed="at least 2 stories of at least 2 TRs",
            do="give more stories, or use contiguous folds",
        )
    return [(np.flatnonzero(stories != name), np.flatnonzero(stories == name)) for name in names]


def nested_folds(n_trs: int, config: EncodingConfig, stories: np.ndarray | None = None) -> list[Split]:
    """Outer splits with inner ones inside their training rows.

    Parameters
    ----------
    n_trs : int
    config : EncodingConfig
        ``n_folds, n_inner_folds, gap_trs``.
    stories : (n_trs,), optional
        Leave one story out; inside, the same where two or more stories are
        left, else contiguous folds.
    """
    if stories is None:
        outer = contiguous_folds(n_trs, config.n_folds, config.gap_trs)
    else:
        outer = story_folds(stories)
    splits = []
    for train, test in outer:
        if stories is not None and len(np.unique(stories[train])) > 1:
            inner = story_folds(stories[train])
        else:
            inner = contiguous_folds(len(train), config.n_inner_folds, config.gap_trs)
        splits.append(Split(train, test, tuple(Split(train[a], train[b]) for a, b in inner)))
    return splits


def delayed(bold: np.ndarray, rows: Rows, n_rows: int, delays: tuple[int, ...]) -> list[np.ndarray]:
    """The recording moved 0, 1, ... TRs later: one array (n_rows, n_columns) per delay.

    ``bold`` is (n_trs, n_columns); row i of delay d is TR ``rows + i + d``, or
    of several stories ``rows.trs[i] + d`` (views for one story, else copies).

    Raises
    ------
    RecordingError
        A delay reaches beyond the recording, or into another story.
    """
    if isinstance(rows, StoryRows):
        return _delayed_stories(bold, rows, delays)
    last = rows + n_rows + max(delays)
    if last > len(bold):
        raise RecordingError(
            "The recording ends before the delayed story does",
            found=f"{len(bold)} TRs",
            needed=f"{last} TRs",
            do="lower the delays",
        )
    return [bold[rows_at(rows, n_rows, d)] for d in delays]


def _delayed_stories(bold: np.ndarray, rows: StoryRows, delays: tuple[int, ...]) -> list[np.ndarray]:
    left = min(n_trs - stop for n_trs, _, stop in rows.stories)
    if left < max(delays) or len(rows.recorded) != len(bold):
        raise RecordingError(
            "A story's recording ends before the delayed story does",
            found=f"{left} TRs after its rows, {len(bold)} TRs in all",
            needed=f"{max(delays)} TRs after the rows of each, {len(rows.recorded)} in all",
            do="lower the delays",
        )
    return [bold[rows.trs + d] for d in delays]


def delayed_atoms(
    atoms: np.ndarray, delays: tuple[int, ...], stories: np.ndarray | None = None
) -> np.ndarray:
    """Atoms at several delays side by side, a finite impulse response: (n_rows, n_delays * n_atoms).

    Column ``d * n_atoms + k`` of row i is atom k at row ``i - delays[d]``; what
    would lie before a story's first row is 0 (the mean of a z-scored atom):
    no delay reaches across two stories.

    Examples
    --------
    >>> delayed_atoms(np.array([[1.0], [2.0], [3.0]]), (0, 1)).tolist()
    [[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]]
    """
    groups = np.zeros(len(atoms), int) if stories is None else np.asarray(stories)
    out = np.zeros((len(atoms), len(delays), atoms.shape[1]), atoms.dtype)
    for d, delay in enumerate(delays):
        stop = len(atoms) - delay
        same = groups[:stop] == groups[delay:]
        out[delay:, d][same] = atoms[:stop][same]
    return out.reshape(len(atoms), -1)
