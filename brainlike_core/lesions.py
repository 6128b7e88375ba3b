"""Neurons cut, kept alone or amplified, and what the model is then still able to do (arXiv 2502.20408)."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .archive import Workspace
from .config import LesionConfig
from .errors import ConfigError
from .networks import Reader, keep, networks_of, networks_question, texts_of
from .progress import Progress, poll, silent
from .sources import task_items, text_sets
from .store import Question
from .values import LesionResult, ModelNetworks, Scores, TextSet

VERSION = 1  # raise it when the code changes the result
N_SHARES = 3  # random lesions of 15 % of all neurons
N_WRITTEN = 24  # tokens of a continuation
PROMPTS = (
    "The old lighthouse keeper climbed the stairs and",
    "Scientists have found that the human brain",
    "To make a good soup, you first need to",
)

# (task, measure) -> scores of one model.
Language = dict[tuple[str, str], Scores]


def lesion(
    config: LesionConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> LesionResult:
    """Cut, keep alone, or amplify networks; score the model before, after, and with random neurons instead.

    Parameters
    ----------
    config : LesionConfig
    workspace : Workspace
    data : path, optional
        Where downloaded texts lie.
    progress : callable(step, fraction)
        Of the steps of `find_networks`, then ``scores``; may raise `CancelledError`.
    device : str
        Where the model runs.

    Returns
    -------
    LesionResult

    Raises
    ------
    ConfigError
        No neuron is meant; or a task that the model cannot do.
    BrainlikeError
        As `find_networks`.
    """
    reader = Reader(config.networks.extract, device)
    networks = networks_of(config.networks, reader, workspace, data, progress)
    texts = text_sets.text_set("held-out", n_texts=config.n_texts)
    inside = networks_question(config.networks, texts_of(config.networks, data), reader)
    inputs = (inside.key, *language_digests(texts, config.tasks))
    question = Question("lesion", VERSION, dataclasses.asdict(config), inputs)
    found = workspace.results.remember(
        question,
        lambda: _lesion(config, networks, reader, texts.texts, progress),
        device=lambda value: reader.reading["device"],
        cancelled=poll(progress, "scores"),
    )
    keep(config, "lesion", question, workspace)
    progress("scores", 1.0)
    return found


def _lesion(
    config: LesionConfig, networks: ModelNetworks, reader: Reader, texts: tuple[str, ...], progress: Progress
) -> LesionResult:
    from .science.lesion_effects import matched_random, random_share
    from .sources.side_by_side import side_by_side

    named = named_neurons(config, networks)
    draws = matched_random(named, len(networks.layers), networks.n_units, config.n_random, config.seed)
    shares = random_share(networks.n_neurons, N_SHARES, config.seed)
    masks = [None, named, *draws, *shares]

    def ask(model: Any, mask: np.ndarray | None, watch: Any) -> Language:
        with changed(model.body, config, networks, mask):
            return language_scores(model, texts, config.tasks, cancelled=watch.cancelled)

    scores = side_by_side(reader.model, masks, ask, lambda fraction: progress("scores", 0.98 * fraction))
    before, after = scores[:2]
    random, by_share = scores[2 : 2 + len(draws)], scores[2 + len(draws) :]
    effects, values = effect_table(before, after, random, config.seed)
    effects["random_15"] = [np.mean([one[name].value for one in by_share]) for name in before]
    return LesionResult(
        model=networks.model,
        action=config.title,
        neurons=named,
        layers=networks.layers,
        n_units=networks.n_units,
        effects=effects,
        draws=values,
        continuations=_continuations(config, networks, reader, (None, named, draws[0])),
    )


def changed(model: Any, config: LesionConfig, networks: ModelNetworks, mask: np.ndarray | None) -> Any:
    """The intervention of a config on these neurons, as a context; None = leave the model alone."""
    from .sources import interventions

    if mask is None:
        return contextlib.nullcontext()
    where: dict[str, Any] = {
        "kind": config.networks.extract.neurons,
        "layers": config.networks.extract.layers,
    }
    if config.action == "preserve":
        return interventions.preserve(model, mask, **where)
    if config.action == "amplify":
        return interventions.amplify(model, mask, add=config.add, scale=config.scale, **where)
    means = networks.means if config.how == "mean" else None
    return interventions.lesion(model, mask, how=config.how, means=means, **where)


def effect_table(
    before: Language, after: Language, random: list[Language], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects, one row per score, and the value of each random draw.

    Parameters
    ----------
    before, after : dict
        From `language_scores`.
    random : list of dict
    seed : int
        Of the bootstrap over items.
    """
    from .science.lesion_effects import lesion_effect

    rows, draws = [], []
    for (task, measure), intact in before.items():
        name = (task, measure)
        found = dataclasses.asdict(
            lesion_effect(intact, after[name], [one[name] for one in random], seed=seed)
        )
        harm = np.array(found.pop("random_harm"))
        rows.append(
            {"task": task, "n_items": intact.n_items, "higher_is_better": intact.higher_is_better}
            | found | {"random_sd": float(np.std([one[name].value for one in random], ddof=1))}
        )  # fmt: skip
        for draw, (one, harmed) in enumerate(zip(random, harm, strict=True)):
            draws.append(
                {"task": task, "measure": measure, "draw": draw, "value": one[name].value, "harm": harmed}
            )
    return pd.DataFrame(rows), pd.DataFrame(draws)


