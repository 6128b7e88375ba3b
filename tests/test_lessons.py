"""What the guided tour computes, against closed forms, scipy and planted answers."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import fft, stats

from brainlike_core import archive, lessons
from brainlike_core.config import LOW_LEVEL
from brainlike_core.errors import ConfigError, RecordingError
from tests import synthetic_run as made


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A made-up run with its neurons."""
    folder = tmp_path_factory.mktemp("cache")
    run_id = made.write(made.make_run(), folder)
    workspace = archive.open_store(folder)
    return lessons.open_lesson(archive.load_run(run_id, workspace), workspace)


def test_a_run_opens_with_words_truth_and_network_means(lesson):
    """Network means are z-scored, one column per network, and parcels count by their vertices."""
    assert lesson.n_neurons == 40 and lesson.words is not None and lesson.truth is not None
    assert lesson.bold.shape == (made.RECORDED_TRS, 17)
    assert np.allclose(lesson.bold.mean(0), 0, atol=1e-5) and np.allclose(lesson.bold.std(0), 1, atol=1e-4)
    where, labels = lesson.run.recording.vertex_location, lesson.run.atlas.labels
    inside = where[labels == made.LANGUAGE + 1]
    group = lesson.run.recording.bold.mean(0)
    group = (group - group.mean(0)) / group.std(0)
    mean = group[:, inside].mean(1)  # every vertex of the network takes its parcel's value
    assert np.corrcoef(mean, lesson.bold[:, made.LANGUAGE])[0, 1] == pytest.approx(1, abs=1e-5)


def test_a_baseline_has_no_lesson(tmp_path):
    """Features of the words have no neurons: a sentence, not a traceback."""
    run = made.make_run(made.config(LOW_LEVEL))
    made.write(run, tmp_path)
    workspace = archive.open_store(tmp_path)
    record = archive.known_record(run.id, workspace)
    entries = {step: key for step, key in record.entries.items() if step not in ("extract", "responses")}
    archive.write_record(run.config, entries, {}, workspace)
    with pytest.raises(ConfigError, match="no neurons"):
        lessons.open_lesson(run, workspace)


def test_pruned_responses_are_said_to_be_gone(tmp_path):
    """What was pruned can be computed again, and the sentence says so."""
    run = made.make_run()
    made.write(run, tmp_path)
    workspace = archive.open_store(tmp_path)
    entries = dict(archive.known_record(run.id, workspace).entries) | {"responses": "0" * 64}
    archive.write_record(run.config, entries, {}, workspace)
    with pytest.raises(RecordingError, match="run it again"):
        lessons.open_lesson(run, workspace)


def test_responses_to_words_are_in_standard_deviations(lesson):
    """Neuron 3 answers the n-th word by n: its largest response is to the last one."""
    heard = lessons.neuron_words(lesson, 3)
    assert heard["response"].mean() == pytest.approx(0, abs=1e-6)
    assert heard["response"].std(ddof=0) == pytest.approx(1, abs=1e-6)
    assert heard["response"].idxmax() == len(heard) - 1
    again = lessons.recurring_word(heard)
    assert again.word == "hid" and again.n == 9 and again.low < 0 < again.high


def test_no_word_need_recur():
    """Words that are heard once or twice say nothing of context."""
    heard = pd.DataFrame({"word": ["a", "b", "a"], "response": [0.0, 1.0, 2.0]})
    assert lessons.recurring_word(heard) is None


