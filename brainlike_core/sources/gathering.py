"""One subject after the other into one `Recording`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RecordingError
from ..values import Recording
from .cleaning import clean, pass_band
from .fmri_guards import TR_RANGE

MAX_IN_MEMORY = 4 * 1024**3


@dataclass(frozen=True, eq=False)
class Run:
    """What was read of one subject.

    Attributes
    ----------
    values : float32 (n_trs, n_locations)
        NaN where a location has no data.
    tr : float
        Seconds; 0 where the files do not say.
    confounds : float64 (n_trs, n_confounds), optional
    """

    values: np.ndarray
    tr: float
    confounds: np.ndarray | None = None


Progress = Callable[[float], None]


def silent(fraction: float) -> None:
    """No one watches."""


def gather(
    name: str,
    subjects: Sequence[str],
    read: Callable[[int], Run],
    *,
    space: str,
    vertex_location: np.ndarray,
    title: str = "",
    tr: float = 0.0,
    detrend: bool = True,
    high_pass: float = 0.0,
    low_pass: float = 0.0,
    progress: Progress = silent,
) -> Recording:
    """Read, clean and keep each subject in turn; one is in memory at a time.

    Parameters
    ----------
    name, space, vertex_location : see `Recording`
    subjects : their names
    read : position -> Run
    title : str
        Empty = the name.
    tr : seconds, 0 = as the runs say
    detrend, high_pass, low_pass : see `cleaning.clean`
    progress : callable(fraction)
        Called before each subject; may raise to stop.

    Returns
    -------
    Recording
        bold (n_subjects, n_trs, n_locations), mapped from an unnamed temporary
        file where it exceeds 4 GiB.

    Raises
    ------
    RecordingError
        No TR, or a subject that differs from the first or cannot be cleaned.
    """
    bold = constant = None
    seconds = 0.0
    for i, subject in enumerate(subjects):
        progress(i / len(subjects))
        run = read(i)
        seconds = seconds or _known_tr(subject, tr or run.tr)
        if bold is None or constant is None:
            pass_band(seconds, high_pass, low_pass)  # refuse before any work
            bold = room((len(subjects), *run.values.shape))
            constant = np.empty((len(subjects), run.values.shape[1]), bool)
        first = (subjects[0], bold.shape[1], bold.shape[2], seconds)
        check_alike(first, (subject, *run.values.shape, seconds if tr else run.tr or seconds))
        bold[i], constant[i] = _cleaned(subject, run, seconds, detrend, high_pass, low_pass)
    if bold is None or constant is None:
        raise RecordingError(f"The recording '{name}' is empty", found="no subject", needed="at least one")
    locations = () if space == "fsaverage5" else tuple(f"Parcel {k + 1}" for k in range(bold.shape[2]))
    return Recording(
        name=name, title=title or name, bold=bold, tr=seconds, subjects=tuple(subjects), space=space,
        locations=locations, vertex_location=vertex_location, constant=constant,
        pass_band=pass_band(seconds, high_pass, low_pass),
    )  # fmt: skip


def check_alike(first: tuple[str, int, int, float], other: tuple[str, int, int, float]) -> None:
    """Refuse a subject, by name, of another length, number of locations or TR than the first.

    Parameters
    ----------
    first, other : (subject, n_trs, n_locations, tr in seconds)
    """
    for what, a, b in zip(("TRs", "locations"), first[1:3], other[1:3], strict=True):
        if a != b:
            raise _differs(other[0], f"{b} {what}", f"{a} {what} as in {first[0]}")
    if abs(first[3] - other[3]) > 1e-3:
        raise _differs(other[0], f"TR {other[3]:g} s", f"TR {first[3]:g} s as in {first[0]}")


def _differs(subject: str, found: str, needed: str) -> RecordingError:
    what = f"Subject {subject} does not fit the others"
    return RecordingError(what, found=found, needed=needed, do="leave this subject out with --subjects")


def _known_tr(subject: str, tr: float) -> float:
    if not TR_RANGE[0] <= tr <= TR_RANGE[1]:
        raise RecordingError(
            f"The TR of {subject} is not known", found=f"{tr:g} s",
            needed=f"{TR_RANGE[0]:g} to {TR_RANGE[1]:g} seconds", do="set the TR",
        )  # fmt: skip
    return tr


def _cleaned(
    subject: str, run: Run, tr: float, detrend: bool, high_pass: float, low_pass: float
) -> tuple[np.ndarray, np.ndarray]:
    try:
        scores, constant = clean(
            run.values, tr, confounds=run.confounds, detrend=detrend, high_pass=high_pass, low_pass=low_pass
        )
    except RecordingError as error:
        what = f"{error.what} of {subject}"
        raise RecordingError(what, found=error.found, needed=error.needed, do=error.do) from error
    if constant.all():
        raise RecordingError(
            f"Subject {subject} has no signal", found="no location that moves", needed="at least one",
            do="leave this subject out with --subjects",
        )  # fmt: skip
    return scores, constant


def room(shape: tuple[int, int, int]) -> np.ndarray:
    """Space for the time series: memory, or above 4 GiB a temporary file that no one else sees."""
    n_bytes = 4 * int(np.prod(shape, dtype=np.int64))
    try:
        if n_bytes <= MAX_IN_MEMORY:
            return np.empty(shape, np.float32)
        with tempfile.TemporaryFile() as file:  # the mapping keeps it alive
            return np.memmap(file, np.float32, "w+", shape=shape)
    except (OSError, MemoryError) as error:
        raise RecordingError(
            "The recording does not fit on this machine", found=f"{n_bytes / 1024**3:.1f} GiB",
            needed="that much memory or temporary space", do="choose fewer subjects, or parcels",
        ) from error  # fmt: skip
