"""Pie Man: read whole, z-scored, drawn on cortex; every damaged file refused by name."""

import gzip
import os
import shutil
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlike_core.errors import RecordingError, StoryError
from brainlike_core.sources import recordings
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.recordings import (
    N_LOCATIONS,
    find_pieman,
    load_pieman,
    parcel_names,
    project_parcels,
)
from brainlike_core.sources.surfaces import load_surface

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
VOLUME = "shen_2mm_268_parcellation.nii.gz"


@pytest.fixture(scope="session")
def pieman():
    """The real recording and story, or a skip."""
    if not (SHARED / "pieman").is_dir():
        pytest.skip("the Pie Man recording is not beside the checkout")
    return load_pieman(SHARED)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small made-up Pie Man: three subjects x 20 TRs, one story of one word, no label volume."""
    (tmp_path / "timeseries").mkdir()
    rng = np.random.default_rng(0)
    for i in (1, 2, 3):
        np.save(tmp_path / "timeseries" / f"sub-00{i}_x.npy", rng.normal(5, 3, (20, N_LOCATIONS)))
    (tmp_path / "align.csv").write_text("I,i,15,16\n")
    monkeypatch.setattr(recordings, "project_parcels", lambda path: np.zeros(20_484, np.int32))
    return tmp_path


def subject_file(folder, i=2):
    """Path of one made-up subject."""
    return folder / "timeseries" / f"sub-00{i}_x.npy"


def test_series_are_z_scored(folder):
    """bold equals scipy's z-score of each column, in float32 and in file order."""
    from scipy.stats import zscore

    recording, story = load_pieman(folder)
    assert recording.subjects == ("sub-001", "sub-002", "sub-003") and recording.bold.dtype == np.float32
    np.testing.assert_allclose(recording.bold[1], zscore(np.load(subject_file(folder))), atol=1e-6)
    assert (recording.tr, recording.pass_band, recording.space) == (1.5, (0.01, 0.12), "shen268")
    assert story.words == ("I",) and not recording.constant.any()


def test_constant_columns_are_zero_and_marked(folder):
    """A parcel that never moves is kept, at zero; a tiny signal is not taken for a constant."""
    series = np.load(subject_file(folder))
    series[:, 7], series[:, 8] = 0.1, series[:, 8] * 1e-20
    np.save(subject_file(folder), series)
    recording, _ = load_pieman(folder)
    assert np.argwhere(recording.constant).tolist() == [[1, 7]]
    assert not recording.bold[1, :, 7].any() and recording.bold[1, :, 8].std() == pytest.approx(1)


def test_large_values_do_not_overflow(folder):
    """Scaling a column, even to 1e300, leaves its z-score as it was."""
    before = load_pieman(folder)[0].bold
    series = np.load(subject_file(folder))
    series[:, 3] *= 1e300
    np.save(subject_file(folder), series)
    np.testing.assert_allclose(load_pieman(folder)[0].bold, before, atol=1e-5)


def test_subjects_are_positions_from_one(folder):
    """(3, 1) gives the third and the first file, in that order."""
    assert load_pieman(folder, (3, 1))[0].subjects == ("sub-003", "sub-001")


def test_the_parent_folder_is_accepted(folder, tmp_path_factory):
    """``--data`` may name the folder or the one that holds pieman/; candidates come in order."""
    parent = tmp_path_factory.mktemp("parent")
    shutil.copytree(folder, parent / "pieman")
    assert find_pieman(parent) == parent / "pieman" == find_pieman(parent / "pieman")
    assert find_pieman(None, [parent / "none", parent, folder]) == parent / "pieman"


def spoil(folder, kind):
    """Damage the second subject."""
    path, series = subject_file(folder), np.load(subject_file(folder))
    if kind == "nan":
        series[3, :2] = np.nan
    elif kind == "inf":
        series[3, 0] = np.inf
    elif kind == "columns":
        series = series[:, :-1]
    elif kind == "trs":
        series = series[:-1]
    elif kind == "1d":
        series = series[0]
    elif kind == "integers":
        series = series.astype(np.int64)
    elif kind == "complex":
        series = series.astype(complex)
    elif kind == "objects":
        series = series.astype(object)
    np.save(path, series)
    if kind == "archive":
        with path.open("wb") as file:
            np.savez(file, series)
    raw = {"truncated": path.read_bytes()[:-100], "empty": b"", "text": b"a,b\n1,2\n"}.get(kind)
    if kind == "huge":
        raw = path.read_bytes()[:128].replace(b"(20, 293)", b"(9000, 293)").ljust(128)[:128]
    if raw is not None:
        path.write_bytes(raw)


