"""Everything there is: recordings, stories, network atlases, surfaces and models, and how each is had.

Facts and digests of what is downloaded lie in ``embedded/pins.json``: sizes and
SHA-256 of the Pie Man parcels and of the toolbox's atlases; listeners and
lengths of the Narratives stories, from the data set's participants.tsv and from
github.com/snastase/narratives, code/event_meta.json.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from ..config import LOW_LEVEL
from ..errors import DownloadError, InputError, UnknownNameError
from . import hub_cache, model_catalogue, recordings, surfaces, text_sets
from .atlas_catalogue import FSAVERAGE, atlas_entries, folder_of, surface_entries
from .catalogue_entry import EMBEDDED, KINDS, SEE_SOURCE, Entry
from .data_folder import fetch_all, is_full, sizes_hold
from .download import Progress
from .mirror import MIRROR_VARIABLE
from .model_names import is_hub_id
from .open_data import ListenerFiles, RemoteFile, list_subjects, listener_files

_RAW = "https://raw.githubusercontent.com"
_S3 = "https://s3.amazonaws.com"
_PIEMAN = f"{_RAW}/nomcomm/narratives_pieman"
_PIEMAN_SERIES = f"{_PIEMAN}/bb1bff7ebe23ece8643199e5384eb2582588b1d9/data_pieman/extract_ts"
_PIEMAN_WORDS = f"{_PIEMAN}/3185022ea40b327e88bf20e056e82fb1e38c16ab/data_pieman/01_audio_text/align.csv"
_PIEMAN_SHEN = {
    "shen_2mm_268_parcellation.nii.gz": "https://www.nitrc.org/frs/download.php/7977/shen_2mm_268_parcellation.nii.gz",
    "shen_268_parcellation_networklabels.csv": "https://www.nitrc.org/frs/download.php/8072/shen_268_parcellation_networklabels.csv",
}
_NASTASE = (
    "Nastase SA, Liu YF, Hillman H, et al. 2021. The Narratives fMRI dataset for evaluating models of "
    "naturalistic language comprehension. Scientific Data 8:250. doi:10.1038/s41597-021-01033-3"
)
_LI = (
    "Li J, Bhattasali S, Zhang S, et al. 2022. Le Petit Prince multilingual naturalistic fMRI corpus. "
    "Scientific Data 9:530. doi:10.1038/s41597-022-01625-7"
)
_STORY_TERMS = "the spoken story belongs to its author: non-commercial research"
_NARRATIVES = {
    "pieman": "Pie Man", "tunnel": "Tunnel Under the World", "lucy": "Lucy",
    "prettymouth": "Pretty Mouth and Green My Eyes", "milkyway": "Milky Way",
    "slumlordreach": "Slumlord and Reach for the Stars",
    "notthefallintact": "It's Not the Fall That Gets You",
    "notthefalllongscram": "It's Not the Fall That Gets You (long scrambled parts)",
    "notthefallshortscram": "It's Not the Fall That Gets You (short scrambled parts)",
    "merlin": "Merlin", "sherlock": "Sherlock", "schema": "Schema",
    "shapesphysical": "Shapes (physical)", "shapessocial": "Shapes (social)", "21styear": "The 21st Year",
    "piemanpni": "Pie Man (PNI)", "bronx": "Running from the Bronx", "black": "I Knew You Were Black",
    "forgot": "The Man Who Forgot Ray Bradbury",
}  # fmt: skip


def entries(kind: str = "", data: str | Path | None = None) -> list[Entry]:
    """What there is.

    Parameters
    ----------
    kind : str
        One of `KINDS`; empty = all.
    data : path, optional
        The data folder; without it nothing that is downloaded counts as here.

    Raises
    ------
    UnknownNameError
        No such kind.
    """
    if kind and kind not in KINDS:
        raise UnknownNameError.nearest("kind", kind, KINDS)
    root = Path(data) if data is not None else None
    makers = dict(
        zip(
            KINDS,
            (_recordings, _stories, _atlases, surface_entries, _models, _texts),
            strict=True,
        )
    )
    return [made for name, make in makers.items() if kind in ("", name) for made in make(root)]


def entry(name: str, data: str | Path | None = None) -> Entry:
    """One entry.

    Raises
    ------
    UnknownNameError
        With the nearest known names.
    """
    known = {made.name: made for made in entries(data=data)}
    if name not in known:
        raise UnknownNameError.nearest("entry", name, known)
    return known[name]


def fetch(
    name: str,
    folder: str | Path,
    *,
    mirror: str | Path = "",
    subjects: Sequence[int] = (),
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Bring an entry into a data folder.

    Parameters
    ----------
    name : str
        Of an `Entry`, or the hub id ``org/name[@revision]`` of any model.
    folder : path
        The data folder; what is there and whole is not fetched again.
    mirror : str or path
        See `download.fetch_file`; another data folder will do.
    subjects : sequence of int
        One-based positions among the recording's listeners; empty = all.
    progress, cancelled : callable, optional
        See `download.fetch_file`; bytes are those of all files together.

    Returns
    -------
    Path
        The folder that holds it. Beside the files, ``downloads.json`` keeps the
        address, size and SHA-256 of each.

    Raises
    ------
    UnknownNameError, ModelError, DownloadError, CancelledError
        Files that were finished before stay.
    """
    if is_hub_id(name):
        return hub_cache.fetch_model(name, progress=progress, cancelled=cancelled)
    found = entry(name, folder)
    if found.how == "package" and found.kind == "model":  # a wheel is here, or its pip command is named
        return model_catalogue.wheel_paths(model_catalogue.model_card(name))[0].parent
    if found.how != "download":
        return _nothing_to_fetch(found)
    mirror = mirror or os.environ.get(MIRROR_VARIABLE, "")
    if found.name in FSAVERAGE and not mirror:
        return surfaces.fetch_surface(found.name, folder)
    files = _choose_files(found, subjects, mirror, cancelled)
    return fetch_all(files, Path(folder), mirror, progress, cancelled)


