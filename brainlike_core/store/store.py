"""A folder of results: asked for, written, verified and pruned, one at a time under its lock."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from ..errors import CancelledError, DamagedEntryError, StoreError
from ..values import Provenance
from ..whole_files import sync_folder
from .entries import MANIFEST, check_files, read_entry, read_manifest, write_entry
from .questions import Question, provenance_now


@dataclass(frozen=True)
class Verification:
    """What `Store.verify` found: keys that are whole, damaged, and bytes held."""

    whole: tuple[str, ...]
    damaged: tuple[str, ...]
    n_bytes: int


class Store:
    """A folder of results, addressed by the question they answer.

    Parameters
    ----------
    folder : path
        Created when absent.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).absolute()
        try:
            for part in ("entries", "locks", "incoming", "damaged"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The cache folder '{folder}' cannot be used",
                found=error.strerror or "an error",
                needed="a folder that can be written",
                do="choose another with --cache",
            ) from error

    # -- reading ---------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Whether an entry is there (it is verified when it is read)."""
        return (self._entry(key) / MANIFEST).is_file()

    def __iter__(self) -> Iterator[str]:
        """Keys of all entries, in no order."""
        for path in (self.folder / "entries").glob(f"??/*/{MANIFEST}"):
            yield path.parent.name

    def get(self, key: str) -> Any:
        """Read one entry, every byte checked.

        Returns
        -------
        value or tuple of values

        Raises
        ------
        KeyError
            When there is no such entry.
        DamagedEntryError
            When a file is missing, torn or altered.
        """
        entry = self._entry(key)
        value = read_entry(entry)
        _touch(entry / MANIFEST)
        return value

    def provenance(self, key: str) -> Provenance:
        """Where an entry came from."""
        fields = read_manifest(self._entry(key))["provenance"]
        return Provenance(**{**fields, "inputs": tuple(fields["inputs"])})

    # -- writing ---------------------------------------------------------------

    def put(self, question: Question, value: Any, *, seconds: float = 0.0, device: str = "cpu") -> str:
        """Write one entry atomically; an older one with the same key is replaced.

        Parameters
        ----------
        question : Question
        value : a value of `brainlike_core.values`, or a tuple of them
        seconds, device : recorded in the provenance

        Returns
        -------
        str
            The key.
        """
        key = question.key
        incoming = self.folder / "incoming" / f"{key}-{uuid.uuid4().hex}"
        try:
            incoming.mkdir()
            write_entry(incoming, key, value, provenance_now(question, seconds, device))
            self._publish(key, incoming)
        except OSError as error:
            raise StoreError(
                "A result could not be written to the cache",
                found=error.strerror or "an error",
                needed="free space and write permission",
                do="free some space (python -m brainlike_core prune) and run again",
            ) from error
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return key

    def remember(
        self,
        question: Question,
        compute: Callable[[], Any],
        *,
        device: str | Callable[[Any], str] = "cpu",
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Any:
        """The answer to a question: read when known, else computed once and kept.

        Many processes may ask at once: one computes, the others wait and read.
        ``device`` is recorded; a function of the answer says it afterwards.

        Raises
        ------
        CancelledError
            When ``cancelled()`` turns true while waiting.
        """
        with contextlib.suppress(KeyError, DamagedEntryError):
            return self.get(question.key)
        with self._lock(question.key, cancelled):
            found = self._get_or_set_aside(question.key)
            if found is not None:
                return found
            self._sweep(question.key)
            start = time.perf_counter()
            value = compute()
            where = device if isinstance(device, str) else device(value)
            self.put(question, value, seconds=time.perf_counter() - start, device=where)
            return self.get(question.key)

    # -- care ------------------------------------------------------------------

    def verify(self) -> Verification:
        """Check every byte of every entry; nothing is changed."""
        whole, damaged, n_bytes = [], [], 0
        for key in sorted(self):
            try:
                n_bytes += check_files(self._entry(key), read_manifest(self._entry(key)))
                whole.append(key)
            except DamagedEntryError:
                damaged.append(key)
        return Verification(tuple(whole), tuple(damaged), n_bytes)

    def prune(self, max_bytes: int) -> list[str]:
        """Remove the least recently used entries until the rest fit; returns their keys."""
        ages = []
        for key in self:
            entry = self._entry(key)
            size = sum(f.stat().st_size for f in entry.iterdir())
            ages.append(((entry / MANIFEST).stat().st_mtime, size, key))
        total, removed = sum(size for _, size, _ in ages), []
        for _, size, key in sorted(ages):
            if total <= max_bytes:
                break
            self.remove(key)
            removed.append(key)
            total -= size
        return removed

    def remove(self, key: str) -> None:
        """Remove one entry: it leaves by a rename, so no reader sees half of it."""
        with self._lock(key, lambda: False):
            gone = self.folder / "incoming" / f"{key}-{uuid.uuid4().hex}"
            if self._entry(key).exists():
                os.rename(self._entry(key), gone)
                shutil.rmtree(gone, ignore_errors=True)

    # -- inside ----------------------------------------------------------------

    def _entry(self, key: str) -> Path:
        if len(key) != 64 or any(c not in "0123456789abcdef" for c in key):
            raise KeyError(key)
        return self.folder / "entries" / key[:2] / key

    def _get_or_set_aside(self, key: str) -> Any:
        try:
            return self.get(key)
        except KeyError:
            return None
        except DamagedEntryError as error:
            warnings.warn(f"{error} It is set aside and computed again.", RuntimeWarning, stacklevel=3)
            self._set_aside(key)
            return None

    def _set_aside(self, key: str) -> None:
        os.rename(self._entry(key), self.folder / "damaged" / f"{key}-{uuid.uuid4().hex[:8]}")

    def _publish(self, key: str, incoming: Path) -> None:
        entry = self._entry(key)
        entry.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(incoming)
        if entry.exists():
            old = self.folder / "incoming" / f"{key}-{uuid.uuid4().hex}"
            os.rename(entry, old)
            shutil.rmtree(old, ignore_errors=True)
        os.rename(incoming, entry)
        sync_folder(entry.parent)

    @contextlib.contextmanager
    def _lock(self, key: str, cancelled: Callable[[], bool]) -> Iterator[None]:
        lock = filelock.FileLock(self.folder / "locks" / f"{key}.lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0.5, poll_interval=0.05)
            except filelock.Timeout:
                if cancelled():
                    raise CancelledError("Stopped while another process computes the same result") from None
        try:
            yield
        finally:
            lock.release()

    def _sweep(self, key: str) -> None:
        # Only called under the key's lock: what is left was abandoned by a dead process.
        for orphan in (self.folder / "incoming").glob(f"{key}-*"):
            shutil.rmtree(orphan, ignore_errors=True)


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):  # a read-only cache can still be read
        os.utime(path)
