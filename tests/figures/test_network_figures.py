"""figures/networks.py and figures/cuts.py on made-up values: every mark, its fill, its null, its words."""

import dataclasses

import numpy as np
import pytest

from brainlike_core.config import BridgeConfig
from brainlike_core.figures import cuts, networks, theme
from tests import synthetic_networks as made

FOUND = made.make_networks()
LESION = made.make_lesion(made.lesion_config())
BRAIN = ("Default", "Language", "Auditory", "Visual")
ASKED = BridgeConfig("ab" * 32, against="Default")
BRIDGE = made.make_bridge(ASKED, BRAIN)


def named(figure, name):
    """The first trace with a name."""
    return next(trace for trace in figure.data if trace.name == name)


def test_squares_show_key_neurons_by_layer():
    """Ten in layer 0 is the largest square; a layer without any keeps a dot that can be clicked."""
    squares = networks.layers_and_stability(FOUND, 0).data[0]
    size = dict(zip(zip(squares.y, squares.x, strict=True), squares.marker.size, strict=True))
    assert len(size) == 12 and size[0, 0] == max(size.values()) and size[0, 1] == min(size.values())
    assert size[0, 0] > size[1, 1] > size[2, 0] > size[1, 0]
    assert {k for (k,) in squares.customdata} == {0, 1, 2}


def test_what_is_found_again_is_filled_beside_its_null():
    """Two of three are found in the other half; the stroke of the null is at .2."""
    figure = networks.layers_and_stability(FOUND, 1)
    halves, null = named(figure, "other half of the texts"), named(figure, "random rotation")
    assert list(halves.x) == [0.8, 0.7, 0.2] and list(null.x) == [0.2] * 3
    assert list(halves.marker.color) == [theme.ACCENT, theme.ACCENT, theme.PAPER]


def test_recurrence_has_a_panel_for_each_set_with_its_null():
    """Shares on their row; hollow where the overlap does not beat random networks."""
    figure = networks.recurrence(FOUND, 0)
    assert [a.text for a in figure.layout.annotations] == ["News", "Code"]
    news, code = (trace for trace in figure.data if trace.name == "share of texts")
    assert list(news.x) == [2 / 3, 0, 1 / 3] and list(code.x) == [0, 1, 0]
    assert list(code.marker.color) == [theme.PAPER, theme.ACCENT, theme.PAPER]
    nulls = [trace for trace in figure.data if trace.name == "random networks"]
    assert [list(trace.x) for trace in nulls] == [[0.1] * 3] * 2
    said = networks.recurrence_caption(FOUND, 0.2, 1000)
    assert "3 news, 3 code texts" in said and "1,000 networks" in said and "FDR" in said


def test_connectivity_leaves_out_the_diagonal_and_shows_sign_by_colour():
    """Six squares of three networks; the only negative pair is blue, twice."""
    (squares,) = networks.connectivity(FOUND, 2).data
    assert len(squares.x) == 6 and list(squares.marker.color).count(theme.DEACTIVATION) == 2
    assert "over 20 tokens" in networks.connectivity_caption(FOUND)


def test_many_networks_are_cut_to_those_that_carry_most():
    """Of a hundred, forty with most variance and the chosen one; the caption says so."""
    n = 100
    many = dataclasses.replace(
        FOUND, maps=np.zeros((n, 40), np.float32), explained=np.linspace(1, 0, n, dtype=np.float32),
        time_courses=np.zeros((len(FOUND.tokens), n), np.float32),
    )  # fmt: skip
    assert networks.shown_networks(many, 90) == [*range(40), 90]
    assert "Of 100 networks the 40" in networks.stability_caption(many)
    assert networks.shown_networks(FOUND, 0) == [0, 1, 2]


def test_a_network_in_one_sentence():
    """Size, layer, where it recurs, and whether it is found again."""
    assert networks.network_sentence(FOUND, 0).startswith(
        "**Network 1**: 10 key neurons, most of them in layer 0; 10.0% of the variance. It recurs most in news (67% of texts"
    )
    assert "is not found again beyond chance" in networks.network_sentence(FOUND, 2)


def test_text_activity_is_the_mean_over_a_texts_tokens():
    """The second text has five words, one of them of 4 SD."""
    activity = networks.text_activity(FOUND, 0)
    assert activity["activity"][1] == pytest.approx(4 / 5) and activity["activity"][2] == 0
    dots = networks.by_text_set(FOUND, 0)
    assert [trace.name for trace in dots.data] == ["news", "code"] and len(dots.layout.shapes) == 2
    assert dots.layout.shapes[0].x0 == pytest.approx(activity["activity"][:3].mean())


def test_loudest_tokens_are_in_their_passages_one_per_text():
    """The word `loud` in two different texts, the louder first; the text is escaped, the token marked."""
    tokens = networks.telling_tokens(FOUND, 0, n=2)
    assert list(tokens["token"]) == ["loud", "loud"] and list(tokens["activity"]) == [4.0, 3.0]
    assert tokens["before"][0] + tokens["token"][0] + tokens["after"][0] == "a loud day in town"
    page = networks.token_passages(tokens)
    assert "&lt;b&gt;<mark" in page and "<b>" not in page and "+4.0 SD" in page


def test_the_least_active_tokens_are_those_at_the_other_end():
    """Network 2 rises from the first token to the last: `the` is lowest, and each text gives its first."""
    tokens = networks.telling_tokens(FOUND, 1, n=2, loudest=False)
    assert list(tokens["token"]) == ["the", "a"] and tokens["activity"][0] == -1.0