# ---------------------------------------------------------------- recordings and stories


def _recordings(data: Path | None) -> list[Entry]:
    own = Entry(
        "recording", "own", "A recording of your own", "fMRIPrep derivatives or a parcel table in your folder.",
        "your folder", False, terms="yours",
    )  # fmt: skip
    return [_simulated(), _pieman(data), *(_narratives(task, data) for task in _NARRATIVES), _lpp(data), own]


def _simulated() -> Entry:
    return Entry(
        "recording", "simulated", "Simulated story with planted truth",
        "8 listeners, 12 minutes, 640 volumes; made here from a text and a seed, with the truth known.", "embedded", True,
        licence="part of this project", source="docs/simulation.md", space="fsaverage5", tr=1.1, n_subjects=8,
    )  # fmt: skip


def _pieman(data: Path | None) -> Entry:
    files = tuple(
        RemoteFile(f"pieman/{path}", _pieman_url(path), sha256, size)
        for path, (size, sha256) in _pins()["pieman"].items()
    )
    return Entry(
        "recording", "pieman", "Pie Man (Narratives), parcels",
        "40 listeners, 7 minutes, 268 cortical and 25 other parcels, band-passed; 300 volumes.", "download",
        _pieman_here(data),
        citation=f"{_NASTASE}. Parcel time series: github.com/nomcomm/narratives_pieman",
        licence="CC0 (data)", terms=_STORY_TERMS, source="github.com/nomcomm/narratives_pieman",
        size_bytes=sum(file.size for file in files), space="shen268", tr=recordings.TR,
        n_subjects=sum("/timeseries/" in file.path for file in files), files=files,
    )  # fmt: skip


def _pieman_url(path: str) -> str:
    if path == "align.csv":
        return _PIEMAN_WORDS
    return _PIEMAN_SHEN.get(path) or f"{_PIEMAN_SERIES}/{path.removeprefix('timeseries/')}"


