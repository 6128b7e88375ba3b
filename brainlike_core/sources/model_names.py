"""The shape of a model's name: a short name, or a hub id ``org/name[@revision]``; no disk, no network."""

from __future__ import annotations

import re

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_HUB_ID = re.compile(rf"({_PART}/{_PART})(?:@({_PART}))?")


def is_hub_id(name: str) -> bool:
    """Is this ``org/name`` or ``org/name@revision``, as the hub itself would allow?

    Examples
    --------
    >>> is_hub_id("google-bert/bert-base-uncased@main"), is_hub_id("org/../name"), is_hub_id("org/name@")
    (True, False, False)
    """
    # '..' and '--' are what the hub forbids; the latter parts org and name in its cache folder.
    return bool(_HUB_ID.fullmatch(name)) and ".." not in name and "--" not in name


def is_short_name(name: str) -> bool:
    """Is this the shape of a short name, such as ``minilm-l6``?"""
    return bool(re.fullmatch(_PART, name))


def split_hub_id(name: str) -> tuple[str, str | None]:
    """``org/name@revision`` -> (``org/name``, ``revision`` or None).

    Examples
    --------
    >>> split_hub_id("org/name@v1"), split_hub_id("org/name")
    (('org/name', 'v1'), ('org/name', None))
    """
    repo, _, revision = name.partition("@")
    return repo, revision or None


def shorten(name: str, limit: int = 80) -> str:
    """A name cut to ``limit`` characters, so that no message repeats a whole book.

    Examples
    --------
    >>> shorten("abcdef", 4)
    'abc…'
    """
    return name if len(name) <= limit else name[: limit - 1] + "…"
