"""What the story player shows: two maps of the moment, the words on the same clock, and time courses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import BrainlikeError
from .packing import digest, pack
from .settings import refuse
from .view import BrainView


@dataclass(frozen=True, eq=False)
class StoryView:
    """A stretch of a story as it is played.

    Attributes
    ----------
    measured, predicted : BrainView
        One map per TR, of the same surface and locations; NaN where nothing is known.
    tr : float
        Seconds.
    words : tuple of str, n_words
    onsets : float (n_words,)
        Seconds from the first map, never falling.
    courses : float (n_trs, n_atoms)
        Time courses of the sub-groups in standard deviations, NaN where unknown.
    atom_names : tuple of str, n_atoms
    delay_s : float
        About how long after a word the brain's answer is largest.
    notes : tuple of (str, str)
        What the measured and the predicted maps are, in words.

    Raises
    ------
    BrainlikeError
        Maps, words or courses that do not fit each other.
    """

    measured: BrainView
    predicted: BrainView
    tr: float
    words: tuple[str, ...]
    onsets: np.ndarray
    courses: np.ndarray
    atom_names: tuple[str, ...]
    delay_s: float
    notes: tuple[str, str]

    def __post_init__(self) -> None:
        maps = self.measured.maps.shape
        found = (self.predicted.maps.shape, self.courses.shape, len(self.onsets))
        needed = (maps, (maps[0], len(self.atom_names)), len(self.words))
        if found != needed or not self.tr > 0:
            raise BrainlikeError(
                "The parts of a story do not fit", found=f"{found}, TR {self.tr} s",
                needed=f"{needed} (predicted maps, courses, onsets), TR above 0 s",
                do="make them of the same TRs",
            )  # fmt: skip

    @cached_property
    def payload(self) -> bytes:
        """Words, their onsets, and all time courses, packed for the browser."""
        header = {
            "words": self.words,
            "tr": self.tr,
            "n_trs": self.measured.n_maps,
            "atom_names": self.atom_names,
            "delay": self.delay_s,
        }
        courses = np.ascontiguousarray(self.courses.T).astype("<f4")  # (n_atoms, n_trs)
        return pack(header, {"onsets": self.onsets.astype("<f4"), "courses": courses})


def story_settings(
    story: StoryView, *, atom: int = 0, network: str | None = None, height: int = 640
) -> dict[str, Any]:
    """Check and gather what may change on a story without packing it again, as JSON values.

    Parameters
    ----------
    story : StoryView
    atom : int
        Whose time course is drawn.
    network : str, optional
        The network to outline.
    height : int
        Pixels of the whole figure.

    Raises
    ------
    ConfigError
        An atom, network or height that is out of range.
    """
    names = story.measured.networks.networks
    if not 0 <= atom < len(story.atom_names):
        refuse("atom", atom, f"0 to {len(story.atom_names) - 1}")
    if network is not None and network not in names:
        refuse("network", network, f"one of {', '.join(names)}")
    if not 400 <= height <= 4000:
        refuse("height", height, "400 to 4000 pixels")
    both = {"measured": story.measured, "predicted": story.predicted}
    return {
        "geometry": digest(story.measured.geometry_payload),
        "story": digest(story.payload),
        "atom": int(atom),
        "network": names.index(network) + 1 if network else 0,
        "height": int(height),
        "limits": {name: view.default_limit for name, view in both.items()},
        "notes": dict(zip(both, story.notes, strict=True)),
    } | {name: digest(view.maps_payload) for name, view in both.items()}
