"""Everything the atoms say about one recording; every claim on held-out time.

Ridge with a penalty and a delay per location, both chosen inside contiguous,
gapped training folds; score = held-out Pearson r, mean over folds. Paper-like
scores (in-sample R^2 of ordinary regression, arXiv 2410.19542) come with their
null. The atoms were learned on the story's neurons over all its time: no brain
data reach them, so they are a fixed stimulus model; held-out rows are unseen by
every step that sees the brain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import EncodingConfig
from ..errors import RecordingError
from ..values import EncodingResult
from .encoding_maps import GATE_COPIES, AtomGate, fake_atoms, group_t, insample_r2, subject_weights
from .encoding_nulls import null_locations, null_r
from .folds import delayed
from .group_inference import largest_t, replicate
from .held_out import HeldOut, HeldOutFolds, held_out, unique_contributions, unique_variance
from .statistics import (
    fdr,
    leave_one_out_isc,
    max_statistic_p,
    p_from_null,
    t_to_z,
)
from .story_rows import Rows, group_mean, row_stories


def encode(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    config: EncodingConfig,
    *,
    nuisance: np.ndarray | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> EncodingResult:
    """Everything the atoms say about one recording.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
        Temporal atoms.
    bold : (n_subjects, n_trs, n_locations)
        z-scored.
    rows : int or StoryRows
        TR of the atoms' row 0; or the rows of several stories: then each fold
        leaves one story out, and nothing reaches from one story into the next.
    nuisance : (n_rows, n_nuisance), optional
        What else drives the brain (word rate, audio, motion) on the atoms'
        rows: the atoms' unique variance is what they predict beyond it.

    Returns
    -------
    EncodingResult

    Raises
    ------
    RecordingError
        With fewer than 3 subjects (no group map), or values that are not numbers.
    """
    _check_bold(bold)
    atoms = np.asarray(atoms, np.float32)
    # One stream for each part: none depends on how much chance another used.
    streams = np.random.default_rng(config.seed).spawn(5)
    mean, stories = group_mean(bold, rows), row_stories(rows)  # (n_trs, n_locations)
    brains = delayed(mean, rows, len(atoms), config.delays)
    folds = HeldOutFolds(atoms, config, stories=stories)
    observed = folds.score(brains)
    one_delay = _one_delay(atoms, brains, config, observed, stories)
    map_delay = config.delays[int(one_delay.lag_r.mean(1).argmax())]
    progress(0.1)
    found = _scores(observed, folds, mean, rows, len(atoms), config, streams[0], progress)
    sample = null_locations(mean.shape[1], config.max_null_locations)
    found["r_subjects"] = _subject_r(folds, len(atoms), bold, sample, rows, config)
    progress(0.7)
    found |= _contributions(atoms, nuisance, brains, config, one_delay, sample, stories)
    progress(0.8)
    found |= _maps(atoms, bold, rows, map_delay, config, streams[1])
    found |= _atom_gate(atoms, brains, streams[2], stories)
    found |= _insample(atoms, brains[config.delays.index(map_delay)], streams[3], stories)
    found |= _replication(atoms, bold[:, :, sample], rows, map_delay, config, streams[4])
    return EncodingResult(
        delay=np.array(config.delays, np.int16)[_most_common(one_delay.delay, len(config.delays))],
        noise_ceiling=leave_one_out_isc(bold).mean(0),
        lag_delays=np.array(config.delays, np.int16),
        lag_curve=one_delay.lag_r.mean(1),
        map_delay=map_delay,
        **found,
    )


def _one_delay(
    atoms: np.ndarray,
    brains: list[np.ndarray],
    config: EncodingConfig,
    observed: HeldOut,
    stories: np.ndarray | None,
) -> HeldOut:
    """Ridge with one delay per location, for delays, maps and contributions."""
    if config == config.one_delay:
        return observed
    return held_out(atoms, brains, config.one_delay, stories=stories)


def _scores(
    observed: HeldOut,
    folds: HeldOutFolds,
    mean: np.ndarray,
    rows: Rows,
    n_rows: int,
    config: EncodingConfig,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """Held-out scores with p, false-discovery rate, and family-wise p."""
    sample = null_locations(mean.shape[1], config.max_null_locations)
    null = null_r(folds, mean[:, sample], (rows, n_rows), config, rng, lambda f: progress(0.1 + 0.5 * f))
    null_means = null.mean(1)
    moving = mean.std(0) > 0
    p = p_from_null(observed.r, null)
    p_max = np.full(len(p), np.nan)
    if len(sample) == len(p):
        p_max = np.where(moving, max_statistic_p(observed.r, null), np.nan)
    return {
        "r_heldout": observed.r,
        "r2_heldout": observed.r2,
        "p": p.astype(np.float32),
        "q": fdr(np.where(moving, p, np.nan)).astype(np.float32),
        "p_max": p_max.astype(np.float32),
        "r_mean": float(observed.r.mean()),
        "r_mean_p": float(p_from_null(observed.r[sample].mean(), null_means)),
        "null_means": null_means.astype(np.float32),
    }


def _contributions(
    atoms: np.ndarray,
    nuisance: np.ndarray | None,
    brains: list[np.ndarray],
    config: EncodingConfig,
    one_delay: HeldOut,
    sample: np.ndarray,
    stories: np.ndarray | None,
) -> dict[str, Any]:
    """What nuisance explains and what the atoms add to it, at ``sample``; what each atom adds to the others."""
    found = {name: np.full(brains[0].shape[1], np.nan, np.float32) for name in ("r2_nuisance", "r2_unique")}
    if nuisance is not None and nuisance.shape[1]:
        shares = unique_variance(atoms, nuisance, [brain[:, sample] for brain in brains], config, stories)
        found["r2_nuisance"][sample], found["r2_unique"][sample] = shares.nuisance, shares.unique
    return found | {"atom_unique": unique_contributions(atoms, brains, config, one_delay, stories)}


def _maps(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    delay: int,
    config: EncodingConfig,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Weights of each subject, group maps, and the |z| that sign flips reach in one of 20 flips."""
    weights = subject_weights(atoms, bold, rows, delay)
    limit = np.quantile(largest_t(weights, config.n_flips, rng), 0.95)
    return {
        "weights": weights,
        "z_maps": t_to_z(group_t(weights), len(bold)),
        "z_flip": float(t_to_z(np.array(limit), len(bold))),
    }


