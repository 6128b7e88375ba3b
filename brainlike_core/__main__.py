"""The command line: the same configs as the app.

Exit status 0 done, 2 wrong input (one sentence), 1 failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from typing import Any

from . import (
    __version__,
    archive,
    archive_layers,
    engine,
    follow_ups,
    inventory,
    pipeline,
    recording_step,
    report,
)
from .command_export import add_export
from .command_parts import Watch, command, data_folder, ranges
from .command_power import add_power
from .commands_inside import add_commands
from .config import (
    CONFOUNDS,
    DEPTHS,
    METHODS,
    NEURON_KINDS,
    PRECISIONS,
    CheckConfig,
    ChoiceConfig,
    DictionaryConfig,
    EncodingConfig,
    LayersConfig,
    MatchConfig,
    OrganizationConfig,
    RecordingConfig,
    RunConfig,
    extract_configs,
    with_settings,
)
from .errors import BrainlikeError, ConfigError, DamagedEntryError
from .figures import third_links


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        given.command(given)
    except BrainlikeError as error:
        print(f"brainlike: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("brainlike: stopped; what is finished is kept.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m brainlike_core", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"brainlike {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _run_parser(commands)
    for name in ("recordings", "stories", "models", "atlases", "surfaces", "texts"):
        listing = command(commands, name, f"list the {name}", _list_catalogue)
        listing.set_defaults(kind=name)
        listing.add_argument("--data", metavar="FOLDER", help="where downloads lie")
    fetch = command(commands, "fetch", "download an entry of the catalogue", _fetch)
    fetch.add_argument("name", help="such as pieman, narratives-lucy or mg360j12")
    fetch.add_argument("--data", metavar="FOLDER", help="where to (default $BRAINLIKE_DATA, data)")
    fetch.add_argument("--mirror", default="", help="a folder or address in place of the public home")
    fetch.add_argument("--subjects", default="all", help="all (default), or such as 1-40")
    check = command(commands, "check", "does the story fit the recording?", _check)
    _recording_options(check)
    check.add_argument("--audio", default="", metavar="FILE", help="the story's sound, a WAV file")
    onset = "the sound's zero on the scan clock (default --story-onset)"
    check.add_argument("--audio-onset", type=float, metavar="S", help=onset)
    command(commands, "runs", "list the finished runs", _list_runs)
    show = command(commands, "show", "the numbers of a finished run", _show)
    show.add_argument("run", help="the first characters of its id")
    _choose_parser(commands)
    _layers_parser(commands)
    add_commands(commands)
    add_power(commands)
    add_export(commands)
    command(commands, "verify", "check every byte of the store", _verify)
    prune = command(commands, "prune", "remove the least recently used results", _prune)
    prune.add_argument("--keep-gb", type=float, default=10.0, help="gigabytes to keep (default 10)")
    return parser


def _run_parser(commands: Any) -> None:
    run = command(commands, "run", "walk from a story to brain networks", _run)
    _recording_options(run)
    run.add_argument(
        "--model", action="append", metavar="NAME", help="repeat for several; low-level: no model"
    )
    run.add_argument("--weights", action="append", choices=("trained", "random"), help="repeat for both")
    run.add_argument("--audio", default="", metavar="FILE", help="the story's sound (WAV), for low-level")
    run.add_argument("--layers", default="all", help="all (default), or such as 0-3,7")
    run.add_argument("--neurons", default=NEURON_KINDS[0], metavar="KIND", help=" | ".join(NEURON_KINDS))
    run.add_argument("--device", default="auto", help="auto (default: CUDA, MPS or CPU), cpu, cuda or mps")
    run.add_argument("--precision", default="auto", metavar="P", help=" | ".join(PRECISIONS))
    run.add_argument("--atoms", type=int, default=64, help="K (default 64, the paper's)")
    run.add_argument(
        "--method", default=DictionaryConfig.method, help=f"{', '.join(METHODS)} (default sparse)"
    )
    run.add_argument("--penalty", type=float, default=DictionaryConfig.penalty, help="lambda (default 0.1)")
    run.add_argument("--atlas", default="eg17", help="see: atlases (default eg17); or a file of your own")
    run.add_argument("--atlas-names", default="", metavar="FILE", help="names of your atlas's labels")
    run.add_argument(
        "--encoding", action="append", default=[], metavar="SETTING=VALUE", help="such as fir=true; repeat"
    )
    run.add_argument(
        "--match", action="append", default=[], metavar="SETTING=VALUE", help="such as null=centroid; repeat"
    )
    run.add_argument("--spins", type=int, default=MatchConfig.n_spins, help="rotations of the sphere")
    run.add_argument(
        "--seed", type=int, nargs="+", default=[0], metavar="S",
        help="seed of everything random (default 0); of several, each has its own random weights",
    )  # fmt: skip


def _choose_parser(commands: Any) -> None:
    choose = command(commands, "choose", "compare settings of a finished run's dictionary", _choose)
    plain, add = ChoiceConfig(), choose.add_argument
    add("run", help="the first characters of its id")
    add("--atoms", type=int, nargs="+", default=plain.n_atoms, metavar="K", help="numbers of atoms to try")
    add("--penalty", type=float, nargs="+", default=plain.penalties, metavar="P", help="penalties to try")
    add(
        "--seeds", type=int, default=plain.n_seeds, help=f"of the run's own setting (default {plain.n_seeds})"
    )
    add("--neurons", type=int, default=plain.n_neurons, help=f"at most (default {plain.n_neurons})")


def _layers_parser(commands: Any) -> None:
    layers = command(commands, "layers", "which layers of a finished run predict the brain?", _layers)
    plain, add = LayersConfig(), layers.add_argument
    add("run", help="the first characters of its id")
    add("--by", default=plain.by, metavar="PART", help=f"{' | '.join(DEPTHS)} (default {plain.by})")
    seeds = f"more dictionaries, for the depth of sub-groups (default {plain.n_seeds})"
    add("--seeds", type=int, default=plain.n_seeds, help=seeds)


def _recording_options(command: argparse.ArgumentParser) -> None:
    plain, add = RecordingConfig(), command.add_argument
    add(
        "--recording",
        default="simulated",
        help="see: recordings (default simulated); or a folder of your own",
    )
    add("--subjects", default="all", help="all (default), or such as 1-40")
    add("--data", metavar="FOLDER", help="where downloads lie (default $BRAINLIKE_DATA, data)")
    add("--section", type=int, default=1, help="of lpp-en, 1 to 9 (default 1)")
    add(
        "--also", action="append", default=[], metavar="STORY",
        help="one more story of the same listeners: narratives-<story>, or lpp-en:<section>; repeat",
    )  # fmt: skip
    own = command.add_argument_group("a recording of your own")
    add = own.add_argument
    add("--story", default="", metavar="FILE", help="transcript with word times")
    add("--story-onset", type=float, default=0.0, metavar="S", help="the story's zero on the scan clock")
    add("--words-per-minute", type=float, default=0.0, metavar="N", help="for a transcript without times")
    add("--task", default="", help="which task of a derivatives folder")
    add("--space", default="", help="which space of a derivatives folder")
    add("--tr", type=float, default=0.0, metavar="S", help="where the files do not say it")
    add("--parcels", default="", metavar="FILE", help="label volume: where each column of the tables lies")
    add("--confounds", default=plain.confounds, help=f"{', '.join(CONFOUNDS)} (default {plain.confounds})")
    add("--no-detrend", action="store_true", help="keep linear trends")
    add("--high-pass", type=float, default=plain.high_pass, metavar="HZ", help=f"default {plain.high_pass:g}")
    add("--low-pass", type=float, default=plain.low_pass, metavar="HZ", help="default none")


def _recording_config(given: argparse.Namespace) -> RecordingConfig:
    return RecordingConfig(
        name=given.recording,
        subjects=ranges(given.subjects, "--subjects"),
        story=given.story,
        story_onset_s=given.story_onset,
        words_per_minute=given.words_per_minute,
        section=given.section,
        also=tuple(given.also),
        task=given.task,
        space=given.space,
        tr=given.tr,
        parcels=given.parcels,
        confounds=given.confounds,
        detrend=not given.no_detrend,
        high_pass=given.high_pass,
        low_pass=given.low_pass,
    )


def _run(given: argparse.Namespace) -> None:
    configs = _configs(given)
    for config in configs:
        pipeline.check_names(config)  # the last model's name before the first model's walk
    numbers = [_run_one(config, given) for config in configs]
    if given.json:
        print(json.dumps({"runs": numbers}, allow_nan=False))


def _run_one(config: RunConfig, given: argparse.Namespace) -> dict[str, Any]:
    began = time.perf_counter()
    watch = Watch(config.label)
    run = engine.run_now(config, given.cache, data_folder(given), watch, given.device)
    watch.end(time.perf_counter() - began)
    numbers = report.summary(run)
    numbers["seconds"]["total"] = round(time.perf_counter() - began, 2)
    if not given.json:
        print("\n".join(report.sentences(numbers)))
        print(f"Run {run.id[:12]}; open it in the app, or: python -m brainlike_core show {run.id[:12]}\n")
    return numbers


def _configs(given: argparse.Namespace) -> list[RunConfig]:
    layers, seed = ranges(given.layers, "--layers"), given.seed[0]
    models, weights = given.model or ["smollm2-135m"], given.weights or ["trained"]
    return [
        RunConfig(
            recording=replace(_recording_config(given), audio=given.audio),
            extract=replace(extract, precision=given.precision),
            dictionary=DictionaryConfig(
                n_atoms=given.atoms, penalty=given.penalty, seed=seed, method=given.method
            ),
            encoding=with_settings(EncodingConfig(seed=seed), given.encoding),
            match=with_settings(
                MatchConfig(atlas=given.atlas, atlas_names=given.atlas_names, n_spins=given.spins, seed=seed),
                given.match,
            ),
            organization=OrganizationConfig(seed=seed),
        )
        for extract in extract_configs(models, weights, given.seed, layers, given.neurons)
    ]


def _list_catalogue(given: argparse.Namespace) -> None:
    entries = inventory.catalogue(data_folder(given))[given.kind]
    if given.json:
        print(json.dumps({given.kind: entries}))
        return
    width = max((len(entry["name"]) for entry in entries), default=0)
    for entry in entries:
        state = "here" if entry.get("here", True) else "not here"
        print(f"{entry['name']:<{width}} {state:<9} {entry['title']}")


def _fetch(given: argparse.Namespace) -> None:
    last = [0.0]

    def show(done: int, total: int, speed: float) -> None:
        if time.monotonic() - last[0] > 1:
            last[0] = time.monotonic()
            left = f", {(total - done) / speed:.0f} s left" if total and speed else ""
            of = f" of {total / 1e6:.1f}" if total else ""
            print(f"  {done / 1e6:.1f}{of} MB, {speed / 1e6:.1f} MB/s{left}", file=sys.stderr)

    subjects = ranges(given.subjects, "--subjects")
    where = inventory.fetch(
        given.name, data_folder(given), mirror=given.mirror, subjects=subjects, progress=show
    )
    print(json.dumps({"name": given.name, "folder": str(where)}) if given.json else f"{given.name}: {where}")


def _check(given: argparse.Namespace) -> None:
    config = CheckConfig(_recording_config(given), given.audio, given.audio_onset)
    watch = Watch(config.label)
    found = recording_step.check_fit(config, archive.open_store(given.cache), data_folder(given), watch)
    if given.json:
        print(json.dumps(report.fit(found), allow_nan=False))
        return
    print(report.fit_sentence(found))
    for row in found.facts.itertuples():
        print(f"{row.state:<5} {row.fact}: {row.value} ({row.note})")


def _list_runs(given: argparse.Namespace) -> None:
    runs = archive.finished_runs(archive.open_store(given.cache))
    if given.json:
        print(json.dumps({"runs": [{"id": r.id, "label": r.label, "utc": r.utc} for r in runs]}))
        return
    for run in runs:
        print(f"{run.id[:12]}  {run.utc}  {run.label}")


def _show(given: argparse.Namespace) -> None:
    workspace = archive.open_store(given.cache)
    run = archive.load_run(archive.find_run(given.run, workspace), workspace)
    numbers = report.summary(run, archive.comparable_runs(run, workspace))
    linked = archive_layers.load_third_links(LayersConfig(run.id, "third"), workspace)
    if linked is not None:  # `layers RUN --by third` was asked
        numbers["links_by_third"] = report.links_by_third(linked)
    said = [*report.sentences(numbers), *(third_links.sentences(linked) if linked else [])]
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(said))


def _choose(given: argparse.Namespace) -> None:
    workspace = archive.open_store(given.cache)
    config = ChoiceConfig(
        run=archive.find_run(given.run, workspace),
        n_atoms=tuple(given.atoms),
        penalties=tuple(given.penalty),
        n_seeds=given.seeds,
        n_neurons=given.neurons,
    )
    numbers = report.choice(follow_ups.choose_dictionary(config, workspace, Watch(config.label)))
    if given.json:
        print(json.dumps(numbers, allow_nan=False))
        return
    for row in numbers["settings"]:
        mark = "recommended" * row["recommended"] + " this run" * row["used"]
        print(
            f"{row['n_atoms']:>5} atoms, lambda {row['penalty']:<5g} R2 time {row['r2_time']:6.3f}, neurons "
            f"{row['r2_neurons']:6.3f}, stability {row['stability']:.2f} (null {row['stability_null']:.2f})  {mark}"
        )
    print("\n".join(numbers["sentences"]))


def _layers(given: argparse.Namespace) -> None:
    workspace = archive.open_store(given.cache)
    config = LayersConfig(archive.find_run(given.run, workspace), given.by, n_seeds=given.seeds)
    watch = Watch(config.label)
    answers = follow_ups.layer_answers(config, workspace, watch)
    numbers = report.layers(*answers, follow_ups.third_links(config, workspace, watch))
    if given.json:
        print(json.dumps(numbers, allow_nan=False))
        return
    for row in numbers["rows"]:
        bar = "#" * round(100 * max(row["r"], 0))
        print(
            f"{row['name']:<9} r {row['r']:6.3f} [{row['low']:6.3f}, {row['high']:6.3f}]  p {row['p_max']:.3f}  {bar}"
        )
    print("\n".join(numbers["sentences"]))


def _verify(given: argparse.Namespace) -> None:
    found = archive.verify(archive.open_store(given.cache))
    if given.json:
        print(json.dumps({"whole": len(found.whole), "damaged": list(found.damaged), "bytes": found.n_bytes}))
    else:
        print(
            f"{len(found.whole)} results whole, {len(found.damaged)} damaged, {found.n_bytes / 1e9:.2f} GB."
        )
        for key in found.damaged:
            print(f"damaged: {key}")
    if found.damaged:
        raise DamagedEntryError(
            "The store is damaged",
            found=f"{len(found.damaged)} damaged results",
            needed="none",
            do="run the same command again, or open the run: what is damaged is computed once more",
        )


def _prune(given: argparse.Namespace) -> None:
    if not 0 <= given.keep_gb < 1e9:  # NaN is refused too
        raise ConfigError(
            "Invalid value for --keep-gb",
            found=str(given.keep_gb),
            needed="gigabytes from 0",
            do="change --keep-gb",
        )
    removed = archive.open_store(given.cache).results.prune(int(given.keep_gb * 1e9))
    print(json.dumps({"removed": removed}) if given.json else f"{len(removed)} results removed.")


if __name__ == "__main__":
    sys.exit(main())
