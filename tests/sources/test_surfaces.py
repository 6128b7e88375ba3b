"""fsaverage5: the same mesh as nilearn's, both hemispheres in one list."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from brainlike_core.errors import AtlasError, UnknownNameError
from brainlike_core.sources import surfaces
from brainlike_core.sources.surfaces import flat_faces, load_surface, surface_file

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
    """Only fsaverage5 is known."""
    with pytest.raises(UnknownNameError, match="found 'fsaverage6', needed one of fsaverage5"):
        load_surface("fsaverage6")


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
