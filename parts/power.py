"""What the page on power is made of: the design that is asked for, and where a run stands."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

import parts
from brainlike_core import archive
from brainlike_core.figures import power as figures
from brainlike_core.values import PowerTable

TR = 1.5


def choose_design(table: PowerTable) -> tuple[int, float, dict[str, float]]:
    """Listeners, minutes, and the true effect of each claim; embedded, the defaults."""
    subjects, minutes = table.range("predicts", "n_subjects"), table.range("predicts", "minutes")
    n, length, r, difference = 20, 10.0, 0.3, 0.1
    if not parts.embedded():
        bar = st.grid(5, min_column_width=160, gap="small")
        n = bar.cell().slider("Listeners", int(subjects[0]), int(subjects[1]), n, key="n_subjects")
        length = bar.cell().slider("Minutes of story", *minutes, length, 0.5, "%g", key="minutes")
        tr = bar.cell().slider("Repetition time (s)", 0.5, 4.0, TR, 0.1, key="tr")
        r = bar.cell().slider(
            "True r of the model", 0.0, table.range("predicts", "effect")[1], r, 0.05, key="r",
            help="Correlation of its best prediction with what listeners share.",
        )  # fmt: skip
        difference = bar.cell().slider(
            "True difference of two", 0.0, table.range("better", "effect")[1], difference, 0.01,
            key="difference", help="True r of one model less that of a weaker one.",
        )  # fmt: skip
        st.caption(
            f"{round(60 * length / tr):,} volumes. {length:g} minutes hold {figures.free_numbers(length)} free numbers "
            "in the band 0.01–0.12 Hz at any repetition time up to 4 s: minutes count, not volumes."
        )
    return n, length, {"predicts": r, "better": difference, "replicates": r, "link": r}


def this_run() -> tuple[figures.Mark, ...]:
    """The run of the address, or the newest, as a mark; nothing where nothing has been run."""
    runs = archive.finished_runs(parts.store())
    if not runs:
        return ()
    selection = parts.parse_selection(st.query_params, [run.id for run in runs])
    run = parts.load_run(selection.run or runs[0].id)
    minutes = run.dictionary.n_trs * run.recording.tr / 60
    return (("this run", run.recording.n_subjects, minutes),)


def run_sentence(table: PowerTable, here: tuple[figures.Mark, ...], effects: Mapping[str, float]) -> str:
    """Where a run stands: power of each claim, or that it lies outside the table."""
    ((_, n, minutes),) = here
    what = f"The chosen run: {n} listeners, {minutes:.1f} minutes"
    if not figures.inside(table, "predicts", n, minutes):
        return f"{what}, outside what was simulated."
    shares = [
        f"{figures.TITLES[claim].lower()} {figures.percent(table.at(claim, n, minutes, effect).power)}"
        for claim, effect in effects.items()
    ]
    return f"{what}: {'; '.join(shares)}."


def command(n_subjects: int, minutes: float) -> str:
    """The same question on the command line."""
    return f"python -m brainlike_core power --subjects {n_subjects} --minutes {minutes:.3g}"
