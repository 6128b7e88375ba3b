"""The Library page: honest states, downloads, one's own recording, the store."""

from __future__ import annotations

import dataclasses

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core import archive, engine, fetching, inventory, jobs
from brainlike_core.config import CheckConfig, RecordingConfig
from parts import library as library_parts
from parts import models as model_parts
from tests.pages.test_pages import ROOT, said
from tests.small_study import TR, write_study


@pytest.fixture(autouse=True)
def empty(monkeypatch, tmp_path):
    """An empty store and no data folder."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(parts.places, "CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library_parts, "UPLOADS", tmp_path / "cache" / "uploads")
    monkeypatch.setattr(parts.places, "DATA", None)
    monkeypatch.setattr(fetching, "_downloads", {})


@pytest.fixture
def at_once(monkeypatch):
    """Checks are done in this process, before the page goes on."""

    def begin(config, folder, data, scheduler):
        engine._task("checks", dataclasses.asdict(config), str(folder), data)
        return config.id

    monkeypatch.setattr(engine, "start_aside", begin)


def fill(app: AppTest, folder, story, sound="", sound_begins=None) -> AppTest:
    """The form of one's own recording."""
    boxes = {box.label: box for box in app.text_input}
    boxes["A folder on this computer"].set_value(str(folder))
    boxes["A transcript on this computer"].set_value(str(story))
    boxes["A WAV file on this computer"].set_value(str(sound))
    numbers = {box.label: box for box in app.number_input}
    numbers["TR (s)"].set_value(TR)
    numbers["The sound begins at (s)"].set_value(sound_begins)
    return app.run()


def show() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/6_Library.py").run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def button(app: AppTest, label: str, key: str = ""):
    return next(b for b in app.button if b.label == label and (not key or b.key == key))


def test_every_entry_of_the_catalogue_has_a_card_with_its_state():
    """Names as typed on the command line; without a data folder Pie Man is to download."""
    text = said(show())
    for entries in inventory.catalogue().values():
        for entry in entries:
            assert entry["how"] == "your folder" or f"`{entry['name']}`" in text
    assert f"{library_parts.STATES['get']} `pieman`" in text
    assert f"{library_parts.STATES['here']} `simulated`" in text
    assert f"{model_parts.STATES['agreement']} `meta-llama/Llama-2-7b-hf`" in text


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


def test_the_embedded_recording_passes_its_check(at_once):
    """From its card: it fits, every fact good, the clock among them; Close puts it away."""
    app = show()
    button(app, "Does it fit its story?", "check-simulated").click().run()
    assert not app.exception
    assert "**Clock**" in said(app) and app.success[0].value.startswith("The story fits the recording")
    assert not [m for state, m in library_parts.MARKS.items() if state != "good" and m in said(app)]
    button(app, "Close").click().run()
    assert "**Clock**" not in said(app)


def test_ones_own_recording_is_checked_kept_and_offered(at_once, tmp_path):
    """With its sound: it fits; kept, it can be chosen on the start page. A new session finds the check by its link."""
    study = write_study(tmp_path)
    app = fill(show(), study.tables, study.story, study.sound)
    button(app, "Check").click().run()
    assert not app.exception and app.success[0].value.endswith("sound and words agree within 0.1 s.")
    asked = app.query_params["check"]
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/6_Library.py")
    again.query_params["check"] = asked
    again.run()
    assert [s.value for s in again.success] == [s.value for s in app.success]
    button(app, "Keep it for runs").click().run()
    assert [r.story for r in archive.kept_recordings(parts.store())] == [str(study.story)]
    start = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert "listeners" in next(b for b in start.selectbox if b.label == "Recording").options


def test_a_sound_that_begins_3_s_late_is_seen_at_once(at_once, tmp_path):
    """A red box that says by how much, and what to change."""
    study = write_study(tmp_path)
    app = fill(show(), study.tables, study.story, study.sound, 3.0)
    button(app, "Check").click().run()
    assert "with the sound 3.0 s earlier" in app.error[0].value and "begin at 0 s" in app.error[0].value


def test_a_refusal_is_calm(at_once, tmp_path):
    """What was found, what is needed, what to do; nothing is offered for runs."""
    app = fill(show(), tmp_path / "nothing", tmp_path / "tale.csv")
    button(app, "Check").click().run()
    (box,) = app.warning
    assert f"found no folder '{tmp_path / 'nothing'}'" in box.value and "check the path" in box.value
    assert not [b for b in app.button if b.label == "Keep it for runs"]


def test_a_check_under_way_has_progress_and_cancel(tmp_path):
    """As a job left it on disk; Cancel reaches it, and the page says so."""
    config = CheckConfig(RecordingConfig("/my/study", story="/my/story.csv"))
    jobs.Job(tmp_path / "cache", config).write("queued")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/6_Library.py")
    app.query_params["check"] = config.id[:12]
    app.run()
    button(app, "Cancel", f"cancel-{config.id}").click().run()
    assert jobs.status(config.id, tmp_path / "cache").state == "cancelled"
    app.run()
    assert "The check was cancelled." in said(app)


@pytest.mark.parametrize("asked", ["", "0" * 12, "../../etc/passwd", "*" * 12, "a" * 64])
def test_an_address_without_its_check_shows_the_page(asked):
    """Nothing is shown for it, and nothing fails."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/6_Library.py")
    app.query_params["check"] = asked
    app.run()
    assert not app.exception and not app.warning


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
    tables = library_parts._keep([Dropped("sub-1.npy", b"x"), Dropped("sub-2.npy", b"y")])
    assert tables.endswith("/sub-1_and_1_more")


def test_the_store_is_measured_and_verified():
    """Empty: 0.00 GB, nothing damaged."""
    app = show()
    assert "**0.00 GB**" in said(app)
    button(app, "Check every byte").click().run()
    assert app.success[0].value == "0 results, all whole."


def test_models_are_grouped_by_family_or_size():
    """A heading each; by size the paper's BERT stands beside GPT-2 small."""
    app = show()
    assert {"Pythia", "GPT-2", "Qwen", "Controls"} <= {s.value for s in app.subheader}
    next(c for c in app.segmented_control if c.label == "Group by").set_value("Size").run()
    assert "Above 5 billion" in {s.value for s in app.subheader} and not app.exception
