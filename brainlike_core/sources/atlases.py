"""Functional brain networks by name: embedded, of the Network Correspondence Toolbox, or of a package.

`embedded_atlases` holds those that are always here, `network_atlases` reads the
toolbox's from a folder, `published_atlases` two more; `own_atlases` reads one of
your own from a file.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UnknownNameError
from ..values import NetworkAtlas
from .embedded_atlases import AtlasEntry, list_atlases, load_embedded, load_regions
from .network_atlases import load_toolbox_atlas, toolbox_atlases
from .published_atlases import load_published_atlas, published_atlases

__all__ = ["AtlasEntry", "list_atlases", "load_atlas", "load_regions"]


def load_atlas(name: str, folder: str | Path | None = None, space: str = "fsaverage5") -> NetworkAtlas:
    """Load a network atlas.

    Parameters
    ----------
    name : str
        An embedded one (`list_atlases`: ``eg17``, ``yeo7``, ``yeo17``, ``du15``),
        one of the toolbox (`network_atlases.toolbox_atlases`: ``mg360j12``, ...),
        ``ca12`` or ``smith10`` (`published_atlases`).
    folder : path, optional
        The data folder; the embedded ones need none.
    space : str
        That of the recording; of the three spaces of a toolbox atlas the nearest
        one that is here is read: see `network_atlases.nearest_spaces`.

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,) on fsaverage5, left first; 0 = no network.

    Raises
    ------
    UnknownNameError
        Not in the catalogue.
    AtlasError
        The labels are missing or damaged.
    """
    embedded = [entry.name for entry in list_atlases()]
    toolbox = [atlas.name for atlas in toolbox_atlases()]
    if name in embedded:
        return load_embedded(name)
    if name in toolbox:
        return load_toolbox_atlas(name, folder, space)
    published = [atlas.name for atlas in published_atlases()]
    if name in published:
        return load_published_atlas(name, folder)
    raise UnknownNameError.nearest("atlas", name, {*embedded, *toolbox, *published})
