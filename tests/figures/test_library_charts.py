"""Charts of the Library page: a wrong clock is red, one that cannot be told is hollow."""

import numpy as np
import pandas as pd
import pytest

from brainlike_core.figures import library_charts, theme
from brainlike_core.values import FitCheck


def bump(lags, at, height=0.5):
    """A curve that peaks at one lag."""
    return (height * np.exp(-((lags - at) ** 2) / 8)).astype(np.float32)


def check(speech_at, sound_at=None, between=0.0, null_r=0.2):
    """A check whose curves peak where they are told to."""
    lags, fine = np.arange(-20, 20.1, 2.0), np.arange(-20, 20.05, 0.1)
    sound = {}
    if sound_at is not None:
        sound = {"audio_r": bump(lags, sound_at), "audio_null_r": null_r, "audio_peak_lag_s": sound_at}
        sound |= {
            "sound_lags_s": fine,
            "sound_r": bump(fine, between),
            "sound_null_r": null_r,
            "sound_lag_s": between,
        }
    facts = pd.DataFrame([("Clock", "v", "good", "n")], columns=["fact", "value", "state", "note"])
    return FitCheck(facts, lags, bump(lags, speech_at), null_r, speech_at, np.zeros(3, np.float32), **sound)


def peaks(figure):
    """(label, fill) of each marked peak."""
    return [(t.text[0], t.marker.color) for t in figure.data if t.text is not None]


@pytest.mark.parametrize(
    ("at", "null_r", "fill"), [(0.0, 0.2, theme.INK), (12.0, 0.2, theme.ACTIVATION), (12.0, 0.9, theme.PAPER)]
)
def test_the_peak_of_speech(at, null_r, fill):
    """Inside the band in the curve's colour, outside it red, below its null hollow."""
    figure = library_charts.lag_curve(check(at, null_r=null_r))
    assert peaks(figure) == [(f"<b>{at:+.1f} s</b>", fill)]
    assert not figure.layout.showlegend


def test_speech_and_sound_stand_in_one_chart():
    """Two named curves, two nulls; labels of close peaks turn away from each other."""
    figure = library_charts.lag_curve(check(2.0, 0.0))
    assert [t.name for t in figure.data if t.mode != "markers+text"] == ["speech", "its sound"]
    assert [t.textposition for t in figure.data if t.text is not None] == ["top right", "top left"]
    assert len([shape for shape in figure.layout.shapes if shape.line.dash == "dot"]) == 2


@pytest.mark.parametrize(("between", "fill"), [(0.2, theme.MODEL_COLOURS[0]), (3.0, theme.ACTIVATION)])
def test_the_peak_of_the_sound_against_its_words(between, fill):
    """Within half a second is one clock."""
    (peak,) = peaks(library_charts.sound_curve(check(0.0, 0.0, between)))
    assert peak == (f"<b>{between:+.1f} s</b>", fill)
