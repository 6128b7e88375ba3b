"""The space that a recording came in: named, known from the catalogue, or its own."""

import numpy as np
import pytest

from brainlike_core.config import RecordingConfig
from brainlike_core.sources.located import native_space
from brainlike_core.values import Recording


def recording(space):
    """Two listeners, twelve volumes, three places."""
    bold = np.ones((2, 12, 3), np.float32)
    return Recording(
        "r", "R", bold, 2.0, ("a", "b"), space, (), np.zeros(20_484, np.int32), np.zeros((2, 3), bool)
    )


@pytest.mark.parametrize(
    "config, space, expected",
    [
        (RecordingConfig(name="/a/folder", space="fsLR"), "fsaverage5", "fsLR"),
        (RecordingConfig(name="/a/folder"), "fsaverage5", "fsaverage5"),
        (RecordingConfig(name="/a/folder"), "parcels", "parcels"),
        (RecordingConfig(name="pieman"), "shen268", "shen268"),
        (RecordingConfig(name="lpp-en"), "fsaverage5", "MNIColin27"),
        (RecordingConfig(name="narratives-lucy"), "fsaverage5", "fsaverage6"),
    ],
)
def test_a_named_space_comes_first_then_the_catalogue_s(config, space, expected):
    """So that an atlas can be read where the recording was."""
    assert native_space(config, recording(space)) == expected
