"""science/encoding.py: planted weights and delays, brute force, nulls, leakage."""

import numpy as np
import pytest
from scipy import signal
from sklearn.linear_model import LinearRegression, Ridge

from brainlike_core.config import EncodingConfig
from brainlike_core.errors import ConfigError, RecordingError
from brainlike_core.science import encoding, encoding_maps, folds
from brainlike_core.science.encoding_nulls import null_locations
from brainlike_core.science.held_out import held_out
from brainlike_core.science.statistics import correlate, leave_one_out_isc
from brainlike_core.values import EncodingResult

FAST = EncodingConfig(n_surrogates=40)


def smooth(rng, *shape):
    """Autocorrelated series, z-scored over axis -2 (time)."""
    values = signal.lfilter([1], [1, -0.7], rng.standard_normal(shape), axis=-2)
    return ((values - values.mean(-2, keepdims=True)) / values.std(-2, keepdims=True)).astype(np.float32)


def test_folds_by_hand():
    """Six rows in three folds with a gap of one."""
    found = [(train.tolist(), test.tolist()) for train, test in folds.contiguous_folds(6, 3, 1)]
    assert found == [([3, 4, 5], [0, 1]), ([0, 5], [2, 3]), ([0, 1, 2], [4, 5])]


def test_too_short_recordings_are_refused():
    """A gap that eats the training rows is named."""
    with pytest.raises(ConfigError, match="10 TRs in 5 folds with a gap of 9"):
        folds.contiguous_folds(10, 5, 9)


def test_ridge_weights_equal_scikit_learn():
    """Same weights as Ridge with the same absolute penalty."""
    rng = np.random.default_rng(0)
    atoms, brain = rng.standard_normal((120, 8)), rng.standard_normal((120, 5))
    centred = atoms - atoms.mean(0)
    alpha = 2.0 * np.trace(centred.T @ centred) / 8
    ours = encoding_maps.ridge_solver(atoms, 2.0) @ brain
    np.testing.assert_allclose(ours, Ridge(alpha=alpha).fit(atoms, brain).coef_.T, rtol=1e-4, atol=1e-6)


def test_held_out_equals_brute_force():
    """Nested choice of delay and penalty by explicit loops over scikit-learn fits."""
    rng = np.random.default_rng(0)
    config = EncodingConfig(n_folds=3, n_inner_folds=3, gap_trs=2, delays=(0, 1), penalties=(0.1, 10.0))
    atoms, bold = smooth(rng, 90, 4), smooth(rng, 92, 6)
    bold[1:91, 0] += 2 * atoms[:, 0]
    brains = folds.delayed(bold, 0, 90, config.delays)
    ours = held_out(atoms, brains, config)
    theirs = [brute_force(atoms, [b[:, v] for b in brains], config) for v in range(6)]
    np.testing.assert_allclose(ours.r, theirs, atol=1e-4)


def brute_force(atoms, brains, config):
    """Mean test r of one location, everything refitted by scikit-learn."""
    scores = []
    for train, test in folds.contiguous_folds(len(atoms), config.n_folds, config.gap_trs):
        best = (-np.inf, 0, 0.0)
        for brain in brains:
            for penalty in config.penalties:
                inner = [
                    fit_score(atoms, brain, train[a], train[b], penalty)
                    for a, b in folds.contiguous_folds(len(train), config.n_inner_folds, config.gap_trs)
                ]
                if np.mean(inner) > best[0]:
                    best = (np.mean(inner), brain, penalty)
        scores.append(fit_score(atoms, best[1], train, test, best[2]))
    return np.mean(scores)


def fit_score(atoms, brain, train, test, penalty):
    """Test r of one ridge fit."""
    centred = atoms[train] - atoms[train].mean(0)
    alpha = penalty * np.trace(centred.T @ centred) / atoms.shape[1]
    prediction = Ridge(alpha=alpha).fit(atoms[train], brain[train]).predict(atoms[test])
    return np.corrcoef(prediction, brain[test])[0, 1]


def test_planted_delay_is_found_and_r_is_the_analytic_one():
    """Signal share .5 at a delay of 3 TRs: r near sqrt(.5), delay 3 at nearly every location."""
    rng = np.random.default_rng(1)
    atoms = smooth(rng, 500, 8)
    weights = rng.standard_normal((8, 60))
    clean = atoms @ weights
    bold = np.zeros((510, 60), np.float32)
    bold[3:503] = clean / clean.std(0)
    bold += smooth(rng, 510, 60)
    found = held_out(atoms, folds.delayed(bold, 0, 500, FAST.delays), FAST)
    assert (found.delay == 3).mean() >= 0.95
    assert abs(found.r.mean() - np.sqrt(0.5)) < 0.05


def test_brain_data_predict_themselves():
    """A location that is one of the regressors is predicted at r >= .999."""
    rng = np.random.default_rng(2)
    atoms = smooth(rng, 300, 6)
    config = EncodingConfig(delays=(0,), penalties=(1e-6,), n_surrogates=40)
    assert held_out(atoms, [atoms[:, :2]], config).r.min() >= 0.999


def test_unrelated_atoms_score_zero_held_out_and_high_in_sample():
    """Null: held-out r is about 0 while in-sample R^2 of 40 atoms on 200 TRs is large."""
    rng = np.random.default_rng(3)
    atoms, brain = smooth(rng, 200, 40), smooth(rng, 204, 300)
    r = held_out(atoms, folds.delayed(brain, 0, 200, FAST.delays), FAST).r
    assert abs(r.mean()) < 0.05
    assert encoding_maps.insample_r2(atoms, brain[:200]).mean() > 0.2


