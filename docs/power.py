"""Simulate the power table that comes with the product, and write docs/power.md.

    python docs/power.py                 # both; ten minutes of one processor core
    python docs/power.py --page          # the page only, from the table as it is

A part (one claim family at one length of story) that lies in --parts is not
simulated again.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from brainlike_core import __version__, inventory
from brainlike_core.config import PowerConfig
from brainlike_core.figures.power import TITLES, short
from brainlike_core.science.planted_world import PlantedWorld, planted_brain
from brainlike_core.science.power import atom_table, power_table
from brainlike_core.science.statistics import correlate, leave_one_out_isc
from brainlike_core.sources.power_table import write_power_table
from brainlike_core.values import PowerTable

PAGE = Path(__file__).with_name("power.md")
# Measured on its 40 listeners of the repository nomcomm/narratives_pieman, volumes 16 to 293.
PIEMAN = {
    "leave-one-out correlation: mean": "0.141",
    "its 5th percentile": "0.030",
    "its 95th percentile": "0.277",
    "split-half r of the group mean: mean": "0.399",
    "ceiling of the group mean, from split halves": "0.720",
    "dimensions of what is shared (participation ratio)": "10.0",
    "dimensions of a listener's noise": "16.6",
    "correlation of noise between parcels: mean": "0.184",
}
TRS = (0.75, 1.5, 3.0)
ATOM_SETTINGS = (5.0, 10.0, 20.0), (1000, 4000, 16000), (0.1, 0.3, 1.0, 3.0)  # minutes, neurons, SNR


def parts(config: PowerConfig) -> dict[str, PowerConfig]:
    """Prediction and links of each length of story apart."""
    found = {}
    for minutes in config.minutes:
        one = dataclasses.replace(config, minutes=(minutes,))
        found[f"pred_{minutes:g}"] = dataclasses.replace(one, n_link_repeats=0)
        found[f"link_{minutes:g}"] = dataclasses.replace(one, n_repeats=0)
    return found


def simulate(name: str, config: PowerConfig, folder: Path) -> float:
    """One part; the seconds of the processor that it took, now or before."""
    path, seconds = folder / f"{name}.csv", folder / f"{name}.seconds"
    if not path.exists():
        began = time.process_time()
        power_table(config).to_csv(path, index=False)
        seconds.write_text(f"{time.process_time() - began:.0f}")
    return float(seconds.read_text())


def atoms(folder: Path, seed: int) -> pd.DataFrame:
    """Recovery of planted atoms in every setting."""
    path = folder / "atoms.csv"
    if not path.exists():
        atom_table(itertools.product(*ATOM_SETTINGS), n_repeats=1, seed=seed).to_csv(path, index=False)
    return pd.read_csv(path)


def repetition_times(folder: Path, config: PowerConfig) -> list[dict]:
    """The same worlds at three repetition times: 20 listeners, 10 minutes."""
    path = folder / "tr.csv"
    if not path.exists():
        small = dataclasses.replace(
            config, n_subjects=(20,), minutes=(10.0,), effects=(0.0, 0.3), differences=(0.0, 0.2), n_repeats=60, n_link_repeats=0
        )  # fmt: skip
        tables = [power_table(dataclasses.replace(small, tr=tr)).assign(tr=tr) for tr in TRS]
        pd.concat(tables).to_csv(path, index=False)
    found = pd.read_csv(path)
    rows = found[found["effect"] > 0]
    return rows[["tr", "claim", "effect", "power", "low", "high", "n"]].round(4).to_dict("records")


def make(folder: Path, config: PowerConfig) -> PowerTable:
    """The whole table; two processes."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = parts(config)
    with ProcessPoolExecutor(2) as pool:
        seconds = list(pool.map(simulate, todo, todo.values(), itertools.repeat(folder)))
    table = pd.concat([pd.read_csv(folder / f"{name}.csv") for name in todo], ignore_index=True)
    made = {
        "how": "python docs/power.py",
        "version": __version__,
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor_s": round(sum(seconds)),
        "config": dataclasses.asdict(config),
        "repetition_times": repetition_times(folder, config),
    }
    order = ["claim", "n_subjects", "minutes", "effect"]
    return PowerTable(table.sort_values(order, ignore_index=True), atoms(folder, config.seed), made)


