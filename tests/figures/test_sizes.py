"""Models by size and family: what is joined, what is left out, what stands beside its null."""

import numpy as np
import pytest

from brainlike_core.figures import sizes, theme
from brainlike_core.figures.families import family
from brainlike_core.inventory import catalogue
from tests import synthetic_run as made


def run(model, weights="trained"):
    """A made-up run of a model."""
    return made.make_run(made.config(model, weights))


SMALL, LARGE, TWIN, OTHER = run("gpt2"), run("gpt2-xl"), run("gpt2", "random"), run("bert-base-uncased")


def test_every_model_of_the_catalogue_is_in_the_family_that_the_catalogue_says():
    """The name tells what its card says; the baseline is no family."""
    cards = [one for one in catalogue()["models"] if one["name"] != "low-level"]
    assert {one["name"]: family(one["name"]) for one in cards} == {one["name"]: one["group"] for one in cards}


def test_families_share_a_hue_and_members_differ():
    """The colour of the first is lighter; a family of one keeps its own colour."""
    colours = theme.model_colours(["gpt2", "gpt2-xl", "bert-base"])
    assert colours["bert-base"] == theme.MODEL_COLOURS[1]
    assert theme.contrast(colours["gpt2"], theme.PAPER) < theme.contrast(colours["gpt2-xl"], theme.PAPER)


def test_held_out_r_has_its_null_and_metrics_their_interval():
    """The null means run evenly from -.03 to .03; diversity is .92 [.90, .94]; fakes get 5 to 24 links."""
    r = sizes.measured(SMALL, "r_heldout")
    assert (r.value, r.null_low, r.null_high) == pytest.approx((0.12, -0.0285, 0.0285), abs=1e-6)
    assert sizes.measured(SMALL, "diversity")[:3] == (0.92, 0.90, 0.94)
    links = sizes.measured(SMALL, "n_links")
    assert links.value == 4 and (links.null_low, links.null_high) == pytest.approx((5.475, 23.525))


def test_only_trained_members_of_one_family_are_joined_by_size():
    """gpt2 and gpt2-xl, small first, whatever the order of the runs; neither the twin nor BERT."""
    figure = sizes.by_size(
        [LARGE, OTHER, SMALL, TWIN], [1.5e9, 1.1e8, 1.2e8, 1.2e8], "diversity", "parameters"
    )
    lines = [t for t in figure.data if t.mode == "lines" and t.name]
    assert [line.name for line in lines] == ["GPT-2"] and list(lines[0].x) == [1.2e8, 1.5e9]
    assert figure.layout.xaxis.type == "log" and "100 m" in figure.layout.xaxis.ticktext


def test_a_model_of_unknown_size_is_left_out_and_named():
    """The caption says who is missing."""
    figure = sizes.by_size([SMALL, OTHER], [1e8, 0], "r_heldout", "parameters")
    assert [t.name for t in figure.data if t.mode == "markers"] == ["gpt2"]
    assert "not drawn: bert-base-uncased" in sizes.size_caption([SMALL, OTHER], [1e8, 0], "r_heldout")


def test_an_order_is_a_plain_axis():
    """1, 2, 3 of the order above, so that generations can be read as they were chosen."""
    figure = sizes.by_size([SMALL, LARGE], [1.0, 2.0], "n_links", "order")
    assert figure.layout.xaxis.type is None and figure.layout.xaxis.dtick == 1


def test_twins_are_the_same_model_with_random_weights():
    """BERT has none; gpt2's is hollow, at the other end of its line."""
    pairs = sizes.twins([SMALL, LARGE, TWIN, OTHER])
    assert [(one.id, [o.id for o in others]) for one, others in pairs] == [(SMALL.id, [TWIN.id])]
    line, trained, random = sizes.trained_and_random([SMALL, LARGE, TWIN, OTHER], "r_heldout").data
    assert list(line.x) == [0.02, 0.12] and (trained.x[0], random.x[0]) == (0.12, 0.02)
    assert random.marker.color == theme.PAPER and trained.marker.color != theme.PAPER
    assert "no control" in sizes.pairs_caption([SMALL, TWIN], "r_heldout")


def test_rows_show_value_interval_and_null():
    """Consistency .12 [.05, .2] on its size-matched null -.05 to .08."""
    null, interval, mark = sizes.rows([SMALL], "consistency").data
    assert list(null.x) == [-0.05, 0.08] and list(interval.x) == [0.05, 0.2] and mark.x[0] == 0.12


def test_a_metric_that_is_not_there_is_not_drawn():
    """Runs of before a metric existed are left out, not drawn at 0."""
    assert np.isnan(sizes.measured(SMALL, "nonsense").value)
