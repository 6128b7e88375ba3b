"""The methods and the result of a run as a paragraph, from its own settings and its own numbers."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..config import MOVES, RunConfig
from ..figures.matrix import p_text
from ..report import summary
from ..values import Run

_NEURONS = {
    "ffn_out": "outputs of the second linear layer of each block's feed-forward part",
    "ffn_mid": "activations between the two linear layers of each block's feed-forward part",
    "block_out": "residual stream after each block",
    "attn_out": "outputs of each block's self-attention",
}
_METHODS = {
    "sparse": "a sparse dictionary", "pca": "principal components", "ica": "independent components",
    "nmf": "non-negative factors", "kmeans": "k-means centres", "autoencoder": "a sparse autoencoder",
}  # fmt: skip


def methods(run: Run) -> str:
    """What was done and what came out, in five sentences or more; every number is the run's own.

    Parameters
    ----------
    run : Run
    """
    numbers = summary(run)
    parts = (_neurons, _atoms, _encoding, _maps, _result)
    return (
        " ".join(part(run, numbers) for part in parts)
        + f" Computed with Brainlike {__version__}, run {run.id[:12]}."
    )


def _config(run: Run) -> RunConfig:
    return run.config  # type: ignore[return-value]


def _neurons(run: Run, numbers: dict[str, Any]) -> str:
    config, extract, r = _config(run), _config(run).extract, run.recording
    recording = "" if r.title == run.story.title else f"{r.title}; "
    heard = f"{run.story.title} ({run.story.n_words:,} words), heard by {r.n_subjects} listeners ({recording}TR {r.tr:g} s)"
    prepared = f"convolved with Glover's haemodynamic response{_filter(run)} and z-scored ({numbers['n_trs']} TRs; {_edges(config)})"
    if run.dictionary.names:
        features = ", ".join(run.dictionary.names)
        return f"The words of {heard} were described by {len(run.dictionary.names)} features ({features}), averaged within TRs, {prepared}."
    weights = "trained weights" if extract.weights == "trained" else f"random weights (seed {extract.seed})"
    layers = (
        f"{len(run.dictionary.layers)} layers"
        if not extract.layers
        else f"layers {', '.join(map(str, extract.layers))}"
    )
    centred = "centred over words, " if config.responses.centre_words else ""
    return (
        f"The language model {extract.model} ({weights}) read {heard}. Its artificial neurons were the {_NEURONS[extract.neurons]} "
        f"({layers}, {numbers['n_neurons']:,} neurons). Responses to words were {centred}averaged within TRs, {prepared}."
    )


def _filter(run: Run) -> str:
    band = run.recording.pass_band
    if not (band and _config(run).responses.match_filter):
        return ""
    low, high = band
    kept = f"{low:g} to {high:g} Hz" if low and high else f"above {low:g} Hz" if low else f"below {high:g} Hz"
    return f", filtered like the recording ({kept})"


def _edges(config: RunConfig) -> str:
    return f"from {config.responses.edge_s:g} s after the first word to {config.responses.edge_s:g} s after the last"


def _atoms(run: Run, numbers: dict[str, Any]) -> str:
    if run.dictionary.names:
        return "Each feature was taken as an atom of its own."
    d, found = _config(run).dictionary, numbers["dictionary"]
    penalty = f", L1 penalty lambda = {found['lambda']:g} on unit-norm responses" if found["lambda"] else ""
    return (
        f"They were summed up by {_METHODS[d.method]} of K = {numbers['n_atoms']} time courses (atoms{penalty}; median R2 "
        f"{found['r2_median']:.2f}); the neurons that load most on an atom are its sub-group."
    )


def _encoding(run: Run, numbers: dict[str, Any]) -> str:
    e, found = _config(run).encoding, numbers["encoding"]
    kind = "lasso" if e.regression == "lasso" else "ridge"
    shares = e.lasso_shares if e.regression == "lasso" else e.penalties
    of = "the largest useful one" if e.regression == "lasso" else "trace(D'D) / K"
    delays = ", ".join(map(str, e.delays))
    taken = f"delays of {delays} TRs together" if e.fir else f"one delay of {delays} TRs"
    n_stories = numbers["n_stories"]
    folds = (
        f"{e.n_folds} contiguous folds"
        if n_stories == 1
        else f"folds that leave out one of {n_stories} stories each"
    )
    return (
        f"Atoms predicted the mean recording by {kind} regression (penalties {_grid(shares)} times {of}; {taken} beyond the "
        f"haemodynamic response), chosen by {e.criterion} for each location in {e.n_inner_folds} inner folds of nested "
        f"cross-validation ({folds}, {e.gap_trs} TRs dropped beside each). Held-out r was tested against {found['n_surrogates']} "
        f"{_null(e.null)} recordings refitted through the same folds (one-sided, p never 0), with Benjamini-Hochberg over "
        f"{found['n_locations']:,} locations at {e.fdr:g}."
    )


def _grid(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _null(name: str) -> str:
    return {
        "sign": "sign-randomised",
        "phase": "phase-randomised",
        "block": "block-shuffled",
        "shift": "circularly shifted",
    }[name]


def _maps(run: Run, numbers: dict[str, Any]) -> str:
    m, c = _config(run).match, run.correspondence
    how = (
        f"by {c.measure} beyond |z| {m.z_threshold:g}, apart for activation and deactivation,"
        if c.measure == "Dice"
        else f"by {c.measure}"
    )
    return (
        f"Each atom's group map is the one-sample t of its encoding weights over {numbers['n_subjects']} listeners as z (delay "
        f"{numbers['encoding']['map_delay_trs']} TR). Maps were matched {how} with {len(c.networks)} networks ({run.atlas.title}), against "
        f"{m.n_spins:,} {MOVES[m.null]} (p < {c.level:g}, uncorrected) and against sign-randomised atoms (random signs of their cosines); a link is accepted where "
        f"it passes both false-discovery rates over all cells and its atom predicts the brain better than sign-randomised copies (q < {c.level:g})."
    )


def _result(run: Run, numbers: dict[str, Any]) -> str:
    e, c = numbers["encoding"], numbers["correspondence"]
    low, high = c["n_links_fake_range"]
    return (
        f"Mean held-out r was {e['r_heldout_mean']:z.3f} (p {p_text(e['r_heldout_mean_p'])}; null {e['r_heldout_null_mean']:z.3f} ± "
        f"{e['r_heldout_null_sd']:.3f}; noise ceiling of the group mean {e['group_ceiling_mean']:.3f}), with {e['n_significant']:,} of "
        f"{e['n_locations']:,} locations significant. {c['n_links']} links passed the rotations alone, where {c['n_fakes']} "
        f"sign-randomised dictionaries got {c['n_links_fake_mean']:.0f} ({low} to {high}); {c['n_links_accepted']} were accepted "
        f"(sign-randomised: {c['n_links_accepted_fake_mean']:.1f})."
    )
