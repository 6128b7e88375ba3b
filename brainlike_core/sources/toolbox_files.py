"""The files of the Network Correspondence Toolbox: one map in each of its three spaces, and its settings.

``atlases/fsaverage6`` and ``atlases/fs_LR_32k`` hold MATLAB files with one array per
hemisphere, ``atlases/FSLMNI2mm`` NIfTI volumes of the MNI152 template.
"""

from __future__ import annotations

import configparser
from pathlib import Path

import numpy as np
from scipy import io

from ..errors import AtlasError
from .label_files import FSLR, read_volume

FOLDER = "network_atlases"
SPACES = {"fsaverage6": ".mat", "FSLMNI2mm": ".nii.gz", "fs_LR_32k": ".mat"}
_PER_SIDE = {"fsaverage6": 40_962, "fs_LR_32k": FSLR}
_MAX_BYTES = 4 * 1024 * 1024

Map = tuple[np.ndarray, np.ndarray | None]


def find_toolbox(folder: str | Path) -> Path:
    """The toolbox's folder: ``folder`` itself, or ``folder/network_atlases``."""
    inside = Path(folder) / FOLDER
    return inside if inside.is_dir() else Path(folder)


def nearest_spaces(space: str) -> tuple[str, ...]:
    """The toolbox's spaces, the one nearest to that of a recording first.

    Parcels come from a label volume in MNI space and are drawn as the MNI volume
    of an atlas is, so that what the projection bends is bent alike.

    Examples
    --------
    >>> nearest_spaces("MNIColin27")
    ('FSLMNI2mm', 'fsaverage6', 'fs_LR_32k')
    >>> nearest_spaces("fsLR")[0], nearest_spaces("fsaverage5")[0], nearest_spaces("shen268")[0]
    ('fs_LR_32k', 'fsaverage6', 'FSLMNI2mm')
    """
    if space.startswith("fsLR"):
        return "fs_LR_32k", "fsaverage6", "FSLMNI2mm"
    if space.startswith("fsaverage"):
        return "fsaverage6", "fs_LR_32k", "FSLMNI2mm"
    return "FSLMNI2mm", "fsaverage6", "fs_LR_32k"


def read_map(path: Path, space: str) -> Map:
    """One map of an atlas.

    Parameters
    ----------
    path : Path
    space : str
        One of `SPACES`.

    Returns
    -------
    values : numbers as stored
        (2 * n_vertices,), left first, or (n_x, n_y, n_z).
    affine : (4, 4) to mm, of a volume; else None

    Raises
    ------
    AtlasError
        Damaged, or of another size.
    """
    if space == "FSLMNI2mm":
        values, affine = read_volume(path)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise damaged(path, f"{values.dtype} values, not all of them finite")
        return values, affine
    halves = [variable(path, side).ravel() for side in ("lh_labels", "rh_labels")]
    for half in halves:
        if half.shape != (_PER_SIDE[space],) or not np.isfinite(half).all():
            raise damaged(path, f"{half.size} values")
    return np.concatenate(halves), None


def variable(path: Path, name: str) -> np.ndarray:
    """One numeric array of a .mat file; names, shapes and size are looked at before it is read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("more than 4 MiB")
        shapes = {found: (shape, kind) for found, shape, kind in io.whosmat(path)}
        shape, kind = shapes.get(name, ((0,), "no such variable"))
        most = max(_PER_SIDE.values())
        if not 0 < np.prod(shape, dtype=float) <= most or kind in ("cell", "struct", "object", "char"):
            raise ValueError(f"{name} {kind} {shape}")
        return io.loadmat(path, variable_names=[name])[name]
    except Exception as error:  # scipy, zlib and struct each raise their own kinds
        raise damaged(path, str(error) or type(error).__name__) from error


def read_settings(path: Path, kinds: tuple[str, ...]) -> dict[str, str]:
    """The lines of atlas_config/<id>, keys in lower case; ``data_type`` is one of ``kinds``."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        settings = dict(parser["data_info"])
        if settings["data_type"] not in kinds:
            raise ValueError(f"Data_Type {settings['data_type']}")
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise damaged(path, str(error).split("\n")[0]) from error
    return settings


def damaged(path: Path, found: str) -> AtlasError:
    """The refusal of one file."""
    sizes = " or ".join(f"{n} vertices ({space})" for space, n in _PER_SIDE.items())
    return AtlasError(
        f"The atlas file {path.name} is damaged", found=found,
        needed=f"lh_labels and rh_labels of {sizes}, a volume, or their settings", do="fetch the atlas again",
    )  # fmt: skip
