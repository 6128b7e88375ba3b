"""Words about a run: commands and notebook that make it again, a methods paragraph of its own numbers, BibTeX."""

from __future__ import annotations

import dataclasses
import doctest
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from brainlike_core.__main__ import _configs, _parser
from brainlike_core.config import EncodingConfig, ExtractConfig, MatchConfig, RecordingConfig, RunConfig
from brainlike_core.exports import citations, methods, names, paper, print_brains, reproduce
from brainlike_core.report import summary
from brainlike_core.values import brain
from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]
MINILM = "Wang et al. 2020, MiniLM, arXiv 2002.10957; Reimers and Gurevych 2019, arXiv 1908.10084"


@pytest.fixture(scope="module")
def run():
    """A made-up run."""
    return made.make_run()


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(),
        RunConfig(
            encoding=EncodingConfig(
                fir=True, delays=(0, 2), regression="lasso", criterion="r2", nuisance=("word rate",)
            )
        ),
        RunConfig(extract=ExtractConfig("minilm-l6", (0, 2), "ffn_mid", "random", precision="bfloat16")),
        RunConfig(
            recording=RecordingConfig("pieman", (1, 2, 5)),
            match=MatchConfig("yeo7", null="spin", n_spins=500),
        ),
    ],
)
def test_the_command_says_the_same_as_the_config(config):
    """Parsed again, every setting comes back, those of the encoding too."""
    words = shlex.split(reproduce.run_command([config]))[3:]
    assert _configs(_parser().parse_args(words)) == [config]


def test_the_snippet_runs_as_it_is(run, tmp_path):
    """On a cache with the run it prints links and passages and writes the map as a PNG."""
    made.write(run, tmp_path / "cache")
    code = reproduce.snippet(run, 3, "Language")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "Language" in done.stdout and "fox" in done.stdout and "atom3-map" in done.stdout
    assert (tmp_path / "atom3-map.png").read_bytes().startswith(b"\x89PNG")


def test_the_notebook_has_the_snippet_in_cells(run):
    """Three cells of code, in order, nothing lost."""
    code = reproduce.snippet(run, 3, "Language", "my cache")
    book = json.loads(reproduce.notebook(code))
    assert (book["nbformat"], len(book["cells"])) == (4, 3)
    told = "".join("".join(cell["source"]) for cell in book["cells"])
    assert re.sub(r"\s|# %%", "", told) == re.sub(r"\s|# %%", "", code) and "'my cache'" in told


def test_the_export_command_is_understood(run):
    """Run, sub-group and network come back from its words."""
    given = _parser().parse_args(reproduce.export_command(run, 3, "Language", "c").split()[3:])
    assert (given.run, given.atom, given.network, given.cache) == (run.id[:12], 3, "Language", "c")


def test_the_methods_paragraph_has_the_numbers_of_the_run(run):
    """Settings and results as summary and config have them; no number is missing."""
    text, numbers = methods.methods(run), summary(run)
    for part in (
        "minilm-l6 (trained weights)", "40 neurons", "4 listeners", "K = 12", "lambda = 0.1", "0.01, 0.1, 1, 10, 100, 1000, 10000",
        "5 contiguous folds", "7 TRs dropped", "10,000 rotations", "r was 0.120", "10 of 100 locations", "4 links", "1 were accepted",
        "delays" if run.config.encoding.fir else "one delay of 0, 1, 2, 3, 4 TRs",
    ):  # fmt: skip
        assert part in text
    assert (
        f"{numbers['encoding']['n_surrogates']} sign-randomised recordings" in text
        and "None" not in text
        and "nan" not in text
    )


def test_the_paragraph_follows_the_settings(run):
    """Another regression, null and model are said; a baseline has features in place of neurons."""
    other = dataclasses.replace(
        run.config,
        encoding=EncodingConfig(regression="lasso", null="block", fir=True),
        extract=ExtractConfig("minilm-l6", (1, 3), "attn_out", "random", 7),
    )
    text = methods.methods(dataclasses.replace(run, config=other))
    assert all(
        part in text
        for part in (
            "lasso",
            "block-shuffled",
            "TRs together",
            "random weights (seed 7)",
            "layers 1, 3",
            "self-attention",
        )
    )
    names = tuple(f"feature {k}" for k in range(made.N_ATOMS))
    features = dataclasses.replace(run, dictionary=dataclasses.replace(run.dictionary, names=names))
    assert "12 features (feature 0," in methods.methods(features) and "sub-group" not in methods.methods(
        features
    )


def keys(text):
    """The keys of BibTeX entries."""
    return re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)


def test_bibtex_names_what_was_used_once(run):
    """Method, model, atlas, toolbox and software; nothing of what was not used; braces are balanced."""
    text = citations.bibtex(run, MINILM)
    found = keys(text)
    assert len(found) == len(set(found)) and text.count("{") == text.count("}")
    assert {
        "sun2024brainlike",
        "wang2020minilm",
        "reimers2019sbert",
        "gordon2017individual",
        "kong2025toolbox",
        "paszke2019pytorch",
    } <= set(found)
    assert not {"nastase2021narratives", "tibshirani1996lasso", "burt2020variogram"} & set(found)


def test_bibtex_follows_recording_and_settings(run):
    """Pie Man, lasso and variograms bring their papers; a baseline needs no language model."""
    config = dataclasses.replace(
        run.config,
        recording=RecordingConfig("pieman"),
        encoding=EncodingConfig(regression="lasso"),
        match=MatchConfig(null="variogram"),
    )
    found = keys(citations.bibtex(dataclasses.replace(run, config=config)))
    assert {"nastase2021narratives", "shen2013groupwise", "tibshirani1996lasso", "burt2020variogram"} <= set(
        found
    )
    names = tuple("abcdefghijkl")
    features = dataclasses.replace(run, dictionary=dataclasses.replace(run.dictionary, names=names))
    assert not {"paszke2019pytorch", "wolf2020transformers", "mairal2010online"} & set(
        keys(citations.bibtex(features))
    )


def test_what_only_the_catalogue_cites_has_an_entry_of_its_own(run):
    """With its arXiv number, and special characters escaped."""
    text = citations.bibtex(run, "A & B 2024, A model, arXiv 2412.15115")
    (entry,) = [part for part in text.split("\n\n") if "2412.15115}" in part]
    assert "eprint = {2412.15115}" in entry and r"A \& B" in entry


def test_every_entry_has_a_title_an_author_and_a_way_to_find_it():
    """A DOI, an arXiv number, or volume and pages; each DOI stands once."""
    entries = citations.references()
    dois = re.findall(r"doi = \{([^}]+)\}", "\n".join(entries.values()))
    assert len(dois) == len(set(dois)) > 30
    for entry in entries.values():
        assert "title = {" in entry and "author = {" in entry and entry.endswith("}")
        assert re.search(r"(doi|eprint|pages) = \{", entry)


@pytest.mark.parametrize(
    "module", [names, paper, print_brains, reproduce, brain], ids=lambda module: module.__name__
)
def test_examples_in_docstrings_hold(module):
    """What the documentation shows is what comes out."""
    found = doctest.testmod(module)
    assert found.attempted > 0 and found.failed == 0
