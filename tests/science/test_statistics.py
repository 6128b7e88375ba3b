"""science/statistics.py against closed form, scipy, and null data."""

import numpy as np
import pytest
from scipy import fft, signal, stats

from brainlike_core.science import statistics
from brainlike_core.science.timing import band_pass


def test_phase_randomisation_keeps_spectrum_and_cross_correlation():
    """Power spectra and zero-lag correlations of the columns survive; the time courses do not."""
    rng = np.random.default_rng(0)
    values = signal.lfilter([1], [1, -0.7], rng.standard_normal((301, 3)), axis=0)
    values[:, 1] += values[:, 0]
    fake = statistics.phase_randomised(values, rng)
    np.testing.assert_allclose(
        np.abs(np.fft.rfft(fake, axis=0)), np.abs(np.fft.rfft(values, axis=0)), rtol=1e-8
    )
    np.testing.assert_allclose(np.corrcoef(fake.T), np.corrcoef(values.T), atol=1e-8)
    assert abs(np.corrcoef(fake[:, 0], values[:, 0])[0, 1]) < 0.5


def test_phase_randomisation_of_even_length_stays_real():
    """With an even number of rows the Nyquist term keeps its phase, so power is exact."""
    values = np.random.default_rng(1).standard_normal((64, 2))
    fake = statistics.phase_randomised(values, np.random.default_rng(2))
    np.testing.assert_allclose(fake.var(0), values.var(0), rtol=1e-10)


