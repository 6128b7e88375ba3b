"""Charts: a run's values -> plotly figures. Pure functions, no Streamlit, no disk.

Red is activation, blue is deactivation. A filled mark passes both nulls, a
hollow mark passes the paper's spin rule only. Each point that can be clicked
carries its atom, and its network where it has one, as ``customdata``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.cluster import hierarchy

from ..errors import ConfigError
from ..values import Correspondence, Dictionary, NetworkAtlas, Recording, Run
from . import theme

ORDERS = ("network", "strength", "cluster", "number")
# The canonical haemodynamic response peaks about 5 s after a word.
HRF_PEAK_S = 5.0
_SQUARE = (5.0, 15.0)


# -- names --------------------------------------------------------------------------


def atom_names(correspondence: Correspondence, features: Sequence[str] = ()) -> list[str]:
    """Name each atom by its strongest link.

    Parameters
    ----------
    correspondence : Correspondence
    features : sequence of str
        What the atoms are, where they have names (see `Dictionary.names`).

    Returns
    -------
    list of str, n_atoms
        ``Atom 12 · Language +`` where the link passes both nulls,
        ``Atom 5 · Default − (spin only)`` where it passes the paper's rule
        alone, ``Atom 7`` where there is none.
    """
    n_atoms = correspondence.dice.shape[1]
    names = [name.capitalize() for name in features] or [f"Atom {k}" for k in range(n_atoms)]
    links = correspondence.links().sort_values(["accepted", "dice"], ascending=False)
    for link in links.drop_duplicates("atom").itertuples():
        sign = "+" if link.sign == "+" else "−"
        names[link.atom] += f" · {link.network} {sign}" + ("" if link.accepted else " (spin only)")
    return names


def leading_atom(correspondence: Correspondence) -> int:
    """The sub-group to show first: strongest link that beats both nulls, else strongest link, else 0."""
    links = correspondence.links().sort_values(["accepted", "dice"], ascending=False)
    return int(links["atom"].iloc[0]) if len(links) else 0


def atom_sentence(run: Run, atom: int) -> str:
    """What one sub-group, or one feature of the baseline, is, in one sentence (Markdown)."""
    if run.dictionary.names:
        said = f"**{run.dictionary.names[atom].capitalize()}**: a feature of the words, no neuron"
        return said + _atom_link(run, atom, "goes with", "has a map shaped like")
    counts = run.dictionary.layer_histogram[atom]
    n, name = int(counts.sum()), model_name(run)
    where = f", most of them in layer {run.dictionary.layers[int(counts.argmax())]}" if n else ""
    said = f"**Atom {atom}**: {n:,} neurons of {name}{where}"
    return said + _atom_link(run, atom, "go with", "have a map shaped like")


def _atom_link(run: Run, atom: int, accepted: str, spin_only: str) -> str:
    """The end of an atom's sentence: its best link."""
    links = run.correspondence.links().query("atom == @atom").sort_values("accepted", ascending=False)
    if not len(links):
        return ". Its map is not shaped like any network."
    link = links.iloc[0]
    verb = accepted if link.accepted else spin_only
    sign = theme.SIGN_WORDS[link.sign]
    said = f", {verb} the **{link.network}** network ({sign}, {run.correspondence.measure} {link.dice:.2f})."
    return said + ("" if link.accepted else " Phase-randomised atoms pass that test as often.")


def model_name(run: Run) -> str:
    """The model of a run, and whether its weights are random."""
    extract = run.config.extract  # type: ignore[attr-defined]
    return extract.model + (
        "" if extract.weights == "trained" else f" with random weights (seed {extract.seed})"
    )


def score_maps(run: Run) -> tuple[np.ndarray, tuple[str, ...]]:
    """Maps of held-out r, of what survives its false-discovery rate, and of the noise ceiling.

    Returns
    -------
    maps : float (3, n_locations)
        NaN where not significant in the second.
    names : tuple of str
    """
    e, level = run.encoding, run.config.encoding.fdr  # type: ignore[attr-defined]
    kept = np.where(e.q < level, e.r_heldout, np.nan)
    names = ("Held-out r", f"Held-out r, FDR {level:g}", "Noise ceiling")
    return np.stack([e.r_heldout, kept, e.group_ceiling]), names


