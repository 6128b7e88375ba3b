"""One run of one subject as numbers: GIfTI, NIfTI, CIFTI and tables, each looked at before it is read.

What a file would take is known from its header, its size and the way it is
packed; a file that asks for more than it can hold, or unpacks to a hundred times
its size, is refused before any of that is read. A column that is NaN at every TR
(a masked medial wall, voxels outside the brain) has no data and stays NaN; a NaN
among numbers, and infinity anywhere, is refused. Formats: GIfTI 1.0
(nitrc.org/projects/gifti), NIfTI-1 and -2 (nifti.nimh.nih.gov), CIFTI-2
(nitrc.org/projects/cifti), numpy's .npy (never pickled).
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
from nibabel.gifti import GiftiImage
from nibabel.gifti.parse_gifti_fast import GiftiImageParser

from ..errors import RecordingError
from .fmri_guards import (
    MAX_RUN_BYTES,
    SLACK_BYTES,
    check_length,
    check_promise,
    check_values,
    file_size,
    first_line,
    nifti_header,
    to_seconds,
    wrong_run,
)
from .fmri_volumes import Volumes, read_nifti
from .label_files import FSLR, MESHES

__all__ = ["Series", "Volumes", "open_gifti", "read_cifti", "read_gifti", "read_nifti", "read_table"]

MESH_NAMES = {**MESHES, FSLR: "fsLR 32k"}
MAX_TABLE_BYTES = 256 * 1024**2
MAX_EXTENSION_BYTES = 64 * 1024**2


@dataclass(frozen=True, eq=False)
class Series:
    """One run in memory.

    Attributes
    ----------
    values : float32 (n_trs, n_columns)
        Left vertices then right ones, or parcels; NaN where a column has no data.
    tr : float
        Seconds; 0 where the file does not say.
    """

    values: np.ndarray
    tr: float


# ---------------------------------------------------------------- surfaces


def read_gifti(left: str | Path, right: str | Path) -> Series:
    """Read both hemispheres of one run.

    Parameters
    ----------
    left, right : path
        ``.func.gii`` with one array of vertices per TR (fMRIPrep, Narratives), or
        one array (n_vertices, n_trs) or (n_trs, n_vertices).

    Returns
    -------
    Series
        values (n_trs, 2 * n_vertices), left first; ``tr`` from the metadata ``TimeStep``.

    Raises
    ------
    RecordingError
        Damaged, too large, on an unknown mesh, or two halves that differ.
    """
    halves = [_read_hemisphere(Path(path)) for path in (left, right)]
    (one, tr), (other, other_tr) = halves
    if one.shape != other.shape or tr != other_tr:
        found = [f"{v.shape[0]} TRs x {v.shape[1]} vertices at {t:g} s" for v, t in halves]
        raise wrong_run(
            Path(right), found[1], f"{found[0]}, as in {Path(left).name}", "give both halves of one run"
        )
    return Series(np.concatenate([one, other], axis=1), tr)


def open_gifti(path: str | Path) -> GiftiImage:
    """Parse a GIfTI file: no data in other files, no entities, no array larger than it says.

    Raises
    ------
    RecordingError
        It is damaged, or unpacks to more than it may.
    """
    path = Path(path)
    size = file_size(path)
    parser = _GuardedParser(path, size)
    try:
        with open(path, "rb") as file:
            parser.parse(fptr=file)
    except RecordingError:
        raise
    except Exception as error:  # nibabel, zlib, base64 and expat each raise their own kinds
        raise wrong_run(path, first_line(error), "a GIfTI file", "copy it again") from error
    if parser.img is None or not parser.img.darrays:
        raise wrong_run(path, "no data array", "a GIfTI file with data", "check the file")
    return parser.img


class _GuardedParser(GiftiImageParser):
    """nibabel's parser, which looks at each array before it is unpacked."""

    HANDLER_NAMES = [*GiftiImageParser.HANDLER_NAMES, "EntityDeclHandler"]

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(mmap=False)
        self.path, self.size, self.promised = path, size, 0

    def EntityDeclHandler(self, *_: Any) -> None:
        raise ValueError("an XML entity")

    def flush_chardata(self) -> None:
        if self.write_to == "Data":
            self._look_at_array("".join(self._char_blocks or ()))
        super().flush_chardata()

    def _look_at_array(self, text: str) -> None:
        encoding = nibabel.gifti.util.gifti_encoding_codes.label[self.da.encoding]
        dtype: Any = nibabel.nifti1.data_type_codes.dtype[self.da.datatype]
        n_bytes = int(np.prod(self.da.dims, dtype=float)) * dtype.itemsize
        self.promised += n_bytes
        check_promise(self.path, self.promised, self.size)
        if encoding == "External":
            raise ValueError("data in another file")
        if encoding == "B64GZ":
            unpacked = zlib.decompressobj().decompress(base64.b64decode(text), n_bytes + 1)
            if len(unpacked) != n_bytes:
                raise ValueError(f"an array that is not of the {n_bytes} bytes it says")


