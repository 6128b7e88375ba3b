"""Every format of a story: hand-worked files, real files, mutated files, bad files."""

import json
import os
import re
import time
import tracemalloc
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlike_core.errors import StoryError
from brainlike_core.sources.stories import read_story
from brainlike_core.sources.story_formats import MAX_BYTES, locate, share_by_letters, spoken

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
LPP = SHARED / "stories" / "lpp_en"
needs_lpp = pytest.mark.skipif(not LPP.is_dir(), reason="Le Petit Prince is not beside the checkout")

TABLE = "onset,duration,word\n1,0.5,Once\n2,0.25,upon\n"
GENTLE_CSV = "I,i,1.0,1.1\nbegan,began,1.2,1.5\n"
GENTLE = {
    "transcript": "So, I began...\nIn the “Bronx”!",
    "words": [
        {"case": "success", "word": "So", "start": 1.0, "end": 1.2, "startOffset": 0, "endOffset": 2},
        {"case": "not-found-in-transcript", "alignedWord": "um", "start": 1.25, "end": 1.3},
        {"case": "success", "word": "I", "start": 1.5, "end": 1.6, "startOffset": 4, "endOffset": 5},
        {"case": "not-found-in-audio", "word": "began", "startOffset": 6, "endOffset": 11},
        {"case": "not-found-in-audio", "word": "In", "startOffset": 15, "endOffset": 17},
        {"case": "success", "word": "the", "start": 2.6, "end": 2.8, "startOffset": 18, "endOffset": 21},
        {"case": "success", "word": "Bronx", "start": 3, "end": 3.5, "startOffset": 23, "endOffset": 28},
    ],
}
WHISPER = {
    "text": " Well, it's a well-known tale. The end.",
    "segments": [
        {
            "start": 0.5,
            "end": 3.0,
            "text": " Well, it's a well-known tale.",
            "avg_logprob": float("nan"),
            "tokens": [50364, 1042],
            "words": [
                {"word": " Well,", "start": 0.5, "end": 0.9, "probability": 0.9},
                {"word": " it's", "start": 0.9, "end": 1.2},
                {"word": " a", "start": 1.2, "end": 1.3},
                {"word": " well", "start": 1.3, "end": 1.7},
                {"word": "-known", "start": 1.7, "end": 2.0},
                {"word": " tale.", "start": 2.0, "end": 2.9},
            ],
        },
        {"start": 4.0, "end": 5.5, "text": " The end.", "words": []},
    ],
}
WHISPERX = {
    "segments": [
        {
            "start": 416.0,
            "end": 417.0,
            "text": "after June 1. Then",
            "words": [
                {"word": "after", "start": 416.0, "end": 416.25, "score": 0.7},
                {"word": "June", "start": 416.25, "end": 416.5, "score": 0.7},
                {"word": "1."},
                {"word": "Then", "start": 416.75, "end": 417.0, "score": 0.7},
            ],
        }
    ],
    "word_segments": [],
}


def interval_tier(name, *rows):
    """The short text format of an interval tier; each row is "start end label"."""
    body = "".join('{}\n{}\n"{}"\n'.format(*row.split(" ", 2)) for row in rows)
    return f'"IntervalTier"\n"{name}"\n0\n9\n{len(rows)}\n{body}'


def point_tier(name):
    return f'"TextTier"\n"{name}"\n0\n9\n1\n0.5\n"Once"\n'


def textgrid(*tiers):
    """The short text format of a TextGrid."""
    head = 'File type = "ooTextFile"\n"TextGrid"\n\n0\n9\n<exists>\n'
    return f"{head}{len(tiers)}\n" + "".join(tiers)


WORDS = interval_tier("words", "0 1 ", "1 1.5 Once", "1.5 2 #", "2 2.25 upon", "2.25 9 sp")
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0 ! seconds
xmax = 9
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "TokensAlign"
        xmin = 0
        xmax = 9
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1
            text = ""
        intervals [2]:
            xmin = 1
            xmax = 1.5
            text = "Once"
        intervals [3]:
            xmin = 2
            xmax = 2.25
            text = "say ""upon\"""
    item [2]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 9
        points: size = 1
        points [1]:
            number = 3.5
            mark = "ding"
