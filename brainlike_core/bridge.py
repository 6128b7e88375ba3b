"""The bridge between both walks (ours): cut the sub-groups of a brain network out of the model.

One cut is seen from both sides: what it does to the model's language, and to
the held-out prediction of that brain network and of the others.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .archive import Workspace, known_record, load_run, load_stories
from .atlas_nulls import network_overlap
from .config import LOW_LEVEL, BridgeConfig, RunConfig
from .errors import ConfigError, UnknownNameError
from .lesions import Language, effect_table, language_digests, language_scores
from .networks import Reader, keep
from .progress import Progress, poll, silent
from .sources import text_sets
from .store import Question, Store
from .story_clock import on_clock_of_stories, story_parts
from .values import BridgeCut, BridgeResult, NeuronResponses, Run, Story

VERSION = 1
# Locations that are predicted again for each cut, at most.
MOST_LOCATIONS = 1500


def bridge(
    config: BridgeConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> BridgeResult:
    """Cut the sub-groups of one brain network, of another, and random ones of the same layers.

    Parameters
    ----------
    config : BridgeConfig
    workspace : Workspace
        Holds the run.
    progress : callable(step, fraction)
        Of the step ``story``; may raise `CancelledError` to stop.
    device : str
        Where the model runs.

    Returns
    -------
    BridgeResult

    Raises
    ------
    UnknownNameError
        The run is not finished; or the atlas has no such network.
    ConfigError
        The run has no neurons, or no sub-group that goes with the network.
    """
    run = load_run(config.run, workspace)
    whole: RunConfig = run.config  # type: ignore[assignment]
    if whole.extract.model == LOW_LEVEL:
        raise ConfigError(
            "A baseline of features has no neurons to cut", found=f"run {config.run[:12]}",
            needed="a run of a language model", do="choose another run",
        )  # fmt: skip
    cuts = _cuts(run, config)
    reader = Reader(whole.extract, device)
    texts = text_sets.text_set("held-out", n_texts=config.n_texts)
    walked = known_record(config.run, workspace).entries["match"]  # depends on all that the walk read
    inputs = (walked, *language_digests(texts), reader.revision)
    question = Question("bridge", VERSION, dataclasses.asdict(config), inputs)

    def compute() -> BridgeResult:
        bench = _Bench(run, load_stories(run, workspace), config, reader, texts.texts)
        answers = _Answers(bench, inputs, workspace.results)
        return _measure(answers, cuts, lambda fraction: progress("story", 0.98 * fraction))

    progress("story", 0.0)
    found = workspace.results.remember(
        question, compute, device=lambda value: reader.reading["device"], cancelled=poll(progress, "story")
    )
    keep(config, "bridge", question, workspace)
    progress("story", 1.0)
    return found


# -- which neurons --------------------------------------------------------------------


def network_subgroups(run: Run, rule: str) -> dict[str, list[int]]:
    """Sub-groups of each brain network: a sub-group goes with the network of its strongest link.

    Parameters
    ----------
    run : Run
    rule : str
        ``accepted``, or ``paper``.
    """
    links = run.correspondence.links(rule)  # strongest first
    strongest = links.drop_duplicates("atom")
    return {name: sorted(map(int, atoms)) for name, atoms in strongest.groupby("network")["atom"]}


def _cuts(run: Run, config: BridgeConfig) -> dict[str, np.ndarray]:
    """Neurons (n_neurons,) of each network's sub-groups: the asked network, the other, then the rest."""
    groups = network_subgroups(run, config.rule)
    for name in filter(None, (config.network, config.against)):
        if name not in run.atlas.networks:
            raise UnknownNameError.nearest("network", name, run.atlas.networks)
    member = run.dictionary.subgroups
    cuts = {name: np.isin(member, atoms) for name, atoms in groups.items()}
    cuts = {name: neurons for name, neurons in cuts.items() if neurons.any()}
    for name in filter(None, (config.network, config.against)):
        if name not in cuts:
            raise ConfigError(
                f"No sub-group goes with {name}",
                found=f"by the rule '{config.rule}': {', '.join(cuts) or 'none at all'}",
                needed="a network with sub-groups",
                do="choose another network, or --rule paper" if config.rule == "accepted" else "choose another network",
            )  # fmt: skip
    rest = sorted(set(cuts) - {config.network, config.against}, key=lambda name: -int(cuts[name].sum()))
    order = [config.network, *filter(None, [config.against]), *rest]
    return {name: cuts[name] for name in order}


