"""Two brains and their difference: what is subtracted, brought together and refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from brainlike_core.errors import BrainlikeError, ConfigError
from brainlike_core.figures.brain_viewer import difference_settings, difference_view
from tests.figures.test_brain_viewer import make_view


def test_maps_stand_left_right_and_left_minus_right():
    """Two maps of three parcels become six; a missing value is missing in the difference."""
    left = make_view()
    right = dataclasses.replace(left, maps=np.array([[1.0, 1.0, 1.0], [0.1, 0.1, np.nan]], np.float32))
    found = difference_view(left, right)
    assert found.maps.shape == (6, 3) and found.map_names == 3 * left.map_names
    np.testing.assert_allclose(found.maps[4], [0.5, -4.25, np.nan])
    np.testing.assert_allclose(found.maps[5], [0.0, 0.1, np.nan], atol=1e-6)
    assert found.significant is None


def test_other_parcels_are_compared_vertex_by_vertex():
    """Parcels against vertices: each vertex carries its parcel's value, the wall none."""
    left = make_view()
    right = make_view(
        location_names=(), vertex_location=np.arange(8, dtype=np.int32), significant=None,
        maps=np.arange(16, dtype=np.float32).reshape(2, 8),
    )  # fmt: skip
    found = difference_view(left, right)
    assert found.maps.shape == (6, 8) and found.location_names == ()
    np.testing.assert_allclose(found.maps[4], [1.5, 0.5, -5.25, np.nan, np.nan, np.nan, np.nan, np.nan])
    assert found.describe(0, 1)["value"] == 1.5 and found.describe(0, 1)["region"] == "A"


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": "r"},
        {"maps": np.ones((1, 3), np.float32), "map_names": ("m",), "significant": None},
    ],
)
def test_brains_of_another_kind_are_refused(changes):
    """Another unit or another number of maps is named."""
    with pytest.raises(BrainlikeError, match="Two brains cannot be compared"):
        difference_view(make_view(), make_view(**changes))


def test_left_and_right_share_their_limit_and_the_difference_has_its_own():
    """Magnitudes up to 4 beside a difference of at most 1."""
    left = make_view(maps=np.array([[4.0, 2.0, 1.0]] * 2, np.float32))
    found = difference_settings(
        difference_view(left, dataclasses.replace(left, maps=left.maps - 1)), ("A", "B"), threshold=1.0
    )
    assert found["limit"] == pytest.approx(4.0, rel=0.05)
    assert found["difference_limit"] == pytest.approx(1.0) and found["titles"][2] == "A \u2212 B"


@pytest.mark.parametrize(
    "option", [{"selected_map": 2}, {"difference_limit": 0.0}, {"difference_threshold": -1.0}]
)
def test_options_out_of_range_are_refused(option):
    """A map of the other side is no map of this one; limits stay above 0."""
    with pytest.raises(ConfigError, match=next(iter(option))):
        difference_settings(difference_view(make_view(), make_view()), ("A", "B"), **option)
