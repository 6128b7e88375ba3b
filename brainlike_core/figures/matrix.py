"""The matrix of sub-groups against networks, and its count of links beside that of fakes.

Red is activation, blue is deactivation. A filled square passes both nulls, a
hollow one passes the paper's spin rule only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.cluster import hierarchy

from ..errors import ConfigError
from ..values import Correspondence
from . import theme

ORDERS = ("network", "strength", "cluster", "number")
_SQUARE = (5.0, 15.0)


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


def correspondence_matrix(
    correspondence: Correspondence,
    order: Sequence[int],
    *,
    atom: int | None = None,
    network: int | None = None,
) -> go.Figure:
    """Sub-groups (columns) against networks (rows) as squares that can be clicked, and a mark for each network.

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
        ``customdata`` of each point: atom, network; atom -1 for a network's own mark.
    """
    head = -0.8 - 0.02 * len(order)
    figure = go.Figure([_quiet_cells(correspondence, order), _rows(correspondence.networks, head)])
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
        title="sub-group (atom)", range=[1.6 * head, len(labels)], showgrid=False, zeroline=False,
        tickvals=list(range(0, len(labels), step)), ticktext=labels[::step], tickfont_size=10, tickangle=0,
    )  # fmt: skip
    figure.update_yaxes(
        range=[n_networks - 0.4, -0.6], tickvals=list(range(n_networks)), zeroline=False,
        ticktext=list(correspondence.networks), tickfont={"size": 13, "color": theme.INK},
    )  # fmt: skip
    return figure.update_layout(
        legend={"itemclick": False, "itemdoubleclick": False, "itemsizing": "trace"},
        xaxis_fixedrange=True, yaxis_fixedrange=True, meta={"x": labels},
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


def _rows(networks: Sequence[str], place: float) -> go.Scatter:
    """A mark at the head of each row, left of the first atom, to choose a network without a sub-group; a control is not printed."""
    return go.Scatter(
        x=[place] * len(networks), y=list(range(len(networks))), mode="markers", showlegend=False, name="", meta="control",
        marker={"symbol": "triangle-right", "size": 10, "color": theme.ACCENT}, cliponaxis=False,
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        customdata=[[-1, f] for f in range(len(networks))], text=list(networks),
        hovertemplate="<b>%{text}</b><br>outline, and its sub-groups<extra></extra>",
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
        text=[link_text(c, sign, a, f) for a, f in zip(atom.tolist(), network.tolist(), strict=True)],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def link_text(c: Correspondence, sign: int, atom: int, network: int) -> str:
    at = (sign, atom, network)
    verdict = "beats both nulls" if c.accepted_links[at] else "spin rule only"
    return (
        f"<b>Atom {atom} · {c.networks[network]}</b><br>{theme.SIGN_WORDS['+-'[sign]]}, {verdict}<br>"
        f"{c.measure} {c.dice[at]:.2f} · spin p {p_text(c.p_spin[at])} (q {p_text(c.q_spin[at])})<br>"
        f"surrogate p {p_text(c.p_phase[at])} (q {p_text(c.q_phase[at])})"
    )


def p_text(value: float) -> str:
    """A p-value as printed: 0.03, 0.0012."""
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def fake_links(correspondence: Correspondence) -> go.Figure:
    """Links of the real dictionary beside those of sign-randomised dictionaries."""
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