# -- measuring --------------------------------------------------------------------------

Found = tuple[np.ndarray, Language]  # held-out r of each brain network (n_networks,), and language scores


@dataclass
class _Bench:
    """One run's model and brain, asked again and again with other neurons cut."""

    run: Run
    stories: tuple[Story, ...]
    config: BridgeConfig
    reader: Reader
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        from .science.encoding_nulls import null_locations
        from .science.folds import delayed
        from .science.story_rows import group_mean

        recording, dictionary = self.run.recording, self.run.dictionary
        self.whole: RunConfig = self.run.config  # type: ignore[assignment]
        sample = null_locations(recording.n_locations, MOST_LOCATIONS)
        self.table = network_overlap(self.run.atlas, recording)[sample]
        mean = group_mean(recording.bold[:, :, sample], dictionary.rows)
        self.brains = delayed(mean, dictionary.rows, dictionary.n_trs, self.whole.encoding.delays)
        self.parts = story_parts(recording, self.stories)

    @functools.cached_property
    def means(self) -> np.ndarray:
        """Mean response of every neuron of the intact model over all words."""
        read = self._read(self.reader.model, None)
        counts = [len(story.words) for story in self.stories]
        return np.average([one.values.mean(0) for one in read], axis=0, weights=counts).astype(np.float32)

    def ask(self, model: Any, neurons: np.ndarray | None, watch: Any) -> Found:
        """What is left with these neurons cut."""
        from .science.bridge import network_means, remaining_courses
        from .science.held_out import held_out
        from .science.story_rows import row_stories

        dictionary = self.run.dictionary
        with self._cut(model.body, neurons):
            read = self._read(model, watch)
            language = language_scores(model, self.texts, cancelled=watch.cancelled)
        clocked = on_clock_of_stories(read, self.parts, self.run.recording, self.whole)
        kept = np.ones(dictionary.n_neurons, bool) if neurons is None else ~neurons
        courses = remaining_courses(clocked.values, dictionary.loadings, kept)
        stories = row_stories(dictionary.rows)
        scores = held_out(courses, self.brains, self.whole.encoding.one_delay, stories=stories)
        return network_means(scores.r, self.table), language

    def _read(self, model: Any, watch: Any) -> list[NeuronResponses]:
        """Each story by itself."""
        from .sources.word_responses import extract_words

        hooks = {"progress": watch.part(0.8), "cancelled": watch.cancelled} if watch else {}
        return [extract_words(model.body, story, self.whole.extract, **hooks) for story in self.stories]

    @contextmanager
    def _cut(self, body: Any, neurons: np.ndarray | None) -> Iterator[None]:
        from .sources.interventions import lesion

        if neurons is None:
            yield
            return
        extract, how = self.whole.extract, self.config.how
        means = self.means if how == "mean" else None
        with lesion(body, neurons, how=how, means=means, kind=extract.neurons, layers=extract.layers):
            yield


@dataclass
class _Answers:
    """What each cut leaves, kept one by one: another bridge of the run, or this one after a stop, reads them."""

    bench: _Bench
    inputs: tuple[str, ...]
    results: Store

    def of(self, cuts: list[np.ndarray | None], tell: Callable[[float], None]) -> list[Found]:
        """The answers to cuts; those that are not known yet are asked for, several at once."""
        from .sources.side_by_side import side_by_side

        new = [cut for cut in cuts if not self.results.has(self._question(cut).key)]
        if new:
            model = self.bench.reader.model
            if self.bench.config.how == "mean":
                self.bench.means  # noqa: B018 -- read before there are threads
            side_by_side(model, new, self._one, tell)
        return [self._found(self.results.get(self._question(cut).key)) for cut in cuts]

    def _question(self, cut: np.ndarray | None) -> Question:
        config = self.bench.config
        neurons = "" if cut is None else hashlib.sha256(np.packbits(cut).tobytes()).hexdigest()
        asked = {"how": config.how, "n_texts": config.n_texts, "neurons": neurons}
        return Question("bridge cut", VERSION, asked, self.inputs)

    def _one(self, model: Any, cut: np.ndarray | None, watch: Any) -> None:
        def compute() -> tuple:
            r, language = self.bench.ask(model, cut, watch)
            return (BridgeCut(r, tuple(task for task, _ in language)), *language.values())

        self.results.remember(
            self._question(cut), compute, device=str(model.device), cancelled=watch.cancelled
        )

    def _found(self, stored: tuple) -> Found:
        cut, *scores = stored
        return cut.prediction, {(task, s.measure): s for task, s in zip(cut.tasks, scores, strict=True)}


