"""What cutting neurons does: to a model's language, and to the prediction of a brain. Values -> plotly, captions, HTML.

A diamond is the cut, grey dots or bands are random cuts of as many neurons in
the same layers, a line is the whole model.
"""

from __future__ import annotations

import difflib
import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import BridgeResult, LesionResult, PreservationCurve
from . import theme

LEVEL = 0.05
CUT = theme.ACTIVATION
_OTHER = theme.MODEL_COLOURS[0]


# -- lesions ----------------------------------------------------------------------------


def cut_effects(found: LesionResult) -> go.Figure:
    """Each score of the cut model among its random cuts: one row per score, on its own axis."""
    figure = _score_rows(found.effects)
    for i, row in enumerate(found.effects.to_dict("records")):
        own = (found.draws["task"] == row["task"]) & (found.draws["measure"] == row["measure"])
        draws = found.draws.loc[own, "value"].to_numpy()
        for trace in _effect_marks(row, draws, i == 0):
            figure.add_trace(trace, row=i + 1, col=1)
        figure.add_vline(
            row["before"], line={"color": theme.INK, "width": 2, "dash": "dot"}, row=i + 1, col=1
        )
        values = np.array([*draws, row["before"], row["after"], row["random_15"]])
        if (values > 0).all() and values.max() > 4 * values.min():
            figure.update_xaxes(type="log", **_log_ticks(values), row=i + 1, col=1)
    return figure


def _score_rows(scores: pd.DataFrame) -> go.Figure:
    """An empty row for each score, under its name."""
    n = len(scores)
    titles = [
        f"{row.task.capitalize()}: {row.measure} ({'higher' if row.higher_is_better else 'lower'} is better)"
        for row in scores.itertuples()
    ]
    figure = make_subplots(n, 1, subplot_titles=titles, vertical_spacing=min(0.5, 0.62 / max(n, 1)))
    theme.styled(figure, 60 + 128 * n)
    figure.update_annotations(
        font={"size": 13, "color": theme.INK}, x=0, xanchor="left", xref="paper", yshift=4
    )
    figure.update_yaxes(visible=False, range=[-1, 1], fixedrange=True)
    figure.update_xaxes(fixedrange=True)
    legend = {"y": 1 + 34 / (128 * n), "itemclick": False, "itemdoubleclick": False}
    return figure.update_layout(legend=legend, margin={"t": 70})


def _effect_marks(row: dict, draws: np.ndarray, legend: bool) -> list[go.Scatter]:
    """Random cuts, 15 % at random, the cut, and the whole model (for the legend: its line is a shape)."""
    jitter = np.random.default_rng(0).uniform(-0.5, 0.5, len(draws))
    sure = CUT if row["p_worse"] < LEVEL else theme.PAPER
    marks = [
        ("random, same layers", draws, jitter, {"size": 8, "color": "#9AA3A8", "opacity": 0.75}),
        ("15 % at random", [row["random_15"]], [0], {"size": 12, "symbol": "square-open", "color": theme.QUIET, "line": {"width": 2}}),
        ("this cut", [row["after"]], [0], {"size": 15, "symbol": "diamond", "color": sure, "line": {"color": CUT, "width": 2}}),
    ]  # fmt: skip
    traces = [
        go.Scatter(
            x=x, y=y, mode="markers", name=name, showlegend=legend, legendgroup=name, marker=marker,
            hovertemplate=f"{name}: %{{x:.4g}}<extra></extra>", cliponaxis=False,
        )
        for name, x, y, marker in marks
    ]  # fmt: skip
    line = {"color": theme.INK, "width": 2, "dash": "dot"}
    whole = go.Scatter(
        x=[row["before"], row["before"]], y=[-1, 1], mode="lines", name="whole model", line=line,
        showlegend=legend, legendgroup="whole", hovertemplate="whole model: %{x:.4g}<extra></extra>",
    )  # fmt: skip
    return [*traces, whole]


