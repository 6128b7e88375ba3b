"""A finished run as one HTML file that opens from a disk: viewer, figures, words, methods and references in it.

Nothing is asked from anywhere: a content security policy in the page forbids it.
Figures are SVG and PNG inside the page, hover values of the matrix are its own
``<title>`` elements: plotly's script alone would weigh more than all of this.
"""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..figures import captions, charts, matrix, words
from ..figures.brain_viewer import html_fragment
from ..heard_words import top_words
from ..report import headline, sentences, summary
from ..values import NetworkAtlas, Run, Surface
from .matrix_svg import matrix_svg
from .paper import print_files
from .print_brains import print_brain
from .print_charts import print_chart
from .printed import best_network, brain_view, view_of

MAX_BYTES = 15_000_000
_N_SHOWN = 8
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = Path(__file__).with_name("report.css")
# A square of the matrix, or the button of a sub-group, puts its map into the viewer.
_SCRIPT = """
function showMap(atom) {
  const host = document.querySelector("[data-brain-figure]"), viewers = Object.values(window.__brainViewers ?? {})
  if (!viewers.length) return
  viewers[0].viewer.receive({ ...JSON.parse(host.dataset.brainFigure), selected_map: atom }, { state() {}, trigger() {} })
  host.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
}
document.addEventListener("click", event => {
  const chosen = event.target.closest("[data-atom]")
  if (chosen) showMap(Number(chosen.dataset.atom))
})
"""


