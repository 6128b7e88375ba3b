"""A smaller model: intermediate neurons outside its networks removed, against other ways (arXiv 2508.05239)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .archive import Workspace
from .config import SlimConfig
from .errors import ConfigError
from .lesions import language_digests, language_scores
from .networks import Reader, keep, texts_of
from .progress import Progress, poll, silent
from .sources import text_sets
from .store import Question
from .values import SlimResult

VERSION = 2  # raise it when the code changes the result


def slim(
    config: SlimConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> SlimResult:
    """Remove the neurons outside all networks, and as many by magnitude and at random; score each.

    Parameters
    ----------
    config : SlimConfig
    workspace : Workspace
    data : path, optional
        Where downloaded texts lie.
    progress : callable(step, fraction)
        Of the steps ``tokens`` and ``removed``; may raise `CancelledError` to stop.
    device : str
        Where the model runs.

    Returns
    -------
    SlimResult

    Raises
    ------
    BrainlikeError
        As `networks.find_networks`; a family that cannot be pruned.
    """
    progress("tokens", 0.0)
    reader = Reader(config.networks.extract, device)
    sets, held_out = texts_of(config.networks, data), text_sets.text_set("held-out", n_texts=config.n_texts)
    inputs = (*(one.digest for one in sets), *language_digests(held_out), reader.revision)
    question = Question("slim", VERSION, dataclasses.asdict(config), inputs)
    texts = [text for one in sets for text in one.texts]
    found = workspace.results.remember(
        question,
        lambda: _slim(config, reader, texts, held_out.texts, progress),
        device=lambda value: reader.reading["device"],
        cancelled=poll(progress, "tokens"),
    )
    keep(config, "slim", question, workspace)
    progress("removed", 1.0)
    return found


def save(config: SlimConfig, found: SlimResult, folder: str | Path) -> bool:
    """Write the smaller model as safetensors with its config and tokenizer.

    Returns
    -------
    bool
        Whether any program that uses the library opens it (``equal``); else `sources.pruning.open_pruned` does.

    Raises
    ------
    ConfigError
        The folder is not empty.
    """
    from .sources.pruning import prune, save_pruned

    place = Path(folder)
    if place.exists() and any(place.iterdir()):
        raise ConfigError(
            "The folder for the model is not empty", found=str(place), needed="a new or empty folder",
            do="name another with --out",
        )  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    model = Reader(config.networks.extract, "cpu").model
    return save_pruned(prune(model, found.keep, means=found.means if config.compensate else None), place)


def _slim(
    config: SlimConfig, reader: Reader, texts: list[str], held_out: tuple[str, ...], progress: Progress
) -> SlimResult:
    from .science import decomposition, pruning_masks
    from .sources.pruning import n_parameters, prune

    inner = config.networks
    read = reader.tokens(texts, lambda fraction: progress("tokens", fraction))
    n_layers, means = len(read.layers), read.values.mean(0, dtype=np.float64).astype(np.float32)
    found = decomposition.decompose(
        read.values, inner.n_components, method=inner.method, seed=inner.seed, device=reader.torch_device
    )
    importance = pruning_masks.network_importance(found.maps)
    spared = (0, 0) if config.equal else (pruning_masks.SPARED_FIRST, pruning_masks.SPARED_LAST)
    kept = pruning_masks.above_threshold(importance, n_layers, inner.threshold, spared)
    if config.equal:
        kept = pruning_masks.largest(importance, pruning_masks.equal_counts(kept, n_layers))
    rows: list[dict[str, Any]] = []
    ways = list(_ways(config, reader.model, kept, n_layers))
    for i, (way, draw, mask) in enumerate(ways):
        model = (
            reader.model
            if mask is None
            else prune(reader.model, mask, means=means if config.compensate else None)
        )
        began = time.perf_counter()
        scores = language_scores(model, held_out)
        taken = {"seconds": time.perf_counter() - began, "n_parameters": n_parameters(model)}
        rows += [
            {"way": way, "draw": draw, "task": task, "measure": measure, "value": score.value}
            | {"higher_is_better": score.higher_is_better} | taken
            for (task, measure), score in scores.items()
        ]  # fmt: skip
        progress("removed", (i + 1) / (len(ways) + 1))
    return SlimResult(read.model, kept, means, n_layers, read.n_units, pd.DataFrame(rows))


def _ways(
    config: SlimConfig, model: Any, kept: np.ndarray, n_layers: int
) -> Iterator[tuple[str, int, np.ndarray | None]]:
    """The whole model, then as many neurons of each layer kept by networks, by magnitude, at random."""
    from .science.lesion_effects import matched_random
    from .science.pruning_masks import largest
    from .sources.pruning import magnitudes

    counts, n_units = kept.reshape(n_layers, -1).sum(1), len(kept) // n_layers
    yield "whole", 0, None
    yield "networks", 0, kept
    yield "magnitude", 0, largest(magnitudes(model), counts)
    for draw, mask in enumerate(matched_random(kept, n_layers, n_units, config.n_random, config.seed)):
        yield "random", draw, mask
