"""moments.py: a run's brain at each TR, and what its atoms predict without having seen it."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainlike_core.config import EncodingConfig
from brainlike_core.moments import Stretch, moments, stretches
from brainlike_core.science.encoding_maps import predicted_response
from brainlike_core.science.folds import contiguous_folds
from tests import synthetic_run as made

FOLDS = EncodingConfig(n_folds=4, n_inner_folds=2, gap_trs=3)


@pytest.fixture(scope="module")
def run():
    """The made-up run, with folds that it can carry."""
    settings = dataclasses.replace(made.config(), encoding=FOLDS)
    return dataclasses.replace(made.make_run(settings), config=settings)


def test_predictions_equal_scikit_learn_fold_by_fold():
    """Each fold is what Ridge with the same absolute penalty predicts from the training rows alone."""
    rng = np.random.default_rng(0)
    atoms, brain = rng.normal(size=(80, 5)), rng.normal(size=(80, 3)) + 2.0
    folds = contiguous_folds(80, 4, 3)
    found = predicted_response(atoms, brain, folds)
    for train, test in folds:
        x = atoms[train] - atoms[train].mean(0)
        peer = Ridge(alpha=np.trace(x.T @ x) / 5).fit(atoms[train], brain[train])
        np.testing.assert_allclose(found[test], peer.predict(atoms[test]), atol=1e-4)


def test_a_prediction_does_not_see_what_it_predicts():
    """A changed value of a test row changes no prediction of its own fold; rows of no fold stay unknown."""
    rng = np.random.default_rng(1)
    atoms, brain = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    folds = contiguous_folds(40, 4, 2)[:2]
    before = predicted_response(atoms, brain, folds)
    brain[5] += 100
    after = predicted_response(atoms, brain, folds)
    assert (before[:10] == after[:10]).all() and (before[10:20] != after[10:20]).any()
    assert np.isnan(after[20:]).all()


def test_measured_maps_are_the_group_mean_in_standard_deviations(run):
    """Mean over listeners, then mean 0 and standard deviation 1 over time in each parcel."""
    found = moments(run, Stretch("all", 0, 72)).measured
    mean = run.recording.bold.mean(0)
    np.testing.assert_allclose(found, (mean - mean.mean(0)) / mean.std(0), atol=1e-5)


def test_predicted_maps_stand_at_the_delay_of_the_maps(run):
    """Atoms start at TR 6 and the maps lag 2: TRs 8 to 67 are predicted, the others unknown."""
    found = moments(run, Stretch("all", 0, 72))
    known = np.isfinite(found.predicted).all(axis=1)
    assert np.flatnonzero(known).tolist() == list(range(8, 68))
    assert np.flatnonzero(np.isfinite(found.courses).all(axis=1)).tolist() == list(range(6, 66))


def test_what_drives_the_brain_is_predicted(run):
    """With a brain made of an atom, the prediction follows the measured; with noise alone it does not."""
    lagged = np.zeros((72, 100), np.float32)
    lagged[8:68] = 10 * run.dictionary.atoms[:, [3]]
    bold = lagged[None] + 0.1 * np.random.default_rng(2).normal(size=(4, 72, 100)).astype(np.float32)
    driven = dataclasses.replace(run, recording=dataclasses.replace(run.recording, bold=bold))
    rs = []
    for one in (driven, run):
        found = moments(one, Stretch("all", 8, 68))
        rs.append(
            np.mean([np.corrcoef(found.measured[:, i], found.predicted[:, i])[0, 1] for i in range(100)])
        )
    assert rs[0] > 0.8 and abs(rs[1]) < 0.2


def test_parcels_without_data_are_unknown(run):
    """Where no listener has data the maps are empty, not zero."""
    constant = run.recording.constant.copy()
    constant[:, 7] = True
    found = moments(
        dataclasses.replace(run, recording=dataclasses.replace(run.recording, constant=constant)),
        Stretch("all", 0, 72),
    )
    assert np.isnan(found.measured[:, 7]).all() and np.isfinite(np.delete(found.measured, 7, axis=1)).all()


def test_a_long_story_is_cut_into_equal_parts(run):
    """72 TRs of 100 parcels, at most 3,000 values: three parts, and their maps are those of the whole."""
    parts = stretches(run, most_values=3_000)
    assert [(p.first, p.stop) for p in parts] == [(0, 24), (24, 48), (48, 72)]
    assert parts[1].title == "Made up, part 2 of 3"
    whole = moments(run, Stretch("all", 0, 72)).measured
    np.testing.assert_array_equal(moments(run, parts[1]).measured, whole[24:48])


def test_several_stories_are_played_one_by_one(run):
    """Each story of a joined recording is a stretch of its own."""
    recording = dataclasses.replace(run.recording, stories=(("first", 30), ("second", 42)))
    found = stretches(dataclasses.replace(run, recording=recording))
    assert [(p.title, p.first, p.stop) for p in found] == [("first", 0, 30), ("second", 30, 72)]
