"""config and errors: digests, checks at birth, sentences."""

import dataclasses
import doctest
import hashlib
import json
import pickle

import pytest

from brainlike_core import config, errors
from brainlike_core.config import (
    CheckConfig,
    DictionaryConfig,
    EncodingConfig,
    ExtractConfig,
    MatchConfig,
    OrganizationConfig,
    RecordingConfig,
    ResponseConfig,
    RunConfig,
    digest,
    read_config,
)
from brainlike_core.errors import ConfigError, UnknownNameError
from brainlike_core.science import encoding_nulls, folds, group_inference, organization, recovery, statistics

OTHER = {str: "random", int: 9, float: 0.37, bool: False}


@pytest.mark.parametrize(
    "module",
    [config, errors, encoding_nulls, folds, group_inference, organization, recovery, statistics],
    ids=lambda m: m.__name__,
)
def test_examples_in_docstrings_are_true(module):
    """Doctests."""
    assert doctest.testmod(module, extraglobs={"np": __import__("numpy")}).failed == 0


PARTS = [RecordingConfig("narratives-lucy"), ExtractConfig(), ResponseConfig(), DictionaryConfig(), EncodingConfig(), MatchConfig(), OrganizationConfig()]  # fmt: skip
FIELDS = [(part, f.name) for part in PARTS for f in dataclasses.fields(part)]
LEGAL = {
    "precision": "nf4",
    "stride": 100,
    "neurons": "attn_out",
    "confounds": "compcor",
    "method": "pca",
    "section": 9,
    "regression": "lasso",
    "lasso_shares": (0.4, 0.2),
    "criterion": "r2",
    "fir": True,
    "nuisance": ("word rate",),
    "also": ("narratives-tunnel", "narratives-bronx"),
}
FIXED = {"hrf"}  # one legal value so far


@pytest.mark.parametrize(
    ("part", "name"), FIELDS, ids=lambda x: x if isinstance(x, str) else type(x).__name__
)
def test_digest_changes_with_every_field(part, name):
    """No setting is forgotten by the key."""
    if name in FIXED:
        pytest.skip("has one legal value")
    old = getattr(part, name)
    new = (
        (1, 2)
        if isinstance(old, tuple)
        else old + 20
        if isinstance(old, int) and not isinstance(old, bool)
        else OTHER[type(old)]
    )
    new = LEGAL.get(name, new)
    if name == "null":
        new = {EncodingConfig: "block", MatchConfig: "variogram"}[type(part)]
    assert digest(dataclasses.replace(part, **{name: new})) != digest(part)


def test_run_config_survives_json():
    """A run's config comes back equal from its stored fields, tuples as tuples."""
    import json

    run = RunConfig(extract=ExtractConfig(layers=(1, 2)), recording=RecordingConfig("pieman", (1, 5)))
    again = read_config(RunConfig, json.loads(json.dumps(dataclasses.asdict(run))))
    assert again == run and again.id == run.id


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: DictionaryConfig(n_atoms=1), "found 1, needed 2 to 4096; change n_atoms"),
        (lambda: DictionaryConfig(penalty=0), "found 0, needed between 0 and 1"),
        (lambda: DictionaryConfig(penalty=1.5), "needed between 0 and 1"),
        (lambda: DictionaryConfig(tolerance=0), "needed between 0 and 1"),
        (lambda: ExtractConfig(weights="half"), "needed 'trained' or 'random'"),
        (lambda: ExtractConfig(layers=(-1,)), "needed numbers from 0"),
        (lambda: ExtractConfig(window=4), "needed at least 8 tokens"),
        (lambda: ExtractConfig(stride=600), "needed 1 to window"),
        (lambda: ExtractConfig(neurons="x"), "needed one of ffn_out, ffn_mid, block_out, attn_out"),
        (lambda: RecordingConfig(subjects=(0,)), "needed positions from 1"),
        (lambda: RecordingConfig(subjects=(2, 2)), "needed each once"),
        (lambda: RecordingConfig(confounds="all"), "needed one of none, simple"),
        (lambda: RecordingConfig(section=0), "needed 1 to 9"),
        (lambda: RecordingConfig(tr=30.0), "needed 0.1 to 20 seconds"),
        (lambda: RecordingConfig(high_pass=0.1, low_pass=0.05), "needed 0, or above high_pass"),
        (lambda: RecordingConfig(story_onset_s=1e6), "needed seconds within a day"),
        (lambda: EncodingConfig(n_folds=1), "needed at least 2"),
        (lambda: EncodingConfig(delays=()), "needed 0 to 20 TRs"),
        (lambda: EncodingConfig(penalties=(0.0,)), "needed > 0"),
        (lambda: EncodingConfig(n_surrogates=5), r"needed at least 19 \(p = .05\)"),
        (lambda: MatchConfig(z_threshold=0), "needed > 0"),
        (lambda: MatchConfig(n_spins=3), "needed at least 19"),
        (lambda: MatchConfig(null="shift"), "needed one of spin, cortex-spin, centroid"),
        (lambda: OrganizationConfig(n_bootstraps=1), "needed at least 20"),
        (lambda: ResponseConfig(edge_s=-1), "needed 0 to 60 seconds"),
    ],
)
def test_settings_outside_their_range_are_refused(make, sentence):
    """One sentence: found, needed, do."""
    with pytest.raises(ConfigError, match=sentence):
        make()


