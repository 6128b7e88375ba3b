"""Planted effects come back with the size and the delay that were planted."""

import numpy as np
import pytest
from scipy import signal

from brainlike_core.config import EncodingConfig
from brainlike_core.science.folds import delayed
from brainlike_core.science.held_out import held_out

CONFIG = EncodingConfig(delays=(0, 1, 2, 3, 4))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_held_out_r_and_delay_are_those_planted(share):
    """R^2 .2, .5, .8 three TRs late: mean r within .03 of its square root, the delay at 95 % of 200 locations."""
    rng = np.random.default_rng(int(10 * share))
    n = 1500
    atoms = signal.lfilter([1], [1, -0.5], rng.standard_normal((n, 8)), axis=0)
    clean = atoms @ rng.standard_normal((8, 200))
    noise = signal.lfilter([1], [1, -0.5], rng.standard_normal((n + 4, 200)), axis=0)
    noise *= np.sqrt((1 - share) / share) * clean.std(0) / noise.std(0)
    noise[3 : n + 3] += clean
    bold = (noise - noise.mean(0)) / noise.std(0)
    found = held_out(atoms, delayed(bold, 0, n, CONFIG.delays), CONFIG)
    assert (found.delay == 3).mean() >= 0.95
    assert abs(found.r.mean() - np.sqrt(share)) < 0.03
