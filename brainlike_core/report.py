"""A finished run in numbers and words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .claims import compare
from .config import RunConfig
from .depth_claims import depth_claims
from .figures import third_links
from .figures.dictionary_choice import recommendation
from .figures.layers import best_sentence
from .values import DictionaryChoice, FitCheck, LayerCurve, LayerProfiles, Run, ThirdLinks


def summary(run: Run, others: Sequence[Run] = ()) -> dict[str, Any]:
    """The numbers of a finished run, as ``run --json`` and ``show --json`` print them.

    Parameters
    ----------
    run : Run
    others : sequence of Run
        Runs to compare it with (see `claims.comparable`).

    Returns
    -------
    dict
        ``id, label, recording, n_stories, stories, model, weights, seed, features`` (of the low-level baseline) ``, n_neurons, n_trs, n_atoms,
        n_subjects, dictionary, encoding, correspondence, organization,
        equal_size, claims, recovery`` (simulated recordings only) ``,
        seconds``. Plain numbers, ``None`` where a quantity is not defined.
    """
    config: RunConfig = run.config  # type: ignore[assignment]
    numbers = {
        "id": run.id,
        "label": config.label,
        "recording": config.recording.name,
        "n_stories": max(len(run.recording.stories), 1),
        "stories": [name for name, _ in run.recording.stories] or [run.story.name],
        "model": config.extract.model,
        "weights": config.extract.weights,
        "method": config.dictionary.method,
        "seed": config.extract.seed,
        "features": list(run.dictionary.names),
        "n_neurons": 0 if run.dictionary.names else run.dictionary.n_neurons,
        "n_trs": run.dictionary.n_trs,
        "n_atoms": run.dictionary.n_atoms,
        "n_subjects": run.recording.n_subjects,
        "dictionary": _dictionary(run),
        "encoding": _encoding(run, config.encoding.fdr),
        "correspondence": _correspondence(run),
        "organization": _organization(run),
        "equal_size": _equal_size(run),
        "claims": [
            dataclasses.asdict(claim) | {"sentence": claim.sentence}
            for other in others
            for claim in compare(run, other)
        ],
        "seconds": {step: round(s, 2) for step, s in run.seconds.items()},
    }
    if run.recovery is not None:
        numbers["recovery"] = _recovery(run)
    return plain(numbers)


def _dictionary(run: Run) -> dict[str, Any]:
    starts = np.diff(run.dictionary.loading_starts)
    return {
        "r2_median": float(np.median(run.dictionary.r2)),
        "lambda": run.dictionary.penalty,
        "lambda_max": run.dictionary.penalty_max,
        "loadings_per_neuron_median": float(np.median(starts)),
        "n_iterations": run.dictionary.n_iterations,
    }


def _encoding(run: Run, level: float) -> dict[str, Any]:
    e = run.encoding
    return {
        "r_heldout_mean": e.r_mean,
        "r_heldout_mean_p": e.r_mean_p,
        "r_heldout_null_mean": float(e.null_means.mean()),
        "r_heldout_null_sd": float(e.null_means.std()),
        "r_heldout_max": float(e.r_heldout.max()),
        "r_subject_mean": float(e.r_subjects.mean()),
        "n_locations": e.n_locations,
        "n_significant": int(np.nansum(e.q < level)),
        "n_surrogates": len(e.null_means),
        "noise_ceiling_mean": float(e.noise_ceiling.mean()),
        "noise_ceiling_max": float(e.noise_ceiling.max()),
        "group_ceiling_mean": float(e.group_ceiling.mean()),
        "r2_insample_max": float(e.r2_insample.max()),
        "r2_insample_mean": float(e.r2_insample.mean()),
        "r2_insample_null_mean": float(e.r2_insample_null.mean()),
        "lag_curve": {int(d): float(r) for d, r in zip(e.lag_delays, e.lag_curve, strict=True)},
        "map_delay_trs": e.map_delay,
        "n_atoms_brain_related": int((e.atom_q < level).sum()),
        "n_significant_max": int((e.p_max < level).sum()) if np.isfinite(e.p_max).any() else None,
        "r2_heldout_mean": float(e.r2_heldout.mean()),
        "r2_nuisance_mean": _mean_known(e.r2_nuisance),
        "r2_unique_mean": _mean_known(e.r2_unique),
        "r2_unique_max": float(np.nanmax(e.r2_unique, initial=-np.inf)),
        "replication": {
            "kind": "stories" if run.recording.stories else "time halves",
            "time_halves_r": float(e.half_r.mean()),
            "time_halves_p": e.half_r_p,
            "time_halves_null_mean": float(e.half_r_null.mean()),
            "time_halves_null_sd": float(e.half_r_null.std()),
            "subject_halves_r": float(e.subject_half_r.mean()),
            "subject_halves_null_mean": float(e.subject_half_r_null.mean()),
            "subject_halves_note": "consistency of listeners, not evidence: made-up atoms agree as well",
        },
        "map_z_family_wise": e.z_flip,
    }


def _mean_known(values: np.ndarray) -> float:
    """Mean over the locations where something was measured; NaN where nothing was."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _correspondence(run: Run) -> dict[str, Any]:
    c = run.correspondence
    links = c.links("paper")
    if c.measure != "Dice":
        links = links.rename(columns={"dice": "r"})
    return {
        "atlas": c.atlas,
        "measure": c.measure,
        "rule": f"spin p < {c.level} (paper)",
        "n_links": len(links),
        "n_links_fake_mean": float(c.n_links_fake.mean()),
        "n_links_fake_range": [int(v) for v in np.percentile(c.n_links_fake, [2.5, 97.5])],
        "n_fakes": len(c.n_links_fake),
        "n_links_accepted": int(c.accepted_links.sum()),
        "n_links_accepted_fake_mean": float(c.n_links_fake_accepted.mean()),
        "links": links.to_dict("records"),
    }


