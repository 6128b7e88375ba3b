"""How much of a planted truth came back (simulated recordings only).

Sixty-four smooth time courses always contain one that resembles a given
pattern, so "the best-matching sub-group goes with the right network" is true of
random weights as often as of trained ones. Here a plant is recovered only by a
link that beat both nulls, through a sub-group that expresses the pattern beyond
sign-randomised copies of it.
"""

from __future__ import annotations

import numpy as np

from ..values import Correspondence, Dictionary, PlantedTruth, Recovery
from .statistics import fdr, sign_randomised, unit_columns
from .timing import band_pass

N_SHUFFLES = 10_000
N_SURROGATES = 2_000
LEVEL = 0.05


def recover(
    truth: PlantedTruth,
    dictionary: Dictionary,
    correspondence: Correspondence,
    tr: float,
    band: tuple[float, ...],
    *,
    seed: int = 0,
) -> Recovery:
    """Which planted effects did the accepted links find, and do they claim anything else?

    An effect (pattern, network, sign) is recovered when a sub-group that
    expresses the pattern (q < 0.05) has an accepted link to the network. An
    atom that follows the pattern upside down (r < 0) must deactivate a network
    that the pattern activates.

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
    rng = np.random.default_rng(seed)
    heard = heard_patterns(truth, dictionary, tr, band)
    r, q = expression(heard, np.asarray(dictionary.atoms, np.float64), rng)
    carriers = accepted_carriers(r, q < LEVEL, correspondence.accepted_links)
    pattern = np.array([truth.names.index(name) for name in truth.table["pattern"]])
    sign = (truth.table["sign"] == "-").to_numpy(int)
    network = np.array([correspondence.networks.index(name) for name in truth.table["network"]])
    score, chance, p = shuffled_score(np.any(carriers, -1), pattern, sign, network, rng)
    found = carriers[pattern, sign, network]  # (n_effects, n_atoms)
    atom = np.abs(np.where(found.any(1)[:, None] & ~found, 0, r[pattern])).argmax(1)
    atom_r = r[pattern, atom]
    table = truth.table[["pattern", "kind", "network", "sign"]].assign(
        atom=atom,
        atom_r=atom_r,
        atom_q=q[pattern, atom],
        dice=correspondence.dice[sign ^ (atom_r < 0), atom, network],
        n_subgroups=found.sum(1),
        recovered=found.any(1),
    )
    return Recovery(
        table=table,
        score=score,
        chance=chance,
        p=p,
        n_links=int(correspondence.accepted_links.sum()),
        # A link is (atom, network): one atom may carry two patterns to one network.
        n_links_planted=len({(int(k), network[e]) for e, k in zip(*np.nonzero(found), strict=True)}),
    )


def heard_patterns(
    truth: PlantedTruth, dictionary: Dictionary, tr: float, band: tuple[float, ...]
) -> np.ndarray:
    """The planted patterns as the recording heard them, on the atoms' rows: (n_rows, n_patterns)."""
    heard = band_pass(np.asarray(truth.patterns, np.float64).T, tr, band)
    return heard[dictionary.first_tr : dictionary.first_tr + dictionary.n_trs]


def expression(
    heard: np.ndarray, atoms: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """How far each atom follows each pattern: Pearson r and q, both (n_patterns, n_atoms).

    p counts sign-randomised copies of the pattern with a larger |r|; q is its
    FDR over all pairs.
    """
    unit = unit_columns(atoms)
    r = unit_columns(heard).T @ unit
    reached = np.ones(r.shape)
    for _ in range(N_SURROGATES):
        reached += np.abs(unit_columns(sign_randomised(heard, rng)).T @ unit) >= np.abs(r)
    return r, fdr(reached / (1 + N_SURROGATES))


def accepted_carriers(r: np.ndarray, expressed: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """Atoms that carry a pattern to a network: bool (n_patterns, 2, n_networks, n_atoms).

    Parameters
    ----------
    r, expressed : (n_patterns, n_atoms)
    accepted : bool (2, n_atoms, n_networks)
        Links by the sign of the atom; the result is by the sign of the pattern.
    """
    links = accepted.transpose(0, 2, 1)[None]  # (1, 2, n_networks, n_atoms)
    upside_down = (r < 0)[:, None, None, :]
    return np.where(upside_down, links[:, ::-1], links) & expressed[:, None, None, :]


def shuffled_score(
    claimed: np.ndarray,
    pattern: np.ndarray,
    sign: np.ndarray,
    network: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Share of planted effects that are claimed, its mean under shuffled plants, and its p.

    Parameters
    ----------
    claimed : bool (n_patterns, 2, n_networks)
    pattern, sign, network : int (n_effects,)
        A shuffle keeps the patterns and deals sign and network anew.

    Examples
    --------
    >>> claimed = np.zeros((8, 2, 8), bool)
    >>> claimed[range(8), 0, range(8)] = True
    >>> eight, plus = np.arange(8), np.zeros(8, int)
    >>> score, chance, p = shuffled_score(claimed, eight, plus, eight, np.random.default_rng(0))
    >>> score, round(chance, 1), p < 0.001
    (1.0, 0.1, True)
    """
    score = float(claimed[pattern, sign, network].mean())
    order = np.array([rng.permutation(len(pattern)) for _ in range(N_SHUFFLES)])
    shuffles = claimed[pattern, sign[order], network[order]].mean(1)
    p = (1 + int((shuffles >= score - 1e-12).sum())) / (1 + N_SHUFFLES)
    return score, float(shuffles.mean()), float(p)
