"""A network atlas of one's own: labels or weights, on a mesh or in a volume, onto fsaverage5.

`label_files` reads annotations, GIfTI and CIFTI labels and label volumes, and
`label_projection` brings fsaverage6, fsaverage, fsLR 32k and MNI volumes to
fsaverage5; `weight_files` does both for maps of weights.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ..values import NetworkAtlas
from . import weight_files
from .label_files import (
    FSLR,
    MAX_LABELS,
    MESHES,
    Labels,
    meshes,
    n_volumes,
    read_annotation,
    read_cifti_labels,
    read_gifti_labels,
    read_label_volume,
    wrong_file,
)
from .label_names import read_names
from .label_projection import project_fslr, project_mesh, project_volume
from .network_atlases import keep_present

BACKGROUND = re.compile(
    r"(unknown|\?\?\?|background.*|.*medial[ _-]?wall.*|corpus[ _-]?callosum|none|0)", re.IGNORECASE
)
_SIDES = (
    (r"(^|[._-])lh([._-])", r"\1rh\2"), (r"(^|[._-])rh([._-])", r"\1lh\2"),
    (r"hemi-L", "hemi-R"), (r"hemi-R", "hemi-L"),
    (r"([._-])L([._-])", r"\1R\2"), (r"([._-])R([._-])", r"\1L\2"),
    (r"left", "right"), (r"right", "left"),
)  # fmt: skip
_KINDS = (
    "lh.*.annot with rh.*.annot, a .label.gii pair, a .dlabel.nii, or a label volume .nii or .nii.gz in MNI space; "
    "of weights a .func.gii pair, a .dscalar.nii or a 4-D volume"
)
_ENDINGS = (
    (".annot", "annot"), (".func.gii", "func"), (".shape.gii", "func"), (".gii", "gifti"),
    (".dlabel.nii", "cifti"), (".dscalar.nii", "dscalar"), (".nii", "volume"),
)  # fmt: skip
_WEIGHTS = ("func", "dscalar", "volumes")


def read_atlas(
    path: str | Path,
    names: str | Path | Mapping[int, str] | None = None,
    folder: str | Path | None = None,
) -> NetworkAtlas:
    """Read a network atlas from a file.

    Parameters
    ----------
    path : path
        ``.annot`` or ``.label.gii`` of either hemisphere (the other one lies
        beside it: ``lh.``/``rh.``, ``hemi-L``/``hemi-R``, ``.L.``/``.R.`` or
        ``left``/``right``), a CIFTI ``.dlabel.nii`` (fsLR 32k, with or without
        the medial wall; below cortex is left out), or a NIfTI label volume in
        MNI space. Meshes: fsaverage5, fsaverage6, fsaverage; GIfTI also fsLR 32k.
        Networks that are weights and may overlap: a ``.func.gii`` or
        ``.shape.gii`` pair with one array per map, a ``.dscalar.nii``, or a
        volume with a map at each place of its fourth axis.
    names : path or mapping, optional
        Names by label number (of an annotation: the row of its colour table,
        from 0; of weights: the number of the map, from 1): see
        `label_names.read_names`. Without it the names in the file count; beside
        a volume, a table of the same stem is found by itself. Maps without any
        are ``map 1`` and so on.
    folder : path, optional
        The data folder, with the spheres that fsLR needs: see `fslr`.

    Returns
    -------
    NetworkAtlas
        Labels int16 (20484,), numbered 1..n without gaps; regions of one name
        on both sides are one network. Background by name (unknown, medial
        wall, ...) or number 0 is 0. How labels come to fsaverage5:
        `label_projection`. Of weights also ``weights``, and labels as
        `weight_files.drawn_labels` draws them. ``name`` holds a digest of all
        that and of the names, so that two atlases never share a stored result.

    Raises
    ------
    AtlasError
        Not such a file, damaged, too large, one hemisphere missing, on another
        mesh, without names, or with more than 1,000 labels.
    """
    path = Path(path)
    kind = _kind(path)
    given = _given_names(path, names, kind)
    if kind in _WEIGHTS:
        return _weighted(path, kind, given, folder)
    if kind == "volume":
        labels = _volume(path)
    elif kind == "cifti":
        labels, given = _cifti(path, given, folder)
    elif kind == "annot":
        rows = {row + 1: name for row, name in given.items()}
        labels, given = _surface_pair(path, read_annotation, rows, folder)
    else:
        labels, given = _surface_pair(path, read_gifti_labels, given, folder)
    return _atlas(path, *_name(path, labels, given))


def _atlas(path: Path, labels: np.ndarray, networks: tuple[str, ...], *weights: np.ndarray) -> NetworkAtlas:
    stem = re.sub(r"[^a-z0-9]+", "-", _stem(path).lower()).strip("-")[:40] or "atlas"
    digest = _digest(weights[0] if weights else labels, networks)
    title = f"{_stem(path)} (your own{', weights' if weights else ''})"
    return NetworkAtlas(f"own-{stem}-{digest[:8]}", title, labels, networks, "", "your own file", *weights)


def _weighted(path: Path, kind: str, given: Mapping[int, str], folder: str | Path | None) -> NetworkAtlas:
    if kind == "func":
        maps, names = weight_files.read_gifti_pair(_pair(path), folder)
    elif kind == "dscalar":
        maps, names = weight_files.read_cifti_maps(path, folder)
    else:
        maps, names = weight_files.read_volume_maps(path)
    weights = weight_files.on_cortex(path, maps)
    called = dict(given or names)
    networks = tuple(called.get(i, "").strip() or f"map {i}" for i in range(1, len(weights) + 1))
    if len(set(networks)) < len(networks):
        twice = next(name for name in networks if networks.count(name) > 1)
        raise wrong_file(path, f"two maps called '{twice[:40]}'", "one name for each map", "name them apart")
    return _atlas(path, weight_files.drawn_labels(weights), networks, weights)


# ---------------------------------------------------------------- which file, which names


def _kind(path: Path) -> str:
    name = path.name.lower()
    if re.search(r"\.(dtseries|p\w+)\.nii(\.gz)?$", name):
        raise wrong_file(
            path, "values of CIFTI", "a .dlabel.nii or .dscalar.nii", "give networks, not a series"
        )
    for ending, kind in _ENDINGS:
        if name.removesuffix(".gz").endswith(ending):
            return "volumes" if kind == "volume" and n_volumes(path) > 1 else kind
    raise wrong_file(path, f"a file that ends in '{path.suffix or path.name}'", _KINDS, "convert it")


def _stem(path: Path) -> str:
    stem = re.sub(
        r"(\.d?label|\.func|\.shape|\.dscalar)?\.(annot|gii|nii)(\.gz)?$", "", path.name, flags=re.IGNORECASE
    )
    return re.sub(r"^[lr]h\.|[._-]?hemi-[LR]|[._-](lh|rh|L|R|left|right)$", "", stem) or stem


def _given_names(path: Path, names: str | Path | Mapping[int, str] | None, kind: str) -> dict[int, str]:
    if names is None and kind in ("volume", "volumes"):
        stem = re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)
        tables = [path.with_name(stem + ending) for ending in (".tsv", ".csv", ".json", ".txt")]
        names = next((table for table in tables if table.is_file()), None)
        if names is None and kind == "volume":
            raise wrong_file(
                path, "no names", f"a table of label number and name, such as {tables[0].name}", "add it"
            )
    if names is None:
        return {}
    return read_names(names) if isinstance(names, str | Path) else {int(k): str(v) for k, v in names.items()}


def _name(path: Path, labels: np.ndarray, names: Mapping[int, str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers and names of the file -> labels 1..n and the names of the networks."""
    numbers = np.unique(labels[labels != 0])
    _check_names(path, numbers, names)
    kept = [int(n) for n in numbers if not BACKGROUND.fullmatch(names[int(n)].strip())]
    if not kept:
        raise wrong_file(
            path, "no network on cortex", "at least one label other than background", "check the file"
        )
    position = np.zeros(len(numbers), np.int64)
    position[np.isin(numbers, kept)] = np.arange(1, len(kept) + 1)
    at = np.searchsorted(numbers, labels).clip(0, len(numbers) - 1)
    return keep_present(np.where(labels == 0, 0, position[at]), tuple(names[n].strip() for n in kept))


