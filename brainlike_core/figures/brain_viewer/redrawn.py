"""A view on another mesh: the same values, drawn finer."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...errors import AtlasError
from ...values import NetworkAtlas, Surface
from .view import BrainView


def redrawn(view: BrainView, surface: Surface, nearest: np.ndarray) -> BrainView:
    """Draw a view on another surface; its maps, names and packed maps stay what they are.

    Parameters
    ----------
    view : BrainView
    surface : Surface
    nearest : int (surface.n_vertices,)
        The vertex of the view's surface that each vertex of the other one shows.

    Raises
    ------
    AtlasError
        ``nearest`` does not lead from the one surface to the other.
    """
    fits = (
        nearest.shape == (surface.n_vertices,)
        and nearest.min() >= 0
        and nearest.max() < view.surface.n_vertices
    )
    if not fits:
        raise AtlasError(
            "A view cannot be drawn on this surface", found=f"{nearest.shape} vertices, up to {nearest.max()}",
            needed=f"({surface.n_vertices},), below {view.surface.n_vertices}", do="take the mesh's own nearest vertices",
        )  # fmt: skip
    return dataclasses.replace(
        view,
        surface=surface,
        networks=_relabelled(view.networks, nearest),
        regions=None if view.regions is None else _relabelled(view.regions, nearest),
        vertex_location=view.vertex_location[nearest],
    )


def _relabelled(atlas: NetworkAtlas, nearest: np.ndarray) -> NetworkAtlas:
    weights = atlas.weights[:, nearest] if atlas.has_weights else atlas.weights
    return dataclasses.replace(atlas, labels=atlas.labels[nearest], weights=weights)
