"""Language models with fewer intermediate neurons: rows and columns of weights really removed.

Functional networks as the guide: arXiv 2508.05239. Two forms on disk. Where
every layer keeps as many neurons, the folder is like any other and opens
everywhere. Where layers differ (the first and last ones left whole), the
library's config has no place for that: config.json then says
``intermediate_sizes``, and `open_pruned` opens it.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from ..errors import ConfigError, ModelError
from .architectures import blueprint
from .heads import HeadedModel, class_with_head, mask_token
from .interventions import lesion, neuron_mask
from .language_model import assemble, load, quiet
from .model_files import folder_parts, read_json
from .model_names import shorten
from .neurons import FeedForward, feed_forward
from .token_batches import padding_token

SIZES = "intermediate_sizes"
_SIZE_FIELDS = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size", "hidden_dim")
_MOST_OFF = 1e-3  # of the pruned model's states from the lesioned one's, relative to the largest


def magnitudes(model: HeadedModel) -> np.ndarray:
    """How large the weights of each intermediate neuron are: the root of the sum of their squares.

    Over its rows of the layers that make it and its column of the layer that
    reads it: the usual rule to prune by, with which others are compared.

    Returns
    -------
    float32 (n_layers * n_units,)

    Raises
    ------
    ModelError
        See `neurons.feed_forward`.
    """
    body, found = model.body.model, []
    for part in feed_forward(body):
        total = _rows(body.get_submodule(part.down)).square().sum(0)  # (n_units,)
        for name in part.up:
            rows = _rows(body.get_submodule(name)).square().sum(1)
            total = total + rows.reshape(-1, part.n_units).sum(0)
        found.append(total.sqrt().float().cpu().numpy())
    return np.concatenate(found)


def prune(model: HeadedModel, keep: np.ndarray, *, means: np.ndarray | None = None) -> HeadedModel:
    """A copy of a model with only some of its intermediate neurons.

    Parameters
    ----------
    model : HeadedModel
        Left as it is.
    keep : bool (n_layers * n_units,), or sequence of int
        ``ffn_mid`` neurons that stay, at least one in every layer.
    means : float (n_layers * n_units,), optional
        Mean response of every neuron: what the removed ones said on average
        goes into the bias of the layer that read them (one is made where there
        is none).

    Returns
    -------
    HeadedModel

    Raises
    ------
    ConfigError
        Neurons that are not there, or none in a layer.
    ModelError
        See `neurons.feed_forward`; or a family whose feed-forward part does
        more than its linear layers say, found by comparing with a lesion.
    """
    parts = feed_forward(model.body.model)
    mask = neuron_mask(keep, sum(part.n_units for part in parts)).reshape(len(parts), -1)
    if not mask.any(1).all():
        raise ConfigError(
            f"Layer {int(mask.any(1).argmin())} would lose all its neurons", found="none kept",
            needed="at least one in every layer", do="keep more",
        )  # fmt: skip
    averages = None if means is None else _averages(means, mask.shape).to(model.device)
    pruned = _copy(model)
    body = pruned.body.model
    for layer, part in enumerate(parts):
        kept = torch.from_numpy(mask[layer].copy()).to(model.device)
        if averages is not None:
            _compensate(body, part, averages[layer] * ~kept)
        _shrink(body, part, kept)
    _write_config(_whole(pruned), body, parts, mask.sum(1))
    if model.body.causal:
        # The catalogue may name another than the file; the saved folder says which one it was.
        _whole(pruned).config.bos_token_id = model.body.prefix[0]
    _compare(model, pruned, np.flatnonzero(~mask), means)
    return pruned


def save_pruned(model: HeadedModel, folder: Path) -> bool:
    """Save a pruned model as safetensors with its config and tokenizer.

    Returns
    -------
    bool
        Whether any program that uses the library opens it; else `open_pruned` does.
    """
    network = _whole(model)
    with quiet():
        network.save_pretrained(folder)
    model.body.tokenizer.save(str(Path(folder) / "tokenizer.json"))
    return not hasattr(network.config, SIZES)


def open_pruned(folder: str) -> HeadedModel:
    """Open a folder of `save_pruned` in which layers differ in size.

    Parameters
    ----------
    folder : str

    Returns
    -------
    HeadedModel

    Raises
    ------
    ModelError
        Not such a folder, or damaged.
    """
    sizes = read_json(folder, Path(folder) / "config.json").get(SIZES)
    parts = folder_parts(folder, True)
    plan = blueprint(parts.name, parts.config)
    layers = feed_forward(plan.empty)
    if not isinstance(sizes, list) or len(sizes) != len(layers):
        raise ModelError(
            f"Model '{shorten(folder)}' is not one with layers of different size", found=shorten(f"{SIZES} {sizes}"),
            needed=f"{len(layers)} sizes in config.json", do="open it like any other model",
        )  # fmt: skip
    head, network_class = class_with_head(plan)
    options = plan.options if network_class is None else {}
    state = parts.load_weights()
    # The library gives layers of another size new weights; they are replaced here.
    network, missing = load(parts.name, network_class or plan.network_class, plan.config, state, **options)
    body: Any = network.base_model
    taken = {name for part in layers for name in _take(body, part, state)}
    lacking = {name for name in missing if not any(name == t or name.endswith("." + t) for t in taken)}
    beside = {name for name in lacking if network is not body and not _within(name, network)}
    if lacking - beside:
        raise ModelError(
            f"Weights of '{shorten(folder)}' are not complete", found=f"no {min(lacking - beside)}",
            needed="all weights", do="save it again",
        )  # fmt: skip
    opened = assemble(parts, None, torch.device("cpu"), body)
    if network is body or beside:
        return HeadedModel(opened, "none", pad=padding_token(opened))
    return HeadedModel(opened, head, network.eval(), mask_token(opened), padding_token(opened))


def _within(name: str, network: Any) -> bool:
    """Whether a weight belongs to the network without its head."""
    return name.startswith(network.base_model_prefix + ".")


def _take(body: nn.Module, part: FeedForward, state: dict[str, torch.Tensor]) -> list[str]:
    """Put a block's feed-forward weights of a file in their places, whatever their size."""

    def held(name: str) -> torch.Tensor | None:
        return next((w for key, w in state.items() if key == name or key.endswith("." + name)), None)

    taken = []
    for name in (*part.up, part.down):
        layer, weight = body.get_submodule(name), held(f"{name}.weight")
        if weight is not None:
            turned = weight.T if isinstance(layer, Conv1D) else weight
            _set(layer, turned.float(), held(f"{name}.bias"))
            taken += [f"{name}.weight", f"{name}.bias"]
    return taken


