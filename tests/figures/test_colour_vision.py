"""Colours as people see them who lack one kind of cone: what must be told apart still is.

Simulation: Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113, severity 1.0, on linear RGB.
Distance: CIE76, the Euclidean distance in CIELAB (D65); about 2.3 is just noticeable.
"""

import itertools

import numpy as np
import pytest

from brainlike_core.figures import theme
from brainlike_core.figures.brain_viewer import colours

SEEN_AS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
LEAST = 14.0  # six times what is just noticeable: marks that lie apart are told without their names


def linear(colour: str) -> np.ndarray:
    """Linear RGB, 0 to 1, of a six-digit hex colour."""
    srgb = np.array([int(colour.lstrip("#")[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB, white D65."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(first: str, second: str, kind: str) -> float:
    """CIE76 distance of two colours, as one kind of eye sees them."""
    a, b = (lab(np.array(SEEN_AS[kind]) @ linear(colour)) for colour in (first, second))
    return float(np.linalg.norm(a - b))


def test_the_conversion_gives_known_values():
    """White, red and blue in CIELAB (D65); the matrices leave grey as it is."""
    np.testing.assert_allclose(lab(linear("#FFFFFF")), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab(linear("#FF0000")), [53.24, 80.09, 67.20], atol=0.05)
    np.testing.assert_allclose(lab(linear("#0000FF")), [32.30, 79.19, -107.86], atol=0.05)
    for matrix in SEEN_AS.values():
        np.testing.assert_allclose(np.sum(matrix, 1), 1, atol=1e-5)


def test_red_and_green_would_not_pass():
    """The pair that everybody warns of is far apart to most eyes, and fails for the eyes it is warned of."""
    seen = np.linalg.norm(lab(linear("#7A9A00")) - lab(linear("#D08A00")))
    assert seen > 40 and apart("#7A9A00", "#D08A00", "deuteranopia") < LEAST


@pytest.mark.parametrize("kind", SEEN_AS)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_activation_and_deactivation_stay_apart(kind, ground):
    """The two signs, in the matrix and in every ranking."""
    both = (theme.ACTIVATION, theme.DEACTIVATION)
    shown = both if ground == "light" else tuple(map(theme.dark_colour, both))
    assert apart(*shown, kind) > 2 * LEAST


@pytest.mark.parametrize("kind", SEEN_AS)
@pytest.mark.parametrize("name", ["RdBu_r", "vik"])
def test_both_ends_of_a_diverging_map_stay_apart(kind, name):
    """At the limit, half way and a quarter of the way: a low value never looks like a high one, nor either like none."""
    scale = ["#" + bytes(colour).hex() for colour in colours.colour_table(name)]
    middle = len(scale) // 2
    for step in (middle - 1, middle // 2, middle // 4):
        low, high = scale[middle - step], scale[middle + step]
        assert apart(low, high, kind) > LEAST
        assert min(apart(low, scale[middle], kind), apart(high, scale[middle], kind)) > LEAST / 2


@pytest.mark.parametrize("kind", SEEN_AS)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_models_side_by_side_stay_apart(kind, ground):
    """Seven families, each with each."""
    shown = theme.MODEL_COLOURS if ground == "light" else tuple(map(theme.dark_colour, theme.MODEL_COLOURS))
    near = {pair: apart(*pair, kind) for pair in itertools.combinations(shown, 2)}
    assert not {pair: d for pair, d in near.items() if d <= LEAST}
