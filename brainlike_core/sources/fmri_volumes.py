"""One run of one subject in volumes: NIfTI-1 and -2, read one volume at a time.

Volumes lie one after the other in such a file, so a run is never in memory as a
whole, and a packed one is unpacked once, in order. Format: nifti.nimh.nih.gov.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .fmri_guards import (
    SLACK_BYTES,
    check_length,
    check_promise,
    checked_affine,
    file_size,
    is_packed,
    nifti_header,
    read_bytes,
    read_some,
    to_seconds,
    wrong_run,
)

MAX_VOXELS = 32_000_000
MAX_HEADER_BYTES = 64 * 1024**2


@dataclass(frozen=True, eq=False)
class Volumes:
    """One run on disk: iterate for its volumes, one at a time, each float32 of ``shape``.

    A packed file is unpacked once, in order, to its end, where its checksum is
    compared. Iterating raises RecordingError where bytes are missing, too many or
    damaged, and where a voxel is infinite or NaN at some volumes only.

    Attributes
    ----------
    path : Path
    shape : (n_x, n_y, n_z)
    n_trs : int
    affine : float64 (4, 4)
        Voxel to mm.
    tr : float
        Seconds; 0 where the header does not say.
    dtype : numpy dtype, with its byte order
    scale : (slope, intercept)
    offset : int
        Bytes before the first volume.
    """

    path: Path
    shape: tuple[int, int, int]
    n_trs: int
    affine: np.ndarray
    tr: float
    dtype: np.dtype
    scale: tuple[float, float]
    offset: int

    def __iter__(self) -> Iterator[np.ndarray]:
        n_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        missing = None
        with open(self.path, "rb") as packed:
            file = gzip.GzipFile(fileobj=packed) if is_packed(self.path) else packed
            read_bytes(self.path, file, self.offset, "the header")
            for t in range(self.n_trs):
                volume = self._scaled(read_bytes(self.path, file, n_bytes, f"volume {t + 1} of {self.n_trs}"))
                absent = np.isnan(volume)
                missing = absent if missing is None else missing
                if absent.all() or not np.array_equal(absent, missing) or np.isinf(volume).any():
                    raise wrong_run(
                        self.path, f"NaN or infinite voxels in volume {t + 1}",
                        "finite values, or NaN at every TR", "mask the file again, or leave this subject out",
                    )  # fmt: skip
                yield volume
            if len(read_some(self.path, file, SLACK_BYTES + 1)) > SLACK_BYTES:
                raise wrong_run(
                    self.path, "bytes after the last volume", f"{self.n_trs} volumes", "copy it again"
                )

    def _scaled(self, raw: bytes) -> np.ndarray:
        values = np.frombuffer(raw, self.dtype).reshape(self.shape, order="F")
        slope, intercept = self.scale
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite, and refused
            if (slope, intercept) == (1.0, 0.0):
                return values.astype(np.float32)
            return (values * np.float64(slope) + intercept).astype(np.float32)


def read_nifti(path: str | Path) -> Volumes:
    """Open a 4-D NIfTI file, packed or not, from its header alone.

    Returns
    -------
    Volumes
        Iterate it for the data; ``tr`` from the fourth voxel size and its unit (s, ms, us).

    Raises
    ------
    RecordingError
        Not such a file, or one that holds less than its header says.
    """
    path = Path(path)
    size = file_size(path)
    packed = is_packed(path)
    with open(path, "rb") as file:
        raw = read_some(path, gzip.GzipFile(fileobj=file) if packed else file, 540)
    header = nifti_header(path, raw)
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    if len(shape) != 4 or dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise wrong_run(
            path, f"{dtype} values of shape {shape}", "numbers of shape (x, y, z, TRs)", "give a 4-D run"
        )
    check_length(path, shape[3])
    offset = max(int(header["vox_offset"]), header.sizeof_hdr + 4)
    n_voxels, n_bytes = np.prod(shape[:3], dtype=float), np.prod(shape, dtype=float) * dtype.itemsize + offset
    if min(shape) < 1 or n_voxels > MAX_VOXELS or offset > MAX_HEADER_BYTES:
        raise wrong_run(path, f"{shape[:3]} voxels", f"1 to {MAX_VOXELS} voxels", "resample it to 2 mm")
    check_promise(path, n_bytes, size)
    if not packed and n_bytes > size:
        raise wrong_run(path, f"{size} bytes", f"{n_bytes:.0f} bytes for shape {shape}", "copy it again")
    slope, intercept = (
        float(x if x is not None else d) for x, d in zip(header.get_slope_inter(), (1, 0), strict=True)
    )
    tr = to_seconds(header.get_zooms()[3], header.get_xyzt_units()[1])
    return Volumes(
        path, shape[:3], shape[3], checked_affine(path, header), tr, dtype, (slope, intercept), offset
    )
