"""One sentence or two under each chart: n, units, null and correction, in a run's own numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..config import MOVES, RunConfig
from ..values import Correspondence, Run
from ..values.story import HRF_PEAK_S

DATA_MESH = "fsaverage5"  # where the values of all runs are, whatever is drawn


def _config(run: Run) -> RunConfig:
    return run.config  # type: ignore[return-value]


def verdict(c: Correspondence) -> str:
    """The counts of links beside those of sign-randomised atoms, in plain words (Markdown)."""
    real, accepted = int(c.paper_links.sum()), int(c.accepted_links.sum())
    low, high = np.percentile(c.n_links_fake, [2.5, 97.5])
    return (
        f"**{real} {_links(real)}** by the paper's spin rule. Sign-randomised atoms, which know nothing of the "
        f"story, get **{c.n_links_fake.mean():.0f}** on average ({low:.0f} to {high:.0f}). "
        f"**{accepted}** {'survives' if accepted == 1 else 'survive'} both nulls."
    )


def _links(n: int) -> str:
    return "link" if n == 1 else "links"


def matrix(run: Run) -> str:
    """Under the matrix of sub-groups and networks."""
    c, config = run.correspondence, _config(run).match
    beyond = (
        f"Dice of the map beyond |z| {config.z_threshold:g}"
        if c.measure == "Dice"
        else f"{c.measure} of the map"
    )
    return (
        f"{c.dice.shape[1]} sub-groups, {len(c.networks)} networks ({run.atlas.title}), "
        f"{run.recording.n_subjects} listeners. Size: {beyond} with the "
        f"network. Hollow: spin p < {c.level:g} ({config.n_spins:,} {MOVES[config.null]}, uncorrected; the paper's rule). Solid: "
        f"also spin FDR and surrogate FDR < {c.level:g} over all cells and signs, and an atom that predicts the brain "
        f"better than sign-randomised ones."
    )


def fakes(run: Run) -> str:
    """Under the histogram of fake links."""
    c = run.correspondence
    p = (int((c.n_links_fake >= c.paper_links.sum()).sum()) + 1) / (len(c.n_links_fake) + 1)
    return (
        f"n = {len(c.n_links_fake)} sign-randomised dictionaries through the same maps, spins and rule; "
        f"p of the real count {p:.3f} (one-sided). By the accepted rule they get "
        f"{c.n_links_fake_accepted.mean():.1f} links on average."
    )


def ranking(run: Run) -> str:
    """Under the ranking of one network's sub-groups."""
    c = run.correspondence
    return f"Of {c.dice.shape[1]} sub-groups, both signs. Filled: beats both nulls (FDR {c.level:g})."


def atom_map(run: Run, atom: int, mesh: str = DATA_MESH) -> str:
    """Under the map of one sub-group, as it is drawn on a mesh."""
    e, config = run.encoding, _config(run)
    q = float(e.atom_q[atom])
    related = "predicts the brain better than" if q < config.match.level else "is not told apart from"
    return (
        f"Group map: z of encoding weights over {run.recording.n_subjects} listeners, delay {e.map_delay} TR beyond "
        f"the haemodynamic response, coloured beyond the threshold, not corrected over locations. Atom {atom} "
        f"{related} sign-randomised copies (mean r² {float(e.atom_r2[atom]):.3f}, q {q:.3f}).{drawn(run, mesh)}"
    )


def drawn(run: Run, mesh: str = DATA_MESH) -> str:
    """How parcels, or vertices of another mesh, came onto the surface; nothing to say of vertices on their own."""
    if run.recording.space != DATA_MESH:
        return f" Parcels are drawn on {mesh}; holes between them take the nearest labelled vertex."
    return "" if mesh == DATA_MESH else f" Drawn on {mesh}: each vertex shows the nearest of {DATA_MESH}."


