"""Words of a story and what a sub-group does with them."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from . import theme


def passages(top_words: pd.DataFrame) -> str:
    """The passages that drive an atom, as HTML.

    Parameters
    ----------
    top_words : DataFrame
        ``onset`` (s), ``activity`` (SD), ``context``, strongest first.

    Returns
    -------
    str
        One row per passage: time, words, activity; every word is escaped.
    """
    quiet = "opacity:0.75;font-size:0.85em;white-space:nowrap;padding:0.45em 0.9em 0.45em 0"
    rows = [
        f'<tr style="border-top:1px solid {theme.GRID}"><td style="{quiet};vertical-align:top">'
        f"{int(row.onset) // 60}:{int(row.onset) % 60:02d}</td>"
        f'<td style="padding:0.45em 0.9em 0.45em 0;line-height:1.4">{html.escape(row.context)}</td>'
        f'<td style="{quiet};vertical-align:top;text-align:right">{row.activity:+.1f} SD</td></tr>'
        for row in top_words.itertuples()
    ]
    return f'<table style="width:100%;border-collapse:collapse;font-size:0.95rem">{"".join(rows)}</table>'


def transcript(words: pd.DataFrame, chosen: int | None = None) -> dict[str, Any]:
    """What a page needs to draw the story, each word with the atom's activity when it was heard.

    Parameters
    ----------
    words : DataFrame
        ``text, onset, activity`` (standard deviations, NaN where unknown).
    chosen : int, optional
        The word that is selected.

    Returns
    -------
    dict
        ``text, seconds, activity`` (None where unknown), ``chosen``, and
        ``colours``: red, green, blue of activity above and below the mean.
    """
    known = np.isfinite(words["activity"])
    return {
        "text": words["text"].tolist(),
        "seconds": words["onset"].round(1).tolist(),
        "activity": [
            round(float(sd), 2) if there else None for sd, there in zip(words["activity"], known, strict=True)
        ],
        "chosen": chosen,
        "colours": [
            ", ".join(map(str, bytes.fromhex(c[1:]))) for c in (theme.ACTIVATION, theme.DEACTIVATION)
        ],
    }


def class_profile(profile: pd.DataFrame) -> go.Figure:
    """Share of each word class among the words that drive an atom (mark) and among the others (tick).

    Parameters
    ----------
    profile : DataFrame
        Rows of classes, see ``heard_words.word_profile``; filled where q < .05.
    """
    rows = np.arange(len(profile))
    driving, others = 100 * profile["driving"].to_numpy(), 100 * profile["others"].to_numpy()
    passes = (profile["q"] < 0.05).to_numpy()
    said = [
        f"<b>{row.kind}</b><br>{100 * row.driving:.1f} % of the driving words, {100 * row.others:.1f} % of the others"
        f"<br>p {row.p:.3f}, q {row.q:.3f}"
        for row in profile.itertuples()
    ]
    stems = np.stack([others, driving, np.full(len(rows), np.nan)], 1).ravel()
    figure = go.Figure(
        [
            go.Scatter(
                x=stems, y=np.repeat(rows, 3), mode="lines", line={"color": theme.FAINT, "width": 2},
                hoverinfo="skip", showlegend=False,
            ),
            go.Scatter(
                x=others, y=rows, mode="markers", name="the story's other words", hoverinfo="skip",
                marker={"symbol": "line-ns-open", "size": 14, "color": theme.QUIET, "line_width": 2.5},
            ),
            go.Scatter(
                x=driving, y=rows, mode="markers", name="words that drive it", text=said,
                hovertemplate="%{text}<extra></extra>",
                marker={
                    "size": 12, "color": np.where(passes, theme.ACCENT, theme.PAPER),
                    "line": {"color": theme.ACCENT, "width": 2},
                },
            ),
        ]
    )  # fmt: skip
    theme.styled(figure, 100 + 26 * len(rows))
    figure.update_xaxes(title="share of words (%)", rangemode="tozero", fixedrange=True)
    return figure.update_yaxes(
        tickvals=rows, ticktext=profile["kind"].tolist(), range=[len(rows) - 0.4, -0.6], showgrid=False,
        zeroline=False, fixedrange=True,
    )  # fmt: skip


def profile_sentence(profile: pd.DataFrame, frequency: pd.Series) -> str:
    """Which word classes stand out, and how common the words are (Markdown)."""
    found = profile[profile["q"] < 0.05].sort_values("p")
    names = (
        found["kind"].str.lower().map(lambda kind: f"**{kind} words**" if kind == "other" else f"**{kind}s**")
    )
    said = [
        f"{how} often {' and '.join(names[which])}"
        for how, which in (("more", found["difference"] > 0), ("less", found["difference"] < 0))
        if which.any()
    ]
    first = f"The words that drive it are {', and '.join(said)}." if said else "No word class stands out."
    rare = "rarer" if frequency["difference"] < 0 else "more common"
    verdict = f"{rare} than" if frequency["q"] < 0.05 else "as common as"
    return (
        f"{first} They are {verdict} the story's other words (Zipf {frequency['driving']:.2f} against "
        f"{frequency['others']:.2f}, q {frequency['q']:.3f})."
    )