def atom_order(correspondence: Correspondence, order: str = "network") -> list[int]:
    """Atoms in the order in which a matrix shows them.

    Parameters
    ----------
    correspondence : Correspondence
    order : {'network', 'strength', 'cluster', 'number'}
        By best network and then Dice; by largest linked Dice; by similar rows
        (average linkage of signed Dice); by number.

    Returns
    -------
    list of int, n_atoms

    Raises
    ------
    ConfigError
        An order that is not known.
    """
    if order not in ORDERS:
        raise ConfigError("Unknown order of atoms", found=repr(order), needed=f"one of {', '.join(ORDERS)}")
    best = np.where(correspondence.paper_links, correspondence.dice, 0.0).max(0)  # (n_atoms, n_networks)
    atoms = np.arange(len(best))
    if order == "strength":
        return np.lexsort((atoms, -best.max(1))).tolist()
    if order == "network":
        place = np.where(best.max(1) > 0, best.argmax(1), best.shape[1])
        return np.lexsort((atoms, -best.max(1), place)).tolist()
    if order == "cluster" and len(atoms) > 2:
        signed = correspondence.dice[0] - correspondence.dice[1]
        tree = hierarchy.linkage(signed, "average")
        return hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(tree, signed)).tolist()
    return atoms.tolist()


# -- correspondence -----------------------------------------------------------------


def correspondence_matrix(
    correspondence: Correspondence,
    order: Sequence[int],
    *,
    atom: int | None = None,
    network: int | None = None,
) -> go.Figure:
    """Sub-groups (columns) against networks (rows) as squares that can be clicked.

    Parameters
    ----------
    correspondence : Correspondence
    order : sequence of int, n_atoms
        Atoms from left to right.
    atom, network : int, optional
        The column and the row to mark.

    Returns
    -------
    plotly.graph_objects.Figure
        ``customdata`` of each point: atom, network.
    """
    figure = go.Figure(_quiet_cells(correspondence, order))
    top = float(max(correspondence.dice.max(), 1e-9))
    for sign in (0, 1):
        for accepted in (False, True):
            figure.add_trace(_squares(correspondence, order, sign, accepted, top))
    n_networks = len(correspondence.networks)
    if network is not None:
        figure.add_hrect(network - 0.5, network + 0.5, fillcolor=theme.NULL_BAND, line_width=0, layer="below")
    if atom is not None:
        place = list(order).index(atom)
        figure.add_vrect(place - 0.5, place + 0.5, fillcolor=theme.NULL_BAND, line_width=0, layer="below")
    theme.styled(figure, 92 + 23 * n_networks)
    labels = [str(k) for k in order]
    step = 1 if len(labels) <= 40 else 2
    figure.update_xaxes(
        title="sub-group (atom)", range=[-1, len(labels)], showgrid=False, zeroline=False,
        tickvals=list(range(0, len(labels), step)), ticktext=labels[::step], tickfont_size=10, tickangle=0,
    )  # fmt: skip
    figure.update_yaxes(
        range=[n_networks - 0.4, -0.6], tickvals=list(range(n_networks)), zeroline=False,
        ticktext=list(correspondence.networks), tickfont={"size": 13, "color": theme.INK},
    )  # fmt: skip
    return figure.update_layout(
        legend={"itemclick": False, "itemdoubleclick": False, "itemsizing": "trace"},
        xaxis_fixedrange=True, yaxis_fixedrange=True,
    )  # fmt: skip


