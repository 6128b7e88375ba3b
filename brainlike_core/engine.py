"""Runs walks, checks and comparisons in another process: local by default, a Dask cluster by address.

A job's state is a small file in the cache folder, replaced atomically, so a
reload, a second tab or another program sees the same progress. Two people who
press Run on one question share one task (its key is the run's id), and the
store's locks hold across processes and machines that share the folder.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import re
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
from .config import (
    CheckConfig,
    ChoiceConfig,
    RunConfig,
    check_config_from_dict,
    choice_config_from_dict,
    run_config_from_dict,
)
from .errors import BrainlikeError, CancelledError, ConfigError
from .values import DictionaryChoice, FitCheck, Run

# Steps in words, and about how many seconds each takes on two cores: only the progress bar uses these.
_WALK = {
    "recording": ("Read the recording", 4),
    "extract": ("Run the story through the model", 10),
    "responses": ("Put neurons on the scanner's clock", 1),
    "dictionary": ("Learn the sparse dictionary", 4),
    "encoding": ("Predict the brain, held out", 25),
    "match": ("Match maps with networks, two nulls", 40),
    "organization": ("Organization with intervals", 5),
    "equal_size": ("Comparison at equal size", 20),
    "recovery": ("Compare with the planted truth", 1),
}
_CHECK = {
    "sound": ("Read the sound", 1),
    "recording": ("Read the recording and the story", 10),
    "check": ("Compare their clocks", 4),
}
_CHOICE = {"choice": ("Compare settings of the dictionary", 60)}
# Kind of job -> where its state lies, and its steps.
_KINDS = {RunConfig: ("jobs", _WALK), CheckConfig: ("checks", _CHECK), ChoiceConfig: ("choices", _CHOICE)}
_READERS: dict[str, Any] = {"jobs": run_config_from_dict, "checks": check_config_from_dict}
_READERS["choices"] = choice_config_from_dict
_Config = RunConfig | CheckConfig | ChoiceConfig
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
    """One walk, check or comparison of settings with its state on disk; `progress` is what it calls."""

    def __init__(self, folder: Path, config: _Config) -> None:
        self.workspace = archive.open_store(folder)  # refuses a folder that cannot be used
        place, self.plan = _KINDS[type(config)]
        self.folder, self.config = folder / place, config
        self.folder.mkdir(exist_ok=True)
        self.began = time.time()
        self.done: dict[str, float] = {}
        self.step, self.step_began, self.fraction = "", self.began, 0.0
        self.written = 0.0

    def forget_cancel(self) -> None:
        """A wish to stop that belongs to an earlier job does not stop this one."""
        (self.folder / f"{self.config.id}.cancel").unlink(missing_ok=True)

    def progress(self, step: str, fraction: float) -> None:
        if (self.folder / f"{self.config.id}.cancel").exists():
            raise CancelledError("It was cancelled; what is finished is kept")
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
        weights = {step: weight for step, (_, weight) in self.plan.items()}
        total = sum(weights.values())
        ready = float(sum(weights[s] for s in self.done))
        if self.step and self.step not in self.done:
            ready += weights[self.step] * self.fraction
        fraction = 1.0 if state == "done" else ready / total
        elapsed = time.time() - self.began
        left = elapsed * (1 - fraction) / fraction if fraction > 0.03 else None
        steps = [
            (
                title,
                "done" if s in self.done else "running" if s == self.step else "waiting",
                self.done.get(s, 0.0),
            )
            for s, (title, _) in self.plan.items()
        ]
        body = {
            "run_id": self.config.id,
            "label": self.config.label,
            "state": state,
            "step": self.plan[self.step][0] if self.step else "",
            "fraction": fraction,
            "seconds_left": left if state in _ACTIVE else None,
            "message": message,
            "steps": steps,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "config": dataclasses.asdict(self.config),
        }
        _replace(self.folder / f"{self.config.id}.json", body)


def run_now(
    config: RunConfig,
    folder: str | Path,
    data_folder: str | None = None,
    watch: pipeline.Progress | None = None,
    device: str = "auto",
) -> Run:
    """Walk in this process, with its state on disk for others to see.

    Parameters
    ----------
    config : RunConfig
    folder : path
        The cache folder.
    data_folder : path, optional
    watch : callable(step, fraction), optional
    device : str
        Where language models run, see `pipeline.walk`.

    Raises
    ------
    BrainlikeError
        As `pipeline.walk`.
    """
    job = _Job(Path(folder).absolute(), config)
    job.forget_cancel()
    return _work(job, data_folder, watch, device)


def _work(
    job: _Job, data_folder: str | None, watch: pipeline.Progress | None = None, device: str = "auto"
) -> Any:
    """Walk or check, and write how it stands and how it ended."""

    def progress(step: str, fraction: float) -> None:
        job.progress(step, fraction)
        if watch is not None:
            watch(step, fraction)

    job.write("running")
    try:
        made: Run | FitCheck | DictionaryChoice
        if isinstance(job.config, CheckConfig):
            made = pipeline.check_fit(job.config, job.workspace, data_folder, progress)
        elif isinstance(job.config, ChoiceConfig):
            made = pipeline.choose_dictionary(job.config, job.workspace, progress)
        else:
            made = pipeline.walk(
                job.config, job.workspace, data=data_folder, progress=progress, device=device
            )
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
    return made


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
    client, folder = _client(scheduler), Path(folder).absolute()
    for config in configs:
        if _queue(config, folder) is not None:
            _submit(config, folder, data_folder, client)
    return [config.id for config in configs]


def start_check(
    config: CheckConfig,
    folder: str | Path = "cache",
    data_folder: str | None = None,
    scheduler: str = "",
) -> str:
    """Begin a check in another process and return its id at once; see `check`.

    The local worker of checks is not that of walks: a check takes seconds and
    does not wait for a walk of minutes.
    """
    return _start(config, folder, data_folder, scheduler, "checks")


def start_choice(config: ChoiceConfig, folder: str | Path = "cache", scheduler: str = "") -> str:
    """Begin to compare settings of a run's dictionary in another process; returns the comparison's id at once.

    `status` and `cancel` take that id; what it found is read by `archive.load_choice`.
    """
    return _start(config, folder, None, scheduler, "choices")


def _start(config: _Config, folder: str | Path, data_folder: str | None, scheduler: str, local: str) -> str:
    """Queue a job and hand it over in a thread: a first worker takes seconds to start."""
    folder = Path(folder).absolute()
    job = _queue(config, folder)
    if job is not None:

        def submit() -> None:
            try:
                _submit(config, folder, data_folder, _client(scheduler, local))
            except Exception as error:  # a thread's own traceback is seen by no one
                job.write("failed", f"The worker did not start: {type(error).__name__}: {error}")
                raise

        threading.Thread(target=submit, daemon=True).start()
    return config.id


def _queue(config: _Config, folder: Path) -> _Job | None:
    """A job that now waits for its turn; None where it is under way."""
    job = _Job(folder, config)
    now = _status(job.folder / f"{config.id}.json")
    if now is not None and now.state in _ACTIVE:
        return None
    job.forget_cancel()
    job.write("queued")
    return job


def _submit(config: _Config, folder: Path, data_folder: str | None, client: Any) -> None:
    fields = json.loads(json.dumps(dataclasses.asdict(config)))
    key = f"job-{config.id}-{uuid.uuid4().hex[:8]}"
    place = _KINDS[type(config)][0]
    _futures[config.id] = client.submit(_task, place, fields, str(folder), data_folder, key=key, pure=False)


def _task(place: str, fields: dict, folder: str, data_folder: str | None) -> str:
    """What a worker does: the result stays in the store, only the state comes back."""
    config: _Config = _READERS[place](fields)
    try:
        _work(_Job(Path(folder), config), data_folder)
    except BrainlikeError as error:
        return str(error)
    return config.id


_futures: dict[str, Any] = {}
_clients: dict[str, Any] = {}
_lock = threading.Lock()


def _client(scheduler: str, local: str = "walks") -> Any:
    """Of the cluster at an address, or of a local one with that name."""
    with _lock:
        where = scheduler or local
        if where not in _clients:
            from distributed import Client

            _clients[where] = Client(scheduler or _local_cluster(), set_as_default=False)
        return _clients[where]


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


def cancel(job_id: str, folder: str | Path = "cache") -> None:
    """Ask a walk or a check to stop; it does so within seconds, and what is finished is kept."""
    path = _job_file(job_id, folder)
    now = _status(path)
    if now is None or now.state not in _ACTIVE:
        return
    path.with_suffix(".cancel").touch()
    if now.state == "queued":
        body = json.loads(path.read_text())
        _replace(path, {**body, "state": "cancelled", "message": "Cancelled before it began."})


def status(job_id: str, folder: str | Path = "cache") -> Status | None:
    """How a walk or a check stands, or None when it was never begun here."""
    return _status(_job_file(job_id, folder))


def _job_file(job_id: str, folder: str | Path) -> Path:
    home = Path(folder).absolute()
    places = [home / place / f"{job_id}.json" for place, _ in _KINDS.values()]
    return next((path for path in places if path.exists()), places[0])


def _status(path: Path) -> Status | None:
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
        now = _status(path)
        if now is not None and (now.state in _ACTIVE or (recent and now.state != "done")):
            found.append(now)
    return sorted(found, key=lambda now: now.state == "queued")  # what waits stands last


@dataclass(frozen=True)
class Check:
    """A check: what was asked, how it stands, and what it found (None until it is done)."""

    config: CheckConfig
    status: Status
    found: FitCheck | None


def check(check_id: str, folder: str | Path = "cache") -> Check | None:
    """The check with an id or its first characters (at least 12), or None where there is none."""
    home = Path(folder).absolute()
    if not re.fullmatch(r"[0-9a-f]{12,64}", check_id):
        return None
    for path in (home / "checks").glob(f"{check_id}*.json"):
        now = _status(path)
        with contextlib.suppress(ValueError, KeyError, TypeError, ConfigError):
            config = check_config_from_dict(json.loads(path.read_text())["config"])
            if now is not None and config.id == path.stem:
                done = now.state == "done"
                return Check(
                    config, now, archive.load_check(path.stem, archive.open_store(home)) if done else None
                )
    return None


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
