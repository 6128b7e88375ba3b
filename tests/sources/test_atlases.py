"""Embedded atlases: complete, anatomically where they should be, and equal to their sources."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from brainlike_core.errors import AtlasError, UnknownNameError
from brainlike_core.sources import embedded_atlases
from brainlike_core.sources.atlases import list_atlases, load_atlas, load_regions
from brainlike_core.sources.surfaces import load_surface

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
NAMES = ["eg17", "yeo7", "yeo17", "du15"]


def members(atlas, network):
    """Vertices of one network, bool (n_vertices,)."""
    return atlas.labels == atlas.networks.index(network) + 1


def dice(a, b):
    """Dice overlap by definition."""
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_catalogue_is_complete():
    """Four atlases, each with a title, a citation, a licence and the number of its networks."""
    entries = list_atlases()
    assert [entry.name for entry in entries] == NAMES
    assert [entry.n_networks for entry in entries] == [17, 7, 17, 15]
    assert all(entry.title and entry.citation and entry.licence for entry in entries)


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_a_name_and_vertices_on_both_sides(name):
    """Labels are 1..n without gaps, in each hemisphere, under unique names."""
    atlas = load_atlas(name)
    assert len(set(atlas.networks)) == atlas.n_networks
    for half in (atlas.labels[:10_242], atlas.labels[10_242:]):
        assert set(half.tolist()) == set(range(atlas.n_networks + 1))


@pytest.mark.parametrize("name", NAMES)
def test_medial_wall_is_unlabelled(name):
    """At least 85 % of the medial wall (0 in Yeo 7) belongs to no network."""
    wall = load_atlas("yeo7").labels == 0
    assert (load_atlas(name).labels[wall] == 0).mean() > 0.85


def test_auditory_networks_lie_on_the_superior_temporal_plane():
    """EG17 and Du Auditory: lateral (|x| > 40), mid-posterior y, near z = 10, and overlapping each other."""
    pial = load_surface().pial
    for name in ("eg17", "du15"):
        x, y, z = np.median(np.abs(pial[members(load_atlas(name), "Auditory")]), axis=0)
        assert 40 < x < 65 and 5 < y < 35 and z < 20
    assert dice(members(load_atlas("eg17"), "Auditory"), members(load_atlas("du15"), "Auditory")) > 0.4


def test_language_networks_are_lateral_and_agree():
    """EG17 and Du Language overlap well above chance (.06); Du's is larger on the left."""
    eg17, du15 = (members(load_atlas(name), "Language") for name in ("eg17", "du15"))
    assert dice(eg17, du15) > 0.4
    assert du15[:10_242].sum() > 1.3 * du15[10_242:].sum()
    x, y, z = load_surface().pial[eg17 & (np.arange(20_484) < 10_242)].T
    temporal_or_frontal = (x < -40) & (((z < 20) & (y < 0)) | (y > 0))
    assert temporal_or_frontal.mean() > 0.7


@pytest.mark.parametrize(
    "network, axis, low, high",
    [
        ("Foot somatomotor", 2, 55, 80),
        ("Medial visual", 1, -85, -60),
        ("Lateral visual", 1, -95, -70),
        ("Anterior MTL", 2, -45, -20),
    ],
)
def test_eg17_networks_lie_where_their_names_say(network, axis, low, high):
    """Median coordinates agree with anatomy: feet on top, vision at the back, anterior MTL below."""
    median = np.median(load_surface().pial[members(load_atlas("eg17"), network)], axis=0)
    assert low < median[axis] < high


def test_default_networks_agree_across_atlases():
    """Default of EG17 and of Yeo 7 share Dice .70, and no other Yeo network comes near."""
    eg17, yeo7 = load_atlas("eg17"), load_atlas("yeo7")
    scores = {n: dice(members(eg17, "Default"), members(yeo7, n)) for n in yeo7.networks}
    assert scores.pop("Default") > 0.65 and max(scores.values()) < 0.3


def test_yeo17_splits_yeo7():
    """Each 17-network overlaps most with the 7-network it is named after."""
    yeo7, yeo17 = load_atlas("yeo7"), load_atlas("yeo17")
    parents = {"Control": "Frontoparietal", "Temporoparietal": "Default"}
    for network in yeo17.networks:
        stem = re.sub(r" ([ABC]\b.*|central|peripheral)$", "", network)
        counts = np.bincount(yeo7.labels[members(yeo17, network)], minlength=8)
        assert yeo7.networks[counts.argmax() - 1] == parents.get(stem, stem), network


