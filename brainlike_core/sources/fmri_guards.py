"""What a file of fMRI may ask for: sizes, lengths, values, and the refusal that names the file.

A file that promises more than it can hold, or unpacks to more than a hundred
times its size, is refused before it is read.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import nibabel
import numpy as np

from ..errors import RecordingError

MAX_TRS = 10_000
MAX_RUN_BYTES = 8 * 1024**3
SMALL_BYTES = 64 * 1024**2  # up to here a file may be packed as tightly as it likes
MAX_PACKING = 100
SLACK_BYTES = 1024**2
TR_RANGE = (0.1, 20.0)
_UNITS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}


def wrong_run(path: Path, found: str, needed: str, do: str) -> RecordingError:
    """The refusal of one file."""
    return RecordingError(
        f"The fMRI file {path.name} cannot be used", found=found[:200], needed=needed, do=do
    )


def first_line(error: Exception) -> str:
    """What a library said, in one line."""
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:200]


def file_size(path: Path) -> int:
    """Bytes of a file that is there and not empty.

    Raises
    ------
    RecordingError
    """
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        size = 0
    if not size:
        found = "an empty file" if path.is_file() else "no file"
        raise wrong_run(path, found, "a readable file", "check the path")
    return size


def is_packed(path: Path) -> bool:
    """Does the file begin as gzip does?"""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def check_promise(path: Path, n_bytes: float, size: int) -> None:
    """Refuse what would become too large, or too large for a packed file of ``size`` bytes."""
    most = min(MAX_RUN_BYTES, max(SMALL_BYTES, MAX_PACKING * size))
    if n_bytes > most:
        needed = f"at most {most} bytes in one run of this size"
        raise wrong_run(path, f"{n_bytes:.0f} bytes promised by a file of {size}", needed, "copy it again")


def check_length(path: Path, n_trs: int) -> None:
    """Refuse a run of fewer than 2 or more than 10,000 TRs."""
    if not 2 <= n_trs <= MAX_TRS:
        raise wrong_run(path, f"{n_trs} TRs", f"2 to {MAX_TRS}", "give one run, time by place")


def check_values(path: Path, values: np.ndarray) -> None:
    """Refuse infinity, NaN at some TRs of a column, and a run (n_trs, n_columns) without any data."""
    missing = np.isnan(values)
    n_nan = np.count_nonzero(missing, axis=0)
    partly = np.count_nonzero((n_nan > 0) & (n_nan < len(values)))
    n_infinite = np.count_nonzero(np.isinf(values))
    if partly or n_infinite:
        raise wrong_run(
            path, f"NaN at some TRs of {partly} columns, {n_infinite} infinite values",
            "finite values, or NaN at every TR", "write it again, or leave this subject out",
        )  # fmt: skip
    if n_nan.all():
        raise wrong_run(path, "NaN everywhere", "finite values", "write it again, or leave this subject out")


def read_bytes(path: Path, file: IO[bytes] | Any, n: int, what: str) -> bytes:
    """Exactly ``n`` bytes of an open file, packed or not."""
    raw = read_some(path, file, n)
    if len(raw) < n:
        raise wrong_run(path, f"the end of the file in {what}", "a whole file", "copy it again")
    return raw


def read_some(path: Path, file: IO[bytes] | Any, n: int) -> bytes:
    """At most ``n`` bytes of an open file, packed or not."""
    try:
        return file.read(n)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise wrong_run(path, first_line(error), "a whole file", "copy it again") from error


def to_seconds(value: object, unit: str) -> float:
    """A repetition time in seconds; 0 for what cannot be one.

    Examples
    --------
    >>> to_seconds("1500.0", "msec"), to_seconds(2, "sec"), to_seconds(2000, "sec"), to_seconds("", "sec")
    (1.5, 2.0, 0.0, 0.0)
    """
    try:
        seconds = round(float(str(value)) * _UNITS.get(unit, 0.0), 6)
    except ValueError:
        return 0.0
    return seconds if TR_RANGE[0] <= seconds <= TR_RANGE[1] else 0.0


def nifti_header(path: Path, raw: bytes) -> Any:
    """The NIfTI-1 or -2 header in the first bytes of a file, with every field that is used looked at once."""
    first = raw[:4] in (struct.pack("<i", 348), struct.pack(">i", 348))
    kind = nibabel.Nifti1Header if first else nibabel.Nifti2Header
    try:
        header = kind.from_fileobj(io.BytesIO(raw))
        header.get_data_shape(), header.get_data_dtype(), header.get_slope_inter(), header.get_xyzt_units()
        if not header["magic"].item().startswith(b"n+"):
            raise ValueError("a header without its data")
        if not 0 <= float(header["vox_offset"]) < MAX_RUN_BYTES:
            raise ValueError("no place of the data")
        if np.isinf(float(header["scl_slope"])):
            raise ValueError("an infinite scale")
        if not np.isfinite(header.get_best_affine()).all():
            raise ValueError("no place in space")
    except Exception as error:  # nibabel raises many kinds
        raise wrong_run(path, first_line(error), "a NIfTI file", "check the file") from error
    return header


def checked_affine(path: Path, header: Any) -> np.ndarray:
    """Voxel to mm, float64 (4, 4): voxels of 0.2 to 20 mm along three axes."""
    affine = np.asarray(header.get_best_affine(), float)
    size = nibabel.affines.voxel_sizes(affine)
    flat = abs(np.linalg.det(affine[:3, :3])) < 0.1 * np.prod(size)
    if size.min() < 0.2 or size.max() > 20 or flat:
        needed = "0.2 to 20 mm along three axes"
        raise wrong_run(path, f"voxels of {np.round(size, 3)} mm", needed, "correct its affine")
    return affine
