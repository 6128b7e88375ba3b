"""The export command: files of each kind, refusals, and its answer as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainlike_core.__main__ import main
from brainlike_core.exports import printed
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


def test_figures_come_in_three_formats(store, tmp_path, monkeypatch):
    """One figure is drawn for each name, as PNG, SVG and PDF."""
    every = printed.run_figures
    some = ("ranking", "atom5-layers")  # all of them take long
    monkeypatch.setattr(
        printed, "run_figures", lambda *a, **k: {n: d for n, d in every(*a, **k).items() if n in some}
    )
    assert export(store, tmp_path, "--what", "figures", "--atom", "5", "--network", "auditory") == 0
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    stems = {name.rsplit(".", 1)[0] for name in names}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg", "pdf")}
    assert stems == {f"task-simulated_desc-MinilmL6_{name}" for name in some}
    ranking = (tmp_path / "figures" / "task-simulated_desc-MinilmL6_ranking.svg").read_text()
    assert "Auditory: its sub-groups" in ranking


def test_a_network_that_is_not_there_is_refused(store, tmp_path, capsys):
    """With the nearest names."""
    assert export(store, tmp_path, "--what", "figures", "--network", "langauge") == 2
    assert "did you mean Language" in capsys.readouterr().err


def test_an_unknown_run_is_refused(store, tmp_path):
    """Exit status 2, as for every command."""
    assert main(["export", "ffff", "--to", str(tmp_path), "--cache", str(store[0])]) == 2
