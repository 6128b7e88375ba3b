"""A folder of one's own: its texts in order, and a sentence for each way in which a file is none."""

import re

import pytest

from brainlike_core.errors import TextError
from brainlike_core.sources import text_folder
from brainlike_core.sources.text_sets import text_set


def test_a_folder_of_texts_is_read_in_the_order_of_its_names(tmp_path):
    """Only .txt files count; a byte-order mark and Windows line ends are taken away."""
    (tmp_path / "b.txt").write_bytes("Zwei Sätze.\r\nHier.".encode())
    (tmp_path / "a.TXT").write_bytes(b"\xef\xbb\xbfOne sentence.\n")
    (tmp_path / "notes.md").write_bytes(b"\xff")
    found = text_set(str(tmp_path))
    assert found.texts == ("One sentence.", "Zwei Sätze.\nHier.") and found.labels == ("a.TXT", "b.txt")
    assert found.kind == "own" and re.fullmatch(r"own-[a-z0-9-]+-[0-9a-f]{8}", found.name)
    (tmp_path / "b.txt").write_text("Another.")
    assert text_set(str(tmp_path)).name != found.name


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"caf\xe9", "not UTF-8.*0xe9 at 3"),
        (b"\x89PNG\x00\x01", "not UTF-8"),
        (b"\x00\x01\x02", "not text"),
        (b"a" * (text_folder.MAX_LETTERS + 1), "too long"),
        (b"a" * (text_folder.MAX_BYTES + 1), "too long"),
        ("ä".encode() * (text_folder.MAX_BYTES // 2 + 1), "too long"),
    ],
)  # fmt: skip
def test_files_that_are_no_text_are_named(content, what, tmp_path):
    """Empty, binary, in another encoding or too long: the file is named, and nothing is guessed."""
    (tmp_path / "good.txt").write_text("A text.")
    (tmp_path / "wrong.txt").write_bytes(content)
    with pytest.raises(TextError, match=f"wrong.txt.*{what}"):
        text_set(str(tmp_path))


def test_folders_that_are_none_or_hold_no_texts_are_refused(tmp_path, monkeypatch):
    """No folder, an empty one, one with too many files."""
    with pytest.raises(TextError, match="no folder"):
        text_set(str(tmp_path / "nothing"))
    with pytest.raises(TextError, match="0 .txt files"):
        text_set(str(tmp_path))
    monkeypatch.setattr(text_folder, "MAX_FILES", 1)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("A text.")
    with pytest.raises(TextError, match="2 .txt files"):
        text_set(str(tmp_path))
