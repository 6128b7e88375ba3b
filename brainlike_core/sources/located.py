"""From a recording's settings to its files: what they are made of, and how they are read.

A recording is a name of the catalogue or a folder of one's own. What it is made
of becomes a digest, so that changed files are a new question to the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import RecordingConfig
from ..errors import RecordingError, StoryError, UnknownNameError
from ..values import Recording, Story
from ..whole_files import file_sha256
from . import catalogue, recordings
from .bids_layout import choose
from .gathering import Progress, silent
from .joined_recordings import join_recordings, shared_listeners
from .stories import read_story

# Hashing reads every byte; beyond this, size and time of change must do.
MAX_HASHED_BYTES = 2 * 1024**3
_READ = (".npy", ".csv", ".tsv", ".json", ".nii", ".gz", ".gii")


@dataclass(frozen=True)
class Located:
    """A recording that was found.

    Attributes
    ----------
    settings : dict
        What of the config its reading depends on, JSON-ready.
    digest : str
        Of the files it is read from: 64 hex characters.
    load : callable(progress) -> (Recording, Story, ...)
        One story, or each of several.
        ``progress(fraction)`` is called after each listener, and may raise to stop.
    """

    settings: dict
    digest: str
    load: Callable[..., tuple[Recording, Story, *tuple[Story, ...]]]


def known_names() -> list[str]:
    """Names that `locate` takes, beside the path of a folder."""
    names = [entry.name for entry in catalogue.entries("recording")]
    return ["simulated", *(n for n in names if n not in ("simulated", "own"))]


def check_name(config: RecordingConfig) -> None:
    """Refuse a recording that is neither of the catalogue nor a folder with a story.

    Raises
    ------
    UnknownNameError, RecordingError, StoryError
    """
    if config.also:
        for part in config.parts:
            check_name(part)
        return
    if config.name in known_names():
        return
    folder = Path(config.name).expanduser()
    if "/" not in config.name and not folder.is_dir():
        raise UnknownNameError.nearest("recording", config.name, known_names())
    if not folder.is_dir():
        raise RecordingError(
            "The recording's folder is not there",
            found=f"no folder '{config.name}'",
            needed="fMRIPrep derivatives, or one table of parcels per subject",
            do="check the path",
        )
    if not config.story:
        raise StoryError(
            "A recording of one's own needs its story",
            found="no transcript",
            needed="the words that were heard, with their times",
            do="name it with --story",
        )


def native_space(config: RecordingConfig, recording: Recording) -> str:
    """The space that a recording came in, before its vertices were brought to fsaverage5.

    What was named in the config, else what the catalogue says, else ``recording.space``.
    """
    if config.space or recording.space != "fsaverage5":
        return config.space or recording.space
    known = {entry.name: entry.space for entry in catalogue.entries("recording")}
    return known.get(config.name, "") or recording.space


def locate(config: RecordingConfig, data: str | Path | None) -> Located:
    """Find a recording.

    Parameters
    ----------
    config : RecordingConfig
        Any but ``simulated``.
    data : path or None
        The data folder.

    Raises
    ------
    BrainlikeError
        It is not known, or not there.
    """
    check_name(config)
    if config.also:
        return _together(config, data)
    if config.name == "pieman":
        return _pieman(config, data)
    if config.name.startswith("narratives-"):
        return _narratives(config, data)
    if config.name == "lpp-en":
        return _lpp(config, data)
    return _own(config, data)


def _pieman(config: RecordingConfig, data: str | Path | None) -> Located:
    folder = recordings.find_pieman(data)

    def load(progress: Progress = silent) -> tuple[Recording, Story]:
        return recordings.load_pieman(folder, config.subjects)

    settings = {"name": "pieman", "subjects": list(config.subjects)}
    return Located(settings, recordings.folder_digest(folder), load)


def _together(config: RecordingConfig, data: str | Path | None) -> Located:
    """Several stories, heard by those who are here with all of them."""
    parts = [locate(part, data) for part in config.parts]

    def load(progress: Progress = silent) -> tuple[Recording, Story, *tuple[Story, ...]]:
        heard = {part.title: _listeners(part, data) for part in config.parts}
        chosen = choose(shared_listeners(heard), config.subjects)
        found = []
        for i, part in enumerate(config.parts):
            positions = tuple(heard[part.title][name] for name in chosen)
            located = locate(replace(part, subjects=positions), data)
            found.append(located.load(lambda f, i=i: progress((i + f) / len(parts))))
        first, *others = [one[1] for one in found]
        return join_recordings([one[0] for one in found]), first, *others

    digest = hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()
    return Located({"stories": [part.settings for part in parts]}, digest, load)


def _listeners(config: RecordingConfig, data: str | Path | None) -> dict[str, int]:
    """Those who heard a story: name -> one-based position."""
    from .public_recordings import lpp_listeners, narratives_listeners

    if config.name == "lpp-en":
        return lpp_listeners(Path(data or "data") / "lpp-en", config.section)
    return narratives_listeners(Path(data or "data") / "narratives", config.name.removeprefix("narratives-"))


def _narratives(config: RecordingConfig, data: str | Path | None) -> Located:
    task = config.name.removeprefix("narratives-")
    folder = Path(data or "data") / "narratives"
    words = folder / "stimuli" / "gentle" / task / "align.csv"
    _need_words(config.name, words)

    def load(progress: Progress = silent) -> tuple[Recording, Story]:
        from .public_recordings import load_narratives

        recording, onset = load_narratives(
            folder, task, config.subjects, meshes=_meshes(data), progress=progress
        )
        title = catalogue.entry(config.name).title
        return recording, read_story(words, config.name, title, onset_s=onset)

    files = [words, *folder.glob(f"sub-*/func/*_task-{task}_*")]
    return Located({"name": config.name, "subjects": list(config.subjects)}, files_digest(files), load)


def _lpp(config: RecordingConfig, data: str | Path | None) -> Located:
    folder = Path(data or "data") / "lpp-en"
    words = folder / "annotation" / "EN" / "lppEN_word_information.csv"
    _need_words(config.name, words)

    def load(progress: Progress = silent) -> tuple[Recording, Story]:
        from .public_recordings import load_lpp

        ((recording, section),) = load_lpp(
            folder, config.subjects, (config.section,), detrend=config.detrend, high_pass=config.high_pass,
            low_pass=config.low_pass, progress=progress,
        )  # fmt: skip
        return recording, read_story(words, config.title, f"The Little Prince, {section}", section=section)

    chosen = ("name", "section", "detrend", "high_pass", "low_pass")
    settings = {field: getattr(config, field) for field in chosen} | {"subjects": list(config.subjects)}
    return Located(settings, files_digest([words, *folder.glob("sub-*/func/*_bold.nii.gz")]), load)


def _need_words(name: str, words: Path) -> None:
    if not words.is_file():
        raise RecordingError(
            f"The recording '{name}' is not here",
            found=f"no {words}",
            needed="its transcript and its listeners",
            do=f"python -m brainlike_core fetch {name}",
        )


def _own(config: RecordingConfig, data: str | Path | None) -> Located:
    folder = Path(config.name).expanduser()
    tables = not any(folder.glob("sub-*/**/*_bold*")) and any(
        p for ending in ("npy", "csv", "tsv") for p in folder.glob(f"*.{ending}")
    )

    def load(progress: Progress = silent) -> tuple[Recording, Story]:
        from . import bids

        recording = _tables(config, folder, progress) if tables else bids.load_bids(
            folder, task=config.task, space=config.space, subjects=config.subjects, confounds=config.confounds,
            detrend=config.detrend, high_pass=config.high_pass, low_pass=config.low_pass, tr=config.tr,
            parcels=config.parcels or None, meshes=_meshes(data), progress=progress,
        )  # fmt: skip
        story = read_story(
            config.story, words_per_minute=config.words_per_minute, onset_s=config.story_onset_s
        )
        return recording, story

    others = [Path(p) for p in (config.story, config.parcels) if p]
    inside = (p for p in folder.rglob("*") if p.suffix in _READ)
    settings = {
        k: v for k, v in vars(config).items() if k not in ("name", "story", "parcels", "seed", "also")
    }
    settings |= {"name": folder.name, "subjects": list(config.subjects), "tables": tables}
    return Located(settings, files_digest([*others, *inside]), load)


def _meshes(data: str | Path | None) -> str | Path | None:
    """The data folder where finer surfaces were fetched into it; else each fsaverage5 vertex is taken alone."""
    fetched = (e.here for e in catalogue.entries("surface", data) if e.how == "download")
    return data if any(fetched) else None


def _tables(config: RecordingConfig, folder: Path, progress: Progress) -> Recording:
    from .bids import load_table_folder

    if not config.tr:
        raise RecordingError(
            "Tables of parcels do not say their TR",
            found="0 s",
            needed="seconds per row",
            do="set it with --tr",
        )
    return load_table_folder(
        folder, tr=config.tr, labels=config.parcels or None, subjects=config.subjects, detrend=config.detrend,
        high_pass=config.high_pass, low_pass=config.low_pass, progress=progress,
    )  # fmt: skip


def files_digest(files: Iterable[Path]) -> str:
    """SHA-256 over names and bytes of files; above 2 GiB in all, over names, sizes and times of change."""
    found = sorted({path for path in files if path.is_file()})
    whole = sum(path.stat().st_size for path in found) <= MAX_HASHED_BYTES
    body = hashlib.sha256()
    for path in found:
        body.update(path.name.encode())
        if whole:
            body.update(bytes.fromhex(file_sha256(path)))
        else:
            facts = path.stat()
            body.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
    return body.hexdigest()