def _read_hemisphere(path: Path) -> tuple[np.ndarray, float]:
    """Values float32 (n_trs, n_vertices), and the TR in seconds."""
    image = open_gifti(path)
    arrays = [item.data for item in image.darrays]
    shapes = {array.shape for array in arrays}
    if len(arrays) == 1 and arrays[0].ndim == 2:
        turned = arrays[0].shape[0] in MESH_NAMES and arrays[0].shape[1] not in MESH_NAMES
        arrays = list(arrays[0].T if turned else arrays[0])
    n_vertices = arrays[0].size
    if len(shapes) != 1 or arrays[0].ndim != 1 or n_vertices not in MESH_NAMES:
        known = " or ".join(f"{n} ({name})" for n, name in MESH_NAMES.items())
        raise wrong_run(
            path, f"arrays of shape {sorted(shapes)[:3]}", f"{known} vertices per TR", "resample it"
        )
    check_length(path, len(arrays))
    if any(array.dtype.kind not in "iuf" for array in arrays):
        raise wrong_run(path, f"values of type {arrays[0].dtype}", "numbers", "write it again")
    values = np.empty((len(arrays), n_vertices), np.float32)
    with np.errstate(over="ignore"):
        for row, array in zip(values, arrays, strict=True):
            row[:] = array
    check_values(path, values)
    step = image.meta.get("TimeStep") or image.darrays[0].meta.get("TimeStep") or ""
    return values, to_seconds(step, "msec") or to_seconds(step, "sec")  # some programs write seconds


def read_cifti(path: str | Path) -> Series:
    """Read a dense time series on fsLR 32k (``.dtseries.nii``, 91k as of fMRIPrep and HCP).

    Returns
    -------
    Series
        values (n_trs, 2 * 32492), NaN on the medial wall; what lies below cortex is left out; ``tr`` from the series' step.

    Raises
    ------
    RecordingError
        Damaged, not a dense time series, without one hemisphere, or on another mesh.
    """
    path = Path(path)
    _check_cifti(path)
    try:
        image = nibabel.Cifti2Image.from_filename(path)
        time, model = (image.header.get_axis(i) for i in (0, 1))
        if not isinstance(time, nibabel.cifti2.SeriesAxis) or not isinstance(
            model, nibabel.cifti2.BrainModelAxis
        ):
            raise ValueError(f"{type(time).__name__} x {type(model).__name__}")
        values = image.get_fdata(dtype=np.float32, caching="unchanged")
        if values.shape != (len(time), len(model)):
            raise ValueError(f"values {values.shape} under axes of {len(time)} and {len(model)}")
    except Exception as error:  # nibabel and expat each raise their own kinds
        raise wrong_run(
            path, first_line(error), "a .dtseries.nii: time x brain models", "check the file"
        ) from error
    check_values(path, values)
    halves = [
        _cifti_half(path, values, model, f"CIFTI_STRUCTURE_CORTEX_{side}") for side in ("LEFT", "RIGHT")
    ]
    tr = to_seconds(time.step, "sec") if time.unit == "SECOND" else 0.0
    return Series(np.concatenate(halves, axis=1), tr)