def _organization(run: Run) -> dict[str, Any]:
    table = run.organization.metrics
    numbers: dict[str, Any] = dict(zip(table["metric"], table["value"], strict=True))
    numbers["intervals"] = {r.metric: [r.low, r.high] for r in table.itertuples()}
    numbers["nulls"] = {r.metric: [r.null_low, r.null_high] for r in table.itertuples() if r.null == r.null}
    numbers["networks"] = run.organization.networks.to_dict("records")
    return numbers


def _equal_size(run: Run) -> dict[str, Any]:
    draws = run.equal_size.draws
    means = {name: float(values.mean()) for name, values in draws.items()} if len(draws) else {}
    return {"n_neurons": run.equal_size.n_neurons, "n_draws": len(draws), **means}


def _recovery(run: Run) -> dict[str, Any]:
    r = run.recovery
    assert r is not None
    return {
        "score": r.score,
        "chance": r.chance,
        "p": r.p,
        "n_links": r.n_links,
        "n_links_planted": r.n_links_planted,
        "table": r.table.to_dict("records"),
    }


def headline(numbers: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A run in five or six figures: name, value, and what to hold it against.

    Parameters
    ----------
    numbers : dict, from `summary`
    """
    e, c = numbers["encoding"], numbers["correspondence"]
    figures = [
        ("Held-out r", f"{e['r_heldout_mean']:.3f}", f"p {e['r_heldout_mean_p']:.3f} · null {e['r_heldout_null_mean']:.3f}"),
        ("Noise ceiling", f"{e['group_ceiling_mean']:.3f}", f"one listener {e['noise_ceiling_mean']:.3f}"),
        ("Dictionary R²", f"{numbers['dictionary']['r2_median']:.2f}", f"λ {numbers['dictionary']['lambda']:g}, median"),
        ("Links, spin rule", f"{c['n_links']}", f"fake atoms {c['n_links_fake_mean']:.0f}"),
        ("Beat both nulls", f"{c['n_links_accepted']}", f"fake atoms {c['n_links_accepted_fake_mean']:.1f}"),
    ]  # fmt: skip
    if "recovery" in numbers:
        r = numbers["recovery"]
        figures.append(("Plant recovered", f"{r['score']:.0%}", f"chance {r['chance']:.0%} · p {r['p']:.4f}"))
    return figures


def fit(check: FitCheck) -> dict[str, Any]:
    """Whether a story fits a recording, as ``check --json`` prints it.

    ``state, sentence, facts, lags_s, best_r, null_r, peak_lag_s, isc_median, isc_max``; with a sound also
    ``audio: {r, null_r, peak_lag_s}`` (the brain) and ``sound: {lags_s, r, null_r, lag_s}`` (its words).
    """
    body: dict[str, Any] = {
        "state": check.state,
        "sentence": fit_sentence(check),
        "facts": check.facts.to_dict("records"),
        "lags_s": check.lags_s.tolist(),
        "best_r": check.best_r.tolist(),
        "null_r": check.null_r,
        "peak_lag_s": check.peak_lag_s,
        "isc_median": float(np.median(check.isc)),
        "isc_max": float(check.isc.max()),
    }
    if check.has_audio:
        body["audio"] = {
            "r": check.audio_r.tolist(),
            "null_r": check.audio_null_r,
            "peak_lag_s": check.audio_peak_lag_s,
        }
        body["sound"] = {
            "lags_s": check.sound_lags_s.tolist(),
            "r": check.sound_r.tolist(),
            "null_r": check.sound_null_r,
            "lag_s": check.sound_lag_s,
        }
    return plain(body)


_CLOCKS = ("Sound and words", "Clock", "Clock of the sound")  # the likeliest mistakes first


def fit_sentence(check: FitCheck) -> str:
    """Whether a story fits a recording, in one plain sentence; the clocks first.

    Parameters
    ----------
    check : FitCheck
    """
    worst = [row for row in check.facts.itertuples() if row.state == check.state != "good"]
    if worst:
        first = min(worst, key=lambda row: (_CLOCKS.index(row.fact) if row.fact in _CLOCKS else 9, row.Index))
        plain = "" if first.fact in _CLOCKS else f"{first.fact.lower()}: "
        opening = "does not fit the recording" if check.state == "bad" else "may fit, but look at this"
        return f"The story {opening}: {plain}{first.value}; {first.note}."
    where = "beyond the haemodynamic response"
    heard = f"the brain follows speech at {check.peak_lag_s:+.1f} s {where}"
    if check.has_audio:
        both = f"{check.peak_lag_s:+.1f} s, and its sound at {check.audio_peak_lag_s:+.1f} s, {where}"
        heard = f"the brain follows speech at {both}; sound and words agree within {max(abs(check.sound_lag_s), 0.1):.1f} s"
    return f"The story fits the recording: {heard}."


def choice(found: DictionaryChoice) -> dict[str, Any]:
    """The settings of the dictionary compared, as ``choose --json`` prints it.

    ``recommended, used, best`` (one row of ``settings`` each), ``sentences, at_edge, settings, n_learned, n_held_out,
    n_seeds``, and of each atom ``consensus_stability`` and ``atom_stability`` with its ``atom_null``.
    """
    rows = {which: found.row(which).to_dict() for which in ("recommended", "used", "best")}
    return plain(
        rows
        | {
            "sentences": recommendation(found),
            "at_edge": found.at_edge,
            "settings": found.table.to_dict("records"),
            "n_learned": found.n_learned,
            "n_held_out": found.n_held_out,
            "n_seeds": found.n_seeds,
            "consensus_stability": found.consensus_stability.tolist(),
            "atom_stability": found.atom_stability.tolist(),
            "atom_null": found.atom_null,
        }
    )


def layers(curve: LayerCurve, profiles: LayerProfiles, linked: ThirdLinks | None = None) -> dict[str, Any]:
    """Which layers predict the brain, and where its sub-groups lie, as ``layers --json`` prints it.

    ``by, sentences, claims, rows, thirds, pairs, networks`` (of each row: r and p by network) ``, n_locations, n_predicted,
    n_null, n_surrogates``; of the sub-groups ``layers, subgroups`` (with ``share, share_low, share_high`` by layer),
    ``network_profiles, n_seeds, n_bootstraps``. By third also ``links``: ``measure, thirds, counts, links, n_fakes``.
    """
    claims = depth_claims(curve)
    of_links = [] if linked is None else third_links.sentences(linked)
    cells = zip(curve.rows["name"], curve.network_r.tolist(), curve.network_p.tolist(), strict=True)
    shares = (profiles.share.tolist(), profiles.share_low.tolist(), profiles.share_high.tolist())
    return plain(
        {
            "by": curve.by,
            "sentences": [best_sentence(curve), *(claim.sentence for claim in claims), *of_links],
            "claims": [dataclasses.asdict(claim) for claim in claims],
            "links": None if linked is None else links_by_third(linked),
            "rows": curve.rows.to_dict("records"),
            "thirds": curve.thirds.to_dict("records"),
            "pairs": curve.pairs.to_dict("records"),
            "networks": [
                {
                    "name": name,
                    "r": dict(zip(curve.networks, r, strict=True)),
                    "p": dict(zip(curve.networks, p, strict=True)),
                }
                for name, r, p in cells
            ],
            "n_locations": curve.n_locations,
            "n_predicted": curve.n_predicted,
            "n_null": curve.n_null,
            "n_surrogates": curve.null_means.shape[1],
            "layers": profiles.layers,
            "subgroups": [
                row | {"share": share, "share_low": low, "share_high": high}
                for row, share, low, high in zip(profiles.subgroups.to_dict("records"), *shares, strict=True)
            ],
            "network_profiles": profiles.networks.to_dict("records"),
            "n_seeds": profiles.n_seeds,
            "n_bootstraps": profiles.n_bootstraps,
        }
    )


def links_by_third(found: ThirdLinks) -> dict[str, Any]:
    """Links of the early, middle and late third: ``atlas, measure, n_fakes, thirds, counts, links``, as ``--json`` prints them."""
    links = found.links if found.measure == "Dice" else found.links.rename(columns={"dice": "r"})
    return plain(
        {
            "atlas": found.atlas,
            "measure": found.measure,
            "n_fakes": found.n_fakes,
            "thirds": found.thirds.to_dict("records"),
            "counts": found.counts.to_dict("records"),
            "links": links.to_dict("records"),
        }
    )


def plain(value: Any) -> Any:
    """JSON-ready: no numpy types, None for what is not a number."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.6g}")
    return value


