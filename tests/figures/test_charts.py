"""Charts against the made-up run, whose content is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from brainlike_core import inventory
from brainlike_core.errors import ConfigError
from brainlike_core.figures import captions, charts, comparison, matrix, theme
from tests import synthetic_run as made

RUN = made.make_run()
RANDOM = made.make_run(made.config(weights="random"))
C = RUN.correspondence


def points(figure):
    """(atom, network, trace) of every point that can be clicked."""
    return [
        (int(a), int(f), trace)
        for trace in figure.data
        if trace.customdata is not None
        for a, f in trace.customdata
        if a >= 0
    ]


def test_atoms_are_named_by_their_strongest_link():
    """Atom 3 beats both nulls at Language; atom 5 only passes the spin test; atom 0 has no link."""
    names = charts.atom_names(C)
    assert names[3] == "Atom 3 · Language +"
    assert names[5] == "Atom 5 · Default − (spin only)"
    assert names[0] == "Atom 0"


def test_the_leading_atom_is_the_strongest_that_beats_both_nulls():
    """Atom 3 holds the only accepted link, so every page opens on it."""
    assert charts.leading_atom(C) == 3


def test_orders_hold_each_atom_once_and_start_where_they_should():
    """By strength atom 3 (Dice .5) then 5 (.3); by network Default (5) before Language (3)."""
    for order in matrix.ORDERS:
        assert sorted(matrix.atom_order(C, order)) == list(range(made.N_ATOMS))
    assert matrix.atom_order(C, "strength")[:2] == [3, 5]
    assert matrix.atom_order(C, "network")[:2] == [5, 3]
    assert matrix.atom_order(C, "number") == list(range(made.N_ATOMS))


def test_an_unknown_order_is_refused():
    """The refusal names what was found and what may be asked for."""
    with pytest.raises(ConfigError, match="found 'size', needed one of network"):
        matrix.atom_order(C, "size")


def test_every_cell_of_the_matrix_can_be_clicked():
    """12 atoms x 17 networks: each cell has a point, the cell with both signs has two."""
    cells = [(a, f) for a, f, _ in points(matrix.correspondence_matrix(C, range(made.N_ATOMS)))]
    assert set(cells) == {(a, f) for a in range(made.N_ATOMS) for f in range(17)}
    assert len(cells) == made.N_ATOMS * 17 + 1
    assert cells.count((3, made.LANGUAGE)) == 2


def test_each_network_has_a_mark_of_its_own():
    """A click at the head of a row names its network and no sub-group."""
    figure = matrix.correspondence_matrix(C, range(made.N_ATOMS))
    marks = figure.data[1]
    assert [(y, *which) for y, which in zip(marks.y, marks.customdata, strict=True)] == [
        (f, -1, f) for f in range(17)
    ]


def test_what_a_click_returns_is_a_plain_list():
    """Two-dimensional typed arrays reach the browser flattened, and a click then names the wrong cell."""
    for figure in (matrix.correspondence_matrix(C, range(made.N_ATOMS)), charts.network_ranking(C, 6)):
        assert all(isinstance(t.customdata[0], list) for t in figure.data if t.customdata)


def test_squares_are_solid_only_where_both_nulls_are_beaten():
    """One solid red square; the deactivations are blue and hollow."""
    figure = matrix.correspondence_matrix(C, matrix.atom_order(C))
    looks = {t.name: (t.marker.color, t.marker.line.color, len(t.x)) for t in figure.data if t.name}
    assert looks["activation, beats both nulls"] == (theme.ACTIVATION, theme.ACTIVATION, 1)
    assert looks["activation, spin rule only"] == (theme.PAPER, theme.ACTIVATION, 1)
    assert looks["deactivation, spin rule only"] == (theme.PAPER, theme.DEACTIVATION, 2)


def test_squares_stand_in_the_column_of_their_atom():
    """Whatever the order, the point of atom k lies where k stands in the order."""
    order = matrix.atom_order(C, "cluster")
    for trace in matrix.correspondence_matrix(C, order).data:
        for x, (a, _) in zip(trace.x, trace.customdata, strict=True):
            assert x == order.index(a) if a >= 0 else x < -0.5


def test_a_larger_dice_is_a_larger_square():
    """Size grows with Dice, sign and cell aside: .5 > .3 > .2."""
    figure = matrix.correspondence_matrix(C, range(made.N_ATOMS))
    size = {(a, f): s for t in figure.data[2:] for (a, f), s in zip(t.customdata, t.marker.size, strict=True)}
    assert size[5, made.DEFAULT] > size[3, made.AUDITORY] > 5


def test_the_ranking_of_a_network_is_signed_and_sorted():
    """Language: atom 3 with +.5, then atom 3 with -.1, then the rest at .02."""
    stems, marks = charts.network_ranking(C, made.LANGUAGE, 4).data
    np.testing.assert_allclose(np.asarray(marks.x[:2], float), [0.5, -0.1], atol=1e-6)
    assert [atom for (atom,) in marks.customdata[:2]] == [3, 3]
    assert list(marks.marker.color[:2]) == [theme.ACTIVATION, theme.PAPER]


def test_the_ranking_at_a_word_is_by_distance_from_the_mean():
    """Three atoms: -2 SD comes before +1.5 and +0.1; only atom 3 of the run beats fake atoms."""
    activity = np.zeros(made.N_ATOMS)
    activity[[0, 3, 7]] = (-2.0, 1.5, 0.1)
    marks = charts.word_ranking(C, activity, 3).data[1]
    assert [atom for (atom,) in marks.customdata] == [0, 3, 7] and list(marks.x) == [-2.0, 1.5, 0.1]
    assert list(marks.marker.color) == [theme.PAPER, theme.ACTIVATION, theme.PAPER]


def test_a_trace_is_beside_its_atom_in_standard_deviations():
    """Twice the atom plus five has the atom's own curve."""
    atom = RUN.dictionary.atoms[:, 2]
    first, second = charts.neuron_trace(RUN.dictionary, 2, 2 * atom + 5, made.TR, "layer 1, unit 2").data
    np.testing.assert_allclose(first.y, second.y, atol=1e-4)
    assert second.name == "layer 1, unit 2" and np.std(second.y) == pytest.approx(1)


