"""sources/weight_files.py: maps of weights in each format come to fsaverage5 as they are, and wrong ones are refused."""

import nibabel
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, ScalarAxis
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiMetaData
from nilearn.surface import vol_to_surf

from brainlike_core.errors import AtlasError
from brainlike_core.sources import weight_files
from brainlike_core.sources.embedded_atlases import cortex
from brainlike_core.sources.own_atlases import read_atlas
from brainlike_core.sources.surfaces import HEMISPHERES, load_surface, surface_file
from tests.fslr_world import write_spheres

N, CORTEX = 10_242, cortex()
RNG = np.random.default_rng(0)


def smooth_weights(n_vertices):
    """Two overlapping maps between 0 and 1 on both halves: (2, 2 * n_vertices)."""
    return RNG.random((2, 2 * n_vertices)).astype(np.float32)


def write_func(folder, maps, names=("Default", "Language")):
    """A pair of .func.gii files, one array per map."""
    half = maps.shape[1] // 2
    for side, part in (("L", maps[:, :half]), ("R", maps[:, half:])):
        arrays = [
            GiftiDataArray(one, meta=GiftiMetaData({"Name": name} if name else {}))
            for one, name in zip(part, names, strict=True)
        ]
        GiftiImage(darrays=arrays).to_filename(folder / f"tpl_hemi-{side}_maps.func.gii")
    return folder / "tpl_hemi-L_maps.func.gii"


def write_volume(folder, n_maps=2, name="maps.nii.gz"):
    """Smooth maps on a 4 mm grid in MNI space."""
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-90, -126, -72]
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in (46, 55, 46)), indexing="ij"), -1) @ affine[:3, :3]
    places = grid + affine[:3, 3]
    centres = [(-40, -20, 10), (45, 20, 30), (0, 0, 0)][:n_maps]
    values = np.stack([np.exp(-(((places - c) / 40) ** 2).sum(-1)) for c in centres], -1)
    image = nibabel.Nifti1Image(values.astype(np.float32), affine)
    nibabel.save(image, folder / name)
    return folder / name, image


@pytest.mark.parametrize("n", [10_242, 40_962])
def test_a_gifti_pair_comes_back(tmp_path, n):
    """Each array is a network with the name in its metadata; finer meshes are cut; the wall is NaN."""
    maps = smooth_weights(n)
    path = write_func(tmp_path, maps)
    atlas = read_atlas(path)
    wanted = maps.reshape(2, 2, n)[:, :, :N].reshape(2, -1)
    np.testing.assert_array_equal(atlas.weights[:, CORTEX], wanted[:, CORTEX])
    assert np.isnan(atlas.weights[:, ~CORTEX]).all() and atlas.has_weights
    assert atlas.networks == ("Default", "Language") and "weights" in atlas.title


def test_a_dscalar_comes_back(tmp_path):
    """Maps on fsLR 32k take their nearest vertex, and the names of the file."""
    write_spheres(tmp_path)
    n = 32_492
    model = BrainModelAxis.from_mask(np.ones(n, bool), name="CortexLeft") + BrainModelAxis.from_mask(
        np.ones(n, bool), name="CortexRight"
    )
    maps = smooth_weights(n)
    path = tmp_path / "maps.dscalar.nii"
    nibabel.Cifti2Image(maps, (ScalarAxis(["A", "B"]), model)).to_filename(path)
    atlas = read_atlas(path, folder=tmp_path)
    assert atlas.networks == ("A", "B")
    assert np.isin(atlas.weights[1][CORTEX], maps[1]).all()


def test_a_volume_agrees_with_nilearn(tmp_path):
    """Trilinear at ten depths from pial to white, as vol_to_surf reads it; without names they are numbered."""
    path, image = write_volume(tmp_path)
    atlas = read_atlas(path)
    assert atlas.networks == ("map 1", "map 2")
    for i, side in enumerate(HEMISPHERES):
        theirs = vol_to_surf(
            image, str(surface_file("pial", side)), inner_mesh=str(surface_file("white", side)),
            kind="depth", interpolation="linear", n_samples=10,
        )  # fmt: skip
        ours = atlas.weights[:, i * N : (i + 1) * N]
        inside = CORTEX[i * N : (i + 1) * N]
        np.testing.assert_allclose(ours[:, inside], theirs.T[:, inside], atol=1e-4)


def test_names_of_a_volume_lie_beside_it(tmp_path):
    """A table of the same stem names the maps by number; the name of the atlas changes with them."""
    path, _ = write_volume(tmp_path)
    before = read_atlas(path).name
    (tmp_path / "maps.tsv").write_text("index\tname\n1\tDefault\n2\tLanguage\n")
    atlas = read_atlas(path)
    assert atlas.networks == ("Default", "Language") and atlas.name != before


def test_what_is_drawn_is_the_largest_map(tmp_path):
    """Labels follow the maps' own peaks: the centre of each map is its own."""
    path, _ = write_volume(tmp_path)
    atlas = read_atlas(path)
    assert set(np.unique(atlas.labels)) == {0, 1, 2} and not atlas.labels[~CORTEX].any()
    for f in range(2):
        assert atlas.labels[np.nanargmax(atlas.weights[f])] == f + 1
    pial = load_surface().pial
    assert pial[atlas.labels == 1].mean(0)[0] < 0 < pial[atlas.labels == 2].mean(0)[0]


def test_maps_that_cannot_be_used_are_refused(tmp_path):
    """Not finite, flat on cortex, of two lengths, or two of one name: one sentence each."""
    maps = smooth_weights(N)
    hole = maps.copy()
    hole[1, 5] = np.nan
    flat = np.stack([maps[0], np.full(2 * N, 0.5, np.float32)])
    for wrong, names, message in (
        (hole, ("a", "b"), "not all of them finite"),
        (flat, ("a", "b"), "map 2 with one value"),
        (maps, ("a", "a"), "two maps called 'a'"),
    ):
        with pytest.raises(AtlasError, match=message):
            read_atlas(write_func(tmp_path, wrong, names))
    path = write_func(tmp_path, maps)
    GiftiImage(darrays=[GiftiDataArray(maps[0, :N])]).to_filename(tmp_path / "tpl_hemi-R_maps.func.gii")
    with pytest.raises(AtlasError, match="2 and 1 maps"):
        read_atlas(path)


def test_too_many_maps_are_refused(tmp_path, monkeypatch):
    """A time series is no atlas: more maps than networks could be."""
    monkeypatch.setattr(weight_files, "MAX_MAPS", 2)
    path, _ = write_volume(tmp_path, n_maps=3)
    with pytest.raises(AtlasError, match="3 maps"):
        read_atlas(path)


def test_a_volume_elsewhere_is_refused(tmp_path):
    """Maps that miss the cortex have one value on all of it: look at the space."""
    path, image = write_volume(tmp_path)
    affine = image.affine.copy()
    affine[:3, 3] += 500
    nibabel.save(nibabel.Nifti1Image(image.get_fdata(dtype=np.float32), affine), path)
    with pytest.raises(AtlasError, match="one value on all of cortex"):
        read_atlas(path)
