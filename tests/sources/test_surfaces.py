"""Surfaces: the same mesh as nilearn's, both hemispheres in one list; finer meshes nest in coarser ones."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage

from brainlike_core.errors import AtlasError, DownloadError, UnknownNameError
from brainlike_core.sources import surfaces
from brainlike_core.sources.surfaces import (
    N_LEFT,
    fetch_surface,
    flat_faces,
    load_surface,
    nest,
    surface_file,
    surface_files,
)

REPO = Path(__file__).resolve().parents[2]


def test_nilearn_is_never_imported():
    """Loading the surface does not pay for importing nilearn."""
    code = (
        "import sys; from brainlike_core.sources.surfaces import load_surface; load_surface();"
        "sys.exit('nilearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, timeout=60).returncode == 0


def test_vertices_and_faces_are_those_of_nilearn():
    """Coordinates equal nilearn's own reader; right-hemisphere faces are shifted by 10,242."""
    from nilearn.datasets import load_fsaverage

    surface, mesh = load_surface(), load_fsaverage("fsaverage5")["pial"].parts
    assert surface.n_vertices == 20_484 and surface.n_left == 10_242
    np.testing.assert_allclose(surface.pial[:10_242], mesh["left"].coordinates)
    np.testing.assert_allclose(surface.pial[10_242:], mesh["right"].coordinates)
    np.testing.assert_array_equal(surface.faces[20_480:] - 10_242, mesh["right"].faces)


def test_each_hemisphere_is_a_closed_sphere():
    """V - E + F = 2 for each hemisphere, and no triangle joins the two."""
    surface = load_surface()
    is_left = surface.faces < surface.n_left
    assert (is_left.all(axis=1) | ~is_left.any(axis=1)).all()
    for faces in (surface.faces[is_left.all(axis=1)], surface.faces[~is_left.any(axis=1)]):
        edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
        assert len(np.unique(faces)) - len(np.unique(edges, axis=0)) + len(faces) == 2


def test_sphere_has_radius_100():
    """Every vertex of the sphere lies 100 from its centre."""
    radius = np.linalg.norm(load_surface().sphere.astype(float), axis=1)
    np.testing.assert_allclose(radius, 100, rtol=1e-6)


def test_left_is_left_and_sulci_are_deep():
    """Left vertices have x < 0; sulcal depth is positive deep inside, negative far out."""
    surface = load_surface()
    assert surface.pial[: surface.n_left, 0].mean() < -20 and surface.pial[surface.n_left :, 0].mean() > 20
    centre = np.array([surface.pial[: surface.n_left].mean(axis=0)])
    distance = np.linalg.norm(surface.pial[: surface.n_left] - centre, axis=1)
    assert np.corrcoef(distance, surface.sulc[: surface.n_left])[0, 1] < -0.1


def test_flat_faces_are_a_subset_of_the_mesh():
    """Flattening only removes triangles, along the cuts."""
    whole = {tuple(sorted(face)) for face in load_surface().faces.tolist()}
    cut = {tuple(sorted(face)) for face in flat_faces().tolist()}
    assert cut < whole and len(cut) == len(flat_faces())


def test_values_are_read_only():
    """Nobody can change the shared surface."""
    with pytest.raises(ValueError):
        load_surface().pial[0] = 0
    with pytest.raises(ValueError):
        flat_faces()[0] = 0


def test_unknown_surface_is_refused():
    """Another name is answered with the known ones."""
    with pytest.raises(
        UnknownNameError, match="found 'fsaverage7', needed one of fsaverage, fsaverage5, fsaverage6"
    ):
        load_surface("fsaverage7")


def subdivide(points, faces):
    """Each triangle into four: the old vertices first, then one per edge, on the sphere."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, which = np.unique(edges, axis=0, return_inverse=True)
    middle = points[unique].mean(axis=1)
    middle *= 100 / np.linalg.norm(middle, axis=1, keepdims=True)
    ab, bc, ca = which.reshape(3, -1) + len(points)
    a, b, c = faces.T
    four = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.concatenate([points, middle]), np.concatenate([np.stack(face, axis=1) for face in four])


@pytest.fixture(scope="module")
def finer(tmp_path_factory):
    """A data folder with a made-up fsaverage6: fsaverage5's sphere, subdivided once."""
    surface = load_surface()
    points, faces = subdivide(surface.sphere[:N_LEFT].astype(float), surface.faces[:20_480])
    folder = tmp_path_factory.mktemp("data")
    (folder / "fsaverage6").mkdir()
    shape = GiftiImage(
        darrays=[
            GiftiDataArray(points.astype(np.float32), intent="NIFTI_INTENT_POINTSET"),
            GiftiDataArray(faces.astype(np.int32), intent="NIFTI_INTENT_TRIANGLE"),
        ]
    )
    sulc = GiftiImage(darrays=[GiftiDataArray(points[:, 0].astype(np.float32), intent="NIFTI_INTENT_SHAPE")])
    for path in surface_files("fsaverage6"):
        with gzip.open(folder / path, "wb", 1) as file:
            file.write((sulc if "sulc" in path else shape).to_bytes())
    return folder


