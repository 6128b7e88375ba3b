"""How much data a claim needs: which designs are asked, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from .identity import need


@dataclass(frozen=True)
class PowerConfig:
    """A grid of designs, and the effects that are planted in each.

    Attributes
    ----------
    n_subjects : tuple of int
        Listeners, ascending.
    minutes : tuple of float
        Story heard, ascending.
    tr : float
        Seconds; at most 4, so that the band 0.01-0.12 Hz is whole.
    effects : tuple of float
        True r of a model: correlation of its best prediction with what
        listeners share, ascending from 0.
    differences : tuple of float
        True r of one model minus that of a weaker one, ascending from 0.
    weaker : float
        True r of the weaker model.
    link_effects : tuple of float
        True r of the model whose links are sought, ascending from 0.
    n_repeats, n_link_repeats : int
        Worlds for each length of story; links cost most.
    n_spins : int
        Rotations of the sphere for the links.
    level : float
    seed : int
    """

    n_subjects: tuple[int, ...] = (5, 10, 20, 40, 80)
    minutes: tuple[float, ...] = (5.0, 7.5, 10.0, 20.0, 40.0, 80.0)
    tr: float = 1.5
    effects: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    differences: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3)
    weaker: float = 0.3
    link_effects: tuple[float, ...] = (0.0, 0.2, 0.35, 0.5)
    n_repeats: int = 100
    n_link_repeats: int = 20
    n_spins: int = 5000
    level: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        need(_ascends(self.n_subjects, 3, 1000), "n_subjects", self.n_subjects, "3 to 1000 listeners")
        need(_ascends(self.minutes, 3, 600), "minutes", self.minutes, "3 to 600 minutes of story")
        need(0.3 <= self.tr <= 4, "tr", self.tr, "0.3 to 4 seconds")
        for name in ("effects", "differences", "link_effects"):
            planted = getattr(self, name)
            need(
                _ascends(planted, 0, 0.6) and planted[0] == 0,
                name,
                planted,
                "ascending from 0 to at most 0.6",
            )
        need(0 <= self.weaker <= 0.6 - max(self.differences) / 2, "weaker", self.weaker, "0 to 0.6 less half")
        need(self.n_repeats >= 0, "n_repeats", self.n_repeats, "0 or more")
        need(self.n_link_repeats >= 0, "n_link_repeats", self.n_link_repeats, "0 or more")
        need(self.n_repeats + self.n_link_repeats > 0, "n_repeats", self.n_repeats, "at least one world")
        need(self.n_spins >= 1000, "n_spins", self.n_spins, "at least 1000")
        need(0 < self.level < 1, "level", self.level, "between 0 and 1")


def _ascends(values: tuple, low: float, high: float) -> bool:
    """Whether there are values, in the range and each larger than the one before."""
    inside = bool(values) and all(low <= value <= high for value in values)
    return inside and all(a < b for a, b in zip(values, values[1:], strict=False))
