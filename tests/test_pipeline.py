"""pipeline.py: a whole walk, remembered step by step, and what finished runs say."""

import dataclasses
import shutil

import numpy as np
import pytest

from brainlike_core import archive, heard_words, inventory, model_steps, pipeline
from brainlike_core.config import (
    EncodingConfig,
    ExtractConfig,
    MatchConfig,
    OrganizationConfig,
    RecordingConfig,
)
from brainlike_core.errors import (
    AtlasError,
    CancelledError,
    ConfigError,
    DamagedEntryError,
    ModelError,
    RecordingError,
    UnknownNameError,
)
from brainlike_core.science import encoding
from brainlike_core.values import RunRecord
from tests.small_world import (
    N_SUBJECTS,
    assert_same,
    damage,
    digests,
    needs_minilm,
    small_config,
    watch_computing,
    write_pieman,
)

WALK = ["recording", "extract", "responses", "dictionary", "encoding", "match", "organization", "equal_size"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a small Pie Man."""
    return write_pieman(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def walked(data, tmp_path_factory):
    """A store, the run that was walked in it, and the steps that were computed."""
    workspace = archive.open_store(tmp_path_factory.mktemp("walked"))
    with pytest.MonkeyPatch.context() as patch:
        computed = watch_computing(patch)
        run = pipeline.walk(small_config(), workspace, data=data)
    return workspace, run, computed


@pytest.fixture
def own(walked, tmp_path):
    """A copy of that store, to be spoilt."""
    shutil.copytree(walked[0].folder, tmp_path / "cache")
    return archive.open_store(tmp_path / "cache")


def keys(workspace):
    """Step -> key of the only run."""
    (key,) = workspace.runs
    return dict(workspace.runs.get(key).entries)


# -- what is remembered -------------------------------------------------------------


@needs_minilm
def test_first_walk_computes_each_step_once(walked):
    """Each step in order, a result of each and one record."""
    workspace, run, computed = walked
    assert computed == WALK and list(run.seconds) == WALK
    assert len(list(workspace.results)) == len(WALK) + 1 and len(list(workspace.runs)) == 1
    assert set(keys(workspace).values()) == set(workspace.results)


@needs_minilm
def test_second_walk_computes_nothing(walked, data, monkeypatch):
    """The store is left byte for byte as it was, and the run is the same."""
    workspace, run, _ = walked
    before, records = digests(workspace), list(workspace.runs)
    computed = watch_computing(monkeypatch)
    again = pipeline.walk(small_config(), workspace, data=data)
    assert computed == [] and digests(workspace) == before and list(workspace.runs) == records
    assert_same(again, run)


@needs_minilm
def test_results_fit_each_other(walked):
    """One layer of 384 neurons, six atoms, four listeners; the story starts 8 TRs in (6 s after word one)."""
    _, run, _ = walked
    assert (run.dictionary.n_neurons, run.dictionary.n_atoms, run.dictionary.first_tr) == (384, 6, 8)
    assert run.recording.n_subjects == N_SUBJECTS and run.encoding.n_locations == 293
    assert run.encoding.weights.shape == (N_SUBJECTS, 6, 293)
    assert run.correspondence.dice.shape == (2, 6, run.atlas.n_networks)
    assert len(run.correspondence.n_links_fake) == 5 and len(run.encoding.null_means) == 19
    assert run.recovery is None and run.config == small_config()


@needs_minilm
@pytest.mark.parametrize(
    ("part", "field", "value", "follows"),
    [
        (
            "recording",
            "subjects",
            (1, 2, 3),
            ["recording", "encoding", "match", "organization", "equal_size"],
        ),
        ("recording", "seed", 1, []),  # seed of the simulation
        ("extract", "layers", (0,), WALK[1:]),
        ("extract", "seed", 1, []),  # seed of random weights
        ("responses", "edge_s", 9.0, WALK[2:]),
        ("dictionary", "penalty", 0.2, WALK[3:]),
        ("encoding", "delays", (0, 1), WALK[2:]),  # a shorter delay leaves more rows of the story
        ("encoding", "n_surrogates", 20, WALK[4:]),
        ("match", "n_spins", 41, WALK[5:]),
        ("match", "atlas", "yeo7", WALK[5:]),
        ("organization", "seed", 1, ["organization"]),
        ("organization", "block_s", 20.0, WALK[6:]),
        ("equal_size", "n_neurons", 90, ["equal_size"]),
    ],
)
def test_one_setting_recomputes_only_what_follows(own, data, monkeypatch, part, field, value, follows):
    """Every run has its own id; what comes before the setting is read."""
    config = small_config()
    config = dataclasses.replace(
        config, **{part: dataclasses.replace(getattr(config, part), **{field: value})}
    )
    computed = watch_computing(monkeypatch)
    other = pipeline.walk(config, own, data=data)
    assert computed == follows
    assert other.id == config.id != small_config().id and other.config == config


@needs_minilm
def test_a_story_too_long_word_by_word_gives_the_same_responses(walked, data, tmp_path, monkeypatch):
    """Averaged to TRs inside the model: one row per TR is kept, and the regressors agree within 1e-5."""
    monkeypatch.setattr(model_steps, "WORD_BYTES", 0)
    workspace = archive.open_store(tmp_path / "cache")
    pipeline.walk(small_config(), workspace, data=data)
    by_tr, by_word = (
        {step: store.results.get(keys(store)[step]) for step in ("extract", "responses")}
        for store in (workspace, walked[0])
    )
    assert (by_tr["extract"].clock, by_word["extract"].clock) == ("tr mean", "word")
    assert len(by_tr["extract"].values) < len(by_word["extract"].values)
    assert by_tr["responses"].first_tr == by_word["responses"].first_tr == 8
    assert np.abs(by_tr["responses"].values - by_word["responses"].values).max() <= 2e-5


@needs_minilm
def test_other_listening_data_are_a_new_question(own, data, tmp_path, monkeypatch):
    """One word spelt otherwise in the transcript: every step again, and the record follows."""
    shutil.copytree(data, tmp_path / "data")
    transcript = tmp_path / "data" / "pieman" / "align.csv"
    transcript.write_text(transcript.read_text().replace("keeper", "farmer", 1))
    before = keys(own)
    computed = watch_computing(monkeypatch)
    run = pipeline.walk(small_config(), own, data=tmp_path / "data")
    assert computed == WALK and "farmer" in run.story.words
    assert all(keys(own)[step] != before[step] for step in WALK)


@needs_minilm
def test_moved_data_are_the_same_question(own, data, tmp_path, monkeypatch):
    """Content counts, not where it lies."""
    shutil.copytree(data / "pieman", tmp_path / "elsewhere")
    computed = watch_computing(monkeypatch)
    pipeline.walk(small_config(), own, data=tmp_path / "elsewhere")
    assert computed == []


@needs_minilm
def test_same_seed_same_bits(walked, data, tmp_path):
    """A second store has the same keys, and the same SHA-256 of every file."""
    workspace, run, _ = walked
    second = archive.open_store(tmp_path)
    again = pipeline.walk(small_config(), second, data=data)
    mine = digests(workspace)
    assert digests(second) == {key: mine[key] for key in keys(second).values()}
    assert_same(dataclasses.replace(again, seconds={}), dataclasses.replace(run, seconds={}))


@needs_minilm
def test_another_seed_changes_the_results(walked, own, data):
    """The seed of the spins moves p, and leaves what was observed alone."""
    run = walked[1]
    config = small_config(match=MatchConfig(n_spins=40, n_fakes=5, seed=1))
    other = pipeline.walk(config, own, data=data)
    np.testing.assert_array_equal(other.correspondence.dice, run.correspondence.dice)
    assert (other.correspondence.p_spin != run.correspondence.p_spin).any()


@needs_minilm
@pytest.mark.parametrize("null", ["spin", "centroid", "variogram"])
def test_another_null_of_parcels_moves_p_alone(walked, own, data, null, monkeypatch):
    """The networks move among parcels instead of vertices: matching and what follows are computed, Dice stay."""
    run, computed = walked[1], watch_computing(monkeypatch)
    other = pipeline.walk(small_config(match=MatchConfig(n_spins=40, n_fakes=5, null=null)), own, data=data)
    assert computed == ["match", "organization", "equal_size"]
    np.testing.assert_array_equal(other.correspondence.dice, run.correspondence.dice)
    assert (other.correspondence.p_spin != run.correspondence.p_spin).any()


@needs_minilm
def test_model_in_a_folder_gives_the_numbers_of_its_wheel(walked, own, data, tmp_path):
    """The same files under another name: another run, equal neurons."""
    from brainlike_core.sources import model_catalogue

    run = walked[1]
    files = model_catalogue.wheel_paths(model_catalogue.model_card("minilm-l6"))
    for file in files:
        shutil.copy(file, tmp_path)
    config = small_config(extract=ExtractConfig(str(tmp_path), layers=(1,)))
    other = pipeline.walk(config, own, data=data)
    assert other.id != run.id
    assert_same(other.dictionary, run.dictionary)


@needs_minilm
def test_simulated_recording_is_compared_with_its_plant(tmp_path, monkeypatch):
    """Recovery comes last, and only where the plant's own atlas is asked for."""
    workspace = archive.open_store(tmp_path)
    # 20,484 locations: one delay, one penalty and a coarse gate keep the encoding short
    monkeypatch.setattr(encoding, "GATE_COPIES", 50)
    quick = EncodingConfig(
        n_folds=2, n_inner_folds=2, delays=(3,), penalties=(1.0,), n_surrogates=19, max_null_locations=24
    )
    parts = {"recording": RecordingConfig("simulated", (1, 2, 3)), "encoding": quick}
    run = pipeline.walk(small_config(**parts), workspace)
    assert run.recovery is not None and len(run.recovery.table) > 5
    assert list(run.seconds) == [*WALK, "recovery"] and run.recording.subjects[2] == "sim-03"
    computed = watch_computing(monkeypatch)
    other = pipeline.walk(small_config(**parts, match=MatchConfig("yeo7", n_spins=40, n_fakes=5)), workspace)
    assert computed == ["match", "organization", "equal_size"] and other.recovery is None


# -- progress -----------------------------------------------------------------------


@needs_minilm
def test_progress_of_a_known_walk(walked, data):
    """Each step says 0 and 1, in order."""
    seen = []
    pipeline.walk(small_config(), walked[0], data=data, progress=lambda *said: seen.append(said))
    assert seen == [(step, fraction) for step in WALK for fraction in (0.0, 1.0)]


@needs_minilm
def test_stopping_leaves_no_record(walked, data, tmp_path):
    """A walk that was stopped is not a finished run."""
    workspace = archive.open_store(tmp_path)

    def stop(step, fraction):
        if step == "extract":
            raise CancelledError("Enough")

    with pytest.raises(CancelledError):
        pipeline.walk(small_config(), workspace, data=data, progress=stop)
    assert archive.finished_runs(workspace) == [] and len(list(workspace.results)) == 1


# -- refusals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "kind", "sentence"),
    [
        ({"match": MatchConfig("yeo8")}, UnknownNameError, "did you mean yeo7"),
        ({"extract": ExtractConfig("minilm-16")}, UnknownNameError, "did you mean minilm-l6"),
        ({"extract": ExtractConfig("a b")}, ModelError, "Not a model name"),
        ({"extract": ExtractConfig("./nowhere")}, ModelError, "No such model folder"),
        ({"recording": RecordingConfig("pie-man")}, UnknownNameError, "did you mean pieman"),
        ({"recording": RecordingConfig("pieman", (5,))}, RecordingError, "found position 5, needed 1 to 4"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_stored(data, tmp_path, parts, kind, sentence):
    """One sentence, and an empty store."""
    workspace = archive.open_store(tmp_path)
    with pytest.raises(kind, match=sentence):
        pipeline.walk(small_config(**parts), workspace, data=data)
    assert list(workspace.results) == [] == list(workspace.runs)


def test_data_folder_without_the_recording(tmp_path):
    """The folder that was named is in the sentence."""
    with pytest.raises(RecordingError, match=f"no timeseries/.* in {tmp_path}"):
        pipeline.walk(small_config(), archive.open_store(tmp_path / "cache"), data=tmp_path)


def test_a_null_of_parcels_refuses_vertices(tmp_path, monkeypatch):
    """As soon as the recording is known, before the model is read."""
    computed = watch_computing(monkeypatch)
    config = small_config(recording=RecordingConfig("simulated", (1,)), match=MatchConfig(null="variogram"))
    with pytest.raises(AtlasError, match="found 20484 locations, needed at most 2000"):
        pipeline.walk(config, archive.open_store(tmp_path))
    assert computed == ["recording"]


@needs_minilm
def test_layer_that_the_model_lacks(own, data):
    """What was known before stays; nothing is added."""
    before = digests(own)
    with pytest.raises(ConfigError, match="needed numbers from 0 to 5"):
        pipeline.walk(small_config(extract=ExtractConfig("minilm-l6", layers=(6,))), own, data=data)
    assert digests(own) == before


@needs_minilm
def test_two_listeners_make_no_group_map(data, tmp_path):
    """At least three are needed."""
    config = small_config(recording=RecordingConfig("pieman", (1, 2)))
    with pytest.raises(RecordingError, match="2 subjects"):
        pipeline.walk(config, archive.open_store(tmp_path), data=data)


# -- finished runs ------------------------------------------------------------------


@needs_minilm
def test_loaded_run_equals_the_walked_one(walked, own):
    """From a store opened anew."""
    run = walked[1]
    assert_same(archive.load_run(run.id, own), run)


@needs_minilm
def test_finished_runs_newest_first(own):
    """With id, label, config and time."""
    (one,) = archive.finished_runs(own)
    assert (one.id, one.label) == (small_config().id, "minilm-l6 · pieman") and one.config == small_config()
    _record_as(own, small_config(organization=OrganizationConfig(seed=9)), "2999-01-01T00:00:00+00:00")
    assert [run.utc[:4] for run in archive.finished_runs(own)] == ["2999", one.utc[:4]]


def _record_as(workspace, config, utc):
    """A second record with the results of the first."""
    (key,) = workspace.runs
    record = workspace.runs.get(key)
    fields = dataclasses.asdict(config)
    again = RunRecord(config.id, config.label, fields, record.entries, record.seconds, utc)
    workspace.runs.put(archive.record_question(config.id), again)


@needs_minilm
def test_a_run_is_found_by_the_start_of_its_id(own):
    """Unknown and ambiguous beginnings are counted in the sentence."""
    run_id = small_config().id
    assert archive.find_run(run_id[:6], own) == run_id == archive.find_run(run_id, own)
    with pytest.raises(UnknownNameError, match=r"found 'xyz' \(0 of 1 finished runs start so\)"):
        archive.find_run("xyz", own)
    _record_as(own, small_config(organization=OrganizationConfig(seed=9)), "2999-01-01T00:00:00+00:00")
    with pytest.raises(UnknownNameError, match=r"found '' \(2 of 2 finished runs start so\)"):
        archive.find_run("", own)
    assert archive.find_run(run_id[:12], own) == run_id


def test_a_run_that_was_never_walked(tmp_path):
    """Loading it says so."""
    with pytest.raises(UnknownNameError, match="needed a finished run; run it first"):
        archive.load_run("0" * 64, archive.open_store(tmp_path))


@needs_minilm
def test_a_pruned_step_is_named(own, data, monkeypatch):
    """The sentence says which, and running again computes only that one."""
    own.results.remove(keys(own)["encoding"])
    with pytest.raises(RecordingError, match="Step 'encoding' of run .* run it again: only what is missing"):
        archive.load_run(small_config().id, own)
    computed = watch_computing(monkeypatch)
    pipeline.walk(small_config(), own, data=data)
    assert computed == ["encoding"]


# -- damage -------------------------------------------------------------------------


@needs_minilm
@pytest.mark.parametrize("step", WALK)
def test_a_damaged_result_is_named_and_mended(walked, own, data, monkeypatch, step):
    """verify names it, no one reads it, and the same walk computes it once more and ends right."""
    key = keys(own)[step]
    damage(own, key)
    assert archive.verify(own).damaged == (key,)
    if step not in ("extract", "responses"):  # not part of what a finished run shows
        with pytest.raises(DamagedEntryError, match=f"{key[:12]} is damaged"):
            archive.load_run(small_config().id, own)
    computed = watch_computing(monkeypatch)
    with pytest.warns(RuntimeWarning, match="set aside and computed again"):
        again = pipeline.walk(small_config(), own, data=data)
    assert computed == [step] and archive.verify(own).damaged == ()
    assert_same(dataclasses.replace(again, seconds={}), dataclasses.replace(walked[1], seconds={}))
    assert digests(own)[key] == digests(walked[0])[key]


@needs_minilm
def test_a_damaged_record_is_left_out_and_mended(own, data, monkeypatch):
    """The list does not fail; running again writes the record and computes nothing."""
    (key,) = own.runs
    (own.runs.folder / "entries" / key[:2] / key / "manifest.json").write_text("{}")
    assert archive.verify(own).damaged == (key,) and archive.finished_runs(own) == []
    computed = watch_computing(monkeypatch)
    pipeline.walk(small_config(), own, data=data)
    assert computed == [] and archive.verify(own).damaged == ()
    assert [run.id for run in archive.finished_runs(own)] == [small_config().id]


def test_a_record_of_another_version_is_no_finished_run(tmp_path):
    """Its steps are not those of today: left out of the list, unknown when asked for, replaced by the next run."""
    workspace = archive.open_store(tmp_path)
    config = small_config()
    archive.write_record(config, {"recording": "0" * 64, "match": "1" * 64}, {}, workspace)
    assert archive.finished_runs(workspace) == []
    with pytest.raises(UnknownNameError, match="run it first"):
        archive.load_run(config.id, workspace)
    entries = {step: "2" * 64 for step in [*WALK, "atlas"]}
    archive.write_record(config, entries, {}, workspace)
    assert [run.id for run in archive.finished_runs(workspace)] == [config.id]


# -- what there is, and words ---------------------------------------------------------


def test_catalogue_lists_everything(data, tmp_path):
    """Pie Man is here only where its folder is; every entry has a name and a title."""
    found = inventory.catalogue(data)
    first = [(e["name"], e["here"]) for e in found["recordings"][:2]]
    assert first == [("simulated", True), ("pieman", True)]
    assert not inventory.catalogue(tmp_path)["recordings"][1]["here"]
    assert {"minilm-l6", "smollm2-135m"} <= {e["name"] for e in found["models"]}
    assert {"eg17", "yeo7", "yeo17"} <= {e["name"] for e in found["atlases"]}
    assert all(e["title"] for kind in found.values() for e in kind)


def test_data_folder_is_the_named_one_or_the_first_that_fits(data, tmp_path, monkeypatch):
    """Nothing named: data, ../data, ../shared/data, or none."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert inventory.data_folder("named") == "named" and inventory.data_folder(None) is None
    shutil.copytree(data, tmp_path / "data")
    assert inventory.data_folder(None) == str(tmp_path / "here" / "../data")


@needs_minilm
def test_activity_of_words_is_that_of_the_atom_5_s_later(walked):
    """Word one starts at 6 s: 11 s is TR 7, before the first row. Word three starts at 7.4 s: TR 8, row 0."""
    _, run, _ = walked
    table = heard_words.word_activity(run, 2)
    atom = run.dictionary.atoms[:, 2].astype(float)
    assert np.isnan(table["activity"][:2]).all()
    assert table["activity"][2] == pytest.approx((atom[0] - atom.mean()) / atom.std(), abs=1e-5)
    assert tuple(table["word"]) == run.story.words


@needs_minilm
def test_top_words_are_the_peaks_of_separate_passages(walked):
    """Falling activity, onsets more than 6 s apart, each word within its context."""
    _, run, _ = walked
    top, every = heard_words.top_words(run, 0, 4), heard_words.word_activity(run, 0)["activity"]
    assert top["activity"][0] == every.max() and top["activity"].is_monotonic_decreasing
    assert np.diff(np.sort(top["onset"])).min() > 6 and len(top) == 4
    assert all(word in context.split() for word, context in zip(top["word"], top["context"], strict=True))
