"""What a job is, and how it stands: a small file per job in the cache folder, replaced atomically.

A reload, a second tab or another program sees the same progress; a wish to
stop is a file beside it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from . import archive
from .config import (
    BridgeConfig,
    CheckConfig,
    ChoiceConfig,
    LayersConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
    RunConfig,
    SlimConfig,
    read_config,
)
from .errors import CancelledError, ConfigError
from .values import FitCheck
from .whole_files import replace_file

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
_LAYERS = {
    "curve": ("Predict the brain from each part of the depth", 60),
    "profiles": ("Find the depth of sub-groups, other seeds included", 10),
    "third_links": ("Match each third's sub-groups with brain networks", 120),
}


_NETWORKS = {
    "tokens": ("Read the texts", 25),
    "networks": ("Find independent networks", 30),
    "recurrence": ("Look for them in single texts", 30),
    "stability": ("Find them again, with other seeds and halves", 40),
}
_LESION = {**_NETWORKS, "scores": ("Cut, and score against random cuts", 120)}
_PRESERVATION = {
    "tokens": ("Read the texts", 25),
    "kept": ("Keep only the networks' neurons, and score", 300),
}
_SLIM = {
    "tokens": ("Read the texts", 25),
    "removed": ("Remove neurons, and score", 120),
}
_BRIDGE = {"story": ("Read the story with each cut, and predict the brain again", 300)}


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    Attributes
    ----------
    place : str
        Folder of its states in the cache folder.
    plan : dict
        Step -> (what it does, about how many seconds on two cores).
    """

    place: str
    plan: dict[str, tuple[str, int]]


KINDS: dict[type, Kind] = {
    RunConfig: Kind("jobs", _WALK),
    CheckConfig: Kind("checks", _CHECK),
    ChoiceConfig: Kind("choices", _CHOICE),
    LayersConfig: Kind("layers", _LAYERS),
    NetworksConfig: Kind("networks", _NETWORKS),
    LesionConfig: Kind("lesions", _LESION),
    PreservationConfig: Kind("curves", _PRESERVATION),
    SlimConfig: Kind("slims", _SLIM),
    BridgeConfig: Kind("bridges", _BRIDGE),
}
Config = (
    RunConfig
    | CheckConfig
    | ChoiceConfig
    | LayersConfig
    | NetworksConfig
    | LesionConfig
    | PreservationConfig
    | SlimConfig
    | BridgeConfig
)
ACTIVE = ("queued", "running")


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


class Job:
    """One job with its state on disk; `progress` is what its steps call."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.workspace = archive.open_store(folder)  # refuses a folder that cannot be used
        kind = KINDS[type(config)]
        self.folder, self.config, self.plan = folder / kind.place, config, dict(kind.plan)
        if isinstance(config, LayersConfig) and config.by != "third":
            self.plan.pop("third_links")
        self.folder.mkdir(exist_ok=True)
        self.began = time.time()
        self.done: dict[str, float] = {}
        self.step, self.step_began, self.fraction = "", self.began, 0.0
        self.written = 0.0

    def forget_cancel(self) -> None:
        """A wish to stop that belongs to an earlier job does not stop this one."""
        (self.folder / f"{self.config.id}.cancel").unlink(missing_ok=True)

    def progress(self, step: str, fraction: float) -> None:
        """Note how far a step is; raises `CancelledError` where someone wants it to stop."""
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
        """Put how it stands on disk."""
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
            "seconds_left": left if state in ACTIVE else None,
            "message": message,
            "steps": steps,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "config": dataclasses.asdict(self.config),
        }
        _replace(self.folder / f"{self.config.id}.json", body)


def queue(config: Config, folder: Path) -> Job | None:
    """A job that now waits for its turn; None where it is under way."""
    job = Job(folder, config)
    now = _status(job.folder / f"{config.id}.json")
    if now is not None and now.state in ACTIVE:
        return None
    job.forget_cancel()
    job.write("queued")
    return job


def cancel(job_id: str, folder: str | Path = "cache") -> None:
    """Ask a walk or a check to stop; it does so within seconds, and what is finished is kept."""
    path = _job_file(job_id, folder)
    now = _status(path)
    if now is None or now.state not in ACTIVE:
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
    places = [home / kind.place / f"{job_id}.json" for kind in KINDS.values()]
    return next((path for path in places if path.exists()), places[0])


def _status(path: Path) -> Status | None:
    try:
        body = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if body["state"] in ACTIVE and not _alive(body):
        body.update(state="failed", message="Its process ended. Run it again: what was finished is kept.")
    fields = {f.name for f in dataclasses.fields(Status)}
    body["steps"] = tuple(tuple(step) for step in body["steps"])
    return Status(**{k: v for k, v in body.items() if k in fields})


def active(folder: str | Path = "cache", kind: type = RunConfig) -> list[Status]:
    """Jobs of a kind (walks) that are queued or running, and those that stopped within the last minute."""
    jobs = Path(folder).absolute() / KINDS[kind].place
    found = []
    for path in sorted(jobs.glob("*.json"), key=lambda p: p.stat().st_mtime):
        recent = time.time() - path.stat().st_mtime < 60
        now = _status(path)
        if now is not None and (now.state in ACTIVE or (recent and now.state != "done")):
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
            config = read_config(CheckConfig, json.loads(path.read_text())["config"])
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
    replace_file(path, json.dumps(body))