PROSE = """# How much data a claim needs

One story of seven minutes decides little. This page says how much would: how often each claim of the app is supported in simulated worlds where the truth is known, by listeners, minutes of story and true effect. The app's page *How much data* shows the same table with sliders, and the command line answers for one design:

```
python -m brainlike_core power --subjects 20 --minutes 10
python -m brainlike_core power --subjects 25 --minutes 12 --tr 2 --simulate --repeats 200
```

The first line reads the table and interpolates: linear in the effect and in the logarithms of listeners and minutes, never beyond the designs around it. Where a claim cannot lose by more data (all but links), noise of the simulation that would make it fall is levelled first. Nothing is extrapolated. The second simulates the design itself.

Made by `python docs/power.py`, version {version}, {utc}, seed 0, {seconds} s of one processor core. {worlds} worlds for each length of story up to 15 minutes, a half, a third and a quarter as many beyond 15, 30 and 60 minutes; for links {link_worlds}, and fewer alike. Every number stands with its 95 % Wilson interval: the uncertainty of the simulation, not of a study. Thresholds are those of the pooled surrogates of a design's worlds, eight of each (800 for the shorter stories, 200 for the longest); their own error is not in the intervals and makes neighbouring cells uneven, that of the difference of two models most.

## The worlds

238 parcels in 17 networks, on two spheres. What listeners share has a time course for each network, half of it the network's own. A model has 32 atoms: 17 carry the model's part of the networks' own courses, 15 are unrelated. The rest of what is shared is not the model's. Courses have the spectrum of slowly changing events (power 1/f) after Glover's haemodynamic response; a listener's noise is first-order autoregressive (.71 from one second to the next), partly common to all parcels (.19 of its variance) and to a network (.35). All of it lies in the band .01-.12 Hz, where m minutes hold 13.2 m free numbers (99 in 300 volumes of 1.5 s).

**True r** is the correlation of the model's best prediction with what listeners share, the same in all networks; no noise of measurement is in it. What a study measures is less: the weights must be learned, and the group mean is noisy. For 40 listeners:

{predicts_seen}

A held-out r of .13 on 7 minutes of Pie Man (SmolLM2-135M) would thus be a true r between .4 and .5.

Two models' predictions correlate .5, and the weaker has a true r of .3. Strength and spread of what is shared, and of the noise, are Pie Man's:

{likeness}

## No effect, no claim

Where the truth is zero, a claim should be found as often as its level says, and a link less often:

{false}

Designs of one length share their worlds, so the independent worlds are a fifth of these: at a true level of 5 % the share found has a standard error of about 1 %. Surrogates of single worlds differ in what chance gives them (40 listeners, 8 minutes: standard deviation .034, of which .014 between worlds), so a threshold from few worlds can be off: of 1,000 other worlds of that design, with eight surrogates of each, *predicts* was found in 5.8 % [4.5, 7.4]: the level is 6 % rather than 5 %, if it is not 5 %. [The method page](method.md) (4.2) has the same of 500 recordings for four lengths and repetition times.

## This model predicts the brain

Mean held-out r, p at most .05 (one-sided) against sign-randomised recordings put through the same cross-validation (5 contiguous folds, gap of 7 volumes, penalty per parcel inside the folds; [method](method.md) 4.1-4.2). Found in percent of worlds, true r .3:

{predicts}

Minutes for 80 %:

{predicts_need}

## One model predicts better than another

As on the Compare page: the difference of the mean held-out r, less that of the same sign-randomised recordings; supported where its 95 % interval lies above 0. Percent of worlds, true difference .1:

{better}

Minutes for 80 %:

{better_need}

What 40 listeners measure, in the mean:

{better_seen}

The interval is that of two models neither of which predicts. Two models that predict equally well are told apart no more often than it says ({false_better} above).

## The maps come again in the other half

r of the atoms' maps between two halves of the story, mean over atoms, against sign-randomised atoms, p at most .05. Percent of worlds, true r .3:

{replicates}

Minutes for 80 %:

{replicates_need}

## A sub-group is linked to its network

Each of 17 atoms drives one network; a link is accepted when it passes rotations (5,000) with FDR, the surrogate null with FDR, and the gate of its atom. An atom's own share of its network's shared response is half of that network's: a model of true r .35 has sub-groups of r .25 with their networks. Percent of planted links that are accepted (the interval counts worlds, not the 17 links of each), true r .35:

{link}

True r .5:

{link_strong}

This is the hardest claim. It needs tens of minutes, and **more listeners do not always help**: the map's threshold is a fixed z, so with many listeners and minutes a map grows over other networks that share part of the response, and rotations no longer tell it from chance. The maps themselves get better all the while. Correlation of a sub-group's group map with the true one, 20 listeners:

{map_seen}

## Atoms

Recovery of 64 planted atoms by the sparse dictionary with default settings: mean \|cos\| of matched atoms. Neurons are sums of three atoms plus noise in the same band; SNR is the ratio of their variances. Listeners play no part.

{atoms}

## Repetition time

The same 60 worlds, 20 listeners and 10 minutes, sampled at three repetition times. The gap between training and test is 7 volumes: 5, 10 and 21 s.

{trs}

Up to 4 s the band is whole, so a shorter repetition time draws the same curves with more points. The table is at 1.5 s; links are simulated at 3 s.

## What this leaves out

- One delay for all parcels, known: a run chooses it inside its folds, which costs a little.
- Listeners have the same strength of the shared response, no motion, and no anatomy of their own.
- A model's true r is the same in all networks. A model that predicts two networks well and the rest not at all has more power there, and less in the mean.
- 32 atoms, not 64: more regressors need more minutes.
- Power is for one analysis planned in advance. Nothing is corrected for trying several.
"""


