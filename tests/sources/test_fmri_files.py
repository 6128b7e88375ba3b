"""Runs of fMRI in every format: values, order and TR as written; whatever is wrong refused by the file's name."""

import gzip
import resource
import struct
import time
import zlib
from base64 import b64encode

import nibabel
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.gifti import GiftiDataArray, GiftiImage

from brainlike_core.errors import RecordingError
from brainlike_core.sources import fmri_files, fmri_guards
from brainlike_core.sources.fmri_files import read_cifti, read_gifti, read_nifti, read_table

N = 10_242


def write_gifti(path, values, tr="1500.0", split=True, dtype=np.float32):
    """One hemisphere (n_trs, n_vertices): an array per TR, or one array (n_vertices, n_trs)."""
    arrays = list(values.astype(dtype)) if split else [values.T.astype(dtype)]
    meta = {"TimeStep": tr} if tr else {}
    darrays = [
        GiftiDataArray(a, intent="NIFTI_INTENT_TIME_SERIES", datatype=a.dtype, meta=meta) for a in arrays
    ]
    path.write_bytes(GiftiImage(darrays=darrays).to_xml(mode="force"))
    return path


def write_nifti(path, values, tr=2.0, unit="sec", affine=None, header=None, kind=nibabel.Nifti1Image):
    """A 4-D file (x, y, z, n_trs)."""
    image = kind(values, np.diag([2.0, 2, 2, 1]) if affine is None else affine, header)
    image.header.set_zooms((2, 2, 2, tr))
    image.header.set_xyzt_units("mm", unit)
    nibabel.save(image, path)
    return path


def cifti_axis(n=32_492, sides="LR", dropped=0, voxels=3):
    """Brain models of both hemispheres (the first vertices dropped, as a medial wall) and some thalamus."""
    models = None
    for side in sides:
        mask = np.arange(n) >= dropped
        model = nibabel.cifti2.BrainModelAxis.from_mask(mask, f"cortex_{'left' if side == 'L' else 'right'}")
        models = model if models is None else models + model
    grid = np.zeros((4, 4, 4), bool)
    grid[0, 0, :voxels] = True
    return models + nibabel.cifti2.BrainModelAxis.from_mask(grid, "thalamus_left", affine=np.eye(4))


def write_cifti(path, axis, n_trs=4, step=2.0, values=None):
    """A dense time series with value 1000 t + column."""
    if values is None:
        values = (1000.0 * np.arange(n_trs)[:, None] + np.arange(len(axis)) % 997).astype(np.float32)
    time_axis = nibabel.cifti2.SeriesAxis(0, step, len(values), "SECOND")
    image = nibabel.Cifti2Image(values, (time_axis, axis))
    image.update_headers()
    image.nifti_header.set_intent("NIFTI_INTENT_CONNECTIVITY_DENSE_SERIES")
    nibabel.save(image, path)
    return path


@pytest.fixture
def halves(tmp_path):
    """Two halves of fsaverage5, three TRs, and their values."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 3, N)).astype(np.float32)
    paths = [write_gifti(tmp_path / f"hemi-{s}.func.gii", v) for s, v in zip("LR", values, strict=True)]
    return paths, values


def refusal(call, *args, match=""):
    """The refusal: named, whole, within a second and 200 MB."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(RecordingError, match=match) as caught:
        call(*args)
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert caught.value.found and caught.value.needed and caught.value.do
    return str(caught.value)


# ---------------------------------------------------------------- GIfTI


def test_gifti_halves_are_joined_left_first(halves):
    """(n_trs, 20484) in float32 as written; TimeStep is in milliseconds."""
    (left, right), values = halves
    run = read_gifti(left, right)
    np.testing.assert_array_equal(run.values, np.concatenate(list(values), axis=1))
    assert (run.values.dtype, run.tr) == (np.float32, 1.5)


