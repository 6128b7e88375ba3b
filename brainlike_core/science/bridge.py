"""What the prediction of a brain network loses when neurons of the model are cut (ours).

The sub-groups stay what they were: their time courses are read again from the
neurons that are left, with the loadings as they were learned.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .statistics import p_from_null

RIDGE = 1e-3


def remaining_courses(responses: np.ndarray, loadings: sparse.csr_matrix, kept: np.ndarray) -> np.ndarray:
    """Time courses of the atoms from the neurons that are left, by least squares on their loadings.

    Parameters
    ----------
    responses : (n_trs, n_neurons)
        Of the model while neurons are cut.
    loadings : csr (n_neurons, n_atoms)
        As learned on the intact model.
    kept : bool (n_neurons,)
        Neurons that are not cut.

    Returns
    -------
    float32 (n_trs, n_atoms)
        Unit norm; 0 for an atom on which no kept neuron loads.

    Examples
    --------
    >>> loadings = sparse.csr_matrix([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> atoms = np.eye(4, 2)
    >>> found = remaining_courses(atoms @ loadings.T.toarray(), loadings, np.array([True, False, True]))
    >>> bool(np.allclose(found, atoms, atol=1e-3))
    True
    """
    left = loadings[kept]
    gram = (left.T @ left).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += RIDGE * max(np.trace(gram), 1e-12) / len(gram)
    seen = (left.T @ responses[:, kept].T.astype(np.float64)).T  # (T, K)
    courses = np.linalg.solve(gram, seen.T).T
    norm = np.sqrt((courses**2).sum(0))
    return (courses / np.where(norm > 1e-12, norm, 1)).astype(np.float32)


def network_means(r: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Mean over the locations of each network: r (n_locations,), table (n_locations, n_networks) -> (n_networks,).

    ``table`` counts the vertices of each network in each location; NaN for a
    network without any.
    """
    total = table.sum(0)
    return np.where(total > 0, r @ table / np.where(total > 0, total, 1), np.nan)


def interaction(loss: np.ndarray) -> np.ndarray:
    """Double dissociation of two cuts and two networks: loss (..., cut, network) -> (...).

    How much more each network loses by its own cut than by the other's, added up.

    Examples
    --------
    >>> float(interaction(np.array([[0.3, 0.0], [0.1, 0.2]])))
    0.4
    """
    return loss[..., 0, 0] - loss[..., 1, 0] + loss[..., 1, 1] - loss[..., 0, 1]


def dissociation(loss: np.ndarray, random: np.ndarray) -> dict[str, float]:
    """The interaction against that of matched random cuts.

    Parameters
    ----------
    loss : (2, 2)
        Held-out r that network j loses by cut i.
    random : (n_draws, 2, 2)
        The same of random cuts of the same sizes in the same layers.

    Returns
    -------
    dict
        own, other: what each network loses by its own cut more than by the
        other's; interaction: their sum; p (one-sided, never 0); null_low,
        null_high: 95 % range of the random interaction.
    """
    null = interaction(random)
    found = float(interaction(loss))
    low, high = np.quantile(null, [0.025, 0.975])
    return {
        "own": float(loss[0, 0] - loss[1, 0]),
        "other": float(loss[1, 1] - loss[0, 1]),
        "interaction": found,
        "p": float(p_from_null(np.array([found]), null)[0]),
        "null_low": float(low),
        "null_high": float(high),
    }
