"""Networks inside a model, lesions, and the bridge to the brain: in numbers and words."""

from __future__ import annotations

from typing import Any

import numpy as np

from .report import plain
from .values import (
    BridgeResult,
    LesionResult,
    ModelNetworks,
    NetworkFingerprint,
    NeuronAnchors,
    PreservationCurve,
    SlimResult,
)

LEVEL = 0.05
RECURS = 0.5  # a network that recurs in so many texts of a set is called recurrent there


def networks(found: ModelNetworks) -> dict[str, Any]:
    """The numbers of a model's functional networks, as ``networks --json`` prints them."""
    histogram = found.layer_histogram
    recurrence = found.recurrence.groupby("network")
    rows = [
        {
            "network": k,
            "n_neurons": int(found.key[k].sum()),
            "explained": float(found.explained[k]),
            "layers": histogram[k].tolist(),
            "layer_centre": float((histogram[k] * np.array(found.layers)).sum() / max(histogram[k].sum(), 1)),
            "stability": found.stability.iloc[k].drop("network").to_dict(),
            "recurrence": recurrence.get_group(k).drop(columns="network").to_dict("records"),
        }
        for k in range(found.n_networks)
    ]
    return plain(
        {
            "model": found.model,
            "n_neurons": found.n_neurons,
            "n_tokens": len(found.tokens),
            "n_texts": len(found.texts),
            "threshold": found.threshold,
            "converged": found.converged,
            "n_iterations": found.n_iterations,
            "n_key_neurons": int(found.key.any(0).sum()),
            "explained": float(found.explained.sum()),
            "reading": found.reading,
            "networks": rows,
        }
    )


def networks_sentences(found: ModelNetworks) -> list[str]:
    """The same in a few sentences."""
    key, total = found.key.any(0).sum(), found.n_neurons
    stable = found.stability
    lines = [
        f"{found.n_networks} networks inside {found.model.split('@')[0]}: {key:,} key neurons of {total:,} "
        f"({key / total:.1%}), {found.explained.sum():.0%} of the variance over {len(found.tokens):,} tokens of "
        f"{len(found.texts)} texts.",
        f"Found again: matched |r| {stable['halves'].median():.2f} between halves of the texts (null "
        f"{stable['halves_null'].median():.2f}), {stable['seeds'].median():.2f} with other seeds (null "
        f"{stable['seeds_null'].median():.2f}), medians over networks.",
    ]
    for text_set, rows in found.recurrence.groupby("text_set", sort=False):
        n = int((rows["q"] < LEVEL).sum())
        lines.append(
            f"{text_set}: a network recurs in {rows['share'].mean():.0%} of single texts on average (random networks "
            f"{rows['null'].mean():.0%}); {n} of {len(rows)} overlap with them more than random ones, FDR {LEVEL:g}."
        )
    if not found.converged:
        lines.append(f"ICA did not settle in {found.n_iterations} steps: look at the stability.")
    return lines


def lesion(found: LesionResult) -> dict[str, Any]:
    """The numbers of a lesion, as ``lesion --json`` prints them."""
    per_layer = found.neurons.reshape(len(found.layers), found.n_units).sum(1)
    return plain(
        {
            "model": found.model,
            "action": found.action,
            "n_neurons_named": found.n_cut,
            "n_neurons": len(found.neurons),
            "per_layer": per_layer.tolist(),
            "effects": found.effects.to_dict("records"),
            "n_random": int(found.draws.groupby(["task", "measure"]).size().min()),
            "continuations": found.continuations.to_dict("records"),
            "sentences": lesion_sentences(found),
        }
    )


def lesion_sentences(found: LesionResult) -> list[str]:
    """What a lesion did, one sentence per score."""
    n = int(found.draws.groupby(["task", "measure"]).size().min())
    share = found.n_cut / len(found.neurons)
    head = f"{found.action[0].upper()}{found.action[1:]}: {found.n_cut:,} neurons ({share:.1%})."
    return [head, *(_effect_sentence(row, n) for row in found.effects.to_dict("records"))]