def test_a_long_text_is_cut_between_words():
    """Dots where something is left out, no half word."""
    tokens = networks.telling_tokens(FOUND, 0, n=1, around=5)
    assert (tokens["before"][0], tokens["after"][0]) == ("a ", " day …")


def test_the_table_counts_networks_from_one():
    """Key neurons by layer, stability with its null, and recurrence by set, a row for each network."""
    table = networks.table(FOUND)
    assert list(table["network"]) == [1, 2, 3] and list(table["key_neurons"]) == [10, 5, 4]
    assert list(table["layer_0"]) == [10, 0, 1] and list(table["code_share"]) == [0, 1, 0]


def test_a_cut_stands_among_its_random_cuts():
    """A row per score: 20 dots, 15 % at random, the whole model's line, and a diamond that is filled where p < .05."""
    figure = cuts.cut_effects(LESION)
    diamonds = [trace for trace in figure.data if trace.name == "this cut"]
    assert [trace.x[0] for trace in diamonds] == [20.0, 0.49]
    assert [trace.marker.color for trace in diamonds] == [cuts.CUT, theme.PAPER]
    assert len(named(figure, "random, same layers").x) == 20 and named(figure, "15 % at random").x == (14.0,)
    assert set(named(figure, "whole model").x) == {10.0}
    assert figure.layout.annotations[0].text == "Text: perplexity (lower is better)"


def test_a_ruined_model_is_drawn_on_a_log_axis_with_plain_numbers():
    """Perplexity 4,000 beside 10: ticks at 1, 2 and 5 of each decade."""
    effects = LESION.effects.assign(after=[4000.0, 0.49])
    figure = cuts.cut_effects(dataclasses.replace(LESION, effects=effects))
    assert (figure.layout.xaxis.type, figure.layout.xaxis2.type) == ("log", None)
    assert {"10", "200", "5,000"} <= set(figure.layout.xaxis.ticktext)


def test_the_caption_of_a_cut_has_effect_interval_p_null_and_correction():
    """And the smallest p that twenty random cuts can give."""
    said = cuts.cut_caption(LESION)
    for part in ("effect size +12.0 SD", "+0.6 [+0.4, +0.8] nats per token", "p 0.048 one-sided", "30 items"):
        assert part in said
    assert (
        "20 cuts" in said and "smallest possible p is 0.048" in said and "uncorrected over 2 scores" in said
    )


def test_written_text_marks_what_differs_and_escapes():
    """`tree` is new; the same words stay unmarked."""
    page = cuts.written(LESION.continuations)
    assert page.count("<mark") == 1 and ">tree</mark>" in page and "<i>" not in page


def test_only_some_neurons_kept_stand_beside_as_many_random_ones():
    """By number of neurons: the networks' own, the random ones with their range, the whole model's line."""
    figure = cuts.preservation(made.make_curve())
    kept, random = (
        named(figure, "the networks' neurons"),
        named(figure, "as many random neurons, mean and range"),
    )
    assert list(kept.x) == [10, 20] and list(kept.y) == [40.0, 20.0]
    assert list(random.error_y.array) == [100.0, 50.0] and list(random.error_y.arrayminus) == [50.0, 25.0]
    assert set(named(figure, "whole model").y) == {10.0}
    said = cuts.preservation_caption(made.make_curve(), 3)
    assert "C = 2, 5" in said and "3 random sets" in said and "none is given" in said


def test_predictions_stand_beside_random_cuts_and_other_networks_cuts():
    """The asked network comes first and loses .3; the band is the middle 95 % of its draws."""
    figure = cuts.bridge_prediction(BRIDGE)
    own = named(figure, "Language cut")
    assert figure.layout.yaxis.ticktext[0] == "<b>Language</b>" and own.x[0] == pytest.approx(0.3)
    assert list(own.marker.color) == [cuts.CUT, theme.PAPER, theme.PAPER, theme.PAPER]
    draws = BRIDGE.draws.query("cut == 'Language' and network == 'Language'")["loss"]
    assert list(figure.data[0].x[:2]) == pytest.approx([draws.quantile(0.025), draws.quantile(0.975)])
    against = named(figure, "Default cut")
    assert against.x[list(figure.layout.yaxis.ticktext).index("Default")] == pytest.approx(0.2)
    assert "Language 4, Default 5, Visual 6" in cuts.bridge_caption(BRIDGE)


def test_language_without_the_subgroups_stands_beside_other_cuts():
    """One row per score; the other networks' cuts are there, without a test of their own."""
    figure = cuts.bridge_language(BRIDGE)
    assert list(named(figure, "other networks' cuts").text) == ["Default", "Visual"]
    assert named(figure, "Language cut").x == (20.0,)
    assert "harm beyond random +0.6 [+0.4, +0.8]" in cuts.language_caption(BRIDGE)


def test_the_lines_of_a_double_dissociation_cross():
    """Each cut takes most from its own network."""
    figure = cuts.dissociation(BRIDGE)
    own, other = named(figure, "Language cut"), named(figure, "Default cut")
    assert list(own.y) == pytest.approx([0.3, 0.02]) and list(other.y) == pytest.approx([0.02, 0.2])
    flat = cuts.dissociation(made.make_bridge(ASKED, BRAIN, dissociates=False))
    assert list(named(flat, "Language cut").y) == pytest.approx([0.02, 0.02])
