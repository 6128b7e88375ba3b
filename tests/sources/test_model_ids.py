"""Hostile model ids: a named refusal within a second each, nothing asked of a hub, nothing written."""

import json
import shutil
import time
from pathlib import Path

import pytest

from brainlike_core.errors import BrainlikeError, ModelError
from brainlike_core.sources import catalogue
from brainlike_core.sources.language_model import open_model
from brainlike_core.sources.model_cards import card_or_reason
from tests.hub_server import Repo, hub  # noqa: F401

CONFIG = {
    "model_type": "bert", "vocab_size": 32, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 16, "max_position_embeddings": 16,
}  # fmt: skip

NAMES = {
    "empty": "",
    "only a space": " ",
    "a line break": "org/name\n",
    "a null byte": "org/na\0me",
    "a null byte in a folder": "./a\0b",
    "overlong": "x" * 100_000,
    "an overlong name": "org/" + "x" * 500,
    "an overlong folder": "/" + "x" * 100_000,
    "up": "../x",
    "up from a name": "org/../../etc/passwd",
    "up in the revision": "org/name@../../x",
    "a hidden name": "org/.ssh",
    "a folder that is not there": "/nowhere/at/all",
    "home": "~/model",
    "a variable": "${HOME}/x",
    "back strokes": "org\\name",
    "three parts": "a/b/c",
    "two strokes": "a//b",
    "the cache's own mark": "org/na--me",
    "an address": "https://huggingface.co/org/name",
    "a bucket": "s3://bucket/x",
    "another client's address": "hf://org/name",
    "a flag": "org/-rf",
    "a flag alone": "--trust-remote-code",
    "a command": "org/name;ls",
    "a space": "org/a name",
    "a look-alike letter": "org/b\u0435rt",  # Cyrillic
    "an accent": "org/nàme",
    "text that turns round": "org/\u202enam\u0065",
    "full-width stroke": "org\uff0fname",
    "an empty revision": "org/name@",
    "two revisions": "org/name@a@b",
    "a revision with a stroke": "org/name@refs/pr/1",
}


def refuse(name, do=open_model):
    """The refusal, and that it came within a second."""
    began = time.process_time()
    with pytest.raises(BrainlikeError) as refusal:
        do(name)
    assert time.process_time() - began < 1
    error = refusal.value
    assert error.exit_status == 2 and error.found and error.needed and error.do and len(str(error)) < 2500
    return str(error)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name_reaches_neither_network_nor_disk(name, hub, tmp_path, monkeypatch):  # noqa: F811
    """By the walk, by `fetch`, and by the card of the app."""
    here = tmp_path / "here"
    (here / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.chdir(here)
    refuse(name)
    refuse(name, lambda one: catalogue.fetch(one, tmp_path / "data"))
    assert isinstance(card_or_reason(name), str)
    assert hub.asked == [] and files(tmp_path) == []


# ---------------------------------------------------------------- what a good name may stand for


def put(hub, **changes) -> None:  # noqa: F811
    """A model of the hub with something wrong."""
    made = {
        "config.json": json.dumps(CONFIG | changes.pop("config", {})).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": b"\x08\0\0\0\0\0\0\0{}      ",
    }
    made |= changes
    hub.repos["org/name"] = Repo({name: body for name, body in made.items() if body is not None})


EVIL = b"import pathlib; pathlib.Path('ran').touch()"
WRONG = {
    "pickled weights only": {"model.safetensors": None, "pytorch_model.bin": b"\x80\x04"},
    "GGUF only": {"model.safetensors": None, "model.gguf": b"GGUF"},
    "code of its own": {"config": {"auto_map": {"AutoModel": "evil.Evil"}}, "evil.py": EVIL},
    "quantised": {"config": {"quantization_config": {"quant_method": "gptq"}}},
    "a family of no one": {"config": {"model_type": "evil-family"}},
    "no tokenizer": {"tokenizer.json": None},
    "no config": {"config.json": None},
    "a config that is no object": {"config.json": b"[1, 2]"},
    "a config that is no JSON": {"config.json": b"{"},
    "a config without end": {"config.json": b"[" * 200_000},
    "a size beyond bounds": {"config": {"hidden_size": 10**9}},
    "weights that are none": {"model.safetensors": b"not weights"},
    "an index of other folders": {
        "model.safetensors": None,
        "model.safetensors.index.json": b'{"weight_map": {"a": "../../../../etc/passwd"}}',
    },
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_what_is_not_a_plain_model_is_refused(changes, hub, tmp_path, monkeypatch):  # noqa: F811
    """No code runs, no pickle comes, and the weights stay where they are when the config already says no."""
    put(hub, **dict(changes))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    refuse("org/name")
    assert files(tmp_path / "here") == []
    assert {path.name for path in (tmp_path / "hub").rglob("snapshots/*/*")} <= {
        "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "model.safetensors.index.json",
    }  # fmt: skip
    if "config" in changes:
        assert "model.safetensors" not in hub.files_asked


def test_a_folder_of_that_name_is_not_the_hub_s_model(hub, tmp_path, monkeypatch):  # noqa: F811
    """./org/name with code in it: the id still asks the hub, and nothing of the folder is read."""
    evil = tmp_path / "org" / "name"
    evil.mkdir(parents=True)
    (evil / "config.json").write_text(json.dumps(CONFIG | {"auto_map": {"AutoModel": "evil.Evil"}}))
    (evil / "evil.py").write_bytes(EVIL)
    monkeypatch.chdir(tmp_path)
    assert "The hub has no model" in refuse("org/name")
    assert "code of its own" in refuse("./org/name") and not (tmp_path / "ran").exists()


def test_a_pickle_in_a_folder_is_named(tmp_path):
    """pytorch_model.bin beside a good config: safetensors are needed."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="safetensors"):
        open_model(str(tmp_path))
    shutil.rmtree(tmp_path)
