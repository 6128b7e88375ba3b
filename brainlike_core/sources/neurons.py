"""Where a transformer's artificial neurons are read, found from its own module tree and checked by shape.

No list of model names: the blocks are the members of the ``nn.ModuleList`` that
hold an attention module and a feed-forward part; within a block, the second
linear layer of the feed-forward part is the one outside attention that brings
the intermediate width back to the hidden width. Four kinds of neurons:

- ``ffn_out``: output of that second linear layer, before any norm and before
  the residual is added (Sun et al. 2024, arXiv 2410.19542); for a mixture of
  experts, the output of the mixture;
- ``ffn_mid``: its input, after the activation (and the gate, where there is one);
- ``block_out``: output of the block, the residual stream;
- ``attn_out``: output of self-attention's last linear layer, before the residual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from ..config import NEURON_KINDS
from ..errors import ConfigError, ModelError
from .model_names import shorten


@dataclass(frozen=True)
class NeuronSite:
    """Where one block's neurons are read.

    Attributes
    ----------
    name : str
        Dotted name of the module in the model's tree.
    module : nn.Module
        What carries the hook.
    reads : str
        ``input`` or ``output`` of the module.
    n_units : int
        Neurons of this block.
    call : int
        Which of the module's calls in one pass of the model belongs to this
        block: 0, but for blocks that share their layers (ALBERT), where one
        module is called once per block. `listening` counts.
    """

    name: str
    module: nn.Module
    reads: str
    n_units: int
    call: int = 0

    def tensor(self, inputs: tuple, output: Any, batch: int = 1) -> torch.Tensor:
        """Responses (batch, n_positions, n_units) from what a forward hook receives.

        Parameters
        ----------
        inputs : tuple
            Positional arguments of the module.
        output : torch.Tensor or tuple
            What the module returned; of a tuple the first is meant.
        batch : int
            Sequences read at once: some families (OPT) hand their feed-forward
            layers (batch * n_positions, n_units).

        Raises
        ------
        ModelError
            Not a tensor of that shape.

        Examples
        --------
        >>> site = NeuronSite("layers.0.mlp.down_proj", nn.Linear(6, 4), "input", 6)
        >>> tuple(site.tensor((torch.zeros(1, 9, 6),), torch.zeros(1, 9, 4)).shape)
        (1, 9, 6)
        """
        value: Any = inputs if self.reads == "input" else output
        if isinstance(value, tuple):
            value = value[0] if value else None
        if isinstance(value, torch.Tensor) and value.dim() == 2 and len(value) % batch == 0:
            value = value.reshape(batch, -1, value.shape[-1])  # (batch, n_positions, n_units)
        if not isinstance(value, torch.Tensor) or value.dim() != 3 or value.shape[-1] != self.n_units:
            raise ModelError(
                f"Module {self.name} does not give one value per token and unit",
                found=str(tuple(value.shape)) if isinstance(value, torch.Tensor) else type(value).__name__,
                needed=f"(batch, positions, {self.n_units})", do="choose another kind of neurons",
            )  # fmt: skip
        return value


def neuron_sites(model: nn.Module, kind: str) -> list[NeuronSite]:
    """Where the neurons of each block are read, in order of the blocks.

    Works on the ``meta`` device too, where weights have a shape but no memory.

    Parameters
    ----------
    model : nn.Module
        A transformer without its head, of any family; of an encoder-decoder,
        the encoder.
    kind : str
        ``ffn_out``, ``ffn_mid``, ``block_out`` or ``attn_out``.

    Returns
    -------
    list of NeuronSite
        One per block.

    Raises
    ------
    ConfigError
        Another kind.
    ModelError
        The tree holds no such module in every block (the sentence lists what
        it holds), or ``ffn_mid`` of a mixture of experts, which has no one
        tensor of intermediate units per token.
    """
    if kind not in NEURON_KINDS:
        raise ConfigError(
            "Invalid value for neurons", found=repr(kind), needed=f"one of {', '.join(NEURON_KINDS)}",
            do="change neurons",
        )  # fmt: skip
    width = hidden_width(model)
    blocks = _blocks(model)
    if not blocks:
        raise _unknown(model, "blocks with an attention module and a feed-forward part")
    sites = [_site(model, name, block, kind, width) for name, block in blocks]
    if len({site.n_units for site in sites}) > 1:
        raise _unknown(model, f"the same number of {kind} units in every block")
    return _in_order_of_calls(model, sites, [block for _, block in blocks])


@contextmanager
def listening(
    model: nn.Module, sites: Sequence[NeuronSite], receive: Callable[[int, torch.Tensor], None]
) -> Iterator[None]:
    """Call ``receive(i, responses)`` whenever ``model`` computes the neurons of ``sites[i]``.

    ``responses`` is (batch, n_positions, n_units), on the model's device and in
    its precision. Use or copy it at once: some families (Falcon) add the
    residual to that very tensor afterwards. Each pass of ``model`` starts the
    count of calls anew, so a pass that failed half-way leaves nothing behind;
    the hooks go with the block.

    Raises
    ------
    ModelError
        At the end of a pass in which a site was not heard: its module's weights
        are used some other way, and silence would look like a response of zero.
    """
    ear = _Ear(type(model).__name__, tuple(sites), receive)
    handles: list[Any] = [model.register_forward_pre_hook(ear.begin, with_kwargs=True)]
    try:
        handles += [module.register_forward_hook(ear.hear) for module in {site.module for site in sites}]
        handles.append(model.register_forward_hook(ear.end))
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class _Ear:
    """The hooks of `listening`, and what they remember during one pass."""

    reader: str
    sites: tuple[NeuronSite, ...]
    receive: Callable[[int, torch.Tensor], None]
    batch: int = 1
    calls: dict[nn.Module, int] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)

    def begin(self, model: nn.Module, inputs: tuple, named: dict[str, Any]) -> None:
        self.calls.clear()
        self.silent = set(range(len(self.sites)))
        read = [value for value in (*inputs, *named.values()) if isinstance(value, torch.Tensor)]
        self.batch = len(read[0]) if read else 1

    def hear(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        call = self.calls[module] = self.calls.get(module, -1) + 1
        for position, site in enumerate(self.sites):
            if site.module is module and site.call == call:
                self.silent.discard(position)
                self.receive(position, site.tensor(inputs, output, self.batch))

    def end(self, model: nn.Module, inputs: tuple, output: Any) -> None:
        if self.silent:
            raise ModelError(
                f"Module {self.sites[min(self.silent)].name} is not called when {self.reader} reads",
                found="no response", needed="one call per pass", do="choose another kind of neurons",
            )  # fmt: skip


# --- the tree ----------------------------------------------------------------------------------


def hidden_width(model: nn.Module) -> int:
    """Width of the residual stream, as the model's own config says it.

    Raises
    ------
    ModelError
        No config that says so: not a transformer of the library.
    """
    config = getattr(model, "config", None)
    width = getattr(config.get_text_config() if config is not None else None, "hidden_size", None)
    if not isinstance(width, int):
        raise _unknown(model, "a config with a hidden_size")
    return width


def _blocks(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Named blocks: the most numerous class of list members that hold attention and more."""
    found: dict[type, list[tuple[str, nn.Module]]] = {}
    for name, part in model.named_modules():
        if isinstance(part, nn.ModuleList) and len({type(member) for member in part}) == 1:
            members = [(f"{name}.{i}", member) for i, member in enumerate(part)]
            if all(_is_block(member) for _, member in members):
                found.setdefault(type(part[0]), []).extend(members)
    return max(found.values(), key=len, default=[])


