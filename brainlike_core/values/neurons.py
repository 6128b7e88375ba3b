"""Responses of artificial neurons, and the sparse dictionaries that sum them up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import BrainlikeError
from .frozen import Frozen, check
from .story import StoryRows


def neuron_name(layers: tuple[int, ...], n_units: int, neuron: int) -> str:
    """What a column of responses, or a row of loadings, is called; both numbers from 0.

    Parameters
    ----------
    layers : tuple of int
        Transformer block of each group of ``n_units`` neurons.
    n_units : int
    neuron : int
        0 to ``len(layers) * n_units - 1``.

    Raises
    ------
    IndexError
        No such neuron.

    Examples
    --------
    >>> neuron_name((2, 3), 24, 41)
    'layer 3, unit 17'
    """
    if not 0 <= neuron < len(layers) * n_units:
        raise IndexError(f"neuron {neuron} of {len(layers) * n_units}")
    return f"layer {layers[neuron // n_units]}, unit {neuron % n_units}"


@dataclass(frozen=True, eq=False)
class NeuronResponses(Frozen):
    """Responses of artificial neurons, one row per word or per TR.

    Attributes
    ----------
    model : str
        Name, and revision or file digest, of the model.
    clock : str
        ``word``; ``tr mean``: mean over the words of each TR; or ``tr``.
    values : float32 (n_rows, n_neurons)
        Neuron ``layer * n_units + unit``; on the TR clock z-scored over rows.
    layers : tuple of int
        Transformer block of each group of ``n_units`` neurons.
    n_units : int
    first_tr : int
        TR of row 0 (TR clocks only).
    reading : dict
        How the model was run: device, precision, windows (see `placement.place`, `windows.describe`).
    stories : tuple of (n_trs, first, stop)
        Of several stories, where the rows of each lie (see `StoryRows`); empty = one.
    """

    model: str
    clock: str
    values: np.ndarray
    layers: tuple[int, ...]
    n_units: int
    first_tr: int = 0
    reading: dict = field(default_factory=dict)
    stories: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        need = len(self.layers) * self.n_units
        check(
            self.values.ndim == 2 and self.values.shape[1] == need,
            BrainlikeError, "Neuron responses have the wrong shape", self.values.shape,
            f"(n_rows, {need})", "extract again",
        )  # fmt: skip
        self.freeze()

    @property
    def n_neurons(self) -> int:
        return self.values.shape[1]

    @property
    def rows(self) -> int | StoryRows:
        """TR of row 0, or the rows of several stories (TR clock only)."""
        return StoryRows(self.stories) if self.stories else self.first_tr


@dataclass(frozen=True, eq=False)
class Dictionary(Frozen):
    """Sparse dictionary of neuron responses: X ~ atoms @ loadings.

    Attributes
    ----------
    atoms : float32 (n_trs, n_atoms)
        Temporal atoms of unit norm.
    loading_values : float32 (n_nonzero,), loading_atoms : int32 (n_nonzero,),
    loading_starts : int64 (n_neurons + 1,)
        Loadings, neuron by neuron (compressed sparse rows).
    r2 : float32 (n_neurons,)
        Share of each neuron's variance that the atoms explain.
    penalty, objective : float
        The L1 penalty (0 for methods without one) and the objective reached per neuron.
    n_iterations : int
    layers : tuple of int
    n_units : int
    first_tr : int
        TR of the atoms' row 0.
    names : tuple of str
        What each atom is, where atoms are features with names; empty where they were learned.
    penalty_max : float
        Median over neurons of their largest |correlation| with an atom: at a
        penalty above it, the median neuron loads on nothing.
    stories : tuple of (n_trs, first, stop)
        Of several stories, where the rows of each lie (see `StoryRows`); empty = one.
    device : str
        Where it was learned: ``cpu`` or ``cuda``.
    """

    atoms: np.ndarray
    loading_values: np.ndarray
    loading_atoms: np.ndarray
    loading_starts: np.ndarray
    r2: np.ndarray
    penalty: float
    objective: float
    n_iterations: int
    layers: tuple[int, ...]
    n_units: int
    first_tr: int
    names: tuple[str, ...] = ()
    penalty_max: float = 1.0
    stories: tuple[tuple[int, int, int], ...] = ()
    device: str = "cpu"

    def __post_init__(self) -> None:
        n = len(self.layers) * self.n_units
        check(
            self.r2.shape == (n,) and self.loading_starts.shape == (n + 1,),
            BrainlikeError, "Dictionary does not cover its neurons", self.r2.shape, f"{n} neurons", "learn it again",
        )  # fmt: skip
        self.freeze()

    @property
    def n_trs(self) -> int:
        return self.atoms.shape[0]

    @property
    def rows(self) -> int | StoryRows:
        """TR of the atoms' row 0, or the rows of several stories."""
        return StoryRows(self.stories) if self.stories else self.first_tr

    @property
    def trs(self) -> np.ndarray:
        """TR of the recording of each row: int64 (n_trs,)."""
        return StoryRows(self.stories).trs if self.stories else self.first_tr + np.arange(self.n_trs)

    @property
    def n_atoms(self) -> int:
        return self.atoms.shape[1]

    @property
    def n_neurons(self) -> int:
        return len(self.r2)

    @property
    def loadings(self) -> sparse.csr_matrix:
        """Loadings A transposed, (n_neurons, n_atoms)."""
        parts = (self.loading_values, self.loading_atoms, self.loading_starts)
        return sparse.csr_matrix(parts, shape=(self.n_neurons, self.n_atoms))

    @property
    def subgroups(self) -> np.ndarray:
        """Strongest atom of each neuron, int32 (n_neurons,); -1 where all loadings are 0."""
        loadings = self.loadings
        best = np.asarray(abs(loadings).argmax(axis=1)).ravel().astype(np.int32)
        best[np.diff(loadings.indptr) == 0] = -1
        return best

    @property
    def layer_histogram(self) -> np.ndarray:
        """Neurons of each sub-group by layer, int64 (n_atoms, n_layers)."""
        groups = self.subgroups
        layer = np.arange(self.n_neurons) // self.n_units
        table = np.zeros((self.n_atoms, len(self.layers)), np.int64)
        np.add.at(table, (groups[groups >= 0], layer[groups >= 0]), 1)
        return table

    def members(self, atom: int) -> pd.DataFrame:
        """Neurons of one sub-group, largest loading first: ``neuron, layer, unit, loading, r2``."""
        neurons = np.flatnonzero(self.subgroups == atom)
        loading = self.loadings[neurons, atom].toarray().ravel()
        table = pd.DataFrame(
            {
                "neuron": neurons,
                "layer": np.asarray(self.layers, int)[neurons // self.n_units],
                "unit": neurons % self.n_units,
                "loading": loading,
                "r2": self.r2[neurons],
            }
        )
        return table.sort_values("loading", key=abs, ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class DictionaryChoice(Frozen):
    """Settings of the dictionary compared on held-out neurons, and on time that their codes did not see.

    Attributes
    ----------
    table : DataFrame
        One row per setting. ``n_atoms, penalty``; mean R2 of the neurons that
        atoms were learned from (``r2_learned``), of held-out neurons
        (``r2_neurons``), and of these with codes fitted on the other half of
        the story (``r2_time``) with its standard error over stretches of the
        story (``r2_time_se``); ``behind``: how far below the best ``r2_time``,
        and the standard error of that, stretches paired (``behind_se``); ``loadings``: atoms that a held-out neuron loads on, mean;
        ``stability``: mean matched |r| of the atoms of two seeds, beside the
        mean and 95th percentile of sign-randomised ones (``stability_null,
        stability_null_high``); ``within`` one ``r2_time_se`` of the best;
        ``recommended``, ``used``: true in one row each.
    n_learned, n_held_out : int
        Neurons that atoms were learned from, and held-out ones.
    n_seeds : int
    consensus : float32 (n_trs, n_atoms)
        Atoms of all seeds averaged, with the setting in use.
    consensus_stability : float32 (n_atoms,)
        Mean |r| over pairs of seeds of the atoms that were averaged.
    atom_stability : float32 (n_atoms,)
        Mean matched |r| of each of the run's own atoms with those of every seed.
    atom_null : float
        95th percentile of that for sign-randomised copies of the run's atoms.
    """

    table: pd.DataFrame
    n_learned: int
    n_held_out: int
    n_seeds: int
    consensus: np.ndarray
    consensus_stability: np.ndarray
    atom_stability: np.ndarray
    atom_null: float

    def __post_init__(self) -> None:
        self.freeze()

    def row(self, which: str) -> pd.Series:
        """The ``recommended``, the ``used`` or the ``best`` setting (that of the largest ``r2_time``)."""
        chosen = self.table["r2_time"].idxmax() if which == "best" else self.table[which].idxmax()
        return self.table.loc[chosen]

    @property
    def at_edge(self) -> bool:
        """Whether the best setting has the most atoms, or the largest or smallest penalty, that were tried."""
        best = self.row("best")
        ends = (self.table["penalty"].min(), self.table["penalty"].max())
        return bool(best["n_atoms"] == self.table["n_atoms"].max() or best["penalty"] in ends)
