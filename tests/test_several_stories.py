"""A walk over several stories of the same listeners: from files to the report, each story left out once."""

import dataclasses
import json
import threading

import nibabel
import numpy as np
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage

from brainlike_core import __main__, archive, bridge, follow_ups, heard_words, pipeline, report
from brainlike_core.config import (
    AnchorsConfig,
    BridgeConfig,
    ExtractConfig,
    LayersConfig,
    RecordingConfig,
    RunConfig,
)
from brainlike_core.errors import RecordingError, UnknownNameError
from brainlike_core.exports.reproduce import run_command
from brainlike_core.figures import captions, charts
from brainlike_core.networks import Reader
from brainlike_core.science import timing
from brainlike_core.science.bridge import network_means
from brainlike_core.science.encoding_nulls import null_locations
from brainlike_core.sources import joined_recordings, located
from brainlike_core.sources.side_by_side import Watch
from brainlike_core.values import Recording
from tests.small_world import SENTENCES, needs_minilm, small_config, watch_computing

TR, N6 = 1.5, 40_962
N_TRS = {"lucy": 96, "tunnel": 90, "bronx": 20}
LISTENERS = ("sub-026", "sub-030", "sub-052")
BOTH = RecordingConfig("narratives-lucy", also=("narratives-tunnel",))


def transcript(first):
    """A word every 0.6 s from the story's onset on; word lengths differ, so the features move."""
    words = [w for w in (SENTENCES * 6).split() if w != "."][first : first + 200]
    return "".join(f"{w},{w},{0.6 * i:.2f},{0.6 * i + 0.4:.2f}\n" for i, w in enumerate(words))


def write_listener(home, subject, story, seed):
    """Both halves and the events of a listener: noise of the story's own that all share, and noise."""
    func = home / subject / "func"
    func.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    series = rng.normal(size=(N_TRS[story], 40)).astype(np.float32)
    shared = np.random.default_rng(len(story)).normal(size=series.shape).astype(np.float32)
    for side, shift in (("L", 0), ("R", 7)):
        values = (shared + series)[:, (np.arange(N6) // 40 + shift) % 40]
        arrays = [GiftiDataArray(row, encoding="GIFTI_ENCODING_B64BIN") for row in values]
        name = f"{subject}_task-{story}_space-fsaverage6_hemi-{side}_desc-clean.func.gii"
        nibabel.save(GiftiImage(darrays=arrays), func / name)
    (func / f"{subject}_task-{story}_events.tsv").write_text("onset\tduration\n2.0\t120\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Lucy and Tunnel with three listeners in common and one each of their own; Bronx with another one."""
    folder = tmp_path_factory.mktemp("data")
    home = folder / "narratives"
    for i, story in enumerate(("lucy", "tunnel")):
        for j, subject in enumerate(LISTENERS):
            write_listener(home, subject, story, 10 * i + j)
        (home / "stimuli" / "gentle" / story).mkdir(parents=True)
        (home / "stimuli" / "gentle" / story / "align.csv").write_text(transcript(40 * i))
    (home / "stimuli" / "gentle" / "bronx").mkdir()
    (home / "stimuli" / "gentle" / "bronx" / "align.csv").write_text(transcript(0))
    for subject, story in (("sub-027", "lucy"), ("sub-001", "tunnel"), ("sub-090", "bronx")):
        func = home / subject / "func"
        func.mkdir(parents=True)
        for side in "LR":  # never read: these listeners did not hear both
            (func / f"{subject}_task-{story}_space-fsaverage6_hemi-{side}_desc-clean.func.gii").touch()
    return folder


@pytest.fixture(scope="module")
def walked(data, tmp_path_factory):
    """A store, and the run of a model over both stories in it."""
    workspace = archive.open_store(tmp_path_factory.mktemp("cache"))
    return workspace, pipeline.walk(small_config(recording=BOTH), workspace, data=data)


# -- from files to one recording ------------------------------------------------------


def test_only_those_who_heard_every_story_are_read(data):
    """One recording, each story z-scored by itself, positions counted among the common listeners."""
    recording, lucy, tunnel = located.locate(BOTH, data).load()
    assert recording.subjects == LISTENERS
    assert recording.stories == (("narratives-lucy", 96), ("narratives-tunnel", 90))
    assert recording.n_trs == 186 and (lucy.name, tunnel.name) == ("narratives-lucy", "narratives-tunnel")
    some = recording.bold[:, :, ::997]
    for part in (some[:, :96], some[:, 96:]):
        np.testing.assert_allclose(part.mean(1), 0, atol=1e-5)
        np.testing.assert_allclose(part.std(1), 1, atol=1e-4)
    alone, _ = located.locate(RecordingConfig("narratives-tunnel", subjects=(4,)), data).load()
    np.testing.assert_array_equal(alone.bold[0, :, ::997], some[2, 96:])
    picked = dataclasses.replace(BOTH, subjects=(3, 1))
    assert located.locate(picked, data).load()[0].subjects == ("sub-052", "sub-026")


def test_stories_of_different_listeners_are_refused(data):
    """Nobody in common: how many heard each is said; an unknown story is named; so is a missing position."""
    with pytest.raises(
        RecordingError, match="No listener heard all .*narratives-lucy: 4, narratives-bronx: 1"
    ):
        located.locate(dataclasses.replace(BOTH, also=("narratives-bronx",)), data).load()
    with pytest.raises(UnknownNameError, match="narratives-tunel.*did you mean narratives-tunnel"):
        pipeline.check_names(small_config(recording=dataclasses.replace(BOTH, also=("narratives-tunel",))))
    with pytest.raises(RecordingError, match="no subject 4: found 3 subjects"):
        located.locate(dataclasses.replace(BOTH, subjects=(4,)), data).load()
    with pytest.raises(RecordingError, match="'narratives-black' is not here"):
        located.locate(dataclasses.replace(BOTH, also=("narratives-black",)), data)


def recording(**changes):
    """Two listeners, three parcels, ten TRs."""
    fields = {
        "name": "one", "title": "One", "bold": np.zeros((2, 10, 3), np.float32), "tr": 2.0,
        "subjects": ("a", "b"), "space": "parcels", "locations": ("x", "y", "z"),
        "vertex_location": np.array([0, 1, 2, -1], np.int32), "constant": np.ones((2, 3), bool),
        "pass_band": (0.01, 0.1),
    }  # fmt: skip
    return Recording(**(fields | changes))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(subjects=("a", "c")), "differ in their listeners: found a, c, needed a, b"),
        (dict(space="shen268"), "differ in their space: found shen268, needed parcels"),
        (dict(locations=("x", "y", "w")), "differ in their locations"),
        (dict(vertex_location=np.array([0, 2, 1, -1], np.int32)), "differ in their locations"),
        (dict(tr=1.5), "differ in their TR: found 1.5 s, needed 2 s"),
        (dict(pass_band=()), "differ in their filter"),
    ],
)
def test_recordings_of_another_kind_are_refused(change, match):
    """By what they differ in."""
    with pytest.raises(RecordingError, match=match):
        joined_recordings.join_recordings([recording(), recording(name="two", **change)])


