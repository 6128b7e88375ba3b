"""The story player on the Brain maps page, on a made-up run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core import moments
from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]


def test_the_story_is_one_of_the_maps(monkeypatch, tmp_path):
    """A link to the story mounts the player on a story of the run's TRs, words and atoms, with no exception."""
    run = made.make_run()
    made.write(run, tmp_path)
    monkeypatch.setattr(parts.places, "CACHE", str(tmp_path))
    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/1_Brain_maps.py")
    app.query_params["maps"] = "story"
    app.run()
    assert not app.exception and not app.warning
    story = parts.story.story_view(run.id, moments.stretches(run)[0], "fsaverage5")
    assert story.measured.n_maps == 72 and len(story.words) == run.story.n_words
    assert story.onsets.tolist() == run.story.onsets.tolist()
    assert story.atom_names[3].startswith("Atom 3")
