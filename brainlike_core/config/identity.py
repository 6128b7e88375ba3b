"""One text and one digest for every config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from typing import Any

from ..errors import ConfigError


def need(condition: bool, what: str, found: object, needed: str) -> None:
    """Refuse a setting outside its range with a `ConfigError`."""
    if not condition:
        name = what.split(" ")[0]
        raise ConfigError(f"Invalid value for {what}", found=repr(found), needed=needed, do=f"change {name}")


def digest(value: Any) -> str:
    """SHA-256 (64 hex characters) of a config's canonical JSON.

    Two configs have one digest exactly when every field is equal. A field with
    the metadata ``later`` counts only where it is set: what was asked before
    it was known keeps its digest.

    Examples
    --------
    >>> from brainlike_core.config import DictionaryConfig
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(n_atoms=64))
    True
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(seed=1))
    False
    """
    body = {"kind": type(value).__name__, "fields": _fields(value)}
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def _fields(value: Any) -> dict[str, Any]:
    fields = {}
    for one in dataclasses.fields(value):
        content = getattr(value, one.name)
        if dataclasses.is_dataclass(content):
            fields[one.name] = _fields(content)
        elif not (one.metadata.get("later") and content == one.default):
            fields[one.name] = content
    return fields


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Identified:
    """A config that is asked as a job: its digest is its id."""

    @property
    def id(self) -> str:
        """64 hex characters."""
        return digest(self)


def read_config(kind: type[Any], fields: dict[str, Any]) -> Any:
    """Rebuild a config from ``dataclasses.asdict``, as stored in JSON.

    Parameters
    ----------
    kind : a config class
    fields : dict
        Lists become tuples; configs inside are rebuilt too, and must be there.

    Raises
    ------
    KeyError, TypeError
        Fields of another version.
    ConfigError
        A value outside its range.
    """
    hints = typing.get_type_hints(kind)
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    for part in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[part.name]):
            values[part.name] = read_config(hints[part.name], fields[part.name])  # type: ignore[arg-type]
    return kind(**values)