def test_limbic_halves_are_named_by_place():
    """Limbic A is the temporal pole (z < -20), Limbic B orbitofrontal (y > 20)."""
    yeo17, pial = load_atlas("yeo17"), load_surface().pial
    assert np.median(pial[members(yeo17, "Limbic A (temporal pole)")], axis=0)[2] < -20
    assert np.median(pial[members(yeo17, "Limbic B (orbitofrontal)")], axis=0)[1] > 20


def test_regions_cover_cortex_and_keep_to_their_side():
    """400 parcels; LH names left, RH names right; names agree with the Yeo network beneath them."""
    regions, yeo7 = load_regions(), load_atlas("yeo7")
    assert regions.n_networks == 400 == len(set(regions.networks))
    assert all(n.startswith("LH ") for n in regions.networks[:200])
    assert all(n.startswith("RH ") for n in regions.networks[200:])
    assert set(regions.labels[:10_242].tolist()) == set(range(201))
    assert set(regions.labels[10_242:].tolist()) == {0, *range(201, 401)}
    assert "LH Default PFC 3" in regions.networks
    default = np.isin(regions.labels - 1, [i for i, n in enumerate(regions.networks) if " Default" in n])
    assert dice(default, members(yeo7, "Default")) > 0.85


def test_labels_equal_the_toolbox_files():
    """The embedded EG17 and Du labels are the published ones at the first 10,242 vertices of each side."""
    folder = SHARED / "network_atlases" / "atlases" / "fsaverage6"
    if not folder.is_dir():
        pytest.skip("the toolbox's label files are not beside the checkout")
    from scipy.io import loadmat

    for name, file in (("eg17", "WashU/EG17.mat"), ("du15", "Du/DU15NET.mat")):
        mat = loadmat(folder / file)
        labels = np.concatenate([mat[k].ravel()[:10_242] for k in ("lh_labels", "rh_labels")])
        labels = np.where(labels > load_atlas(name).n_networks, 0, labels)
        np.testing.assert_array_equal(load_atlas(name).labels, labels)


def test_names_keep_the_toolbox_order():
    """Readable names follow the toolbox's own list, first letter by first letter."""
    path = SHARED / "network_atlases" / "network_names" / "EG17"
    if not path.is_file():
        pytest.skip("the toolbox's names are not beside the checkout")
    codes = path.read_text().split()
    assert [code[:3] for code in codes[:2]] == ["Def", "Lat"] and len(codes) == 17
    assert [n[0] for n in load_atlas("eg17").networks] == [code[0] for code in codes]


def test_unknown_atlas_is_refused_with_the_nearest():
    """A slip of the finger is answered with what may have been meant."""
    with pytest.raises(UnknownNameError, match="did you mean yeo7"):
        load_atlas("yeo8")
    with pytest.raises(UnknownNameError):
        load_atlas("schaefer400")  # parcels are regions, not networks


@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04 no archive", "truncate"])
def test_damaged_labels_are_refused(tmp_path, monkeypatch, damage):
    """A missing, empty, foreign or cut label file is refused by name."""
    whole = (embedded_atlases._FOLDER / "atlases.npz").read_bytes()
    if damage is not None:
        (tmp_path / "atlases.npz").write_bytes(whole[:5000] if damage == "truncate" else damage)
    monkeypatch.setattr(embedded_atlases, "_FOLDER", tmp_path)
    with pytest.raises(AtlasError, match="atlases.npz is missing or damaged.*install the package again"):
        embedded_atlases._labels("yeo7")


def test_labels_of_another_surface_are_refused(tmp_path, monkeypatch):
    """Labels for a different number of vertices never become an atlas."""
    np.savez(tmp_path / "atlases.npz", yeo7=np.ones(642, np.uint8))
    monkeypatch.setattr(embedded_atlases, "_FOLDER", tmp_path)
    with pytest.raises(AtlasError, match="642"):
        embedded_atlases._labels("yeo7")


def test_no_label_file_holds_pickled_objects():
    """The embedded arrays are plain integers."""
    with np.load(embedded_atlases._FOLDER / "atlases.npz", allow_pickle=False) as arrays:
        assert {k: arrays[k].dtype.name for k in arrays} == {
            **dict.fromkeys(NAMES, "uint8"),
            "schaefer400": "int16",
        }