def test_a_location_is_constant_where_it_moves_in_no_story():
    """Marked constant only where it is in every story."""
    moves = recording(name="two", constant=np.array([[True, False, True]] * 2))
    joined = joined_recordings.join_recordings([recording(), moves])
    assert joined.constant.tolist() == [[True, False, True]] * 2
    assert joined.bold.shape == (2, 20, 3) and joined.stories == (("one", 10), ("two", 10))
    with pytest.raises(RecordingError, match="does not hold its stories: found 20 TRs"):
        dataclasses.replace(joined, bold=joined.bold[:, 1:])


# -- the walk -------------------------------------------------------------------------


@needs_minilm
def test_each_story_is_read_by_itself(walked, data, monkeypatch):
    """A story's responses are those of its own walk, bit by bit, and what the model read is shared with it."""
    workspace, run = walked
    together = archive.known_record(run.id, workspace).entries
    computed = watch_computing(monkeypatch)
    config = small_config(recording=RecordingConfig("narratives-tunnel", subjects=(2, 3, 4)))
    alone = pipeline.walk(config, workspace, data=data)
    assert "extract" not in computed and "responses" in computed
    own = archive.known_record(alone.id, workspace).entries
    assert own["extract"] == together["extract 2"]
    both, one = (workspace.results.get(entries["responses"]) for entries in (together, own))
    (_, *first), second = both.stories
    assert second == (90, one.first_tr, one.first_tr + len(one.values))
    np.testing.assert_array_equal(both.values[first[1] - first[0] :], one.values)


@needs_minilm
def test_a_finished_run_names_its_stories(walked, data):
    """Report, sentences, captions, words and charts on the clock of both stories."""
    workspace, run = walked
    run = archive.load_run(run.id, workspace)
    numbers = json.loads(json.dumps(report.summary(run), allow_nan=False))
    assert numbers["n_stories"] == 2 and numbers["stories"] == ["narratives-lucy", "narratives-tunnel"]
    assert numbers["encoding"]["replication"]["kind"] == "stories"
    assert numbers["label"].endswith("narratives-lucy + narratives-tunnel")
    assert "Each of 2 stories was left out once" in " ".join(report.sentences(numbers))
    assert "each of 2 stories left out once" in captions.score_map(run)
    words = heard_words.word_activity(run, 0)
    second = words["onset"] >= 96 * TR
    assert second.sum() == 200 - (0.6 * np.arange(200) + 2 >= 90 * TR).sum()
    assert words["onset"][second].iloc[0] == 96 * TR + 2.0
    series = timing.zscore(run.dictionary.atoms[:, 0])
    at = words.index[second][50]
    tr = int((words["onset"][at] + 5) / TR)
    assert words["activity"][at] == pytest.approx(series[run.dictionary.trs.tolist().index(tr)], abs=1e-6)
    times = charts.time_course(run.dictionary, 0, TR, words).data[-1].x
    assert times[-1] > 96 * TR and len(times) == run.dictionary.n_trs


