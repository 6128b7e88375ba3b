"""figures/layers.py: every row of a curve, its interval and its test; networks; depths; plain words with their numbers."""

import numpy as np
import pytest

from brainlike_core.figures import layers as shown
from tests import synthetic_run as made
from tests.layer_world import made_curve, made_profiles


@pytest.fixture(scope="module")
def runs():
    """A trained and a random model."""
    return [made.make_run(made.config()), made.make_run(made.config(weights="random"))]


@pytest.fixture
def curves(runs):
    networks = runs[0].atlas.networks
    return [made_curve(networks), made_curve(networks, (0.02, 0.03, 0.01))]


def lines(figure):
    """The traces that are named in the legend."""
    return [trace for trace in figure.data if trace.name and trace.showlegend is not False]


def test_each_row_is_a_point_at_its_depth_inside_its_band(runs, curves):
    """The curve through r, and a band from low to high around it."""
    figure = shown.curves(runs, curves)
    for curve, line, band in zip(curves, lines(figure), figure.data[::2], strict=True):
        assert list(line.x) == [0, 0.5, 1] and list(line.y) == list(curve.rows["r"])
        assert list(band.y) == [*curve.rows["high"], *curve.rows["low"][::-1]]
        assert band.hoverinfo == "skip" and band.legendgroup == line.name


def test_only_rows_beyond_chance_are_filled_and_random_weights_are_dashed(runs, curves):
    """Family-wise p < .05 fills a point with its run's colour."""
    trained, random = lines(shown.curves(runs, curves))
    assert [c == trained.line.color for c in trained.marker.color] == [False, True, False]
    assert (trained.line.dash, random.line.dash) == ("solid", "dash")


def test_networks_by_layer_have_a_dot_where_they_pass(runs, curves):
    """One panel per run on one scale; the first network of the second layer alone has a dot."""
    figure = shown.by_network(runs, curves)
    first, second = figure.data
    np.testing.assert_allclose(first.z, curves[0].network_r.T)
    assert first.zmax == second.zmax == pytest.approx(0.2)
    dots = np.array(first.text)
    assert dots[0, 1] == "•" and (dots == "•").sum() == 1
    assert list(first.x) == ["0", "1", "2"] and len(figure.layout.annotations) == 2


def test_networks_without_links_have_no_depth(runs):
    """A point, its interval and the range of random sets for the first network; gaps for the others."""
    profiles = made_profiles(runs[0].atlas.networks)
    figure = shown.network_depths(runs[:1], [profiles])
    null, interval, point = figure.data
    assert list(null.x[:2]) == [0.3, 0.6] and list(interval.x[:2]) == [0.4, 0.7]
    assert point.x[0] == 0.5 and np.isnan(point.x[1:]).all()


def test_empty_subgroups_are_left_out(runs):
    """One of two has neurons: its mean depth and its interval."""
    (point,) = shown.subgroup_depths(runs[:1], [made_profiles(runs[0].atlas.networks)]).data
    assert list(point.y) == [0.5]
    assert point.error_y.array[0] == pytest.approx(0.2) and point.error_y.arrayminus[0] == pytest.approx(0.1)


def test_the_best_row_in_words(curves):
    """Its score, interval and p; how many lie behind; how many predict at all."""
    said = shown.best_sentence(curves[0])
    assert said.startswith("Highest: layer 1, mean held-out r 0.200 [0.160, 0.240], p 0.010")
    assert "2 of the 2 others lie below it" in said and "1 of 3 predict at all" in said


def test_captions_say_how_it_was_made(curves):
    """Atoms, locations, surrogates; seeds and the missing test of depths."""
    said = shown.curve_caption(curves)
    assert "6–8 atoms" in said and "400 of 500 locations" in said and "100 sign-randomised" in said
    profiles = [made_profiles(("A",))]
    assert "5 more dictionaries" in shown.profile_caption(profiles) and "No test" in shown.profile_caption(
        profiles
    )
    assert "mean |r| of 0.50" in shown.subgroup_caption(profiles)


def test_the_table_has_every_row_of_every_run(runs, curves):
    """With the run's name and each network's score."""
    table = shown.table(runs, curves)
    assert len(table) == 6 and table["run"].nunique() == 2
    assert table["r Language"][1] == pytest.approx(0.2)