def _atom_gate(
    atoms: np.ndarray, brains: list[np.ndarray], rng: np.random.Generator, stories: np.ndarray | None
) -> dict[str, Any]:
    gate = AtomGate(atoms, brains, GATE_COPIES, rng, stories)
    p = gate.p(atoms)
    return {
        "atom_r2": gate.relation(atoms).astype(np.float32),
        "atom_p": p.astype(np.float32),
        "atom_q": fdr(p).astype(np.float32),
    }


def _insample(
    atoms: np.ndarray, brain: np.ndarray, rng: np.random.Generator, stories: np.ndarray | None
) -> dict[str, Any]:
    """Paper-like scores, and the same of sign-randomised atoms."""
    fakes = [insample_r2(fake_atoms(atoms, rng, stories), brain) for _ in range(20)]
    return {
        "r2_insample": insample_r2(atoms, brain).astype(np.float32),
        "r2_insample_null": np.mean(fakes, axis=0).astype(np.float32),
    }


def _replication(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    delay: int,
    config: EncodingConfig,
    rng: np.random.Generator,
) -> dict[str, Any]:
    found = replicate(atoms, bold, rows, delay, config.gap_trs, rng)
    return {
        "half_r": found.time_r,
        "half_r_null": found.time_null,
        "half_r_p": found.time_p,
        "subject_half_r": found.subject_r,
        "subject_half_r_null": found.subject_null,
    }


def _subject_r(
    folds: HeldOutFolds,
    n_rows: int,
    bold: np.ndarray,
    sample: np.ndarray,
    rows: Rows,
    config: EncodingConfig,
) -> np.ndarray:
    scores = []
    for one in bold:
        brains = delayed(np.asarray(one[:, sample]), rows, n_rows, config.delays)
        scores.append(folds.score(brains).r.mean())
    return np.array(scores, np.float32)


def _most_common(choices: np.ndarray, n: int) -> np.ndarray:
    return np.stack([(choices == i).sum(0) for i in range(n)]).argmax(0)


def _check_bold(bold: np.ndarray) -> None:
    if len(bold) < 3:
        raise RecordingError(
            "Group maps need several subjects",
            found=f"{len(bold)} subject{'s' * (len(bold) != 1)}",
            needed="at least 3",
            do="name more with --subjects",
        )
    for i, one in enumerate(bold):
        if not np.isfinite(one).all():
            raise RecordingError(
                f"Subject {i + 1} of the recording holds values that are not numbers",
                found=f"{int((~np.isfinite(one)).sum())} NaN or infinite values",
                needed="finite values",
                do="clean the recording or leave the subject out with --subjects",
            )