"""


def read(folder, file, content, **options):
    """Read a story whose file holds ``content``: text, bytes, or a value for JSON."""
    path = folder / file
    if isinstance(content, dict | list):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return read_story(path, **options)


def cut(story):
    """The words that the spans cut out of the text."""
    return [story.text[a:b] for a, b in story.spans]


def test_table_with_durations(tmp_path):
    """Onset and duration; the name of the file names the story; onset_s moves the clock."""
    story = read(tmp_path, "tale.csv", TABLE)
    assert (story.name, story.title, story.text) == ("tale", "tale", "Once upon")
    assert story.onsets.tolist() == [1, 2] and story.offsets.tolist() == [1.5, 2.25]
    assert story.aligned.all() and cut(story) == list(story.words)
    moved = read(tmp_path, "tale.csv", TABLE, name="t", title="T", onset_s=-1.5)
    assert moved.onsets.tolist() == [-0.5, 0.5] and (moved.name, moved.title) == ("t", "T")


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["offset", "END", "stop", "xmax"])
def test_delimiter_and_names_are_recognised(tmp_path, delimiter, end):
    """Four delimiters, any case, any order, further columns."""
    lines = [["Text", end, "speaker", "Start"], ["Once", "1.5", "A", "1"], ["upon", "2.25", "A", "2"]]
    content = "\r\n".join(delimiter.join(line) for line in lines)
    story = read(tmp_path, "tale.tsv", content)
    assert story.words == ("Once", "upon") and story.offsets.tolist() == [1.5, 2.25]


def test_bids_events_keep_rows_of_words(tmp_path):
    """Rows of another kind and rows without a word are left out; an untimed word shares the gap."""
    content = (
        "onset\tduration\ttrial_type\tvalue\n0\t9\tsound\ttale.wav\n1\t0.5\tword\tOnce\n1\t0.1\tphoneme\tW\n"
        "n/a\tn/a\tword\tupon\n2.5\t0.5\tword\ta\n3\t0.1\tword\tn/a\n"
    )
    story = read(tmp_path, "sub-1_events.tsv", content)
    assert story.words == ("Once", "upon", "a") and story.aligned.tolist() == [True, False, True]
    assert story.onsets.tolist() == [1, 1.5, 2.5] and story.offsets.tolist() == [1.5, 2.5, 3]


def test_trial_type_alone_may_hold_the_words(tmp_path):
    """An events file with three columns."""
    story = read(tmp_path, "x_events.tsv", "onset\tduration\ttrial_type\n1\t0.5\tOnce\n2\t0.5\tword\n")
    assert story.words == ("Once", "word")


def test_formulas_and_marks_are_plain_words(tmp_path):
    """Nothing is evaluated; zero-width and direction marks are gone, joiners stay."""
    content = "onset,duration,word\n1,0.5,=SUM(A1:A9)\n2,0.5,@cmd|' /C calc'!A0\n3,1,\u200bu\u202epon\u00ad\n4,1,می‌روم\n"
    story = read(tmp_path, "tale.csv", content)
    assert story.words == ("=SUM(A1:A9)", "@cmd|' /C calc'!A0", "upon", "می‌روم")


def test_sections_need_a_choice_where_each_has_its_clock(tmp_path):
    """Section 2 begins at 0 s again, so both together are refused; on one clock they are one story."""
    content = "onset,offset,word,section\n1,2,Once,1\n5,6,upon,1\n0.5,1,a,2\n"
    with pytest.raises(StoryError, match="section 2 at 0.5 s after section 1 at 6.0 s.*sections 1, 2"):
        read(tmp_path, "tale.csv", content)
    assert read(tmp_path, "tale.csv", content, section=2).words == ("a",)
    assert read(tmp_path, "tale.csv", content.replace("0.5,1,a", "6.5,7,a")).n_words == 3
    with pytest.raises(StoryError, match="no words in section 3.*sections 1, 2"):
        read(tmp_path, "tale.csv", content, section=3)


def test_halves_of_contractions_are_joined(tmp_path):
    """In the table of Le Petit Prince a blank row carries the second half of "hasnt"."""
    content = (
        ",word,lemma,onset,offset,section\n0,hasnt,has,1,1.25,1\n1,,not,1.25,1.5,1\n2,TRUE,true,1.5,2,1\n"
        "3,,pause,4,5,1\n"
    )
    story = read(tmp_path, "words.csv", content)
    assert story.words == ("hasnt", "true") and story.offsets.tolist() == [1.5, 2]


def test_gentle_csv_is_recognised(tmp_path):
    """Four columns without header."""
    story = read(tmp_path, "align.csv", GENTLE_CSV)
    assert story.words == ("I", "began") and story.onsets.tolist() == [1.0, 1.2]


def test_gentle_json_keeps_the_printed_text(tmp_path):
    """Offsets cut words from the transcript; two unheard words share 1.6-2.6 s; "um" is left out."""
    story = read(tmp_path, "align.json", GENTLE)
    assert story.text == GENTLE["transcript"] and cut(story) == ["So", "I", "began", "In", "the", "Bronx"]
    assert story.words == tuple(cut(story))
    assert story.onsets == pytest.approx([1.0, 1.5, 1.6, 2.1, 2.6, 3.0])
    assert story.offsets == pytest.approx([1.2, 1.6, 2.1, 2.6, 2.8, 3.5])
    assert story.aligned.tolist() == [True, True, False, False, True, True]


def test_gentle_offsets_in_bytes_or_without_transcript(tmp_path):
    """Offsets that do not cut the words out are not trusted: the words are looked up instead."""
    value = json.loads(json.dumps(GENTLE))
    value["words"][-1].update(startOffset=25, endOffset=30)  # “ is three bytes
    story = read(tmp_path, "align.json", value)
    assert story.text == GENTLE["transcript"] and cut(story) == list(story.words)
    del value["transcript"]
    assert read(tmp_path, "align.json", value).text == "So I began In the Bronx"


def test_invisible_characters_in_a_printed_text(tmp_path):
    """A zero-width space written as an escape moves the spans by one."""
    words = [
        {"word": "a", "start": 1, "end": 2, "startOffset": 1, "endOffset": 2},
        {"word": "b", "start": 2, "end": 3, "startOffset": 4, "endOffset": 5},
    ]
    story = read(tmp_path, "align.json", {"transcript": "\u200ba,\u200bb\u200b.", "words": words})
    assert story.text == "a,b." and cut(story) == ["a", "b"]


def test_whisper_words_and_segments(tmp_path):
    """Words with leading spaces, a continued word, and a segment whose words share 1.5 s by letters."""
    story = read(tmp_path, "tale.json", WHISPER)
    assert story.text == "Well, it's a well-known tale. The end."
    assert story.words == ("Well,", "it's", "a", "well", "-known", "tale.", "The", "end")
    assert cut(story) == list(story.words)
    assert story.onsets.tolist() == [0.5, 0.9, 1.2, 1.3, 1.7, 2.0, 4.0, 4.75]
    assert story.offsets.tolist() == [0.9, 1.2, 1.3, 1.7, 2.0, 2.9, 4.75, 5.5]
    assert story.aligned.tolist() == [True] * 6 + [False] * 2 and "estimated" not in story.title


def test_whisper_segments_only(tmp_path):
    """All times are estimated, and the title says so: 5 + 2 + 5 letters in 2.4 s."""
    segments = [{"start": 1.0, "end": 3.4, "text": " Hello, my story."}]
    story = read(tmp_path, "tale.json", {"segments": segments}, title="A tale")
    assert story.words == ("Hello", "my", "story") and story.title == "A tale (timings estimated)"
    assert story.onsets == pytest.approx([1.0, 2.0, 2.4]) and not story.aligned.any()
    assert read(tmp_path, "list.json", segments).text == "Hello, my story."


def test_whisperx_numbers_have_no_times(tmp_path):
    """The number takes the gap between its neighbours."""
    story = read(tmp_path, "tale.json", WHISPERX)
    assert story.text == "after June 1. Then" and story.words[2] == "1."
    assert story.onsets.tolist() == [416, 416.25, 416.5, 416.75]
    assert story.aligned.tolist() == [True, True, False, True]


def test_words_of_the_web_service(tmp_path):
    """Top-level words without punctuation, and the text with it."""
    words = [{"word": "So", "start": 1, "end": 1.5}, {"word": "long", "start": 1.5, "end": 2}]
    story = read(tmp_path, "t.json", {"text": "So, long.", "words": words, "segments": []})
    assert story.text == "So, long." and cut(story) == ["So", "long"]
    other = read(tmp_path, "t.json", {"text": "So it was long.", "words": words})
    assert other.text == "So long"  # the text is not these words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "mac_roman"])
@pytest.mark.parametrize("content", [textgrid(WORDS), textgrid(point_tier("bell"), WORDS)])
def test_short_textgrid(tmp_path, encoding, content):
    """Pauses are no words; the point tier is passed over; every encoding of Praat."""
    story = read(tmp_path, "tale.TextGrid", content.replace("Once", "Café").encode(encoding))
    assert story.words == ("Café", "upon")
    assert story.onsets.tolist() == [1, 2] and story.offsets.tolist() == [1.5, 2.25]


def test_long_textgrid(tmp_path):
    """Names and counters are decoration, comments are passed over, doubled quotes are one."""
    story = read(tmp_path, "tale.TextGrid", LONG)
    assert story.words == ("Once", 'say "upon"') and story.onsets.tolist() == [1, 2]
    big_endian = b"\xfe\xff" + LONG.replace("\n", "\r\n").encode("utf-16-be")
    assert read(tmp_path, "tale.TextGrid", big_endian).words == story.words


PHONES = interval_tier("phones", "0 1 W", "1 2 AH0", "2 3 N", "3 4 S")


@pytest.mark.parametrize(
    "tiers, words",
    [
        ([PHONES, WORDS], ("Once", "upon")),
        ([interval_tier("sentences", "0 4 Once upon"), interval_tier("Mary", "1 2 Once", "2 3 upon")], 2),
        ([interval_tier("A", "0 1 a"), interval_tier("B", "0 1 b", "1 2 c")], ("b", "c")),
        ([interval_tier("spk - phones", "0 1 p", "1 2 q"), interval_tier("spk - words", "0 2 a")], ("a",)),
        ([interval_tier("MAU", "0 1 p"), interval_tier("ORT-MAU", "0 2 a")], ("a",)),
    ],
)
def test_the_tier_of_words_is_told(tmp_path, tiers, words):
    """By its name; else the fullest tier that is not named for something else."""
    story = read(tmp_path, "tale.TextGrid", textgrid(*tiers))
    assert story.words == words or story.n_words == words


def test_the_tier_may_be_named(tmp_path):
    """Two speakers have two tiers of words: refused with their names until one is chosen."""
    content = textgrid(interval_tier("A - words", "0 1 a"), interval_tier("B - words", "1 2 b"))
    with pytest.raises(StoryError, match=r"'A - words' \(1 labels\), 'B - words'.*give tier="):
        read(tmp_path, "tale.TextGrid", content)
    assert read(tmp_path, "tale.TextGrid", content, tier="B - words").words == ("b",)
    with pytest.raises(StoryError, match="0 tiers .* named 'C'"):
        read(tmp_path, "tale.TextGrid", content, tier="C")


def test_plain_text(tmp_path):
    """Twelve words a minute less: 4 words at 120 a minute are 2 s, shared by 3 + 1 + 4 + 2 letters."""
    story = read(tmp_path, "tale.txt", "“The I – born,\nok!”", words_per_minute=120, onset_s=10)
    assert story.text == "“The I – born,\nok!”" and story.words == ("The", "I", "born", "ok")
    assert cut(story) == list(story.words)
    assert story.onsets == pytest.approx([10, 10.6, 10.8, 11.6]) and story.offsets[-1] == pytest.approx(12)
    assert not story.aligned.any() and story.title == "tale (timings estimated)"


def test_text_files_with_other_formats_are_recognised(tmp_path):
    """Content decides in .txt and without an extension."""
    for name in ("a.txt", "a", "a.data"):
        for content in (TABLE, textgrid(WORDS)):
            assert read(tmp_path, name, content).words == ("Once", "upon")
        assert read(tmp_path, name, json.dumps(WHISPERX)).n_words == 4


@pytest.mark.parametrize("encoding", ["mac_roman", "cp1252", "latin-1", "utf-16-le"])
def test_encodings_may_be_named(tmp_path, encoding):
    """Bytes that could be two encodings are read as said."""
    content = TABLE.replace("Once", "país").encode(encoding)
    assert read(tmp_path, "tale.csv", content, encoding=encoding.upper()).words == ("país", "upon")


@pytest.mark.parametrize("text", ["he’s “so.” – no…", "naïve café, “yes”"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "mac_roman"])
def test_typography_of_each_encoding_is_told(tmp_path, text, encoding):
    """Quotes, dashes and accents of Windows and of the Mac share bytes; their places differ."""
    story = read(tmp_path, "tale.txt", text.encode(encoding), words_per_minute=100)
    assert story.text == text


def test_spoken_words():
    """Punctuation stays in the text, not in the words."""
    text = "— “Don’t,” she said--twice… 3.5 km (or so), rock’n’roll: naïve; 日本"
    words = [text[a:b] for a, b in spoken(text)]
    assert words == ["Don’t", "she", "said", "twice", "3.5", "km", "or", "so", "rock’n’roll", "naïve", "日本"]


def test_locate_and_share():
    """Only punctuation may lie between words; letters share the time."""
    assert locate("Oh, no!", ["Oh", "no"]).tolist() == [[0, 2], [4, 6]]
    assert locate("the cat a", ["the", "a"]) is None and locate("a b c", ["a", "b"]) is None
    assert share_by_letters(["ab", "-", "c"], 1, 3).tolist() == [1, 2, 2.5, 3]


def mutated(value, **changes):
    """Gentle's file with other values in its third word."""
    value = json.loads(json.dumps(value))
    value["words"][2].update(changes)
    return value


