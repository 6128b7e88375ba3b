"""One walk under way: what each step is asked, in which version, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .archive import Workspace
from .config import RunConfig
from .progress import Progress, poll
from .store import Question
from .values import Dictionary

# Raise a number when the step's code changes its results.
VERSIONS = {
    "recording": 2,
    "extract": 1,
    "responses": 1,
    "dictionary": 2,
    "encoding": 3,
    "atlas": 1,
    "match": 2,
    "organization": 1,
    "equal_size": 1,
    "recovery": 3,
}


@dataclass
class WalkState:
    """What the steps of one walk share: its question, where results go, who watches, and which keys were used.

    Attributes
    ----------
    config : RunConfig
    workspace : Workspace
    data : path or None
        Where the recording is, when it is not embedded.
    progress : callable(step, fraction)
    device : str
        Where models run and dictionaries are learned.
    entries : dict
        Step -> key of its result.
    seconds : dict
        Step -> seconds that it took when it was computed.
    """

    config: RunConfig
    workspace: Workspace
    data: str | Path | None
    progress: Progress
    device: str = "auto"
    entries: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

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
        """What a computation calls with its fraction."""
        return lambda fraction: self.progress(step, fraction)


def _device_of(value: Any) -> str:
    """Where a value was computed: only language models and dictionaries leave the processor."""
    if isinstance(value, Dictionary):
        return value.device
    return getattr(value, "reading", {}).get("device", "cpu")
