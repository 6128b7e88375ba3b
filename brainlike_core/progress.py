"""How steps say how far they are, and hear that they are to stop."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]  # (step, fraction); may raise CancelledError


def silent(step: str, fraction: float) -> None:
    """No one watches."""


def poll(progress: Progress, step: str) -> Callable[[], bool]:
    """What the store asks while it waits for another process that computes the same step."""

    def cancelled() -> bool:
        progress(step, 0.0)  # raises CancelledError where the person asked to stop
        return False

    return cancelled