@pytest.mark.parametrize(
    ("step", "tr"), [("2000", 2.0), ("1.5", 1.5), ("", 0.0), ("soon", 0.0), ("0", 0.0), ("nan", 0.0)]
)
def test_gifti_time_step(tmp_path, step, tr):
    """Milliseconds, or seconds where only they make a TR; 0 where there is none."""
    paths = [write_gifti(tmp_path / f"{s}.func.gii", np.ones((2, N)), step) for s in "LR"]
    assert read_gifti(*paths).tr == tr


@pytest.mark.parametrize("turned", [False, True])
def test_gifti_with_one_matrix(tmp_path, halves, turned):
    """One 2-D array is read in either orientation: the side that is a mesh is space."""
    _, values = halves
    paths = [
        write_gifti(tmp_path / f"m{s}.func.gii", v.T if turned else v, split=False)
        for s, v in zip("LR", values, strict=True)
    ]
    np.testing.assert_array_equal(read_gifti(*paths).values, np.concatenate(list(values), axis=1))


def test_gifti_integers_and_big_endian(tmp_path):
    """Whole numbers and foreign byte order give the same values."""
    values = np.arange(2 * N).reshape(2, N)
    path = write_gifti(tmp_path / "i.func.gii", values, dtype=np.int32)
    big = path.read_text()
    for row in values:
        raw = b64encode(zlib.compress(row.astype("<i4").tobytes())).decode()
        assert raw in big
        big = big.replace(raw, b64encode(zlib.compress(row.astype(">i4").tobytes())).decode())
    (tmp_path / "b.func.gii").write_text(big.replace("LittleEndian", "BigEndian"))
    run = read_gifti(path, tmp_path / "b.func.gii")
    np.testing.assert_array_equal(run.values[:, :N], values)
    np.testing.assert_array_equal(run.values[:, N:], values)


def test_a_vertex_without_data_stays_nan(tmp_path, halves):
    """NaN at every TR (a masked medial wall) is kept; NaN at one TR is refused."""
    (left, _), values = halves
    masked = values[1].copy()
    masked[:, 7] = np.nan
    run = read_gifti(left, write_gifti(tmp_path / "masked.func.gii", masked))
    assert np.flatnonzero(np.isnan(run.values[0])).tolist() == [N + 7]
    masked[0, 7] = 0
    refusal(
        read_gifti, left, write_gifti(tmp_path / "hole.func.gii", masked), match="hole.func.gii .*1 columns"
    )


def gifti_text(dims, n_bytes=None, encoding="GZipBase64Binary", extra="", raw=None, head=""):
    """A GIfTI file of one array that says one thing and holds another."""
    raw = (
        b64encode(zlib.compress(b"\0" * (n_bytes or 4 * int(np.prod(dims))), 9)).decode()
        if raw is None
        else raw
    )
    size = " ".join(f'Dim{i}="{n}"' for i, n in enumerate(dims))
    return (
        f'<?xml version="1.0"?>{head}<GIFTI Version="1.0" NumberOfDataArrays="1"><DataArray '
        f'Intent="NIFTI_INTENT_TIME_SERIES" DataType="NIFTI_TYPE_FLOAT32" ArrayIndexingOrder="RowMajorOrder" '
        f'Dimensionality="{len(dims)}" {size} Encoding="{encoding}" Endian="LittleEndian" '
        f"{extra}><Data>{raw}</Data></DataArray></GIFTI>"
    )


GIFTI_FAULTS = {
    "missing": None,
    "empty": "",
    "text": "no image",
    "cut": gifti_text((N, 3))[:300],
    "other XML": "<a><b/></a>",
    "no arrays": '<GIFTI Version="1.0" NumberOfDataArrays="0"></GIFTI>',
    "zlib bomb": gifti_text((N, 3), n_bytes=2**28),
    "header bomb": gifti_text((2**17, 2**17), n_bytes=100),
    "wrong size": gifti_text((N, 3), n_bytes=4 * N),
    "no base64": gifti_text((N, 3), raw="***"),
    "external": gifti_text((N, 3), encoding="ExternalFileBinary", extra='ExternalFileName="/etc/passwd"'),
    "entities": gifti_text((N, 3), raw="&a;", head='<!DOCTYPE g [<!ENTITY a "AAAA"><!ENTITY b "&a;&a;">]>'),
    "one TR": gifti_text((N, 1)),
    "one array": gifti_text((N,)),
    "no mesh": gifti_text((N - 1, 3)),
    "3-D": gifti_text((N, 3, 2)),
    "unknown type": gifti_text((N, 3)).replace("FLOAT32", "FLOAT33"),
}


@pytest.mark.parametrize("fault", GIFTI_FAULTS)
def test_bad_gifti_is_refused(tmp_path, halves, fault):
    """Each fault is said in a sentence that names the file; nothing is followed or unpacked beyond its word."""
    path = tmp_path / "bad.func.gii"
    if GIFTI_FAULTS[fault] is not None:
        path.write_text(GIFTI_FAULTS[fault])
    refusal(read_gifti, path, halves[0][1], match="bad.func.gii cannot be used")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (dict(values=np.ones((3, 40_962))), "40962 vertices"),
        (dict(values=np.ones((4, N))), "4 TRs"),
        (dict(values=np.ones((3, N)), tr="2000"), "at 2 s"),
        (dict(values=np.full((3, N), np.nan)), "NaN everywhere"),
        (dict(values=np.where(np.eye(3, N, 5, dtype=bool), np.inf, 1.0)), "3 infinite"),
        (dict(values=np.where(np.eye(3, N, 5, dtype=bool), 1e300, 1.0), dtype=np.float64), "3 infinite"),
    ],
    ids=["mesh", "length", "tr", "nan", "inf", "overflow"],
)
def test_halves_that_differ_are_refused(tmp_path, halves, change, found):
    """The right half must be of the same mesh, length and TR as the left one, and finite."""
    right = write_gifti(tmp_path / "right.func.gii", **change)
    assert found in refusal(read_gifti, halves[0][0], right, match="right.func.gii")


# ---------------------------------------------------------------- NIfTI


