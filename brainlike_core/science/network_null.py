"""What a match asks of an atlas and its null, whatever the measure."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class NetworkNull(Protocol):
    """Agreement of maps with networks, and with the same networks moved elsewhere.

    Attributes
    ----------
    measure : str
        ``Dice`` or ``spatial r``.
    n_networks, n_locations : int
    share : float32 (n_locations, n_networks)
        Takes locations to the mean of each network; columns sum to 1.
    """

    measure: str
    n_networks: int
    n_locations: int
    share: np.ndarray

    def scores(self, maps: np.ndarray, threshold: float) -> np.ndarray:
        """Of maps (n_maps, n_locations) and their negatives: (2, n_maps, n_networks).

        ``threshold`` is in the unit of the maps; a correlation needs none.
        """
        ...

    def scores_p(self, maps: np.ndarray, threshold: float, n_moves: int | None = None) -> np.ndarray:
        """p of `scores` against the first ``n_moves`` moves, never 0; 1 where a score is not above 0."""
        ...
