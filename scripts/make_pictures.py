"""Make the pictures of the README: a screenshot of each page and a tour of half a minute.

    python -m scripts.make_pictures --cache cache

needs finished runs in the cache (``make run``), Chromium and playwright. The
app is started by itself on a free port and stopped again; nothing is drawn
that a reader of the same cache would not see.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from brainlike_core import archive

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
LARGEST_KB = 300
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PAGES = {  # file name: (address, height in pixels)
    "start": ("", 1000),
    "brain_maps": ("Brain_maps", 1080),
    "correspondence": ("Correspondence", 1080),
    "compare_models": ("Compare_models", 1200),
    "functional_networks": ("Functional_networks", 1200),
    "learn": ("Learn?step=4", 1000),
    "how_much_data": ("How_much_data", 1000),
    "library": ("Library", 1000),
}
TOUR_SIZE: ViewportSize = {"width": 1400, "height": 860}
TOUR_WIDTH = 800


@contextmanager
def app(cache: str) -> Iterator[str]:
    """The app on a free port; its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"BRAINLIKE_CACHE": str(Path(cache).resolve())},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield _healthy(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _healthy(address: str, server: subprocess.Popen) -> str:
    for _ in range(240):
        if server.poll() is not None:
            raise SystemExit("The app did not start: run `streamlit run app.py` to see why.")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
        except OSError:
            time.sleep(0.25)
        else:
            return address
    raise SystemExit(f"The app did not answer at {address} within a minute.")


def settle(page: Page) -> None:
    """Wait until the script has ended and what it drew stands still."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=120_000)
    before = b""
    for _ in range(40):
        page.wait_for_timeout(400)
        now = page.screenshot()
        if now == before:
            return
        before = now


def small_png(picture: bytes, path: Path) -> None:
    """Write a PNG of at most 300 kB: fewer colours first, then fewer pixels."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    for width, colours in ((1400, 256), (1400, 128), (1200, 128), (1000, 96), (860, 64)):
        height = round(image.height * width / image.width)
        once = image.resize((width, height), Image.Resampling.LANCZOS).quantize(colours)
        once.save(path, optimize=True)
        if path.stat().st_size <= LARGEST_KB * 1000:
            return
    raise SystemExit(f"{path.name} is still {path.stat().st_size / 1000:.0f} kB.")


def screenshots(page: Page, address: str, query: str) -> None:
    """One picture of each page."""
    for name, (path, height) in PAGES.items():
        page.set_viewport_size({"width": 1400, "height": height})
        page.goto(f"{address}/{path}{'&' if '?' in path else '?'}{query}")
        settle(page)
        small_png(page.screenshot(), IMAGES / f"{name}.png")
        print(f"{name}.png  {(IMAGES / f'{name}.png').stat().st_size / 1000:.0f} kB")


class Tour:
    """Frames of a tour, each with how long it stands."""

    def __init__(self, page: Page, address: str):
        self.page, self.address = page, address
        self.frames: list[tuple[Image.Image, int]] = []

    def go(self, path: str, milliseconds: int = 2500, scroll: int = 0) -> None:
        """Open a page, wait until it stands still, and show it."""
        self.page.goto(f"{self.address}/{path}")
        settle(self.page)
        self.page.mouse.move(700, 500)
        self.page.mouse.wheel(0, scroll)
        self.page.mouse.move(TOUR_SIZE["width"] - 5, TOUR_SIZE["height"] - 5)
        self.page.wait_for_timeout(600)
        self.shot(milliseconds)

    def shot(self, milliseconds: int) -> None:
        picture = Image.open(BytesIO(self.page.screenshot())).convert("RGB")
        height = round(picture.height * TOUR_WIDTH / picture.width)
        small = picture.resize((TOUR_WIDTH, height), Image.Resampling.LANCZOS)
        self.frames.append((small, milliseconds))

    def save(self, path: Path) -> None:
        pictures = [frame.quantize(80, dither=Image.Dither.NONE) for frame, _ in self.frames]
        times = [milliseconds for _, milliseconds in self.frames]
        pictures[0].save(
            path, save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True
        )
        print(f"{path.name}  {path.stat().st_size / 1e6:.1f} MB, {sum(times) / 1000:.0f} s")


def walk(tour: Tour, query: str) -> None:
    """From the matrix to a brain, the story, the words, the comparison, and a network inside the model."""
    page = tour.page
    tour.go(f"?{query}", 2500)
    tour.go(f"Correspondence?{query}", 3000)
    tour.go(f"Brain_maps?{query}", 1500)
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(250)
        tour.shot(450)
    tour.go(f"Brain_maps?{query}&maps=story", 1200, scroll=170)
    page.get_by_role("button", name="Play").first.click()
    for _ in range(14):
        page.wait_for_timeout(900)
        tour.shot(350)
    tour.go(f"Brain_maps?{query}&view=words", 3000, scroll=620)
    tour.go(f"Compare_models?{query}", 2500)
    tour.go(f"Functional_networks?{query}", 2500)
    tour.go(f"Learn?{query}&step=8", 2500)


def linked_run(cache: str, network: str) -> tuple[str, int]:
    """The trained run with the strongest link to a network that beats both nulls, and its sub-group."""
    store = archive.open_store(cache)
    best = (-1.0, "", 0)
    for summary in archive.finished_runs(store):
        if summary.config.extract.weights != "trained":
            continue
        c = archive.load_run(summary.id, store).correspondence
        names = [name.lower() for name in c.networks]
        if network in names:
            column = names.index(network)
            dice = np.where(c.accepted_links[:, :, column], c.dice[:, :, column], -1.0).max(axis=0)
            best = max(best, (float(dice.max()), summary.id[:12], int(dice.argmax())))
    if not best[1]:
        raise SystemExit(f"No finished run has the network {network!r}: run `make run` first.")
    return best[1], best[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", default="cache", help="the store with finished runs")
    parser.add_argument("--network", default="language", help="the brain network to show")
    parser.add_argument("--only", choices=("pages", "tour"), help="make these only")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("No Chromium found: install it with `apt-get install chromium`.")
    IMAGES.mkdir(exist_ok=True)
    run, atom = linked_run(asked.cache, asked.network)
    query = f"run={run}&atom={atom}&network={asked.network}"
    with app(asked.cache) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=TOUR_SIZE)
        if asked.only != "tour":
            screenshots(page, address, query)
        if asked.only != "pages":
            page.set_viewport_size(TOUR_SIZE)
            tour = Tour(page, address)
            walk(tour, query)
            tour.save(IMAGES / "tour.gif")
        browser.close()


if __name__ == "__main__":
    main()
