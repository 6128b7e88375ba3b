"""Labels of another space onto fsaverage5: never averaged, so that a label stays one of those given.

* fsaverage6 and fsaverage: the first 10,242 vertices of each hemisphere are fsaverage5.
* fsLR 32k: the label of the nearest vertex on the common sphere (`fslr`).
* MNI volume: the most frequent label at ten depths between pial surface and white
  matter, as nilearn's ``vol_to_surf(kind="depth", interpolation="nearest_most_frequent")``;
  a vertex of cortex without one takes that of the nearest labelled voxel of its side
  within 3 mm of mid-cortex, else stays 0.
"""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from .embedded_atlases import cortex
from .fslr import nearest_fslr
from .surfaces import N_LEFT, cortical_depths

N_DEPTHS = 10
REACH_MM = 3.0


def project_mesh(labels: np.ndarray) -> np.ndarray:
    """Both hemispheres of an fsaverage mesh (2 * n_vertices,) -> fsaverage5 (20484,).

    Examples
    --------
    >>> project_mesh(np.arange(2 * 40_962))[[0, 10_241, 10_242, 20_483]]
    array([    0, 10241, 40962, 51203])
    """
    return labels.reshape(2, -1)[:, :N_LEFT].reshape(-1)


def project_fslr(labels: np.ndarray, folder: str | Path | None = None) -> np.ndarray:
    """Both hemispheres of fsLR 32k (64984,) -> fsaverage5 (20484,).

    Raises
    ------
    AtlasError
        The spheres are not here: see `fslr.sphere_pairs`.
    """
    return labels[nearest_fslr(folder)]


def project_volume(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Label volume in MNI space, whole numbers (n_x, n_y, n_z), affine (4, 4) to mm -> int64 (20484,)."""
    labels = _most_frequent(_values_at(values, affine, cortical_depths(N_DEPTHS)))
    inside = cortex()
    labels[~inside] = 0
    return _reach(labels, inside & (labels == 0), values, affine)


def _values_at(values: np.ndarray, affine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Value of the voxel at each place (..., 3) in mm; 0 outside the volume."""
    voxels = np.round(nibabel.affines.apply_affine(np.linalg.inv(affine), places)).astype(np.int64)
    inside = ((voxels >= 0) & (voxels < values.shape)).all(axis=-1)
    voxels = np.where(inside[..., None], voxels, 0)
    return np.where(inside, values[voxels[..., 0], voxels[..., 1], voxels[..., 2]], 0).astype(np.int64)


def _most_frequent(samples: np.ndarray) -> np.ndarray:
    """Most frequent value along axis 0, the smallest of equally frequent ones.

    Examples
    --------
    >>> _most_frequent(np.array([[3, 5], [3, 2], [1, 9]]))
    array([3, 2])
    """
    ranked = np.sort(samples, axis=0)  # (n_samples, n_vertices)
    counts = np.stack([(ranked == row).sum(axis=0) for row in ranked])
    return np.take_along_axis(ranked, counts.argmax(axis=0)[None], axis=0)[0]


def _reach(labels: np.ndarray, holes: np.ndarray, values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Give holes the label of the nearest labelled voxel of their side within 3 mm of mid-cortex."""
    at = np.flatnonzero(holes)
    middle = cortical_depths(3)[1][at]  # (n_holes, 3) mm
    centre = np.round(nibabel.affines.apply_affine(np.linalg.inv(affine), middle)).astype(np.int64)
    best = np.full(len(at), REACH_MM)
    labels = labels.copy()
    for step in _steps(affine):
        place = nibabel.affines.apply_affine(affine, centre + step)
        number = _values_at(values, affine, place)
        distance = np.linalg.norm(place - middle, axis=1)
        same_side = np.where(at < N_LEFT, place[:, 0] <= 0, place[:, 0] >= 0)
        nearer = (number > 0) & same_side & (distance < best)
        best[nearer] = distance[nearer]
        labels[at[nearer]] = number[nearer]
    return labels


def _steps(affine: np.ndarray) -> np.ndarray:
    """Voxel steps (n_steps, 3) that can end within reach of a point in the voxel they start from."""
    size = nibabel.affines.voxel_sizes(affine)
    reach = np.ceil(REACH_MM / size).astype(int) + 1
    steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    length = np.linalg.norm(steps @ affine[:3, :3].T, axis=1)
    return steps[length <= REACH_MM + np.linalg.norm(size)]
