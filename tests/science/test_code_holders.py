"""science/code_holders.py: the same codes, statistics and dictionaries with torch as with compiled code."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from brainlike_core.science import code_holders, dictionary
from brainlike_core.science.code_holders import DeviceCodes, ProcessorCodes, hold_codes
from brainlike_core.science.dictionary import SparseDictionary
from brainlike_core.science.sparse_codes import objective, sparse_codes

from .test_dictionary import planted


@pytest.fixture(scope="module")
def neurons():
    """4,000 planted neurons of norm 1 over 150 TRs, and two of them silent."""
    values, _ = planted(3, n_trs=150, n_atoms=24)
    values[:, :2] = 0
    rows = values.T / np.maximum(np.linalg.norm(values, axis=0), 1e-9)[:, None]
    return np.ascontiguousarray(rows, dtype=np.float32)


@pytest.fixture
def with_torch(monkeypatch):
    """Every dictionary is learned with torch on the processor, batches as the compiled code takes them."""
    used = []

    def hold(rows, n_atoms, penalty, device):
        used.append(DeviceCodes(rows, n_atoms, penalty, "cpu", code_holders.BATCH))
        return used[-1]

    monkeypatch.setattr(dictionary, "hold_codes", hold)
    return used


def unit(rng, n, n_trs=150):
    atoms = rng.standard_normal((n, n_trs)).astype(np.float32)
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


def test_exact_codes_are_those_of_the_compiled_code(neurons):
    """Correlated atoms, one of them zero: every loading within 1e-4."""
    atoms = unit(np.random.default_rng(0), 24)
    atoms[3] = (atoms[2] + atoms[3]) / np.linalg.norm(atoms[2] + atoms[3])
    atoms[5] = 0
    ours, target = DeviceCodes(neurons, 24, 0.1, "cpu").exact(atoms)
    np.testing.assert_allclose(ours.T, sparse_codes(neurons, atoms, 0.1), atol=1e-4)
    np.testing.assert_allclose(target, atoms @ neurons.T, atol=1e-5)
    assert not ours[5].any() and not ours[:, :2].any()


def test_changes_and_losses_agree(neurons):
    """One batch's change of the statistics, and each neuron's loss, from the same state."""
    rng, which = np.random.default_rng(1), slice(100, 900)
    holders = ProcessorCodes(neurons, 24, 0.1), DeviceCodes(neurons, 24, 0.1, "cpu")
    for atoms in (unit(rng, 24), unit(rng, 24)):
        ours, theirs = (one.recode(atoms, which) for one in holders)
        np.testing.assert_allclose(ours.gram, theirs.gram, atol=0.02 * np.abs(ours.gram).max())
        np.testing.assert_allclose(ours.data, theirs.data, atol=0.02 * np.abs(ours.data).max())
        assert ours.l1 == pytest.approx(theirs.l1, rel=0.02)
        losses = [one.losses(atoms, which) for one in holders]
        np.testing.assert_allclose(losses[0], losses[1], atol=0.02)
        codes = holders[1].codes.numpy()[:, which]
        direct = ((neurons[which] - codes.T @ atoms) ** 2).sum(1)
        np.testing.assert_allclose(losses[1], direct, atol=1e-5)


def test_dictionaries_agree(neurons, with_torch):
    """From one start: objective within .1 %, and every atom matched at |r| > .99."""
    theirs = SparseDictionary(24, 0.1).fit(neurons)
    assert len(with_torch) == 1 and theirs.device_ == "cpu"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionary, "hold_codes", hold_codes)
        ours = SparseDictionary(24, 0.1).fit(neurons)
    assert theirs.objective_[-1] == pytest.approx(ours.objective_[-1], rel=1e-3)
    r = np.abs(ours.components_ @ theirs.components_.T)
    assert r[linear_sum_assignment(-r)].min() > 0.99
    codes = theirs.transform(neurons)
    assert objective(neurons, theirs.components_, codes, 0.1) == pytest.approx(
        theirs.objective_[-1], rel=1e-4
    )


def test_large_batches_reach_the_same_objective(neurons, monkeypatch):
    """A GPU's batches take other steps to a dictionary that is as good."""
    ours = SparseDictionary(24, 0.1).fit(neurons).objective_[-1]
    monkeypatch.setattr(
        dictionary, "hold_codes", lambda rows, k, penalty, _: DeviceCodes(rows, k, penalty, "cpu")
    )
    assert SparseDictionary(24, 0.1).fit(neurons).objective_[-1] == pytest.approx(ours, rel=5e-3)


def test_without_a_gpu_it_is_the_processor(neurons, monkeypatch):
    """`auto` and `cuda` fall back where there is no CUDA; `cpu` does not even ask."""
    monkeypatch.setattr(code_holders, "_has_cuda", lambda: False)
    for device in ("auto", "cuda", "mps"):
        assert isinstance(hold_codes(neurons, 4, 0.1, device), ProcessorCodes)
    monkeypatch.setattr(code_holders, "_has_cuda", lambda: pytest.fail("asked"))
    assert isinstance(hold_codes(neurons, 4, 0.1, "cpu"), ProcessorCodes)


def test_a_full_gpu_is_left(neurons, monkeypatch):
    """Neurons that do not fit on the GPU are coded on the processor."""
    import torch

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(code_holders, "_has_cuda", lambda: True)
    monkeypatch.setattr(code_holders, "DeviceCodes", full)
    assert isinstance(hold_codes(neurons, 4, 0.1, "auto"), ProcessorCodes)