def _continuations(
    config: LesionConfig, networks: ModelNetworks, reader: Reader, masks: tuple[np.ndarray | None, ...]
) -> pd.DataFrame:
    """What a causal model writes before, after, and with the first random cut."""
    from .sources import scoring

    table: dict[str, list[str]] = {"prompt": [], "intact": [], "cut": [], "random": []}
    for prompt in PROMPTS if reader.model.head == "causal" else ():
        table["prompt"].append(prompt)
        for name, mask in zip(("intact", "cut", "random"), masks, strict=True):
            with changed(reader.model.body, config, networks, mask):
                table[name].append(scoring.continuation(reader.model, prompt, N_WRITTEN))
    return pd.DataFrame(table, dtype=object)


def named_neurons(config: LesionConfig, networks: ModelNetworks) -> np.ndarray:
    """The neurons that a lesion means: bool (n_neurons,).

    Raises
    ------
    ConfigError
        None, or a neuron that the model does not have.
    """
    if config.neurons:
        if not 0 <= min(config.neurons) <= max(config.neurons) < networks.n_neurons:
            raise ConfigError(
                "Invalid value for neurons (--neurons)", found=f"{min(config.neurons)} to {max(config.neurons)}",
                needed=f"0 to {networks.n_neurons - 1}", do="change neurons",
            )  # fmt: skip
        named = np.isin(np.arange(networks.n_neurons), config.neurons)
    else:
        named = np.asarray(networks.key[list(config.network) or slice(None)].any(0))
    if config.layers:
        named = named & np.isin(np.repeat(networks.layers, networks.n_units), config.layers)
    if not named.any():
        raise ConfigError(
            "No neuron is meant", found="0 key neurons in these networks and layers", needed="at least one",
            do="choose other networks or layers, or a lower threshold",
        )  # fmt: skip
    return named


def language_digests(texts: TextSet, tasks: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Digests of all that `language_scores` may read."""
    own = (task_items.choice_task(name).digest for name in tasks)
    return (texts.digest, task_items.paraphrase_pairs().digest, *own)


def language_scores(
    model: Any,
    texts: tuple[str, ...],
    tasks: tuple[str, ...] = (),
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Language:
    """What a model is able to do: (task, measure) -> scores, item by item.

    Texts by the likelihood of their tokens where the model has a head, else
    paraphrase pairs; then zero-shot tasks.

    Parameters
    ----------
    model : sources.heads.HeadedModel
    texts : tuple of str
    tasks : tuple of str
        See `sources.task_items.choice_tasks`.
    cancelled : callable, optional
        Asked between passes; True stops (`CancelledError`).
    """
    from .sources import scoring

    if model.head == "none":
        found = {
            ("paraphrases", k): v
            for k, v in scoring.score_pairs(
                model.body, task_items.paraphrase_pairs().pairs, cancelled=cancelled
            ).items()
        }
    else:
        found = {("text", k): v for k, v in scoring.score_texts(model, texts, cancelled=cancelled).items()}
    for task in tasks:
        items = task_items.choice_task(task).items
        found |= {(task, k): v for k, v in scoring.score_choices(model, items, cancelled=cancelled).items()}
    return found
