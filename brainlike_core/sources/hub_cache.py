"""The hub's own cache folder on this machine: which models are here whole, and bringing others.

Files lie where the hub's own client keeps them (HF_HOME, HF_HUB_CACHE), so what either
brought the other finds: ``blobs/<digest>``, ``snapshots/<commit>/<name>``, ``refs/<revision>``.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants

from ..errors import DownloadError, ModelError
from ..whole_files import replace_file
from .download import Progress, fetch_file
from .hub import COMMIT, INDEX, SHARD, SMALL_FILES, HubFile, HubModel, authorization, gated, look_up
from .model_names import split_hub_id


def find_cached(name: str, *, weights: bool = True) -> Path | None:
    """Folder of a model that is here, whole; None where it is not.

    Parameters
    ----------
    name : str
        ``org/name[@revision]``; without a revision, what ``main`` was when it was last asked for.
    weights : bool
        False: the configuration and the tokenizer are enough.

    Returns
    -------
    Path or None
        Its last part is the commit.
    """
    repo, revision = split_hub_id(name)
    top = _repo_folder(repo)
    commit = revision or "main"
    if not COMMIT.fullmatch(commit):
        try:
            commit = (top / "refs" / commit).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    folder = top / "snapshots" / commit
    return folder if COMMIT.fullmatch(commit) and _is_whole(folder, weights) else None


def _repo_folder(repo: str) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def _is_whole(folder: Path, weights: bool) -> bool:
    if not (folder / "config.json").is_file():
        return False
    if not weights or (folder / "model.safetensors").is_file():
        return True
    try:
        named = set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False
    return bool(named) and all(
        isinstance(file, str) and SHARD.fullmatch(file) and (folder / file).is_file() for file in named
    )


def fetch_model(
    name: str,
    *,
    weights: bool = True,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Bring a model into the hub's cache; what is there and whole is not fetched again.

    Parameters
    ----------
    name : str
        ``org/name[@revision]``. A 40-hex revision that is here is not asked for.
    weights : bool
        False: the configuration and the tokenizer only.
    progress, cancelled : callable, optional
        See `download.fetch_file`; bytes are those of all files together.

    Returns
    -------
    Path
        Folder of the commit; its last part is the commit. Every file has the size and digest that the
        hub states. A cancelled or broken download goes on where it stopped.

    Raises
    ------
    ModelError
        No such model, gated, or without safetensors.
    DownloadError, CancelledError
    """
    repo, revision = split_hub_id(name)
    here = find_cached(name, weights=weights)
    if here is not None and (constants.is_offline_mode() or COMMIT.fullmatch(revision or "")):
        return here
    try:
        found = look_up(name)
    except DownloadError:  # no network: what main was when it was last asked for
        if here is None:
            raise
        return here
    files = [file for file in found.files if weights or file.name in SMALL_FILES]
    _check_kinds(found, files, weights)
    return _bring_all(found, files, revision or "main", progress, cancelled)


def _check_kinds(found: HubModel, files: list[HubFile], weights: bool) -> None:
    names = [file.name for file in files]
    missing = [name for name in ("config.json", "tokenizer.json") if name not in names]
    if missing or (weights and not any(name.endswith(".safetensors") for name in names)):
        raise ModelError(
            f"Model '{found.repo}' has no {missing[0] if missing else 'safetensors weights'}",
            found=", ".join(found.other_weights or names) or "no files",
            needed="config.json, tokenizer.json and safetensors weights",
            do="choose another model, or convert it and give its folder ./folder",
        )  # fmt: skip


def _bring_all(
    found: HubModel, files: list[HubFile], revision: str,
    progress: Progress | None, cancelled: Callable[[], bool] | None,
) -> Path:  # fmt: skip
    top, total, done = _repo_folder(found.repo), sum(file.size for file in files), 0
    folder = top / "snapshots" / found.commit
    for file in files:

        def tell(now: int, _: int, speed: float, before: int = done) -> None:
            if progress is not None:
                progress(before + now, total, speed)

        if not _has_size(folder / file.name, file.size):
            _bring(found, file, top, tell, cancelled)
        done += file.size
        tell(0, 0, 0.0, done)
    if not COMMIT.fullmatch(revision):  # the name of a commit comes last: it never points at a half
        _write_text(top / "refs" / revision, found.commit)
    return folder


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _bring(
    found: HubModel, file: HubFile, top: Path, tell: Progress, cancelled: Callable[[], bool] | None
) -> None:
    blob, pointer = top / "blobs" / file.digest, top / "snapshots" / found.commit / file.name
    if not _has_size(blob, file.size):
        address = f"{constants.ENDPOINT}/{found.repo}/resolve/{found.commit}/{quote(file.name)}"
        try:
            _fetch_blob(address, blob, file, tell, cancelled)
        except DownloadError as error:
            if found.gated and error.found.startswith(("401", "403")):
                raise gated(found.repo) from error
            raise
    _point(pointer, blob)


def _fetch_blob(
    address: str, blob: Path, file: HubFile, tell: Progress, cancelled: Callable[[], bool] | None
) -> None:
    options: dict[str, Any] = {
        "size": file.size, "mirror": None, "progress": tell, "cancelled": cancelled,
        "headers": authorization(),
    }  # fmt: skip
    if len(file.digest) == 64:
        fetch_file(address, blob, sha256=file.digest, **options)
        return
    unproved = blob.with_name(f".{file.digest}.{secrets.token_hex(4)}.unproved")
    try:
        fetch_file(address, unproved, **options)
        if (digest := git_sha1(unproved)) != file.digest:
            raise DownloadError(
                f"{file.name} cannot be downloaded", found=f"SHA-1 {digest[:12]}…",
                needed=f"{file.digest[:12]}…", do="try again later",
            )  # fmt: skip
        os.replace(unproved, blob)
    finally:
        unproved.unlink(missing_ok=True)


def git_sha1(path: Path) -> str:
    """The digest under which git keeps a file: 40 hex characters."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _point(pointer: Path, blob: Path) -> None:
    """Name a blob in its commit, by a relative link where the file system has links."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    temporary = pointer.with_name(f".{pointer.name}.{secrets.token_hex(4)}")
    try:
        os.symlink(os.path.relpath(blob, pointer.parent), temporary)
    except OSError:
        os.link(blob, temporary)
    os.replace(temporary, pointer)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text)