@needs_minilm
def test_one_story_says_so_too(walked, data):
    """The number of stories is 1, and replication is over time halves."""
    workspace, _ = walked
    config = small_config(recording=RecordingConfig("narratives-tunnel", subjects=(2, 3, 4)))
    numbers = report.summary(pipeline.walk(config, workspace, data=data))
    assert numbers["n_stories"] == 1 and numbers["stories"] == ["narratives-tunnel"]
    assert numbers["encoding"]["replication"]["kind"] == "time halves"


@needs_minilm
def test_a_cut_is_asked_of_each_story(walked):
    """Nothing cut: each story is read by itself, and leaving one out gives the run's own held-out r."""
    workspace, run = walked
    stories = archive.load_stories(run, workspace)
    assert [story.name for story in stories] == ["narratives-lucy", "narratives-tunnel"]
    config = BridgeConfig(run.id, network=run.atlas.networks[0])
    bench = bridge._Bench(run, stories, config, Reader(run.config.extract, "cpu"), ("Some text.",))
    read = bench._read(bench.reader.model, None)
    r, _ = bench.ask(bench.reader.model, None, Watch(threading.Event()))
    sampled = null_locations(run.recording.n_locations, bridge.MOST_LOCATIONS)
    own = network_means(run.encoding.r_heldout[sampled], bench.table)
    np.testing.assert_allclose(r, own, atol=0.01)  # the courses are read again from the loadings
    values = np.concatenate([one.values for one in read])
    np.testing.assert_allclose(bench.means, values.mean(0), atol=1e-5)


def test_the_baseline_goes_the_same_walk(data, tmp_path):
    """Features of both stories, each on its own clock: the first rows are those of the first story alone."""
    workspace, baseline = archive.open_store(tmp_path), ExtractConfig("low-level")
    first = RecordingConfig("narratives-lucy", subjects=(1, 3, 4))
    both, alone = (
        pipeline.walk(small_config(recording=one, extract=baseline), workspace, data=data)
        for one in (BOTH, first)
    )
    n = alone.dictionary.n_trs
    r = np.corrcoef(both.dictionary.atoms[:n, 1], alone.dictionary.atoms[:, 1])[0, 1]
    assert r > 0.99999 and both.dictionary.n_trs > n + 60
    assert both.dictionary.names[0] == "word rate" and len(both.recording.stories) == 2


@needs_minilm
def test_layers_are_asked_of_several_stories(walked):
    """The curve's only layer is the whole run: the same folds over stories give its held-out r."""
    workspace, run = walked
    config = LayersConfig(run.id, "layer", n_seeds=2, n_surrogates=19)
    curve, _ = follow_ups.layer_answers(config, workspace)
    sampled = null_locations(run.recording.n_locations, config.max_locations)
    assert curve.rows["r"][0] == pytest.approx(run.encoding.r_heldout[sampled].mean(), abs=0.02)


@needs_minilm
def test_neurons_are_anchored_on_the_rows_of_every_story(walked):
    """The largest r of a neuron, by hand from the TRs of both stories."""
    workspace, run = walked
    found = follow_ups.anchors(AnchorsConfig(run.id, n_surrogates=100), workspace)
    entries = archive.known_record(run.id, workspace).entries
    values = workspace.results.get(entries["responses"]).values[:, 7]
    rows = run.dictionary.trs + run.encoding.map_delay
    brain = run.recording.bold.mean(0)[rows]
    inside = run.atlas.labels == found.network[7] + 1
    course = brain[:, run.recording.vertex_location[inside]].mean(1)
    parts = [course[run.dictionary.rows.labels == story] for story in (0, 1)]
    course = np.concatenate([timing.zscore(part) for part in parts])
    assert np.corrcoef(values, course)[0, 1] == pytest.approx(found.r[7], abs=1e-4)


def test_the_command_line_takes_more_stories(capsys):
    """--also, as often as there are more; the form writes the same command; a check is of one story."""
    given = ["run", "--recording", "lpp-en", "--section", "2", "--also", "lpp-en:3", "--also", "lpp-en:9"]
    wanted = RecordingConfig("lpp-en", section=2, also=("lpp-en:3", "lpp-en:9"))
    assert __main__._recording_config(__main__._parser().parse_args(given)) == wanted
    assert "--also lpp-en:3 --also lpp-en:9" in run_command([RunConfig(recording=wanted)])
    assert __main__.main(["check", *given[1:]]) == 2
    assert "one story: check each by itself" in capsys.readouterr().err
