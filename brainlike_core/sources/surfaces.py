"""The cortical surfaces: fsaverage5 as nilearn's wheel ships it, finer ones as nilearn downloads them.

The files of fsaverage5 are read in place with nibabel; nilearn itself is not
imported (that takes more than a second). Source: FreeSurfer's fsaverage template
(Fischl et al. 1999, Human Brain Mapping 8:272-284). Its meshes are subdivided
icosahedra: the vertices of a coarser one are the first of a finer one.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
from nibabel.gifti import GiftiImage
from scipy.spatial import cKDTree

from ..errors import AtlasError, DownloadError, UnknownNameError
from ..values import Surface

HEMISPHERES = ("left", "right")
N_LEFT = 10_242
N_PER_SIDE = {"fsaverage5": 10_242, "fsaverage6": 40_962, "fsaverage": 163_842}
SPHERE_RADIUS = 100.0

_FILES = {"pial": "pial", "white": "white", "inflated": "infl", "flat": "flat", "sphere": "sphere"}
_PARTS = (*_FILES.values(), "sulc")


def surface_file(geometry: str, hemisphere: str) -> Path:
    """Where one file of fsaverage5 lies.

    Parameters
    ----------
    geometry : {'pial', 'white', 'inflated', 'flat', 'sphere', 'sulc'}
    hemisphere : {'left', 'right'}

    Raises
    ------
    AtlasError
        nilearn, or this file of its wheel, is not installed.
    """
    name = f"{_FILES.get(geometry, geometry)}_{hemisphere}.gii.gz"
    path = package_file("nilearn", f"datasets/data/fsaverage5/{name}")
    if path is not None:
        return path
    raise AtlasError(
        "The fsaverage5 surface is missing",
        found=f"no {name} among the files of nilearn",
        needed="the nilearn package with its data files",
        do="install nilearn again",
    )


def package_file(package: str, inner: str) -> Path | None:
    """Where a file of an installed package lies; nothing of the package is imported."""
    spec = importlib.util.find_spec(package)
    roots = list(spec.submodule_search_locations or []) if spec else []
    return next((path for root in roots if (path := Path(root) / inner).is_file()), None)


def load_surface(name: str = "fsaverage5", folder: str | Path | None = None) -> Surface:
    """Load a cortical surface, left hemisphere first.

    Parameters
    ----------
    name : {'fsaverage5', 'fsaverage6', 'fsaverage'}
        10,242, 40,962 or 163,842 vertices per hemisphere.
    folder : path, optional
        Where `fetch_surface` put the finer ones; fsaverage5 needs none.

    Returns
    -------
    Surface
        Each hemisphere keeps its own origin in the inflated, flat and sphere
        geometries, as in the files: shift them apart to draw.

    Raises
    ------
    UnknownNameError
        Another name.
    AtlasError
        The files are missing or damaged.
    """
    if name not in N_PER_SIDE:
        raise UnknownNameError.nearest("surface", name, N_PER_SIDE)
    return _fsaverage5() if name == "fsaverage5" else _read_surface(name, folder)


def cortical_depths(n: int) -> np.ndarray:
    """Points of fsaverage5 from the pial surface to white matter, (n, 20484, 3) mm."""
    white = np.concatenate([_arrays("white", side)[0] for side in HEMISPHERES]).astype(float)
    pial = load_surface().pial.astype(float)
    return pial + np.linspace(0, 1, n)[:, None, None] * (white - pial)


def surface_files(name: str) -> tuple[str, ...]:
    """Files of fsaverage6 or fsaverage that `load_surface` reads, as paths below the data folder."""
    return tuple(f"{name}/{part}_{side}.gii.gz" for part in _PARTS for side in HEMISPHERES)


def surface_is_here(name: str, folder: str | Path) -> bool:
    """Whether a finer surface was fetched into ``folder``, whole."""
    return all((Path(folder) / file).is_file() for file in surface_files(name))


def fetch_surface(name: str, folder: str | Path) -> Path:
    """Download fsaverage6 or fsaverage with nilearn into ``folder/name``; returns that folder.

    Raises
    ------
    DownloadError
        nilearn could not fetch it.
    """
    from nilearn.datasets import fetch_surf_fsaverage  # imports slowly

    try:
        fetch_surf_fsaverage(name, data_dir=str(folder))
    except Exception as error:  # nilearn passes on whatever its download raised
        raise DownloadError(
            f"The surface {name} cannot be downloaded", found=type(error).__name__,
            needed="a network that reaches osf.io, or a mirror",
            do=f"connect, or set BRAINLIKE_MIRROR to a folder that holds {name}/",
        ) from error  # fmt: skip
    return Path(folder) / name


def nest(n_from: int, n_to: int, folder: str | Path | None = None) -> np.ndarray:
    """The nearest coarse vertex of each fine vertex, on the sphere of one hemisphere.

    Left and right have the same sphere, so one answer serves both.

    Parameters
    ----------
    n_from, n_to : int
        Vertices per hemisphere, 10 * 4**k + 2 with k from 0 to 7, ``n_to <= n_from``:
        12, 42, 162, 642, 2562, 10242 (fsaverage5), 40962 (fsaverage6), 163842 (fsaverage).
    folder : path, optional
        Where the finer surface lies; from 10,242 down none is needed.

    Returns
    -------
    int32 (n_from,)
        Vertex below ``n_to``; a vertex that both have is its own nearest.

    Raises
    ------
    AtlasError
        No such mesh, or the finer one is not here.
    """
    sizes = [10 * 4**k + 2 for k in range(8)]
    if n_from not in sizes or n_to not in sizes or n_to > n_from:
        raise AtlasError(
            "These meshes are not nested", found=f"{n_from} to {n_to} vertices",
            needed=f"two of {', '.join(map(str, sizes))}, from fine to coarse", do="check the mesh",
        )  # fmt: skip
    name = next(mesh for mesh, n in N_PER_SIDE.items() if n >= n_from)
    sphere = _sphere(name, folder)[:n_from]
    _, nearest = cKDTree(sphere[:n_to]).query(sphere)
    return nearest.astype(np.int32)


def _sphere(name: str, folder: str | Path | None) -> np.ndarray:
    if name == "fsaverage5":
        return load_surface().sphere[:N_LEFT]
    return _read_arrays(_finer_file(name, "sphere", "left", folder), N_PER_SIDE[name])[0]


@lru_cache(maxsize=1)
def _fsaverage5() -> Surface:
    return _read_surface("fsaverage5", None)


def _read_surface(name: str, folder: str | Path | None) -> Surface:
    shapes = {g: _both(g, name, folder) for g in ("pial", "inflated", "flat", "sphere")}
    sphere = shapes["sphere"] / np.linalg.norm(shapes["sphere"], axis=1, keepdims=True)
    shapes["sphere"] = (SPHERE_RADIUS * sphere).astype(np.float32)
    sulc = [_arrays("sulc", side, name, folder)[0] for side in HEMISPHERES]
    return Surface(
        name=name,
        n_left=N_PER_SIDE[name],
        faces=_faces("pial", name, folder),
        sulc=np.concatenate(sulc).astype(np.float32),
        **shapes,
    )


@lru_cache(maxsize=1)
def flat_faces() -> np.ndarray:
    """Triangles of the flat geometry, int32 (n_flat_faces, 3).

    Flattening cuts the medial wall out and opens seams, so these are fewer
    than ``Surface.faces``; with all of those, triangles would cross the cuts.
    """
    faces = _faces("flat")
    faces.flags.writeable = False
    return faces


def _both(geometry: str, name: str, folder: str | Path | None) -> np.ndarray:
    halves = [_arrays(geometry, side, name, folder)[0] for side in HEMISPHERES]
    return np.concatenate(halves).astype(np.float32)  # (n_vertices, 3)


def _faces(geometry: str, name: str = "fsaverage5", folder: str | Path | None = None) -> np.ndarray:
    left, right = (_arrays(geometry, side, name, folder)[1] for side in HEMISPHERES)
    return np.concatenate([left, right + N_PER_SIDE[name]]).astype(np.int32)  # (n_faces, 3)


def _arrays(
    geometry: str, hemisphere: str, name: str = "fsaverage5", folder: str | Path | None = None
) -> list[np.ndarray]:
    if name == "fsaverage5":
        return _read_arrays(surface_file(geometry, hemisphere), N_LEFT)
    return _read_arrays(_finer_file(name, geometry, hemisphere, folder), N_PER_SIDE[name])


def _finer_file(name: str, geometry: str, hemisphere: str, folder: str | Path | None) -> Path:
    path = Path(folder or ".") / name / f"{_FILES.get(geometry, geometry)}_{hemisphere}.gii.gz"
    if folder is None or not path.is_file():
        raise AtlasError(
            f"The {name} surface is not here",
            found="no folder" if folder is None else f"no {path.name} in {path.parent}",
            needed=f"the files that nilearn downloads, in a folder {name}/",
            do=f"fetch {name}, or name the data folder that holds {name}/",
        )
    return path


def _read_arrays(path: Path, n: int) -> list[np.ndarray]:
    try:
        arrays = [item.data for item in GiftiImage.from_filename(path).darrays]
        whole = len(arrays[0]) == n
    except Exception as error:  # nibabel, zlib and the XML parser each raise their own kinds
        raise _damaged(path, str(error) or type(error).__name__, n) from error
    if not whole:
        raise _damaged(path, f"{len(arrays[0])} vertices", n)
    return arrays


def _damaged(path: Path, found: str, n: int) -> AtlasError:
    return AtlasError(
        f"The surface file {path.name} is damaged",
        found=found,
        needed=f"{n} vertices",
        do="install nilearn again" if n == N_LEFT else "fetch the surface again",
    )
