"""Functional networks inside a model: values -> plotly figures, captions and HTML. Pure functions.

Networks count from 1 for people and from 0 in ``customdata``. A filled mark
passes its test, a hollow one does not; a short grey stroke is what random
networks have.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import ModelNetworks
from . import theme

LEVEL = 0.05
MOST_ROWS = 40
_SQUARE = (5.0, 19.0)
_STILL = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}


def shown_networks(found: ModelNetworks, chosen: int = 0) -> list[int]:
    """Networks that have a row: all, or the 40 that carry most variance and the chosen one."""
    if found.n_networks <= MOST_ROWS:
        return list(range(found.n_networks))
    most = np.argsort(-found.explained, kind="stable")[:MOST_ROWS]
    return sorted({*map(int, most), chosen})


def set_name(text_set: str) -> str:
    """A set of texts for people: its name, or the last part of its folder.

    Examples
    --------
    >>> set_name("news"), set_name("/data/my_texts/")
    ('news', 'my_texts')
    """
    return text_set.rstrip("/").rpartition("/")[2]


# -- where they lie, and whether they are found again -----------------------------------


def layers_and_stability(found: ModelNetworks, chosen: int) -> go.Figure:
    """Networks against layers as squares (size: key neurons there); beside them, how well each is found again.

    Parameters
    ----------
    found : ModelNetworks
    chosen : int
        The network whose row is marked.

    Returns
    -------
    plotly.graph_objects.Figure
        ``customdata`` of each point: network.
    """
    rows = shown_networks(found, chosen)
    figure = make_subplots(
        1, 2, shared_yaxes=True, column_widths=[0.68, 0.32], horizontal_spacing=0.04,
        subplot_titles=["Key neurons by layer", "Found again"],
    )  # fmt: skip
    figure.add_trace(_layer_squares(found, rows), row=1, col=1)
    stable = found.stability.iloc[rows]
    for kind, symbol, text in (
        ("halves", "circle", "other half of the texts"),
        ("seeds", "diamond", "other seeds"),
    ):
        figure.add_trace(_stability_points(stable, kind, symbol, text), row=1, col=2)
    figure.add_trace(_strokes(stable["halves_null"], "random rotation"), row=1, col=2)
    _rows(figure, rows, chosen)
    n_layers = len(found.layers)
    step = max(1, n_layers // 12)
    figure.update_xaxes(
        title="layer", range=[-0.7, n_layers - 0.3], showgrid=False, zeroline=False, row=1, col=1,
        tickvals=list(range(0, n_layers, step)), ticktext=[str(layer) for layer in found.layers[::step]],
    )  # fmt: skip
    figure.update_layout(meta={"x": [str(layer) for layer in found.layers]})
    return figure.update_xaxes(
        title="matched |r|", range=[0, 1.04], tickvals=[0, 0.5, 1], zeroline=False, row=1, col=2
    )


def _layer_squares(found: ModelNetworks, rows: list[int]) -> go.Scatter:
    counts = found.layer_histogram[rows]
    y, layer = np.indices(counts.shape).reshape(2, -1)
    n = counts.ravel()
    size = np.where(n > 0, _SQUARE[0] + (_SQUARE[1] - _SQUARE[0]) * np.sqrt(n / max(counts.max(), 1)), 3.0)
    texts = [
        f"<b>Network {rows[i] + 1}, layer {found.layers[j]}</b><br>{count:,} key neurons of {found.n_units:,}"
        for i, j, count in zip(y, layer, n, strict=True)
    ]
    return go.Scatter(
        x=layer, y=y, mode="markers", showlegend=False, text=texts, hovertemplate="%{text}<extra></extra>",
        customdata=[[rows[i]] for i in y], **_STILL,
        marker={"symbol": "square", "size": size, "color": np.where(n > 0, theme.ACCENT, "#E4E3DD"), "opacity": 1},
    )  # fmt: skip


def _stability_points(stable: pd.DataFrame, kind: str, symbol: str, text: str) -> go.Scatter:
    colour = theme.ACCENT if kind == "halves" else theme.MODEL_COLOURS[1]
    sure = np.where(stable[f"{kind}_p"] < LEVEL, colour, theme.PAPER)
    texts = [
        f"<b>Network {k + 1}</b>, {text}<br>matched |r| {r:.2f}, random {null:.2f}, p {p:.3f}"
        for k, r, null, p in stable[["network", kind, f"{kind}_null", f"{kind}_p"]].itertuples(index=False)
    ]
    return go.Scatter(
        x=stable[kind], y=np.arange(len(stable)), mode="markers", name=text, text=texts,
        hovertemplate="%{text}<extra></extra>", customdata=stable[["network"]].to_numpy().tolist(), **_STILL,
        marker={"symbol": symbol, "size": 10, "color": sure, "line": {"color": colour, "width": 1.8}, "opacity": 1},
    )  # fmt: skip


def _strokes(values: pd.Series, name: str, showlegend: bool = True) -> go.Scatter:
    """What random networks have: one short upright stroke in each row."""
    return go.Scatter(
        x=values, y=np.arange(len(values)), mode="markers", name=name, showlegend=showlegend,
        hovertemplate=f"{name} %{{x:.2f}}<extra></extra>", cliponaxis=False,
        marker={"symbol": "line-ns", "size": 13, "line": {"color": theme.QUIET, "width": 2}}, **_STILL,
    )  # fmt: skip


def _rows(figure: go.Figure, rows: Sequence[int], chosen: int) -> None:
    """One row for each network, the chosen one on a band."""
    theme.styled(figure, 150 + 25 * len(rows))
    figure.update_annotations(font={"size": 13, "color": theme.INK}, yshift=4)
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6], tickvals=list(range(len(rows))), showgrid=False, zeroline=False,
        ticktext=[str(k + 1) for k in rows], fixedrange=True,
    )  # fmt: skip
    if chosen in rows:
        at = list(rows).index(chosen)
        figure.add_hrect(at - 0.5, at + 0.5, fillcolor=theme.NULL_BAND, line_width=0, layer="below")
    legend = {"y": 1 + 34 / (25 * len(rows) + 40), "itemclick": False, "itemdoubleclick": False}
    figure.update_layout(legend=legend, yaxis_title="network", xaxis_fixedrange=True, margin={"t": 70})


def stability_caption(found: ModelNetworks) -> str:
    """Under the layers and the stability."""
    return (
        f"Square: number of key neurons (z > {found.threshold:g}) in the layer. Found again: matched |r| of the "
        f"network's map (n = {found.n_neurons:,} neurons) with those of other halves of the texts and of other seeds. "
        f"Grey stroke: random rotations of the same space, halves. Filled: p < {LEVEL:g}, one-sided, uncorrected."
        + _left_out(found)
    )


def _left_out(found: ModelNetworks) -> str:
    if found.n_networks <= MOST_ROWS:
        return ""
    return (
        f" Of {found.n_networks} networks the {MOST_ROWS} that carry most variance; the table below has all."
    )


# -- recurrence -------------------------------------------------------------------------


def recurrence(found: ModelNetworks, chosen: int) -> go.Figure:
    """Share of single texts in which each network recurs: one panel per set of texts; ``customdata``: network."""
    rows = shown_networks(found, chosen)
    names = list(dict.fromkeys(found.recurrence["text_set"]))
    figure = make_subplots(
        1, len(names), shared_yaxes=True, horizontal_spacing=0.03,
        subplot_titles=[html.escape(set_name(name).capitalize()) for name in names],
    )  # fmt: skip
    for i, name in enumerate(names):
        table = (
            found.recurrence[found.recurrence["text_set"] == name]
            .set_index("network")
            .loc[rows]
            .reset_index()
        )
        figure.add_trace(_stems(table["share"]), row=1, col=i + 1)
        figure.add_trace(_strokes(table["null"], "random networks", i == 0), row=1, col=i + 1)
        figure.add_trace(_share_points(table, i == 0), row=1, col=i + 1)
    _rows(figure, rows, chosen)
    return figure.update_xaxes(
        range=[-0.14, 1.09], tickvals=[0, 0.5, 1], ticktext=["0", "½", "1"], zeroline=False, fixedrange=True,
    ).update_xaxes(title="share of texts", row=1, col=1)  # fmt: skip


def _stems(values: pd.Series) -> go.Scatter:
    x = np.stack([np.zeros(len(values)), values, np.full(len(values), np.nan)], 1).ravel()
    return go.Scatter(
        x=x, y=np.repeat(np.arange(len(values)), 3), mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": theme.FAINT, "width": 2},
    )  # fmt: skip


def _share_points(table: pd.DataFrame, showlegend: bool) -> go.Scatter:
    texts = [
        f"<b>Network {row.network + 1}</b>, {html.escape(str(row.text_set))}<br>recurs in {row.share:.0%} of texts, "
        f"random {row.null:.0%}<br>mean overlap (IoU) {row.iou:.2f}, p {row.p:.3f}, q {row.q:.3f}"
        for row in table.itertuples()
    ]
    return go.Scatter(
        x=table["share"], y=np.arange(len(table)), mode="markers", name="share of texts", text=texts,
        showlegend=showlegend, hovertemplate="%{text}<extra></extra>", cliponaxis=False, **_STILL,
        customdata=table[["network"]].to_numpy().tolist(),
        marker={
            "size": 11, "opacity": 1, "color": np.where(table["q"] < LEVEL, theme.ACCENT, theme.PAPER),
            "line": {"color": theme.ACCENT, "width": 1.8},
        },
    )  # fmt: skip


def recurrence_caption(found: ModelNetworks, iou: float, n_null: int) -> str:
    """Under the recurrence: what recurs, over how many texts, against what."""
    counts = found.texts["text_set"].value_counts(sort=False)
    n = ", ".join(f"{n} {set_name(name)}" for name, n in counts.items())
    return (
        f"A network recurs in a text where it overlaps (IoU > {iou:g}) with one of the networks of that text alone. "
        f"n: {n} texts. Filled: its mean overlap over the texts beats that of {n_null:,} networks with the same layers and "
        f"random neurons, q < {LEVEL:g} (FDR over networks, each set by itself); it may beat them and still recur nowhere. "
        f"Grey stroke: share of those random networks." + _left_out(found)
    )


# -- connectivity -----------------------------------------------------------------------


def connectivity(found: ModelNetworks, chosen: int) -> go.Figure:
    """Correlation of networks as squares: sign = colour, strength = size; ``customdata``: network of the row."""
    rows = shown_networks(found, chosen)
    r = found.connectivity[np.ix_(rows, rows)]
    y, x = np.nonzero(~np.eye(len(rows), dtype=bool))
    strength = r[y, x]
    side = 210 / max(len(rows), 10)
    figure = go.Figure(
        go.Scatter(
            x=x, y=y, mode="markers", showlegend=False, customdata=[[rows[i]] for i in y], **_STILL,
            text=[f"<b>Networks {rows[i] + 1} and {rows[j] + 1}</b><br>r {v:+.2f}" for i, j, v in zip(y, x, strength, strict=True)],
            hovertemplate="%{text}<extra></extra>",
            marker={
                "symbol": "square", "size": np.maximum(2.5, side * np.sqrt(np.abs(strength))), "opacity": 1,
                "color": np.where(strength >= 0, theme.ACTIVATION, theme.DEACTIVATION),
            },
        )
    )  # fmt: skip
    _rows(figure, rows, chosen)
    figure.update_layout(height=70 + max(25 * len(rows), 250), margin={"t": 10})
    return figure.update_xaxes(
        title="network", range=[-0.6, len(rows) - 0.4], tickvals=list(range(len(rows))), fixedrange=True,
        ticktext=[str(k + 1) for k in rows], showgrid=False, zeroline=False, tickangle=0,
    )  # fmt: skip


def connectivity_caption(found: ModelNetworks) -> str:
    """Under the connectivity."""
    return (
        f"Pearson r between the mean responses of two networks' key neurons over {len(found.tokens):,} tokens. Red: they "
        f"are active together; blue: one where the other is not. The size is |r|. Tokens follow each other, so no test is given."
    )


# -- one network ------------------------------------------------------------------------


def network_sentence(found: ModelNetworks, network: int) -> str:
    """What one network is, in one sentence (Markdown)."""
    counts, stable = found.layer_histogram[network], found.stability.iloc[network]
    n = int(counts.sum())
    where = f", most of them in layer {found.layers[int(counts.argmax())]}" if n else ""
    own = found.recurrence.query("network == @network")
    best = own.loc[own["share"].idxmax()]
    recurs = (
        f"It recurs most in {set_name(best['text_set'])} ({best['share']:.0%} of texts, random {best['null']:.0%})"
        if best["share"] > 0
        else "It recurs in no single text"
    )
    again = "is found again" if stable["halves_p"] < LEVEL else "is not found again beyond chance"
    return (
        f"**Network {network + 1}**: {n:,} key neurons{where}; {found.explained[network]:.1%} of the variance. {recurs}, "
        f"and {again} in the other half of the texts (|r| {stable['halves']:.2f}, random {stable['halves_null']:.2f}, "
        f"p {stable['halves_p']:.3f})."
    )


def by_text_set(found: ModelNetworks, network: int) -> go.Figure:
    """Mean activity of one network in each text, by set: one dot per text, a line at the mean."""
    activity = text_activity(found, network)
    names = list(dict.fromkeys(activity["text_set"]))
    rng = np.random.default_rng(0)
    figure = go.Figure()
    for i, name in enumerate(names):
        own = activity[activity["text_set"] == name]
        figure.add_trace(
            go.Scatter(
                x=own["activity"], y=i + rng.uniform(-0.18, 0.18, len(own)), mode="markers", name=name,
                marker={"size": 6, "color": theme.ACCENT, "opacity": 0.45},
                text=[html.escape(text[:70]) for text in own["text"]],
                hovertemplate="%{text}…<br>%{x:+.2f} SD<extra></extra>",
            )
        )  # fmt: skip
        mean = own["activity"].mean()
        figure.add_shape(
            type="line", x0=mean, x1=mean, y0=i - 0.34, y1=i + 0.34, line={"color": theme.INK, "width": 2.5}
        )
    theme.styled(figure, 80 + 42 * max(len(names), 3)).update_layout(showlegend=False)
    figure.update_xaxes(title="mean activity in a text (SD over tokens)")
    return figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[html.escape(set_name(n)) for n in names],
        range=[len(names) - 0.4, -0.6], showgrid=False, zeroline=False,
    )  # fmt: skip


def text_activity(found: ModelNetworks, network: int) -> pd.DataFrame:
    """text_set, text, activity: the mean of one network's time course over the tokens of each text."""
    course = pd.Series(found.time_courses[:, network].astype(float))
    mean = course.groupby(found.tokens["text"].to_numpy()).mean()
    return found.texts.assign(activity=mean.reindex(range(len(found.texts))).to_numpy())


