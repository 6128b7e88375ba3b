"""The low-level baseline goes the same walk as a model: on a small world, and on real listeners where they are."""

import json
import os
import wave
from pathlib import Path

import numpy as np
import pytest

from brainlike_core import __main__, archive, pipeline, report
from brainlike_core.config import ExtractConfig, RecordingConfig
from brainlike_core.errors import ConfigError, StoryError
from brainlike_core.figures import captions, charts, comparison
from brainlike_core.science import timing
from tests.small_world import N_TRS, TR, small_config, watch_computing, write_pieman

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", ROOT.parent / "shared" / "data"))
BASELINE = ExtractConfig("low-level")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_pieman(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def walked(data, tmp_path_factory):
    workspace = archive.open_store(tmp_path_factory.mktemp("cache"))
    return pipeline.walk(small_config(extract=BASELINE), workspace, data=data), workspace


def test_atoms_are_the_features(walked):
    """Word rate by hand: words counted per TR, the same response, filter, rows and scale."""
    run, _ = walked
    assert run.dictionary.names == ("word rate", "word length", "log frequency")
    counts = np.bincount(np.floor(run.story.onsets / TR).astype(int), minlength=N_TRS).astype(float)
    wanted = timing.band_pass(timing.convolve_hrf(counts[:, None], TR), TR, run.recording.pass_band)
    first = run.dictionary.first_tr
    wanted = timing.zscore(wanted[first : first + run.dictionary.n_trs])[:, 0]
    assert np.corrcoef(run.dictionary.atoms[:, 0], wanted)[0, 1] > 0.99999


def test_no_model_is_opened(walked, monkeypatch, data, tmp_path):
    """Neither the extract nor the responses step is computed; torch is asked for by no one."""
    computed = watch_computing(monkeypatch)
    pipeline.walk(small_config(extract=BASELINE), archive.open_store(tmp_path), data=data)
    assert computed == ["recording", "dictionary", "encoding", "match", "organization", "equal_size"]


def test_reports_say_what_it_is(walked):
    """Features by name, no neurons, no dictionary; what few atoms cannot have is not a number."""
    run, _ = walked
    numbers = json.loads(json.dumps(report.summary(run), allow_nan=False))
    assert numbers["features"] == list(run.dictionary.names) and numbers["n_neurons"] == 0
    assert numbers["organization"]["diversity"] is None and numbers["organization"]["n_links"] is not None
    first = report.sentences(numbers)[0]
    assert "3 features of the words" in first and "no dictionary is learned" in first
    assert "within the story" in first and "not defined for few atoms" in first


def test_it_stands_beside_models_in_the_comparison(walked):
    """Scored with them; left out, in words, where features have no organization and no layers."""
    run, _ = walked
    runs = [run, run]
    assert len(comparison.heldout_scores(runs).data) == 4 and "word rate" in captions.heldout(runs)
    assert len(comparison.diversity_consistency(runs).data) == 0
    assert "not defined for few atoms" in captions.tradeoff(runs) and "3 features" in captions.profiles(runs)
    column = comparison.metrics_table(runs).iloc[:, 0]
    assert column["Diversity"] == "not defined for few atoms"
    assert charts.atom_sentence(run, 0).startswith("**Word rate**: a feature of the words, no neuron")
    assert charts.atom_names(run.correspondence, run.dictionary.names)[1].startswith("Word length")


def test_the_dictionary_s_settings_do_not_touch_it(walked, data, monkeypatch):
    """Another K or penalty asks the same question."""
    run, workspace = walked
    computed = watch_computing(monkeypatch)
    config = small_config(extract=BASELINE, dictionary=type(run.config.dictionary)(n_atoms=9, penalty=0.3))
    assert pipeline.walk(config, workspace, data=data).dictionary.names == run.dictionary.names
    assert "dictionary" not in computed


def test_the_story_s_sound_is_one_more_feature(data, tmp_path):
    """--audio: its envelope, by the same clock."""
    rate, rng = 1000, np.random.default_rng(0)
    loud = np.repeat(rng.uniform(0.1, 1, N_TRS), int(rate * TR)) * rng.choice([-1, 1], int(rate * TR) * N_TRS)
    with wave.open(str(tmp_path / "story.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((loud * 30000).astype("<i2").tobytes())
    recording = RecordingConfig("pieman", audio=str(tmp_path / "story.wav"))
    config = small_config(extract=BASELINE, recording=recording)
    run = pipeline.walk(config, archive.open_store(tmp_path / "cache"), data=data)
    assert run.dictionary.names[-1] == "audio envelope"
    lost = small_config(extract=BASELINE, recording=RecordingConfig("pieman", audio=str(tmp_path / "no.wav")))
    with pytest.raises(StoryError, match="--audio"):
        pipeline.walk(lost, archive.open_store(tmp_path / "cache"), data=data)


def test_random_weights_of_no_model_are_refused(data, tmp_path):
    """Before anything is read."""
    with pytest.raises(ConfigError, match="has no weights"):
        pipeline.walk(
            small_config(extract=ExtractConfig("low-level", weights="random")),
            archive.open_store(tmp_path),
            data=data,
        )


def test_one_command_makes_controls_of_every_kind(monkeypatch, data, tmp_path, capsys):
    """Trained once, three random twins, the baseline once; seeds change nothing but the random weights."""
    seen = []
    monkeypatch.setattr(__main__, "_run_one", lambda config, given: seen.append(config) or {})
    settings = [
        "--weights",
        "trained",
        "--weights",
        "random",
        "--seed",
        "4",
        "5",
        "6",
        "--layers",
        "1",
        "--spins",
        "40",
        "--json",
    ]
    models = ["--model", "minilm-l6", "--model", "low-level"]
    command = [
        "run",
        "--recording",
        "pieman",
        *models,
        *settings,
        "--data",
        str(data),
        "--cache",
        str(tmp_path),
    ]
    assert __main__.main(command) == 0
    capsys.readouterr()
    assert [c.label for c in seen] == [
        "minilm-l6 · pieman", "minilm-l6 · random 4 · pieman", "minilm-l6 · random 5 · pieman",
        "minilm-l6 · random 6 · pieman", "low-level · pieman",
    ]  # fmt: skip
    assert {c.dictionary.seed for c in seen} == {c.match.seed for c in seen} == {4}
    assert seen[-1].extract.layers == () and seen[1].extract.layers == (1,)


@pytest.mark.shared_data
@pytest.mark.skipif(
    not (SHARED / "pieman").is_dir(), reason="the Pie Man recording is not beside the checkout"
)
def test_real_listeners_as_an_independent_implementation_has_it(tmp_path):
    """Another implementation has mean held-out r .093 at a delay of 2 TRs and .002 at none, with the sound."""
    run = pipeline.walk(small_config(extract=BASELINE), archive.open_store(tmp_path), data=SHARED)
    curve = dict(zip(run.encoding.lag_delays.tolist(), run.encoding.lag_curve.tolist(), strict=True))
    assert curve[2] == pytest.approx(0.093, abs=0.03)
    assert curve[0] == pytest.approx(0.002, abs=0.03) and curve[2] > curve[0] + 0.03
