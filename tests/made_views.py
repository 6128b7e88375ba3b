"""Made-up networks, parcels and maps on fsaverage5, for the tests of the brain viewer."""

import dataclasses

import numpy as np

from brainlike_core.figures.brain_viewer import BrainView, StoryView, difference_view
from brainlike_core.sources.surfaces import load_surface
from brainlike_core.values import NetworkAtlas

N_MAPS = 12


def nearest_seed(sphere: np.ndarray, n_left: int, n_seeds: int, seed: int) -> np.ndarray:
    """Cut each hemisphere's sphere into cells: int16 (n_vertices,), from 1."""
    rng = np.random.default_rng(seed)
    seeds = rng.normal(size=(n_seeds, 3))
    cells = (sphere @ (seeds / np.linalg.norm(seeds, axis=1, keepdims=True)).T).argmax(axis=1)
    cells[n_left:] += n_seeds
    return cells.astype(np.int16) + 1


def make_view(parcels: bool, n_maps: int = N_MAPS) -> BrainView:
    """A view with 7 networks, 100 regions and some maps, per vertex or per parcel."""
    surface = load_surface("fsaverage5")
    wall = (np.linalg.norm(surface.inflated * [0, 1, 1], axis=1) < 24) & _faces_midline(surface)
    regions = np.where(wall, 0, nearest_seed(surface.sphere, surface.n_left, 50, 1)).astype(np.int16)
    names = tuple(f"{side} region {i + 1}" for side in ("Left", "Right") for i in range(50))
    networks = np.where(regions > 0, (regions - 1) % 7 + 1, 0).astype(np.int16)
    titles = (
        "Visual",
        "Somatomotor",
        "Dorsal attention",
        "Ventral attention",
        "Limbic",
        "Control",
        "Default",
    )
    rng = np.random.default_rng(0)
    if parcels:
        location = regions.astype(np.int32) - 1
        maps = 2.5 * rng.standard_t(5, size=(n_maps, len(names)))
    else:
        location = np.arange(surface.n_vertices, dtype=np.int32)
        waves = np.sin(surface.sphere / 100 @ rng.normal(size=(3, n_maps)) * 3 + rng.normal(size=n_maps))
        maps = 5 * waves.T
    return BrainView(
        surface=surface,
        networks=NetworkAtlas("made7", "Made up", networks, titles, "none", "none"),
        regions=NetworkAtlas("made100", "Made up", regions, names, "none", "none"),
        location_names=names if parcels else (),
        vertex_location=location,
        maps=maps.astype(np.float32),
        map_names=tuple(f"Atom {i + 1}" for i in range(n_maps)),
        unit="z",
        significant=np.abs(maps) > 3,
    )


def _faces_midline(surface) -> np.ndarray:
    side = np.where(np.arange(surface.n_vertices) < surface.n_left, 1, -1)
    return surface.inflated[:, 0] * side > 0


def make_story(n_trs: int = 40, tr: float = 1.5) -> StoryView:
    """A story of one word a second, on parcels: each TR has its own map, the prediction is half of it."""
    view = make_view(True, n_trs)
    seconds = np.arange(int(n_trs * tr))
    courses = np.stack([np.sin(np.arange(n_trs) / 3), np.cos(np.arange(n_trs) / 3)], axis=1)
    courses[:4] = np.nan
    half = view.maps / 2
    half[:4] = np.nan
    return StoryView(
        measured=dataclasses.replace(view, significant=None, unit="SD"),
        predicted=dataclasses.replace(view, significant=None, unit="SD", maps=half),
        tr=tr,
        words=tuple(f"word{second}" for second in seconds),
        onsets=seconds.astype(float),
        courses=courses,
        atom_names=("Atom 0", "Atom 1"),
        delay_s=5.0,
        notes=("Measured note", "Predicted note"),
    )


def make_pair() -> BrainView:
    """Twelve maps on parcels, the same at half their size, and the difference."""
    view = make_view(True)
    return difference_view(view, dataclasses.replace(view, maps=view.maps / 2))
