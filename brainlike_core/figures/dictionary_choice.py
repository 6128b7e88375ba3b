"""The settings of the dictionary compared: one panel, its caption, and the recommendation in words."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import DictionaryChoice
from . import theme

_TITLES = ("R² on unseen time", "R² of unseen neurons", "Stability over seeds, |r|")
_COLUMNS = ("r2_time", "r2_neurons", "stability")


def choice_chart(choice: DictionaryChoice) -> go.Figure:
    """Held-out R2 and stability against the number of atoms, one line for each penalty.

    Grey in the first panel: within one standard error of the best. Grey in the
    third: sign-randomised atoms. A star marks the recommended setting, a ring
    the run's own.
    """
    figure = make_subplots(1, 3, subplot_titles=_TITLES, horizontal_spacing=0.07)
    table = choice.table.sort_values(["penalty", "n_atoms"])
    groups = list(table.groupby("penalty"))
    colours = _shades(len(groups))
    for (penalty, rows), colour in zip(groups, colours, strict=True):
        for column, name in enumerate(_COLUMNS, 1):
            figure.add_trace(_line(rows, name, f"λ = {penalty:g}", colour, column == 1), 1, column)
    _add_null(figure, table)
    best = choice.row("best")
    low, high = best["r2_time"] - best["r2_time_se"], best["r2_time"]
    figure.add_hrect(low, high, fillcolor=theme.NULL_BAND, line_width=0, layer="below", row=1, col=1)
    for column, name in enumerate(_COLUMNS, 1):
        for which, symbol, size in (("used", "circle-open", 17), ("recommended", "star", 14)):
            figure.add_trace(_mark(choice.row(which), name, which, symbol, size, column == 1), 1, column)
    theme.styled(figure, 360)
    sizes = sorted(set(table["n_atoms"]))
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[str(k) for k in sizes], title="atoms (K)")
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    return figure.update_layout(legend={"y": -0.32, "yanchor": "top"}, margin={"t": 36})


def _shades(n: int) -> list[str]:
    """From light to dark, one for each penalty."""
    shades = theme.SHADES[2:]
    return [shades[round(i * (len(shades) - 1) / max(n - 1, 1))] for i in range(n)]


def _line(rows: pd.DataFrame, name: str, label: str, colour: str, first: bool) -> go.Scatter:
    return go.Scatter(
        x=rows["n_atoms"], y=rows[name], name=label, legendgroup=label, showlegend=first,
        mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 6},
        customdata=rows[["loadings"]],
        hovertemplate=f"<b>%{{x}} atoms, {label}</b><br>%{{y:.3f}}<br>%{{customdata[0]:.1f}} atoms per neuron"
        "<extra></extra>",
    )  # fmt: skip


def _add_null(figure: go.Figure, table: pd.DataFrame) -> None:
    null = table.groupby("n_atoms")[["stability_null", "stability_null_high"]].max().reset_index()
    for name, filled in (("stability_null", None), ("stability_null_high", "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=null["n_atoms"], y=null[name], mode="lines", line={"color": theme.FAINT, "width": 1},
                fill=filled, fillcolor=theme.NULL_BAND, name="sign-randomised atoms, mean to 95 %",
                showlegend=filled is not None, hovertemplate="sign-randomised: %{y:.3f}<extra></extra>",
            ),
            1, 3,
        )  # fmt: skip


def _mark(row: pd.Series, name: str, which: str, symbol: str, size: int, first: bool) -> go.Scatter:
    words = {"used": "this run", "recommended": "recommended"}[which]
    colour = theme.DEACTIVATION if which == "used" else theme.ACTIVATION
    return go.Scatter(
        x=[row["n_atoms"]], y=[row[name]], mode="markers", name=words, legendgroup=which, showlegend=first,
        marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}},
        hovertemplate=f"<b>{words}</b>: {_setting(row)}<br>%{{y:.3f}}<extra></extra>",
    )  # fmt: skip


def _setting(row: pd.Series) -> str:
    return f"{int(row['n_atoms'])} atoms at λ {row['penalty']:g}"


def recommendation(choice: DictionaryChoice) -> list[str]:
    """What to take and why, how the run's own setting stands, how stable its atoms are; plain sentences."""
    best, chosen, used = (choice.row(which) for which in ("best", "recommended", "used"))
    error = f"one standard error ({best['r2_time_se']:.3f})"
    why = f"the best that was tried, R² {best['r2_time']:.3f} on unseen time"
    if chosen.name != best.name:
        why = (
            f"the fewest atoms whose R² on unseen time ({chosen['r2_time']:.3f}) lies within {error} of the best "
            f"({best['r2_time']:.3f}: {_setting(best)})"
        )
    lines = [f"Recommended for these neurons and this story: {_setting(chosen)}, {why}."]
    if choice.at_edge:
        lines.append("The best lies at the edge of what was tried: a wider range may hold a better one.")
    if used.name == best.name:
        lines.append(f"This run's {_setting(used)} did best.")
    else:
        lines.append(
            f"This run's {_setting(used)} (R² {used['r2_time']:.3f}) "
            f"{'lie' if used['within'] else 'do not lie'} within {error} of the best: {used['behind']:.3f} below it "
            f"(± {used['behind_se']:.3f}, same stretches of the story)."
        )
    return [*lines, _stable(choice, used)]


def _stable(choice: DictionaryChoice, used: pd.Series) -> str:
    above = int((choice.atom_stability > choice.atom_null).sum())
    return (
        f"Over {choice.n_seeds} seeds its atoms match at a mean |r| of {used['stability']:.2f} (sign-randomised "
        f"{used['stability_null']:.2f}); {above} of the run's {len(choice.atom_stability)} atoms come back beyond "
        f"the 95th percentile of sign-randomised copies (|r| {choice.atom_null:.2f})."
    )


def atom_sentence(choice: DictionaryChoice, atom: int) -> str:
    """Whether one of the run's atoms comes back with other seeds."""
    r = float(choice.atom_stability[atom])
    verdict = "beyond" if r > choice.atom_null else "not beyond"
    return f"Atom {atom} comes back at a mean |r| of {r:.2f} over seeds, {verdict} sign-randomised copies ({choice.atom_null:.2f})."


def caption(choice: DictionaryChoice) -> str:
    """Under the panel."""
    return (
        f"Atoms learned from {choice.n_learned:,} neurons, tried on {choice.n_held_out:,} others drawn at random "
        f"from the same model. Unseen time: their codes are fitted on one half of the story and predict the other; "
        f"the grey band is one standard error below the best, over stretches of the story. Stability: atoms of two "
        f"seeds matched one to one, beside sign-randomised ones. R² of a dictionary says how well neurons are summed up, not how like the "
        f"brain they are: random weights reach as much on unseen neurons."
    )
