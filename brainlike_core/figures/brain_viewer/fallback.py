"""The brain for a browser without WebGL2: one map as a plotly figure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from .view import BrainView


def plotly_fallback(view: BrainView, map_index: int, *, threshold: float = 0.0) -> go.Figure:
    """Draw one map without WebGL2 shaders of our own, as a plotly figure.

    Parameters
    ----------
    view : BrainView
    map_index : int
    threshold : float
        Magnitudes below it are drawn as 0.

    Returns
    -------
    plotly.graph_objects.Figure
        The two inflated hemispheres side by side.
    """
    padded = np.append(np.nan_to_num(np.asarray(view.maps[map_index], dtype=float)), 0.0)
    values = np.where(view.wall, 0.0, padded[view.vertex_location])  # (n_vertices,)
    values[np.abs(values) < threshold] = 0.0
    points = view.surface.inflated.astype(float).copy()
    left = slice(0, view.surface.n_left), slice(view.surface.n_left, None)
    for part, shift in zip(left, (-50.0, 50.0), strict=True):
        points[part, 0] += shift - (points[part, 0].max() + points[part, 0].min()) / 2
    mesh = go.Mesh3d(
        **dict(zip("xyz", points.T, strict=True)),
        **dict(zip("ijk", view.surface.faces.T, strict=True)),
        intensity=values, colorscale="RdBu_r", cmin=-view.default_limit, cmax=view.default_limit,
        colorbar={"title": view.unit}, hovertemplate="%{intensity:.2f}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(mesh)
    figure.update_layout(
        title=view.map_names[map_index],
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        scene={f"{axis}axis": {"visible": False} for axis in "xyz"} | {"aspectmode": "data"},
    )
    return figure
