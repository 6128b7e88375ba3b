"""Where in depth? Each layer, or each third of the depth, walked on its own."""

from __future__ import annotations

from dataclasses import dataclass

from .identity import Identified, need

DEPTHS = ("layer", "third")


@dataclass(frozen=True)
class LayersConfig(Identified):
    """Which layers of a finished run's model predict the brain? Its digest is the question's id (all ours).

    Attributes
    ----------
    run : str
        Id of a finished run: its neurons, and its settings of dictionary and encoding.
    by : str
        ``layer``, or ``third`` of the depth.
    n_surrogates : int
        Surrogate recordings; one set of them for all layers.
    max_locations : int
        Above this many locations an even subset of them is predicted.
    max_null_locations : int
        Above this many the null is computed on an even subset, and pooled.
    n_bootstraps : int
        Resamples of the neurons of each sub-group, for its profile over layers.
    n_seeds : int
        Dictionaries of all layers learned again, for the same; 0: the run's own alone.
    seed : int
    """

    run: str = ""
    by: str = "layer"
    n_surrogates: int = 100
    max_locations: int = 6000
    max_null_locations: int = 100
    n_bootstraps: int = 200
    n_seeds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        need(self.by in DEPTHS, "by (--by)", self.by, f"one of {', '.join(DEPTHS)}")
        need(self.n_surrogates >= 19, "n_surrogates", self.n_surrogates, "at least 19 (p = .05)")
        need(self.max_locations >= 1, "max_locations", self.max_locations, "at least 1")
        need(self.max_null_locations >= 1, "max_null_locations", self.max_null_locations, "at least 1")
        need(self.n_bootstraps >= 20, "n_bootstraps", self.n_bootstraps, "at least 20")
        need(0 <= self.n_seeds <= 100, "n_seeds", self.n_seeds, "0 to 100")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"Prediction by {self.by} · {self.run[:12]}"
