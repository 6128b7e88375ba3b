"""The cortical surface that everything is drawn on: fsaverage5, as nilearn's wheel ships it.

The files are read in place with nibabel; nilearn itself is not imported (that
takes more than a second). Source: FreeSurfer's fsaverage5 template (Fischl et
al. 1999, Human Brain Mapping 8:272-284).
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
from nibabel.gifti import GiftiImage

from ..errors import AtlasError, UnknownNameError
from ..values import Surface

HEMISPHERES = ("left", "right")
N_LEFT = 10_242
SPHERE_RADIUS = 100.0

_FILES = {"pial": "pial", "white": "white", "inflated": "infl", "flat": "flat", "sphere": "sphere"}


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
    spec = importlib.util.find_spec("nilearn")
    roots = list(spec.submodule_search_locations or []) if spec else []
    name = f"{_FILES.get(geometry, geometry)}_{hemisphere}.gii.gz"
    for root in roots:
        path = Path(root) / "datasets" / "data" / "fsaverage5" / name
        if path.is_file():
            return path
    raise AtlasError(
        "The fsaverage5 surface is missing",
        found=f"no {name} among the files of nilearn",
        needed="the nilearn package with its data files",
        do="install nilearn again",
    )


@lru_cache(maxsize=1)
def load_surface(name: str = "fsaverage5") -> Surface:
    """Load the cortical surface, left hemisphere first.

    Parameters
    ----------
    name : str
        ``fsaverage5``, the only one.

    Returns
    -------
    Surface
        20,484 vertices. Each hemisphere keeps its own origin in the inflated,
        flat and sphere geometries, as in the files: shift them apart to draw.

    Raises
    ------
    UnknownNameError
        Another name.
    AtlasError
        The files are missing or damaged.
    """
    if name != "fsaverage5":
        raise UnknownNameError.nearest("surface", name, ["fsaverage5"])
    shapes = {g: _both(g) for g in ("pial", "inflated", "flat", "sphere")}
    sphere = shapes["sphere"] / np.linalg.norm(shapes["sphere"], axis=1, keepdims=True)
    shapes["sphere"] = (SPHERE_RADIUS * sphere).astype(np.float32)
    return Surface(
        name=name,
        n_left=N_LEFT,
        faces=_faces("pial"),
        sulc=np.concatenate([_arrays("sulc", h)[0] for h in HEMISPHERES]).astype(np.float32),
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


def _both(geometry: str) -> np.ndarray:
    halves = [_arrays(geometry, h)[0] for h in HEMISPHERES]
    return np.concatenate(halves).astype(np.float32)  # (n_vertices, 3)


def _faces(geometry: str) -> np.ndarray:
    left, right = (_arrays(geometry, h)[1] for h in HEMISPHERES)
    return np.concatenate([left, right + N_LEFT]).astype(np.int32)  # (n_faces, 3)


def _arrays(geometry: str, hemisphere: str) -> list[np.ndarray]:
    path = surface_file(geometry, hemisphere)
    try:
        arrays = [item.data for item in GiftiImage.from_filename(path).darrays]
        whole = len(arrays[0]) == N_LEFT
    except Exception as error:  # nibabel, zlib and the XML parser each raise their own kinds
        raise _damaged(path, str(error) or type(error).__name__) from error
    if not whole:
        raise _damaged(path, f"{len(arrays[0])} vertices")
    return arrays


def _damaged(path: Path, found: str) -> AtlasError:
    return AtlasError(
        f"The surface file {path.name} is damaged",
        found=found,
        needed=f"{N_LEFT} vertices",
        do="install nilearn again",
    )
