"""Features with names as atoms: what the low-level baseline has in place of a dictionary."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..errors import ConfigError
from ..values import Dictionary, Organization

# Counts of links are those of any atoms; what compares atoms with each other, or layers, needs many of them.
DEFINED = ("compactness", "n_links", "specialisation")


def features_as_atoms(features: np.ndarray, names: tuple[str, ...], first_tr: int) -> Dictionary:
    """Features that are atoms themselves: nothing is learned, each explains itself wholly.

    Parameters
    ----------
    features : (n_trs, n_features)
        On the recording's clock.
    names : tuple of str, n_features
    first_tr : int
        TR of row 0.

    Returns
    -------
    Dictionary
        Atoms of unit norm, identity loadings, R2 = 1, penalty 0; a feature that never moves is left out.

    Raises
    ------
    ConfigError
        When fewer than two features move.

    Examples
    --------
    >>> found = features_as_atoms(np.array([[3.0, 1, 0], [4.0, -1, 0]]), ("a", "b", "still"), 5)
    >>> found.names, found.atoms[:, 1].astype(float).round(2).tolist(), found.loadings.toarray().tolist()
    (('a', 'b'), [0.71, -0.71], [[1.0, 0.0], [0.0, 1.0]])
    """
    norms = np.linalg.norm(features, axis=0)
    moving = np.flatnonzero(norms > 1e-6)
    n = len(moving)
    if n < 2:
        raise ConfigError(
            "Too few features move with this story",
            found=f"{n}",
            needed="at least 2",
            do="choose a longer story",
        )
    return Dictionary(
        atoms=(features[:, moving] / norms[moving]).astype(np.float32),
        loading_values=np.ones(n, np.float32),
        loading_atoms=np.arange(n, dtype=np.int32),
        loading_starts=np.arange(n + 1, dtype=np.int64),
        r2=np.ones(n, np.float32),
        penalty=0.0,
        objective=0.0,
        n_iterations=0,
        layers=(0,),
        n_units=n,
        first_tr=first_tr,
        names=tuple(names[k] for k in moving),
    )


def without_organization(found: Organization) -> Organization:
    """The same with NaN where a quantity is not defined for a handful of features.

    Counts of links, compactness and specialisation stay.

    Parameters
    ----------
    found : Organization

    Returns
    -------
    Organization
    """
    metrics, networks = found.metrics.copy(), found.networks.copy()
    metrics.loc[~metrics["metric"].isin(DEFINED), [c for c in metrics if c != "metric"]] = np.nan
    undefined = [c for c in networks if c.startswith("consistency") or c == "centre_of_mass"]
    networks[undefined] = np.nan
    return dataclasses.replace(
        found, metrics=metrics, networks=networks, layer_profiles=np.zeros_like(found.layer_profiles)
    )