def _effect_sentence(row: dict[str, Any], n: int) -> str:
    worse = "worse than" if row["p_worse"] < LEVEL else "not worse than"
    return (
        f"{row['task'].capitalize()}, {row['measure']}: {row['before']:.3g} before, {row['after']:.3g} after; {worse} "
        f"{n} random cuts of as many neurons in the same layers ({row['random']:.3g} ± {row['random_sd']:.2g}, "
        f"p = {row['p_worse']:.3f}); 15 % random: {row['random_15']:.3g}."
    )


def bridge(found: BridgeResult) -> dict[str, Any]:
    """The numbers of a bridge, as ``lesion --run --json`` prints them."""
    return plain(
        {
            "run": found.run,
            "network": found.network,
            "against": found.against,
            "rule": found.rule,
            "groups": found.groups.to_dict("records"),
            "language": found.language.to_dict("records"),
            "prediction": found.prediction.to_dict("records"),
            "dissociation": found.dissociation,
            "sentences": bridge_sentences(found),
        }
    )


def bridge_sentences(found: BridgeResult) -> list[str]:
    """What cutting a brain network's sub-groups did, with an honest last word on the dissociation."""
    n = int(found.draws.loc[found.draws["cut"] == found.network, "draw"].nunique())
    cut = found.groups.set_index("cut").loc[found.network]
    n_atoms = int(cut["n_atoms"])
    lines = [
        f"{n_atoms} sub-group{'s go' if n_atoms != 1 else ' goes'} with {found.network} by the rule '{found.rule}': "
        f"{int(cut['n_neurons']):,} neurons."
    ]
    own = found.language[found.language["cut"] == found.network]
    lines += [_language_sentence(row, n) for row in own.to_dict("records")]
    rows = found.prediction[found.prediction["cut"] == found.network].set_index("network")
    row = rows.loc[found.network]
    verb = "loses more than with" if row["p"] < LEVEL else "does not lose more than with"
    lines.append(
        f"Held-out r of {found.network}: {row['before']:.3f} before, {row['after']:.3f} without them; it {verb} "
        f"{n} random cuts (loss {row['loss']:.3f}, random {row['random_loss']:.3f} ± {row['random_sd']:.3f}, "
        f"p = {row['p']:.3f})."
    )
    if found.dissociation:
        lines.append(dissociation_sentence(found))
    return lines


def _language_sentence(row: dict[str, Any], n: int) -> str:
    worse = "worse than" if row["p_worse"] < LEVEL else "not worse than"
    return (
        f"{row['task'].capitalize()}, {row['measure']}: {row['before']:.3g} before, {row['after']:.3g} without "
        f"them; {worse} {n} random cuts ({row['random']:.3g} ± {row['random_sd']:.2g}, p = {row['p_worse']:.3f})."
    )


def dissociation_sentence(found: BridgeResult) -> str:
    """Whether each network loses by its own cut more than by the other's."""
    d = found.dissociation
    numbers = (
        f"{found.network} loses {d['own']:+.3f} more by its own cut than by that of {found.against}, "
        f"{found.against} {d['other']:+.3f}; together {d['interaction']:+.3f}, random pairs {d['null_low']:+.3f} to "
        f"{d['null_high']:+.3f}, p = {d['p']:.3f}."
    )
    if d["p"] < LEVEL and d["own"] > 0 and d["other"] > 0:
        return f"Double dissociation: {numbers}"
    return f"No dissociation: {numbers}"


def preservation(found: PreservationCurve) -> dict[str, Any]:
    """The numbers of a preservation curve, as ``preserve --json`` prints them."""
    rows = found.rows.to_dict("records")
    numbers = {"model": found.model, "n_neurons": found.n_neurons, "rows": rows}
    return plain(numbers | {"sentences": preservation_sentences(found)})


