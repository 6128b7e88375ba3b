"""Nulls and corrections that hold for autocorrelated data.

Sign randomisation is phase randomisation (Theiler et al. 1992,
doi:10.1016/0167-2789(92)90102-S) with cosines that have no period, and whose
phases are therefore 0 or half a turn.
False-discovery rate: Benjamini and Hochberg 1995,
doi:10.1111/j.2517-6161.1995.tb02031.x. p = (b + 1) / (n + 1): Phipson and
Smyth 2010, doi:10.2202/1544-6115.1585.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, stats


def sign_randomised(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A surrogate with the same power of every cosine and the same correlations between columns.

    Each cosine of the type-II DCT gets a random sign, one for all columns: what
    the columns share at lag zero stays exactly, the mean and the pass band too;
    what they share with anything else goes. A circle, as `phase_randomised`
    makes it, joins the end of a run to its beginning and takes the slowest
    movements for faster ones; a short run of slow signals then exceeds its own
    surrogates too often.

    Parameters
    ----------
    values : (n_trs, n_columns)
    rng : numpy Generator

    Returns
    -------
    (n_trs, n_columns), dtype of ``values``

    Examples
    --------
    >>> values = np.array([[1.0], [2.0], [4.0]])
    >>> fake = sign_randomised(values, np.random.default_rng(0))
    >>> float(fake.mean().round(6)), float((fake**2).sum().round(6))
    (2.333333, 21.0)
    """
    sign = rng.choice(np.array([-1, 1], np.float32), len(values))
    sign[0] = 1  # the mean stays
    spectrum = fft.dct(values, axis=0, norm="ortho") * sign[:, None]
    return fft.idct(spectrum, axis=0, norm="ortho", overwrite_x=True).astype(values.dtype)


