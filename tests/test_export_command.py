"""The export command: files of each kind, refusals, and its answer as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainlike_core.__main__ import main
from tests import synthetic_run as made


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A cache with one run, and its id."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, made.write(made.make_run(), folder)


def export(store, folder, *more):
    """Run the command; its exit status."""
    cache, run = store
    return main(["export", run[:12], "--to", str(folder), "--cache", str(cache), *more])


def test_tables_and_maps_lie_in_folders_of_their_own(store, tmp_path, capsys):
    """JSON names every file that was written, with its size; nothing else is there."""
    assert export(store, tmp_path, "--what", "tables", "maps", "--json") == 0
    told = json.loads(capsys.readouterr().out)["export"]
    assert told["run"] == store[1]
    found = {str(path): path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert {file["path"]: file["bytes"] for file in told["files"]} == found
    assert {Path(path).parent.name for path in found} == {"tables", "maps"}


def test_a_folder_that_cannot_be_written_is_refused(store, tmp_path, capsys):
    """A file stands where the folder should be: exit status 2, and what to do."""
    (tmp_path / "taken").write_text("here")
    assert export(store, tmp_path / "taken", "--what", "tables") == 2
    assert "change --to" in capsys.readouterr().err


def test_an_atom_that_is_not_there_is_refused(store, tmp_path, capsys):
    """The sentence says which atoms there are, and nothing is written."""
    assert export(store, tmp_path / "new", "--what", "maps", "--atom", "99") == 2
    assert "0 to 11" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_an_unknown_run_is_refused(store, tmp_path):
    """Exit status 2, as for every command."""
    assert main(["export", "ffff", "--to", str(tmp_path), "--cache", str(store[0])]) == 2
