"""Made-up spheres of fsLR 32k, as templateflow names them."""

import gzip

import numpy as np
from nibabel.gifti import GiftiDataArray, GiftiImage

from brainlike_core.sources.fslr import SPHERES


def points_file(path, points, packed=False):
    """A surface file that holds points alone."""
    array = GiftiDataArray(np.asarray(points, np.float32), intent="NIFTI_INTENT_POINTSET")
    raw = GiftiImage(darrays=[array]).to_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw, 1) if packed else raw)
    return path


def even_points(n=32_492):
    """Points that cover a sphere of radius 100 evenly (a golden spiral), float64 (n, 3)."""
    i = np.arange(n) + 0.5
    z, turn = 1 - 2 * i / n, np.pi * (1 + 5**0.5) * i
    flat = np.sqrt(1 - z**2)
    return 100 * np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def write_spheres(folder):
    """Both spheres, the right one mirrored; returns the points of the left one."""
    points = even_points()
    for name, sign in zip(SPHERES, (1, -1), strict=True):
        points_file(folder / name, points * [sign, 1, 1])
    return points
