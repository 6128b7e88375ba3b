"""Narratives and Le Petit Prince, in small files of their own layout: clocks, runs, exclusions, refusals by name."""

import gzip
import time

import nibabel
import numpy as np
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage

from brainlike_core.errors import RecordingError, UnknownNameError
from brainlike_core.science import timing
from brainlike_core.sources import public_recordings
from brainlike_core.sources.cleaning import clean
from brainlike_core.sources.public_recordings import (
    LPP_TRS,
    excluded_scans,
    load_lpp,
    load_narratives,
    narratives_stories,
)
from brainlike_core.sources.spaces import cortex_vertices

N, N6, T = 10_242, 40_962, 60


def narratives_values(seed, n=T):
    """Two halves of fsaverage6: 20 patterns repeated over vertices."""
    patterns = np.random.default_rng(seed).normal(size=(n, 20)).astype(np.float32)
    return [patterns[:, (np.arange(N6) + side) % 20] for side in (0, 7)]


def write_listener(home, subject, story="lucy", run="", seed=0, n=T, onset="2.0", sides="LR"):
    """Both halves (an array per TR) and the events of one listener."""
    func = home / subject / "func"
    func.mkdir(parents=True, exist_ok=True)
    stem = f"{subject}_task-{story}{run}"
    for side, values in zip("LR", narratives_values(seed, n), strict=True):
        if side in sides:
            image = GiftiImage(
                darrays=[GiftiDataArray(row, encoding="GIFTI_ENCODING_B64BIN") for row in values]
            )
            nibabel.save(image, func / f"{stem}_space-fsaverage6_hemi-{side}_desc-clean.func.gii")
    (func / f"{stem}_events.tsv").write_text(
        f"onset\tduration\ttrial_type\n{onset}\t541.5\tstory\n600\t3\tend\n"
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two listeners of Lucy and one whom the authors leave out."""
    home = tmp_path_factory.mktemp("data") / "narratives"
    for i, subject in enumerate(("sub-026", "sub-053", "sub-054")):
        write_listener(home, subject, seed=i)
    return home


# ---------------------------------------------------------------- Narratives


def test_narratives_on_one_clock(whole):
    """fsaverage5's own vertices, TR 1.5 s, the story's onset in seconds; excluded listeners left out."""
    recording, onset = load_narratives(whole, "lucy")
    assert recording.subjects == ("sub-026", "sub-054") and onset == 2.0
    assert (recording.name, recording.tr, recording.space) == ("narratives-lucy", 1.5, "fsaverage5")
    np.testing.assert_array_equal(recording.vertex_location, cortex_vertices())
    left, right = narratives_values(2)
    series = np.concatenate([left[:, :N], right[:, :N]], axis=1)
    expected, _ = clean(series[:, ::500], 1.5, high_pass=1 / 128)
    np.testing.assert_allclose(recording.bold[1][:, ::500], expected, atol=1e-4)


def test_the_filter_is_that_of_the_data(whole):
    """Cosines of 128 s were regressed out, so the pass band starts there, whatever is asked for."""
    recording, _ = load_narratives(whole, "lucy", ["026"], high_pass=0.0)
    assert recording.pass_band == (1 / 128, 1 / 3)
    again = timing.zscore(timing.band_pass(recording.bold[0][:, ::999], 1.5, recording.pass_band))
    np.testing.assert_allclose(again, recording.bold[0][:, ::999], atol=1e-4)
    assert load_narratives(whole, "lucy", [1], high_pass=0.02, low_pass=0.1)[0].pass_band == (0.02, 0.1)


def test_the_parent_folder_is_accepted_and_subjects_chosen(whole):
    """By name or position, in the order asked for; excluded ones only on demand."""
    assert load_narratives(whole.parent, "lucy", ["sub-054", 1])[0].subjects == ("sub-054", "sub-026")
    assert load_narratives(whole, "lucy", ["053"], with_excluded=True)[0].subjects == ("sub-053",)
    with pytest.raises(RecordingError, match="no subject 053: found 2 subjects"):
        load_narratives(whole, "lucy", ["053"])


def test_the_first_hearing_that_counts(tmp_path):
    """Of several runs the lowest number that the authors keep: run 3 of sub-001, run 1 of sub-013; not run 10 before 2."""
    for subject, runs in (("sub-001", (1, 2, 3)), ("sub-013", (1, 2)), ("sub-030", (10, 2))):
        for run in runs:
            write_listener(tmp_path, subject, "pieman", f"_run-{run}", seed=run, n=30)
    recording, _ = load_narratives(tmp_path, "pieman")
    assert recording.subjects == ("sub-001", "sub-013", "sub-030")
    for i, run in enumerate((3, 1, 2)):
        expected, _ = clean(narratives_values(run, 30)[0][:, :20], 1.5, high_pass=1 / 128)
        np.testing.assert_allclose(recording.bold[i][:, :20], expected, atol=1e-4)


def test_stories_and_exclusions():
    """19 tasks; exclusions only as the data set has them."""
    assert len(narratives_stories()) == 19 and {"pieman", "lucy", "21styear"} <= set(narratives_stories())
    assert excluded_scans("lucy") == ("sub-053", "sub-065") and excluded_scans("black") == ()
    assert "sub-013_run-2" in excluded_scans("pieman") and len(excluded_scans("pieman")) == 10
    for call in (excluded_scans, lambda story: load_narratives(".", story)):
        with pytest.raises(UnknownNameError, match="did you mean pieman"):
            call("piman")


def refusal(call, match):
    """A named refusal within a second of work."""
    began = time.process_time()
    with pytest.raises(RecordingError, match=match) as caught:
        call()
    assert time.process_time() - began < 1
    assert caught.value.found and caught.value.needed and caught.value.do


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(sides="L"), "sub-055 has one hemisphere"),
        (dict(n=T - 1), "sub-055 does not fit .*59 TRs.*60 TRs as in sub-054"),
        (dict(onset="3.5"), "sub-055 heard the story at another time: found 3.5 s, needed 2 s as sub-054"),
        (dict(onset="n/a"), "events of sub-055 cannot be used"),
        (dict(onset="nan"), "events of sub-055 cannot be used"),
        (dict(onset="-4"), "events of sub-055 cannot be used"),
        (dict(onset=""), "events of sub-055 cannot be used"),
    ],
)
def test_listeners_that_do_not_fit_are_refused(tmp_path, change, match):
    """By their name."""
    write_listener(tmp_path, "sub-054")
    write_listener(tmp_path, "sub-055", **change)
    refusal(lambda: load_narratives(tmp_path, "lucy"), match)


@pytest.mark.parametrize(
    "content", [None, b"", b"onset\n", b"time\n3\n", b"\xff\xfe\x00", b"onset\n" + b"1" * 2_000_000]
)
def test_events_must_say_the_onset(tmp_path, content):
    """A missing, empty or strange events file is refused by its name."""
    write_listener(tmp_path, "sub-054", n=5)
    path = tmp_path / "sub-054" / "func" / "sub-054_task-lucy_events.tsv"
    path.unlink() if content is None else path.write_bytes(content)
    refusal(
        lambda: load_narratives(tmp_path, "lucy"), "events of sub-054 cannot be used: .*task-lucy_events.tsv"
    )


def test_folders_without_listeners_are_refused(whole, tmp_path):
    """With both ways to get them."""
    for place, story in ((tmp_path, "lucy"), (whole, "black"), (tmp_path / "none", "lucy")):
        refusal(lambda place=place, story=story: load_narratives(place, story), "datalad install")


# ---------------------------------------------------------------- Le Petit Prince

SHAPE, AFFINE = (23, 28, 23), np.array([[8.0, 0, 0, -90], [0, 8, 0, -126], [0, 0, 8, -72], [0, 0, 0, 1]])


def lpp_values(seed, n):
    """Whole-brain volumes of 8 mm: every voxel one of 5 series."""
    series = np.random.default_rng(seed).integers(-300, 300, (5, n))
    return (1_000 + series[np.arange(np.prod(SHAPE)) % 5]).reshape(*SHAPE, n).astype(np.int16)


def write_run(home, subject, run, n, seed=0):
    """One run of one listener."""
    image = nibabel.Nifti1Image(lpp_values(seed, n), AFFINE)
    image.header.set_zooms((8, 8, 8, 2.0))
    image.header.set_xyzt_units("mm", "sec")
    path = (
        home / subject / "func" / f"{subject}_task-lppEN_run-{run}_space-MNIColin27_desc-preproc_bold.nii.gz"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), 1))
    return path


@pytest.fixture(scope="module")
def prince(tmp_path_factory):
    """Two listeners: all nine runs from number 15 on, and three of them from number 7 on."""
    home = tmp_path_factory.mktemp("data") / "lpp-en"
    for i, n in enumerate(LPP_TRS):
        write_run(home, "sub-EN057", 15 + i, n, seed=i)
    for run, section in ((7, 1), (9, 2), (10, 5)):
        write_run(home, "sub-EN058", run, LPP_TRS[section - 1], seed=section - 1)
    return home


def test_runs_become_sections_by_their_number_and_length(prince):
    """Section 5 is run 19 of one and run 10 of the other; both carry the same planted series here."""
    ((first, one), (fifth, five)) = load_lpp(prince.parent, sections=[1, 5])
    assert (one, five) == (1, 5) and (first.n_trs, fifth.n_trs) == (282, 265)
    assert fifth.subjects == ("sub-EN057", "sub-EN058") and fifth.tr == 2.0
    assert (fifth.name, fifth.space, fifth.pass_band) == ("lpp-en-5", "fsaverage5", (0.01, 0.25))
    np.testing.assert_array_equal(fifth.bold[0], fifth.bold[1])
    cortex = fifth.vertex_location >= 0
    assert not fifth.constant[:, cortex].any()
    np.testing.assert_allclose(fifth.bold[0][:, cortex].std(axis=0), 1, atol=1e-3)


def test_who_heard_a_section(prince):
    """Name and position for `load_lpp`, whoever lacks the section left out."""
    assert public_recordings.lpp_listeners(prince, 5) == {"sub-EN057": 1, "sub-EN058": 2}
    assert public_recordings.lpp_listeners(prince.parent, 3) == {"sub-EN057": 1}


def test_all_nine_sections(prince):
    """One recording each, in order, of the listener who has them all."""
    found = load_lpp(prince, ["EN057"])
    assert [section for _, section in found] == list(range(1, 10))
    assert (
        tuple(recording.n_trs for recording, _ in found)
        == LPP_TRS
        == (282, 298, 340, 303, 265, 343, 325, 292, 368)
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(sections=[0]), "no such section 0"),
        (dict(sections=[10]), "no such section 10"),
        (dict(sections=[2, 2]), "no such section 2"),
        (dict(sections=[3]), "sub-EN058 lacks section 3: found sections 1, 2, 5"),
        (dict(subjects=["EN099"]), "no subject EN099"),
        (dict(subjects=[3]), "no subject 3"),
    ],
)
def test_what_is_not_there_is_refused(prince, change, match):
    """Sections and listeners, by name."""
    refusal(lambda: load_lpp(prince, **change), match)


@pytest.mark.parametrize(
    ("lengths", "found"),
    [
        ((282, 299), "299 volumes"),
        ((298, 282), "282 volumes after section 2"),
        ((282, 282), "282 volumes after section 1"),
    ],
)
def test_runs_of_another_length_or_order_are_refused(tmp_path, lengths, found):
    """A length that no section has, or that cannot follow, is no section."""
    for run, n in enumerate(lengths):
        write_run(tmp_path, "sub-EN001", run + 8, n)
    refusal(lambda: load_lpp(tmp_path, sections=[1]), f"Run 9 of sub-EN001 .*{found}")


def test_damaged_runs_and_empty_folders_are_refused(tmp_path):
    """A run that is cut, a listener without runs, a folder without listeners."""
    refusal(lambda: load_lpp(tmp_path), "No listener of Le Petit Prince")
    path = write_run(tmp_path, "sub-EN001", 8, LPP_TRS[0])
    path.write_bytes(path.read_bytes()[:200])
    refusal(lambda: load_lpp(tmp_path, sections=[1]), f"{path.name} cannot be used")
    path.unlink()
    refusal(lambda: load_lpp(tmp_path, sections=[1]), "lacks section 1: found sections none")


def test_lengths_are_all_different():
    """So a length names its section."""
    assert len(set(public_recordings.LPP_TRS)) == 9
