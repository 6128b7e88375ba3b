"""The recording of a walk and its stories, read or simulated; and the check that they fit."""

from __future__ import annotations

from pathlib import Path

from .archive import Workspace, write_check
from .config import CheckConfig, RecordingConfig, RunConfig
from .digests import atlas_digest, story_digest
from .inventory import atlas
from .progress import Progress, silent
from .sources import located
from .values import FitCheck, PlantedTruth, Recording, Story
from .walk_state import WalkState


def recording_and_stories(state: WalkState) -> tuple[Recording, list[Story], PlantedTruth | None]:
    """The recording with its stories, and what was planted in it where it is simulated."""
    wanted = state.config.recording
    if wanted.name == "simulated":
        recording, story, truth = _simulated(state, wanted)
        return recording, [story], truth
    found = located.locate(wanted, state.data)
    recording, *stories = state.remember(
        "recording", found.settings, (found.digest,), lambda: found.load(state.report("recording"))
    )
    return recording, stories, None


def _simulated(state: WalkState, wanted: RecordingConfig) -> tuple[Recording, Story, PlantedTruth]:
    from .sources import embedded_story, simulation

    config = {"name": "simulated", "subjects": list(wanted.subjects), "seed": wanted.seed}
    story = story_digest(embedded_story.embedded_story())
    return state.remember(
        "recording",
        config,
        (story, atlas_digest(atlas("eg17"))),
        lambda: simulation.simulate(
            seed=wanted.seed, subjects=wanted.subjects, progress=state.report("recording")
        ),
    )


def check_fit(
    config: CheckConfig,
    workspace: Workspace,
    data: str | Path | None = None,
    progress: Progress = silent,
) -> FitCheck:
    """Read a recording, its story and its sound, check that they fit, and keep the answer by the check's id.

    Parameters
    ----------
    config : CheckConfig
    workspace : Workspace
    data : path, optional
        Where the recording is, when it is not embedded.
    progress : callable(step, fraction)
        Of the steps ``recording``, ``sound`` and ``check``; may raise `CancelledError` to stop.

    Returns
    -------
    FitCheck
        See `science.fit_check.fit_check`.

    Raises
    ------
    BrainlikeError
        As `pipeline.walk`.
    """
    from .science.fit_check import fit_check
    from .sources.audio import audio_envelope

    located.check_name(config.recording)
    progress("sound", 0.0)  # before the recording, which takes longer: its refusals come at once
    sound = audio_envelope(config.audio, onset_s=config.sound_onset_s) if config.audio else None
    progress("sound", 1.0)
    state = WalkState(RunConfig(recording=config.recording), workspace, data, progress)
    recording, (story, *_), _ = recording_and_stories(state)
    progress("check", 0.0)
    found = fit_check(story, recording, sound, progress=state.report("check"))
    write_check(config, found, workspace)
    progress("check", 1.0)
    return found
