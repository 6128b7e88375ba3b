"""Texts as padded batches of token ids: which tokens go together in one pass of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ..config import ExtractConfig
from ..errors import ModelError, TextError
from .device_memory import give_back, out_of_memory, too_large
from .language_model import LanguageModel
from .model_names import shorten
from .windows import Window, token_windows

BATCH_TOKENS = 512  # of one pass, on a processor
GPU_BATCH_TOKENS = 16_384
PASS_BYTES, GPU_PASS_BYTES = 1 << 27, 1 << 31


@dataclass(frozen=True)
class TokenisedText:
    """A text's tokens.

    Attributes
    ----------
    number : int
        Which of the texts.
    text : str
    ids : tuple of int
        Without special tokens.
    spans : tuple of (int, int)
        First and last-plus-one character of each token.
    """

    number: int
    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Stretch:
    """Tokens of one text that are read together: ``window`` says which, and which of them are kept."""

    text: TokenisedText
    window: Window

    def sequence(self, model: LanguageModel) -> list[int]:
        """What the model reads: the tokens and the special ones around them."""
        return [*model.prefix, *self.text.ids[self.window.start : self.window.stop], *model.suffix]


def tokenised(model: LanguageModel, texts: Sequence[str]) -> list[TokenisedText]:
    """Texts as tokens, without special tokens.

    Raises
    ------
    TextError
        No text, or a text without a token.
    ModelError
        A token that the model does not have.
    """
    if not texts:
        raise TextError("There is nothing to read", found="no text", needed="at least one", do="give texts")
    size, found = model.model.config.get_text_config().vocab_size, []
    for number, text in enumerate(texts):
        encoding = model.tokenizer.encode(text, add_special_tokens=False)
        if not encoding.ids:
            raise TextError(
                f"Text {number + 1} has no token in model '{shorten(model.name)}'", found=repr(shorten(text)),
                needed="a text the tokenizer can read", do="leave it out",
            )  # fmt: skip
        if max(encoding.ids) >= size:
            raise ModelError(
                f"Tokenizer and weights of '{shorten(model.name)}' do not belong together",
                found=f"token {max(encoding.ids)}", needed=f"tokens below {size}", do="download the model again",
            )  # fmt: skip
        found.append(TokenisedText(number, text, tuple(encoding.ids), tuple(encoding.offsets)))
    return found


def stretches(model: LanguageModel, texts: Sequence[TokenisedText]) -> list[Stretch]:
    """Every text in windows no longer than the model's context; nearly always one."""
    reading = ExtractConfig()
    return [
        Stretch(text, window) for text in texts for window in token_windows(model, len(text.ids), reading)
    ]


def read_batches(
    read: Callable[[list[int]], None],
    lengths: Sequence[int],
    model: LanguageModel,
    device: torch.device,
    n_values: int = 1,
) -> None:
    """Read `batches`; one for which memory runs out is read again in halves, and so are those after it.

    Parameters
    ----------
    read : callable(numbers)
        Reads these sequences. It may fail half-way and be called for the same
        ones again, so it must not add to what a failed call left.
    lengths, device, n_values : as `batches`
    model : LanguageModel

    Raises
    ------
    ModelError
        Memory does not hold one sequence.
    """
    most = max(lengths, default=0) * len(lengths)
    for whole in batches(lengths, device, n_values):
        left = whole
        while left:
            batch = left[: max(1, most // lengths[left[0]])]
            if _fits(read, batch, lengths, model, device):
                left = left[len(batch) :]
            else:
                most = lengths[batch[0]] * (len(batch) // 2)


def _fits(
    read: Callable[[list[int]], None],
    batch: list[int],
    lengths: Sequence[int],
    model: LanguageModel,
    device: torch.device,
) -> bool:
    try:
        read(batch)
        return True
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        if len(batch) == 1:
            raise too_large(model.name, device, lengths[batch[0]]) from error
    give_back(device)  # outside the handler: the error holds the tensors of the pass
    return False


def batches(lengths: Sequence[int], device: torch.device, n_values: int = 1) -> Iterator[list[int]]:
    """Numbers of sequences that go through the model together: of like length, padded to few tokens.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each sequence.
    device : torch.device
        A processor takes `BATCH_TOKENS` a pass, a GPU `GPU_BATCH_TOKENS`.
    n_values : int
        Float32 values that each token leaves behind (a vocabulary of logits);
        a pass takes no more tokens than `PASS_BYTES` or `GPU_PASS_BYTES` hold.

    Examples
    --------
    >>> list(batches([300, 10, 200, 290], torch.device("cpu")))
    [[0], [3], [2, 1]]
    """
    on_cpu = device.type == "cpu"
    budget = BATCH_TOKENS if on_cpu else GPU_BATCH_TOKENS
    budget = min(budget, (PASS_BYTES if on_cpu else GPU_PASS_BYTES) // (4 * n_values))
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def padded(
    sequences: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences of ids filled up at the right.

    Returns
    -------
    input_ids, attention_mask : int64 (n_sequences, n_positions)
        The mask is 0 where a position is filled up.

    Examples
    --------
    >>> [part.tolist() for part in padded([[5, 6], [7]], 0, torch.device("cpu"))]
    [[[5, 6], [7, 0]], [[1, 1], [1, 0]]]
    """
    longest = max(map(len, sequences))
    ids = [[*sequence, *[pad] * (longest - len(sequence))] for sequence in sequences]
    mask = [[1] * len(sequence) + [0] * (longest - len(sequence)) for sequence in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def padding_token(model: LanguageModel) -> int:
    """The config's padding token; 0 where it names none, for nothing attends to it."""
    token = getattr(model.model.config.get_text_config(), "pad_token_id", None)
    size = model.model.config.get_text_config().vocab_size
    return token if isinstance(token, int) and 0 <= token < size else 0
