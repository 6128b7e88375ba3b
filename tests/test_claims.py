"""claims.py: what is supported, what is not, and what cannot be told."""

import dataclasses

import numpy as np
import pytest

from brainlike_core import claims
from brainlike_core.config import ExtractConfig
from tests import synthetic_run

TRAINED = synthetic_run.make_run(synthetic_run.config("minilm-l6"))
RANDOM = synthetic_run.make_run(synthetic_run.config("minilm-l6", "random"))


def by_metric(first, second):
    return {claim.metric: claim for claim in claims.compare(first, second)}


def test_planted_difference_is_supported_and_its_reverse_is_not():
    """Consistency was made higher by .1: supported one way, not supported the other."""
    forward, backward = by_metric(TRAINED, RANDOM)["consistency"], by_metric(RANDOM, TRAINED)["consistency"]
    assert forward.verdict == "supported" and backward.verdict == "not supported"
    assert forward.difference == pytest.approx(0.1, abs=0.005) == -backward.difference


def test_no_difference_cannot_be_told():
    """Diversity is the same number in both: the interval holds 0."""
    claim = by_metric(TRAINED, RANDOM)["diversity"]
    assert claim.verdict == "cannot tell" and claim.difference == pytest.approx(0, abs=1e-9)


def test_prediction_is_judged_by_paired_surrogates():
    """The interval is that of the paired null differences around the difference of r beyond their mean."""
    claim = by_metric(TRAINED, RANDOM)["r_heldout"]
    a, b = TRAINED.encoding, RANDOM.encoding
    null = np.float64(a.null_means) - np.float64(b.null_means)
    spread = np.percentile(null - null.mean(), [97.5, 2.5])
    assert claim.difference == pytest.approx(a.r_mean - b.r_mean - null.mean())
    assert (claim.low, claim.high) == pytest.approx(tuple(claim.difference - spread))


def test_what_a_model_gets_of_any_recording_is_no_prediction():
    """A model that scores .1 higher on its own null and on the brain predicts no better."""
    slow = dataclasses.replace(
        TRAINED.encoding, r_mean=TRAINED.encoding.r_mean + 0.1, null_means=TRAINED.encoding.null_means + 0.1
    )
    claim = by_metric(dataclasses.replace(TRAINED, id="slow", encoding=slow), TRAINED)["r_heldout"]
    assert claim.difference == pytest.approx(0, abs=1e-6) and claim.verdict == "cannot tell"


def test_sentence_holds_the_numbers():
    """Names, verdict, both values, the difference and its interval stand in one sentence."""
    claim = by_metric(TRAINED, RANDOM)["consistency"]
    assert claim.sentence.startswith("minilm-l6 has more consistent")
    assert "than minilm-l6 (random weights 0): supported (" in claim.sentence
    assert f"difference {claim.difference:.3f} [{claim.low:.3f}, {claim.high:.3f}]" in claim.sentence


def test_links_no_more_than_fakes_get_is_said():
    """Compactness follows from links; where fakes have as many, the sentence says so."""
    many_fakes = dataclasses.replace(TRAINED.correspondence, n_links_fake=np.full(20, 500, np.int32))
    real, fake = TRAINED, dataclasses.replace(TRAINED, id="f", correspondence=many_fakes)
    assert "sign-randomised atoms" in by_metric(fake, fake)["compactness"].sentence
    few_fakes = dataclasses.replace(TRAINED.correspondence, n_links_fake=np.zeros(20, np.int32))
    real = dataclasses.replace(TRAINED, correspondence=few_fakes)
    assert "sign-randomised atoms" not in by_metric(real, fake)["compactness"].sentence


def test_only_runs_that_differ_in_the_model_are_comparable():
    """Another model, yes; another recording, or the same run, no."""
    base = synthetic_run.config("minilm-l6")
    assert claims.comparable(base, dataclasses.replace(base, extract=ExtractConfig("smollm2-135m")))
    assert not claims.comparable(base, synthetic_run.config("minilm-l6", recording="pieman"))
    assert not claims.comparable(base, base)
