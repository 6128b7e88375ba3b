"""Charts of many models by size and family: one metric against size, trained beside random weights, links beside fakes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ..values import Run
from . import theme
from .comparison import METRIC_TITLES, run_looks
from .families import family

METRICS = {"r_heldout": "Held-out r"} | METRIC_TITLES
BAND = "rgba(102,112,124,0.28)"


class Measured(NamedTuple):
    """A metric of one run: value, 95 % interval and 95 % range of its null; NaN where it has none."""

    value: float
    low: float
    high: float
    null_low: float
    null_high: float


def measured(run: Run, metric: str) -> Measured:
    """One metric of one run; of held-out r the null is that of sign-randomised recordings, and there is no interval.

    Links have the null of sign-randomised dictionaries.
    """
    nan = float("nan")
    if metric == "r_heldout":
        low, high = np.percentile(run.encoding.null_means, [2.5, 97.5])
        return Measured(run.encoding.r_mean, nan, nan, float(low), float(high))
    table = run.organization.metrics.set_index("metric")
    if metric not in table.index:
        return Measured(nan, nan, nan, nan, nan)
    row = table.loc[metric]
    found = Measured(*(float(row[name]) for name in ("value", "low", "high", "null_low", "null_high")))
    if metric == "n_links":
        low, high = np.percentile(run.correspondence.n_links_fake, [2.5, 97.5])
        found = found._replace(null_low=float(low), null_high=float(high))
    return found


def by_size(runs: Sequence[Run], sizes: Sequence[float], metric: str, axis: str) -> go.Figure:
    """One metric of every run against the size of its model; the trained members of a family are joined.

    Parameters
    ----------
    runs : sequence of Run
    sizes : sequence of float
        Of each run's model; 0 where it is not known, and the run is left out.
    metric : str
        One of `METRICS`.
    axis : str
        Title of the axis. Sizes of 1,000 and more stand on a logarithmic scale.
    """
    looks = run_looks(runs)
    shown = [
        (run, size, look, measured(run, metric))
        for run, size, look in zip(runs, sizes, looks, strict=True)
        if size > 0 and np.isfinite(measured(run, metric).value)
    ]
    figure = go.Figure()
    for name, members in _trained_families(shown).items():
        colour = members[-1][2][1]
        figure.add_trace(
            go.Scatter(
                x=[size for _, size, _, _ in members], y=[found.value for *_, found in members], mode="lines",
                name=name, line={"color": colour, "width": 2}, opacity=0.55, hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    for run, size, (name, colour, fill), found in shown:
        figure.add_trace(_upright([size, size], [found.null_low, found.null_high], BAND, 12))
        figure.add_trace(_upright([size, size], [found.low, found.high], colour, 1.6))
        figure.add_trace(
            go.Scatter(
                x=[size], y=[found.value], mode="markers", name=name,
                marker={"size": 14, "color": fill, "line": {"color": colour, "width": 2.5}},
                hovertemplate=f"<b>{html.escape(name)}</b> · {html.escape(family(_model(run)))}<br>{axis} %{{x:,.3s}}<br>"
                f"{METRICS[metric]} {spoken(found)}<extra></extra>",
            )
        )  # fmt: skip
    theme.styled(figure, 440)
    figure.update_xaxes(title=axis, showgrid=False, **_scale([size for _, size, *_ in shown]))
    return figure.update_yaxes(title=METRICS[metric])


def _scale(sizes: list[float]) -> dict:
    """A logarithmic scale with 1, 2 and 5 of each decade for sizes of 1,000 and more; else whole numbers."""
    if not sizes or min(sizes) < 1000:
        return {"dtick": 1}
    decades = 10.0 ** np.arange(np.floor(np.log10(min(sizes))), np.ceil(np.log10(max(sizes))) + 1)
    ticks = np.outer(decades, (1, 2, 5)).ravel()
    ticks = ticks[(ticks > min(sizes) / 2.1) & (ticks < max(sizes) * 2.1)]
    units = [
        next((f"{t / n:g} {u}" for n, u in ((1e9, "bn"), (1e6, "m"), (1e3, "k")) if t >= n), f"{t:g}")
        for t in ticks
    ]
    return {"type": "log", "tickvals": ticks, "ticktext": units}


def _model(run: Run) -> str:
    return run.config.extract.model  # type: ignore[attr-defined]


def _trained_families(shown: list[tuple]) -> dict[str, list[tuple]]:
    """Families with two or more trained runs, each by size."""
    families: dict[str, list[tuple]] = {}
    for one in sorted(shown, key=lambda one: one[1]):
        if one[0].config.extract.weights == "trained":
            families.setdefault(family(_model(one[0])), []).append(one)
    return {name: members for name, members in families.items() if len(members) > 1}


def _upright(x: list[float], y: list[float], colour: str, width: float) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": width}, hoverinfo="skip", showlegend=False
    )


def spoken(found: Measured, digits: int = 3) -> str:
    """A metric in words: value [interval], and its null where it has one.

    Examples
    --------
    >>> spoken(Measured(0.5, 0.4, 0.6, float("nan"), float("nan")))
    '0.500 [0.400, 0.600]'
    >>> spoken(Measured(0.5, float("nan"), float("nan"), -0.1, 0.1))
    '0.500 (null -0.100 to 0.100)'
    """
    interval = f" [{found.low:.{digits}f}, {found.high:.{digits}f}]" if np.isfinite(found.low) else ""
    null = (
        f" (null {found.null_low:.{digits}f} to {found.null_high:.{digits}f})"
        if np.isfinite(found.null_low)
        else ""
    )
    return f"{found.value:.{digits}f}{interval}{null}"


def rows(runs: Sequence[Run], metric: str) -> go.Figure:
    """One metric, one row per run: value, 95 % interval, and the range of its null in grey."""
    figure, looks = go.Figure(), run_looks(runs)
    for i, run in enumerate(runs):
        found, (_, colour, _) = measured(run, metric), looks[i]
        for ends, line in (
            ((found.null_low, found.null_high), (BAND, 14)),
            ((found.low, found.high), (colour, 1.6)),
        ):
            figure.add_trace(_upright(list(ends), [i, i], *line))
        figure.add_trace(_dot(found, metric, i, looks[i], 13))
    theme.styled(figure, 80 + 30 * max(len(runs), 2))
    return _named_rows(figure, metric, [name for name, _, _ in looks])


def _dot(found: Measured, metric: str, row: int, look: tuple[str, str, str], size: float) -> go.Scatter:
    """A run's value in its row; ``look`` is its name, colour and filling."""
    name, colour, fill = look
    return go.Scatter(
        x=[found.value], y=[row], mode="markers", showlegend=False,
        marker={"size": size, "color": fill, "line": {"color": colour, "width": 2.5}},
        hovertemplate=f"<b>{html.escape(name)}</b><br>{METRICS[metric]} {spoken(found)}<extra></extra>",
    )  # fmt: skip


