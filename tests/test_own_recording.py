"""A recording of one's own through the whole walk: a folder as fMRIPrep writes it, with a planted signal."""

import json

import nibabel
import numpy as np
import pytest
from scipy.spatial import cKDTree

from brainlike_core import archive, inventory
from brainlike_core.__main__ import main
from brainlike_core.config import RecordingConfig
from brainlike_core.errors import RecordingError, StoryError, UnknownNameError
from brainlike_core.science.recovery import recover
from brainlike_core.sources import located
from brainlike_core.sources.public_recordings import LPP_TRS
from tests.small_study import TR as TABLE_TR
from tests.small_study import write_study
from tests.small_world import needs_minilm
from tests.sources.test_public_recordings import write_listener, write_run

TR, N_SUBJECTS = 1.1, 6
AFFINE = np.array([[8.0, 0, 0, -76], [0, 8, 0, -110], [0, 0, 8, -74], [0, 0, 0, 1]])
SHAPE = (20, 25, 22)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Derivatives of six listeners of our own story, a label volume, the transcript; and the truth."""
    from brainlike_core.sources.simulation import simulate

    folder = tmp_path_factory.mktemp("study")
    simulated, story, truth = simulate(subjects=(1,))
    labels, networks = _parcels()
    nibabel.save(nibabel.Nifti1Image(labels, AFFINE), folder / "parcels.nii.gz")
    signal = _planted(truth, networks)  # (n_trs, n_parcels)
    rng = np.random.default_rng(0)
    for s in range(1, N_SUBJECTS + 1):
        _write_listener(folder / "fmriprep", f"sub-{s:02d}", signal, labels, rng)
    rows = zip(story.onsets - 3.0, story.offsets - 3.0, story.words, strict=True)
    lines = [f"{onset:.3f}\t{offset:.3f}\t{word}" for onset, offset, word in rows]
    (folder / "story.tsv").write_text("onset\toffset\tword\n" + "\n".join(lines))
    return folder, truth, simulated.n_trs, signal.std(0) > 0.5


def _parcels():
    """Cubes of cortex: each voxel near the surface takes the Schaefer parcel of its nearest vertex."""
    mesh, regions, atlas = inventory.surface(), inventory.regions(), inventory.atlas("eg17")
    voxels = np.argwhere(np.ones(SHAPE, bool))
    distance, vertex = cKDTree(mesh.pial).query(voxels @ AFFINE[:3, :3] + AFFINE[:3, 3])
    labels = np.where(distance < 7, regions.labels[vertex], 0).reshape(SHAPE)
    kept, numbers = np.unique(labels, return_inverse=True)
    share = [
        np.bincount(atlas.labels[regions.labels == k], minlength=atlas.n_networks + 1) for k in kept if k
    ]
    return numbers.reshape(SHAPE).astype(np.int16), np.argmax(share, axis=1)


def _planted(truth, networks):
    """Each network's parcels follow their planted patterns: (n_trs, n_parcels)."""
    names = inventory.atlas("eg17").networks
    signal = np.zeros((truth.patterns.shape[1], len(networks)))
    for effect in truth.table.itertuples():
        sign = 1 if effect.sign == "+" else -1
        pattern = truth.patterns[truth.names.index(effect.pattern)]
        signal[:, networks == names.index(effect.network) + 1] += sign * pattern[:, None]
    return signal / np.maximum(signal.std(0), 1e-9)


def _write_listener(folder, subject, signal, labels, rng):
    """Signal, noise of its own, and a drift and a motion trace that the confounds table holds."""
    motion = np.cumsum(rng.standard_normal(len(signal)))
    motion = (motion - motion.mean()) / motion.std()
    series = signal * (signal.std(0) > 0.5) + rng.standard_normal(signal.shape)
    series = 1000 + 10 * series + 30 * motion[:, None] + 0.1 * np.arange(len(signal))[:, None]
    volumes = np.zeros((*SHAPE, len(signal)), np.float32)
    volumes[labels > 0] = series.T[labels[labels > 0] - 1]
    func = folder / subject / "func"
    func.mkdir(parents=True)
    stem = f"{subject}_task-clock"
    image = nibabel.Nifti1Image(volumes, AFFINE)
    image.header.set_zooms((8, 8, 8, TR))
    image.header.set_xyzt_units("mm", "sec")
    bold = func / f"{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold"
    nibabel.save(image, f"{bold}.nii.gz")
    bold.with_suffix(".json").write_text(json.dumps({"RepetitionTime": TR, "SkullStripped": False}))
    names = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    columns = {name: motion if name == "trans_x" else rng.standard_normal(len(motion)) for name in names}
    columns |= {"white_matter": rng.standard_normal(len(motion)), "csf": rng.standard_normal(len(motion))}
    columns |= {f"{n}{end}": np.gradient(columns[n]) for n in names for end in ("_derivative1",)}
    columns |= {f"{n}_power2": columns[n] ** 2 for n in names}
    columns |= {f"{n}_derivative1_power2": columns[f"{n}_derivative1"] ** 2 for n in names}
    table = np.stack(list(columns.values()), 1)
    lines = ["\t".join(columns)] + ["\t".join(f"{v:.6f}" for v in row) for row in table]
    (func / f"{stem}_desc-confounds_timeseries.tsv").write_text("\n".join(lines))
    (func / f"{stem}_desc-confounds_timeseries.json").write_text("{}")


