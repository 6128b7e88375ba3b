"""The 23 network atlases of the Network Correspondence Toolbox, each in three spaces, read from a folder.

The toolbox is Kong et al. 2025, Nature Communications, doi:10.1038/s41467-025-58176-9;
its files come from github.com/rubykong/cbig_network_correspondence_data. Maps become
labels in the space they are in (`read_native`); labels are then brought to
fsaverage5 (`label_projection`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AtlasError, UnknownNameError
from ..values import NetworkAtlas
from .fslr import has_spheres
from .label_projection import project_fslr, project_mesh, project_volume
from .toolbox_files import (
    FOLDER,
    SPACES,
    find_toolbox,
    nearest_spaces,
    read_map,
    read_settings,
    variable,
)

SOFT_THRESHOLD = 2.3  # ours, as for every z map here: the toolbox states none
LICENCE = "toolbox MIT; each atlas under its authors' terms"
TOOLBOX = "Kong et al. 2025, Nature Communications, doi:10.1038/s41467-025-58176-9"
_MAX_LABELS = 1_000
_READ_FROM = {"fsaverage6": "", "FSLMNI2mm": ", from the MNI volume", "fs_LR_32k": ", from fsLR 32k"}

_SCHAEFER = "Schaefer et al. 2018, Cerebral Cortex, doi:10.1093/cercor/bhx179"
_KONG = "Kong et al. 2019, Cerebral Cortex, doi:10.1093/cercor/bhy123"
_YEO = "Yeo et al. 2011, Journal of Neurophysiology, doi:10.1152/jn.00338.2011"
_YAN = "Yan et al. 2023, NeuroImage, doi:10.1016/j.neuroimage.2023.120010"
_SHEN = "Shen et al. 2013, NeuroImage, doi:10.1016/j.neuroimage.2013.05.081"
_FINN = "Finn et al. 2015, Nature Neuroscience, doi:10.1038/nn.4135"
_ICA = tuple(str(i) for i in range(1, 22))


@dataclass(frozen=True)
class ToolboxAtlas:
    """One atlas of the toolbox.

    Attributes
    ----------
    id, group : str
        Its name and its folder in the toolbox.
    title, citation : str
    maps : tuple of str
        Names of its files below ``atlases/<space>``, in the order of its
        networks; one file for a hard atlas.
    parcels : bool
        Labels are parcels, which ``network_assignment`` sorts into networks.
    """

    id: str
    group: str
    title: str
    citation: str
    maps: tuple[str, ...]
    parcels: bool = False

    @property
    def name(self) -> str:
        """Its name here: the toolbox's in lower case."""
        return self.id.lower()

    @property
    def settings(self) -> tuple[str, ...]:
        """Its type, the names of its networks and of which network each parcel is: paths below the toolbox's folder."""
        parcels = [f"network_assignment/{self.id}.mat"] if self.parcels else []
        return (f"atlas_config/{self.id}", f"network_names/{self.id}", *parcels)

    def maps_in(self, space: str) -> tuple[str, ...]:
        """Its maps in one of `toolbox_files.SPACES`, as paths below the toolbox's folder."""
        return tuple(f"atlases/{space}/{self.group}/{name}{SPACES[space]}" for name in self.maps)

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, in the three spaces."""
        return (*self.settings, *(path for space in SPACES for path in self.maps_in(space)))


@dataclass(frozen=True, eq=False)
class NativeLabels:
    """An atlas in the space of its files.

    Attributes
    ----------
    space : str
        One of `toolbox_files.SPACES`.
    labels : int16 (2 * n_vertices,) or (n_x, n_y, n_z)
        Left hemisphere first; 0 = none, f + 1 = ``networks[f]``.
    networks : tuple of str
    affine : float64 (4, 4) or None
        Of a volume: voxel to mm.
    how : str
        The rule by which maps became labels; '' for a hard atlas.
    """

    space: str
    labels: np.ndarray
    networks: tuple[str, ...]
    affine: np.ndarray | None
    how: str


def _hard(id: str, group: str, title: str, *papers: str, parcels: bool = False) -> ToolboxAtlas:
    return ToolboxAtlas(id, group, title, "; ".join((*papers, TOOLBOX)), (id,), parcels)


def _soft(id: str, group: str, title: str, paper: str, stem: str, parts: tuple[str, ...]) -> ToolboxAtlas:
    return ToolboxAtlas(id, group, title, f"{paper}; {TOOLBOX}", tuple(stem + part for part in parts))


def _without(*left_out: int) -> tuple[str, ...]:
    return tuple(part for part in _ICA if int(part) not in left_out)


_ATLASES = (
    _hard("EG17", "WashU", "Gordon 2017, 17 networks",
          "Gordon et al. 2017, NeuroImage, doi:10.1016/j.neuroimage.2016.08.032"),
    _hard("TY7", "YeoLab", "Yeo 2011, 7 networks (the toolbox's files)", _YEO),
    _hard("TY17", "YeoLab", "Yeo 2011, 17 networks (the toolbox's files)", _YEO),
    _hard("MG360J12", "Glasser", "Cole-Anticevic 12 networks of Glasser's 360 parcels",
          "Ji et al. 2019, NeuroImage, doi:10.1016/j.neuroimage.2018.10.006",
          "Glasser et al. 2016, Nature, doi:10.1038/nature18933"),
    _hard("DU15NET", "Du", "Du 2024, 15 networks (the toolbox's files)",
          "Du et al. 2024, Journal of Neurophysiology, doi:10.1152/jn.00308.2023"),
    _hard("WS90_14", "Shirer", "Shirer 2012, 13 cortical of 14 networks",
          "Shirer et al. 2012, Cerebral Cortex, doi:10.1093/cercor/bhr099"),
    _hard("EG286_12", "WashU", "Gordon 2016, 12 networks of 286 parcels",
          "Gordon et al. 2016, Cerebral Cortex, doi:10.1093/cercor/bhu239"),
    _hard("TL12", "WashU", "Laumann 2015, 12 networks",
          "Laumann et al. 2015, Neuron, doi:10.1016/j.neuron.2015.06.037"),
    _hard("EG5", "WashU", "Gordon 2024, 5 action networks", "Gordon et al. 2024, as the toolbox names it"),
    _hard("AS200K17", "YeoLab", "Schaefer 200 parcels, Kong 17 networks", _SCHAEFER, _KONG, parcels=True),
    _hard("AS400K17", "YeoLab", "Schaefer 400 parcels, Kong 17 networks", _SCHAEFER, _KONG, parcels=True),
    _hard("AS200Y17", "YeoLab", "Schaefer 200 parcels, Yeo 17 networks", _SCHAEFER, _YEO, parcels=True),
    _hard("AS400Y17", "YeoLab", "Schaefer 400 parcels, Yeo 17 networks", _SCHAEFER, _YEO, parcels=True),
    _hard("XY200K17", "YeoLab", "Yan 200 parcels, Kong 17 networks", _YAN, _KONG, parcels=True),
    _hard("XY400K17", "YeoLab", "Yan 400 parcels, Kong 17 networks", _YAN, _KONG, parcels=True),
    _hard("XY200Y17", "YeoLab", "Yan 200 parcels, Yeo 17 networks", _YAN, _YEO, parcels=True),
    _hard("XY400Y17", "YeoLab", "Yan 400 parcels, Yeo 17 networks", _YAN, _YEO, parcels=True),
    _hard("XS268_8", "Shen", "Shen 268 parcels, 8 networks", _SHEN, _FINN, parcels=True),
    _hard("XS368_8", "Shen", "Shen 368 parcels, 8 networks", _SHEN, _FINN, parcels=True),
    _soft("AL20", "Laird", "Laird 2011, 16 of 20 component maps",
          "Laird et al. 2011, Journal of Cognitive Neuroscience, doi:10.1162/jocn_a_00077",
          "AL20_zstat", _without(5, 14, 19, 20, 21)),
    _soft("HCPICA", "HCPICA", "Human Connectome Project, 20 of 25 component maps",
          "Smith et al. 2013, NeuroImage, doi:10.1016/j.neuroimage.2013.05.039",
          "HCPICA_thresh_zstat", (*_without(16, 21), "23")),
    _soft("UKBICA", "UKBICA", "UK Biobank, 20 of 25 component maps",
          "Miller et al. 2016, Nature Neuroscience, doi:10.1038/nn.4393",
          "UKBICA_21goodnodes_thresh_", _without(15)),
    _soft("TW_TASK_NETS", "Woodward", "Woodward 2024, 12 task networks",
          "Woodward et al. 2024, as the toolbox names it",
          "TW_TASK_NETS_", ("1RESP", "2RESP", "AAR", "AUD", "DMNA", "DMNB", "FoVF", "INIT", "LN", "MAIN", "MDN", "RE")),
)  # fmt: skip


def toolbox_atlases() -> tuple[ToolboxAtlas, ...]:
    """Every atlas of the toolbox, the paper's most likely one first."""
    return _ATLASES


