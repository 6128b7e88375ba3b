"""Label files as arrays: FreeSurfer annotations, GIfTI and CIFTI labels and label volumes, under a byte cap.

Each file is looked at before it is read: its size, its header, and how large it
would become. Formats: FreeSurfer annotation, colour table of version 1 or 2;
GIfTI 1.0 (nitrc.org/projects/gifti); NIfTI-1 and NIfTI-2; CIFTI-2 (nitrc.org/projects/cifti).
"""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nibabel
import numpy as np
from nibabel.gifti import GiftiImage

from ..errors import AtlasError

MAX_BYTES = 64 * 1024 * 1024
MAX_LABELS = 1_000
MAX_VOXELS = 16_000_000
VOXEL_MM = (0.5, 10.0)
FSLR = 32_492
MESHES = {10_242: "fsaverage5", 40_962: "fsaverage6", 163_842: "fsaverage"}
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
        check_inflation(raw)
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


def check_inflation(raw: bytes) -> None:
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
    values, affine = read_volume(path)
    return nibabel.Nifti1Image(_whole_numbers(path, values), affine)


def read_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A 3-D volume of numbers as they are stored, (n_x, n_y, n_z), and its affine (4, 4) to mm.

    A fourth axis of length 1 is dropped.
    """
    values, affine = read_maps(path)
    if values.shape[3] != 1:
        raise wrong_file(path, f"a volume of shape {values.shape}", "a 3-D volume", "keep one map")
    return values[..., 0], affine


def read_maps(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volumes on one grid, numbers as they are stored, (n_x, n_y, n_z, n_maps), and the affine (4, 4) to mm."""
    raw = read_bytes(path)
    kind, header = _nifti_header(path, raw, "a NIfTI volume")
    shape, size = header.get_data_shape(), header.get_data_dtype().itemsize
    if _is_cifti(header):
        raise wrong_file(path, "a CIFTI file", "a volume", "name it .dlabel.nii if it holds labels")
    n_voxels = np.prod(shape, dtype=float)
    if len(shape) not in (3, 4) or not 0 < n_voxels <= MAX_VOXELS or n_voxels * size > len(raw):
        needed = f"a whole 3-D volume of at most {MAX_VOXELS} voxels"
        raise wrong_file(path, f"a volume of shape {shape} in {len(raw)} bytes", needed, "write it again")
    image = kind.from_bytes(raw)
    _check_affine(path, image.affine)
    return np.asarray(image.dataobj).reshape(*shape[:3], -1), image.affine


def n_volumes(path: Path) -> int:
    """How many volumes a NIfTI file holds, by its header."""
    shape = _nifti_header(path, read_bytes(path), "a NIfTI volume")[1].get_data_shape()
    return shape[3] if len(shape) == 4 else 1


def _nifti_header(path: Path, raw: bytes, needed: str) -> tuple[Any, Any]:
    """The kind of image and its header, whose fields nibabel could read."""
    first = raw[:4] in (struct.pack("<i", 348), struct.pack(">i", 348))
    kind = nibabel.Nifti1Image if first else nibabel.Nifti2Image
    try:
        header = kind.header_class.from_fileobj(io.BytesIO(raw))
        header.get_data_shape(), header.get_data_dtype(), int(header["intent_code"])
    except Exception as error:  # nibabel raises many kinds
        raise wrong_file(path, str(error) or type(error).__name__, needed, "write it again") from error
    return kind, header


def _is_cifti(header: Any) -> bool:
    return 3000 <= int(header["intent_code"]) <= 3099


def read_cifti_labels(path: Path) -> Labels:
    """CIFTI labels: int64 (64984,) on fsLR 32k, left first, 0 on the medial wall; and the names of the table.

    What lies below cortex is left out.
    """
    raw = read_bytes(path)
    check_cifti(path, raw)
    try:
        image = nibabel.Cifti2Image.from_bytes(raw)
        tables, model = (image.header.get_axis(i) for i in (0, 1))
        values = np.asarray(image.dataobj)
        if values.shape != (len(tables), len(model)) or len(tables) != 1:
            raise ValueError(f"values {values.shape} under {len(tables)} maps of {len(model)} places")
        table = {int(key): str(name) for key, (name, _) in tables.label[0].items()}
        halves = [
            cifti_half(values[0], model, f"CIFTI_STRUCTURE_CORTEX_{side}") for side in ("LEFT", "RIGHT")
        ]
    except Exception as error:  # nibabel and expat each raise their own kinds
        raise wrong_file(
            path, str(error) or type(error).__name__, "one map of labels on fsLR 32k (.dlabel.nii)", "write it again"
        ) from error  # fmt: skip
    whole = np.concatenate(halves)
    if not np.array_equal(whole, np.round(whole)) or np.abs(whole).max() > np.iinfo(np.int32).max:
        raise wrong_file(path, "values that are no whole numbers", "label numbers", "give labels, not a map")
    return whole.astype(np.int64), table


def check_cifti(path: Path, raw: bytes) -> None:
    """Refuse by the header what nibabel would follow without a limit."""
    _, header = _nifti_header(path, raw, "a CIFTI-2 label file")
    shape, start = header.get_data_shape(), float(header["vox_offset"])
    n_bytes = np.prod(shape, dtype=float) * header.get_data_dtype().itemsize
    kind = header.get_data_dtype().kind
    if not _is_cifti(header) or len(shape) != 6 or kind not in "iuf":
        raise wrong_file(path, f"a file of shape {shape}", "a CIFTI-2 label file", "give a .dlabel.nii")
    if not 540 <= start <= len(raw) or start + n_bytes > len(raw):
        raise wrong_file(path, f"{shape[4:]} values in {len(raw)} bytes", "a whole file", "copy it again")
    if b"<!" in raw[540 : int(start)].replace(b"<![CDATA[", b"").replace(b"<!--", b""):
        raise wrong_file(path, "XML with declarations", "the axes of a label file", "write it again")


def cifti_half(values: np.ndarray, model: Any, name: str) -> np.ndarray:
    """One hemisphere with all its vertices: (32492,), 0 where the file has none."""
    columns = np.flatnonzero(model.name == name)
    vertices, n = model.vertex[columns], model.nvertices.get(name, 0)
    if not len(columns) or n != FSLR:
        raise ValueError(f"{n} vertices of {name}")
    if vertices.min() < 0 or vertices.max() >= n or len(np.unique(vertices)) != len(vertices):
        raise ValueError(f"vertices of {name} that come twice or lie outside")
    half = np.zeros(n, values.dtype)
    half[vertices] = values[columns]
    return half


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


def meshes() -> str:
    """The meshes that can be read, for people."""
    return " or ".join(f"{n} ({name})" for n, name in {**MESHES, FSLR: "fsLR 32k"}.items())
