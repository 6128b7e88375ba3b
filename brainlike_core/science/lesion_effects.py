"""What a lesion takes from a model, against random lesions of the same size.

A lesion of any neurons hurts a little; one of a functional network is of
interest where it hurts more than random neurons in the same layers, as many in
each (ours), or than a share of all neurons (15 %, arXiv 2502.20408).

Harms of random lesions have a long tail: a few neurons carry a whole model (Yu
et al. 2024, arXiv 2411.07191), and a draw that meets one ruins it. p counts
draws and does not mind; an effect size in their standard deviations does, more
so with lesions to zero than with lesions to the mean.

p = (b + 1) / (n + 1): Phipson and Smyth 2010, doi:10.2202/1544-6115.1585. With
n random lesions no p is below 1 / (n + 1): twenty are the least that can reach .05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError
from ..values import MEASURES, Scores

RANDOM_SHARE = 0.15


def matched_random(
    mask: np.ndarray,
    n_layers: int,
    n_units: int,
    n_draws: int,
    seed: int,
    avoid: np.ndarray | None = None,
) -> np.ndarray:
    """Random neurons, as many in each layer as the chosen ones.

    Parameters
    ----------
    mask : bool (n_layers * n_units,)
        The chosen neurons; neuron ``layer * n_units + unit``.
    n_layers, n_units, n_draws, seed : int
    avoid : bool (n_layers * n_units,), optional
        Neurons that are never drawn, such as those of other networks. Left
        out, every neuron may be drawn, the chosen ones too: then a mask that is
        itself random is one draw among equals, and p is exact.

    Returns
    -------
    bool (n_draws, n_layers * n_units)

    Raises
    ------
    ConfigError
        A mask of another length, or a layer with fewer neurons to draw from
        than are chosen.

    Examples
    --------
    >>> mask = np.array([True, True, False, False, False, True])
    >>> matched_random(mask, 2, 3, 4, seed=0).reshape(4, 2, 3).sum(2).tolist()
    [[2, 1], [2, 1], [2, 1], [2, 1]]
    """
    free = np.ones(n_layers * n_units, bool) if avoid is None else ~np.asarray(avoid, bool)
    if mask.dtype != bool or mask.shape != free.shape or free.shape != (n_layers * n_units,):
        raise ConfigError(
            "A mask of neurons does not fit its layers", found=f"{mask.dtype} {mask.shape}",
            needed=f"bool ({n_layers * n_units},)", do="give one value per neuron",
        )  # fmt: skip
    counts, pools = mask.reshape(n_layers, n_units).sum(1), free.reshape(n_layers, n_units)
    for layer in np.flatnonzero(counts > pools.sum(1)):
        raise ConfigError(
            f"Layer {layer} has too few neurons for random lesions of the same size",
            found=f"{pools[layer].sum()} that may be drawn", needed=f"{counts[layer]}", do="avoid fewer neurons",
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    drawn = np.zeros((n_draws, n_layers, n_units), bool)
    for one in drawn:
        for layer in np.flatnonzero(counts):
            one[layer, rng.choice(np.flatnonzero(pools[layer]), counts[layer], replace=False)] = True
    return drawn.reshape(n_draws, n_layers * n_units)


def random_share(n_neurons: int, n_draws: int, seed: int, share: float = RANDOM_SHARE) -> np.ndarray:
    """A share of all neurons at random, whatever their layer (paper).

    Returns
    -------
    bool (n_draws, n_neurons)

    Raises
    ------
    ConfigError
        A share outside 0 to 1.

    Examples
    --------
    >>> random_share(200, 3, seed=0).sum(1).tolist()
    [30, 30, 30]
    """
    if not 0 < share < 1:
        raise ConfigError(
            "Invalid value for share", found=repr(share), needed="between 0 and 1", do="change share"
        )
    rng = np.random.default_rng(seed)
    drawn = np.zeros((n_draws, n_neurons), bool)
    for one in drawn:
        one[rng.choice(n_neurons, round(share * n_neurons), replace=False)] = True
    return drawn


@dataclass(frozen=True)
class LesionEffect:
    """What one lesion does to one measure.

    Harm is the change for the worse on the scale on which a measure is
    compared: nats per token of a perplexity, the share lost of an accuracy or
    an AUC. Positive = the model got worse.

    Attributes
    ----------
    measure : str
        One of `values.MEASURES`.
    before, after, random : float
        The measure in its own unit: of the whole model, of the lesioned one,
        and the mean over the random lesions.
    harm, harm_low, harm_high : float
        Of the lesion against the whole model, and its 95 % interval over items.
    random_harm : tuple of float, n_random
        Of every random lesion against the whole model.
    difference, difference_low, difference_high : float
        Harm of the lesion beyond the mean harm of the random ones, and its
        95 % interval over items (the random lesions as they are).
    effect_size : float
        The difference in standard deviations of the random lesions' harm; NaN
        where they do not differ.
    p_worse : float
        One-sided: how often a random lesion harms as much or more.
    p : float
        Two-sided: how often a random lesion is as far from the mean of all
        lesions, this one among them.
    """

    measure: str
    before: float
    after: float
    random: float
    harm: float
    harm_low: float
    harm_high: float
    random_harm: tuple[float, ...]
    difference: float
    difference_low: float
    difference_high: float
    effect_size: float
    p_worse: float
    p: float


def lesion_effect(
    before: Scores, after: Scores, random: Sequence[Scores], *, seed: int = 0, n_bootstraps: int = 2000
) -> LesionEffect:
    """Compare a lesion with random lesions over the same items.

    Parameters
    ----------
    before, after : Scores
        Of the whole and of the lesioned model: the same measure of the same items.
    random : sequence of Scores
        Of random lesions, see `matched_random`; at least 2, better 20 or more.
    seed, n_bootstraps : int
        Of the intervals: items are drawn again, the same for every lesion.

    Returns
    -------
    LesionEffect

    Raises
    ------
    ConfigError
        Scores of different measures or numbers of items, or fewer than two
        random lesions.

    Examples
    --------
    >>> def right(n):
    ...     return Scores("choice accuracy", np.stack([np.arange(20) < n, np.ones(20)], 1))
    >>> found = lesion_effect(right(18), right(6), [right(n) for n in (17, 18, 16, 17)])
    >>> round(found.harm, 3), round(found.difference, 3), found.p_worse, found.p
    (0.6, 0.55, 0.2, 0.2)
    """
    _check(before, after, random)
    weights = _weights(before, seed, n_bootstraps)
    harm = _harm(before, after, weights)  # (1 + n_bootstraps,), all items as they are first
    others = np.stack([_harm(before, one, weights) for one in random])  # (n_random, 1 + n_bootstraps)
    beyond = harm - others.mean(0)
    spread = float(others[:, 0].std(ddof=1))
    return LesionEffect(
        measure=before.measure,
        before=before.value,
        after=after.value,
        random=float(np.mean([one.value for one in random])),
        harm=float(harm[0]),
        harm_low=_quantile(harm, 0.025),
        harm_high=_quantile(harm, 0.975),
        random_harm=tuple(others[:, 0].tolist()),
        difference=float(beyond[0]),
        difference_low=_quantile(beyond, 0.025),
        difference_high=_quantile(beyond, 0.975),
        effect_size=float(beyond[0]) / spread if spread > 0 else float("nan"),
        p_worse=p_worse(harm[0], others[:, 0]),
        p=p_two_sided(harm[0], others[:, 0]),
    )


def p_worse(harm: float, random_harm: np.ndarray) -> float:
    """One-sided p of a harm against those of random lesions.

    Examples
    --------
    >>> p_worse(3.0, np.array([1.0, 3.0, 2.0]))
    0.5
    """
    return float((np.sum(random_harm >= harm) + 1) / (len(random_harm) + 1))


def p_two_sided(harm: float, random_harm: np.ndarray) -> float:
    """Two-sided p: distances from the mean of all, the lesion's own harm among them.

    Exact where the lesion is itself random, for then it is one of n + 1 alike.

    Examples
    --------
    >>> p_two_sided(-3.0, np.array([1.0, 0.0, 1.0]))
    0.25
    """
    middle = np.append(random_harm, harm).mean()
    # A hair of tolerance: equal harms are equal distances, whatever the rounding.
    far = np.abs(random_harm - middle) >= np.abs(harm - middle) * (1 - 1e-12)
    return float((far.sum() + 1) / (len(random_harm) + 1))


def _check(before: Scores, after: Scores, random: Sequence[Scores]) -> None:
    kinds = {(one.measure, one.n_items) for one in (before, after, *random)}
    if len(kinds) > 1:
        raise ConfigError(
            "Scores of a lesion and of the whole model cannot be compared",
            found=", ".join(f"{measure} of {n} items" for measure, n in sorted(kinds)),
            needed="one measure of the same items", do="score the same items",
        )  # fmt: skip
    if len(random) < 2:
        raise ConfigError(
            "A lesion was compared with too few random lesions", found=str(len(random)),
            needed="at least 2, better 20", do="draw more",
        )  # fmt: skip


def _weights(scores: Scores, seed: int, n_bootstraps: int) -> np.ndarray:
    """How often each item counts: (1 + n_bootstraps, n_items), once each in row 0; an AUC's two kinds apart."""
    rng = np.random.default_rng(seed)
    weights = np.ones((1 + n_bootstraps, scores.n_items))
    kinds = scores.items[:, 1] if MEASURES[scores.measure][0] == "auc" else np.zeros(scores.n_items)
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        even = np.full(len(members), 1 / len(members))
        weights[1:, members] = rng.multinomial(len(members), even, size=n_bootstraps)
    return weights


def _harm(before: Scores, after: Scores, weights: np.ndarray) -> np.ndarray:
    """Change for the worse, (n_draws,)."""
    change = after.levels(weights) - before.levels(weights)
    return -change if before.higher_is_better else change


def _quantile(draws: np.ndarray, share: float) -> float:
    """Of the bootstraps (all but the first), where they give a number."""
    known = draws[1:][np.isfinite(draws[1:])]
    return float(np.quantile(known, share)) if len(known) else float("nan")