def _pieman_here(data: Path | None) -> bool:
    try:
        folder = recordings.find_pieman(data)
    except InputError:
        return False
    needed = ("align.csv", "shen_2mm_268_parcellation.nii.gz")
    return all(is_full(folder / name) for name in needed) and sizes_hold(folder)


def _narratives(task: str, data: Path | None) -> Entry:
    facts = _pins()["narratives"][task]
    length = f"{facts['story_trs']} volumes of story" if facts["story_trs"] else f"length: {SEE_SOURCE}"
    words = f"narratives/stimuli/gentle/{task}/align.csv"
    return Entry(
        "recording", f"narratives-{task}", f"{_NARRATIVES[task]} (Narratives)",
        f"{facts['n_subjects']} listeners on the cortical surface, {length}.", "download",
        _listeners_here(data, "narratives", words, rf"sub-\d+_task-{task}_.*hemi-[LR].*\.func\.gii", 2),
        citation=_NASTASE, licence="CC0 (data)", terms=_STORY_TERMS,
        source="openneuro.org/datasets/ds002345; datasets.datalad.org/labs/hasson/narratives",
        space="fsaverage6", tr=1.5, n_subjects=facts["n_subjects"],
        files=(RemoteFile(words, f"{_S3}/openneuro.org/ds002345/stimuli/gentle/{task}/align.csv"),),
    )  # fmt: skip


def _lpp(data: Path | None) -> Entry:
    words = "lpp-en/annotation/EN/lppEN_word_information.csv"
    return Entry(
        "recording", "lpp-en", "The Little Prince (English), voxels",
        "49 listeners, an audiobook of 9 sections and 15,345 words, in MNI space.", "download",
        _listeners_here(data, "lpp-en", words, r"sub-EN\d+_task-lppEN_.*_bold\.nii\.gz", 1),
        citation=_LI, licence="CC0", source="openneuro.org/datasets/ds003643",
        space="MNIColin27", tr=2.0, n_subjects=49,
        files=(RemoteFile(words, f"{_S3}/openneuro.org/ds003643/annotation/EN/lppEN_word_information.csv"),),
    )  # fmt: skip


def _listeners_here(data: Path | None, top: str, words: str, pattern: str, least: int) -> bool:
    """The words and at least one listener's files, none of them cut."""
    if data is None or not is_full(data / words):
        return False
    names = [path for path in (data / top).glob("sub-*/func/*") if re.fullmatch(pattern, path.name)]
    return sum(map(is_full, names)) >= least and sizes_hold(data / top)


def _stories(data: Path | None) -> list[Entry]:
    return [
        Entry(
            "story", "tide-clock", "The Tide Clock", "The text behind the simulated recording, our own writing.",
            "embedded", (EMBEDDED / "story.txt").is_file(), licence="part of this project", source="docs/simulation.md",
        )
    ]  # fmt: skip


# ---------------------------------------------------------------- atlases, models


def _atlases(data: Path | None) -> list[Entry]:
    return atlas_entries(data, _pins()["network_atlases"])


def _how(card: model_catalogue.ModelCard) -> str:
    if card.name == LOW_LEVEL:
        return "embedded"
    return "package" if card.package else "download"


def _models(data: Path | None) -> list[Entry]:
    return [
        Entry(
            "model", card.name, card.title, card.description, _how(card), card.here,
            citation=card.citation, licence=card.licence, terms="accept the licence on the hub first" if card.gated else "",
            source=card.how,
        )
        for card in model_catalogue.model_cards()
    ]  # fmt: skip


def _texts(data: Path | None) -> list[Entry]:
    return list(text_sets.text_sets(data))


# ---------------------------------------------------------------- fetching


def _nothing_to_fetch(found: Entry) -> Path:
    if found.how == "your folder":
        raise DownloadError(
            f"'{found.name}' cannot be fetched", found="a recording of your own",
            needed="its folder", do="name the folder with --data",
        )  # fmt: skip
    if found.how == "package" and not found.here:
        raise DownloadError(
            f"'{found.name}' is not downloaded: it lies in a package", found="no such package",
            needed=found.source, do="install it",
        )  # fmt: skip
    if found.kind == "texts":
        return text_sets.TEXTS
    return EMBEDDED if found.how == "embedded" else folder_of(found.name)


