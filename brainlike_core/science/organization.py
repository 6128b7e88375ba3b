"""Diversity, consistency, compactness: how a model's sub-groups are organised.

The paper (arXiv 2410.19542) discusses these quantities without readable
formulas; the formulas here are ours. Every one has a bootstrap interval
(blocks of time, subjects), and means over few atoms have a size-matched null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..config import MatchConfig, OrganizationConfig
from ..values import Correspondence, Dictionary, EncodingResult, Organization
from .encoding_maps import group_t
from .network_null import NetworkNull
from .statistics import z_to_t
from .story_rows import by_story, row_stories


def mean_pairwise(correlations: np.ndarray, members: np.ndarray) -> float:
    """Mean correlation over the pairs of a set of atoms; NaN for fewer than two.

    Examples
    --------
    >>> c = np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.0]])
    >>> round(mean_pairwise(c, np.array([0, 1, 2])), 3)
    0.3
    """
    n = len(members)
    if n < 2:
        return float("nan")
    block = correlations[np.ix_(members, members)]
    return float((block.sum() - np.trace(block)) / (n * (n - 1)))


def diversity(correlations: np.ndarray) -> float:
    """1 - mean |C_ij| over all pairs of atoms.

    Examples
    --------
    >>> diversity(np.array([[1.0, -0.5], [-0.5, 1.0]]))
    0.5
    """
    return 1 - mean_pairwise(np.abs(correlations), np.arange(len(correlations)))


def effective_rank(correlations: np.ndarray) -> float:
    """exp of the entropy of the eigenvalues of C / K (Roy and Vetterli 2007).

    Examples
    --------
    >>> effective_rank(np.eye(4)).round(6)
    np.float64(4.0)
    """
    share = np.clip(np.linalg.eigvalsh(correlations) / len(correlations), 1e-15, None)
    return np.exp(-(share * np.log(share)).sum())


def layer_divergence(histogram: np.ndarray) -> float:
    """Mean Jensen-Shannon divergence (bits) of the layer histograms of two sub-groups.

    ``histogram`` is (n_atoms, n_layers); empty sub-groups are left out.
    """
    filled = histogram[histogram.sum(1) > 0]
    share = filled / filled.sum(1, keepdims=True)
    if len(share) < 2:
        return float("nan")
    entropy = _entropy_bits(share)
    first, second = np.triu_indices(len(share), 1)
    middle = _entropy_bits((share[first] + share[second]) / 2)
    return float((middle - (entropy[first] + entropy[second]) / 2).mean())


def _entropy_bits(share: np.ndarray) -> np.ndarray:
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(-1)


def involvement(links: np.ndarray) -> np.ndarray:
    """Atoms linked to each network by sign: bool (2, n_atoms, n_networks) -> (2, n_networks)."""
    return links.sum(1)


def involvement_entropy(links: np.ndarray) -> float:
    """Entropy of the share of links per network, relative to its maximum; NaN without links."""
    counts = involvement(links).sum(0)
    if counts.sum() == 0:
        return float("nan")
    return float(_entropy_bits(counts / counts.sum()) / np.log2(len(counts)))


def specialisation(dice: np.ndarray) -> np.ndarray:
    """Best minus second-best Dice (or spatial r) of each atom over networks and signs: (n_atoms,)."""
    n_atoms = dice.shape[1]
    ranked = np.sort(dice.transpose(1, 0, 2).reshape(n_atoms, -1), axis=1)
    return ranked[:, -1] - ranked[:, -2]


@dataclass(frozen=True)
class View:
    """One sample of the quantities that the metrics need."""

    time: np.ndarray  # (n_atoms, n_atoms) correlation of atoms
    space: np.ndarray  # (n_atoms, n_atoms) correlation of maps
    dice: np.ndarray  # (2, n_atoms, n_networks)
    links: np.ndarray  # bool, same


def organize(
    dictionary: Dictionary,
    encoded: EncodingResult,
    correspondence: Correspondence,
    null: NetworkNull,
    match_config: MatchConfig,
    config: OrganizationConfig,
    tr: float,
) -> Organization:
    """Metrics, per-network table and layer profiles of one model.

    Links follow the paper's rule (spin p < level); bootstrap samples redraw
    subjects (for maps) and blocks of time (for atoms), and keep a link where
    its Dice reaches the smallest Dice that was linked to that network.

    Parameters
    ----------
    dictionary, encoded, correspondence : results of the steps before
    null : NetworkNull
        Of the atlas and the recording's space.
    match_config, config : settings
    tr : seconds

    Returns
    -------
    Organization
    """
    rng = np.random.default_rng(config.seed)
    view = View(
        correlation(dictionary.atoms.T),
        correlation(encoded.z_maps),
        correspondence.dice,
        correspondence.paper_links,
    )
    samples = _bootstraps(dictionary, encoded, correspondence, null, match_config, config, tr, rng)
    histogram = dictionary.layer_histogram
    metrics = _metrics_table(view, samples, histogram, config, rng)
    profiles = network_profiles(view.links, histogram)
    networks = _network_table(view, samples, correspondence, profiles, config, rng)
    return Organization(metrics=metrics, networks=networks, layer_profiles=profiles)


def correlation(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return (unit @ unit.T).astype(np.float64)


def _bootstraps(
    dictionary: Dictionary,
    encoded: EncodingResult,
    correspondence: Correspondence,
    null: NetworkNull,
    match_config: MatchConfig,
    config: OrganizationConfig,
    tr: float,
    rng: np.random.Generator,
) -> list[View]:
    weights, atoms = np.asarray(encoded.weights), dictionary.atoms
    n_subjects = len(weights)
    threshold = z_to_t(match_config.z_threshold, n_subjects)
    floor = _smallest_linked(correspondence)
    block = max(2, round(config.block_s / tr))
    views = []
    for _ in range(config.n_bootstraps):
        drawn = rng.integers(n_subjects, size=n_subjects)
        if len(set(drawn.tolist())) < 3:
            continue  # two different subjects have no usable spread
        maps = group_t(weights[drawn])
        dice = null.scores(maps, threshold)
        rows = block_rows(len(atoms), block, rng, row_stories(dictionary.rows))
        views.append(View(correlation(atoms[rows].T), correlation(maps), dice, dice >= floor))
    return views


def _smallest_linked(correspondence: Correspondence) -> np.ndarray:
    """Smallest linked Dice of each sign and network, infinite where none is linked: (2, 1, n_networks)."""
    linked = np.where(correspondence.paper_links, correspondence.dice, np.inf)
    return linked.min(1, keepdims=True)


def block_rows(
    n_rows: int, block: int, rng: np.random.Generator, stories: np.ndarray | None = None
) -> np.ndarray:
    """Rows of a circular block bootstrap; of several stories, each from blocks of its own."""
    if stories is not None:
        return by_story(lambda rows: rows[block_rows(len(rows), block, rng)], np.arange(n_rows), stories)
    starts = rng.integers(n_rows, size=-(-n_rows // block))
    return ((starts[:, None] + np.arange(block)) % n_rows).ravel()[:n_rows]


# -- tables ------------------------------------------------------------------------


def _model_consistency(correlations: np.ndarray, links: np.ndarray) -> float:
    """Mean over networks with at least two linked atoms."""
    values = [mean_pairwise(correlations, members) for members in linked_atoms(links)]
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")


def linked_atoms(links: np.ndarray) -> list[np.ndarray]:
    """Atoms linked to each network, with either sign."""
    linked = np.any(links, 0)  # (n_atoms, n_networks)
    return [np.flatnonzero(linked[:, f]) for f in range(linked.shape[1])]


def scalars(view: View) -> dict[str, float]:
    consistency = _model_consistency(view.time, view.links)
    spread = diversity(view.time)
    n_links = int(view.links.any(0).sum())
    n_pairs = view.links.shape[1] * view.links.shape[2]
    return {
        "diversity": spread,
        "consistency": consistency,
        "consistency_spatial": _model_consistency(view.space, view.links),
        "effective_rank": float(effective_rank(view.time)),
        "compactness": 1 - n_links / n_pairs,
        "n_links": float(view.links.sum()),
        "involvement_entropy": involvement_entropy(view.links),
        "specialisation": float(specialisation(view.dice).mean()),
        "balance": _balance(spread, consistency),
    }


def _balance(spread: float, consistency: float) -> float:
    """Harmonic mean of diversity and consistency (ours); 0 when consistency is not positive."""
    if not np.isfinite(consistency):
        return float("nan")
    positive = max(consistency, 0.0)
    return 2 * spread * positive / (spread + positive) if spread + positive > 0 else 0.0


def _metrics_table(
    view: View,
    samples: list[View],
    histogram: np.ndarray,
    config: OrganizationConfig,
    rng: np.random.Generator,
) -> pd.DataFrame:
    values = scalars(view)
    drawn = pd.DataFrame([scalars(s) for s in samples])
    nulls = _null_consistency(view, config.n_null, rng)
    rows = []
    for metric, value in values.items():
        low, high = _interval(value, drawn[metric].to_numpy())
        rows.append((metric, value, low, high, *_summary(nulls.get(metric))))
    rows.append(
        ("layer_divergence", layer_divergence(histogram), *_layer_interval(histogram, rng), *_summary(None))
    )
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "null", "null_low", "null_high"])


def _layer_interval(histogram: np.ndarray, rng: np.random.Generator, n: int = 200) -> tuple[float, float]:
    """Bootstrap over sub-groups."""
    draws = [layer_divergence(histogram[rng.integers(len(histogram), size=len(histogram))]) for _ in range(n)]
    return _interval(layer_divergence(histogram), np.array(draws))


def _null_consistency(view: View, n_null: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Consistency of random atom sets of the same sizes."""
    sizes = [len(m) for m in linked_atoms(view.links)]
    time, space = [], []
    for _ in range(n_null):
        sets = [rng.permutation(len(view.time))[:size] for size in sizes if size >= 2]
        time.append(np.mean([mean_pairwise(view.time, s) for s in sets]) if sets else np.nan)
        space.append(np.mean([mean_pairwise(view.space, s) for s in sets]) if sets else np.nan)
    return {"consistency": np.array(time), "consistency_spatial": np.array(space)}


