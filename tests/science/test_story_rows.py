"""science/story_rows.py and what stands on it: several stories, each left out once, nothing shared between them."""

import dataclasses
import doctest

import numpy as np
import pytest
from scipy import fft, signal
from sklearn.linear_model import LinearRegression

from brainlike_core.config import EncodingConfig
from brainlike_core.errors import RecordingError, StoryError
from brainlike_core.science import story_rows
from brainlike_core.science.encoding import encode
from brainlike_core.science.encoding_maps import fake_atoms, subject_weights
from brainlike_core.science.encoding_nulls import null_r, surrogates
from brainlike_core.science.folds import delayed
from brainlike_core.science.group_inference import replicate
from brainlike_core.science.held_out import HeldOutFolds, held_out
from brainlike_core.science.organization import block_rows
from brainlike_core.science.story_rows import group_mean
from brainlike_core.values import StoryRows
from brainlike_core.values import story as story_values

THREE = StoryRows(((74, 3, 70), (80, 0, 76), (71, 5, 67)))  # n_trs, first and last-plus-one row
TWO = StoryRows(THREE.stories[:2])
CONFIG = EncodingConfig(
    n_inner_folds=3, gap_trs=3, delays=(0, 1, 2), penalties=(0.1, 1.0, 10.0, 100.0), n_surrogates=39
)
POWER = {
    "sign": lambda values: np.abs(fft.dct(values, axis=0)),
    "phase": lambda values: np.abs(np.fft.rfft(values, axis=0)),
}


def slow(rng, *shape):
    """AR(1) series over axis -2, z-scored."""
    values = signal.lfilter([1], [1, -0.6], rng.standard_normal(shape), axis=-2)
    return ((values - values.mean(-2, keepdims=True)) / values.std(-2, keepdims=True)).astype(np.float32)


def world(rows, seed=0, effect=1.0, n_subjects=4, n_locations=8):
    """Atoms on the rows, and brains whose first half of locations follows atom 0 two TRs later."""
    rng = np.random.default_rng(seed)
    n_trs = len(rows.recorded)
    course = slow(rng, n_trs, 3)
    shared = slow(rng, n_trs, n_locations)
    half = n_locations // 2
    shared[2:, :half] += effect * course[:-2, :1]
    bold = shared + 0.5 * slow(rng, n_subjects, n_trs, n_locations)
    return course[rows.trs], bold.astype(np.float32)


def test_examples_in_docstrings_are_true():
    """Doctests."""
    for module in (story_rows, story_values):
        assert doctest.testmod(module, extraglobs={"np": np, "StoryRows": StoryRows}).failed == 0


@pytest.mark.parametrize("rows", [TWO, THREE], ids=["two stories", "three stories"])
def test_a_planted_effect_is_found_at_its_delay(rows):
    """The locations that follow an atom are significant, at two TRs, and the others are not."""
    found = encode(*world(rows), rows, CONFIG)
    assert (found.q[:4] < 0.05).all() and (found.q[4:] > 0.05).all()
    assert found.map_delay == 2 and found.r_mean_p == 1 / 40
    assert found.r_heldout[:4].min() > 0.3 and found.half_r[0] > 0.8


def test_each_story_is_left_out_once_by_brute_force():
    """Mean over stories of the r of plain regressions that were fitted on the other two."""
    atoms, bold = world(THREE)
    config = dataclasses.replace(CONFIG, delays=(2,), penalties=(1e-9,))
    brain = bold.mean(0)
    expected = []
    for left_out in range(3):
        rows = {s: THREE.starts[s] + np.arange(*THREE.stories[s][1:]) for s in range(3)}
        at = {s: np.flatnonzero(np.isin(THREE.trs, rows[s])) for s in range(3)}
        parts = enumerate(np.split(brain, [74, 154]))
        scaled = {s: (part - part.mean(0)) / part.std(0) for s, part in parts}
        moved = {s: scaled[s][rows[s] - THREE.starts[s] + 2] for s in range(3)}
        train = [s for s in range(3) if s != left_out]
        model = LinearRegression().fit(
            np.concatenate([atoms[at[s]] for s in train]), np.concatenate([moved[s] for s in train])
        )
        guess = model.predict(atoms[at[left_out]])
        expected.append([np.corrcoef(a, b)[0, 1] for a, b in zip(guess.T, moved[left_out].T, strict=True)])
    found = encode(atoms, bold, THREE, config).r_heldout
    np.testing.assert_allclose(found, np.mean(expected, 0), atol=2e-3)


def test_the_order_of_the_stories_does_not_matter():
    """Held-out r and maps are the same with the last story first."""
    atoms, bold = world(THREE)
    turned = StoryRows((THREE.stories[2], *THREE.stories[:2]))
    order = np.concatenate([np.flatnonzero(THREE.recorded == s) for s in (2, 0, 1)])
    moved = np.concatenate([atoms[THREE.labels == s] for s in (2, 0, 1)])
    first, second = encode(atoms, bold, THREE, CONFIG), encode(moved, bold[:, order], turned, CONFIG)
    np.testing.assert_allclose(first.r_heldout, second.r_heldout, atol=1e-4)
    np.testing.assert_allclose(first.z_maps, second.z_maps, atol=1e-2)


