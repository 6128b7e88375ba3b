"""Lesion, preserve, amplify: against edited weights and plain arithmetic, for every family; nothing stays behind."""

import doctest
import gc

import numpy as np
import pytest
import torch
from transformers.pytorch_utils import Conv1D

from brainlike_core.config import NEURON_KINDS
from brainlike_core.errors import ConfigError
from brainlike_core.sources import interventions
from brainlike_core.sources.interventions import amplify, lesion, preserve
from brainlike_core.sources.language_model import LanguageModel, open_model
from brainlike_core.sources.neurons import listening, neuron_sites
from brainlike_core.sources.token_responses import extract_tokens
from tests.headed_models import CAUSAL, ENCODERS, MASKED, TEXTS, headed, save
from tests.model_families import MIXTURES

FAMILIES = [*CAUSAL, *MASKED, *ENCODERS]
IDS = torch.tensor([[1, *range(6, 17), 2], [1, *range(20, 31), 2]])
SOME = np.array([3, 25, 26, 70])  # of three layers of 24 or 32


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of a family, opened once: whatever a test does to it must be gone for the next."""
    opened: dict[str, LanguageModel] = {}

    def of(family: str) -> LanguageModel:
        if family not in opened:
            folder = tmp_path_factory.mktemp("model")
            opened[family] = open_model(save(folder, headed(family)))
        return opened[family]

    return of


def states(model: LanguageModel) -> torch.Tensor:
    """What comes out of the model."""
    with torch.inference_mode():
        return model.model(input_ids=IDS).last_hidden_state


def heard(model: LanguageModel, kind: str) -> np.ndarray:
    """All neurons at all positions, (batch, n_positions, n_neurons), as something inside a block hears them."""
    sites, found = neuron_sites(model.model, kind), {}
    with torch.inference_mode(), listening(model.model, sites, lambda i, x: found.update({i: x.clone()})):
        model.model(input_ids=IDS)
    return torch.cat([found[i] for i in range(len(sites))], -1).numpy()


def hooks(model: LanguageModel) -> list[int]:
    """How many hooks each module carries."""
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.model.modules()]


def fingerprint(model: LanguageModel) -> list[bytes]:
    """Every weight and buffer, bit by bit."""
    return [value.numpy().tobytes() for value in model.model.state_dict().values()]


# --- what happens inside ----------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_lesioned_neurons_are_silent_and_the_first_layer_else_untouched(family, tiny):
    """Zero at text tokens, themselves at special ones; their neighbours in the same block as before."""
    model = tiny(family)
    before = heard(model, "ffn_out")
    n_units = model.n_units
    with lesion(model, [0, 5]):
        after = heard(model, "ffn_out")
    special = np.isin(IDS.numpy(), [*model.prefix, *model.suffix])
    assert (
        special.any() and (after[~special][:, [0, 5]] == 0).all() and (before[~special][:, [0, 5]] != 0).all()
    )
    assert np.array_equal(after[special][:, :n_units], before[special][:, :n_units])
    others = np.setdiff1d(np.arange(n_units), [0, 5])
    assert np.array_equal(after[..., others], before[..., others])
    assert not np.array_equal(after[..., n_units:], before[..., n_units:])


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "albert" and f not in MIXTURES])
@pytest.mark.parametrize("kind", ["ffn_out", "ffn_mid", "attn_out"])
def test_a_lesion_of_all_tokens_is_the_same_as_edited_weights(family, kind, tmp_path):
    """Rows of the last linear layer and its bias set to zero; for its inputs, the columns."""
    model = open_model(save(tmp_path, headed(family)))
    sites = neuron_sites(model.model, kind)
    chosen = np.random.default_rng(1).permutation(len(sites) * sites[0].n_units)[:20]
    with lesion(model, chosen, kind=kind, special_tokens=True):
        found = states(model)
    whole = states(model)
    for number in chosen:
        layer, unit = divmod(int(number), sites[0].n_units)
        module = sites[layer].module
        weight = module.weight.T if isinstance(module, Conv1D) else module.weight  # (n_outputs, n_inputs)
        if kind == "ffn_mid":
            weight[:, unit] = 0
            continue
        weight[unit] = 0
        if module.bias is not None:
            module.bias[unit] = 0
    wanted = states(model)
    assert (found - wanted).abs().max() <= 1e-5 and (found - whole).abs().max() > 1e-3


@pytest.mark.parametrize("kind", NEURON_KINDS)
@pytest.mark.parametrize("family", ["llama", "opt", "albert", "bert", "falcon", "gpt2"])
def test_every_kind_can_be_lesioned(family, kind, tiny):
    """What is heard at the lesioned neurons is zero at every text token, in every layer and call."""
    model = tiny(family)
    n_units = neuron_sites(model.model, kind)[0].n_units
    chosen = [1, n_units + 2, 2 * n_units + 3]
    special = np.isin(IDS.numpy(), [*model.prefix, *model.suffix])
    with lesion(model, chosen, kind=kind):
        after = heard(model, kind)
    # What goes on from a block (its output) is what counts; Falcon adds to its feed-forward output in place.
    assert (after[~special][:, chosen] == 0).all() and (after[~special] == 0).mean() < 0.5
    with lesion(model, chosen, kind=kind, special_tokens=True):
        assert (heard(model, kind)[..., chosen] == 0).all()


def test_shared_layers_are_lesioned_by_call(tiny):
    """ALBERT's three blocks are one module: its second call alone is changed."""
    model = tiny("albert")
    before = heard(model, "ffn_out")
    with lesion(model, [24 + 7], special_tokens=True):
        after = heard(model, "ffn_out")
    assert np.array_equal(after[..., :24], before[..., :24])
    assert (after[..., 31] == 0).all() and (after[..., 48 + 7] != 0).any()


