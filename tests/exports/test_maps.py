"""Maps of a run as files, opened again by nibabel and nilearn."""

from __future__ import annotations

import gzip
import json

import nibabel
import numpy as np
import pytest
from nilearn.image import load_img
from nilearn.interfaces.bids.utils import bids_entities, create_bids_filename
from nilearn.surface import load_surf_data, load_surf_mesh

from brainlike_core import inventory
from brainlike_core.config import RecordingConfig
from brainlike_core.errors import ConfigError
from brainlike_core.exports import maps
from brainlike_core.exports.names import bids_name
from brainlike_core.values import ParcelVolume
from tests import synthetic_run as made
from tests.small_study import write_study

N_LEFT = 10_242


@pytest.fixture(scope="module")
def run():
    """A made-up run of parcels; the medial wall has no location."""
    whole = made.make_run()
    wall = inventory.atlas("yeo7").labels == 0
    location = np.where(wall, -1, whole.recording.vertex_location).astype(np.int32)
    whole.recording.__dict__["vertex_location"] = location
    return whole


@pytest.fixture(scope="module")
def files(run):
    """All its maps."""
    return maps.map_files(run, inventory.surface())


def named(files, *parts):
    """The one file whose name holds all parts."""
    (name,) = [name for name in files if all(part in name for part in parts)]
    return name


def expected(run, values, n_left=N_LEFT):
    """Each location's value at its vertices, vertex by vertex: left and right."""
    location = run.recording.vertex_location
    drawn = np.array([[row[k] if k >= 0 else np.nan for k in location] for row in values], np.float32)
    return drawn[:, :n_left], drawn[:, n_left:]


def test_gifti_holds_every_map_of_a_hemisphere(run, files):
    """nibabel reads the value of each vertex back, with its name, unit and the structure Workbench asks for."""
    for hemi, structure, half in zip(
        "LR", ("CortexLeft", "CortexRight"), expected(run, run.encoding.z_maps), strict=True
    ):
        image = nibabel.GiftiImage.from_bytes(files[named(files, f"hemi-{hemi}", "stat-z", ".func.gii")])
        assert image.meta["AnatomicalStructurePrimary"] == structure
        assert [array.meta["Name"] for array in image.darrays] == [f"Atom {k}" for k in range(made.N_ATOMS)]
        assert {array.intent for array in image.darrays} == {5}  # z score
        np.testing.assert_array_equal(np.stack([array.data for array in image.darrays]), half)


def test_nilearn_opens_what_is_written(run, files, tmp_path):
    """nilearn loads the maps on the surface that lies beside them."""
    for name in files:
        if name.endswith(".gii"):
            (tmp_path / name).write_bytes(files[name])
    values = load_surf_data(tmp_path / named(files, "hemi-L", "stat-r", ".func.gii"))  # (n_vertices, n_maps)
    mesh = load_surf_mesh(tmp_path / named(files, "hemi-L", "inflated"))
    assert values.shape == (N_LEFT, 2) and mesh.coordinates.shape == (N_LEFT, 3)
    drawn, _ = expected(run, np.stack([run.encoding.r_heldout, run.encoding.group_ceiling]))
    np.testing.assert_array_equal(values.T, drawn)


def test_the_surface_is_the_one_that_the_vertices_belong_to(files):
    """Points and triangles of both hemispheres come back, each numbered from 0."""
    surface = inventory.surface()
    left, right = (nibabel.GiftiImage.from_bytes(files[named(files, f"hemi-{h}", "pial")]) for h in "LR")
    np.testing.assert_array_equal(left.agg_data("pointset"), surface.pial[:N_LEFT])
    np.testing.assert_array_equal(right.agg_data("pointset"), surface.pial[N_LEFT:])
    both = np.concatenate([left.agg_data("triangle"), right.agg_data("triangle") + N_LEFT])
    np.testing.assert_array_equal(both, surface.faces)


def test_dense_scalars_leave_the_medial_wall_out(run, files):
    """The CIFTI file holds the cortex vertices of both hemispheres, and no others."""
    image = nibabel.Cifti2Image.from_bytes(files[named(files, "stat-z", ".dscalar.nii")])
    scalars, models = image.header.get_axis(0), image.header.get_axis(1)
    assert image.nifti_header.get_intent()[0] == "ConnDenseScalar"
    assert list(scalars.name) == [f"Atom {k}" for k in range(made.N_ATOMS)]
    assert models.nvertices == {"CIFTI_STRUCTURE_CORTEX_LEFT": N_LEFT, "CIFTI_STRUCTURE_CORTEX_RIGHT": N_LEFT}
    back = np.full((made.N_ATOMS, 2 * N_LEFT), np.nan, np.float32)
    shift = np.where(models.name == "CIFTI_STRUCTURE_CORTEX_RIGHT", N_LEFT, 0)
    back[:, models.vertex + shift] = image.get_fdata()
    np.testing.assert_array_equal(back, np.concatenate(expected(run, run.encoding.z_maps), axis=1))


