"""Functional networks of a model's neurons against scikit-learn's FastICA.

Signals are float32 and z-scored for both sides, which then centre, whiten by
the eigenvectors of the smaller Gram, turn to the same tolerance and give
sources and maps. Temporal: tokens are samples, contrast log cosh; CanICA-style:
neurons are samples, contrast u^4 / 4. The planted networks explain about a
quarter of the variance, like the first 64 components of SmolLM2's neurons.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from brainlike_core.science.decomposition import decompose
from brainlike_core.science.stability import match_atoms

from .measure import Comparison, within

N_SAMPLES, N_FEATURES, SEED = 131_072, 600, 0
NOISE = 2.0  # standard deviations per standard deviation of signal
SHAPES = (0.7, 1.4)  # exponents of generalised normal sources: 1 is Laplace's, 2 is Gauss's
MEMBERS = 0.1
METHODS = {"temporal": "logcosh", "canica": "cube"}
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the check looks at the sources


@dataclass(frozen=True)
class IcaCase:
    """Signals to take apart."""

    method: str
    n_components: int
    signals: np.ndarray  # float32 (n_tokens, n_neurons), z-scored


@dataclass(frozen=True)
class Networks:
    """What both sides give."""

    sources: np.ndarray  # (n_samples, n_components)
    mixing: np.ndarray  # (n_features, n_components)


def signals(method: str, n_components: int) -> IcaCase:
    """Sums of independent sources, each heard by a third of the features, and noise."""
    rng = np.random.default_rng(SEED)
    sources = (_courses if method == "temporal" else _maps)(n_components, rng)
    sources /= sources.std(0)
    mixing = rng.standard_normal((n_components, N_FEATURES)) * (rng.random((n_components, N_FEATURES)) < 0.3)
    heard = sources @ (mixing * rng.uniform(0.5, 1.5, (n_components, 1))).astype(np.float32)
    heard /= np.maximum(heard.std(0), 1e-6)  # a feature may hear none
    heard += np.float32(NOISE) * rng.standard_normal(heard.shape, dtype=np.float32)
    if method == "canica":
        heard = np.ascontiguousarray(heard.T)
    heard -= heard.mean(0)
    heard /= heard.std(0)
    return IcaCase(method, n_components, heard)


def _courses(n_components: int, rng: np.random.Generator) -> np.ndarray:
    """Time courses with the kurtosis of SmolLM2's, 1 to 7: generalised normal."""
    courses = np.empty((N_SAMPLES, n_components), np.float32)
    for k, shape in enumerate(rng.uniform(*SHAPES, n_components)):
        size = rng.gamma(1 / shape, size=N_SAMPLES) ** (1 / shape)
        courses[:, k] = size * rng.choice([-1, 1], N_SAMPLES)
    return courses


def _maps(n_components: int, rng: np.random.Generator) -> np.ndarray:
    """Maps in which each neuron belongs to a tenth of the networks."""
    maps = rng.standard_normal((N_SAMPLES, n_components), dtype=np.float32)
    return maps * (rng.random(maps.shape) < MEMBERS)


def take_apart(case: IcaCase) -> Networks:
    """Networks by ours."""
    found = decompose(case.signals, case.n_components, method=case.method, seed=SEED, zscored=True)
    if case.method == "temporal":
        return Networks(found.time_courses, found.maps.T)
    return Networks(found.maps.T, found.time_courses)


def take_apart_sklearn(case: IcaCase) -> Networks:
    """Networks by scikit-learn; samples are rows."""
    from sklearn.decomposition import FastICA

    model = FastICA(
        case.n_components, fun=METHODS[case.method], whiten="unit-variance", whiten_solver="eigh",
        random_state=SEED,
    )  # fmt: skip
    samples = case.signals if case.method == "temporal" else case.signals.T
    return Networks(model.fit_transform(samples), model.mixing_)


def same_networks(case: IcaCase, ours: Networks, theirs: Networks) -> str:
    """Sources and mixing matrices, matched one to one: |r| of the least alike."""
    return "; ".join(
        within(f"1 - |r| of the least alike {name}", float(1 - np.abs(match_atoms(a, b)[1]).min()), 1e-3)
        for name, a, b in (
            ("sources", ours.sources, theirs.sources),
            ("columns of the mixing matrix", ours.mixing, theirs.mixing),
        )
    )


def _comparison(method: str, n_components: int) -> Comparison:
    samples, features = ("tokens", "neurons") if method == "temporal" else ("neurons", "tokens")
    return Comparison(
        f"ica {method}", f"scikit-learn FastICA (eigh, {METHODS[method]}), float32",
        f"{N_SAMPLES:,} {samples} x {N_FEATURES} {features}, {n_components} components",
        "sklearn", "scikit-learn", partial(signals, method, n_components), take_apart, take_apart_sklearn,
        same_networks, memory=True, row="ica", goal=">= 2.5", seed=SEED,
    )  # fmt: skip


COMPARISONS = tuple(_comparison(method, n) for method in METHODS for n in (20, 64))
