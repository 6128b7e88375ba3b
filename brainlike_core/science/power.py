"""How often a claim is supported, by listeners, minutes of story and true effect: planted worlds by the hundred.

Every claim goes through the functions that judge a real run: held-out ridge
against sign-randomised recordings, the paired difference of two models, both
nulls of a link, replication over halves of the story, the sparse dictionary.
Worlds of one length serve all numbers of listeners and all effects, with the
same noise. Each design's p is against the surrogates of all its worlds, a few of each,
pooled: worlds differ among themselves in what chance gives them, so many of few
worlds would know the tail less well at the same cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from ..config import DictionaryConfig, EncodingConfig, MatchConfig, PowerConfig
from .dictionary import learn_dictionary
from .encoding_maps import AtomGate, group_t, subject_weights
from .encoding_nulls import surrogates
from .group_inference import replicate
from .held_out import HeldOutFolds
from .matching import SurrogateNull
from .planted_world import N_NETWORKS, PlantedBrain, PlantedWorld, planted_brain
from .spins import SpinNull, signed_masks, turned_labels
from .stability import match_atoms
from .statistics import correlate, difference_beyond_null, fdr, p_from_null, t_to_z, wilson
from .timing import zscore

# Worlds have no delay beyond the response; a run chooses one inside its folds.
ENCODING = EncodingConfig(delays=(0,))
N_COPIES = 8  # surrogates of each world
LONG_MINUTES = (15, 30, 60)  # a half, a third, a quarter of the worlds beyond
GATE_COPIES = 200
LINK_TR = 3.0  # links have no folds: the band is whole at 3 s, and half the rows are enough
FOUND = 0.9  # |cos| from which a planted atom counts as found


def power_table(
    config: PowerConfig, progress: Callable[[float], None] = lambda fraction: None
) -> pd.DataFrame:
    """How often each claim is supported in each design.

    Parameters
    ----------
    config : PowerConfig
    progress : callable(fraction)
        Called for every world; may raise to stop.

    Returns
    -------
    DataFrame
        One row per ``claim, n_subjects, minutes, effect``: ``power`` with its
        95 % Wilson interval ``low, high``; ``n`` worlds; ``measured``, what a
        study would see in the mean (held-out r, difference of r beyond its
        null, r of time halves, r of the sub-group's map with the true one);
        ``null``, the mean of that under the null (NaN for links).
    """
    brain = planted_brain(config.seed)
    spins = _spin_null(brain, config) if config.n_link_repeats else None
    n_worlds = sum(sum(_repeats(config, minutes)) for minutes in config.minutes)
    done = 0
    rows: list[dict[str, Any]] = []

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done / n_worlds)

    for minutes in config.minutes:
        if config.n_repeats:
            rows += _prediction_rows(brain, minutes, config, tick)
        if spins is not None:
            rows += _link_rows(brain, spins, minutes, config, tick)
    return pd.DataFrame(rows).sort_values(["claim", "n_subjects", "minutes", "effect"], ignore_index=True)


def _repeats(config: PowerConfig, minutes: float) -> tuple[int, int]:
    """Worlds for prediction and for links: fewer of long stories, which cost more and are decided more often."""
    share = 1 + sum(minutes > limit for limit in LONG_MINUTES)
    return -(-config.n_repeats // share), -(-config.n_link_repeats // share)


def _row(
    claim: str, where: tuple[int, float, float], share: float, n: int, seen: float, null: float
) -> dict[str, Any]:
    low, high = wilson(share, n)
    return {
        "claim": claim,
        "n_subjects": where[0],
        "minutes": where[1],
        "effect": where[2],
        "power": share,
        "low": low,
        "high": high,
        "n": n,
        "measured": seen,
        "null": null,
    }


# -- prediction, difference, replication ---------------------------------------------------


def _prediction_rows(
    brain: PlantedBrain, minutes: float, config: PowerConfig, tick: Callable[[], None]
) -> list[dict[str, Any]]:
    worlds = []
    for i in range(_repeats(config, minutes)[0]):
        worlds.append(_predict(brain, minutes, config, i))
        tick()
    seen = {name: np.array([w[name] for w in worlds]) for name in worlds[0]}
    rows = []
    for s, n_subjects in enumerate(config.n_subjects):
        nulls = {name: np.concatenate(seen[name][:, s]) for name in ("null", "null_other", "null_half")}
        for claim, name, null in (("predicts", "r", "null"), ("replicates", "half", "null_half")):
            for e, effect in enumerate(config.effects):
                p = p_from_null(seen[name][:, s, e], nulls[null])
                values = float((p <= config.level).mean()), len(p), float(seen[name][:, s, e].mean())
                rows.append(_row(claim, (n_subjects, minutes, effect), *values, float(nulls[null].mean())))
        for d, difference in enumerate(config.differences):
            pairs = zip(seen["first"][:, s, d], seen["second"][:, s, d], strict=True)
            judged = np.array([_beyond(pair, nulls, config.level) for pair in pairs])
            values = float((judged[:, 1] > 0).mean()), len(judged), float(judged[:, 0].mean())
            rows.append(_row("better", (n_subjects, minutes, difference), *values, 0.0))
    return rows


def _beyond(pair: tuple[float, float], nulls: dict[str, np.ndarray], level: float) -> tuple[float, float]:
    """The difference of two models and the lower end of its interval, as `claims.compare` judges it."""
    _, difference, low, _, _ = difference_beyond_null(pair, (nulls["null"], nulls["null_other"]), level)
    return difference, low


def _predict(brain: PlantedBrain, minutes: float, config: PowerConfig, number: int) -> dict[str, np.ndarray]:
    """Scores of one world: each array (n_subjects, n_effects), nulls (n_subjects, n_surrogates)."""
    rng = np.random.default_rng([config.seed, number, round(60 * minutes)])
    world = PlantedWorld(brain, minutes, config.tr, rng)
    folds, others = (HeldOutFolds(atoms, ENCODING) for atoms in (world.atoms, world.others))
    alone = [world.shared(r) for r in config.effects]
    pairs = [world.shared(config.weaker + d, config.weaker) for d in config.differences]
    found: dict[str, list] = {}
    for noise in world.group_noise(config.n_subjects):
        brains = [world.group_mean(shared, noise) for shared in alone]
        both = [world.group_mean(shared, noise) for shared in pairs]
        one = {
            "r": _mean_r(folds, brains),
            "first": _mean_r(folds, both),
            "second": _mean_r(others, both),
            "half": np.array([_half_r(world.atoms, brain, rng)[0] for brain in brains]),
        }
        # One set of signs for both models.
        fakes = list(islice(surrogates(brains[0], ENCODING, rng), N_COPIES))
        one |= {"null": _mean_r(folds, fakes), "null_other": _mean_r(others, fakes)}
        one["null_half"] = _half_r(world.atoms, brains[0], rng, N_COPIES)[1]
        for name, values in one.items():
            found.setdefault(name, []).append(values)
    return {name: np.array(values) for name, values in found.items()}


def _mean_r(folds: HeldOutFolds, brains: list[np.ndarray]) -> np.ndarray:
    """Mean held-out r over locations of each recording."""
    return folds.score([np.concatenate(brains, 1)]).r.reshape(len(brains), -1).mean(1)


def _half_r(
    atoms: np.ndarray, brain: np.ndarray, rng: np.random.Generator, n_copies: int = 0
) -> tuple[float, np.ndarray]:
    """Mean r of maps of two halves of the story, and of sign-randomised atoms."""
    twice = np.broadcast_to(brain, (2, *brain.shape))  # the group mean is all that halves of time see
    found = replicate(atoms, twice, 0, 0, ENCODING.gap_trs, rng, n_copies)
    return float(found.time_r.mean()), found.time_null


# -- links --------------------------------------------------------------------------------


def _spin_null(brain: PlantedBrain, config: PowerConfig) -> SpinNull:
    n_left = brain.n_locations // 2
    turned = turned_labels(brain.sphere, brain.faces, n_left, brain.labels, config.n_spins, config.seed)
    everywhere = np.arange(brain.n_locations)
    return SpinNull(brain.labels, turned, everywhere, N_NETWORKS, brain.n_locations)


def _link_rows(
    brain: PlantedBrain,
    spins: SpinNull,
    minutes: float,
    config: PowerConfig,
    tick: Callable[[], None],
) -> list[dict[str, Any]]:
    """A planted link: atom f and network f. One world holds 17; the interval counts worlds, not links."""
    worlds = []
    for i in range(_repeats(config, minutes)[1]):
        worlds.append(_links(brain, spins, minutes, config, i))
        tick()
    planted, any_link, map_r = (np.array(part) for part in zip(*worlds, strict=True))
    rows = []
    for (e, effect), (s, n) in _grid(config):
        where = (n, minutes, effect)
        share = float(planted[:, e, s].mean())
        seen = float(map_r[:, e, s].mean())
        rows.append(_row("link", where, share, len(worlds), seen, float("nan")))
        if effect == 0:
            family = float(any_link[:, e, s].mean())
            rows.append(_row("any link", where, family, len(worlds), seen, float("nan")))
    return rows


def _grid(config: PowerConfig) -> Iterable[tuple[tuple[int, float], tuple[int, int]]]:
    for effect in enumerate(config.link_effects):
        for n in enumerate(config.n_subjects):
            yield effect, n


def _links(
    brain: PlantedBrain, spins: SpinNull, minutes: float, config: PowerConfig, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of planted links that are accepted, whether any link is, and r of maps: each (n_effects, n_subjects)."""
    rng = np.random.default_rng([config.seed, number, round(60 * minutes), 1])
    world = PlantedWorld(brain, minutes, LINK_TR, rng)
    noise = world.noise(max(config.n_subjects))
    maps, means = [], []
    for r in config.link_effects:
        bold = world.listeners(world.shared(r), noise)
        weights = subject_weights(world.atoms, bold, 0, 0)
        for n in config.n_subjects:
            maps.append(t_to_z(group_t(weights[:n]), n))
            means.append(zscore(bold[:n].mean(0, dtype=np.float32)))
    accepted = _accepted(world.atoms, maps, means, spins, config, rng)  # (n_designs, 2, n_atoms, n_networks)
    shape = (len(config.link_effects), len(config.n_subjects))
    own = np.arange(N_NETWORKS)
    truth = (brain.loadings * np.sqrt(brain.share)).T
    map_r = [correlate(one[:N_NETWORKS].T, truth).mean() for one in maps]
    planted = accepted[:, 0, own, own].mean(1)
    return tuple(np.reshape(x, shape) for x in (planted, accepted.any((1, 2, 3)), map_r))  # type: ignore[return-value]


def _accepted(
    atoms: np.ndarray,
    maps: list[np.ndarray],
    means: list[np.ndarray],
    spins: SpinNull,
    config: PowerConfig,
    rng: np.random.Generator,
) -> np.ndarray:
    """Accepted links of each pair of maps and mean recording: bool (n_pairs, 2, n_atoms, n_networks)."""
    # One null for the network means of all designs side by side: each column has its own.
    surrogate = SurrogateNull(atoms, [np.concatenate([mean @ spins.share for mean in means], 1)], rng)
    p_phase = np.split(surrogate.p(atoms), len(means), axis=2)
    none = np.zeros((2, atoms.shape[1], N_NETWORKS), bool)
    found = [none] * len(means)
    for i, (z, mean, p) in enumerate(zip(maps, means, p_phase, strict=True)):
        # A link needs all three: rotations, which cost most, are turned only where the others pass.
        passes = fdr(p) < config.level
        if passes.any():
            passes &= (fdr(AtomGate(atoms, [mean], GATE_COPIES, rng).p(atoms)) < config.level)[:, None]
        if passes.any():
            masks = signed_masks(z, MatchConfig().z_threshold)
            found[i] = passes & (fdr(spins.p(masks)) < config.level) & (spins.dice(masks) > 0)
    return np.stack(found)


# -- atoms --------------------------------------------------------------------------------


def atom_recovery(
    minutes: float, n_neurons: int, snr: float, *, tr: float = 1.5, n_atoms: int = 64, seed: int = 0
) -> np.ndarray:
    r"""Learn a dictionary of planted neurons and match its atoms with the planted ones.

    Each neuron is a sum of three atoms with Gaussian weights plus noise of the
    same spectrum, as all that passes the band is.

    Parameters
    ----------
    minutes, n_neurons
    snr : float
        Variance of the planted sum over that of the noise.
    tr : seconds
    n_atoms, seed : int

    Returns
    -------
    float64 (n_atoms,)
        \|cos\| of each planted atom with its partner.
    """
    rng = np.random.default_rng([seed, round(60 * minutes), n_neurons, round(100 * snr)])
    world = PlantedWorld(planted_brain(seed), minutes, tr, rng)
    atoms = world.courses(n_atoms)
    loadings = np.zeros((n_atoms, n_neurons), np.float32)
    for neuron in range(n_neurons):
        loadings[rng.choice(n_atoms, 3, replace=False), neuron] = rng.standard_normal(3)
    clean = atoms @ loadings
    noise = world.courses(n_neurons) * clean.std(0) / np.float32(np.sqrt(snr))
    config = DictionaryConfig(n_atoms=n_atoms, seed=seed)
    found = learn_dictionary(zscore(clean + noise), config, layers=(0,), n_units=n_neurons)
    return np.abs(match_atoms(atoms, found.atoms)[1])


def atom_table(
    settings: Iterable[tuple[float, int, float]], *, n_repeats: int = 3, seed: int = 0
) -> pd.DataFrame:
    r"""Recovery of planted atoms by minutes of story, number of neurons and signal-to-noise ratio.

    Parameters
    ----------
    settings : of (minutes, n_neurons, snr)
    n_repeats, seed : int

    Returns
    -------
    DataFrame
        One row per setting: ``minutes, n_neurons, snr``, mean \|cos\| (``cos``),
        and the share of ``n`` atoms at .9 or above (``found, low, high``).
    """
    rows = []
    for minutes, n_neurons, snr in settings:
        r = np.concatenate([atom_recovery(minutes, n_neurons, snr, seed=seed + i) for i in range(n_repeats)])
        found = float((r >= FOUND).mean())
        low, high = wilson(found, len(r))
        rows.append((minutes, n_neurons, snr, float(r.mean()), found, low, high, len(r)))
    return pd.DataFrame(rows, columns=["minutes", "n_neurons", "snr", "cos", "found", "low", "high", "n"])