def test_parcellated_scalars_hold_one_value_for_each_parcel(run, files):
    """The CIFTI file of parcels names them, says which vertices they are, and has their values."""
    image = nibabel.Cifti2Image.from_bytes(files[named(files, "stat-z", ".pscalar.nii")])
    parcels = image.header.get_axis(1)
    assert image.nifti_header.get_intent()[0] == "ConnParcelScalr"
    for column in (0, 42, 99):
        k = run.recording.locations.index(parcels.name[column])
        vertices = np.flatnonzero(run.recording.vertex_location == k)
        here = parcels.vertices[column]
        both = [
            *here.get("CIFTI_STRUCTURE_CORTEX_LEFT", []),
            *(v + N_LEFT for v in here.get("CIFTI_STRUCTURE_CORTEX_RIGHT", [])),
        ]
        assert both == vertices.tolist()
        np.testing.assert_array_equal(image.get_fdata()[:, column], run.encoding.z_maps[:, k])


def test_volumes_paint_each_parcel_with_its_value(run, tmp_path):
    """Of parcels in a volume, each voxel has its parcel's value, and none outside; sform and unit are kept."""
    labels = np.zeros((4, 5, 3), np.int32)
    labels[0, 0, 0], labels[1:3, 2, 1], labels[3, 4, 2] = 1, 43, 100
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-90, -126, -72)
    files = maps.volume_files(run, maps.atom_maps(run), ParcelVolume(labels, affine, "MNI"))
    packed = files[named(files, ".nii.gz")]
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(packed))
    np.testing.assert_array_equal(image.affine, affine)
    (tmp_path / "map.nii.gz").write_bytes(packed)
    opened = load_img(tmp_path / "map.nii.gz")  # nilearn
    np.testing.assert_array_equal(opened.get_fdata(), image.get_fdata())
    values = image.get_fdata()  # (4, 5, 3, n_atoms)
    assert values[1, 2, 1, 3] == values[2, 2, 1, 3] == 8.0  # what was planted in parcel 42
    np.testing.assert_array_equal(values[3, 4, 2], run.encoding.z_maps[:, 99])
    assert not values[labels == 0].any()


def test_the_label_volume_of_a_recording_is_found(tmp_path):
    """A recording of one's own names its label volume; where that is absent, or locations are vertices, there is none."""
    path = write_study(tmp_path).labels
    found = inventory.parcel_volume(RecordingConfig("own", parcels=str(path)))
    np.testing.assert_array_equal(found.labels, np.asarray(nibabel.load(path).dataobj))
    np.testing.assert_array_equal(found.affine, nibabel.load(path).affine)
    assert inventory.parcel_volume(RecordingConfig("own", parcels=str(tmp_path / "gone.nii.gz"))) is None
    assert inventory.parcel_volume(RecordingConfig()) is None


def test_one_sub_group_alone(run):
    """A single map has its number in its name; one that is not there is refused."""
    one = maps.atom_maps(run, (3,))
    name = named(maps.surface_files(run, one, inventory.surface()), "hemi-L", ".func.gii")
    assert name == "task-simulated_hemi-L_space-fsaverage5_desc-MinilmL6Atom3_stat-z_statmap.func.gii"
    with pytest.raises(ConfigError, match="0 to 11"):
        maps.atom_maps(run, (12,))


def test_each_map_has_a_side_car(files, run):
    """Unit, threshold, null, sources, version and the run's id lie beside every map."""
    for name in files:
        if "_statmap." not in name or name.endswith(".json"):
            continue
        body = json.loads(files[name.split(".")[0] + ".json"])
        assert body["RunID"] == run.id and body["GeneratedBy"][0]["Version"]
        assert {"Description", "Units", "Threshold", "Null", "Sources", "SpatialReference"} <= set(body)
        assert f"stat-{body['Units']}" in name


def test_names_follow_the_order_that_nilearn_knows():
    """Entities come as in nilearn's list of BIDS entities, itself made from the specification."""
    known = bids_entities()
    order = known["raw"] + known["derivatives"]
    entities = {"desc": "MinilmL6", "space": "fsLR", "den": "32k", "task": "lucy", "hemi": "R"}
    theirs = create_bids_filename({"entities": entities, "suffix": "statmap", "extension": "func.gii"}, order)
    assert bids_name("statmap", ".func.gii", **entities) == theirs