def test_a_lesion_by_the_mean_leaves_the_mean(tiny):
    """Every text token hears the neuron's mean; a neuron that stands still loses nothing."""
    model = tiny("llama")
    means = extract_tokens(model, TEXTS).values.mean(0)
    special = np.isin(IDS.numpy(), model.prefix)
    with lesion(model, SOME, how="mean", means=means):
        assert np.allclose(heard(model, "ffn_out")[~special][:, SOME], means[SOME])


def test_preserve_silences_all_others(tiny):
    """The same as a lesion of the rest."""
    model = tiny("gpt2")
    rest = np.ones(72, bool)
    rest[SOME] = False
    with preserve(model, SOME):
        kept = states(model)
    with lesion(model, rest):
        assert torch.equal(states(model), kept)
    with preserve(model, np.ones(72, bool)):
        assert torch.equal(states(model), states(tiny("gpt2")))


def test_amplify_scales_and_adds(tiny):
    """Of the first layer: twice the response and a half more, at the chosen neurons; by neuron too."""
    model = tiny("llama")
    before, special = heard(model, "ffn_out"), np.isin(IDS.numpy(), model.prefix)
    with amplify(model, [3, 4], add=0.5, scale=2):
        after = heard(model, "ffn_out")
    assert np.allclose(after[~special][:, [3, 4]], 2 * before[~special][:, [3, 4]] + 0.5)
    assert np.array_equal(after[..., 5:32], before[..., 5:32])
    own = np.arange(96, dtype=float)
    with amplify(model, [3, 4], add=own):
        after = heard(model, "ffn_out")
    assert np.allclose(after[~special][:, [3, 4]], before[~special][:, [3, 4]] + [3, 4], atol=1e-6)
    with amplify(model, SOME):
        assert torch.equal(states(model), states(tiny("llama")))


def test_masks_numbers_and_layers_name_the_same_neurons(tiny):
    """Neuron 2 of layer 1, four ways."""
    model = tiny("llama")
    mask, row = np.zeros(96, bool), np.zeros(32, bool)
    mask[34] = row[2] = True
    found = []
    for neurons, layers in ((mask, ()), ([34], ()), (row, (1,)), ([32 + 2], (2, 1))):
        with lesion(model, neurons, layers=layers):
            found.append(states(model))
    assert all(torch.equal(one, found[0]) for one in found) and not torch.equal(found[0], states(model))


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_what_is_changed_does_not_depend_on_the_batch(family, tiny):
    """Padded batches and single texts, lesioned, give the same responses."""
    model = tiny(family)
    with lesion(model, SOME):
        together = extract_tokens(model, TEXTS).values
        alone = np.concatenate([extract_tokens(model, [text]).values for text in TEXTS])
    assert np.abs(together - alone).max() <= 1e-4


