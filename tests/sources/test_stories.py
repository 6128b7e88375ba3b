"""Transcripts: what is read, what is mended, what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlike_core.errors import StoryError
from brainlike_core.sources.stories import MAX_BYTES, read_gentle_csv, read_story

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))


def read(tmp_path, content):
    """Read a story whose file holds ``content`` (text or bytes)."""
    path = tmp_path / "align.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_gentle_csv(path, "tale", "A tale")


def test_words_spans_and_times(tmp_path):
    """Three words: text joined by spaces, spans cut them out again, times as written."""
    story = read(tmp_path, "I,i,1.0,1.1\nbegan,began,1.2,1.5\n\nBronx,<unk>,2,2.5\n")
    assert story.text == "I began Bronx" and story.words == ("I", "began", "Bronx")
    assert [story.text[a:b] for a, b in story.spans] == list(story.words)
    assert story.onsets.tolist() == [1.0, 1.2, 2.0] and story.offsets.tolist() == [1.1, 1.5, 2.5]
    assert story.aligned.tolist() == [True, True, True]  # <unk> keeps its time


def test_untimed_words_share_the_gap(tmp_path):
    """Two words between 2 s and 5 s take 1.5 s each; they are marked."""
    story = read(tmp_path, "a,a,1,2\nb,,,\nc,<unk>,,\nd,d,5,6\n")
    assert story.onsets.tolist() == [1, 2, 3.5, 5] and story.offsets.tolist() == [2, 3.5, 5, 6]
    assert story.aligned.tolist() == [True, False, False, True]


def test_untimed_words_at_the_ends_take_the_nearest_time(tmp_path):
    """There is no gap to share before the first or after the last timed word."""
    story = read(tmp_path, "a,,,\nb,b,3,4\nc,,,\n")
    assert story.onsets.tolist() == [3, 3, 4] and story.offsets.tolist() == [3, 4, 4]


def test_small_overlaps_are_clipped(tmp_path):
    """An overlap of 30 ms ends the earlier word sooner; a step back of 20 ms is held."""
    overlap = read(tmp_path, "a,a,1,1.53\nb,b,1.5,2\n")
    assert overlap.offsets[0] == overlap.onsets[1] == 1.5
    back = read(tmp_path, "a,a,1.02,1.03\nb,b,1.0,2\n")
    assert back.onsets.tolist() == [1.02, 1.02]
    short = read(tmp_path, "a,a,1.02,1.0\nb,b,2,3\n")
    assert short.onsets[0] == short.offsets[0] == 1.02


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "mac_roman", "latin-1", "cp1252"])
def test_accents_survive_every_encoding(tmp_path, encoding):
    """The same word is read from all encodings in use."""
    assert read(tmp_path, "café,cafe,1,2\n".encode(encoding)).words == ("café",)


def test_curly_quotes_of_mac_roman(tmp_path):
    """A Mac's curly apostrophe is not taken for a Latin-1 letter."""
    assert read(tmp_path, "he’s,he's,1,2\n".encode("mac_roman")).words == ("he’s",)


def test_twice_encoded_apostrophes_are_mended(tmp_path):
    """UTF-8 opened as Windows-1252 and saved as Mac Roman: three characters become one again."""
    raw = "I’m,i'm,1,2\n".encode().decode("cp1252").encode("mac_roman")
    assert read(tmp_path, raw).words == ("I’m",)


@pytest.mark.parametrize(
    "content, match",
    [
        ("", "empty: found no words"),
        ("\n\n , , ,\n", "empty"),
        ("a,,,\nb,<unk>,,\n", "no timed word: found 2 words"),
        ("a,a,-1,2\n", "Row 1 .*'-1'"),
        ("a,a,1,2\nb,b,x,3\n", "Row 2 .*time 'x'"),
        ("a,a,nan,2\n", "time 'nan'"),
        ("a,a,1,inf\n", "time 'inf'"),
        ("a,a,1,1e300\n", "time '1e300'"),
        ("word,aligned,onset,offset\na,a,1,2\n", "Row 1 .*no header row"),
        ("a,a,1,\n", "Row 1 .*both times or neither"),
        ("a,a,,2\n", "both times or neither"),
        ("a,a,2,1.94\n", "Row 1 .*offset 1.94 before onset 2.0"),
        ("a,a,1,2\nb,b,1.5,3\n", "Row 2 .*'b' starts 0.500 s before 'a' ends"),
        ("a,a,5,6\nb,b,1,2\n", "Row 2 .*words in order"),
        ("a,a,5,6\nb,,,\nc,c,1,2\n", "Row 3 .*words in order"),
        ("a,a,1\n", "Row 1 .*3 columns"),
        ("a\n", "1 columns"),
        ("a,a,1,2,3\n", "5 columns"),
        ("a;a;1;2\n", "1 columns"),
        (",a,1,2\n", "Row 1 .*no word"),
        (b"PK\x03\x04\x00\x00", "not text"),
        (b"\x89PNG\r\n\x1a\n", "not text"),
        ("a,a,1,2\n".encode("utf-16-le"), "not text"),
        (b"a" * 200_000 + b",a,1,2\n", "field larger than"),
        (b"x" * (MAX_BYTES + 1), "too large"),
    ],
)
def test_bad_transcripts_are_refused(tmp_path, content, match):
    """Each says what was found and what to do; nothing is written beside the file."""
    with pytest.raises(StoryError, match=match) as caught:
        read(tmp_path, content)
    assert caught.value.found and caught.value.needed and caught.value.do
    assert [p.name for p in tmp_path.iterdir()] == ["align.csv"]


def test_missing_file_and_folder_are_refused(tmp_path):
    """A path without a file is named."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(StoryError, match="no file"):
            read_gentle_csv(path, "tale", "A tale")


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text("ab,.\n\r\"' -0123456789<>é", max_size=120)))
def test_any_file_is_a_story_or_a_named_refusal(tmp_path_factory, content):
    """Whatever the bytes, the answer is an ordered story or a `StoryError`."""
    try:
        story = read(tmp_path_factory.mktemp("fuzz"), content)
    except StoryError:
        return
    assert [story.text[a:b] for a, b in story.spans] == list(story.words)
    assert (np.diff(story.onsets) >= 0).all() and story.aligned.any()


def test_both_readers_agree(tmp_path):
    """`read_story` gives what `read_gentle_csv` gives, moved by the onset of the story."""
    one = read(tmp_path, "a,a,1,1.5\nb,,,\nc,<unk>,2.5,3\n")
    two = read_story(tmp_path / "align.csv", "tale", "A tale", onset_s=10.0)
    assert (one.words, one.text, one.title) == (two.words, two.text, two.title)
    assert (two.onsets - one.onsets).tolist() == [10.0] * 3 and (one.aligned == two.aligned).all()


def test_pie_man_has_957_words():
    """957 words, 954 of them timed, from 15.09 s to 429.5 s; apostrophes are whole."""
    path = SHARED / "pieman" / "align.csv"
    if not path.is_file():
        pytest.skip("the Pie Man transcript is not beside the checkout")
    story = read_gentle_csv(path, "pieman", "Pie Man")
    assert (story.n_words, story.aligned.sum()) == (957, 954)
    assert story.onsets[0] == pytest.approx(15.09, abs=0.001) and story.offsets[-1] == pytest.approx(429.48)
    same = read_story(path, "pieman", "Pie Man")
    assert same.text == story.text and (same.onsets == story.onsets).all()
    assert story.text.startswith("I began my illustrious career") and "I’m" in story.words
