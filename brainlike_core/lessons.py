"""What the guided tour reads of a finished run, and computes anew as a reader moves its controls.

Every number comes from the run that is open. Glover's haemodynamic response and
sign randomisation are those of `science.timing` and `science.statistics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from .archive import Workspace, known_record
from .atlas_nulls import network_overlap
from .errors import ConfigError, RecordingError
from .science import recovery, statistics, timing
from .science.story_rows import by_story, group_mean, recorded_stories, row_stories, rows_at
from .values import Dictionary, FakeAtoms, NeuronResponses, PlantedTruth, Rebuilt, Run

LEVEL, N_SHUFFLES, N_SURROGATES = (
    recovery.LEVEL,
    recovery.N_SHUFFLES,
    recovery.N_SURROGATES,
)  # behind `Recovery`
DELAYS = np.arange(-8, 21) / 2  # seconds
THRESHOLDS = np.arange(0, 91) / 100  # of |loading|


@dataclass(frozen=True, eq=False)
class Lesson:
    """A finished run with what its other pages leave out.

    Attributes
    ----------
    run : Run
    responses : NeuronResponses
        On the recording's clock, z-scored: (n_rows, n_neurons).
    words : NeuronResponses or None
        Word by word; None where only means per volume were kept, or several
        stories were heard.
    truth : PlantedTruth or None
        Of a simulated recording.
    share : float64 (n_locations, n_networks)
        Takes locations to the mean of each network; 0 where it has no location.
    bold : float32 (n_trs, n_networks)
        Mean response of all listeners in each network, z-scored.
    """

    run: Run
    responses: NeuronResponses
    words: NeuronResponses | None
    truth: PlantedTruth | None
    share: np.ndarray
    bold: np.ndarray

    @property
    def n_neurons(self) -> int:
        return self.responses.n_neurons


def open_lesson(run: Run, workspace: Workspace) -> Lesson:
    """Read a run's neurons and its planted truth, and average its recording over networks.

    Raises
    ------
    ConfigError
        The run is a baseline without neurons.
    RecordingError
        Its responses are no longer in the cache.
    """
    entries = known_record(run.id, workspace).entries
    if "responses" not in entries:
        raise ConfigError(
            "A baseline of features has no neurons", found=run.config.extract.model,  # type: ignore[attr-defined]
            needed="a run of a language model", do="choose another run",
        )  # fmt: skip
    try:
        responses = workspace.results.get(entries["responses"])
        heard = workspace.results.get(entries["recording"])
        words = workspace.results.get(entries["extract"]) if "extract" in entries else None
    except KeyError:
        raise RecordingError(
            "The neurons of this run are no longer in the cache", found="pruned responses",
            needed="its stored responses", do="run it again: only what is missing is computed",
        ) from None  # fmt: skip
    if words is not None and (words.clock != "word" or run.recording.stories):
        words = None
    truth = next((one for one in heard if isinstance(one, PlantedTruth)), None)
    overlap = network_overlap(run.atlas, run.recording).astype(float)
    share = overlap / np.maximum(overlap.sum(0), 1e-12)
    bold = timing.zscore(group_mean(run.recording.bold, run.dictionary.rows) @ share.astype(np.float32))
    return Lesson(run, responses, words, truth, share, bold)


# -- neurons --------------------------------------------------------------------------


def leading_neuron(dictionary: Dictionary, atom: int) -> int:
    """The neuron that loads most on an atom."""
    return int(abs(dictionary.loadings[:, [atom]]).toarray().argmax())


def neuron_words(lesson: Lesson, neuron: int) -> pd.DataFrame | None:
    """One neuron's response to every word, in its standard deviations: word, onset, response; None where not kept."""
    if lesson.words is None:
        return None
    story = lesson.run.story
    response = timing.zscore(np.asarray(lesson.words.values[:, neuron], np.float64))
    return pd.DataFrame({"word": story.words, "onset": story.onsets, "response": response})


class Recurrence(NamedTuple):
    """A word that is heard several times, and how unlike the responses to it are (standard deviations)."""

    word: str
    n: int
    low: float
    high: float