def preservation_sentences(found: PreservationCurve) -> list[str]:
    """One sentence per number of networks and measure."""
    return [
        f"{row['n_networks']} networks, {row['n_kept']:,} neurons ({row['n_kept'] / found.n_neurons:.1%}): {row['task']}, "
        f"{row['measure']} {row['kept']:.3g}; as many random neurons {row['random']:.3g} "
        f"({row['random_low']:.3g} to {row['random_high']:.3g}); whole model {row['whole']:.3g}."
        for row in found.rows.sort_values("n_networks", kind="stable").to_dict("records")
    ]


def anchors(found: NeuronAnchors) -> dict[str, Any]:
    """The numbers of anchored neurons, as ``anchors --json`` prints them."""
    n, sure = len(found.network), int((found.q < LEVEL).sum())
    table = found.table(LEVEL)
    most = table.sort_values("n_significant", ascending=False).head(3)
    named = ", ".join(f"{row.network} {row.n_significant:,}" for row in most.itertuples())
    sentence = (
        f"{sure:,} of {n:,} neurons ({sure / n:.1%}) go with a brain network more than with {found.n_surrogates:,} "
        f"sign-randomised recordings (largest over {len(found.networks)} networks, FDR {LEVEL:g} over neurons)"
        + (f"; most with {named}." if sure else ".")
    )
    return plain(
        {
            "run": found.run, "delay_trs": found.delay, "n_surrogates": found.n_surrogates, "n_neurons": n,
            "n_significant": sure, "networks": table.to_dict("records"), "sentences": [sentence],
        }
    )  # fmt: skip


def fingerprint(found: NetworkFingerprint) -> dict[str, Any]:
    """The numbers of two models compared by their networks, as ``fingerprint --json`` prints them."""
    verdict = "suggests" if found.common_origin else "does not suggest"
    sentence = (
        f"Networks of {' and '.join(name.split('@')[0] for name in found.models)} on {found.n_words:,} words: matched "
        f"|Spearman| {found.score:.2f} (sign-randomised {found.null_mean:.2f}, 95 % below {found.null_high:.2f}, "
        f"p = {found.p:.3f}); this {verdict} a common origin (above .5)."
    )
    numbers = {
        name: getattr(found, name) for name in ("models", "n_words", "score", "null_mean", "null_high", "p")
    }
    matrices = {name: getattr(found, name).tolist() for name in ("rho", "partner", "matched")}
    return plain(numbers | matrices | {"common_origin": bool(found.common_origin), "sentences": [sentence]})


def slim(found: SlimResult) -> dict[str, Any]:
    """The numbers of a smaller model, as ``slim --json`` prints them."""
    numbers = {
        "model": found.model,
        "kept_per_layer": found.keep.reshape(found.n_layers, -1).sum(1).tolist(),
        "n_units": found.n_units,
        "rows": found.rows.to_dict("records"),
    }
    return plain(numbers | {"sentences": slim_sentences(found)})


def slim_sentences(found: SlimResult) -> list[str]:
    """How much smaller, and one sentence per measure."""
    by_way = found.rows.groupby("way")
    size = by_way["n_parameters"].first()
    seconds = by_way["seconds"].first()
    lines = [
        f"{size['networks']:,} of {size['whole']:,} parameters ({size['networks'] / size['whole']:.1%}): "
        f"{int(found.keep.sum()):,} of {len(found.keep):,} intermediate neurons stay. The texts took {seconds['networks']:.1f} s "
        f"instead of {seconds['whole']:.1f} s, read once each."
    ]
    for measure, rows in found.rows.groupby("measure", sort=False):
        value = rows.groupby("way")["value"]
        random = value.get_group("random")
        lines.append(
            f"{str(measure).capitalize()}: {value.first()['whole']:.3g} whole, {value.first()['networks']:.3g} by networks, "
            f"{value.first()['magnitude']:.3g} by magnitude, {random.mean():.3g} at random ({random.min():.3g} to "
            f"{random.max():.3g}, {len(random)} draws)."
        )
    return lines
