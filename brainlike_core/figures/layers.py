"""Where in a model's depth: prediction by layer, by network, and the layers of its sub-groups. Pure functions."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import LayerCurve, LayerProfiles, Run
from . import theme
from .comparison import faint, run_looks, run_names

LEVEL = 0.05


def curves(runs: Sequence[Run], found: Sequence[LayerCurve]) -> go.Figure:
    """Mean held-out r of each layer (or third) against its place in the depth, with 95 % bands.

    Filled points: p < .05, family-wise over the layers of a run. Dashed: random weights.
    """
    figure = go.Figure()
    for curve, (name, colour, fill) in zip(found, run_looks(runs), strict=True):
        rows = curve.rows
        figure.add_trace(
            go.Scatter(
                x=[*rows["depth"], *rows["depth"][::-1]], y=[*rows["high"], *rows["low"][::-1]], fill="toself", mode="lines",
                fillcolor=faint(colour), line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name,
            )
        )  # fmt: skip
        sure = np.where(rows["p_max"] < LEVEL, colour, theme.PAPER)
        figure.add_trace(
            go.Scatter(
                x=rows["depth"], y=rows["r"], mode="lines+markers", name=name, legendgroup=name,
                line={"color": colour, "width": 2, "dash": "solid" if fill == colour else "dash"},
                marker={"size": 9, "color": sure, "line": {"color": colour, "width": 1.8}},
                customdata=rows[["name", "low", "high", "p_max", "behind", "behind_low", "behind_high", "n_atoms"]],
                hovertemplate=f"<b>{html.escape(name)}</b>, %{{customdata[0]}}<br>mean held-out r %{{y:.3f}} "
                "[%{customdata[1]:.3f}, %{customdata[2]:.3f}], p %{customdata[3]:.3f}<br>to the best "
                "%{customdata[4]:.3f} [%{customdata[5]:.3f}, %{customdata[6]:.3f}]<br>%{customdata[7]} atoms"
                "<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 430)
    figure.update_xaxes(
        title="relative depth", range=[-0.03, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1], showgrid=False,
        ticktext=["first layer", "¼", "½", "¾", "last layer"], zeroline=False,
    )  # fmt: skip
    return figure.update_yaxes(title="mean held-out r", zeroline=True)


def run_panels(runs: Sequence[Run], n_columns: int, gap: float) -> tuple[go.Figure, int, int]:
    """An empty panel for each run, their rows and columns; 0 columns: two for few runs, else four.

    ``gap`` between rows is a share of the figure's height over the number of rows.
    """
    n_columns = min(n_columns or (2 if len(runs) <= 4 else 4), len(runs))
    n_rows = -(-len(runs) // n_columns)
    figure = make_subplots(
        n_rows, n_columns, subplot_titles=[html.escape(n) for n in run_names(runs)], shared_yaxes=True,
        horizontal_spacing=0.03, vertical_spacing=gap / n_rows,
    )  # fmt: skip
    return figure, n_rows, n_columns


def by_network(runs: Sequence[Run], found: Sequence[LayerCurve], n_columns: int = 0) -> go.Figure:
    """Mean held-out r over each network's locations: network x layer, one panel per run; dots: p < .05, family-wise."""
    figure, n_rows, n_columns = run_panels(runs, n_columns, gap=0.2)
    networks = list(found[0].networks)
    top = max(0.05, *(float(np.nanmax(curve.network_r)) for curve in found))
    for i, curve in enumerate(found):
        dots = np.where(curve.network_p.T < LEVEL, "•", "")
        figure.add_trace(
            go.Heatmap(
                z=curve.network_r.T, x=_labels(curve), y=networks, zmin=0, zmax=top, colorscale=theme.SHADES,
                xgap=1, ygap=2, showscale=i == 0, hoverongaps=False, text=dots, texttemplate="%{text}",
                textfont={"size": 11}, customdata=curve.network_p.T,
                colorbar={"title": {"text": "held-out r", "side": "right"}, "thickness": 10, "len": 0.6, "outlinewidth": 0},
                hovertemplate="%{y}, layer %{x}: r %{z:.3f}, p %{customdata:.3f}<extra></extra>",
            ),
            row=i // n_columns + 1, col=i % n_columns + 1,
        )  # fmt: skip
    theme.styled(figure, n_rows * (90 + 19 * len(networks)))
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(showgrid=False, zeroline=False, type="category")
    for column in range(1, n_columns + 1):
        figure.update_xaxes(title="layer", row=n_rows, col=column)
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def _labels(curve: LayerCurve) -> list[str]:
    """Of each row: its layer, or its first and last."""
    ends = zip(curve.rows["first_layer"], curve.rows["last_layer"], strict=True)
    return [f"{first}" if first == last else f"{first}–{last}" for first, last in ends]


