"""A model of six small layers and a brain that follows some of them: what a curve over layers must find."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from brainlike_core.config import DictionaryConfig, EncodingConfig
from brainlike_core.values import LayerCurve, LayerProfiles, NeuronResponses, ThirdLinks

N_TRS, N_LOCATIONS, N_SUBJECTS, N_UNITS, N_LAYERS, N_SOURCES = 200, 20, 4, 24, 6, 4
DICTIONARY = DictionaryConfig(n_atoms=N_SOURCES, n_iterations=10)
ENCODING = EncodingConfig(
    delays=(0, 1), penalties=(0.1, 1.0, 10.0, 100.0), n_folds=4, n_inner_folds=3, gap_trs=5
)
OVERLAP = np.repeat(np.eye(2), N_LOCATIONS // 2, axis=0)  # two networks of ten locations


def smooth(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Slow time courses over the first axis, mean 0 and variance 1."""
    values = gaussian_filter1d(rng.standard_normal(shape), 1.5, axis=0, mode="wrap")
    return (values - values.mean(0)) / values.std(0)


def layer_world(driving: tuple[int, ...], seed: int = 0) -> tuple[NeuronResponses, np.ndarray]:
    """Responses, and listeners whose shared response follows the sources of these thirds (0, 1, 2), and noise.

    Each third of the six layers has time courses of its own.
    """
    rng = np.random.default_rng(seed)
    sources = [smooth(rng, N_TRS + 1, N_SOURCES) for _ in range(3)]
    values = [
        sources[layer * 3 // N_LAYERS] @ (rng.standard_normal((N_SOURCES, N_UNITS)) * (rng.random((N_SOURCES, N_UNITS)) < 0.4))
        + 0.4 * smooth(rng, N_TRS + 1, N_UNITS)
        for layer in range(N_LAYERS)
    ]  # fmt: skip
    brain = smooth(rng, N_TRS + 1, N_LOCATIONS) + smooth(rng, N_TRS + 1, 2) @ rng.standard_normal(
        (2, N_LOCATIONS)
    )
    for third in driving:
        brain += 0.6 * sources[third] @ rng.standard_normal((N_SOURCES, N_LOCATIONS))
    bold = np.stack([brain + smooth(rng, N_TRS + 1, N_LOCATIONS) for _ in range(N_SUBJECTS)])
    bold = (bold - bold.mean(1, keepdims=True)) / bold.std(1, keepdims=True)
    responses = np.concatenate(values, axis=1)[:N_TRS]
    responses = (responses - responses.mean(0)) / responses.std(0)
    return (
        NeuronResponses("made up", "tr", responses.astype(np.float32), tuple(range(N_LAYERS)), N_UNITS),
        bold.astype(np.float32),
    )


def made_curve(
    networks: tuple[str, ...], r: tuple[float, ...] = (0.05, 0.2, 0.1), by: str = "layer"
) -> LayerCurve:
    """A curve of three rows written down by hand: intervals of .04 each way, the second row the only one beyond chance.

    Of the pairs, middle - early and middle - late lie above 0 by ``r``, late - early holds 0.
    """
    rows = pd.DataFrame(
        {
            "name": ["layer 0", "layer 1", "layer 2"] if by == "layer" else ["early", "middle", "late"],
            "first_layer": [0, 1, 2], "last_layer": [0, 1, 2], "depth": [0.0, 0.5, 1.0],
            "n_neurons": 30, "n_atoms": [8, 8, 6], "r": r, "low": np.array(r) - 0.04, "high": np.array(r) + 0.04,
            "p": [0.4, 0.01, 0.2], "q": [0.4, 0.03, 0.3], "p_max": [0.6, 0.01, 0.3], "null": 0.0,
            "r_max": np.array(r) + 0.2, "best_location": [3, 4, 5], "behind": np.array(r) - max(r),
            "behind_low": np.array(r) - max(r) - 0.06, "behind_high": np.array(r) - max(r) + 0.06,
        }
    )  # fmt: skip
    thirds = pd.DataFrame(
        {"third": ["early", "middle", "late"], "first_layer": [0, 1, 2], "last_layer": [0, 1, 2]}
    )
    thirds = thirds.assign(r=r, low=rows["low"], high=rows["high"], p=rows["p"])
    place = {"early": 0, "middle": 1, "late": 2}
    pairs = pd.DataFrame(
        [("middle", "early"), ("middle", "late"), ("late", "early")], columns=["first", "second"]
    )
    pairs["difference"] = [r[place[a]] - r[place[b]] for a, b in pairs.to_numpy()]
    pairs = pairs.assign(low=pairs["difference"] - 0.06, high=pairs["difference"] + 0.06, p=0.02)
    network_r = np.tile(np.array(r, np.float32)[:, None], len(networks))
    network_p = np.full_like(network_r, 0.5)
    network_p[1, 0] = 0.01
    return LayerCurve(
        by, networks, rows, network_r, network_p, thirds, pairs, np.zeros((3, 100), np.float32), 500, 400, 90
    )


def made_third_links(networks: tuple[str, ...]) -> ThirdLinks:
    """The middle third goes with the first network by two links that beat both nulls; all thirds by spins as fakes do."""
    thirds = pd.DataFrame(
        {
            "third": ["early", "middle", "late"], "first_layer": [0, 1, 2], "last_layer": [0, 1, 2], "n_neurons": 30,
            "n_atoms": 8, "map_delay": 2, "n_brain_related": [0, 3, 1], "n_links": [4, 6, 4], "n_links_fake": 4.2,
            "n_links_fake_low": 1.0, "n_links_fake_high": 8.0, "n_links_p": [0.6, 0.2, 0.6], "n_accepted": [0, 2, 0],
            "n_accepted_fake": 0.1, "n_accepted_p": [1.0, 0.01, 1.0],
        }
    )  # fmt: skip
    first = np.arange(len(networks)) == 0
    each = [
        pd.DataFrame(
            {
                "third": third,
                "network": networks,
                "n_links": n * first,
                "n_links_fake": 0.5,
                "n_accepted": a * first,
            }
        )
        for third, n, a in zip(thirds["third"], thirds["n_links"], thirds["n_accepted"], strict=True)
    ]
    links = pd.DataFrame(
        {
            "third": ["middle"] * 2,
            "atom": [0, 3],
            "network": networks[0],
            "sign": "+",
            "dice": [0.4, 0.3],
            "accepted": True,
        }
    )
    return ThirdLinks("eg17", "Dice", networks, thirds, links, pd.concat(each, ignore_index=True), 200, 0.05)


def made_profiles(networks: tuple[str, ...]) -> LayerProfiles:
    """Two sub-groups on three layers, the first spread evenly, the second empty; one linked to the first network."""
    even = np.array([[1 / 3] * 3, [0] * 3], np.float32)
    subgroups = pd.DataFrame(
        {"atom": [0, 1], "n_neurons": [30, 0], "centre": [0.5, np.nan], "low": [0.4, np.nan]}
    )
    subgroups = subgroups.assign(high=[0.7, np.nan], matched=[0.6, 0.4])
    linked = np.arange(len(networks)) == 0
    table = pd.DataFrame({"network": networks, "n_subgroups": linked.astype(int)})
    ends = {"centre": 0.5, "low": 0.4, "high": 0.7, "null_low": 0.3, "null_high": 0.6}
    table = table.assign(**{name: np.where(linked, value, np.nan) for name, value in ends.items()})
    share = np.where(linked[:, None], np.float32(1 / 3), np.float32(0)) * np.ones((1, 3), np.float32)
    return LayerProfiles((0, 1, 2), subgroups, even, even, even, table, share, share, share, 5, 200)