@needs_minilm
def test_a_folder_as_fmriprep_writes_it_recovers_its_plant(study, tmp_path, capsys):
    """`run --recording PATH --story FILE`: confounds out, clock shifted by 3 s, planted networks found."""
    folder, truth, n_trs, planted = study
    options = ["--recording", folder / "fmriprep", "--story", folder / "story.tsv", "--story-onset", 3.0]
    options += ["--parcels", folder / "parcels.nii.gz", "--high-pass", 0.01, "--low-pass", 0.12]
    options += ["--model", "minilm-l6", "--spins", 1000, "--cache", tmp_path, "--json"]
    assert main(["run", *map(str, options)]) == 0
    (numbers,) = json.loads(capsys.readouterr().out)["runs"]
    assert numbers["n_subjects"] == N_SUBJECTS and numbers["encoding"]["r_heldout_mean_p"] < 0.01
    run = archive.load_run(numbers["id"], archive.open_store(tmp_path))
    assert run.recording.n_trs == n_trs and run.recording.pass_band == (0.01, 0.12)
    found = recover(truth, run.dictionary, run.correspondence, TR, run.recording.pass_band)
    assert found.p < 0.05 and found.n_links_planted == found.n_links > 0
    # Parcels without a plant hold noise, drift and motion: what cleaning left of these is not predicted.
    assert run.encoding.r_heldout[planted].mean() > 0.4
    assert abs(run.encoding.r_heldout[~planted].mean()) < 0.1


def test_the_check_of_that_folder_shows_a_clock_that_is_wrong(study, tmp_path, capsys):
    """The transcript's own zero lies 3 s early: words begin before the story on the scan clock."""
    folder, *_ = study
    options = [
        "--recording",
        folder / "fmriprep",
        "--story",
        folder / "story.tsv",
        "--cache",
        tmp_path,
        "--json",
    ]
    assert (
        main(["check", *map(str, [*options, "--parcels", folder / "parcels.nii.gz", "--story-onset", 3.0])])
        == 0
    )
    facts = {fact["fact"]: fact for fact in json.loads(capsys.readouterr().out)["facts"]}
    assert facts["Words inside the scan"]["state"] == "good"
    assert facts["Constant time series"]["value"].startswith("0 of")


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        (RecordingConfig("piemann"), UnknownNameError, "did you mean pieman"),
        (RecordingConfig("/nowhere/at/all", story="s.csv"), RecordingError, "no folder '/nowhere/at/all'"),
        (RecordingConfig("."), StoryError, "name it with --story"),
        (RecordingConfig("lpp-en"), RecordingError, "fetch lpp-en"),
        (RecordingConfig("narratives-lucy"), RecordingError, "fetch narratives-lucy"),
    ],
)
def test_recordings_that_cannot_be_had(config, kind, words, tmp_path):
    """One sentence that says what to do."""
    with pytest.raises(kind, match=words):
        located.locate(config, tmp_path)


def test_narratives_lie_on_the_story_clock(tmp_path):
    """Word times of the transcript plus the onset of the events, 2 s; all listeners of the folder."""
    for i, subject in enumerate(("sub-026", "sub-054", "sub-060")):
        write_listener(tmp_path / "narratives", subject, seed=i, n=40)
    words = tmp_path / "narratives" / "stimuli" / "gentle" / "lucy" / "align.csv"
    words.parent.mkdir(parents=True)
    words.write_text("So,so,1.0,1.5\nit,it,1.5,2.0\nbegan,began,2.5,3.0\n")
    found = located.locate(RecordingConfig("narratives-lucy", subjects=(1, 3)), tmp_path)
    recording, story = found.load()
    assert recording.subjects == ("sub-026", "sub-060") and story.onsets.tolist() == [3.0, 3.5, 4.5]
    assert story.title == "Lucy (Narratives)" and found.settings["subjects"] == [1, 3]


