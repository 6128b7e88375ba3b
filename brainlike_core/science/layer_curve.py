"""Which layers predict the brain? One dictionary and one nested cross-validation for each layer, or third of the depth.

All rows of the curve meet the same folds and the same surrogate recordings (one
set of random signs), so they can be compared: a difference is held against the
difference that the same surrogates show. Intervals come from those as well. In
made-up recordings they hold the true difference as often as they say, whether
no row predicts, one, or all alike; intervals from held-out rows alone, with
weights and atoms as they are, miss it three times in ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ..config import DictionaryConfig, EncodingConfig, LayersConfig
from ..errors import ConfigError
from ..values import LayerCurve, NeuronResponses
from .dictionary import learn_dictionary
from .encoding_nulls import null_locations, null_r
from .folds import delayed
from .held_out import HeldOutFolds
from .statistics import difference_beyond_null, fdr, p_from_null
from .story_rows import group_mean, row_stories

THIRDS = ("early", "middle", "late")
PAIRS = (("middle", "early"), ("middle", "late"), ("late", "early"))


def layer_curve(
    responses: NeuronResponses,
    bold: np.ndarray,
    overlap: np.ndarray,
    networks: Sequence[str],
    dictionary: DictionaryConfig,
    encoding: EncodingConfig,
    config: LayersConfig,
    progress: Callable[[float], None] = lambda fraction: None,
) -> LayerCurve:
    """Held-out prediction of the brain by each layer, or third of the depth, on its own.

    Parameters
    ----------
    responses : NeuronResponses
        On the recording's clock.
    bold : (n_subjects, n_trs, n_locations), z-scored
    overlap : (n_locations, n_networks)
        Vertices of each network in each location.
    networks : names
    dictionary : DictionaryConfig
        K is lowered where a row has too few neurons, or the story too few TRs.
    encoding : EncodingConfig
        Its seed makes the surrogates: they are those of `encoding.encode`.
    config : LayersConfig

    Returns
    -------
    LayerCurve

    Raises
    ------
    ConfigError
        When thirds are wanted of fewer than three layers, or too few neurons of a row move.
    """
    groups = layer_groups(len(responses.layers), config.by)
    world = _World(responses, bold, overlap, encoding, config)
    found = []
    for i, group in enumerate(groups):
        done = lambda fraction, i=i: progress((i + fraction) / len(groups))  # noqa: E731
        done(0.0)
        found.append(world.walk(group, dictionary, done))
    progress(1.0)
    return _together(found, groups, world, tuple(networks), responses.layers, config)


def layer_groups(n_layers: int, by: str) -> list[np.ndarray]:
    """Positions of the layers of each row.

    Examples
    --------
    >>> [group.tolist() for group in layer_groups(7, "third")]
    [[0, 1, 2], [3, 4], [5, 6]]
    >>> [group.tolist() for group in layer_groups(2, "layer")]
    [[0], [1]]

    Raises
    ------
    ConfigError
        Thirds of fewer than three layers.
    """
    if by == "third" and n_layers < 3:
        raise ConfigError(
            "The depth cannot be cut in thirds",
            found=f"{n_layers} layer{'s' * (n_layers != 1)}",
            needed="at least 3",
            do="ask by layer, or run more layers",
        )
    return np.array_split(np.arange(n_layers), 3 if by == "third" else n_layers)


# -- one row ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """What one layer, or third, gives. Column 0 is the mean over locations, then one for each network."""

    n_neurons: int
    n_atoms: int
    r: np.ndarray  # (n_predicted,)
    means: np.ndarray  # (1 + n_networks,) over the predicted locations
    sampled: np.ndarray  # (1 + n_networks,) over those of the null
    null: np.ndarray  # (n_surrogates, 1 + n_networks)


class _World:
    """What all rows share: the brain, its surrogates, and which locations and stretches are averaged."""

    def __init__(
        self,
        responses: NeuronResponses,
        bold: np.ndarray,
        overlap: np.ndarray,
        encoding: EncodingConfig,
        config: LayersConfig,
    ) -> None:
        self.responses, self.n_locations = responses, bold.shape[2]
        self.encoding = replace(encoding, n_surrogates=config.n_surrogates)
        sample = null_locations(self.n_locations, config.max_null_locations)
        self.predicted = np.union1d(null_locations(self.n_locations, config.max_locations), sample)
        self.at = np.searchsorted(self.predicted, sample)
        mean = group_mean(bold[:, :, self.predicted], responses.rows)
        self.n_rows = len(responses.values)
        self.brains = delayed(mean, responses.rows, self.n_rows, encoding.delays)
        self.null_brain = mean[:, self.at]
        self.share = _shares(overlap[self.predicted])
        self.null_share = _shares(overlap[sample])

    def walk(self, group: np.ndarray, config: DictionaryConfig, progress: Callable[[float], None]) -> _Row:
        """Dictionary, nested cross-validation and null of some layers."""
        n_units = self.responses.n_units
        columns = (group[:, None] * n_units + np.arange(n_units)).ravel()
        values = self.responses.values[:, columns]
        config = replace(config, n_atoms=atoms_carried(values, config.n_atoms))
        layers = tuple(self.responses.layers[i] for i in group)
        learned = learn_dictionary(
            values, config, layers=layers, n_units=n_units, progress=lambda f: progress(0.1 * f)
        )
        atoms = learned.atoms
        progress(0.1)
        folds = HeldOutFolds(atoms, self.encoding, stories=row_stories(self.responses.rows))
        found = folds.score(self.brains)
        rng = np.random.default_rng(self.encoding.seed).spawn(5)[0]  # `encode`'s own surrogates
        rows = (self.responses.rows, self.n_rows)
        null = null_r(folds, self.null_brain, rows, self.encoding, rng, lambda f: progress(0.2 + 0.8 * f))
        return _Row(
            len(columns),
            atoms.shape[1],
            found.r,
            found.r @ self.share,
            found.r[self.at] @ self.null_share,
            null @ self.null_share,
        )


def atoms_carried(values: np.ndarray, n_atoms: int) -> int:
    """As many of ``n_atoms`` as the TRs, and the neurons that move, of (n_trs, n_neurons) can carry; at least 2."""
    moving = int((np.ptp(values, axis=0) > 0).sum())
    return max(2, min(n_atoms, moving, len(values)))


def _shares(overlap: np.ndarray) -> np.ndarray:
    """Weights of the mean over locations, then of each network's mean: (n_locations, 1 + n_networks).

    NaN for a network with none of these locations.
    """
    everywhere = np.ones((len(overlap), 1))
    table = np.concatenate([everywhere, overlap], axis=1).astype(np.float64)
    total = table.sum(0)
    return table / np.where(total > 0, total, np.nan)


# -- all rows -----------------------------------------------------------------------


def _together(
    found: list[_Row],
    groups: list[np.ndarray],
    world: _World,
    networks: tuple[str, ...],
    layers: tuple[int, ...],
    config: LayersConfig,
) -> LayerCurve:
    means = np.stack([row.means for row in found])
    null = np.stack([row.null for row in found])  # (n_rows, n_surrogates, 1 + n_networks)
    sampled = np.stack([row.sampled for row in found])
    thirds, pairs = _thirds(found, groups, layers)
    return LayerCurve(
        by=config.by,
        networks=networks,
        rows=_rows(found, groups, world, layers, config),
        network_r=means[:, 1:].astype(np.float32),
        network_p=family_wise_p(sampled[:, 1:], null[:, :, 1:]).astype(np.float32),
        thirds=thirds,
        pairs=pairs,
        null_means=null[:, :, 0].astype(np.float32),
        n_locations=world.n_locations,
        n_predicted=len(world.predicted),
        n_null=len(world.at),
    )


def family_wise_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p of each row and column against the largest of all in each surrogate; NaN where nothing was measured.

    All rows met the same surrogates, so their null is a joint one. Values are
    standardised first, each by its own surrogates and itself: rows with a wide
    null do not speak for the others. Unlike a false-discovery rate, the
    smallest p does not grow with the number of rows.

    Parameters
    ----------
    observed : (n_rows, n_columns)
    null : (n_rows, n_surrogates, n_columns)

    Returns
    -------
    float64 (n_rows, n_columns)
    """
    every = np.concatenate([observed[:, None], null], axis=1)  # (n_rows, 1 + n_surrogates, n_columns)
    spread = every.std(1, keepdims=True)
    scaled = (every - every.mean(1, keepdims=True)) / np.where(spread > 0, spread, np.inf)
    largest = np.where(np.isnan(scaled), -np.inf, scaled).max((0, 2))  # (1 + n_surrogates,)
    return np.where(np.isfinite(observed), p_from_null(scaled[:, 0], largest[1:]), np.nan)


