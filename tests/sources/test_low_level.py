"""low_level.py: what is said of words without a model, by hand."""

import doctest

import numpy as np
import pytest

from brainlike_core.config import ExtractConfig
from brainlike_core.errors import ConfigError, StoryError
from brainlike_core.sources import low_level
from brainlike_core.sources.low_level import check_baseline, log_frequency, sound_digest, word_features
from brainlike_core.values import Story


def story_of(text, onsets, durations=None):
    words = [w.strip(".,;:!?\n") for w in text.split()]
    spans, at = [], 0
    for word in words:
        at = text.index(word, at)
        spans.append((at, at + len(word)))
        at += len(word)
    onsets = np.asarray(onsets, float)
    offsets = onsets + (0.3 if durations is None else np.asarray(durations))
    return Story("s", "s", text, tuple(words), np.array(spans), onsets, offsets, np.ones(len(words), bool))


def test_the_docstrings_examples_hold():
    """Every example in the file's docstrings gives what it shows."""
    found = doctest.testmod(low_level)
    assert found.attempted >= 4 and found.failed == 0


def test_features_by_hand():
    """Five words in three TRs of 2 s: counts 2, 2, 1; letters and marks centred over words."""
    story = story_of("Go on, she said. Go!", [0, 1.9, 2.0, 3.0, 5.0], [0.2, 0.2, 0.2, 0.2, 0.7])
    features = word_features(story, 2.0)
    assert features["word rate"].tolist() == [2, 2, 2, 2, 1]
    assert features["word length"].tolist() == pytest.approx([-0.6, -0.6, 0.4, 1.4, -0.6])
    assert features["word duration"].tolist() == pytest.approx([-0.1, -0.1, -0.1, -0.1, 0.4])
    assert features["sentence end"].tolist() == pytest.approx([-0.4, -0.4, -0.4, 0.6, 0.6])
    assert features["phrase end"].tolist() == pytest.approx([-0.2, 0.8, -0.2, -0.2, -0.2])
    wanted = np.log([0.4, 0.2, 0.2, 0.2, 0.4])
    assert features["log frequency"].tolist() == pytest.approx((wanted - wanted.mean()).tolist())


def test_word_rate_survives_where_centring_would_remove_it():
    """One word per TR: every other respect is centred, the count stays 1."""
    features = word_features(story_of("a bb c dd", [0, 2, 4, 6]), 2.0)
    assert features["word rate"].tolist() == [1, 1, 1, 1]
    assert all(abs(v.mean()) < 1e-6 for name, v in features.items() if name != "word rate")


def test_what_the_text_does_not_have_is_left_out():
    """No punctuation, one length, one duration: only what differs between words."""
    assert list(word_features(story_of("aa bb aa cc", [0, 1, 2, 3]), 2.0)) == ["word rate", "log frequency"]


def test_frequency_ignores_case():
    """'The' and 'the' are one word."""
    assert log_frequency(("The", "the")).tolist() == [0, 0]


@pytest.mark.parametrize("fields", [{"weights": "random"}, {"layers": (1, 2)}])
def test_what_a_baseline_has_not_is_refused(fields):
    """It has no weights to randomise and no layers to choose."""
    with pytest.raises(ConfigError, match="low-level baseline has no"):
        check_baseline(ExtractConfig("low-level", **fields))


@pytest.mark.parametrize("path", ["/no/such.wav", "a\0b", "x" * 5000])
def test_a_sound_that_is_not_there(path):
    """One sentence that names the option."""
    with pytest.raises(StoryError, match="--audio"):
        sound_digest(path)
