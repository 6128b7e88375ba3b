"""Cutting networks out of a model whose networks are known: found, and each gone alone."""

import numpy as np
import pytest

from brainlike_core.science.decomposition import decompose, key_neurons
from brainlike_core.science.lesion_effects import lesion_effect, matched_random
from brainlike_core.sources.heads import HeadedModel, open_with_head
from brainlike_core.sources.interventions import amplify, lesion, preserve
from brainlike_core.sources.scoring import continuation, score_choices, score_texts
from brainlike_core.sources.token_responses import extract_tokens
from tests.planted_networks import PLANTED, planted_items, planted_texts, save_planted


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> HeadedModel:
    return open_with_head(save_planted(tmp_path_factory.mktemp("planted")))


@pytest.fixture(scope="module")
def found(model) -> list[np.ndarray]:
    """Key neurons of ten networks of 60 texts, those nearest the planted ones."""
    responses = extract_tokens(model.body, planted_texts(60, seed=1))
    masks = key_neurons(decompose(responses.values, 10, seed=0).maps)
    return [max(masks, key=lambda mask: iou(mask, planted)) for planted in PLANTED]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def accuracy(model: HeadedModel, feature: int) -> float:
    return score_choices(model, planted_items(feature, 40, seed=2))["choice accuracy"].value


@pytest.mark.parametrize("feature", [0, 1])
def test_planted_networks_are_found(feature, found):
    """By independent components of what the neurons say, from the texts alone."""
    assert iou(found[feature], PLANTED[feature]) >= 0.9


@pytest.mark.parametrize("source", ["planted", "found"])
@pytest.mark.parametrize("feature", [0, 1])
def test_a_lesion_takes_its_own_feature_and_no_other(feature, source, model, found):
    """A double dissociation: one accuracy falls from 1 to chance or below, the other stays at 1."""
    assert accuracy(model, 0) == accuracy(model, 1) == 1
    mask = (PLANTED if source == "planted" else found)[feature]
    with lesion(model.body, mask):
        assert accuracy(model, feature) <= 1 / 3 and accuracy(model, 1 - feature) == 1
    assert accuracy(model, 0) == accuracy(model, 1) == 1


def test_the_margin_of_the_other_feature_hardly_moves(model):
    """Not only right or wrong: the nats by which the answer leads."""
    margins = [score_choices(model, planted_items(f, 40, seed=2))["choice margin"].value for f in (0, 1)]
    with lesion(model.body, PLANTED[0]):
        after = [score_choices(model, planted_items(f, 40, seed=2))["choice margin"].value for f in (0, 1)]
    assert margins[0] > 3 and after[0] < 0.1 * margins[0] and abs(after[1] - margins[1]) < 0.02 * margins[1]


def test_what_the_model_writes_changes_with_the_lesion(model):
    """`yes` after `ask`, and then not; `no` after `deny` all the while."""
    written = [continuation(model, f"w3 w5 {cue}", 1) for cue in ("ask", "deny")]
    with lesion(model.body, PLANTED[0]):
        cut = [continuation(model, f"w3 w5 {cue}", 1) for cue in ("ask", "deny")]
    assert written == ["yes", "no"] and cut[0] != "yes" and cut[1] == "no"


def test_preserving_a_network_keeps_its_feature_alone(model):
    """All other neurons silent: its own answers stay right, the other's are gone."""
    with preserve(model.body, PLANTED[1]):
        assert accuracy(model, 1) == 1 and accuracy(model, 0) <= 1 / 3


def test_amplifying_a_network_puts_its_answer_everywhere(model):
    """A constant added to its neurons: `yes` after whatever word."""
    assert continuation(model, "w3 w5 w9", 1) != "yes"
    with amplify(model.body, PLANTED[0], add=5.0):
        assert continuation(model, "w3 w5 w9", 1) == "yes"


def test_a_planted_network_stands_out_among_random_lesions(model):
    """Perplexity against twenty matched random lesions: the smallest p there is; a random one is none of it."""
    texts = planted_texts(12, seed=3)
    random = matched_random(PLANTED[0], 3, 64, 21, seed=4)

    def scored(mask):
        with lesion(model.body, mask):
            return score_texts(model, texts)["perplexity"]

    before, after = score_texts(model, texts)["perplexity"], scored(PLANTED[0])
    others = [scored(mask) for mask in random]
    effect = lesion_effect(before, after, others[:20])
    assert effect.p_worse == effect.p == 1 / 21 and effect.effect_size > 3 and effect.difference_low > 0
    assert lesion_effect(before, others[20], others[:20]).p > 0.05
