"""science/parcel_nulls.py: centres by hand, spins as scipy and neuromaps make them, variograms as they were."""

from unittest import mock

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from brainlike_core.errors import AtlasError
from brainlike_core.science import parcel_nulls as nulls
from brainlike_core.science.spins import SpinNull
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.surfaces import load_surface, nest

N_SPINS = 99


@pytest.fixture(scope="module")
def coarse():
    """324 parcels that cover fsaverage5: their location of each vertex, and where they lie."""
    surface = load_surface()
    one = nest(surface.n_left, 162)
    vertex_location = np.concatenate([one, one + 162]).astype(np.int32)
    return vertex_location, nulls.find_parcels(surface.sphere, surface.n_left, vertex_location)


def test_centres_by_hand():
    """Two vertices left, three right: centres lie between them; a location without vertices is no parcel."""
    sphere = 100.0 * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0]])
    parcels = nulls.find_parcels(sphere, 2, np.array([2, 2, 0, -1, 2]))
    assert parcels.members.tolist() == [0, 2] and parcels.left.tolist() == [False, True]
    np.testing.assert_allclose(parcels.centres, [[0, 0, 1], [0.5**0.5, 0.5**0.5, 0]])


def test_vertices_are_refused():
    """These nulls are for parcels."""
    with pytest.raises(AtlasError, match="found 2001 locations, needed at most 2000; .* null=spin"):
        nulls.find_parcels(np.ones((2001, 3)), 1000, np.arange(2001))


def rotations():
    """Those of `parcel_spins` at seed 0, of each hemisphere."""
    left = Rotation.random(N_SPINS, rng=np.random.default_rng(0)).as_matrix()
    return left, nulls.MIRROR @ left @ nulls.MIRROR


def test_spins_are_those_of_a_tree(coarse):
    """Each parcel takes the nearest turned centre of its hemisphere, by scipy's tree."""
    _, parcels = coarse
    found = nulls.parcel_spins(parcels, N_SPINS, 0)
    for side, turns in zip((parcels.left, ~parcels.left), rotations(), strict=True):
        here = np.flatnonzero(side)
        for spin, turn in zip(found, turns, strict=True):
            turned = parcels.centres[side] @ turn  # turned back, instead of the others forth
            np.testing.assert_array_equal(spin[here], here[cKDTree(turned).query(parcels.centres[side])[1]])


def test_spins_are_those_of_neuromaps(coarse):
    """gen_spinsamples with our rotations handed to it: every parcel of every spin."""
    spins = pytest.importorskip("neuromaps.nulls.spins", reason="neuromaps is not installed")
    _, parcels = coarse
    handed = iter(list(zip(*rotations(), strict=True)))
    with mock.patch.object(spins, "_gen_rotation", lambda seed: next(handed)):
        theirs = spins.gen_spinsamples(
            parcels.centres, (~parcels.left).astype(int), n_rotate=N_SPINS, check_duplicates=False
        )
    np.testing.assert_array_equal(nulls.parcel_spins(parcels, N_SPINS, 0), theirs.T)


def test_a_variogram_is_half_the_mean_squared_difference():
    """Against a loop over pairs."""
    rng = np.random.default_rng(0)
    points, values = rng.random((12, 2)), rng.standard_normal(12).astype(np.float32)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    variogram = nulls.Variogram(distance)
    for at, found in zip(variogram.at, variogram(values[:, None])[:, 0], strict=True):
        sums = np.zeros(2)
        for i in range(12):
            for j in range(i):
                near = np.exp(-(((distance[i, j] - at) / variogram.at[0]) ** 2) / 2)
                sums += near * (values[i] - values[j]) ** 2 / 2, near
        assert found == pytest.approx(sums[0] / sums[1], rel=1e-4)


def smooth_maps(distance, n, scale, rng):
    """Gaussian fields of one smoothness, z-scored: (n_parcels, n)."""
    values = np.exp(-((distance / scale) ** 2) / 2) @ rng.standard_normal((len(distance), n))
    return ((values - values.mean(0)) / values.std(0)).astype(np.float32)


