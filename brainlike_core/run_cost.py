"""What runs will cost before they are started: time from earlier runs, memory and download from the models' cards."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .archive import Workspace
from .config import RunConfig
from .errors import DamagedEntryError

# Steps whose work grows with the number of neurons; the others are counted as they were.
_BY_NEURONS = ("extract", "responses", "dictionary")
_ONCE = ("recording", "atlas")  # shared by all runs of one recording
# Seconds of each step for MiniLM-L6 (2,304 neurons) on two cores, where a store holds no run yet:
# on the simulated recording (20,484 vertices) and on Pie Man (268 parcels).
_DOCUMENTED = {
    "simulated": {
        "recording": 4.5, "extract": 1.5, "responses": 0.1, "dictionary": 1.2, "encoding": 26.0, "match": 60.0,
        "organization": 6.0, "equal_size": 55.0, "recovery": 0.6,
    },
    "pieman": {
        "recording": 1.5, "extract": 1.0, "responses": 0.1, "dictionary": 1.0, "encoding": 14.0, "match": 20.0,
        "organization": 1.0, "equal_size": 15.0,
    },
}  # fmt: skip
_DOCUMENTED_NEURONS = 2304


@dataclass(frozen=True)
class RunCost:
    """What a set of runs will cost.

    Attributes
    ----------
    seconds : float
        One after the other; 0 where all are finished.
    n_new, n_finished : int
        Runs to compute, and runs that are finished already.
    n_earlier : int
        Finished runs whose step times were used; 0 = documented times.
    same_recording : bool
        Whether those runs, or the documented times, are of the same recording.
    memory_bytes : int
        The largest model and its responses, float32, for 300 volumes; 0 = not known.
    """

    seconds: float
    n_new: int
    n_finished: int
    n_earlier: int
    same_recording: bool
    memory_bytes: int


@dataclass(frozen=True)
class _Earlier:
    recording: str
    n_neurons: int
    seconds: dict[str, float]


def run_cost(
    configs: Sequence[RunConfig], models: Mapping[str, Mapping[str, Any]], workspace: Workspace
) -> RunCost:
    """Estimate what a set of runs will cost.

    Each run takes the step times of the finished run of the same recording whose
    number of neurons is nearest (of any recording, where there is none of the
    same; documented times, where the store is empty). Steps that read every
    neuron are scaled by their number; the recording is counted once.

    Parameters
    ----------
    configs : sequence of RunConfig
    models : mapping of str to mapping
        Cards by name: ``n_neurons, n_layers, memory_float32`` (see `inventory.model_facts`).
    workspace : Workspace
    """
    earlier, finished = _earlier_runs(models, workspace)
    new = [config for config in configs if config.id not in finished]
    used: set[int] = set()
    seconds, heard, same = 0.0, set(), True
    for config in new:
        times, index, fits = _times(config, models, earlier)
        used |= {index} - {-1}
        same &= fits
        name = config.recording.name
        seconds += sum(spent for step, spent in times.items() if step not in _ONCE or name not in heard)
        heard.add(name)
    memory = [int(models.get(one.extract.model, {}).get("memory_float32", 0)) for one in configs]
    return RunCost(seconds, len(new), len(configs) - len(new), len(used), same, max(memory, default=0))


def _earlier_runs(
    models: Mapping[str, Mapping[str, Any]], workspace: Workspace
) -> tuple[list[_Earlier], set[str]]:
    found, ids = [], set()
    for key in workspace.runs:
        with contextlib.suppress(KeyError, TypeError, AttributeError, DamagedEntryError):
            record = workspace.runs.get(key)
            extract, name = record.config["extract"], record.config["recording"]["name"]
            ids.add(record.id)
            n = _n_neurons(models.get(extract["model"], {}), extract["layers"], extract["neurons"])
            found.append(_Earlier(name, n, record.seconds))
    return found, ids


def _times(
    config: RunConfig, models: Mapping[str, Mapping[str, Any]], earlier: Sequence[_Earlier]
) -> tuple[dict[str, float], int, bool]:
    """Seconds of each step, the earlier run they come from (-1: none), and whether it is of the same recording."""
    extract, name = config.extract, config.recording.name
    n = _n_neurons(models.get(extract.model, {}), extract.layers, extract.neurons)
    alike = [i for i, one in enumerate(earlier) if one.recording == name] or list(range(len(earlier)))
    if alike:
        index = min(alike, key=lambda i: abs(earlier[i].n_neurons - n))
        base, of, fits = earlier[index].seconds, earlier[index].n_neurons, earlier[index].recording == name
    else:
        index, of, fits = -1, _DOCUMENTED_NEURONS, name in _DOCUMENTED
        base = _DOCUMENTED.get(name, _DOCUMENTED["simulated"])
    scale = n / max(of, 1) if n else 1.0
    scaled = {step: spent * (scale if step in _BY_NEURONS else 1.0) for step, spent in base.items()}
    return scaled, index, fits


def _n_neurons(card: Mapping[str, Any], layers: Sequence[int], neurons: str) -> int:
    """Neurons that a run reads: of some layers, or those inside a feed-forward part (about four times as many)."""
    n, n_layers = int(card.get("n_neurons", 0)), int(card.get("n_layers", 0))
    share = len(layers) / n_layers if layers and n_layers else 1.0
    return round(n * share * (4 if neurons == "ffn_mid" else 1))
