"""science/statistics.py against closed form, scipy, and null data."""

import numpy as np
from scipy import signal, stats

from brainlike_core.science import statistics


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


def test_phase_null_is_calibrated_under_autocorrelation_and_the_parametric_test_is_not():
    """Unrelated AR(.9) pairs: phase surrogates hold the 5 % level, the textbook test does not."""
    rng = np.random.default_rng(0)
    n_tests, n_fakes, hits, textbook = 300, 99, 0, 0
    for _ in range(n_tests):
        pair = signal.lfilter([1], [1, -0.9], rng.standard_normal((250, 2)), axis=0)[50:]
        r = abs(np.corrcoef(pair.T)[0, 1])
        fakes = [
            abs(np.corrcoef(statistics.phase_randomised(pair[:, :1], rng)[:, 0], pair[:, 1])[0, 1])
            for _ in range(n_fakes)
        ]
        hits += statistics.p_from_null(np.array(r), np.array(fakes)) <= 0.05
        textbook += stats.pearsonr(*pair.T).pvalue <= 0.05
    assert 0.02 <= hits / n_tests <= 0.09
    assert textbook / n_tests > 0.2
