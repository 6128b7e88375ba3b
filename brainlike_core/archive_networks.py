"""Finished networks inside models, lesions, preservation curves and bridges: their records and their results. Only reading."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .archive import Workspace, record_question
from .config import (
    BridgeConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
    read_config,
)
from .errors import ConfigError, DamagedEntryError, UnknownNameError
from .values import BridgeResult, LesionResult, ModelNetworks, PreservationCurve

Config = TypeVar("Config", NetworksConfig, LesionConfig, PreservationConfig, BridgeConfig)


@dataclass(frozen=True)
class Finished(Generic[Config]):
    """One finished answer in a list.

    Attributes
    ----------
    id, label : str
    config : NetworksConfig, LesionConfig, PreservationConfig or BridgeConfig
    utc : str
        When it was finished.
    seconds : float
        That it took when it was computed.
    """

    id: str
    label: str
    config: Config
    utc: str
    seconds: float


def finished_networks(workspace: Workspace) -> list[Finished[NetworksConfig]]:
    """Functional networks that were found, newest first."""
    return _finished("networks", NetworksConfig, workspace)


def finished_lesions(workspace: Workspace) -> list[Finished[LesionConfig]]:
    """Lesions that were made, newest first."""
    return _finished("lesion", LesionConfig, workspace)


def lesions_of(networks_id: str, workspace: Workspace) -> list[Finished[LesionConfig]]:
    """Lesions of these networks, newest first."""
    return [one for one in finished_lesions(workspace) if one.config.networks.id == networks_id]


def curves_of(networks_id: str, workspace: Workspace) -> list[Finished[PreservationConfig]]:
    """Preservation curves with the settings of these networks, newest first."""
    found = _finished("preservation", PreservationConfig, workspace)
    return [one for one in found if one.config.networks.id == networks_id]


def finished_bridges(workspace: Workspace) -> list[Finished[BridgeConfig]]:
    """Bridges that were made, newest first."""
    return _finished("bridge", BridgeConfig, workspace)


def _finished(step: str, kind: type[Any], workspace: Workspace) -> list[Finished]:
    """A damaged record, or one of another version, is left out."""
    found = []
    for key in workspace.runs:
        with contextlib.suppress(KeyError, TypeError, DamagedEntryError, ConfigError):
            record = workspace.runs.get(key)
            if step not in record.entries:
                continue
            config = read_config(kind, record.config)
            if config.id == record.id:
                seconds = record.seconds.get(step, 0.0)
                found.append(Finished(record.id, config.label, config, record.utc, seconds))
    return sorted(found, key=lambda one: (one.utc, one.label, one.id), reverse=True)


def load_networks(networks_id: str, workspace: Workspace) -> ModelNetworks:
    """Functional networks that were found, each byte checked.

    Raises
    ------
    UnknownNameError
        They were never found here, or their result was pruned.
    DamagedEntryError
        Their result is damaged; finding them again mends it.
    """
    return _load("networks", networks_id, workspace)


def load_lesion(lesion_id: str, workspace: Workspace) -> LesionResult:
    """A finished lesion; errors as `load_networks`."""
    return _load("lesion", lesion_id, workspace)


def load_curve(curve_id: str, workspace: Workspace) -> PreservationCurve:
    """A finished preservation curve; errors as `load_networks`."""
    return _load("preservation", curve_id, workspace)


def load_bridge(bridge_id: str, workspace: Workspace) -> BridgeResult:
    """A finished bridge; errors as `load_networks`."""
    return _load("bridge", bridge_id, workspace)


def _load(step: str, asked: str, workspace: Workspace) -> Any:
    try:
        record = workspace.runs.get(record_question(asked).key)
        return workspace.results.get(record.entries[step])
    except KeyError:
        raise UnknownNameError(
            f"No {step} with this id is in the cache", found=asked[:12], needed="a finished one",
            do="compute it again: it takes as long as the first time",
        ) from None  # fmt: skip
