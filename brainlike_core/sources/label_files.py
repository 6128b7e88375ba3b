"""Label files as arrays: FreeSurfer annotations, GIfTI labels and label volumes, under a byte cap.

Each file is looked at before it is read: its size, its header, and how large it
would become. Formats: FreeSurfer annotation, colour table of version 1 or 2;
GIfTI 1.0 (nitrc.org/projects/gifti); NIfTI-1 and NIfTI-2.
"""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import nibabel
import numpy as np
from nibabel.gifti import GiftiImage

from ..errors import AtlasError

MAX_BYTES = 64 * 1024 * 1024
MAX_LABELS = 1_000
MAX_VOXELS = 16_000_000
VOXEL_MM = (0.5, 10.0)
MESHES = {10_242: "fsaverage5", 40_962: "fsaverage6", 163_842: "fsaverage"}
FSLR_SPHERES = (
    "tpl-fsLR_space-fsaverage_hemi-L_den-32k_sphere.surf.gii",
    "tpl-fsLR_space-fsaverage_hemi-R_den-32k_sphere.surf.gii",
)

Labels = tuple[np.ndarray, dict[int, str]]


def read_annotation(path: Path) -> Labels:
    """FreeSurfer annotation: 1 + row in its colour table (int64), 0 where it has none; and the names."""
    raw = read_bytes(path)
    try:
        (n,) = struct.unpack_from(">i", raw)
        if n not in MESHES:
            raise wrong_file(path, f"{n} vertices", meshes(), "resample it to fsaverage5")
        vertices, colours = np.frombuffer(raw, ">i4", 2 * n, 4).reshape(n, 2).astype(np.int64).T
        if not np.array_equal(np.sort(vertices), np.arange(n)):
            raise ValueError("vertices that come twice or lie outside the mesh")
        table = _colour_table(raw, 4 + 8 * n)
    except (struct.error, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise wrong_file(
            path, str(error), "a FreeSurfer annotation with its colour table", "write it again"
        ) from error
    rows = {colour: row for row, colour in enumerate(table, 1)}
    known, first = np.unique(colours, return_inverse=True)
    labels = np.empty(n, np.int64)
    labels[vertices] = np.array([rows.get(int(colour), 0) for colour in known])[first]
    return labels, dict(enumerate(table.values(), 1))


def _colour_table(raw: bytes, at: int) -> dict[int, str]:
    """Colour number (r + 256 g + 65536 b) -> region name, of either version of the table."""

    def number() -> int:
        nonlocal at
        at += 4
        return struct.unpack_from(">i", raw, at - 4)[0]

    def text() -> str:
        nonlocal at
        length = number()
        if not 0 <= length <= 4096 or at + length > len(raw):
            raise ValueError(f"a name of {length} bytes")
        at += length
        return raw[at - length : at].rstrip(b"\0").decode("utf-8")

    if number() != 1:
        raise ValueError("no colour table")
    n, newer = number(), False
    if n < 0:
        newer = True
        number()
    text()  # the file the table came from
    n = number() if newer else n
    if not 0 < n <= MAX_LABELS + 1:
        raise ValueError(f"{n} regions")
    table: dict[int, str] = {}
    for _ in range(n):
        if newer:
            number()
        name = text()
        red, green, blue, _ = number(), number(), number(), number()
        colour = red + 256 * green + 65536 * blue
        if colour in table:
            raise ValueError(f"'{table[colour][:40]}' and '{name[:40]}' of one colour")
        table[colour] = name
    return table


def read_gifti_labels(path: Path) -> Labels:
    """GIfTI labels: int64 (n_vertices,), and the names of its LabelTable."""
    raw = read_bytes(path)
    try:
        _check_inflation(raw)
        image = GiftiImage.from_bytes(raw)
        arrays = image.darrays
        labels = np.asarray(arrays[0].data) if len(arrays) == 1 else None
    except Exception as error:  # nibabel, zlib, base64 and expat each raise their own kinds
        raise wrong_file(
            path, str(error) or type(error).__name__, "a GIfTI label file", "write it again"
        ) from error
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        shapes = [tuple(a.dims) for a in arrays]
        raise wrong_file(path, f"arrays {shapes[:3]}", "one array of whole numbers", "keep one label map")
    table = image.labeltable.get_labels_as_dict()
    return labels.astype(np.int64), {int(key): str(name or "") for key, name in table.items()}


def _check_inflation(raw: bytes) -> None:
    """Refuse what nibabel would follow without a limit: files elsewhere, and arrays that inflate beyond the cap."""
    if b"ExternalFileBinary" in raw:
        raise ValueError("data in another file")
    for _, element in ElementTree.iterparse(io.BytesIO(raw)):
        if element.tag == "Data" and _inflated_size(element.text or "") > MAX_BYTES:
            raise ValueError(f"an array of more than {MAX_BYTES} bytes")


def _inflated_size(text: str) -> int:
    """Bytes of a zlib block in base64, counted up to one past the cap; 0 for another encoding."""
    try:
        return len(zlib.decompressobj().decompress(base64.b64decode(text), MAX_BYTES + 1))
    except (zlib.error, ValueError):
        return 0


def read_label_volume(path: Path) -> nibabel.Nifti1Image:
    """A 3-D volume of label numbers, int32, with a usable affine (mm)."""
    raw = read_bytes(path)
    first = raw[:4] in (struct.pack("<i", 348), struct.pack(">i", 348))
    kind = nibabel.Nifti1Image if first else nibabel.Nifti2Image
    try:
        header = kind.header_class.from_fileobj(io.BytesIO(raw))
        intent = int(header["intent_code"])
        shape, size = header.get_data_shape(), header.get_data_dtype().itemsize
    except Exception as error:  # nibabel raises many kinds
        raise wrong_file(
            path, str(error) or type(error).__name__, "a NIfTI label volume", "write it again"
        ) from error
    if 3000 <= intent <= 3099:
        raise needs_fslr(path)
    n_voxels = np.prod(shape, dtype=float)
    if len(shape) != 3 or n_voxels * size > len(raw) or n_voxels > MAX_VOXELS:
        needed = f"a whole 3-D volume of at most {MAX_VOXELS} voxels"
        raise wrong_file(path, f"a volume of shape {shape} in {len(raw)} bytes", needed, "write it again")
    image = kind.from_bytes(raw)
    _check_affine(path, image.affine)
    return nibabel.Nifti1Image(_whole_numbers(path, np.asarray(image.dataobj)), image.affine)


def _check_affine(path: Path, affine: np.ndarray) -> None:
    size = nibabel.affines.voxel_sizes(affine)
    fits = np.isfinite(affine).all() and (size >= VOXEL_MM[0]).all() and (size <= VOXEL_MM[1]).all()
    if not fits or abs(np.linalg.det(affine[:3, :3])) < 0.1 * np.prod(size):
        needed = f"{VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm along three axes"
        raise wrong_file(path, f"voxels of {np.round(size, 3)} mm", needed, "correct its affine")


def _whole_numbers(path: Path, values: np.ndarray) -> np.ndarray:
    """Label numbers, int32, none negative and not too many."""
    whole = values.dtype.kind in "iuf" and np.isfinite(values).all() and (values == np.round(values)).all()
    if not whole:
        raise wrong_file(path, "values that are no whole numbers", "label numbers", "give labels, not a map")
    if values.min() < 0 or values.max() > np.iinfo(np.int32).max:
        raise wrong_file(
            path, f"labels from {values.min():g} to {values.max():g}", "numbers from 0 up", "renumber them"
        )
    values = values.astype(np.int32)
    n_labels = len(np.unique(values[values > 0]))
    if n_labels > MAX_LABELS:
        raise wrong_file(
            path, f"{n_labels} different labels", f"at most {MAX_LABELS}", "merge regions to networks"
        )
    return values


def read_bytes(path: Path) -> bytes:
    """The whole file, gunzipped to its end, under the cap."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong_file(
            path, getattr(error, "strerror", "") or str(error), "a readable file", "check the path"
        ) from error
    if len(raw) > MAX_BYTES:
        raise wrong_file(path, f"more than {MAX_BYTES} bytes", "at most 64 MiB", "cut it to the label map")
    if not raw:
        raise wrong_file(path, "an empty file", "labels", "write it again")
    return raw


def wrong_file(path: Path, found: str, needed: str, do: str) -> AtlasError:
    """The refusal of one file."""
    return AtlasError(f"The atlas file {path.name} cannot be used", found=found[:200], needed=needed, do=do)


def needs_fslr(path: Path) -> AtlasError:
    """The refusal of a CIFTI file: it names the spheres that lead to fsaverage."""
    return AtlasError(
        f"{path.name} is on fsLR, not on fsaverage", found="a CIFTI file",
        needed=f"labels on fsaverage5, made with the spheres {' and '.join(FSLR_SPHERES)}",
        do="fetch fslr-spheres, resample the labels with `wb_command -label-resample`, and give the .label.gii pair",
    )  # fmt: skip


def meshes() -> str:
    """The meshes that can be read, for people."""
    return " or ".join(f"{n} ({name})" for n, name in MESHES.items())
