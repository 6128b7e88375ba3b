"""Many texts through a language model: every neuron's response to every token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..config import ExtractConfig
from ..errors import CancelledError, ModelError
from ..values import TokenResponses
from .language_model import LanguageModel
from .neurons import listening, neuron_sites
from .token_batches import Stretch, padded, padding_token, read_batches, stretches, tokenised
from .word_responses import chosen_layers

MOST_BYTES = 4 << 30


def extract_tokens(
    model: LanguageModel,
    texts: Sequence[str],
    *,
    neurons: str = "ffn_out",
    layers: tuple[int, ...] = (),
    most_bytes: int = MOST_BYTES,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TokenResponses:
    """Read texts, each for itself, and give every neuron's response to every token.

    Texts go through the model in padded batches; special tokens (the begin
    token, which draws most of the attention; [CLS] and [SEP]) are read and left
    out. A text longer than the model's context is read in windows, as stories are.

    Parameters
    ----------
    model : LanguageModel
    texts : sequence of str
    neurons : str
        Kind, see `config.ExtractConfig`.
    layers : tuple of int
        Zero-based transformer blocks; empty = all.
    most_bytes : int
        Most memory of the answer: ``n_tokens * n_neurons * 4`` bytes.
    progress : callable, optional
        Called with the fraction done (0 to 1) and what is being done.
    cancelled : callable, optional
        Asked between passes; True stops.

    Returns
    -------
    TokenResponses
        float32 (n_tokens, n_layers * n_units), in the order of the texts.

    Raises
    ------
    TextError
        No text, or one without tokens.
    ConfigError
        A layer or a kind that is not there.
    ModelError
        The answer would need more than ``most_bytes``.
    CancelledError
    """
    read = tokenised(model, texts)
    chosen = chosen_layers(model, ExtractConfig(layers=layers, neurons=neurons))
    every_block = neuron_sites(model.model, neurons)
    sites = [every_block[i] for i in chosen]
    n_tokens, n_units = sum(len(text.ids) for text in read), sites[0].n_units
    _check_memory(n_tokens, len(sites) * n_units, most_bytes)
    starts = np.cumsum([0, *(len(text.ids) for text in read)])
    rows = _Rows(len(model.prefix), starts, np.zeros((n_tokens, len(sites) * n_units), np.float32))
    with torch.inference_mode(), listening(model.model, sites, rows.receive):
        _read(model, stretches(model, read), rows, progress, cancelled)
    return TokenResponses(
        model=model.label,
        neurons=neurons,
        values=rows.values,
        text_of_token=np.repeat(np.arange(len(read)), np.diff(starts)).astype(np.int32),
        spans=np.array([span for text in read for span in text.spans], np.int32),
        tokens=tuple(text.text[first:stop] for text in read for first, stop in text.spans),
        layers=chosen,
        n_units=n_units,
    )


@dataclass
class _Rows:
    """The answer, filled pass by pass."""

    n_before: int  # special tokens before a text
    starts: np.ndarray  # first row of each text
    values: np.ndarray  # (n_tokens, n_layers * n_units)
    batch: list[Stretch] = field(default_factory=list)
    done: int = 0

    def receive(self, layer: int, responses: torch.Tensor) -> None:
        """Keep one layer's responses (n_sequences, n_positions, n_units) of the pass under way."""
        columns = slice(layer * responses.shape[-1], (layer + 1) * responses.shape[-1])
        for stretch, found in zip(self.batch, responses.float().cpu().numpy(), strict=True):
            window, first = stretch.window, self.starts[stretch.text.number]
            at = self.n_before - window.start
            rows = slice(first + window.keep_start, first + window.keep_stop)
            self.values[rows, columns] = found[at + window.keep_start : at + window.keep_stop]


def _read(
    model: LanguageModel,
    parts: list[Stretch],
    rows: _Rows,
    progress: Callable[[float, str], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Read batch after batch of stretches; the hooks hear."""
    device, pad = next(model.model.parameters()).device, padding_token(model)
    sequences = [part.sequence(model) for part in parts]

    def one_pass(numbers: list[int]) -> None:
        if cancelled is not None and cancelled():
            raise CancelledError("Reading the texts was cancelled", do="run it again to start over")
        rows.batch = [parts[i] for i in numbers]
        ids, mask = padded([sequences[i] for i in numbers], pad, device)
        model.model(input_ids=ids, attention_mask=mask)
        rows.done += sum(part.window.keep_stop - part.window.keep_start for part in rows.batch)
        if progress is not None:
            n_tokens = len(rows.values)
            progress(rows.done / n_tokens, f"{model.name}: token {rows.done} of {n_tokens}")

    read_batches(one_pass, [len(sequence) for sequence in sequences], model, device)


def _check_memory(n_tokens: int, n_neurons: int, most_bytes: int) -> None:
    need = 4 * n_tokens * n_neurons
    if need > most_bytes:
        raise ModelError(
            "The responses do not fit in memory",
            found=f"{n_tokens:,} tokens x {n_neurons:,} neurons = {need / 1e9:.1f} GB",
            needed=f"at most {most_bytes / 1e9:.1f} GB", do="take fewer texts, or fewer layers",
        )  # fmt: skip
