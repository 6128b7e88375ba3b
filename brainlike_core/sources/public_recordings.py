"""Public recordings of people who heard a story: Narratives on the surface, Le Petit Prince in volumes.

Narratives (Nastase et al. 2021, doi:10.1038/s41597-021-01033-3), derivative
``afni-nosmooth``: motion, CompCor components, polynomials and fMRIPrep's cosines
(128 s) were regressed out of the runs on fsaverage6, without smoothing. Facts
about it are from github.com/snastase/narratives: ``code/extract_confounds.py``,
``code/run_regression.py`` and, for the scans that its authors leave out,
``code/scan_exclude.json`` at commit 886e3c121de57957d3af7665c4b327a3985e0d17.

Le Petit Prince, English (Li et al. 2022, doi:10.1038/s41597-022-01625-7): nine
sections of an audiobook, one run each, that start with the sound.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import RecordingError, UnknownNameError
from ..values import Recording
from .bids import WayToCortex
from .bids_layout import BidsRun, choose
from .fmri_guards import file_size
from .fmri_volumes import read_nifti
from .gathering import Progress, Run, gather, silent
from .spaces import cortex_vertices

NARRATIVES_TR = 1.5
NARRATIVES_HIGH_PASS = 1 / 128
LPP_TR = 2.0
# Volumes of sections 1 to 9, the last four of each after the sound.
LPP_TRS = (282, 298, 340, 303, 265, 343, 325, 292, 368)
MAX_EVENTS_BYTES = 1024**2
# Scans that the authors leave out of each story, by the start of the file name after the subject.
_EXCLUDED: dict[str, tuple[str, ...]] = {
    "21styear": (), "black": (), "bronx": (), "forgot": (),
    "lucy": ("sub-053", "sub-065"),
    "merlin": ("sub-158",),
    "milkyway": ("sub-038", "sub-105", "sub-123"),
    "notthefallintact": ("sub-317", "sub-335"),
    "notthefalllongscram": ("sub-066", "sub-335"),
    "notthefallshortscram": ("sub-333",),
    "pieman": (
        "sub-001_run-1", "sub-001_run-2", "sub-013_run-2", "sub-014_run-2", "sub-021", "sub-022",
        "sub-038", "sub-056", "sub-068", "sub-069",
    ),
    "piemanpni": (),
    "prettymouth": ("sub-038", "sub-105"),
    "schema": (), "shapesphysical": (),
    "shapessocial": ("sub-238",),
    "sherlock": (),
    "slumlordreach": ("sub-139",),
    "tunnel": ("sub-004", "sub-013"),
}  # fmt: skip


def narratives_stories() -> tuple[str, ...]:
    """Task names of the Narratives stories, sorted."""
    return tuple(sorted(_EXCLUDED))


def excluded_scans(story: str) -> tuple[str, ...]:
    """Scans of a story that the data set's authors leave out: ``sub-021``, or one run as ``sub-013_run-2``."""
    if story not in _EXCLUDED:
        raise UnknownNameError.nearest("story", story, _EXCLUDED)
    return _EXCLUDED[story]


def load_narratives(
    folder: str | Path,
    story: str,
    subjects: Sequence[int | str] = (),
    *,
    with_excluded: bool = False,
    meshes: str | Path | None = None,
    high_pass: float = NARRATIVES_HIGH_PASS,
    low_pass: float = 0.0,
    progress: Progress = silent,
) -> tuple[Recording, float]:
    """Load the listeners of one Narratives story on fsaverage5.

    Parameters
    ----------
    folder : path
        Holds ``sub-XXX/func/`` with ``sub-XXX_task-<story>[_run-N]_space-fsaverage6_hemi-{L,R}_desc-clean.func.gii``
        and ``sub-XXX_task-<story>[_run-N]_events.tsv``; or the parent of its folder narratives/.
    story : str
        One of `narratives_stories`.
    subjects : sequence of str or int
        Names, or one-based positions among the listeners that the folder holds; empty = all.
    with_excluded : bool
        Also take the scans that the authors leave out (`excluded_scans`).
    meshes : path, optional
        Folder with the fsaverage6 surface: see `spaces.mesh_weights`.
    high_pass, low_pass : Hz
        The data hold nothing below 1/128 Hz, so regressors must not either.
    progress : see `gather`

    Returns
    -------
    Recording
        TR 1.5 s. Of a listener who heard the story more than once, the first
        hearing that is not left out.
    story_onset_s : float
        Where the transcript's zero lies on the scan clock: the first onset of
        the events, the same for all listeners.

    Raises
    ------
    UnknownNameError
        Another story.
    RecordingError
        No listener, a missing hemisphere or events file, or a listener with
        another length or onset than the first (by name).
    """
    excluded = excluded_scans(story)
    found = _narratives_runs(_home(folder, "narratives"), story, () if with_excluded else excluded)
    if not found:
        raise RecordingError(
            f"No listener of '{story}' is here", found=f"no run of task-{story} in {Path(folder).name}",
            needed=f"sub-*/func/sub-*_task-{story}*_space-fsaverage6_hemi-L_desc-clean.func.gii and its right half",
            do=f"fetch narratives-{story}, or `datalad install ///labs/hasson/narratives`",
        )  # fmt: skip
    chosen = choose(sorted(found), subjects)
    runs = [found[name] for name in chosen]
    onset, way = _common_onset(runs), WayToCortex(meshes=meshes)
    recording = gather(
        f"narratives-{story}", chosen, lambda i: Run(way.read(runs[i])[0], NARRATIVES_TR),
        title=f"{story} (Narratives)", space="fsaverage5", vertex_location=cortex_vertices(),
        tr=NARRATIVES_TR, high_pass=max(high_pass, NARRATIVES_HIGH_PASS), low_pass=low_pass,
        progress=progress,
    )  # fmt: skip
    return recording, onset


