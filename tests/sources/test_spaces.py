"""From every space to fsaverage5: means by hand, by brute force, and as nilearn makes them."""

import gzip
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import sparse

from brainlike_core.errors import RecordingError
from brainlike_core.sources import fslr as fslr_module
from brainlike_core.sources import spaces
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.fslr import SPHERES
from brainlike_core.sources.recordings import project_parcels
from brainlike_core.sources.spaces import (
    average,
    cortex_vertices,
    fslr_weights,
    mesh_weights,
    parcel_weights,
    project_labels,
    volume_weights,
)
from brainlike_core.sources.surfaces import HEMISPHERES, N_LEFT, load_surface, surface_file
from tests.fslr_world import points_file, write_spheres

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
AFFINE = np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])
SHAPE = (46, 55, 46)


@pytest.fixture(scope="module")
def finer(tmp_path_factory):
    """A finer sphere as FreeSurfer's: fsaverage5 with a vertex near the middle of each edge, 40,962 in all."""
    folder, surface = tmp_path_factory.mktemp("finer"), load_surface()
    faces, sphere = surface.faces[: len(surface.faces) // 2], surface.sphere[:N_LEFT].astype(float)
    edges = np.unique(
        np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0
    )
    middle = 0.48 * sphere[edges[:, 0]] + 0.52 * sphere[edges[:, 1]]  # no ties
    middle *= 100 / np.linalg.norm(middle, axis=1, keepdims=True)
    sphere = np.concatenate([sphere, middle])
    points_file(folder / "fsaverage6" / "sphere_left.gii.gz", sphere, packed=True)
    return folder, sphere, edges


@pytest.fixture(scope="module")
def fslr(tmp_path_factory):
    """Two spheres of 32,492 even points, as templateflow names them."""
    folder = tmp_path_factory.mktemp("fslr")
    return folder, write_spheres(folder)


def test_means_by_hand():
    """Weighted means; a source that is NaN is left out, a place without sources stays NaN."""
    weights = sparse.csr_matrix(np.array([[1, 3, 0], [0, 1, 1], [0, 0, 0]], np.float32))
    rows = np.array([[2, 6, np.nan], [4, 8, np.nan]])
    np.testing.assert_allclose(average(weights, rows, 2), [[5, 6, np.nan], [7, 8, np.nan]])


def test_fsaverage5_goes_through_unchanged():
    """The same vertices in the same order."""
    row = np.arange(20_484.0)
    np.testing.assert_array_equal(average(mesh_weights(N_LEFT), [row], 1)[0], row)


@pytest.mark.parametrize("n", [40_962, 163_842])
def test_without_the_sphere_each_vertex_takes_its_own(n):
    """The first 10,242 of each hemisphere are fsaverage5's own vertices."""
    values = average(mesh_weights(n), [np.arange(2.0 * n)], 1)[0]
    np.testing.assert_array_equal(values, np.r_[:N_LEFT, n : n + N_LEFT])


def test_with_the_sphere_neighbours_are_averaged(finer):
    """Each fine vertex counts once, for its nearest fsaverage5 vertex (brute force), and constants stay."""
    folder, sphere, edges = finer
    weights = mesh_weights(40_962, folder)
    np.testing.assert_array_equal(np.asarray(weights.sum(axis=0)).ravel(), 1)
    np.testing.assert_allclose(average(weights, [np.full(81_924, 7.0)], 1), 7)
    values = np.random.default_rng(0).normal(size=81_924)
    coarse = average(weights, [values], 1)[0]
    for vertex in (0, 17, 5_000, 10_241):
        near = np.flatnonzero((edges == vertex).any(axis=1)) + N_LEFT  # only midpoints beside it can be
        close = [v for v in near if np.linalg.norm(sphere[v] - sphere[:N_LEFT], axis=1).argmin() == vertex]
        assert coarse[vertex] == pytest.approx(values[[vertex, *close]].mean(), abs=1e-6)
        assert coarse[N_LEFT + vertex] == pytest.approx(values[40_962:][[vertex, *close]].mean(), abs=1e-6)


def test_fslr_vertices_are_averaged_on_the_sphere(fslr):
    """Coordinates come out as those of fsaverage5; each vertex has the mean of its nearest (brute force)."""
    folder, points = fslr
    weights = fslr_weights(folder)
    sphere = load_surface().sphere
    for axis in range(3):
        both = np.concatenate([points[:, axis], points[:, axis] * (-1 if axis == 0 else 1)])
        np.testing.assert_allclose(average(weights, [both], 1)[0], sphere[:, axis], atol=3)
    values = np.random.default_rng(0).normal(size=64_984)
    mapped = average(weights, [values], 1)[0]
    unit = sphere[:N_LEFT] / np.linalg.norm(sphere[:N_LEFT], axis=1, keepdims=True)
    for vertex in (3, 4_000):
        near = np.flatnonzero(np.linalg.norm(points / 100 - unit[vertex], axis=1) < 0.1)
        own = [v for v in near if np.linalg.norm(points[v] / 100 - unit, axis=1).argmin() == vertex]
        assert own and mapped[vertex] == pytest.approx(values[own].mean(), abs=1e-6)
    assert np.isfinite(mapped).all()


def test_fslr_spheres_may_lie_in_the_data_folder(fslr, tmp_path):
    """Where fetch puts them: in a folder fslr/ of it."""
    (tmp_path / "fslr").symlink_to(fslr[0])
    assert (fslr_weights(tmp_path) != fslr_weights(fslr[0])).nnz == 0


@pytest.mark.parametrize("fault", ["missing", "one", "size", "nan", "origin", "cut"])
def test_fslr_without_its_spheres_is_refused(fslr, tmp_path, fault, monkeypatch):
    """The refusal names the files; a damaged sphere is said."""
    monkeypatch.setattr(fslr_module, "package_file", lambda package, inner: None)
    points = fslr[1].copy()
    if fault != "missing":
        points_file(tmp_path / SPHERES[0], points)
    if fault not in ("missing", "one"):
        points[0] = {"nan": np.nan, "origin": 0}.get(fault, 1)
        path = points_file(tmp_path / SPHERES[1], points[:-1] if fault == "size" else points)
        if fault == "cut":
            path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RecordingError, match="tpl-fsLR_space-fsaverage_hemi-"):
        fslr_weights(tmp_path)


