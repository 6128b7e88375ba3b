"""Finished runs: their records, everything that belongs to them, and their words.

Only reading: a page that shows finished runs needs this file and no model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .claims import comparable
from .config import (
    AnchorsConfig,
    CheckConfig,
    ChoiceConfig,
    LayersConfig,
    RecordingConfig,
    RunConfig,
    read_config,
)
from .errors import ConfigError, DamagedEntryError, RecordingError, UnknownNameError
from .store import Question, Store, Verification
from .values import (
    DictionaryChoice,
    FitCheck,
    LayerCurve,
    LayerProfiles,
    NeuronResponses,
    Recording,
    Run,
    RunRecord,
    Story,
    one_after_the_other,
)
from .whole_files import replace_file

_KEPT = "own_recordings.json"
# A record without one of these is of another version: its run is not finished for this one.
_SHOWN = {"recording", "atlas", "dictionary", "encoding", "match", "organization", "equal_size"}


@dataclass(frozen=True)
class Workspace:
    """The stores of one cache folder: results of steps, and records of finished runs."""

    folder: Path
    results: Store
    runs: Store


@dataclass(frozen=True)
class RunSummary:
    """A finished run in a list."""

    id: str
    label: str
    config: RunConfig
    utc: str


def open_store(folder: str | Path = "cache") -> Workspace:
    """Open (or create) the stores in a cache folder."""
    folder = Path(folder).absolute()
    return Workspace(folder, Store(folder / "results"), Store(folder / "runs"))


def record_question(run_id: str) -> Question:
    """Under which the record of a finished walk, or of another kind of job, lies."""
    return Question("run", 1, {"id": run_id})


def write_record(
    config: Any, entries: dict[str, str], seconds: dict[str, float], workspace: Workspace
) -> None:
    """Note that a walk is finished, and where its results are; nothing is written when that is known.

    Parameters
    ----------
    config : RunConfig, or the config of another kind of job
    entries : dict
        Step -> key of its result.
    seconds : dict
        Step -> seconds that it took when it was computed.
    workspace : Workspace
    """
    record = RunRecord(
        id=config.id,
        label=config.label,
        config=json.loads(json.dumps(dataclasses.asdict(config))),
        entries=dict(entries),
        seconds=dict(seconds),
        utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    question = record_question(config.id)
    known = _record(config.id, workspace)
    if known is None or known.entries != record.entries:
        workspace.runs.put(question, record)


def _record(run_id: str, workspace: Workspace) -> RunRecord | None:
    try:
        record = workspace.runs.get(record_question(run_id).key)
    except (KeyError, DamagedEntryError):
        return None
    return record if set(record.entries) >= _SHOWN else None


def known_record(run_id: str, workspace: Workspace) -> RunRecord:
    """The record of a finished run; `UnknownNameError` where there is none."""
    record = _record(run_id, workspace)
    if record is None:
        raise UnknownNameError(
            "Unknown run", found=run_id[:12], needed="a finished run", do="run it first, or list the runs"
        )
    return record


def finished_runs(workspace: Workspace) -> list[RunSummary]:
    """Finished runs, newest first; a damaged record, or one of another version, is left out."""
    found = []
    for key in workspace.runs:
        with contextlib.suppress(KeyError, TypeError, DamagedEntryError, ConfigError):
            record = workspace.runs.get(key)
            if not set(record.entries) >= _SHOWN:
                continue
            found.append(
                RunSummary(record.id, record.label, read_config(RunConfig, record.config), record.utc)
            )
    return sorted(found, key=lambda run: (run.utc, run.label), reverse=True)


def find_run(prefix: str, workspace: Workspace) -> str:
    """The id of the finished run that starts with ``prefix``.

    Raises
    ------
    UnknownNameError
        When no run, or more than one, starts so.
    """
    known = [run.id for run in finished_runs(workspace)]
    matches = [run_id for run_id in known if run_id.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    raise UnknownNameError(
        "Unknown run",
        found=f"'{prefix}' ({len(matches)} of {len(known)} finished runs start so)",
        needed="the first characters of one run's id",
        do="list them with: python -m brainlike_core runs",
    )


def load_run(run_id: str, workspace: Workspace) -> Run:
    """Everything of a finished run, each byte checked.

    Raises
    ------
    UnknownNameError
        When the run is not finished.
    DamagedEntryError
        When a result is damaged or pruned; running it again mends it.
    """
    record = known_record(run_id, workspace)
    parts = {}
    for step, key in record.entries.items():
        if step.split()[0] in ("extract", "responses"):
            continue  # not shown; read when a view needs them
        try:
            parts[step] = workspace.results.get(key)
        except KeyError:
            raise RecordingError(
                f"Step '{step}' of run {run_id[:12]} is no longer in the cache",
                needed="its stored result",
                do="run it again: only what is missing is computed",
            ) from None
    recording, story = _heard(parts["recording"])
    config = read_config(RunConfig, record.config)
    return Run(
        id=record.id,
        config=config,
        story=story,
        recording=recording,
        atlas=parts["atlas"],
        dictionary=parts["dictionary"],
        encoding=parts["encoding"],
        correspondence=parts["match"],
        organization=parts["organization"],
        equal_size=parts["equal_size"],
        recovery=parts.get("recovery"),
        seconds=dict(record.seconds),
    )


def load_responses(run_id: str, workspace: Workspace) -> NeuronResponses:
    """The responses of a finished run's neurons on the recording's clock, each byte checked.

    Raises
    ------
    UnknownNameError
        When the run is not finished.
    ConfigError
        When it has no neurons.
    RecordingError
        When they were pruned; running it again mends it.
    """
    record = _record_with_neurons(run_id, workspace)
    try:
        return workspace.results.get(record.entries["responses"])
    except KeyError:
        raise RecordingError(
            f"The neurons' responses of run {run_id[:12]} are no longer in the cache",
            needed="their stored values",
            do="run it again: only what is missing is computed",
        ) from None


def _heard(stored: tuple) -> tuple[Recording, Story]:
    """A recording and its story; several stories as one, on the recording's clock."""
    recording, *rest = stored
    stories = [one for one in rest if isinstance(one, Story)]
    if not recording.stories:
        return recording, stories[0]
    seconds = [recording.tr * n_trs for _, n_trs in recording.stories]
    return recording, one_after_the_other(stories, seconds)


