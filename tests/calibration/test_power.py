"""Power at a true effect of zero is the level; it rises with the data; where theory has an answer it is that answer."""

import os

import numpy as np
import pytest
from scipy import stats

from brainlike_core.config import PowerConfig
from brainlike_core.science.planted_world import heard_power, series
from brainlike_core.science.power import power_table
from brainlike_core.science.statistics import correlate, p_from_null, sign_randomised, wilson

LONG = 5 if os.environ.get("BRAINLIKE_LONG") else 1
CONFIG = PowerConfig(
    n_subjects=(5, 40),
    minutes=(8.0,),
    effects=(0.0, 0.5),
    differences=(0.0, 0.3),
    n_repeats=60 * LONG,
    n_link_repeats=0,
)


@pytest.fixture(scope="module")
def found():
    """60 worlds of 8 minutes (300 with BRAINLIKE_LONG=1)."""
    return power_table(CONFIG).set_index(["claim", "n_subjects", "effect"])


@pytest.mark.parametrize("claim", ["predicts", "replicates"])
@pytest.mark.parametrize("n_subjects", CONFIG.n_subjects)
def test_at_zero_effect_a_claim_is_found_as_often_as_its_level(found, claim, n_subjects):
    """The 95 % interval of the share of false findings holds .05; 60 worlds can tell it from .14 and above."""
    row = found.loc[(claim, n_subjects, 0.0)]
    assert row["low"] <= 0.05 <= row["high"]


@pytest.mark.parametrize("n_subjects", CONFIG.n_subjects)
def test_at_no_difference_one_model_seldom_wins(found, n_subjects):
    """Two models of true r .3: the interval holds half of .05, for one direction."""
    row = found.loc[("better", n_subjects, 0.0)]
    assert row["low"] <= 0.025 <= row["high"]


def test_more_listeners_and_a_larger_effect_find_more(found):
    """Each claim, beyond the intervals for the effect."""
    for claim, effect in (("predicts", 0.5), ("replicates", 0.5), ("better", 0.3)):
        few, many, none = (found.loc[(claim, n, e)] for n, e in ((5, effect), (40, effect), (40, 0.0)))
        assert many["power"] > few["power"] and many["low"] > none["high"]


def test_links_are_not_found_where_there_are_none():
    """25 minutes, true r 0: no accepted link in more worlds than .05 allows; r .5 finds some."""
    config = PowerConfig(
        n_subjects=(40,), minutes=(25.0,), link_effects=(0.0, 0.5), n_repeats=0, n_link_repeats=12, n_spins=3000
    )  # fmt: skip
    table = power_table(config).set_index(["claim", "effect"])
    assert table.loc[("any link", 0.0), "low"] <= 0.05
    assert table.loc[("link", 0.0), "power"] <= 0.05 < 0.2 < table.loc[("link", 0.5), "power"]
    assert table.loc[("link", 0.5), "measured"] > 0.6 > 0.2 > abs(table.loc[("link", 0.0), "measured"])


def effective_numbers(power, minutes, tr):
    """Degrees of freedom of the correlation of two series with one spectrum: (sum p)^2 / sum p^2 cosines and sines."""
    n = round(60 * minutes / tr)
    frequency = np.arange(n) / (2 * tr * n)
    p = power(frequency[(frequency >= 0.01) & (frequency <= 0.12)])
    return p.sum() ** 2 / (p**2).sum()


@pytest.mark.parametrize("r", [0.0, 0.2, 0.4])
def test_one_series_against_theory(r):
    """One regressor, known weights: power of r against sign-randomised copies is that of Fisher's z with the
    effective numbers of the band, within .06."""
    rng = np.random.default_rng(int(10 * r))
    n, n_series, minutes, tr = 400, 3000, 10.0, 1.5
    stimulus, rest = (series(rng, heard_power, n, n_series, tr) for _ in range(2))
    brain = r * stimulus + np.sqrt(1 - r**2) * rest
    null = np.concatenate([correlate(sign_randomised(brain, rng), stimulus) for _ in range(5)])
    seen = (p_from_null(correlate(brain, stimulus), null) <= 0.05).mean()
    expected = stats.norm.sf(
        stats.norm.isf(0.05) - np.arctanh(r) * np.sqrt(effective_numbers(heard_power, minutes, tr) - 3)
    )
    assert abs(seen - expected) < 0.06


def test_wilson_by_hand_and_by_scipy():
    """8 of 10: .490 to .943 (Wilson 1927); all other counts as scipy has them."""
    assert np.round(wilson(0.8, 10), 3).tolist() == [0.49, 0.943]
    for k, n in ((0, 20), (3, 20), (20, 20), (57, 200)):
        theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert np.allclose(wilson(k / n, n), (theirs.low, theirs.high), atol=1e-12)