def _said_stories(numbers: dict[str, Any]) -> list[str]:
    if numbers["n_stories"] == 1:
        return []
    found = numbers["encoding"]["replication"]
    return [
        f"Each of {numbers['n_stories']} stories was left out once ({', '.join(numbers['stories'])}). Maps of the "
        f"first stories against those of the others: r {found['time_halves_r']:z.3f}, p {found['time_halves_p']:.3f} "
        f"(null {found['time_halves_null_mean']:z.3f} +- {found['time_halves_null_sd']:.3f})."
    ]


def _said_atoms(numbers: dict[str, Any]) -> str:
    if numbers["features"]:
        return (
            f"{numbers['label']}: {numbers['n_atoms']} features of the words, each an atom of its own (no dictionary "
            f"is learned): {', '.join(numbers['features'])}. Word frequency is that within the story; organization "
            "is not defined for few atoms."
        )
    found = numbers["dictionary"]
    return (
        f"{numbers['label']}: {numbers['n_neurons']:,} neurons, {numbers['n_atoms']} atoms "
        f"(dictionary R2 {found['r2_median']:.2f} at lambda {found['lambda']:g})."
    )


def sentences(numbers: dict[str, Any]) -> list[str]:
    """A run's result in plain sentences, nulls beside every figure.

    Parameters
    ----------
    numbers : dict, from `summary`
    """
    e, c = numbers["encoding"], numbers["correspondence"]
    lines = [
        _said_atoms(numbers),
        f"Held-out r {e['r_heldout_mean']:z.3f}, p {e['r_heldout_mean_p']:.3f} "
        f"(null {e['r_heldout_null_mean']:z.3f} +- {e['r_heldout_null_sd']:.3f}, {e['n_surrogates']} surrogates); "
        f"best location {e['r_heldout_max']:.2f}; {e['n_significant']:,} of {e['n_locations']:,} locations at FDR .05.",
        *_said_stories(numbers),
        f"{c['n_links']} links by the paper's spin rule with {c['atlas']}; sign-randomised atoms get "
        f"{c['n_links_fake_mean']:.0f} ({c['n_links_fake_range'][0]}-{c['n_links_fake_range'][1]}). "
        f"{c['n_links_accepted']} pass both nulls and the atom gate.",
    ]
    if "recovery" in numbers:
        r = numbers["recovery"]
        lines.append(
            f"Planted truth: {r['score']:.0%} of {len(r['table'])} effects recovered, chance {r['chance']:.0%}, "
            f"p {r['p']:.4f}; {r['n_links_planted']} of {r['n_links']} accepted links are planted ones."
        )
    return lines + [claim["sentence"] for claim in numbers["claims"]]
