"""One model asked many independent questions on a processor: several at once, each on cores of its own.

A pass of a small model is thousands of products too small to share: with all
cores at one product, they wait for each other longer than they work, and on a
busy machine a core that waits is spinning. So each question has its own thread,
and its own modules (for hooks) around the same weights.
"""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

from .cores import n_at_once, n_cores
from .heads import HeadedModel

POLL_S = 0.3

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@dataclass
class Watch:
    """How far one question is (0 to 1), and whether it is to stop: what a source takes as progress and cancelled."""

    stop: threading.Event
    fraction: float = 0.0

    def part(self, share: float) -> Callable[[float, str], None]:
        """A source's progress, as the first ``share`` of the question."""

        def tell(fraction: float, text: str) -> None:
            self.fraction = share * fraction

        return tell

    def cancelled(self) -> bool:
        """Whether another question failed, or nobody wants the answers."""
        return self.stop.is_set()


def replica(model: HeadedModel) -> HeadedModel:
    """The same weights in modules of their own: a hook on one is not heard in the other.

    Parameters
    ----------
    model : HeadedModel

    Returns
    -------
    HeadedModel
        Its parameters and buffers are the very tensors of ``model``.
    """
    whole = model.body.model if model.network is None else model.network
    shared: dict[int, object] = {id(one): one for one in (*whole.parameters(), *whole.buffers())}
    network, inner = copy.deepcopy((whole, model.body.model), shared)
    body = replace(model.body, model=inner)
    return replace(model, body=body, network=None if model.network is None else network)


def side_by_side(
    model: HeadedModel,
    tasks: Sequence[Task],
    ask: Callable[[HeadedModel, Task, Watch], Answer],
    tell: Callable[[float], None],
) -> list[Answer]:
    """Ask a model independent questions, several at once.

    Parameters
    ----------
    model : HeadedModel
        Asked itself where one question is asked at a time, else through replicas.
    tasks : sequence
    ask : callable(model, task, watch)
        On a thread of its own; it may hook the model that it is given, and
        hands ``watch.cancelled`` on to what takes long.
    tell : callable(fraction)
        Called from the calling thread some times a second; what it raises stops
        all questions.

    Returns
    -------
    list
        The answers, in the order of the tasks.

    Raises
    ------
    Exception
        The first that a question or ``tell`` raised; the others are stopped.
    """
    stop = threading.Event()
    watches = [Watch(stop) for _ in tasks]
    n_workers = n_at_once(len(tasks), n_cores() if model.device.type == "cpu" else 1)
    free: queue.SimpleQueue[HeadedModel] = queue.SimpleQueue()
    for _ in range(n_workers):
        free.put(model if n_workers == 1 else replica(model))

    def one(number: int) -> Answer:
        own = free.get()
        try:
            return ask(own, tasks[number], watches[number])
        finally:
            watches[number].fraction = 1.0
            free.put(own)

    with _threads_each(n_workers), ThreadPoolExecutor(n_workers) as pool:
        waiting = {pool.submit(one, number): number for number in range(len(tasks))}
        answers: dict[int, Answer] = {}
        try:
            while waiting:
                for future in wait(waiting, POLL_S, FIRST_EXCEPTION).done:
                    answers[waiting.pop(future)] = future.result()
                tell(sum(watch.fraction for watch in watches) / len(tasks))
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [answers[number] for number in range(len(tasks))]


@contextmanager
def _threads_each(n_workers: int) -> Iterator[None]:
    """The cores shared out among the workers: torch takes this number in every thread that begins meanwhile."""
    before, each = torch.get_num_threads(), max(1, n_cores() // n_workers)
    torch.set_num_threads(each)
    try:
        with threadpool_limits(each, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
