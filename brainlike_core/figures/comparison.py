"""Charts of several runs: models side by side, each figure beside its null. Pure functions.

Filled = trained weights, hollow = random weights; a model has one colour.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import Run
from . import theme
from .matrix import p_text

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


def run_names(runs: Sequence[Run]) -> list[str]:
    """A short, distinct name for each run: model (without its owner, where no other has that name), weights, and id where they tie."""
    models = [run.config.extract.model for run in runs]  # type: ignore[attr-defined]
    names = []
    for run, model in zip(runs, models, strict=True):
        extract = run.config.extract  # type: ignore[attr-defined]
        short = model.rsplit("/", 1)[-1]
        alone = {other for other in models if other.rsplit("/", 1)[-1] == short} == {model}
        weights = "" if extract.weights == "trained" else f" · random {extract.seed}"
        names.append(f"{short if alone and short else model}{weights}")
    return [n if names.count(n) == 1 else f"{n} · {r.id[:6]}" for n, r in zip(names, runs, strict=True)]


def run_looks(runs: Sequence[Run]) -> list[tuple[str, str, str]]:
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
    for run, (name, colour, fill) in zip(runs, run_looks(runs), strict=True):
        if run.dictionary.names:
            continue  # a handful of features has no organization
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


def involvement(runs: Sequence[Run], rule: str = "paper", n_columns: int = 4) -> go.Figure:
    """Sub-groups linked to each network: activation to the right, deactivation to the left.

    ``rule`` is "paper" or "accepted". Ticks: the mean of sign-randomised
    dictionaries by the paper's rule. More than four runs get a panel each.
    """
    networks = runs[0].atlas.networks
    rows, apart = np.arange(len(networks)), len(runs) > 4
    n_columns = min(n_columns, len(runs)) if apart else 1
    n_rows = -(-len(runs) // n_columns) if apart else 1
    titles = [html.escape(name) for name in run_names(runs)] if apart else None
    figure = make_subplots(
        n_rows, n_columns, subplot_titles=titles, shared_yaxes=True, shared_xaxes="all", horizontal_spacing=0.02,
        vertical_spacing=0.12 / n_rows,
    )  # fmt: skip
    width = 0.78 / (1 if apart else len(runs))
    for i, (run, look) in enumerate(zip(runs, run_looks(runs), strict=True)):
        y = rows if apart else rows + (i - (len(runs) - 1) / 2) * width
        place = {"row": i // n_columns + 1, "col": i % n_columns + 1} if apart else {}
        figure.add_traces(
            _linked_bars(run, look, rule, y, width, i == 0, not apart),
            **_each(place, 4 if rule == "paper" else 2),
        )
    theme.styled(figure, n_rows * (80 + 18 * len(rows)) if apart else 110 + len(rows) * (14 + 9 * len(runs)))
    top = max(max(np.abs(np.asarray(t.x, float)).max(initial=0) for t in figure.data), 1)
    ticks = _whole_ticks(top)
    figure.update_xaxes(
        range=[-1.08 * top, 1.08 * top],
        tickvals=[*[-t for t in ticks[:0:-1]], *ticks], ticktext=[*map(str, ticks[:0:-1]), *map(str, ticks)],
    )  # fmt: skip
    title = (
        "deactivation  ←  sub-groups  →  activation"
        if apart
        else "deactivation    ←    linked sub-groups    →    activation"
    )
    figure.update_xaxes(title=title, row=n_rows, col=None if not apart else 1)
    figure.update_yaxes(
        tickvals=rows, ticktext=list(networks), range=[len(rows) - 0.4, -0.6], showgrid=False, zeroline=False
    )
    figure.update_annotations(font={"size": 12, "color": theme.INK})
    return figure.update_layout(barmode="overlay")


def _each(place: dict, n: int) -> dict:
    """Rows and columns for n traces of one panel."""
    return {f"{name}s": [value] * n for name, value in place.items()}


def _linked_bars(
    run: Run, look: tuple[str, str, str], rule: str, y: np.ndarray, width: float, first: bool, named: bool
) -> list:
    """Bars of one run to both sides, and what sign-randomised dictionaries get on average."""
    (name, colour, fill), c = look, run.correspondence
    counts = (c.paper_links if rule == "paper" else c.accepted_links).sum(1)  # (2, n_networks)
    traces: list = []
    for sign, count, fake in zip((1, -1), counts, c.involvement_fake, strict=True):
        traces.append(
            go.Bar(
                x=sign * count, y=y, orientation="h", width=width * 0.82, name=name,
                legendgroup=name, showlegend=named and sign > 0,
                marker={"color": fill, "line": {"color": colour, "width": 1.5}},
                customdata=count, text=list(c.networks), textposition="none",
                hovertemplate=f"<b>{html.escape(name)}</b> · %{{text}}<br>%{{customdata}} sub-groups<extra></extra>",
            )
        )  # fmt: skip
        if rule != "paper":
            continue
        traces.append(
            go.Scatter(
                x=sign * fake, y=y, mode="markers", legendgroup="fake", legendrank=2000,
                name="sign-randomised atoms, mean", showlegend=first and sign > 0,
                marker={"symbol": "line-ns", "size": min(12, 2 + 14 * width), "line": {"color": theme.INK, "width": 2}},
                customdata=fake, hovertemplate="fake atoms: %{customdata:.1f}<extra></extra>",
            )
        )  # fmt: skip
    return traces


def _whole_ticks(top: float) -> list[int]:
    step = max(1, int(np.ceil(top / 4)))
    return list(range(0, int(np.ceil(top)) + 1, step))


def layer_profiles(runs: Sequence[Run], n_columns: int = 4) -> go.Figure:
    """Where in depth the sub-groups of each network lie, as ridges: one panel per run, one ridge per linked network.

    The height is the share of a layer relative to an even spread, on one scale for
    all panels. The low-level baseline has no layers and no panel, unless it stands alone.
    """
    runs = [run for run in runs if not run.dictionary.names] or runs
    linked = np.any([run.organization.layer_profiles.sum(1) > 0 for run in runs], axis=0)
    networks = [name for name, has in zip(runs[0].atlas.networks, linked, strict=True) if has]
    n_columns = min(n_columns, len(runs))
    n_rows = -(-len(runs) // n_columns)
    figure = make_subplots(
        n_rows, n_columns, subplot_titles=[html.escape(n) for n in run_names(runs)], shared_yaxes=True,
        horizontal_spacing=0.02, vertical_spacing=0.14 / n_rows,
    )  # fmt: skip
    even = [run.organization.layer_profiles[linked] * len(run.dictionary.layers) for run in runs]
    top = max(2.0, max(float(e.max(initial=0)) for e in even))
    for i, (run, profile, (_, colour, _)) in enumerate(zip(runs, even, run_looks(runs), strict=True)):
        where = {"row": i // n_columns + 1, "col": i % n_columns + 1}
        for trace in _ridges(profile, run.dictionary.layers, networks, top, colour):
            figure.add_trace(trace, **where)
    theme.styled(figure, n_rows * (110 + 24 * len(networks))).update_layout(showlegend=False)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(
        showgrid=False,
        zeroline=False,
        range=[-0.02, 1.02],
        tickvals=[0, 0.5, 1],
        ticktext=["first", "½", "last"],
    )
    for column in range(1, n_columns + 1):
        figure.update_xaxes(title="layer", row=n_rows, col=column)
    return figure.update_yaxes(
        tickvals=list(range(len(networks))),
        ticktext=networks,
        range=[len(networks) - 0.6, -1.8],
        zeroline=False,
    )


def _ridges(
    profile: np.ndarray, layers: Sequence[int], networks: list[str], top: float, colour: str
) -> list[go.Scatter]:
    """Filled ridges of the linked networks, and their lines that can be hovered; upward is towards the first row."""
    depth = np.linspace(0, 1, len(layers)) if len(layers) > 1 else np.array([0.5])
    linked = np.flatnonzero(profile.sum(1) > 0)
    gap = np.full(1, np.nan)
    ridge = [f - 1.6 * profile[f] / top for f in linked]
    fill_x = [np.concatenate([depth, depth[::-1], gap]) for _ in linked]
    fill_y = [
        np.concatenate([y, np.full(len(depth), float(f)), gap]) for f, y in zip(linked, ridge, strict=True)
    ]
    joined = np.concatenate([*(np.concatenate([profile[f], gap]) for f in linked), gap])
    names = [networks[f] for f in linked for _ in range(len(depth) + 1)] + [""]
    numbers = [str(layer) for _ in linked for layer in (*layers, "")] + [""]
    return [
        go.Scatter(
            x=np.concatenate([*fill_x, gap]), y=np.concatenate([*fill_y, gap]), mode="lines", fill="toself",
            fillcolor=faint(colour, 0.25), line={"width": 0}, hoverinfo="skip",
        ),
        go.Scatter(
            x=np.concatenate([*(np.concatenate([depth, gap]) for _ in linked), gap]),
            y=np.concatenate([*(np.concatenate([y, gap]) for y in ridge), gap]),
            mode="lines", line={"color": colour, "width": 1.6}, customdata=joined, text=names, hovertext=numbers,
            hovertemplate="%{text}, layer %{hovertext}: %{customdata:.1f} × an even spread<extra></extra>",
        ),
    ]  # fmt: skip


def faint(colour: str, strength: float = 0.1) -> str:
    """A hex colour, see-through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {strength:.2f})"


def heldout_scores(runs: Sequence[Run]) -> go.Figure:
    """Mean held-out r of each run on its null range, with p."""
    figure = go.Figure()
    looks = run_looks(runs)
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
        f"{html.escape(name)}<br><b>r {run.encoding.r_mean:.3f}</b>, p {p_text(run.encoding.r_mean_p)}"
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
    for run, (name, colour, fill) in zip(runs, run_looks(runs), strict=True):
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
        columns[name] = [_metric_text(metric, table, bool(run.dictionary.names)) for metric in METRIC_TITLES]
    return pd.DataFrame(columns, index=pd.Index(list(METRIC_TITLES.values()), name="metric"))


def _metric_text(metric: str, table: pd.DataFrame, run_of_features: bool) -> str:
    if metric not in table.index:
        return "–"
    row = table.loc[metric]
    if run_of_features and not np.isfinite(row["value"]):
        return "not defined for few atoms"
    text = _interval(row, 0 if metric == "n_links" else 1 if metric == "effective_rank" else 3)
    if np.isfinite(row["null_low"]):
        text += f" | null {row['null_low']:.3f} to {row['null_high']:.3f}"
    return text