def test_means_of_volumes_keep_the_between_share_of_variance(lesson):
    """Equal to the correlation ratio of a one-way analysis of variance; slower scanners never keep more of nested volumes."""
    heard = lessons.neuron_words(lesson, 5)
    table, kept = lessons.by_volume(heard, 3.0)
    groups = [g["response"].to_numpy() for _, g in heard.groupby((heard["onset"] // 3).astype(int))]
    f = stats.f_oneway(*groups).statistic
    between, within = len(groups) - 1, len(heard) - len(groups)
    assert kept == pytest.approx(f * between / (f * between + within), abs=1e-6)
    assert table["n_words"].sum() == len(heard)
    assert lessons.by_volume(heard, 6.0)[1] <= kept <= lessons.by_volume(heard, 1.5)[1]
    assert lessons.by_volume(heard, 0.1)[1] == pytest.approx(1)


def test_a_delayed_copy_is_found_at_its_delay(lesson):
    """A network that is the word rate, six seconds late, peaks at six seconds."""
    rate = lessons.word_rate(lesson, hrf=True)
    bold = lesson.bold.copy()
    bold[:, 0] = lessons.delayed(rate, made.TR, 6.0)
    planted = lessons.Lesson(
        lesson.run, lesson.responses, lesson.words, lesson.truth, lesson.share, bold.astype(np.float32)
    )
    curve = lessons.delay_curve(planted, 0, True, lessons.DELAYS)
    best = curve.loc[curve["r"].idxmax()]
    assert best["delay"] == 6.0 and best["r"] == pytest.approx(1, abs=1e-5)


def test_the_haemodynamic_response_peaks_at_five_seconds():
    """Glover's response: up for about five seconds, below 0 after ten."""
    curve = lessons.hrf_curve(1.5)
    assert curve.loc[curve["response"].idxmax(), "seconds"] == pytest.approx(5, abs=0.4)
    assert curve.loc[(curve["seconds"] > 11) & (curve["seconds"] < 14), "response"].max() < 0


def test_a_neuron_that_is_its_atoms_comes_back_whole(tmp_path):
    """Each further atom adds its share; all of them give the neuron."""
    run = made.make_run()
    made.write(run, tmp_path)
    workspace = archive.open_store(tmp_path)
    lesson = lessons.open_lesson(run, workspace)
    atom = np.asarray(run.dictionary.atoms[:, 3], float)
    neuron = (atom - atom.mean()) / atom.std()
    values = lesson.responses.values.copy()
    values[:, 3] = neuron  # neuron 3 loads on atom 3 alone, by 1
    own = lessons.Lesson(
        run,
        type(lesson.responses)("m", "tr", values, lesson.responses.layers, 10),
        None,
        None,
        lesson.share,
        lesson.bold,
    )
    nothing, whole = lessons.rebuilt(own, 3, 0), lessons.rebuilt(own, 3, 5)
    assert nothing.r2 == 0 and nothing.atoms == ()
    assert whole.atoms == (3,) and whole.r2 == pytest.approx(1, abs=0.05)  # the atom's own mean is not 0
    assert lessons.leading_neuron(run.dictionary, 3) == 3


def test_thresholds_shrink_a_sub_group(lesson):
    """Neuron n belongs to atom n % 12 with loading 1: four neurons of atom 3 below 1, none beyond."""
    d = lesson.run.dictionary
    assert lessons.members(d, 3, 0.5).tolist() == [1, 1, 1, 1]
    assert lessons.sizes(d, 3, np.array([0.0, 0.5, 1.0])).tolist() == [4, 4, 0]


def test_more_regressors_fit_better_at_home_and_no_better_away(lesson):
    """Home equals scipy's r of a least-squares fit; with noise it only grows, and the other half gains nothing."""
    table = lessons.fit_by_size(lesson, made.LANGUAGE, (1, 4, 12))
    assert (np.diff(table["home"]) > 0).all() and (np.diff(table["fake_home"]) > 0).all()
    assert table["home"].iloc[-1] > 0.5 and abs(table["away"].iloc[-1]) < 0.4
    d, e = lesson.run.dictionary, lesson.run.encoding
    rows = slice(d.first_tr + e.map_delay, d.first_tr + e.map_delay + 25)
    r = stats.pearsonr(d.atoms[:25, 0], lesson.bold[rows, made.LANGUAGE]).statistic
    assert table["home"].iloc[0] == pytest.approx(abs(r), abs=1e-5)


def test_scores_of_networks_are_means_over_their_vertices(lesson):
    """Weighted by vertices, as the atlas is drawn."""
    table = lessons.network_scores(lesson).set_index("network")
    where, labels = lesson.run.recording.vertex_location, lesson.run.atlas.labels
    expected = lesson.run.encoding.r_heldout[where[labels == made.LANGUAGE + 1]].mean()
    assert table.loc["Language", "r"] == pytest.approx(expected, abs=1e-5)


def test_a_planted_atom_beats_its_fakes_and_noise_does_not(lesson):
    """A network that is the atom two volumes late: r 1, the smallest p, and no fake comes near."""
    d, bold = lesson.run.dictionary, lesson.bold.copy()
    bold[d.first_tr + 2 : d.first_tr + 2 + d.n_trs, 0] = d.atoms[:, 5]
    planted = lessons.Lesson(lesson.run, lesson.responses, None, None, lesson.share, bold)
    found = lessons.fake_atoms(planted, 5, 0, n_copies=99)
    assert found.r == pytest.approx(1, abs=1e-6) and found.p == 0.01
    assert np.abs(found.copies_r).max() < 0.9
    power = fft.dct(found.copies, axis=1) ** 2  # each cosine keeps its size
    assert np.allclose(power, fft.dct(found.atom) ** 2, rtol=1e-6, atol=1e-9)
    p = [lessons.fake_atoms(lesson, k, f, n_copies=19).p for k in range(6) for f in range(6)]
    assert 0.25 < np.mean(p) < 0.8


def test_prediction_lost_is_averaged_where_it_was_measured(lesson):
    """The made-up run loses 0.001 everywhere; a network without measured locations is not said to lose nothing."""
    assert lessons.lost_without(lesson, 0)["lost"].dropna().to_numpy() == pytest.approx(0.001)
    partly = lesson.run.encoding.atom_unique.copy()
    partly[:, lesson.share[:, 1] > 0] = np.nan

    run = dataclasses.replace(
        lesson.run, encoding=dataclasses.replace(lesson.run.encoding, atom_unique=partly)
    )
    table = lessons.lost_without(dataclasses.replace(lesson, run=run), 0)
    assert np.isnan(table["lost"][1]) and np.isfinite(table["lost"][0])


def test_a_link_is_planted_where_its_sub_group_follows_the_pattern(lesson):
    """Atom 3 made to follow the pattern planted in Auditory: one of the four spin links is true, and no other."""
    d = lesson.run.dictionary
    assert lessons.planted_links(lesson) == (0, 4, 0, 1)
    atoms = d.atoms.copy()
    atoms[:, 3] = lesson.truth.patterns[0, d.first_tr : d.first_tr + d.n_trs]
    run = dataclasses.replace(lesson.run, dictionary=dataclasses.replace(d, atoms=atoms))
    assert lessons.planted_links(dataclasses.replace(lesson, run=run)) == (1, 4, 0, 1)
    assert lessons.planted_links(dataclasses.replace(lesson, truth=None)) is None


def test_a_planted_course_is_the_pattern_on_the_atoms_rows(lesson):
    """Its r is scipy's; a pattern that was not planted has no course."""
    planted, series, r = lessons.planted_course(lesson, "word rate", 4)
    d = lesson.run.dictionary
    raw = lesson.truth.patterns[0, d.first_tr : d.first_tr + d.n_trs]
    assert r == pytest.approx(stats.pearsonr(raw, d.atoms[:, 4]).statistic, abs=1e-5)
    assert len(planted) == len(series) == d.n_trs
    assert lessons.planted_course(lesson, "nothing", 4) is None