def load_toolbox_atlas(name: str, folder: str | Path | None, space: str = "fsaverage5") -> NetworkAtlas:
    """Load one atlas of the toolbox on fsaverage5.

    Parameters
    ----------
    name : str
        One of `toolbox_atlases`, such as ``mg360j12``.
    folder : path
        See `toolbox_files.find_toolbox`; `catalogue.fetch` fills it.
    space : str
        That of the recording. Of the spaces that are here the nearest is read:
        see `toolbox_files.nearest_spaces`.

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,) on fsaverage5, left first. Of overlapping maps, a
        place takes the largest above `SOFT_THRESHOLD` (or the threshold in
        ``atlas_config``); of overlapping yes-or-no maps the one with the fewest
        fsaverage6 vertices. The title
        says so, and which space was read where it is not fsaverage6. Networks
        without a vertex are left out.

    Raises
    ------
    UnknownNameError, AtlasError
        Not an atlas of the toolbox; its files are missing or do not fit.
    """
    atlas = _find(name)
    native = read_native(name, folder, _choose_space(atlas, folder, space))
    labels, networks = keep_present(_project(native, folder), native.networks)
    title = atlas.title + native.how + _READ_FROM[native.space]
    return NetworkAtlas(atlas.name, title, labels, networks, atlas.citation, LICENCE)


