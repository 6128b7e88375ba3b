"""What kinds of words go with a stretch of time, against shifts of the words along the story.

Neighbouring words share a response and a topic, so words must not be shuffled
one by one: the null moves the whole sequence round the story instead, which
keeps its order.
"""

from __future__ import annotations

import numpy as np


def shifted_differences(
    values: np.ndarray, driving: np.ndarray, shortest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each column over driving words minus over the others, as it is and after every shift.

    Parameters
    ----------
    values : float (n_words, n_kinds)
        Indicators of classes, or any other quantity; NaN where unknown.
    driving : bool (n_words,)
    shortest : int
        Shifts shorter than this, either way round, are left out.

    Returns
    -------
    observed : float64 (n_kinds,)
        NaN where no known word drives, or every one does.
    null : float64 (n_shifts, n_kinds)
        Row ``s - shortest``: values moved round by ``s`` words.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    inside = _correlated(driving, filled), _correlated(driving, known.astype(float))
    total, n_known = filled.sum(0), known.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = inside[0] / inside[1].round()
        others = (total - inside[0]) / (n_known - inside[1]).round()
    differences = means - others
    n = len(driving)
    return differences[0], differences[shortest : n - shortest + 1]


def _correlated(driving: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum over driving words of ``np.roll(values, s, 0)``, for every s: float64 (n_words, n_kinds)."""
    n = len(driving)
    spectrum = np.fft.rfft(driving.astype(float))[:, None] * np.conj(np.fft.rfft(values, axis=0))
    return np.fft.irfft(spectrum, n=n, axis=0)


def two_sided_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Share of shifts, the identity among them, at least as far from the null's mean: (n_kinds,), never 0.

    NaN where the observed value is NaN. p = (b + 1) / (n + 1): Phipson and Smyth
    2010, doi:10.2202/1544-6115.1585.
    """
    centre = np.nanmean(null, axis=0)
    far = np.abs(null - centre) >= np.abs(observed - centre) - 1e-9
    p = (far.sum(0) + 1) / (len(null) + 1)
    return np.where(np.isfinite(observed), p, np.nan)
