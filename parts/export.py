"""The Export button of a page: what is shown, as files; each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from brainlike_core import inventory
from brainlike_core.exports import citations, html_report, maps, methods, printed, reproduce, tables
from brainlike_core.exports.names import Files, zipped
from brainlike_core.exports.paper import print_files
from brainlike_core.exports.print_brains import print_brain
from brainlike_core.exports.print_charts import print_chart
from brainlike_core.values import Run

from . import places
from .selection import network_index, slug, whole_number
from .shown import Shown, shown

_ALL = "All of them (ZIP)"
_FORMATS = ("PNG", "SVG", "PDF")
_HELP = {
    "PNG": "300 dots per inch, 180 mm wide",
    "SVG": "to edit: text stays text, the brain is a picture inside",
    "PDF": "for print: fonts are inside, the brain is a picture inside",
}


def export_button(place: Any) -> None:
    """Offer what the page shows; nothing where there is nothing to save."""
    now = shown()
    if not (now.charts or now.brains or now.runs):
        return
    with place, st.popover("Export", icon=":material/download:", width="content"):
        if now.charts or now.brains:
            _figures(now)
        if now.runs:
            _runs(now.runs)


def _figures(now: Shown) -> None:
    names = [*now.brains, *now.charts]
    several = [_ALL] if len(names) > 1 else []
    chosen = st.selectbox("Figure", [*names, *several], key="export-figure")
    kind = st.segmented_control("Format", _FORMATS, default="PNG", required=True, key="export-format")
    st.caption(_HELP[kind])
    wanted = names if chosen == _ALL else [chosen]
    ending = kind.lower()
    name = (
        f"figures_{slug(st.session_state['here'])}_{ending}.zip"
        if chosen == _ALL
        else f"{slug(chosen)}.{ending}"
    )
    _save("Save figure", lambda: one_or_zip(draw(now, wanted, ending)), name)


def draw(now: Shown, wanted: list[str], ending: str) -> Files:
    """The figures named, for print."""
    files: Files = {}
    for name in wanted:
        if name in now.brains:
            view, options = now.brains[name]
            looks = {
                key: options[key] for key in ("threshold", "limit", "network", "colour_map") if key in options
            }
            title = name.removeprefix("Brain map: ")
            figure = print_brain(
                view,
                options["selected_map"],
                **looks,
                title=title,
                caption=_brain_caption(view, options),
            )
        else:
            chart, caption = now.charts[name]
            figure = print_chart(chart, name, caption)
        files |= print_files(figure, slug(name), (ending,))
    return files


def _brain_caption(view: Any, options: dict[str, Any]) -> str:
    """n, unit and null of a map of the page's run; the outline, where there is one."""
    own = view.captions[options["selected_map"]] if view.captions else ""
    said = options.get("caption", own)
    return f"{said} Outline: {options['network']}." if options.get("network") else said


def one_or_zip(files: Files) -> bytes:
    """One file as it is, several as a ZIP."""
    return next(iter(files.values())) if len(files) == 1 else zipped(files)


def _runs(runs: list[Run]) -> None:
    """Data of the runs; of one run its words and its report too."""
    names = runs[0].id[:12] if len(runs) == 1 else f"{len(runs)}_runs"
    st.divider()
    _save("Maps: GIfTI, CIFTI, NIfTI (ZIP)", lambda: zipped(of_runs(runs, _maps)), f"maps_{names}.zip")
    _save(
        "Tables: CSV, Parquet (ZIP)", lambda: zipped(of_runs(runs, tables.table_files)), f"tables_{names}.zip"
    )
    if len(runs) == 1:
        atom, network = _view(runs[0])
        _save(
            "Methods, BibTeX, commands, notebook (ZIP)",
            lambda: zipped(text(runs[0], atom, network)),
            f"text_{names}.zip",
        )
        _save("Report: one HTML file", lambda: report(runs[0], atom, network), f"report_{names}.html")
    st.caption(f"On the command line: `python -m brainlike_core export {runs[0].id[:12]} --to FOLDER`")


def _save(label: str, make: Callable[[], bytes], name: str) -> None:
    """A button that makes its file when it is pressed; the page does not run again."""
    st.download_button(
        label, make, name, on_click="ignore", icon=":material/download:", width="stretch", key=f"save-{label}"
    )


def of_runs(runs: list[Run], make: Callable[[Run], Files]) -> Files:
    """The files of each run; of several, in a folder of its own."""
    if len(runs) == 1:
        return make(runs[0])
    return {f"{run.id[:12]}/{name}": content for run in runs for name, content in make(run).items()}


def _maps(run: Run) -> Files:
    volume = inventory.parcel_volume(run.config.recording, places.DATA)  # type: ignore[attr-defined]
    return maps.map_files(run, inventory.surface(), volume)


def _view(run: Run) -> tuple[int, int]:
    """The sub-group and the network of the address, or those that are shown without one."""
    asked = whole_number(st.query_params.get("atom", ""))
    atom = asked if asked is not None and asked < run.dictionary.n_atoms else None
    network = network_index(st.query_params.get("network"), run.atlas.networks)
    return printed.view_of(run, atom, network)


def text(run: Run, atom: int, network: int) -> Files:
    """Methods, BibTeX, commands and the notebook of a view."""
    name, cache = run.atlas.networks[network], str(places.CACHE)
    return reproduce.text_files(
        run, atom, name, methods=methods.methods(run), bibtex=_bibtex(run), data=places.DATA, cache=cache
    )


def report(run: Run, atom: int, network: int) -> bytes:
    """The page of HTML that opens from a disk; the folder of downloads is not named."""
    page = html_report.html_report(
        run, inventory.surface(), inventory.regions(), methods=methods.methods(run), bibtex=_bibtex(run),
        command=reproduce.run_command([run.config]), atom=atom, network=network,  # type: ignore[list-item]
    )  # fmt: skip
    return page.encode()


def _bibtex(run: Run) -> str:
    return citations.bibtex(run, inventory.model_citation(run.config.extract.model))  # type: ignore[attr-defined]