def recurring_word(heard: pd.DataFrame, at_least: int = 3) -> Recurrence | None:
    """Of the words heard ``at_least`` times, the one with the largest response; None where none recurs.

    Examples
    --------
    >>> heard = pd.DataFrame({"word": ["The", "sea", "the", "the"], "response": [0.5, 3.0, -1.0, 1.5]})
    >>> recurring_word(heard)
    Recurrence(word='the', n=3, low=-1.0, high=1.5)
    """
    groups = heard["response"].groupby(heard["word"].str.lower()).agg(["size", "min", "max"])
    groups = groups[groups["size"] >= at_least]
    if not len(groups):
        return None
    word = str(groups["max"].idxmax())
    n, low, high = groups.loc[word]
    return Recurrence(word, int(n), float(low), float(high))


def by_volume(heard: pd.DataFrame, tr: float) -> tuple[pd.DataFrame, float]:
    """Mean response to the words that begin in each volume, were one taken every ``tr`` seconds.

    Returns
    -------
    volumes : DataFrame
        onset (s), n_words, response; volumes without a word are left out.
    kept : float
        Share of the variance over words that the means still have.

    Examples
    --------
    >>> heard = pd.DataFrame({"onset": [0.1, 0.9, 2.1], "response": [1.0, 3.0, -4.0]})
    >>> by_volume(heard, 1.0)[0]["response"].tolist(), round(by_volume(heard, 1.0)[1], 2)
    ([2.0, -4.0], 0.92)
    """
    volume = timing.word_trs(heard["onset"].to_numpy(), tr)
    groups = heard["response"].groupby(volume).agg(["size", "mean"])
    spread = float(heard["response"].var(ddof=0))
    means = groups["mean"].loc[volume].to_numpy()
    table = pd.DataFrame({"onset": groups.index * tr, "n_words": groups["size"], "response": groups["mean"]})
    return table.reset_index(drop=True), float(means.var() / spread) if spread else 0.0


# -- the haemodynamic response ----------------------------------------------------------


def hrf_curve(tr: float) -> pd.DataFrame:
    """Glover's response to one moment: seconds, response (its largest value is 1)."""
    step = tr / 10
    response = timing.glover_hrf(step)
    return pd.DataFrame({"seconds": step * np.arange(len(response)), "response": response / response.max()})


def word_rate(lesson: Lesson, hrf: bool) -> np.ndarray:
    """Words that begin in each volume, z-scored; with or without Glover's response: (n_trs,).

    The recording's own filter is applied either way.
    """
    recording, rows = lesson.run.recording, lesson.run.dictionary.rows
    at = timing.word_trs(lesson.run.story.onsets, recording.tr)
    counts = np.bincount(at[(at >= 0) & (at < recording.n_trs)], minlength=recording.n_trs)

    def heard(part: np.ndarray) -> np.ndarray:
        part = timing.convolve_hrf(part, recording.tr) if hrf else part
        return timing.zscore(timing.band_pass(part, recording.tr, recording.pass_band))

    return by_story(heard, counts.astype(float)[:, None], recorded_stories(rows))[:, 0]


def delayed(values: np.ndarray, tr: float, seconds: float) -> np.ndarray:
    """A series that comes some seconds later (or earlier, below 0), between volumes by straight lines: (n_trs,).

    Examples
    --------
    >>> delayed(np.array([0.0, 2.0, 4.0, 6.0]), 2.0, 1.0).tolist()
    [0.0, 1.0, 3.0, 5.0]
    """
    times = tr * np.arange(len(values))
    return np.interp(times - seconds, times, values)


def delay_curve(lesson: Lesson, network: int, hrf: bool, delays: np.ndarray) -> pd.DataFrame:
    """Correlation of word rate, so many seconds later, with a network's mean response: delay (s), r."""
    rate, tr, rows = word_rate(lesson, hrf), lesson.run.recording.tr, lesson.run.dictionary.trs
    measured = lesson.bold[rows, network]
    r = [_r(delayed(rate, tr, float(one))[rows], measured) for one in delays]
    return pd.DataFrame({"delay": delays, "r": r})