def load_stories(run: Run, workspace: Workspace) -> tuple[Story, ...]:
    """The stories of a finished run, each with its own text and on its own clock."""
    if not run.recording.stories:
        return (run.story,)
    stored = workspace.results.get(known_record(run.id, workspace).entries["recording"])
    return tuple(one for one in stored if isinstance(one, Story))


def comparable_runs(run: Run, workspace: Workspace) -> list[Run]:
    """Finished runs that differ from this one in their model alone, oldest first; see `claims.comparable`."""
    config: RunConfig = run.config  # type: ignore[assignment]
    known = [one.id for one in reversed(finished_runs(workspace)) if comparable(config, one.config)]
    found = []
    for run_id in known:
        with contextlib.suppress(RecordingError, DamagedEntryError):  # pruned or damaged: nothing to compare
            found.append(load_run(run_id, workspace))
    return found


def verify(workspace: Workspace) -> Verification:
    """Check every byte of every stored result and record."""
    results, runs = workspace.results.verify(), workspace.runs.verify()
    return Verification(
        results.whole + runs.whole, results.damaged + runs.damaged, results.n_bytes + runs.n_bytes
    )


# -- checks -------------------------------------------------------------------------


def write_check(config: CheckConfig, found: FitCheck, workspace: Workspace) -> None:
    """Keep what a check found; an earlier answer to the same question is replaced, as files may change."""
    workspace.results.put(_check_question(config.id), found)


def load_check(check_id: str, workspace: Workspace) -> FitCheck | None:
    """What a check found; None where it was never done, pruned, damaged, or of another version."""
    try:
        return workspace.results.get(_check_question(check_id).key)
    except (KeyError, DamagedEntryError):
        return None


def _check_question(check_id: str) -> Question:
    return Question("check", 2, {"id": check_id})


# -- settings of the dictionary -------------------------------------------------------


def choice_question(config: ChoiceConfig, workspace: Workspace) -> Question:
    """What is asked of a finished run's neurons; its inputs are the keys of its responses and its dictionary.

    Raises
    ------
    UnknownNameError
        When the run is not finished.
    ConfigError
        When its atoms are not those of a sparse dictionary.
    """
    record = known_record(config.run, workspace)
    used = record.config["dictionary"]
    if "responses" not in record.entries or used["method"] != "sparse":
        raise ConfigError(
            "Only the settings of a sparse dictionary are compared",
            found=f"method {used['method']}" if "responses" in record.entries else "a run without neurons",
            needed="a run of a model with the method 'sparse'",
            do="choose another run",
        )
    settings = dataclasses.asdict(config) | {"used": used}
    del settings["run"]
    return Question("choice", 2, settings, (record.entries["responses"], record.entries["dictionary"]))


