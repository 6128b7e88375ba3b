"""Models of the Hugging Face hub: what it says of them, pinned to a commit; `hub_cache` brings them.

Only JSON, the tokenizer and safetensors are ever asked for. A token (HF_TOKEN, or that of
``hf auth login``) goes to the hub alone and is kept nowhere. Nothing in this file loads torch.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huggingface_hub import constants

from ..errors import DownloadError, ModelError
from .download import read_text
from .model_names import shorten, split_hub_id

TIMEOUT_S = 5.0
MAX_JSON_BYTES = 1 << 24
COMMIT = re.compile(r"[0-9a-f]{40}")
SMALL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
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
    if not COMMIT.fullmatch(commit):
        raise ModelError(
            f"Model '{repo}' has no commit", found=repr(shorten(commit)), needed="40 hex characters",
            do="name a revision: org/name@revision",
        )  # fmt: skip
    files = {sibling.rfilename: _hub_file(repo, sibling) for sibling in info.siblings or ()}
    wanted = [name for name in (*SMALL_FILES, *_weight_names(list(files))) if name in files]
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
    return [INDEX, *sorted(name for name in names if SHARD.fullmatch(name))] if INDEX in names else []


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


def authorization() -> dict[str, str]:
    """The header that carries the person's token; empty without one."""
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
        text = read_text(address, max_bytes=MAX_JSON_BYTES, headers=authorization(), tries=1)
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