def read_native(name: str, folder: str | Path | None, space: str) -> NativeLabels:
    """Read one atlas of the toolbox where it lies: vertices of a mesh, or voxels.

    Parameters
    ----------
    name, folder : see `load_toolbox_atlas`
    space : str
        One of `toolbox_files.SPACES`.

    Raises
    ------
    UnknownNameError, AtlasError
        As `load_toolbox_atlas`; or no such space.
    """
    atlas = _find(name)
    if space not in SPACES:
        raise UnknownNameError.nearest("space", space, SPACES)
    root = _require(atlas, folder, (*atlas.settings, *atlas.maps_in(space)))
    settings = read_settings(root / "atlas_config" / atlas.id, tuple(_READERS))
    names = tuple((root / "network_names" / atlas.id).read_text(encoding="utf-8").split())
    affines: list = []

    def maps() -> Iterator[np.ndarray]:
        for path in atlas.maps_in(space):
            values, affine = read_map(root / path, space)
            affines.append(affine)
            if affine is not None and not np.array_equal(affine, affines[0]):
                raise _misfit(atlas, f"two grids among the maps in {space}", "one grid")
            yield values

    labels, how = _READERS[settings["data_type"]](maps(), root, atlas, settings)
    if settings["data_type"] == "Hard":
        labels, names = _number(labels, names)
    _check_names(labels, names, atlas)
    return NativeLabels(space, labels.astype(np.int16), names, affines[0], how)


def _find(name: str) -> ToolboxAtlas:
    known = {atlas.name: atlas for atlas in _ATLASES}
    if name not in known:
        raise UnknownNameError.nearest("atlas", name, known)
    return known[name]


def _choose_space(atlas: ToolboxAtlas, folder: str | Path | None, space: str) -> str:
    """The nearest space whose maps are here, and of which there is a way to fsaverage5."""
    order = nearest_spaces(space)
    root = find_toolbox(folder) if folder is not None else Path(FOLDER)
    here = [s for s in order if all((root / path).is_file() for path in atlas.maps_in(s))]
    usable = [s for s in here if s != "fs_LR_32k" or has_spheres(folder)]
    return next(iter((*usable, *here, order[0])))


def _project(native: NativeLabels, folder: str | Path | None) -> np.ndarray:
    if native.affine is not None:
        return project_volume(native.labels, native.affine)
    return (
        project_mesh(native.labels) if native.space == "fsaverage6" else project_fslr(native.labels, folder)
    )


