"""Brains in print: the rasteriser by hand and by brute force, colours of planted values, words as text."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from brainlike_core import inventory
from brainlike_core.errors import ConfigError
from brainlike_core.exports import paper
from brainlike_core.exports.print_brains import print_brain, rasterise
from brainlike_core.exports.printed import brain_view, comparison_figures, figure_files, run_figures
from tests import synthetic_run as made

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run():
    """A made-up run: atom 3 has z = 8 in parcel 42 and less than 4 elsewhere."""
    return made.make_run()


@pytest.fixture(scope="module")
def view(run):
    """Its sub-groups on the surface."""
    return brain_view(run, inventory.surface(), inventory.regions())


def test_one_triangle_by_hand():
    """Half of a square of four by four pixels; the corner's value at the corner, the mean in the middle."""
    points = np.array([[-2.0, -2.0, 0.0], [2.0, -2.0, 0.0], [-2.0, 2.0, 0.0]])
    raster = rasterise(points, np.array([[0, 1, 2]]), (4, 4), 1.0)
    np.testing.assert_array_equal(raster.seen, np.tri(4, dtype=bool))  # row 0 is at the top
    at = raster.mean(np.array([0.0, 8.0, 0.0]))
    np.testing.assert_allclose(at[3], [1, 3, 5, 7])
    assert np.isnan(at[0, 3]) and raster.nearest(np.array([5, 6, 7]))[3].tolist() == [5, 5, 6, 6]


def test_the_nearer_triangle_hides_the_other():
    """Whatever their order in the list."""
    square = np.array([[-2, -2], [2, -2], [2, 2], [-2, 2]], float)
    points = np.concatenate([np.c_[square, np.zeros(4)], np.c_[square * 0.6, np.ones(4)]])
    faces = np.array([[4, 5, 6], [4, 6, 7], [0, 1, 2], [0, 2, 3]])
    for order in (faces, faces[::-1]):
        raster = rasterise(points, order, (8, 8), 2.0)
        level = raster.mean(np.array([0.0] * 4 + [1.0] * 4))
        assert raster.seen.all() and round(level[4, 4], 6) == 1 and level[0, 0] == 0


def test_against_brute_force():
    """Random triangles: each pixel asked for itself, one triangle after the other."""
    rng = np.random.default_rng(0)
    points, faces = rng.normal(size=(12, 3)) * 3, rng.integers(0, 12, (10, 3))
    values = rng.normal(size=12)
    got = rasterise(points, faces, (20, 24), 2.0).mean(values)
    for row in range(20):
        for column in range(24):
            eye = np.array([(column + 0.5 - 12) / 2, (10 - row - 0.5) / 2])
            best, want = -np.inf, np.nan
            for face in faces:
                corners = points[face]
                matrix = np.vstack([corners[:, :2].T, np.ones(3)])
                if abs(np.linalg.det(matrix)) < 1e-12:
                    continue
                share = np.linalg.solve(matrix, [*eye, 1])
                if (share >= 0).all() and share @ corners[:, 2] > best:
                    best, want = share @ corners[:, 2], share @ values[face]
            np.testing.assert_allclose(got[row, column], want, atol=1e-5)


def pictures(figure):
    """The picture of each view, colours and opacity."""
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


def reddish(figure, sign=1):
    """Pixels of each view that are more red than blue, or the other way round."""
    return [int(((p[..., 0] - p[..., 2]) * sign > 0.15)[p[..., 3] > 0.9].sum()) for p in pictures(figure)]


@pytest.mark.parametrize(("side", "seen"), [(-1, 0), (1, 3)])
def test_the_outermost_vertices_are_seen_from_outside(view, side, seen):
    """What lies at the outside of one hemisphere is coloured in its lateral view, and in no other."""
    points = view.surface.inflated
    half = (np.arange(len(points)) < 10_242) == (side < 0)
    there = half & (points[:, 0] * side > np.sort((points[:, 0] * side)[half])[-200])
    maps = np.array([[0.0, 8.0]])
    spot = replace(
        view,
        maps=maps,
        map_names=("spot",),
        vertex_location=there.astype(np.int32),
        location_names=("a", "b"),
    )
    red, blue = (reddish(print_brain(spot, 0, threshold=5, limit=10, dpi=60), sign) for sign in (1, -1))
    assert [count > 20 for count in red] == [k == seen for k in range(4)] and sum(blue) == 0
    blue = reddish(print_brain(replace(spot, maps=-maps), 0, threshold=5, limit=10, dpi=60), -1)
    assert blue == red or abs(blue[seen] - red[seen]) < 0.1 * red[seen]
    assert sum(reddish(print_brain(spot, 0, threshold=8.5, limit=10, dpi=60))) == 0


def test_the_four_views_mirror_each_other(view):
    """Lateral views look outwards, medial ones show the medial wall; outlines of both sides match within a few pixels."""
    first, second, third, fourth = pictures(print_brain(view, 0, threshold=9, limit=10, dpi=40))
    for one, other in ((first, fourth), (second, third)):
        assert abs((one[..., 3] > 0.5).sum() - (other[..., 3] > 0.5).sum()) < 0.05 * one[..., 3].size
    assert np.abs(first[..., 3] - fourth[:, ::-1, 3]).mean() < 0.05


def test_a_brain_is_a_picture_with_words_around_it(view):
    """In the SVG four images stand among text elements: title, views, colour bar, threshold; the outline is a path."""
    figure = print_brain(
        view, 3, threshold=2.3, limit=5, network="Language", title="Atom 3", caption="z, no test.", dpi=40
    )
    root = ElementTree.fromstring(paper.print_files(figure, "x", ("svg",))["x.svg"])
    words = ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]
    assert {
        "Atom 3",
        "Left, lateral",
        "Right, medial",
        "2.3",
        "−2.3",
        "grey: below 2.3",
        "z, no test.",
    } <= set(words)
    assert len(list(root.iter(f"{SVG}image"))) >= 4
    without = print_brain(view, 3, threshold=2.3, dpi=40)
    assert len(figure.axes[0].collections) == 1 and not without.axes[0].collections


def test_settings_out_of_range_are_refused(view):
    """As for the viewer."""
    with pytest.raises(ConfigError, match="selected_map"):
        print_brain(view, 99)
    with pytest.raises(ConfigError, match="colour_map"):
        print_brain(view, 0, colour_map="jet")


def test_the_figures_of_a_run_have_names(run):
    """Each is drawn when asked for, and named after story and model."""
    figures = run_figures(run, inventory.surface(), inventory.regions(), atom=5)
    assert {
        "atom5-map",
        "matrix",
        "fake-links",
        "ranking",
        "atom5-time-course",
        "heldout-r",
        "noise-ceiling",
        "atom5-layers",
    } <= set(figures)
    files = figure_files(run, {"matrix": figures["matrix"]}, ("svg",))
    assert list(files) == ["task-simulated_desc-MinilmL6_matrix.svg"]
    drawn = figures["ranking"]()
    assert drawn.get_label() == "Default: its sub-groups"  # the network of atom 5's only link


def test_figures_of_several_runs(run):
    """Each chart of the comparison can be drawn."""
    both = [run, made.make_run(made.config(weights="random"))]
    labels = [draw().get_label() for draw in comparison_figures(both).values()]
    assert labels[0] == "Held-out prediction" and len(labels) == 5
