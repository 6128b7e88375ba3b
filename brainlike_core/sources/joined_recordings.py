"""Recordings of several stories that the same people heard, one after the other in one recording."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ..errors import RecordingError
from ..values import Recording
from .gathering import room


def shared_listeners(listeners: Mapping[str, Collection[str]]) -> list[str]:
    """Names of those who heard every story, in the order of the first.

    Parameters
    ----------
    listeners : mapping
        Story -> names of its listeners.

    Examples
    --------
    >>> shared_listeners({"lucy": ["sub-026", "sub-052"], "tunnel": ["sub-004", "sub-052"]})
    ['sub-052']

    Raises
    ------
    RecordingError
        Nobody heard all of them.
    """
    first, *others = listeners.values()
    shared = [name for name in first if all(name in other for other in others)]
    if not shared:
        counts = ", ".join(f"{story}: {len(names)}" for story, names in listeners.items())
        raise RecordingError(
            "No listener heard all of these stories",
            found=f"none in common ({counts})",
            needed="listeners that are here with every story",
            do="choose stories of the same listeners, or fetch those who are missing",
        )
    return shared


def join_recordings(recordings: Sequence[Recording]) -> Recording:
    """Two or more recordings of the same listeners as one; each keeps its own z-scores and filter.

    Parameters
    ----------
    recordings : sequence of Recording
        In the order in which they are to follow each other.

    Returns
    -------
    Recording
        With ``stories``; bold (n_subjects, n_trs of all, n_locations). A location
        is marked constant where it never moves in any of them.

    Raises
    ------
    RecordingError
        They differ in listeners, space, locations, TR or filter.
    """
    first = recordings[0]
    for other in recordings[1:]:
        _check_alike(first, other)
    bold = room((first.n_subjects, sum(one.n_trs for one in recordings), first.n_locations))
    start = 0
    for one in recordings:
        bold[:, start : start + one.n_trs] = one.bold
        start += one.n_trs
    return Recording(
        name="+".join(one.name for one in recordings),
        title=" + ".join(one.title for one in recordings),
        bold=bold,
        tr=first.tr,
        subjects=first.subjects,
        space=first.space,
        locations=first.locations,
        vertex_location=first.vertex_location,
        constant=np.all([one.constant for one in recordings], axis=0),
        pass_band=first.pass_band,
        stories=tuple((one.name, one.n_trs) for one in recordings),
    )


def _check_alike(first: Recording, other: Recording) -> None:
    same_place = first.locations == other.locations and np.array_equal(
        first.vertex_location, other.vertex_location
    )
    facts = (
        ("listeners", _few(other.subjects), _few(first.subjects), first.subjects == other.subjects),
        ("space", other.space, first.space, first.space == other.space),
        ("locations", f"{other.n_locations}", f"the {first.n_locations} of {first.name}, where they lie",
         first.n_locations == other.n_locations and same_place),
        ("TR", f"{other.tr:g} s", f"{first.tr:g} s", abs(first.tr - other.tr) < 1e-6),
        ("filter", f"{other.pass_band} Hz", f"{first.pass_band} Hz", first.pass_band == other.pass_band),
    )  # fmt: skip
    for what, found, needed, alike in facts:
        if not alike:
            raise RecordingError(
                f"Stories '{first.name}' and '{other.name}' differ in their {what}",
                found=found,
                needed=needed,
                do="join recordings of one kind",
            )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
