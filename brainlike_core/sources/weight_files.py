"""Network maps that are weights and may overlap, onto fsaverage5: probabilities, or components of an ICA.

NIfTI 4-D in MNI space, a pair of GIfTI files with one array per map, or a CIFTI
``.dscalar.nii``. Weights are numbers: a volume is read by trilinear interpolation
and averaged over ten depths between pial surface and white matter (as nilearn's
``vol_to_surf(kind="depth")``); a mesh as in `label_projection`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.gifti import GiftiImage
from scipy.ndimage import map_coordinates

from .embedded_atlases import cortex
from .label_files import (
    FSLR,
    MESHES,
    check_cifti,
    check_inflation,
    cifti_half,
    meshes,
    read_bytes,
    read_maps,
    wrong_file,
)
from .label_projection import N_DEPTHS, project_fslr, project_mesh
from .surfaces import cortical_depths

MAX_MAPS = 200
SHOWN = 0.5  # share of a map's peak above which it may colour a vertex
Maps = tuple[np.ndarray, dict[int, str]]


def read_volume_maps(path: Path) -> Maps:
    """NIfTI 4-D in MNI space: float32 (n_maps, 20484); a volume has no names."""
    values, affine = read_maps(path)
    _check_numbers(path, values)
    places = nibabel.affines.apply_affine(np.linalg.inv(affine), cortical_depths(N_DEPTHS))
    at = np.moveaxis(places, -1, 0)  # (3, n_depths, 20484) voxels
    maps = [
        map_coordinates(one.astype(np.float32), at, order=1, mode="constant").mean(0)
        for one in np.moveaxis(values, -1, 0)
    ]
    return np.stack(maps).astype(np.float32), {}


def read_gifti_pair(pair: tuple[Path, Path], folder: str | Path | None) -> Maps:
    """The two halves of a GIfTI pair: float32 (n_maps, 20484), and the names of the maps by number from 1."""
    (left, names), (right, _) = (_gifti_maps(half) for half in pair)
    if left.shape != right.shape:
        found = f"{left.shape[0]} and {right.shape[0]} maps of {left.shape[1]} and {right.shape[1]} vertices"
        raise wrong_file(pair[0], found, "the same maps on both halves of one mesh", "check the pair")
    return _on_fsaverage5(np.concatenate([left, right], axis=1), left.shape[1], folder), names


def _gifti_maps(path: Path) -> Maps:
    raw = read_bytes(path)
    try:
        check_inflation(raw)
        arrays = GiftiImage.from_bytes(raw).darrays
        maps = np.stack([np.asarray(array.data) for array in arrays])
        names = {i: str(array.meta.get("Name") or "") for i, array in enumerate(arrays, 1)}
    except Exception as error:  # nibabel, zlib, base64 and expat each raise their own kinds
        raise wrong_file(
            path, str(error) or type(error).__name__, "a GIfTI file with one array per map", "write it again"
        ) from error
    _check_numbers(path, maps)
    if maps.ndim != 2 or maps.shape[1] not in (*MESHES, FSLR):
        raise wrong_file(path, f"arrays of shape {maps.shape[1:]}", meshes(), "resample it to fsaverage5")
    return maps, names


def read_cifti_maps(path: Path, folder: str | Path | None) -> Maps:
    """A ``.dscalar.nii``: float32 (n_maps, 20484), and the names of the maps by number from 1."""
    raw = read_bytes(path)
    check_cifti(path, raw)
    try:
        image = nibabel.Cifti2Image.from_bytes(raw)
        scalars, model = (image.header.get_axis(i) for i in (0, 1))
        values = np.asarray(image.dataobj)
        names = {i: str(name) for i, name in enumerate(scalars.name, 1)}
        halves = [_both_ways(values, model, f"CIFTI_STRUCTURE_CORTEX_{side}") for side in ("LEFT", "RIGHT")]
    except Exception as error:  # nibabel and expat each raise their own kinds
        raise wrong_file(
            path, str(error) or type(error).__name__, "maps on fsLR 32k (.dscalar.nii)", "write it again"
        ) from error
    _check_numbers(path, values)
    return _on_fsaverage5(np.concatenate(halves, axis=1), FSLR, folder), names


def _both_ways(values: np.ndarray, model: Any, name: str) -> np.ndarray:
    """One hemisphere of all maps: (n_maps, 32492)."""
    return np.stack([cifti_half(one, model, name) for one in values])


def _on_fsaverage5(maps: np.ndarray, per_side: int, folder: str | Path | None) -> np.ndarray:
    project: Callable[[np.ndarray], np.ndarray] = (
        (lambda one: project_fslr(one, folder)) if per_side == FSLR else project_mesh
    )
    return np.stack([project(one) for one in maps]).astype(np.float32)


def _check_numbers(path: Path, values: np.ndarray) -> None:
    n_maps = values.shape[-1] if values.ndim == 4 else len(values)
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise wrong_file(
            path, f"{values.dtype} values, not all of them finite", "finite weights", "replace NaN by 0"
        )
    if not 1 <= n_maps <= MAX_MAPS:
        raise wrong_file(path, f"{n_maps} maps", f"1 to {MAX_MAPS}", "keep the maps of networks")


def on_cortex(path: Path, maps: np.ndarray) -> np.ndarray:
    """The maps with NaN on the medial wall; refused where one has no spread on cortex."""
    inside = cortex()
    flat = np.ptp(maps[:, inside], axis=1) == 0
    if flat.any():
        raise wrong_file(
            path, f"map {int(flat.argmax()) + 1} with one value on all of cortex", "weights that differ",
            "leave that map out, or check its space",
        )  # fmt: skip
    return np.where(inside, maps, np.nan).astype(np.float32)


def drawn_labels(weights: np.ndarray) -> np.ndarray:
    """What is drawn of weights: each vertex to its largest map, relative to the map's peak; 0 below half of it.

    Parameters
    ----------
    weights : (n_networks, n_vertices), NaN where nothing is known

    Examples
    --------
    >>> drawn_labels(np.array([[0.9, 0.5, 0.0, np.nan], [0.2, 0.4, 0.1, np.nan]]))
    array([1, 2, 0, 0], dtype=int16)
    """
    known = np.nan_to_num(weights, nan=-np.inf)
    share = known / np.maximum(known.max(1, keepdims=True), 1e-12)
    return np.where(share.max(0) >= SHOWN, share.argmax(0) + 1, 0).astype(np.int16)