def cut_caption(found: LesionResult) -> str:
    """Under the scores: effect size, interval, p and n of each."""
    n = int(found.draws.groupby(["task", "measure"]).size().min())
    said = [
        f"{row.measure}: effect size {row.effect_size:+.1f} SD of the random cuts, harm beyond them {row.difference:+.3g} "
        f"[{row.difference_low:+.3g}, {row.difference_high:+.3g}] {_unit(row.measure)}, p {row.p_worse:.3f} one-sided, "
        f"{row.n_items:,} items."
        for row in found.effects.itertuples()
    ]
    return (
        f"{' '.join(said)} Null: {n} cuts of as many random neurons in the same layers; the smallest possible p is "
        f"{1 / (n + 1):.3f}. Intervals: 95 %, items drawn again. Filled diamond: p < {LEVEL:g}, uncorrected over "
        f"{len(found.effects)} score{'s' * (len(found.effects) != 1)}."
    )


def _log_ticks(values: np.ndarray) -> dict:
    """1, 2 and 5 of each decade that the values span."""
    low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    ticks = np.outer(10.0 ** np.arange(low, high + 1), (1, 2, 5)).ravel()
    return {"tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def _unit(measure: str) -> str:
    return "nats per token" if "perplexity" in measure else "of the score"


def written(continuations: pd.DataFrame) -> str:
    """What the model writes after each prompt: whole, cut, randomly cut; words that differ from the whole are marked."""
    blocks = []
    for row in continuations.itertuples():
        cells = [
            ("Whole model", html.escape(str(row.intact))),
            ("This cut", marked(str(row.intact), str(row.cut))),
            ("Random cut", marked(str(row.intact), str(row.random))),
        ]
        columns = "".join(
            f'<div style="flex:1 1 210px;min-width:0"><div style="opacity:0.75;font-size:0.85em">{title}</div>'
            f'<div style="line-height:1.45;white-space:pre-wrap;overflow-wrap:anywhere">{text}</div></div>'
            for title, text in cells
        )
        blocks.append(
            f'<div style="border-top:1px solid {theme.GRID};padding:0.6em 0"><div style="font-weight:600">'
            f"{html.escape(str(row.prompt))} …</div>"
            f'<div style="display:flex;flex-wrap:wrap;gap:0.4em 1.6em;margin-top:0.3em">{columns}</div></div>'
        )
    return f'<div style="font-size:0.95rem">{"".join(blocks)}</div>'


def marked(before: str, after: str) -> str:
    """``after`` as HTML, its words that are not in ``before`` at that place marked.

    Examples
    --------
    >>> marked("a cat sat", "a dog sat")
    'a <mark style="background:#F6D9D5;color:#10151C;border-radius:3px">dog</mark> sat'
    """
    old, new = before.split(), after.split()
    said = []
    for kind, _, _, start, stop in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        text = html.escape(" ".join(new[start:stop]))
        if text:
            said.append(
                text
                if kind == "equal"
                else f'<mark style="background:#F6D9D5;color:#10151C;border-radius:3px">{text}</mark>'
            )
    return " ".join(said)


# -- only some neurons ------------------------------------------------------------------


def preservation(found: PreservationCurve) -> go.Figure:
    """Each score with only the networks' neurons kept, by their number, beside as many random ones and the whole model."""
    scores = list(found.rows.groupby(["task", "measure"], sort=False))
    titles = [f"{task.capitalize()}: {_better(measure, rows)}" for (task, measure), rows in scores]
    figure = make_subplots(len(scores), 1, subplot_titles=titles, vertical_spacing=0.5 / (len(scores) + 1))
    for i, (_, rows) in enumerate(scores):
        rows = rows.sort_values("n_kept")
        for trace in _kept_marks(rows, i == 0):
            figure.add_trace(trace, row=i + 1, col=1)
        values = rows[["whole", "kept", "random_low", "random_high"]].to_numpy()
        if (values > 0).all() and values.max() > 20 * values.min():
            figure.update_yaxes(type="log", **_log_ticks(values), row=i + 1, col=1)
    theme.styled(figure, 90 + 230 * len(scores))
    figure.update_annotations(
        font={"size": 13, "color": theme.INK}, x=0, xanchor="left", xref="paper", yshift=4
    )
    kept = sorted(set(found.rows["n_kept"]))
    figure.update_xaxes(
        type="log", fixedrange=True, showgrid=False, tickvals=kept, ticktext=[f"{n:,}" for n in kept]
    )
    figure.update_xaxes(title="neurons kept", row=len(scores), col=1)
    legend = {"y": 1 + 34 / (230 * len(scores)), "itemclick": False, "itemdoubleclick": False}
    return figure.update_yaxes(fixedrange=True).update_layout(legend=legend, margin={"t": 70})


def _better(measure: str, rows: pd.DataFrame) -> str:
    return f"{measure} ({'higher' if rows['higher_is_better'].all() else 'lower'} is better)"


def _kept_marks(rows: pd.DataFrame, legend: bool) -> list[go.Scatter]:
    random = go.Scatter(
        x=rows["n_kept"], y=rows["random"], mode="lines+markers", name="as many random neurons, mean and range",
        line={"color": "#9AA3A8", "width": 1.5}, marker={"size": 8, "color": "#9AA3A8"}, legendgroup="random", showlegend=legend,
        error_y={
            "type": "data", "symmetric": False, "array": rows["random_high"] - rows["random"],
            "arrayminus": rows["random"] - rows["random_low"], "color": "#9AA3A8", "thickness": 1.5, "width": 0,
        },
        hovertemplate="%{x:,} random neurons: %{y:.4g}<extra></extra>",
    )  # fmt: skip
    kept = go.Scatter(
        x=rows["n_kept"], y=rows["kept"], mode="lines+markers", name="the networks' neurons", legendgroup="kept",
        line={"color": CUT, "width": 2}, marker={"size": 12, "symbol": "diamond", "color": CUT}, showlegend=legend,
        customdata=rows[["n_networks"]],
        hovertemplate="%{customdata[0]} networks, %{x:,} neurons: %{y:.4g}<extra></extra>",
    )  # fmt: skip
    whole = go.Scatter(
        x=[rows["n_kept"].min(), rows["n_kept"].max()], y=[rows["whole"].iloc[0]] * 2, mode="lines", name="whole model",
        line={"color": theme.INK, "width": 2, "dash": "dot"}, legendgroup="whole", showlegend=legend,
        hovertemplate="whole model: %{y:.4g}<extra></extra>",
    )  # fmt: skip
    return [random, kept, whole]


def preservation_caption(found: PreservationCurve, n_random: int) -> str:
    """Under the curve: n, the null, and that it is no test."""
    counts = ", ".join(map(str, sorted(set(found.rows["n_networks"]))))
    return (
        f"All but the key neurons of C networks (C = {counts}) give zero; {found.n_neurons:,} neurons in the whole model. Grey: "
        f"{n_random} random sets of as many neurons in the same layers, mean and range: too few for a test, none is given."
    )


# -- the bridge ---------------------------------------------------------------------------


def bridge_language(found: BridgeResult) -> go.Figure:
    """Each score of the model without the network's sub-groups, among random cuts and the cuts of other networks."""
    own = found.language[found.language["cut"] == found.network]
    figure = _score_rows(own)
    for i, row in enumerate(own.to_dict("records")):
        same = (found.language["task"] == row["task"]) & (found.language["measure"] == row["measure"])
        others = found.language[same & (found.language["cut"] != found.network)]
        for trace in _language_marks(found.network, row, others, i == 0):
            figure.add_trace(trace, row=i + 1, col=1)
        ends = [row["random"] - 1.96 * row["random_sd"], row["random"] + 1.96 * row["random_sd"]]
        figure.update_xaxes(
            range=_wide([*ends, row["before"], row["after"], *others["after"]]), row=i + 1, col=1
        )
    return figure


def _wide(values: list[float]) -> list[float]:
    """An axis that holds all values, with room at both ends."""
    room = 0.06 * (max(values) - min(values)) or 1e-3
    return [min(values) - room, max(values) + room]


def _language_marks(network: str, row: dict, others: pd.DataFrame, legend: bool) -> list[go.Scatter]:
    spread = 1.96 * row["random_sd"]
    low, high = row["random"] - spread, row["random"] + spread
    sure = CUT if row["p_worse"] < LEVEL else theme.PAPER
    cut, quiet = html.escape(f"{network} cut"), "#9AA3A8"
    return [
        go.Scatter(
            x=[low, high], y=[0, 0], mode="lines", name="random, mean ± 1.96 SD", showlegend=legend, legendgroup="random",
            line={"color": "#D5D8D9", "width": 18}, hovertemplate="random cuts, ± 1.96 SD: %{x:.4g}<extra></extra>",
        ),
        go.Scatter(
            x=others["after"], y=[-0.45] * len(others), mode="markers", name="other networks' cuts", showlegend=legend,
            legendgroup="others", marker={"size": 8, "color": quiet},
            text=[html.escape(name) for name in others["cut"]], hovertemplate="%{text} cut: %{x:.4g}<extra></extra>",
        ),
        go.Scatter(
            x=[row["after"]], y=[0], mode="markers", name=cut, showlegend=legend, legendgroup="cut",
            marker={"size": 15, "symbol": "diamond", "color": sure, "line": {"color": CUT, "width": 2}},
            hovertemplate=f"{cut}: %{{x:.4g}}<extra></extra>",
        ),
        go.Scatter(
            x=[row["before"]] * 2, y=[-1, 1], mode="lines", name="whole model", showlegend=legend, legendgroup="whole",
            line={"color": theme.INK, "width": 2, "dash": "dot"}, hovertemplate="whole model: %{x:.4g}<extra></extra>",
        ),
    ]  # fmt: skip


def bridge_prediction(found: BridgeResult) -> go.Figure:
    """What the held-out r of every brain network loses by the cut, among random cuts and the cuts of other networks."""
    own = found.prediction[found.prediction["cut"] == found.network].reset_index(drop=True)
    first = own["network"] != found.network
    own = own.assign(first=first).sort_values(["first", "loss"], ascending=[True, False], ignore_index=True)
    networks = list(own["network"])
    draws = found.draws[found.draws["cut"] == found.network].groupby("network")["loss"]
    low, high = (draws.quantile(q).reindex(networks) for q in (0.025, 0.975))
    y = np.arange(len(networks))
    figure = go.Figure(
        go.Scatter(
            x=np.stack([low, high, np.full(len(y), np.nan)], 1).ravel(), y=np.repeat(y, 3), mode="lines", hoverinfo="skip",
            line={"color": "#D5D8D9", "width": 11}, name="random cuts, 95 %",
        )
    )  # fmt: skip
    others = found.prediction[found.prediction["cut"] != found.network]
    for name, table in others.groupby("cut", sort=False):
        figure.add_trace(_other_cut(found, str(name), table.set_index("network").loc[networks, "loss"], y))
    sure = np.where(own["p"] < LEVEL, CUT, theme.PAPER)
    figure.add_trace(
        go.Scatter(
            x=own["loss"], y=y, mode="markers", name=html.escape(f"{found.network} cut"),
            marker={"size": 12, "symbol": "diamond", "color": sure, "line": {"color": CUT, "width": 2}},
            customdata=own[["network", "before", "after", "random_loss", "effect_size", "p"]],
            hovertemplate="<b>%{customdata[0]}</b><br>held-out r %{customdata[1]:.3f}, without them %{customdata[2]:.3f}"
            "<br>loss %{x:+.3f}, random %{customdata[3]:+.3f}<br>effect size %{customdata[4]:+.1f}, p %{customdata[5]:.3f}"
            "<extra></extra>",
        )
    )  # fmt: skip
    theme.styled(figure, 110 + 24 * len(networks))
    ends = _wide([0.0, *pd.concat([low, high, found.prediction["loss"]]).dropna()])
    figure.update_xaxes(
        title="loss of held-out r", range=ends, zeroline=True, zerolinecolor=theme.INK, fixedrange=True
    )
    figure.update_yaxes(
        tickvals=y, ticktext=[f"<b>{html.escape(n)}</b>" if n == found.network else html.escape(n) for n in networks],
        range=[len(networks) - 0.4, -0.6], showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    return figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})


