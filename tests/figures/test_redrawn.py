"""A view on another mesh: the same values and names at more vertices."""

import numpy as np
import pytest

from brainlike_core.errors import AtlasError
from brainlike_core.figures.brain_viewer import digest, redrawn
from tests.figures.test_brain_viewer import make_surface, make_view


def test_values_and_names_follow_the_nearest_vertex():
    """On a mesh whose vertices show 0, 0, 2, 3 and 4 to 7: what is described there is what lies here."""
    view, nearest = make_view(), np.array([0, 0, 2, 3, 4, 5, 6, 7])
    found = redrawn(view, make_surface(), nearest)
    for vertex, shown in enumerate(nearest):
        told = view.describe(0, shown) | {"vertex": vertex}
        assert found.describe(0, vertex) == told
    assert (found.wall == view.wall[nearest]).all()
    assert digest(found.maps_payload) == digest(view.maps_payload), "the maps are not sent again"


@pytest.mark.parametrize("nearest", [np.zeros(7, int), np.full(8, 8), np.full(8, -1)])
def test_what_leads_elsewhere_is_refused(nearest):
    """Too few vertices, or one that the view does not have."""
    with pytest.raises(AtlasError, match="cannot be drawn"):
        redrawn(make_view(), make_surface(), nearest)