ONE = '{"words": [{"word": "a", "start": 1, "end": %s}]}'
BAD = [
    ("empty.csv", "", "empty"),
    ("blank.txt", "\n \t\n", "empty"),
    ("bom.json", b"\xef\xbb\xbf", "empty"),
    ("binary.csv", b"\x89PNG\r\n\x1a\n\x00", "not text"),
    ("zip.json", b"PK\x03\x04", "not text"),
    ("no_mark.TextGrid", textgrid(WORDS).encode("utf-16-le"), "not text.*encoding"),
    ("odd.txt", b"\xff\xfea", "not text"),
    ("huge.csv", b"x" * (MAX_BYTES + 1), "too large.*10 MiB"),
    ("bell.csv", TABLE + "3,1,a\x07\n", "control characters"),
    ("columns.csv", "start,word\n1,a\n", "columns .*start, word.*duration"),
    ("words.csv", "onset,offset\n1,2\n", "columns of the table"),
    ("twice.csv", "onset,onset,duration,word\n1,1,2,a\n", "twice"),
    ("both.csv", "onset,start,end,word\n1,1,2,a\n", "both onset and start"),
    ("mixed.csv", "onset,duration;word\n1,2;a\n", "columns of the table"),
    ("mixed_rows.csv", "onset,duration,word\n1;2;a\n", "Row 2 .*1 cells"),
    ("commas.csv", "onset;duration;word\n0,5;1,0;a\n", "time '0,5'"),
    ("quote.csv", 'onset,duration,word\n1,1,"a\n2,1,b\n', "Row 3 .*quote that is not closed"),
    ("again.csv", TABLE + "onset,duration,word\n", "Row 4 .*'onset'"),
    ("negative.csv", TABLE + "-3,1,a\n", "Row 4 .*'-3'"),
    ("nan.csv", TABLE + "nan,1,a\n", "time 'nan'"),
    ("underscore.csv", TABLE + "1_0,1,a\n", "time '1_0'"),
    ("thai.csv", TABLE + "๓,1,a\n", "time '๓'"),
    ("long.csv", TABLE + "1e300,1,a\n", "time '1e300'"),
    ("half.csv", TABLE + "3,n/a,a\n", "Row 4 .*only some of its times"),
    ("ends.csv", "onset,duration,end,word\n1,1,9,a\n", "one end of the word"),
    ("backwards.csv", "onset,offset,word\n2,1,a\n", "offset 1.0 before onset 2.0"),
    ("order.csv", "onset,offset,word\n5,6,a\n1,2,b\n", "Row 3 .*in order"),
    ("untimed.csv", "onset,offset,word\n,,a\n,,b\n", "no timed word: found 2 words"),
    ("wordless.csv", "onset,offset,word\n1,2,\n2,3,n/a\n", "all cells .* blank"),
    ("blocks.tsv", "onset\tduration\ttrial_type\n0\t30\trest\n30\t30\tstory\n", "single words.*30.0 s"),
    ("sentences.csv", "onset,end,text\n0,2,Once upon\n2,4,a time\n", "2 of 2 labels of several words"),
    ("events.tsv", "onset\tduration\ttrial_type\tvalue\n0\t1\tgo\t7\n", "'value' or in 'trial_type'"),
    ("letters.csv", TABLE + "3,1," + "a" * 2000, "Row 4 .*2000 letters"),
    ("million.csv", "onset,offset,word\n" + "1,1,a\n" * 1_000_000, "too long: found 1000001"),
    ("names.csv", json.dumps(GENTLE), "not what its name says: found JSON"),
    ("names.json", textgrid(WORDS), "found a TextGrid in a file named .json"),
    ("names.TextGrid", TABLE, "found a table"),
    ("unknown.doc", "Once upon a time", "format .* cannot be told"),
    ("deep.json", "[" * 100_000 + "]" * 100_000, "nested too deep"),
    ("wide.json", "[" + "{}," * 600_000 + "{}]", "too many values"),
    ("cut.json", json.dumps(GENTLE)[:-9], "JSON file cannot be read"),
    ("scalar.json", "3.5", "a bare float"),
    ("other.json", '{"a": 1}', "keys a"),
    ("none.json", '{"words": []}', "no words"),
    ("strings.json", '{"words": ["a", "b"]}', "Word 1 .*a str"),
    ("doubled.json", '{"words": [{"word": "a", "start": 1, "start": 2, "end": 3}]}', "key twice"),
    ("nan.json", ONE % "NaN", "Word 1 .*time 'nan'"),
    ("infinity.json", ONE % "Infinity", "time 'inf'"),
    ("digits.json", ONE % ("9" * 5000), "time 'inf'"),
    ("exponent.json", ONE % "1e999", "time 'inf'"),
    ("truth.json", ONE % "true", "times .*needed numbers"),
    ("string.json", ONE % '"2"', "needed numbers"),
    ("half.json", '{"words": [{"word": "a", "start": 1}]}', "only one of start and end"),
    ("negative.json", mutated(GENTLE, start=-1), "time '-1.0'"),
    ("backwards.json", mutated(GENTLE, end=0.5), "offset 0.5 before onset 1.5"),
    ("order.json", mutated(GENTLE, start=0.1, end=0.2), "Word 2 .*in order"),
    ("blank.json", mutated(GENTLE, word=" "), "Word 2 .*needed a word"),
    ("typed.json", mutated(GENTLE, word=["a"]), "needed a word"),
    ("half_character.json", mutated(GENTLE, word="\ud800"), "control characters"),
    ("bell.json", mutated(GENTLE, word="a\x07"), "control characters"),
    ("segment.json", {"segments": ["a"]}, "Segment 1 .*a str"),
    ("segment_text.json", {"segments": [{"text": 1, "start": 0, "end": 1}]}, "a text of float"),
    ("segment_times.json", {"segments": [{"text": "a"}]}, "no timed word"),
    ("not.TextGrid", "Once upon a time", "end of the file.*ooTextFile"),
    ("class.TextGrid", LONG.replace('"TextGrid"', '"Sound 2"'), "'Sound 2'"),
    ("cut.TextGrid", LONG[: LONG.index("xmin = 2\n")], "end of the file.*interval 3 of 3.*cut short"),
    ("few.TextGrid", LONG.replace("size = 3", "size = 2"), "needed class of tier 2"),
    ("many.TextGrid", LONG.replace("size = 3", "size = 4"), "needed interval 4 of 4"),
    ("rest.TextGrid", LONG + '3 4 "more"', "after the last tier"),
    ("count.TextGrid", LONG.replace("size = 3", "size = 3.5"), "3.5 as the number of intervals"),
    ("giant.TextGrid", LONG.replace("size = 3", "size = 4e9"), "at most 200000"),
    ("dots.TextGrid", LONG.replace("1.5", "1.5.5"), "'1.5.5'"),
    ("open.TextGrid", LONG.replace('"ding"', '"ding'), "cannot be read"),
    ("none.TextGrid", 'File type = "ooTextFile"\n"TextGrid"\n0\n9\n<absent>\n', "no tiers"),
    ("points.TextGrid", textgrid(point_tier("words")), "only empty or point tiers"),
    ("pauses.TextGrid", textgrid(interval_tier("words", "0 1 #", "1 2 sil")), "only empty"),
    ("phones.TextGrid", textgrid(PHONES), "clearly the words: 'phones'"),
    ("tie.TextGrid", textgrid(interval_tier("A", "0 1 a"), interval_tier("B", "0 1 b")), "'A' .*'B'"),
    ("negative.TextGrid", textgrid(interval_tier("words", "-1 1 a")), "Interval 1 .*'-1.0'"),
    ("backwards.TextGrid", textgrid(interval_tier("words", "2 1 a")), "before onset"),
    ("order.TextGrid", textgrid(interval_tier("words", "5 6 a", "1 2 b")), "Interval 2 .*in order"),
]