def test_a_network_that_is_not_there_is_refused():
    """An index past the atlas gets one sentence, not an IndexError."""
    with pytest.raises(ConfigError, match="found 17, needed 0 to 16"):
        charts.network_ranking(C, 17)


def test_region_values_of_a_parcel_are_those_of_the_map():
    """Atom 3 has z = 8 in parcel 42, and the ranking puts it first."""
    name, values, n = charts.region_values(RUN.encoding.z_maps, RUN.recording, inventory.regions(), 42)
    assert (name, n) == ("parcel 42", 1)
    np.testing.assert_array_equal(values, RUN.encoding.z_maps[:, 42])
    marks = charts.region_ranking(C, values).data[1]
    assert int(marks.customdata[0][0]) == 3 and marks.x[0] == pytest.approx(8.0)


def test_region_values_of_a_vertex_are_means_over_its_region():
    """Brute force over the Schaefer label that holds vertex 9000."""
    regions = inventory.regions()
    n = len(regions.labels)
    maps = np.random.default_rng(0).normal(size=(2, n))
    by_vertex = dataclasses.replace(
        RUN.recording,
        locations=(),
        vertex_location=np.arange(n, dtype=np.int32),
        bold=np.zeros((made.N_SUBJECTS, 2, n), np.float32),
        constant=np.zeros((made.N_SUBJECTS, n), bool),
    )
    name, values, count = charts.region_values(maps, by_vertex, regions, 9000)
    members = [v for v in range(n) if regions.labels[v] == regions.labels[9000]]
    assert (name, count) == (regions.networks[regions.labels[9000] - 1], len(members))
    np.testing.assert_allclose(values, [np.mean([m[v] for v in members]) for m in maps])


def test_the_time_course_is_in_standard_deviations_on_the_story_clock():
    """First point at first_tr x TR = 9 s; mean 0 and SD 1."""
    words = pd.DataFrame({"word": ["<i>", "b"], "onset": [4.0, 40.0]})
    line = charts.time_course(RUN.dictionary, 3, made.TR, words).data[-1]
    assert line.x[0] == 9.0 and len(line.x) == made.N_TRS
    assert np.mean(line.y) == pytest.approx(0, abs=1e-6) and np.std(line.y) == pytest.approx(1, abs=1e-6)
    assert line.text[0] == "&lt;i&gt;"  # heard at 4 s, five seconds before 9 s
    assert line.text[10] == "silence"