def _network_table(
    view: View,
    samples: list[View],
    correspondence: Correspondence,
    profiles: np.ndarray,
    config: OrganizationConfig,
    rng: np.random.Generator,
) -> pd.DataFrame:
    counts = involvement(view.links)
    depth = np.linspace(0, 1, profiles.shape[1])
    rows = []
    for f, members in enumerate(linked_atoms(view.links)):
        value = mean_pairwise(view.time, members)
        low, high = _interval(
            value, np.array([mean_pairwise(s.time, linked_atoms(s.links)[f]) for s in samples])
        )
        null = [
            mean_pairwise(view.time, rng.permutation(len(view.time))[: len(members)])
            for _ in range(config.n_null if len(members) >= 2 else 0)
        ]
        centre = float(profiles[f] @ depth) if profiles[f].sum() > 0 else np.nan
        rows.append(
            (
                correspondence.networks[f], counts[0, f], counts[1, f],
                float(correspondence.involvement_fake[:, f].sum()),
                mean_pairwise(view.time, members), low, high, *_summary(np.array(null)), centre,
            )
        )  # fmt: skip
    columns = "network involvement_pos involvement_neg involvement_fake consistency consistency_low consistency_high "
    columns += "consistency_null consistency_null_low consistency_null_high centre_of_mass"
    return pd.DataFrame(rows, columns=columns.split())


