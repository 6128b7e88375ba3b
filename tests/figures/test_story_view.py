"""The Python half of the story player: what is packed and refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from brainlike_core.errors import BrainlikeError, ConfigError
from brainlike_core.figures.brain_viewer import StoryView, digest, story_settings
from tests.figures.test_brain_viewer import make_view, unpack


def make_story(**changes) -> StoryView:
    """Two volumes, three words, one atom."""
    view = make_view(significant=None)
    fields = {
        "measured": view,
        "predicted": dataclasses.replace(view, maps=view.maps / 2),
        "tr": 1.5,
        "words": ("a", "fox", "ran"),
        "onsets": np.array([0.0, 1.0, 2.0]),
        "courses": np.array([[np.nan], [1.0]]),
        "atom_names": ("Atom 0",),
        "delay_s": 5.0,
        "notes": ("measured", "predicted"),
    }
    return StoryView(**(fields | changes))


def test_words_and_courses_are_packed_by_atom():
    """Words keep their times; each atom's course lies in one piece."""
    header, arrays = unpack(make_story(courses=np.array([[1.0], [2.0]])).payload)
    assert (header["words"], header["tr"], header["n_trs"]) == (["a", "fox", "ran"], 1.5, 2)
    assert arrays["onsets"].tolist() == [0, 1, 2] and arrays["courses"].tolist() == [1, 2]


def test_settings_name_both_sources_and_their_limits():
    """The browser finds measured and predicted maps by digest; the prediction ends its colours at half."""
    story = make_story()
    found = json.loads(json.dumps(story_settings(story, network="Visual")))
    assert found["measured"] == digest(story.measured.maps_payload) != found["predicted"]
    assert found["limits"]["predicted"] == pytest.approx(found["limits"]["measured"] / 2, rel=0.1)
    assert found["network"] == 2 and found["notes"]["predicted"] == "predicted"


@pytest.mark.parametrize(
    "changes",
    [
        {"onsets": np.zeros(2)}, {"courses": np.zeros((3, 1))}, {"atom_names": ("a", "b")}, {"tr": 0.0},
        {"predicted": make_view(maps=np.ones((1, 3)), map_names=("m",), significant=None)},
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(changes):
    """Onsets without words, courses of other TRs, other maps, and a TR of 0 are named."""
    with pytest.raises(BrainlikeError, match="parts of a story do not fit"):
        make_story(**changes)


@pytest.mark.parametrize("option", [{"atom": 1}, {"network": "Jet lag"}, {"height": 20}])
def test_options_out_of_range_are_refused(option):
    """Atom, network and height are checked before anything is shown."""
    with pytest.raises(ConfigError, match=next(iter(option))):
        story_settings(make_story(), **option)