def load_lpp(
    folder: str | Path,
    subjects: Sequence[int | str] = (),
    sections: Sequence[int] = (),
    *,
    detrend: bool = True,
    high_pass: float = 0.01,
    low_pass: float = 0.0,
    progress: Progress = silent,
) -> list[tuple[Recording, int]]:
    """Load English listeners of Le Petit Prince, projected to fsaverage5: one recording per section.

    Parameters
    ----------
    folder : path
        Holds ``sub-ENXXX/func/sub-ENXXX_task-lppEN_run-N_space-MNIColin27_desc-preproc_bold.nii.gz``;
        or the parent of its folder lpp-en/. Run numbers differ between
        listeners: in their order the runs are the sections, and each section
        has its own length (`LPP_TRS`), so some of the nine may be absent.
    subjects : sequence of str or int
        Names, or one-based positions among the listeners of the folder; empty = all.
    sections : sequence of int
        1 to 9; empty = all nine.
    detrend, high_pass, low_pass : see `cleaning.clean`
    progress : see `gather`; of each section

    Returns
    -------
    list of (Recording, section)
        TR 2 s; the sound starts with the first volume, and nothing is cut off
        (the last four volumes come after it). ``section`` is that of the word table.

    Raises
    ------
    RecordingError
        No such section or listener, a run of an unknown length or out of order,
        or a section that a chosen listener lacks (by name).
    """
    wanted = list(sections) or list(range(1, 10))
    wrong = [s for s in wanted if s not in range(1, 10) or wanted.count(s) > 1]
    if wrong:
        raise RecordingError(
            f"Le Petit Prince has no such section {wrong[0]}", found=str(wanted), needed="1 to 9, each once", do="change the sections"
        )  # fmt: skip
    home = _home(folder, "lpp-en")
    names = sorted(path.name for path in home.glob("sub-EN*") if path.is_dir())
    if not names:
        raise RecordingError(
            "No listener of Le Petit Prince is here", found=f"no sub-EN* in {home.name}",
            needed="sub-EN*/func/ with runs in MNIColin27", do="fetch lpp-en",
        )  # fmt: skip
    chosen = choose(names, subjects)
    runs = [_lpp_sections(home / name / "func", name, wanted) for name in chosen]
    return [
        (
            _lpp_recording([own[section] for own in runs], section, detrend, high_pass, low_pass, progress),
            section,
        )
        for section in wanted
    ]


def narratives_listeners(folder: str | Path, story: str) -> dict[str, int]:
    """Listeners of a story that `load_narratives` finds: name -> one-based position."""
    found = _narratives_runs(_home(folder, "narratives"), story, excluded_scans(story))
    return {name: i for i, name in enumerate(sorted(found), 1)}


def lpp_listeners(folder: str | Path, section: int) -> dict[str, int]:
    """Listeners of Le Petit Prince whose run of a section is here: name -> one-based position for `load_lpp`."""
    home = _home(folder, "lpp-en")
    names = sorted(path.name for path in home.glob("sub-EN*") if path.is_dir())
    return {
        name: i for i, name in enumerate(names, 1) if section in _lpp_sections(home / name / "func", name, ())
    }


# ---------------------------------------------------------------- Narratives


def _home(folder: str | Path, name: str) -> Path:
    folder = Path(folder)
    return folder / name if (folder / name).is_dir() else folder