# -- the page ------------------------------------------------------------------------


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def claim_table(table: PowerTable, claim: str, effect: float) -> str:
    """Power in percent with its interval: one row per number of listeners, one column per length."""
    rows = table.table.query("claim == @claim and effect == @effect")
    lengths, groups = sorted(set(rows["minutes"])), sorted(set(rows["n_subjects"]))
    cells = rows.set_index(["n_subjects", "minutes"])

    body = [[n, *(_cell(cells.loc[(n, m)]) for m in lengths)] for n in groups]
    return markdown(["listeners", *(f"{m:g} min" for m in lengths)], body)


def need_table(table: PowerTable, claim: str) -> str:
    """Minutes for 80 %: one row per true effect, one column per number of listeners."""
    rows = table.table.query("claim == @claim")
    groups = sorted(set(rows["n_subjects"]))
    body = []
    for effect in sorted(set(rows["effect"]))[1:]:
        cells = []
        for n in groups:
            minutes = table.minutes_for(claim, int(n), effect)
            cells.append(
                "more than 80" if minutes is None else f"{minutes:.0f}" if minutes > 5 else "5 or fewer"
            )
        body.append([short(effect), *cells])
    return markdown(["true effect", *(f"{n} listeners" for n in groups)], body)


def measured_table(table: PowerTable, claim: str, n_subjects: int) -> str:
    """What studies see in the mean: one row per true effect, one column per length."""
    rows = table.table.query("claim == @claim and n_subjects == @n_subjects")
    wide = rows.pivot(index="effect", columns="minutes", values="measured")
    body = [
        [short(effect), *(f"{v:z.3f}" for v in line)]
        for effect, line in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return markdown(["true effect", *(f"{m:g} min" for m in wide)], body)


def recovered(table: PowerTable) -> str:
    wide = table.atoms.pivot(index=["n_neurons", "snr"], columns="minutes", values="cos")
    body = [
        [f"{n:,}", f"{snr:g}", *(f"{v:.2f}" for v in line)]
        for (n, snr), line in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return markdown(["neurons", "SNR", *(f"{m:g} min" for m in wide)], body)


def likeness() -> str:
    """Pie Man and the planted world side by side: 40 listeners, 278 volumes at 1.5 s, mean of three worlds."""
    worlds = [_measured(seed) for seed in range(3)]
    body = []
    for name, real in PIEMAN.items():
        seen = [world[name] for world in worlds]
        body.append([name, real, f"{np.mean(seen):.3g} ({min(seen):.3g} to {max(seen):.3g})"])
    return markdown(["40 listeners, 7 minutes", "Pie Man, 273 parcels", "planted, 238 parcels"], body)


def _measured(seed: int) -> dict[str, float]:
    world = PlantedWorld(planted_brain(), 6.95, 1.5, np.random.default_rng(seed))
    bold = world.listeners(world.shared(0.3), world.noise(40))
    alike = leave_one_out_isc(bold).mean(0)
    order = np.random.default_rng(seed).permutation(40)
    half = np.clip(correlate(bold[order[:20]].sum(0), bold[order[20:]].sum(0)), 0, 1)
    total = bold.sum(0, dtype=np.float64)
    within = sum(one.T @ one.astype(np.float64) for one in bold)
    shared = (total.T @ total - within) / (40 * 39 * len(total))
    noise = within / (40 * len(total)) - shared
    spread = np.sqrt(np.diag(noise))
    return {
        "leave-one-out correlation: mean": float(alike.mean()),
        "its 5th percentile": float(np.percentile(alike, 5)),
        "its 95th percentile": float(np.percentile(alike, 95)),
        "split-half r of the group mean: mean": float(half.mean()),
        "ceiling of the group mean, from split halves": float(np.sqrt(2 * half / (1 + half)).mean()),
        "dimensions of what is shared (participation ratio)": _dimensions(shared),
        "dimensions of a listener's noise": _dimensions(noise),
        "correlation of noise between parcels: mean": float(
            (noise / np.outer(spread, spread))[np.triu_indices(len(noise), 1)].mean()
        ),
    }


def _dimensions(covariance: np.ndarray) -> float:
    values = np.clip(np.linalg.eigvalsh(covariance), 0, None)
    return float(values.sum() ** 2 / (values**2).sum())


def repetition_table(table: PowerTable) -> str:
    rows = pd.DataFrame(table.made["repetition_times"]).set_index(["claim", "tr"])
    body = []
    for claim in ("predicts", "better", "replicates"):
        cells = [rows.loc[(claim, tr)] for tr in TRS]
        body.append([TITLES[claim], short(cells[0]["effect"]), *(_cell(one) for one in cells)])
    return markdown(["claim", "true effect", *(f"TR {tr:g} s" for tr in TRS)], body)


def _cell(row: pd.Series) -> str:
    return f"{100 * row['power']:.0f} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def false_findings(table: PowerTable) -> str:
    """How often claims are found where there is nothing, over all designs."""
    body = []
    levels = {"predicts": "5 %", "replicates": "5 %", "better": "2.5 %", "link": "FDR 5 %", "any link": "-"}
    for claim, level in levels.items():
        share, n = table.found_in_nothing(claim)
        body.append([TITLES.get(claim, "Any link at all"), level, f"{100 * share:.1f} %", f"{n:,}"])
    return markdown(["claim", "level", "found", "worlds, all designs"], body)


def page(table: PowerTable) -> str:
    made = table.made
    return PROSE.format(
        worlds=made["config"]["n_repeats"],
        link_worlds=made["config"]["n_link_repeats"],
        version=made["version"],
        utc=made["utc"],
        seconds=made["processor_s"],
        likeness=likeness(),
        false=false_findings(table),
        false_better=f"{100 * table.found_in_nothing('better')[0]:.1f} %",
        predicts=claim_table(table, "predicts", 0.3),
        predicts_need=need_table(table, "predicts"),
        predicts_seen=measured_table(table, "predicts", 40),
        better=claim_table(table, "better", 0.1),
        better_need=need_table(table, "better"),
        better_seen=measured_table(table, "better", 40),
        replicates=claim_table(table, "replicates", 0.3),
        replicates_need=need_table(table, "replicates"),
        link=claim_table(table, "link", 0.35),
        link_strong=claim_table(table, "link", 0.5),
        map_seen=measured_table(table, "link", 20),
        atoms=recovered(table),
        trs=repetition_table(table),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default="cache/power", metavar="FOLDER", help="where parts are kept")
    parser.add_argument("--page", action="store_true", help="write the page from the table as it is")
    given = parser.parse_args()
    if not given.page:
        write_power_table(make(Path(given.parts), PowerConfig()))
        inventory.power_table.cache_clear()
    table = inventory.power_table()
    PAGE.write_text(page(table))


if __name__ == "__main__":
    main()
