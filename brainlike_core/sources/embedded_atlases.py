"""Networks and regions on fsaverage5 that are embedded in the package.

``embedded/atlases.npz`` holds the labels, ``embedded/atlases.json`` the names,
citations and licences; docs/embedded-labels.md says how they were made.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import AtlasError
from ..values import NetworkAtlas

_FOLDER = Path(__file__).parent.parent / "embedded"
_REGIONS = "schaefer400"
_N_VERTICES = 20_484


@dataclass(frozen=True)
class AtlasEntry:
    """One line of the atlas catalogue: name, title, n_networks, citation, licence."""

    name: str
    title: str
    n_networks: int
    citation: str
    licence: str


def list_atlases() -> list[AtlasEntry]:
    """Network atlases that are embedded, the paper's most likely one first."""
    return [
        AtlasEntry(name, note["title"], len(note["networks"]), note["citation"], note["licence"])
        for name, note in _notes().items()
        if name != _REGIONS
    ]


def load_regions() -> NetworkAtlas:
    """Load the 400 Schaefer parcels, to name a place: ``LH Default PFC 3``.

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,) on fsaverage5, 0 = medial wall; parcels 1-200
        lie in the left hemisphere, 201-400 in the right.
    """
    return load_embedded(_REGIONS)


def cortex() -> np.ndarray:
    """Vertices of fsaverage5 that are no medial wall: bool (20484,), where Yeo 7 has a network."""
    return load_embedded("yeo7").labels > 0


@lru_cache(maxsize=8)
def load_embedded(name: str) -> NetworkAtlas:
    """Load one of `list_atlases`, or the regions.

    Raises
    ------
    AtlasError
        The labels are missing or damaged.
    """
    note = _notes()[name]
    return NetworkAtlas(
        name=name,
        title=note["title"],
        labels=_labels(name),
        networks=tuple(note["networks"]),
        citation=note["citation"],
        licence=note["licence"],
    )


@lru_cache(maxsize=1)
def _notes() -> dict:
    path = _FOLDER / "atlases.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _labels(name: str) -> np.ndarray:
    path = _FOLDER / "atlases.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            labels = arrays[name].astype(np.int16)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path, str(error)) from error
    if labels.shape != (_N_VERTICES,):
        raise _damaged(path, f"{labels.shape} labels for '{name}'")
    return labels


def _damaged(path: Path, found: str) -> AtlasError:
    return AtlasError(
        f"The embedded file {path.name} is missing or damaged",
        found=found,
        needed=f"labels of {_N_VERTICES} vertices and their names",
        do="install the package again",
    )
