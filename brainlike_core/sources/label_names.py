"""Names of atlas labels from a small table: TSV, CSV, JSON or text."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from ..errors import AtlasError

MAX_BYTES = 1024 * 1024
_HEADS = {"index", "label", "labels", "number", "id", "key", "value", "#"}


def read_names(path: str | Path) -> dict[int, str]:
    """Names by label number.

    Parameters
    ----------
    path : path
        ``.tsv`` or ``.csv``: number and name in the first two columns, with or
        without a header. ``.json``: ``{"1": "Visual"}``, ``["Visual", ...]``
        (from 1), or ``[{"index": 1, "name": "Visual"}]``. Other text: ``1
        Visual`` a line (what follows the name, as in FreeSurfer's colour
        tables, is left out), or one name a line, from 1.

    Raises
    ------
    AtlasError
        Not readable, not such a table, or one number with two names.
    """
    path = Path(path)
    text = _read(path)
    try:
        rows = _from_json(text) if path.suffix.lower() == ".json" else _from_lines(text, path.suffix.lower())
    except (ValueError, KeyError, TypeError, IndexError, csv.Error, RecursionError) as error:
        raise _wrong(path, str(error) or type(error).__name__) from error
    names: dict[int, str] = {}
    for number, name in rows:
        if names.setdefault(number, name) != name:
            raise _wrong(path, f"label {number} is both '{names[number][:40]}' and '{name[:40]}'")
    if not names:
        raise _wrong(path, "no names")
    return names


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from error
    if len(raw) > MAX_BYTES or b"\0" in raw:
        raise _wrong(path, "more than 1 MiB" if len(raw) > MAX_BYTES else "bytes that are no text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _from_json(text: str) -> list[tuple[int, str]]:
    table = json.loads(text)
    if isinstance(table, dict):
        return [(int(number), _word(name)) for number, name in table.items()]
    if table and all(isinstance(row, dict) for row in table):
        return [(int(row["index"]), _word(row["name"])) for row in table]
    return [(i, _word(name)) for i, name in enumerate(table, 1)]


def _word(name: object) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{name!r} where a name should be")
    return name.strip()


def _from_lines(text: str, suffix: str) -> list[tuple[int, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if suffix in (".tsv", ".csv"):
        rows = [row for row in csv.reader(lines, delimiter="\t" if suffix == ".tsv" else ",")]
        if rows and rows[0][0].strip().lower() in _HEADS:
            rows = rows[1:]
        return [(int(row[0]), row[1].strip()) for row in rows]
    if any(re.match(r"\s*-?\d+\s", line) for line in lines):
        return [(int(line.split()[0]), line.split()[1]) for line in lines]
    return [(i, line.strip()) for i, line in enumerate(lines, 1)]


def _wrong(path: Path, found: str) -> AtlasError:
    return AtlasError(
        f"The names in {path.name} cannot be used", found=found[:200],
        needed="one label number and one name a row", do="correct the table",
    )  # fmt: skip
