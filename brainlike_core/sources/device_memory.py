"""Memory that runs out during a pass of a model: told from other errors, given back, and named."""

from __future__ import annotations

import gc

import torch

from ..errors import ModelError
from .model_names import shorten


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, in the words of torch's allocators.

    Examples
    --------
    >>> out_of_memory(RuntimeError("CUDA error: out of memory")), out_of_memory(RuntimeError("bad shape"))
    (True, False)
    """
    said = str(error).lower()
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in said for word in words)


def give_back(device: torch.device) -> None:
    """Give memory that a failed pass held back to the device.

    To be called outside the handler of the error, which holds the pass's tensors.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def too_large(name: str, device: torch.device, n_tokens: int) -> ModelError:
    """The refusal of a model whose smallest pass does not fit."""
    return ModelError(
        f"Memory does not hold one pass of '{shorten(name)}'",
        found=f"out of memory on {device} with {n_tokens} tokens", needed=f"room for {n_tokens} tokens",
        do="choose a smaller model" if device.type == "cpu" else "use --device cpu",
    )  # fmt: skip