def _measure(answers: _Answers, cuts: dict[str, np.ndarray], tell: Callable[[float], None]) -> BridgeResult:
    """Every network's sub-groups cut once; the first two also against matched random cuts."""
    from .science.lesion_effects import matched_random

    config, run, names = answers.bench.config, answers.bench.run, list(cuts)
    paired, n_random = names[:2], config.n_random
    n_layers, n_units = len(run.dictionary.layers), run.dictionary.n_units
    draws = [matched_random(cuts[name], n_layers, n_units, n_random, config.seed) for name in paired]
    found = answers.of([None, *cuts.values(), *(mask for masks in draws for mask in masks)], tell)
    before, before_language = found[0]
    after = dict(zip(names, found[1:], strict=False))
    at = 1 + len(names)
    drawn = {name: found[at + i * n_random :][:n_random] for i, name in enumerate(paired)}
    losses = {name: before - np.stack([r for r, _ in found]) for name, found in drawn.items()}
    return BridgeResult(
        run=run.id,
        network=names[0],
        against=names[1] if len(names) > 1 else "",
        rule=config.rule,
        groups=_group_table(run, config.rule, cuts),
        language=_language_table(before_language, after, drawn, config.seed),
        prediction=_prediction_table(run.atlas.networks, before, after, losses),
        draws=_draws_table(run.atlas.networks, losses),
        dissociation=_dissociation(run.atlas.networks, paired, before, after, losses),
    )


# -- tables -------------------------------------------------------------------------------


def _group_table(run: Run, rule: str, cuts: dict[str, np.ndarray]) -> pd.DataFrame:
    atoms = network_subgroups(run, rule)
    return pd.DataFrame(
        [
            {
                "cut": name,
                "n_atoms": len(atoms[name]),
                "atoms": ", ".join(map(str, atoms[name])),
                "n_neurons": int(neurons.sum()),
            }
            for name, neurons in cuts.items()
        ]
    )


def _language_table(before: Language, after: dict, drawn: dict, seed: int) -> pd.DataFrame:
    tables = []
    for name, (_, language) in after.items():
        if name in drawn:
            table, _ = effect_table(before, language, [one for _, one in drawn[name]], seed)
        else:
            rows = [
                {
                    "task": task,
                    "measure": measure,
                    "before": intact.value,
                    "after": language[task, measure].value,
                }
                for (task, measure), intact in before.items()
            ]
            table = pd.DataFrame(rows)
        tables.append(table.assign(cut=name))
    return pd.concat(tables, ignore_index=True)


def _prediction_table(
    networks: tuple[str, ...], before: np.ndarray, after: dict, losses: dict
) -> pd.DataFrame:
    from .science.lesion_effects import p_worse

    rows = []
    for name, (r, _) in after.items():
        for f, network in enumerate(networks):
            loss = before[f] - r[f]
            row = {"cut": name, "network": network, "before": before[f], "after": r[f], "loss": loss}
            if name in losses:
                null = losses[name][:, f]
                spread = null.std(ddof=1)
                row |= {
                    "random_loss": null.mean(),
                    "random_sd": spread,
                    "effect_size": (loss - null.mean()) / spread if spread > 0 else np.nan,
                    "p": p_worse(loss, null),
                }
            rows.append(row)
    return pd.DataFrame(rows)


def _draws_table(networks: tuple[str, ...], losses: dict[str, np.ndarray]) -> pd.DataFrame:
    tables = [
        pd.DataFrame(loss, columns=list(networks)).rename_axis("draw").reset_index().assign(cut=name)
        for name, loss in losses.items()
    ]
    whole = pd.concat(tables, ignore_index=True)
    return whole.melt(id_vars=["cut", "draw"], var_name="network", value_name="loss")


def _dissociation(
    networks: tuple[str, ...], paired: list[str], before: np.ndarray, after: dict, losses: dict
) -> dict[str, float]:
    from .science.bridge import dissociation

    if len(paired) < 2:
        return {}
    at = [networks.index(name) for name in paired]
    loss = np.stack([before[at] - after[name][0][at] for name in paired])  # (cut, network)
    return dissociation(loss, np.stack([losses[name][:, at] for name in paired], axis=1))
