"""Does a story fit a recording? Clock, coverage, constant locations, agreement of listeners.

A wrong clock is the commonest silent mistake: every later figure still comes
out, only lower. Speech itself shows it: the haemodynamic response to "someone
speaks" must fit the auditory cortex best at a delay of about 0 to 4.5 s. The
story's sound, where it is given, shows it twice: as a second regressor of the
brain, and against the words alone, to a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.signal import correlate

from ..values import Audio, FitCheck, Recording, Story
from .statistics import leave_one_out_isc, sign_randomised, unit_columns
from .timing import band_pass, convolve_hrf, zscore

LAGS_S = 20.0
PLAUSIBLE_S, USUAL_S = (-1.5, 4.5), 1.5
SOUND_GOOD_S, SOUND_NEAR_S = 0.5, 1.5  # between the words and their sound
SPOKEN_EDGE_S = 0.5  # an aligner may let the last word end a little after the sound
N_COPIES = 200

Progress = Callable[[float], None]
Fact = tuple[str, str, str, str]


def _silent(fraction: float) -> None:
    """No one watches."""


def fit_check(
    story: Story,
    recording: Recording,
    audio: Audio | None = None,
    *,
    seed: int = 0,
    progress: Progress = _silent,
) -> FitCheck:
    """Check a story, and its sound where there is one, against a recording.

    Parameters
    ----------
    story : Story
        On the scan clock.
    recording : Recording
    audio : Audio, optional
        On the scan clock.
    seed : int
        Of the surrogates.
    progress : callable(fraction)
        Called often; may raise to stop.

    Returns
    -------
    FitCheck
        One fact per row with its state, and the lag curves.
    """
    tr, n_trs = recording.tr, recording.n_trs
    rng = np.random.default_rng(seed)
    mean = zscore(recording.bold.mean(0, dtype=np.float32))
    lags = np.arange(-round(LAGS_S / tr), round(LAGS_S / tr) + 1)
    heard = [speech_regressor(story, n_trs, tr, recording.pass_band)]
    heard += [audio_regressor(audio, n_trs, tr, recording.pass_band)] if audio else []
    curves = _with_null(heard, mean, lags, rng, lambda f: progress(0.8 * f))
    speech, *sound = [(r, null, float(lags[r.argmax()] * tr)) for r, null in curves]
    isc = np.full(recording.n_locations, np.nan, np.float32)
    if recording.n_subjects >= 3:
        isc = leave_one_out_isc(recording.bold).mean(0)
    rows = [*_story_facts(story, recording), *_recording_facts(recording, isc)]
    rows.append(_clock_fact("Clock", "speech", *speech))
    extra: dict = {}
    if audio:
        ((r, null, peak),) = sound
        between = sound_lags(story, audio, rng, lambda f: progress(0.8 + 0.2 * f))
        # Where speech is heard at a plausible delay, its sound belongs there too.
        usual = speech[2] if rows[-1][2] == "good" else USUAL_S
        rows += [
            _clock_fact("Clock of the sound", "sound", r, null, peak, usual),
            *_sound_facts(story, audio, *between),
        ]
        extra = {"audio_r": r, "audio_null_r": null, "audio_peak_lag_s": peak, "sound_lags_s": between[0]}
        extra |= {"sound_r": between[1], "sound_null_r": between[2]}
        extra["sound_lag_s"] = float(between[0][between[1].argmax()])
    return FitCheck(
        facts=pd.DataFrame(rows, columns=["fact", "value", "state", "note"]),
        lags_s=lags * tr,
        best_r=speech[0],
        null_r=speech[1],
        peak_lag_s=speech[2],
        isc=isc,
        **extra,
    )


# -- against the brain ----------------------------------------------------------------


def speech_regressor(story: Story, n_trs: int, tr: float, band: tuple[float, ...]) -> np.ndarray:
    """Share of each TR in which a word is heard, HRF-convolved and filtered: float32 (n_trs, 1)."""
    return _response(spoken_share(story, np.arange(n_trs + 1) * tr), tr, band)


def audio_regressor(audio: Audio, n_trs: int, tr: float, band: tuple[float, ...]) -> np.ndarray:
    """Mean level of the sound in each TR, HRF-convolved and filtered: float32 (n_trs, 1)."""
    at = audio.onset_s + np.arange(len(audio.envelope) + 1) * audio.step_s
    heard = np.concatenate([[0.0], np.cumsum(audio.envelope, dtype=float) * audio.step_s])
    return _response(np.diff(np.interp(np.arange(n_trs + 1) * tr, at, heard)) / tr, tr, band)


def spoken_share(story: Story, edges: np.ndarray) -> np.ndarray:
    """Share of the time between neighbouring edges in which a word is spoken: (n_edges - 1,)."""
    # Words do not overlap, so time spent speaking up to an edge is a piecewise linear function.
    knots = np.stack([story.onsets, np.maximum(story.offsets, story.onsets)], 1).ravel()
    spoken = np.repeat(np.cumsum(story.offsets - story.onsets), 2)
    spoken[::2] -= story.offsets - story.onsets
    return np.diff(np.interp(edges, np.maximum.accumulate(knots), spoken)) / np.diff(edges)


def _response(level: np.ndarray, tr: float, band: tuple[float, ...]) -> np.ndarray:
    return band_pass(convolve_hrf(level[:, None], tr), tr, band).astype(np.float32)


def _with_null(
    regressors: list[np.ndarray],
    mean: np.ndarray,
    lags: np.ndarray,
    rng: np.random.Generator,
    progress: Progress,
) -> list[tuple[np.ndarray, float]]:
    """For each regressor (n_trs, 1): largest r by lag (n_lags,), and 95 % of its copies' largest r at any lag."""
    copies = [sign_randomised(x, rng) for x in regressors for _ in range(N_COPIES)]
    r = largest_r(np.concatenate([*regressors, *copies], axis=1), mean, lags, progress)  # (n_lags, n)
    n = len(regressors)
    null = r[:, n:].max(0).reshape(n, N_COPIES)
    return [(r[:, i].copy(), float(np.quantile(null[i], 0.95))) for i in range(n)]


