"""Patterns made from the text, and the simulated listeners."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import fft, signal, stats

from brainlike_core.errors import ConfigError, RecordingError, StoryError
from brainlike_core.science.statistics import correlate, leave_one_out_isc
from brainlike_core.science.timing import band_pass
from brainlike_core.sources import catalogue, simulation
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.embedded_story import SCENES
from brainlike_core.sources.simulation import planted_patterns, simulate
from brainlike_core.sources.surfaces import load_surface
from tests.sources.test_embedded_story import no_scenes, told

EG17 = load_atlas("eg17")
PLANTED = sorted({network for _, network, _, _ in simulation.EFFECTS})


def inside(network):
    """Vertices of one network."""
    return EG17.labels == 1 + EG17.networks.index(network)


@pytest.fixture(scope="module")
def four():
    """Four listeners of seed 0."""
    return simulate(seed=0, n_subjects=4)


@pytest.fixture(scope="module")
def nothing_planted():
    """Four listeners of seed 0 with every gain at 0."""
    return simulate(seed=0, n_subjects=4, gain_scale=0.0)


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize("latency", [0.0, 0.3, -0.4])
def test_hrf_is_nilearns(latency):
    """The response equals nilearn's Glover response, averaged within each TR, to 0.2 % of its peak.

    nilearn spreads its samples with both ends included, which stretches its clock by 0.1 %.
    """
    hrf = pytest.importorskip("nilearn.glm.first_level.hemodynamic_models")
    fine = hrf.glover_hrf(1.1, oversampling=50, time_length=32.0, onset=latency)
    want = fine[: len(fine) // 50 * 50].reshape(-1, 50).mean(1)
    ours = simulation._hrf(1.1, latency)
    np.testing.assert_allclose(ours, want[: len(ours)] / want[: len(ours)].sum(), atol=1e-3)


def test_patterns_of_a_mini_story_by_hand():
    """Each word's value, written down by hand, convolved word by word, gives the same time course."""
    story = told('He said, "Come here now." They left it.', [1.0, 1.2, 4.0, 7.1, 7.2, 12.0, 13.0, 40.0])
    scenes = no_scenes(story, hands=[0, 0, 0, 0, 0, 1, 1, 1], place=[1, 0, 0, 0, 0, 0, 0, 0])
    by_hand = {
        "word_length": [2, 4, 4, 4, 3, 4, 4, 2],
        "sentence_build_up": [1, 2, 3, 4, 5, 1, 2, 3],
        "dialogue": [0, 0, 1, 1, 1, 0, 0, 0],
        "hands": scenes["hands"],
        "place": scenes["place"],
    }
    names, _, patterns = planted_patterns(story, 2.0, 40, scenes)
    trs = [0, 0, 2, 3, 3, 6, 6, 20]
    for name, values in by_hand.items():
        events = np.zeros(40)
        for tr, value in zip(trs, np.array(values, float) - np.mean(values), strict=True):
            events[tr] += value / trs.count(tr)
        wanted = stats.zscore(np.convolve(events, simulation._hrf(2.0))[:40])
        np.testing.assert_allclose(patterns[names.index(name)], wanted, atol=1e-5, err_msg=name)
    rate = np.bincount(trs, minlength=40)
    wanted = stats.zscore(np.convolve(rate, simulation._hrf(2.0))[:40])
    np.testing.assert_allclose(patterns[names.index("word_rate")], wanted, atol=1e-5)


def test_what_never_varies_is_zero():
    """No dialogue, no scene and every word as frequent as the next: flat patterns there, not NaN."""
    story = told("one two three", [0, 2, 4])
    names, kinds, patterns = planted_patterns(story, 1.0, 30, no_scenes(story))
    flat = [n for n, p in zip(names, patterns, strict=True) if not p.any()]
    assert set(flat) == {"dialogue", "word_rarity", *SCENES}
    assert np.isfinite(patterns).all() and patterns.dtype == np.float32
    kind = dict(zip(names, kinds, strict=True))
    assert (kind["word_rate"], kind["word_rarity"]) == ("acoustic", "lexical")
    assert {kind[n] for n in ("dialogue", "sentence_build_up", *SCENES)} == {"context"}


def test_words_after_the_last_volume_are_left_out():
    """A word that begins after the scan changes nothing but the mean over words."""
    both, early = told("one two six", [0, 2, 90]), told("one two", [0, 2])
    rate = [planted_patterns(s, 1.0, 30, no_scenes(s))[2][0] for s in (both, early)]
    np.testing.assert_array_equal(*rate)


