"""Functional networks inside a language model, and what cutting neurons does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import ModelError
from .frozen import Frozen, check


@dataclass(frozen=True, eq=False)
class ModelNetworks(Frozen):
    """Functional networks inside a language model (arXiv 2502.20408).

    Attributes
    ----------
    model : str
        Name, and revision or file digest, of the model.
    maps : float32 (n_networks, n_neurons)
        z over neurons; the strong side of each network is positive.
    time_courses : float32 (n_tokens, n_networks)
        Unit variance over tokens.
    threshold : float
        z above which a neuron is a key neuron.
    explained : float32 (n_networks,)
        Share of the variance of all neurons that each network carries.
    means : float32 (n_neurons,)
        Mean response over all tokens: what a ``mean`` lesion puts in.
    converged : bool
    n_iterations : int
    layers : tuple of int
    n_units : int
    tokens : DataFrame
        text (number), start, stop (characters in it); one row per token.
    texts : DataFrame
        text_set, text; one row per text.
    overlap : float32 (n_texts, n_networks)
        Overlap (IoU) of each network with the best of the networks of one text alone.
    recurrence : DataFrame
        text_set, network, share, null, p, q: share of texts in which it recurs,
        and the same of random networks.
    connectivity : float32 (n_networks, n_networks)
        Correlation of the mean responses of their key neurons.
    stability : DataFrame
        network; seeds, halves (matched \\|r\\| of its map with other seeds, and
        between halves of the texts), each with its null and p.
    reading : dict
        How the model was run.
    """

    model: str
    maps: np.ndarray
    time_courses: np.ndarray
    threshold: float
    explained: np.ndarray
    means: np.ndarray
    converged: bool
    n_iterations: int
    layers: tuple[int, ...]
    n_units: int
    tokens: pd.DataFrame
    texts: pd.DataFrame
    overlap: np.ndarray
    recurrence: pd.DataFrame
    connectivity: np.ndarray
    stability: pd.DataFrame
    reading: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        need = len(self.layers) * self.n_units
        check(
            self.maps.ndim == 2 and self.maps.shape[1] == need == len(self.means),
            ModelError, "Networks do not cover the model's neurons", self.maps.shape, f"(n_networks, {need})",
            "find them again",
        )  # fmt: skip
        shape = (len(self.tokens), self.n_networks)
        check(
            self.time_courses.shape == shape, ModelError, "Networks and tokens do not fit",
            self.time_courses.shape, str(shape), "find them again",
        )  # fmt: skip
        self.freeze()

    @property
    def n_networks(self) -> int:
        return len(self.maps)

    @property
    def n_neurons(self) -> int:
        return self.maps.shape[1]

    @property
    def key(self) -> np.ndarray:
        """Key neurons of each network, bool (n_networks, n_neurons)."""
        return self.maps > self.threshold

    @property
    def layer_histogram(self) -> np.ndarray:
        """Key neurons of each network by layer, int64 (n_networks, n_layers)."""
        return self.key.reshape(self.n_networks, len(self.layers), self.n_units).sum(2)


@dataclass(frozen=True, eq=False)
class LesionResult(Frozen):
    """What a model loses without some neurons, against random ones of the same layers.

    Attributes
    ----------
    model, action : str
        ``action`` in words, such as ``lesion of network 3``.
    neurons : bool (n_neurons,)
        Those that were named: cut, kept alone, or amplified.
    layers : tuple of int
    n_units : int
    effects : DataFrame
        One row per score: task, measure, n_items, higher_is_better, before, after,
        random, random_sd, random_15 (15 % of all neurons, as in the paper), harm,
        difference and effect_size with their intervals, p_worse and p; see
        `science.lesion_effects.LesionEffect`.
    draws : DataFrame
        task, measure, draw, value, harm: each matched random lesion.
    continuations : DataFrame
        prompt, intact, cut, random: generated text; empty where the model cannot.
    """

    model: str
    action: str
    neurons: np.ndarray
    layers: tuple[int, ...]
    n_units: int
    effects: pd.DataFrame
    draws: pd.DataFrame
    continuations: pd.DataFrame

    def __post_init__(self) -> None:
        self.freeze()

    @property
    def n_cut(self) -> int:
        """Neurons that were named."""
        return int(self.neurons.sum())


@dataclass(frozen=True, eq=False)
class BridgeCut(Frozen):
    """What the brain's prediction is while some neurons are cut: one of the many cuts behind a `BridgeResult`.

    Attributes
    ----------
    prediction : float (n_networks,)
        Mean held-out r over the locations of each brain network; NaN for one without any.
    tasks : tuple of str
        Of the language scores that are kept beside it, in their order.
    """

    prediction: np.ndarray
    tasks: tuple[str, ...]

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class BridgeResult(Frozen):
    """The sub-groups of a brain network cut out of the model: what language and the brain's prediction lose.

    Attributes
    ----------
    run : str
        Id of the run whose sub-groups they are.
    network, against : str
        The two brain networks of the double dissociation; ``against`` may be empty.
    rule : str
        ``accepted`` or ``paper``: which links named the sub-groups.
    groups : DataFrame
        cut, n_atoms, atoms (numbers, text), n_neurons: one row per network's
        sub-groups that were cut.
    language : DataFrame
        cut, then the columns of `LesionResult.effects`; for networks that were
        not held against random cuts only cut, task, measure, before, after.
    prediction : DataFrame
        cut, network, before, after, loss, random_loss, random_sd, effect_size, p:
        mean held-out r over each brain network's locations when the model reads
        the story without ``cut``; the last four NaN without random cuts.
    draws : DataFrame
        cut, draw, network, loss: each matched random cut.
    dissociation : dict
        own, other, interaction, p, null_low, null_high, see
        `science.bridge.dissociation`; empty where there is no second network.
    """

    run: str
    network: str
    against: str
    rule: str
    groups: pd.DataFrame
    language: pd.DataFrame
    prediction: pd.DataFrame
    draws: pd.DataFrame
    dissociation: dict

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class PreservationCurve(Frozen):
    """What a model is able to do with the key neurons of C networks alone.

    Attributes
    ----------
    model : str
    n_neurons : int
        Of the whole model.
    rows : DataFrame
        n_networks, n_kept, converged, task, measure, higher_is_better, whole (the
        whole model), kept (only the key neurons), random, random_low, random_high
        (as many random neurons of the same layers: mean and range).
    """

    model: str
    n_neurons: int
    rows: pd.DataFrame

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class SlimResult(Frozen):
    """A model with fewer intermediate neurons, against other ways to remove as many (arXiv 2508.05239).

    Attributes
    ----------
    model : str
    keep : bool (n_layers * n_units,)
        Intermediate neurons that stay.
    means : float32 (n_layers * n_units,)
        Mean response of each: what removed ones leave in a bias.
    n_layers, n_units : int
    rows : DataFrame
        way (``whole, networks, magnitude, random``), draw, n_parameters, task,
        measure, higher_is_better, value, seconds (to read the texts once, here).
    """

    model: str
    keep: np.ndarray
    means: np.ndarray
    n_layers: int
    n_units: int
    rows: pd.DataFrame

    def __post_init__(self) -> None:
        self.freeze()