def _is_block(module: nn.Module) -> bool:
    """Attention and linear layers outside it, and no list of blocks inside (ALBERT's groups have one)."""
    inner = [part for part in module.modules() if isinstance(part, nn.ModuleList) and len(part)]
    if any(_is_block(part[0]) for part in inner):
        return False
    attention = _attention(module)
    return bool(attention) and bool(_linear_layers(module, attention) or _mixture(module, attention))


def _attention(block: nn.Module) -> list[tuple[str, nn.Module]]:
    """The outermost modules below ``block`` whose class says attention, named."""
    found: list[tuple[str, nn.Module]] = []
    for name, part in block.named_modules():
        says = re.search("attention|attn", type(part).__name__, re.IGNORECASE)
        if name and says and not _below(name, found):
            found.append((name, part))
    return found


def _below(name: str, parts: list[tuple[str, nn.Module]]) -> bool:
    return any(name == outer or name.startswith(outer + ".") for outer, _ in parts)


def _linear_layers(module: nn.Module, without: list[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Named linear layers of a module, but for those below ``without``, as they were registered."""
    named = module.named_modules()
    return [(n, part) for n, part in named if isinstance(part, nn.Linear | Conv1D) and not _below(n, without)]


def _widths(layer: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a linear layer; GPT-2's ``Conv1D`` names them otherwise."""
    if isinstance(layer, Conv1D):
        return layer.nx, layer.nf
    return int(layer.in_features), int(layer.out_features)  # type: ignore[arg-type]


def _mixture(block: nn.Module, attention: list[tuple[str, nn.Module]]) -> tuple[str, nn.Module] | None:
    """The outermost module outside attention that has experts as children."""
    for name, part in block.named_modules():
        words = [f"{child} {type(module).__name__}" for child, module in part.named_children()]
        if name and not _below(name, attention) and re.search("expert", " ".join(words), re.IGNORECASE):
            return name, part
    return None


# --- one block ---------------------------------------------------------------------------------


def _site(model: nn.Module, name: str, block: nn.Module, kind: str, width: int) -> NeuronSite:
    """The site of one kind in one block; ``width`` is the hidden width."""
    if kind == "block_out":
        return NeuronSite(name, block, "output", width)
    attention = _attention(block)
    if kind == "attn_out":
        within, layer = _attention_output(model, attention, width)
        return NeuronSite(f"{name}.{within}", layer, "output", width)
    mixture = _mixture(block, attention)
    if mixture is not None and kind == "ffn_mid":
        raise ModelError(
            f"Block {name} is a mixture of experts: it has no ffn_mid neurons", found=type(mixture[1]).__name__,
            needed="a dense feed-forward part", do="choose ffn_out, block_out or attn_out",
        )  # fmt: skip
    within, layer = mixture or _second_linear(model, _linear_layers(block, attention), width)
    if kind == "ffn_mid":
        return NeuronSite(f"{name}.{within}", layer, "input", _widths(layer)[0])
    return NeuronSite(f"{name}.{within}", layer, "output", width)


def _second_linear(
    model: nn.Module, layers: list[tuple[str, nn.Module]], width: int
) -> tuple[str, nn.Module]:
    """The one layer from another width to the hidden width; where both widths are equal, the last."""
    back = [(name, layer) for name, layer in layers if _widths(layer)[1] == width]
    narrowing = [(name, layer) for name, layer in back if _widths(layer)[0] != width]
    if len(narrowing) == 1:
        return narrowing[0]
    if back and not narrowing and len(layers) > 1:
        return back[-1]
    raise _unknown(model, f"one linear layer outside attention from the intermediate width to {width}")


def _attention_output(
    model: nn.Module, attention: list[tuple[str, nn.Module]], width: int
) -> tuple[str, nn.Module]:
    """The last linear layer of self-attention (the first attention of a block) to the hidden width."""
    outer, module = attention[0]
    for name, layer in reversed(_linear_layers(module, [])):
        if _widths(layer)[1] == width:
            return f"{outer}.{name}", layer
    raise _unknown(model, f"a linear layer of {width} units in {outer}")


def _unknown(model: nn.Module, needed: str) -> ModelError:
    """What the tree holds instead: the linear layers of the first member of its longest list."""
    lists = [(n, part) for n, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part)]
    name, members = max(lists, key=lambda item: len(item[1]), default=("", nn.ModuleList([model])))
    layers = [
        f"{n} {_widths(layer)[0]} -> {_widths(layer)[1]}" for n, layer in _linear_layers(members[0], [])
    ]
    inside = f"{name}.0 ({type(members[0]).__name__})" if name else type(model).__name__
    return ModelError(
        f"The neurons of {type(model).__name__} cannot be told from its modules",
        found=shorten(f"{inside} with {', '.join(layers) or 'no linear layer'}", 400), needed=needed,
        do="choose a model of blocks with attention and one feed-forward part",
    )  # fmt: skip


@dataclass(frozen=True)
class FeedForward:
    """The linear layers around one block's ``ffn_mid`` neurons, by dotted name.

    Attributes
    ----------
    block : str
    up : tuple of str
        Layers that make them: one, or a gate and its partner; of one layer that
        holds both, twice as many outputs as neurons.
    down : str
        The layer that reads them.
    n_units : int
    """

    block: str
    up: tuple[str, ...]
    down: str
    n_units: int


def feed_forward(model: nn.Module) -> list[FeedForward]:
    """The feed-forward layers of every block, in order of the blocks.

    Raises
    ------
    ModelError
        See `neuron_sites`; blocks that share their layers, or whose
        feed-forward part begins with other layers.
    """
    sites, width = neuron_sites(model, "ffn_mid"), hidden_width(model)
    blocks, found = _blocks(model), []
    if len(blocks) != len(sites):
        raise _unknown(model, "blocks with layers of their own")
    for site, (name, block) in zip(sites, blocks, strict=True):
        layers = [(f"{name}.{n}", layer) for n, layer in _linear_layers(block, _attention(block))]
        sizes = {(width, site.n_units), (width, 2 * site.n_units)}
        up = tuple(n for n, layer in layers if n != site.name and _widths(layer) in sizes)
        if not up:
            raise _unknown(model, f"linear layers from {width} to {site.n_units} units in {name}")
        found.append(FeedForward(name, up, site.name, site.n_units))
    return found


# --- blocks that share their layers ------------------------------------------------------------


def _in_order_of_calls(
    model: nn.Module, sites: list[NeuronSite], blocks: list[nn.Module]
) -> list[NeuronSite]:
    """One site per call of a block, where the model has more layers than blocks (ALBERT)."""
    n_layers = getattr(model.config.get_text_config(), "num_hidden_layers", len(blocks))  # type: ignore[union-attr,operator]
    if not isinstance(n_layers, int) or n_layers <= len(blocks):
        return sites
    order = _calls(model, blocks)
    if len(order) <= len(blocks):
        raise _unknown(model, f"{n_layers} blocks, as its config says")
    seen: dict[int, int] = {}
    found = []
    for number in order:
        site, call = sites[number], seen.get(number, 0)
        found.append(NeuronSite(site.name, site.module, site.reads, site.n_units, call))
        seen[number] = call + 1
    return found


def _calls(model: nn.Module, modules: list[nn.Module]) -> list[int]:
    """Which of ``modules`` one pass over two tokens calls, in order."""
    order: list[int] = []
    number = {module: i for i, module in enumerate(modules)}
    handles = [m.register_forward_hook(lambda m, inputs, output: order.append(number[m])) for m in modules]
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=next(model.parameters()).device))
    finally:
        for handle in handles:
            handle.remove()
    return order