@pytest.mark.parametrize("name", ["run.nii", "run.nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_nifti_gives_volume_after_volume(tmp_path, name, kind):
    """The volumes are those that nibabel reads; affine and TR come from the header."""
    values = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
    run = read_nifti(write_nifti(tmp_path / name, values, kind=kind))
    assert (run.shape, run.n_trs, run.tr) == ((3, 4, 5), 6, 2.0)
    np.testing.assert_array_equal(run.affine, np.diag([2.0, 2, 2, 1]))
    for _ in range(2):  # can be iterated again
        np.testing.assert_array_equal(np.stack(list(run), axis=-1), values)


@pytest.mark.parametrize(
    ("zoom", "unit", "tr"),
    [
        (1.5, "sec", 1.5),
        (1500, "msec", 1.5),
        (1.5e6, "usec", 1.5),
        (1.5, "unknown", 1.5),
        (0, "sec", 0),
        (2000, "sec", 0),
    ],
)
def test_nifti_tr(tmp_path, zoom, unit, tr):
    """Seconds, milliseconds, microseconds; what cannot be a TR counts as not said."""
    run = read_nifti(write_nifti(tmp_path / "run.nii", np.ones((2, 2, 2, 3), np.float32), zoom, unit))
    assert run.tr == tr


@pytest.mark.parametrize("order", ["<", ">"])
def test_scaled_integers_of_either_byte_order(tmp_path, order):
    """int16 with scl_slope and scl_inter: value = slope * stored + intercept."""
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(np.dtype(np.int16).newbyteorder(order))
    header.set_data_shape((2, 2, 1, 3))
    header.set_zooms((2, 2, 2, 1.5))
    header.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    header["scl_slope"], header["scl_inter"], header["magic"], header["vox_offset"] = 0.5, 10, b"n+1", 352
    stored = np.arange(12, dtype=header.get_data_dtype())
    (tmp_path / "run.nii").write_bytes(header.binaryblock + b"\0" * 4 + stored.tobytes())
    read = np.stack(list(read_nifti(tmp_path / "run.nii")), axis=-1)
    np.testing.assert_array_equal(read.ravel(order="F"), 10 + 0.5 * np.arange(12))
    np.testing.assert_array_equal(read, nibabel.load(tmp_path / "run.nii").get_fdata())


def nifti_bytes(shape=(4, 4, 4, 5), dtype=np.float32, cut=0, extra=b"", value=1.0, **fields):
    """Bytes of a NIfTI file, with header fields set by force."""
    image = nibabel.Nifti1Image(np.full(shape, value, dtype), np.diag([2.0, 2, 2, 1]))
    raw = bytearray(image.to_bytes())
    header = nibabel.Nifti1Header(bytes(raw[:348]), check=False)
    header["vox_offset"] = 352
    for name, content in fields.items():
        header[name] = content
    raw[:348] = header.binaryblock
    return bytes(raw[: len(raw) - cut]) + extra


def bomb(shape=(2048, 2048, 1024, 2)):
    """A header alone that promises gigabytes."""
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.float32)
    header["vox_offset"] = 352
    return header.binaryblock.replace(b"ni1", b"n+1") + b"\0" * 4


NIFTI_FAULTS = {
    "missing": None,
    "empty": b"",
    "text": b"no image",
    "packed text": gzip.compress(b"no image"),
    "zeros": b"\0" * 1000,
    "noise": bytes(range(256)) * 8,
    "bomb": bomb((300, 300, 300, 500)),
    "packed bomb": gzip.compress(bomb((300, 300, 300, 500))),
    "huge dimensions": gzip.compress(bomb()),
    "many TRs": gzip.compress(bomb((2, 2, 2, 30_000))),
    "3-D": nifti_bytes((4, 4, 4)),
    "5-D": nifti_bytes((4, 4, 4, 2, 2)),
    "one TR": nifti_bytes((4, 4, 4, 1)),
    "complex": nifti_bytes(dtype=np.complex64),
    "colours": nifti_bytes(datatype=128),
    "unknown type": nifti_bytes(datatype=77),
    "cut": nifti_bytes(cut=10),
    "packed cut": gzip.compress(nifti_bytes(cut=10)),
    "cut gzip": gzip.compress(np.random.default_rng(0).bytes(100))[:-20],
    "negative dimension": nifti_bytes(dim=[4, -4, -4, 4, 5, 1, 1, 1]),
    "infinite slope": nifti_bytes(scl_slope=np.inf),
    "no offset": nifti_bytes(vox_offset=np.nan),
    "far offset": nifti_bytes(vox_offset=1e9),
    "flat": nifti_bytes(srow_x=[2, 0, 0, 0], srow_y=[2, 0, 0, 0], sform_code=1),
    "nan affine": nifti_bytes(srow_x=[np.nan, 0, 0, 0], sform_code=1),
    "tiny voxels": nifti_bytes(srow_x=[1e-6, 0, 0, 0], sform_code=1),
    "pair": nifti_bytes(magic=b"ni1"),
    "extra": nifti_bytes(extra=b"\0" * 3 * 2**20),
    "infinite": nifti_bytes(value=np.inf),
    "NaN": nifti_bytes(value=np.nan),
}  # fmt: skip


@pytest.mark.parametrize("fault", NIFTI_FAULTS)
def test_bad_nifti_is_refused(tmp_path, fault):
    """Opening or reading it says what is wrong, and never takes what the header asks for."""
    if NIFTI_FAULTS[fault] is not None:
        (tmp_path / "bad.nii.gz").write_bytes(NIFTI_FAULTS[fault])
    refusal(lambda: list(read_nifti(tmp_path / "bad.nii.gz")), match="bad.nii.gz cannot be used")


def test_nan_must_lie_at_the_same_voxels(tmp_path):
    """A voxel that is NaN in every volume has no data; at one volume it is refused."""
    values = np.ones((3, 3, 3, 4), np.float32)
    values[0, 0, 0] = np.nan
    assert all(np.isnan(v).sum() == 1 for v in read_nifti(write_nifti(tmp_path / "a.nii", values)))
    values[1, 1, 1, 2] = np.nan
    refusal(lambda: list(read_nifti(write_nifti(tmp_path / "b.nii", values))), match="volume 3")


def test_a_zip_bomb_stays_packed(tmp_path):
    """1 MB of gzip that is a true gigabyte of zeros is refused by its ratio."""
    packer = zlib.compressobj(9, wbits=31)
    body = packer.compress(bomb((128, 128, 64, 256))) + b"".join(
        packer.compress(b"\0" * 2**22) for _ in range(256)
    )
    (tmp_path / "bomb.nii.gz").write_bytes(body + packer.flush())
    refusal(read_nifti, tmp_path / "bomb.nii.gz", match="bytes promised by a file of")


def test_trailing_bombs_stay_packed(tmp_path):
    """A small run followed by a gigabyte of zeros is read to its end and a mebibyte further, no more."""
    (tmp_path / "tail.nii.gz").write_bytes(gzip.compress(nifti_bytes(extra=b"\0" * 2**27), 1))
    refusal(lambda: list(read_nifti(tmp_path / "tail.nii.gz")), match="after the last volume")


def test_flipped_bits_of_packed_runs_are_found(tmp_path):
    """The checksum of gzip is compared, so no changed value goes through."""
    values = np.random.default_rng(0).normal(size=(4, 4, 4, 5)).astype(np.float32)
    raw = write_nifti(tmp_path / "run.nii.gz", values).read_bytes()
    for position in np.random.default_rng(1).integers(400, len(raw) - 8, 40):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        (tmp_path / "flip.nii.gz").write_bytes(flipped)
        with pytest.raises(RecordingError):
            list(read_nifti(tmp_path / "flip.nii.gz"))


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 351), value=st.integers(0, 255))
def test_any_header_is_a_run_or_a_named_refusal(tmp_path_factory, position, value):
    """Any byte of the header may be changed: no other error, no huge memory."""
    path = tmp_path_factory.mktemp("header") / "run.nii"
    raw = bytearray(nifti_bytes())
    raw[position] = value
    path.write_bytes(raw)
    try:
        assert len(list(read_nifti(path))) >= 2
    except RecordingError as error:
        assert error.found and error.needed and error.do


