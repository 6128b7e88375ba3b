"""The command that writes a finished run as files for other programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from . import archive, inventory
from .command_parts import command, data_folder
from .errors import InputError, UnknownNameError
from .exports import citations, html_report, maps, methods, printed, reproduce, tables
from .exports.names import Files
from .values import Run
from .whole_files import replace_file

KINDS = ("maps", "tables", "figures", "text", "report")


def add_export(commands: Any) -> None:
    """Add ``export``."""
    export = command(commands, "export", "write a finished run as files for other programs", _export)
    add = export.add_argument
    add("run", help="the first characters of its id")
    add("--to", required=True, metavar="FOLDER", help="where the files go, a folder for each kind")
    add(
        "--what",
        nargs="+",
        default=KINDS,
        choices=KINDS,
        metavar="KIND",
        help=f"{', '.join(KINDS)} (default all)",
    )
    add(
        "--atom",
        type=int,
        metavar="K",
        help="only this sub-group (default: maps of all, figures of the leading one)",
    )
    add("--network", metavar="NAME", help="the brain network of the figures (default: the sub-group's own)")
    add("--data", metavar="FOLDER", help="where downloads lie (default $BRAINLIKE_DATA, data)")


def _export(given: argparse.Namespace) -> None:
    workspace = archive.open_store(given.cache)
    run = archive.load_run(archive.find_run(given.run, workspace), workspace)
    written = []
    for kind in dict.fromkeys(given.what):
        written += write(_files(kind, run, given), Path(given.to) / kind)
    if given.json:
        files = [{"path": str(path), "bytes": path.stat().st_size} for path in written]
        print(json.dumps({"export": {"run": run.id, "folder": given.to, "files": files}}))
        return
    size = sum(path.stat().st_size for path in written) / 1e6
    print(f"{len(written)} files, {size:.1f} MB, in {given.to}.")


def _files(kind: str, run: Run, given: argparse.Namespace) -> Files:
    atoms = () if given.atom is None else (given.atom,)
    if kind == "maps":
        volume = inventory.parcel_volume(run.config.recording, data_folder(given))  # type: ignore[attr-defined]
        return maps.map_files(run, inventory.surface(), volume, atoms)
    if kind == "tables":
        return tables.table_files(run)
    makers = {"text": _text, "figures": _figures, "report": _report}
    return makers[kind](run, given)


def _network(run: Run, name: str | None) -> int | None:
    """The network that was named."""
    names = {known.lower(): f for f, known in enumerate(run.atlas.networks)}
    if name is not None and name.lower() not in names:
        raise UnknownNameError.nearest("network", name, run.atlas.networks)
    return None if name is None else names[name.lower()]


def _text(run: Run, given: argparse.Namespace) -> Files:
    atom, network = printed.view_of(run, given.atom, _network(run, given.network))
    model = inventory.model_citation(run.config.extract.model)  # type: ignore[attr-defined]
    return reproduce.text_files(
        run, atom, run.atlas.networks[network], methods=methods.methods(run),
        bibtex=citations.bibtex(run, model), data=given.data, cache=given.cache,
    )  # fmt: skip


def _report(run: Run, given: argparse.Namespace) -> Files:
    model = inventory.model_citation(run.config.extract.model)  # type: ignore[attr-defined]
    page = html_report.html_report(
        run, inventory.surface(), inventory.regions(), methods=methods.methods(run), bibtex=citations.bibtex(run, model),
        command=reproduce.run_command([run.config], given.data), atom=given.atom, network=_network(run, given.network),  # type: ignore[list-item]
    )  # fmt: skip
    return {f"report_{run.id[:12]}.html": page.encode()}


def _figures(run: Run, given: argparse.Namespace) -> Files:
    network = _network(run, given.network)
    draw = printed.run_figures(
        run, inventory.surface(), inventory.regions(), atom=given.atom, network=network
    )
    files = printed.figure_files(run, draw)
    others = archive.comparable_runs(run, archive.open_store(given.cache))
    if others:
        files |= printed.figure_files(run, printed.comparison_figures([run, *others]))
    return files


def write(files: Files, folder: Path) -> list[Path]:
    """Write each file whole or not at all; one of the same name is replaced.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            replace_file(path, content)
            paths.append(path)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be written", found=error.strerror or type(error).__name__,
            needed="a folder that you may write to, with room", do="change --to",
        ) from error  # fmt: skip
    return paths
