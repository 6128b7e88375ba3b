"""Make the pictures of the README: a screenshot of each page and a tour of half a minute.

    python scripts/make_pictures.py --cache cache

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

from PIL import Image
from playwright.sync_api import Page, sync_playwright

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
TOUR_SIZE = (1280, 800)
TOUR_WIDTH = 860


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

    def __init__(self, page: Page):
        self.page = page
        self.frames: list[tuple[Image.Image, int]] = []

    def shot(self, milliseconds: int) -> None:
        picture = Image.open(BytesIO(self.page.screenshot())).convert("RGB")
        height = round(picture.height * TOUR_WIDTH / picture.width)
        self.frames.append((picture.resize((TOUR_WIDTH, height), Image.Resampling.LANCZOS), milliseconds))

    def save(self, path: Path) -> None:
        first, *rest = [frame.quantize(96, dither=Image.Dither.NONE) for frame, _ in self.frames]
        first.save(
            path,
            save_all=True,
            append_images=rest,
            duration=[milliseconds for _, milliseconds in self.frames],
            loop=0,
            optimize=True,
        )
        seconds = sum(milliseconds for _, milliseconds in self.frames) / 1000
        print(f"{path.name}  {path.stat().st_size / 1e6:.1f} MB, {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", default="cache", help="the store with finished runs")
    parser.add_argument("--run", default="", help="the run to show (default: the one the app opens)")
    parser.add_argument("--network", default="language", help="the brain network to show")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("No Chromium found: install it with `apt-get install chromium`.")
    IMAGES.mkdir(exist_ok=True)
    query = "&".join(filter(None, [asked.run and f"run={asked.run}", f"network={asked.network}"]))
    with app(asked.cache) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(reduced_motion="no-preference")
        screenshots(page, address, query)
        browser.close()


if __name__ == "__main__":
    main()
