"""Where the vertices are drawn: hemispheres centred, alike in size, the flat map upright."""

from __future__ import annotations

import numpy as np

from ...values import Surface

# Longer triangles of the flat geometry bridge a cut (median edge: 3 mm).
_MAX_FLAT_EDGE_MM = 15.0
# Sizes of fsaverage5 as it is drawn, to which other meshes are magnified: mm.
_INFLATED_LENGTH_MM = 215.976
_FLAT_SIZE_MM = (323.456, 278.171)


def scaled_geometries(surface: Surface) -> dict[str, np.ndarray]:
    """Each geometry with its hemispheres centred and as long as the inflated one."""
    shapes = {"inflated": surface.inflated, "pial": surface.pial}
    centred = {name: _centre(points, surface.n_left) for name, points in shapes.items()}
    length = np.ptp(centred["inflated"][: surface.n_left, 1]) or 1.0
    centred["pial"] *= length / (np.ptp(centred["pial"][: surface.n_left, 1]) or 1.0)
    centred["flat"] = upright_flat(surface, centred["inflated"])
    return centred


def magnification(geometries: dict[str, np.ndarray], n_left: int) -> tuple[float, float]:
    """How much larger a mesh is drawn than it is, folded and flat: as large as fsaverage5."""
    length = float(np.ptp(geometries["inflated"][:n_left, 1])) or 1.0
    halves = geometries["flat"][:n_left, 1:], geometries["flat"][n_left:, 1:]
    wide, high = np.max([np.ptp(half, axis=0) for half in halves], axis=0)
    return _INFLATED_LENGTH_MM / length, min(
        _FLAT_SIZE_MM[0] / (wide or 1.0), _FLAT_SIZE_MM[1] / (high or 1.0)
    )


def _centre(points: np.ndarray, n_left: int) -> np.ndarray:
    moved = points.astype(np.float64)
    for part in (slice(0, n_left), slice(n_left, None)):
        moved[part] -= (moved[part].max(axis=0) + moved[part].min(axis=0)) / 2
    return moved


def upright_flat(surface: Surface, inflated: np.ndarray) -> np.ndarray:
    """Stand the flat geometry in the lateral plane, turned to lie as the inflated one does."""
    upright = np.zeros((surface.n_vertices, 3))
    on_patch = _on_flat_patch(surface)
    for part, right in ((slice(0, surface.n_left), -1.0), (slice(surface.n_left, None), 1.0)):
        used = on_patch[part]
        uv = surface.flat[part, :2].astype(np.float64)
        uv -= (uv[used].max(axis=0) + uv[used].min(axis=0)) / 2
        seen = inflated[part][:, 1:] * (right, 1.0)  # what the lateral view shows
        cross = (uv[used, 0] * seen[used, 1] - uv[used, 1] * seen[used, 0]).sum()
        angle = np.arctan2(cross, (uv[used] * seen[used]).sum())
        cos, sin = np.cos(angle), np.sin(angle)
        uv = np.where(used[:, None], uv @ np.array([[cos, sin], [-sin, cos]]), 0.0)
        upright[part, 1], upright[part, 2] = uv[:, 0] * right, uv[:, 1]
    return upright


def _on_flat_patch(surface: Surface) -> np.ndarray:
    """Vertices that were flattened, bool (n_vertices,): the others kept a height."""
    return np.abs(surface.flat[:, 2] - np.median(surface.flat[:, 2])) < 1e-3


def flat_faces(surface: Surface) -> np.ndarray:
    """Triangles to draw when flat, bool (n_faces,): none off the patch, none across a cut."""
    corners = surface.flat[surface.faces]  # (n_faces, 3, 3)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    return _on_flat_patch(surface)[surface.faces].all(axis=1) & (longest < _MAX_FLAT_EDGE_MM)
