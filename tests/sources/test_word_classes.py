"""Parts of speech and frequencies of words, from data that the packages ship."""

import socket

import numpy as np
import pytest

from brainlike_core.sources import word_classes
from brainlike_core.sources.embedded_story import embedded_story
from brainlike_core.values import Story


def story(text):
    """A story of these words, one a second."""
    words, spans, at = text.split(), [], 0
    for word in words:
        start = text.index(word, at)
        at = start + len(word)
        spans.append((start, at))
    bare = [word.strip(".,!") for word in words]
    onsets = np.arange(len(words), dtype=float)
    spans = [(a, a + len(word)) for (a, _), word in zip(spans, bare, strict=True)]
    return Story(
        "s", "S", text, tuple(bare), np.array(spans), onsets, onsets + 0.5, np.ones(len(words), bool)
    )


def test_plain_sentences_are_classed_as_a_reader_would():
    """One word of each open and closed class, and a contraction by its first part."""
    got = word_classes.word_classes(story("The old dog slept quietly and she found two bones. I don't know."))
    assert got == (
        "Determiner", "Adjective", "Noun", "Verb", "Adverb", "Conjunction", "Pronoun", "Verb", "Number", "Noun",
        "Pronoun", "Verb", "Verb",
    )  # fmt: skip


def test_every_word_of_the_embedded_story_has_a_known_class(monkeypatch):
    """1,791 words, mostly nouns, verbs and pronouns; nothing is fetched."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    got = word_classes.word_classes(embedded_story())
    assert len(got) == embedded_story().n_words and set(got) <= set(word_classes.WORD_CLASSES)
    assert got.count("Other") < 0.01 * len(got)
    assert 0.1 < got.count("Noun") / len(got) < 0.3 and 0.1 < got.count("Pronoun") / len(got) < 0.25


def test_frequencies_are_on_the_zipf_scale():
    """'the' is about 7.7 (five in a hundred words); a made-up word is unknown, not rare."""
    the, rare, none = word_classes.word_zipf(story("the lighthouse xqzzyk"))
    assert 7.5 < the < 7.9 and 2.5 < rare < 4.5 and np.isnan(none)
