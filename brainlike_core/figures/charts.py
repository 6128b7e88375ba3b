"""Charts: a run's values -> plotly figures. Pure functions, no Streamlit, no disk.

Red is activation, blue is deactivation. A filled mark passes both nulls (or
has trained weights, where models are compared); a hollow mark passes the
paper's spin rule only (or has random weights). Each point that can be clicked
carries its atom, and its network where it has one, as ``customdata``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.cluster import hierarchy

from ..errors import ConfigError
from ..values import Correspondence, Dictionary, NetworkAtlas, Recording, Run
from . import theme

ORDERS = ("network", "strength", "cluster", "number")
# The canonical haemodynamic response peaks about 5 s after a word.
HRF_PEAK_S = 5.0
_SQUARE = (5.0, 15.0)
METRIC_TITLES = {
    "diversity": "Diversity",
    "consistency": "Consistency (time)",
    "consistency_spatial": "Consistency (maps)",
    "compactness": "Compactness",
    "effective_rank": "Effective rank",
    "layer_divergence": "Layer divergence (bits)",
    "n_links": "Links (spin rule)",
    "involvement_entropy": "Involvement entropy",
    "specialisation": "Specialisation (Dice)",
    "balance": "Balance (ours)",
}


# -- names --------------------------------------------------------------------------


def atom_names(correspondence: Correspondence) -> list[str]:
    """Name each atom by its strongest link.

    Parameters
    ----------
    correspondence : Correspondence

    Returns
    -------
    list of str, n_atoms
        ``Atom 12 · Language +`` where the link passes both nulls,
        ``Atom 5 · Default − (spin only)`` where it passes the paper's rule
        alone, ``Atom 7`` where there is none.
    """
    n_atoms = correspondence.dice.shape[1]
    names = [f"Atom {k}" for k in range(n_atoms)]
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
    """What one sub-group is, in one sentence (Markdown)."""
    counts = run.dictionary.layer_histogram[atom]
    n, name = int(counts.sum()), model_name(run)
    where = f", most of them in layer {run.dictionary.layers[int(counts.argmax())]}" if n else ""
    said = f"**Atom {atom}**: {n:,} neurons of {name}{where}"
    links = run.correspondence.links().query("atom == @atom").sort_values("accepted", ascending=False)
    if not len(links):
        return f"{said}. Its map is not shaped like any network."
    link = links.iloc[0]
    verb = "go with" if link.accepted else "have a map shaped like"
    sign = theme.SIGN_WORDS[link.sign]
    said += f", {verb} the **{link.network}** network ({sign}, Dice {link.dice:.2f})."
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
        text=[f"Atom {a} · {correspondence.networks[f]}<br>no link · Dice {d:.2f}"
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
        f"Dice {c.dice[at]:.2f} · spin p {_p(c.p_spin[at])} (q {_p(c.q_spin[at])})<br>"
        f"phase null p {_p(c.p_phase[at])} (q {_p(c.q_phase[at])})"
    )


def _p(value: float) -> str:
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
        "Dice with the network (− deactivation, + activation)",
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
    times = tr * (dictionary.first_tr + np.arange(len(series)))
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
    counts = dictionary.layer_histogram[atom]
    figure = go.Figure(
        go.Bar(
            x=list(dictionary.layers), y=counts, marker={"color": theme.ACCENT},
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


# -- models side by side ------------------------------------------------------------


def run_names(runs: Sequence[Run]) -> list[str]:
    """A short, distinct name for each run: model, weights, and id where they tie."""
    names = []
    for run in runs:
        extract = run.config.extract  # type: ignore[attr-defined]
        weights = "" if extract.weights == "trained" else f" · random {extract.seed}"
        names.append(f"{extract.model}{weights}")
    return [n if names.count(n) == 1 else f"{n} · {r.id[:6]}" for n, r in zip(names, runs, strict=True)]


def _looks(runs: Sequence[Run]) -> list[tuple[str, str, str]]:
    """Name, colour, and fill (the colour, or paper for random weights) of each run."""
    extracts = [run.config.extract for run in runs]  # type: ignore[attr-defined]
    colours = theme.model_colours([e.model for e in extracts])
    return [
        (name, colours[e.model], colours[e.model] if e.weights == "trained" else theme.PAPER)
        for name, e in zip(run_names(runs), extracts, strict=True)
    ]


def diversity_consistency(runs: Sequence[Run], consistency: str = "consistency") -> go.Figure:
    """Diversity against consistency, bootstrap intervals, and the size-matched null of each run.

    Parameters
    ----------
    runs : sequence of Run
    consistency : {'consistency', 'consistency_spatial'}
    """
    figure = go.Figure()
    for run, (name, colour, fill) in zip(runs, _looks(runs), strict=True):
        table = run.organization.metrics.set_index("metric")
        x, y = table.loc["diversity"], table.loc[consistency]
        figure.add_trace(
            go.Scatter(
                x=[x["value"]] * 2, y=[y["null_low"], y["null_high"]], mode="lines", showlegend=False,
                line={"color": "rgba(102,112,124,0.28)", "width": 16}, hoverinfo="skip",
            )
        )  # fmt: skip
        for x_ends, y_ends in (
            ((x["low"], x["high"]), (y["value"],) * 2),
            ((x["value"],) * 2, (y["low"], y["high"])),
        ):
            # The interval as it is: a bootstrap need not contain the value.
            figure.add_trace(
                go.Scatter(
                    x=x_ends, y=y_ends, mode="lines", showlegend=False, hoverinfo="skip",
                    line={"color": colour, "width": 1.6},
                )
            )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[x["value"]], y=[y["value"]], mode="markers", name=name,
                marker={"size": 15, "color": fill, "line": {"color": colour, "width": 2.5}},
                hovertemplate=f"<b>{html.escape(name)}</b><br>diversity {_interval(x)}<br>"
                f"{METRIC_TITLES[consistency].lower()} {_interval(y)}<br>size-matched null "
                f"{y['null_low']:.3f} to {y['null_high']:.3f}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 400)
    figure.update_xaxes(title="diversity (1 − mean |r| of atoms)", zeroline=False)
    figure.update_yaxes(title=f"{METRIC_TITLES[consistency].lower()}, mean r", zeroline=True)
    return figure


def _interval(row: pd.Series, digits: int = 3) -> str:
    if not np.isfinite(row["value"]):
        return "–"
    low_high = f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return f"{row['value']:.{digits}f}" + (low_high if np.isfinite(row["low"]) else "")


def involvement(runs: Sequence[Run], rule: str = "paper") -> go.Figure:
    """Sub-groups linked to each network: activation to the right, deactivation to the left.

    ``rule`` is "paper" or "accepted". Ticks: the mean of phase-randomised
    dictionaries by the paper's rule.
    """
    networks = runs[0].atlas.networks
    rows = np.arange(len(networks))
    figure, width = go.Figure(), 0.78 / len(runs)
    for i, (run, (name, colour, fill)) in enumerate(zip(runs, _looks(runs), strict=True)):
        y = rows + (i - (len(runs) - 1) / 2) * width
        c = run.correspondence
        counts = (c.paper_links if rule == "paper" else c.accepted_links).sum(1)  # (2, n_networks)
        for sign, count, fake in zip((1, -1), counts, c.involvement_fake, strict=True):
            figure.add_trace(
                go.Bar(
                    x=sign * count, y=y, orientation="h", width=width * 0.82, name=name,
                    legendgroup=name, showlegend=sign > 0,
                    marker={"color": fill, "line": {"color": colour, "width": 1.5}},
                    customdata=count, text=list(networks), textposition="none",
                    hovertemplate=f"<b>{html.escape(name)}</b> · %{{text}}<br>%{{customdata}} sub-groups"
                    f"<extra></extra>",
                )
            )  # fmt: skip
            if rule != "paper":
                continue
            figure.add_trace(
                go.Scatter(
                    x=sign * fake, y=y, mode="markers", legendgroup="fake", legendrank=2000,
                    name="phase-randomised atoms, mean", showlegend=i == 0 and sign > 0,
                    marker={"symbol": "line-ns", "size": min(12, 2 + 14 * width), "line": {"color": theme.INK, "width": 2}},
                    customdata=fake,
                    hovertemplate="fake atoms: %{customdata:.1f}<extra></extra>",
                )
            )  # fmt: skip
    theme.styled(figure, 110 + len(networks) * (14 + 9 * len(runs)))
    top = max(max(np.abs(np.asarray(t.x, float)).max(initial=0) for t in figure.data), 1)
    ticks = _whole_ticks(top)
    figure.update_xaxes(
        title="deactivation    ←    linked sub-groups    →    activation", range=[-1.08 * top, 1.08 * top],
        tickvals=[*[-t for t in ticks[:0:-1]], *ticks], ticktext=[*map(str, ticks[:0:-1]), *map(str, ticks)],
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=rows, ticktext=list(networks), range=[len(rows) - 0.4, -0.6], showgrid=False, zeroline=False
    )
    return figure.update_layout(barmode="overlay")


def _whole_ticks(top: float) -> list[int]:
    step = max(1, int(np.ceil(top / 4)))
    return list(range(0, int(np.ceil(top)) + 1, step))


def layer_profiles(runs: Sequence[Run], n_columns: int = 2) -> go.Figure:
    """Where in depth the sub-groups of each network lie: network x layer, one panel per run."""
    networks = list(runs[0].atlas.networks)
    n_columns = min(n_columns, len(runs))
    n_rows = -(-len(runs) // n_columns)
    figure = make_subplots(
        n_rows, n_columns, subplot_titles=[html.escape(n) for n in run_names(runs)], shared_yaxes=True,
        horizontal_spacing=0.03, vertical_spacing=0.14 / n_rows,
    )  # fmt: skip
    # One scale for all panels: a layer's share times the number of layers, 1 = an even spread.
    even = [run.organization.layer_profiles * run.organization.layer_profiles.shape[1] for run in runs]
    top = max(2.0, max(float(e.max()) for e in even))
    for i, (run, profile) in enumerate(zip(runs, even, strict=True)):
        layers = list(run.dictionary.layers)
        figure.add_trace(
            go.Heatmap(
                z=np.where(profile.sum(1, keepdims=True) > 0, profile, np.nan), x=layers, y=networks,
                zmin=0, zmax=top, colorscale=theme.SHADES, xgap=1, ygap=2, showscale=i == 0, hoverongaps=False,
                colorbar={"title": {"text": "× even", "side": "right"}, "thickness": 10, "len": 0.6, "outlinewidth": 0},
                hovertemplate="%{y}, layer %{x}: %{z:.1f} × an even spread<extra></extra>",
            ),
            row=i // n_columns + 1, col=i % n_columns + 1,
        )  # fmt: skip
    theme.styled(figure, n_rows * (90 + 19 * len(networks)))
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(showgrid=False, zeroline=False)
    for column in range(1, n_columns + 1):
        figure.update_xaxes(title="layer", row=n_rows, col=column)
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def heldout_scores(runs: Sequence[Run]) -> go.Figure:
    """Mean held-out r of each run on its null range, with p."""
    figure = go.Figure()
    looks = _looks(runs)
    for i, (run, (name, colour, fill)) in enumerate(zip(runs, looks, strict=True)):
        e = run.encoding
        low, high = np.percentile(e.null_means, [2.5, 97.5])
        figure.add_trace(
            go.Scatter(
                x=[low, high], y=[i, i], mode="lines", line={"color": "rgba(102,112,124,0.28)", "width": 16},
                showlegend=i == 0, name="null, 95 %", hoverinfo="skip",
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[e.r_mean], y=[i], mode="markers", showlegend=False,
                marker={"size": 15, "color": fill, "line": {"color": colour, "width": 2.5}},
                hovertemplate=f"<b>{html.escape(name)}</b><br>mean held-out r %{{x:.3f}}<br>null {low:.3f} to "
                f"{high:.3f}<br>noise ceiling of the group mean {e.group_ceiling.mean():.3f}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 100 + 44 * len(runs))
    left = min(0.0, *(float(np.percentile(r.encoding.null_means, 2.5)) for r in runs))
    right = max(float(max(r.encoding.r_mean, r.encoding.null_means.max())) for r in runs)
    figure.update_xaxes(
        title="mean held-out r over locations", range=[left - 0.02, right + 0.35 * (right - left)]
    )
    names = [
        f"{html.escape(name)}<br><b>r {run.encoding.r_mean:.3f}</b>, p {_p(run.encoding.r_mean_p)}"
        for run, (name, _, _) in zip(runs, looks, strict=True)
    ]
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5],
        tickfont={"size": 13, "color": theme.INK}, showgrid=False, zeroline=False,
    )  # fmt: skip
    return figure


def lag_curves(runs: Sequence[Run]) -> go.Figure:
    """Held-out r against the delay beyond the haemodynamic response, in seconds."""
    figure = go.Figure()
    for run, (name, colour, fill) in zip(runs, _looks(runs), strict=True):
        solid = fill == colour
        figure.add_trace(
            go.Scatter(
                x=run.encoding.lag_delays * run.recording.tr, y=run.encoding.lag_curve, name=name,
                mode="lines+markers", line={"color": colour, "width": 2, "dash": "solid" if solid else "dot"},
                marker={"size": 9, "color": fill, "line": {"color": colour, "width": 2}},
                hovertemplate=f"{html.escape(name)}<br>%{{x:.1f}} s: r %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 320)
    figure.update_xaxes(title="delay beyond the haemodynamic response (s)", showgrid=False)
    return figure.update_yaxes(title="mean held-out r")


def metrics_table(runs: Sequence[Run]) -> pd.DataFrame:
    """All metrics as text: one row per metric, one column per run, value [95 % interval].

    Metrics with a size-matched null state its range after a bar.
    """
    columns = {}
    for run, name in zip(runs, run_names(runs), strict=True):
        table = run.organization.metrics.set_index("metric")
        columns[name] = [_metric_text(metric, table) for metric in METRIC_TITLES]
    return pd.DataFrame(columns, index=pd.Index(list(METRIC_TITLES.values()), name="metric"))


def _metric_text(metric: str, table: pd.DataFrame) -> str:
    if metric not in table.index:
        return "–"
    row = table.loc[metric]
    text = _interval(row, 0 if metric == "n_links" else 1 if metric == "effective_rank" else 3)
    if np.isfinite(row["null_low"]):
        text += f" | null {row['null_low']:.3f} to {row['null_high']:.3f}"
    return text
