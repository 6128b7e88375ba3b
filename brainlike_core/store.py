"""The store: every result once, whole, and checked each time it is read.

An entry is a folder named by its key (64 hex characters). It holds one file
per array or table and a manifest with the SHA-256 of each file and of itself.
Entries appear by a single rename, so a reader sees "absent" or "whole".

Layout under the store's folder::

    entries/ab/abcd.../manifest.json, 0.atoms.npy, 0.metrics.parquet, ...
    locks/abcd....lock      one operating-system lock per key
    incoming/               entries being written; orphans are swept
    damaged/                entries that failed their checksums, set aside
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import platform
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import __version__, values
from .config import canonical_json
from .errors import CancelledError, DamagedEntryError, StoreError
from .values import Provenance

FORMAT = 1
_KINDS = {
    name: kind
    for name, kind in vars(values).items()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name not in ("Run", "Provenance")
}
_PACKAGES = ("numpy", "scipy", "torch", "transformers", "numba", "nilearn")


@dataclass(frozen=True)
class Question:
    """What a step is asked: its key is the address of the answer.

    Attributes
    ----------
    step : str
    version : int
        Raised when the step's code changes its results.
    config : dict
    inputs : tuple of str
        Digests of everything else the step reads.
    """

    step: str
    version: int
    config: dict
    inputs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """SHA-256 of step, version, canonical config and inputs: 64 hex characters."""
        body = canonical_json([self.step, self.version, self.config, list(self.inputs)])
        return hashlib.sha256(body.encode()).hexdigest()


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
        return (self._entry(key) / "manifest.json").is_file()

    def __iter__(self) -> Iterator[str]:
        """Keys of all entries, in no order."""
        for path in (self.folder / "entries").glob("??/*/manifest.json"):
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
        manifest = self._manifest(key)
        _check_files(entry, manifest)
        try:
            parts = tuple(_decode(entry, part) for part in manifest["values"])
        except Exception as error:
            raise _damaged(key, f"{type(error).__name__}: {error}") from error
        _touch(entry / "manifest.json")
        return parts if manifest["many"] else parts[0]

    def provenance(self, key: str) -> Provenance:
        """Where an entry came from."""
        fields = self._manifest(key)["provenance"]
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
            parts = value if isinstance(value, tuple) else (value,)
            encoded = [_encode(incoming, i, part) for i, part in enumerate(parts)]
            body = {
                "format": FORMAT,
                "key": key,
                "many": isinstance(value, tuple),
                "values": encoded,
                "provenance": dataclasses.asdict(_provenance(question, seconds, device)),
            }
            _write_synced(incoming / "manifest.json", _sealed(body))
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
                n_bytes += _check_files(self._entry(key), self._manifest(key))
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
            ages.append(((entry / "manifest.json").stat().st_mtime, size, key))
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

    def _manifest(self, key: str) -> dict:
        try:
            text = (self._entry(key) / "manifest.json").read_bytes()
        except FileNotFoundError as error:
            raise KeyError(key) from error
        try:
            sealed = json.loads(text)
            body, seal = sealed["body"], sealed["sha256"]
            intact = seal == _seal(body) and body["key"] == key and body["format"] == FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(key, "an unreadable manifest") from error
        if not intact:
            raise _damaged(key, "an altered manifest")
        return body

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
        _sync_folder(incoming)
        if entry.exists():
            old = self.folder / "incoming" / f"{key}-{uuid.uuid4().hex}"
            os.rename(entry, old)
            shutil.rmtree(old, ignore_errors=True)
        os.rename(incoming, entry)
        _sync_folder(entry.parent)

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


# -- one value <-> files -----------------------------------------------------------


def _encode(folder: Path, index: int, value: Any) -> dict:
    fields = {}
    for item in dataclasses.fields(value):
        content = getattr(value, item.name)
        if isinstance(content, np.ndarray):
            name = f"{index}.{item.name}.npy"
            with open(folder / name, "wb") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(content), allow_pickle=False)
        elif isinstance(content, pd.DataFrame):
            name = f"{index}.{item.name}.parquet"
            table = pa.Table.from_pandas(content, preserve_index=False)
            pq.write_table(table, folder / name, write_page_checksum=True)
        else:
            fields[item.name] = {"json": _plain(content)}
            continue
        _sync_file(folder / name)
        size = (folder / name).stat().st_size
        fields[item.name] = {"file": name, "sha256": file_sha256(folder / name), "bytes": size}
    return {"kind": type(value).__name__, "fields": fields}


def _decode(folder: Path, part: dict) -> Any:
    contents = {}
    for name, field in part["fields"].items():
        if "json" in field:
            contents[name] = _tuples(field["json"])
        elif field["file"].endswith(".parquet"):
            contents[name] = pq.read_table(
                folder / field["file"], page_checksum_verification=True
            ).to_pandas()
        else:
            large = field["bytes"] > 2**20
            contents[name] = np.load(
                folder / field["file"], mmap_mode="r" if large else None, allow_pickle=False
            )
    return _KINDS[part["kind"]](**contents)


def _plain(content: Any) -> Any:
    if isinstance(content, np.generic):
        return content.item()
    if isinstance(content, dict):
        return {str(k): _plain(v) for k, v in content.items()}
    if isinstance(content, tuple | list):
        return [_plain(v) for v in content]
    return content


def _tuples(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(_tuples(v) for v in content)
    if isinstance(content, dict):
        return {k: _tuples(v) for k, v in content.items()}
    return content


# -- manifests and files -----------------------------------------------------------


def _seal(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _sealed(body: dict) -> bytes:
    plain = json.loads(json.dumps(body))  # tuples become lists before they are sealed
    return json.dumps({"body": plain, "sha256": _seal(plain)}, indent=1).encode()


def _check_files(entry: Path, manifest: dict) -> int:
    total = 0
    for part in manifest["values"]:
        for field in part["fields"].values():
            if "file" not in field:
                continue
            path = entry / Path(field["file"]).name
            try:
                intact = path.stat().st_size == field["bytes"] and file_sha256(path) == field["sha256"]
            except OSError:
                intact = False
            if not intact:
                raise _damaged(manifest["key"], f"a wrong checksum of {path.name}")
            total += field["bytes"]
    return total


def _damaged(key: str, found: str) -> DamagedEntryError:
    return DamagedEntryError(
        f"Stored result {key[:12]} is damaged",
        found=found,
        needed="the bytes that were written",
        do="run again to compute it once more",
    )


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes: 64 hex characters."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_sync_folder = _sync_file


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):  # a read-only cache can still be read
        os.utime(path)


def _provenance(question: Question, seconds: float, device: str) -> Provenance:
    return Provenance(
        step=question.step,
        step_version=question.version,
        config=question.config,
        inputs=question.inputs,
        code_version=__version__,
        packages={"python": platform.python_version(), **{p: _version(p) for p in _PACKAGES}},
        device=device,
        utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