def _r(a: np.ndarray, b: np.ndarray) -> float:
    return float(statistics.correlate(np.asarray(a, float)[:, None], np.asarray(b, float)[:, None])[0])


# -- atoms and sub-groups -----------------------------------------------------------------


def rebuilt(lesson: Lesson, neuron: int, n_atoms: int) -> Rebuilt:
    """A neuron from the atoms that it loads on most, loadings as learned; both series in its standard deviations."""
    dictionary = lesson.run.dictionary
    row = dictionary.loadings[neuron].toarray().ravel()
    chosen = np.argsort(-np.abs(row), kind="stable")[: min(n_atoms, int((row != 0).sum()))]
    series = timing.zscore(np.asarray(lesson.responses.values[:, neuron], np.float64))
    # Loadings are those of columns of unit norm; a z-scored column has norm sqrt(n_rows).
    copy = np.sqrt(len(series)) * np.asarray(dictionary.atoms[:, chosen], np.float64) @ row[chosen]
    total = max(float((series**2).sum()), 1e-12)
    return Rebuilt(
        series, copy, 1 - float(((series - copy) ** 2).sum()) / total, tuple(int(k) for k in chosen)
    )


def members(dictionary: Dictionary, atom: int, threshold: float) -> np.ndarray:
    """Neurons that load on an atom by more than a threshold, of either sign, by layer: int64 (n_layers,)."""
    strength = abs(dictionary.loadings[:, [atom]]).toarray().ravel()
    return (strength > threshold).reshape(len(dictionary.layers), dictionary.n_units).sum(1)


def sizes(dictionary: Dictionary, atom: int, thresholds: np.ndarray) -> np.ndarray:
    """Size of the sub-group at each threshold: int64 (n_thresholds,)."""
    strength = np.sort(abs(dictionary.loadings[:, [atom]]).toarray().ravel())
    return len(strength) - np.searchsorted(strength, thresholds, side="right")


# -- encoding and correspondence ------------------------------------------------------------


def fit_by_size(lesson: Lesson, network: int, n_atoms: tuple[int, ...], seed: int = 0) -> pd.DataFrame:
    """A network's mean response from the first n atoms, fitted on one half of the rows and scored on both.

    Ordinary regression at the run's map delay; beside it the same with
    sign-randomised atoms. The halves are parted by 10 rows.

    Returns
    -------
    DataFrame
        n_atoms, home, away (Pearson r in the half that was fitted, and in the
        other one), fake_home, fake_away.
    """
    run = lesson.run
    rows = rows_at(run.dictionary.rows, run.dictionary.n_trs, run.encoding.map_delay)
    measured = np.asarray(lesson.bold[rows, network], np.float64)
    atoms = np.asarray(run.dictionary.atoms, np.float64)
    rng = np.random.default_rng(seed)
    fake = by_story(
        lambda part: statistics.sign_randomised(part, rng), atoms, row_stories(run.dictionary.rows)
    )
    found = [(n, *_halves(atoms[:, :n], measured), *_halves(fake[:, :n], measured)) for n in n_atoms]
    return pd.DataFrame(found, columns=["n_atoms", "home", "away", "fake_home", "fake_away"])


