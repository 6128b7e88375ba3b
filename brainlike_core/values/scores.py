"""What a language model is able to do, item by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BrainlikeError
from .frozen import Frozen, check

# Of each measure: how its items make one number, and whether more is better.
MEASURES = {
    "perplexity": ("exp mean", False),
    "pseudo-perplexity": ("exp mean", False),
    "token accuracy": ("mean", True),
    "word accuracy": ("mean", True),
    "choice accuracy": ("mean", True),
    "choice margin": ("mean", True),
    "paraphrase AUC": ("auc", True),
}


@dataclass(frozen=True, eq=False)
class Scores(Frozen):
    """One measure of one model over many items, kept item by item for intervals and paired comparisons.

    Attributes
    ----------
    measure : str
        One of `MEASURES`.
    items : float64 (n_items, 2)
        Of means: a sum, and what it is divided by (negative log-likelihood in
        nats and tokens of a text; right words and words). Of the AUC:
        similarity of a pair, and 1 where it is one of paraphrases, else 0.

    Examples
    --------
    >>> one = Scores("token accuracy", np.array([[1.0, 4.0], [2.0, 2.0]]))
    >>> one.value, one.higher_is_better
    (0.5, True)
    >>> pairs = np.array([[0.9, 1.0], [0.2, 1.0], [0.5, 0.0], [0.1, 0.0]])
    >>> Scores("paraphrase AUC", pairs).value
    0.75
    """

    measure: str
    items: np.ndarray

    def __post_init__(self) -> None:
        check(
            self.measure in MEASURES, BrainlikeError, "Unknown measure", repr(self.measure),
            f"one of {', '.join(MEASURES)}", "choose one of them",
        )  # fmt: skip
        check(
            self.items.ndim == 2 and self.items.shape[1] == 2 and len(self.items) > 0 and self._whole(),
            BrainlikeError, f"Items of {self.measure} cannot be summed up", self.items.shape,
            "(n_items, 2) numbers, of both kinds for an AUC", "score again",
        )  # fmt: skip
        self.freeze()

    def _whole(self) -> bool:
        both = MEASURES[self.measure][0] != "auc" or set(np.unique(self.items[:, 1])) == {0.0, 1.0}
        return both and bool(np.isfinite(self.items).all())

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better."""
        return MEASURES[self.measure][1]

    @property
    def value(self) -> float:
        """The measure over all items, in its own unit."""
        level = float(self.levels(np.ones((1, self.n_items)))[0])
        return float(np.exp(level)) if MEASURES[self.measure][0] == "exp mean" else level

    def levels(self, weights: np.ndarray) -> np.ndarray:
        """The measure with each item counted so often, on the scale on which it is compared.

        Perplexities are compared as their logarithm (nats per token), the
        others as they are.

        Parameters
        ----------
        weights : (n_draws, n_items)

        Returns
        -------
        float64 (n_draws,)
            NaN where the counted items give no number.
        """
        first, second = self.items.T
        if MEASURES[self.measure][0] == "auc":
            same, other = first[second == 1], first[second == 0]
            wins = (same[:, None] > other) + 0.5 * (same[:, None] == other)  # (n_same, n_other)
            won = np.einsum(
                "ds,so,do->d", weights[:, second == 1], wins, weights[:, second == 0], optimize=True
            )
            n_pairs = weights[:, second == 1].sum(1) * weights[:, second == 0].sum(1)
            return _divided(won, n_pairs)
        return _divided(weights @ first, weights @ second)


def _divided(sums: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.divide(sums, by, out=np.full(len(sums), np.nan), where=by > 0)