def test_the_layer_histogram_counts_each_neuron_once():
    """Neuron n loads on atom n % 12; of neurons 0-9, 10-19, ... atom 3 has 1 in each of layers 0-3 but 2."""
    bars = charts.layer_histogram(RUN.dictionary, 3).data[0]
    expected = [sum(n % made.N_ATOMS == 3 for n in range(10 * k, 10 * k + 10)) for k in range(4)]
    assert list(bars.y) == expected


def test_score_maps_hide_what_is_not_significant():
    """10 of 100 parcels have q < .05; the second map holds only those."""
    maps, names = charts.score_maps(RUN)
    assert maps.shape == (3, made.N_PARCELS) and len(names) == 3
    assert np.isfinite(maps[1]).sum() == 10
    np.testing.assert_array_equal(maps[1][90:], RUN.encoding.r_heldout[90:])


def test_trained_marks_are_filled_and_random_marks_hollow():
    """One model, one colour; random weights are told by the fill."""
    figure = comparison.diversity_consistency([RUN, RANDOM])
    marks = [t.marker for t in figure.data if t.mode == "markers"]
    assert marks[0].line.color == marks[1].line.color == marks[0].color
    assert marks[1].color == theme.PAPER


def test_intervals_are_drawn_as_they_are():
    """Diversity .92 [.90, .94]: the horizontal line runs from .90 to .94."""
    lines = [t for t in comparison.diversity_consistency([RUN]).data if t.mode == "lines"]
    assert (0.90, 0.94) in [tuple(t.x) for t in lines]
    assert (-0.05, 0.08) in [tuple(t.y) for t in lines]  # the size-matched null
    assert (0.05, 0.2) in [tuple(t.y) for t in lines]


def test_involvement_points_right_for_activation_and_left_for_deactivation():
    """Language has one of each; Default deactivates only."""
    bars = [t for t in comparison.involvement([RUN]).data if t.type == "bar"]
    assert (bars[0].x[made.LANGUAGE], bars[1].x[made.LANGUAGE]) == (1, -1)
    assert (bars[0].x[made.DEFAULT], bars[1].x[made.DEFAULT]) == (0, -1)


def test_involvement_by_the_accepted_rule_counts_what_beats_both_nulls():
    """One accepted link, atom 3 and Language; no ticks, for the fakes have none by network."""
    figure = comparison.involvement([RUN], "accepted")
    assert all(t.type == "bar" for t in figure.data)
    assert [int(np.abs(t.x).sum()) for t in figure.data] == [1, 0] and figure.data[0].x[made.LANGUAGE] == 1


def test_layer_profiles_are_ridges_relative_to_an_even_spread():
    """Shares .1 .2 .3 .4 over 4 layers are .4 .8 1.2 1.6 times even; unlinked networks have no row."""
    figure = comparison.layer_profiles([RUN, RANDOM])
    fill, line = figure.data[:2]
    assert list(figure.layout.yaxis.ticktext) == ["Default", "Language", "Auditory"]
    ridge = [text == "Language" for text in line.text]
    values = np.asarray(line.customdata, float)[ridge]
    np.testing.assert_allclose(values[:4], [0.4, 0.8, 1.2, 1.6], rtol=1e-6)
    heights = (
        1 - np.asarray(line.y, float)[ridge][:4]
    )  # Language is the second row, and up is towards the first
    np.testing.assert_allclose(heights / heights[0], [1, 2, 3, 4], rtol=1e-5)
    assert fill.fill == "toself" and np.nanmax(fill.y) == 2 and len(figure.data) == 4


def test_many_runs_get_a_panel_each():
    """Five runs: five panels of bars with one scale, and no legend entry that repeats a panel's title."""
    runs = [made.make_run(made.config(f"gpt2-{i}")) for i in range(5)]
    figure = comparison.involvement(runs, "accepted")
    assert len({t.xaxis for t in figure.data}) == 5 and not any(t.showlegend for t in figure.data)
    assert [a.text for a in figure.layout.annotations[:5]] == [f"gpt2-{i}" for i in range(5)]


