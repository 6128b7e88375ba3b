"""What a step of the guided tour shows: a neuron rebuilt from atoms, an atom beside its fakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frozen import Frozen


@dataclass(frozen=True, eq=False)
class Rebuilt(Frozen):
    """A neuron and its sum of a few atoms.

    Attributes
    ----------
    neuron, copy : float64 (n_rows,)
        In standard deviations of the neuron.
    r2 : float
        Share of the neuron's variance that the copy has.
    atoms : tuple of int
        Those that were added up, strongest first.
    """

    neuron: np.ndarray
    copy: np.ndarray
    r2: float
    atoms: tuple[int, ...]

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class FakeAtoms(Frozen):
    """One atom beside sign-randomised copies of it.

    Attributes
    ----------
    atom, measured : float64 (n_rows,)
        The atom, and the network's mean response at the atom's best delay, z-scored.
    copies : float64 (n_copies, n_rows)
        z-scored.
    r : float
        Correlation of the first two.
    copies_r : float64 (n_copies,)
        The same of each copy, each at its own best delay.
    p : float
        Share of copies with as large a correlation of either sign, never 0.
    """

    atom: np.ndarray
    measured: np.ndarray
    copies: np.ndarray
    r: float
    copies_r: np.ndarray
    p: float

    def __post_init__(self) -> None:
        self.freeze()
