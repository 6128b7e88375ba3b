"""How much of a planted truth came back (simulated recordings only)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..values import Correspondence, Dictionary, PlantedTruth, Recovery
from .timing import band_pass

N_SHUFFLES = 10_000


def recover(
    truth: PlantedTruth,
    dictionary: Dictionary,
    correspondence: Correspondence,
    tr: float,
    band: tuple[float, ...],
    *,
    seed: int = 0,
) -> Recovery:
    """For each planted effect: does its best-matching sub-group go with the planted network?

    The best-matching sub-group of a pattern is the atom with the largest |r|
    to it over the story. Its sign turns activation into deactivation where r
    is negative. The effect is recovered when, among all networks, that atom's
    Dice with the planted sign is largest for the planted network.

    Parameters
    ----------
    truth : PlantedTruth
    dictionary, correspondence : of one run on the planted atlas
    tr, band : of the recording

    Returns
    -------
    Recovery
        Chance and p come from shuffling the planted networks among effects.
    """
    r = pattern_atom_correlation(truth, dictionary, tr, band)
    rows, scores = [], []
    accepted = correspondence.accepted_links
    for effect in truth.table.itertuples():
        pattern = truth.names.index(str(effect.pattern))
        atom = int(np.abs(r[pattern]).argmax())
        flip = r[pattern, atom] < 0
        sign = int((effect.sign == "-") != flip)
        dice = correspondence.dice[sign, atom]
        found = int(dice.argmax())
        scores.append(dice)
        rows.append(
            {
                "pattern": effect.pattern,
                "kind": effect.kind,
                "network": effect.network,
                "sign": effect.sign,
                "atom": atom,
                "atom_r": float(r[pattern, atom]),
                "found_network": correspondence.networks[found] if dice.max() > 0 else "none",
                "found_sign": "-" if sign else "+",
                "dice": float(dice[correspondence.networks.index(str(effect.network))]),
                "recovered": bool(dice.max() > 0 and correspondence.networks[found] == effect.network),
                "accepted": bool(accepted[sign, atom, found]),
            }
        )
    table = pd.DataFrame(rows)
    planted = np.array([correspondence.networks.index(n) for n in table["network"]])
    chosen = np.where(np.max(scores, 1) > 0, np.argmax(scores, 1), -1)
    score, chance, p = shuffled_score(planted, chosen, np.random.default_rng(seed))
    return Recovery(table=table, score=score, chance=chance, p=p)


def pattern_atom_correlation(
    truth: PlantedTruth, dictionary: Dictionary, tr: float, band: tuple[float, ...]
) -> np.ndarray:
    """Pearson r of each planted pattern with each atom: (n_patterns, n_atoms)."""
    heard = band_pass(np.asarray(truth.patterns, np.float64).T, tr, band)
    rows = heard[dictionary.first_tr : dictionary.first_tr + dictionary.n_trs]
    return _unit(rows).T @ _unit(np.asarray(dictionary.atoms, np.float64))


def _unit(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(0)
    return centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-12)


def shuffled_score(
    planted: np.ndarray, found: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Share of hits, its mean under shuffled plants, and its p.

    Examples
    --------
    >>> score, chance, p = shuffled_score(np.arange(8), np.arange(8), np.random.default_rng(0))
    >>> score, round(chance, 1), p < 0.001
    (1.0, 0.1, True)
    """
    score = float((planted == found).mean())
    shuffles = np.array([(rng.permutation(planted) == found).mean() for _ in range(N_SHUFFLES)])
    p = (1 + int((shuffles >= score - 1e-12).sum())) / (1 + N_SHUFFLES)
    return score, float(shuffles.mean()), float(p)
