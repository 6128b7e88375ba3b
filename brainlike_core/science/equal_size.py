"""Models compared at one number of neurons, so that a bigger one is not "more compact" only for being bigger.

Every draw takes the same number of a model's neurons at random and walks again
from there: dictionary, group maps, spin links, metrics. Each draw is also
resampled over subjects and blocks of time, with numbers that depend on the
draw alone: two models on one recording share them, and their difference is
paired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..config import RunConfig
from ..values import EqualSize, NeuronResponses
from .dictionary import learn_dictionary
from .encoding_maps import group_t, subject_weights
from .encoding_nulls import null_locations
from .folds import delayed
from .held_out import held_out
from .network_null import NetworkNull
from .organization import View, block_rows, correlation, scalars
from .statistics import z_to_t
from .story_rows import Rows, group_mean, row_stories

METRICS = ("diversity", "consistency", "consistency_spatial", "effective_rank", "compactness", "n_links")


def equal_size(
    responses: NeuronResponses,
    bold: np.ndarray,
    tr: float,
    null: NetworkNull,
    config: RunConfig,
    progress: Callable[[float], None] = lambda fraction: None,
) -> EqualSize:
    """Metrics of random sub-samples of a model's neurons.

    Parameters
    ----------
    responses : NeuronResponses
        On the recording's clock.
    bold : (n_subjects, n_trs, n_locations), z-scored
    tr : seconds
    null : NetworkNull
        With at least ``config.equal_size.n_spins`` rotations.
    config : RunConfig
        Settings of the steps that are walked again.

    Returns
    -------
    EqualSize
        Without draws where the model has fewer neurons than are to be drawn,
        or a draw could not carry the dictionary's atoms.
    """
    wanted = config.equal_size
    n_neurons, n_trs = responses.values.shape[1], responses.values.shape[0]
    if n_neurons < wanted.n_neurons or config.dictionary.n_atoms > min(wanted.n_neurons, n_trs):
        none = pd.DataFrame({name: np.zeros(0) for name in (*METRICS, "r_heldout")})
        return EqualSize(wanted.n_neurons, none, none[list(METRICS)])
    block = max(2, round(config.organization.block_s / tr))
    plain, resampled = [], []
    for number in range(wanted.n_draws):
        own, shared = (np.random.default_rng([wanted.seed, number, part]) for part in (0, 1))
        chosen = np.sort(own.permutation(n_neurons)[: wanted.n_neurons])
        draw = _walk_again(responses.values[:, chosen], bold, responses.rows, config)
        everyone, all_rows = np.arange(len(bold)), np.arange(len(draw.atoms))
        plain.append(_metrics(draw, everyone, all_rows, null, config) | {"r_heldout": draw.r_heldout})
        subjects = _some_subjects(len(bold), shared)
        rows = block_rows(len(draw.atoms), block, shared, row_stories(responses.rows))
        resampled.append(_metrics(draw, subjects, rows, null, config))
        progress((number + 1) / wanted.n_draws)
    return EqualSize(wanted.n_neurons, pd.DataFrame(plain), pd.DataFrame(resampled))


@dataclass(frozen=True)
class _Draw:
    """One sub-sample, walked up to every subject's maps."""

    atoms: np.ndarray  # (n_rows, n_atoms)
    weights: np.ndarray  # (n_subjects, n_atoms, n_locations)
    r_heldout: float


def _walk_again(responses: np.ndarray, bold: np.ndarray, rows: Rows, config: RunConfig) -> _Draw:
    """Dictionary and encoding of a sub-sample (n_rows, n_neurons); maps at the delay that fits the group best."""
    settings = replace(config.dictionary, seed=config.equal_size.seed, tolerance=config.equal_size.tolerance)
    atoms = learn_dictionary(responses, settings, layers=(0,), n_units=responses.shape[1]).atoms
    sample = null_locations(bold.shape[2], config.encoding.max_null_locations)
    delays = config.encoding.delays
    brains = delayed(group_mean(bold[:, :, sample], rows), rows, len(atoms), delays)
    scores = held_out(atoms, brains, config.encoding.one_delay, stories=row_stories(rows))
    delay = delays[int(scores.lag_r.mean(1).argmax())]
    weights = subject_weights(atoms, bold, rows, delay)
    return _Draw(atoms, weights, float(scores.r.mean()))


def _some_subjects(n_subjects: int, rng: np.random.Generator) -> np.ndarray:
    """A bootstrap of subjects with at least three different ones: fewer have no usable spread."""
    while True:
        drawn = rng.integers(n_subjects, size=n_subjects)
        if len(np.unique(drawn)) >= 3:
            return drawn


def _metrics(
    draw: _Draw, subjects: np.ndarray, rows: np.ndarray, null: NetworkNull, config: RunConfig
) -> dict[str, float]:
    """The metrics of one draw, as these subjects and rows of time show them."""
    group = group_t(draw.weights[subjects])
    threshold = z_to_t(config.match.z_threshold, len(subjects))
    dice = null.scores(group, threshold)
    links = (null.scores_p(group, threshold, config.equal_size.n_spins) < config.match.level) & (dice > 0)
    values = scalars(View(correlation(draw.atoms[rows].T), correlation(group), dice, links))
    return {name: values[name] for name in METRICS}
