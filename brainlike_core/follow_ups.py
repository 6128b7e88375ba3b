"""What is asked of a finished run afterwards: remembered like a step, computed from its stored results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .archive import Workspace, anchors_question, choice_question, curve_question, profiles_question
from .archive_layers import third_links_question
from .atlas_nulls import moved, network_null, network_overlap
from .config import (
    AnchorsConfig,
    ChoiceConfig,
    DictionaryConfig,
    EncodingConfig,
    LayersConfig,
    MatchConfig,
    read_config,
)
from .errors import RecordingError
from .progress import Progress, poll, silent
from .store import Question
from .values import DictionaryChoice, LayerCurve, LayerProfiles, NeuronAnchors, ThirdLinks


def choose_dictionary(
    config: ChoiceConfig, workspace: Workspace, progress: Progress = silent
) -> DictionaryChoice:
    """Compare settings of the dictionary on the stored neurons of a finished run.

    Parameters
    ----------
    config : ChoiceConfig
    workspace : Workspace
    progress : callable(step, fraction)
        Of the step ``choice``; may raise `CancelledError` to stop.

    Returns
    -------
    DictionaryChoice
        See `science.dictionary_choice.choose`.

    Raises
    ------
    UnknownNameError, ConfigError
        As `archive.choice_question`.
    RecordingError
        When a result of the run is no longer in the cache.
    """

    def compute(
        stored: list[Any], question: Question, config: ChoiceConfig, report: Callable[[float], None]
    ) -> DictionaryChoice:
        from .science.dictionary_choice import choose
        from .science.story_rows import row_stories

        responses, learned = stored
        tr = workspace.results.provenance(question.inputs[0]).config["tr"]
        used = DictionaryConfig(**question.config["used"])
        stories = row_stories(responses.rows)
        return choose(responses.values, tr, learned.atoms, used, config, report, stories)

    return _remember(choice_question(config, workspace), workspace, progress, compute, config)


def layer_answers(
    config: LayersConfig, workspace: Workspace, progress: Progress = silent
) -> tuple[LayerCurve, LayerProfiles]:
    """Which layers of a finished run predict the brain, and in which layers its sub-groups lie.

    Parameters
    ----------
    config : LayersConfig
    workspace : Workspace
    progress : callable(step, fraction)
        Of the steps ``curve`` and ``profiles``; may raise `CancelledError` to stop.

    Returns
    -------
    LayerCurve, LayerProfiles
        See `science.layer_curve.layer_curve` and `science.layer_profiles.layer_profiles`.

    Raises
    ------
    UnknownNameError, ConfigError
        As `archive.curve_question`.
    RecordingError
        When a result of the run is no longer in the cache.
    """
    curve = _remember(curve_question(config, workspace), workspace, progress, _curve, config)
    asked = profiles_question(config, workspace)
    return curve, _remember(asked, workspace, progress, _profiles, config)


def third_links(config: LayersConfig, workspace: Workspace, progress: Progress = silent) -> ThirdLinks | None:
    """Which brain networks the sub-groups of each third of a finished run's depth go with.

    Parameters
    ----------
    config : LayersConfig
    workspace : Workspace
    progress : callable(step, fraction)
        Of the step ``third_links``; may raise `CancelledError` to stop.

    Returns
    -------
    ThirdLinks or None
        See `science.layer_links.third_links`; None where the question is not by third.

    Raises
    ------
    UnknownNameError, ConfigError, RecordingError
        As `layer_answers`.
    """
    if config.by != "third":
        return None
    return _remember(third_links_question(config, workspace), workspace, progress, _third_links, config)


def anchors(config: AnchorsConfig, workspace: Workspace, progress: Progress = silent) -> NeuronAnchors:
    """Which brain network each neuron of a finished run is most synchronised with (arXiv 2303.14871).

    Parameters
    ----------
    config : AnchorsConfig
    workspace : Workspace
    progress : callable(step, fraction)
        Of the step ``anchors``.

    Returns
    -------
    NeuronAnchors
        See `science.anchoring.anchor_neurons`.

    Raises
    ------
    UnknownNameError, ConfigError
        As `archive.anchors_question`.
    RecordingError
        When a result of the run is no longer in the cache.
    """
    return _remember(anchors_question(config, workspace), workspace, progress, _anchors, config)


def _remember(
    question: Question, workspace: Workspace, progress: Progress, compute: Callable, config: Any
) -> Any:
    """The stored answer, or a new one from what the run stored; watched, and stopped on request."""

    def report(fraction: float) -> None:
        progress(question.step, fraction)

    progress(question.step, 0.0)
    found = workspace.results.remember(
        question,
        lambda: compute(_stored(question, config.run, workspace), question, config, report),
        cancelled=poll(progress, question.step),
    )
    progress(question.step, 1.0)
    return found


def _stored(question: Question, run_id: str, workspace: Workspace) -> list[Any]:
    """The results of the run that a question is asked of, in the order of its inputs."""
    try:
        return [workspace.results.get(key) for key in question.inputs]
    except KeyError:
        raise RecordingError(
            f"Results of run {run_id[:12]} are no longer in the cache",
            needed="its stored neurons, recording and maps",
            do="run it again: only what is missing is computed",
        ) from None


def _anchors(
    stored: list[Any], question: Question, config: AnchorsConfig, report: Callable[[float], None]
) -> NeuronAnchors:
    from .science.anchoring import anchor_neurons
    from .science.story_rows import by_story, row_stories, rows_at
    from .science.timing import zscore

    responses, (recording, *_), atlas, encoding = stored
    table = network_overlap(atlas, recording)
    share = table / np.maximum(table.sum(0), 1e-12)  # (n_locations, n_networks)
    rows, stories = (
        rows_at(responses.rows, len(responses.values), encoding.map_delay),
        row_stories(responses.rows),
    )
    courses = by_story(zscore, recording.bold[:, rows].mean(0, dtype=np.float32) @ share, stories)
    found = anchor_neurons(
        responses.values, courses, n_surrogates=config.n_surrogates, seed=config.seed, stories=stories
    )
    return NeuronAnchors(
        run=config.run,
        networks=atlas.networks,
        network=found.network.astype(np.int16),
        r=found.r,
        p=found.p.astype(np.float32),
        q=found.q.astype(np.float32),
        layers=responses.layers,
        n_units=responses.n_units,
        delay=encoding.map_delay,
        n_surrogates=config.n_surrogates,
    )


def _curve(
    stored: list[Any], question: Question, config: LayersConfig, report: Callable[[float], None]
) -> LayerCurve:
    from .science.blas_threads import threads_for
    from .science.layer_curve import layer_curve

    responses, (recording, *_), atlas = stored
    overlap = network_overlap(atlas, recording)
    dictionary = DictionaryConfig(**question.config["dictionary"])
    encoding = EncodingConfig(**question.config["encoding"])
    with threads_for(recording.n_locations):
        return layer_curve(
            responses, recording.bold, overlap, atlas.networks, dictionary, encoding, config, report
        )


def _third_links(
    stored: list[Any], question: Question, config: LayersConfig, report: Callable[[float], None]
) -> ThirdLinks:
    from .science.blas_threads import threads_for
    from .science.layer_links import third_links as linked

    responses, (recording, *_), atlas = stored
    settings = read_config(MatchConfig, question.config["match"])
    dictionary = DictionaryConfig(**question.config["dictionary"])
    encoding = EncodingConfig(**question.config["encoding"])
    null = network_null(atlas, moved(atlas, recording, settings), recording, settings)
    with threads_for(recording.n_locations):
        return linked(responses, recording.bold, null, atlas.networks, dictionary, encoding, settings, report)


def _profiles(
    stored: list[Any], question: Question, config: LayersConfig, report: Callable[[float], None]
) -> LayerProfiles:
    from .science.layer_profiles import layer_profiles

    responses, dictionary, matched = stored
    used = DictionaryConfig(**question.config["dictionary"])
    return layer_profiles(responses, dictionary, matched.paper_links, matched.networks, used, config, report)
