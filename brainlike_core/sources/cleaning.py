"""Confounds, drift and filter out of time series, in one least squares.

The temporal filter keeps the cosines (type-II DCT, as SPM's and fMRIPrep's drift
terms) whose frequency lies in the band: the same projection that
`science.timing.band_pass` makes of the regressors, so that both sides of an
encoding model went through one filter. Confounds go through it first and are
then regressed out of the filtered series, which equals one regression on
confounds and removed cosines together (Frisch and Waugh 1933): no confound comes
back through the filter, nor any drift through the confounds (Lindquist et al.
2019, doi:10.1002/hbm.24528). `nilearn.signal.clean` with ``filter="cosine"`` does
the same for a high-pass alone; the tests compare.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, linalg

from ..errors import RecordingError

MIN_FREE = 10
_BLOCK = 4096  # bounds memory, not results
_STILL = 1e-6


def pass_band(tr: float, high_pass: float = 0.0, low_pass: float = 0.0) -> tuple[float, ...]:
    """The filter as `Recording.pass_band` has it: (low, high) in Hz, finite; empty where nothing is filtered.

    Examples
    --------
    >>> pass_band(2.0, 0.01), pass_band(2.0, 0.0, 0.1), pass_band(2.0)
    ((0.01, 0.25), (0.0, 0.1), ())
    """
    if not high_pass and not low_pass:
        return ()
    nyquist = 0.5 / tr
    if not 0 <= high_pass < (low_pass or nyquist) or low_pass < 0:
        raise RecordingError(
            "The temporal filter leaves nothing", found=f"{high_pass:g} to {low_pass or nyquist:g} Hz at TR {tr:g} s",
            needed=f"a high-pass below the low-pass, and below {nyquist:g} Hz", do="change high_pass or low_pass",
        )  # fmt: skip
    return high_pass, low_pass or nyquist


def clean(
    series: np.ndarray,
    tr: float,
    *,
    confounds: np.ndarray | None = None,
    detrend: bool = True,
    high_pass: float = 0.0,
    low_pass: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Regress confounds, drift and filter out together, then z-score.

    Parameters
    ----------
    series : (n_trs, n_columns)
        A column that is NaN at every TR has no data.
    tr : seconds
    confounds : (n_trs, n_confounds), optional
        Any units; constant ones count for nothing.
    detrend : bool
        Remove a straight line. Where there is a high-pass its cosines remove
        the drift, and no line besides: the regressors, which only see the
        filter, would lose less than the data.
    high_pass, low_pass : Hz, 0 = none
        Cosines from ``high_pass`` to ``low_pass`` stay.

    Returns
    -------
    scores : float32 (n_trs, n_columns)
        Mean 0 and variance 1 over time; 0 where constant.
    constant : bool (n_columns,)
        True where the column has no data, never moves, or has nothing left.

    Raises
    ------
    RecordingError
        NaN among numbers or infinity, confounds of another length, or fewer
        than 10 degrees of freedom left.
    """
    n_trs = len(series)
    band = pass_band(tr, high_pass, low_pass)
    inside = _inside(n_trs, tr, band)
    nuisance = _nuisance(n_trs, confounds, detrend and not high_pass)
    basis = _orthonormal(_filter(nuisance, inside))
    free = int(inside.sum()) - basis.shape[1]
    if free < MIN_FREE:
        raise RecordingError(
            "The cleaning leaves too little of the time series",
            found=f"{n_trs} TRs, {n_trs - int(inside.sum())} filtered out and {basis.shape[1]} confounds",
            needed=f"at least {MIN_FREE} degrees of freedom", do="use fewer confounds or a wider filter",
        )  # fmt: skip
    scores = np.empty(series.shape, np.float32)
    constant = np.empty(series.shape[1], bool)
    for start in range(0, series.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        scores[:, block], constant[block] = _clean_block(series[:, block], inside, basis)
    return scores, constant


def _inside(n_trs: int, tr: float, band: tuple[float, ...]) -> np.ndarray:
    """Which cosines stay: bool (n_trs,). The zeroth, the mean, always goes with the z-score."""
    frequencies = np.arange(n_trs) / (2 * tr * n_trs)
    inside = (frequencies >= band[0]) & (frequencies <= band[1]) if band else np.ones(n_trs, bool)
    inside[0] = False
    return inside


def _nuisance(n_trs: int, confounds: np.ndarray | None, line: bool) -> np.ndarray:
    """Confounds of unit norm and the straight line: (n_trs, n_confounds)."""
    columns = np.empty((n_trs, 0)) if confounds is None else np.asarray(confounds, float)
    if columns.ndim != 2 or len(columns) != n_trs or not np.isfinite(columns).all():
        bad = "values that are NaN or infinite in" if columns.ndim == 2 and len(columns) == n_trs else "shape"
        raise RecordingError(
            "The confounds do not fit the time series", found=f"{bad} {columns.shape}",
            needed=f"finite ({n_trs}, n_confounds)", do="check the confounds file, or use confounds none",
        )  # fmt: skip
    peak = np.abs(columns).max(axis=0)
    columns = columns / np.where(peak > 0, peak, 1)
    columns = columns - columns.mean(axis=0)
    spread = np.linalg.norm(columns, axis=0)
    columns = columns[:, spread > 1e-10 * np.sqrt(n_trs)] / spread[spread > 1e-10 * np.sqrt(n_trs)]
    return np.column_stack([columns, np.linspace(-1, 1, n_trs)]) if line else columns


def _filter(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Keep the cosines inside the band (and never the mean): (n_trs, n_columns)."""
    spectrum = fft.dct(values, axis=0, norm="ortho")
    spectrum[~inside] = 0
    return fft.idct(spectrum, axis=0, norm="ortho")


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """A basis of what the columns span: (n_trs, rank)."""
    if not columns.shape[1]:
        return columns
    left, sizes, _ = linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-8 * max(sizes[0], 1.0)]


def _clean_block(series: np.ndarray, inside: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = np.array(series, np.float64)
    absent = np.isnan(values).all(axis=0)
    values[:, absent] = 0
    if not np.isfinite(values).all():
        raise RecordingError(
            "The time series hold values that are no numbers",
            found=f"{np.count_nonzero(~np.isfinite(values))} values that are NaN or infinite",
            needed="finite values, or NaN at every TR", do="write the file again, or leave this subject out",
        )  # fmt: skip
    peak = np.abs(values).max(axis=0)
    values /= np.where(peak > 0, peak, 1)  # first, or squares of large values overflow
    values -= values.mean(axis=0)
    before = values.std(axis=0)
    values = _filter(values, inside)
    values -= basis @ (basis.T @ values)
    spread = values.std(axis=0)
    # Rounding noise of a constant, or of a column that the confounds explain whole, is not a signal.
    constant = (before <= 1e-10) | (spread <= _STILL * before)
    scores = (values - values.mean(axis=0)) / np.where(constant, 1, spread)
    scores[:, constant] = 0
    return scores.astype(np.float32), constant
