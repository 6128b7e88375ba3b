"""The walk from a story to brain networks, and its steps on the brain's side.

Each step asks the store first; what it depends on is in its key, so changing
one setting recomputes only what follows from it. The steps before lie in
`recording_step` and `model_steps`, the number of each in `walk_state`. Heavy
libraries (torch, transformers, numba) are imported inside the steps that need
them: a page that reads finished runs never loads them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from . import model_steps
from .archive import Workspace, load_run, write_record
from .atlas_nulls import check_locations, check_null, moved, network_null, unmoved
from .config import LOW_LEVEL, RunConfig
from .digests import atlas_digest, story_digests
from .inventory import atlas
from .progress import Progress, silent
from .recording_step import recording_and_stories
from .sources import located, low_level, model_catalogue
from .store import Question
from .story_clock import Parts, features_of_stories, story_parts
from .values import (
    Correspondence,
    Dictionary,
    EncodingResult,
    EqualSize,
    NetworkAtlas,
    NeuronResponses,
    Organization,
    PlantedTruth,
    Recording,
    Recovery,
    Run,
)
from .walk_state import VERSIONS, WalkState


def walk(
    config: RunConfig,
    workspace: Workspace,
    *,
    data: str | Path | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> Run:
    """Walk from a story to brain networks; every step that is known is read, not computed.

    Parameters
    ----------
    config : RunConfig
    workspace : Workspace
    data : path, optional
        Where the recording is, when it is not embedded.
    progress : callable(step, fraction)
        Called often; may raise `CancelledError` to stop.
    device : str
        Where language models run and dictionaries are learned: ``auto``, ``cpu``, ``cuda`` or ``mps``. Not
        part of the question; the provenance says which it was.

    Returns
    -------
    Run

    Raises
    ------
    BrainlikeError
        One sentence with what was found, what is needed, and what to do.
    """
    kind = check_names(config, data)
    state = WalkState(config, workspace, data, progress, device)
    recording, stories, truth = recording_and_stories(state)
    parts = story_parts(recording, stories)
    check_locations(config.match, recording)
    if kind == LOW_LEVEL:
        dictionary = model_steps.atoms_of_features(state, parts, recording)
        n, first = dictionary.n_atoms, dictionary.first_tr
        responses = NeuronResponses(
            LOW_LEVEL, "tr", dictionary.atoms, (0,), n, first, stories=dictionary.stories
        )
    else:
        extracted = [
            model_steps.extract(state, story, kind, recording.tr, i) for i, story in enumerate(stories)
        ]
        responses = model_steps.responses_on_clock(state, extracted, parts, recording)
        dictionary = model_steps.atoms_of_neurons(state, responses)
    encoded = _encoding(state, dictionary, recording, parts)
    networks = _atlas(state, recording)
    matched = _match(state, networks, dictionary, encoded, recording)
    _organization(state, networks, dictionary, encoded, matched, recording)
    _equal_size(state, networks, responses, recording)
    if truth is not None and truth.atlas == config.match.atlas:
        _recovery(state, truth, dictionary, matched, recording)
    write_record(config, state.entries, state.seconds, workspace)
    return load_run(config.id, workspace)


def check_names(config: RunConfig, data: str | Path | None = None) -> str:
    """Refuse a wrong recording, model or atlas before anything runs.

    Returns
    -------
    str
        Where the model comes from: ``wheel``, ``hub`` or ``folder``; ``low-level`` for the baseline.

    Raises
    ------
    UnknownNameError, ModelError, ConfigError
        With the nearest known names.
    AtlasError
        A file that is no atlas, or a null that is not for it.
    """
    if config.extract.model == LOW_LEVEL:
        low_level.check_baseline(config.extract)
    located.check_name(config.recording)
    check_null(config.match, atlas(config.match.atlas, data, config.match.atlas_names))
    return model_catalogue.parse_model_name(config.extract.model)[0]


def _encoding(state: WalkState, dictionary: Dictionary, recording: Recording, parts: Parts) -> EncodingResult:
    config = state.config.encoding

    def compute() -> EncodingResult:
        from .science.blas_threads import threads_for
        from .science.encoding import encode

        with threads_for(recording.n_locations):
            return encode(
                dictionary.atoms,
                recording.bold,
                dictionary.rows,
                config,
                nuisance=_nuisance(state, parts, recording),
                progress=state.report("encoding"),
            )

    inputs = (
        state.entries["dictionary"],
        state.entries["recording"],
        *story_digests(parts),
        low_level.sound_digest(state.config.recording.audio),
    )
    return state.remember("encoding", dataclasses.asdict(config), inputs, compute)


def _nuisance(state: WalkState, parts: Parts, recording: Recording) -> np.ndarray | None:
    """Those of the low-level features that the config names; none for the baseline, which is made of them."""
    wanted = state.config.encoding.nuisance
    if not wanted or state.config.extract.model == LOW_LEVEL:
        return None
    values, names, _ = features_of_stories(parts, recording, state.config)
    return values[:, [i for i, name in enumerate(names) if name in wanted]]


def _atlas(state: WalkState, recording: Recording) -> NetworkAtlas:
    """The networks, kept with the run: it can be opened where the atlas's own files are not."""
    wanted = state.config.match
    space = located.native_space(state.config.recording, recording)
    networks = atlas(wanted.atlas, state.data, wanted.atlas_names, space)
    question = Question("atlas", VERSIONS["atlas"], {}, (atlas_digest(networks),))
    state.entries["atlas"] = question.key
    return state.workspace.results.remember(question, lambda: networks)