# ---------------------------------------------------------------- CIFTI


def test_cifti_cortex(tmp_path):
    """Each half has 32,492 vertices, those of the medial wall NaN; voxels below cortex are left out."""
    axis = cifti_axis(dropped=100)
    run = read_cifti(write_cifti(tmp_path / "run.dtseries.nii", axis))
    assert run.values.shape == (4, 64_984) and run.tr == 2.0
    assert np.isnan(run.values[:, :100]).all() and np.isnan(run.values[:, 32_492:32_592]).all()
    assert run.values[2, 100] == 2000 and run.values[2, 103] == 2003  # the file's columns 0 and 3
    assert run.values[1, 32_592] == 1000 + 32_392 % 997


@pytest.mark.parametrize(
    ("axis", "found"), [(dict(sides="L"), "CORTEX_RIGHT"), (dict(n=1_000), "1000 vertices")]
)
def test_cifti_on_other_meshes_is_refused(tmp_path, axis, found):
    """Both hemispheres, each on fsLR 32k."""
    path = write_cifti(tmp_path / "run.dtseries.nii", cifti_axis(**axis))
    assert found in refusal(read_cifti, path, match="run.dtseries.nii")


def spoilt_cifti(tmp_path, kind):
    """A dense time series with one fault."""
    path = write_cifti(tmp_path / "bad.dtseries.nii", cifti_axis(dropped=30_000))
    raw = bytearray(path.read_bytes())
    if kind == "cut":
        raw = raw[:-100]
    elif kind == "bomb":
        struct.pack_into("<q", raw, 16 + 8 * 5, 2**40)
    elif kind == "offset":
        struct.pack_into("<q", raw, 168, 2**62)
    elif kind == "entities":
        raw = raw.replace(b"<CIFTI ", b"<!DOCTY", 1)
    elif kind == "no axes":
        raw = raw.replace(b"CIFTI_INDEX_TYPE_SERIES", b"CIFTI_INDEX_TYPE_NOTHIN")
    elif kind == "twice":
        raw = raw.replace(b"30000 30001 ", b"30000 30000 ")
    elif kind == "nifti":
        raw = nifti_bytes()
    elif kind == "packed":
        raw = gzip.compress(raw)
    path.write_bytes(raw)
    if kind in ("nan", "inf", "scalars"):
        axis = cifti_axis(dropped=30_000)
        values = np.ones((3, len(axis)), np.float32)
        values[1, 5] = {"nan": np.nan, "inf": np.inf, "scalars": 1}[kind]
        write_cifti(path, axis, values=values)
    if kind == "scalars":
        image = nibabel.Cifti2Image(values, (nibabel.cifti2.ScalarAxis(["a", "b", "c"]), axis))
        nibabel.save(image, path)
    return path


