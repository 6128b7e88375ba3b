"""The 23 network atlases of the Network Correspondence Toolbox, read from a folder on fsaverage6.

The toolbox is Kong et al. 2025, Nature Communications, doi:10.1038/s41467-025-58176-9;
its files come from github.com/rubykong/cbig_network_correspondence_data. fsaverage5 is
the first 10,242 of fsaverage6's 40,962 vertices of each hemisphere.
"""

from __future__ import annotations

import configparser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import io

from ..errors import AtlasError, UnknownNameError
from ..values import NetworkAtlas

FOLDER = "network_atlases"
SOFT_THRESHOLD = 2.3  # ours, as for every z map here: the toolbox states none
LICENCE = "toolbox MIT; each atlas under its authors' terms"
TOOLBOX = "Kong et al. 2025, Nature Communications, doi:10.1038/s41467-025-58176-9"
_N_FINE, _N_COARSE = 40_962, 10_242
_MAX_BYTES = 4 * 1024 * 1024
_MAX_LABELS = 1_000

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
        Names of its files below ``atlases/fsaverage6``, in the order of its
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
    def files(self) -> tuple[str, ...]:
        """Everything that is read, as paths below the toolbox's folder."""
        maps = [f"atlases/fsaverage6/{self.group}/{name}.mat" for name in self.maps]
        parcels = [f"network_assignment/{self.id}.mat"] if self.parcels else []
        return (f"atlas_config/{self.id}", f"network_names/{self.id}", *parcels, *maps)


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


def find_toolbox(folder: str | Path) -> Path:
    """The toolbox's folder: ``folder`` itself, or ``folder/network_atlases``."""
    inside = Path(folder) / FOLDER
    return inside if inside.is_dir() else Path(folder)


def load_toolbox_atlas(name: str, folder: str | Path | None) -> NetworkAtlas:
    """Load one atlas of the toolbox.

    Parameters
    ----------
    name : str
        One of `toolbox_atlases`, such as ``mg360j12``.
    folder : path
        See `find_toolbox`; `catalogue.fetch` fills it.

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,) on fsaverage5, left first. Of overlapping maps, a
        vertex takes the largest above `SOFT_THRESHOLD` (or the threshold in
        ``atlas_config``); of overlapping yes-or-no maps the one with the fewest
        vertices. The title says so. Networks without a vertex are left out.

    Raises
    ------
    UnknownNameError, AtlasError
        Not an atlas of the toolbox; its files are missing or do not fit.
    """
    known = {atlas.name: atlas for atlas in _ATLASES}
    if name not in known:
        raise UnknownNameError.nearest("atlas", name, known)
    atlas = known[name]
    root = _require(atlas, folder)
    config = _config(root / "atlas_config" / atlas.id)
    names = tuple((root / "network_names" / atlas.id).read_text(encoding="utf-8").split())
    maps = np.stack([_labels(root / "atlases" / "fsaverage6" / atlas.group / f"{m}.mat") for m in atlas.maps])
    labels, how = _READERS[config["data_type"]](maps, root, atlas, config)
    if config["data_type"] == "Hard":
        labels, names = _number(labels, names, atlas)
    _check_names(labels, names, atlas)
    labels, names = keep_present(labels, names)
    return NetworkAtlas(atlas.name, atlas.title + how, labels, names, atlas.citation, LICENCE)


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


def _hard_labels(maps: np.ndarray, root: Path, atlas: ToolboxAtlas, config: dict) -> tuple[np.ndarray, str]:
    labels = maps[0]
    top = int(labels.max())
    if labels.min() < 0 or not np.array_equal(labels, np.round(labels)) or top > _MAX_LABELS:
        raise _misfit(
            atlas, f"labels from {labels.min():g} to {top}", f"whole numbers from 0 to {_MAX_LABELS}"
        )
    labels = labels.astype(np.int64)
    if config.get("data_networkassignment", "0") not in ("1", "True"):
        return labels, ""
    mapping = _variable(root / "network_assignment" / f"{atlas.id}.mat", "mapping").ravel()
    if top > len(mapping):
        raise _misfit(atlas, f"parcel {top}", f"{len(mapping)} parcels, as assigned")
    return np.concatenate([[0], mapping]).astype(np.int64)[labels], ""


