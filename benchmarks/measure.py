"""One comparison: check that both sides agree, then time them in turns in one run."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.metadata
import importlib.util
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

N_THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
N_REPEATS = 5


class DisagreementError(Exception):
    """Ours and the peer do not give the same answer: there is nothing to time."""


@dataclass(frozen=True)
class Comparison:
    """What is compared with whom.

    Attributes
    ----------
    name, peer, size : str
        What is computed, by which function of whom, and on how much.
    module, package : str
        What must be importable, and the distribution whose version is stated.
    prepare : callable() -> case
        Makes the input; not timed.
    ours, theirs : callable(case) -> answer
    check : callable(case, ours, theirs) -> str
        What was compared and how well it agrees, or `DisagreementError`.
    n_repeats : int
    memory : bool
        Also measure the peak memory of each side, each in a fresh process.
    row : str
        Name of the row in ``results.json``; empty = ``name`` with hyphens.
    goal : str
        ``>= 30``: theirs over ours is to be at least 30. ``<= 1.15``: ours over
        theirs at most 1.15. ``<= 0.06 s``: ours is to take at most 60 ms. Empty = none.
    compared : str
        ``time``; ``memory``: the ratio is that of peak memory (MB); ``told``:
        each side answers the seconds that it took by another clock, as a
        browser's.
    beyond : callable(case), optional
        Only with ``memory``: what both sides do anyway; its peak is taken off both.
    seed : int
        Seed of the input and of both sides.
    """

    name: str
    peer: str
    size: str
    module: str
    package: str
    prepare: Callable[[], Any]
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    check: Callable[[Any, Any, Any], str]
    n_repeats: int = N_REPEATS
    memory: bool = False
    row: str = ""
    goal: str = ""
    compared: str = "time"
    beyond: Callable[[Any], Any] | None = None
    seed: int = 0


def within(what: str, found: float, limit: float) -> str:
    """A sentence on an agreement; refuses one above its limit.

    Raises
    ------
    DisagreementError

    Examples
    --------
    >>> within("largest difference of r", 2e-6, 1e-4)
    'largest difference of r 2e-06 (limit 0.0001)'
    """
    if not found <= limit:
        raise DisagreementError(f"{what}: found {found:.3g}, needed at most {limit:.3g}")
    return f"{what} {found:.2g} (limit {limit:g})"


def here(comparison: Comparison) -> bool:
    """True where the peer is installed."""
    return importlib.util.find_spec(comparison.module) is not None


def compare(comparison: Comparison) -> dict[str, Any]:
    """Check and measure one comparison.

    Returns
    -------
    dict
        One row of ``results.json``: ``row, peer, size``; ``ours, theirs``
        (medians) in ``unit``; ``ratio`` (median over the repeats, see
        `Comparison.goal`) with ``ratio_low, ratio_high``; ``goal, reached``;
        ``agree`` and how (``agreement``); ``runs, seed``, versions, processor,
        and its ``load`` (mean number of running processes over the last minute).

    Raises
    ------
    DisagreementError
    """
    case = comparison.prepare()
    agreement = comparison.check(case, comparison.ours(case), comparison.theirs(case))  # also the warm-up
    measure = {"time": _in_turns, "memory": _memory_in_turns, "told": _told_in_turns}[comparison.compared]
    ours, theirs = measure(comparison, case)
    ratios = [_ratio(comparison.goal, a, b) for a, b in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    return {
        "row": comparison.row or comparison.name.replace(" ", "-"),
        "name": comparison.name,
        "peer": comparison.peer,
        "size": comparison.size,
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs),
        "unit": _unit(comparison),
        "ratio": ratio,
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "goal": comparison.goal,
        "reached": reached(
            statistics.median(ours) if comparison.goal.endswith(" s") else ratio, comparison.goal
        ),
        "agree": True,
        "agreement": agreement,
        "runs": len(ratios),
        "seed": comparison.seed,
        "n_threads": N_THREADS,
        **(_memory(comparison) if comparison.memory else {}),
        **_machine(comparison.package),
    }


def reached(ratio: float, goal: str) -> bool | None:
    """Whether a ratio, or our seconds, meets its goal; None without one.

    Examples
    --------
    >>> reached(36.0, ">= 30"), reached(1.2, "<= 1.15"), reached(0.05, "<= 0.06 s"), reached(2.0, "")
    (True, False, True, None)
    """
    if not goal:
        return None
    sign, limit = goal.split()[:2]
    return ratio >= float(limit) if sign == ">=" else ratio <= float(limit)


def _ratio(goal: str, ours: float, theirs: float) -> float:
    """Theirs over ours (times as fast, or as small); the other way round for a goal of at most."""
    return ours / theirs if goal.startswith("<=") and not goal.endswith(" s") else theirs / ours


def _unit(comparison: Comparison) -> str:
    if comparison.compared == "memory":
        return "MB"
    if comparison.compared == "told":
        return "seconds"
    return "CPU seconds" if N_THREADS == 1 else "seconds"


def _told_in_turns(comparison: Comparison, case: Any) -> tuple[list[float], list[float]]:
    """Seconds that each side tells, in turns."""
    told = [(comparison.ours(case), comparison.theirs(case)) for _ in range(comparison.n_repeats)]
    return [ours for ours, _ in told], [theirs for _, theirs in told]


def _in_turns(comparison: Comparison, case: Any) -> tuple[list[float], list[float]]:
    """Seconds of each repeat; who goes first changes each time."""
    times: dict[Callable, list[float]] = {comparison.ours: [], comparison.theirs: []}
    order = [comparison.ours, comparison.theirs]
    for _ in range(comparison.n_repeats):
        for side in order:
            times[side].append(_seconds(side, case))
        order.reverse()
    return times[comparison.ours], times[comparison.theirs]


def _seconds(side: Callable[[Any], Any], case: Any) -> float:
    # On one thread, CPU time does not see what else the machine is doing.
    clock = time.process_time if N_THREADS == 1 else time.perf_counter
    start = clock()
    side(case)
    return clock() - start


# -- memory ------------------------------------------------------------------------


def _memory(comparison: Comparison) -> dict[str, float]:
    """Peak memory of each side beyond its input, in MB; empty where it cannot be measured."""
    if not Path("/proc/self/clear_refs").exists():
        return {}
    ours, theirs = _memory_in_turns(comparison, None, n_repeats=1)
    return {"ours_mb": ours[0], "theirs_mb": theirs[0]}


def _memory_in_turns(
    comparison: Comparison, case: Any, n_repeats: int = 0
) -> tuple[list[float], list[float]]:
    """Peak MB of each side beyond its input, each time in a fresh process that makes the input itself."""
    times = n_repeats or comparison.n_repeats
    sides = [comparison.ours, comparison.theirs, *([comparison.beyond] if comparison.beyond else [])]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = [[pool.apply(_peak_mb, (comparison.prepare, side)) for side in sides] for _ in range(times)]
    anyway = [peaks[2] if comparison.beyond else 0.0 for peaks in found]
    ours = [peaks[0] - less for peaks, less in zip(found, anyway, strict=True)]
    return ours, [peaks[1] - less for peaks, less in zip(found, anyway, strict=True)]


def _peak_mb(prepare: Callable[[], Any], side: Callable[[Any], Any]) -> float:
    """Growth of this process's resident memory while one side runs (Linux)."""
    case = prepare()
    _give_back()
    before = _status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    side(case)
    return _status_mb("VmHWM") - before


def _give_back() -> None:
    """Return freed memory to the system, or a side could use it again unseen (glibc only)."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


# -- where it ran ------------------------------------------------------------------


def _machine(package: str) -> dict[str, Any]:
    names = dict.fromkeys((package, "numpy", "scipy", "numba", "torch", "transformers"))
    return {
        "processor": _processor(),
        "n_cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def _processor() -> str:
    """Name of the processor's model."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
