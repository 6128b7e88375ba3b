"""fetching.py: progress is seen, a cancel is heard, a failure is a sentence, asking twice starts one."""

import threading
import time

import pytest

from brainlike_core import fetching, inventory
from brainlike_core.errors import CancelledError, DownloadError


@pytest.fixture
def home(monkeypatch):
    """A public home that gives half of a file and waits until it may go on."""
    gate, calls = threading.Event(), []

    def fetch(name, folder, *, mirror, subjects, progress, cancelled):
        calls.append((name, folder, mirror, subjects))
        progress(50, 100, 10.0)
        while not gate.is_set():
            if cancelled():
                raise CancelledError("stopped")
            time.sleep(0.01)
        if name == "broken":
            raise DownloadError("The home is gone", found="404", needed="a file", do="name a mirror")
        progress(100, 100, 10.0)

    monkeypatch.setattr(inventory, "fetch", fetch)
    monkeypatch.setattr(fetching, "_downloads", {})
    return gate, calls


def wait(name, state):
    for _ in range(500):
        if name in fetching.downloads() and fetching.downloads()[name].state == state:
            return fetching.downloads()[name]
        time.sleep(0.01)
    pytest.fail(f"{name} never became {state}: {fetching.downloads()}")


def test_progress_then_done(home):
    """Half, then all; a second start while it runs begins nothing."""
    gate, calls = home
    fetching.start("pieman", "there", "mirror", (1, 2))
    while fetching.downloads()["pieman"].n_bytes != 50:
        time.sleep(0.01)
    fetching.start("pieman", "there")
    gate.set()
    found = wait("pieman", "done")
    assert (found.n_bytes, found.n_total) == (100, 100) and found.ended > 0
    assert calls == [("pieman", "there", "mirror", (1, 2))]


def test_cancel_stops_it_and_it_can_begin_again(home):
    """Cancelled while it waits; the next start goes through."""
    gate, calls = home
    fetching.start("pieman")
    fetching.cancel("pieman")
    wait("pieman", "cancelled")
    gate.set()
    fetching.start("pieman")
    wait("pieman", "done")
    assert len(calls) == 2


def test_a_failure_is_its_sentence(home):
    """What was found, what is needed, what to do."""
    home[0].set()
    fetching.start("broken")
    assert wait("broken", "failed").message == "The home is gone: found 404, needed a file; name a mirror."
