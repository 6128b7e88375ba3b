"""Functional networks inside a model, what is cut, and what a cut does to the prediction of a brain."""

from __future__ import annotations

from dataclasses import dataclass, field

from .identity import Identified, need
from .neurons import LOW_LEVEL, ExtractConfig

DECOMPOSITIONS = ("temporal", "canica")
TASKS = ("sentiment", "topic", "acceptability", "arithmetic")
ACTIONS = ("lesion", "preserve", "amplify")
REPLACEMENTS = ("zero", "mean")
LINK_RULES = ("accepted", "paper")
SLIM_NEURONS = ExtractConfig(neurons="ffn_mid")
TEXT_SETS = ("news", "encyclopaedia", "mathematics", "code")


@dataclass(frozen=True)
class NetworksConfig(Identified):
    """Functional networks inside a language model (arXiv 2502.20408). Its digest is their id.

    Attributes
    ----------
    extract : ExtractConfig
        Which model, layers and neurons; windows are not used, texts are short.
    text_sets : tuple of str
        Sets of texts (paper: AG News, WikiText-2, MathQA, CodeNet), see ``texts``;
        or a folder of .txt files.
    n_texts : int
        Texts of each set (paper: 100; as many as there are where there are fewer).
    n_components : int
        Networks C (paper: 10; up to 512 for preservation).
    method : str
        ``temporal``: independent over tokens (paper); ``canica``: singular vectors,
        then independent over neurons.
    threshold : float
        z above which a neuron is a key neuron of a network (paper's code: 1.96).
    iou : float
        Overlap from which a network of one text is the group's (paper: 0.2).
    n_stability_seeds : int
        Further decompositions with other seeds (ours).
    n_null : int
        Random networks of the same size, for recurrence (ours).
    seed : int
        Of the decomposition (paper: 666).
    """

    extract: ExtractConfig = field(default_factory=ExtractConfig)
    text_sets: tuple[str, ...] = TEXT_SETS
    n_texts: int = 25
    n_components: int = 10
    method: str = "temporal"
    threshold: float = 1.96
    iou: float = 0.2
    n_stability_seeds: int = 3
    n_null: int = 1000
    seed: int = 666

    def __post_init__(self) -> None:
        _need_model(self.extract)
        need(bool(self.text_sets), "text_sets (--texts)", self.text_sets, "at least one set of texts")
        need(2 <= self.n_texts <= 10_000, "n_texts (--n-texts)", self.n_texts, "2 to 10,000")
        need(2 <= self.n_components <= 512, "n_components (--components)", self.n_components, "2 to 512")
        need(
            self.method in DECOMPOSITIONS,
            "method (--method)",
            self.method,
            f"one of {', '.join(DECOMPOSITIONS)}",
        )
        need(0 < self.threshold < 20, "threshold (--threshold)", self.threshold, "above 0, below 20")
        need(0 < self.iou < 1, "iou", self.iou, "between 0 and 1")
        need(0 <= self.n_stability_seeds <= 20, "n_stability_seeds", self.n_stability_seeds, "0 to 20")
        need(self.n_null >= 19, "n_null", self.n_null, "at least 19 (p = .05)")

    @property
    def label(self) -> str:
        """A short name for people."""
        weights = "" if self.extract.weights == "trained" else f" · random {self.extract.seed}"
        return f"{self.n_components} networks inside {self.extract.model}{weights}"