def n_parameters(model: HeadedModel) -> int:
    """Numbers that the model has learned; shared ones count once."""
    return sum(weight.numel() for weight in _whole(model).parameters())


# --- weights -------------------------------------------------------------------------------------


def _whole(model: HeadedModel) -> Any:
    return model.body.model if model.network is None else model.network


def _copy(model: HeadedModel) -> HeadedModel:
    """The same model with weights of its own."""
    whole = copy.deepcopy(_whole(model))
    if model.network is None:
        return dataclasses.replace(model, body=dataclasses.replace(model.body, model=whole))
    return dataclasses.replace(
        model, body=dataclasses.replace(model.body, model=whole.base_model), network=whole
    )


def _rows(layer: Any) -> torch.Tensor:
    """Weights (n_outputs, n_inputs) of a linear layer; GPT-2's ``Conv1D`` keeps them turned."""
    return layer.weight.T if isinstance(layer, Conv1D) else layer.weight


def _set(layer: Any, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """Give a linear layer other weights (n_outputs, n_inputs), and tell it its new size."""
    turned = isinstance(layer, Conv1D)
    layer.weight = nn.Parameter((weight.T if turned else weight).contiguous(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.contiguous(), requires_grad=False)
    if turned:
        layer.nf, layer.nx = weight.shape
    else:
        layer.out_features, layer.in_features = weight.shape


def _shrink(body: nn.Module, part: FeedForward, kept: torch.Tensor) -> None:
    """Remove the rows and columns of the neurons that are not ``kept``, bool (n_units,)."""
    down: Any = body.get_submodule(part.down)
    _set(down, _rows(down)[:, kept], down.bias)
    for name in part.up:
        layer: Any = body.get_submodule(name)
        rows = kept.repeat(len(_rows(layer)) // part.n_units)  # twice where one layer holds gate and partner
        _set(layer, _rows(layer)[rows], None if layer.bias is None else layer.bias[rows])


def _averages(means: np.ndarray, shape: tuple[int, ...]) -> torch.Tensor:
    """Means by layer, float32 (n_layers, n_units)."""
    numbers = np.asarray(means, np.float32)
    if numbers.size != np.prod(shape) or not np.isfinite(numbers).all():
        raise ConfigError(
            "Means of neurons do not fit the model", found=f"shape {numbers.shape}",
            needed=f"{np.prod(shape)} finite numbers", do="give one per intermediate neuron",
        )  # fmt: skip
    return torch.tensor(numbers.reshape(shape))


def _compensate(body: nn.Module, part: FeedForward, removed: torch.Tensor) -> None:
    """Add to the bias what the removed neurons' means (0 for the kept ones) contribute."""
    down: Any = body.get_submodule(part.down)
    added = _rows(down) @ removed.to(_rows(down).dtype)
    _set(down, _rows(down), added if down.bias is None else down.bias + added)


def _write_config(network: Any, body: nn.Module, parts: list[FeedForward], sizes: np.ndarray) -> None:
    """Say the new sizes: in the library's own field where one says it all, else layer by layer."""
    biased = all(body.get_submodule(part.down).bias is not None for part in parts)
    if biased and getattr(network.config, "mlp_bias", None) is False:
        # The library has such a bias only in all three layers.
        for name in (name for part in parts for name in part.up):
            layer = body.get_submodule(name)
            _set(layer, _rows(layer), torch.zeros(len(_rows(layer)), device=_rows(layer).device))
        network.config.mlp_bias = True
    for field in _SIZE_FIELDS if len(set(sizes)) == 1 else ():
        config = copy.deepcopy(network.config)
        if hasattr(config, field) and _fits(network, config, field, int(sizes[0])):
            setattr(network.config, field, int(sizes[0]))
            return
    setattr(network.config, SIZES, [int(size) for size in sizes])


def _fits(network: Any, config: Any, field: str, size: int) -> bool:
    """Whether the library would build this very network from a config."""
    setattr(config, field, size)
    pools = "add_pooling_layer" in inspect.signature(type(network)).parameters
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        empty = type(network)(config, **({"add_pooling_layer": False} if pools else {}))
    shapes = ({name: value.shape for name, value in one.state_dict().items()} for one in (network, empty))
    return next(shapes) == next(shapes)


def _compare(model: HeadedModel, pruned: HeadedModel, removed: np.ndarray, means: np.ndarray | None) -> None:
    """Refuse where the pruned model is not the lesioned one: its feed-forward part does something else too."""
    size = model.body.model.config.get_text_config().vocab_size
    ids = torch.arange(16, device=model.device)[None] * 7 % size
    how = "zero" if means is None else "mean"
    with torch.inference_mode():
        found = pruned.body.model(input_ids=ids).last_hidden_state
        with lesion(model.body, removed, how=how, means=means, kind="ffn_mid", special_tokens=True):
            wanted = model.body.model(input_ids=ids).last_hidden_state
    off = float((found - wanted).abs().max() / wanted.abs().max())
    if not off <= _MOST_OFF:
        raise ModelError(
            f"The feed-forward part of '{shorten(model.body.name)}' is more than its linear layers",
            found=f"states that differ by {off:.2g}", needed=f"at most {_MOST_OFF:g}",
            do="prune a model of another family",
        )  # fmt: skip