def _rows(
    found: list[_Row],
    groups: list[np.ndarray],
    world: _World,
    layers: tuple[int, ...],
    config: LayersConfig,
) -> pd.DataFrame:
    r = np.array([row.means[0] for row in found])
    null = np.stack([row.null[:, 0] for row in found])  # (n_rows, n_surrogates)
    sampled = np.array([row.sampled[0] for row in found])
    p = np.array([p_from_null(one, values) for one, values in zip(sampled, null, strict=True)])
    best, half = int(r.argmax()), half_width(null)
    behind, gap = beyond(r, null, best), half_width(null - null[best])
    depth = np.linspace(0, 1, len(layers))
    names = THIRDS if config.by == "third" else [f"layer {layers[group[0]]}" for group in groups]
    return pd.DataFrame(
        {
            "name": names,
            "first_layer": [layers[group[0]] for group in groups],
            "last_layer": [layers[group[-1]] for group in groups],
            "depth": [float(depth[group].mean()) for group in groups],
            "n_neurons": [row.n_neurons for row in found],
            "n_atoms": [row.n_atoms for row in found],
            "r": r,
            "low": r - half,
            "high": r + half,
            "p": p,
            "q": fdr(p),
            "p_max": family_wise_p(sampled[:, None], null[:, :, None])[:, 0],
            "null": null.mean(1),
            "r_max": [float(row.r.max()) for row in found],
            "best_location": [int(world.predicted[row.r.argmax()]) for row in found],
            "behind": behind,
            "behind_low": behind - gap,
            "behind_high": behind + gap,
        }
    )


