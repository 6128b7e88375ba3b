"""Downloads under way in this process: begun from a page, seen from every tab, cancelled from any.

A download outlives a reload of the page, not the server; what was finished
before stays, and the next one goes on from there.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from . import inventory
from .errors import BrainlikeError, CancelledError


@dataclass(frozen=True)
class Download:
    """How a download stands.

    Attributes
    ----------
    name : str
        The catalogue's name.
    state : str
        ``running``, ``done``, ``cancelled`` or ``failed``.
    n_bytes, n_total : int
        0 total = not known.
    bytes_per_s : float
    message : str
        Why it failed.
    ended : float
        Seconds since the epoch; 0 while it runs.
    """

    name: str
    state: str
    n_bytes: int = 0
    n_total: int = 0
    bytes_per_s: float = 0.0
    message: str = ""
    ended: float = 0.0


_cards: dict[str, dict | str | None] = {}
_downloads: dict[str, Download] = {}
_stop: dict[str, threading.Event] = {}
_lock = threading.Lock()


def start(name: str, folder: str | None = None, mirror: str = "", subjects: tuple[int, ...] = ()) -> None:
    """Begin a download, unless it is under way: see `inventory.fetch`."""
    with _lock:
        if name in _downloads and _downloads[name].state == "running":
            return
        _downloads[name] = Download(name, "running")
        _stop[name] = threading.Event()
    threading.Thread(target=_fetch, args=(name, folder, mirror, subjects), daemon=True).start()


def _fetch(name: str, folder: str | None, mirror: str, subjects: tuple[int, ...]) -> None:
    def progress(done: int, total: int, speed: float) -> None:
        _note(name, n_bytes=done, n_total=total, bytes_per_s=speed)

    try:
        cancelled = _stop[name].is_set
        inventory.fetch(
            name, folder, mirror=mirror, subjects=subjects, progress=progress, cancelled=cancelled
        )
    except CancelledError:
        _note(name, state="cancelled", ended=time.time())
    except BrainlikeError as error:
        _note(name, state="failed", message=str(error), ended=time.time())
    except Exception as error:  # a thread's own traceback is seen by no one
        _note(name, state="failed", message=f"{type(error).__name__}: {error}", ended=time.time())
        raise
    else:
        _note(name, state="done", ended=time.time())


def _note(name: str, **fields: object) -> None:
    with _lock:
        _downloads[name] = replace(_downloads[name], **fields)  # type: ignore[arg-type]


def cancel(name: str) -> None:
    """Stop a download within half a second; finished files stay."""
    if name in _stop:
        _stop[name].set()


def model_card(name: str) -> dict | str | None:
    """The card of a model that a person names, why there is none, or None while the hub is asked: see
    `inventory.find_model`. A refusal is asked again when it is next begun by `forget_card`."""
    with _lock:
        if name not in _cards:
            _cards[name] = None
            threading.Thread(target=_find, args=(name,), daemon=True).start()
        return _cards[name]


def _find(name: str) -> None:
    found = inventory.find_model(name)
    with _lock:
        _cards[name] = found


def forget_card(name: str) -> None:
    """Ask anew the next time: after a download, or where there was no network."""
    with _lock:
        _cards.pop(name, None)


def downloads() -> dict[str, Download]:
    """By name: what runs, and what ended while this server ran."""
    with _lock:
        return dict(_downloads)
