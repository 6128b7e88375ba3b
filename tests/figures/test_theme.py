"""Colours on a light and on a dark page."""

import re

import pytest

from brainlike_core.figures import matrix, theme
from tests import synthetic_run as made


def colours(figure):
    """Every six-digit hex colour of a figure."""
    return set(re.findall(r'"(#[0-9A-Fa-f]{6})"', figure.to_json()))


@pytest.mark.parametrize("colour", [*theme.MODEL_COLOURS, *theme.SIGN_COLOURS.values(), theme.ACCENT])
def test_every_mark_can_be_told_from_a_dark_ground(colour):
    """WCAG 2.2 asks a contrast of 3 of whatever carries meaning."""
    assert theme.contrast(theme.dark_colour(colour), theme.DARK_PAPER) >= 3


def test_ink_reads_as_text_on_a_dark_page():
    """Text wants 4.5; quiet text too."""
    assert theme.contrast(theme.dark_colour(theme.INK), theme.DARK_PAPER) > 7
    assert theme.contrast(theme.dark_colour(theme.QUIET), theme.DARK_PAPER) > 4.5


def test_the_sequential_scale_still_rises_on_a_dark_page():
    """More is further from the ground, on either ground."""
    dark = [theme.contrast(theme.dark_colour(shade), theme.DARK_PAPER) for shade in theme.SHADES]
    light = [theme.contrast(shade, theme.PAPER) for shade in theme.SHADES]
    assert dark == sorted(dark) and light == sorted(light)


def test_a_dark_figure_holds_the_same_data_and_leaves_the_first_as_it_was():
    """Only colours change: the matrix has the same cells, and no light ground is left."""
    c = made.make_run().correspondence
    light = matrix.correspondence_matrix(c, matrix.atom_order(c, "strength"), atom=3, network=None)
    before = light.to_json()
    dark = theme.in_dark(light)
    assert light.to_json() == before
    assert theme.PAPER in colours(light) and theme.PAPER not in colours(dark)
    assert all(theme.contrast(c, theme.DARK_PAPER) > 1 or c == theme.DARK_PAPER for c in colours(dark))
    assert [list(t.x) for t in dark.data] == [list(t.x) for t in light.data]


def test_a_figure_for_a_projector_is_larger_in_every_text():
    """Ticks, titles and legend grow, and the height with them; the data stay."""
    c = made.make_run().correspondence
    order = matrix.atom_order(c, "number")
    usual, large = (
        matrix.correspondence_matrix(c, order),
        theme.enlarged(matrix.correspondence_matrix(c, order)),
    )
    assert large.layout.height > usual.layout.height
    assert large.layout.xaxis.tickfont.size > usual.layout.xaxis.tickfont.size
    assert [list(t.x) for t in large.data] == [list(t.x) for t in usual.data]