@dataclass(frozen=True)
class LesionConfig(Identified):
    """Some neurons cut, kept alone or amplified, against random ones of the same layers. Its digest is its id.

    Attributes
    ----------
    networks : NetworksConfig
        The model and its functional networks.
    network : tuple of int
        Networks whose key neurons are meant, together; empty = the union of all.
    neurons : tuple of int
        Neurons by number (layer * n_units + unit) instead of networks.
    layers : tuple of int
        Only those of these layers; empty = all.
    action : str
        ``lesion``, ``preserve`` (all others are cut), or ``amplify``.
    how : str
        What a cut neuron gives: ``zero`` (paper), or its ``mean`` over the texts.
    add, scale : float
        Of ``amplify``: responses become ``scale * response + add``.
    n_random : int
        Matched random lesions: as many neurons in the same layers (ours: 20), and
        one of 15 % of all (paper).
    n_texts : int
        Held-out texts for the language score.
    tasks : tuple of str
        Zero-shot tasks to score besides: sentiment, topic, acceptability, arithmetic.
    seed : int
    """

    networks: NetworksConfig = field(default_factory=NetworksConfig)
    network: tuple[int, ...] = ()
    neurons: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()
    action: str = "lesion"
    how: str = "zero"
    add: float = 0.0
    scale: float = 1.0
    n_random: int = 20
    n_texts: int = 12
    tasks: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        most = self.networks.n_components
        need(
            all(0 <= k < most for k in self.network), "network (--network)", self.network, f"0 to {most - 1}"
        )
        need(
            not (self.network and self.neurons),
            "neurons (--neurons)",
            self.neurons,
            "networks or neurons, not both",
        )
        need(self.action in ACTIONS, "action (--action)", self.action, f"one of {', '.join(ACTIONS)}")
        need(self.how in REPLACEMENTS, "how (--how)", self.how, f"one of {', '.join(REPLACEMENTS)}")
        changes = self.action != "amplify" or self.add != 0 or self.scale != 1
        need(changes, "scale (--scale)", self.scale, "an add or a scale that changes something")
        need(19 <= self.n_random <= 10_000, "n_random (--random)", self.n_random, "19 to 10,000 (p = .05)")
        need(2 <= self.n_texts <= 10_000, "n_texts", self.n_texts, "2 to 10,000")
        need(set(self.tasks) <= set(TASKS), "tasks (--task)", self.tasks, f"some of {', '.join(TASKS)}")

    @property
    def title(self) -> str:
        """What is done, such as ``lesion of network 3``; networks count from 1."""
        what = f"{len(self.neurons)} neurons" if self.neurons else _numbers(self.network)
        where = f" in {len(self.layers)} layers" if self.layers else ""
        return (
            {"lesion": "lesion of ", "preserve": "only ", "amplify": "amplified "}[self.action] + what + where
        )

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"{self.title[0].upper()}{self.title[1:]} · {self.networks.extract.model}"


@dataclass(frozen=True)
class PreservationConfig(Identified):
    """Only the key neurons of C networks kept, for several C (arXiv 2502.20408). Its digest is its id.

    Attributes
    ----------
    networks : NetworksConfig
        The model, texts and settings; its own C is not used.
    counts : tuple of int
        Numbers of networks C (paper: 10, 64, 128, 256, 512).
    n_random : int
        For each C, random neurons kept instead: as many in the same layers (ours).
    n_texts : int
        Held-out texts for the language score.
    tasks : tuple of str
        Zero-shot tasks to score besides, see `LesionConfig`.
    seed : int
    """

    networks: NetworksConfig = field(default_factory=NetworksConfig)
    counts: tuple[int, ...] = (10, 64, 128, 256, 512)
    n_random: int = 3
    n_texts: int = 20
    tasks: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        known = bool(self.counts) and all(2 <= c <= 512 for c in self.counts)
        need(known, "counts (--components)", self.counts, "numbers from 2 to 512")
        need(2 <= self.n_random <= 10_000, "n_random (--random)", self.n_random, "2 to 10,000")
        need(2 <= self.n_texts <= 10_000, "n_texts", self.n_texts, "2 to 10,000")
        need(set(self.tasks) <= set(TASKS), "tasks (--task)", self.tasks, f"some of {', '.join(TASKS)}")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"Only the networks' neurons · {self.networks.extract.model}"


