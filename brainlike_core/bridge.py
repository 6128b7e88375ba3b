"""The bridge between both walks (ours): cut the sub-groups of a brain network out of the model.

One cut is seen from both sides: what it does to the model's language, and to
the held-out prediction of that brain network and of the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .archive import Workspace, known_record, load_run
from .atlas_nulls import network_overlap
from .config import LOW_LEVEL, BridgeConfig, RunConfig
from .errors import ConfigError, UnknownNameError
from .lesions import Language, effect_table, language_digests, language_scores
from .networks import Reader, keep
from .progress import Progress, poll, silent
from .sources import text_sets
from .store import Question
from .story_clock import on_recording_clock, refuse_several_stories
from .values import BridgeResult, Run

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
    RecordingError
        The run is of several stories.
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
    refuse_several_stories(run.recording, "What a cut takes from the prediction of the brain")
    cuts = _cuts(run, config)
    reader = Reader(whole.extract, device)
    texts = text_sets.text_set("held-out", n_texts=config.n_texts)
    walked = known_record(config.run, workspace).entries["match"]  # depends on all that the walk read
    inputs = (walked, *language_digests(texts), reader.revision)
    question = Question("bridge", VERSION, dataclasses.asdict(config), inputs)

    def compute() -> BridgeResult:
        bench = _Bench(run, whole, config, reader, texts.texts)
        return _measure(bench, cuts, lambda fraction: progress("story", fraction))

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


@dataclass
class _Bench:
    """One run's model and brain, asked again and again with other neurons cut."""

    run: Run
    whole: RunConfig
    config: BridgeConfig
    reader: Reader
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        from .science.encoding_nulls import null_locations
        from .science.folds import delayed
        from .science.timing import zscore

        recording = self.run.recording
        sample = null_locations(recording.n_locations, MOST_LOCATIONS)
        self.table = network_overlap(self.run.atlas, recording)[sample]
        mean = zscore(recording.bold[:, :, sample].mean(0, dtype=np.float32))
        dictionary = self.run.dictionary
        self.brains = delayed(mean, dictionary.first_tr, dictionary.n_trs, self.whole.encoding.delays)
        self.loadings = dictionary.loadings

    def ask(self, neurons: np.ndarray | None) -> tuple[np.ndarray, Language]:
        """Held-out r of each brain network, and language scores, with these neurons cut."""
        from .science.blas_threads import threads_for
        from .science.bridge import network_means, remaining_courses
        from .science.held_out import held_out
        from .sources.word_responses import extract_words

        extract = self.whole.extract
        kept = np.ones(self.run.dictionary.n_neurons, bool) if neurons is None else ~neurons
        with self._cut(neurons):
            read = extract_words(self.reader.model.body, self.run.story, extract)
            language = language_scores(self.reader.model, self.texts)
        if neurons is None:
            self.means = read.values.mean(0)
        clocked = on_recording_clock(read, self.run.story, self.run.recording, self.whole)
        courses = remaining_courses(clocked.values, self.loadings, kept)
        with threads_for(self.run.recording.n_locations):
            scores = held_out(courses, self.brains, self.whole.encoding.one_delay)
        return network_means(scores.r, self.table), language

    @contextmanager
    def _cut(self, neurons: np.ndarray | None) -> Iterator[None]:
        from .sources.interventions import lesion

        if neurons is None:
            yield
            return
        extract, how = self.whole.extract, self.config.how
        means = self.means if how == "mean" else None  # of the intact model, which is asked first
        body = self.reader.model.body
        with lesion(body, neurons, how=how, means=means, kind=extract.neurons, layers=extract.layers):
            yield


def _measure(bench: _Bench, cuts: dict[str, np.ndarray], tell: Callable[[float], None]) -> BridgeResult:
    """Every network's sub-groups cut once; the first two also against matched random cuts."""
    from .science.lesion_effects import matched_random

    config, run, names = bench.config, bench.run, list(cuts)
    paired = names[:2]
    n_layers, n_units = len(run.dictionary.layers), run.dictionary.n_units
    random = {
        name: matched_random(cuts[name], n_layers, n_units, config.n_random, config.seed) for name in paired
    }
    total, done = 1 + len(names) + sum(map(len, random.values())), 0

    def ask(neurons: np.ndarray | None) -> tuple[np.ndarray, Language]:
        nonlocal done
        found = bench.ask(neurons)
        done += 1
        tell(done / (total + 1))
        return found

    before, before_language = ask(None)
    after = {name: ask(neurons) for name, neurons in cuts.items()}
    drawn = {name: [ask(neurons) for neurons in masks] for name, masks in random.items()}
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