def _narratives_runs(home: Path, story: str, excluded: Sequence[str]) -> dict[str, BidsRun]:
    """First run of each listener that is not left out, with the hemispheres that are there."""
    name = re.compile(
        rf"(sub-\d+)_task-{story}(?:_run-(\d+))?_space-fsaverage6_hemi-([LR])_desc-clean\.func\.gii"
    )
    halves: dict[tuple[str, int], list[Path]] = {}
    for path in sorted(home.glob(f"sub-*/func/sub-*_task-{story}_*_desc-clean.func.gii")):
        match = name.fullmatch(path.name)
        if match and not {match[1], f"{match[1]}_run-{match[2]}"} & set(excluded):
            halves.setdefault((match[1], int(match[2] or 0)), []).append(path)
    runs: dict[str, BidsRun] = {}
    for (subject, run), files in sorted(halves.items()):
        number = (("run", str(run)),) if run else ()
        entities = (("task", story), *number, ("space", "fsaverage6"))
        runs.setdefault(subject, BidsRun(subject, entities, "gifti", tuple(files)))
    return runs


def _common_onset(runs: Sequence[BidsRun]) -> float:
    """The onset that all listeners share; every file is looked for before any is read."""
    onsets = []
    for run in runs:
        if len(run.files) != 2:
            raise RecordingError(
                f"Listener {run.subject} has one hemisphere", found=run.files[0].name, needed="hemi-L and hemi-R",
                do="fetch it again, or leave this listener out with --subjects",
            )  # fmt: skip
        onsets.append(_first_onset(run))
        if abs(onsets[-1] - onsets[0]) > 0.01:
            raise RecordingError(
                f"Listener {run.subject} heard the story at another time", found=f"{onsets[-1]:g} s",
                needed=f"{onsets[0]:g} s as {runs[0].subject}", do="leave this listener out with --subjects",
            )  # fmt: skip
    return onsets[0]


def _first_onset(run: BidsRun) -> float:
    """Onset in the first row of the events table, seconds."""
    stem = run.files[0].name.partition("_space-")[0]
    path = run.files[0].with_name(f"{stem}_events.tsv")
    try:
        if file_size(path) > MAX_EVENTS_BYTES:
            raise ValueError("a table above 1 MiB")
        with open(path, encoding="utf-8-sig", newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"), None) or {}
        onset = float(row.get("onset") or "nan")
        if not 0 <= onset <= 3_600:
            raise ValueError(f"a first onset of {row.get('onset')!r}")
    except RecordingError as error:
        found: str = error.found
    except (OSError, ValueError, csv.Error) as error:
        found = str(error)[:120]
    else:
        return onset
    raise RecordingError(
        f"The events of {run.subject} cannot be used", found=f"{found} in {path.name}",
        needed="a table with the story's onset in seconds", do="fetch it again, or leave this listener out with --subjects",
    )  # fmt: skip


# ---------------------------------------------------------------- Le Petit Prince


def _lpp_sections(func: Path, subject: str, wanted: Sequence[int]) -> dict[int, BidsRun]:
    """Section -> run of one listener, from run numbers and lengths."""
    name = re.compile(rf"{subject}_task-lppEN_run-(\d+)_space-MNIColin27_desc-preproc_bold\.nii(\.gz)?")
    numbers = {int(match[1]): path for path in func.glob("*") if (match := name.fullmatch(path.name))}
    runs: dict[int, BidsRun] = {}
    for number, path in sorted(numbers.items()):
        n_trs = read_nifti(path).n_trs
        section = LPP_TRS.index(n_trs) + 1 if n_trs in LPP_TRS else 0
        if section <= max(runs, default=0):
            raise RecordingError(
                f"Run {number} of {subject} is no section that can follow", found=f"{n_trs} volumes after section {max(runs, default=0)}",
                needed=f"{', '.join(map(str, LPP_TRS))} volumes for sections 1 to 9, in order", do="fetch it again, or leave this listener out",
            )  # fmt: skip
        entities = (("task", "lppEN"), ("run", str(number)), ("space", "MNIColin27"))
        runs[section] = BidsRun(subject, entities, "nifti", (path,))
    absent = [section for section in wanted if section not in runs]
    if absent:
        raise RecordingError(
            f"Listener {subject} lacks section {absent[0]}", found=f"sections {', '.join(map(str, runs)) or 'none'}",
            needed=f"sections {', '.join(map(str, wanted))}", do="fetch lpp-en, or leave this listener out with --subjects",
        )  # fmt: skip
    return runs


def _lpp_recording(
    runs: Sequence[BidsRun],
    section: int,
    detrend: bool,
    high_pass: float,
    low_pass: float,
    progress: Progress,
) -> Recording:
    way = WayToCortex()
    return gather(
        f"lpp-en-{section}", [run.subject for run in runs], lambda i: Run(way.read(runs[i])[0], LPP_TR),
        title=f"The Little Prince (English), section {section}", space="fsaverage5", vertex_location=cortex_vertices(),
        tr=LPP_TR, detrend=detrend, high_pass=high_pass, low_pass=low_pass, progress=progress,
    )  # fmt: skip
