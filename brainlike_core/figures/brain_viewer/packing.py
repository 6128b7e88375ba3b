"""Maps and meshes as blocks of bytes that the browser reads in place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

NO_DATA = -32768


def quantise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round maps to 16 bits, each by its own scale.

    Parameters
    ----------
    maps : float (n_maps, n_locations)
        NaN where there are no data.

    Returns
    -------
    values : int16 (n_maps, n_locations)
        -32768 where there are no data; otherwise ``maps = values * scale``.
    scales : float32 (n_maps,)
    """
    full = np.asarray(maps, dtype=np.float64)
    top = np.nanmax(np.abs(full), axis=1, initial=0.0)
    scales = np.where(top > 0, top / 32767, 1.0).astype("<f4")
    values = np.nan_to_num(np.round(full / scales[:, None]), nan=NO_DATA)
    return np.clip(values, NO_DATA, 32767).astype("<i2"), scales


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One block of bytes: header length, JSON header, arrays.

    Parameters
    ----------
    header : mapping
        Anything JSON can hold; ``digest`` and ``arrays`` are added.
    arrays : mapping of str to array

    Returns
    -------
    bytes
        uint32 length of the header, the header padded with spaces, then the
        arrays, all little-endian and each starting at a multiple of 4.
    """
    entries, parts, at = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        entries.append({"name": name, "type": array.dtype.str[1:], "at": at, "size": array.size})
        parts.append(raw + bytes(-len(raw) % 4))
        at += len(parts[-1])
    body = b"".join(parts)
    full = dict(header) | {"arrays": entries}
    named = hashlib.sha256(json.dumps(full).encode() + body).hexdigest()[:32]
    text = json.dumps(full | {"digest": named}).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + body


def digest(payload: bytes) -> str:
    """The content digest in the header of a packed block."""
    length = int.from_bytes(payload[:4], "little")
    return json.loads(payload[4 : 4 + length])["digest"]