@pytest.mark.parametrize(
    "kind, match",
    [
        ("nan", "found 2 values that are NaN"),
        ("inf", "found 1 values"),
        ("columns", r"found float64 \(20, 292\)"),
        ("trs", "found 19 TRs, needed 20 TRs as in sub-001"),
        ("1d", r"found float64 \(293,\)"),
        ("integers", "found int64"),
        ("complex", "found complex128"),
        ("objects", "does not fit"),
        ("archive", "found an archive"),
        ("truncated", "does not fit"),
        ("empty", "does not fit"),
        ("text", "does not fit"),
        ("huge", "does not fit"),
    ],
)
def test_damaged_subjects_are_refused_by_name(folder, kind, match):
    """Whatever is wrong with one subject's file, the refusal names the subject."""
    spoil(folder, kind)
    with pytest.raises(RecordingError, match=f"sub-002 does not fit: .*{match}|sub-002.*{match}"):
        load_pieman(folder)


@pytest.mark.parametrize("subjects", [(4,), (1, 99)])
def test_positions_out_of_range_are_refused(folder, subjects):
    """There are three subjects, so position 4 is none."""
    with pytest.raises(RecordingError, match="needed 1 to 3; change --subjects"):
        load_pieman(folder, subjects)


def test_missing_folders_and_files_are_refused(folder, tmp_path):
    """No folder, no series, no transcript: each is said."""
    for place in (tmp_path / "none", tmp_path / "timeseries"):
        with pytest.raises(RecordingError, match="not there: found no timeseries"):
            find_pieman(place)
    with pytest.raises(RecordingError, match="in any folder"):
        find_pieman(None)
    (folder / "align.csv").unlink()
    with pytest.raises(StoryError, match="no file"):
        load_pieman(folder)


def write_volume(path, labels, affine=None):
    """Write a label volume."""
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4) if affine is None else affine), path)


def bomb():
    """A header of 348 bytes that promises 16 GiB."""
    header = nibabel.Nifti1Header()
    header.set_data_shape((2048, 2048, 1024))
    header.set_data_dtype(np.float32)
    return gzip.compress(header.binaryblock + b"\0" * 4)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no gzip",
        gzip.compress(b"no image"),
        gzip.compress(b"\0" * 400),
        gzip.compress(bytes(range(256)) * 4),
        bomb(),
    ],
    ids=["missing", "empty", "plain", "text", "zeros", "noise", "bomb"],
)
def test_damaged_label_volumes_are_refused(tmp_path, content):
    """A file that is no label volume is refused in under a second, whatever it promises."""
    if content is not None:
        (tmp_path / VOLUME).write_bytes(content)
    began = time.process_time()
    with pytest.raises(RecordingError, match=f"{VOLUME} cannot be used: .*labels 0 to 268"):
        recordings._label_image(tmp_path / VOLUME)
    assert time.process_time() - began < 1


def test_gzip_bombs_are_cut_short(tmp_path):
    """Unpacking stops at the cap."""
    (tmp_path / VOLUME).write_bytes(gzip.compress(b"\0" * (recordings.MAX_VOLUME_BYTES + 1000), 1))
    with pytest.raises(RecordingError, match="cannot be used"):
        recordings._label_image(tmp_path / VOLUME)


def test_missing_labels_and_flipped_bits_are_refused(tmp_path):
    """A volume must hold each label from 0 to 268, and its bytes must match the gzip checksum."""
    labels = np.arange(270, dtype=np.int16).reshape(10, 27, 1) % 269
    write_volume(tmp_path / VOLUME, labels)
    np.testing.assert_array_equal(recordings._label_image(tmp_path / VOLUME).get_fdata(), labels)
    write_volume(tmp_path / "few.nii.gz", labels % 100)
    with pytest.raises(RecordingError, match="found 100 different labels"):
        recordings._label_image(tmp_path / "few.nii.gz")
    raw = bytearray((tmp_path / VOLUME).read_bytes())
    for position in np.random.default_rng(0).integers(30, len(raw), 40):
        flipped = raw.copy()
        flipped[position] ^= 1
        (tmp_path / "flip.nii.gz").write_bytes(flipped)
        with pytest.raises(RecordingError):
            recordings._label_image(tmp_path / "flip.nii.gz")


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 351), value=st.integers(0, 255))
def test_any_header_is_a_volume_or_a_named_refusal(tmp_path_factory, position, value):
    """Any byte of the header may be changed under a valid checksum: no other error, no huge memory."""
    path = tmp_path_factory.mktemp("header") / VOLUME
    image = nibabel.Nifti1Image(np.arange(270, dtype=np.int16).reshape(10, 27, 1) % 269, np.eye(4))
    raw = bytearray(image.to_bytes())
    raw[position] = value
    path.write_bytes(gzip.compress(raw, 1))
    try:
        image = recordings._label_image(path)
    except RecordingError:
        return
    assert set(np.unique(image.dataobj)) == set(range(269))


def test_holes_take_the_nearest_label_on_the_sphere():
    """Filled holes equal brute force over angles, hemisphere by hemisphere; the wall stays -1."""
    surface, cortex = load_surface(), load_atlas("yeo7").labels > 0
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(20_484) < 0.02, rng.integers(1, 269, 20_484), 0).astype(np.int32)
    filled = recordings._fill_cortex(labels)
    assert (filled[~cortex] == -1).all() and (filled[cortex] >= 0).all()
    for vertex in rng.choice(np.flatnonzero(cortex), 60, replace=False):
        side = np.arange(20_484) // 10_242 == vertex // 10_242
        known = np.flatnonzero((labels > 0) & side)
        angle = np.arccos(np.clip(surface.sphere[known] @ surface.sphere[vertex] / 1e4, -1, 1))
        assert filled[vertex] == labels[known[angle.argmin()]] - 1