def html_report(
    run: Run,
    surface: Surface,
    regions: NetworkAtlas,
    *,
    methods: str,
    bibtex: str,
    command: str,
    atom: int | None = None,
    network: int | None = None,
) -> str:
    """One page with everything that there is to see of a run.

    Parameters
    ----------
    run : Run
    surface : Surface
    regions : NetworkAtlas
    methods, bibtex, command : str
        See `methods.methods`, `citations.bibtex`, `reproduce.run_command`.
    atom : int, optional
        The sub-group that the viewer shows first; the leading one if omitted.
    network : int, optional
        The network that it outlines; that of the sub-group's best link if omitted.

    Returns
    -------
    str
        A whole HTML document, below 15 MB for runs of up to about 200 atoms on fsaverage5.
    """
    k, f = view_of(run, atom, network)
    numbers = summary(run)
    label = html.escape(run.config.label)  # type: ignore[attr-defined]
    parts = [
        f"<h1>{label}</h1>",
        f'<p class="quiet">{html.escape(" · ".join(dict.fromkeys([run.story.title, run.recording.title])))} · run {run.id[:12]}</p>',
        _headline(numbers),
        _viewer(run, surface, regions, k, f),
        _matrix(run, k, f),
        _subgroups(run, surface, regions, k),
        _recovery(run),
        f"<h2>Result in sentences</h2>{''.join(f'<p>{html.escape(line)}</p>' for line in sentences(numbers))}",
        f"<h2>Methods</h2><p>{html.escape(methods)}</p>",
        f"<h2>The same again</h2><pre>{html.escape(command)}</pre>",
        f"<h2>References</h2><pre>{html.escape(bibtex)}</pre>",
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{label}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + f"\n</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _headline(numbers: dict[str, Any]) -> str:
    cells = [
        f'<div><dt>{html.escape(name)}</dt><dd class="value">{html.escape(value)}</dd><dd class="beside">{html.escape(beside)}</dd></div>'
        for name, value, beside in headline(numbers)
    ]
    return f'<dl class="figures">{"".join(cells)}</dl>'


def _viewer(run: Run, surface: Surface, regions: NetworkAtlas, atom: int, network: int) -> str:
    """The viewer, and on paper a picture of what it shows first."""
    view, threshold = brain_view(run, surface, regions), run.config.match.z_threshold  # type: ignore[attr-defined]
    name = run.atlas.networks[network]
    still = print_brain(view, atom, threshold=threshold, network=name, dpi=200)
    picture = _image(still, f"{view.map_names[atom]}: four views of the cortex", "png", 200)
    figure = html_fragment(
        view, set(), otherwise=picture, selected_map=atom, threshold=threshold, network=name, height=430
    )
    return (
        f'<h2>Where sub-groups predict the brain</h2><figure><div class="screen-only">{figure}</div><div class="paper-only">{picture}</div>'
        f"<figcaption>{html.escape(captions.atom_map(run, atom))} Outline: {html.escape(name)}. Scrub or use the arrow keys for other sub-groups."
        "</figcaption></figure>"
    )


def _matrix(run: Run, atom: int, network: int) -> str:
    c = run.correspondence
    squares = matrix_svg(matrix.correspondence_matrix(c, matrix.atom_order(c), atom=atom, network=network))
    fakes = _image(
        print_chart(matrix.fake_links(c)), "Links of the real dictionary beside those of fake ones", "svg"
    )
    rows = [
        f"<tr><td>{link.atom}</td><td>{html.escape(link.network)}</td><td>{link.sign}</td><td class=number>{link.dice:.2f}</td>"
        f"<td class=number>{matrix.p_text(link.p)}</td><td class=number>{matrix.p_text(link.q)}</td><td class=number>{matrix.p_text(link.q_phase)}</td>"
        f"<td>{'both nulls' if link.accepted else 'spin rule only'}</td></tr>"
        for link in c.links().itertuples()
    ]
    heads = ("Atom", "Network", "Sign", c.measure, "Spin p", "Spin q", "Phase q", "Passes")
    table = (
        f"<table><tr>{''.join(f'<th scope=col>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"
    )
    return (
        f'<h2>Which sub-group goes with which network</h2><figure><div class="matrix">{squares}</div><figcaption>{html.escape(captions.matrix(run))} '
        f"Red: activation, blue: deactivation. Point at a square for its numbers, click it for its map.</figcaption></figure>"
        f"<figure>{fakes}<figcaption>{html.escape(captions.fakes(run))}</figcaption></figure><details><summary>All {len(rows)} links</summary>{table}</details>"
    )


def _subgroups(run: Run, surface: Surface, regions: NetworkAtlas, first: int) -> str:
    """The sub-groups with the strongest links, those that beat both nulls before the others."""
    links = run.correspondence.links().sort_values(["accepted", "dice"], ascending=False)
    shown = list(dict.fromkeys([first, *links["atom"].tolist()]))[:_N_SHOWN]
    view = brain_view(run, surface, regions)
    articles = "".join(_article(run, view, int(k)) for k in shown)
    return f"<h2>Sub-groups with the strongest links</h2>{articles}"


def _article(run: Run, view: Any, atom: int) -> str:
    threshold = run.config.match.z_threshold  # type: ignore[attr-defined]
    name = run.atlas.networks[best_network(run, atom)]
    brain = print_brain(view, atom, threshold=threshold, network=name, width_in=4.6, dpi=110)
    pictures = [_image(brain, f"{view.map_names[atom]}; outline: {name}", "png", 110)]
    if not run.dictionary.names and np.any(run.dictionary.layer_histogram[atom]):
        pictures.append(
            _image(
                print_chart(charts.layer_histogram(run.dictionary, atom)),
                f"Neurons of atom {atom} by layer",
                "svg",
            )
        )
    return (
        f'<article><header><h3>{html.escape(view.map_names[atom])}</h3><p>{_bold(charts.atom_sentence(run, atom))}</p><button data-atom="{atom}">Show in the viewer</button></header>'
        f"<div>{''.join(pictures)}</div><div>{words.passages(top_words(run, atom, 5))}</div></article>"
    )


def _recovery(run: Run) -> str:
    """How much of a planted truth came back; nothing for a real recording."""
    if run.recovery is None:
        return ""
    return f"<h2>Held against the planted truth</h2><p>{_bold(captions.recovery(run))}</p>"


def _bold(sentence: str) -> str:
    """A sentence as HTML; what stands between two ``**`` is bold."""
    parts = html.escape(sentence).split("**")
    return "".join(f"<b>{part}</b>" if i % 2 else part for i, part in enumerate(parts))


def _image(figure: Figure, alt: str, kind: str, dpi: int | None = None) -> str:
    """A figure as an ``<img>`` that holds its own bytes."""
    content = print_files(figure, "x", (kind,), dpi)[f"x.{kind}"]
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f'<img alt="{html.escape(alt)}" src="data:{media};base64,{base64.b64encode(content).decode()}">'