def network_depths(runs: Sequence[Run], found: Sequence[LayerProfiles]) -> go.Figure:
    """Mean depth of the sub-groups linked to each network, with intervals; grey: random sets of as many."""
    networks = list(found[0].networks["network"])
    figure, step = go.Figure(), 0.7 / len(found)
    for i, (profiles, (name, colour, fill)) in enumerate(zip(found, run_looks(runs), strict=True)):
        table = profiles.networks
        y = np.arange(len(table)) + (i - (len(found) - 1) / 2) * step
        for low, high, line in (
            ("null_low", "null_high", {"color": "rgba(102,112,124,0.28)", "width": max(4, 16 / len(found))}),
            ("low", "high", {"color": colour, "width": 1.6}),
        ):
            figure.add_trace(_whiskers(table[low], table[high], y, line))
        figure.add_trace(
            go.Scatter(
                x=table["centre"], y=y, mode="markers", name=name,
                marker={"size": 10, "color": fill, "line": {"color": colour, "width": 2}},
                customdata=table[["network", "n_subgroups", "low", "high", "null_low", "null_high"]],
                hovertemplate=f"<b>{html.escape(name)}</b> · %{{customdata[0]}}<br>%{{customdata[1]}} sub-groups, "
                "mean depth %{x:.2f} [%{customdata[2]:.2f}, %{customdata[3]:.2f}]<br>random sets "
                "%{customdata[4]:.2f} to %{customdata[5]:.2f}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 110 + len(networks) * (16 + 7 * len(found)))
    figure.update_xaxes(title="mean relative depth of the neurons (0 first layer, 1 last)", zeroline=False)
    return figure.update_yaxes(
        tickvals=list(range(len(networks))), ticktext=networks, range=[len(networks) - 0.4, -0.6],
        showgrid=False, zeroline=False,
    )  # fmt: skip


def _whiskers(low, high, y: np.ndarray, line: dict) -> go.Scatter:
    """One horizontal line for each row, as a single trace."""
    x = np.stack([low, high, np.full(len(y), np.nan)], axis=1).ravel()
    return go.Scatter(x=x, y=np.repeat(y, 3), mode="lines", line=line, hoverinfo="skip", showlegend=False)


def subgroup_depths(runs: Sequence[Run], found: Sequence[LayerProfiles]) -> go.Figure:
    """Mean depth of every sub-group with its interval, from the shallowest to the deepest; one panel per run, four to a row."""
    names = [html.escape(name) for name in run_names(runs)]
    n_columns = min(4, len(runs))
    n_rows = -(-len(runs) // n_columns)
    figure = make_subplots(
        n_rows, n_columns, subplot_titles=names, shared_yaxes=True, horizontal_spacing=0.02,
        vertical_spacing=0.2 / n_rows,
    )  # fmt: skip
    for i, (profiles, (name, colour, fill)) in enumerate(zip(found, run_looks(runs), strict=True)):
        table = profiles.subgroups.dropna(subset="centre").sort_values("centre", ignore_index=True)
        figure.add_trace(
            go.Scatter(
                x=table.index, y=table["centre"], mode="markers", name=name,
                error_y={
                    "type": "data", "array": (table["high"] - table["centre"]).clip(lower=0), "symmetric": False,
                    "arrayminus": (table["centre"] - table["low"]).clip(lower=0), "width": 0, "thickness": 1.2,
                    "color": colour,
                },
                marker={"size": 6, "color": fill, "line": {"color": colour, "width": 1.5}},
                customdata=table[["atom", "n_neurons", "low", "high", "matched"]],
                hovertemplate=f"<b>{html.escape(name)}</b>, sub-group %{{customdata[0]}}<br>%{{customdata[1]}} neurons, "
                "mean depth %{y:.2f} [%{customdata[2]:.2f}, %{customdata[3]:.2f}]<br>other seeds' atom: |r| "
                "%{customdata[4]:.2f}<extra></extra>",
            ),
            row=i // n_columns + 1, col=i % n_columns + 1,
        )  # fmt: skip
    theme.styled(figure, 330 * n_rows + 30).update_layout(showlegend=False)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False, title=None)
    figure.update_xaxes(title="sub-groups", row=n_rows)
    figure.update_yaxes(range=[-0.03, 1.03], zeroline=False)
    return figure.update_yaxes(title="mean relative depth", col=1)


# -- words --------------------------------------------------------------------------


def best_sentence(curve: LayerCurve) -> str:
    """Which row predicts best, how many others are told apart from it, and how many predict at all."""
    rows, best = curve.rows, curve.best
    behind = int((rows["behind_high"] < 0).sum()) or "none"
    able = int((rows["p_max"] < LEVEL).sum())
    others = len(rows) - 1
    name = best["name"] if curve.by == "layer" else f"the {best['name']} third"
    return (
        f"Highest: {name}, mean held-out r {best['r']:.3f} [{best['low']:.3f}, {best['high']:.3f}], p {best['p_max']:.3f}, "
        f"best location {best['r_max']:.2f}; {behind} of the {others} other{'s' * (others != 1)} lie below it beyond "
        f"doubt (95 % intervals of the differences); {able} of {len(rows)} predict at all (p < {LEVEL:g}, family-wise)."
    )


def curve_caption(found: Sequence[LayerCurve]) -> str:
    """Under the curves."""
    curve = found[0]
    n_atoms = sorted({int(k) for one in found for k in one.rows["n_atoms"]})
    atoms = f"{n_atoms[0]}" if len(n_atoms) == 1 else f"{n_atoms[0]}–{n_atoms[-1]}"
    part, those = ("third of the depth", "thirds") if curve.by == "third" else ("layer", "layers")
    return (
        f"Each {part} on its own: a dictionary of {atoms} atoms of its neurons, and nested cross-validation as for the "
        f"whole model; mean over {curve.n_predicted:,} of {curve.n_locations:,} locations. Bands: 95 %, from "
        f"{curve.null_means.shape[1]} sign-randomised recordings, one set for all, at {curve.n_null} locations. "
        f"Filled: p < {LEVEL:g}, family-wise over the model's {those}. Dashed: random weights. Bands of two points overlap more "
        f"often than they differ by chance: differences are judged in pairs, beside."
    )


def network_caption(found: Sequence[LayerCurve]) -> str:
    """Under the networks by layer."""
    return (
        f"Mean held-out r over each network's locations. Dot: p < {LEVEL:g}, family-wise over all cells of a run, against the same "
        f"sign-randomised recordings. White: 0 or below."
    )


def profile_caption(found: Sequence[LayerProfiles]) -> str:
    """Under the depths of sub-groups."""
    one = found[0]
    seeds = f" and over {one.n_seeds} more dictionaries, other seeds, atoms matched" if one.n_seeds else ""
    return (
        f"Mean depth of the neurons of the sub-groups linked to each network. Whiskers: 95 % over neurons drawn again "
        f"({one.n_bootstraps} times){seeds}. Grey: random sets of as many sub-groups, 95 %. Links by the spin rule, "
        f"uncorrected. No test. A point outside its whiskers: other seeds put these sub-groups elsewhere."
    )


def subgroup_caption(found: Sequence[LayerProfiles]) -> str:
    """Under the depth of every sub-group."""
    matched = [one.subgroups["matched"].mean() for one in found if one.n_seeds]
    seeds = (
        f" Atoms of other seeds match at a mean |r| of {min(matched):.2f} to {max(matched):.2f}."
        if matched
        else ""
    )
    if len(matched) == 1:
        seeds = f" Atoms of other seeds match at a mean |r| of {matched[0]:.2f}."
    return (
        "Whiskers as above. A sub-group whose whiskers span the depth has no layer of its own: with another seed its "
        f"neurons lie elsewhere.{seeds}"
    )


def table(runs: Sequence[Run], found: Sequence[LayerCurve]) -> pd.DataFrame:
    """The rows of all curves, and the mean held-out r of each network, as one table."""
    parts = []
    for name, curve in zip(run_names(runs), found, strict=True):
        networks = pd.DataFrame(curve.network_r, columns=[f"r {network}" for network in curve.networks])
        parts.append(pd.concat([curve.rows.assign(run=name), networks], axis=1))
    return pd.concat(parts, ignore_index=True)
