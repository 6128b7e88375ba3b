"""Rotated labels and spin p-values against neuromaps and scipy's nearest-neighbour tree.

All sides get the same rotations, so labels must be equal vertex by vertex and
p-values exactly. neuromaps: Markello et al. 2022, doi:10.1038/s41592-022-01625-w.
"""

from __future__ import annotations

from dataclasses import dataclass
from unittest import mock

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from brainlike_core.science.spins import SpinNull, turned_labels
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.surfaces import load_surface
from brainlike_core.values import Surface

from .measure import Comparison, within

N_SPINS, N_SPINS_NEUROMAPS, N_MAPS, SEED = 500, 200, 64, 0
MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class TurnCase:
    """A sphere with labels, to be turned."""

    surface: Surface
    labels: np.ndarray  # int16 (n_vertices,)
    n_spins: int

    @property
    def rotations(self) -> np.ndarray:
        """Rotations of the left hemisphere: (n_spins, 3, 3)."""
        return Rotation.random(self.n_spins, rng=np.random.default_rng(SEED)).as_matrix()


@dataclass(frozen=True)
class PCase:
    """Masks, and labels that are turned already."""

    null: SpinNull
    labels: np.ndarray  # int16 (n_vertices,)
    turned: np.ndarray  # uint8 (n_spins, n_vertices)
    masks: np.ndarray  # bool (2 * n_maps, n_vertices)


def turn_case() -> TurnCase:
    """The 17 networks of EG17 on fsaverage5."""
    return TurnCase(load_surface(), load_atlas("eg17").labels, N_SPINS)


def short_turn_case() -> TurnCase:
    """The same with fewer rotations, for a peer that builds a tree for each."""
    return TurnCase(load_surface(), load_atlas("eg17").labels, N_SPINS_NEUROMAPS)


def p_case() -> PCase:
    """Smooth maps, both signs, a fifth of the cortex each."""
    case = turn_case()
    turned = turn(case)
    n_vertices, rng = case.surface.n_vertices, np.random.default_rng(1)
    waves = rng.standard_normal((N_MAPS, 3)) * 0.05
    maps = np.sin(case.surface.sphere @ waves.T + rng.uniform(0, 2 * np.pi, N_MAPS)).T  # (n_maps, n_vertices)
    masks = np.concatenate([maps > 0.8, maps < -0.8])
    vertex_location = np.arange(n_vertices, dtype=np.int32)
    null = SpinNull(case.labels, turned, vertex_location, int(case.labels.max()), n_vertices)
    return PCase(null, case.labels, turned, masks)


# -- rotated labels ----------------------------------------------------------------


def turn(case: TurnCase) -> np.ndarray:
    """Rotated labels by ours: uint8 (n_spins, n_vertices)."""
    surface = case.surface
    return turned_labels(surface.sphere, surface.faces, surface.n_left, case.labels, case.n_spins, SEED)


def turn_scipy(case: TurnCase) -> np.ndarray:
    """Rotated labels with one nearest-neighbour tree per hemisphere."""
    n_left = case.surface.n_left
    out = np.empty((case.n_spins, case.surface.n_vertices), np.uint8)
    for half, flip in ((slice(0, n_left), np.eye(3)), (slice(n_left, None), MIRROR)):
        points, labels = _unit(case.surface.sphere[half]), case.labels[half]
        tree = cKDTree(points)
        for spin, rotation in enumerate(case.rotations):
            out[spin, half] = labels[tree.query(points @ (flip @ rotation @ flip).T)[1]]
    return out


def turn_neuromaps(case: TurnCase) -> np.ndarray:
    """Rotated labels by neuromaps' gen_spinsamples, with our rotations handed to it."""
    from neuromaps.nulls import spins

    surface = case.surface
    hemisphere = np.repeat([0, 1], [surface.n_left, surface.n_vertices - surface.n_left])
    handed = iter([(one, MIRROR @ one @ MIRROR) for one in case.rotations])
    with mock.patch.object(spins, "_gen_rotation", lambda seed: next(handed)):
        rows = spins.gen_spinsamples(
            _unit(surface.sphere), hemisphere, n_rotate=case.n_spins, check_duplicates=False
        )
    return case.labels[rows.T].astype(np.uint8)  # (n_spins, n_vertices)


def _unit(points: np.ndarray) -> np.ndarray:
    points = points.astype(np.float64)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def same_labels(case: TurnCase, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Every vertex has the same label under every rotation, but for ties in the last bit."""
    return within("share of vertices with another label", float((ours != theirs).mean()), 1e-6)


# -- p-values ----------------------------------------------------------------------


def p_values(case: PCase) -> np.ndarray:
    """Spin p by ours: (2 * n_maps, n_networks)."""
    return case.null.p(case.masks)


def p_values_numpy(case: PCase) -> np.ndarray:
    """Spin p with one matrix product of masks and networks per rotation."""
    masks = case.masks.astype(np.float32)
    observed = _dice(masks, case.labels)
    exceed = sum((_dice(masks, one) >= observed).astype(int) for one in case.turned)
    return np.where(observed > 0, (1 + exceed) / (1 + len(case.turned)), 1.0)


def _dice(masks: np.ndarray, labels: np.ndarray) -> np.ndarray:
    networks = (labels[:, None] == np.arange(1, 18)).astype(np.float32)  # (n_vertices, n_networks)
    return 2 * (masks @ networks) / (masks.sum(1)[:, None] + networks.sum(0))


def same_p(case: PCase, ours: np.ndarray, theirs: np.ndarray) -> str:
    """p of every map and network is equal."""
    return within("largest difference of p", float(np.abs(ours - theirs).max()), 1e-9)


_SIZE = "{} rotations x 20,484 vertices"
COMPARISONS = (
    Comparison(
        "rotated labels", "neuromaps gen_spinsamples", _SIZE.format(N_SPINS_NEUROMAPS), "neuromaps",
        "neuromaps", short_turn_case, turn, turn_neuromaps, same_labels,
    ),
    Comparison(
        "rotated labels", "scipy cKDTree, built once", _SIZE.format(N_SPINS), "scipy", "scipy",
        turn_case, turn, turn_scipy, same_labels, n_repeats=3,
    ),
    Comparison(
        "spin p", "numpy matrix products", f"{2 * N_MAPS} masks x 17 networks x {N_SPINS} rotations",
        "numpy", "numpy", p_case, p_values, p_values_numpy, same_p, n_repeats=3,
    ),
)  # fmt: skip