def telling_tokens(
    found: ModelNetworks, network: int, n: int = 6, around: int = 90, *, loudest: bool = True
) -> pd.DataFrame:
    """The loudest token of each of the texts in which a network is loudest; or the quietest, alike.

    Returns
    -------
    DataFrame
        text_set, before, token, after, activity (SD over tokens), most telling first.
    """
    course = pd.Series(found.time_courses[:, network]) * (1 if loudest else -1)
    first = course.groupby(found.tokens["text"].to_numpy()).idxmax()
    at = sorted(first, key=lambda i: -course[i])[:n]
    rows = []
    for i in at:
        number, start, stop = (int(found.tokens[name].iloc[i]) for name in ("text", "start", "stop"))
        text = found.texts["text"].iloc[number]
        rows.append(
            {
                "text_set": found.texts["text_set"].iloc[number],
                "before": _clipped(text[max(0, start - around) : start], start > around, False),
                "token": text[start:stop],
                "after": _clipped(text[stop : stop + around], False, stop + around < len(text)),
                "activity": float(found.time_courses[i, network]),
            }
        )
    return pd.DataFrame(rows, columns=["text_set", "before", "token", "after", "activity"])


def _clipped(text: str, left: bool, right: bool) -> str:
    """Without the half word at a cut."""
    if left:
        text = "… " + text.partition(" ")[2] if " " in text else "…" + text
    return text.rpartition(" ")[0] + " …" if right and " " in text else text + "…" * right


