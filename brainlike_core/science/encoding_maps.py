"""Brain maps of atoms: weights per subject, group maps, and which atoms are brain-related at all."""

from __future__ import annotations

import numpy as np

from .encoding_nulls import orthonormal
from .statistics import sign_randomised, unit_columns
from .story_rows import Rows, by_story, rows_at
from .timing import zscore

GATE_COPIES = 1000
MAP_PENALTY = 1.0  # of trace(D'D) / K: ours; weights for maps, not for scores


def ridge_solver(atoms: np.ndarray, penalty: float = MAP_PENALTY) -> np.ndarray:
    """What turns brain columns into ridge weights: (n_atoms, n_rows).

    The penalty is in units of trace(D'D) / K. The rows sum to zero, so brain
    columns need no centring.
    """
    centred = atoms - atoms.mean(0)
    gram = (centred.T @ centred).astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    return np.linalg.solve(gram, centred.T.astype(np.float64)).astype(np.float32)


def subject_weights(atoms: np.ndarray, bold: np.ndarray, rows: Rows, delay: int) -> np.ndarray:
    """Encoding weights of each subject, standardised over locations.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    bold : (n_subjects, n_trs, n_locations)
    rows : TR of the atoms' row 0, or the rows of several stories
    delay : in TRs

    Returns
    -------
    float32 (n_subjects, n_atoms, n_locations)
    """
    at = rows_at(rows, len(atoms), delay)
    solver = ridge_solver(atoms)
    return np.stack([zscore(solver @ np.asarray(one[at]), axis=1) for one in bold])


def group_t(weights: np.ndarray) -> np.ndarray:
    """One-sample t over subjects: (n_subjects, n_atoms, n_locations) -> (n_atoms, n_locations)."""
    n = len(weights)
    mean = weights.mean(0)
    spread = np.sqrt(np.maximum(((weights - mean) ** 2).sum(0) / (n - 1), 1e-12))
    return (mean / (spread / np.sqrt(n))).astype(np.float32)


def fake_atoms(atoms: np.ndarray, rng: np.random.Generator, stories: np.ndarray | None = None) -> np.ndarray:
    """`sign_randomised` atoms, story by story where there are several: (n_rows, n_atoms)."""
    return by_story(lambda part: sign_randomised(part, rng), atoms, stories)


def predicted_response(
    atoms: np.ndarray, brain: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """What the atoms predict of the rows of each fold, by ridge on its training rows (fixed penalty).

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    brain : (n_rows, n_locations)
        The recording at the atoms' delay.
    folds : list of (train, test)
        Rows; each row is tested once.

    Returns
    -------
    float32 (n_rows, n_locations)
        NaN in rows that no fold tests.
    """
    predicted = np.full(brain.shape, np.nan, np.float32)
    for train, test in folds:
        weights = ridge_solver(atoms[train]) @ brain[train]  # (n_atoms, n_locations)
        predicted[test] = (atoms[test] - atoms[train].mean(0)) @ weights + brain[train].mean(0)
    return predicted


class AtomGate:
    """Is an atom related to the brain at all?

    The statistic is the mean squared r over locations at the best delay; the
    null is the atom's own sign-randomised copies. Through the Gram matrix of
    time points, any number of locations costs n_trs^2 per atom.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    brains : one (n_rows, n_locations) array per delay
    n_copies : int
    rng : numpy Generator
    stories : (n_rows,), optional
        Which of several stories each row belongs to: signs are their own.
    """

    def __init__(
        self,
        atoms: np.ndarray,
        brains: list[np.ndarray],
        n_copies: int,
        rng: np.random.Generator,
        stories: np.ndarray | None = None,
    ) -> None:
        atoms = np.asarray(atoms, np.float32)
        self.grams = [_time_gram(brain) for brain in brains]
        self.copies = np.stack([self.relation(fake_atoms(atoms, rng, stories)) for _ in range(n_copies)])

    def relation(self, atoms: np.ndarray) -> np.ndarray:
        """Mean squared r of each atom: (n_atoms,)."""
        unit = unit_columns(np.asarray(atoms, np.float32))
        return np.max([np.einsum("tk,tk->k", unit, gram @ unit) for gram in self.grams], axis=0)

    def p(self, atoms: np.ndarray) -> np.ndarray:
        """p of atoms that have the spectra of those given at first: (n_atoms,)."""
        reached = (self.copies >= self.relation(atoms)).sum(0)
        return (reached + 1) / (len(self.copies) + 1)


def _time_gram(brain: np.ndarray) -> np.ndarray:
    unit = unit_columns(np.asarray(brain, np.float32))
    moving = max(int((np.abs(unit).sum(0) > 0).sum()), 1)
    return unit @ unit.T / moving


def insample_r2(atoms: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """R^2 of ordinary regression on all rows (no cross-validation): (n_locations,)."""
    projected = orthonormal(atoms).T @ unit_columns(np.asarray(brain, np.float32))
    return np.einsum("kv,kv->v", projected, projected)
