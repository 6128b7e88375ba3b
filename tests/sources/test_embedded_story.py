"""The embedded story, its times, and what its text says about each word."""

import re

import numpy as np
import pytest

from brainlike_core.errors import StoryError
from brainlike_core.sources.embedded_story import (
    SCENES,
    embedded_scenes,
    embedded_story,
    read_script,
    word_features,
)
from brainlike_core.values import Story


def told(text, onsets):
    """A story whose words begin at given seconds."""
    spans = np.array([m.span() for m in re.finditer(r"[\w'-]*\w", text)])
    words = tuple(text[a:b] for a, b in spans)
    onsets = np.array(onsets, float)
    return Story("mini", "mini", text, words, spans, onsets, onsets + 0.2, np.ones(len(words), bool))


def no_scenes(story, **marks):
    """No word in any scene, but for the marks given."""
    return {scene: np.array(marks.get(scene, np.zeros(story.n_words, bool)), bool) for scene in SCENES}


def test_spans_cut_the_words_out_of_the_text():
    """Every span of the text is its word; what lies between holds no letter or digit."""
    story = embedded_story()
    assert tuple(story.text[a:b] for a, b in story.spans) == story.words
    between = "".join(story.text[b:a] for b, a in zip(story.spans[:-1, 1], story.spans[1:, 0], strict=True))
    assert not re.search(r"\w", between)


def test_story_length_and_punctuation():
    """1,500-1,800 words of plain ASCII, balanced quotes, and no trace of the script's labels."""
    story = embedded_story()
    assert 1500 <= story.n_words <= 1800
    assert story.text.isascii() and "|" not in story.text
    assert story.text.startswith("The ferry") and story.text.endswith("keeping us.")
    paragraphs = story.text.split("\n\n")
    assert len(paragraphs) > 30
    assert all(p.count('"') % 2 == 0 and p == p.strip() for p in paragraphs)


def test_story_is_told_at_the_pace_of_a_teller():
    """First word at 12 s, about 2.6 words per second, no word begins before the last has ended."""
    story = embedded_story()
    assert story.onsets[0] == pytest.approx(12.0)
    assert 2.4 < story.n_words / (story.offsets[-1] - story.onsets[0]) < 2.8
    assert (np.diff(story.onsets) > 0).all() and story.aligned.all()
    assert (story.onsets[1:] > story.offsets[:-1]).all()
    assert (story.offsets - story.onsets).min() > 0.1 and (story.offsets - story.onsets).max() < 1.2


def test_every_kind_of_passage_comes_back():
    """Each scene and dialogue covers 10-25 % of the words and appears in every quarter of the story."""
    story = embedded_story()
    quoted = np.cumsum([c == '"' for c in story.text])[story.spans[:, 0]] % 2 == 1
    for mask in (*embedded_scenes().values(), quoted):
        assert 0.10 < mask.mean() < 0.25
        assert all(quarter.any() for quarter in np.array_split(mask, 4))


def test_script_to_story():
    """Lines of a paragraph join with a space, an empty line parts paragraphs, labels go to words."""
    story, scenes = read_script('place| A wall.\nhands| I cut it.\n\n-| "No," she said.\n', "mini")
    assert story.text == 'A wall. I cut it.\n\n"No," she said.'
    assert story.words == ("A", "wall", "I", "cut", "it", "No", "she", "said")
    assert scenes["place"].tolist() == [True] * 2 + [False] * 6
    assert scenes["hands"].tolist() == [False] * 2 + [True] * 3 + [False] * 3


def test_pauses_follow_punctuation():
    """Silence between words: 0.02 s, plus 0.18 at a comma, 0.45 at a full stop, 0.85 at a paragraph."""
    story, _ = read_script("-| one two, three four. five\n\n-| six", "mini")
    silence = story.onsets[1:] - story.offsets[:-1]
    np.testing.assert_allclose(silence, [0.02, 0.20, 0.02, 0.47, 0.87], atol=1e-9)


def test_longer_words_take_longer():
    """A word of four syllables lasts more than twice as long as one of one syllable."""
    story, _ = read_script("-| at intermittent", "mini")
    short, long = story.offsets - story.onsets
    assert long > 2 * short


@pytest.mark.parametrize("markup", ["", "\n\n", "a wall", "colour| a wall", "place a wall", "-| ..."])
def test_bad_scripts_are_refused(markup):
    """No words, no bar or an unknown label: a StoryError."""
    with pytest.raises(StoryError):
        read_script(markup, "mini")


# ---------------------------------------------------------------- what the text says


def test_rarity_is_frequency_beyond_length():
    """Words of one length: rarity is minus the log share; on the real story it is unrelated to length."""
    story = told("bad bad bad cat", [0, 2, 4, 6])
    rarity = word_features(story, no_scenes(story))["word_rarity"]
    np.testing.assert_allclose(rarity[3] - rarity[0], np.log(3))
    features = word_features(embedded_story(), embedded_scenes())
    assert abs(np.corrcoef(features["word_rarity"], features["word_length"])[0, 1]) < 1e-9