def _check_cifti(path: Path) -> None:
    """Refuse by the first 540 bytes and the XML what nibabel would follow without a limit."""
    size = file_size(path)
    with open(path, "rb") as file:
        header = nifti_header(path, file.read(540))
        offset, shape = int(header["vox_offset"]), header.get_data_shape()
        n_bytes = int(np.prod(shape, dtype=float)) * header.get_data_dtype().itemsize
        if header.sizeof_hdr != 540 or len(shape) != 6 or header.get_data_dtype().kind not in "iuf":
            raise wrong_run(
                path, f"a file of shape {shape}", "a CIFTI-2 dense time series", "give a .dtseries.nii"
            )
        if not 540 <= offset <= MAX_EXTENSION_BYTES or n_bytes + offset > min(size, MAX_RUN_BYTES):
            raise wrong_run(
                path, f"{shape[4:]} values in {size} bytes", "a whole file of at most 8 GiB", "copy it again"
            )
        if b"<!" in file.read(offset - 540).replace(b"<![CDATA[", b"").replace(b"<!--", b""):
            raise wrong_run(
                path, "XML with declarations", "the axes of a dense time series", "write it again"
            )
    check_length(path, shape[4])


def _cifti_half(path: Path, values: np.ndarray, model: Any, name: str) -> np.ndarray:
    """One hemisphere with all its vertices: (n_trs, 32492), NaN where the file has none."""
    columns = np.flatnonzero(model.name == name)
    vertices, n = model.vertex[columns], model.nvertices.get(name, 0)
    if not len(columns) or n != FSLR:
        raise wrong_run(
            path, f"{n} vertices of {name}", f"{FSLR} (fsLR 32k) for each hemisphere", "resample it"
        )
    if vertices.min() < 0 or vertices.max() >= n or len(np.unique(vertices)) != len(vertices):
        raise wrong_run(
            path, f"vertices of {name} that come twice or lie outside", f"0 to {n - 1}", "write it again"
        )
    half = np.full((len(values), n), np.nan, np.float32)
    half[:, vertices] = values[:, columns]
    return half


# ---------------------------------------------------------------- tables


def read_table(path: str | Path) -> Series:
    """Read a table of parcels: one row per TR, one column per parcel.

    Parameters
    ----------
    path : path
        ``.npy``, ``.csv`` or ``.tsv``. A first row of names, or of the running
        numbers 0, 1, ... or 1, 2, ..., is a header; a first column without a name
        below such a header is the row number that pandas writes. Both are left out.

    Returns
    -------
    Series
        values (n_trs, n_parcels); ``tr`` 0.

    Raises
    ------
    RecordingError
        Not a table of numbers, ragged, too large, or with NaN or infinity.
    """
    path = Path(path)
    size = file_size(path)
    if size > MAX_TABLE_BYTES:
        raise wrong_run(path, f"{size} bytes", f"at most {MAX_TABLE_BYTES}", "keep one run of parcels")
    needed = "numbers, (n_trs, n_parcels)"
    try:
        table = _npy(path) if path.suffix.lower() == ".npy" else _text_table(path)
        if table.ndim != 2 or table.dtype.kind not in "iuf" or table.shape[1] == 0:
            raise ValueError(f"{table.dtype} {table.shape}")
    except Exception as error:  # numpy, zipfile, tokenize and pandas each raise their own kinds
        raise wrong_run(
            path, first_line(error), needed, "write one row per TR and one column per parcel"
        ) from error
    check_length(path, len(table))
    with np.errstate(over="ignore"):
        values = np.array(table, np.float32)
    if np.isnan(values).any():
        raise wrong_run(
            path, f"{np.isnan(values).sum()} values that are NaN or absent", needed, "fill or drop them"
        )
    check_values(path, values)
    return Series(values, 0.0)


def _npy(path: Path) -> np.ndarray:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("an archive")
    return array


def _text_table(path: Path) -> np.ndarray:
    separator = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
    if separator is None:
        raise ValueError(f"a file that ends in '{path.suffix}'")
    with open(path, encoding="utf-8-sig") as file:
        first = [cell.strip().strip('"') for cell in file.readline(SLACK_BYTES).split(separator)]
    header = _is_header(first)
    frame = pd.read_csv(
        path, sep=separator, header=None, skiprows=int(header), dtype=np.float64, encoding="utf-8-sig"
    )
    if frame.shape[1] != len(first):
        raise ValueError(f"{len(first)} names over {frame.shape[1]} columns")
    return frame.to_numpy()[:, 1:] if header and first[0] == "" else frame.to_numpy()


def _is_header(cells: list[str]) -> bool:
    try:
        numbers = [float(cell) for cell in cells[1 if cells[0] == "" else 0 :]]
    except ValueError:
        return True
    return (
        cells[0] == ""
        or len(cells) > 1
        and numbers in (list(range(len(cells))), list(range(1, len(cells) + 1)))
    )
