"""One chart for each step of the guided tour, in the run's own numbers. Pure functions."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import FakeAtoms, Rebuilt
from . import theme

_REAL = {"color": theme.ACCENT, "width": 2}
_OTHER = {"color": theme.QUIET, "width": 1.4}
_MEASURED = {"color": theme.MODEL_COLOURS[1], "width": 1.6}


def plain(text: str) -> str:
    """A story's word inside Markdown, as it is.

    Examples
    --------
    >>> print(plain("*a*[b]"))
    \\*a\\*\\[b\\]
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|:$~-])", r"\\\1", str(text))


def _line(x, y, name: str, line: dict, **more) -> go.Scatter:
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=line, **more)


def neuron_words(heard: pd.DataFrame) -> go.Figure:
    """A neuron's response to each word of a passage, in order of telling."""
    colours = np.where(heard["response"] >= 0, theme.ACTIVATION, theme.DEACTIVATION)
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(heard)), y=heard["response"], marker={"color": colours},
            customdata=heard["onset"], text=heard["word"].map(html.escape), textposition="none",
            hovertemplate="<b>%{text}</b> at %{customdata:.1f} s<br>%{y:+.2f} SD<extra></extra>",
        )
    )  # fmt: skip
    theme.styled(figure, 380).update_layout(bargap=0.2)
    figure.update_xaxes(
        tickvals=np.arange(len(heard)), ticktext=heard["word"].map(html.escape), tickangle=-60, showgrid=False,
        tickfont={"size": 11, "color": theme.INK},
    )  # fmt: skip
    return figure.update_yaxes(title="response (SD over all words)", zeroline=True)


def volumes(heard: pd.DataFrame, means: pd.DataFrame, tr: float) -> go.Figure:
    """Responses to words as dots, and their mean in each volume as a step."""
    figure = go.Figure(
        go.Scatter(
            x=heard["onset"], y=heard["response"], mode="markers", name="words",
            marker={"size": 7, "color": theme.FAINT, "line": {"color": theme.QUIET, "width": 1}},
            text=heard["word"].map(html.escape), hovertemplate="<b>%{text}</b> %{y:+.2f} SD<extra></extra>",
        )
    )  # fmt: skip
    ends = means["onset"] + tr
    x = np.stack([means["onset"], ends, np.full(len(means), np.nan)], 1).ravel()
    figure.add_trace(_line(x, np.repeat(means["response"], 3), "mean of each volume", {**_REAL, "width": 3}))
    theme.styled(figure, 380)
    figure.update_xaxes(title="seconds from the first volume", showgrid=False)
    return figure.update_yaxes(title="response (SD over all words)", zeroline=True)


def delays(
    hrf: pd.DataFrame, curve: pd.DataFrame, other: pd.DataFrame, delay: float, names: tuple[str, str]
) -> go.Figure:
    """Glover's response, and r at every delay with and without it; the chosen delay is marked.

    Parameters
    ----------
    hrf : DataFrame
        seconds, response.
    curve, other : DataFrame
        delay, r; of the chosen way and of the other one.
    delay : seconds
    names : of the two ways
    """
    figure = make_subplots(
        1, 2, column_widths=[0.36, 0.64], horizontal_spacing=0.1,
        subplot_titles=["Response to one moment", "Word rate against the network"],
    )  # fmt: skip
    figure.add_trace(_line(hrf["seconds"], hrf["response"], "Glover", _REAL, showlegend=False), row=1, col=1)
    figure.add_trace(_line(other["delay"], other["r"], names[1], _OTHER), row=1, col=2)
    figure.add_trace(_line(curve["delay"], curve["r"], names[0], _REAL), row=1, col=2)
    figure.add_trace(
        go.Scatter(
            x=[delay], y=[np.interp(delay, curve["delay"], curve["r"])], mode="markers", showlegend=False,
            marker={"size": 13, "color": theme.ACCENT}, hovertemplate="%{x:.1f} s: r %{y:.3f}<extra></extra>",
        ),
        row=1, col=2,
    )  # fmt: skip
    theme.styled(figure, 380).update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_layout(legend={"y": -0.22, "yanchor": "top", "x": 0.45})
    figure.update_xaxes(title="seconds", showgrid=False)
    figure.update_xaxes(title="further delay (s)", col=2)
    return figure.update_yaxes(title="r", col=2)


def rebuilt(found: Rebuilt, tr: float) -> go.Figure:
    """A neuron's response and its sum of some atoms."""
    seconds = tr * np.arange(len(found.neuron))
    n = len(found.atoms)
    figure = go.Figure(
        [
            _line(seconds, found.neuron, "the neuron", _OTHER),
            _line(seconds, found.copy, f"{n} atom{'s' * (n != 1)}", _REAL),
        ]
    )
    theme.styled(figure, 380)
    figure.update_xaxes(title="seconds from the first row", showgrid=False)
    return figure.update_yaxes(title="SD", zeroline=True)


