"""Are atoms the same ones when they are learned again?

The atoms of two dictionaries have no common order and no common sign: they are
matched one to one so that the sum of |r| is largest (Kuhn 1955,
doi:10.1002/nav.3800020109). The best assignment of unrelated atoms is far from
r = 0, so a matched |r| stands beside that of sign-randomised atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from .statistics import sign_randomised

MAX_ROUNDS = 50  # of matching and averaging; it ends when no atom changes places


@dataclass(frozen=True)
class Consensus:
    """Atoms averaged over dictionaries.

    Attributes
    ----------
    atoms : float64 (n_trs, n_atoms)
        Of mean 0 and norm 1.
    stability : float64 (n_atoms,)
        Mean |r| over all pairs of the atoms that were averaged.
    members : int64 (n_dictionaries, n_atoms)
        Which atom of each dictionary was averaged.
    """

    atoms: np.ndarray
    stability: np.ndarray
    members: np.ndarray


def match_atoms(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The partner of each atom in another dictionary, one to one, with the largest sum of \\|r\\|.

    Parameters
    ----------
    first : (n_trs, n_atoms)
    second : (n_trs, n_others)
        At least as many atoms.

    Returns
    -------
    partner : int64 (n_atoms,)
        Column of ``second``.
    r : float64 (n_atoms,)
        Pearson r of each atom with its partner; 0 where one never moves.

    Examples
    --------
    >>> atoms = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])
    >>> partner, r = match_atoms(atoms, -atoms[:, ::-1])
    >>> partner.tolist(), r.round(3).tolist()
    ([1, 0], [-1.0, -1.0])
    """
    r = _unit(first).T @ _unit(second)
    rows, partner = linear_sum_assignment(-np.abs(r))
    return partner, r[rows, partner]


def pair_stability(dictionaries: Sequence[np.ndarray]) -> np.ndarray:
    """Mean matched \\|r\\| of every pair of dictionaries.

    Parameters
    ----------
    dictionaries : sequence of (n_trs, n_atoms)

    Returns
    -------
    float64 (n_pairs,)
        In the order of `itertools.combinations`.
    """
    return np.array([np.abs(match_atoms(*pair)[1]).mean() for pair in combinations(dictionaries, 2)])


def pair_null(dictionaries: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Matched \\|r\\| of each atom, for every pair, when one of the two is sign-randomised.

    The randomised dictionary keeps the spectrum of every atom and the
    correlations between its atoms.

    Returns
    -------
    float64 (n_pairs, n_atoms)
    """
    return np.stack(
        [np.abs(match_atoms(a, sign_randomised(b, rng))[1]) for a, b in combinations(dictionaries, 2)]
    )


def consensus(dictionaries: Sequence[np.ndarray]) -> Consensus:
    """Match every dictionary's atoms to a reference, average them with one sign, and match again.

    The first reference is the dictionary that matches the others best.

    Parameters
    ----------
    dictionaries : sequence of (n_trs, n_atoms)
        At least two, of equal shape.
    """
    stacked = np.stack([_unit(one) for one in dictionaries])  # (n_dictionaries, n_trs, n_atoms)
    everyone = np.arange(len(stacked))[:, None]
    reference = stacked[_most_typical(stacked)]
    members = np.full((len(stacked), stacked.shape[2]), -1)
    for _ in range(MAX_ROUNDS):
        matches = [match_atoms(reference, one) for one in stacked]
        partners = np.stack([partner for partner, _ in matches])
        sign = np.where(np.stack([r for _, r in matches]) < 0, -1.0, 1.0)
        aligned = stacked.transpose(0, 2, 1)[everyone, partners] * sign[..., None]
        reference = _unit(aligned.mean(0).T)
        if np.array_equal(partners, members):
            break
        members = partners
    return Consensus(reference, _mean_pairwise(aligned), partners)


def _most_typical(stacked: np.ndarray) -> int:
    """The dictionary with the largest mean matched \\|r\\| with the others."""
    total = np.zeros(len(stacked))
    pairs = combinations(range(len(stacked)), 2)
    for (i, j), r in zip(pairs, pair_stability(list(stacked)), strict=True):
        total[i] += r
        total[j] += r
    return int(total.argmax())


def _mean_pairwise(aligned: np.ndarray) -> np.ndarray:
    """Mean \\|r\\| over pairs of dictionaries, for atoms in one order (n_dictionaries, n_atoms, n_trs)."""
    r = np.abs(np.einsum("skt,ukt->suk", aligned, aligned, optimize=True))
    return r[np.triu_indices(len(aligned), 1)].mean(0)


def _unit(atoms: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and norm 1; all zeros where one never moves."""
    centred = np.asarray(atoms, np.float64) - np.mean(atoms, axis=0, dtype=np.float64)
    norm = np.linalg.norm(centred, axis=0)
    return centred / np.where(norm > 1e-12, norm, np.inf)
