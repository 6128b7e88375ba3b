"""Does a story fit a recording? Clock, coverage, constant locations, agreement of listeners.

A wrong clock is the commonest silent mistake: every later figure still comes
out, only lower. Speech itself shows it: the haemodynamic response to "someone
speaks" must fit the auditory cortex best at a delay of about 0 to 4.5 s.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..values import FitCheck, Recording, Story
from .encoding import unit_columns
from .statistics import leave_one_out_isc, phase_randomised
from .timing import band_pass, convolve_hrf, zscore

LAGS_S = 20.0
PLAUSIBLE_S = (-1.5, 4.5)
N_COPIES = 200


def fit_check(story: Story, recording: Recording, *, seed: int = 0) -> FitCheck:
    """Check a story against a recording.

    Parameters
    ----------
    story : Story
        On the scan clock.
    recording : Recording

    Returns
    -------
    FitCheck
        One fact per row with its state, and the lag curve.
    """
    speech = speech_regressor(story, recording.n_trs, recording.tr, recording.pass_band)
    mean = zscore(recording.bold.mean(0, dtype=np.float32))
    lags = np.arange(-round(LAGS_S / recording.tr), round(LAGS_S / recording.tr) + 1)
    best_r = largest_r(speech, mean, lags)[:, 0]
    rng = np.random.default_rng(seed)
    copies = np.concatenate([phase_randomised(speech, rng) for _ in range(N_COPIES)], axis=1)
    null_r = float(np.quantile(largest_r(copies, mean, lags).max(0), 0.95))
    peak = float(lags[best_r.argmax()] * recording.tr)
    isc = np.full(recording.n_locations, np.nan, np.float32)
    if recording.n_subjects >= 3:
        isc = leave_one_out_isc(recording.bold).mean(0)
    rows = [
        *_story_facts(story, recording),
        *_recording_facts(recording, isc),
        _clock_fact(float(best_r.max()), null_r, peak),
    ]
    return FitCheck(
        facts=pd.DataFrame(rows, columns=["fact", "value", "state", "note"]),
        lags_s=lags * recording.tr,
        best_r=best_r.astype(np.float32),
        null_r=null_r,
        peak_lag_s=peak,
        isc=isc,
    )


def speech_regressor(story: Story, n_trs: int, tr: float, band: tuple[float, ...]) -> np.ndarray:
    """Share of each TR in which a word is heard, HRF-convolved and filtered: float32 (n_trs, 1)."""
    edges = np.arange(n_trs + 1) * tr
    # Words do not overlap, so time spent speaking up to an edge is a piecewise linear function.
    knots = np.stack([story.onsets, np.maximum(story.offsets, story.onsets)], 1).ravel()
    spoken = np.repeat(np.cumsum(story.offsets - story.onsets), 2)
    spoken[::2] -= story.offsets - story.onsets
    share = np.diff(np.interp(edges, np.maximum.accumulate(knots), spoken)) / tr
    return band_pass(convolve_hrf(share[:, None], tr), tr, band).astype(np.float32)


def largest_r(regressors: np.ndarray, mean: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Largest Pearson r over locations when the brain follows by each lag: (n_lags, n_regressors).

    Parameters
    ----------
    regressors : (n_trs, n_regressors)
    mean : (n_trs, n_locations)
    lags : int (n_lags,), TRs
    """
    n = len(mean)
    out = np.empty((len(lags), regressors.shape[1]), np.float32)
    for i, lag in enumerate(lags):
        first, stop = max(0, -lag), min(n, n - lag)
        r = unit_columns(mean[first + lag : stop + lag]).T @ unit_columns(regressors[first:stop])
        out[i] = r.max(0)
    return out


def _story_facts(story: Story, recording: Recording) -> list[tuple[str, str, str, str]]:
    length = recording.n_trs * recording.tr
    inside = int(((story.onsets >= 0) & (story.onsets < length)).sum())
    aligned = int(story.aligned.sum())
    within = "good" if inside == story.n_words else "look" if inside > 0.9 * story.n_words else "bad"
    timed = "good" if aligned > 0.9 * story.n_words else "look"
    return [
        (
            "Words inside the scan",
            f"{inside:,} of {story.n_words:,}",
            within,
            f"words at {story.onsets[0]:.1f} to {story.offsets[-1]:.1f} s, scan 0 to {length:.1f} s "
            f"({recording.n_trs} TRs of {recording.tr:g} s)",
        ),
        (
            "Words with a measured time",
            f"{aligned:,} of {story.n_words:,}",
            timed,
            "the others share the gap between their neighbours",
        ),
        (
            "Story covers",
            f"{min(story.offsets[-1], length) - max(story.onsets[0], 0):.0f} of {length:.0f} s",
            "good",
            "TRs outside the story are left out of the analysis",
        ),
    ]


def _recording_facts(recording: Recording, isc: np.ndarray) -> list[tuple[str, str, str, str]]:
    share = float(recording.constant.mean())
    rows = [
        (
            "Constant time series",
            f"{int(recording.constant.sum()):,} of {recording.constant.size:,}",
            "good" if share < 0.01 else "look" if share < 0.2 else "bad",
            "kept, marked and set to 0",
        )
    ]
    if np.isnan(isc).all():
        note = "three listeners are needed for inter-subject correlation and group maps"
        return [*rows, ("Listeners", str(recording.n_subjects), "bad", note)]
    top = int(isc.argmax())
    where = f" at {recording.locations[top]}" if recording.locations else ""
    state = "good" if np.median(isc) > 0.03 or isc.max() > 0.1 else "look"
    value = f"median {np.median(isc):.2f}, max {isc.max():.2f}{where}"
    return [
        *rows,
        ("Inter-subject correlation", value, state, f"leave-one-out, {recording.n_subjects} listeners"),
    ]


def _clock_fact(r: float, null_r: float, peak: float) -> tuple[str, str, str, str]:
    value = f"speech fits best at {peak:+.1f} s (r {r:.2f})"
    if r <= null_r:
        note = f"no lag beats phase-randomised speech (95 % below {null_r:.2f}): the clock cannot be told from these data"
        return "Clock", value, "look", note
    low, high = PLAUSIBLE_S
    if low <= peak <= high:
        return "Clock", value, "good", f"expected {low:+g} to {high:+g} s beyond the haemodynamic response"
    return (
        "Clock",
        value,
        "bad",
        f"expected {low:+g} to {high:+g} s: shift the story by about {peak - 1.5:+.1f} s, or check where its zero lies",
    )