def _match(
    state: WalkState,
    networks: NetworkAtlas,
    dictionary: Dictionary,
    encoded: EncodingResult,
    recording: Recording,
) -> Correspondence:
    config = state.config.match

    def compute() -> Correspondence:
        from .science import matching
        from .science.blas_threads import threads_for

        moves = moved(networks, recording, config)
        state.report("match")(0.1)
        with threads_for(recording.n_locations):
            return matching.match(
                dictionary.atoms,
                recording.bold,
                dictionary.rows,
                encoded.z_maps,
                encoded.atom_q,
                network_null(networks, moves, recording, config),
                networks.networks,
                config,
                state.config.encoding,
                progress=lambda f: state.progress("match", 0.1 + 0.9 * f),
            )

    inputs = (state.entries["encoding"], atlas_digest(networks))
    return state.remember("match", dataclasses.asdict(config), inputs, compute)


def _organization(
    state: WalkState,
    networks: NetworkAtlas,
    dictionary: Dictionary,
    encoded: EncodingResult,
    matched: Correspondence,
    recording: Recording,
) -> Organization:
    config = state.config.organization

    def compute() -> Organization:
        from .science.features import without_organization
        from .science.organization import organize

        null = network_null(networks, unmoved(networks), recording, state.config.match)
        found = organize(dictionary, encoded, matched, null, state.config.match, config, recording.tr)
        return without_organization(found) if dictionary.names else found

    return state.remember("organization", dataclasses.asdict(config), (state.entries["match"],), compute)


def _equal_size(
    state: WalkState, networks: NetworkAtlas, responses: NeuronResponses, recording: Recording
) -> EqualSize:
    whole = state.config

    def compute() -> EqualSize:
        from .science.blas_threads import threads_for
        from .science.equal_size import equal_size

        moves = moved(networks, recording, whole.match)[: whole.equal_size.n_spins]
        null = network_null(networks, moves, recording, whole.match)
        with threads_for(recording.n_locations):
            return equal_size(
                responses, recording.bold, recording.tr, null, whole, state.report("equal_size")
            )

    parts = (whole.dictionary, whole.encoding, whole.match, whole.equal_size)
    config: dict = {type(part).__name__: dataclasses.asdict(part) for part in parts}
    config["block_s"] = whole.organization.block_s
    inputs = (
        state.entries.get("responses", state.entries["dictionary"]),
        state.entries["recording"],
        atlas_digest(networks),
    )
    return state.remember("equal_size", config, inputs, compute)


def _recovery(
    state: WalkState,
    truth: PlantedTruth,
    dictionary: Dictionary,
    matched: Correspondence,
    recording: Recording,
) -> Recovery:
    def compute() -> Recovery:
        from .science.recovery import recover

        return recover(truth, dictionary, matched, recording.tr, recording.pass_band)

    return state.remember("recovery", {}, (state.entries["match"],), compute)
