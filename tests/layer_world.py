"""A model of six small layers and a brain that follows some of them: what a curve over layers must find."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from brainlike_core.config import DictionaryConfig, EncodingConfig
from brainlike_core.values import NeuronResponses

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