def test_not_even_an_infinite_response_survives_a_lesion(tiny):
    """0 times infinity is not 0: the response is replaced, not multiplied."""
    model = tiny("llama")
    with amplify(model, [3], add=1e38, scale=1e38), lesion(model, [3]):
        assert states(model).isfinite().all()


# --- nothing stays behind ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_is_the_same_afterwards_bit_by_bit(family, tiny):
    """Weights, hooks and what comes out, after lesion, preserve and amplify, nested."""
    model = tiny(family)
    weights, carried, said = fingerprint(model), hooks(model), states(model)
    with lesion(model, SOME), amplify(model, [7], scale=3), preserve(model, np.arange(40)):
        assert not torch.equal(states(model), said) and hooks(model) != carried
    assert fingerprint(model) == weights and hooks(model) == carried and torch.equal(states(model), said)


def test_hooks_leave_when_something_fails(tiny):
    """An error in the block, in a pass, or when a block is entered."""
    model = tiny("bert")
    carried, said = hooks(model), states(model)
    with pytest.raises(ZeroDivisionError), lesion(model, SOME):
        raise ZeroDivisionError
    with pytest.raises(IndexError), lesion(model, SOME), torch.inference_mode():
        model.model(input_ids=torch.tensor([[999_999]]))
    with pytest.raises(ConfigError), lesion(model, SOME), amplify(model, [9_999]):
        pass
    assert hooks(model) == carried and torch.equal(states(model), said)


def test_hooks_leave_with_an_abandoned_generator(tiny):
    """One that is never finished, and one whose block is never left."""
    model = tiny("bert")
    carried = hooks(model)

    def results():
        with lesion(model, SOME):
            yield states(model)
            yield states(model)

    going = results()
    next(going)
    assert hooks(model) != carried
    del going
    gc.collect()
    assert hooks(model) == carried
    entered = lesion(model, SOME)
    entered.__enter__()
    assert hooks(model) != carried
    del entered
    gc.collect()
    assert hooks(model) == carried


def test_a_pass_that_failed_half_way_does_not_shift_the_calls(tiny):
    """Calls of shared layers are counted anew in each pass."""
    model = tiny("albert")
    with lesion(model, [24 + 7], special_tokens=True):
        handle = neuron_sites(model.model, "ffn_out")[0].module.register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            states(model)
        handle.remove()
        after = heard(model, "ffn_out")
    assert (after[..., 31] == 0).all() and (after[..., 7] != 0).any()


def test_the_inner_of_two_has_the_last_word(tiny):
    """Silenced and then raised; raised and then silenced."""
    model = tiny("llama")
    special = np.isin(IDS.numpy(), model.prefix)
    with lesion(model, [3]), amplify(model, [3], add=2.0):
        assert (heard(model, "ffn_out")[~special][:, 3] == 2).all()
    with amplify(model, [3], add=2.0), lesion(model, [3]):
        assert (heard(model, "ffn_out")[~special][:, 3] == 0).all()


def test_no_neuron_is_no_change(tiny):
    """An empty choice gives the model as it is."""
    model = tiny("llama")
    with lesion(model, []):
        inside = states(model)
    assert torch.equal(inside, states(model))


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("neurons", "options", "sentence"),
    [
        ([96], {}, "found neuron 96, needed 0 to 95"),
        ([-1], {}, "found neuron -1"),
        ([1.5], {}, "found neuron 1.5"),
        (np.ones(95, bool), {}, r"found shape \(95,\), needed \(96,\)"),
        ([0], {"how": "half"}, "'zero' or 'mean'"),
        ([0], {"how": "mean"}, "given no means"),
        ([0], {"means": np.zeros(96)}, "given means"),
        ([0], {"how": "mean", "means": np.zeros(95)}, "found shape .95,."),
        ([0], {"how": "mean", "means": np.full(96, np.nan)}, "finite"),
        ([0], {"layers": (3,)}, "numbers from 0 to 2"),
        ([0], {"kind": "heads"}, "ffn_out, ffn_mid"),
    ],
)
def test_what_is_not_there_is_refused(neurons, options, sentence, tiny):
    """With what was found and what is needed, before any hook is set."""
    model = tiny("llama")
    with pytest.raises(ConfigError, match=sentence), lesion(model, neurons, **options):
        raise AssertionError("entered")
    assert sum(hooks(model)) == 0


def test_docstring_examples():
    """Doctests."""
    assert doctest.testmod(interventions).failed == 0
