"""Where in a model's depth its answers lie: prediction by layer, and the layers of its sub-groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .frozen import Frozen


@dataclass(frozen=True, eq=False)
class LayerCurve(Frozen):
    """How well the neurons of each layer, or of each third of the depth, predict the brain on held-out time.

    A row is a layer or a third, with a dictionary of its own; all rows meet the
    same folds and the same surrogate recordings.

    Attributes
    ----------
    by : str
        ``layer`` or ``third``.
    networks : tuple of str
        Of the run's atlas.
    rows : DataFrame
        ``name; first_layer, last_layer``, and ``depth``: place between the first
        layer of the run, 0, and the last, 1; ``n_neurons, n_atoms``; ``r``: mean held-out r
        over locations, with its 95 % interval (``low, high``); ``p`` and ``q``
        against surrogate recordings (one-sided, never 0; q over rows), ``p_max``:
        family-wise over rows, against the largest in each surrogate; the mean of
        that null (``null``); ``r_max, best_location``: the best location,
        a position in the recording's; ``behind, behind_low, behind_high``:
        difference to the best row and its 95 % interval, without what both get
        of the same surrogates.
    network_r, network_p : float32 (n_rows, n_networks)
        Mean held-out r over each network's locations, and its p, family-wise over
        all rows and networks. NaN where none of its locations was used.
    thirds : DataFrame
        Early, middle and late: ``third, first_layer, last_layer, r, low, high,
        p``. Of rows that are layers, the mean over the third's layers. Empty
        for fewer than three layers.
    pairs : DataFrame
        ``first, second, difference, low, high, p``: two thirds compared, less
        what both get of the same surrogates; ``p`` two-sided.
    null_means : float32 (n_rows, n_surrogates)
    n_locations, n_predicted, n_null : int
        Locations of the recording, those predicted, and those of the null.
    """

    by: str
    networks: tuple[str, ...]
    rows: pd.DataFrame
    network_r: np.ndarray
    network_p: np.ndarray
    thirds: pd.DataFrame
    pairs: pd.DataFrame
    null_means: np.ndarray
    n_locations: int
    n_predicted: int
    n_null: int

    def __post_init__(self) -> None:
        self.freeze()

    @property
    def best(self) -> pd.Series:
        """The row with the largest mean held-out r."""
        return self.rows.loc[self.rows["r"].idxmax()]


@dataclass(frozen=True, eq=False)
class LayerProfiles(Frozen):
    """In which layers the neurons of each sub-group lie, with 95 % intervals over neurons and seeds.

    Attributes
    ----------
    layers : tuple of int
    subgroups : DataFrame
        One row per sub-group: ``atom, n_neurons, centre, low, high`` (centre of
        mass: 0 the first layer, 1 the last; NaN without neurons), and
        ``matched``: mean |r| of its atom with its partners of other seeds.
    share, share_low, share_high : float32 (n_atoms, n_layers)
        Share of the sub-group's neurons in each layer.
    networks : DataFrame
        One row per network: ``network, n_subgroups`` linked to it by the spin
        rule, ``centre, low, high``, and ``null_low, null_high``: the 95 % range
        of the centre of random sets of as many sub-groups.
    network_share, network_low, network_high : float32 (n_networks, n_layers)
        Mean over its sub-groups; 0 where there is none.
    n_seeds, n_bootstraps : int
    """

    layers: tuple[int, ...]
    subgroups: pd.DataFrame
    share: np.ndarray
    share_low: np.ndarray
    share_high: np.ndarray
    networks: pd.DataFrame
    network_share: np.ndarray
    network_low: np.ndarray
    network_high: np.ndarray
    n_seeds: int
    n_bootstraps: int

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class ThirdLinks(Frozen):
    """Which brain networks the sub-groups of each third of the depth go with.

    Attributes
    ----------
    atlas, measure : str
        See `Correspondence`.
    networks : tuple of str
    thirds : DataFrame
        One row each for early, middle and late: ``third, first_layer,
        last_layer, n_neurons, n_atoms, map_delay`` (TRs), ``n_brain_related``
        atoms; links by the spin rule (``n_links``) beside those of
        sign-randomised dictionaries of the same neurons (``n_links_fake``,
        their mean; ``n_links_fake_low, n_links_fake_high``, their 95 % range;
        ``n_links_p``: how often they have as many), and the same of links that
        pass both nulls and the gate (``n_accepted, n_accepted_fake,
        n_accepted_p``).
    links : DataFrame
        ``third``, and the columns of `Correspondence.links`.
    counts : DataFrame
        ``third, network, n_links, n_links_fake, n_accepted``.
    n_fakes : int
    level : float
    """

    atlas: str
    measure: str
    networks: tuple[str, ...]
    thirds: pd.DataFrame
    links: pd.DataFrame
    counts: pd.DataFrame
    n_fakes: int
    level: float

    def __post_init__(self) -> None:
        self.freeze()
