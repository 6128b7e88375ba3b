"""How few neurons will do: only the key neurons of C networks are kept, for several C (arXiv 2502.20408)."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .archive import Workspace
from .config import PreservationConfig
from .lesions import Language, language_digests, language_scores
from .networks import Reader, keep, texts_of
from .progress import Progress, poll, silent
from .sources import text_sets
from .store import Question
from .values import PreservationCurve

VERSION = 1  # raise it when the code changes the result


def preservation(
    config: PreservationConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> PreservationCurve:
    """Scores with only the key neurons of C networks, and with as many random ones, for each C.

    Parameters
    ----------
    config : PreservationConfig
    workspace : Workspace
    data : path, optional
        Where downloaded texts lie.
    progress : callable(step, fraction)
        Of the steps ``tokens`` and ``kept``; may raise `CancelledError` to stop.
    device : str
        Where the model runs.

    Returns
    -------
    PreservationCurve

    Raises
    ------
    BrainlikeError
        As `networks.find_networks`; fewer components in the texts than are asked for.
    """
    progress("tokens", 0.0)
    reader = Reader(config.networks.extract, device)
    sets, held_out = texts_of(config.networks, data), text_sets.text_set("held-out", n_texts=config.n_texts)
    inputs = (*(one.digest for one in sets), *language_digests(held_out, config.tasks), reader.revision)
    question = Question("preservation", VERSION, dataclasses.asdict(config), inputs)
    found = workspace.results.remember(
        question,
        lambda: _curve(
            config, reader, [text for one in sets for text in one.texts], held_out.texts, progress
        ),
        device=lambda value: reader.reading["device"],
        cancelled=poll(progress, "tokens"),
    )
    keep(config, "preservation", question, workspace)
    progress("kept", 1.0)
    return found


def _curve(
    config: PreservationConfig,
    reader: Reader,
    texts: list[str],
    held_out: tuple[str, ...],
    progress: Progress,
) -> PreservationCurve:
    from .science import decomposition
    from .science.lesion_effects import matched_random
    from .sources.interventions import preserve
    from .sources.side_by_side import side_by_side

    inner = config.networks
    where: dict[str, Any] = {"kind": inner.extract.neurons, "layers": inner.extract.layers}
    read = reader.tokens(texts, lambda fraction: progress("tokens", fraction))
    z = decomposition.standardised(read.values)
    whole = language_scores(reader.model, held_out, config.tasks)

    def ask(model: Any, mask: np.ndarray, watch: Any) -> Language:
        with preserve(model.body, mask, **where):
            return language_scores(model, held_out, config.tasks, cancelled=watch.cancelled)

    rows, steps = [], len(config.counts) * (config.n_random + 2)
    for i, count in enumerate(config.counts):
        found = decomposition.decompose(
            z, count, method=inner.method, seed=inner.seed, device=reader.torch_device, zscored=True
        )
        kept = np.asarray(decomposition.key_neurons(found.maps, inner.threshold).any(0))
        masks = [kept, *matched_random(kept, len(read.layers), read.n_units, config.n_random, config.seed)]
        tell = functools.partial(_tell, progress, i * (config.n_random + 2) + 1, len(masks), steps + 1)
        scores = side_by_side(reader.model, masks, ask, tell)
        rows += [
            {"n_networks": count, "n_kept": int(kept.sum()), "converged": found.converged}
            | _row(name, whole, scores)
            for name in whole
        ]  # fmt: skip
    return PreservationCurve(read.model, read.n_neurons, pd.DataFrame(rows))


def _tell(progress: Progress, before: int, masks: int, of: int, fraction: float) -> None:
    progress("kept", (before + masks * fraction) / of)


def _row(name: tuple[str, str], whole: dict, scores: list[dict]) -> dict[str, Any]:
    """One measure with all neurons, the kept ones, and random ones."""
    random = np.array([one[name].value for one in scores[1:]])
    return {
        "task": name[0], "measure": name[1], "higher_is_better": whole[name].higher_is_better,
        "whole": whole[name].value, "kept": scores[0][name].value,
        "random": random.mean(), "random_low": random.min(), "random_high": random.max(),
    }  # fmt: skip
