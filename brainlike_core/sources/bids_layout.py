"""Which runs a folder of BIDS derivatives holds, and which one of each subject is meant.

Names follow BIDS Derivatives (bids-specification.readthedocs.io; Gorgolewski et
al. 2016, doi:10.1038/sdata.2016.44) as fMRIPrep writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import RecordingError
from .fmri_guards import to_seconds

MAX_SIDECAR_BYTES = 1024**2
NATIVE = "native"
Entities = tuple[tuple[str, str], ...]
_KINDS = {".func.gii": "gifti", ".dtseries.nii": "cifti", ".nii.gz": "nifti", ".nii": "nifti"}
_NAME = re.compile(r"((?:[a-z]+-[A-Za-z0-9]+_)+)bold(\.func\.gii|\.dtseries\.nii|\.nii\.gz|\.nii)")
_LAYOUT = "sub-*/[ses-*/]func/ with *_bold.nii.gz, *_hemi-{L,R}*_bold.func.gii or *_bold.dtseries.nii"


@dataclass(frozen=True)
class BidsRun:
    """One run of one subject in one space.

    Attributes
    ----------
    subject : str
        Such as ``sub-01``.
    entities : tuple of (key, value)
        What the file name says besides subject and hemisphere, in its order.
    kind : {'gifti', 'nifti', 'cifti'}
    files : tuple of Path
        One, or left and right; a lone hemisphere stands alone.
    """

    subject: str
    entities: Entities
    kind: str
    files: tuple[Path, ...]

    def entity(self, key: str) -> str:
        """Value of one entity, '' where the name has none."""
        return dict(self.entities).get(key, "")

    @property
    def task(self) -> str:
        return self.entity("task")

    @property
    def space(self) -> str:
        """As named; ``native`` for volumes without a space."""
        return self.entity("space") or ("fsLR" if self.kind == "cifti" else NATIVE)

    @property
    def usable(self) -> bool:
        """Is it in a space that leads to fsaverage5?"""
        spaces = {"gifti": ("fsaverage", "fsLR"), "nifti": ("MNI",), "cifti": ("fsLR",)}
        return self.space.startswith(spaces[self.kind])

    @property
    def label(self) -> str:
        """The entities in one word, such as ``task-story_run-1_space-fsaverage5``."""
        return "_".join(f"{key}-{value}" for key, value in self.entities)


def find_bids_runs(
    folder: str | Path, *, task: str = "", space: str = "", subjects: Sequence[int | str] = ()
) -> list[BidsRun]:
    """The runs that a derivatives folder holds, sorted by subject and name.

    Parameters
    ----------
    folder : path
        Holds ``sub-*/[ses-*/]func/``.
    task, space : str
        Only these; empty = all. More entities narrow further: ``story_run-1``,
        ``ses-2``'s as ``story_ses-2``, ``MNI152NLin2009cAsym_res-2``.
    subjects : sequence of str or int
        Names with or without ``sub-``, or one-based positions among the sorted
        subjects of the folder; empty = all.

    Returns
    -------
    list of BidsRun

    Raises
    ------
    RecordingError
        No such folder or run, or a subject that it lacks.
    """
    folder = Path(folder)
    runs = _scan(folder)
    if not runs:
        raise RecordingError(
            f"The folder {folder.name} holds no fMRI", found="no *_bold file" if folder.is_dir() else "no folder",
            needed=_LAYOUT, do="name the derivatives folder of fMRIPrep",
        )  # fmt: skip
    chosen = choose(sorted({run.subject for run in runs}), subjects)
    wanted = [
        run
        for run in runs
        if _fits(run.task, run, task.removeprefix("task-"))
        and _fits(run.space, run, space.removeprefix("space-"))
    ]
    if not wanted:
        tasks, spaces = (", ".join(sorted({name for name in names if name})[:12]) for names in _names(runs))
        raise RecordingError(
            f"There is no run of task '{task}' in space '{space}'", found=f"tasks {tasks}, and spaces {spaces}",
            needed="one of them", do="change --task and --space",
        )  # fmt: skip
    return [run for run in wanted if run.subject in chosen]


def _names(runs: list[BidsRun]) -> tuple[list[str], list[str]]:
    return [run.task for run in runs], [run.space for run in runs]


def choose(names: Sequence[str], subjects: Sequence[int | str]) -> list[str]:
    """Names of the chosen subjects, in the order asked for; empty = all.

    Raises
    ------
    RecordingError
        A subject that there is not, or one twice.
    """
    if not subjects:
        return list(names)
    chosen = []
    for subject in subjects:
        name = str(subject) if str(subject) in names else f"sub-{subject}"
        if isinstance(subject, int):
            name = names[subject - 1] if 1 <= subject <= len(names) else ""
        if name not in names or name in chosen:
            raise RecordingError(
                f"There is no {'second ' if name in chosen else ''}subject {subject}", found=f"{len(names)} subjects",
                needed=f"a position from 1 to {len(names)}, or one of {', '.join(names[:12])}", do="change --subjects",
            )  # fmt: skip
        chosen.append(name)
    return chosen


def _scan(folder: Path) -> list[BidsRun]:
    found: dict[tuple[str, Entities, str], list[Path]] = {}
    for path in sorted([*folder.glob("sub-*/func/*_bold.*"), *folder.glob("sub-*/ses-*/func/*_bold.*")]):
        match = _NAME.fullmatch(path.name)
        if not match or not path.is_file():
            continue
        pairs = [
            (key, value) for key, _, value in (part.partition("-") for part in match[1].strip("_").split("_"))
        ]
        subject = f"sub-{dict(pairs).get('sub', '')}"
        entities = tuple(pair for pair in pairs if pair[0] not in ("sub", "hemi"))
        if subject in path.parts:
            found.setdefault((subject, entities, _KINDS[match[2]]), []).append(path)
    return [
        BidsRun(subject, entities, kind, tuple(paths))
        for (subject, entities, kind), paths in sorted(found.items())
    ]


def _fits(value: str, run: BidsRun, wanted: str) -> bool:
    """Is it the task or space that is wanted, with the further entities that are?"""
    first, *others = wanted.split("_")
    pairs = [(key, value) for key, _, value in (part.partition("-") for part in others)]
    return (not first or first == value) and all(pair in run.entities for pair in pairs)


def one_per_subject(runs: list[BidsRun], task: str, space: str) -> list[BidsRun]:
    """One usable run of each subject, or a sentence that lists what there is to choose from."""
    _check_choice("task", sorted({run.task for run in runs}), task)
    usable = [run for run in runs if run.usable]
    spaces = sorted({run.space for run in usable})
    if not usable:
        raise RecordingError(
            "No run can be brought to fsaverage5",
            found=", ".join(sorted({f"{run.kind} in {run.space}" for run in runs})[:8]),
            needed="surfaces on fsaverage, CIFTI on fsLR, or volumes in an MNI space", do="check --task and --space",
        )  # fmt: skip
    _check_choice("space", spaces, space)
    kinds = sorted({run.kind for run in usable})  # fsLR may come as CIFTI and as GIfTI
    usable = [run for run in usable if run.kind == kinds[0]]
    chosen = []
    for subject in sorted({run.subject for run in runs}):
        own = [run for run in usable if run.subject == subject]
        plain = [run for run in own if run.entity("desc") in ("", "preproc")]
        own = own if len(own) == 1 else plain or own
        if len(own) != 1:
            raise RecordingError(
                f"Subject {subject} has {len(own)} runs in {spaces[0]}", found=", ".join(run.label for run in own[:6]) or "none",
                needed="one", do="narrow the task or the space, such as story_run-1 or MNI152NLin6Asym_res-2",
            )  # fmt: skip
        chosen.append(own[0])
    for run in chosen:
        halves = re.findall(r"hemi-([LR])", " ".join(path.name for path in run.files))
        if run.kind == "gifti" and halves != ["L", "R"]:
            raise wrong_bids_run(
                run, run.files[0].name, "both hemispheres", "add the other one, or leave this subject out"
            )
    return chosen


def _check_choice(what: str, names: list[str], wanted: str) -> None:
    if len(names) > 1 and not wanted:
        raise RecordingError(
            f"There are several {what}s",
            found=", ".join(names[:20]),
            needed="one",
            do=f"name one with --{what}",
        )


def sidecar_tr(path: Path) -> float:
    """RepetitionTime of the JSON file beside a run; 0 where there is none."""
    stem = re.sub(r"(\.func\.gii|\.dtseries\.nii|\.nii(\.gz)?)$", "", path.name)
    sidecar = path.with_name(f"{stem}.json")
    try:
        if sidecar.stat().st_size > MAX_SIDECAR_BYTES:
            return 0.0
        notes = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return 0.0
    return to_seconds(notes.get("RepetitionTime", ""), "sec") if isinstance(notes, dict) else 0.0


def wrong_bids_run(run: BidsRun, found: str, needed: str, do: str) -> RecordingError:
    what = f"The run {run.label} of {run.subject} cannot be used"
    return RecordingError(what, found=found, needed=needed, do=do)