def test_le_petit_prince_comes_by_section(tmp_path):
    """Section 2 of the listener's second run, with the words of section 2."""
    home = tmp_path / "lpp-en"
    for run, n in ((7, LPP_TRS[0]), (9, LPP_TRS[1])):
        write_run(home, "sub-EN058", run, n)
    words = home / "annotation" / "EN" / "lppEN_word_information.csv"
    words.parent.mkdir(parents=True)
    rows = [("Once", 0.2, 0.5, 1), ("when", 0.5, 0.9, 1), ("That", 0.1, 0.4, 2), ("doesnt", 0.4, 0.8, 2)]
    words.write_text("word,onset,offset,section\n" + "\n".join(",".join(map(str, row)) for row in rows))
    recording, story = located.locate(RecordingConfig("lpp-en", section=2), tmp_path).load()
    assert (recording.n_trs, recording.tr) == (LPP_TRS[1], 2.0)
    assert story.words == ("That", "doesnt") and story.title == "The Little Prince, 2"


def test_changed_files_are_a_new_question(tmp_path):
    """One byte more in one file; names count, order does not."""
    one, two = tmp_path / "a.npy", tmp_path / "b.npy"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    before = located.files_digest([one, two])
    assert located.files_digest([two, one]) == before
    two.write_bytes(b"22")
    assert located.files_digest([one, two]) != before


def test_tables_without_a_tr_are_refused(tmp_path):
    """A table does not say how long a row is."""
    np.save(tmp_path / "sub-1.npy", np.zeros((10, 3)))
    (tmp_path / "story.txt").write_text("a b c")
    config = RecordingConfig(str(tmp_path), story=str(tmp_path / "story.txt"), words_per_minute=120)
    with pytest.raises(RecordingError, match="set it with --tr"):
        located.locate(config, None).load()


def check(study, cache, capsys, *more):
    """What `check --json` prints for the small study."""
    options = [
        "--recording",
        study.tables,
        "--story",
        study.story,
        "--tr",
        TABLE_TR,
        "--cache",
        cache,
        "--json",
    ]
    assert main(["check", *map(str, [*options, *more])]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_sound_on_the_clock_of_its_words(tmp_path, capsys):
    """Its curve stands beside that of speech, with a null of its own; without --audio there is none."""
    study = write_study(tmp_path)
    found = check(study, tmp_path / "cache", capsys, "--audio", study.sound)
    assert found["state"] == "good" and found["sentence"].startswith("The story fits the recording")
    assert (
        len(found["audio"]["r"]) == len(found["lags_s"])
        and max(found["audio"]["r"]) > found["audio"]["null_r"]
    )
    assert found["sound"]["lag_s"] == 0 and max(found["sound"]["r"]) > found["sound"]["null_r"]
    assert "audio" not in check(study, tmp_path / "cache", capsys)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--audio-onset", 3), "with the sound 3.0 s earlier (r 1.00); they are on different clocks"),
        (
            ("--story-onset", 3, "--audio-onset", 0),
            "with the sound 3.0 s later (r 1.00); they are on different clocks",
        ),
        (("--story-onset", 3), "speech fits the brain best at -3.0 s"),
    ],
)
def test_a_clock_that_is_3_s_off_says_so(tmp_path, capsys, options, words):
    """The sound late, the words late, or both: one sentence with the shift."""
    study = write_study(tmp_path)
    found = check(study, tmp_path / "cache", capsys, "--audio", study.sound, *options)
    assert found["state"] == "bad" and words in found["sentence"]


def test_a_sound_that_is_none_is_refused_before_the_recording_is_read(tmp_path, capsys):
    """A transcript is no WAV file: exit status 2, and nothing stored."""
    study = write_study(tmp_path)
    options = [
        "--recording",
        study.tables,
        "--story",
        study.story,
        "--audio",
        study.story,
        "--cache",
        tmp_path / "c",
    ]
    assert main(["check", *map(str, options)]) == 2
    assert "no WAV header" in capsys.readouterr().err
    assert not list((tmp_path / "c" / "results" / "entries").iterdir())
