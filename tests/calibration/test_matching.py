"""False-positive rates at .05 of maps of smooth noise against real atlases; the same harness must catch a parametric test.

BRAINLIKE_LONG=1 runs five times as many maps.
"""

import os
from functools import lru_cache

import numpy as np
import pytest
from scipy import sparse, stats

from brainlike_core.science.parcel_nulls import find_parcels, moved_networks
from brainlike_core.science.spins import SpinNull, signed_masks, turned_labels
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.embedded_atlases import cortex, load_regions
from brainlike_core.sources.surfaces import load_surface, nest

LONG = 5 if os.environ.get("BRAINLIKE_LONG") else 1
N_MAPS, N_SPINS, THRESHOLD = 200 * LONG, 500, 1.0
LOW, HIGH = 0.034, 0.066
# Where maps have no medial wall, or parcels follow the atlas's own borders, turned
# networks lose what the true ones never lose: spins are a little too generous there.
HIGH_WITH_WALL = 0.08
ATLASES = ("eg17", "yeo7")
SURFACE = load_surface()
EVERYWHERE = np.arange(SURFACE.n_vertices, dtype=np.int32)


def smooth_noise(n_maps, n_steps, seed):
    """White noise, each vertex averaged with its neighbours ``n_steps`` times: z-scored (n_maps, n_vertices)."""
    a, b, c = SURFACE.faces.T
    rows, columns = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    n = SURFACE.n_vertices
    joined = sparse.csr_array((np.ones(len(rows)), (rows, columns)), (n, n)) / 2 + sparse.eye_array(n)
    mean = (sparse.diags_array(1 / joined.sum(1)) @ joined).tocsr().astype(np.float32)
    values = np.random.default_rng([seed, n_steps]).standard_normal((n, n_maps), np.float32)
    for _ in range(n_steps):
        values = mean @ values
    return ((values - values.mean(0)) / values.std(0)).T


@pytest.fixture(scope="module", params=[8, 40], ids=["rough", "smooth"])
def noise(request):
    """Maps with nothing in them, of two smoothnesses."""
    return smooth_noise(N_MAPS, request.param, seed=0)


@pytest.fixture(scope="module")
def turned():
    """500 rotations of each atlas."""
    mesh = (SURFACE.sphere, SURFACE.faces, SURFACE.n_left)
    return {name: turned_labels(*mesh, load_atlas(name).labels, N_SPINS, 0) for name in ATLASES}


def coarse_parcels():
    """324 round parcels that cover the sphere: int32 (n_vertices,)."""
    one = nest(SURFACE.n_left, 162)
    return np.concatenate([one, one + 162]).astype(np.int32)


def schaefer_parcels():
    """400 parcels, the medial wall left out: int32 (n_vertices,)."""
    return load_regions().labels.astype(np.int32) - 1


def parcel_masks(noise, vertex_location):
    """Means of each parcel, z-scored over all of them, beyond the threshold: bool (2, n_maps, n_parcels)."""
    drawn = np.flatnonzero(vertex_location >= 0)
    member = sparse.csr_array((np.ones(len(drawn), np.float32), (vertex_location[drawn], drawn)))
    means = ((member @ noise.T) / member.sum(1)[:, None]).T
    return signed_masks((means - means.mean()) / means.std(), THRESHOLD)


def spin_null(name, turned, vertex_location, whole=False):
    """The spins of one atlas on vertices or parcels."""
    atlas, n = load_atlas(name), int(vertex_location.max()) + 1
    return SpinNull(atlas.labels, turned[name], vertex_location, atlas.n_networks, n, whole)


def rate(p):
    """Share of p at or below .05; of 1,000 tests or more."""
    assert p.size >= 1000
    return float((p <= 0.05).mean())


@pytest.mark.parametrize("name", ATLASES)
def test_spins_of_vertices_hold_their_level(noise, turned, name):
    """Maps of the whole sphere: 2,800 (yeo7) and 6,800 tests (eg17) each, 3.4 to 6.6 % at .05."""
    p = spin_null(name, turned, EVERYWHERE).p(signed_masks(noise, THRESHOLD))
    assert LOW <= rate(p) <= HIGH


@pytest.mark.parametrize("name", ATLASES)
def test_spins_of_parcels_hold_their_level(noise, turned, name):
    """The same as means of 324 parcels that cover the sphere."""
    parcels = coarse_parcels()
    assert LOW <= rate(spin_null(name, turned, parcels).p(parcel_masks(noise, parcels))) <= HIGH


@pytest.mark.parametrize("name", ATLASES)
@pytest.mark.parametrize(
    ("whole", "high"), [(False, HIGH_WITH_WALL), (True, HIGH)], ids=["spin", "cortex-spin"]
)
def test_a_medial_wall_costs_little_and_whole_networks_nothing(noise, turned, name, whole, high):
    """Maps that spare the medial wall: at most 8 % at .05 by spins, 6.6 % where networks count whole."""
    masks = signed_masks(noise[: N_MAPS // 2], THRESHOLD) & cortex()
    on_cortex, parcels = np.where(cortex(), EVERYWHERE, -1).astype(np.int32), schaefer_parcels()
    assert LOW <= rate(spin_null(name, turned, on_cortex, whole).p(masks)) <= high
    assert LOW <= rate(spin_null(name, turned, parcels, whole).p(parcel_masks(noise, parcels))) <= high


@pytest.mark.parametrize("name", ATLASES)
def test_counting_vertices_as_independent_fails(noise, turned, name):
    """The same overlaps by the hypergeometric distribution: more than a quarter of null maps are "significant"."""
    null = spin_null(name, turned, EVERYWHERE)
    masks = signed_masks(noise, THRESHOLD).reshape(-1, SURFACE.n_vertices).astype(np.float32)
    overlap, sizes = masks @ null.table, null.table.sum(0)
    p = stats.hypergeom.sf(overlap - 1, SURFACE.n_vertices, sizes, masks.sum(1)[:, None])
    assert rate(p) > 0.25


# -- parcels: centres that turn, and surrogates ------------------------------------------


@lru_cache
def parcel_null(kind, name, place):
    """500 moves of one atlas among parcels."""
    atlas, parcels = load_atlas(name), place()
    sizes = (atlas.n_networks, int(parcels.max()) + 1)
    still = SpinNull(atlas.labels, atlas.labels[None][:0], parcels, *sizes)
    where = find_parcels(SURFACE.sphere, SURFACE.n_left, parcels)
    moved = moved_networks(kind, still.table, still.weight, where, N_SPINS, 0)
    return SpinNull(atlas.labels, moved, parcels, *sizes)


@pytest.mark.parametrize("name", ATLASES)
@pytest.mark.parametrize("place", [coarse_parcels, schaefer_parcels])
@pytest.mark.parametrize("kind", ["centroid", "variogram"])
def test_nulls_of_parcels_hold_their_level(noise, kind, place, name):
    """324 parcels that cover the sphere, and 400 that spare the medial wall: 3.4 to 6.6 % at .05 of both."""
    parcels = place()
    assert LOW <= rate(parcel_null(kind, name, place).p(parcel_masks(noise, parcels))) <= HIGH
