"""science/fit_check.py: a clock that fits, one that does not, and data that cannot tell."""

import numpy as np
import pytest

from brainlike_core.science.fit_check import fit_check, largest_r, speech_regressor
from brainlike_core.values import Recording, Story

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
    from brainlike_core.science.timing import convolve_hrf

    expected = convolve_hrf(np.array([[0.5], [0.5], [0.5], [0]]), 2.0)
    np.testing.assert_allclose(speech_regressor(words, 4, 2.0, ()), expected, atol=1e-6)


def test_largest_r_follows_the_brain():
    """The brain repeats the regressor two TRs later: r = 1 at lag 2 only."""
    x = np.random.default_rng(0).standard_normal((100, 1))
    r = largest_r(x, np.roll(x, 2, axis=0), np.arange(-3, 4))[:, 0]
    assert r.argmax() == 5 and r[5] == pytest.approx(1) and np.delete(r, 5).max() < 0.5