def network_profiles(links: np.ndarray, histogram: np.ndarray) -> np.ndarray:
    """Mean layer histogram of the atoms linked to each network: (n_networks, n_layers)."""
    share = histogram / np.maximum(histogram.sum(1, keepdims=True), 1)
    profiles = np.zeros((links.shape[2], histogram.shape[1]), np.float32)
    for f, members in enumerate(linked_atoms(links)):
        if len(members) and share[members].sum() > 0:
            profiles[f] = share[members].sum(0) / share[members].sum()
    return profiles


def _interval(value: float, draws: np.ndarray) -> tuple[float, float]:
    """Bootstrap 95 % interval, moved by the bootstrap's bias.

    Drawing rows and subjects with repetition makes atoms and maps look more
    alike than they are; the spread of the draws is what is wanted.
    """
    low, high = _range(draws)
    bias = float(np.nanmean(draws)) - value if np.isfinite(draws).any() else 0.0
    return low - bias, high - bias


def _range(draws: np.ndarray) -> tuple[float, float]:
    known = draws[np.isfinite(draws)]
    if len(known) < 20:
        return float("nan"), float("nan")
    return float(np.percentile(known, 2.5)), float(np.percentile(known, 97.5))


def _summary(null: np.ndarray | None) -> tuple[float, float, float]:
    if null is None or not np.isfinite(null).any():
        return (float("nan"),) * 3
    return float(np.nanmean(null)), *_range(null)
