"""The Library page: honest states, downloads, one's own recording, the store."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import library_parts
import page_parts
from brainlike_core import archive, fetching, pipeline
from brainlike_core.config import RecordingConfig
from brainlike_core.errors import RecordingError
from tests.pages.test_pages import ROOT, said


@pytest.fixture(autouse=True)
def empty(monkeypatch, tmp_path):
    """An empty store and no data folder."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(page_parts, "CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library_parts, "UPLOADS", tmp_path / "cache" / "uploads")
    monkeypatch.setattr(page_parts, "DATA", None)
    monkeypatch.setattr(fetching, "_downloads", {})


def show() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/6_Library.py").run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def button(app: AppTest, label: str, key: str = ""):
    return next(b for b in app.button if b.label == label and (not key or b.key == key))


def test_every_entry_of_the_catalogue_has_a_card_with_its_state():
    """Names as typed on the command line; without a data folder Pie Man is to download."""
    text = said(show())
    for entries in pipeline.catalogue().values():
        for entry in entries:
            assert entry["how"] == "your folder" or f"`{entry['name']}`" in text
    assert f"{library_parts.STATES['get']} `pieman`" in text
    assert f"{library_parts.STATES['here']} `simulated`" in text
    assert f"{library_parts.STATES['agreement']} `meta-llama/Llama-2-7b-hf`" in text


def test_get_it_starts_a_download_and_a_failure_is_its_sentence(monkeypatch):
    """The button names the entry; what went wrong stands on the card."""
    begun = []
    monkeypatch.setattr(fetching, "start", lambda *what: begun.append(what))
    button(show(), "Get it", "get-pieman").click().run()
    assert begun == [("pieman", None)]
    failed = fetching.Download("pieman", "failed", message="The home cannot be reached: found no network.")
    monkeypatch.setattr(fetching, "_downloads", {"pieman": failed})
    assert [w.value for w in show().warning] == [failed.message]


def test_a_download_under_way_shows_its_bytes_and_can_be_cancelled(monkeypatch):
    """5 of 10 MB; Cancel reaches the download."""
    running = fetching.Download("pieman", "running", 5_000_000, 10_000_000, 1e6)
    monkeypatch.setattr(fetching, "_downloads", {"pieman": running})
    stopped = []
    monkeypatch.setattr(fetching, "cancel", stopped.append)
    app = show()
    button(app, "Cancel", "cancel-pieman").click().run()
    assert stopped == ["pieman"]


def test_the_embedded_recording_passes_its_check(monkeypatch):
    """The dialog of a card: every fact good, the clock among them."""
    app = show()
    button(app, "Does it fit its story?", "check-simulated").click().run()
    assert not app.exception
    text = said(app)
    assert "**Clock**" in text and ":material/error:" not in text and ":material/visibility:" not in text


def test_ones_own_recording_is_checked_before_it_is_kept(monkeypatch, tmp_path):
    """A refusal is calm; a fit is kept and offered on the start page."""
    app = show()
    folder, story = (box for box in app.text_input if box.label.startswith(("Recording", "Story")))
    folder.set_value("/my/study")
    story.set_value("/my/story.csv")
    app.run()
    wanted = []

    def check(config, *_):
        wanted.append(config)
        raise RecordingError("Nothing is there", found="no folder", needed="one", do="check the path")

    monkeypatch.setattr(pipeline, "check_fit", check)
    button(app, "Check").click().run()
    assert app.warning[0].value == "Nothing is there: found no folder, needed one; check the path."
    assert (wanted[0].name, wanted[0].story) == ("/my/study", "/my/story.csv")
    archive.keep_recording(wanted[0], page_parts.store())
    start = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert "study" in next(b for b in start.selectbox if b.label == "Recording").options


def test_recordings_that_are_kept(tmp_path):
    """Newest first, each once; an unknown field of another version is left out."""
    workspace = archive.open_store(tmp_path)
    assert archive.kept_recordings(workspace) == []
    one, two = RecordingConfig("/a", story="/s"), RecordingConfig("/b", story="/s", subjects=(1, 2))
    for config in (one, two, one):
        archive.keep_recording(config, workspace)
    assert archive.kept_recordings(workspace) == [one, two]
    path = tmp_path / "own_recordings.json"
    path.write_text(path.read_text().replace('"tr"', '"repetition"', 1))
    assert archive.kept_recordings(workspace) == [two]


def test_dropped_files_lie_at_an_address_made_of_their_bytes(tmp_path):
    """A name from outside never leaves the folder; the same bytes lie at the same place."""

    class Dropped:
        def __init__(self, name, body):
            self.name, self.body = name, body

        def getvalue(self):
            return self.body

    path = library_parts._keep([Dropped("../../../.ssh/a b.csv", b"x")], single=True)
    assert path.startswith(str(tmp_path / "cache" / "uploads")) and path.endswith("/a_b.csv")
    assert library_parts._keep([Dropped("a b.csv", b"x")], single=True) == path
    assert library_parts._keep([]) == ""


def test_the_store_is_measured_and_verified():
    """Empty: 0.00 GB, nothing damaged."""
    app = show()
    assert "**0.00 GB**" in said(app)
    button(app, "Check every byte").click().run()
    assert app.success[0].value == "0 results, all whole."