@pytest.mark.parametrize("scale", [0.1, 0.4])
def test_surrogates_keep_values_and_variogram(coarse, scale):
    """The same values in another order; within .1 of the map's variogram on average, as shuffled ones are not."""
    distance, rng = nulls.great_circles(coarse[1]), np.random.default_rng(1)
    values = smooth_maps(distance, 1, scale, rng)[:, 0]
    found = nulls.variogram_surrogates(values, distance, 200, rng)
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(values)[:, None].repeat(200, 1))
    assert abs(np.corrcoef(found.T, values)[-1, :-1].mean()) < 0.05
    variogram = nulls.Variogram(distance)
    wanted, kept, shuffled = (
        variogram(maps).mean(1) for maps in (values[:, None], found, rng.permuted(found, axis=0))
    )
    assert np.abs(kept - wanted).mean() < 0.1 < np.abs(shuffled - wanted).mean()


def burt_surrogates(values, distance, variogram, n, rng):
    """Each shuffled map smoothed over shares of its neighbours and fitted by regression (Burt et al. 2020)."""
    order, wanted, out = distance.argsort(1), variogram(values[:, None])[:, 0], []
    for _ in range(n):
        shuffled, best = rng.permutation(values), (np.inf,)
        for share in (0.02, 0.05, 0.1, 0.2, 0.4):
            near = order[:, : max(2, int(share * len(values)))]
            apart = np.take_along_axis(distance, near, 1)
            weights = np.exp(-apart / apart.max(1, keepdims=True))
            smooth = ((weights * shuffled[near]).sum(1) / weights.sum(1)).astype(np.float32)
            slope, offset = np.polyfit(variogram(smooth[:, None])[:, 0], wanted, 1)
            miss = ((slope * variogram(smooth[:, None])[:, 0] + offset - wanted) ** 2).sum()
            if miss < best[0]:
                noise = rng.standard_normal(len(values))
                best = miss, abs(slope) ** 0.5 * smooth + abs(offset) ** 0.5 * noise
        out.append(best[1])
    return np.array(out).T


def test_surrogates_vary_as_burt_s_do(coarse):
    """Correlations with another smooth map spread as widely as those of the published procedure, within a quarter."""
    distance, rng = nulls.great_circles(coarse[1]), np.random.default_rng(2)
    one, *others = smooth_maps(distance, 40, 0.25, rng).T
    theirs = burt_surrogates(one, distance, nulls.Variogram(distance), 60, rng)
    ours = nulls.variogram_surrogates(one, distance, 200, rng)
    spread = [np.corrcoef(maps.T, others)[: maps.shape[1], maps.shape[1] :].std() for maps in (ours, theirs)]
    assert spread[0] == pytest.approx(spread[1], rel=0.25)
    assert spread[0] > 1.5 / np.sqrt(len(one))  # what shuffled parcels would give, 1.5 times


@pytest.mark.parametrize("kind", ["centroid", "variogram"])
def test_a_network_is_found_and_another_is_not(coarse, kind):
    """The parcels of Default go with Default at the smallest p, and with no other network of Yeo 7."""
    (vertex_location, parcels), atlas = coarse, load_atlas("yeo7")
    still = SpinNull(atlas.labels, atlas.labels[None][:0], vertex_location, 7, 324)
    moved = nulls.moved_networks(kind, still.table, still.weight, parcels, N_SPINS, 0)
    assert moved.shape == (N_SPINS, 324, 7) and moved.max() <= still.weight.max()
    null = SpinNull(atlas.labels, moved, vertex_location, 7, 324)
    default = atlas.networks.index("Default")
    p = null.p((still.table.argmax(1) == default) & (still.table.sum(1) > 0))
    assert p[default] == pytest.approx(1 / (N_SPINS + 1)) and (np.delete(p, default) > 0.05).all()
    again = nulls.moved_networks(kind, still.table, still.weight, parcels, N_SPINS, 0)
    np.testing.assert_array_equal(moved, again)


@pytest.mark.parametrize("kind", ["centroid", "variogram"])
def test_locations_that_are_not_drawn_stay_empty(coarse, kind):
    """Subcortex has no vertices: no network comes to it."""
    (vertex_location, parcels), labels = coarse, load_atlas("yeo7").labels
    still = SpinNull(labels, labels[None][:0], vertex_location, 7, 330)
    moved = nulls.moved_networks(kind, still.table, still.weight, parcels, 19, 0)
    assert moved.shape == (19, 330, 7) and not moved[:, 324:].any() and moved[:, :324].any()