def _named_rows(figure: go.Figure, metric: str, names: Sequence[str]) -> go.Figure:
    """Axes of one metric, with a name at each row, the first on top."""
    figure.update_xaxes(title=METRICS[metric], range=_with_room(figure))
    return figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[html.escape(name) for name in names],
        range=[len(names) - 0.5, -0.5], tickfont={"size": 12, "color": theme.INK}, showgrid=False, zeroline=False,
    )  # fmt: skip


def _with_room(figure: go.Figure) -> list[float] | None:
    """The range of all that is drawn, and a little more: lines end before the labels."""
    x = np.concatenate([np.asarray(trace.x, float) for trace in figure.data] or [np.empty(0)])
    x = x[np.isfinite(x)]
    if not len(x):
        return None
    room = 0.06 * (x.max() - x.min()) or 0.01
    return [float(x.min() - room), float(x.max() + room)]


def twins(runs: Sequence[Run]) -> list[tuple[Run, list[Run]]]:
    """Each trained run with the runs of the same model, layers and neurons that have random weights; none without any."""
    found = []
    for run in runs:
        extract = run.config.extract  # type: ignore[attr-defined]
        if extract.weights != "trained":
            continue
        same = [
            other for other in runs
            if (e := other.config.extract).weights == "random"  # type: ignore[attr-defined]
            and (e.model, e.layers, e.neurons) == (extract.model, extract.layers, extract.neurons)
        ]  # fmt: skip
        if same:
            found.append((run, same))
    return found


