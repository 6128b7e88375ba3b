"""Runs walks in another process: local by default, a Dask cluster by address.

A job's state is a small file in the cache folder, replaced atomically, so a
reload, a second tab or another program sees the same progress. Two people who
press Run on one question share one task (its key is the run's id), and the
store's locks hold across processes and machines that share the folder.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, pipeline
from .config import RunConfig, run_config_from_dict
from .errors import BrainlikeError, CancelledError
from .values import Run

# Share of a walk's time, measured on two cores; only the progress bar uses it.
_WEIGHTS = {  # seconds of each step, roughly
    "recording": 4,
    "extract": 10,
    "responses": 1,
    "dictionary": 4,
    "encoding": 25,
    "match": 40,
    "organization": 5,
    "equal_size": 20,
    "recovery": 1,
}
_TITLES = {
    "recording": "Read the recording",
    "extract": "Run the story through the model",
    "responses": "Put neurons on the scanner's clock",
    "dictionary": "Learn the sparse dictionary",
    "encoding": "Predict the brain, held out",
    "match": "Match maps with networks, two nulls",
    "organization": "Organization with intervals",
    "equal_size": "Comparison at equal size",
    "recovery": "Compare with the planted truth",
}
_ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class Status:
    """How a job stands.

    Attributes
    ----------
    run_id, label : str
    state : str
        ``queued, running, done, failed`` or ``cancelled``.
    step : str
        What it is doing, in words.
    fraction : float
    seconds_left : float or None
    message : str
        Why it failed, in one sentence.
    steps : tuple of (name, state, seconds)
        ``state`` is ``waiting, running`` or ``done``.
    """

    run_id: str
    label: str
    state: str
    step: str = ""
    fraction: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    steps: tuple[tuple[str, str, float], ...] = ()


class _Job:
    """One walk with its state on disk; `progress` is what the walk calls."""

    def __init__(self, folder: Path, config: RunConfig) -> None:
        self.workspace = archive.open_store(folder)  # refuses a folder that cannot be used
        self.folder, self.config = folder / "jobs", config
        self.folder.mkdir(exist_ok=True)
        self.began = time.time()
        self.done: dict[str, float] = {}
        self.step, self.step_began, self.fraction = "", self.began, 0.0
        self.written = 0.0

    def forget_cancel(self) -> None:
        """A wish to stop that belongs to an earlier walk does not stop this one."""
        (self.folder / f"{self.config.id}.cancel").unlink(missing_ok=True)

    def progress(self, step: str, fraction: float) -> None:
        if (self.folder / f"{self.config.id}.cancel").exists():
            raise CancelledError("The run was cancelled; what is finished is kept")
        now = time.time()
        if step != self.step:
            self.step, self.step_began = step, now
        self.fraction = fraction
        if fraction >= 1:
            self.done[step] = round(now - self.step_began, 2)
        if fraction in (0.0, 1.0) or now - self.written > 0.3:
            self.write("running")

    def write(self, state: str, message: str = "") -> None:
        self.written = time.time()
        total = sum(_WEIGHTS.values())
        ready = float(sum(_WEIGHTS[s] for s in self.done))
        if self.step and self.step not in self.done:
            ready += _WEIGHTS[self.step] * self.fraction
        fraction = 1.0 if state == "done" else ready / total
        elapsed = time.time() - self.began
        left = elapsed * (1 - fraction) / fraction if fraction > 0.03 else None
        steps = [
            (
                title,
                "done" if s in self.done else "running" if s == self.step else "waiting",
                self.done.get(s, 0.0),
            )
            for s, title in _TITLES.items()
        ]
        body = {
            "run_id": self.config.id,
            "label": self.config.label,
            "state": state,
            "step": _TITLES.get(self.step, ""),
            "fraction": fraction,
            "seconds_left": left if state in _ACTIVE else None,
            "message": message,
            "steps": steps,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        _replace(self.folder / f"{self.config.id}.json", body)


def run_now(
    config: RunConfig,
    folder: str | Path,
    data_folder: str | None = None,
    watch: pipeline.Progress | None = None,
) -> Run:
    """Walk in this process, with its state on disk for others to see.

    Parameters
    ----------
    config : RunConfig
    folder : path
        The cache folder.
    data_folder : path, optional
    watch : callable(step, fraction), optional

    Raises
    ------
    BrainlikeError
        As `pipeline.walk`.
    """
    job = _Job(Path(folder).absolute(), config)
    job.forget_cancel()
    return _work(job, data_folder, watch)


def _work(job: _Job, data_folder: str | None, watch: pipeline.Progress | None = None) -> Run:
    """Walk, and write how it stands and how it ended."""

    def progress(step: str, fraction: float) -> None:
        job.progress(step, fraction)
        if watch is not None:
            watch(step, fraction)

    job.write("running")
    try:
        run = pipeline.walk(job.config, job.workspace, data=data_folder, progress=progress)
    except CancelledError as error:
        job.write("cancelled", str(error))
        raise
    except BrainlikeError as error:
        job.write("failed", str(error))
        raise
    except BaseException as error:
        job.write("failed", f"Unexpected {type(error).__name__}: {error}")
        raise
    job.write("done")
    return run


def start(
    configs: list[RunConfig],
    folder: str | Path = "cache",
    data_folder: str | None = None,
    scheduler: str = "",
) -> list[str]:
    """Begin walks in another process and return at once; a walk under way is not begun twice.

    Parameters
    ----------
    configs : list of RunConfig
    folder, data_folder : paths
    scheduler : str
        Address of a Dask scheduler (``tcp://...``); empty = a local worker.

    Returns
    -------
    list of str
        Run ids.
    """
    folder = Path(folder).absolute()
    client = _client(scheduler)
    for config in configs:
        now = status(config.id, folder)
        if now is not None and now.state in _ACTIVE:
            continue
        job = _Job(folder, config)
        job.forget_cancel()
        job.write("queued")
        fields = json.loads(json.dumps(dataclasses.asdict(config)))
        future = client.submit(
            _task, fields, str(folder), data_folder, key=f"run-{config.id}-{uuid.uuid4().hex[:8]}", pure=False
        )
        _futures[config.id] = future
    return [config.id for config in configs]


def _task(fields: dict, folder: str, data_folder: str | None) -> str:
    """What a worker does: the result stays in the store, only the state comes back."""
    try:
        return _work(_Job(Path(folder), run_config_from_dict(fields)), data_folder).id
    except BrainlikeError as error:
        return str(error)


_futures: dict[str, Any] = {}
_clients: dict[str, Any] = {}
_lock = threading.Lock()


def _client(scheduler: str) -> Any:
    with _lock:
        if scheduler not in _clients:
            from distributed import Client

            _clients[scheduler] = Client(scheduler or _local_cluster(), set_as_default=False)
        return _clients[scheduler]


def _local_cluster() -> Any:
    """A scheduler here and one worker, a process of its own that ends with this one.

    Not `LocalCluster`'s own workers: multiprocessing would run the caller's main
    script again inside them, and that script may be a whole page of the app.
    """
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=0, protocol="tcp", host="127.0.0.1", dashboard_address=None)
    root = str(Path(__file__).resolve().parents[1])
    cores = str(os.cpu_count() or 1)
    environment = os.environ | {
        "DASK_LOGGING__DISTRIBUTED": "warning",
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")])),
        "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__OMP_NUM_THREADS": cores,
        "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__MKL_NUM_THREADS": cores,
        "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__OPENBLAS_NUM_THREADS": cores,
    }
    options = [
        "--nworkers",
        "1",
        "--nthreads",
        "1",
        "--memory-limit",
        "0",
        "--no-dashboard",
        "--death-timeout",
        "60",
    ]
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    atexit.register(worker.terminate)
    return cluster


def cancel(run_id: str, folder: str | Path = "cache") -> None:
    """Ask a walk to stop; it does so within seconds, and what is finished is kept."""
    jobs = Path(folder).absolute() / "jobs"
    now = status(run_id, folder)
    if now is None or now.state not in _ACTIVE:
        return
    (jobs / f"{run_id}.cancel").touch()
    if now.state == "queued":
        body = json.loads((jobs / f"{run_id}.json").read_text())
        _replace(
            jobs / f"{run_id}.json", {**body, "state": "cancelled", "message": "Cancelled before it began."}
        )


def status(run_id: str, folder: str | Path = "cache") -> Status | None:
    """How a walk stands, or None when it was never begun here."""
    path = Path(folder).absolute() / "jobs" / f"{run_id}.json"
    try:
        body = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if body["state"] in _ACTIVE and not _alive(body):
        body.update(state="failed", message="Its process ended. Run it again: what was finished is kept.")
    fields = {f.name for f in dataclasses.fields(Status)}
    body["steps"] = tuple(tuple(step) for step in body["steps"])
    return Status(**{k: v for k, v in body.items() if k in fields})


def active(folder: str | Path = "cache") -> list[Status]:
    """Walks that are queued or running, and those that stopped within the last minute."""
    jobs = Path(folder).absolute() / "jobs"
    found = []
    for path in sorted(jobs.glob("*.json"), key=lambda p: p.stat().st_mtime):
        recent = time.time() - path.stat().st_mtime < 60
        now = status(path.stem, folder)
        if now is not None and (now.state in _ACTIVE or (recent and now.state != "done")):
            found.append(now)
    return sorted(found, key=lambda now: now.state == "queued")  # what waits stands last


def _alive(body: dict) -> bool:
    if body["host"] != socket.gethostname():
        return True  # another machine's process cannot be seen from here
    try:
        os.kill(body["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _replace(path: Path, body: dict) -> None:
    temporary = path.with_suffix(f".{uuid.uuid4().hex}")
    temporary.write_text(json.dumps(body))
    os.replace(temporary, path)
