"""science/soft_matching.py: spatial r against numpy, rotations against a k-d tree, calibrated on smooth noise."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from brainlike_core.config import EncodingConfig, MatchConfig
from brainlike_core.errors import AtlasError
from brainlike_core.science import matching, parcel_nulls
from brainlike_core.science.soft_matching import SpatialNull, location_weights, turned_vertices
from brainlike_core.sources.embedded_atlases import cortex
from brainlike_core.sources.surfaces import load_surface

from .test_encoding import smooth

SURFACE, CORTEX = load_surface(), cortex()
N = SURFACE.n_vertices
IDENTITY = np.arange(N, dtype=np.int32)


def smooth_maps(rng, n, width=25):
    """Gaussian-smoothed noise on each sphere, (n, n_vertices): brains have no sharper maps."""
    centres = rng.standard_normal((n, 2, 60, 3))
    centres *= 100 / np.linalg.norm(centres, axis=-1, keepdims=True)
    height, out = rng.standard_normal((n, 2, 60)), np.empty((n, N), np.float32)
    for side, half in enumerate((slice(0, SURFACE.n_left), slice(SURFACE.n_left, None))):
        for i in range(n):
            d2 = ((SURFACE.sphere[half][:, None] - centres[i, side][None]) ** 2).sum(-1)
            out[i, half] = np.exp(-d2 / (2 * width**2)) @ height[i, side]
    return out


def walled(maps):
    """The same with NaN on the medial wall."""
    return np.where(CORTEX, maps, np.nan).astype(np.float32)


def moves(n_spins, seed=0):
    """Rotations of fsaverage5."""
    return turned_vertices(SURFACE.sphere, SURFACE.faces, SURFACE.n_left, n_spins, seed)


def parcels(n=60):
    """Vertices cut into 2 n parcels by nearest centre."""
    left = cKDTree(SURFACE.sphere[:n]).query(SURFACE.sphere[: SURFACE.n_left])[1]
    return np.concatenate([left, left + n]).astype(np.int32)


def test_spatial_r_by_hand():
    """Maps (1, 2, 3) and (3, 2, 1) on weights (0, .5, 1): r 1 and -1; the vertex on the wall does not count."""
    weights = np.array([[0, 0.5, 1, np.nan]], np.float32)
    null = SpatialNull(weights, np.zeros((0, 4), np.uint16), np.arange(4), 4)
    maps = np.array([[1, 2, 3, 99], [3, 2, 1, 99]], np.float32)
    np.testing.assert_allclose(null.scores(maps), [[[1], [-1]], [[-1], [1]]], atol=1e-6)


def test_overlapping_networks_both_count():
    """Two maps that share a peak both correlate with it: no place belongs to one network alone."""
    weights = np.array([[1, 0.8, 0, 0, 0, 0], [0.9, 1, 0.2, 0, 0, 0]], np.float32)
    null = SpatialNull(weights, np.zeros((0, 6), np.uint16), np.arange(6), 6)
    assert (null.scores(np.array([[1.0, 1, 0, 0, 0, 0]]))[0] > 0.9).all()


def test_a_parcel_counts_by_its_vertices():
    """Parcels of 3 and 1 vertices: the r of their mean weights, each at every vertex."""
    where, weights = np.array([0, 0, 0, 1, 2, -1]), np.array([[0.1, 0.2, 0.3, 0.9, 0.5, 7]], np.float32)
    null = SpatialNull(weights, np.zeros((0, 6), np.uint16), where, 3)
    wanted = np.corrcoef([1, 1, 1, 4, 2], [0.2, 0.2, 0.2, 0.9, 0.5])[0, 1]
    np.testing.assert_allclose(null.scores(np.array([[1.0, 4, 2]]))[0, 0, 0], wanted, rtol=1e-5)
    table, cover = location_weights(weights, where, 3)
    np.testing.assert_allclose(table[:, 0], [0.6, 0.9, 0.5], rtol=1e-6)
    assert cover.tolist() == [3, 1, 1]
    np.testing.assert_allclose(null.share.sum(0), 1, rtol=1e-6)


@pytest.mark.parametrize("by_parcel", [False, True])
def test_p_equals_brute_force(by_parcel):
    """Rotations found by a k-d tree and np.corrcoef of what is cortex before and after give every p."""
    rng = np.random.default_rng(0)
    weights, n_spins = walled(np.abs(smooth_maps(rng, 3))), 30
    where, n = (parcels(), 120) if by_parcel else (IDENTITY, N)
    maps = rng.standard_normal((4, 120)).astype(np.float32) if by_parcel else smooth_maps(rng, 4)
    null = SpatialNull(weights, moves(n_spins, seed=3), where, n)
    turns = Rotation.random(n_spins, rng=np.random.default_rng(3)).as_matrix()
    observed = brute_r(maps, weights, np.arange(N), where)
    spun = np.stack([brute_r(maps, weights, turned_by_tree(turn), where) for turn in turns])
    np.testing.assert_allclose(null.scores(maps)[0], observed, atol=2e-5)
    for sign in (1, -1):
        wanted = (1 + (sign * spun >= sign * observed).sum(0)) / (1 + n_spins)
        wanted[sign * observed <= 0] = 1
        np.testing.assert_allclose(null.scores_p(maps)[(1 - sign) // 2], wanted)


def turned_by_tree(turn):
    """Source vertex of each vertex, both hemispheres."""
    halves = []
    for shift, flip in ((0, np.eye(3)), (SURFACE.n_left, np.diag([-1.0, 1, 1]))):
        points = SURFACE.sphere[shift : shift + SURFACE.n_left].astype(float)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        halves.append(shift + cKDTree(points).query(points @ (flip @ turn @ flip).T)[1])
    return np.concatenate(halves)


def brute_r(maps, weights, source, where):
    """np.corrcoef over vertices of cortex; weights averaged within locations."""
    moved = weights[:, source]
    keep = np.flatnonzero(np.isfinite(moved).all(0) & CORTEX & (where >= 0))
    at = where[keep]
    size = np.maximum(np.bincount(at, minlength=maps.shape[1]), 1)
    mean = np.stack([np.bincount(at, weights=m[keep], minlength=maps.shape[1]) / size for m in moved])
    return np.corrcoef(maps[:, at], mean[:, at])[: len(maps), len(maps) :]


def test_rotations_hold_their_level_on_smooth_noise():
    """Smooth maps that know nothing of the networks pass p < .05 in about one case of twenty."""
    rng = np.random.default_rng(1)
    null = SpatialNull(walled(np.abs(smooth_maps(rng, 4))), moves(199), IDENTITY, N)
    p = null.scores_p(smooth_maps(rng, 100))
    rate = (p < 0.05).mean()
    assert 0.03 < rate < 0.07, rate  # 800 tests, about 200 of them independent


def test_turned_centres_of_parcels_take_weights():
    """Moved parcel weights: smooth noise passes in one case of twenty, each network itself at the smallest p."""
    rng, where = np.random.default_rng(2), parcels()
    weights = walled(np.abs(smooth_maps(rng, 6)))
    table, cover = location_weights(weights, where, 120)
    drawn = np.where(CORTEX, where, -1)
    found = parcel_nulls.find_parcels(SURFACE.sphere, SURFACE.n_left, drawn)
    moved = parcel_nulls.moved_networks("centroid", table, cover, found, 199, 0)
    null = SpatialNull(weights, moved, where, 120)
    noise, _ = location_weights(smooth_maps(rng, 100), where, 120)
    rate = (null.scores_p(noise.T / np.bincount(where)) < 0.05).mean()
    assert 0.03 < rate < 0.07, rate
    itself = (table / np.maximum(cover, 1)[:, None]).T
    np.testing.assert_allclose(np.diag(null.scores_p(itself)[0]), 1 / 200)


def test_a_flat_network_is_refused():
    """A map with one value on all recorded cortex correlates with nothing."""
    weights = np.array([[0, 1, 2], [5, 5, 5]], np.float32)
    with pytest.raises(AtlasError, match="Network 2 .* one weight everywhere"):
        SpatialNull(weights, np.zeros((0, 3), np.uint16), np.arange(3), 3)


@pytest.mark.parametrize("planted", [True, False])
def test_the_match_accepts_the_plant_and_nothing_in_noise(planted):
    """A sub-group that drives a weighted network survives spins, sign-randomised atoms and the gate."""
    from brainlike_core.science.encoding import encode

    rng, where = np.random.default_rng(0), parcels()
    weights = walled(np.abs(smooth_maps(rng, 2)))
    null = SpatialNull(weights, moves(499), where, 120)
    atoms, bold = smooth(rng, 150, 6), smooth(rng, 8, 160, 120)
    if planted:
        bold[:, :150] += 1.5 * atoms[:, :1] * (null.table[:, 0] / np.maximum(null.cover, 1))
    settings = EncodingConfig(n_surrogates=19)
    encoded = encode(atoms, bold, 0, settings)
    config = MatchConfig(atlas="mine", n_spins=499, n_fakes=5)
    found = matching.match(atoms, bold, 0, encoded.z_maps, encoded.atom_q, null, ("A", "B"), config, settings)
    accepted = found.links("accepted")
    assert found.measure == "spatial r"
    assert [(a, f) for a, f in zip(accepted["atom"], accepted["network"], strict=True)][:1] == (
        [(0, "A")] if planted else []
    )
