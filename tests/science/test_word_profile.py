"""Words against shifts of the words: by hand, by brute force, and where nothing is to be found."""

import numpy as np
import pytest

from brainlike_core.science.word_profile import shifted_differences, two_sided_p


def brute(values, driving, shortest):
    """Every shift rolled and averaged one by one."""
    n = len(driving)
    rows = []
    for shift in (0, *range(shortest, n - shortest + 1)):
        moved = np.roll(values, shift, axis=0)
        rows.append(np.nanmean(moved[driving], axis=0) - np.nanmean(moved[~driving], axis=0))
    return rows[0], np.array(rows[1:])


def test_a_hand_worked_difference():
    """Two of the three driving words are nouns, one of the three others: 2/3 - 1/3."""
    nouns = np.array([[1.0], [1], [0], [1], [0], [0]])
    driving = np.array([True, True, True, False, False, False])
    observed, null = shifted_differences(nouns, driving, 1)
    assert observed[0] == pytest.approx(1 / 3) and len(null) == 5
    assert null[2, 0] == pytest.approx(-1 / 3)  # moved by three, the halves change places


@pytest.mark.parametrize("shortest", [1, 7])
def test_all_shifts_at_once_equal_the_shifts_one_by_one(shortest):
    """Indicators and a column with unknown values, 101 words."""
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.random(101) < 0.3, rng.random(101) < 0.1, rng.normal(5, 1, 101)])
    values[rng.random(101) < 0.1, 2] = np.nan
    driving = rng.random(101) < 0.25
    for mine, theirs in zip(
        shifted_differences(values, driving, shortest), brute(values, driving, shortest), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-10)


def test_p_counts_the_identity_and_both_sides():
    """Of four shifts one is as far below the mean as the value is above: (1 + 1) / 5; none: 1 / 5, never 0."""
    null = np.array([[-3.0, 0.1], [1.0, -0.1], [1.0, 0.1], [1.0, -0.1]])
    assert two_sided_p(np.array([3.0, 9.0]), null).tolist() == [0.4, 0.2]
    assert np.isnan(two_sided_p(np.array([np.nan]), null[:, :1])).all()


def smooth(rng, n, width):
    return np.convolve(rng.standard_normal(n + width), np.ones(width) / width**0.5, "valid")[:n]


def test_a_planted_class_is_found():
    """A class twice as frequent where the atom is active has the smallest p there is."""
    rng = np.random.default_rng(1)
    active = smooth(rng, 900, 15)
    driving = active >= 1
    noun = rng.random(900) < np.where(driving, 0.6, 0.3)
    observed, null = shifted_differences(noun[:, None].astype(float), driving, 40)
    assert observed[0] > 0.2 and two_sided_p(observed, null)[0] < 0.005


def test_clustered_words_that_know_nothing_of_the_atom_pass_at_the_level():
    """Classes and activity both clump (15 and 20 words): shuffled words would reject far more than 5 %."""
    rng = np.random.default_rng(2)
    found, shuffled = [], []
    for _ in range(400):
        driving = smooth(rng, 600, 15) >= 1
        kind = (smooth(rng, 600, 20) >= 0.8).astype(float)[:, None]
        observed, null = shifted_differences(kind, driving, 30)
        found.append(two_sided_p(observed, null)[0] <= 0.05)
        n, k, share = driving.sum(), kind.sum(), kind.mean()
        se = np.sqrt(share * (1 - share) * (1 / n + 1 / (600 - n)))
        shuffled.append(abs(observed[0]) > 1.96 * se if k else False)
    assert 0.025 <= np.mean(found) <= 0.085
    assert np.mean(shuffled) > 0.3
