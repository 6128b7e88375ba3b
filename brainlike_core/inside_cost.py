"""What looking inside a model will cost before it is begun: from rates that were measured, and what is to be read.

A pass reads every parameter for every token, so a reading costs a rate times the
model's parameters times the characters. Rates are core-seconds, measured with
MiniLM-L6 and SmolLM2-135M in float32, one thread per question (AMD EPYC, 2 cores):
a story 6.5 and 8.1, texts 6.8, short sentences 3.4, all e-12 per parameter and
character; a decomposition of 2,304 neurons over 48,209 characters 1.5 s (mean of
10 and 64 networks), with recurrence, stability and halves 8.4 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import BridgeConfig, LesionConfig, NetworksConfig, PreservationConfig
from .errors import BrainlikeError
from .sources import task_items, text_sets
from .sources.cores import n_at_once, n_cores
from .sources.model_catalogue import model_card
from .values import Run

READING, SENTENCES = 7.5e-12, 3.5e-12  # core-seconds per parameter and character
DECOMPOSITION, NETWORKS = 1.4e-8, 7.6e-8  # core-seconds per neuron and character
CHARACTERS_PER_TOKEN = 4
MASKED_PER_TEXT = 64  # passes over each text of a model that tells masked tokens
PASS_BYTES = 1 << 27  # logits and activations of one pass
PROCESS_BYTES = 500_000_000  # of Python with torch: what peaks of whole jobs had beyond the rest
N_SHARES = 3  # cuts of 15 % of all neurons beside the matched ones


@dataclass(frozen=True)
class InsideCost:
    """What a job inside a model will cost on a processor.

    Attributes
    ----------
    seconds : float
        On this machine's cores, where nothing else runs.
    memory_bytes : int
        The process with the model in float32, and what is held beside it.
    n_at_once : int
        Questions that are asked at once.
    """

    seconds: float
    memory_bytes: int
    n_at_once: int


def networks_cost(
    config: NetworksConfig, data: str | Path | None = None, cores: int = 0
) -> InsideCost | None:
    """Of finding networks; None where the model's size, or a text, is not known here.

    Parameters
    ----------
    config : NetworksConfig
    data : path, optional
        Where downloaded texts lie.
    cores : int
        0 = those of this machine.
    """
    model, n = _Model.of(config), _text_characters(config, data)
    if model is None or n is None:
        return None
    share = (2 + config.n_stability_seeds) / 5  # with three further seeds as measured
    seconds = n * (READING * model.n_parameters + NETWORKS * share * model.n_neurons)
    return InsideCost(seconds, model.n_bytes + _responses(n, model, copies=2), 1)


def cut_cost(config: LesionConfig, head: str, cores: int = 0) -> InsideCost | None:
    """Of a cut of networks that are known: each scoring, whole, cut, and with random cuts."""
    model = _Model.of(config.networks)
    if model is None:
        return None
    n_scorings = 2 + config.n_random + N_SHARES
    one = _scoring(model, head, config.n_texts, config.tasks)
    return _side_by_side(one, n_scorings, model.n_bytes, PASS_BYTES, cores)


def curve_cost(
    config: PreservationConfig, head: str, data: str | Path | None = None, cores: int = 0
) -> InsideCost | None:
    """Of a preservation curve: texts are read once; for each C a decomposition and scorings."""
    model, n = _Model.of(config.networks), _text_characters(config.networks, data)
    if model is None or n is None:
        return None
    one = _scoring(model, head, config.n_texts, config.tasks)
    each = _side_by_side(one, 1 + config.n_random, model.n_bytes, PASS_BYTES, cores)
    alone = n * (READING * model.n_parameters + len(config.counts) * DECOMPOSITION * model.n_neurons) + one
    memory = each.memory_bytes + _responses(n, model, copies=2)
    return InsideCost(alone + len(config.counts) * each.seconds, memory, each.n_at_once)


def bridge_cost(
    config: BridgeConfig, run: Run, n_networks: int, head: str, cores: int = 0
) -> InsideCost | None:
    """Of a bridge of which no cut is known: the story and the texts are read for each.

    Parameters
    ----------
    config : BridgeConfig
    run : Run
    n_networks : int
        Brain networks with sub-groups by the config's rule.
    head : str
        Of the model.
    cores : int
        0 = those of this machine.
    """
    model = _Model.of(run)
    if model is None:
        return None
    n_cuts = 1 + n_networks + min(2, n_networks) * config.n_random
    one = READING * model.n_parameters * len(run.story.text) + _scoring(model, head, config.n_texts, ())
    held = (
        8 * len(run.story.words) * run.dictionary.n_neurons + PASS_BYTES
    )  # float32, and a copy on the clock
    return _side_by_side(one, n_cuts, model.n_bytes, held, cores)


def _side_by_side(one: float, n: int, n_bytes: int, each_bytes: int, cores: int) -> InsideCost:
    at_once = n_at_once(n, cores or n_cores())
    return InsideCost(one * -(-n // at_once), n_bytes + at_once * each_bytes, at_once)


@dataclass(frozen=True)
class _Model:
    n_parameters: int
    n_neurons: int
    n_bytes: int

    @classmethod
    def of(cls, asked: NetworksConfig | Run) -> _Model | None:
        """From the catalogue's card; None where it does not tell the size."""
        extract = asked.config.extract if isinstance(asked, Run) else asked.extract  # type: ignore[attr-defined]
        try:
            card = model_card(extract.model)
        except BrainlikeError:
            return None
        if not (card.n_parameters and card.n_neurons):
            return None
        return cls(card.n_parameters, card.n_neurons, card.memory_bytes(4) + PROCESS_BYTES)


def _scoring(model: _Model, head: str, n_texts: int, tasks: Sequence[str]) -> float:
    """Core-seconds of one scoring."""
    if head == "none":
        pairs = task_items.paraphrase_pairs().pairs
        texts = {text for pair in pairs for text in (pair.first, pair.second)}
        return SENTENCES * model.n_parameters * sum(map(len, texts))
    n = sum(map(len, text_sets.text_set("held-out", n_texts=n_texts).texts))
    n *= MASKED_PER_TEXT if head == "masked" else 1
    for task in tasks:
        items = task_items.choice_task(task).items
        n += sum(len(item.prompt) + len(option) for item in items for option in item.options)
    return READING * model.n_parameters * n


def _text_characters(config: NetworksConfig, data: str | Path | None) -> int | None:
    """Of all texts that networks are found on; None where a set is not here."""
    try:
        sets = [text_sets.text_set(name, data, config.n_texts) for name in config.text_sets]
    except BrainlikeError:
        return None
    return sum(len(text) for one in sets for text in one.texts)


def _responses(n_characters: int, model: _Model, copies: int) -> int:
    """Bytes of tokens x neurons, float32."""
    return copies * 4 * (n_characters // CHARACTERS_PER_TOKEN) * model.n_neurons
