"""What can be claimed of early, middle and late layers, in plain sentences with their numbers.

A third predicts better than another where it predicts at all (p < .05 against
surrogate recordings) and the 95 % interval of their difference lies above 0; it
predicts best where both hold against both others. That the middle third
predicts best is what earlier work on language models and the brain leads to
expect (Jain and Huth 2018; Toneva and Wehbe 2019, arXiv 1905.11833), so that is
the first claim, whatever these data say. Intervals are not corrected for the
number of claims.
"""

from __future__ import annotations

import pandas as pd

from .claims import Claim, verdict
from .values import LayerCurve

LEVEL = 0.05


def depth_claims(curve: LayerCurve) -> list[Claim]:
    """The middle third against both others, then each two thirds; empty for fewer than three layers.

    Parameters
    ----------
    curve : LayerCurve

    Returns
    -------
    list of Claim
    """
    if not len(curve.thirds):
        return []
    thirds = curve.thirds.set_index("third")
    pairs = [_pair(pair, thirds) for pair in curve.pairs.itertuples()]
    best = str(thirds["r"].idxmax())
    claims = [_best("middle", pairs, thirds)]
    if best != "middle" and _best(best, pairs, thirds).verdict == "supported":
        claims.insert(0, _best(best, pairs, thirds))
    return [*claims, *pairs]


def _pair(pair, thirds: pd.DataFrame) -> Claim:
    r = float(thirds["r"][pair.first]), float(thirds["r"][pair.second])
    ahead = pair.first if pair.difference > 0 else pair.second
    found = verdict(pair.low, pair.high) if thirds["p"][ahead] < LEVEL else "cannot tell"
    numbers = f"{_between(pair.difference, pair.low, pair.high)}, p {pair.p:.3f}"
    text = f"The {pair.first} third predicts the brain better than the {pair.second} third"
    return Claim(
        "thirds", pair.first, pair.second, r, pair.difference, pair.low, pair.high, found, text, numbers
    )


def _between(difference: float, low: float, high: float) -> str:
    return f"difference {difference:z.3f} [{low:z.3f}, {high:z.3f}]"


def _best(third: str, pairs: list[Claim], thirds: pd.DataFrame) -> Claim:
    """One third against both others, as its two comparisons say."""
    own = [
        _turned(pair) if pair.second == third else pair
        for pair in pairs
        if third in (pair.first, pair.second)
    ]
    judged = {pair.verdict for pair in own}
    found = "cannot tell"
    if "not supported" in judged:
        found = "not supported"
    elif judged == {"supported"}:
        found = "supported"
    nearest = min(own, key=lambda pair: pair.difference)
    scores = ", ".join(f"{name} {row['r']:z.3f} (p {row['p']:.3f})" for name, row in thirds.iterrows())
    between = "; ".join(
        f"{third} - {pair.second} {pair.difference:z.3f} [{pair.low:z.3f}, {pair.high:z.3f}]" for pair in own
    )
    return Claim(
        "thirds", third, nearest.second, nearest.values, nearest.difference, nearest.low, nearest.high, found,
        f"The {third} third of the layers predicts the brain best", f"mean held-out r: {scores}; {between}",
    )  # fmt: skip


def _turned(pair: Claim) -> Claim:
    """The same comparison from the other side."""
    turned = {"supported": "not supported", "not supported": "supported"}
    return Claim(
        pair.metric, pair.second, pair.first, pair.values[::-1], -pair.difference, -pair.high, -pair.low,
        turned.get(pair.verdict, pair.verdict), pair.text, pair.numbers,
    )  # fmt: skip