def token_passages(tokens: pd.DataFrame) -> str:
    """Passages with their loudest token marked, as HTML; every character of a text is escaped."""
    quiet = (
        "opacity:0.75;font-size:0.85em;white-space:nowrap;vertical-align:top;padding:0.45em 0.9em 0.45em 0"
    )
    mark = "background:#CFE6E4;color:#10151C;border-radius:3px;padding:0 2px;font-weight:600"
    rows = [
        f'<tr style="border-top:1px solid {theme.GRID}"><td style="{quiet}">{html.escape(set_name(str(row.text_set)))}</td>'
        f'<td style="padding:0.45em 0.9em 0.45em 0;line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere">'
        f'{html.escape(str(row.before))}<mark style="{mark}">{html.escape(str(row.token))}</mark>'
        f'{html.escape(str(row.after))}</td><td style="{quiet};text-align:right">{row.activity:+.1f} SD</td></tr>'
        for row in tokens.itertuples()
    ]
    return f'<table style="width:100%;border-collapse:collapse;font-size:0.95rem">{"".join(rows)}</table>'


# -- as a table -------------------------------------------------------------------------


def table(found: ModelNetworks) -> pd.DataFrame:
    """One row per network (counted from 1): size, variance, stability, recurrence and key neurons by layer."""
    whole = found.stability.assign(network=np.arange(found.n_networks) + 1)
    whole.insert(1, "key_neurons", found.key.sum(1))
    whole.insert(2, "explained", found.explained)
    for name, rows in found.recurrence.groupby("text_set", sort=False):
        rows = rows.sort_values("network")
        for column in ("share", "null", "q"):
            whole[f"{name}_{column}"] = rows[column].to_numpy()
    counts = pd.DataFrame(found.layer_histogram, columns=[f"layer_{layer}" for layer in found.layers])
    return pd.concat([whole.reset_index(drop=True), counts], axis=1)