def _soft_labels(maps: np.ndarray, root: Path, atlas: ToolboxAtlas, config: dict) -> tuple[np.ndarray, str]:
    threshold = _threshold(config)
    best = maps.argmax(axis=0)  # (20484,)
    labels = np.where(maps.max(axis=0) > threshold, best + 1, 0)
    return labels, f" (each vertex to its largest map above {threshold:g})"


def _binary_labels(maps: np.ndarray, root: Path, atlas: ToolboxAtlas, config: dict) -> tuple[np.ndarray, str]:
    inside = maps > 0
    if np.unique(maps).size > 2:
        raise _misfit(atlas, f"{np.unique(maps).size} different values", "maps of 0 and 1")
    size = np.where(inside, inside.sum(axis=1, keepdims=True), np.iinfo(np.int64).max)
    labels = np.where(inside.any(axis=0), size.argmin(axis=0) + 1, 0)
    return labels, " (maps overlap: each vertex to the smallest that holds it)"


_READERS: dict[str, Callable[[np.ndarray, Path, ToolboxAtlas, dict], tuple[np.ndarray, str]]] = {
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


def _number(
    labels: np.ndarray, names: tuple[str, ...], atlas: ToolboxAtlas
) -> tuple[np.ndarray, tuple[str, ...]]:
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


# ---------------------------------------------------------------- files


def _require(atlas: ToolboxAtlas, folder: str | Path | None) -> Path:
    root = find_toolbox(folder) if folder is not None else Path(FOLDER)
    missing = [file for file in atlas.files if not (root / file).is_file()]
    if folder is None or missing:
        raise AtlasError(
            f"Atlas '{atlas.name}' is not here",
            found=f"no {missing[0]} in {root}" if missing and folder is not None else "no folder",
            needed=f"{len(atlas.files)} files of the Network Correspondence Toolbox",
            do=f"fetch {atlas.name}, or name the folder that holds {FOLDER}/",
        )
    return root


def _config(path: Path) -> dict:
    """The lines of atlas_config/<id>, keys in lower case."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        config = dict(parser["data_info"])
        if config["data_type"] not in _READERS:
            raise ValueError(f"Data_Type {config['data_type']}")
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise _damaged(path, str(error).split("\n")[0]) from error
    return config


def _labels(path: Path) -> np.ndarray:
    """Both hemispheres of one map, cut to fsaverage5: float64 (20484,)."""
    halves = [_variable(path, side).ravel() for side in ("lh_labels", "rh_labels")]
    for half in halves:
        if half.shape != (_N_FINE,) or not np.isfinite(half).all():
            raise _damaged(path, f"{half.size} values")
    return np.concatenate([half[:_N_COARSE] for half in halves]).astype(np.float64)


def _variable(path: Path, name: str) -> np.ndarray:
    """One numeric array of a .mat file; names, shapes and size are looked at before it is read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("more than 4 MiB")
        shapes = {found: (shape, kind) for found, shape, kind in io.whosmat(path)}
        shape, kind = shapes.get(name, ((0,), "no such variable"))
        if not 0 < np.prod(shape, dtype=float) <= _N_FINE or kind in ("cell", "struct", "object", "char"):
            raise ValueError(f"{name} {kind} {shape}")
        return io.loadmat(path, variable_names=[name])[name]
    except Exception as error:  # scipy, zlib and struct each raise their own kinds
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, found: str) -> AtlasError:
    return AtlasError(
        f"The atlas file {path.name} is damaged", found=found,
        needed=f"lh_labels and rh_labels of {_N_FINE} vertices and their settings", do="fetch the atlas again",
    )  # fmt: skip


def _misfit(atlas: ToolboxAtlas, found: str, needed: str) -> AtlasError:
    return AtlasError(
        f"The files of atlas '{atlas.name}' do not fit each other",
        found=found,
        needed=needed,
        do=f"fetch {atlas.name} again",
    )
