"""How much data a claim needs: a sentence for each claim, curves of power, and recovery of atoms. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..values import Power, PowerTable
from ..values.power import CLAIMS
from . import theme

TARGET = 0.8
TITLES = {
    "predicts": "This model predicts the brain",
    "better": "One model predicts better than another",
    "replicates": "The maps come again in the other half",
    "link": "A sub-group is linked to its network",
}
_FOUND = {
    "predicts": "a model of true r = {effect} is found to predict the brain",
    "better": "a true difference of r = {effect} between two models is found",
    "replicates": "the maps of a model of true r = {effect} come again in the other half of the story",
    "link": "a sub-group of a model of true r = {effect} is linked to its network, through both nulls,",
}
_SEEN = {
    "predicts": "held-out r measured in the mean: {seen}",
    "better": "difference measured in the mean: {seen}",
    "replicates": "r of the halves measured in the mean: {seen}",
    "link": "r of the sub-group's map with the true one: {seen}",
}
Mark = tuple[str, int, float]  # name, listeners, minutes
# Rows of Pie Man and of the simulated recording that the story drives.
MARKS: tuple[Mark, ...] = (("Pie Man", 40, 6.9), ("simulated recording", 8, 11.2))
_SYMBOLS = ("square", "triangle-up", "star")


def sentence(table: PowerTable, found: Power) -> str:
    """How often a claim is supported in one design, and how many minutes it would need (Markdown)."""
    what = _FOUND[found.claim].format(effect=short(found.effect))
    share = f"**{percent(found.power)}** [{100 * found.low:.0f}, {100 * found.high:.0f}] of the time"
    between = "" if found.simulated else ", interpolated"
    return (
        f"With {found.n_subjects} listeners and {found.minutes:g} minutes, {what} {share}{between}; "
        f"{needed(table, found)}."
    )


def needed(table: PowerTable, found: Power, power: float = TARGET) -> str:
    """Minutes that would give a power, in words."""
    if found.effect == 0:
        return "there is nothing to find"
    shortest, longest = table.range(found.claim, "minutes")
    minutes = table.minutes_for(found.claim, found.n_subjects, found.effect, power)
    if minutes is None:
        return f"even {longest:g} minutes do not give {percent(power)}"
    if minutes == shortest:
        return f"{shortest:g} minutes or fewer give {percent(power)}"
    return f"{percent(power)} needs about {round_minutes(minutes)} minutes"


def answer(table: PowerTable, found: Sequence[Power], tr: float, simulated: bool) -> list[str]:
    """Lines for a terminal: every claim and true effect of one design, and how they are known."""
    first = found[0]
    lines = [
        f"{first.n_subjects} listeners, {first.minutes:g} minutes, TR {tr:g} s "
        f"({round(60 * first.minutes / tr):,} volumes, {free_numbers(first.minutes)} free numbers in the band)"
    ]
    for one in found:
        wanted = "" if simulated else f"; {needed(table, one)}"
        lines.append(
            f"{one.claim:<10} true {_unit(one.claim):<10} {short(one.effect)}: {percent(one.power):>5} "
            f"[{100 * one.low:.0f}, {100 * one.high:.0f}], measured {short(one.measured)}{wanted}"
        )
    how = (
        f"Simulated: {first.n} worlds of this very design"
        if simulated
        else "Interpolated between simulated designs, never beyond their range, and rising with the data except for links; "
        "--simulate asks this very design"
    )
    return [*lines, f"{how}. Brackets: 95 % Wilson intervals of the simulation."]


def free_numbers(minutes: float) -> int:
    """Free numbers that a story's minutes leave in the band 0.01-0.12 Hz, at any TR up to 4 s.

    Examples
    --------
    >>> free_numbers(7.5)  # 300 volumes at 1.5 s
    99
    """
    return round(120 * minutes * 0.11)


def seen(found: Power) -> str:
    """What a study of this design would see in the mean."""
    return _SEEN[found.claim].format(seen=short(found.measured))


def short(r: float) -> str:
    """A correlation without its leading zero.

    Examples
    --------
    >>> short(0.05), short(-0.1), short(1.0)
    ('.05', '-.10', '1.00')
    """
    return f"{r:z.2f}".replace("0.", ".", 1) if abs(r) < 1 else f"{r:.2f}"


def percent(share: float) -> str:
    """A share in whole percent.

    Examples
    --------
    >>> percent(0.226)
    '23\\xa0%'
    """
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def round_minutes(minutes: float) -> int:
    """Minutes to two digits at most: what an interpolation can tell.

    Examples
    --------
    >>> round_minutes(7.3), round_minutes(23.2), round_minutes(61.0)
    (7, 23, 60)
    """
    return round(minutes) if minutes < 30 else 5 * round(minutes / 5)


def power_curves(
    table: PowerTable, n_subjects: int, minutes: float, effects: Mapping[str, float], marks: Sequence[Mark]
) -> go.Figure:
    """Power of each claim against minutes of story: one line for each number of listeners, the chosen one bold.

    Parameters
    ----------
    table : PowerTable
    n_subjects, minutes : the chosen design
    effects : true effect of each claim
    marks : name, listeners and minutes of recordings; one outside the table is left out
    """
    claims = [claim for claim in CLAIMS if claim in effects]
    titles = [f"{TITLES[claim]}<br>true {_unit(claim)} {short(effects[claim])}" for claim in claims]
    figure = make_subplots(
        2, 2, subplot_titles=titles, horizontal_spacing=0.09, vertical_spacing=0.17, shared_yaxes=True
    )
    for i, claim in enumerate(claims):
        for trace in _panel(table, claim, effects[claim], (n_subjects, minutes), marks, i == 0):
            figure.add_trace(trace, i // 2 + 1, i % 2 + 1)
    figure.add_hline(TARGET, line={"color": theme.QUIET, "width": 1, "dash": "dot"})
    theme.styled(figure, 680)
    lengths = sorted(set(table.table["minutes"]))
    figure.update_xaxes(type="log", tickvals=lengths, ticktext=[f"{m:g}" for m in lengths])
    figure.update_xaxes(title="minutes of story", row=2)
    figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", title=None)
    figure.update_yaxes(title="found in", col=1)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    return figure.update_layout(legend={"y": -0.1, "yanchor": "top"}, margin={"t": 48})


def _unit(claim: str) -> str:
    return "difference" if claim == "better" else "r"


def _panel(
    table: PowerTable,
    claim: str,
    effect: float,
    chosen: tuple[int, float],
    marks: Sequence[Mark],
    first: bool,
) -> list[go.Scatter]:
    groups = [int(n) for n in sorted(set(table.table["n_subjects"]))]
    traces = []
    for i, n in enumerate(groups):
        colour = theme.SHADES[1 + round(i * 5 / max(len(groups) - 1, 1))]
        traces.append(_line(table, claim, effect, n, colour, first))
    traces += _chosen(table, claim, effect, chosen, first)
    for (name, n, minutes), symbol in zip(marks, _SYMBOLS, strict=False):
        if inside(table, claim, n, minutes):
            traces.append(_mark(table.at(claim, n, minutes, effect), name, symbol, first))
    return traces


def inside(table: PowerTable, claim: str, n_subjects: int, minutes: float) -> bool:
    """Whether a design lies within what was simulated."""
    ranges = table.range(claim, "n_subjects"), table.range(claim, "minutes")
    return all(low <= value <= high for value, (low, high) in zip((n_subjects, minutes), ranges, strict=True))


def _curve(table: PowerTable, claim: str, effect: float, n: int) -> list[Power]:
    low, high = table.range(claim, "minutes")
    return [table.at(claim, n, float(m), effect) for m in np.geomspace(low, high, 33).clip(low, high)]


def _line(table: PowerTable, claim: str, effect: float, n: int, colour: str, first: bool) -> go.Scatter:
    curve = _curve(table, claim, effect, n)
    return go.Scatter(
        x=[p.minutes for p in curve], y=[p.power for p in curve], name=f"{n} listeners", legendgroup=str(n),
        showlegend=first, mode="lines", line={"color": colour, "width": 1.6},
        hovertemplate=f"{n} listeners, %{{x:.0f}} minutes: %{{y:.0%}}<extra></extra>",
    )  # fmt: skip


def _chosen(
    table: PowerTable, claim: str, effect: float, chosen: tuple[int, float], first: bool
) -> list[go.Scatter]:
    """The chosen number of listeners with its interval, and the chosen length."""
    n, minutes = chosen
    curve = _curve(table, claim, effect, n)
    x = [p.minutes for p in curve]
    band = go.Scatter(
        x=[*x, *x[::-1]], y=[*(p.high for p in curve), *(p.low for p in curve[::-1])], fill="toself",
        fillcolor="rgba(178, 24, 43, 0.12)", line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    line = go.Scatter(
        x=x, y=[p.power for p in curve], mode="lines", line={"color": theme.ACTIVATION, "width": 3},
        name=f"your {n} listeners, 95 %", legendgroup="chosen", showlegend=first, hoverinfo="skip",
    )  # fmt: skip
    here = table.at(claim, n, minutes, effect)
    point = go.Scatter(
        x=[minutes], y=[here.power], mode="markers", showlegend=False, legendgroup="chosen",
        marker={"size": 12, "color": theme.ACTIVATION, "line": {"color": theme.PAPER, "width": 2}},
        hovertemplate=f"your design: %{{y:.0%}} [{here.low:.0%}, {here.high:.0%}]<extra></extra>",
    )  # fmt: skip
    return [band, line, point]


def _mark(found: Power, name: str, symbol: str, first: bool) -> go.Scatter:
    return go.Scatter(
        x=[found.minutes], y=[found.power], mode="markers", legendgroup=name, showlegend=first,
        name=f"{name} ({found.n_subjects}, {found.minutes:.0f} min)",
        marker={"symbol": symbol, "size": 11, "color": theme.PAPER, "line": {"color": theme.INK, "width": 2}},
        hovertemplate=f"{name}: %{{y:.0%}} [{found.low:.0%}, {found.high:.0%}]<extra></extra>",
    )  # fmt: skip


def atom_curves(table: PowerTable) -> go.Figure:
    """How well planted atoms come back: mean |cos| against minutes, one line per noise, one panel per number of neurons."""
    sizes = sorted(set(table.atoms["n_neurons"]))
    figure = make_subplots(
        1, len(sizes), subplot_titles=[f"{n:,} neurons" for n in sizes], shared_yaxes=True,
        horizontal_spacing=0.04,
    )  # fmt: skip
    levels = sorted(set(table.atoms["snr"]))
    for column, n in enumerate(sizes, 1):
        for i, snr in enumerate(levels):
            rows = table.atoms[(table.atoms["n_neurons"] == n) & (table.atoms["snr"] == snr)]
            figure.add_trace(
                go.Scatter(
                    x=rows["minutes"], y=rows["cos"], mode="lines+markers", name=f"SNR {snr:g}",
                    legendgroup=str(snr), showlegend=column == 1, customdata=rows[["found", "low", "high"]],
                    line={"color": theme.SHADES[2 + 4 * i // max(len(levels) - 1, 1)], "width": 2},
                    hovertemplate=f"SNR {snr:g}, %{{x:g}} minutes: |cos| %{{y:.2f}}<br>%{{customdata[0]:.0%}} of atoms at "
                    "|cos| .9 or above [%{customdata[1]:.0%}, %{customdata[2]:.0%}]<extra></extra>",
                ),
                1, column,
            )  # fmt: skip
    theme.styled(figure, 340)
    lengths = sorted(set(table.atoms["minutes"]))
    figure.update_xaxes(
        type="log", tickvals=lengths, ticktext=[f"{m:g}" for m in lengths], title="minutes of story"
    )
    figure.update_yaxes(range=[0, 1.03])
    figure.update_yaxes(title="mean |cos|", col=1)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    return figure.update_layout(legend={"y": -0.3, "yanchor": "top"}, margin={"t": 36})


def curves_caption(table: PowerTable) -> str:
    """Under the power curves."""
    rows = table.table[table.table["claim"].isin(CLAIMS)]
    n = rows.groupby("claim")["n"].agg(["min", "max"])
    nothing = ", ".join(f"{claim} {percent(table.found_in_nothing(claim)[0])}" for claim in CLAIMS)
    few, many = n["min"].min(), n["max"].max()
    worlds = f"{few}" if few == many else f"{few} to {many}"
    return (
        f"Share of simulated worlds ({worlds} for each point) in which the claim is supported; band and brackets: 95 % "
        f"Wilson intervals of the counts. 238 parcels, noise and shared response as strong as in Pie Man. True r: "
        f"correlation of the model's best prediction with what listeners share, alike in all networks. Predicts and "
        f"replicates: p ≤ .05, one-sided, of the mean over parcels against sign-randomised recordings and atoms. Better: "
        f"95 % interval of the difference above that of the null; the weaker model's true r is "
        f"{short(table.made['config']['weaker'])}. Link: spin FDR, surrogate FDR and atom gate, .05. Nothing is corrected over "
        f"claims. Found where the true effect is 0: {nothing}."
    )


def atoms_caption(table: PowerTable) -> str:
    """Under the recovery of atoms."""
    return (
        f"64 planted atoms, {int(table.atoms['n'].min())} for each point; neurons are sums of three, plus noise in the same "
        f"band. SNR: variance of the sum over that of the noise. Matched one to one; no test. Listeners play no part: "
        f"atoms are learned from the model alone."
    )
