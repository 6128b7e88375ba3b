"""How many cores there are, and how many questions one model is asked at once on them."""

from __future__ import annotations

import os

MOST_AT_ONCE = 8  # each holds what one reading needs


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_at_once(n_tasks: int, cores: int) -> int:
    """As many as there are cores, at most `MOST_AT_ONCE`.

    Examples
    --------
    >>> n_at_once(50, 2), n_at_once(50, 64), n_at_once(1, 4)
    (2, 8, 1)
    """
    return max(1, min(cores, n_tasks, MOST_AT_ONCE))
