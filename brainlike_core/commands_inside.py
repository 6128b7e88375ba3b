"""The commands of the second walk: networks inside a model, and lesions."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import Any

from . import archive, engine, follow_ups, networks, report_networks, slimming
from .command_parts import Watch, command, data_folder, ranges
from .config import (
    ACTIONS,
    DECOMPOSITIONS,
    LINK_RULES,
    NEURON_KINDS,
    REPLACEMENTS,
    SLIM_NEURONS,
    TASKS,
    AnchorsConfig,
    BridgeConfig,
    ExtractConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
    SlimConfig,
)
from .errors import ConfigError


def add_commands(commands: Any) -> None:
    """Add ``networks, lesion, preserve, slim, anchors`` and ``fingerprint``."""
    _model_options(command(commands, "networks", "functional networks inside a model", _networks))
    _add_lesion(commands)
    _add_preserve(commands)
    _add_slim(commands)
    anchors = command(
        commands, "anchors", "which brain network each neuron of a finished run goes with", _anchors
    )
    anchors.add_argument("run", help="the first characters of its id")
    pair = command(
        commands, "fingerprint", "two models compared by their networks on the same texts", _fingerprint
    )
    _model_options(pair)
    pair.add_argument("--with", dest="other", required=True, metavar="NAME", help="the other model")


def _add_lesion(commands: Any) -> None:
    lesion = command(commands, "lesion", "cut networks out of a model, against random cuts", _lesion)
    _model_options(lesion)
    plain, add = LesionConfig(), lesion.add_argument
    add("--network", type=int, nargs="+", default=(), metavar="K", help="from 1 (default: the union of all)")
    add("--neurons-named", default="", metavar="N", help="neurons by number instead, such as 17-40,99")
    add("--only-layers", default="all", metavar="L", help="only neurons of these layers")
    add("--action", default=plain.action, help=f"{', '.join(ACTIONS)} (default {plain.action})")
    add("--how", default=plain.how, help=f"{', '.join(REPLACEMENTS)} (default {plain.how})")
    add("--add", type=float, default=plain.add, help="of amplify: what is added")
    add("--scale", type=float, default=plain.scale, help="of amplify: what responses are multiplied by")
    add("--random", type=int, default=plain.n_random, metavar="N", help="matched random cuts (default 20)")
    _task_option(lesion)
    add = lesion.add_argument_group(
        "the bridge: the sub-groups of a brain network, of a finished run"
    ).add_argument
    add("--run", default="", metavar="RUN", help="the first characters of its id")
    add("--fbn", default="Language", metavar="NETWORK", help="which brain network (default Language)")
    add("--against", default="", metavar="NETWORK", help="the other of the double dissociation")
    add("--rule", default=LINK_RULES[0], help=f"{' or '.join(LINK_RULES)} links")


def _add_preserve(commands: Any) -> None:
    preserve = command(commands, "preserve", "keep only the neurons of C networks, for several C", _preserve)
    _model_options(preserve)
    plain, add = PreservationConfig(), preserve.add_argument
    counts = f"numbers of networks (default {' '.join(map(str, plain.counts))})"
    add("--counts", type=int, nargs="+", default=plain.counts, metavar="C", help=counts)
    add("--random", type=int, default=plain.n_random, metavar="N", help="random sets of as many neurons")
    _task_option(preserve)


def _add_slim(commands: Any) -> None:
    slim = command(commands, "slim", "remove the intermediate neurons outside a model's networks", _slim)
    _model_options(slim)
    slim.set_defaults(neurons=SLIM_NEURONS.neurons, n_texts=SlimConfig().networks.n_texts)
    add = slim.add_argument
    add("--equal", action="store_true", help="as many in every layer: opens in any program")
    add("--no-bias", action="store_true", help="without bias compensation")
    add("--out", default="", metavar="FOLDER", help="save the smaller model there (safetensors)")


def _task_option(parser: argparse.ArgumentParser) -> None:
    text = f"also score {', '.join(TASKS)}; repeat"
    parser.add_argument("--task", action="append", default=[], metavar="TASK", help=text)


def _model_options(parser: argparse.ArgumentParser) -> None:
    plain, add = NetworksConfig(), parser.add_argument
    add("--model", default=plain.extract.model, metavar="NAME", help="see: models")
    add("--weights", default="trained", choices=("trained", "random"))
    add("--layers", default="all", help="all (default), or such as 0-3,7")
    add("--neurons", default=NEURON_KINDS[0], metavar="KIND", help=" | ".join(NEURON_KINDS))
    add("--components", type=int, default=plain.n_components, metavar="C", help="networks (default 10)")
    add("--method", default=plain.method, help=f"{' or '.join(DECOMPOSITIONS)} (default {plain.method})")
    add("--threshold", type=float, default=plain.threshold, metavar="Z", help="of key neurons (default 1.96)")
    texts = "a set of texts, or a folder of .txt files; repeat (default: four sets that are here)"
    add("--texts", action="append", default=[], metavar="SET", help=texts)
    add("--n-texts", type=int, default=plain.n_texts, metavar="N", help="of each set (default 25)")
    add("--seed", type=int, default=plain.seed, help="of the decomposition (default 666, the paper's)")
    add("--device", default="auto", help="auto (default: CUDA, MPS or CPU), cpu, cuda or mps")
    add("--data", metavar="FOLDER", help="where downloads lie (default $BRAINLIKE_DATA, data)")


def networks_config(given: argparse.Namespace) -> NetworksConfig:
    """The networks that the options name."""
    layers = ranges(given.layers, "--layers")
    extract = ExtractConfig(given.model, layers, given.neurons, given.weights)
    return NetworksConfig(
        extract=extract,
        text_sets=tuple(given.texts) or NetworksConfig().text_sets,
        n_texts=given.n_texts,
        n_components=given.components,
        method=given.method,
        threshold=given.threshold,
        seed=given.seed,
    )


def lesion_config(given: argparse.Namespace) -> LesionConfig:
    """The lesion that the options name; networks count from 1 for people."""
    if any(k < 1 for k in given.network):
        raise ConfigError(
            "Invalid value for --network", found=str(min(given.network)),
            needed=f"1 to {given.components}", do="change --network",
        )  # fmt: skip
    named = ranges(given.neurons_named, "--neurons-named") if given.neurons_named else ()
    return LesionConfig(
        networks=networks_config(given),
        network=tuple(k - 1 for k in given.network),
        neurons=named,
        layers=ranges(given.only_layers, "--only-layers"),
        action=given.action,
        how=given.how,
        add=given.add,
        scale=given.scale,
        n_random=given.random,
        tasks=tuple(given.task),
    )


def _networks(given: argparse.Namespace) -> None:
    found = _done(networks_config(given), given)
    if given.json:
        print(json.dumps(report_networks.networks(found), allow_nan=False))
        return
    print("\n".join(report_networks.networks_sentences(found)))


def _lesion(given: argparse.Namespace) -> None:
    if given.run:
        run = archive.find_run(given.run, archive.open_store(given.cache))
        config = BridgeConfig(run, given.fbn, given.against, given.rule, given.how, given.random)
        numbers = report_networks.bridge(_done(config, given))
    else:
        numbers = report_networks.lesion(_done(lesion_config(given), given))
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(numbers["sentences"]))


def _preserve(given: argparse.Namespace) -> None:
    config = PreservationConfig(
        networks_config(given), tuple(given.counts), given.random, tasks=tuple(given.task)
    )
    numbers = report_networks.preservation(_done(config, given))
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(numbers["sentences"]))


def _fingerprint(given: argparse.Namespace) -> None:
    config = networks_config(given)
    other = replace(config, extract=replace(config.extract, model=given.other))
    numbers = report_networks.fingerprint(networks.fingerprint(_done(config, given), _done(other, given)))
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(numbers["sentences"]))


def _anchors(given: argparse.Namespace) -> None:
    workspace = archive.open_store(given.cache)
    config = AnchorsConfig(archive.find_run(given.run, workspace))
    numbers = report_networks.anchors(follow_ups.anchors(config, workspace, Watch(config.label)))
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(numbers["sentences"]))


def _slim(given: argparse.Namespace) -> None:
    config = SlimConfig(networks_config(given), given.equal, not given.no_bias)
    found = _done(config, given)
    numbers = report_networks.slim(found)
    if given.out:
        everywhere = slimming.save(config, found, given.out)
        numbers |= {"folder": given.out, "opens_everywhere": everywhere}
        opens = (
            "any program of the library opens it"
            if everywhere
            else "open it with sources.pruning.open_pruned"
        )
        numbers["sentences"].append(f"Saved in {given.out}: {opens}.")
    print(json.dumps(numbers, allow_nan=False) if given.json else "\n".join(numbers["sentences"]))


def _done(config: Any, given: argparse.Namespace) -> Any:
    began, watch = time.perf_counter(), Watch(config.label)
    found = engine.run_now(config, given.cache, data_folder(given), watch, given.device)
    watch.end(time.perf_counter() - began)
    return found
