"""In which layers do the neurons of each sub-group lie, and how sure is that?

A sub-group's neurons are one draw of the model's, and its atom is one draw of
the dictionary's: with another seed it takes other neurons. Intervals hold both:
neurons are drawn again, from the run's dictionary and from those of other
seeds, whose atoms are matched one to one with the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..config import DictionaryConfig, LayersConfig
from ..values import Dictionary, LayerProfiles, NeuronResponses
from .dictionary import learn_dictionary
from .organization import linked_atoms, network_profiles
from .stability import match_atoms

RANDOM_SETS = 500  # of sub-groups, beside a network's


def layer_profiles(
    responses: NeuronResponses,
    dictionary: Dictionary,
    links: np.ndarray,
    networks: Sequence[str],
    used: DictionaryConfig,
    config: LayersConfig,
    progress: Callable[[float], None] = lambda fraction: None,
) -> LayerProfiles:
    """Layers of each sub-group, and of the sub-groups linked to each network, with 95 % intervals.

    Parameters
    ----------
    responses : NeuronResponses
    dictionary : Dictionary
        Learned from them.
    links : bool (2, n_atoms, n_networks)
    networks : names
    used : DictionaryConfig
        What ``dictionary`` was learned with.
    config : LayersConfig

    Returns
    -------
    LayerProfiles
    """
    rng = np.random.default_rng(config.seed)
    own, r = dictionary.layer_histogram, np.full((max(config.n_seeds, 1), dictionary.n_atoms), np.nan)
    histograms = [own]
    for i in range(config.n_seeds):
        done = lambda fraction, i=i: progress((i + fraction) / config.n_seeds)  # noqa: E731
        other = _learn_again(responses, used, used.seed + i + 1, done)
        partner, signed = match_atoms(dictionary.atoms, other.atoms)
        histograms.append(other.layer_histogram[partner])
        r[i] = np.abs(signed)
    draws = [
        _draw(histograms[i % len(histograms)], rng)
        for i in range(config.n_bootstraps - config.n_bootstraps % len(histograms))
    ]
    progress(1.0)
    shares = _range(np.stack([_share(one) for one in draws]))
    of_networks = _range(np.stack([network_profiles(links, one) for one in draws]))
    return LayerProfiles(
        layers=dictionary.layers,
        subgroups=_subgroups(own, draws, r.mean(0)),
        share=_share(own).astype(np.float32),
        share_low=shares[0],
        share_high=shares[1],
        networks=_networks(own, draws, links, networks, rng),
        network_share=network_profiles(links, own),
        network_low=of_networks[0],
        network_high=of_networks[1],
        n_seeds=config.n_seeds,
        n_bootstraps=len(draws),
    )


def _learn_again(
    responses: NeuronResponses, used: DictionaryConfig, seed: int, progress: Callable[[float], None]
) -> Dictionary:
    settings = replace(used, seed=seed)
    layers, n_units = responses.layers, responses.n_units
    return learn_dictionary(responses.values, settings, layers=layers, n_units=n_units, progress=progress)


def _draw(histogram: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each sub-group's neurons drawn again with repetition: (n_atoms, n_layers)."""
    total = histogram.sum(1)
    even = np.full(histogram.shape[1], 1 / histogram.shape[1])  # of an empty sub-group nothing is drawn
    odds = np.where(total[:, None] > 0, histogram / np.maximum(total, 1)[:, None], even)
    return rng.multinomial(total, odds)


def _share(histogram: np.ndarray) -> np.ndarray:
    """Share of each sub-group's neurons in each layer; 0 where it has none."""
    return histogram / np.maximum(histogram.sum(1, keepdims=True), 1)


def centre_of_mass(share: np.ndarray) -> np.ndarray:
    """Mean depth, 0 the first layer and 1 the last, of shares (..., n_layers); NaN where all are 0.

    Examples
    --------
    >>> centre_of_mass(np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])).tolist()
    [0.5, 1.0, nan]
    """
    total = share.sum(-1)
    depth = np.linspace(0, 1, share.shape[-1])
    return np.where(total > 0, share @ depth / np.where(total > 0, total, 1), np.nan)


def _range(draws: np.ndarray) -> np.ndarray:
    """2.5th and 97.5th percentile over the first axis: float32 (2, ...); NaN where nothing is known."""
    known = np.isfinite(draws).all(0)
    found = np.percentile(np.where(known, draws, 0), [2.5, 97.5], axis=0)
    return np.where(known, found, np.nan).astype(np.float32)


def _subgroups(own: np.ndarray, draws: list[np.ndarray], matched: np.ndarray) -> pd.DataFrame:
    low, high = _range(np.stack([centre_of_mass(_share(one)) for one in draws]))
    return pd.DataFrame(
        {
            "atom": np.arange(len(own)),
            "n_neurons": own.sum(1),
            "centre": centre_of_mass(_share(own)),
            "low": low,
            "high": high,
            "matched": matched,
        }
    )


def _networks(
    own: np.ndarray,
    draws: list[np.ndarray],
    links: np.ndarray,
    networks: Sequence[str],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Centre of mass of each network's sub-groups, beside that of random sets of as many sub-groups."""
    low, high = _range(np.stack([centre_of_mass(network_profiles(links, one)) for one in draws]))
    sizes, filled = [len(some) for some in linked_atoms(links)], _share(own)[own.sum(1) > 0]
    null = [_random_sets(filled, size, rng) for size in sizes]
    return pd.DataFrame(
        {
            "network": list(networks),
            "n_subgroups": sizes,
            "centre": centre_of_mass(network_profiles(links, own)),
            "low": low,
            "high": high,
            "null_low": [one[0] for one in null],
            "null_high": [one[1] for one in null],
        }
    )


def _random_sets(share: np.ndarray, size: int, rng: np.random.Generator) -> tuple[float, float]:
    """95 % range of the centre of mass of random sets of sub-groups; NaN for none."""
    size = min(size, len(share))
    if size == 0:
        return float("nan"), float("nan")
    centres = [centre_of_mass(share[rng.permutation(len(share))[:size]].mean(0)) for _ in range(RANDOM_SETS)]
    low, high = np.percentile(centres, [2.5, 97.5])
    return float(low), float(high)