def members(
    layers: Sequence[int], counts: np.ndarray, curve: pd.DataFrame, threshold: float, size: int
) -> go.Figure:
    """Neurons above the threshold by layer, and the size of the sub-group at every threshold.

    Parameters
    ----------
    layers : of the model
    counts : int (n_layers,)
    curve : DataFrame
        threshold, size.
    threshold, size : what is chosen
    """
    figure = make_subplots(
        1, 2, horizontal_spacing=0.12, subplot_titles=["Its neurons by layer", "Its size by threshold"]
    )
    figure.add_trace(
        go.Bar(
            x=list(layers), y=counts, marker={"color": theme.ACCENT},
            hovertemplate="layer %{x}: %{y} neurons<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_trace(_line(curve["threshold"], curve["size"], "", _OTHER), row=1, col=2)
    figure.add_trace(
        go.Scatter(
            x=[threshold], y=[size], mode="markers", marker={"size": 13, "color": theme.ACCENT},
            hovertemplate="|loading| above %{x:.2f}: %{y} neurons<extra></extra>",
        ),
        row=1, col=2,
    )  # fmt: skip
    theme.styled(figure, 380).update_layout(showlegend=False, bargap=0.2)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(title="layer", showgrid=False, col=1)
    figure.update_xaxes(title="|loading| above", col=2)
    figure.update_yaxes(title="neurons", rangemode="tozero")
    return figure


def fit_by_size(table: pd.DataFrame, n_atoms: int) -> go.Figure:
    """r in the half that was fitted and in the other half, for real and for sign-randomised atoms, by their number."""
    looks = {
        "home": ("atoms, same half", {**_REAL, "dash": "dot"}, theme.PAPER),
        "fake_home": ("fake atoms, same half", {**_OTHER, "dash": "dot"}, theme.PAPER),
        "away": ("atoms, other half", _REAL, theme.ACCENT),
        "fake_away": ("fake atoms, other half", _OTHER, theme.QUIET),
    }
    figure = go.Figure()
    for column, (name, line, fill) in looks.items():
        figure.add_trace(
            go.Scatter(
                x=table["n_atoms"], y=table[column], name=name, mode="lines+markers", line=line,
                marker={"size": 8, "color": fill, "line": {"color": line["color"], "width": 1.6}},
                hovertemplate=f"{name}, %{{x}}: r %{{y:.2f}}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_vline(n_atoms, line={"color": theme.FAINT, "width": 12}, layer="below", opacity=0.5)
    theme.styled(figure, 400)
    figure.update_xaxes(
        title="number of atoms", type="log", tickvals=table["n_atoms"], ticktext=table["n_atoms"].astype(str)
    )
    return figure.update_yaxes(title="r with the network's response", zeroline=True)


def fakes(found: FakeAtoms, copy: int, tr: float) -> go.Figure:
    """An atom, or one of its copies, over the network's response; and where both stand among all copies."""
    figure = make_subplots(
        2, 1, row_heights=[0.55, 0.45], vertical_spacing=0.24,
        subplot_titles=["The network, the atom, and the chosen fake", "r of all fakes"],
    )  # fmt: skip
    seconds = tr * np.arange(len(found.atom))
    flip = 1 if found.r >= 0 else -1
    figure.add_trace(_line(seconds, found.measured, "network", _MEASURED), row=1, col=1)
    figure.add_trace(
        _line(seconds, flip * found.atom, "atom" + " upside down" * (flip < 0), _REAL), row=1, col=1
    )
    figure.add_trace(_line(seconds, found.copies[copy], "fake", _OTHER), row=1, col=1)
    figure.add_trace(
        go.Histogram(
            x=np.abs(found.copies_r), nbinsx=30, marker={"color": theme.FAINT}, showlegend=False,
            hovertemplate="|r| %{x}: %{y} fakes<extra></extra>",
        ),
        row=2, col=1,
    )  # fmt: skip
    for value, colour, width in (
        (abs(found.copies_r[copy]), theme.QUIET, 2),
        (abs(found.r), theme.ACCENT, 3),
    ):
        figure.add_vline(value, line={"color": colour, "width": width}, row=2, col=1)
    theme.styled(figure, 480).update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_layout(bargap=0.05, legend={"y": 1.06})
    figure.update_xaxes(title="seconds from the first row", showgrid=False, row=1, col=1)
    far = 1.05 * max(abs(found.r), np.abs(found.copies_r).max())
    figure.update_xaxes(title="|r| with the network", range=[0, far], row=2, col=1)
    figure.update_yaxes(title="SD", row=1, col=1)
    return figure.update_yaxes(title="fakes", row=2, col=1)


def null_of_one(null: np.ndarray, r: float) -> go.Figure:
    """Mean held-out r of one run among that of sign-randomised recordings."""
    figure = go.Figure(
        go.Histogram(
            x=null, nbinsx=30, marker={"color": theme.FAINT}, name="sign-randomised recordings",
            hovertemplate="r %{x}: %{y} recordings<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(
        r,
        line={"color": theme.ACCENT, "width": 3},
        annotation={"text": f"this run: {r:.3f}", "yanchor": "bottom"},
    )
    theme.styled(figure, 340).update_layout(bargap=0.05, showlegend=False)
    figure.update_xaxes(title="mean held-out r over locations")
    return figure.update_yaxes(title="recordings")


def lost(table: pd.DataFrame) -> go.Figure:
    """Held-out R2 that each network loses without an atom, largest first."""
    table = table.dropna().sort_values("lost", ascending=False)
    figure = go.Figure(
        go.Bar(
            x=table["lost"], y=table["network"], orientation="h", hovertemplate="%{y}: %{x:.4f}<extra></extra>",
            marker={"color": np.where(table["lost"] > 0, theme.ACCENT, theme.FAINT)},
        )
    )  # fmt: skip
    theme.styled(figure, 90 + 20 * max(len(table), 3)).update_layout(bargap=0.3)
    figure.update_xaxes(title="held-out R² lost without the sub-group", zeroline=True)
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def planted(heard: np.ndarray, series: np.ndarray, tr: float, pattern: str, atom: int) -> go.Figure:
    """A planted pattern and a sub-group's atom."""
    seconds = tr * np.arange(len(heard))
    figure = go.Figure(
        [
            _line(seconds, heard, f"planted: {pattern}", _MEASURED),
            _line(seconds, series, f"atom {atom}", _REAL),
        ]
    )
    theme.styled(figure, 300)
    figure.update_xaxes(title="seconds from the first row", showgrid=False)
    return figure.update_yaxes(title="SD", zeroline=True)


# -- captions -----------------------------------------------------------------------------


def words_caption(n_shown: int, n_words: int) -> str:
    """Under the responses to words."""
    return f"{n_shown} of {n_words:,} words, in standard deviations over all of them. To look at; no test."


def volumes_caption(n_words: int, n_volumes: int, kept: float, tr: float) -> str:
    """Under the means of volumes."""
    return (
        f"{n_words:,} words fall in {n_volumes:,} volumes of {tr:g} s ({n_words / n_volumes:.1f} per volume with words); "
        f"between them the means keep {kept:.0%} of the variance over words. No test."
    )


def delays_caption(
    n_subjects: int, n_rows: int, n_locations: int, network: str, band: tuple[float, ...]
) -> str:
    """Under correlation by delay."""
    filtered = f", both filtered to {band[0]:g}–{band[1]:g} Hz" if band else ""
    return (
        f"Pearson r of words per volume with the mean response of {network} ({n_locations:,} locations, {n_subjects} "
        f"listeners) over {n_rows} rows{filtered}. Neighbouring rows are alike, so no p is read off this curve."
    )


def rebuilt_caption(found: Rebuilt, full: float, n_atoms: int) -> str:
    """Under a rebuilt neuron."""
    return (
        f"{len(found.neuron)} rows, in standard deviations of the neuron. R² {found.r2:.2f} with these atoms, {full:.2f} with "
        f"all {n_atoms}; in-sample, as the dictionary was learned on the same rows. No test."
    )


def members_caption(size: int, n_neurons: int, threshold: float) -> str:
    """Under a sub-group's layers."""
    return (
        f"{size:,} of {n_neurons:,} neurons have a loading beyond ±{threshold:g} on the atom (atoms and neurons of unit "
        f"norm: 1 is a neuron that is the atom). Descriptive, no test."
    )


def fit_caption(n_rows: int, network: str, n_subjects: int, delay: int) -> str:
    """Under fits by number of atoms."""
    return (
        f"Pearson r with the mean response of {network} ({n_subjects} listeners), ordinary regression at delay {delay} TR; "
        f"{n_rows} rows, halves parted by 10. Null: one sign-randomised copy of all atoms. A lesson, not the run's score, "
        f"which comes from ridge regression in nested folds."
    )


def fakes_caption(found: FakeAtoms, n_subjects: int) -> str:
    """Under an atom beside its fakes."""
    return (
        f"n = {len(found.copies_r)} sign-randomised copies: the same spectrum, another time. Network: mean of {n_subjects} "
        f"listeners at the atom's best delay; each copy has its own. Dark line: the atom; grey line: the chosen fake. p {found.p:.3f} "
        f"two-sided, of this pair alone, not corrected."
    )


def null_caption(n: int, p: float) -> str:
    """Under one run among its null."""
    return f"n = {n} sign-randomised recordings through the same folds; p {p:.3f}, one-sided."


def lost_caption(atom: int) -> str:
    """Under what prediction loses without an atom."""
    return (
        f"Mean over each network's locations of the held-out R² that is lost when atom {atom} is left out of the regression "
        f"(delay and penalty as chosen); below 0 the prediction is better without it. The model itself is whole. Descriptive, "
        "no test."
    )


def planted_caption(r: float, n_rows: int) -> str:
    """Under a planted pattern and an atom."""
    return f"Pearson r {r:+.2f} over {n_rows} rows, filtered as the recording was. To look at; the table below has the test."
