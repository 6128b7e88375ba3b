"""Colour maps of the brain: diverging or sequential, and safe for the colour-blind."""

from __future__ import annotations

import numpy as np

from ...errors import ConfigError

# Anchors of Crameri's vik (Scientific colour maps, doi 10.5281/zenodo.1243862, MIT), evenly
# spaced; linear interpolation stays within .025 of the published table. The other two are
# ColorBrewer's RdBu (reversed) and cividis (Nunez et al. 2018, doi 10.1371/journal.pone.0199239).
_COLOUR_ANCHORS = {
    "RdBu_r": "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
    "vik": "001261 022b71 034481 0c5e92 2f7ca6 609dbc 92bdd2 c5dbe5 ece5e1 "
    "e9cbb9 dcab8f cf8e68 c37243 b3531f 932e06 741506 590008",
    "cividis": "00224e 002e6c 1e3a6f 35456c 47516c 575d6d 666970 757575 "
    "848279 948e77 a59c74 b7a96e c8b866 dbc75a eed649 fee838",
}
COLOUR_MAPS = tuple(_COLOUR_ANCHORS)


def colour_table(name: str) -> np.ndarray:
    """A colour map as uint8 (256, 3).

    Raises
    ------
    ConfigError
        A name that is not one of `COLOUR_MAPS`.
    """
    if name not in COLOUR_MAPS:
        raise ConfigError(
            "Invalid value for colour_map", found=repr(name), needed=f"one of {', '.join(COLOUR_MAPS)}",
            do="change colour_map",
        )  # fmt: skip
    anchors = np.array([list(bytes.fromhex(c)) for c in _COLOUR_ANCHORS[name].split()])  # (n_anchors, 3)
    at, x = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    return np.round(np.stack([np.interp(x, at, c) for c in anchors.T], axis=1)).astype(np.uint8)
