"""One text and one digest for every config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from ..errors import ConfigError


def need(condition: bool, what: str, found: object, needed: str) -> None:
    """Refuse a setting outside its range with a `ConfigError`."""
    if not condition:
        name = what.split(" ")[0]
        raise ConfigError(f"Invalid value for {what}", found=repr(found), needed=needed, do=f"change {name}")


def digest(value: Any) -> str:
    """SHA-256 (64 hex characters) of a config's canonical JSON.

    Two configs have one digest exactly when every field is equal.

    Examples
    --------
    >>> from brainlike_core.config import DictionaryConfig
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(n_atoms=64))
    True
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(seed=1))
    False
    """
    body = {"kind": type(value).__name__, "fields": dataclasses.asdict(value)}
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
