"""Models of the Hugging Face hub: looked up, pinned to a commit, brought whole into its own cache folder.

Only JSON, the tokenizer and safetensors are ever asked for. Files lie where the
hub's own client keeps them (HF_HOME, HF_HUB_CACHE), so what either brought the
other finds: ``blobs/<digest>``, ``snapshots/<commit>/<name>``, ``refs/<revision>``.
A token (HF_TOKEN, or that of ``hf auth login``) goes to the hub alone and is kept nowhere.
Nothing in this file loads torch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants

from ..errors import DownloadError, ModelError
from ..whole_files import replace_file
from .download import Progress, fetch_file, read_text
from .model_names import shorten, split_hub_id

TIMEOUT_S = 5.0
MAX_JSON_BYTES = 1 << 24
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SMALL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf")


@dataclass(frozen=True)
class HubFile:
    """One file of a commit.

    Attributes
    ----------
    name : str
        In the top folder of the repository.
    size : int
        Bytes.
    digest : str
        SHA-256 (64 hex characters) of a large file, else git's SHA-1 (40) of a small one.
    """

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class HubModel:
    """What the hub says about a model before anything of it is downloaded.

    Attributes
    ----------
    repo : str
        ``org/name``.
    commit : str
        40 hex characters.
    gated : bool
        True where the person must accept terms on the model's page first.
    licence : str
        As its page states it; empty where it does not.
    n_parameters : int
        0 = not said.
    files : tuple of HubFile
        Configuration, tokenizer, and safetensors weights.
    other_weights : tuple of str
        Names of weights in formats that are not read.
    """

    repo: str
    commit: str
    gated: bool
    licence: str
    n_parameters: int
    files: tuple[HubFile, ...]
    other_weights: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What a whole download weighs."""
        return sum(file.size for file in self.files)

    @property
    def page(self) -> str:
        """Address of the model's page, where its terms are."""
        return model_page(self.repo)


def model_page(repo: str) -> str:
    """Address of a model's page.

    Examples
    --------
    >>> model_page("google-bert/bert-base-uncased")
    'https://huggingface.co/google-bert/bert-base-uncased'
    """
    return f"https://huggingface.co/{repo}"


# ---------------------------------------------------------------- asking the hub


def look_up(name: str, timeout_s: float = TIMEOUT_S) -> HubModel:
    """Ask the hub about a model.

    Parameters
    ----------
    name : str
        ``org/name[@revision]``.
    timeout_s : float
        Seconds to wait for an answer.

    Raises
    ------
    ModelError
        No such model or revision, or none that may be seen.
    DownloadError
        The hub does not answer.
    """
    from huggingface_hub import HfApi

    repo, revision = split_hub_id(name)
    if constants.is_offline_mode():
        raise _unreachable(repo, "HF_HUB_OFFLINE is set")
    with _hub_refusals(repo, revision):
        api = HfApi(endpoint=constants.ENDPOINT)
        info = api.model_info(repo, revision=revision, timeout=timeout_s, files_metadata=True)
        return _read_info(repo, info)


def _read_info(repo: str, info: Any) -> HubModel:
    commit = str(info.sha)
    if not _COMMIT.fullmatch(commit):
        raise ModelError(
            f"Model '{repo}' has no commit", found=repr(shorten(commit)), needed="40 hex characters",
            do="name a revision: org/name@revision",
        )  # fmt: skip
    files = {sibling.rfilename: _hub_file(repo, sibling) for sibling in info.siblings or ()}
    wanted = [name for name in (*_SMALL_FILES, *_weight_names(list(files))) if name in files]
    named = [getattr(info.card_data, field, None) for field in ("license_name", "license")]
    weights = getattr(info, "safetensors", None)
    return HubModel(
        repo=repo,
        commit=commit,
        gated=bool(info.gated),
        licence=shorten(str(named[0] or named[1] or "")),
        n_parameters=int(getattr(weights, "total", 0) or 0),
        files=tuple(files[name] for name in wanted),
        other_weights=tuple(sorted(name for name in files if name.endswith(_OTHER_WEIGHTS)))[:3],
    )


