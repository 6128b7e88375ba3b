"""Real brains that listened to a story: the Pie Man parcels.

The folder holds ``timeseries/*.npy`` (one subject each, TRs x 293 parcels),
``align.csv`` (word timings) and ``shen_2mm_268_parcellation.nii.gz``. Columns
are Shen-268 parcels (Shen et al. 2013, doi:10.1016/j.neuroimage.2013.05.081),
16 subcortical nuclei (Pauli et al. 2018, doi:10.1038/sdata.2018.63) and 9 of
the Harvard Ascending Arousal Network atlas (Edlow et al. 2012).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError
from nibabel.wrapstruct import WrapStructError
from scipy.spatial import cKDTree

from ..errors import RecordingError
from ..values import Recording, Story
from ..whole_files import file_sha256
from .atlases import load_atlas
from .stories import read_gentle_csv
from .surfaces import HEMISPHERES, load_surface, surface_file

N_SHEN, N_PAULI, N_AAN = 268, 16, 9
N_LOCATIONS = N_SHEN + N_PAULI + N_AAN
N_SHEN_RIGHT = 133  # parcels 1-133 lie in the right hemisphere
TR = 1.5
PASS_BAND = (0.01, 0.12)
MAX_TRS = 10_000
MAX_VOLUME_BYTES = 64 * 1024 * 1024
FINN_NETWORKS = (
    "Medial frontal",
    "Frontoparietal",
    "Default",
    "Subcortical-cerebellum",
    "Motor",
    "Visual I",
    "Visual II",
    "Visual association",
)
LABEL_VOLUME = "shen_2mm_268_parcellation.nii.gz"
_NETWORK_TABLE = "shen_268_parcellation_networklabels.csv"
_VOLUME_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    OverflowError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
    HeaderTypeError,
    WrapStructError,
)


def find_pieman(folder: str | Path | None, candidates: Sequence[str | Path] = ()) -> Path:
    """The folder that holds Pie Man.

    Parameters
    ----------
    folder : path or None
        The folder itself or its parent; None = the first of ``candidates``
        that fits.

    Raises
    ------
    RecordingError
        None of them has ``timeseries/*.npy``.
    """
    places = [Path(folder)] if folder is not None else [Path(c) for c in candidates]
    for place in places:
        for path in (place, place / "pieman"):
            if any((path / "timeseries").glob("*.npy")):
                return path
    raise RecordingError(
        "The Pie Man recording is not there",
        found=f"no timeseries/*.npy in {', '.join(map(str, places)) or 'any folder'}",
        needed="its folder, or the parent that holds pieman/",
        do="fetch pieman, or name its folder with --data",
    )


def folder_digest(folder: str | Path) -> str:
    """SHA-256 over the names and bytes of everything that `load_pieman` reads: 64 hex characters."""
    folder = find_pieman(folder)
    names = ("align.csv", LABEL_VOLUME, _NETWORK_TABLE)
    body = hashlib.sha256()
    for path in [*sorted((folder / "timeseries").glob("*.npy")), *(folder / name for name in names)]:
        body.update(path.name.encode())
        if path.is_file():  # a missing one is refused, with its name, when it is read
            body.update(bytes.fromhex(file_sha256(path)))
    return body.hexdigest()


def load_pieman(folder: str | Path, subjects: Sequence[int] = ()) -> tuple[Recording, Story]:
    """Load Pie Man: brains and story on one clock.

    Parameters
    ----------
    folder : path
        See `find_pieman`.
    subjects : sequence of int
        One-based positions among the sorted files; empty = all.

    Returns
    -------
    Recording
        bold (n_subjects, n_trs, 293), z-scored over time, constant columns 0.
    Story

    Raises
    ------
    RecordingError
        Missing, damaged, misshapen or non-finite files; names the subject.
    StoryError
        The transcript does not fit.
    """
    folder = find_pieman(folder)
    files = _choose(sorted((folder / "timeseries").glob("*.npy")), subjects)
    bold, constant = _read_subjects(files)
    recording = Recording(
        name="pieman",
        title="Pie Man (Narratives), parcels",
        bold=bold,
        tr=TR,
        subjects=tuple(_subject(path) for path in files),
        space="shen268",
        locations=parcel_names(folder / _NETWORK_TABLE),
        vertex_location=project_parcels(folder / LABEL_VOLUME),
        constant=constant,
        pass_band=PASS_BAND,
    )
    return recording, read_gentle_csv(folder / "align.csv", "pieman", "Pie Man (Jim O'Grady, The Moth)")


def parcel_names(table: Path) -> tuple[str, ...]:
    """Names of the 293 columns, such as ``Shen 61 (Motor)``.

    ``table`` maps nodes to the eight networks of Finn et al. 2015
    (doi:10.1038/nn.4135); without it the parcels go by number alone.
    """
    networks = _finn_networks(table) if table.is_file() else {}
    shen = [f"Shen {i} ({networks[i]})" if i in networks else f"Shen {i}" for i in range(1, N_SHEN + 1)]
    pauli = [f"Pauli {i}" for i in range(1, N_PAULI + 1)]
    return tuple(shen + pauli + [f"AAN {i}" for i in range(1, N_AAN + 1)])


def project_parcels(volume: Path) -> np.ndarray:
    """Project the Shen label volume to fsaverage5.

    Each vertex takes the most frequent label between white matter and pial
    surface; holes on cortex take the nearest labelled vertex on the sphere.

    Returns
    -------
    int32 (20484,)
        Location of each vertex, 0 to 267; -1 on the medial wall.
    """
    return project_image(_label_image(volume), N_SHEN_RIGHT)


def project_image(image: nibabel.Nifti1Image, n_right: int = 0, reach: float = np.inf) -> np.ndarray:
    """Project a 3-D image of labels in MNI space to fsaverage5.

    Labels up to ``n_right`` lie in the right hemisphere, the others in the left
    (0 = not known). A hole takes the nearest label within ``reach``, in mm on the
    sphere of radius 100. int32 (20484,): label - 1; -1 on the medial wall and beyond reach.
    """
    left, right = _surface_labels(image)
    if n_right:
        left[left <= n_right] = 0  # at the midline a few voxels belong to the other side
        right[right > n_right] = 0
    return _fill_cortex(np.concatenate([left, right]), reach)


def _surface_labels(image: nibabel.Nifti1Image) -> tuple[np.ndarray, np.ndarray]:
    """Most frequent label between white matter and pial surface, int32 (10242,) for each hemisphere; 0 = none."""
    from nilearn.surface import vol_to_surf  # imports slowly

    left, right = (
        vol_to_surf(
            image,
            str(surface_file("pial", side)),
            inner_mesh=str(surface_file("white", side)),
            kind="depth",
            interpolation="nearest_most_frequent",
        )
        for side in HEMISPHERES
    )
    return np.nan_to_num(left).astype(np.int32), np.nan_to_num(right).astype(np.int32)


def _fill_cortex(labels: np.ndarray, reach: float = np.inf) -> np.ndarray:
    """Labels 1.. with holes -> locations 0.., holes within reach filled and the medial wall -1."""
    surface, cortex = load_surface(), load_atlas("yeo7").labels > 0
    location = np.full(len(labels), -1, np.int32)
    for side in (slice(0, surface.n_left), slice(surface.n_left, None)):
        known = np.flatnonzero(labels[side] > 0)
        if len(known):
            tree = cKDTree(surface.sphere[side][known])
            away, nearest = tree.query(surface.sphere[side])  # a labelled vertex is its own nearest
            location[side] = np.where(away <= reach, labels[side][known[nearest]] - 1, -1)
    location[~cortex] = -1
    return location


def _label_image(path: Path) -> nibabel.Nifti1Image:
    """The label volume, gunzipped once to its end under a byte cap, then checked."""
    try:
        with gzip.open(path) as file:
            raw = file.read(MAX_VOLUME_BYTES + 1)
        header = nibabel.Nifti1Header.from_fileobj(io.BytesIO(raw))
        shape, size = header.get_data_shape(), header.get_data_dtype().itemsize
        if len(shape) != 3 or np.prod(shape, dtype=float) * size > min(len(raw), MAX_VOLUME_BYTES):
            raise ValueError(f"a volume of shape {shape} in {len(raw)} bytes")
        image = nibabel.Nifti1Image.from_bytes(raw)
        labels = np.asarray(image.dataobj)
        if not np.array_equal(np.unique(labels), np.arange(N_SHEN + 1)):
            raise ValueError(f"{len(np.unique(labels))} different labels")
    except _VOLUME_ERRORS as error:
        raise _bad_volume(path, str(error) or type(error).__name__) from error
    return nibabel.Nifti1Image(labels.astype(np.int16), image.affine)


def _bad_volume(path: Path, found: str) -> RecordingError:
    return RecordingError(
        f"The label volume {path.name} cannot be used",
        found=found,
        needed=f"a gzipped NIfTI volume with labels 0 to {N_SHEN}",
        do="fetch pieman again",
    )


def _finn_networks(table: Path) -> dict[int, str]:
    rows = list(csv.reader(table.read_text(encoding="latin-1").splitlines()))[1:]
    try:
        networks = {int(node): FINN_NETWORKS[int(network) - 1] for node, network in rows}
        whole = sorted(networks) == list(range(1, N_SHEN + 1))
    except (ValueError, IndexError):
        whole = False
    if not whole:
        raise RecordingError(
            f"The table {table.name} does not fit",
            found=f"{len(rows)} rows",
            needed=f"a node from 1 to {N_SHEN} and a network from 1 to 8 in each row",
            do="fetch pieman again",
        )
    return networks


def _choose(files: list[Path], subjects: Sequence[int]) -> list[Path]:
    wrong = [s for s in subjects if not 1 <= s <= len(files)]
    if wrong:
        raise RecordingError(
            f"Pie Man has no subject {wrong[0]}",
            found=f"position {wrong[0]}",
            needed=f"1 to {len(files)}",
            do="change --subjects",
        )
    return [files[s - 1] for s in subjects] if subjects else files


def _read_subjects(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    arrays = [_open_subject(path) for path in files]
    n_trs = len(arrays[0])
    for path, array in zip(files, arrays, strict=True):
        if len(array) != n_trs:
            raise _bad_subject(path, f"{len(array)} TRs", f"{n_trs} TRs as in {_subject(files[0])}")
    bold = np.empty((len(files), n_trs, N_LOCATIONS), np.float32)
    constant = np.empty((len(files), N_LOCATIONS), bool)
    for i, (path, array) in enumerate(zip(files, arrays, strict=True)):
        bold[i], constant[i] = _z_score(path, np.asarray(array, np.float64))
    return bold, constant


def _open_subject(path: Path) -> np.ndarray:
    """Map one file; only its header is read, so a wrong size costs no memory."""
    needed = f"float64 (n_trs, {N_LOCATIONS})"
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _bad_subject(path, str(error).split("\n")[0], needed) from error
    if not isinstance(array, np.ndarray):
        raise _bad_subject(path, "an archive", needed)
    fits = array.ndim == 2 and array.shape[1] == N_LOCATIONS and 2 <= array.shape[0] <= MAX_TRS
    if not fits or array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise _bad_subject(path, f"{array.dtype} {array.shape}", needed)
    return array


def _z_score(path: Path, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bad = np.count_nonzero(~np.isfinite(series))
    if bad:
        raise _bad_subject(path, f"{bad} values that are NaN or infinite", "finite values")
    peak = np.abs(series).max(axis=0)
    series = series / np.where(peak > 0, peak, 1)  # first, or squares of large values overflow
    spread = series.std(axis=0)
    constant = spread <= 1e-10
    scores = (series - series.mean(axis=0)) / np.where(constant, 1, spread)
    scores[:, constant] = 0
    return scores.astype(np.float32), constant


def _subject(path: Path) -> str:
    match = re.match(r"sub-[A-Za-z0-9]+", path.name)
    return match.group() if match else path.stem


def _bad_subject(path: Path, found: str, needed: str) -> RecordingError:
    return RecordingError(
        f"Pie Man subject {_subject(path)} does not fit",
        found=found,
        needed=needed,
        do="fetch pieman again, or leave this subject out with --subjects",
    )
