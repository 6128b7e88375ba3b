"""science/fit_check.py: a clock that fits, one that does not, and data that cannot tell."""

import numpy as np
import pytest

from brainlike_core.errors import CancelledError
from brainlike_core.science.fit_check import (
    audio_regressor,
    fit_check,
    largest_r,
    sound_lags,
    speech_regressor,
    spoken_share,
)
from brainlike_core.science.timing import convolve_hrf
from brainlike_core.values import Audio, Recording, Story

TR, N_TRS = 2.0, 200


def story(shift=0.0):
    """Phrases of five words with pauses of random length."""
    rng = np.random.default_rng(3)
    onsets, t = [], 10.0
    while t < 380:
        onsets += [t + 0.4 * k for k in range(5)]
        t += 2 + rng.uniform(0.5, 14)
    onsets = np.array(onsets) + shift
    words = tuple("abcde" * (len(onsets) // 5))
    spans = np.stack([np.arange(len(words)) * 2, np.arange(len(words)) * 2 + 1], 1)
    return Story("s", "s", " ".join(words), words, spans, onsets, onsets + 0.4, np.ones(len(words), bool))


def recording(delay, noise=1.0, n_subjects=6):
    """Location 0 hears speech ``delay`` TRs late; four others hear nothing."""
    rng = np.random.default_rng(4)
    bold = noise * rng.standard_normal((n_subjects, N_TRS, 5))
    heard = speech_regressor(story(), N_TRS, TR, ())[:, 0]
    bold[:, :, 0] += np.roll(heard / heard.std(), delay) if delay is not None else 0
    bold = (bold - bold.mean(1, keepdims=True)) / bold.std(1, keepdims=True)
    names = tuple(f"p{i}" for i in range(5))
    constant = np.zeros((n_subjects, 5), bool)
    subjects = tuple(map(str, range(n_subjects)))
    return Recording(
        "r", "r", bold.astype(np.float32), TR, subjects, "x", names, np.zeros(9, np.int32), constant
    )


def sound(shift=0.0, seconds=390.0, onset_s=0.0, seed=5):
    """Loud where the words of `story` are, ``shift`` seconds late, over noise: 0.1 s per step."""
    edges = onset_s - shift + np.arange(round(seconds * 10) + 1) / 10
    level = spoken_share(story(), edges)
    level += 0.3 * np.random.default_rng(seed).random(len(level))
    return Audio("tale", level.astype(np.float32), 0.1, onset_s, seconds)


def facts(check):
    return check.facts.set_index("fact")


@pytest.mark.parametrize("delay", [0, 1, 2])
def test_a_clock_that_fits(delay):
    """Speech planted 0, 2 or 4 s beyond the HRF is found there, beyond its null, and called good."""
    check = fit_check(story(), recording(delay))
    assert check.peak_lag_s == delay * TR
    assert check.best_r.max() > 2 * check.null_r
    assert facts(check).loc["Clock", "state"] == "good"


def test_a_clock_that_is_wrong_is_named_with_its_shift():
    """The transcript says everything 12 s too early: the brain seems 12 s late."""
    check = fit_check(story(-12.0), recording(0))
    assert check.peak_lag_s == 12 and facts(check).loc["Clock", "state"] == "bad"
    assert "+10.5 s" in facts(check).loc["Clock", "note"]


def test_noise_cannot_tell_the_clock():
    """No listener hears anything: the note says so instead of naming a lag."""
    check = fit_check(story(), recording(None))
    assert (
        facts(check).loc["Clock", "state"] == "look" and "cannot be told" in facts(check).loc["Clock", "note"]
    )


def test_words_outside_the_scan_and_too_few_listeners_are_bad():
    """Half of the words come after the end; two listeners give no inter-subject correlation."""
    check = fit_check(story(200.0), recording(0, n_subjects=2))
    assert facts(check).loc["Words inside the scan", "state"] == "bad"
    assert facts(check).loc["Listeners", "state"] == "bad" and np.isnan(check.isc).all()


def test_speech_is_the_share_of_each_tr():
    """Words 0-1 s and 3-5 s at TR 2: shares .5, .5, .5 before the haemodynamic response."""
    words = Story(
        "s", "s", "a b", ("a", "b"), np.array([[0, 1], [2, 3]]), np.array([0.0, 3.0]), np.array([1.0, 5.0]),
        np.ones(2, bool),
    )  # fmt: skip
    expected = convolve_hrf(np.array([[0.5], [0.5], [0.5], [0]]), 2.0)
    np.testing.assert_allclose(speech_regressor(words, 4, 2.0, ()), expected, atol=1e-6)


def test_largest_r_follows_the_brain():
    """The brain repeats the regressor two TRs later: r = 1 at lag 2 only."""
    x = np.random.default_rng(0).standard_normal((100, 1))
    r = largest_r(x, np.roll(x, 2, axis=0), np.arange(-3, 4))[:, 0]
    assert r.argmax() == 5 and r[5] == pytest.approx(1) and np.delete(r, 5).max() < 0.5


# -- with the story's sound ---------------------------------------------------------------


def test_a_sound_on_its_clock():
    """The sound of the words, heard by location 0 at lag 0: three clocks are good, and every word is inside."""
    check = fit_check(story(), recording(0), sound())
    assert check.has_audio and check.state == "good"
    assert check.audio_peak_lag_s == 0 and check.audio_r.max() > 2 * check.audio_null_r
    assert check.sound_lag_s == pytest.approx(0) and check.sound_r.max() > 3 * check.sound_null_r
    assert facts(check).loc["Words inside the sound", "value"] == "205 of 205"


@pytest.mark.parametrize("shift", [3.0, -3.0, 0.8])
def test_a_sound_that_is_shifted_against_its_words_is_named_with_its_shift(shift):
    """3 s late or early is bad, 0.8 s is to be looked at; the mend is the onset that undoes it."""
    check = fit_check(story(), recording(0), sound(shift, onset_s=1.0))
    fact = facts(check).loc["Sound and words"]
    assert check.sound_lag_s == pytest.approx(shift)
    assert fact["state"] == ("bad" if abs(shift) == 3 else "look")
    assert f"{abs(shift):.1f} s {'earlier' if shift > 0 else 'later'}" in fact["value"]
    assert f"let the sound begin at {1 - shift:g} s" in fact["note"]
    assert abs(check.audio_peak_lag_s - -shift) <= TR / 2 + 0.01 or abs(shift) < 1


def test_sound_and_words_wrong_together_are_seen_by_the_brain():
    """Both 12 s early: they agree with each other, and both are late in the brain."""
    check = fit_check(story(-12.0), recording(0), sound(-12.0))
    assert check.sound_lag_s == pytest.approx(0) and facts(check).loc["Sound and words", "state"] == "good"
    assert facts(check).loc[["Clock", "Clock of the sound"], "state"].tolist() == ["bad", "bad"]
    assert check.peak_lag_s == check.audio_peak_lag_s == 12


def test_the_sound_of_another_story_cannot_tell():
    """Noise follows neither words nor brain."""
    noise = Audio("noise", np.random.default_rng(10).random(3900).astype(np.float32), 0.1, 0.0, 390.0)
    states = facts(fit_check(story(), recording(0), noise))["state"]
    assert states["Sound and words"] == "look" and states["Clock of the sound"] == "look"


def test_words_outside_the_sound_are_counted():
    """A sound of 200 s from 20 s on: the words before and after it are named."""
    fact = facts(fit_check(story(), recording(0), sound(seconds=200.0, onset_s=20.0))).loc[
        "Words inside the sound"
    ]
    onsets, offsets = story().onsets, story().offsets
    before, after = (onsets < 20).sum(), (offsets > 220.5).sum()
    assert fact["state"] == "bad" and fact["value"] == f"{205 - before - after} of 205"
    assert f"{before} before it begins; {after} after it ends" in fact["note"]


def test_the_level_of_each_tr():
    """Levels 1, 0, 0, 1 in steps of 1 s from 1 s on: TRs of 2 s hold 0.5, 0 and 0.5 before the response."""
    heard = Audio("a", np.array([1, 0, 0, 1], np.float32), 1.0, 1.0, 4.0)
    expected = convolve_hrf(np.array([[0.5], [0], [0.5], [0]]), 2.0)
    np.testing.assert_allclose(audio_regressor(heard, 4, 2.0, ()), expected, atol=1e-6)


def test_lags_of_the_sound_equal_brute_force():
    """Pearson r of numpy at each of a few lags."""
    words, heard = story(), sound(1.7)
    lags, r, _ = sound_lags(words, heard, np.random.default_rng(0))
    for lag in (-20.0, -3.0, 0.0, 1.7, 20.0):
        edges = heard.onset_s - lag + np.arange(len(heard.envelope) + 1) * 0.1
        expected = np.corrcoef(spoken_share(words, edges), heard.envelope)[0, 1]
        assert r[np.abs(lags - lag).argmin()] == pytest.approx(expected, abs=1e-4)


def test_progress_never_falls_and_may_stop_it():
    """It is told often, from 0 to nearly 1; an error raised there ends the check."""
    told = []
    fit_check(story(), recording(0), sound(), progress=told.append)
    assert told == sorted(told) and told[0] == 0 and 0.95 < told[-1] < 1 and len(told) > 20

    def stop(fraction):
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        fit_check(story(), recording(0), progress=stop)
