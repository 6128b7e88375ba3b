"""science/timing.py against hand-worked examples and nilearn."""

import numpy as np
import pytest
from scipy import fft

from brainlike_core.errors import AlignmentError, ConfigError
from brainlike_core.science import timing


def test_words_to_trs_is_the_mean_of_words_in_each_tr():
    """Words at 0.1, 0.9 and 3.0 s with TR 1.5: TR 0 holds two words, TR 1 none, TR 2 one."""
    values = np.array([[2.0], [4.0], [7.0]])
    binned = timing.words_to_trs(values, np.array([0.1, 0.9, 3.0]), 1.5, 3)
    assert binned.ravel().tolist() == [3.0, 0.0, 7.0]


def test_words_outside_the_recording_are_refused():
    """A story that starts after the last volume names both ranges."""
    with pytest.raises(AlignmentError, match="found words at 100.0-100.0 s, needed words within 0-3.0 s"):
        timing.words_to_trs(np.ones((1, 1)), np.array([100.0]), 1.5, 2)


@pytest.mark.parametrize("tr", [0.8, 1.5, 2.0])
def test_hrf_equals_nilearn(tr):
    """The response equals nilearn's Glover HRF, averaged within each TR.

    nilearn's time grid includes its end point, which stretches it by one fine
    sample: that is the tolerance.
    """
    from nilearn.glm.first_level import glover_hrf

    ours = timing.glover_hrf(tr)
    theirs = glover_hrf(tr, oversampling=50, time_length=32)[: len(ours) * 50].reshape(-1, 50).mean(1)
    np.testing.assert_allclose(ours, theirs / theirs.sum(), atol=2e-3)


def test_convolution_of_an_impulse_is_the_hrf():
    """An impulse at TR 5 gives the response from TR 5 on, and nothing before."""
    impulse = np.zeros((40, 1))
    impulse[5] = 1
    response = timing.convolve_hrf(impulse, 1.5)[:, 0]
    np.testing.assert_allclose(response[:5], 0, atol=1e-12)
    np.testing.assert_allclose(response[5:26], timing.glover_hrf(1.5), atol=1e-12)


def test_band_pass_keeps_cosines_inside_and_drops_those_outside():
    """Two DCT cosines, at .05 Hz and .25 Hz: only the first passes .01-.12 Hz."""
    n, tr = 300, 1.5
    spectrum = np.zeros((n, 1))
    spectrum[45] = 1  # 45 / (2 * 1.5 * 300) = .05 Hz
    inside = fft.idct(spectrum, axis=0, norm="ortho")
    spectrum[:] = 0
    spectrum[225] = 1
    outside = fft.idct(spectrum, axis=0, norm="ortho")
    passed = timing.band_pass(inside + outside, tr, (0.01, 0.12))
    np.testing.assert_allclose(passed, inside, atol=1e-12)


def test_no_filter_changes_nothing():
    """An empty band returns the values."""
    values = np.random.default_rng(0).standard_normal((50, 2))
    assert timing.band_pass(values, 2.0, ()) is values


def test_zscore_keeps_constant_columns_at_zero():
    """A large constant is not a signal, whatever its rounding noise."""
    column = np.full(100, 1e6, np.float32)
    scored = timing.zscore(np.stack([column, np.arange(100, dtype=np.float32)], axis=1))
    assert not scored[:, 0].any()
    np.testing.assert_allclose([scored[:, 1].mean(), scored[:, 1].std()], [0, 1], atol=1e-6)


def test_story_rows_by_hand():
    """First word 15.09 s, last 429.5 s, edge 6 s, TR 1.5 s: rows 14 to 290."""
    assert timing.story_rows(np.array([15.09]), np.array([429.5]), 1.5, 300, 6.0, 4) == (14, 290)


def test_story_rows_leave_room_for_the_delay():
    """With only 292 TRs, four of delay leave 288."""
    assert timing.story_rows(np.array([15.09]), np.array([429.5]), 1.5, 292, 6.0, 4)[1] == 288


def test_short_stories_are_refused():
    """Under 60 TRs nothing can be learned."""
    with pytest.raises(AlignmentError, match="needed at least 60 TRs"):
        timing.story_rows(np.array([0.0]), np.array([30.0]), 1.5, 300, 6.0, 4)


def test_centring_removes_word_rate():
    """A neuron that says the same for every word carries no word rate once centred."""
    onsets = np.sort(np.random.default_rng(0).uniform(5, 250, 400))
    same = np.ones((400, 1), np.float32)
    options = {"band": (), "rows": (5, 170)}
    centred = timing.responses_on_trs(same, onsets, 1.5, 180, **options)
    raw = timing.responses_on_trs(same, onsets, 1.5, 180, centre_words=False, **options)
    assert not centred.any()
    assert raw.std() > 0.9


def test_nan_responses_are_refused():
    """NaN never enters the walk."""
    values = np.ones((3, 2), np.float32)
    values[1, 1] = np.nan
    with pytest.raises(ConfigError, match="found 1 neurons with NaN"):
        timing.responses_on_trs(values, np.arange(3.0), 1.5, 10, band=(), rows=(0, 8))
