"""Which neurons are read, and how a dictionary sums them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .identity import need

NEURON_KINDS = ("ffn_out", "ffn_mid", "block_out", "attn_out")


LOW_LEVEL = "low-level"  # the pseudo-model: features of the words alone


PRECISIONS = ("auto", "float32", "bfloat16", "int8", "nf4")


@dataclass(frozen=True)
class ExtractConfig:
    """Which artificial neurons.

    Attributes
    ----------
    model : str
        A model of the catalogue, a hub id ``org/name[@revision]``, or a folder; or
        ``low-level``: no model, features of the words alone.
    layers : tuple of int
        Zero-based transformer blocks; empty = all (paper).
    neurons : str
        ``ffn_out``: output of the second linear layer of the feed-forward
        part, before the residual is added (paper); ``ffn_mid``: its input,
        after the activation; ``block_out``: the residual stream after the
        block; ``attn_out``: self-attention's output before the residual.
    weights : str
        ``trained``, or ``random``: the same architecture freshly initialised.
    seed : int
        Seed of the random weights; ignored when trained.
    window, stride : int
        Tokens per window and step between windows for bidirectional models
        (ours); causal models read the story once with a cache.
    precision : str
        ``auto``: float32, but bfloat16 on a GPU where the neurons survive it
        (see `placement.place`); ``float32``; ``bfloat16``; ``int8`` and
        ``nf4``: weights quantised by bitsandbytes. Averages are always float32.
    """

    model: str = "smollm2-135m"
    layers: tuple[int, ...] = ()
    neurons: str = "ffn_out"
    weights: str = "trained"
    seed: int = 0
    window: int = 512
    stride: int = 256
    precision: str = "auto"

    def __post_init__(self) -> None:
        need(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        kinds = f"one of {', '.join(NEURON_KINDS)}"
        need(self.neurons in NEURON_KINDS, "neurons", self.neurons, kinds)
        need(self.weights in ("trained", "random"), "weights", self.weights, "'trained' or 'random'")
        need(all(layer >= 0 for layer in self.layers), "layers", self.layers, "numbers from 0")
        need(self.window >= 8, "window", self.window, "at least 8 tokens")
        need(1 <= self.stride <= self.window, "stride", self.stride, "1 to window")


def extract_configs(
    models: Sequence[str], weights: Sequence[str], seeds: Sequence[int], layers: tuple[int, ...], neurons: str
) -> list[ExtractConfig]:
    """Every model with every kind of weights: trained once, random once per seed, the baseline once.

    Examples
    --------
    >>> made = extract_configs(["minilm-l6", "low-level"], ["trained", "random"], [0, 1], (), "ffn_out")
    >>> [(one.model, one.weights, one.seed) for one in made]
    [('minilm-l6', 'trained', 0), ('minilm-l6', 'random', 0), ('minilm-l6', 'random', 1), ('low-level', 'trained', 0)]
    """
    made = []
    for model in models:
        if model == LOW_LEVEL:  # no layers and no weights; random alone is refused where it is walked
            kind = "trained" if "trained" in weights else weights[0]
            made.append(ExtractConfig(model=LOW_LEVEL, weights=kind, seed=seeds[0]))
            continue
        for kind in weights:
            for seed in seeds if kind == "random" else seeds[:1]:
                made.append(
                    ExtractConfig(model=model, layers=layers, neurons=neurons, weights=kind, seed=seed)
                )
    return made


@dataclass(frozen=True)
class ResponseConfig:
    """From words to the recording's clock (ours).

    Attributes
    ----------
    centre_words : bool
        Centre each neuron over words first, or word rate leaks in.
    hrf : str
        ``glover``: nilearn's canonical haemodynamic response.
    match_filter : bool
        Give the responses the temporal filter that the recording had.
    edge_s : float
        Seconds kept after the first word (dropped before it) and after the
        last word: the haemodynamic response needs about six.
    """

    centre_words: bool = True
    hrf: str = "glover"
    match_filter: bool = True
    edge_s: float = 6.0

    def __post_init__(self) -> None:
        need(self.hrf == "glover", "hrf", self.hrf, "'glover'")
        need(0 <= self.edge_s <= 60, "edge_s", self.edge_s, "0 to 60 seconds")


METHODS = ("sparse", "pca", "ica", "nmf", "kmeans", "autoencoder")


@dataclass(frozen=True)
class DictionaryConfig:
    """The sparse dictionary of neuron responses, or another factorization in its place.

    Attributes
    ----------
    n_atoms : int
        K = 64 (paper).
    penalty : float
        L1 penalty on unit-norm neurons, between 0 and 1 (ours, gated by
        recovery of planted atoms): about a quarter of the median
        neuron's largest correlation with an atom. ``sparse`` and
        ``autoencoder`` have one.
    n_iterations : int
        Passes over all neurons at most.
    tolerance : float
        Stop when the objective falls by less than this share in one pass.
    seed : int
    method : str
        ``sparse`` (paper), or to test that choice ``pca``, ``ica``, ``nmf``,
        ``kmeans`` or ``autoencoder``.
    """

    n_atoms: int = 64
    penalty: float = 0.1
    n_iterations: int = 60
    tolerance: float = 1e-4
    seed: int = 0
    method: str = "sparse"

    def __post_init__(self) -> None:
        need(self.method in METHODS, "method (--method)", self.method, f"one of {', '.join(METHODS)}")
        need(2 <= self.n_atoms <= 4096, "n_atoms (--atoms)", self.n_atoms, "2 to 4096")
        need(0 < self.penalty < 1, "penalty", self.penalty, "between 0 and 1 (unit-norm neurons)")
        need(self.n_iterations >= 1, "n_iterations", self.n_iterations, "at least 1")
        need(0 < self.tolerance < 1, "tolerance", self.tolerance, "between 0 and 1")