def test_unknown_names_come_with_the_nearest():
    """A typing slip is answered with the right name."""
    error = UnknownNameError.nearest("model", "smolm2-135m", ["smollm2-135m", "minilm-l6"])
    assert "did you mean smollm2-135m?" in str(error) and error.exit_status == 2


def test_errors_cross_processes_whole():
    """A worker's refusal arrives with every part of its sentence."""
    error = ConfigError("a", found="b", needed="c", do="d")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "a: found b, needed c; d." and type(again) is ConfigError


def test_a_run_says_which_neurons_where_they_are_not_the_papers():
    """ffn_out goes without saying."""
    runs = [
        RunConfig(extract=ExtractConfig(model="minilm-l6", neurons=kind)) for kind in ("ffn_out", "attn_out")
    ]
    assert [run.label for run in runs] == ["minilm-l6 · simulated", "minilm-l6 · attn_out · simulated"]


def test_a_check_is_its_recording_and_its_sound():
    """Rebuilt from JSON it is equal; each part is in its id; the sound begins with the story unless said otherwise."""
    recording = RecordingConfig("/my/study", (1, 2), story="/my/tale.csv", story_onset_s=4.0)
    check = CheckConfig(recording, "/my/tale.wav")
    assert check.sound_onset_s == 4 and CheckConfig(recording, "/my/tale.wav", 0.0).sound_onset_s == 0
    assert check.label == "study · tale.csv · tale.wav"
    assert read_config(CheckConfig, json.loads(json.dumps(dataclasses.asdict(check)))) == check
    others = (
        CheckConfig(recording),
        CheckConfig(recording, "/my/tale.wav", 4.0),
        CheckConfig(audio="/my/tale.wav"),
    )
    assert len({one.id for one in (check, *others)}) == 4
    with pytest.raises(ConfigError, match="audio_onset_s"):
        CheckConfig(recording, "/my/tale.wav", float("nan"))


def test_settings_as_text_are_read_or_refused_by_name():
    """Numbers, switches, lists and words; an unknown name and a wrong kind are named."""
    changed = config.with_settings(
        EncodingConfig(), ["regression=lasso", "delays=1,2", "fdr=0.1", "fir=true"]
    )
    assert (changed.regression, changed.delays, changed.fdr, changed.fir) == ("lasso", (1, 2), 0.1, True)
    for wrong, sentence in (
        ("fur=true", "Unknown setting"),
        ("fir=maybe", "fir"),
        ("n_folds=five", "n_folds"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            config.with_settings(EncodingConfig(), [wrong])
    with pytest.raises(ConfigError, match="Invalid value for null"):
        config.with_settings(EncodingConfig(), ["null=shuffle"])


def test_a_setting_that_came_later_leaves_old_ids_as_they_were():
    """Runs of one story keep the id that they had before there could be several: the field is not in its text."""
    fields = dataclasses.asdict(RecordingConfig("pieman"))
    assert fields.pop("also") == ()
    text = json.dumps({"kind": "RecordingConfig", "fields": fields}, sort_keys=True, separators=(",", ":"))
    assert digest(RecordingConfig("pieman")) == hashlib.sha256(text.encode()).hexdigest()
    whole = RunConfig(recording=RecordingConfig("narratives-lucy", also=("narratives-tunnel",)))
    assert read_config(RunConfig, json.loads(json.dumps(dataclasses.asdict(whole)))).id == whole.id
    assert whole.id != RunConfig(recording=RecordingConfig("narratives-lucy")).id


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(name="pieman", also=("narratives-lucy",)), "found 'pieman [+] narratives-lucy', needed narratives-<story>"),
        (dict(name="narratives-lucy", also=("narratives-lucy",)), "each story once"),
        (dict(name="lpp-en", also=("lpp-en:1",)), "each story once"),
        (dict(name="lpp-en", also=("lpp-en:10",)), "1 to 9"),
        (dict(name="lpp-en", also=("narratives-lucy:2",)), "lpp-en:<section>"),
        (dict(name="lpp-en", also=("lpp-en:2",), audio="sound.wav"), "one story: the sounds of several"),
    ],
)  # fmt: skip
def test_stories_that_cannot_be_joined_are_refused(change, match):
    """Each story once, of the kinds that can be joined, and without a sound."""
    with pytest.raises(ConfigError, match=match):
        RecordingConfig(**change)


def test_a_check_is_of_one_story():
    """Several stories are checked one by one."""
    with pytest.raises(ConfigError, match="check each by itself"):
        CheckConfig(RecordingConfig("lpp-en", also=("lpp-en:2",)))