def test_scenes_of_another_story_are_refused():
    """Marks that do not cover the words: a StoryError that says how many are needed."""
    story = told("one two three", [0, 2, 4])
    with pytest.raises(StoryError, match="needed 3"):
        planted_patterns(story, 1.0, 30)


def test_patterns_can_be_told_apart(four):
    """After response and filter no two patterns correlate beyond .6, and most of each survives."""
    recording, _, truth = four
    kept = band_pass(truth.patterns.T.astype(float), recording.tr, recording.pass_band)
    r = np.corrcoef(kept.T) - np.eye(len(truth.names))
    assert np.abs(r).max() < 0.6
    assert kept.var(0).min() > 0.6
    np.testing.assert_allclose(truth.patterns.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(truth.patterns.std(1), 1, atol=1e-5)


# ---------------------------------------------------------------- listeners


def test_recording_covers_the_story(four):
    """640 volumes, to at least 15 s after the last word; float32 on fsaverage5, z-scored, nothing constant."""
    recording, story, truth = four
    assert recording.bold.shape == (4, 640, 20_484) and truth.patterns.shape[1] == 640
    assert recording.bold.dtype == np.float32
    assert 15 <= recording.n_trs * recording.tr - story.offsets[-1] < 20
    some = recording.bold[:, :, ::97]
    np.testing.assert_allclose(some.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(some.std(1), 1, atol=1e-3)
    assert not recording.constant.any()


def test_catalogue_says_what_is_made(four):
    """Repetition time, space and volumes of the catalogue's entry."""
    entry, recording = catalogue.entry("simulated"), four[0]
    assert (entry.tr, entry.space) == (recording.tr, recording.space)
    assert f"{recording.n_trs} volumes" in entry.description


def test_medial_wall_has_data_but_is_not_drawn(four):
    """-1 exactly where neither atlas has a network; every vertex is a location."""
    location = four[0].vertex_location
    nameless = (EG17.labels == 0) & (load_atlas("yeo7").labels == 0)
    np.testing.assert_array_equal(location == -1, nameless)
    np.testing.assert_array_equal(location[~nameless], np.flatnonzero(~nameless))
    assert four[0].bold[:, :, nameless].std() > 0.9


def test_only_the_pass_band_is_left(four):
    """Cosines outside 0.01-0.12 Hz hold no power."""
    bold, n = four[0].bold[0, :, ::97].astype(float), four[0].n_trs
    power = (fft.dct(bold, axis=0, norm="ortho") ** 2).mean(1)
    frequency = np.arange(n) / (2 * 1.1 * n)
    outside = (frequency < 0.01) | (frequency > 0.12)
    assert power[outside].max() < 1e-6 * power[~outside].min()


def test_same_seed_same_data(four):
    """A listener is the same to the last bit, whoever else is asked for."""
    again, _, _ = simulate(seed=0, n_subjects=8, subjects=(3, 1))
    assert again.subjects == ("sim-03", "sim-01")
    np.testing.assert_array_equal(again.bold, four[0].bold[[2, 0]])


def test_other_seed_other_noise_same_truth(four):
    """Where nothing is planted two seeds share nothing; the truth is the same."""
    other, _, truth = simulate(seed=1, subjects=(1,))
    np.testing.assert_array_equal(truth.patterns, four[2].patterns)
    assert truth.table.equals(four[2].table)
    free = ~np.isin(EG17.labels, [1 + EG17.networks.index(n) for n in PLANTED])
    r = correlate(other.bold[0][:, free], four[0].bold[0][:, free])
    assert abs(r.mean()) < 0.1 and np.abs(r).max() < 0.6


def test_truth_is_in_its_networks_and_not_elsewhere(four):
    """Each effect: its network's mean response follows the pattern with its sign; free networks do not."""
    recording, _, truth = four
    group = recording.bold.mean(0)
    kept = band_pass(truth.patterns.T.astype(float), recording.tr, recording.pass_band)
    mean = {n: group[:, inside(n)].mean(1).astype(float) for n in EG17.networks}
    for effect in truth.table.itertuples():
        r = np.corrcoef(kept[:, truth.names.index(effect.pattern)], mean[effect.network])[0, 1]
        assert (r if effect.sign == "+" else -r) > 0.45, effect
    free = [n for n in EG17.networks if n not in PLANTED and inside(n).sum() > 200]
    stray = [np.corrcoef(k, mean[n])[0, 1] for k in kept.T for n in free]
    assert len(free) >= 4 and np.abs(stray).max() < 0.4


def test_nothing_planted_nothing_shared(nothing_planted):
    """With gain 0 subjects share nothing and no pattern is there, beyond chance."""
    recording, _, truth = nothing_planted
    assert abs(leave_one_out_isc(recording.bold[:, :, ::7]).mean()) < 0.03
    kept = band_pass(truth.patterns.T, recording.tr, recording.pass_band)
    group = recording.bold.mean(0)
    for effect in truth.table.itertuples():
        pattern = kept[:, [truth.names.index(effect.pattern)]]
        assert abs(correlate(pattern, group[:, inside(effect.network)]).mean()) < 0.3
    assert (truth.table["gain"] == 0).all()


def test_calibrated_to_a_real_recording(four):
    """Four listeners: inter-subject correlation and split half lie where docs/simulation.md says."""
    bold = four[0].bold
    isc = leave_one_out_isc(bold).mean(0)
    planted = np.isin(EG17.labels, [1 + EG17.networks.index(n) for n in PLANTED])
    assert 0.08 < np.median(isc[planted]) < 0.18
    assert 0.25 < isc[planted].max() < 0.50
    assert abs(np.median(isc[~planted])) < 0.03
    first, second = bold[:2].mean(0), bold[2:].mean(0)
    halves = [np.corrcoef(first[:, inside(n)].mean(1), second[:, inside(n)].mean(1))[0, 1] for n in PLANTED]
    assert 0.3 < np.median(halves) < 0.8


def test_noise_is_smooth_along_the_cortex(nothing_planted):
    """Full width at half maximum of 8-11 mm, from the correlation of neighbouring vertices."""
    surface = load_surface()
    a, b, _ = surface.faces.T
    length = np.linalg.norm(surface.pial[a] - surface.pial[b], axis=1).mean()
    bold = nothing_planted[0].bold[0]
    r = (bold[:, a] * bold[:, b]).mean()
    assert 8 < length * np.sqrt(-2 * np.log(2) / np.log(r)) < 11


def test_noise_has_the_spectrum_it_claims():
    """Coefficients vary together as those of noise made volume by volume: AR(1), .54 per second, and a walk."""
    n_trs, n_columns, rho = 300, 4000, 0.54**1.1
    rng = np.random.default_rng(0)
    white, steps = rng.standard_normal((2, n_trs + 60, n_columns))
    noise = signal.lfilter([np.sqrt(1 - rho**2)], [1, -rho], white, axis=0)
    noise += 0.11 * np.sqrt(1.1) * np.cumsum(steps, axis=0)
    basis = simulation._band_basis(n_trs)
    by_volume = np.cov(basis.T @ noise[60:])
    root = simulation._noise_root(basis).astype(float)
    scale = np.sqrt(np.outer(*[np.diag(by_volume)] * 2))
    np.testing.assert_allclose(root @ root.T / scale, by_volume / scale, atol=0.1)


def test_listeners_have_that_noise(nothing_planted):
    """Slow over fast power of the data is that of the noise's covariance, to 10 %."""
    bold = nothing_planted[0].bold
    basis = simulation._band_basis(bold.shape[1])
    power = np.mean([((basis.T @ one) ** 2).mean(1) for one in bold], axis=0)
    wanted = (simulation._noise_root(basis) ** 2).sum(1)
    third = len(power) // 3
    ratio, wanted_ratio = (p[:third].mean() / p[-third:].mean() for p in (power, wanted))
    assert wanted_ratio > 1.5
    assert ratio == pytest.approx(wanted_ratio, rel=0.1)


def test_neighbour_average_by_hand():
    """Two triangles that share an edge: each vertex and its neighbours count once."""
    mesh = SimpleNamespace(faces=np.array([[0, 1, 2], [1, 3, 2]]), n_vertices=4)
    third, quarter = 1 / 3, 1 / 4
    wanted = [[third, third, third, 0], [quarter] * 4, [quarter] * 4, [0, third, third, third]]
    once = simulation._neighbour_average(mesh)
    np.testing.assert_allclose(once.toarray(), wanted, rtol=1e-6)
    rows = simulation._unit_rows(once, 2).toarray()
    twice = np.array(wanted) @ np.array(wanted)
    np.testing.assert_allclose(rows, twice / np.linalg.norm(twice, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("subjects", [(9,), (0,), (1, -2)])
def test_subjects_that_are_not_there(subjects):
    """A position outside the list: a RecordingError that names the range."""
    with pytest.raises(RecordingError, match="1 to 8"):
        simulate(subjects=subjects)


@pytest.mark.parametrize(
    "settings", [{"seed": -1}, {"n_subjects": 0}, {"gain_scale": -0.5}, {"gain_scale": np.nan}]
)
def test_settings_out_of_range(settings):
    """A negative seed or gain, or no listener: a ConfigError that names the setting."""
    with pytest.raises(ConfigError, match=next(iter(settings))):
        simulate(**settings)
