"""Cleaning: one least squares for confounds, drift and filter, the same filter that the regressors get."""

import nilearn.signal
import numpy as np
import pytest
from scipy.stats import zscore

from brainlike_core.errors import RecordingError
from brainlike_core.science import timing
from brainlike_core.sources.cleaning import clean, pass_band

TR, T = 1.5, 200


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("high_pass", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("low_pass", [0.0, 0.12, 0.2])
@pytest.mark.parametrize("n_trs", [200, 201])
def test_data_and_regressors_get_one_filter(rng, high_pass, low_pass, n_trs):
    """A column through clean equals the same column through the regressors' band_pass, z-scored."""
    columns = rng.normal(size=(n_trs, 5)).cumsum(axis=0)
    cleaned, constant = clean(columns, TR, detrend=False, high_pass=high_pass, low_pass=low_pass)
    regressors = timing.band_pass(columns, TR, pass_band(TR, high_pass, low_pass))
    np.testing.assert_allclose(cleaned, timing.zscore(regressors), atol=1e-4)
    assert not constant.any() and cleaned.dtype == np.float32


def test_a_filtered_regressor_passes_the_data_filter_unchanged(rng):
    """Also with the default detrending: with a high-pass the cosines do it, and nothing is taken twice."""
    regressors = timing.band_pass(rng.normal(size=(T, 4)), TR, (0.01, 0.12))
    cleaned, _ = clean(regressors, TR, high_pass=0.01, low_pass=0.12)
    np.testing.assert_allclose(cleaned, timing.zscore(regressors), atol=1e-4)


@pytest.mark.parametrize("high_pass", [0.0, 0.01])
@pytest.mark.parametrize("low_pass", [0.0, 0.1])
@pytest.mark.parametrize("detrend", [False, True])
def test_one_least_squares(rng, high_pass, low_pass, detrend):
    """The residual of numpy's regression on constant, line, removed cosines and confounds side by side."""
    series, confounds = rng.normal(size=(T, 6)).cumsum(axis=0), rng.normal(size=(T, 7)).cumsum(axis=0)
    frequencies = np.arange(T) / (2 * TR * T)
    cosines = np.cos(np.pi * np.outer(np.arange(T) + 0.5, np.arange(T)) / T)
    out = (frequencies < high_pass) | (frequencies > (low_pass or 1))
    line = [np.arange(T)] if detrend and not high_pass else []
    design = np.column_stack([np.ones(T), cosines[:, out], confounds, *line])
    expected = zscore(series - design @ np.linalg.lstsq(design, series, rcond=None)[0])
    cleaned, _ = clean(
        series, TR, confounds=confounds, detrend=detrend, high_pass=high_pass, low_pass=low_pass
    )
    np.testing.assert_allclose(cleaned, expected, atol=1e-4)


@pytest.mark.parametrize("high_pass", [None, 0.011])
def test_nilearn_agrees(rng, high_pass):
    """nilearn's clean with cosine drift terms, or with a line and confounds, gives the same."""
    series, confounds = rng.normal(size=(T, 6)).cumsum(axis=0), rng.normal(size=(T, 5))
    expected = nilearn.signal.clean(
        series, confounds=confounds, t_r=TR, high_pass=high_pass, detrend=not high_pass,
        filter="cosine" if high_pass else False, standardize="zscore_sample",
    )  # fmt: skip
    cleaned, _ = clean(series, TR, confounds=confounds, high_pass=high_pass or 0.0)
    np.testing.assert_allclose(cleaned, zscore(expected), atol=1e-4)


def test_nothing_of_confounds_or_drift_is_left(rng):
    """The result is uncorrelated with each filtered confound and each removed cosine."""
    confounds = rng.normal(size=(T, 4)).cumsum(axis=0)
    series = rng.normal(size=(T, 3)) + confounds @ rng.normal(size=(4, 3)) * 50
    cleaned, _ = clean(series, TR, confounds=confounds, high_pass=0.01, low_pass=0.1)
    band = timing.band_pass(confounds, TR, (0.01, 0.1))
    assert np.abs(zscore(band).T @ cleaned / T).max() < 1e-5
    spectrum = np.abs(np.fft.rfft(np.concatenate([cleaned, cleaned[::-1]]), axis=0))
    frequencies = np.arange(T + 1) / (2 * TR * T)
    assert spectrum[(frequencies < 0.0099) | (frequencies > 0.101)].max() < 1e-3 * spectrum.max()


def test_a_planted_signal_survives(rng):
    """A sine in the band under drift three times as large, or under a spike with its own confound, comes out."""
    signal = np.sin(2 * np.pi * 0.05 * TR * np.arange(T))
    drift = 3 * np.linspace(-1, 1, T) + 100 * np.cos(np.pi * (np.arange(T) + 0.5) * 2 / T)
    cleaned, _ = clean((signal + drift)[:, None], TR, high_pass=0.01)
    assert np.corrcoef(cleaned[:, 0], signal)[0, 1] > 0.99
    spiky, _ = clean(
        (signal + 1e4 * (np.arange(T) == 50))[:, None], TR, confounds=np.eye(T)[:, [50]], detrend=False
    )
    assert np.corrcoef(spiky[:, 0], signal)[0, 1] > 0.99 and abs(spiky[50, 0]) < 1e-4


def test_constant_columns_are_zero_and_marked(rng):
    """Constant, without data, or explained whole by a confound: kept, 0 and marked; a tiny signal is none of these."""
    series = rng.normal(size=(T, 6))
    series[:, 0], series[:, 1], series[:, 2] = 0.1, np.nan, 0
    series[:, 3] *= 1e-20
    confounds = series[:, [4]] * 3 + 1
    cleaned, constant = clean(series, TR, confounds=confounds)
    assert constant.tolist() == [True, True, True, False, True, False]
    assert not cleaned[:, constant].any()
    np.testing.assert_allclose(cleaned[:, ~constant].std(axis=0), 1, atol=1e-5)


def test_scale_does_not_matter(rng):
    """Values of 1e300 and float32, big-endian or whole-number input give the same scores."""
    series = rng.integers(-500, 500, (T, 4))
    expected, _ = clean(series, TR, high_pass=0.01)
    for same in (
        series * 1e300,
        series.astype(np.float32),
        series.astype(">i4"),
        np.asfortranarray(series) * -1.0,
    ):
        again, _ = clean(same, TR, high_pass=0.01)
        np.testing.assert_allclose(np.abs(again), np.abs(expected), atol=1e-5)


def test_blocks_of_columns_change_nothing(rng):
    """5,000 columns (two blocks) equal each column alone; the input stays as it was."""
    series = rng.normal(size=(60, 5_000)).astype(np.float32)
    before, confounds = series.copy(), rng.normal(size=(60, 3))
    cleaned, _ = clean(series, TR, confounds=confounds, low_pass=0.2)
    for column in (0, 4_095, 4_096, 4_999):
        alone, _ = clean(series[:, [column]], TR, confounds=confounds, low_pass=0.2)
        np.testing.assert_allclose(cleaned[:, column], alone[:, 0], atol=1e-5)
    np.testing.assert_array_equal(series, before)


def test_useless_confounds_cost_nothing(rng):
    """Constant and repeated confounds, and any scale of them, change nothing."""
    series, one = rng.normal(size=(T, 3)), rng.normal(size=(T, 1))
    expected, _ = clean(series, TR, confounds=one)
    for more in ([one, one * 1e12], [one, np.full((T, 1), 7.0)], [one * 1e-12, one + 4]):
        again, _ = clean(series, TR, confounds=np.column_stack(more))
        np.testing.assert_allclose(again, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (dict(confounds=np.ones((T - 1, 2))), "confounds do not fit .*199"),
        (dict(confounds=np.full((T, 2), np.nan)), "confounds do not fit .*NaN"),
        (dict(confounds=np.full((T, 2), np.inf)), "confounds do not fit .*NaN or infinite"),
        (dict(confounds=np.ones(T)), "confounds do not fit"),
        (dict(confounds=np.eye(T)[:, : T - 5]), "too little"),
        (dict(high_pass=0.33), "too little"),
        (dict(high_pass=0.1, low_pass=0.05), "leaves nothing"),
        (dict(high_pass=0.5), "leaves nothing"),
        (dict(high_pass=-0.1), "leaves nothing"),
        (dict(low_pass=-0.1), "leaves nothing"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(rng, change, match):
    """Confounds of another length or not finite, too many of them, and filters that leave nothing."""
    with pytest.raises(RecordingError, match=match):
        clean(rng.normal(size=(T, 3)), TR, **change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gap_among_numbers_is_refused(rng, value):
    """One NaN or infinity in a column with data."""
    series = rng.normal(size=(T, 3))
    series[5, 1] = value
    with pytest.raises(RecordingError, match="1 values that are NaN or infinite"):
        clean(series, TR)
