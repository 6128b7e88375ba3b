"""Another mesh of the address, planted: every brain is drawn on it, and every caption says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core import inventory
from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]
SAID = "Parcels are drawn on Fine mesh; holes"


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """A store with two runs and a second mesh, Fine mesh; what the viewers are given, by what shows it."""
    for weights in ("trained", "random"):
        made.write(made.make_run(made.config(weights=weights)), tmp_path)
    own, given = inventory.surface(), {}
    fine = replace(own, name="Fine mesh"), np.arange(own.n_vertices, dtype=np.int32)
    monkeypatch.setattr(inventory, "meshes", lambda _: {"fsaverage5": "fsaverage5", "fine": "Fine mesh"})
    monkeypatch.setattr(inventory, "mesh", lambda *_: fine)
    monkeypatch.setattr(parts.places, "CACHE", str(tmp_path))
    for module, name in (
        (parts.brains, "brain_viewer"),
        (parts.brains, "two_brains"),
        (parts.story, "story_player"),
    ):
        monkeypatch.setattr(module, name, _noting(getattr(module, name), name, given))
    st.cache_data.clear()
    st.cache_resource.clear()
    yield given
    st.cache_data.clear()
    st.cache_resource.clear()


def _noting(show, name, given):
    def noted(view, *arguments, **options):
        given[name] = view
        return show(view, *arguments, **options)

    return noted


def _open(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page(f"pages/{page}.py")
    for field, value in query.items():
        app.query_params[field] = value
    app.run()
    assert not app.exception and not app.warning
    return app


@pytest.mark.parametrize("maps", ["sub-groups", "scores"])
def test_a_map_and_its_caption_name_the_mesh(drawn, maps):
    """The viewer draws Fine mesh; the line below it says so, and so does what is saved with the picture."""
    app = _open("1_Brain_maps", maps=maps, mesh="fine-mesh")
    view = drawn["brain_viewer"]
    assert view.surface.name == "Fine mesh"
    assert all(SAID in caption for caption in view.captions)
    assert any(SAID in line.value for line in app.caption)


def test_the_story_is_played_on_the_mesh(drawn):
    """Measured and predicted maps, and what is said of them."""
    _open("1_Brain_maps", maps="story", mesh="fine-mesh")
    story = drawn["story_player"]
    assert story.measured.surface.name == story.predicted.surface.name == "Fine mesh"
    assert all(SAID in note for note in story.notes)


def test_two_brains_stand_on_the_mesh(drawn):
    """Both runs and their difference."""
    app = _open("3_Compare_models", view="brain", mesh="fine-mesh")
    assert drawn["two_brains"].surface.name == "Fine mesh"
    assert any(SAID in line.value for line in app.caption)


def test_without_the_mesh_all_is_drawn_where_the_data_are(drawn):
    """No mesh, and one that is not here: fsaverage5, and a line for the latter."""
    _open("1_Brain_maps")
    assert drawn["brain_viewer"].surface.name == "fsaverage5"
    app = _open("1_Brain_maps", mesh="finest-mesh")
    assert drawn["brain_viewer"].surface.name == "fsaverage5"
    assert any("is not here: drawn on fsaverage5" in line.value for line in app.caption)
