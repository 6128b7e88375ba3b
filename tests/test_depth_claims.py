"""depth_claims.py: verdicts on early, middle and late layers, each with its numbers."""

import dataclasses

import pytest

from brainlike_core.depth_claims import depth_claims
from tests.layer_world import made_curve


def claims(r, p=None):
    """Verdicts by text of a curve of three layers with these scores; ``p`` of the thirds."""
    curve = made_curve(("A",), r)
    if p is not None:
        curve = dataclasses.replace(curve, thirds=curve.thirds.assign(p=p))
    return {claim.text: claim for claim in depth_claims(curve)}


MIDDLE, LATE = (f"The {third} third of the layers predicts the brain best" for third in ("middle", "late"))


@pytest.mark.parametrize(
    ("r", "p", "verdict"),
    [
        ((0.05, 0.20, 0.10), (0.4, 0.01, 0.2), "supported"),  # ahead of both by more than .06
        ((0.05, 0.20, 0.15), (0.4, 0.01, 0.01), "cannot tell"),  # of the late third by only .05
        ((0.30, 0.20, 0.15), (0.01, 0.01, 0.01), "not supported"),  # behind the early third
        ((0.05, 0.20, 0.10), (0.4, 0.06, 0.2), "cannot tell"),  # far ahead, but no third predicts at all
        ((0.30, 0.20, 0.15), (0.06, 0.01, 0.01), "cannot tell"),  # behind one that does not predict
    ],
)
def test_the_middle_third(r, p, verdict):
    """Supported needs both differences and a p; not supported needs one third that predicts better."""
    assert claims(r, p)[MIDDLE].verdict == verdict


def test_another_third_is_named_only_where_it_is_ahead_of_both():
    """First in the list then; otherwise the middle third alone is spoken of."""
    found = claims((0.05, 0.10, 0.30), (0.4, 0.2, 0.01))
    assert list(found)[:2] == [LATE, MIDDLE] and found[LATE].verdict == "supported"
    assert LATE not in claims((0.05, 0.28, 0.30), (0.4, 0.01, 0.01))


def test_two_thirds_are_compared_with_their_interval():
    """The difference, its interval and p, and the verdict of that interval."""
    pair = claims((0.05, 0.20, 0.10))["The middle third predicts the brain better than the early third"]
    assert pair.verdict == "supported" and (pair.first, pair.second) == ("middle", "early")
    assert pair.numbers == "difference 0.150 [0.090, 0.210], p 0.020"
    assert pair.sentence.startswith(
        "The middle third predicts the brain better than the early third: supported ("
    )


def test_the_first_claim_states_every_score():
    """All three thirds with their p, and both differences as seen from the third that is spoken of."""
    late = claims((0.05, 0.10, 0.30), (0.4, 0.2, 0.01))[LATE]
    assert "early 0.050 (p 0.400), middle 0.100 (p 0.200), late 0.300 (p 0.010)" in late.numbers
    assert "late - middle 0.200 [0.140, 0.260]" in late.numbers and late.difference == pytest.approx(0.2)
