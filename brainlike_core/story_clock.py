"""From the words of one story, or of several, to the rows of the recording that held them.

Each story is put on the scanner's clock by itself: response, filter and z-score
never see another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .config import RunConfig
from .sources import low_level
from .values import Dictionary, NeuronResponses, Recording, Story

Parts = tuple[tuple[Story, int], ...]  # each story, and the TRs that its recording has


def story_parts(recording: Recording, stories: Sequence[Story]) -> Parts:
    """The stories of a recording, each with the TRs that it takes there."""
    lengths = [n_trs for _, n_trs in recording.stories] or [recording.n_trs]
    return tuple(zip(stories, lengths, strict=True))


# -- neurons ------------------------------------------------------------------------


def on_recording_clock(
    extracted: NeuronResponses, story: Story, recording: Recording, config: RunConfig, n_trs: int = 0
) -> NeuronResponses:
    """Responses to words (or their means per TR) on the recording's clock: (n_rows, n_neurons), z-scored.

    ``n_trs`` is that of the story's own part of the recording; 0 = all of it.
    """
    from .science import timing

    n_trs = n_trs or recording.n_trs
    rows = _rows(story, recording.tr, n_trs, config)
    times = (story.onsets, recording.tr, n_trs)
    options: dict[str, Any] = {
        "band": _band(recording, config),
        "rows": rows,
        "centre_words": config.responses.centre_words,
    }
    if extracted.clock == "word":
        values = timing.responses_on_trs(extracted.values, *times, **options)
    else:
        values = timing.responses_from_tr_means(extracted.values, extracted.first_tr, *times, **options)
    return dataclasses.replace(extracted, clock="tr", values=values, first_tr=rows[0])


def on_clock_of_stories(
    extracted: Sequence[NeuronResponses], parts: Parts, recording: Recording, config: RunConfig
) -> NeuronResponses:
    """`on_recording_clock` of each story, one after the other: (n_rows of all, n_neurons)."""
    each = [
        on_recording_clock(one, story, recording, config, n_trs)
        for one, (story, n_trs) in zip(extracted, parts, strict=True)
    ]
    if len(each) == 1:
        return each[0]
    spans = [(one.first_tr, len(one.values)) for one in each]
    values = np.concatenate([one.values for one in each])
    return dataclasses.replace(each[0], values=values, stories=_places(parts, spans))


def _places(parts: Parts, spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int, int], ...]:
    """What `StoryRows` holds, from the first row and the number of rows of each story."""
    return tuple(
        (n_trs, first, first + n_rows) for (_, n_trs), (first, n_rows) in zip(parts, spans, strict=True)
    )


def _rows(story: Story, tr: float, n_trs: int, config: RunConfig) -> tuple[int, int]:
    from .science import timing

    edge, delays = config.responses.edge_s, config.encoding.delays
    return timing.story_rows(story.onsets, story.offsets, tr, n_trs, edge, max(delays))


def _band(recording: Recording, config: RunConfig) -> tuple[float, ...]:
    return recording.pass_band if config.responses.match_filter else ()


# -- low-level features ---------------------------------------------------------------


def feature_atoms(parts: Parts, recording: Recording, config: RunConfig) -> Dictionary:
    """Low-level features as atoms: see `features.features_as_atoms`."""
    from .science.features import features_as_atoms

    values, names, spans = features_of_stories(parts, recording, config)
    atoms = features_as_atoms(values, names, spans[0][0])
    return dataclasses.replace(atoms, stories=_places(parts, spans)) if len(parts) > 1 else atoms


def features_of_stories(
    parts: Parts, recording: Recording, config: RunConfig
) -> tuple[np.ndarray, tuple[str, ...], list[tuple[int, int]]]:
    """Low-level features of the words (and of the sound) on the rows of the neurons' responses.

    Returns
    -------
    values : float32 (n_rows, n_features)
    names : those that every story has
    spans : first row (TR of its story) and number of rows of each story
    """
    each = [_features(story, recording, config, n_trs) for story, n_trs in parts]
    names = tuple(name for name in each[0][0] if all(name in named for named, _ in each))
    blocks = [np.concatenate([named[name] for name in names], axis=1) for named, _ in each]
    spans = [(first, len(block)) for block, (_, first) in zip(blocks, each, strict=True)]
    return np.concatenate(blocks), names, spans


def _features(
    story: Story, recording: Recording, config: RunConfig, n_trs: int
) -> tuple[dict[str, np.ndarray], int]:
    """Each feature of one story on its own clock, (n_rows, 1), and the TR of its first row."""
    from .science import timing
    from .science.fit_check import audio_regressor
    from .sources.audio import audio_envelope

    band, tr, sound = _band(recording, config), recording.tr, config.recording
    rows = _rows(story, tr, n_trs, config)
    named = low_level.word_features(story, tr)
    values = timing.responses_on_trs(
        np.stack(list(named.values()), axis=1), story.onsets, tr, n_trs,
        band=band, rows=rows, centre_words=False,
    )  # fmt: skip
    found = {name: values[:, i : i + 1] for i, name in enumerate(named)}
    if sound.audio:
        audio = audio_envelope(sound.audio, onset_s=sound.story_onset_s)
        found["audio envelope"] = timing.zscore(audio_regressor(audio, n_trs, tr, band)[slice(*rows)])
    return found, rows[0]