def keep_present(labels: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Leave out networks without a vertex: int16 labels 1..n without gaps, and their names.

    Examples
    --------
    >>> keep_present(np.array([0, 3, 1]), ("a", "b", "c"))
    (array([0, 2, 1], dtype=int16), ('a', 'c'))
    """
    present = np.unique(labels[labels > 0])
    number = np.zeros(len(names) + 1, np.int16)
    number[present] = np.arange(1, len(present) + 1)
    return number[labels], tuple(names[i - 1] for i in present)


# ---------------------------------------------------------------- hard, soft, yes or no


def _hard_labels(
    maps: Iterator[np.ndarray], root: Path, atlas: ToolboxAtlas, settings: dict
) -> tuple[np.ndarray, str]:
    (labels,) = maps
    top = int(labels.max())
    if labels.min() < 0 or not np.array_equal(labels, np.round(labels)) or top > _MAX_LABELS:
        raise _misfit(
            atlas, f"labels from {labels.min():g} to {top}", f"whole numbers from 0 to {_MAX_LABELS}"
        )
    labels = labels.astype(np.int64)
    if settings.get("data_networkassignment", "0") not in ("1", "True"):
        return labels, ""
    mapping = variable(root / "network_assignment" / f"{atlas.id}.mat", "mapping").ravel()
    if top > len(mapping):
        raise _misfit(atlas, f"parcel {top}", f"{len(mapping)} parcels, as assigned")
    return np.concatenate([[0], mapping]).astype(np.int64)[labels], ""


def _soft_labels(
    maps: Iterator[np.ndarray], root: Path, atlas: ToolboxAtlas, settings: dict
) -> tuple[np.ndarray, str]:
    threshold = _threshold(settings)
    for i, values in enumerate(maps, 1):
        if i == 1:
            best, labels = np.full(values.shape, threshold), np.zeros(values.shape, np.int64)
        larger = values > best
        best[larger], labels[larger] = values[larger], i
    return labels, f" (each place to its largest map above {threshold:g})"


def _binary_labels(
    maps: Iterator[np.ndarray], root: Path, atlas: ToolboxAtlas, settings: dict
) -> tuple[np.ndarray, str]:
    on_six = atlas.maps_in("fsaverage6")  # one order of sizes, whatever space is read
    root = _require(atlas, root, on_six)
    sizes = [np.count_nonzero(read_map(root / path, "fsaverage6")[0]) for path in on_six]
    for i, (values, size) in enumerate(zip(maps, sizes, strict=True), 1):
        if len(np.unique(values)) > 2:
            raise _misfit(atlas, f"{len(np.unique(values))} different values", "maps of 0 and 1")
        if i == 1:
            smallest, labels = np.full(values.shape, np.inf), np.zeros(values.shape, np.int64)
        here = (values > 0) & (size < smallest)
        smallest[here], labels[here] = size, i
    return labels, " (maps overlap: each place to the smallest that holds it)"


_READERS: dict[str, Callable[[Iterator[np.ndarray], Path, ToolboxAtlas, dict], tuple[np.ndarray, str]]] = {
    "Hard": _hard_labels,
    "Soft": _soft_labels,
    "Metric": _binary_labels,
}


def _threshold(config: dict) -> float:
    stated = config.get("data_threshold", "")
    try:
        return float(stated.strip("[]() ").split(",")[0]) if stated else SOFT_THRESHOLD
    except ValueError:
        return SOFT_THRESHOLD


def _number(labels: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Toolbox numbers have gaps (1, 9, 10, 11, 17): names go with the numbers in rising order; NONE is no network."""
    numbers = np.unique(labels[labels > 0])
    if len(numbers) == len(names):
        labels = np.where(labels > 0, np.searchsorted(numbers, labels) + 1, 0)
    for i, name in enumerate(names, 1):
        if name == "NONE":
            labels = np.where(labels == i, 0, labels)
    return labels, names


def _check_names(labels: np.ndarray, names: tuple[str, ...], atlas: ToolboxAtlas) -> None:
    top = int(labels.max())
    if not 0 < top <= len(names) or len(set(names)) != len(names):
        raise _misfit(
            atlas, f"{len(set(names))} different names for labels up to {top}", "one name per label"
        )


# ---------------------------------------------------------------- refusals


def _require(atlas: ToolboxAtlas, folder: str | Path | None, files: tuple[str, ...]) -> Path:
    root = find_toolbox(folder) if folder is not None else Path(FOLDER)
    missing = [file for file in files if not (root / file).is_file()]
    if folder is None or missing:
        raise AtlasError(
            f"Atlas '{atlas.name}' is not here",
            found=f"no {missing[0]} in {root}" if missing and folder is not None else "no folder",
            needed=f"{len(files)} files of the Network Correspondence Toolbox",
            do=f"fetch {atlas.name}, or name the folder that holds {FOLDER}/",
        )
    return root


def _misfit(atlas: ToolboxAtlas, found: str, needed: str) -> AtlasError:
    return AtlasError(
        f"The files of atlas '{atlas.name}' do not fit each other",
        found=found,
        needed=needed,
        do=f"fetch {atlas.name} again",
    )
