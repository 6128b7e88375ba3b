"""What can be claimed when two models are compared, in plain sentences with their numbers.

A claim is *supported* where the 95 % interval of the paired difference lies
above 0, *not supported* where it lies below (the reverse holds), and *cannot
tell* where it holds 0. Organisation is compared at an equal number of neurons;
prediction with the whole models, against the same sign-randomised recordings.
Intervals are not corrected for the number of claims.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from .config import RunConfig
from .science.statistics import difference_beyond_null
from .values import Run

# What is claimed of the first model against the second, by metric.
_CLAIMS = {
    "r_heldout": "predicts the brain better",
    "diversity": "has more diverse sub-groups",
    "consistency": "has more consistent sub-groups within a network",
    "consistency_spatial": "has more alike brain maps within a network",
    "effective_rank": "spreads over more independent time courses",
    "compactness": "links its sub-groups to fewer networks (more compact)",
}
_FROM_LINKS = ("consistency", "consistency_spatial", "compactness")


@dataclass(frozen=True)
class Claim:
    """One claim about two runs.

    Attributes
    ----------
    metric : str
    first, second : str
        Names of the models.
    values : tuple of float
        Of the first and the second.
    difference, low, high : float
        First minus second and its 95 % interval; NaN where undefined.
    verdict : str
        ``supported``, ``not supported`` or ``cannot tell``.
    text : str
        What is claimed.
    numbers : str
        Both values, the difference, its interval, and how it was judged.
    """

    metric: str
    first: str
    second: str
    values: tuple[float, float]
    difference: float
    low: float
    high: float
    verdict: str
    text: str
    numbers: str

    @property
    def sentence(self) -> str:
        """Claim, verdict and numbers in one sentence."""
        return f"{self.text}: {self.verdict} ({self.numbers})."


def verdict(low: float, high: float) -> str:
    """What the interval of a difference says of "the first is larger".

    Examples
    --------
    >>> verdict(0.1, 0.3), verdict(-0.3, -0.1), verdict(-0.1, 0.1), verdict(float("nan"), float("nan"))
    ('supported', 'not supported', 'cannot tell', 'cannot tell')
    """
    if low > 0:
        return "supported"
    return "not supported" if high < 0 else "cannot tell"


def comparable(first: RunConfig, second: RunConfig) -> bool:
    """Whether two runs differ in their model (which, layers, weights), and in nothing else."""
    return first != second and dataclasses.replace(second, extract=first.extract) == first


def _config(run: Run) -> RunConfig:
    return run.config  # type: ignore[return-value]


def compare(first: Run, second: Run) -> list[Claim]:
    """Every claim about two comparable runs, prediction first.

    Parameters
    ----------
    first, second : Run
        See `comparable`.

    Returns
    -------
    list of Claim
    """
    return [_prediction(first, second), *(_organisation(m, first, second) for m in list(_CLAIMS)[1:])]


def _names(first: Run, second: Run) -> tuple[str, str]:
    names = []
    for run in (first, second):
        extract = _config(run).extract
        weights = "" if extract.weights == "trained" else f" (random weights {extract.seed})"
        names.append(f"{extract.model}{weights}")
    return names[0], names[1]


def _prediction(first: Run, second: Run) -> Claim:
    """Mean held-out r of the whole models, less what both get of the same sign-randomised recordings."""
    a, b = first.encoding, second.encoding
    n = min(len(a.null_means), len(b.null_means))
    nulls = (a.null_means[:n], b.null_means[:n])
    by_chance, difference, low, high, p = difference_beyond_null((a.r_mean, b.r_mean), nulls)
    note = f"{by_chance:z.3f} of the difference is that of the null and left out; p {p:.3f}, {n} sign-randomised recordings"
    return _claim("r_heldout", _names(first, second), (a.r_mean, b.r_mean), (difference, low, high), note)


def _organisation(metric: str, first: Run, second: Run) -> Claim:
    one, other = first.equal_size, second.equal_size
    values = tuple(float(np.nanmean(e.draws[metric])) if len(e.draws) else float("nan") for e in (one, other))
    found = one.difference(other, metric)
    if not np.isfinite(found[0]):
        note = f"a model has fewer than {one.n_neurons:,} neurons, or too few links"
    else:
        note = f"{one.n_neurons:,} neurons each, {len(one.draws)} draws"
    if metric in _FROM_LINKS and np.isfinite(found[0]) and all(map(_no_more_than_fakes, (first, second))):
        note += "; neither has more links than sign-randomised atoms, so this says little of networks"
    return _claim(metric, _names(first, second), values, found, note)  # type: ignore[arg-type]


def _no_more_than_fakes(run: Run) -> bool:
    c = run.correspondence
    return int(c.paper_links.sum()) <= float(np.percentile(c.n_links_fake, 97.5))


def _claim(
    metric: str,
    names: tuple[str, str],
    values: tuple[float, float],
    found: tuple[float, float, float],
    note: str,
) -> Claim:
    judged = verdict(found[1], found[2])
    digits = 1 if metric == "effective_rank" else 3
    numbers = "not measured"
    if np.isfinite(found[0]):
        numbers = (
            f"{values[0]:z.{digits}f} against {values[1]:z.{digits}f}, difference {found[0]:z.{digits}f} "
            f"[{found[1]:z.{digits}f}, {found[2]:z.{digits}f}]"
        )
    text = f"{names[0]} {_CLAIMS[metric]} than {names[1]}"
    return Claim(metric, *names, values, *found, judged, text, f"{numbers}; {note}")