def test_a_finer_surface_is_read_from_its_folder(finer):
    """fsaverage6: 40,962 vertices per side, of which the first are fsaverage5's."""
    surface = load_surface("fsaverage6", finer)
    assert surface.name == "fsaverage6" and surface.n_left == 40_962 and surface.n_vertices == 81_924
    assert surface.faces.shape == (163_840, 3) and surface.faces.max() == 81_923
    np.testing.assert_allclose(surface.sphere[:N_LEFT], load_surface().sphere[:N_LEFT], atol=1e-4)


@pytest.mark.parametrize("name", ["fsaverage6", "fsaverage"])
def test_a_finer_surface_that_is_not_here_is_refused(tmp_path, name):
    """No folder, or one without the files: the sentence says what to fetch."""
    for folder in (None, tmp_path):
        with pytest.raises(AtlasError, match=f"The {name} surface is not here.*fetch {name}"):
            load_surface(name, folder)


def test_a_finer_surface_of_the_wrong_size_is_refused(finer, tmp_path):
    """Files of another mesh under the name of fsaverage are no fsaverage."""
    (tmp_path / "fsaverage").mkdir()
    for path in surface_files("fsaverage6"):
        (tmp_path / path.replace("fsaverage6", "fsaverage")).write_bytes((finer / path).read_bytes())
    with pytest.raises(AtlasError, match="found 40962 vertices, needed 163842.*fetch the surface again"):
        load_surface("fsaverage", tmp_path)


def test_fetching_a_surface_passes_on_nilearn_s_failure(tmp_path, monkeypatch):
    """nilearn downloads it; when it cannot, the sentence names the mirror."""
    from nilearn import datasets

    asked = []
    monkeypatch.setattr(
        datasets, "fetch_surf_fsaverage", lambda name, data_dir: asked.append((name, data_dir))
    )
    assert fetch_surface("fsaverage6", tmp_path) == tmp_path / "fsaverage6"
    assert asked == [("fsaverage6", str(tmp_path))]

    def offline(name, data_dir):
        raise ConnectionError

    monkeypatch.setattr(datasets, "fetch_surf_fsaverage", offline)
    with pytest.raises(DownloadError, match="found ConnectionError.*BRAINLIKE_MIRROR"):
        fetch_surface("fsaverage6", tmp_path)


@pytest.mark.parametrize("n_from, n_to", [(10_242, 2562), (10_242, 12), (2562, 642), (642, 642)])
def test_nesting_finds_the_nearest_vertex(n_from, n_to):
    """Common vertices keep their number; the others go to the nearest by brute force."""
    sphere = load_surface().sphere[:n_from].astype(float)
    nearest = nest(n_from, n_to)
    assert nearest.dtype == np.int32 and nearest.shape == (n_from,)
    np.testing.assert_array_equal(nearest[:n_to], np.arange(n_to))
    some = np.arange(0, n_from, 97)
    distance = np.linalg.norm(sphere[some, None] - sphere[None, :n_to], axis=2)
    np.testing.assert_allclose(distance[np.arange(len(some)), nearest[some]], distance.min(axis=1), atol=1e-3)


def test_nesting_from_fsaverage6(finer):
    """New vertices lie on edges: their nearest is one of the two ends."""
    nearest = nest(40_962, 10_242, finer)
    np.testing.assert_array_equal(nearest[:N_LEFT], np.arange(N_LEFT))
    edges = np.sort(load_surface().faces[:20_480][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0) == nearest[N_LEFT:, None]).any(axis=1).all()


@pytest.mark.parametrize("n_from, n_to", [(10_242, 40_962), (10_000, 642), (10_242, 0), (655_362, 12)])
def test_meshes_that_do_not_nest_are_refused(n_from, n_to):
    """Not an icosahedral mesh, or from coarse to fine."""
    with pytest.raises(AtlasError, match="not nested"):
        nest(n_from, n_to)
    with pytest.raises(AtlasError, match="fsaverage6 surface is not here"):
        nest(40_962, 10_242)


def test_missing_file_is_refused():
    """A geometry that the wheel lacks is named in the refusal."""
    with pytest.raises(AtlasError, match="no dent_left.gii.gz among the files of nilearn"):
        surface_file("dent", "left")


@pytest.mark.parametrize("damage", [b"", b"not gzip", b"\x1f\x8b\x08\x00broken"])
def test_damaged_file_is_refused(tmp_path, monkeypatch, damage):
    """A file that cannot be read is refused by name, whatever its reader says."""
    path = tmp_path / "pial_left.gii.gz"
    path.write_bytes(damage)
    monkeypatch.setattr(surfaces, "surface_file", lambda geometry, hemisphere: path)
    with pytest.raises(AtlasError, match="pial_left.gii.gz is damaged.*install nilearn again"):
        surfaces._arrays("pial", "left")