@pytest.mark.parametrize("name, content, match", BAD, ids=[name for name, *_ in BAD])
def test_bad_files_are_refused(tmp_path, name, content, match):
    """Each says what was found, what is needed and what to do; nothing is written."""
    options = {"words_per_minute": 150} if name in ("blank.txt", "odd.txt") else {}
    with pytest.raises(StoryError) as caught:
        read(tmp_path, name, content, **options)
    assert re.search(match, str(caught.value), re.DOTALL), str(caught.value)
    assert caught.value.found and caught.value.needed and caught.value.do
    assert len(str(caught.value)) < 600 and [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("a.txt", {}, "Plain text has no timings.*words_per_minute"),
        ("a.txt", {"words_per_minute": float("nan")}, "20 to 1000"),
        ("a.txt", {"words_per_minute": -5}, "20 to 1000"),
        ("a.txt", {"words_per_minute": 150, "section": 1}, "section only for a table"),
        ("a.csv", {"words_per_minute": 150}, "words_per_minute only for plain text"),
        ("a.csv", {"tier": "words"}, "tier only for a TextGrid"),
        ("a.csv", {"section": 1}, "no sections"),
        ("a.csv", {"onset_s": float("inf")}, "onset_s inf"),
        ("a.csv", {"onset_s": -1e6}, "onset_s -1000000.0"),
        ("a.csv", {"encoding": "rot13"}, "'rot13'.*utf-8"),
        ("a.csv", {"encoding": "utf-16-be"}, "not "),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, name, options, match):
    """An option of another format is a mistake, not something to pass over."""
    with pytest.raises(StoryError, match=match) as caught:
        read(tmp_path, name, TABLE if name == "a.csv" else "Once upon a time", **options)
    assert caught.value.found and caught.value.needed and caught.value.do