def largest_r(
    regressors: np.ndarray, mean: np.ndarray, lags: np.ndarray, progress: Progress = _silent
) -> np.ndarray:
    """Largest Pearson r over locations when the brain follows by each lag: float32 (n_lags, n_regressors).

    Parameters
    ----------
    regressors : (n_trs, n_regressors)
    mean : (n_trs, n_locations)
    lags : int (n_lags,), TRs
    progress : callable(fraction)
    """
    n = len(mean)
    out = np.empty((len(lags), regressors.shape[1]), np.float32)
    for i, lag in enumerate(lags):
        progress(i / len(lags))
        first, stop = max(0, -lag), min(n, n - lag)
        r = unit_columns(mean[first + lag : stop + lag]).T @ unit_columns(regressors[first:stop])
        out[i] = r.max(0)
    return out


# -- the sound against its words --------------------------------------------------------


def sound_lags(
    story: Story, audio: Audio, rng: np.random.Generator, progress: Progress = _silent
) -> tuple[np.ndarray, np.ndarray, float]:
    """How well the sound's envelope follows its words, by lag.

    Parameters
    ----------
    story : Story
    audio : Audio
        Both on one clock, if they fit.
    rng : numpy Generator
    progress : callable(fraction)

    Returns
    -------
    lags_s : float64 (n_lags,)
        Seconds by which the sound comes after the words, -20 to 20.
    r : float32 (n_lags,)
        Pearson r of the envelope with the share of each step that is spoken.
    null_r : float
        95th percentile of the largest r at any lag for sign-randomised envelopes.
    """
    reach = round(LAGS_S / audio.step_s)
    n = len(audio.envelope)
    edges = audio.onset_s + np.arange(-reach, n + reach + 1) * audio.step_s
    spoken = spoken_share(story, edges)  # (n + 2 reach,)
    r = _sliding_r(spoken, audio.envelope.astype(float))
    largest = np.empty(N_COPIES)
    for i in range(N_COPIES):
        progress(i / N_COPIES)
        copy = sign_randomised(audio.envelope[:, None].astype(float), rng)[:, 0]
        largest[i] = _sliding_r(spoken, copy).max()
    lags = np.arange(-reach, reach + 1) * audio.step_s
    return lags, r[::-1].astype(np.float32), float(np.quantile(largest, 0.95))