def trained_and_random(runs: Sequence[Run], metric: str) -> go.Figure:
    """One metric of each trained model (filled) and of its twins with random weights (hollow), joined."""
    looks = {run.id: look for run, look in zip(runs, run_looks(runs), strict=True)}
    pairs, figure = twins(runs), go.Figure()
    for i, (run, others) in enumerate(pairs):
        _, colour, _ = looks[run.id]
        values = [measured(one, metric) for one in (run, *others)]
        known = [found.value for found in values if np.isfinite(found.value)]
        if known:
            figure.add_trace(_upright([min(known), max(known)], [i, i], colour, 2))
        for one, found in zip((run, *others), values, strict=True):
            figure.add_trace(_dot(found, metric, i, (looks[one.id][0], colour, looks[one.id][2]), 14))
    theme.styled(figure, 100 + 34 * max(len(pairs), 2))
    return _named_rows(figure, metric, [looks[run.id][0] for run, _ in pairs])


# -- captions -----------------------------------------------------------------------------


def size_caption(runs: Sequence[Run], sizes: Sequence[float], metric: str) -> str:
    """Under a metric against size."""
    unknown = sorted({_model(run) for run, size in zip(runs, sizes, strict=True) if size <= 0})
    left = f" Size not known, so not drawn: {', '.join(unknown)}." if unknown else ""
    return (
        f"{len(runs) - sum(size <= 0 for size in sizes)} runs. {_interval_words(runs, metric)} Lines join trained members of a "
        f"family by size; nothing is fitted, and no trend is tested. Hollow: random weights.{left}"
    )


def _interval_words(runs: Sequence[Run], metric: str) -> str:
    config = runs[0].config
    if metric == "r_heldout":
        n = len(runs[0].encoding.null_means)
        return f"Mean held-out r over locations; grey: 95 % of {n} sign-randomised recordings."
    n = config.organization.n_bootstraps  # type: ignore[attr-defined]
    words = f"Whiskers: 95 % bootstrap over listeners and blocks of time ({n})."
    if metric == "n_links":
        return f"{words} Grey: 95 % of {len(runs[0].correspondence.n_links_fake)} sign-randomised dictionaries; spin rule, uncorrected."
    if metric.startswith("consistency"):
        return f"{words} Grey: 95 % of {config.organization.n_null} random sets of atoms of the same sizes."  # type: ignore[attr-defined]
    return words


def rows_caption(runs: Sequence[Run], metric: str) -> str:
    """Under one metric, a row per run."""
    return (
        f"{len(runs)} runs. {_interval_words(runs, metric)} Hollow: random weights. Not corrected over runs."
    )


def pairs_caption(runs: Sequence[Run], metric: str) -> str:
    """Under trained beside random weights."""
    counts = [len(others) for _, others in twins(runs)]
    few = (
        " One or two twins are no control: three or more show how far random weights vary."
        if min(counts) < 3
        else ""
    )
    return (
        f"{len(counts)} model{'s' * (len(counts) != 1)}, {sum(counts)} twin{'s' * (sum(counts) != 1)} with random weights "
        f"(hollow). {METRICS[metric]}; differences are judged in pairs, by the claims.{few}"
    )


def difference_caption(first: Run, second: Run) -> str:
    """Under the brain difference of two runs."""
    r = first.recording
    return (
        f"Held-out r of the mean of {r.n_subjects} listeners at {r.n_locations:,} locations for each of the two, and the first less "
        f"the second: red where the first predicts better. Not tested at single locations; the claim below is about the mean "
        f"over all. The slider also shows what passes the false-discovery rate, and the noise ceiling."
    )
