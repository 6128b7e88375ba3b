"""Dice of the Network Correspondence Toolbox's own atlases, by counting and by ours; known maps get their names."""

import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from brainlike_core.science.spins import SpinNull, turned_labels
from brainlike_core.sources.network_atlases import load_toolbox_atlas, read_native
from brainlike_core.sources.surfaces import load_surface

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
FILES = {
    "ty7": "YeoLab/TY7", "ty17": "YeoLab/TY17", "eg17": "WashU/EG17", "tl12": "WashU/TL12",
    "du15net": "Du/DU15NET", "mg360j12": "Glasser/MG360J12",
}  # fmt: skip
# Whole networks whose name, or whose anatomy where names differ, is the same in both atlases.
COUNTERPARTS = [
    ("ty7", "eg17", {"Default": "Default", "DorsAttn": "DorsAttn", "Sal/VenAttn": "CingOperc", "Control": "FrontPar"}),
    ("eg17", "mg360j12", {"Default": "Default", "Language": "Language", "Auditory": "Auditory", "MedVis": "Visual1",
                          "LatVis": "Visual2", "FrontPar": "FrontPar", "CingOperc": "CingOperc"}),
    ("mg360j12", "eg17", {"Default": "Default", "Language": "Language", "Auditory": "Auditory", "Visual1": "MedVis"}),
    ("du15net", "eg17", {"LANG": "Language", "AUD": "Auditory", "VIS-P": "MedVis", "CG-OP": "CingOperc",
                         "PM-PPr": "Premotor", "SMOT-B": "FaceSM", "DN-B": "Default"}),
    ("tl12", "ty7", {"Default": "Default", "Visual": "Visual", "SM": "Somatomotor", "DorsAttn": "DorsAttn"}),
    ("ty7", "tl12", {"Default": "Default", "Visual": "Visual", "Somatomotor": "SM", "Control": "FrontPar"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared():
    """The published files, or a skip."""
    if not (SHARED / "network_atlases").is_dir():
        pytest.skip("the toolbox's files are not beside the checkout")
    return SHARED


def published_networks(name, folder):
    """Each network of a file as vertices of fsaverage6, read without our readers: dict of bool (81924,)."""
    root = folder / "network_atlases"
    halves = loadmat(root / "atlases" / "fsaverage6" / f"{FILES[name]}.mat")
    labels = np.concatenate([halves["lh_labels"].ravel(), halves["rh_labels"].ravel()])
    names = (root / "network_names" / FILES[name].split("/")[1]).read_text().split()
    numbers = np.unique(labels[labels > 0])
    return {one: labels == number for one, number in zip(names, numbers, strict=True) if one != "NONE"}


def still(labels, n_networks):
    """Dice with labels where they are."""
    everywhere = np.arange(len(labels), dtype=np.int32)
    return SpinNull(labels, labels[None][:0], everywhere, n_networks, len(labels))


@pytest.mark.shared_data
@pytest.mark.parametrize("name, other", list(permutations(FILES, 2)))
def test_dice_is_the_toolbox_s(shared, name, other):
    """Twice the shared vertices of fsaverage6 over the sum of both sizes, for each pair of networks."""
    theirs, ours = published_networks(other, shared), read_native(other, shared, "fsaverage6")
    maps = published_networks(name, shared)
    expected = [[2 * np.sum(a & b) / (np.sum(a) + np.sum(b)) for b in theirs.values()] for a in maps.values()]
    found = still(ours.labels, len(ours.networks)).dice(np.stack(list(maps.values())))
    columns = [ours.networks.index(one) for one in theirs]
    np.testing.assert_allclose(found[:, columns], expected, atol=1e-6)


@pytest.fixture(scope="module")
def spun(shared):
    """Atlases on fsaverage5 with 300 rotations, each turned once."""
    surface, known = load_surface(), {}

    def get(name):
        if name not in known:
            atlas = load_toolbox_atlas(name, shared)
            turned = turned_labels(surface.sphere, surface.faces, surface.n_left, atlas.labels, 300, seed=0)
            everywhere = np.arange(surface.n_vertices, dtype=np.int32)
            null = SpinNull(atlas.labels, turned, everywhere, atlas.n_networks, surface.n_vertices)
            known[name] = atlas, null
        return known[name]

    return get


def networks_as_maps(atlas):
    """Bool (n_networks, n_vertices)."""
    return np.stack([atlas.labels == i + 1 for i in range(atlas.n_networks)])


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["ty7", "eg17"])
def test_each_network_is_its_own_best_match(spun, name):
    """Dice 1 with itself, 0 with the others of its atlas, at the smallest p there is."""
    atlas, null = spun(name)
    maps = networks_as_maps(atlas)
    np.testing.assert_allclose(null.dice(maps), np.eye(atlas.n_networks), atol=1e-6)
    np.testing.assert_allclose(np.diag(null.p(maps)), 1 / 301)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name, other, expected", COUNTERPARTS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_known_maps_get_the_names_they_should(spun, name, other, expected):
    """Default goes with Default, Language with Language, and so on: best Dice of all, and spin p < .05."""
    (atlas, _), (target, null) = spun(name), spun(other)
    maps = networks_as_maps(atlas)[[atlas.networks.index(network) for network in expected]]
    best = null.dice(maps).argmax(1)
    assert [target.networks[i] for i in best] == list(expected.values())
    assert (null.p(maps)[np.arange(len(maps)), best] < 0.05).all()
