"""Where a model runs and how precisely: a device, bfloat16 that is checked first, quantised weights.

bfloat16 keeps 8 bits of a number; whether a model's neurons survive that is
measured on the beginning of the story before it is used, and recorded.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from ..config import ExtractConfig
from ..errors import ConfigError, ModelError
from ..values import Story
from .language_model import LanguageModel
from .model_catalogue import shorten
from .word_responses import extract_words

N_CHECKED_WORDS = 300
LEAST_MEDIAN_R, LEAST_R = 0.999, 0.99  # of neurons in bfloat16 with themselves in float32


def choose_device(name: str = "auto") -> torch.device:
    """A device by name; ``auto`` is the first of CUDA, MPS and the processor that is here.

    Raises
    ------
    ConfigError
        No such device, or it is not here.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, is_here in here.items() if is_here))
    if not here.get(name, False):
        raise ConfigError(
            "Invalid value for --device", found=repr(name),
            needed=f"auto or {' or '.join(kind for kind, is_here in here.items() if is_here)} (what is here)",
            do="use --device auto",
        )  # fmt: skip
    return torch.device(name)


def place(
    open_model: Callable[[], LanguageModel], story: Story, config: ExtractConfig, device: str = "auto"
) -> tuple[LanguageModel, dict[str, Any]]:
    """Open a model where and how precisely it is to run.

    ``auto`` precision is float32, but on CUDA bfloat16 where the model's
    neurons survive it: over the first 300 words the correlation of each neuron
    with itself in float32 has a median of at least .999 and is nowhere below .99.

    Parameters
    ----------
    open_model : callable
        Gives the model in float32 on the processor; called again where
        bfloat16 is given up.
    story : Story
    config : ExtractConfig
        ``precision``; what is compared is read as ``layers`` and ``neurons`` say.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns
    -------
    LanguageModel
    dict
        ``device``, ``precision``, and where it was measured ``r_float32_median``
        and ``r_float32_min``.

    Raises
    ------
    ConfigError
        A device that is not here.
    ModelError
        A package or a GPU is missing.
    """
    chosen = choose_device(device)
    cap_threads()
    facts: dict[str, Any] = {"device": _named(chosen), "precision": "float32"}
    model = open_model()
    if config.precision in ("int8", "nf4"):
        _need_quantising(chosen, config.precision)
        quantised(model.model, config.precision)
        return _on(model, chosen, None), facts | {"precision": config.precision}
    automatic = config.precision == "auto" and chosen.type == "cuda" and torch.cuda.is_bf16_supported()
    if config.precision != "bfloat16" and not automatic:
        return _on(model, chosen, torch.float32), facts
    start = first_words(story, N_CHECKED_WORDS)
    exact = extract_words(_on(model, chosen, torch.float32), start, config).values
    model = _on(model, chosen, torch.bfloat16)
    r = neuron_correlations(exact, extract_words(model, start, config).values)
    facts |= {"r_float32_median": float(np.median(r)), "r_float32_min": float(r.min())}
    if automatic and (np.median(r) < LEAST_MEDIAN_R or r.min() < LEAST_R):
        return _on(open_model(), chosen, torch.float32), facts
    return model, facts | {"precision": "bfloat16"}


def neuron_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson r of each column of ``a`` with that of ``b``: float64 (n_neurons,); 1 where both stand still.

    Examples
    --------
    >>> a = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 0.0], [2.0, 1.0, 1.0]])
    >>> b = np.array([[0.0, 5.0, 0.0], [2.0, 5.0, 2.0], [4.0, 5.0, 1.0]])
    >>> neuron_correlations(a, b).round(6).tolist()
    [1.0, 1.0, -1.0]
    """
    a, b = (x.astype(np.float64) - x.mean(0, dtype=np.float64) for x in (a, b))
    sizes = np.stack([np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0)])
    still = sizes.max(0) == 0
    return np.where(still, 1.0, (a * b).sum(0) / np.where(sizes.min(0) == 0, 1, sizes.prod(0)))


def first_words(story: Story, n: int) -> Story:
    """The beginning of a story: at most ``n`` words, and their text."""
    parts = {f: getattr(story, f)[:n] for f in ("words", "spans", "onsets", "offsets", "aligned")}
    return dataclasses.replace(story, text=story.text[: parts["spans"][-1, 1]], **parts)


def cap_threads() -> None:
    """No more torch threads than cores this process may use (a job's share of a machine)."""
    if hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(min(torch.get_num_threads(), len(os.sched_getaffinity(0))))


def _named(device: torch.device) -> str:
    return f"cuda ({torch.cuda.get_device_name()})" if device.type == "cuda" else device.type


# --- onto the device ---------------------------------------------------------------------------


def _on(model: LanguageModel, device: torch.device, dtype: torch.dtype | None) -> LanguageModel:
    """The model on the device; spread over what there is where one GPU is too small."""
    network = model.model if dtype is None else model.model.to(dtype)
    need = sum(weight.nbytes for weight in network.parameters())
    if device.type == "cuda" and need > 0.9 * torch.cuda.mem_get_info(device)[0]:
        network = _spread(network, model.name)
    else:
        network = network.to(device)
    return dataclasses.replace(model, model=network)


def _spread(network: nn.Module, name: str) -> nn.Module:
    """Over all GPUs and the processor, block by block, by accelerate."""
    if importlib.util.find_spec("accelerate") is None:
        raise ModelError(
            f"Model '{shorten(name)}' is larger than the GPU's free memory", found="no package accelerate",
            needed="accelerate, to spread it over what there is", do="pip install accelerate, or use --device cpu",
        )  # fmt: skip
    from accelerate import dispatch_model, infer_auto_device_map

    whole = list(getattr(network, "_no_split_modules", None) or [])
    return dispatch_model(network, infer_auto_device_map(network, no_split_module_classes=whole))


def _need_quantising(device: torch.device, precision: str) -> None:
    if device.type != "cuda" or importlib.util.find_spec("bitsandbytes") is None:
        found = f"device {device.type}" if device.type != "cuda" else "no package bitsandbytes"
        raise ModelError(
            f"Weights cannot be quantised to {precision} here", found=found,
            needed="an NVIDIA GPU and bitsandbytes",
            do="use --precision float32" if device.type != "cuda" else "pip install bitsandbytes",
        )  # fmt: skip


def quantised(network: nn.Module, precision: str) -> None:
    """Put bitsandbytes layers in the place of the linear ones; weights are quantised on their way to the GPU."""
    import bitsandbytes as bnb

    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if type(layer) is nn.Linear:
                shape = (layer.in_features, layer.out_features, layer.bias is not None)
                if precision == "int8":
                    small = bnb.nn.Linear8bitLt(*shape, has_fp16_weights=False)
                    small.weight = bnb.nn.Int8Params(layer.weight.data, requires_grad=False)
                else:
                    small = bnb.nn.Linear4bit(*shape, compute_dtype=torch.bfloat16, quant_type="nf4")
                    small.weight = bnb.nn.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4")
                small.bias = layer.bias
                setattr(parent, name, small)