def _hub_file(repo: str, sibling: Any) -> HubFile:
    large = sibling.lfs
    digest = str(large.sha256 if large else sibling.blob_id)
    size = large.size if large else sibling.size
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digest) or type(size) is not int or size < 0:
        raise DownloadError(
            f"Model '{repo}' cannot be downloaded", found=f"no digest and size of {shorten(sibling.rfilename)}",
            needed="both, so that what comes can be verified", do="choose another model, or give a folder ./folder",
        )  # fmt: skip
    return HubFile(sibling.rfilename, size, digest)


def _weight_names(names: list[str]) -> list[str]:
    """The single safetensors file, or else the numbered ones with their index."""
    if "model.safetensors" in names:
        return ["model.safetensors"]
    return [_INDEX, *sorted(name for name in names if _SHARD.fullmatch(name))] if _INDEX in names else []


@contextlib.contextmanager
def _hub_refusals(repo: str, revision: str | None) -> Iterator[None]:
    """Turn what the hub's client raises into one sentence."""
    from huggingface_hub import errors

    try:
        yield
    except (ModelError, DownloadError):
        raise
    except errors.GatedRepoError as error:
        raise gated(repo) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ModelError(
            f"The hub has no model '{repo}' at revision '{revision or 'main'}'", found="not found",
            needed="an existing model that you may see", do="check the spelling, or set HF_TOKEN for a private one",
        ) from error  # fmt: skip
    except Exception as error:  # the client has a kind of its own for each way a network fails
        raise _unreachable(repo, type(error).__name__) from error


def gated(repo: str) -> ModelError:
    """The refusal of a model whose terms were not accepted, or whose token was not given."""
    return ModelError(
        f"Model '{repo}' is gated", found="no access", needed="its accepted terms and a token",
        do=f"accept them on {model_page(repo)}, make a token on https://huggingface.co/settings/tokens, and set "
        "HF_TOKEN (or run `hf auth login`)",
    )  # fmt: skip


def _unreachable(repo: str, found: str) -> DownloadError:
    return DownloadError(
        f"Model '{repo}' cannot be downloaded", found=found,
        needed="a network that reaches huggingface.co, or the model in the local cache",
        do="connect and try again, give a folder ./folder, or choose minilm-l6 or smollm2-135m (offline)",
    )  # fmt: skip


# ---------------------------------------------------------------- what is here


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
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (top / "refs" / commit).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    folder = top / "snapshots" / commit
    return folder if _COMMIT.fullmatch(commit) and _is_whole(folder, weights) else None


def _repo_folder(repo: str) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def _is_whole(folder: Path, weights: bool) -> bool:
    if not (folder / "config.json").is_file():
        return False
    if not weights or (folder / "model.safetensors").is_file():
        return True
    try:
        named = set(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False
    return bool(named) and all(
        isinstance(file, str) and _SHARD.fullmatch(file) and (folder / file).is_file() for file in named
    )


# ---------------------------------------------------------------- bringing it


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
    if here is not None and (constants.is_offline_mode() or _COMMIT.fullmatch(revision or "")):
        return here
    try:
        found = look_up(name)
    except DownloadError:  # no network: what main was when it was last asked for
        if here is None:
            raise
        return here
    files = [file for file in found.files if weights or file.name in _SMALL_FILES]
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
    if not _COMMIT.fullmatch(revision):  # the name of a commit comes last: it never points at a half
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
        "headers": _authorization(),
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


def _authorization() -> dict[str, str]:
    from huggingface_hub import get_token

    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def read_config(found: HubModel) -> dict[str, Any]:
    """A model's config.json, without keeping it.

    Raises
    ------
    ModelError
        None, gated, or not a JSON object.
    DownloadError
    """
    address = f"{constants.ENDPOINT}/{found.repo}/resolve/{found.commit}/config.json"
    try:
        text = read_text(address, max_bytes=MAX_JSON_BYTES, headers=_authorization(), tries=1)
        config = json.loads(text)
    except DownloadError as error:
        if found.gated and error.found.startswith(("401", "403")):
            raise gated(found.repo) from error
        raise
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise ModelError(
            f"config.json of '{found.repo}' cannot be read", found="no JSON object", needed="one",
            do="choose another model",
        )  # fmt: skip
    return config


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
