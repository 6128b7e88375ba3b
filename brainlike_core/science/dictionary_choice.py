"""How many atoms, and how sparse? Settings compared on held-out neurons, and on time that their codes did not see.

Atoms are learned from most of the neurons, over the whole story. The other neurons are summed up in
them twice: over the whole story, and with codes fitted on one half of it that
must predict the other half. The first mostly gains from more atoms; the second
loses where codes fit noise. The choice is by the second, with the
one-standard-error rule (Breiman et al. 1984, Classification and Regression
Trees): the fewest atoms that the best setting does not clearly beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..config import ChoiceConfig, DictionaryConfig
from ..errors import ConfigError
from ..values import DictionaryChoice
from .dictionary import SparseDictionary
from .sparse_codes import sparse_codes
from .stability import consensus, match_atoms, pair_null, pair_stability
from .statistics import sign_randomised

LEVEL = 0.95  # quantile of a null that stands beside a stability


def choose(
    responses: np.ndarray,
    tr: float,
    atoms: np.ndarray,
    used: DictionaryConfig,
    config: ChoiceConfig,
    progress: Callable[[float], None] = lambda fraction: None,
    stories: np.ndarray | None = None,
) -> DictionaryChoice:
    """Held-out reconstruction and stability of each number of atoms and each penalty.

    Parameters
    ----------
    responses : float32 (n_trs, n_neurons), z-scored
    tr : seconds
    atoms : float32 (n_trs, n_atoms)
        Those that were learned with the settings in use.
    used : DictionaryConfig
        The settings in use; they are compared with those of the grid.
    config : ChoiceConfig
    progress : called with the fraction done
    stories : (n_trs,), optional
        Which of several stories each row belongs to: each is halved by itself.

    Returns
    -------
    DictionaryChoice

    Raises
    ------
    ConfigError
        When too few neurons move, or no setting of the grid fits them.
    """
    learned, held_out = _split(responses, config)
    settings = _settings(used, config, min(learned.shape))
    parts = _stories(len(responses), stories)
    halves = _halves(parts, config.gap_trs)
    blocks = _blocks(parts, max(2, round(config.block_s / tr)))
    seeds = [config.n_seeds if _same(one, used) else config.n_grid_seeds for one in settings]
    found: list[_Tried] = []
    own: list[np.ndarray] = []
    done = 0
    for one, n_seeds in zip(settings, seeds, strict=True):
        fits = []
        for seed in range(n_seeds):
            fits.append(_fit(learned, held_out, replace(one, seed=config.seed + seed), halves))
            done += 1
            progress(done / sum(seeds))
        found.append(_Tried(one, fits, config.seed))
        if _same(one, used):
            own = [fit.atoms for fit in fits]
    joint = consensus(own)
    again, null = _again(atoms, own, np.random.default_rng(config.seed))
    return DictionaryChoice(
        table=_compare(found, np.einsum("nt,nt->t", held_out, held_out), blocks, used),
        n_learned=len(learned),
        n_held_out=len(held_out),
        n_seeds=config.n_seeds,
        consensus=joint.atoms.astype(np.float32),
        consensus_stability=joint.stability.astype(np.float32),
        atom_stability=again.astype(np.float32),
        atom_null=null,
    )


def _split(responses: np.ndarray, config: ChoiceConfig) -> tuple[np.ndarray, np.ndarray]:
    """Neurons to learn from and neurons held out, at random; rows of norm 1, float32."""
    moving = np.flatnonzero(responses.std(0) > 1e-6)
    chosen = np.random.default_rng(config.seed).permutation(moving)[: config.n_neurons]
    rows = responses[:, chosen].T.astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    n_held_out = max(1, round(config.held_out * len(rows)))
    return rows[n_held_out:], rows[:n_held_out]


def _settings(used: DictionaryConfig, config: ChoiceConfig, most: int) -> list[DictionaryConfig]:
    """The grid as far as the data can carry it, and the settings in use; fewest atoms first."""
    grid = {(k, penalty) for k in config.n_atoms for penalty in config.penalties if k <= most}
    if used.n_atoms > most:
        raise ConfigError(
            "Too few neurons or TRs to compare the settings in use",
            found=f"K = {used.n_atoms}",
            needed=f"K <= {most}, the neurons or TRs that atoms are learned from",
            do="raise --neurons, or choose a run with fewer atoms",
        )
    grid.add((used.n_atoms, used.penalty))
    return [replace(used, n_atoms=k, penalty=penalty) for k, penalty in sorted(grid)]


def _same(one: DictionaryConfig, other: DictionaryConfig) -> bool:
    return (one.n_atoms, one.penalty) == (other.n_atoms, other.penalty)


def _stories(n_trs: int, stories: np.ndarray | None) -> list[tuple[int, int]]:
    """First row and number of rows of each story, one after the other."""
    if stories is None:
        return [(0, n_trs)]
    borders = np.flatnonzero(np.diff(stories)) + 1
    firsts, stops = [0, *borders.tolist()], [*borders.tolist(), n_trs]
    return [(first, stop - first) for first, stop in zip(firsts, stops, strict=True)]


def _halves(parts: list[tuple[int, int]], gap_trs: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows that codes are fitted on and rows that they must predict, both ways: the halves of each story, a gap between."""
    fitted: tuple[list, list] = ([], [])
    predicted: tuple[list, list] = ([], [])
    for first, n in parts:
        middle, gap, rows = n // 2, min(gap_trs, n // 4), first + np.arange(n)
        fitted[0].append(rows[: middle - gap])
        predicted[0].append(rows[middle:])
        fitted[1].append(rows[middle + gap :])
        predicted[1].append(rows[:middle])
    return [
        (np.concatenate(some), np.concatenate(others)) for some, others in zip(fitted, predicted, strict=True)
    ]


