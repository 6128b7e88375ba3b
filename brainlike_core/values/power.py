"""How much data a claim needs: shares of planted worlds in which it was supported, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import ConfigError
from .frozen import Frozen, check

COLUMNS = ("claim", "n_subjects", "minutes", "effect", "power", "low", "high", "n", "measured", "null")
CLAIMS = ("predicts", "better", "replicates", "link")
RISING = ("predicts", "better", "replicates")  # more data never harm these; of links they can


@dataclass(frozen=True)
class Power:
    """How often one claim is supported in one design.

    Attributes
    ----------
    claim : str
        ``predicts``, ``better``, ``replicates`` or ``link``.
    n_subjects : int
    minutes, effect : float
        Story heard; true r of the model, or true difference of two models.
    power, low, high : float
        Share of worlds with its 95 % Wilson interval.
    n : int
        Worlds, the fewest of the designs between which this lies.
    measured : float
        What a study of this design sees in the mean.
    simulated : bool
        Whether this very design was simulated; else it is interpolated.
    """

    claim: str
    n_subjects: int
    minutes: float
    effect: float
    power: float
    low: float
    high: float
    n: int
    measured: float
    simulated: bool


@dataclass(frozen=True, eq=False)
class PowerTable(Frozen):
    """Shares of planted worlds in which each claim was supported.

    Attributes
    ----------
    table : DataFrame
        One row per ``claim, n_subjects, minutes, effect``; see `science.power.power_table`.
    atoms : DataFrame
        One row per ``minutes, n_neurons, snr``: mean |cos| of planted atoms
        with their partners (``cos``), and the share of atoms at .9 or above
        with its interval (``found, low, high, n``).
    made : dict
        How: config, version, date, seconds.
    """

    table: pd.DataFrame
    atoms: pd.DataFrame
    made: dict

    def __post_init__(self) -> None:
        check(
            set(COLUMNS) <= set(self.table.columns) and not self.table.empty,
            ConfigError, "The power table lacks columns", sorted(self.table.columns), ", ".join(COLUMNS),
            "simulate it again: python docs/power.py",
        )  # fmt: skip
        self.freeze()

    @cached_property
    def _grids(self) -> dict[str, tuple[list[np.ndarray], dict[str, np.ndarray]]]:
        """Axes, and the columns on them, of each claim."""
        found = {}
        for claim, rows in self.table.groupby("claim"):
            axes = [np.unique(rows[name]).astype(float) for name in ("n_subjects", "minutes", "effect")]
            ordered = rows.sort_values(["n_subjects", "minutes", "effect"])
            shape = tuple(len(axis) for axis in axes)
            grid = {name: ordered[name].to_numpy(float).reshape(shape) for name in COLUMNS[4:9]}
            if claim in RISING:
                grid |= {name: rising(grid[name]) for name in ("power", "low", "high")}
            found[str(claim)] = (axes, grid)
        return found

    def range(self, claim: str, axis: str) -> tuple[float, float]:
        """Smallest and largest ``n_subjects``, ``minutes`` or ``effect`` that was simulated."""
        values = self.table.loc[self.table["claim"] == claim, axis]
        return float(values.min()), float(values.max())

    def at(self, claim: str, n_subjects: int, minutes: float, effect: float) -> Power:
        """The power of a design: that of the table, or between its neighbours.

        Linear in the effect and in the logarithms of listeners and minutes,
        after noise of the simulation that falls where more data cannot harm is
        levelled (`rising`): it never leaves the range of the designs around it.

        Raises
        ------
        ConfigError
            A claim that was not simulated, or a design outside what was.
        """
        if claim not in self._grids:
            known = ", ".join(self._grids)
            raise ConfigError("Unknown claim", found=repr(claim), needed=f"one of {known}", do="change claim")
        axes, grid = self._grids[claim]
        where = (float(n_subjects), float(minutes), float(effect))
        for title, value, axis in zip(("listeners", "minutes", "effect"), where, axes, strict=True):
            if not axis[0] <= value <= axis[-1]:
                raise ConfigError(
                    "The power table does not reach that far",
                    found=f"{value:g} {title}",
                    needed=f"{axis[0]:g} to {axis[-1]:g}",
                    do="stay within, or simulate the design: power --simulate",
                )
        power, low, high, seen = (
            _between(axes, grid[name], where) for name in ("power", "low", "high", "measured")
        )
        n = int(_corner(axes, grid["n"], where).min())
        exact = all(value in axis for value, axis in zip(where, axes, strict=True))
        return Power(claim, int(n_subjects), where[1], where[2], power, low, high, n, seen, exact)

    def design(self, n_subjects: int, minutes: float) -> list[Power]:
        """The power of every claim and every true effect that was simulated, in one design."""
        pairs = self.table[["claim", "effect"]].drop_duplicates()
        known = pairs[pairs["claim"].isin(CLAIMS)].itertuples(index=False)
        order = sorted(known, key=lambda pair: (CLAIMS.index(pair.claim), pair.effect))
        return [self.at(pair.claim, n_subjects, minutes, float(pair.effect)) for pair in order]

    def found_in_nothing(self, claim: str) -> tuple[float, int]:
        """Share of worlds of all designs in which a claim was supported at a true effect of 0, and how many worlds."""
        rows = self.table[(self.table["claim"] == claim) & (self.table["effect"] == 0)]
        n = int(rows["n"].sum())
        return float((rows["power"] * rows["n"]).sum() / n), n

    def minutes_for(self, claim: str, n_subjects: int, effect: float, power: float = 0.8) -> float | None:
        """The shortest story with at least this power; None where even the longest has less."""
        low, high = self.range(claim, "minutes")
        for minutes in np.geomspace(low, high, 200).clip(low, high):
            if self.at(claim, n_subjects, float(minutes), effect).power >= power:
                return float(minutes)
        return None


def rising(values: np.ndarray) -> np.ndarray:
    """Values that never fall along any axis: midway between the least such above and the greatest below.

    Examples
    --------
    >>> rising(np.array([0.1, 0.4, 0.2, 0.6])).round(2).tolist()
    [0.1, 0.3, 0.3, 0.6]
    """
    above, below = values, values
    for axis in range(values.ndim):
        above = np.maximum.accumulate(above, axis)
        below = np.flip(np.minimum.accumulate(np.flip(below, axis), axis), axis)
    return (above + below) / 2


def _corner(axes: list[np.ndarray], values: np.ndarray, where: tuple[float, ...]) -> np.ndarray:
    """The values of the designs around a place."""
    slices = []
    for axis, value in zip(axes, where, strict=True):
        first, last = np.searchsorted(axis, value, "right") - 1, np.searchsorted(axis, value, "left")
        slices.append(slice(int(first), int(last) + 1))
    return values[tuple(slices)]


def _between(axes: list[np.ndarray], values: np.ndarray, where: tuple[float, ...]) -> float:
    """Linear in the last axis and in the logarithms of the others."""
    for number, (axis, value) in enumerate(zip(axes, where, strict=True)):
        scaled, at = (axis, value) if number == len(axes) - 1 else (np.log(axis), np.log(value))
        right = min(max(int(np.searchsorted(axis, value)), 1), len(axis) - 1)
        if len(axis) == 1:
            values = values[0]
            continue
        share = (at - scaled[right - 1]) / (scaled[right] - scaled[right - 1])
        values = (1 - share) * values[right - 1] + share * values[right]
    return float(values)