def _check_names(path: Path, numbers: np.ndarray, names: Mapping[int, str]) -> None:
    """Each number has a name, and each network one number."""
    if len(numbers) > MAX_LABELS:
        raise wrong_file(
            path, f"{len(numbers)} different labels", f"at most {MAX_LABELS}", "merge regions to networks"
        )
    owner: dict[str, int] = {}
    for number in map(int, numbers):
        name = names.get(number, "").strip()
        if not name:
            raise wrong_file(
                path, f"label {number} without a name", "a name for each label", "add it to the names"
            )
        if owner.setdefault(name, number) != number and not BACKGROUND.fullmatch(name):
            found = f"labels {owner[name]} and {number} both called '{name[:40]}'"
            raise wrong_file(path, found, "one number for each network", "merge them, or name them apart")


def _digest(values: np.ndarray, networks: tuple[str, ...]) -> str:
    return hashlib.sha256(values.tobytes() + "\n".join(networks).encode()).hexdigest()


# ---------------------------------------------------------------- surface files


def _surface_pair(
    path: Path, read: Callable[[Path], Labels], given: Mapping[int, str], folder: str | Path | None
) -> Labels:
    """Labels (20484,) of both halves and the names of their numbers; equal names get equal numbers."""
    number: dict[str, int] = {}
    halves = []
    for half in _pair(path):
        labels, names = read(half)
        if len(labels) not in (*MESHES, FSLR):
            raise wrong_file(half, f"{len(labels)} vertices", meshes(), "resample it to fsaverage5")
        own, names = np.unique(labels[labels > 0]), dict(given or names)
        _check_names(half, own, names)
        table = np.zeros(len(own) + 1, np.int64)
        table[1:] = [number.setdefault(names[int(n)].strip(), len(number) + 1) for n in own]
        halves.append(table[np.where(labels > 0, np.searchsorted(own, labels) + 1, 0)])
    sizes = [len(half) for half in halves]
    if sizes[0] != sizes[1]:
        raise wrong_file(
            path, f"{sizes[0]} and {sizes[1]} vertices", "both halves on one mesh", "check the pair"
        )
    whole = np.concatenate(halves)
    on_five = project_fslr(whole, folder) if sizes[0] == FSLR else project_mesh(whole)
    return on_five, {i: name for name, i in number.items()}


