"""Write docs/results-pieman.md: two offline models, their random-weight twins and the low-level baseline on Pie Man.

    python docs/results_pieman.py --data FOLDER

Every number of the page comes from the runs; what is known is read from the
cache, not computed again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from brainlike_core import __version__, archive, inventory, pipeline, report
from brainlike_core.claims import compare
from brainlike_core.config import ExtractConfig, MatchConfig, RecordingConfig, RunConfig
from brainlike_core.values import Run

MODELS = ("smollm2-135m", "minilm-l6")
SEEDS = (0, 1, 2)
PAGE = Path(__file__).with_name("results-pieman.md")


def configs(atlas: str) -> list[RunConfig]:
    """Trained models, the low-level baseline, then the random-weight twins."""
    extracts = [ExtractConfig(model=model) for model in (*MODELS, "low-level")]
    extracts += [ExtractConfig(model=m, weights="random", seed=seed) for m in MODELS for seed in SEEDS]
    recording, match = RecordingConfig("pieman"), MatchConfig(atlas=atlas)
    return [RunConfig(recording=recording, extract=extract, match=match) for extract in extracts]


def name(run: Run) -> str:
    extract = run.config.extract
    return extract.model if extract.weights == "trained" else f"{extract.model}, random {extract.seed}"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value: float | None, digits: int = 3) -> str:
    return "not defined" if value is None else f"{value:z.{digits}f}"


def prediction(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        e = n["encoding"]
        rows.append(
            [
                name(run), f"{n['n_neurons']:,}", number(e["r_heldout_mean"]), number(e["r_heldout_mean_p"]),
                f"{number(e['r_heldout_null_mean'])} ± {number(e['r_heldout_null_sd'])}",
                number(e["r_heldout_max"], 2), f"{e['n_significant']} of {e['n_locations']}",
                number(e["r_subject_mean"]),
            ]
        )  # fmt: skip
    heads = "model|neurons|held-out r|p|null, mean ± SD|best parcel|parcels at FDR .05|one listener's r"
    return table(heads.split("|"), rows)


def lags(runs: list[Run], told: list[dict], tr: float) -> str:
    delays = list(told[0]["encoding"]["lag_curve"])
    rows = [
        [name(run), *(number(n["encoding"]["lag_curve"][d]) for d in delays)]
        for run, n in zip(runs, told, strict=True)
    ]
    return table(["model", *(f"{int(d) * tr:g} s" for d in delays)], rows)


def beyond(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        e, half = n["encoding"], n["encoding"]["replication"]
        null = f"{number(half['time_halves_null_mean'])} ± {number(half['time_halves_null_sd'])}"
        rows.append(
            [
                name(run), number(e["r2_nuisance_mean"], 4), number(e["r2_unique_mean"], 4),
                number(e["r2_unique_max"]), number(half["time_halves_r"]), null, number(half["time_halves_p"]),
            ]
        )  # fmt: skip
    heads = "model|features, mean R²|unique, mean R²|unique, best parcel|time halves, r|null, mean ± SD|p"
    return table(heads.split("|"), rows)


def in_sample(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        e, d = n["encoding"], n["dictionary"]
        rows.append([name(run), n["n_atoms"], number(e["r2_insample_mean"]), number(e["r2_insample_null_mean"]),
                     number(d["r2_median"], 2)])  # fmt: skip
    heads = ["model", "regressors", "in-sample R²", "sign-randomised atoms", "dictionary R² (median)"]
    return table(heads, rows)


def links(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        c = n["correspondence"]
        low, high = c["n_links_fake_range"]
        fakes = f"{c['n_links_fake_mean']:.0f} ({low} to {high})"
        rows.append([name(run), c["n_links"], fakes, c["n_links_accepted"], number(c["n_links_accepted_fake_mean"], 2)])  # fmt: skip
    heads = "model|spin links|sign-randomised dictionaries|beat both nulls|the same for fakes"
    return table(heads.split("|"), rows)


METRICS = ("diversity", "consistency", "consistency_spatial", "effective_rank", "compactness")


def organization(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        o, cells = n["organization"], []
        for metric in METRICS:
            low, high = o["intervals"][metric]
            digits = 1 if metric == "effective_rank" else 3
            text = number(o[metric], digits)
            text += f" [{number(low, digits)}, {number(high, digits)}]" if low is not None else ""
            null = o["nulls"].get(metric)
            cells.append(text + (f"; null {number(null[0])} to {number(null[1])}" if null else ""))
        rows.append([name(run), *cells])
    return table(["model", *(m.replace("_", ", ") for m in METRICS)], rows)


def equal(runs: list[Run], told: list[dict]) -> str:
    rows = []
    for run, n in zip(runs, told, strict=True):
        if n["equal_size"]["n_draws"]:
            o = n["equal_size"]
            rows.append([name(run), *(number(o[m], 1 if m == "effective_rank" else 3) for m in (*METRICS, "r_heldout"))])  # fmt: skip
    return table(["model", *(m.replace("_", ", ") for m in METRICS), "held-out r"], rows)


def said(runs: list[Run]) -> str:
    """Claims: the trained models against each other, and each against its twins and the baseline."""
    by_name = {name(run): run for run in runs}
    pairs = [
        MODELS,
        *((m, other) for m in MODELS for other in ("low-level", *(f"{m}, random {s}" for s in SEEDS))),
    ]
    lines = []
    for first, second in pairs:
        lines += [f"- {claim.sentence}" for claim in compare(by_name[first], by_name[second])]
    return "\n".join(lines)


def page(runs: list[Run], atlases: dict[str, list[Run]], seconds: float, cache: str) -> str:
    told = [report.summary(run) for run in runs]
    recording, first = runs[0].recording, told[0]["encoding"]
    parts = [
        "# Pie Man, measured",
        f"Made by `python docs/results_pieman.py`, Brainlike {__version__}, in {seconds:.0f} s from {cache}. "
        f"{recording.n_subjects} listeners, {recording.n_locations} parcels, TR "
        f"{recording.tr:g} s, {len(runs[0].dictionary.atoms)} TRs of the story, {told[0]['n_atoms']} atoms, "
        f"λ {told[0]['dictionary']['lambda']:g}. Noise ceiling: group mean {number(first['group_ceiling_mean'])}, one "
        f"listener {number(first['noise_ceiling_mean'])}. Null results are given as such.",
        "## Held-out prediction",
        "Ridge on the group mean, penalty and delay chosen inside contiguous, gapped training folds. p: "
        f"{first['n_surrogates']} sign-randomised recordings, each refitted through the whole cross-validation.",
        prediction(runs, told),
        "## Delay beyond the haemodynamic response",
        "Mean held-out r with one delay for all parcels.",
        lags(runs, told, recording.tr),
        "## Beyond low-level features, and replicated over time",
        "Unique: held-out R² of atoms and low-level features (word rate, length, duration) together minus that of the "
        "features. Replication: maps of the first half of the story against the second, mean r over atoms.",
        beyond(runs, told),
        "## In-sample fit, which is no evidence",
        in_sample(runs, told),
        "## Correspondence with networks, two nulls",
    ]
    for atlas, same in atlases.items():
        parts += [f"{same[0].atlas.title} (`{atlas}`):", links(same, [report.summary(run) for run in same])]
    parts += [
        "## Organization",
        "Whole models, value [95 % bootstrap interval]; null: random sets of atoms of the same sizes.",
        organization(runs, told),
        f"At {told[0]['equal_size']['n_neurons']:,} neurons each, mean of {told[0]['equal_size']['n_draws']} draws:",
        equal(runs, told),
        "## What can be claimed",
        "Supported: the 95 % interval of the paired difference lies above 0; not supported: below; cannot tell: it "
        "holds 0. Not corrected over claims.",
        said(runs),
    ]
    return "\n\n".join(parts) + "\n"


def walk(config: RunConfig, cache: str, data: str | None) -> str:
    """One walk in a process of its own; its id."""
    began = time.perf_counter()
    pipeline.walk(config, archive.open_store(cache), data=data)
    print(f"{config.label} {config.match.atlas}: {time.perf_counter() - began:.0f} s", flush=True)
    return config.id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the folder that holds pieman")
    parser.add_argument("--cache", default="cache")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="walks at once (default: cores)")
    given = parser.parse_args()
    data, began = inventory.data_folder(given.data), time.perf_counter()
    cache = "what its cache held before" if Path(given.cache, "runs").exists() else "an empty cache"
    # The second atlas for the question whether links depend on it: trained models and the baseline.
    asked = {"eg17": configs("eg17"), "yeo7": configs("yeo7")[: len(MODELS) + 1]}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, mp_context=spawn) as pool:
        jobs = {
            atlas: [pool.submit(walk, config, given.cache, data) for config in some]
            for atlas, some in asked.items()
        }
        ids = {atlas: [job.result() for job in some] for atlas, some in jobs.items()}
    workspace = archive.open_store(given.cache)
    found = {atlas: [archive.load_run(one, workspace) for one in some] for atlas, some in ids.items()}
    PAGE.write_text(page(found["eg17"], found, time.perf_counter() - began, cache))


if __name__ == "__main__":
    main()