def test_owners_are_left_out_of_names_that_stay_distinct():
    """gpt2 of one owner is gpt2; two owners of one name are told apart."""
    one, two, other = (made.make_run(made.config(name)) for name in ("a/gpt2", "b/gpt2", "c/bert"))
    assert comparison.run_names([one, other]) == ["gpt2", "bert"]
    assert comparison.run_names([one, two]) == ["a/gpt2", "b/gpt2"]


def test_heldout_scores_show_the_null_range():
    """Null means run evenly from -.03 to .03: the middle 95 % is +-.0285."""
    band, mark = comparison.heldout_scores([RUN]).data
    np.testing.assert_allclose(np.asarray(band.x, float), [-0.0285, 0.0285], atol=1e-6)
    assert mark.x[0] == pytest.approx(0.12)


def test_lag_curves_are_in_seconds():
    """Delay 2 TR of 1.5 s = 3 s."""
    assert list(comparison.lag_curves([RUN]).data[0].x) == [0, 1.5, 3, 4.5, 6]


def test_the_table_of_metrics_states_interval_and_null():
    """Metrics without a size-matched null have none in their cell."""
    table = comparison.metrics_table([RUN, RANDOM])
    assert table.loc["Diversity", "minilm-l6"] == "0.920 [0.900, 0.940]"
    cell = table.loc["Consistency (time)", "minilm-l6"]
    assert cell == "0.120 [0.050, 0.200] | null -0.050 to 0.080"
    assert list(table.columns) == ["minilm-l6", "minilm-l6 · random 0"]


def test_runs_of_one_name_are_told_apart_by_id():
    """Same model and weights on two recordings: six characters of the id follow."""
    names = comparison.run_names([RUN, made.make_run(made.config(recording="pieman"))])
    assert len(set(names)) == 2 and all(" · " in name for name in names)


def test_the_verdict_says_real_fake_and_accepted():
    """4 links, fake dictionaries 5 to 24 (mean 14.5), one survives."""
    text = captions.verdict(C)
    assert "**4 links**" in text and "**14**" in text and "(5 to 24)" in text
    assert text.endswith("**1** survives both nulls.")


def test_parcels_say_how_they_are_drawn():
    """Holes are filled on the figure: its caption says so."""
    assert captions.atom_map(RUN, 3).endswith("holes between them take the nearest labelled vertex.")


@pytest.mark.parametrize(
    "caption",
    [
        captions.matrix(RUN), captions.fakes(RUN), captions.atom_map(RUN, 3), captions.score_map(RUN),
        captions.tradeoff([RUN, RANDOM]), captions.heldout([RUN]), captions.involvement([RUN]),
        captions.metrics([RUN]), captions.region(RUN, 5), captions.recovery(RUN),
    ],
)  # fmt: skip
def test_captions_state_a_number_and_a_null_or_correction(caption):
    """Every claim under a chart says of how many, and against what."""
    assert any(character.isdigit() for character in caption)
    assert any(
        word in caption
        for word in ("FDR", "null", "uncorrected", "fake", "randomised", "shuffle", "not corr")
    )


@pytest.mark.parametrize("make", [comparison.diversity_consistency, comparison.involvement, comparison.layer_profiles,
                                  comparison.heldout_scores, comparison.lag_curves])  # fmt: skip
def test_charts_of_many_runs_serialise(make):
    """Nine runs, more than there are colours, still give one valid figure."""
    runs = [made.make_run(made.config(model=f"folder-{i}")) for i in range(9)]
    assert len(make(runs).to_json()) > 1000


def test_charts_change_nothing():
    """The values of a run are read-only and stay as they were."""
    before = C.dice.copy(), RUN.organization.metrics.copy()
    matrix.correspondence_matrix(C, matrix.atom_order(C, "cluster"), atom=3, network=6).to_json()
    comparison.metrics_table([RUN])
    np.testing.assert_array_equal(C.dice, before[0])
    pd.testing.assert_frame_equal(RUN.organization.metrics, before[1])
