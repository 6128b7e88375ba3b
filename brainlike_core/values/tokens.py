"""Responses of artificial neurons to the tokens of many texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BrainlikeError
from .frozen import Frozen, check


@dataclass(frozen=True, eq=False)
class TokenResponses(Frozen):
    """One row per token, text after text; special tokens are left out.

    Attributes
    ----------
    model : str
        Name, and revision or file digest, of the model.
    neurons : str
        Kind of neuron, see `config.ExtractConfig`.
    values : float32 (n_tokens, n_neurons)
        Neuron ``layer * n_units + unit``, not centred.
    text_of_token : int32 (n_tokens,)
        Number of the text, not decreasing.
    spans : int32 (n_tokens, 2)
        First and last-plus-one character in its text.
    tokens : tuple of str
        The characters of each span.
    layers : tuple of int
        Transformer block of each group of ``n_units`` neurons.
    n_units : int
    """

    model: str
    neurons: str
    values: np.ndarray
    text_of_token: np.ndarray
    spans: np.ndarray
    tokens: tuple[str, ...]
    layers: tuple[int, ...]
    n_units: int

    def __post_init__(self) -> None:
        need = (len(self.tokens), len(self.layers) * self.n_units)
        check(
            self.values.shape == need, BrainlikeError, "Token responses have the wrong shape",
            self.values.shape, str(need), "read the texts again",
        )  # fmt: skip
        check(
            self.text_of_token.shape == need[:1] and self.spans.shape == (need[0], 2), BrainlikeError,
            "Token responses do not tell every token's text and place",
            (self.text_of_token.shape, self.spans.shape), f"{need[0]} tokens", "read the texts again",
        )  # fmt: skip
        self.freeze()

    @property
    def n_tokens(self) -> int:
        return self.values.shape[0]

    @property
    def n_neurons(self) -> int:
        return self.values.shape[1]