def phase_randomised(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A surrogate with the same power spectrum and cross-correlations on a circle of time.

    One set of random phases is added to all columns, so what the columns share
    at lag zero (and at every lag) stays; what they share with anything else goes.
    Too generous for short runs of slow signals: see `sign_randomised`.

    Parameters
    ----------
    values : (n_trs, n_columns)
    rng : numpy Generator

    Returns
    -------
    (n_trs, n_columns), dtype of ``values``
    """
    n = len(values)
    spectrum = np.fft.rfft(values, axis=0)
    turn = np.exp(2j * np.pi * rng.random(len(spectrum)))
    turn[0] = 1.0  # the mean stays
    if n % 2 == 0:
        turn[-1] = 1.0  # the Nyquist term must stay real
    return np.fft.irfft(spectrum * turn[:, None], n=n, axis=0).astype(values.dtype)


def block_permuted(values: np.ndarray, block_trs: int, rng: np.random.Generator) -> np.ndarray:
    """A surrogate of shuffled blocks of time, the same blocks for all columns.

    The run is a circle cut at a random place, so no two surrogates share their
    cuts; inside a block everything stays as it was.

    Parameters
    ----------
    values : (n_trs, n_columns)
    block_trs : int
        Rows per block; longer than the autocorrelation (the last may be shorter).
    rng : numpy Generator
    """
    n = len(values)
    starts = np.arange(0, n, block_trs)
    rows = [np.arange(start, min(start + block_trs, n)) for start in starts[rng.permutation(len(starts))]]
    return values[(np.concatenate(rows) + rng.integers(n)) % n]


def circular_shifts(n_trs: int, n_shifts: int, shortest: int, rng: np.random.Generator) -> np.ndarray:
    """Different shifts of a run onto itself, in TRs, none shorter than ``shortest`` either way.

    A run of T rows has only T shifts, the identity among them: no p from them is
    below 1 / T, however many are asked for.

    Returns
    -------
    int64 (at most n_shifts,)
    """
    possible = np.arange(max(shortest, 1), n_trs - max(shortest, 1) + 1)
    return rng.permutation(possible)[:n_shifts]


def max_statistic_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p of each location against the largest of all locations in each surrogate (family-wise).

    Nichols and Holmes 2002, doi:10.1002/hbm.1058.

    Parameters
    ----------
    observed : (n_locations,)
    null : (n_surrogates, n_locations)

    Examples
    --------
    >>> max_statistic_p(np.array([5.0, 2.0]), np.array([[1.0, 3.0], [0.0, 2.0], [4.0, 1.0]])).tolist()
    [0.25, 1.0]
    """
    return p_from_null(observed, null.max(1))


def p_from_null(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """One-sided p of each observed value in one pooled null: (b + 1) / (n + 1), never 0.

    Parameters
    ----------
    observed : any shape
    null : (n,)

    Returns
    -------
    float64, shape of ``observed``
    """
    ordered = np.sort(np.ravel(null))
    at_least = len(ordered) - np.searchsorted(ordered, observed, side="left")
    return (at_least + 1) / (len(ordered) + 1)


def difference_beyond_null(
    observed: tuple[float, float], nulls: tuple[np.ndarray, np.ndarray], level: float = 0.05
) -> tuple[float, float, float, float, float]:
    """How much one score exceeds another beyond what both get of the same surrogates.

    Slow responses score above 0 by themselves, and one model's may be slower
    than another's: that part of the difference is no effect. The null says that
    neither predicts.

    Parameters
    ----------
    observed : two floats
    nulls : two (n,) arrays
        Scores of the same surrogates.
    level : float
        Of the interval.

    Returns
    -------
    by_chance, difference, low, high, p : float
        Mean difference of the null; the difference less that, its interval, and
        its two-sided p.

    Examples
    --------
    >>> null = np.array([0.0, 0.1, 0.2])
    >>> [round(value, 3) for value in difference_beyond_null((0.5, 0.1), (null, null - 0.1))]
    [0.1, 0.3, 0.3, 0.3, 0.25]
    """
    null = np.asarray(nulls[0], float) - np.asarray(nulls[1], float)
    by_chance = float(null.mean())
    short, long = np.quantile(null, [level / 2, 1 - level / 2]) - by_chance
    difference = observed[0] - observed[1] - by_chance
    p = (1 + int((np.abs(null - by_chance) >= abs(difference)).sum())) / (len(null) + 1)
    return by_chance, difference, difference - float(long), difference - float(short), p


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share of n trials (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.5, 4)]
    [0.15, 0.85]
    """
    z2 = stats.norm.isf((1 - level) / 2) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def fdr(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg adjusted p over all values of an array (NaN stays NaN).

    Examples
    --------
    >>> fdr(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    q = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q


def t_to_z(t: np.ndarray, n_subjects: int) -> np.ndarray:
    """t with n_subjects - 1 degrees of freedom as z with the same tail probability."""
    tail = stats.t.logsf(np.abs(t), n_subjects - 1)
    z = -stats.norm.ppf(np.exp(tail))
    # Beyond exp's range the normal tail's leading term is enough.
    far = tail < -700
    z = np.where(far, np.sqrt(np.maximum(-2 * tail, 0)), z)
    return (np.sign(t) * z).astype(np.float32)


def z_to_t(z: float, n_subjects: int) -> float:
    """The t with n_subjects - 1 degrees of freedom that has the tail of z."""
    return float(stats.t.isf(stats.norm.sf(z), n_subjects - 1))


def unit_columns(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and norm 1; 0 where one never moves."""
    centred = values - values.mean(0)
    norm = np.sqrt(np.einsum("tv,tv->v", centred, centred))
    return centred / np.where(norm > 1e-6, norm, np.inf)


def correlate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson r of each column of a with the same column of b; 0 where one never moves."""
    a = a - a.mean(0)
    b = b - b.mean(0)
    scale = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.divide((a * b).sum(0), scale, out=np.zeros_like(scale), where=scale > 1e-12)


def leave_one_out_isc(bold: np.ndarray) -> np.ndarray:
    """Correlation of each subject with the mean of the others (Hasson 2004; Nastase 2019).

    Parameters
    ----------
    bold : (n_subjects, n_trs, n_locations), z-scored

    Returns
    -------
    float32 (n_subjects, n_locations)
    """
    total = np.sum(bold, axis=0, dtype=np.float32)
    return np.stack([correlate(one, total - one) for one in np.asarray(bold)]).astype(np.float32)