def _halves(features: np.ndarray, measured: np.ndarray, gap: int = 10) -> tuple[float, float]:
    half = len(measured) // 2
    first, second = slice(0, half - gap // 2), slice(half + gap // 2, None)
    with_mean = np.column_stack([features, np.ones(len(features))])
    weights = np.linalg.lstsq(with_mean[first], measured[first], rcond=None)[0]
    return _r(with_mean[first] @ weights, measured[first]), _r(with_mean[second] @ weights, measured[second])


def network_scores(lesson: Lesson) -> pd.DataFrame:
    """Means over each network: network, n_locations, r (held out), ceiling, significant (share of locations)."""
    e, level = lesson.run.encoding, lesson.run.config.encoding.fdr  # type: ignore[attr-defined]
    values = np.stack([e.r_heldout, e.group_ceiling, e.q < level], axis=1)
    means = lesson.share.T @ values  # (n_networks, 3)
    table = pd.DataFrame(means, columns=["r", "ceiling", "significant"])
    table.insert(0, "network", list(lesson.run.atlas.networks))
    table.insert(1, "n_locations", (lesson.share > 0).sum(0))
    return table[table["n_locations"] > 0].reset_index(drop=True)


def fake_atoms(lesson: Lesson, atom: int, network: int, n_copies: int = 199, seed: int = 0) -> FakeAtoms:
    """An atom's correlation with a network's mean response, beside that of its sign-randomised copies."""
    run, rng = lesson.run, np.random.default_rng(seed)
    d, delays = run.dictionary, run.config.encoding.delays  # type: ignore[attr-defined]
    brains = np.stack([lesson.bold[rows_at(d.rows, d.n_trs, delay), network] for delay in delays], 1)
    real = np.asarray(d.atoms[:, [atom]], np.float64)
    stories = row_stories(d.rows)
    copies = np.concatenate(
        [by_story(lambda p: statistics.sign_randomised(p, rng), real, stories) for _ in range(n_copies)], 1
    )
    unit = statistics.unit_columns
    r = unit(np.column_stack([real, copies])).T @ unit(brains.astype(float))  # (1 + n_copies, n_delays)
    best = np.abs(r).argmax(1)
    r = r[np.arange(len(r)), best]
    p = (1 + int((np.abs(r[1:]) >= abs(r[0])).sum())) / (1 + n_copies)
    return FakeAtoms(
        timing.zscore(real[:, 0]), timing.zscore(brains[:, best[0]].astype(float)), timing.zscore(copies).T,
        float(r[0]), r[1:], p,
    )  # fmt: skip


def lost_without(lesson: Lesson, atom: int) -> pd.DataFrame:
    """Held-out R2 that each network loses when one atom is left out: network, lost; NaN where not measured."""
    lost = np.asarray(lesson.run.encoding.atom_unique[atom], np.float64)
    known = np.isfinite(lost)
    weight = lesson.share[known]
    total = weight.sum(0)
    mean = np.where(total > 0, (weight.T @ lost[known]) / np.maximum(total, 1e-12), np.nan)
    return pd.DataFrame({"network": list(lesson.run.atlas.networks), "lost": mean})


# -- the planted truth ------------------------------------------------------------------------


class Planted(NamedTuple):
    """Links that a planted effect explains, and all links; by the spin rule and by both nulls."""

    spin: int
    all_spin: int
    accepted: int
    all_accepted: int


def planted_links(lesson: Lesson) -> Planted | None:
    """How many links go from a sub-group that follows a pattern to a network that it was planted in; None without a truth.

    As `science.recovery.recover` counts them, for both rules; a link is a sub-group and a network.
    """
    truth, run, c = lesson.truth, lesson.run, lesson.run.correspondence
    if truth is None:
        return None
    heard = recovery.heard_patterns(truth, run.dictionary, run.recording.tr, run.recording.pass_band)
    atoms = np.asarray(run.dictionary.atoms, np.float64)
    r, q = recovery.expression(heard, atoms, np.random.default_rng(0))
    pattern = np.array([truth.names.index(name) for name in truth.table["pattern"]])
    sign = (truth.table["sign"] == "-").to_numpy(int)
    network = np.array([c.networks.index(name) for name in truth.table["network"]])
    counts = []
    for links in (c.paper_links, c.accepted_links):
        carriers = recovery.accepted_carriers(r, q < recovery.LEVEL, links)[pattern, sign, network]
        counts += [
            len({(int(k), network[e]) for e, k in zip(*np.nonzero(carriers), strict=True)}),
            int(links.sum()),
        ]
    return Planted(*counts)


def planted_course(lesson: Lesson, pattern: str, atom: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """A planted pattern as the recording heard it and an atom, both z-scored (n_rows,), and their r; None without a truth."""
    truth, run = lesson.truth, lesson.run
    if truth is None or pattern not in truth.names:
        return None
    heard = recovery.heard_patterns(truth, run.dictionary, run.recording.tr, run.recording.pass_band)
    planted = timing.zscore(heard[:, truth.names.index(pattern)])
    series = timing.zscore(np.asarray(run.dictionary.atoms[:, atom], np.float64))
    return planted, series, _r(planted, series)
