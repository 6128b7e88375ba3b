"""The words of a story as they are drawn."""

import numpy as np
import pandas as pd

from brainlike_core.figures import theme, words

PROFILE = pd.DataFrame(
    {
        "kind": ["Noun", "Verb"], "driving": [0.5, 0.1], "others": [0.25, 0.2], "difference": [0.25, -0.1],
        "p": [0.001, 0.3], "q": [0.002, 0.3], "n_driving": 20, "n_others": 80, "n_shifts": 61,
    }
)  # fmt: skip
FREQUENCY = pd.Series({"driving": 4.0, "others": 5.5, "difference": -1.5, "q": 0.01})


def test_passages_state_minutes_and_escape_words():
    """125 s is 2:05."""
    text = words.passages(pd.DataFrame({"onset": [125.0], "activity": [2.0], "context": ["a <b> c"]}))
    assert "2:05" in text and "a &lt;b&gt; c" in text and "+2.0 SD" in text


def test_a_transcript_is_plain_values():
    """Unknown activity is None, and the colours are those of the signs."""
    table = pd.DataFrame({"text": ["<b>", "up"], "onset": [0.04, 1.26], "activity": [np.nan, 2.999]})
    told = words.transcript(table, 1)
    assert told == {
        "text": ["<b>", "up"], "seconds": [0.0, 1.3], "activity": [None, 3.0], "chosen": 1,
        "colours": ["178, 24, 43", "33, 102, 172"],
    }  # fmt: skip
    assert theme.ACTIVATION == "#B2182B" and theme.DEACTIVATION == "#2166AC"


def test_the_profile_is_filled_only_where_the_null_is_beaten():
    """Nouns pass (q .002), verbs do not; shares are in percent."""
    _, others, driving = words.class_profile(PROFILE).data
    assert list(driving.x) == [50, 10] and list(others.x) == [25, 20]
    assert list(driving.marker.color) == [theme.ACCENT, theme.PAPER]


def test_the_sentence_names_what_stands_out_and_says_when_nothing_does():
    """More nouns, rarer words; without significance neither is claimed."""
    said = words.profile_sentence(PROFILE, FREQUENCY)
    assert "are more often **nouns**." in said and "verb" not in said and "rarer than" in said
    quiet = words.profile_sentence(PROFILE.assign(q=0.5), FREQUENCY.replace(0.01, 0.5))
    assert "No word class stands out" in quiet and "as common as" in quiet
