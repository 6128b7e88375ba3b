"""From subjects to a group: sign flips, and what replicates over time.

Listeners of one story share its response, so maps of sign-randomised
atoms agree between subjects too: agreement of subjects (t maps, sign flips,
subject halves) says that a map is consistent, not that the atom is right.
Evidence is what replicates over time: maps of one half of the story against
those of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .encoding_maps import fake_atoms, ridge_solver
from .statistics import p_from_null, unit_columns
from .story_rows import Rows, by_story, row_stories, rows_at
from .timing import zscore

N_COPIES = 200


def sign_flips(n_subjects: int, n_flips: int, rng: np.random.Generator) -> np.ndarray:
    """Signs of each subject: all 2^n where that is no more than ``n_flips``, else random; the first is no flip.

    Returns
    -------
    float32 (n, n_subjects)

    Examples
    --------
    >>> sign_flips(2, 100, np.random.default_rng(0)).astype(int).tolist()
    [[1, 1], [-1, 1], [1, -1], [-1, -1]]
    """
    if n_subjects < 31 and 2**n_subjects <= n_flips:
        bits = np.arange(2**n_subjects)[:, None] >> np.arange(n_subjects) & 1
        return (1 - 2 * bits).astype(np.float32)
    signs = rng.choice(np.array([-1, 1], np.float32), (n_flips, n_subjects))
    signs[0] = 1
    return signs


def largest_t(weights: np.ndarray, n_flips: int, rng: np.random.Generator) -> np.ndarray:
    """Largest |t| over all maps and locations under each flip of the subjects' signs: (n,).

    One-sample t over subjects depends on the signs through the mean only, so
    all flips are one matrix product. The first value is the observed one.
    Max-T: Nichols and Holmes 2002, doi:10.1002/hbm.1058.

    Parameters
    ----------
    weights : (n_subjects, ...)
    n_flips : int
    rng : numpy Generator
    """
    n = len(weights)
    signs = sign_flips(n, n_flips, rng)
    flat = weights.reshape(n, -1)
    largest = np.zeros(len(signs))
    for start in range(0, flat.shape[1], 8192):
        some = np.asarray(flat[:, start : start + 8192], np.float32)
        square = np.einsum("sv,sv->v", some, some) / n
        mean2 = (signs / n @ some) ** 2
        # t^2 = (n - 1) m^2 / (mean square - m^2) grows with m^2 / mean square.
        share = (mean2 / np.where(square > 1e-12, square, np.inf)).max(1)
        np.maximum(largest, share, out=largest)
    return np.sqrt((n - 1) * largest / np.maximum(1 - largest, 1e-12))


def sign_flip_p(weights: np.ndarray, n_flips: int, rng: np.random.Generator) -> np.ndarray:
    """Family-wise p of each map and location by sign flips and max-T, two-sided: (...).

    Parameters
    ----------
    weights : (n_subjects, ...)
    """
    from .encoding_maps import group_t

    observed = np.abs(group_t(weights.reshape(len(weights), 1, -1))).reshape(weights.shape[1:])
    null = largest_t(weights, n_flips, rng)
    # The unflipped data are among the flips: they count as the one of (b + 1) / (n + 1).
    return np.minimum(p_from_null(observed * (1 + 1e-5), null[1:]), 1)


# -- replication -----------------------------------------------------------------------


@dataclass(frozen=True)
class Replication:
    """Do the maps come again?

    Attributes
    ----------
    time_r : float32 (n_atoms,)
        Each atom's map of the first half of the story (or stories) against that of the second.
    time_null : float32 (n_copies,)
        Mean of ``time_r`` for sign-randomised atoms.
    time_p : float
        Of the mean of ``time_r``, one-sided.
    subject_r : float32 (n_atoms,)
        Odd against even subjects: consistency, no evidence (fake atoms agree as well).
    subject_null : float32 (n_copies,)
        Mean of ``subject_r`` for sign-randomised atoms.
    """

    time_r: np.ndarray
    time_null: np.ndarray
    time_p: float
    subject_r: np.ndarray
    subject_null: np.ndarray


def replicate(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    delay: int,
    gap_trs: int,
    rng: np.random.Generator,
    n_copies: int = N_COPIES,
) -> Replication:
    """Maps of time halves and of subject halves, with sign-randomised atoms beside both.

    Of several stories, the halves of time are whole stories: the first ones
    against the others.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    bold : (n_subjects, n_trs, n_locations), z-scored
    rows : TR of the atoms' row 0, or the rows of several stories
    delay : in TRs
    gap_trs : int
        TRs left out between the halves of time of one story.
    rng : numpy Generator
    n_copies : int
    """
    atoms = np.asarray(atoms, np.float32)
    at, stories = rows_at(rows, len(atoms), delay), row_stories(rows)
    whole, *halves = (
        by_story(zscore, part[:, at].mean(0, dtype=np.float32), stories)
        for part in (bold, bold[::2], bold[1::2])
    )
    times = time_halves(len(atoms), gap_trs) if stories is None else story_halves(stories)
    time_r, subject_r = _time_r(atoms, whole, times), _subject_r(atoms, *halves)
    nulls = np.empty((n_copies, 2), np.float32)
    for i, fake in enumerate(_fakes(atoms, n_copies, rng, stories)):
        nulls[i] = _time_r(fake, whole, times).mean(), _subject_r(fake, *halves).mean()
    return Replication(
        time_r=time_r,
        time_null=nulls[:, 0],
        time_p=float(p_from_null(time_r.mean(), nulls[:, 0])),
        subject_r=subject_r,
        subject_null=nulls[:, 1],
    )


def time_halves(n_rows: int, gap_trs: int) -> tuple[slice, slice]:
    """Rows of the first and of the second half, ``gap_trs`` left out between them.

    Examples
    --------
    >>> time_halves(10, 2)
    (slice(0, 4, None), slice(6, 10, None))
    """
    middle = n_rows // 2
    return slice(0, middle - gap_trs // 2), slice(middle + (gap_trs + 1) // 2, n_rows)


def story_halves(stories: np.ndarray) -> tuple[slice, slice]:
    """Rows of the first stories and of the others, cut between two stories as near to the middle as can be.

    Examples
    --------
    >>> story_halves(np.array([0, 0, 0, 1, 1, 2, 2]))
    (slice(0, 3, None), slice(3, 7, None))
    """
    cuts = np.flatnonzero(np.diff(stories)) + 1
    cut = int(cuts[np.abs(cuts - len(stories) / 2).argmin()])
    return slice(0, cut), slice(cut, len(stories))


def group_maps(atoms: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Ridge weights of a mean recording, standardised over locations: (n_atoms, n_locations)."""
    return zscore(ridge_solver(atoms) @ brain, axis=1)


def network_profiles(maps: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mean of each map over each network: (n_atoms, n_networks).

    Parameters
    ----------
    maps : (n_atoms, n_locations)
    share : (n_locations, n_networks)
        Weight of each location in each network; columns sum to 1.
    """
    return maps @ share


def _time_r(atoms: np.ndarray, brain: np.ndarray, times: tuple[slice, slice]) -> np.ndarray:
    first, second = (group_maps(atoms[rows], brain[rows]) for rows in times)
    return rows_r(first, second)


def _subject_r(atoms: np.ndarray, odd: np.ndarray, even: np.ndarray) -> np.ndarray:
    return rows_r(group_maps(atoms, odd), group_maps(atoms, even))


def rows_r(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson r of each row of a with the same row of b."""
    return np.einsum("vk,vk->k", unit_columns(a.T), unit_columns(b.T)).astype(np.float32)


def _fakes(
    atoms: np.ndarray, n: int, rng: np.random.Generator, stories: np.ndarray | None
) -> Iterator[np.ndarray]:
    for _ in range(n):
        yield fake_atoms(atoms, rng, stories)
