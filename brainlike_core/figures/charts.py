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

from ..errors import ConfigError
from ..values import Correspondence, Dictionary, NetworkAtlas, Recording, Run
from ..values.story import HRF_PEAK_S
from . import theme
from .matrix import link_text

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
    return said + ("" if link.accepted else " Sign-randomised atoms pass that test as often.")


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


# -- rankings -----------------------------------------------------------------------


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
    return lollipops(
        atom,
        np.where(sign == 0, 1, -1) * dice[sign, atom],
        correspondence.accepted_links[sign, atom, network],
        [link_text(correspondence, s, a, network) for s, a in zip(sign, atom, strict=True)],
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
    return _strongest(correspondence, values, n, "z {:+.2f}", "z of the group map")


def word_ranking(correspondence: Correspondence, activity: np.ndarray, n: int = 12) -> go.Figure:
    """The sub-groups that are furthest from their mean when one word is heard.

    Parameters
    ----------
    correspondence : Correspondence
    activity : float (n_atoms,)
        Standard deviations of each atom (see ``archive.atoms_at_word``).
    n : int
    """
    return _strongest(correspondence, activity, n, "{:+.1f} SD", "activity (SD)")


def _strongest(c: Correspondence, values: np.ndarray, n: int, unit: str, title: str) -> go.Figure:
    atoms = np.argsort(-np.abs(values), kind="stable")[:n]
    related = c.atom_q[atoms] < c.level
    names = atom_names(c)
    said = ("", "<br>predicts the brain better than fake atoms")
    texts = [
        f"<b>{names[k]}</b><br>{unit.format(values[k])}{said[int(r)]}"
        for k, r in zip(atoms, related, strict=True)
    ]
    return lollipops(atoms, values[atoms], related, texts, title)


def lollipops(
    atoms: np.ndarray, values: np.ndarray, filled: np.ndarray, texts: list[str], title: str
) -> go.Figure:
    """Atoms one below the other, each a mark at its value; ``customdata`` of a mark: atom.

    Parameters
    ----------
    atoms : int (n,)
    values : float (n,)
    filled : bool (n,)
        Solid marks; the others are hollow.
    texts : list of str, n
        Shown on hover.
    title : str
        Of the values.
    """
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


def neuron_trace(dictionary: Dictionary, atom: int, trace: np.ndarray, tr: float, name: str) -> go.Figure:
    """One neuron's response over the story beside its atom, both in standard deviations.

    Parameters
    ----------
    dictionary : Dictionary
    atom : int
    trace : float (n_trs,)
        On the rows of the atoms.
    tr : seconds
    name : str
        Of the neuron.
    """
    times = tr * dictionary.trs
    figure = go.Figure()
    for label, series, colour in (
        (f"Atom {atom}", dictionary.atoms[:, atom], theme.FAINT), (name, trace, theme.ACCENT),
    ):  # fmt: skip
        values = np.asarray(series, np.float64)
        values = (values - values.mean()) / max(float(values.std()), 1e-12)
        hover = f"%{{x:.0f}} s · %{{y:+.1f}} SD<extra>{label}</extra>"
        line = {"color": colour, "width": 4 if colour == theme.FAINT else 1.6}
        figure.add_trace(
            go.Scatter(x=times, y=values, mode="lines", name=label, line=line, hovertemplate=hover)
        )
    theme.styled(figure, 260).update_layout(hovermode="x")
    figure.update_xaxes(title="seconds from the first volume", showgrid=False, range=[times[0], times[-1]])
    return figure.update_yaxes(title="response (SD)", nticks=6)


def _words_around(words: pd.DataFrame, time: float, half: float = 2.0) -> str:
    near = words["word"][(words["onset"] >= time - half) & (words["onset"] <= time + half)]
    return html.escape(" ".join(near)) or "silence"


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
