"""The words of a finished run's story, and what its sub-groups did when they were heard."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .science import statistics, timing
from .science.word_profile import shifted_differences, two_sided_p
from .values import Run, Story
from .values.story import HRF_PEAK_S

APART_S = 6.0
AROUND = 6  # words of a passage before the one that is named, and after it


def word_activity(run: Run, atom: int) -> pd.DataFrame:
    """The atom's activity when each word was heard: word, text, onset, offset, aligned, activity.

    ``text`` is the word as printed, with the punctuation that follows it.

    The haemodynamic response delays what a word does by about 5 s, so the
    activity of a word is that of the atom 5 s after its onset, in units of the
    atom's standard deviation.
    """
    activity = _heard_activity(run)[:, atom]
    return pd.DataFrame(
        {
            "word": run.story.words,
            "text": _printed_words(run.story),
            "onset": run.story.onsets,
            "offset": run.story.offsets,
            "aligned": run.story.aligned,
            "activity": activity,
        }
    )


def atoms_at_word(run: Run, word: int) -> np.ndarray:
    """Activity of every atom when one word was heard, as `word_activity`: float (n_atoms,); NaN where unknown."""
    return _heard_activity(run)[word]


def _heard_activity(run: Run) -> np.ndarray:
    """Activity of each atom 5 s after each word, in standard deviations: float (n_words, n_atoms)."""
    series = timing.zscore(run.dictionary.atoms)  # (n_trs, n_atoms)
    at = ((run.story.onsets + HRF_PEAK_S) / run.recording.tr).astype(int)
    row = run.dictionary.trs.searchsorted(at).clip(0, len(series) - 1)
    return np.where((run.dictionary.trs[row] == at)[:, None], series[row], np.nan)


def top_words(run: Run, atom: int, n: int = 12) -> pd.DataFrame:
    """The passages in which an atom is most active: word, onset, activity, context.

    One word per passage: neighbours within `APART_S` share a haemodynamic response.
    """
    table = word_activity(run, atom).dropna(subset="activity").sort_values("activity", ascending=False)
    chosen: list[int] = []
    for i in table.index:
        if all(abs(run.story.onsets[i] - run.story.onsets[j]) > APART_S for j in chosen):
            chosen.append(i)
        if len(chosen) == n:
            break
    picked = table.loc[chosen, ["word", "onset", "activity"]]
    printed = _printed_words(run.story)
    picked["context"] = [" ".join(printed[max(0, i - AROUND) : i + AROUND + 1]) for i in chosen]
    return picked.reset_index(drop=True)


def _printed_words(story: Story) -> list[str]:
    """Each word with the punctuation that touches it: He / said, / "Go."."""
    text, printed, last = story.text, [], 0
    starts, ends = story.spans.T.tolist()
    for start, end, following in zip(starts, ends, [*starts[1:], len(text)], strict=True):
        while start > last and not text[start - 1].isspace():
            start -= 1
        while end < following and not text[end].isspace():
            end += 1
        printed.append(text[start:end])
        last = end
    return printed


# -- what kinds of words drive a sub-group --------------------------------------------

FREQUENCY = "Word frequency (Zipf)"
DRIVING_SD = 1.0
MIN_SHIFT_S = 20.0


def word_kinds(story: Story) -> pd.DataFrame:
    """Which class each word of an English story is of (0 or 1), and how common it is (Zipf scale, NaN where unknown).

    Returns
    -------
    DataFrame (n_words, n_kinds)
        A column per class that the story has, and `FREQUENCY`.
    """
    from .sources import word_classes

    classes = pd.get_dummies(pd.Series(word_classes.word_classes(story)), dtype=float)
    kept = [name for name in word_classes.WORD_CLASSES if name in classes]
    return classes[kept].assign(**{FREQUENCY: word_classes.word_zipf(story)})


def word_profile(run: Run, atom: int, kinds: pd.DataFrame) -> pd.DataFrame:
    """The words that drive an atom against the story's other words.

    Parameters
    ----------
    run : Run
    atom : int
    kinds : DataFrame (n_words, n_kinds)
        See `word_kinds`.

    Returns
    -------
    DataFrame
        One row per kind: ``kind``; means ``driving`` (words heard 5 s before
        the atom was `DRIVING_SD` or more above its mean) and ``others``;
        ``difference``; ``p`` (two-sided, against all shifts of the words round
        the story by `MIN_SHIFT_S` or more) and ``q`` over the rows; ``n_driving,
        n_others, n_shifts``. Words without a known activity are left out. No
        rows where no word drives, or the story is too short to be shifted.
    """
    activity = _heard_activity(run)[:, atom]
    heard = np.isfinite(activity)
    values, driving = kinds.to_numpy()[heard], activity[heard] >= DRIVING_SD
    onsets = run.story.onsets[heard]
    shortest = int(np.ceil(MIN_SHIFT_S * len(onsets) / max(np.ptp(onsets), 1.0))) if len(onsets) else 0
    columns = ["kind", "driving", "others", "difference", "p", "q", "n_driving", "n_others", "n_shifts"]
    if not driving.any() or driving.all() or len(driving) <= 2 * shortest:
        return pd.DataFrame(columns=columns)
    observed, null = shifted_differences(values, driving, shortest)
    p = two_sided_p(observed, null)
    means = [np.nanmean(values[which], axis=0) for which in (driving, ~driving)]
    counts = int(driving.sum()), int((~driving).sum()), len(null)
    parts = (kinds.columns, *means, observed, p, statistics.fdr(p), *counts)
    return pd.DataFrame(dict(zip(columns, parts, strict=True)))
