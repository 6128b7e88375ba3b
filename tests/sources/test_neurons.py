"""Which tensor is a neuron: every family against hand-named modules and arithmetic in float64."""

import doctest
import re

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from brainlike_core import values
from brainlike_core.config import NEURON_KINDS
from brainlike_core.errors import ConfigError, ModelError
from brainlike_core.sources import neurons
from brainlike_core.sources.neurons import listening, neuron_sites
from brainlike_core.values import neuron_name
from tests.model_families import FAMILIES, MIXTURES, N_LAYERS, PLAIN, Family, build, silu

pytestmark = pytest.mark.usefixtures("one_thread")


_built: dict[str, nn.Module] = {}


def tiny(family: str) -> nn.Module:
    """The family's model, built once."""
    if family not in _built:
        config = MIXTURES[family] if family in MIXTURES else FAMILIES[family].config
        _built[family] = build(family, config)
    return _built[family]


IDS = torch.randint(3, 60, (2, 11), generator=torch.Generator().manual_seed(5))


def observe(model: nn.Module, names: list[str]) -> tuple[dict[str, list], object]:
    """Every call of the named modules, as (first input, output), while the model reads IDS."""
    seen: dict[str, list] = {name: [] for name in names}

    def hook(name):
        def keep(module, inputs, output):
            seen[name].append((inputs[0], output[0] if isinstance(output, tuple) else output))

        return keep

    handles = [model.get_submodule(name).register_forward_hook(hook(name)) for name in names]
    with torch.inference_mode():
        output = model(input_ids=IDS, output_hidden_states=True)
    for handle in handles:
        handle.remove()
    return seen, output


def read(model: nn.Module, kind: str) -> list[torch.Tensor]:
    """The neurons of every block as the package reads them."""
    sites = neuron_sites(model, kind)
    found: dict[int, torch.Tensor] = {}

    def receive(number, responses):
        assert number not in found
        found[number] = responses.clone()

    with torch.inference_mode(), listening(model, sites, receive):
        model(input_ids=IDS)
    for number, site in enumerate(sites):
        assert found[number].shape == (2, 11, site.n_units)
    return [found[number] for number in range(len(sites))]


def by_hand(model: nn.Module, name: str, x: torch.Tensor) -> torch.Tensor:
    """A linear layer in float64 from its weights; GPT-2 keeps them transposed."""
    layer = model.get_submodule(name)
    weight = layer.weight.double()
    weight = weight if isinstance(layer, nn.Linear) else weight.T
    bias = 0 if layer.bias is None else layer.bias.double()
    return x.double() @ weight.T + bias


def hand_mid(model: nn.Module, family: Family, block: str, x: torch.Tensor) -> torch.Tensor:
    """What the first linear layer (or two) and the activation make of the feed-forward part's input."""
    parts = [by_hand(model, f"{block}.{name}", x) for name in family.up]
    gate, *partner = parts[0].chunk(2, -1) if family.fused else parts
    return family.activation(gate) * (partner[0] if partner else 1)


def hand_computed(model: nn.Module, family: Family, kind: str) -> list[torch.Tensor]:
    """Each block's neurons from captured inputs, by hand-named modules and float64."""
    names = {"ffn_mid": family.up[0], "ffn_out": family.up[0], "attn_out": family.attention}
    found = []
    for i in range(N_LAYERS):
        block = family.block.format(i)
        name = f"{block}.{names[kind]}"
        x = observe(model, [name])[0][name][i if family.shared else 0][0]
        if kind == "attn_out":
            out = by_hand(model, name, x)
        else:
            out = hand_mid(model, family, block, x)
            out = by_hand(model, f"{block}.{family.down}", out) if kind == "ffn_out" else out
        found.append(out.reshape(2, 11, -1))
    return found


# --- every family ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ffn_out", "ffn_mid", "attn_out"])
@pytest.mark.parametrize("family", FAMILIES)
def test_neurons_equal_a_hand_computation(family, kind):
    """From the hand-named layers' weights and captured input, within 1e-5, for every block and token."""
    model = tiny(family)
    found, wanted = read(model, kind), hand_computed(model, FAMILIES[family], kind)
    assert len(found) == len(wanted) == N_LAYERS
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours - theirs).abs().max() <= 1e-5 < theirs.abs().max() / 100


@pytest.mark.parametrize("family", [*FAMILIES, *MIXTURES])
def test_block_out_is_the_residual_stream(family):
    """Equal to the library's hidden_states, but for the last where it has passed a final norm."""
    model = tiny(family)
    found = read(model, "block_out")
    hidden = observe(model, [])[1].hidden_states
    assert len(found) == N_LAYERS and len(hidden) == N_LAYERS + 1
    first = 0 if family in MIXTURES or FAMILIES[family].hidden_states_are_blocks else 1
    for i in range(first, N_LAYERS - 1):
        assert torch.equal(found[i], hidden[i + 1])


