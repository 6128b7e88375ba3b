"""science/spins.py: Dice by hand, exact rotations, spin p of plants and of noise."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from brainlike_core.science import spins
from brainlike_core.sources.surfaces import load_surface


def test_dice_by_hand():
    """Map {0, 1, 2}, network {1, 2, 3}: 2 * 2 / 6 = .667; an empty pair gives 0."""
    labels = np.array([0, 1, 1, 1, 2, 2], np.uint8)
    null = spins.SpinNull(labels, labels[None][:0], np.arange(6, dtype=np.int32), 2, 6)
    masks = np.array([[True, True, True, False, False, False], [False] * 6])
    np.testing.assert_allclose(null.dice(masks), [[2 / 3, 0], [0, 0]])


def test_dice_of_parcels_counts_their_vertices():
    """Two parcels of 3 and 1 vertices: a map of the first overlaps a 2-vertex network fully: 2 * 2 / 5."""
    vertex_location = np.array([0, 0, 0, 1, -1], np.int32)
    labels = np.array([1, 1, 0, 0, 1], np.uint8)
    null = spins.SpinNull(labels, labels[None][:0], vertex_location, 1, 2)
    np.testing.assert_allclose(null.dice(np.array([[True, False]])), [[0.8]])


def test_signed_masks():
    """Activation and deactivation apart; the threshold itself does not count."""
    up, down = spins.signed_masks(np.array([[3.0, 2.3, -3.0]]), 2.3)
    assert up.tolist() == [[True, False, False]] and down.tolist() == [[False, False, True]]


def test_spins_find_the_exact_nearest_vertex():
    """Walking the mesh gives the same vertices as a k-d tree, on both hemispheres, mirrored."""
    surface = load_surface()
    labels = (np.arange(surface.n_vertices) % 251).astype(np.uint8)
    turned = spins.turned_labels(surface.sphere, surface.faces, surface.n_left, labels, 2, seed=3)
    rotations = Rotation.random(2, rng=np.random.default_rng(3)).as_matrix()
    for part, flip in (
        (slice(0, surface.n_left), np.eye(3)),
        (slice(surface.n_left, None), np.diag([-1.0, 1, 1])),
    ):
        points = surface.sphere[part].astype(float)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        for spin, rotation in enumerate(rotations):
            nearest = cKDTree(points).query(points @ (flip @ rotation @ flip).T)[1]
            np.testing.assert_array_equal(turned[spin, part], labels[part][nearest])


def two_caps():
    """fsaverage5, and labels of two round networks per hemisphere."""
    surface = load_surface()
    labels = np.zeros(surface.n_vertices, np.uint8)
    for network, centre in ((1, 100), (2, 4000)):
        for shift in (0, surface.n_left):
            half = slice(shift, shift + surface.n_left)
            distance = np.linalg.norm(surface.sphere[half] - surface.sphere[shift + centre], axis=1)
            labels[half][distance < 45] = network
    return surface, labels


@pytest.fixture(scope="module")
def caps():
    """The two networks, and 500 spins of them."""
    surface, labels = two_caps()
    turned = spins.turned_labels(surface.sphere, surface.faces, surface.n_left, labels, 500, seed=0)
    identity = np.arange(surface.n_vertices, dtype=np.int32)
    return surface, labels, spins.SpinNull(labels, turned, identity, 2, surface.n_vertices)


def test_a_map_of_the_network_itself_is_significant(caps):
    """Dice 1 with itself at the smallest possible p, and not with the other network."""
    _, labels, null = caps
    masks = (labels == 1)[None]
    assert null.dice(masks)[0, 0] == 1
    p = null.p(masks)[0]
    assert p[0] == pytest.approx(1 / 501) and p[1] == 1


def test_spin_p_is_calibrated_on_smooth_null_maps(caps):
    """Randomly placed caps are linked at p < .05 in about one case of twenty."""
    surface, _, null = caps
    rng = np.random.default_rng(0)
    masks = np.zeros((200, surface.n_vertices), bool)
    for mask in masks:
        for shift in (0, surface.n_left):
            centre = shift + rng.integers(surface.n_left)
            half = slice(shift, shift + surface.n_left)
            mask[half] = np.linalg.norm(surface.sphere[half] - surface.sphere[centre], axis=1) < 45
    assert (null.p(masks)[:, 0] < 0.05).mean() < 0.10


@pytest.mark.parametrize("whole", [False, True])
def test_vertex_and_parcel_paths_agree(whole):
    """The same labels through the compiled vertex path and the table path give one p."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 2500).astype(np.uint8)
    turned = np.stack([rng.permutation(labels) for _ in range(99)])
    turned[rng.random(turned.shape) < 0.2] = 0
    identity = np.arange(2500, dtype=np.int32)
    by_vertex = spins.SpinNull(labels, turned, identity, 3, 2500, whole)
    by_parcel = spins.SpinNull(labels, turned, identity, 3, 2500, whole)
    by_parcel.by_vertex = False
    by_parcel.turned = spins._tables(turned, identity, 3, 2500)
    masks = rng.random((5, 2500)) < 0.2
    assert by_vertex.by_vertex
    np.testing.assert_allclose(by_vertex.p(masks), by_parcel.p(masks))


@pytest.mark.parametrize(("whole", "p"), [(False, 1 / 2), (True, 1)])
def test_a_network_half_turned_away_counts_whole(whole, p):
    """Map {0, 1, 2, 3}, network {1, 2, 3, 4}: Dice .75. One rotation leaves 2 vertices, both in the map.

    By what is left its Dice is 2 * 2 / (4 + 2) = .67; at its whole size 2 * 4 / (4 + 4) = 1.
    """
    vertex_location = np.array([0, 1, 2, 3, 4, 5, -1, -1], np.int32)
    labels = np.array([0, 1, 1, 1, 1, 0, 0, 0], np.uint8)
    turned = np.array([[1, 1, 0, 0, 0, 0, 1, 1]], np.uint8)
    null = spins.SpinNull(labels, turned, vertex_location, 1, 6, whole)
    np.testing.assert_allclose(null.p(np.array([[True, True, True, True, False, False]])), [[p]])


def test_more_than_255_labels_turn_whole():
    """A label of 300 stays 300 after a rotation; few labels keep one byte each."""
    surface = load_surface()
    labels = np.where(np.arange(surface.n_vertices) % 2, 300, 44)
    args = (surface.sphere, surface.faces, surface.n_left)
    turned = spins.turned_labels(*args, labels, 1, seed=0)
    assert turned.dtype == np.uint16 and set(np.unique(turned)) == {44, 300}
    assert spins.turned_labels(*args, labels % 256, 1, seed=0).dtype == np.uint8