def test_unknown_and_absent_meshes_are_refused(tmp_path):
    """A mesh that is not fsaverage's, and a folder without the finer sphere."""
    with pytest.raises(RecordingError, match="32492 vertices"):
        mesh_weights(32_492)
    with pytest.raises(RecordingError, match="fsaverage6 surface is not here"):
        mesh_weights(40_962, tmp_path)


def test_volumes_are_sampled_as_nilearn_does():
    """Ten depths between pial and white, trilinear: vol_to_surf gives the same on cortex."""
    from nilearn.surface import vol_to_surf

    volume = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    ours = average(volume_weights(SHAPE, AFFINE), [volume], 1)[0]
    theirs = [
        vol_to_surf(
            nibabel.Nifti1Image(volume, AFFINE), str(surface_file("pial", side)),
            inner_mesh=str(surface_file("white", side)), kind="depth", interpolation="linear",
        )
        for side in HEMISPHERES
    ]  # fmt: skip
    np.testing.assert_allclose(ours, np.concatenate(theirs), atol=1e-4)


@pytest.mark.parametrize("turned", [False, True])
def test_a_volume_of_coordinates_gives_coordinates(turned):
    """A volume whose value is x, y or z in mm gives mid-cortex, whichever way its axes run."""
    affine = AFFINE.copy()
    if turned:
        affine = AFFINE @ np.array([[-1.0, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    weights = volume_weights(SHAPE, affine)
    place = nibabel.affines.apply_affine(affine, np.indices(SHAPE).reshape(3, -1).T)
    white = [nibabel.load(surface_file("white", side)).darrays[0].data for side in HEMISPHERES]
    middle = (load_surface().pial + np.concatenate(white)) / 2
    np.testing.assert_allclose(average(weights, place.T, 3).T, middle, atol=1e-2)


def test_masked_voxels_are_left_out():
    """NaN outside a mask never reaches a vertex; where all is masked there is no data."""
    volume = np.ones(SHAPE)
    volume[:, :27] = np.nan
    values = average(volume_weights(SHAPE, AFFINE), [volume], 1)[0]
    assert set(np.unique(values[np.isfinite(values)].round(5))) == {1}
    assert 0.2 < np.isnan(values).mean() < 0.8


def test_volumes_elsewhere_are_refused():
    """A volume that does not hold cortex."""
    away = AFFINE.copy()
    away[0, 3] = 500
    with pytest.raises(RecordingError, match="0% of cortex"):
        volume_weights(SHAPE, away)


def write_labels(path, labels, affine=AFFINE):
    """A label volume."""
    nibabel.save(nibabel.Nifti1Image(np.asarray(labels, np.int16), affine), path)
    return path


def test_parcels_are_means_over_their_voxels(tmp_path):
    """By hand: the mean of the voxels of each label; a label without voxels has no data."""
    labels = np.zeros((3, 3, 3))
    labels[0, 0, 0], labels[0, 0, 1], labels[2, 2, 2] = 1, 1, 3
    weights, n = parcel_weights(write_labels(tmp_path / "a.nii.gz", labels), (3, 3, 3), AFFINE)
    volume = np.arange(27.0).reshape(3, 3, 3)
    assert n == 3
    np.testing.assert_array_equal(average(weights, [volume], 1), [[0.5, np.nan, 26]])


def test_labels_on_another_grid_go_to_the_nearest_voxel(tmp_path):
    """As nilearn's nearest-neighbour resampling of the label volume to the data."""
    from nilearn.image import resample_to_img

    rng = np.random.default_rng(0)
    fine = np.diag([2.0, 2, 2, 1])
    fine[:3, 3] = [-91.3, -127.2, -73.1]
    labels = nibabel.Nifti1Image(rng.integers(0, 9, (30, 31, 32)).astype(np.int16), fine)
    nibabel.save(labels, tmp_path / "fine.nii.gz")
    data = nibabel.Nifti1Image(rng.normal(size=(12, 13, 14)), AFFINE)
    weights, _ = parcel_weights(tmp_path / "fine.nii.gz", data.shape, AFFINE)
    at_data = resample_to_img(labels, data, interpolation="nearest").get_fdata()
    expected = [data.get_fdata()[at_data == k].mean() for k in range(1, 9)]
    np.testing.assert_allclose(average(weights, [data.get_fdata()], 1)[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    "fault", ["missing", "text", "zeros", "fractions", "high", "negative", "away", "4-D"]
)
def test_bad_label_volumes_are_refused(tmp_path, fault):
    """What is no volume of labels, or does not meet the data, is refused by its name."""
    path, labels, affine = tmp_path / "labels.nii.gz", np.ones((3, 3, 3), np.float32), AFFINE.copy()
    labels[0, 0, 0] = {"fractions": 0.5, "high": 5_001, "negative": -1}.get(fault, 1)
    labels *= fault != "zeros"
    if fault == "away":
        affine[:3, 3] = 1e4
    if fault == "text":
        path.write_bytes(gzip.compress(b"no image"))
    elif fault != "missing":
        twice = np.stack([labels] * 2, axis=-1)
        nibabel.save(nibabel.Nifti1Image(twice if fault == "4-D" else labels, affine), path)
    with pytest.raises(RecordingError, match="label volume labels.nii.gz") as caught:
        parcel_weights(path, (3, 3, 3), AFFINE)
    assert caught.value.found and caught.value.needed and caught.value.do


def test_labels_are_drawn_where_they_lie(tmp_path):
    """Left and right, front and back: the vertex has the label of its quarter, the wall none."""
    x, y = (
        nibabel.affines.apply_affine(AFFINE, np.indices(SHAPE).reshape(3, -1).T).T[i].reshape(SHAPE)
        for i in (0, 1)
    )
    location = project_labels(write_labels(tmp_path / "a.nii.gz", 1 + (x > 0) + 2 * (y > -20)))
    pial, cortex = load_surface().pial, load_atlas("yeo7").labels > 0
    np.testing.assert_array_equal(location >= 0, cortex)
    sure = cortex & (np.abs(pial[:, 0]) > 12) & (np.abs(pial[:, 1] + 20) > 10)
    np.testing.assert_array_equal(location[sure], ((pial[:, 0] > 0) + 2 * (pial[:, 1] > -20))[sure])


def test_labels_that_cover_a_part_stay_a_part(tmp_path):
    """One region on one side is not spread over the hemisphere; a volume off cortex is refused."""
    place = nibabel.affines.apply_affine(AFFINE, np.indices(SHAPE).reshape(3, -1).T)
    near = (np.linalg.norm(place - [-56, -20, 6], axis=1) < 15).reshape(SHAPE)
    location = project_labels(write_labels(tmp_path / "one.nii.gz", near))
    drawn = np.flatnonzero(location == 0)
    assert 50 < len(drawn) < 1_500 and (drawn < N_LEFT).all()
    deep = (np.linalg.norm(place - [0, -25, -40], axis=1) < 8).reshape(SHAPE)
    with pytest.raises(RecordingError, match="no label on cortex"):
        project_labels(write_labels(tmp_path / "deep.nii.gz", deep))


def test_the_medial_wall_is_not_drawn():
    """Each vertex of cortex is its own location."""
    location, cortex = cortex_vertices(), load_atlas("yeo7").labels > 0
    assert location.dtype == np.int32 and (location[~cortex] == -1).all()
    np.testing.assert_array_equal(location[cortex], np.flatnonzero(cortex))


@pytest.mark.shared_data
def test_shen_labels_are_drawn_as_pie_man_s():
    """On the Shen volume the general projection agrees with Pie Man's own, but for the midline and far holes."""
    path = SHARED / "pieman" / "shen_2mm_268_parcellation.nii.gz"
    if not path.is_file():
        pytest.skip("the Pie Man recording is not beside the checkout")
    ours, theirs = project_labels(path), project_parcels(path)
    both = (ours >= 0) & (theirs >= 0)
    assert both.sum() > 0.97 * (theirs >= 0).sum() and (ours == theirs)[both].mean() > 0.97


def test_weights_are_small():
    """The matrix of a 2 mm whole-brain volume takes under 40 MB."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = [-96, -132, -78]
    weights = spaces.volume_weights((97, 115, 97), affine)
    assert weights.data.nbytes + weights.indices.nbytes < 40e6
