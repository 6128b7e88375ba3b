"""The brain viewer beside ``st.plotly_chart`` of the same maps, in a headless Chromium with software GL.

Both are Streamlit pages of one server (``viewer_app.py``). Times are the
browser's own clock, up to finished pixels: the viewer's are read back from the
graphics card, plotly's end two frames after it has drawn.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .measure import Comparison, DisagreementError, within

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = "64 maps x 20,484 vertices, 1400 x 900 pixels"
OURS, THEIRS, STORY = (
    "window.__brainViewer",
    "document.querySelector('.js-plotly-plot')",
    "window.__storyPlayer",
)
DRAWN = f"{OURS}?.ready && {OURS}.draws > 0"
PLOTTED = f"!!{THEIRS}?._fullLayout?.scene?._scene?.glplot"
WAIT_MS = 180_000


class Pages:
    """One server and one browser for all comparisons."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if path is None:
            raise DisagreementError("no Chromium on this machine: nothing can be compared")
        self.address, self.server = _serve()
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=path, args=FLAGS)
        atexit.register(self.close)

    def close(self) -> None:
        self.browser.close()
        self.playwright.stop()
        self.server.terminate()
        self.server.wait(20)

    def open(self, name: str, ready: str) -> Any:
        """A page in a fresh context, once its first brain is drawn."""
        page = self.browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
        page.goto(f"{self.address}/{name}")
        page.wait_for_function(ready, timeout=WAIT_MS)
        return page

    @functools.cache  # noqa: B019 - lives as long as the process
    def kept(self, name: str, ready: str) -> Any:
        """The same page for every repeat, at rest."""
        page = self.open(name, ready)
        page.wait_for_timeout(3000)
        return page


def _serve() -> tuple[str, subprocess.Popen]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("viewer_app.py"))]
    flags = [f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*command, *flags], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return address, server
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    server.terminate()
    raise DisagreementError("the server did not start: nothing can be compared")


@functools.cache
def pages() -> Pages:
    """Started by the first comparison."""
    return Pages()


# -- another map ---------------------------------------------------------------------


def our_switch(case: Pages) -> float:
    """Seconds from asking for another map to its pixels, median of 9."""
    page = case.kept("ours", DRAWN)
    times = page.evaluate(
        f"Array.from({{ length: 10 }}, (_, i) => {OURS}.viewer.timeSwitch(({OURS}.map + 7 + i) % 64))"
    )
    return statistics.median(times[1:]) / 1000


def their_switch(case: Pages) -> float:
    """Seconds from the click to the next map's figure: a rerun, the figure sent, plotly's drawing."""
    page = case.kept("plotly", PLOTTED)
    return page.evaluate(f"""() => new Promise(done => {{
      const begin = performance.now(), before = {THEIRS}._fullLayout.title.text
      const look = () => {{
        if ({THEIRS}?._fullLayout?.title?.text === before || !({PLOTTED})) return requestAnimationFrame(look)
        requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - begin) / 1000)))
      }}
      ;[...document.querySelectorAll("button")].find(b => b.innerText.trim() === "Next").click()
      look()
    }})""")


def same_values(case: Pages, *_: float) -> str:
    """Ours on the map that plotly shows, at every 50th vertex."""
    ours, theirs = case.kept("ours", DRAWN), case.kept("plotly", PLOTTED)
    shown = theirs.evaluate(f"[{THEIRS}._fullLayout.title.text, Array.from({THEIRS}._fullData[0].intensity)]")
    at = int(re.findall(r"\d+", shown[0])[0])
    found = ours.evaluate(
        f"""() => {{ const {{ viewer }} = {OURS}
        viewer.set({{ map: {at} }})
        return Array.from({{ length: Math.floor(20484 / 50) }}, (_, i) => viewer.describe(50 * i)).map(d => (d.wall ? null : d.value)) }}"""
    )
    gaps = [abs(value - shown[1][50 * i]) for i, value in enumerate(found) if value is not None]
    return within("largest difference of a value", max(gaps), 5e-4)


# -- first brain, another page, playing ----------------------------------------------


def first_brain(case: Pages, name: str, ready: str) -> float:
    """Seconds from navigation to the first brain, in a fresh browser context."""
    page = case.open(name, ready)
    seconds = page.evaluate("performance.now() / 1000")
    page.context.close()
    return seconds


def next_page(case: Pages, name: str, ready: str) -> float:
    """Seconds from a click on the page's link to its brain, when it was open before."""
    page = case.kept(f"{name}?next", ready)
    page.get_by_role("link", name="text", exact=False).click()
    page.get_by_role("heading", name="Text").wait_for()
    page.wait_for_function(f"!({ready})", timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    return page.evaluate(f"""() => new Promise(done => {{
      const begin = performance.now()
      const look = () => ({ready} ? done((performance.now() - begin) / 1000) : requestAnimationFrame(look))
      ;[...document.querySelectorAll("a")].find(a => a.innerText.trim().toLowerCase() === "{name}").click()
      look()
    }})""")


def our_frame(case: Pages) -> float:
    """Seconds per frame while the story plays for four seconds."""
    page = case.kept("played", f"{STORY}?.ready && {STORY}.draws > 0")
    return page.evaluate(f"""() => new Promise(done => {{
      const player = {STORY}.viewer
      player.seek(0)
      player.play()
      setTimeout(() => {{
        const begin = performance.now(), before = {STORY}.draws
        setTimeout(() => {{ player.pause(); done((performance.now() - begin) / 1000 / ({STORY}.draws - before)) }}, 4000)
      }}, 1000)
    }})""")


def _comparison(
    name: str, row: str, goal: str, ours: Any, theirs: Any, peer: str = "st.plotly_chart"
) -> Comparison:
    return Comparison(
        name, peer, SIZE, "playwright", "plotly", pages, ours, theirs, same_values,
        n_repeats=3, row=row, goal=goal, compared="told",
    )  # fmt: skip


COMPARISONS = [
    _comparison("another map", "viewer-switch", "<= 0.06 s", our_switch, their_switch),
    _comparison(
        "first brain", "viewer-first", "<= 3 s",
        lambda case: first_brain(case, "ours", DRAWN), lambda case: first_brain(case, "plotly", PLOTTED),
    ),
    _comparison(
        "page to page, warm", "viewer-page", "<= 1 s",
        lambda case: next_page(case, "ours", DRAWN), lambda case: next_page(case, "plotly", PLOTTED),
    ),
    _comparison(
        "a frame of the story", "viewer-frame", "<= 0.0667 s", our_frame, their_switch,
        "st.plotly_chart, another map by a rerun",
    ),
]  # fmt: skip
