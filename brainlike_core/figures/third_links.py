"""Which brain networks the sub-groups of each third of a model's depth go with, beside fake atoms. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..values import Run, ThirdLinks
from . import theme
from .captions import MOVES
from .comparison import run_names
from .layers import run_panels


def by_third(runs: Sequence[Run], found: Sequence[ThirdLinks], n_columns: int = 0) -> go.Figure:
    """Links of each network with each third: colour and first number those that beat both nulls, then by spins alone."""
    figure, n_rows, n_columns = run_panels(runs, n_columns, gap=0.24)
    networks = list(found[0].networks)
    top = max(3, *(int(one.counts["n_accepted"].max()) for one in found))
    for i, one in enumerate(found):
        thirds = list(one.thirds["third"])
        wide = one.counts.pivot(index="network", columns="third").loc[networks]
        accepted, spin, fake = (
            wide[name][thirds].to_numpy() for name in ("n_accepted", "n_links", "n_links_fake")
        )
        text = [
            [f"{a} · {s}" if s else "" for a, s in zip(*row, strict=True)]
            for row in zip(accepted, spin, strict=True)
        ]
        figure.add_trace(
            go.Heatmap(
                z=accepted, x=thirds, y=networks, zmin=0, zmax=top, colorscale=theme.SHADES, text=text,
                texttemplate="%{text}", textfont={"size": 11}, xgap=1, ygap=2, showscale=False,
                customdata=np.stack([spin, fake], axis=-1),
                hovertemplate="%{y}, %{x}<br>%{z} beat both nulls; by spins alone %{customdata[0]}, of sign-randomised "
                "atoms %{customdata[1]:.1f}<extra></extra>",
            ),
            row=i // n_columns + 1, col=i % n_columns + 1,
        )  # fmt: skip
    theme.styled(figure, n_rows * (100 + 20 * len(networks)))
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_xaxes(showgrid=False, zeroline=False, type="category")
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def sentences(found: ThirdLinks) -> list[str]:
    """What each third is linked to, beside what sign-randomised atoms of the same neurons get."""
    said = []
    for row in found.thirds.itertuples():
        counts = found.counts.query("third == @row.third and n_accepted > 0").sort_values(
            "n_accepted", ascending=False, kind="stable"
        )
        with_whom = ", ".join(f"{one.network} {one.n_accepted}" for one in counts.itertuples())
        said.append(
            f"The {row.third} third (layers {row.first_layer}-{row.last_layer}): {row.n_links} links by the spin rule, "
            f"sign-randomised atoms {row.n_links_fake:.0f} ({row.n_links_fake_low:.0f}-{row.n_links_fake_high:.0f}, "
            f"p {row.n_links_p:.3f}); {row.n_accepted} pass both nulls and the atom gate, of theirs "
            f"{row.n_accepted_fake:.1f} (p {row.n_accepted_p:.3f}){': ' if with_whom else ''}{with_whom}."
        )
    return said


def caption(runs: Sequence[Run], found: Sequence[ThirdLinks]) -> str:
    """Under the links by third."""
    one, config = found[0], runs[0].config.match  # type: ignore[attr-defined]
    n_neurons = sorted({int(n) for each in found for n in each.thirds["n_neurons"]})
    n_atoms = sorted({int(n) for each in found for n in each.thirds["n_atoms"]})
    what = (
        "mean r of the maps with each network"
        if one.measure != "Dice"
        else "Dice of the maps with each network"
    )
    return (
        f"Number of links, by {what}, both signs. Each third has a dictionary of its own: {_span(n_atoms)} atoms of "
        f"{_span(n_neurons)} neurons. Colour and first number: links that beat both nulls (spins, and {one.n_fakes} "
        f"dictionaries of sign-randomised atoms of the same neurons; FDR {one.level:g}) and whose atom predicts the brain. Second: "
        f"links by spins alone (p < {one.level:g}, {config.n_spins:,} {MOVES[config.null]}, uncorrected; the paper's rule), which "
        "sign-randomised atoms get as well: pointing shows how many. No test between thirds."
    )


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,}–{numbers[-1]:,}"


def table(runs: Sequence[Run], found: Sequence[ThirdLinks]) -> pd.DataFrame:
    """Links of every network with every third of all runs, as one table."""
    named = zip(run_names(runs), found, strict=True)
    return pd.concat([one.counts.assign(run=name) for name, one in named], ignore_index=True)
