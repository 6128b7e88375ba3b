"""From the story's clock to the scanner's: words to TRs, HRF, filter, z-score.

Every function maps arrays to arrays; rows are time. Glover's haemodynamic
response: Glover 1999, doi:10.1006/nimg.1998.0419, with the parameters that
nilearn and SPM use.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal, stats

from ..errors import AlignmentError, ConfigError


def word_trs(onsets: np.ndarray, tr: float) -> np.ndarray:
    """TR in which each word begins: int (n_words,), below 0 before the recording.

    Examples
    --------
    >>> word_trs(np.array([0.1, 2.9, 3.0]), 1.5).tolist()
    [0, 1, 2]
    """
    return np.floor(onsets / tr).astype(int)


def words_to_trs(values: np.ndarray, onsets: np.ndarray, tr: float, n_trs: int) -> np.ndarray:
    """Mean over the words whose onset falls in each TR; silence is 0.

    Parameters
    ----------
    values : (n_words, n_columns)
    onsets : (n_words,) seconds
    tr : seconds
    n_trs : int

    Returns
    -------
    (n_trs, n_columns), dtype of ``values``
    """
    tr_of_word = word_trs(onsets, tr)
    inside = (tr_of_word >= 0) & (tr_of_word < n_trs)
    if not inside.any():
        raise AlignmentError(
            "No word of the story falls inside the recording",
            found=f"words at {onsets.min():.1f}-{onsets.max():.1f} s",
            needed=f"words within 0-{n_trs * tr:.1f} s",
            do="check the word times and the TR",
        )
    counts = np.bincount(tr_of_word[inside], minlength=n_trs)
    binned = np.zeros((n_trs, values.shape[1]), values.dtype)
    np.add.at(binned, tr_of_word[inside], values[inside])
    return binned / np.maximum(counts, 1)[:, None].astype(values.dtype)


def glover_hrf(tr: float, duration_s: float = 32.0, oversampling: int = 50) -> np.ndarray:
    """Glover's canonical haemodynamic response at TR resolution, unit sum.

    Parameters
    ----------
    tr, duration_s : seconds
    oversampling : int
        Fine samples per TR, averaged within each TR.

    Returns
    -------
    (n_samples,) float64
    """
    fine = tr / oversampling
    t = np.arange(round(duration_s / fine)) * fine
    peak = stats.gamma.pdf(t, 6 / 0.9, loc=fine, scale=0.9)
    undershoot = stats.gamma.pdf(t, 12 / 0.9, loc=fine, scale=0.9)
    response = peak - 0.48 * undershoot
    n_samples = len(t) // oversampling
    sampled = response[: n_samples * oversampling].reshape(n_samples, oversampling).mean(1)
    return sampled / sampled.sum()


def convolve_hrf(values: np.ndarray, tr: float) -> np.ndarray:
    """Convolve each column with `glover_hrf`, same length: (n_trs, n_columns)."""
    kernel = glover_hrf(tr).astype(values.dtype)
    return signal.oaconvolve(values, kernel[:, None], axes=0)[: len(values)].astype(values.dtype)


def band_pass(values: np.ndarray, tr: float, band: tuple[float, ...]) -> np.ndarray:
    """Keep the cosines (type-II DCT) whose frequency lies in the band.

    Parameters
    ----------
    values : (n_trs, n_columns)
    tr : seconds
    band : (low, high) in Hz, or empty for no filter

    Returns
    -------
    (n_trs, n_columns)
    """
    if not band:
        return values
    frequencies = np.arange(len(values)) / (2 * tr * len(values))
    spectrum = fft.dct(values, axis=0, norm="ortho")
    spectrum[(frequencies < band[0]) | (frequencies > band[1])] = 0
    return fft.idct(spectrum, axis=0, norm="ortho").astype(values.dtype)


def zscore(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Mean 0 and variance 1 along an axis; what never moves becomes 0."""
    centred = values - values.mean(axis, keepdims=True)
    scale = centred.std(axis, keepdims=True)
    # Relative to the values: rounding noise of a large constant is not a signal.
    still = scale <= 1e-6 * np.maximum(np.abs(values).max(axis, keepdims=True), 1e-30)
    return np.where(still, 0, centred / np.where(still, 1, scale)).astype(values.dtype)


