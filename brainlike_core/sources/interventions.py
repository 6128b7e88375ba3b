"""Change what chosen neurons say while a model reads: lesion, preserve, amplify.

Each is a context manager. Inside it the model's weights are untouched; hooks
replace the responses of the chosen neurons in every pass, and go with the
block, whatever happens in it. They may be nested: the inner one acts on what
the outer one left. What listens to neurons inside the block hears the changed
responses.

Special tokens (the begin token; [CLS], [SEP]) are spared unless asked for.
Networks are found on the tokens of texts alone, and the begin token's position
is where models drain attention with a few responses a hundred times larger
than any other (Xiao et al. 2023, arXiv 2309.17453; Sun et al. 2024, arXiv
2402.17762): a lesion there tells about that drain, whichever network the
neuron belongs to.

Lesions of functional networks: arXiv 2502.20408.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from ..config import ExtractConfig
from ..errors import ConfigError
from .language_model import LanguageModel
from .neurons import NeuronSite, neuron_sites
from .word_responses import chosen_layers

LESIONS = ("zero", "mean")


@contextmanager
def lesion(
    model: LanguageModel,
    neurons: np.ndarray | Sequence[int],
    *,
    how: str = "zero",
    means: np.ndarray | None = None,
    kind: str = "ffn_out",
    layers: tuple[int, ...] = (),
    special_tokens: bool = False,
) -> Iterator[None]:
    """Silence neurons.

    Parameters
    ----------
    model : LanguageModel
        Also the ``body`` of a `heads.HeadedModel`.
    neurons : bool (n_neurons,), or sequence of int
        Neuron ``layer * n_units + unit`` over the chosen layers, in the order
        of `NeuronResponses` and `TokenResponses`: a mask, or numbers.
    how : str
        ``zero``: the response is 0 (paper); ``mean``: it is the neuron's mean,
        so that only what varies is lost.
    means : float (n_neurons,), optional
        Mean response of every neuron; needed by ``mean``.
    kind : str
        Kind of neuron, see `config.ExtractConfig`.
    layers : tuple of int
        Blocks that ``neurons`` stand for; empty = all.
    special_tokens : bool
        Whether the special tokens around a text are changed too.

    Raises
    ------
    ConfigError
        Neurons, a layer or a way that is not there; means that are missing or do not fit.
    """
    if how not in LESIONS:
        raise ConfigError(
            "Invalid value for how", found=repr(how), needed="'zero' or 'mean'", do="change how"
        )
    if (how == "mean") != (means is not None):
        raise ConfigError(
            f"A lesion by '{how}' was given {'no means' if means is None else 'means'}",
            needed="means with 'mean', none with 'zero'", do="change how or means",
        )  # fmt: skip
    target = _target(model, neurons, kind, layers)
    with _changed(model, target, 0.0, 0.0 if means is None else means, special_tokens):
        yield


@contextmanager
def preserve(
    model: LanguageModel,
    neurons: np.ndarray | Sequence[int],
    *,
    kind: str = "ffn_out",
    layers: tuple[int, ...] = (),
    special_tokens: bool = False,
) -> Iterator[None]:
    """Silence all neurons of the chosen layers but these; see `lesion` for arguments and errors."""
    target = _target(model, neurons, kind, layers)
    with _changed(model, _Target(target.sites, ~target.mask), 0.0, 0.0, special_tokens):
        yield


@contextmanager
def amplify(
    model: LanguageModel,
    neurons: np.ndarray | Sequence[int],
    *,
    add: float | np.ndarray = 0.0,
    scale: float | np.ndarray = 1.0,
    kind: str = "ffn_out",
    layers: tuple[int, ...] = (),
    special_tokens: bool = False,
) -> Iterator[None]:
    """Make neurons say more: their response becomes ``scale * response + add``.

    Parameters
    ----------
    model, neurons, kind, layers, special_tokens
        See `lesion`.
    add, scale : float, or float (n_neurons,)
        One number for all, or one for every neuron of the chosen layers.

    Raises
    ------
    ConfigError
        See `lesion`; numbers that are not finite or do not fit.
    """
    with _changed(model, _target(model, neurons, kind, layers), scale, add, special_tokens):
        yield


def neuron_mask(neurons: np.ndarray | Sequence[int], n_neurons: int) -> np.ndarray:
    """Neurons as a mask, from a mask or from numbers.

    Parameters
    ----------
    neurons : bool (n_neurons,), or sequence of int
    n_neurons : int

    Returns
    -------
    bool (n_neurons,)

    Raises
    ------
    ConfigError
        A mask of another length, or a number that no neuron has.

    Examples
    --------
    >>> neuron_mask([2, 0], 4).tolist()
    [True, False, True, False]
    >>> neuron_mask([4], 4)
    Traceback (most recent call last):
    ...
    brainlike_core.errors.ConfigError: Neurons are chosen that are not there: found neuron 4, needed 0 to 3; choose others.
    """
    chosen = np.asarray(neurons)
    if chosen.dtype == bool:
        if chosen.shape != (n_neurons,):
            raise ConfigError(
                "A mask of neurons does not fit the model", found=f"shape {chosen.shape}",
                needed=f"({n_neurons},)", do="choose neurons of this model, kind and layers",
            )  # fmt: skip
        return chosen
    numbers = chosen.reshape(-1) if chosen.size else np.zeros(0, np.int64)
    whole = np.issubdtype(numbers.dtype, np.integer)
    wrong = numbers[(numbers < 0) | (numbers >= n_neurons)] if whole else numbers[:1]
    if len(wrong):
        raise ConfigError(
            "Neurons are chosen that are not there", found=f"neuron {wrong[0]}", needed=f"0 to {n_neurons - 1}",
            do="choose others",
        )  # fmt: skip
    mask = np.zeros(n_neurons, bool)
    mask[numbers] = True
    return mask


# --- hooks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """Sites, and which neurons of them: bool (n_sites, n_units)."""

    sites: tuple[NeuronSite, ...]
    mask: np.ndarray


def _target(
    model: LanguageModel, neurons: np.ndarray | Sequence[int], kind: str, layers: tuple[int, ...]
) -> _Target:
    every_block = neuron_sites(model.model, kind)
    chosen = chosen_layers(model, ExtractConfig(layers=layers, neurons=kind))
    sites = tuple(every_block[layer] for layer in chosen)
    mask = neuron_mask(neurons, len(sites) * sites[0].n_units)
    return _Target(sites, mask.reshape(len(sites), -1))  # (n_sites, n_units)


@contextmanager
def _changed(
    model: LanguageModel,
    target: _Target,
    scale: float | np.ndarray,
    add: float | np.ndarray,
    special_tokens: bool,
) -> Iterator[None]:
    """While in the block, the masked neurons respond ``scale * response + add``."""
    shape = target.mask.shape
    factors, terms = (_per_neuron(value, shape) for value in (scale, add))
    parts: dict[nn.Module, dict[int, _Part]] = {}
    for number in np.flatnonzero(target.mask.any(1)):
        site = target.sites[number]
        changes = (torch.from_numpy(np.array(rows[number])) for rows in (target.mask, factors, terms))
        parts.setdefault(site.module, {})[site.call] = _Part(site, *changes)
    spared = () if special_tokens else (*model.prefix, *model.suffix)
    hand = _Hand(parts, torch.tensor(sorted(set(spared)), dtype=torch.int64))
    handles: list[Any] = []
    try:
        handles.append(model.model.register_forward_pre_hook(hand.begin, with_kwargs=True))
        for module, calls in parts.items():
            if next(iter(calls.values())).site.reads == "input":
                handles.append(module.register_forward_pre_hook(hand.before))
            else:
                handles.append(module.register_forward_hook(hand.after))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _per_neuron(value: float | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """One number per neuron, float32 (n_sites, n_units)."""
    numbers = np.asarray(value, np.float32)
    if numbers.shape not in ((), (shape[0] * shape[1],)) or not np.isfinite(numbers).all():
        raise ConfigError(
            "Numbers for neurons do not fit the model", found=f"shape {numbers.shape}",
            needed=f"one finite number, or {shape[0] * shape[1]}", do="give one per neuron of the chosen layers",
        )  # fmt: skip
    return np.broadcast_to(numbers, (shape[0] * shape[1],)).reshape(shape)


@dataclass
class _Part:
    """What happens to one site: (n_units,) each."""

    site: NeuronSite
    mask: torch.Tensor
    scale: torch.Tensor
    add: torch.Tensor

    def changed(self, responses: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        """Responses (batch, n_positions, n_units) as a new tensor; only ``positions`` (batch, n_positions) change."""
        if self.mask.device != responses.device:
            self.mask, self.scale, self.add = (
                part.to(responses.device) for part in (self.mask, self.scale, self.add)
            )
        where = self.mask if positions is None else self.mask & positions.to(responses.device)[..., None]
        told = responses * self.scale.to(responses.dtype) + self.add.to(responses.dtype)
        # Where the response is dropped, not even an infinite one comes through.
        told = torch.where(self.scale == 0, self.add.to(responses.dtype), told)
        return torch.where(where, told, responses)


@dataclass
class _Hand:
    """The hooks of one intervention, and what they remember during one pass."""

    parts: dict[nn.Module, dict[int, _Part]]
    spared: torch.Tensor
    batch: int = 1
    positions: torch.Tensor | None = None
    calls: dict[nn.Module, int] = field(default_factory=dict)

    def begin(self, model: nn.Module, inputs: tuple, named: dict[str, Any]) -> None:
        """A pass begins: which positions hold special tokens."""
        self.calls.clear()
        ids = named["input_ids"] if named.get("input_ids") is not None else inputs[0]
        self.batch = len(ids)
        if len(self.spared):
            self.positions = ~torch.isin(ids, self.spared.to(ids.device))

    def _part(self, module: nn.Module) -> _Part | None:
        call = self.calls[module] = self.calls.get(module, -1) + 1
        return self.parts[module].get(call)

    def before(self, module: nn.Module, inputs: tuple) -> tuple | None:
        """What goes into the module is changed."""
        part = self._part(module)
        if part is None:
            return None
        responses = part.site.tensor(inputs, None, self.batch)
        return (part.changed(responses, self.positions).reshape(inputs[0].shape), *inputs[1:])

    def after(self, module: nn.Module, inputs: tuple, output: Any) -> Any:
        """What comes out of the module is changed."""
        part = self._part(module)
        if part is None:
            return None
        responses = part.site.tensor(inputs, output, self.batch)
        whole = output[0] if isinstance(output, tuple) else output
        changed = part.changed(responses, self.positions).reshape(whole.shape)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed
