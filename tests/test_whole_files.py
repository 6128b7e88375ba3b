"""whole_files.py: the older file or the new one, never a part of either."""

import hashlib
import os

import pytest

from brainlike_core import whole_files
from brainlike_core.whole_files import file_sha256, replace_file, write_synced


@pytest.mark.parametrize("content", ["tä", b"t\xc3\xa4"])
def test_a_file_is_replaced_by_text_or_bytes(tmp_path, content):
    """Text is kept as UTF-8; nothing else is left in the folder."""
    (tmp_path / "f").write_text("older")
    replace_file(tmp_path / "f", content)
    assert (tmp_path / "f").read_bytes() == b"t\xc3\xa4"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_older_file_stays_when_the_new_one_fails(tmp_path, monkeypatch, fault):
    """Whatever stops the rename, the older content is whole and the new one leaves nothing behind."""
    (tmp_path / "f").write_text("older")

    def fail(*_):
        raise fault

    monkeypatch.setattr(whole_files.os, "replace", fail)
    with pytest.raises(type(fault)):
        replace_file(tmp_path / "f", "newer")
    assert (tmp_path / "f").read_text() == "older"
    assert os.listdir(tmp_path) == ["f"]


def test_a_digest_is_that_of_all_bytes(tmp_path):
    """As hashlib says of the content at once, for a file that is longer than one read."""
    content = os.urandom(2**20 + 1)
    write_synced(tmp_path / "f", content)
    assert file_sha256(tmp_path / "f") == hashlib.sha256(content).hexdigest()
