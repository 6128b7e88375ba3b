"""What a step is asked, and where its answer came from."""

from __future__ import annotations

import datetime
import hashlib
import platform
from dataclasses import dataclass
from importlib import metadata

from .. import __version__
from ..config import canonical_json
from ..values import Provenance

_PACKAGES = ("numpy", "scipy", "torch", "transformers", "numba", "nilearn")


@dataclass(frozen=True)
class Question:
    """What a step is asked: its key is the address of the answer.

    Attributes
    ----------
    step : str
    version : int
        Raised when the step's code changes its results.
    config : dict
    inputs : tuple of str
        Digests of everything else the step reads.
    """

    step: str
    version: int
    config: dict
    inputs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """SHA-256 of step, version, canonical config and inputs: 64 hex characters."""
        body = canonical_json([self.step, self.version, self.config, list(self.inputs)])
        return hashlib.sha256(body.encode()).hexdigest()


def provenance_now(question: Question, seconds: float, device: str) -> Provenance:
    """That a question was answered just now, by this code and these packages.

    Parameters
    ----------
    question : Question
    seconds : float
        What the answer took.
    device : str
        Where it was computed, such as ``cpu``.
    """
    return Provenance(
        step=question.step,
        step_version=question.version,
        config=question.config,
        inputs=question.inputs,
        code_version=__version__,
        packages={"python": platform.python_version(), **{p: _version(p) for p in _PACKAGES}},
        device=device,
        utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