def test_parcel_names(tmp_path):
    """268 Shen, 16 Pauli and 9 AAN names; networks from a table with bare carriage returns."""
    names = parcel_names(tmp_path / "none.csv")
    assert (names[0], names[267], names[268], names[292]) == ("Shen 1", "Shen 268", "Pauli 1", "AAN 9")
    assert len(set(names)) == N_LOCATIONS
    table = tmp_path / "table.csv"
    table.write_bytes(b"Node,Network\r" + b"\r".join(b"%d,5" % i for i in range(1, 269)))
    assert parcel_names(table)[60] == "Shen 61 (Motor)"


@pytest.mark.parametrize("content", [b"", b"Node,Network\r1,9\r", b"Node,Network\r1,2,3\r", b"\xff\x00,\r"])
def test_damaged_network_tables_are_refused(tmp_path, content):
    """A table that does not name a network for every parcel is refused."""
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(RecordingError, match="table.csv does not fit"):
        parcel_names(tmp_path / "table.csv")


@pytest.mark.shared_data
def test_pie_man_is_whole(pieman):
    """40 subjects x 300 TRs x 293 locations; 205 locations and the wall drawn on the side they belong to."""
    recording, story = pieman
    assert recording.bold.shape == (40, 300, 293) and story.n_words == 957
    assert recording.constant.sum() == 66
    spread = recording.bold.std(axis=1)
    np.testing.assert_allclose(spread[~recording.constant], 1, atol=1e-4)
    cortex, location = load_atlas("yeo7").labels > 0, recording.vertex_location
    np.testing.assert_array_equal(location >= 0, cortex)
    assert (location[:10_242][cortex[:10_242]] >= 133).all() and (location[10_242:] < 133).all()
    assert len(np.unique(location[cortex])) > 200


@pytest.mark.shared_data
def test_pie_man_loads_within_ten_seconds(pieman):
    """With the projection of the label volume."""
    began = time.process_time()
    load_pieman(SHARED)
    assert time.process_time() - began < 10


@pytest.mark.shared_data
def test_parcel_names_agree_with_anatomy(pieman):
    """Most vertices of 'Motor' parcels are somatomotor in Yeo 7, of 'Visual I' visual."""
    recording, _ = pieman
    yeo7 = load_atlas("yeo7")
    for finn, yeo in (("Motor", "Somatomotor"), ("Visual I", "Visual"), ("Frontoparietal", "Frontoparietal")):
        of = [i for i, name in enumerate(recording.locations) if name.endswith(f"({finn})")]
        under = yeo7.labels[np.isin(recording.vertex_location, of)]
        assert (under == yeo7.networks.index(yeo) + 1).mean() > 0.45, finn


@pytest.mark.shared_data
def test_listeners_agree_with_each_other(pieman):
    """Leave-one-out correlation with the other listeners: median .14, at most .38, in audition."""
    bold = pieman[0].bold.astype(float)
    scores = np.empty(bold.shape[::2])
    for i, one in enumerate(bold):
        others = np.delete(bold, i, axis=0).mean(axis=0)
        with np.errstate(invalid="ignore"):
            others = (others - others.mean(axis=0)) / others.std(axis=0)
        scores[i] = (one * others).mean(axis=0)
    scores[pieman[0].constant] = np.nan
    isc = np.nanmean(scores, axis=0)
    assert np.median(isc) == pytest.approx(0.144, abs=0.01) and isc.max() == pytest.approx(0.382, abs=0.01)
    drawn = pieman[0].vertex_location == isc.argmax()
    x, y, z = np.abs(load_surface().pial[drawn]).mean(axis=0)
    assert x > 40 and y < 40 and z < 25  # the superior temporal plane


@pytest.mark.shared_data
def test_projection_agrees_with_the_nearest_voxel():
    """Where all voxels around a mid-cortical point agree, the vertex has that label."""
    path = SHARED / "pieman" / VOLUME
    if not path.is_file():
        pytest.skip("the Pie Man recording is not beside the checkout")
    image = nibabel.load(path)
    labels = np.asarray(image.dataobj).astype(int)
    white = [
        nibabel.load(recordings.surface_file("white", side)).darrays[0].data for side in ("left", "right")
    ]
    middle = (np.concatenate(white) + load_surface().pial) / 2
    voxels = np.rint(nibabel.affines.apply_affine(np.linalg.inv(image.affine), middle)).astype(int)
    around = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    cube = labels[tuple((voxels[:, None] + around).transpose(2, 0, 1))]  # (n_vertices, 27)
    sure = (cube == cube[:, :1]).all(axis=1) & (cube[:, 0] > 0) & (load_atlas("yeo7").labels > 0)
    assert sure.sum() > 500
    assert (project_parcels(path)[sure] == cube[sure, 0] - 1).mean() > 0.99