def test_insample_r2_equals_scikit_learn():
    """Ordinary regression on all rows."""
    rng = np.random.default_rng(4)
    atoms, brain = rng.standard_normal((100, 7)), rng.standard_normal((100, 3))
    model = LinearRegression().fit(atoms, brain)
    left = ((brain - model.predict(atoms)) ** 2).sum(0) / ((brain - brain.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(encoding_maps.insample_r2(atoms, brain), 1 - left, rtol=1e-4)


def test_test_rows_do_not_reach_training():
    """A sentinel in the last fold's test rows leaves every other fold's training artefacts unchanged."""
    rng = np.random.default_rng(5)
    atoms, brain = smooth(rng, 200, 5), smooth(rng, 200, 3)
    train, test = folds.contiguous_folds(200, 5, 7)[4]
    spoiled = brain.copy()
    spoiled[test] = 1e6
    config = EncodingConfig(delays=(0,))
    clean, marked = (held_out(atoms, [b], config) for b in (brain, spoiled))
    np.testing.assert_array_equal(clean.penalty[4], marked.penalty[4])
    assert not set(train) & set(test)


def test_columns_are_independent_of_each_other():
    """Scores do not depend on which locations are computed together."""
    rng = np.random.default_rng(6)
    atoms, brain = smooth(rng, 150, 5), smooth(rng, 150, 9)
    config = EncodingConfig(delays=(0,))
    together = held_out(atoms, [brain], config).r
    apart = held_out(atoms, [brain], config, columns_at_once=2).r
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_group_t_equals_scipy():
    """One-sample t over subjects."""
    from scipy import stats

    weights = np.random.default_rng(0).standard_normal((9, 2, 5)).astype(np.float32)
    np.testing.assert_allclose(
        encoding_maps.group_t(weights), stats.ttest_1samp(weights, 0).statistic, rtol=1e-4
    )


def test_atom_gate_finds_the_atom_in_the_brain():
    """Of two atoms only the first drives the brain: p small for it, not for the other."""
    rng = np.random.default_rng(7)
    atoms = smooth(rng, 300, 2)
    brain = atoms[:, :1] * 0.5 + smooth(rng, 300, 40)
    p = encoding_maps.AtomGate(atoms, [brain], 200, rng).p(atoms)
    assert p[0] < 0.01 and p[1] > 0.01


def test_encode_planted_and_null_recordings():
    """Planted: significant mean r and locations. Noise: neither, though in-sample R^2 is far from 0."""
    rng = np.random.default_rng(8)
    atoms = smooth(rng, 200, 10)
    noise = smooth(rng, 6, 210, 30)
    planted = noise.copy()
    planted[:, 2:202, :10] += 0.8 * (atoms @ rng.standard_normal((10, 10)) / 3)
    good, bad = encoding.encode(atoms, planted, 0, FAST), encoding.encode(atoms, noise, 0, FAST)
    assert good.r_mean_p < 0.05 and np.nansum(good.q[:10] < 0.05) >= 8
    assert bad.r_mean_p > 0.05 and np.nansum(bad.q < 0.05) == 0
    assert good.map_delay == 2
    assert bad.r2_insample.mean() - bad.r2_insample_null.mean() < 0.03


def test_two_subjects_are_refused():
    """No group map from two subjects."""
    with pytest.raises(
        RecordingError, match="found 2 subjects, needed at least 3; name more with --subjects"
    ):
        encoding.encode(np.ones((50, 2)), np.ones((2, 60, 3), np.float32), 0, FAST)


def test_nan_subject_is_named():
    """The subject with NaN is named, with the count."""
    bold = np.random.default_rng(0).standard_normal((3, 100, 4)).astype(np.float32)
    bold[1, 5, 2] = np.nan
    with pytest.raises(RecordingError, match="Subject 2 .* found 1 NaN"):
        encoding.encode(np.ones((50, 2)), bold, 0, FAST)


def test_null_locations_of_fsaverage5_are_a_coarser_sphere():
    """At most 1,300 locations of 20,484: the 642 first vertices of each hemisphere."""
    chosen = null_locations(20484, 1300)
    assert len(chosen) == 1284 and chosen[642] == 10242
    assert null_locations(293, 1300).tolist() == list(range(293))


def test_group_ceiling_is_the_correlation_with_what_listeners_share():
    """Twelve listeners that share a tenth of their variance: measured r with the shared signal, and its formula."""
    rng = np.random.default_rng(5)
    shared = rng.standard_normal((20_000, 3))
    bold = np.sqrt(0.1) * shared + np.sqrt(0.9) * rng.standard_normal((12, 20_000, 3))
    truth = correlate(bold.mean(0), shared)
    result = ceiling_of(leave_one_out_isc(bold).mean(0), 12)
    np.testing.assert_allclose(result, truth, atol=0.02)
    np.testing.assert_allclose(truth, np.sqrt(1.2 / 2.1), atol=0.02)
    assert ceiling_of(np.array([-0.2]), 12)[0] == 0


def ceiling_of(isc, n_subjects):
    """`EncodingResult.group_ceiling` with nothing else known."""
    fields = dict.fromkeys(EncodingResult.__dataclass_fields__, np.zeros(0))
    return EncodingResult(**fields | {"noise_ceiling": isc, "r_subjects": np.zeros(n_subjects)}).group_ceiling
