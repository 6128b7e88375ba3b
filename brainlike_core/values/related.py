"""Neurons anchored to brain networks, and two models compared by their networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .frozen import Frozen


@dataclass(frozen=True, eq=False)
class NeuronAnchors(Frozen):
    """The brain network that each neuron is most synchronised with (arXiv 2303.14871).

    Attributes
    ----------
    run : str
        Id of the run whose neurons and recording they are.
    networks : tuple of str, n_networks
    network : int16 (n_neurons,)
        Index of the network with the largest r.
    r, p, q : float32 (n_neurons,)
        That r; its p against sign-randomised recordings, the largest over
        networks of each; FDR over neurons.
    layers : tuple of int
    n_units : int
    delay : int
        TRs beyond the haemodynamic response, those of the run's group maps.
    n_surrogates : int
    """

    run: str
    networks: tuple[str, ...]
    network: np.ndarray
    r: np.ndarray
    p: np.ndarray
    q: np.ndarray
    layers: tuple[int, ...]
    n_units: int
    delay: int
    n_surrogates: int

    def __post_init__(self) -> None:
        self.freeze()

    def table(self, level: float = 0.05) -> pd.DataFrame:
        """One row per network: network, n_neurons, n_significant, r_mean, then the significant neurons of each layer."""
        layer = np.repeat(self.layers, self.n_units)
        rows = []
        for f, name in enumerate(self.networks):
            own, sure = self.network == f, (self.network == f) & (self.q < level)
            row = {
                "network": name,
                "n_neurons": int(own.sum()),
                "n_significant": int(sure.sum()),
                "r_mean": float(self.r[own].mean()) if own.any() else np.nan,
            }
            rows.append(row | {f"layer {i}": int((sure & (layer == i)).sum()) for i in self.layers})
        return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class NetworkFingerprint(Frozen):
    """Networks of two models matched by their time courses on the same texts (arXiv 2601.22692).

    Attributes
    ----------
    models : tuple of str, 2
    n_words : int
    rho : float32 (n_networks, n_others)
        Spearman between every two time courses.
    partner : int16 (n_networks,)
        The second model's network that each of the first is matched with, one to one.
    matched : float32 (n_networks,)
    score : float
        Mean size of ``matched``; above .5 suggests a common origin (paper).
    null_mean, null_high : float
        Of the score when one model's time courses are sign-randomised: mean, 95 % quantile.
    p : float
    common_origin : bool
        The score is above .5 and above chance.
    """

    models: tuple[str, ...]
    n_words: int
    rho: np.ndarray
    partner: np.ndarray
    matched: np.ndarray
    score: float
    null_mean: float
    null_high: float
    p: float
    common_origin: bool

    def __post_init__(self) -> None:
        self.freeze()