def _other_cut(found: BridgeResult, name: str, loss: pd.Series, y: np.ndarray) -> go.Scatter:
    """The other network of the double dissociation in blue, all further ones in grey."""
    paired = name == found.against
    marker = {"size": 8, "color": _OTHER if paired else "#9AA3A8", "symbol": "circle"}
    label = html.escape(f"{name} cut")
    first = next((one for one in found.groups["cut"] if one not in (found.network, found.against)), "")
    return go.Scatter(
        x=loss, y=y, mode="markers", marker=marker, legendgroup="paired" if paired else "others",
        name=label if paired else "cuts of further networks", showlegend=paired or name == first,
        hovertemplate=f"{label}: loss %{{x:+.3f}}<extra></extra>",
    )  # fmt: skip


def bridge_caption(found: BridgeResult) -> str:
    """Under the losses: what was cut, n, and the null."""
    n = int(found.draws.loc[found.draws["cut"] == found.network, "draw"].nunique())
    cuts = ", ".join(f"{row.cut} {row.n_neurons:,}" for row in found.groups.itertuples())
    rule = "links that beat both nulls" if found.rule == "accepted" else "the paper's links, spins alone"
    return (
        f"Loss of the mean held-out r (Pearson) over each network's locations when the model reads the story without the "
        f"neurons. Sub-groups by {rule}; neurons cut: {cuts}. Null: {n} cuts of as many random neurons in the same layers; "
        f"band: their middle 95 %. Filled diamond: p < {LEVEL:g}, one-sided, uncorrected over "
        f"{found.prediction['network'].nunique()} networks; the smallest possible p is {1 / (n + 1):.3f}."
    )