def beyond(r: np.ndarray, null: np.ndarray, other: int) -> np.ndarray:
    """Each row's r (n_rows,) minus another row's, less the mean of that difference over the same surrogates."""
    return r - r[other] - (null - null[other]).mean(1)


def half_width(null: np.ndarray) -> np.ndarray:
    """Half of a 95 % interval, from values of surrogate recordings: (..., n_surrogates) -> (...).

    How far a mean r, or the difference of two in the same surrogates, is moved
    by what in a recording has nothing to do with the neurons.
    """
    n = null.shape[-1]
    return stats.t.ppf(0.975, n - 1) * null.std(-1, ddof=1)


def _thirds(
    found: list[_Row], groups: list[np.ndarray], layers: tuple[int, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Early, middle and late, and their paired differences; of rows that are layers, means over a third's."""
    members = np.array_split(np.arange(len(found)), 3) if len(found) >= 3 else []
    r, sampled = (
        np.array([np.mean([getattr(found[i], part)[0] for i in some]) for some in members])
        for part in ("means", "sampled")
    )
    null = np.array([np.mean([found[i].null[:, 0] for i in some], axis=0) for some in members])
    ends = [(layers[groups[some[0]][0]], layers[groups[some[-1]][-1]]) for some in members]
    half = half_width(null) if members else null
    rows = [
        (third, *ends[i], r[i], r[i] - half[i], r[i] + half[i], float(p_from_null(sampled[i], null[i])))
        for i, third in enumerate(THIRDS[: len(members)])
    ]
    pairs = [_pair(one, other, r, null) for one, other in PAIRS if members]
    return (
        pd.DataFrame(rows, columns=["third", "first_layer", "last_layer", "r", "low", "high", "p"]),
        pd.DataFrame(pairs, columns=["first", "second", "difference", "low", "high", "p"]),
    )


def _pair(one: str, other: str, r: np.ndarray, null: np.ndarray) -> tuple:
    """Difference of two thirds with its 95 % interval, and two-sided p against the same surrogates."""
    a, b = THIRDS.index(one), THIRDS.index(other)
    half = float(half_width(null[a] - null[b]))
    _, difference, _, _, p = difference_beyond_null((r[a], r[b]), (null[a], null[b]))
    return one, other, difference, difference - half, difference + half, p