def _cifti(path: Path, given: Mapping[int, str], folder: str | Path | None) -> Labels:
    """Labels (20484,) of a .dlabel.nii and the names of their numbers."""
    labels, names = read_cifti_labels(path)
    labels = np.where(labels > 0, labels, 0)
    _check_names(path, np.unique(labels[labels > 0]), dict(given or names))
    return project_fslr(labels, folder), dict(given or names)


def _pair(path: Path) -> tuple[Path, Path]:
    """The left and the right file, whichever was given."""
    for i, (this, other) in enumerate(_SIDES):
        partner, found = re.subn(this, other, path.name, count=1)
        if found:
            pair = (path, path.with_name(partner)) if i % 2 == 0 else (path.with_name(partner), path)
            if not pair[0].is_file() or not pair[1].is_file():
                absent = pair[1] if pair[0].is_file() else pair[0]
                raise wrong_file(
                    path, f"no {absent.name} beside it", "both hemispheres", "add the other half"
                )
            return pair
    raise wrong_file(
        path, "no hemisphere in the name", "lh./rh., hemi-L/hemi-R, .L./.R. or left/right", "rename the pair"
    )


# ---------------------------------------------------------------- volumes


def _volume(path: Path) -> np.ndarray:
    """Label of each vertex, int64 (20484,)."""
    image = read_label_volume(path)
    labels = project_volume(np.asarray(image.dataobj), image.affine)
    if not labels.any():
        raise wrong_file(path, "no label on cortex", "a volume in MNI space", "check its affine")
    return labels