def language_caption(found: BridgeResult) -> str:
    """Under the scores of the bridge."""
    n = int(found.draws.loc[found.draws["cut"] == found.network, "draw"].nunique())
    own = found.language[found.language["cut"] == found.network]
    said = [
        f"{row.measure}: effect size {row.effect_size:+.1f} SD, harm beyond random {row.difference:+.3g} "
        f"[{row.difference_low:+.3g}, {row.difference_high:+.3g}] {_unit(row.measure)}, p {row.p_worse:.3f}, {row.n_items:,.0f} items."
        for row in own.itertuples()
    ]
    return (
        f"{' '.join(said)} Null: the same {n} random cuts; p one-sided, uncorrected over {len(own)} "
        f"score{'s' * (len(own) != 1)}. Intervals: 95 %, items drawn again. The cuts of other networks "
        f"differ in size: see the numbers of neurons."
    )


def dissociation(found: BridgeResult) -> go.Figure:
    """The double dissociation: two brain networks, two cuts, and what random cuts of the same sizes take (95 %)."""
    pair = [found.network, found.against]
    figure = go.Figure()
    for i, (cut, colour) in enumerate(zip(pair, (CUT, _OTHER), strict=True)):
        rows = found.prediction[found.prediction["cut"] == cut].set_index("network").loc[pair]
        draws = found.draws[found.draws["cut"] == cut].groupby("network")["loss"]
        middle = draws.mean().reindex(pair)
        low, high = (draws.quantile(q).reindex(pair) for q in (0.025, 0.975))
        x, label = np.arange(2) + (i - 0.5) * 0.12, html.escape(f"{cut} cut")
        figure.add_trace(
            go.Scatter(
                x=x, y=middle, mode="markers", name=f"as many random neurons, 95 % ({'left' if i == 0 else 'right'})",
                marker={"size": 7, "color": "#9AA3A8", "symbol": "line-ew", "line": {"width": 2, "color": "#9AA3A8"}},
                error_y={
                    "type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low,
                    "color": "#D5D8D9", "thickness": 9, "width": 0,
                },
                hovertemplate=f"random cuts of the size of {html.escape(cut)}: %{{y:+.3f}}<extra></extra>", showlegend=False,
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=x, y=rows["loss"], mode="lines+markers", name=label, line={"color": colour, "width": 2},
                marker={"size": 13, "symbol": "diamond", "color": np.where(rows["p"] < LEVEL, colour, theme.PAPER),
                        "line": {"color": colour, "width": 2}},
                customdata=rows[["p"]], hovertemplate=f"{label}: loss %{{y:+.3f}}, p %{{customdata[0]:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 340)
    figure.update_yaxes(title="loss of held-out r", zeroline=True, zerolinecolor=theme.INK, fixedrange=True)
    figure.update_xaxes(
        range=[-0.5, 1.5], tickvals=[0, 1], ticktext=[f"prediction of<br>{html.escape(n)}" for n in pair],
        showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    return figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})


DISSOCIATION_CAPTION = (
    "A double dissociation: each network's prediction loses more by its own cut than by the other's, so the lines cross. "
    "Grey: random cuts of the size of the cut beside it, 95 %. The test is of both differences added up, one-sided, "
    "against pairs of random cuts; one test, no correction."
)