def story_rows(
    onsets: np.ndarray, offsets: np.ndarray, tr: float, n_trs: int, edge_s: float, max_delay: int
) -> tuple[int, int]:
    """First and last-plus-one TR in which the story drives the brain.

    From ``edge_s`` after the first word to ``edge_s`` after the last, leaving
    ``max_delay`` TRs of recording after the end.

    Raises
    ------
    AlignmentError
        When fewer than 60 TRs are left.
    """
    first = int((onsets.min() + edge_s) // tr)
    stop = min(int((offsets.max() + edge_s) // tr), n_trs - max_delay)
    if stop - first < 60:
        raise AlignmentError(
            "Story and recording share too little time",
            found=f"{max(stop - first, 0)} TRs (story {onsets.min():.0f}-{offsets.max():.0f} s, "
            f"recording {n_trs} x {tr} s)",
            needed="at least 60 TRs",
            do="check the word times and the TR, or use a longer recording",
        )
    return first, stop


def responses_on_trs(
    word_values: np.ndarray,
    onsets: np.ndarray,
    tr: float,
    n_trs: int,
    *,
    band: tuple[float, ...],
    rows: tuple[int, int],
    centre_words: bool = True,
) -> np.ndarray:
    """Word responses as z-scored regressors on the recording's clock.

    Centre over words, mean per TR, haemodynamic response, the recording's own
    band-pass, rows of the story, z-score.

    Parameters
    ----------
    word_values : (n_words, n_neurons)
    onsets : (n_words,) seconds
    tr, n_trs, band : of the recording
    rows : (first, stop) in TRs

    Returns
    -------
    float32 (stop - first, n_neurons)
    """
    _check_finite(word_values)
    out = np.empty((rows[1] - rows[0], word_values.shape[1]), np.float32)
    for start in range(0, word_values.shape[1], _BLOCK):
        block = np.asarray(word_values[:, start : start + _BLOCK], np.float32)
        if centre_words:
            block = block - block.mean(0)
        block = words_to_trs(block, onsets, tr, n_trs)
        out[:, start : start + _BLOCK] = _regressors(block, tr, band, rows)
    return out


def responses_from_tr_means(
    tr_means: np.ndarray,
    first_tr: int,
    onsets: np.ndarray,
    tr: float,
    n_trs: int,
    *,
    band: tuple[float, ...],
    rows: tuple[int, int],
    centre_words: bool = True,
) -> np.ndarray:
    """The same as `responses_on_trs`, from the mean response to the words of each TR.

    All of it is linear: the mean over words is the mean over TRs, weighted by
    their words.

    Parameters
    ----------
    tr_means : (n_story_trs, n_neurons)
        From the TR of the first word to that of the last; silence is 0.
    first_tr : int
        TR of row 0.
    onsets, tr, n_trs, band, rows, centre_words
        See `responses_on_trs`.

    Returns
    -------
    float32 (stop - first, n_neurons)
    """
    _check_finite(tr_means)
    counts = np.bincount(word_trs(onsets, tr) - first_tr, minlength=len(tr_means))
    held = slice(max(first_tr, 0), max(min(first_tr + len(tr_means), n_trs), 0))  # of the recording
    out = np.empty((rows[1] - rows[0], tr_means.shape[1]), np.float32)
    for start in range(0, tr_means.shape[1], _BLOCK):
        block = np.asarray(tr_means[:, start : start + _BLOCK], np.float32)
        if centre_words:
            mean = (counts @ block.astype(np.float64) / counts.sum()).astype(np.float32)
            block = np.where(counts[:, None] > 0, block - mean, 0)
        on_trs = np.zeros((n_trs, block.shape[1]), np.float32)
        on_trs[held] = block[held.start - first_tr : held.stop - first_tr]
        out[:, start : start + _BLOCK] = _regressors(on_trs, tr, band, rows)
    return out


_BLOCK = 4096  # neurons at a time: bounds memory, not results


def _regressors(on_trs: np.ndarray, tr: float, band: tuple[float, ...], rows: tuple[int, int]) -> np.ndarray:
    """Haemodynamic response, band-pass, rows of the story, z-score."""
    return zscore(band_pass(convolve_hrf(on_trs, tr), tr, band)[rows[0] : rows[1]])


def _check_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise ConfigError(
            "Neuron responses hold values that are not numbers",
            found=f"{(~np.isfinite(values)).any(0).sum()} neurons with NaN or infinity",
            needed="finite responses",
            do="run the model in float32",
        )