def _choose_files(
    found: Entry, subjects: Sequence[int], mirror: str | Path, cancelled: Callable[[], bool] | None
) -> list[RemoteFile]:
    if found.kind != "recording":
        return list(found.files)
    if found.name == "pieman":
        series = [file for file in found.files if "/timeseries/" in file.path]
        others = [file for file in found.files if file not in series]
        return others + _at_positions(found.name, series, subjects)
    if found.name == "lpp-en":
        names = list_subjects("openneuro.org", "ds003643/derivatives/", r"sub-EN\d{3}", mirror, cancelled)
    else:
        names = tuple(f"sub-{i:03d}" for i in _numbers(_pins()["narratives"][found.name[11:]]["subjects"]))
    chosen = _at_positions(found.name, list(names), subjects)
    return [*found.files, *_listener_files(found, chosen, bool(subjects), mirror, cancelled)]


def _at_positions(name: str, things: list, positions: Sequence[int]) -> list:
    wrong = [i for i in positions if not 1 <= i <= len(things)]
    if wrong or not things:
        raise DownloadError(
            f"'{name}' has no listener {wrong[0] if wrong else 1}", found=f"{len(things)} listeners",
            needed=f"positions from 1 to {len(things)}", do="change --subjects",
        )  # fmt: skip
    return [things[i - 1] for i in positions] if positions else things


def _places(found: Entry) -> tuple[ListenerFiles, ...]:
    if found.name == "lpp-en":
        pattern = r"{subject}_task-lppEN_run-\d+_space-MNIColin27_desc-preproc_bold\.nii\.gz"
        return (
            ListenerFiles(
                "openneuro.org", "ds003643/derivatives/{subject}/func/", pattern, "lpp-en/{subject}/func"
            ),
        )
    task = found.name.removeprefix("narratives-")
    runs, folder = rf"{{subject}}_task-{task}(_run-\d+)?", "narratives/{subject}/func"
    bold = "data/Projects/narratives/derivatives/afni-nosmooth/{subject}/func/"
    return (
        ListenerFiles("fcp-indi", bold, runs + r"_space-fsaverage6_hemi-[LR]_desc-clean\.func\.gii", folder),
        ListenerFiles("openneuro.org", "ds002345/{subject}/func/", runs + r"_events\.tsv", folder),
    )


def _listener_files(
    found: Entry, chosen: list[str], named: bool, mirror: str | Path, cancelled: Callable[[], bool] | None
) -> list[RemoteFile]:
    """Files of the chosen listeners; one without any is refused if it was named, else left out."""
    files = []
    for subject in chosen:
        parts = [listener_files(place, subject, mirror, cancelled) for place in _places(found)]
        if all(parts):
            files += [file for part in parts for file in part]
        elif named:
            raise _no_files(found, subject)
    if not files:
        raise _no_files(found, "any listener")
    return files


def _no_files(found: Entry, subject: str) -> DownloadError:
    other = (
        "datalad install ///labs/hasson/narratives"
        if "narratives" in found.name
        else f"the files at {found.source}"
    )
    return DownloadError(
        f"'{found.name}' has no files of {subject}", found="none in the public bucket or the mirror",
        needed="the recording and its events", do=f"use `{other}` and set {MIRROR_VARIABLE} to that folder",
    )  # fmt: skip


@lru_cache(maxsize=1)
def _pins() -> dict:
    return json.loads((EMBEDDED / "pins.json").read_text(encoding="utf-8"))


def _numbers(ranges: str) -> list[int]:
    """``1,4-6`` -> [1, 4, 5, 6]."""
    spans = [part.split("-") for part in ranges.split(",")]
    return [i for span in spans for i in range(int(span[0]), int(span[-1]) + 1)]
