"""The selection in the address: run, atom, network, region, word.

The address is the one truth of the selection: a picker shows what the address
says and writes what the reader picks, so a link re-opens what is on screen.
Only enumerated names, integers and 64-hex ids (or a unique prefix of at least
12) are understood; all else is ignored with a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

FIELDS = ("run", "atom", "network", "region", "word")
MODES = ("present", "mesh")  # how pages are shown; travels with the selection
INSIDE = ("inside", "net")  # networks inside a model, and one of them; read by their page alone


@dataclass(frozen=True)
class Selection:
    """What the address asks for; None where it asks for nothing that is understood.

    Attributes
    ----------
    run : str or None
        64-hex id of a finished run.
    atom, region, word : int or None
    network : str or None
        A whole number, or a slug such as ``dorsal-attention``.
    ignored : tuple of str
        Names of parameters that were there and not understood.
    """

    run: str | None = None
    atom: int | None = None
    network: str | None = None
    region: int | None = None
    word: int | None = None
    ignored: tuple[str, ...] = ()


def parse_selection(query: Mapping[str, str], run_ids: Sequence[str]) -> Selection:
    """Read the selection from an address, strictly.

    Parameters
    ----------
    query : mapping of str to str
    run_ids : sequence of str
        Ids of the finished runs.

    Examples
    --------
    >>> parse_selection({"atom": "12", "region": "-1"}, [])
    Selection(run=None, atom=12, network=None, region=None, word=None, ignored=('region',))
    """
    readers: dict[str, Callable[[str], Any]] = {
        "run": lambda text: unique_run(text, run_ids),
        "atom": whole_number,
        "network": lambda text: text if re.fullmatch(r"[a-z0-9-]{1,60}", text, re.ASCII) else None,
        "region": whole_number,
        "word": whole_number,
    }
    found = {field: readers[field](query[field]) for field in FIELDS if field in query}
    return Selection(**found, ignored=tuple(field for field, value in found.items() if value is None))


def whole_number(text: str) -> int | None:
    """A number of an address, or None."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) else None


def unique_run(text: str, run_ids: Sequence[str]) -> str | None:
    if not re.fullmatch(r"[0-9a-f]{12,64}", text, re.ASCII):
        return None
    matches = [run_id for run_id in run_ids if run_id.startswith(text)]
    return matches[0] if len(matches) == 1 else None


def slug(name: str) -> str:
    """A network's name in an address.

    Examples
    --------
    >>> slug("Salience / ventral attention A")
    'salience-ventral-attention-a'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def network_index(text: str | None, networks: Sequence[str]) -> int | None:
    """The network that an address names, by place or by slug; None where the atlas has none such."""
    names = [slug(name) for name in networks]
    if text in names:
        return names.index(text)
    number = whole_number(text or "")
    return number if number is not None and number < len(networks) else None


def carried() -> dict[str, str]:
    """What of the address goes along to another page."""
    return {field: st.query_params[field] for field in (*FIELDS, *INSIDE, *MODES) if field in st.query_params}


def select(**fields: int | str | None) -> None:
    """Write parts of the selection to the address; None removes a part."""
    for field, value in fields.items():
        if value is None:
            st.query_params.pop(field, None)
        else:
            st.query_params[field] = str(value)
