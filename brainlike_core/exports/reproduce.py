"""How a run, or a view of it, is made again: a command, and a notebook."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

from ..config import LOW_LEVEL, RunConfig
from ..values import Run
from .names import Files


def run_command(configs: list[RunConfig], data_folder: str | None = None) -> str:
    """The command line that computes the same runs.

    Examples
    --------
    >>> from brainlike_core.config import ExtractConfig
    >>> print(run_command([RunConfig(), RunConfig(extract=ExtractConfig(weights="random"))]))
    python -m brainlike_core run --recording simulated --model smollm2-135m --weights trained --weights random
    """
    first = next((one for one in configs if one.extract.model != LOW_LEVEL), configs[0])
    words = ["python", "-m", "brainlike_core", "run", "--recording", first.recording.name]
    for name in dict.fromkeys(config.extract.model for config in configs):
        words += ["--model", name]
    for name in dict.fromkeys(config.extract.weights for config in configs):
        words += ["--weights", name]
    layers, plain = first.extract.layers, RunConfig()
    if layers:
        words += ["--layers", ",".join(map(str, layers))]
    if first.extract.neurons != plain.extract.neurons:
        words += ["--neurons", first.extract.neurons]
    brain = first.recording
    for story in brain.also:
        words += ["--also", story]
    for option, (value, usual) in _options(first, plain).items():
        words += [option, str(value)] if value != usual else []
    words += _changed("--match", first.match, plain.match, ("atlas", "n_spins", "seed"))
    words += _changed("--encoding", first.encoding, plain.encoding, ("seed",))
    seeds = dict.fromkeys([first.dictionary.seed, *(config.extract.seed for config in configs)])
    if list(seeds) != [0]:
        words += ["--seed", *map(str, seeds)]
    if not brain.detrend:
        words.append("--no-detrend")
    if brain.subjects:
        words += ["--subjects", ",".join(map(str, brain.subjects))]
    if data_folder and brain.name != "simulated":
        words += ["--data", data_folder]
    return shlex.join(words)


def _options(config: RunConfig, plain: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Options with one value: what the run has, and what it is where nothing is said."""
    brain, usual_brain = config.recording, plain.recording
    return {
        "--story": (brain.story, ""),
        "--story-onset": (brain.story_onset_s, 0.0),
        "--words-per-minute": (brain.words_per_minute, 0.0),
        "--section": (brain.section, 1),
        "--task": (brain.task, ""),
        "--space": (brain.space, ""),
        "--tr": (brain.tr, 0.0),
        "--audio": (brain.audio, ""),
        "--parcels": (brain.parcels, ""),
        "--confounds": (brain.confounds, usual_brain.confounds),
        "--high-pass": (brain.high_pass, usual_brain.high_pass),
        "--low-pass": (brain.low_pass, 0.0),
        "--method": (config.dictionary.method, plain.dictionary.method),
        "--atoms": (config.dictionary.n_atoms, plain.dictionary.n_atoms),
        "--penalty": (config.dictionary.penalty, plain.dictionary.penalty),
        "--atlas": (config.match.atlas, plain.match.atlas),
        "--spins": (config.match.n_spins, plain.match.n_spins),
        "--precision": (config.extract.precision, plain.extract.precision),
    }


def _changed(option: str, config: Any, usual: Any, said: tuple[str, ...]) -> list[str]:
    """Settings that are not the usual ones and that no option of their own says."""
    words = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in said and value != getattr(usual, field.name):
            words += [option, f"{field.name}={_setting(value)}"]
    return words


def _setting(value: object) -> str:
    """A setting as ``config.with_settings`` reads it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def export_command(run: Run, atom: int, network: str, cache: str = "cache") -> str:
    """The command line that writes the figures of a view.

    Parameters
    ----------
    run : Run
    atom : int
    network : str
        The one that is outlined.
    cache : str
        The store in which the run lies.
    """
    words = ["python", "-m", "brainlike_core", "export", run.id[:12], "--to", "figures", "--what", "figures"]
    words += ["--atom", str(atom), "--network", network]
    return shlex.join(words + (["--cache", cache] if cache != "cache" else []))


_SNIPPET = """\
# {label}: the view of sub-group {atom} and the {network} network.
from brainlike_core import archive, heard_words, inventory
from brainlike_core.exports.printed import run_figures

workspace = archive.open_store({cache!r})
run = archive.load_run({id!r}, workspace)
atom, network = {atom}, run.atlas.networks.index({network!r})

# %%
links = run.correspondence.links()  # every link by the spin rule, with p and q of both nulls
z = run.encoding.z_maps[atom]  # z of the sub-group's map at each location
words = heard_words.top_words(run, atom)  # the passages that drive it
print(links.head(10).to_string())
print(words.to_string())

# %%
figures = run_figures(run, inventory.surface(), inventory.regions(), atom=atom, network=network)
print(*figures)
figure = figures[f"atom{{atom}}-map"]()
figure.savefig(f"atom{{atom}}-map.png", dpi=300)
figure
"""


def snippet(run: Run, atom: int, network: str, cache: str = "cache") -> str:
    """Python that opens the run and draws the view; ``# %%`` begins a cell.

    Parameters
    ----------
    run : Run
    atom : int
    network : str
    cache : str
    """
    label = run.config.label  # type: ignore[attr-defined]
    return _SNIPPET.format(label=label, id=run.id, atom=atom, network=network, cache=cache)


def notebook(code: str) -> bytes:
    """A Jupyter notebook (nbformat 4.5) with a cell for each part of a snippet."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code", "id": f"cell-{i}", "execution_count": None, "metadata": {}, "outputs": [],
            "source": part.strip().splitlines(keepends=True),
        }
        for i, part in enumerate(code.split("# %%"))
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    body = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(body, indent=1, ensure_ascii=False).encode()


def text_files(
    run: Run,
    atom: int,
    network: str,
    *,
    methods: str,
    bibtex: str,
    data: str | None = None,
    cache: str = "cache",
) -> Files:
    """The commands, the notebook, the methods paragraph and the BibTeX of a view."""
    config: RunConfig = run.config  # type: ignore[assignment]
    commands = [run_command([config], data), export_command(run, atom, network, cache)]
    code = snippet(run, atom, network, cache)
    return {
        "methods.txt": (methods + "\n").encode(),
        "references.bib": bibtex.encode(),
        "commands.sh": ("\n".join(commands) + "\n").encode(),
        "view.py": code.replace("\nfigure\n", "\n").encode(),
        "view.ipynb": notebook(code),
    }
