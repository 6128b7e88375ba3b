"""The page that the browser tests of the brain viewer open: made-up networks, parcels and maps."""

import json

import numpy as np
import streamlit as st

from brainlike_core.figures.brain_viewer import BrainView, brain_viewer, plotly_fallback
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


def make_view(parcels: bool) -> BrainView:
    """A view with 7 networks, 100 regions and 12 maps, per vertex or per parcel."""
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
        maps = 2.5 * rng.standard_t(5, size=(N_MAPS, len(names)))
    else:
        location = np.arange(surface.n_vertices, dtype=np.int32)
        waves = np.sin(surface.sphere / 100 @ rng.normal(size=(3, N_MAPS)) * 3 + rng.normal(size=N_MAPS))
        maps = 5 * waves.T
    return BrainView(
        surface=surface,
        networks=NetworkAtlas("made7", "Made up", networks, titles, "none", "none"),
        regions=NetworkAtlas("made100", "Made up", regions, names, "none", "none"),
        location_names=names if parcels else (),
        vertex_location=location,
        maps=maps.astype(np.float32),
        map_names=tuple(f"Atom {i + 1}" for i in range(N_MAPS)),
        unit="z",
        significant=np.abs(maps) > 3,
    )


def _faces_midline(surface) -> np.ndarray:
    side = np.where(np.arange(surface.n_vertices) < surface.n_left, 1, -1)
    return surface.inflated[:, 0] * side > 0


st.set_page_config(layout="wide")
made = st.cache_resource(make_view)(st.query_params.get("kind") == "parcels")
choice = st.selectbox("Page threshold", [2.0, 3.0], key="threshold")
if not st.checkbox("Show the brain", value=True):
    st.stop()
shown = brain_viewer(made, selected_map=2, threshold=choice, network="Default", key="viewer")
told = st.session_state.setdefault("told", {"runs": 0})
told["runs"] += 1
if shown.pick:
    told["pick"] = shown.pick
if shown.map is not None:
    told["map"] = shown.map
st.text(json.dumps(told | {"webgl": shown.webgl}))
if not shown.webgl:
    st.plotly_chart(plotly_fallback(made, 2), key="fallback")