@pytest.mark.parametrize(
    "kind",
    ["cut", "bomb", "offset", "entities", "no axes", "twice", "nifti", "packed", "nan", "inf", "scalars"],
)
def test_bad_cifti_is_refused(tmp_path, kind):
    """A damaged file, another kind of file, or one that asks for more than it holds."""
    refusal(read_cifti, spoilt_cifti(tmp_path, kind), match="bad.dtseries.nii cannot be used")


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "write", ["npy", "csv", "tsv", "header", "pandas", "numbered", "from one", "bom", "quoted"]
)
def test_tables_of_every_kind_hold_the_same_values(tmp_path, write):
    """.npy, .csv and .tsv, with or without names, row numbers, quotes and a byte-order mark."""
    values = np.random.default_rng(0).normal(size=(6, 3)).round(4)
    path = tmp_path / ("run.npy" if write == "npy" else "run.tsv" if write == "tsv" else "run.csv")
    frame = pd.DataFrame(values)
    if write == "npy":
        np.save(path, values.astype(">f8"))
    elif write == "header":
        frame.set_axis(["a", "b", "c"], axis=1).to_csv(path, index=False)
    elif write == "quoted":
        frame.set_axis(['"a"', '"b"', '"c"'], axis=1).to_csv(path, index=False)
    elif write == "pandas":
        frame.to_csv(path)
    elif write == "numbered":
        frame.to_csv(path, index=False)
    elif write == "from one":
        frame.set_axis([1, 2, 3], axis=1).to_csv(path, index=False)
    else:
        text = frame.to_csv(index=False, header=False, sep="\t" if write == "tsv" else ",")
        path.write_text(("\ufeff" if write == "bom" else "") + text)
    run = read_table(path)
    np.testing.assert_allclose(run.values, values, rtol=1e-6)
    assert run.values.dtype == np.float32 and run.tr == 0


def array_file(tmp_path, array, name="bad.npy"):
    """An array as numpy writes it, pickled where it must."""
    with open(tmp_path / name, "wb") as file:
        np.lib.format.write_array(file, np.asarray(array), allow_pickle=True)
    return tmp_path / name