@pytest.mark.parametrize("kind", ["ffn_out", "attn_out"])
@pytest.mark.parametrize("family", [*FAMILIES, *MIXTURES])
def test_neurons_are_not_the_hidden_states(family, kind):
    """The residual stream is something else, in every block."""
    model = tiny(family)
    hidden = observe(model, [])[1].hidden_states
    for responses in read(model, kind):
        same_width = [h for h in hidden if h.shape == responses.shape]
        assert same_width and all((responses - h).abs().max() > 1e-2 for h in same_width)


@pytest.mark.parametrize("family", [*FAMILIES, *MIXTURES])
def test_sites_are_found_without_weights(family):
    """On the meta device the same names, widths and calls: a model's card needs no memory."""
    config = MIXTURES[family] if family in MIXTURES else FAMILIES[family].config
    with torch.device("meta"):
        config = AutoConfig.for_model(family.split(" ")[0], **config)
        empty = AutoModel.from_config(config)
        empty = empty.get_encoder() if config.is_encoder_decoder else empty
    for kind in ("ffn_out", "block_out", "attn_out"):
        found, wanted = neuron_sites(empty, kind), neuron_sites(tiny(family), kind)
        assert [(s.name, s.reads, s.n_units, s.call) for s in found] == [
            (s.name, s.reads, s.n_units, s.call) for s in wanted
        ]


# --- mixtures of experts --------------------------------------------------------------------------


def hand_mixture(model: nn.Module, block: str, x: torch.Tensor) -> torch.Tensor:
    """Token by token: router, its two best experts, weighted sum; and the shared expert where there is one."""
    mlp, config = model.get_submodule(block + ".mlp"), model.config
    out = []
    for token in x.reshape(-1, x.shape[-1]).double():
        weights = torch.softmax(mlp.gate.weight.double() @ token, 0)
        best = weights.argsort(descending=True)[:2]
        share = weights[best]
        if getattr(config, "norm_topk_prob", True):
            share = share / share.sum()
        total = torch.zeros_like(token)
        for expert, part in zip(best.tolist(), share, strict=True):
            gate, up = (mlp.experts.gate_up_proj[expert].double() @ token).chunk(2)
            total += part * (mlp.experts.down_proj[expert].double() @ (silu(gate) * up))
        if hasattr(mlp, "shared_expert"):
            name = block + ".mlp.shared_expert"
            inner = silu(by_hand(model, name + ".gate_proj", token)) * by_hand(
                model, name + ".up_proj", token
            )
            gate = torch.sigmoid(by_hand(model, block + ".mlp.shared_expert_gate", token))
            total += gate * by_hand(model, name + ".down_proj", inner)
        out.append(total)
    return torch.stack(out).reshape(x.shape)


@pytest.mark.parametrize("family", MIXTURES)
def test_a_mixture_of_experts_is_read_at_its_output(family):
    """The weighted sum over experts, written out token by token in float64."""
    model = tiny(family)
    names = [f"layers.{i}.mlp" for i in range(N_LAYERS)]
    seen, _ = observe(model, names)
    for i, responses in enumerate(read(model, "ffn_out")):
        wanted = hand_mixture(model, f"layers.{i}", seen[names[i]][0][0])
        assert (responses - wanted).abs().max() <= 1e-5 < wanted.abs().max() / 100


@pytest.mark.parametrize("family", MIXTURES)
def test_a_mixture_of_experts_has_no_intermediate_neurons(family):
    """Each token goes through its own experts: a refusal that says so and names what can be had."""
    with pytest.raises(ModelError, match="mixture of experts.*choose ffn_out, block_out or attn_out"):
        neuron_sites(tiny(family), "ffn_mid")


# --- shared layers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_groups", "inner", "wanted"),
    [(1, 1, [(0, 0)] * 3), (3, 1, [(0, 0), (1, 0), (2, 0)]), (1, 2, [(0, 0), (0, 1)] * 3)],
)
def test_albert_has_one_block_per_pass_through_a_shared_layer(n_groups, inner, wanted):
    """Groups and inner layers in the order in which they are passed, numbered by call."""
    config = {**FAMILIES["albert"].config, "num_hidden_groups": n_groups, "inner_group_num": inner}
    sites = neuron_sites(build("albert", config), "ffn_out")
    pattern = re.compile(r"encoder\.albert_layer_groups\.(\d)\.albert_layers\.(\d)\.ffn_output")
    assert [tuple(map(int, pattern.fullmatch(site.name).groups())) for site in sites] == wanted
    assert [site.call for site in sites] == [wanted[:i].count(group) for i, group in enumerate(wanted)]


def test_a_pass_that_fails_half_way_does_not_shift_the_calls():
    """ALBERT's calls are counted anew in each pass."""
    model = tiny("albert")
    sites = neuron_sites(model, "ffn_out")
    heard, fail = [], True

    def receive(number, responses):
        if fail and number == 1:
            raise MemoryError
        heard.append((number, responses.clone()))

    with torch.inference_mode(), listening(model, sites, receive):
        with pytest.raises(MemoryError):
            model(input_ids=IDS)
        fail = False
        heard.clear()
        model(input_ids=IDS)
    assert [number for number, _ in heard] == [0, 1, 2]
    for (_, ours), theirs in zip(heard, read(model, "ffn_out"), strict=True):
        assert torch.equal(ours, theirs)


