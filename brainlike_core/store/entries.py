"""One entry's folder: values as files, and the manifest that proves them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .. import values
from ..errors import DamagedEntryError
from ..values import Provenance
from ..whole_files import file_sha256, sync_file, write_synced

FORMAT = 1
MANIFEST = "manifest.json"
_MAPPED_BYTES = 2**20  # larger arrays stay on the disk until they are used
_KINDS = {
    name: kind
    for name, kind in vars(values).items()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name not in ("Run", "Provenance")
}


def write_entry(folder: Path, key: str, value: Any, provenance: Provenance) -> None:
    """Write a value, or a tuple of values, and its manifest, all of it on the disk when this returns."""
    many = isinstance(value, tuple)
    body = {
        "format": FORMAT,
        "key": key,
        "many": many,
        "values": [_encode(folder, i, part) for i, part in enumerate(value if many else (value,))],
        "provenance": dataclasses.asdict(provenance),
    }
    write_synced(folder / MANIFEST, _sealed(body))


def read_entry(folder: Path) -> Any:
    """The value of an entry, or its tuple of values, every byte checked.

    Raises
    ------
    KeyError
        When there is no such entry.
    DamagedEntryError
        When a file is missing, torn or altered.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    try:
        parts = tuple(_decode(folder, part) for part in manifest["values"])
    except Exception as error:  # a file can be what was written and yet no value of this version
        raise _damaged(folder.name, f"{type(error).__name__}: {error}") from error
    return parts if manifest["many"] else parts[0]


def read_manifest(folder: Path) -> dict:
    """The manifest of an entry, whose folder is named by its key.

    Raises
    ------
    KeyError
        When there is no such entry.
    DamagedEntryError
        When it is torn or altered, or that of another entry.
    """
    key = folder.name
    try:
        text = (folder / MANIFEST).read_bytes()
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


def check_files(folder: Path, manifest: dict) -> int:
    """The bytes that an entry's files hold together, each file checked.

    Raises
    ------
    DamagedEntryError
        When a file is missing, torn or altered.
    """
    total = 0
    for part in manifest["values"]:
        for field in part["fields"].values():
            if "file" not in field:
                continue
            path = folder / Path(field["file"]).name
            try:
                intact = path.stat().st_size == field["bytes"] and file_sha256(path) == field["sha256"]
            except OSError:
                intact = False
            if not intact:
                raise _damaged(manifest["key"], f"a wrong checksum of {path.name}")
            total += field["bytes"]
    return total


def _sealed(body: dict) -> bytes:
    plain = json.loads(json.dumps(body))  # tuples become lists before they are sealed
    return json.dumps({"body": plain, "sha256": _seal(plain)}, indent=1).encode()


def _seal(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _damaged(key: str, found: str) -> DamagedEntryError:
    return DamagedEntryError(
        f"Stored result {key[:12]} is damaged",
        found=found,
        needed="the bytes that were written",
        do="run again to compute it once more",
    )


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
        sync_file(folder / name)
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
            large = field["bytes"] > _MAPPED_BYTES
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
