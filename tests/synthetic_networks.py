"""Made-up networks inside a model, a lesion and a bridge with known content, and how they lie in a cache folder.

Network 1 owns the first ten neurons (layer 0), network 2 the next five
(layer 1), network 3 one neuron of each layer. Network 1 is loudest at the word
`loud`, and recurs in news alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from brainlike_core import archive
from brainlike_core.config import BridgeConfig, ExtractConfig, LesionConfig, NetworksConfig
from brainlike_core.store import Question
from brainlike_core.values import BridgeResult, LesionResult, ModelNetworks, PreservationCurve

N_LAYERS, N_UNITS, N_NETWORKS = 4, 10, 3
TEXTS = {
    "news": ("the <b>loud</b> day", "a loud day in town", "no one sang"),
    "code": ("x = 1\ny = 2", "def f(): pass", "import os"),
}
N_DRAWS = 20


def config(model: str = "minilm-l6") -> NetworksConfig:
    """The settings of made-up networks."""
    return NetworksConfig(ExtractConfig(model), tuple(TEXTS), n_texts=3, n_components=N_NETWORKS)


def lesion_config(network: int = 0, **settings) -> LesionConfig:
    """The settings of a made-up lesion of them."""
    return LesionConfig(config(), network=(network,), **settings)


def key_neurons() -> np.ndarray:
    """Who owns what: bool (n_networks, n_neurons)."""
    key = np.zeros((N_NETWORKS, N_LAYERS, N_UNITS), bool)
    key[0, 0] = key[1, 1, :5] = key[2, :, 9] = True
    return key.reshape(N_NETWORKS, -1)


def make_networks(head: str = "none") -> ModelNetworks:
    """The networks; the same every time."""
    texts = pd.DataFrame(
        [(name, text) for name, ones in TEXTS.items() for text in ones], columns=["text_set", "text"]
    )
    tokens = _tokens(texts["text"])
    loud = np.array([texts["text"][t][a:b] == "loud" for t, a, b in tokens.itertuples(index=False)])
    courses = np.zeros((len(tokens), N_NETWORKS), np.float32)
    courses[loud, 0] = (3.0, 4.0)
    courses[:, 1] = np.linspace(-1, 1, len(tokens))
    shares = {"news": (2 / 3, 0.0, 1 / 3), "code": (0.0, 1.0, 0.0)}
    recurrence = [
        {"text_set": name, "network": k, "share": share, "null": 0.1, "iou": share / 2, "p": 0.01, "q": 0.02 if share else 0.5}
        for name, ones in shares.items()
        for k, share in enumerate(ones)
    ]  # fmt: skip
    stability = pd.DataFrame(
        {
            "network": range(N_NETWORKS),
            "seeds": (0.9, 0.8, 0.3), "seeds_null": 0.25, "seeds_p": (0.01, 0.01, 0.4),
            "halves": (0.8, 0.7, 0.2), "halves_null": 0.2, "halves_p": (0.01, 0.02, 0.5),
        }
    )  # fmt: skip
    return ModelNetworks(
        model="minilm-l6@made-up",
        maps=np.where(key_neurons(), 3.0, 0.0).astype(np.float32),
        time_courses=courses,
        threshold=1.96,
        explained=np.array([0.1, 0.05, 0.01], np.float32),
        means=np.zeros(N_LAYERS * N_UNITS, np.float32),
        converged=True,
        n_iterations=9,
        layers=tuple(range(N_LAYERS)),
        n_units=N_UNITS,
        tokens=tokens,
        texts=texts,
        overlap=np.zeros((len(texts), N_NETWORKS), np.float32),
        recurrence=pd.DataFrame(recurrence),
        connectivity=np.array([[1, 0.5, -0.2], [0.5, 1, 0.1], [-0.2, 0.1, 1]], np.float32),
        stability=stability,
        reading={"device": "cpu", "precision": "float32", "head": head},
    )


def _tokens(texts) -> pd.DataFrame:
    """Words of letters as tokens."""
    rows = [(i, *word.span()) for i, text in enumerate(texts) for word in re.finditer(r"[a-z]+", text)]
    return pd.DataFrame(rows, columns=["text", "start", "stop"])


def make_lesion(of: LesionConfig, writes: bool = True) -> LesionResult:
    """A cut that doubles perplexity, where random ones do nothing much; and text before and after."""
    values = np.linspace(10, 11.9, N_DRAWS)
    effect = {
        "task": "text", "n_items": 30, "higher_is_better": False, "measure": "perplexity", "before": 10.0, "after": 20.0,
        "random": 10.95, "harm": 0.69, "harm_low": 0.5, "harm_high": 0.9, "difference": 0.6, "difference_low": 0.4,
        "difference_high": 0.8, "effect_size": 12.0, "p_worse": 1 / 21, "p": 0.09, "random_sd": 0.59, "random_15": 14.0,
    }  # fmt: skip
    quiet = effect | {
        "measure": "token accuracy", "higher_is_better": True, "before": 0.5, "after": 0.49, "random": 0.49,
        "p_worse": 0.6, "effect_size": -0.1, "random_sd": 0.01, "random_15": 0.4,
    }  # fmt: skip
    draws = pd.concat(
        [
            pd.DataFrame(
                {"task": "text", "measure": name, "draw": range(N_DRAWS), "value": some, "harm": 0.05}
            )
            for name, some in (("perplexity", values), ("token accuracy", np.linspace(0.48, 0.5, N_DRAWS)))
        ],
        ignore_index=True,
    )
    told = {
        "prompt": ["Once"],
        "intact": ["upon a <i>time</i>"],
        "cut": ["upon a tree"],
        "random": ["upon a <i>time</i>"],
    }
    return LesionResult(
        model="minilm-l6@made-up",
        action=of.title,
        neurons=key_neurons()[list(of.network)].any(0),
        layers=tuple(range(N_LAYERS)),
        n_units=N_UNITS,
        effects=pd.DataFrame([effect, quiet]),
        draws=draws,
        continuations=pd.DataFrame(told if writes else {name: [] for name in told}, dtype=object),
    )


def make_curve() -> PreservationCurve:
    """With 10 and 20 of 40 neurons perplexity is 40 and 20; with random ones 200 and 100; the whole model has 10."""
    row = {
        "converged": True,
        "task": "text",
        "measure": "perplexity",
        "higher_is_better": False,
        "whole": 10.0,
    }
    few = {
        "n_networks": 2,
        "n_kept": 10,
        "kept": 40.0,
        "random": 200.0,
        "random_low": 150.0,
        "random_high": 300.0,
    }
    more = {
        "n_networks": 5,
        "n_kept": 20,
        "kept": 20.0,
        "random": 100.0,
        "random_low": 75.0,
        "random_high": 150.0,
    }
    return PreservationCurve("minilm-l6@made-up", N_LAYERS * N_UNITS, pd.DataFrame([row | more, row | few]))


def make_bridge(of: BridgeConfig, networks: tuple[str, ...], dissociates: bool = True) -> BridgeResult:
    """Language loses .3 by its own cut, ``of.against`` .2 by its own; random cuts take .01 from each."""
    rng = np.random.default_rng(0)
    cuts = [of.network, *filter(None, [of.against]), "Visual"]
    own = {of.network: 0.3, of.against: 0.2}
    prediction = [
        {
            "cut": cut, "network": name, "before": 0.4, "after": 0.4 - loss, "loss": loss, "random_loss": 0.01, "random_sd": 0.005,
            "effect_size": (loss - 0.01) / 0.005, "p": 1 / 21 if loss > 0.1 else 0.6,
        }
        for cut in cuts
        for name in networks
        for loss in [own.get(name, 0.02) if cut == name and dissociates else 0.02]
    ]  # fmt: skip
    draws = [
        {"cut": cut, "draw": draw, "network": name, "loss": 0.01 + 0.005 * rng.standard_normal()}
        for cut in cuts[:-1]
        for draw in range(N_DRAWS)
        for name in networks
    ]
    language = make_lesion(lesion_config()).effects.drop(columns="random_15")
    others = [language[["task", "measure", "before", "after"]].assign(cut=name) for name in cuts[1:]]
    table = pd.DataFrame(prediction)
    table.loc[table["cut"] == "Visual", ["random_loss", "random_sd", "effect_size", "p"]] = np.nan
    test = {
        "own": 0.28,
        "other": 0.18,
        "interaction": 0.46,
        "p": 1 / 21,
        "null_low": -0.02,
        "null_high": 0.02,
    }
    none = {"own": 0.0, "other": 0.0, "interaction": 0.0, "p": 0.5, "null_low": -0.02, "null_high": 0.02}
    return BridgeResult(
        run=of.run,
        network=of.network,
        against=of.against,
        rule=of.rule,
        groups=pd.DataFrame({"cut": cuts, "n_atoms": 1, "atoms": "3", "n_neurons": range(4, 4 + len(cuts))}),
        language=pd.concat([language.assign(cut=of.network), *others], ignore_index=True),
        prediction=table,
        draws=pd.DataFrame(draws),
        dissociation=(test if dissociates else none) if of.against else {},
    )


def write(config, value, step: str, folder: str | Path) -> str:
    """Put an answer (step ``networks``, ``lesion``, ``preservation`` or ``bridge``) into a cache folder, as a finished job would."""
    workspace = archive.open_store(folder)
    question = Question(step, 1, {"made up for": config.id})
    workspace.results.put(question, value)
    archive.write_record(config, {step: question.key}, {step: 12.0}, workspace)
    return config.id
