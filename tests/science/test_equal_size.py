"""science/equal_size.py: sub-samples of one size, paired between models."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from brainlike_core.config import DictionaryConfig, EqualSizeConfig, MatchConfig, RunConfig
from brainlike_core.science import spins
from brainlike_core.science.equal_size import METRICS, equal_size
from brainlike_core.values import EqualSize, NeuronResponses

N_TRS, N_LOCATIONS, N_SUBJECTS, TR = 160, 30, 4, 1.5
CONFIG = RunConfig(
    dictionary=DictionaryConfig(n_atoms=5, n_iterations=5),
    match=MatchConfig(n_spins=40, n_fakes=5),
    equal_size=EqualSizeConfig(n_neurons=60, n_draws=20, n_spins=40),
)


def responses(n_neurons, n_sources, seed=0):
    """Neurons that follow a few independent time courses, each with noise of its own."""
    rng = np.random.default_rng(seed)
    sources = rng.standard_normal((N_TRS, n_sources))
    which = rng.integers(n_sources, size=n_neurons)
    values = sources[:, which] + 0.5 * rng.standard_normal((N_TRS, n_neurons))
    values = (values - values.mean(0)) / values.std(0)
    return NeuronResponses("made", "tr", values.astype(np.float32), (0,), n_neurons, 0)


@pytest.fixture(scope="module")
def brain():
    """Four listeners who share a response, and rotations of two networks over thirty locations."""
    rng = np.random.default_rng(5)
    shared = rng.standard_normal((N_TRS + 4, N_LOCATIONS))
    bold = shared + rng.standard_normal((N_SUBJECTS, N_TRS + 4, N_LOCATIONS))
    bold = ((bold - bold.mean(1, keepdims=True)) / bold.std(1, keepdims=True)).astype(np.float32)
    labels = np.repeat([1, 2, 0], 10).astype(np.uint8)
    turned = np.array([rng.permutation(labels) for _ in range(40)], np.uint8)
    return bold, spins.SpinNull(labels, turned, np.arange(30, dtype=np.int32), 2, N_LOCATIONS)


def measure(values, brain, config=CONFIG):
    bold, null = brain
    return equal_size(values, bold, TR, null, config)


def test_each_draw_has_every_metric(brain):
    """Twenty draws, seven columns, the first six resampled as well, every number finite but for lack of links."""
    found = measure(responses(200, 5), brain)
    assert list(found.draws) == [*METRICS, "r_heldout"] and list(found.resampled) == list(METRICS)
    assert len(found.draws) == len(found.resampled) == 20 and found.n_neurons == 60
    assert np.isfinite(found.draws[["diversity", "effective_rank", "compactness", "r_heldout"]]).all(
        axis=None
    )


def test_deterministic_by_seed(brain):
    """The same seed gives the same draws; another gives others."""
    values = responses(200, 5)
    first, again = measure(values, brain), measure(values, brain)
    pd.testing.assert_frame_equal(first.draws, again.draws)
    other = dataclasses.replace(CONFIG, equal_size=dataclasses.replace(CONFIG.equal_size, seed=1))
    assert not measure(values, brain, other).draws.equals(first.draws)


def test_a_model_of_fewer_neurons_is_not_compared(brain):
    """Fifty neurons cannot give sixty: no draws, and no difference."""
    small, large = measure(responses(50, 5), brain), measure(responses(200, 5), brain)
    assert len(small.draws) == 0 and np.isnan(large.difference(small, "diversity")).all()


def test_size_alone_makes_no_difference(brain):
    """Two models of one kind, one ten times larger: the interval of each difference holds 0."""
    small, large = measure(responses(80, 5), brain), measure(responses(800, 5), brain)
    for metric in ("diversity", "effective_rank"):
        _, low, high = large.difference(small, metric)
        assert low < 0 < high


def test_planted_difference_is_found(brain):
    """Five atoms of five sources are more diverse than five atoms of one source and its noise."""
    many, one = responses(200, 5), responses(200, 1)
    shared = many.values[:, :1] * 2 + one.values
    alike = NeuronResponses("alike", "tr", shared / shared.std(0), (0,), 200, 0)
    value, low, _ = measure(many, brain).difference(measure(alike, brain), "diversity")
    assert value > 0 and low > 0


def test_difference_by_hand():
    """Paired draws that differ by exactly .2 give .2 with an interval of no width; by .2 +- noise, its spread."""
    noise = np.linspace(-1, 1, 41)
    one = EqualSize(9, pd.DataFrame({"d": 0.5 + 0 * noise}), pd.DataFrame({"d": 0.7 + noise}))
    other = EqualSize(9, pd.DataFrame({"d": 0.3 + 0 * noise}), pd.DataFrame({"d": 0.1 + noise}))
    assert one.difference(other, "d") == pytest.approx((0.2, 0.2, 0.2))
    wide = EqualSize(9, other.draws, pd.DataFrame({"d": 0 * noise}))
    assert one.difference(wide, "d") == pytest.approx((0.2, 0.2 - 0.95, 0.2 + 0.95))


def test_difference_needs_one_size():
    """Draws of 9 and of 10 neurons are not compared."""
    table = pd.DataFrame({"d": np.zeros(30)})
    assert np.isnan(EqualSize(9, table, table).difference(EqualSize(10, table, table), "d")).all()
