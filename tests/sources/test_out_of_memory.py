"""Memory that runs out while texts are read or scored: the batch halves, and the answers are the same."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from brainlike_core.errors import ModelError
from brainlike_core.sources import scoring, token_batches
from brainlike_core.sources.heads import open_with_head
from brainlike_core.sources.token_responses import extract_tokens
from brainlike_core.values import SentencePair
from tests.headed_models import TEXTS, headed, save

ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
)
PAIRS = [SentencePair(a, b, i % 2 == 0) for i, (a, b) in enumerate(zip(TEXTS, TEXTS[::-1], strict=True))]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small causal model with its head."""
    return open_with_head(save(tmp_path_factory.mktemp("model"), headed("llama")))


@contextmanager
def failing(network, passes, error, late=False):
    """The n-th passes raise; ``late``: in the last block, when hooks have been heard. Notes each batch's size."""
    sizes = []

    def begin(module, args, options):
        sizes.append(len(options["input_ids"] if "input_ids" in options else args[0]))
        if len(sizes) in passes and not late:
            raise error

    def end(module, inputs, output):
        if len(sizes) in passes:
            raise error

    last = [part for part in network.modules() if isinstance(part, torch.nn.Linear)][-1]
    handles = [network.register_forward_pre_hook(begin, with_kwargs=True)]
    handles += [last.register_forward_hook(end)] if late else []
    try:
        yield sizes
    finally:
        for handle in handles:
            handle.remove()


MANY = [f"{text} {text[: 3 * i]}".strip() for i in range(4) for text in TEXTS]
READINGS = {
    "tokens": lambda model: extract_tokens(model.body, MANY).values,
    "sentences": lambda model: scoring.sentence_means(model.body, MANY),
    "texts": lambda model: np.concatenate([s.items for s in scoring.score_texts(model, MANY).values()]),
}


@pytest.mark.parametrize("late", [False, True], ids=["at the start", "in the last layer"])
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("what", READINGS)
def test_out_of_memory_at_any_pass_leaves_the_answer_equal(what, n, late, model, monkeypatch):
    """The batch halves and is read again; every number is as if memory had sufficed."""
    longest = max(len(model.body.tokenizer.encode(text).ids) for text in MANY) + 2
    monkeypatch.setattr(
        token_batches, "BATCH_TOKENS", 4 * longest
    )  # at least four texts in each of three passes
    wanted = READINGS[what](model)
    with failing(model.body.model, {n}, ERRORS[n % 3], late) as sizes:
        found = READINGS[what](model)
    assert len(sizes) > n  # it did fail, and went on
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


def test_batches_after_a_failure_are_no_larger():
    """One failure in the first of equal batches: the others come in halves at once, each sequence once."""
    read = []

    def pass_of(numbers):
        if len(numbers) > 2:
            raise MemoryError
        read.append(numbers)

    class Named:
        name = "tiny"

    lengths = [100] * 12
    token_batches.read_batches(pass_of, lengths, Named(), torch.device("cpu"))
    assert sorted(sum(read, [])) == list(range(12)) and {len(batch) for batch in read} <= {1, 2}


def test_one_sequence_that_never_fits_is_a_named_error(model):
    """A batch of one cannot be halved: one sentence with what to do, and no hook is left."""
    with failing(model.body.model, range(99), ERRORS[0]), pytest.raises(ModelError, match="smaller model"):
        extract_tokens(model.body, TEXTS)
    assert not any(part._forward_hooks for part in model.body.model.modules())


LONG = " ".join(TEXTS * 6)


@pytest.mark.parametrize("late", [False, True], ids=["at the start", "in the last layer"])
@pytest.mark.parametrize("passes", [{1}, {1, 2}, {4}], ids=str)
def test_a_continuation_is_the_same_when_memory_runs_out(passes, late, model):
    """The prompt is read in halves, then in quarters; in the fourth pass, while writing, it begins again."""
    read, wanted = [], scoring.continuation(model, LONG, 12)
    assert wanted
    hook = model.body.model.register_forward_pre_hook(
        lambda module, args, options: read.append(options["input_ids"].shape[1]), with_kwargs=True
    )
    with failing(model.body.model, passes, ERRORS[len(passes)], late):
        assert scoring.continuation(model, LONG, 12) == wanted
    hook.remove()
    again, halvings = max(passes), len(passes)
    assert read[0] > 40 and read[again] == -(-read[0] // 2**halvings)


def test_a_continuation_that_never_fits_is_a_named_error(model):
    """A prompt of one part cannot be read in smaller ones."""
    with failing(model.body.model, range(99), ERRORS[0]) as sizes, pytest.raises(ModelError, match="smaller"):
        scoring.continuation(model, LONG, 12)
    assert 1 < len(sizes) < 9


def test_other_errors_are_not_taken_for_memory(model):
    """A wrong shape is raised as it is, at its first pass."""
    with (
        failing(model.body.model, {1}, RuntimeError("bad shape")) as sizes,
        pytest.raises(RuntimeError, match="bad shape"),
    ):
        scoring.score_pairs(model.body, PAIRS)
    assert len(sizes) == 1