def test_missing_file_folder_and_impossible_names_are_refused(tmp_path):
    """A path without a file is named."""
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "a\0b", tmp_path / ("a" * 5000)):
        with pytest.raises(StoryError, match="cannot be read"):
            read_story(path)


def filled(head, body, tail=""):
    """As many bodies as fit into the largest file."""
    return head + body * ((MAX_BYTES - len(head) - len(tail)) // len(body.encode())) + tail


BOMBS = {
    "cells.csv": lambda: filled("word,onset,offset\n", ","),
    "rows.csv": lambda: filled("", "a,a,1,2\n"),
    "objects.json": lambda: filled('{"words":[', '{"word":"ab","start":1,"end":1},', "1]}"),
    "lists.json": lambda: filled("", "["),
    "segment.json": lambda: filled('[{"start":0,"end":9,"text":"', " ab", '"}]'),
    "labels.TextGrid": lambda: filled(
        'File type = "ooTextFile"\n"TextGrid" 0 1 <exists> 1 "IntervalTier" "words" 0 1 200000\n', '1 1 "a" '
    ),
    "quotes.TextGrid": lambda: filled('File type = "ooTextFile" "', '""', " "),
    "words.txt": lambda: filled("", "ab "),
    "dashes.txt": lambda: filled("", "a—"),
    "letters.txt": lambda: filled("", "a"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_worst_files_take_a_second_and_200_mb(tmp_path, name):
    """10 MiB made to cost the most: refused within one second of computing and 200 MB."""
    path = tmp_path / name
    path.write_text(BOMBS[name](), encoding="utf-8")
    options = {"words_per_minute": 150} if name.endswith(".txt") else {}
    started = time.process_time()
    with pytest.raises(StoryError):
        read_story(path, **options)
    assert time.process_time() - started < 1.5  # 1 s on a core of its own, and half as much again
    tracemalloc.start()
    with pytest.raises(StoryError):
        read_story(path, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


VALID = {
    "a.csv": TABLE + "n/a,n/a,a\n",
    "b.csv": GENTLE_CSV,
    "c.tsv": "onset\tduration\ttrial_type\tvalue\n1\t0.5\tword\tOnce\n2\t1\tx\ty\n",
    "d.csv": ",word,lemma,onset,offset,section\n0,hasnt,has,1,1.25,1\n1,,not,1.25,1.5,1\n",
    "gentle.json": json.dumps(GENTLE),
    "whisper.json": json.dumps(WHISPER),
    "whisperx.json": json.dumps(WHISPERX),
    "short.TextGrid": textgrid(WORDS, PHONES),
    "long.TextGrid": LONG,
    "plain.txt": "“The I – born,\nok!” he’s 3.5--well-known",
}
PIECES = [
    "",
    ",",
    "\t",
    '"',
    "\n",
    "{",
    "}",
    "[",
    "]",
    "null",
    "NaN",
    "-1",
    "1e9",
    "0",
    ".",
    "é",
    "\u200b",
    "—",
]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(VALID)))
def test_any_change_is_a_story_or_a_named_refusal(tmp_path_factory, data, name):
    """Pieces cut out, swapped and put in; other encodings: an ordered story or a `StoryError`."""
    text = VALID[name]
    for _ in range(data.draw(st.integers(0, 4))):
        a = data.draw(st.integers(0, len(text)))
        b = data.draw(st.integers(a, min(len(text), a + 12)))
        text = text[:a] + data.draw(st.sampled_from(PIECES)) + text[b:]
    raw = text.encode(data.draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"])))
    check_any(tmp_path_factory, name, raw)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(VALID)), raw=st.one_of(st.binary(max_size=200), st.text().map(str.encode)))
def test_any_bytes_are_a_story_or_a_named_refusal(tmp_path_factory, name, raw):
    """Whatever the bytes under whatever extension, alone or after a valid file."""
    for content in (raw, VALID[name].encode() + raw):
        check_any(tmp_path_factory, name, content)


def check_any(tmp_path_factory, name, raw):
    options = {"words_per_minute": 150} if name.endswith(".txt") else {}
    try:
        story = read(tmp_path_factory.mktemp("fuzz"), name, raw, **options)
    except StoryError as error:
        assert error.found and error.needed and error.do
        return
    assert cut(story) == list(story.words) and all(story.words)
    assert (story.spans[1:, 0] >= story.spans[:-1, 1]).all()
    assert (np.diff(story.onsets) >= 0).all() and (story.offsets >= story.onsets).all()


@needs_lpp
def test_le_petit_prince_has_nine_sections():
    """15,376 rows, 31 of them the second half of a contraction; each section begins near 0 s."""
    path = LPP / "lppEN_word_information.csv"
    with pytest.raises(StoryError, match="clocks of their own.*1, 2, 3, 4, 5, 6, 7, 8, 9"):
        read_story(path)
    stories = [read_story(path, section=section) for section in range(1, 10)]
    assert [story.n_words for story in stories] == [1516, 1690, 1852, 1615, 1520, 1810, 1785, 1583, 1974]
    assert sum(story.n_words for story in stories) == 15_376 - 31
    assert all(story.onsets[0] < 0.5 and story.aligned.all() for story in stories)
    assert stories[0].text.startswith("once when i was six years old") and "true" in stories[0].words
    at = stories[0].words.index("hasnt")
    assert (stories[0].onsets[at], stories[0].offsets[at]) == pytest.approx((125.488, 125.858))


@needs_lpp
@pytest.mark.parametrize("section, n_grid, n_shared", [(1, 1521, 1500), (2, 1694, 1676)])
def test_table_and_textgrid_of_le_petit_prince_agree(section, n_grid, n_shared):
    """Where a word follows the same word in both, 97 % of the times agree to 2 ms."""
    table = read_story(LPP / "lppEN_word_information.csv", section=section)
    grid = read_story(LPP / f"lppEN_section{section}.TextGrid")
    assert grid.n_words == n_grid
    pairs = matching(grid.words, table.words)
    assert len(pairs) >= n_shared
    i, j = np.array(pairs).T
    apart = np.maximum(abs(grid.onsets[i] - table.onsets[j]), abs(grid.offsets[i] - table.offsets[j]))
    assert apart.max() < 0.3 and (apart < 0.002).mean() > 0.97


def matching(first, second):
    """Index pairs of the words that both lists have, in order."""
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [(block.a + k, block.b + k) for block in blocks for k in range(block.size)]