def _quiet_cells(correspondence: Correspondence, order: Sequence[int]) -> go.Scatter:
    """A dot in each cell without a link, so that every cell can be clicked."""
    atom, network = np.nonzero(~correspondence.paper_links.any(0))
    place = np.argsort(order)[atom]
    dice = correspondence.dice.max(0)[atom, network]
    return go.Scatter(
        x=place, y=network, mode="markers", showlegend=False, name="",
        marker={"symbol": "square", "size": 4, "color": "#E4E3DD"},
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        customdata=np.stack([atom, network], 1).tolist(),
        text=[f"Atom {a} · {correspondence.networks[f]}<br>no link · {correspondence.measure} {d:.2f}"
              for a, f, d in zip(atom, network, dice, strict=True)],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _squares(
    correspondence: Correspondence, order: Sequence[int], sign: int, accepted: bool, top: float
) -> go.Scatter:
    c = correspondence
    links = c.paper_links | c.accepted_links
    shown = links[sign] & (c.accepted_links[sign] == accepted)
    atom, network = np.nonzero(shown)
    both = links.all(0)[atom, network]  # a cell with both signs shows them one above the other
    y = network + np.where(both, (-0.22, 0.22)[sign], 0.0)
    dice = c.dice[sign][shown]
    size = _SQUARE[0] + (_SQUARE[1] - _SQUARE[0]) * np.sqrt(dice / top)
    mark = "+-"[sign]
    colour = theme.SIGN_COLOURS[mark]
    name = f"{theme.SIGN_WORDS[mark]}, {'beats both nulls' if accepted else 'spin rule only'}"
    return go.Scatter(
        x=np.argsort(order)[atom], y=y, mode="markers", name=name, showlegend=True, cliponaxis=False,
        marker={
            "symbol": "square", "size": np.where(both, size * 0.7, size),
            "color": colour if accepted else theme.PAPER, "opacity": 1,
            "line": {"color": colour, "width": 1.6},
        },
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        customdata=np.stack([atom, network], 1).tolist(),
        text=[_link_text(c, sign, a, f) for a, f in zip(atom.tolist(), network.tolist(), strict=True)],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _link_text(c: Correspondence, sign: int, atom: int, network: int) -> str:
    at = (sign, atom, network)
    verdict = "beats both nulls" if c.accepted_links[at] else "spin rule only"
    return (
        f"<b>Atom {atom} · {c.networks[network]}</b><br>{theme.SIGN_WORDS['+-'[sign]]}, {verdict}<br>"
        f"{c.measure} {c.dice[at]:.2f} · spin p {p_text(c.p_spin[at])} (q {p_text(c.q_spin[at])})<br>"
        f"phase null p {p_text(c.p_phase[at])} (q {p_text(c.q_phase[at])})"
    )


def p_text(value: float) -> str:
    """A p-value as printed: 0.03, 0.0012."""
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def fake_links(correspondence: Correspondence) -> go.Figure:
    """Links of the real dictionary beside those of phase-randomised dictionaries."""
    real, fake = int(correspondence.paper_links.sum()), correspondence.n_links_fake
    figure = go.Figure(
        go.Histogram(
            x=fake, nbinsx=24, marker={"color": "#C9CCCB", "line": {"color": theme.PAPER, "width": 1}},
            hovertemplate="%{x} links: %{y} fake dictionaries<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(real, line={"color": theme.ACCENT, "width": 3})
    middle = (min(real, fake.min()) + max(real, fake.max())) / 2
    figure.add_annotation(
        x=real, y=1, yref="paper", text=f"<b>real: {real}</b>", showarrow=False, yanchor="bottom",
        xanchor="left" if real <= middle else "right", font={"color": theme.ACCENT, "size": 13},
    )  # fmt: skip
    theme.styled(figure, 190)
    figure.update_xaxes(title="links by the spin rule", showgrid=False, zeroline=False)
    figure.update_yaxes(title="fake dictionaries", nticks=4)
    return figure.update_layout(bargap=0.05, showlegend=False)


def network_ranking(correspondence: Correspondence, network: int, n: int = 12) -> go.Figure:
    """The sub-groups that overlap most with one network, strongest first.

    Raises
    ------
    ConfigError
        A network that the atlas does not have.
    """
    if not 0 <= network < len(correspondence.networks):
        needed = f"0 to {len(correspondence.networks) - 1}"
        raise ConfigError("Unknown network", found=str(network), needed=needed, do="choose one of the atlas")
    dice = correspondence.dice[:, :, network]  # (2, n_atoms)
    sign, atom = np.unravel_index(np.argsort(-dice, axis=None, kind="stable")[:n], dice.shape)
    return _lollipops(
        atom,
        np.where(sign == 0, 1, -1) * dice[sign, atom],
        correspondence.accepted_links[sign, atom, network],
        [_link_text(correspondence, s, a, network) for s, a in zip(sign, atom, strict=True)],
        f"{correspondence.measure} with the network (− deactivation, + activation)",
    )


def region_ranking(correspondence: Correspondence, values: np.ndarray, n: int = 12) -> go.Figure:
    """The sub-groups whose maps are strongest in one place.

    Parameters
    ----------
    correspondence : Correspondence
    values : float (n_atoms,)
        z of each atom's map there, see `region_values`.
    n : int
    """
    atoms = np.argsort(-np.abs(values), kind="stable")[:n]
    related = correspondence.atom_q[atoms] < correspondence.level
    names = atom_names(correspondence)
    said = ("", "<br>predicts the brain better than fake atoms")
    texts = [f"<b>{names[k]}</b><br>z {values[k]:+.2f}{said[int(r)]}" for k, r in zip(atoms, related, strict=True)]  # fmt: skip
    return _lollipops(atoms, values[atoms], related, texts, "z of the group map")


def _lollipops(
    atoms: np.ndarray, values: np.ndarray, filled: np.ndarray, texts: list[str], title: str
) -> go.Figure:
    rows = np.arange(len(atoms))
    colours = np.where(values >= 0, theme.ACTIVATION, theme.DEACTIVATION)
    stems_x = np.stack([np.zeros_like(values), values, np.full_like(values, np.nan)], 1).ravel()
    figure = go.Figure(
        go.Scatter(
            x=stems_x, y=np.repeat(rows, 3), mode="lines", line={"color": theme.FAINT, "width": 2},
            hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=values, y=rows, mode="markers", text=texts, hovertemplate="%{text}<extra></extra>",
            customdata=np.asarray(atoms)[:, None].tolist(),
            marker={
                "size": 12, "color": np.where(filled, colours, theme.PAPER),
                "line": {"color": colours, "width": 2},
            },
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        )
    )  # fmt: skip
    theme.styled(figure, 70 + 24 * max(len(rows), 3)).update_layout(showlegend=False)
    figure.update_xaxes(title=title, fixedrange=True)
    figure.update_yaxes(
        fixedrange=True,
        tickvals=rows, ticktext=[f"Atom {k}" for k in atoms], range=[len(rows) - 0.4, -0.6], showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return figure


# -- one sub-group ------------------------------------------------------------------


def time_course(dictionary: Dictionary, atom: int, tr: float, words: pd.DataFrame) -> go.Figure:
    """An atom's activity on the story clock, in standard deviations.

    Parameters
    ----------
    dictionary : Dictionary
    atom : int
    tr : seconds
    words : DataFrame
        ``word, onset`` of the story; hovering names those heard about 5 s
        before.
    """
    series = np.asarray(dictionary.atoms[:, atom], np.float64)
    series = (series - series.mean()) / max(float(series.std()), 1e-12)
    times = tr * dictionary.trs
    heard = [_words_around(words, t - HRF_PEAK_S) for t in times]
    figure = go.Figure()
    for part, colour in ((np.maximum(series, 0), "178, 24, 43"), (np.minimum(series, 0), "33, 102, 172")):
        figure.add_trace(
            go.Scatter(x=times, y=part, mode="lines", line={"width": 0}, fill="tozeroy",
                       fillcolor=f"rgba({colour}, 0.22)", hoverinfo="skip")
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=times, y=series, mode="lines", line={"color": theme.INK, "width": 1.6}, text=heard,
            hovertemplate="%{x:.0f} s · %{y:+.1f} SD<br>heard: <i>%{text}</i><extra></extra>",
        )
    )  # fmt: skip
    theme.styled(figure, 230).update_layout(showlegend=False, hovermode="x")
    figure.update_xaxes(title="seconds from the first volume", showgrid=False, range=[times[0], times[-1]])
    figure.update_yaxes(title="activity (SD)", nticks=6)
    return figure


def _words_around(words: pd.DataFrame, time: float, half: float = 2.0) -> str:
    near = words["word"][(words["onset"] >= time - half) & (words["onset"] <= time + half)]
    return html.escape(" ".join(near)) or "silence"


def transcript(words: pd.DataFrame) -> str:
    """The story as HTML, each word on the colour of the atom's activity when it was heard.

    Parameters
    ----------
    words : DataFrame
        ``text, onset, activity`` (standard deviations, NaN where unknown).

    Returns
    -------
    str
        One ``<p>``; every word is escaped.
    """
    spans = [
        f'<span title="{onset:.1f} s, {activity:+.1f} SD" style="background:{_tint(activity)}">'
        f"{html.escape(str(word))}</span>"
        if np.isfinite(activity)
        else html.escape(str(word))
        for word, onset, activity in zip(words["text"], words["onset"], words["activity"], strict=True)
    ]
    return f'<p style="line-height:1.75;margin:0">{" ".join(spans)}</p>'


def _tint(activity: float) -> str:
    """Nothing within half a standard deviation, full colour from three on."""
    strength = min(max(abs(activity) - 0.5, 0) / 2.5, 1) * 0.6
    red, green, blue = bytes.fromhex((theme.ACTIVATION if activity > 0 else theme.DEACTIVATION)[1:])
    return f"rgba({red},{green},{blue},{strength:.2f})"


def passages(top_words: pd.DataFrame) -> str:
    """The passages that drive an atom, as HTML.

    Parameters
    ----------
    top_words : DataFrame
        ``onset`` (s), ``activity`` (SD), ``context``, strongest first.

    Returns
    -------
    str
        One row per passage: time, words, activity; every word is escaped.
    """
    quiet = f"color:{theme.QUIET};font-size:0.85em;white-space:nowrap;padding:0.45em 0.9em 0.45em 0"
    rows = [
        f'<tr style="border-top:1px solid {theme.GRID}"><td style="{quiet};vertical-align:top">'
        f"{int(row.onset) // 60}:{int(row.onset) % 60:02d}</td>"
        f'<td style="padding:0.45em 0.9em 0.45em 0;line-height:1.4">{html.escape(row.context)}</td>'
        f'<td style="{quiet};vertical-align:top;text-align:right">{row.activity:+.1f} SD</td></tr>'
        for row in top_words.itertuples()
    ]
    return f'<table style="width:100%;border-collapse:collapse;font-size:0.95rem">{"".join(rows)}</table>'


def layer_histogram(dictionary: Dictionary, atom: int) -> go.Figure:
    """Neurons of one sub-group by layer, with what an even spread would give."""
    return layer_bars(dictionary.layers, dictionary.layer_histogram[atom])


def layer_bars(layers: Sequence[int], counts: np.ndarray) -> go.Figure:
    """Neurons by layer: counts (n_layers,), and a line at their mean."""
    figure = go.Figure(
        go.Bar(
            x=list(layers), y=counts, marker={"color": theme.ACCENT},
            hovertemplate="layer %{x}: %{y} neurons<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(float(counts.mean()), line={"color": theme.QUIET, "dash": "dot", "width": 1.5})
    theme.styled(figure, 230).update_layout(showlegend=False, bargap=0.25)
    figure.update_xaxes(title="layer", showgrid=False, dtick=1 if len(counts) <= 12 else 5)
    figure.update_yaxes(title="neurons", rangemode="tozero")
    return figure


def region_values(
    maps: np.ndarray, recording: Recording, regions: NetworkAtlas, location: int
) -> tuple[str, np.ndarray, int]:
    """What the maps say about the region that holds one location.

    Parameters
    ----------
    maps : float (n_maps, n_locations)
    recording : Recording
    regions : NetworkAtlas
        Named regions on the surface, used where locations are vertices.
    location : int

    Returns
    -------
    name : str
    values : float (n_maps,)
        The parcel's values, or means over the region's vertices.
    n_locations : int
        Locations averaged.
    """
    if recording.locations:
        return recording.locations[location], maps[:, location], 1
    vertices = np.flatnonzero(recording.vertex_location == location)
    label = int(regions.labels[vertices[0]]) if len(vertices) else 0
    if label == 0:
        return f"location {location}", maps[:, location], 1
    inside = np.unique(recording.vertex_location[regions.labels == label])
    inside = inside[inside >= 0]
    return regions.networks[label - 1], maps[:, inside].mean(1), len(inside)