def load_choice(config: ChoiceConfig, workspace: Workspace) -> DictionaryChoice | None:
    """What a comparison of settings found; None where it was never made, is pruned, damaged, or cannot be made."""
    try:
        return workspace.results.get(choice_question(config, workspace).key)
    except (KeyError, DamagedEntryError, UnknownNameError, ConfigError):
        return None


# -- anchors ----------------------------------------------------------------------------


def anchors_question(config: AnchorsConfig, workspace: Workspace) -> Question:
    """Which brain network each neuron goes with; inputs: the run's responses, recording, atlas and maps.

    Raises
    ------
    UnknownNameError
        When the run is not finished.
    ConfigError
        When it has no neurons.
    """
    record = _record_with_neurons(config.run, workspace)
    inputs = _keys(record, "responses", "recording", "atlas", "encoding")
    return Question("anchors", 2, dataclasses.asdict(config), inputs)


# -- layers ---------------------------------------------------------------------------


def curve_question(config: LayersConfig, workspace: Workspace) -> Question:
    """How well each layer predicts the brain; inputs: the run's responses, recording and atlas.

    Raises
    ------
    UnknownNameError
        When the run is not finished.
    ConfigError
        When it is a run without neurons, or its layers cannot be cut in thirds.
    """
    record = _record_with_neurons(config.run, workspace)
    names = ("by", "n_surrogates", "max_locations", "max_null_locations")
    settings = {name: getattr(config, name) for name in names}
    settings |= {part: record.config[part] for part in ("dictionary", "encoding")}
    return Question("curve", 1, settings, _keys(record, "responses", "recording", "atlas"))


def profiles_question(config: LayersConfig, workspace: Workspace) -> Question:
    """In which layers the sub-groups lie; inputs: the run's responses, dictionary and links.

    Raises
    ------
    UnknownNameError, ConfigError
        As `curve_question`.
    """
    record = _record_with_neurons(config.run, workspace)
    settings = {name: getattr(config, name) for name in ("n_bootstraps", "n_seeds", "seed")}
    settings["dictionary"] = record.config["dictionary"]
    return Question("profiles", 1, settings, _keys(record, "responses", "dictionary", "match"))


def _record_with_neurons(run_id: str, workspace: Workspace) -> RunRecord:
    record = known_record(run_id, workspace)
    if "responses" not in record.entries:
        raise ConfigError(
            "Features of the words have no neurons",
            found=f"the run {record.label}",
            needed="a run of a model",
            do="choose another run",
        )
    return record


def _keys(record: RunRecord, *steps: str) -> tuple[str, ...]:
    return tuple(record.entries[step] for step in steps)


def load_layers(config: LayersConfig, workspace: Workspace) -> tuple[LayerCurve, LayerProfiles] | None:
    """Which layers predict the brain, and where sub-groups lie; None where it was never asked, is pruned or damaged."""
    try:
        asked = curve_question(config, workspace), profiles_question(config, workspace)
        curve, profiles = (workspace.results.get(question.key) for question in asked)
    except (KeyError, DamagedEntryError, UnknownNameError, ConfigError):
        return None
    return curve, profiles


# -- recordings of one's own ----------------------------------------------------------


def keep_recording(config: RecordingConfig, workspace: Workspace) -> None:
    """Remember a recording of one's own, so that it can be chosen for a run; the newest first."""
    kept = [config, *(known for known in kept_recordings(workspace) if known != config)]
    listed = json.dumps([dataclasses.asdict(one) for one in kept], indent=1)
    replace_file(workspace.folder / _KEPT, listed)


def kept_recordings(workspace: Workspace) -> list[RecordingConfig]:
    """Recordings of one's own that were kept; those of another version are left out."""
    try:
        fields = json.loads((workspace.folder / _KEPT).read_text())
    except (FileNotFoundError, ValueError):
        return []
    kept = []
    for one in fields:
        with contextlib.suppress(TypeError, ConfigError):
            kept.append(read_config(RecordingConfig, one))
    return kept
