"""A Chromium and a Streamlit server for browser tests; both skip with a reason where they cannot run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import synthetic_run as made

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium with software WebGL2."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Return a function that starts `streamlit run FILE` and gives its address once healthy."""
    pytest.importorskip("streamlit", reason="streamlit is not installed")
    running: list[subprocess.Popen] = []

    def start(script: Path, *options: str, **environment: str) -> str:
        log = tmp_path_factory.mktemp("streamlit") / "log.txt"
        address, process = _start(script, options, environment, log)
        running.append(process)
        _wait_until_healthy(address, process, log)
        return address

    yield start
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The whole app on one made-up run, shared by the tests that write nothing to it."""
    folder = tmp_path_factory.mktemp("cache")
    made.write(made.make_run(), folder)
    return serve(REPOSITORY / "app.py", BRAINLIKE_CACHE=str(folder), BRAINLIKE_DATA=os.devnull)


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a trained and a random run."""
    folder = tmp_path_factory.mktemp("cache")
    for weights in ("trained", "random"):
        made.write(made.make_run(made.config(weights=weights)), folder)
    return folder


@pytest.fixture(scope="session")
def comparison(serve: Callable[..., str], two_runs: Path) -> str:
    """The whole app on a trained and a random run, shared by the tests that write nothing to it."""
    return serve(REPOSITORY / "app.py", BRAINLIKE_CACHE=str(two_runs), BRAINLIKE_DATA=os.devnull)


@pytest.fixture(scope="session")
def viewer_app(serve: Callable[..., str]) -> str:
    """A page that holds the brain viewer, or two brains, and nothing else."""
    return serve(Path(__file__).with_name("brain_viewer_app.py"))


def _start(
    script: Path, options: tuple[str, ...], environment: dict[str, str], log: Path
) -> tuple[str, subprocess.Popen]:
    port = _free_port()
    flags = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    paths = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    full = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"} | environment
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, *options], cwd=REPOSITORY, env=full, stdout=sink, stderr=subprocess.STDOUT
        )
    return f"http://127.0.0.1:{port}", process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(address: str, process: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"streamlit ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"streamlit was not healthy after {seconds:.0f} s:\n{log.read_text()[-2000:]}")