def cosines(n):
    """Row k is cosine k of the type-II DCT, of unit norm, by its formula."""
    rows = np.cos(np.pi * np.arange(n)[:, None] * (2 * np.arange(n) + 1) / (2 * n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_sign_randomisation_by_hand():
    """The surrogate is C' S C x with C of cosines and S a diagonal of signs, one for all columns, +1 for the mean."""
    values = np.random.default_rng(3).standard_normal((37, 2))
    fake = statistics.sign_randomised(values, np.random.default_rng(4))
    own = cosines(37)
    sign = np.sign((own @ fake) * (own @ values))
    assert (sign[:, 0] == sign[:, 1]).all() and sign[0, 0] == 1 and 10 <= (sign[:, 0] < 0).sum() <= 27
    np.testing.assert_allclose(own.T @ (sign * (own @ values)), fake, atol=1e-12)


@pytest.mark.parametrize("n_trs", [300, 301])
def test_sign_randomisation_keeps_spectrum_band_and_correlations(n_trs):
    """Power of each cosine, mean and correlations survive; a band-passed series stays in its band; the course goes."""
    rng = np.random.default_rng(0)
    values = signal.lfilter([1], [1, -0.7], rng.standard_normal((n_trs, 3)), axis=0) + 5
    values[:, 1] += values[:, 0]
    fake = statistics.sign_randomised(values, rng)
    np.testing.assert_allclose(*(np.abs(fft.dct(one, axis=0)) for one in (fake, values)), atol=1e-9)
    np.testing.assert_allclose(np.cov(fake.T), np.cov(values.T), atol=1e-9)
    np.testing.assert_allclose(fake.mean(0), values.mean(0), atol=1e-9)
    assert abs(np.corrcoef(fake[:, 0], values[:, 0])[0, 1]) < 0.5
    kept = band_pass(values, 1.5, (0.01, 0.12))
    moved = statistics.sign_randomised(kept, rng)
    np.testing.assert_allclose(band_pass(moved, 1.5, (0.01, 0.12)), moved, atol=1e-9)


def test_all_signs_together_are_independent_of_the_series():
    """Over 4,000 surrogates the mean correlation with the series is 0 and its variance that of its squared shares of power."""
    rng = np.random.default_rng(1)
    values = signal.lfilter([1], [1, -0.8], rng.standard_normal((120, 1)), axis=0)
    values -= values.mean()
    r = [np.corrcoef(statistics.sign_randomised(values, rng)[:, 0], values[:, 0])[0, 1] for _ in range(4000)]
    share = fft.dct(values[:, 0], norm="ortho") ** 2 / (values**2).sum()
    assert abs(np.mean(r)) < 4 * np.std(r) / np.sqrt(4000)
    np.testing.assert_allclose(np.var(r), (share**2).sum(), rtol=0.1)


def false_positives(surrogate, n_trs, tr, seed):
    """Share of unrelated band-passed series whose in-sample R2 on eight others passes .05 of its own surrogates."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(25):
        atoms, brain = (band_pass(rng.standard_normal((n_trs, n)), tr, (0.01, 0.12)) for n in (8, 60))
        series = np.stack([brain, *(surrogate(brain, rng) for _ in range(59))])
        explained = ((np.linalg.qr(atoms)[0].T @ series) ** 2).sum(1)
        found.append((explained >= explained[0]).sum(0) / 60 <= 0.05)
    return np.mean(found)


@pytest.mark.parametrize(("n_trs", "tr"), [(100, 1.1), (200, 3.0)])
def test_sign_randomisation_holds_its_level_on_short_band_passed_series(n_trs, tr):
    """1,500 tests in 25 sets of regressors: 3.4 to 6.6 % at .05."""
    assert 0.034 <= false_positives(statistics.sign_randomised, n_trs, tr, 0) <= 0.066


def test_phase_randomisation_of_short_band_passed_series_is_too_generous():
    """A circle of 100 TRs of 1.1 s: above 6.6 % at .05."""
    assert false_positives(statistics.phase_randomised, 100, 1.1, 0) > 0.066


def test_p_from_null_is_never_zero_and_counts_ties():
    """Null 1, 2, 3, 4: an observed 3 is reached by two, so p = 3 / 5; 9 by none, p = 1 / 5."""
    p = statistics.p_from_null(np.array([3.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert p.tolist() == [3 / 5, 1 / 5]


def test_fdr_equals_scipy_and_skips_unknown_values():
    """Benjamini-Hochberg as scipy has it; NaN is neither counted nor changed."""
    p = np.random.default_rng(0).uniform(size=(4, 5))
    p[0, 0] = np.nan
    q = statistics.fdr(p)
    known = np.isfinite(p)
    np.testing.assert_allclose(q[known], stats.false_discovery_control(p[known]))
    assert np.isnan(q[0, 0])


def test_t_to_z_and_back():
    """z 2.3 with 39 degrees of freedom goes to t and back; signs are kept; huge t stays finite."""
    t = statistics.z_to_t(2.3, 40)
    z = statistics.t_to_z(np.array([t, -t, 1e6, 0.0]), 40)
    np.testing.assert_allclose(z[:2], [2.3, -2.3], rtol=1e-5)
    assert np.isfinite(z).all() and z[2] > 8 and z[3] == 0


def test_isc_of_shared_signal_and_of_noise():
    """Signal with variance share .5 in 20 subjects: expected leave-one-out r = .69; noise: 0."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((2000, 1))
    noise = rng.standard_normal((20, 2000, 2))
    bold = noise.copy()
    bold[:, :, :1] += shared
    bold = (bold - bold.mean(1, keepdims=True)) / bold.std(1, keepdims=True)
    isc = statistics.leave_one_out_isc(bold).mean(0)
    expected = 1 / np.sqrt(2 * (1 + 1 / 19))  # corr(s + n, s + mean of 19 n)
    assert abs(isc[0] - expected) < 0.02
    assert abs(isc[1]) < 0.02


def test_surrogates_are_calibrated_under_autocorrelation_and_the_parametric_test_is_not():
    """Unrelated AR(.9) pairs: sign surrogates hold the 5 % level, the textbook test does not."""
    rng = np.random.default_rng(0)
    n_tests, n_fakes, hits, textbook = 300, 99, 0, 0
    for _ in range(n_tests):
        pair = signal.lfilter([1], [1, -0.9], rng.standard_normal((250, 2)), axis=0)[50:]
        r = abs(np.corrcoef(pair.T)[0, 1])
        fakes = [
            abs(np.corrcoef(statistics.sign_randomised(pair[:, :1], rng)[:, 0], pair[:, 1])[0, 1])
            for _ in range(n_fakes)
        ]
        hits += statistics.p_from_null(np.array(r), np.array(fakes)) <= 0.05
        textbook += stats.pearsonr(*pair.T).pvalue <= 0.05
    assert 0.02 <= hits / n_tests <= 0.09
    assert textbook / n_tests > 0.2
