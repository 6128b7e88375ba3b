"""What held-out scores are worth when the recording has nothing to do with the atoms.

Four surrogates of the recording: random signs of its cosines (the default),
random phases, shuffled blocks of time, circular shifts. Each goes through the whole cross-validation,
choices included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import fft

from ..config import EncodingConfig
from .folds import delayed
from .held_out import HeldOutFolds
from .statistics import (
    block_permuted,
    circular_shifts,
    phase_randomised,
    sign_randomised,
    unit_columns,
)
from .story_rows import Rows, by_story, recorded_stories

COLUMNS = 4096  # surrogate columns at once


def surrogates(
    values: np.ndarray,
    config: EncodingConfig,
    rng: np.random.Generator,
    stories: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """``config.n_surrogates`` copies (n_trs, n_columns) of a recording by ``config.null``.

    ``sign``: `sign_randomised`; ``phase``: `phase_randomised`; ``block``: `block_permuted`; ``shift``: at most
    as many as the run has shifts of ``block_trs`` or more. Of several stories
    (``stories`` says which each TR belongs to) each is changed by itself.
    """
    if config.null == "shift" and stories is None:
        for shift in circular_shifts(len(values), config.n_surrogates, config.block_trs, rng):
            yield np.roll(values, shift, axis=0)
        return
    change = {
        "sign": lambda part: sign_randomised(part, rng),
        "phase": lambda part: phase_randomised(part, rng),
        "block": lambda part: block_permuted(part, config.block_trs, rng),
        "shift": lambda part: _shifted(part, config.block_trs, rng),
    }[config.null]
    for _ in range(config.n_surrogates):
        yield by_story(change, values, stories)


def _shifted(values: np.ndarray, shortest: int, rng: np.random.Generator) -> np.ndarray:
    """One story by a shift of its own: several stories have as many combinations as the product."""
    possible = circular_shifts(len(values), 1, min(shortest, len(values) // 3), rng)
    return np.roll(values, possible[0], axis=0)


def null_r(
    folds: HeldOutFolds,
    mean: np.ndarray,
    rows: tuple[Rows, int],
    config: EncodingConfig,
    rng: np.random.Generator,
    progress: Callable[[float], None] = lambda fraction: None,
) -> np.ndarray:
    """Held-out r of surrogate recordings: (n_surrogates, n_locations). Surrogates are just more columns.

    Parameters
    ----------
    folds : HeldOutFolds
    mean : (n_trs, n_locations)
    rows : first TR of the atoms (or the rows of several stories), and how many
    """
    n_locations = mean.shape[1]
    at_once = max(1, COLUMNS // n_locations)
    found: list[np.ndarray] = []
    waiting: list[np.ndarray] = []

    def score() -> None:
        brains = delayed(np.concatenate(waiting, axis=1), *rows, config.delays)
        found.append(folds.score(brains).r.reshape(len(waiting), n_locations))
        waiting.clear()

    for i, fake in enumerate(surrogates(mean, config, rng, recorded_stories(rows[0]))):
        waiting.append(fake)
        if len(waiting) == at_once:
            score()
            progress((i + 1) / config.n_surrogates)
    if waiting:
        score()
    return np.concatenate(found)


def null_locations(n_locations: int, at_most: int) -> np.ndarray:
    """An even subset of locations for the null: all of them when they are few.

    fsaverage5 is an icosahedron divided five times whose first 10, 42, 162, 642, ...
    vertices are the coarser spheres, so a prefix of each hemisphere is even.
    """
    if n_locations <= at_most:
        return np.arange(n_locations)
    if n_locations == 20484:
        prefix = max(n for n in (12, 42, 162, 642, 2562) if 2 * n <= at_most)
        return np.concatenate([np.arange(prefix), 10242 + np.arange(prefix)])
    return np.linspace(0, n_locations - 1, at_most).round().astype(int)


def shifted_r2(atoms: np.ndarray, brain: np.ndarray, columns_at_once: int = 256) -> Iterator[np.ndarray]:
    """In-sample R^2 of ordinary regression for every circular shift of the recording.

    One FFT cross-correlation with an orthonormal basis of the atoms gives all
    shifts; no regression is fitted again.

    Parameters
    ----------
    atoms : (n_trs, n_atoms)
    brain : (n_trs, n_locations)

    Yields
    ------
    float32 (columns, n_trs)
        Blocks of locations in order; shift s is ``np.roll(brain, s, axis=0)``,
        so column 0 is the recording as it is.
    """
    n = len(atoms)
    basis = orthonormal(np.asarray(atoms, np.float32))
    turned = fft.rfft(np.ascontiguousarray(basis.T), axis=1)  # (rank, n_frequencies)
    for start in range(0, brain.shape[1], columns_at_once):
        unit = unit_columns(np.asarray(brain[:, start : start + columns_at_once], np.float32))
        spectra = np.conj(fft.rfft(np.ascontiguousarray(unit.T), axis=1))
        explained = np.zeros((unit.shape[1], n), np.float32)
        for one in turned:
            projected = fft.irfft(one * spectra, n=n, axis=1, overwrite_x=True)
            explained += projected * projected
        yield explained


def orthonormal(atoms: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the centred atoms: (n_trs, rank)."""
    basis, singular, _ = np.linalg.svd(atoms - atoms.mean(0), full_matrices=False)
    return basis[:, singular > 1e-5 * singular.max()]