@dataclass(frozen=True)
class SlimConfig(Identified):
    """A smaller model: only intermediate neurons of its networks are kept (arXiv 2508.05239).

    Attributes
    ----------
    networks : NetworksConfig
        Of ``ffn_mid`` neurons in all layers; a neuron stays whose \\|z\\| is above
        the threshold in any network. First 3 and last 2 layers stay whole (paper).
    equal : bool
        As many neurons in every layer, so that any program of the library opens
        the saved model (ours); no layer is spared then.
    compensate : bool
        What removed neurons say on average goes into a bias.
    n_random : int
        Random removals of as many neurons in the same layers (ours).
    n_texts : int
        Held-out texts for the language score.
    seed : int
    """

    networks: NetworksConfig = field(default_factory=lambda: NetworksConfig(SLIM_NEURONS, n_texts=10))
    equal: bool = False
    compensate: bool = True
    n_random: int = 3
    n_texts: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        extract = self.networks.extract
        need(
            extract.neurons == "ffn_mid",
            "neurons (--neurons)",
            extract.neurons,
            "ffn_mid: intermediate neurons",
        )
        need(not extract.layers, "layers (--layers)", extract.layers, "all layers")
        need(2 <= self.n_random <= 10_000, "n_random (--random)", self.n_random, "2 to 10,000")
        need(2 <= self.n_texts <= 10_000, "n_texts", self.n_texts, "2 to 10,000")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"A smaller {self.networks.extract.model}"


@dataclass(frozen=True)
class BridgeConfig(Identified):
    """The sub-groups of one brain network cut out of the model: what language and prediction lose (ours).

    Attributes
    ----------
    run : str
        Id of a finished run.
    network : str
        A network of the run's atlas, such as ``Language``.
    against : str
        Another one, for the double dissociation; empty = the one with most neurons.
    rule : str
        Which links name the sub-groups: ``accepted`` by both nulls, or the
        ``paper``'s, spins alone. A sub-group goes with the network of its
        strongest link.
    how : str
        What a cut neuron gives: ``zero``, or its ``mean`` over the story.
    n_random : int
        Matched random lesions: as many neurons in the same layers.
    n_texts : int
        Held-out texts for the language score.
    seed : int
    """

    run: str = ""
    network: str = "Language"
    against: str = ""
    rule: str = "accepted"
    how: str = "zero"
    n_random: int = 20
    n_texts: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        need(self.rule in LINK_RULES, "rule (--rule)", self.rule, f"one of {', '.join(LINK_RULES)}")
        need(self.how in REPLACEMENTS, "how (--how)", self.how, f"one of {', '.join(REPLACEMENTS)}")
        need(19 <= self.n_random <= 10_000, "n_random (--random)", self.n_random, "19 to 10,000 (p = .05)")
        need(2 <= self.n_texts <= 10_000, "n_texts", self.n_texts, "2 to 10,000")
        need(self.network != self.against, "against (--against)", self.against, "another network")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"{self.network} cut out of run {self.run[:12]}"


@dataclass(frozen=True)
class AnchorsConfig:
    """Neurons anchored to brain networks by their time courses (arXiv 2303.14871). Its digest is its id.

    Attributes
    ----------
    run : str
        Id of a finished run.
    n_surrogates : int
        Sign-randomised recordings.
    seed : int
    """

    run: str = ""
    n_surrogates: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        need(19 <= self.n_surrogates <= 100_000, "n_surrogates", self.n_surrogates, "19 to 100,000 (p = .05)")

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"Neurons anchored to networks · {self.run[:12]}"


def _need_model(extract: ExtractConfig) -> None:
    need(extract.model != LOW_LEVEL, "model (--model)", extract.model, "a language model")


def _numbers(networks: tuple[int, ...]) -> str:
    """Networks for people, counted from 1."""
    if not networks:
        return "all networks"
    return ("network " if len(networks) == 1 else "networks ") + ", ".join(str(k + 1) for k in networks)