def _blocks(parts: list[tuple[int, int]], block: int) -> np.ndarray:
    """First rows of stretches of time that count as independent; the last one of a story takes its rest."""
    starts = []
    for first, n in parts:
        size = max(1, min(block, n // 2))
        starts.append(first + np.arange(n // size) * size)
    return np.concatenate(starts)


@dataclass(frozen=True)
class _Fit:
    """What one seed gives with one setting."""

    atoms: np.ndarray  # (n_trs, n_atoms)
    r2_learned: float
    r2_neurons: float
    errors: np.ndarray  # (n_trs,): squared errors across halves, summed over held-out neurons
    loadings: float


def _fit(
    learned: np.ndarray,
    held_out: np.ndarray,
    config: DictionaryConfig,
    halves: list[tuple[np.ndarray, np.ndarray]],
) -> _Fit:
    model = SparseDictionary(
        config.n_atoms, config.penalty, config.n_iterations, config.tolerance, config.seed
    ).fit(learned)
    atoms = model.components_
    codes = model.transform(held_out)
    return _Fit(
        atoms.T,
        float(model.r2_.mean()),
        1 - float(((held_out - codes @ atoms) ** 2).sum() / len(held_out)),
        across_halves(held_out, atoms, config.penalty, halves),
        float((codes != 0).sum(1).mean()),
    )


def across_halves(
    neurons: np.ndarray, atoms: np.ndarray, penalty: float, halves: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Squared error at each TR, summed over neurons, with codes fitted on other TRs.

    Parameters
    ----------
    neurons : (n_neurons, n_trs)
        Rows of norm 1.
    atoms : (n_atoms, n_trs)
        Rows of norm 1.
    penalty : float
        For the whole story; in part of it, the same part of the penalty.
    halves : list of (array, array)
        TRs to fit codes on, and TRs to predict.

    Returns
    -------
    float64 (n_trs,)
        0 where nothing was predicted.
    """
    errors = np.zeros(neurons.shape[1])
    for fitted, predicted in halves:
        share = len(fitted) / neurons.shape[1]
        codes = sparse_codes(neurons[:, fitted], atoms[:, fitted], penalty * share)
        left = neurons[:, predicted] - codes @ atoms[:, predicted]
        errors[predicted] = np.einsum("nt,nt->t", left, left, dtype=np.float64)
    return errors


class _Tried:
    """All seeds of one setting."""

    def __init__(self, config: DictionaryConfig, fits: list[_Fit], seed: int) -> None:
        self.config = config
        self.errors = np.mean([fit.errors for fit in fits], axis=0)
        atoms = [fit.atoms for fit in fits]
        null = pair_null(atoms, np.random.default_rng(seed)).mean(1)
        self.row = {
            "n_atoms": config.n_atoms,
            "penalty": config.penalty,
            "r2_learned": np.mean([fit.r2_learned for fit in fits]),
            "r2_neurons": np.mean([fit.r2_neurons for fit in fits]),
            "loadings": np.mean([fit.loadings for fit in fits]),
            "stability": pair_stability(atoms).mean(),
            "stability_null": null.mean(),
            "stability_null_high": np.quantile(null, LEVEL),
        }


def _compare(
    tried: list[_Tried], energy: np.ndarray, blocks: np.ndarray, used: DictionaryConfig
) -> pd.DataFrame:
    """One row per setting, with standard errors over stretches of the story.

    ``energy`` is the sum of squares of all held-out neurons at each TR.
    """
    table = pd.DataFrame([one.row for one in tried])
    whole = np.add.reduceat(energy, blocks) / energy.sum()  # (n_blocks,)
    lost = np.stack([np.add.reduceat(one.errors, blocks) for one in tried]) / energy.sum()
    table["r2_time"] = 1 - lost.sum(1)
    table["r2_time_se"] = _standard_error(lost - lost.sum(1)[:, None] * whole)  # a ratio of two sums
    best = int(table["r2_time"].argmax())
    table["behind"] = table["r2_time"][best] - table["r2_time"]
    behind = lost - lost[best]
    table["behind_se"] = _standard_error(behind - behind.sum(1)[:, None] * whole)
    table["within"] = table["behind"] <= table["r2_time_se"][best]
    table["recommended"] = table.index == recommended(table)
    table["used"] = (table["n_atoms"] == used.n_atoms) & (table["penalty"] == used.penalty)
    return table


def _standard_error(parts: np.ndarray) -> np.ndarray:
    """Of the sum over independent blocks (n_settings, n_blocks)."""
    return parts.std(1, ddof=1) * np.sqrt(parts.shape[1])


def recommended(table: pd.DataFrame) -> int:
    """Of the settings within one standard error of the best: fewest atoms, then fewest loadings.

    Parameters
    ----------
    table : DataFrame
        ``within, n_atoms, loadings``.

    Examples
    --------
    >>> rows = [(True, 64, 9.0), (True, 32, 7.0), (True, 32, 5.0), (False, 16, 4.0)]
    >>> recommended(pd.DataFrame(rows, columns=["within", "n_atoms", "loadings"]))
    2
    """
    return int(table[table["within"]].sort_values(["n_atoms", "loadings"], kind="stable").index[0])


def _again(
    atoms: np.ndarray, dictionaries: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Mean matched \\|r\\| of each atom with all dictionaries, and the same of sign-randomised copies."""

    def matched(one: np.ndarray) -> np.ndarray:
        return np.mean([np.abs(match_atoms(one, other)[1]) for other in dictionaries], axis=0)

    null = [matched(sign_randomised(atoms, rng)) for _ in dictionaries]
    return matched(atoms), float(np.quantile(null, LEVEL))