ARRAY_FAULTS = {
    "objects": np.array([[1, "a"], [None, 2]], object),
    "objects of numbers": np.ones((5, 3), object),
    "text": np.full((5, 3), "1.0"),
    "bytes": np.full((5, 3), b"1"),
    "complex": np.ones((5, 3), complex),
    "booleans": np.ones((5, 3), bool),
    "dates": np.zeros((5, 3), "M8[s]"),
    "durations": np.zeros((5, 3), "m8[s]"),
    "records": np.zeros((5, 3), [("a", "f4")]),
    "0-D": np.array(1.0),
    "1-D": np.ones(5),
    "3-D": np.ones((5, 3, 2)),
    "no rows": np.ones((0, 3)),
    "no columns": np.ones((5, 0)),
    "one row": np.ones((1, 3)),
    "too many rows": np.ones((10_001, 1), np.float32),
    "a NaN": np.where(np.eye(5, 3, dtype=bool), np.nan, 1),
    "a NaN column": np.stack([np.ones(5), np.full(5, np.nan)], 1),
    "all NaN": np.full((5, 3), np.nan),
    "infinite": np.where(np.eye(5, 3, dtype=bool), np.inf, 1),
    "minus infinite": np.where(np.eye(5, 3, dtype=bool), -np.inf, 1),
    "overflow": np.full((5, 3), 1e300),
}


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_bad_arrays_are_refused(tmp_path, fault):
    """An array that is no (n_trs, n_parcels) of finite numbers; nothing in it is run."""
    refusal(read_table, array_file(tmp_path, ARRAY_FAULTS[fault]), match="bad.npy cannot be used")


FILE_FAULTS = {
    "missing.npy": None,
    "empty.npy": b"",
    "text.npy": b"1,2,3\n4,5,6\n",
    "magic.npy": b"\x93NUMPY",
    "header.npy": b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8',",
    "evil.npy": b"\x93NUMPY\x01\x00\x2e\x00" + b"__import__('os').system('touch /tmp/never')".ljust(45) + b"\n",
    "bomb.npy": b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000, 100000000), }".ljust(117) + b"\n",
    "zip.npy": b"PK\x03\x04" + b"\0" * 100,
    "words.csv": b"a,b\n1,x\n2,3\n",
    "ragged.csv": b"1,2,3\n4,5\n6,7,8,9\n",
    "short.csv": b"1,2,3\n4,5\n6,7,8\n",
    "gap.csv": b"1,2\n,4\n5,6\n",
    "none.tsv": b"1\t2\nn/a\t4\n5\t6\n",
    "header.csv": b"a,b\n",
    "wide.csv": b"a,b\n1,2,3\n4,5,6\n",
    "empty.csv": b"\n\n",
    "binary.csv": bytes(range(256)) * 4,
    "semicolon.csv": b"1;2\n3;4\n",
    "infinite.csv": b"1,inf\n2,3\n",
    "table.xlsx": b"PK\x03\x04",
    "utf16.csv": "1,2\n3,4\n".encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILE_FAULTS)
def test_bad_tables_are_refused(tmp_path, name):
    """A file that is no table of numbers is refused by its name."""
    if FILE_FAULTS[name] is not None:
        (tmp_path / name).write_bytes(FILE_FAULTS[name])
    refusal(read_table, tmp_path / name, match=f"{name} cannot be used")


def test_large_tables_are_refused_by_their_size(tmp_path, monkeypatch):
    """Before a byte is read."""
    monkeypatch.setattr(fmri_files, "MAX_TABLE_BYTES", 10)
    (tmp_path / "big.csv").write_text("1,2,3\n" * 10)
    refusal(read_table, tmp_path / "big.csv", match="big.csv .*60 bytes")


def test_folders_are_no_files(tmp_path):
    """A folder in the place of a file is refused by each reader."""
    for read in (read_table, read_nifti, read_cifti, lambda path: read_gifti(path, path)):
        refusal(read, tmp_path, match="no file")


def test_promises_grow_with_the_file():
    """Up to 64 MiB a file may be packed as it likes, beyond that a hundredfold, never above 8 GiB."""
    fmri_guards.check_promise(fmri_guards.Path("a"), 2**26, 10)
    fmri_guards.check_promise(fmri_guards.Path("a"), 2**30, 2**24)
    for promise, size in ((2**26 + 1, 10), (2**30, 2**20), (2**33 + 1, 2**33)):
        with pytest.raises(RecordingError):
            fmri_guards.check_promise(fmri_guards.Path("a"), promise, size)