def moment_maps(run: Run, mesh: str = DATA_MESH) -> tuple[str, str]:
    """Under the story player: what the measured and the predicted maps of the moment are."""
    e, n = run.encoding, run.recording.n_subjects
    hrf = "The brain answers a word about 5 s after it is heard: what lights up now answers the second line."
    measured = (
        f"Measured: mean BOLD of {n} listeners, standard deviations over time. {hrf} One moment is no test."
    )
    predicted = (
        f"Predicted: what all {run.dictionary.n_atoms} sub-groups together say of the mean of {n} listeners, each stretch "
        f"of time by ridge weights from the others, delay {e.map_delay} TR beyond the haemodynamic response, standard "
        f"deviations of the measured. {hrf} How well it fits: mean held-out r {e.r_mean:.3f}, p {e.r_mean_p:.3f} "
        "against sign-randomised recordings."
    )
    return measured + drawn(run, mesh), predicted + drawn(run, mesh)


def score_map(run: Run, mesh: str = DATA_MESH) -> str:
    """Under the maps of held-out r and of the noise ceiling."""
    e, config = run.encoding, _config(run).encoding
    n = int((e.q < config.fdr).sum())
    n_stories = len(run.recording.stories)
    folds = f"{config.n_folds} contiguous folds with gaps"
    if n_stories:
        folds = f"each of {n_stories} stories left out once"
    return (
        f"Held-out r of the group mean ({run.recording.n_subjects} listeners), {folds}; {n:,} of {e.n_locations:,} locations at FDR {config.fdr:g} against {config.n_surrogates} "
        f"sign-randomised recordings. Noise ceiling: the r that what listeners share would have with their mean, "
        f"from leave-one-out inter-subject correlation.{drawn(run, mesh)}"
    )


def course(run: Run) -> str:
    """Under an atom's time course."""
    d = run.dictionary
    return (
        f"{d.n_trs} TRs of {run.recording.tr:g} s, in standard deviations. Words are those heard 5 s earlier, at the "
        f"peak of the haemodynamic response. The sign of an atom is arbitrary; no test."
    )


def layers(run: Run, atom: int) -> str:
    """Under a sub-group's layer histogram."""
    n = int(run.dictionary.layer_histogram[atom].sum())
    return f"{n:,} of {run.dictionary.n_neurons:,} neurons load most on this atom. Dotted: an even spread. No test."


def region(run: Run, n_locations: int) -> str:
    """Under the ranking of sub-groups at one region."""
    where = "one parcel" if n_locations == 1 else f"mean over {n_locations} vertices"
    return (
        f"z of each sub-group's group map, {where}, {run.recording.n_subjects} listeners, uncorrected. "
        f"Filled: the atom predicts the brain better than sign-randomised ones (FDR)."
    )


def word(run: Run) -> str:
    """Under the ranking of sub-groups at one word."""
    return (
        f"Activity {HRF_PEAK_S:g} s after the word, at the peak of the haemodynamic response, in standard deviations over "
        f"{run.dictionary.n_trs} TRs; words close in time share it. No test. Filled: the atom predicts the brain better "
        f"than sign-randomised ones (FDR)."
    )


def profile(table: pd.DataFrame, driving_sd: float) -> str:
    """Under the profile of the words that drive a sub-group."""
    first = table.iloc[0]
    return (
        f"{first['n_driving']} words heard {HRF_PEAK_S:g} s before the atom was {driving_sd:g} SD or more above its mean, "
        f"against {first['n_others']:,} others. p two-sided against {first['n_shifts']:,} shifts of the words round the "
        f"story, which keep their order; filled: q < 0.05 (FDR over {len(table)} kinds of words). Parts of speech by "
        f"Pattern's tagger, frequency from wordfreq; both for English."
    )


def trace(run: Run, r: float) -> str:
    """Under one neuron's response beside its atom."""
    return (
        f"Mean response to the words of each TR, convolved with the haemodynamic response as in the run, and the "
        f"atom; {run.dictionary.n_trs} TRs of {run.recording.tr:g} s, standard deviations. r {r:+.2f} over the TRs "
        f"that the atom was learned from: a description, no test."
    )


def tradeoff(runs: Sequence[Run]) -> str:
    """Under diversity against consistency."""
    config = _config(runs[0]).organization
    return (
        f"n = {_range(r.dictionary.n_atoms for r in runs)} atoms per model. Whiskers: 95 % bootstrap over listeners and "
        f"{config.block_s:g} s blocks ({config.n_bootstraps}). Grey: consistency of random sets of atoms of the "
        f"same sizes, 95 % of {config.n_null}. Mean r, links by the spin rule, uncorrected. Hollow: random weights."
        + _baseline(runs)
    )


