"""A finished walk, and where its parts came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from .brain import NetworkAtlas, Recording
from .correspondence import Correspondence, EncodingResult, EqualSize, Organization, Recovery
from .neurons import Dictionary
from .story import Story


@dataclass(frozen=True)
class Provenance:
    """Where a stored value came from.

    Attributes
    ----------
    step, step_version, config, inputs : the parts of its key
    code_version, packages, device, utc : what computed it, where and when
    seconds : float
        How long it took.
    """

    step: str
    step_version: int
    config: dict
    inputs: tuple[str, ...]
    code_version: str
    packages: dict
    device: str
    utc: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Run:
    """A finished walk: everything a page or a report shows.

    Attributes
    ----------
    id, config : the run's id and its settings (see ``config.RunConfig``)
    seconds : dict
        Seconds each step took when it was computed.
    """

    id: str
    config: object
    story: Story
    recording: Recording
    atlas: NetworkAtlas
    dictionary: Dictionary
    encoding: EncodingResult
    correspondence: Correspondence
    organization: Organization
    equal_size: EqualSize
    recovery: Recovery | None = None
    seconds: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What the store keeps of a finished run.

    Attributes
    ----------
    id, label : str
    config : dict
        ``dataclasses.asdict`` of the `RunConfig`.
    entries : dict
        Step name -> key of its result.
    seconds : dict
        Step name -> seconds it took when it was computed.
    utc : str
    """

    id: str
    label: str
    config: dict
    entries: dict
    seconds: dict
    utc: str
