"""Runs walks, checks and comparisons in another process: local by default, a Dask cluster by address.

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
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

from . import bridge, follow_ups, lesions, networks, pipeline, preservation, recording_step, slimming
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
from .errors import BrainlikeError, CancelledError
from .jobs import KINDS, Config, Job, queue
from .progress import Progress


def run_now(
    config: Config,
    folder: str | Path,
    data_folder: str | None = None,
    watch: Progress | None = None,
    device: str = "auto",
) -> Any:
    """Do a job in this process, with its state on disk for others to see; returns what it makes.

    Parameters
    ----------
    config : the config of a walk, or of another kind of job
    folder : path
        The cache folder.
    data_folder : path, optional
    watch : callable(step, fraction), optional
    device : str
        Where language models run, see `pipeline.walk`.

    Raises
    ------
    BrainlikeError
        As `pipeline.walk`, `lesions.lesion` and the others.
    """
    job = Job(Path(folder).absolute(), config)
    job.forget_cancel()
    return _work(job, data_folder, watch, device)


def _work(job: Job, data_folder: str | None, watch: Progress | None = None, device: str = "auto") -> Any:
    """Walk or check, and write how it stands and how it ended."""

    def progress(step: str, fraction: float) -> None:
        job.progress(step, fraction)
        if watch is not None:
            watch(step, fraction)

    job.write("running")
    try:
        made = _compute(job, data_folder, progress, device)
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


def _compute(job: Job, data_folder: str | None, progress: Progress, device: str) -> Any:
    """The step behind a kind of job."""
    config, workspace = job.config, job.workspace
    if isinstance(config, CheckConfig):
        return recording_step.check_fit(config, workspace, data_folder, progress)
    if isinstance(config, ChoiceConfig):
        return follow_ups.choose_dictionary(config, workspace, progress)
    if isinstance(config, LayersConfig):
        answers = follow_ups.layer_answers(config, workspace, progress)
        return *answers, follow_ups.third_links(config, workspace, progress)
    if isinstance(config, RunConfig):
        return pipeline.walk(config, workspace, data=data_folder, progress=progress, device=device)
    return _INSIDE[type(config)](config, workspace, data=data_folder, progress=progress, device=device)


_INSIDE: dict[type, Any] = {
    NetworksConfig: networks.find_networks,
    LesionConfig: lesions.lesion,
    PreservationConfig: preservation.preservation,
    SlimConfig: slimming.slim,
    BridgeConfig: bridge.bridge,
}


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
        if queue(config, folder) is not None:
            _submit(config, folder, data_folder, client)
    return [config.id for config in configs]


def start_aside(
    config: Config,
    folder: str | Path = "cache",
    data_folder: str | None = None,
    scheduler: str = "",
) -> str:
    """Begin a job that is not a walk in another process and return its id at once.

    The local worker of checks is not that of the others: a check takes seconds
    and waits for nothing that takes minutes. `jobs.status` and `jobs.cancel`
    take the id.
    """
    local = "checks" if isinstance(config, CheckConfig) else "aside"
    folder = Path(folder).absolute()
    job = queue(config, folder)
    if job is not None:

        def submit() -> None:  # in a thread: a first worker takes seconds to start
            try:
                _submit(config, folder, data_folder, _client(scheduler, local))
            except Exception as error:  # a thread's own traceback is seen by no one
                job.write("failed", f"The worker did not start: {type(error).__name__}: {error}")
                raise

        threading.Thread(target=submit, daemon=True).start()
    return config.id


def _submit(config: Config, folder: Path, data_folder: str | None, client: Any) -> None:
    fields = json.loads(json.dumps(dataclasses.asdict(config)))
    key = f"job-{config.id}-{uuid.uuid4().hex[:8]}"
    place = KINDS[type(config)].place
    _futures[config.id] = client.submit(_task, place, fields, str(folder), data_folder, key=key, pure=False)


def _task(place: str, fields: dict, folder: str, data_folder: str | None) -> str:
    """What a worker does: the result stays in the store, only the state comes back."""
    config: Config = read_config(next(k for k, kind in KINDS.items() if kind.place == place), fields)
    try:
        _work(Job(Path(folder), config), data_folder)
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