def involvement(runs: Sequence[Run], rule: str = "paper") -> str:
    """Under involvement per network."""
    c = runs[0].correspondence
    if rule != "paper":
        fakes = ", ".join(f"{r.correspondence.n_links_fake_accepted.mean():.1f}" for r in runs)
        return (
            f"Sub-groups whose link passes spin FDR and surrogate FDR < {c.level:g} and the atom gate. Whole dictionaries of "
            f"sign-randomised atoms get {fakes} links on average. Hollow: random weights."
        )
    return (
        f"Sub-groups of {_range(r.dictionary.n_atoms for r in runs)} linked by the paper's rule (spin p < {c.level:g}, "
        f"uncorrected). Ticks: mean of {len(c.n_links_fake)} sign-randomised dictionaries by the same rule. "
        f"Hollow: random weights."
    )


def profiles(runs: Sequence[Run]) -> str:
    """Under layer profiles."""
    top = max(float((p := run.organization.layer_profiles).max() * p.shape[1]) for run in runs)
    return (
        f"Mean layer histogram of the sub-groups linked to each network (spin rule); the highest ridge is {max(top, 2):.1f} times "
        f"an even spread over layers, on one scale for all. No ridge: no link; networks without a link in any run are left out. Descriptive, no test."
        + _baseline(runs)
    )


def heldout(runs: Sequence[Run]) -> str:
    """Under held-out scores."""
    config, recording = _config(runs[0]).encoding, runs[0].recording
    return (
        f"Mean over {recording.n_locations:,} locations, group mean of {_range(r.recording.n_subjects for r in runs)} "
        f"listeners, {config.n_folds} contiguous folds. Grey: 95 % of {config.n_surrogates} sign-randomised "
        f"recordings refitted through the same folds; p one-sided, not corrected over models. Hollow: random weights."
        + "".join(
            f" {_config(r).extract.model}: {', '.join(r.dictionary.names)}."
            for r in runs
            if r.dictionary.names
        )
    )


def lags(runs: Sequence[Run]) -> str:
    """Under lag curves."""
    return (
        f"Mean held-out r over {runs[0].recording.n_locations:,} locations with one delay for all of them. "
        f"Descriptive: the scores above choose the delay inside the training folds."
    )


def metrics(runs: Sequence[Run]) -> str:
    """Under the table of metrics."""
    config = _config(runs[0]).organization
    return (
        f"Value [95 % bootstrap interval, n = {config.n_bootstraps}]; null: 95 % of {config.n_null} random atom sets of "
        f"the same sizes. Formulas are ours where the paper gives none. Not corrected over metrics."
    )


def claims(runs: Sequence[Run]) -> str:
    """Under what can be claimed of two models."""
    equal = _config(runs[0]).equal_size
    return (
        f"Prediction: whole models, mean held-out r, beyond the same sign-randomised recordings. All else: "
        f"{equal.n_neurons:,} random neurons of each model, {equal.n_draws} draws, each walked again from the "
        f"dictionary on; 95 % intervals of paired differences over draws, listeners and blocks of time, not corrected "
        f"over claims. Supported: the interval lies above 0; not supported: below; cannot tell: it holds 0."
    )


def recovery(run: Run) -> str:
    """Above the table of planted effects (Markdown)."""
    r = run.recovery
    assert r is not None
    return (
        f"**{r.score:.0%}** of {len(r.table)} planted effects were found by a link that beats both nulls, through a "
        f"sub-group that expresses the pattern (q < 0.05); shuffled networks reach {r.chance:.0%} (p {r.p:.4f}, "
        f"10,000 shuffles). **{r.n_links_planted} of {r.n_links}** accepted links are planted ones."
    )


def _baseline(runs: Sequence[Run]) -> str:
    """That features of the words are no sub-groups of neurons; empty without the baseline."""
    counts = [run.dictionary.n_atoms for run in runs if run.dictionary.names]
    return f" Low-level baseline: not defined for few atoms ({_range(counts)} features)." if counts else ""


def _range(numbers) -> str:
    numbers = sorted(set(numbers))
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
