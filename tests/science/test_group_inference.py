"""Sign flips against every flip by hand; what replicates over time and what does not."""

import itertools

import numpy as np
from scipy import signal, stats

from brainlike_core.science import group_inference as group


def test_max_t_equals_all_flips_by_brute_force():
    """Six subjects, 64 flips: the family-wise p of each location by explicit t tests."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((6, 2, 5)).astype(np.float32)
    weights[:, 0, 0] += 2
    observed = np.abs(stats.ttest_1samp(weights, 0).statistic)
    null = []
    for signs in itertools.product((1, -1), repeat=6):
        flipped = weights * np.array(signs, np.float32)[:, None, None]
        null.append(np.abs(stats.ttest_1samp(flipped, 0).statistic).max())
    brute = (np.array(null)[:, None, None] >= observed - 1e-4).mean(0)
    ours = group.sign_flip_p(weights, 64, rng)
    # The flip of all signs has the same |t|: it counts as one reached, not as the observed one.
    np.testing.assert_allclose(ours, brute, atol=1.01 / 64)
    np.testing.assert_allclose(np.sort(group.largest_t(weights, 64, rng)), np.sort(null), rtol=1e-3)


def world(seed, shared_atoms):
    """Eight listeners who share one response; with ``shared_atoms`` it is driven by the atoms."""
    rng = np.random.default_rng(seed)
    slow = signal.lfilter([1], [1, -0.6], rng.standard_normal((400, 20)), axis=0)
    atoms = slow[:, :5]
    driver = atoms if shared_atoms else slow[:, 5:10]
    shared = driver @ rng.standard_normal((5, 80))
    bold = shared + 2 * rng.standard_normal((8, 400, 80))
    bold = (bold - bold.mean(1, keepdims=True)) / bold.std(1, keepdims=True)
    return atoms.astype(np.float32), bold.astype(np.float32), rng


def test_real_atoms_replicate_over_time_and_fakes_over_subjects_only():
    """Subject halves agree for unrelated atoms as well; time halves do not."""
    atoms, bold, rng = world(1, True)
    real = group.replicate(atoms, bold, 0, 0, 7, rng, n_copies=60)
    assert real.time_r.mean() > 0.5 and real.time_p < 0.02
    atoms, bold, rng = world(2, False)
    unrelated = group.replicate(atoms, bold, 0, 0, 7, rng, n_copies=60)
    assert unrelated.time_p > 0.05
    assert unrelated.subject_r.mean() > 0.3 and unrelated.subject_null.mean() > 0.3
    assert abs(unrelated.time_null.mean()) < 0.1


def test_network_profile_by_hand():
    """Two locations in network A, one in B: means of the map."""
    share = np.array([[0.5, 0], [0.5, 0], [0, 1.0]])
    assert group.network_profiles(np.array([[1.0, 3.0, 7.0]]), share).tolist() == [[2.0, 7.0]]