def test_some_blocks_alone_can_be_listened_to():
    """The last of ALBERT's three blocks is its third call, not its first."""
    model, heard = tiny("albert"), []
    site = neuron_sites(model, "ffn_out")[2]
    with torch.inference_mode(), listening(model, [site], lambda number, x: heard.append((number, x))):
        model(IDS)
    assert [number for number, _ in heard] == [0] and torch.equal(heard[0][1], read(model, "ffn_out")[2])


def test_listening_leaves_no_hook():
    """Also where a pass fails."""
    model = build("bert", PLAIN)
    sites = neuron_sites(model, "ffn_out")
    with pytest.raises(ZeroDivisionError), listening(model, sites, lambda i, x: 1 / 0):
        model(input_ids=IDS)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_a_module_that_is_passed_by_is_not_a_response_of_zero():
    """A family that multiplies by the weight itself would be silent: the pass is refused by name."""
    model = build("llama", FAMILIES["llama"].config)
    mlp = model.layers[1].mlp
    mlp.forward = lambda x: mlp.up_proj(x) @ mlp.down_proj.weight.T
    with (
        torch.inference_mode(),
        listening(model, neuron_sites(model, "ffn_out"), lambda number, x: None),
        pytest.raises(ModelError, match=r"layers.1.mlp.down_proj is not called when LlamaModel reads"),
    ):
        model(input_ids=IDS)


# --- names of neurons -----------------------------------------------------------------------------


@pytest.mark.parametrize("family", [*FAMILIES, *MIXTURES])
def test_every_layer_and_unit_has_a_name(family):
    """As many different names as neurons, by block and unit."""
    sites = neuron_sites(tiny(family), "ffn_out")
    n_units = sites[0].n_units
    names = [neuron_name((0, 1, 2), n_units, neuron) for neuron in range(len(sites) * n_units)]
    assert len(set(names)) == len(names) == 3 * n_units
    assert names[0] == "layer 0, unit 0" and names[-1] == f"layer 2, unit {n_units - 1}"


def test_a_neuron_that_is_not_there_has_no_name():
    """Neither after the last nor before the first."""
    assert neuron_name((5,), 4, 3) == "layer 5, unit 3"
    for neuron in (4, -1):
        with pytest.raises(IndexError):
            neuron_name((5,), 4, neuron)


# --- widths and strangers -------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "llama", "gpt2", "glm", "opt"])
def test_a_feed_forward_part_as_wide_as_the_residual_stream(family):
    """Where all linear layers have one width, the second of the feed-forward part is still found."""
    known = FAMILIES[family]
    width = 24 if family in ("bert", "gpt2", "opt") else 32
    names = {"gpt2": "n_inner", "opt": "ffn_dim"}
    model = build(family, {**known.config, names.get(family, "intermediate_size"): width})
    wanted = [f"{known.block.format(i)}.{known.down}" for i in range(N_LAYERS)]
    assert [site.name for site in neuron_sites(model, "ffn_out")] == wanted


def test_an_unknown_architecture_lists_its_modules():
    """A state-space model has no attention: the sentence names its linear layers with their shapes."""
    config = AutoConfig.for_model("mamba", vocab_size=64, hidden_size=24, num_hidden_layers=2, state_size=4)
    with pytest.raises(ModelError) as refusal:
        neuron_sites(AutoModel.from_config(config), "ffn_out")
    assert "MambaModel" in refusal.value.what and "attention" in refusal.value.needed
    assert "layers.0 (MambaBlock)" in refusal.value.found and "mixer.out_proj 48 -> 24" in refusal.value.found


def test_a_module_that_is_no_transformer_is_refused():
    """Without a config nothing says how wide the residual stream is."""
    with pytest.raises(ModelError, match="Sequential with 0 3 -> 4, needed a config with a hidden_size"):
        neuron_sites(nn.Sequential(nn.Linear(3, 4)), "ffn_out")


def test_kinds_are_the_four():
    """Any other word is refused with the four."""
    assert NEURON_KINDS == ("ffn_out", "ffn_mid", "block_out", "attn_out")
    with pytest.raises(ConfigError, match="ffn_out, ffn_mid, block_out, attn_out"):
        neuron_sites(tiny("bert"), "mlp")


def test_a_tensor_of_another_shape_is_refused():
    """Three units where four are wanted, and something that is no tensor."""
    site = neurons.NeuronSite("some.module", nn.Identity(), "output", 4)
    for output in (torch.zeros(1, 2, 3), None, ()):
        with pytest.raises(ModelError, match=r"some.module .*needed \(batch, positions, 4\)"):
            site.tensor((), output)
    assert site.tensor((), (torch.zeros(6, 4), "cache"), batch=2).shape == (2, 3, 4)


def test_docstring_examples():
    """Doctests."""
    assert doctest.testmod(neurons).failed == doctest.testmod(values).failed == 0