def _sliding_r(long: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Pearson r of ``short`` with each stretch of ``long`` of its length; 0 where one never moves."""
    n = len(short)
    short = short - short.mean()
    long = long - long.mean()  # keeps the sums below small
    sums, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (long, long**2))
    spread = squares[n:] - squares[:-n] - (sums[n:] - sums[:-n]) ** 2 / n
    scale = np.sqrt(np.maximum(spread, 0) * (short @ short))
    product = correlate(long, short, mode="valid", method="fft")
    return np.where(scale > 1e-9, product / np.maximum(scale, 1e-9), 0.0)


# -- facts --------------------------------------------------------------------------------


def _story_facts(story: Story, recording: Recording) -> list[Fact]:
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
            "the others share the gap between their neighbours"
            if aligned < story.n_words
            else "each has its own",
        ),
        (
            "Story covers",
            f"{min(story.offsets[-1], length) - max(story.onsets[0], 0):.0f} of {length:.0f} s",
            "good",
            "TRs outside the story are left out of the analysis",
        ),
    ]


def _recording_facts(recording: Recording, isc: np.ndarray) -> list[Fact]:
    share = float(recording.constant.mean())
    rows = [
        (
            "Constant time series",
            f"{int(recording.constant.sum()):,} of {recording.constant.size:,}",
            "good" if share < 0.01 else "look" if share < 0.2 else "bad",
            "kept, marked and set to 0" if share else "every location moves",
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


def _clock_fact(
    fact: str, what: str, curve: np.ndarray, null_r: float, peak: float, usual: float = USUAL_S
) -> Fact:
    r = float(curve.max())
    value = f"{what} fits the brain best at {peak:+.1f} s (r {r:.2f})"
    if r <= null_r:
        note = (
            f"no lag beats sign-randomised {what} (95 % below {null_r:.2f}): the clock cannot be told from it"
        )
        return fact, value, "look", note
    low, high = PLAUSIBLE_S
    if low <= peak <= high:
        return fact, value, "good", f"expected {low:+g} to {high:+g} s beyond the haemodynamic response"
    mend = f"expected {low:+g} to {high:+g} s: shift the {'story' if what == 'speech' else what} by about "
    return fact, value, "bad", f"{mend}{peak - usual:+.1f} s, or check where its zero lies"


def _sound_facts(story: Story, audio: Audio, lags: np.ndarray, r: np.ndarray, null_r: float) -> list[Fact]:
    lag, best = float(lags[r.argmax()]), float(r.max())
    value = f"sound and words fit best {_moved(lag)} (r {best:.2f})"
    state, note = "good", f"expected within {SOUND_GOOD_S:g} s"
    if best <= null_r:
        state, note = (
            "look",
            f"no lag beats sign-randomised sound (95 % below {null_r:.2f}): is it this story's?",
        )
    elif abs(lag) > SOUND_GOOD_S:
        state = "look" if abs(lag) <= SOUND_NEAR_S else "bad"
        note = (
            f"they are on different clocks: let the sound begin at {audio.onset_s - lag:g} s, "
            f"or shift the words by {lag:+.1f} s"
        )
    return [("Sound and words", value, state, note), _length_fact(story, audio)]


def _moved(lag: float) -> str:
    if abs(lag) < 0.05:
        return "as they are"
    return f"with the sound {abs(lag):.1f} s {'earlier' if lag > 0 else 'later'}"


def _length_fact(story: Story, audio: Audio) -> Fact:
    end = audio.onset_s + audio.seconds
    before = int((story.onsets < audio.onset_s).sum())
    after = int((story.offsets > end + SPOKEN_EDGE_S).sum())
    inside = story.n_words - before - after
    note = f"sound at {audio.onset_s:.1f} to {end:.1f} s, words at {story.onsets[0]:.1f} to {story.offsets[-1]:.1f} s"
    note += f"; {before:,} before it begins" if before else ""
    note += f"; {after:,} after it ends" if after else ""
    state = "good" if inside == story.n_words else "look" if inside > 0.98 * story.n_words else "bad"
    return "Words inside the sound", f"{max(inside, 0):,} of {story.n_words:,}", state, note