@pytest.mark.parametrize("left_out", [0, 1, 2])
@pytest.mark.parametrize("choice", ["delay", "penalty", "ratio"])
def test_the_story_left_out_changes_nothing_in_training(left_out, choice):
    """Leakage: choices of its fold, other stories' series and surrogates are bit-identical with a sentinel in it."""
    atoms, bold = world(THREE, effect=0.3)
    nuisance = np.random.default_rng(1).standard_normal((len(atoms), 2)).astype(np.float32)
    spoiled = bold.copy()
    absurd = np.random.default_rng(2).standard_normal(spoiled[:, THREE.recorded == left_out].shape)
    spoiled[:, THREE.recorded == left_out] = 1e3 * absurd
    found = []
    for one in (bold, spoiled):
        brains = delayed(group_mean(one, THREE), THREE, len(atoms), CONFIG.delays)
        found.append(held_out(atoms, brains, CONFIG, nuisance=nuisance, stories=THREE.labels))
    clean, marked = (getattr(one, choice) for one in found)
    np.testing.assert_array_equal(clean[left_out], marked[left_out])
    others = THREE.recorded != left_out
    means = [group_mean(one, THREE)[others] for one in (bold, spoiled)]
    np.testing.assert_array_equal(*means)
    for null in ("sign", "phase", "block", "shift"):
        config = dataclasses.replace(CONFIG, null=null)
        pair = (
            next(surrogates(group_mean(one, THREE), config, np.random.default_rng(3), THREE.recorded))
            for one in (bold, spoiled)
        )
        np.testing.assert_array_equal(*(one[others] for one in pair))


@pytest.mark.parametrize("null", ["sign", "phase", "block", "shift"])
def test_surrogates_change_each_story_by_itself(null):
    """Each story keeps its own values (or its own power spectrum), and moves."""
    values = slow(np.random.default_rng(0), len(THREE.recorded), 2)
    config = dataclasses.replace(CONFIG, null=null, block_trs=10)
    fake = next(surrogates(values, config, np.random.default_rng(1), THREE.recorded))
    for story in range(3):
        real, made = values[THREE.recorded == story], fake[THREE.recorded == story]
        assert not np.allclose(real, made)
        if null in POWER:
            power = [POWER[null](one) for one in (real, made)]
            np.testing.assert_allclose(*power, atol=1e-3)
        else:
            np.testing.assert_array_equal(*(np.sort(one, axis=0) for one in (real, made)))


def test_fake_atoms_keep_the_spectrum_of_each_story():
    """One set of signs for each story: nothing leaks over its ends."""
    atoms, _ = world(TWO)
    fake = fake_atoms(atoms, np.random.default_rng(0), TWO.labels)
    for story in range(2):
        power = [POWER["sign"](one[TWO.labels == story]) for one in (atoms, fake)]
        np.testing.assert_allclose(*power, atol=1e-3)


@pytest.mark.parametrize("null", ["sign", "phase", "block", "shift"])
def test_the_null_of_left_out_stories_holds_its_level(null):
    """2,000 recordings that follow nothing: 3.4 to 6.6 % at .05, all choices repeated in each surrogate."""
    rng, p = np.random.default_rng(5), []
    config = dataclasses.replace(CONFIG, delays=(0, 1), penalties=(0.1, 10.0), n_inner_folds=2, null=null)
    for _ in range(100):
        atoms, brain = slow(rng, len(THREE.trs), 3), slow(rng, len(THREE.recorded), 20)
        folds = HeldOutFolds(atoms, config, stories=THREE.labels)
        observed = folds.score(delayed(brain, THREE, len(atoms), config.delays)).r
        fakes = null_r(folds, brain, (THREE, len(atoms)), config, rng)
        p.append((1 + (fakes >= observed).sum(0)) / (1 + len(fakes)))
    assert 0.034 <= (np.concatenate(p) <= 0.05).mean() <= 0.066


def test_maps_replicate_from_stories_to_stories():
    """Planted atoms come again in the other stories; unrelated ones do not."""
    atoms, bold = world(THREE, n_locations=40)
    rng = np.random.default_rng(0)
    real = replicate(atoms, bold, THREE, 2, 7, rng, n_copies=60)
    assert real.time_r[0] > 0.8 and real.time_p < 0.05
    p = [replicate(slow(rng, *atoms.shape), bold, THREE, 2, 7, rng, 39).time_p for _ in range(60)]
    assert np.mean(np.array(p) <= 0.05) <= 0.15 and np.mean(p) > 0.4


def test_maps_take_the_rows_of_every_story():
    """Weights of a subject equal those of its rows written out one after the other."""
    atoms, bold = world(TWO)
    together = subject_weights(atoms, bold, TWO, 1)
    written = np.concatenate([bold[:, 3 + 1 : 70 + 1], bold[:, 74 + 1 : 74 + 76 + 1]], axis=1)
    np.testing.assert_allclose(together, subject_weights(atoms, written, 0, 0), atol=1e-5)


def test_blocks_of_a_bootstrap_stay_inside_their_story():
    """As many rows of each story as it has, in runs of the block's length."""
    rows = block_rows(len(THREE.trs), 10, np.random.default_rng(0), THREE.labels)
    np.testing.assert_array_equal(THREE.labels[rows], THREE.labels)
    assert len(np.unique(rows)) < len(rows)


def test_no_delay_reaches_into_another_story():
    """Too few TRs after a story's rows, or a recording of another length, are refused; rows outside a story too."""
    _, bold = world(TWO)
    delayed(bold[0], TWO, len(TWO.trs), (0, 4))
    with pytest.raises(RecordingError, match="4 TRs after its rows"):
        delayed(bold[0], TWO, len(TWO.trs), (0, 5))
    with pytest.raises(RecordingError, match="153 TRs in all"):
        delayed(bold[0, 1:], TWO, len(TWO.trs), (0,))
    with pytest.raises(StoryError, match="lie outside them"):
        StoryRows(((70, 3, 71), (70, 0, 70)))
