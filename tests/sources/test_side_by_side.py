"""Several questions at once: replicas share weights and not hooks, answers are those of one after the other."""

import threading

import numpy as np
import pytest
import torch

from brainlike_core.errors import CancelledError
from brainlike_core.sources import scoring, side_by_side
from brainlike_core.sources.heads import HeadedModel, open_with_head
from brainlike_core.sources.interventions import lesion
from brainlike_core.sources.side_by_side import Watch, replica
from tests.headed_models import TEXTS, headed, save


@pytest.fixture(scope="module", params=["llama", "gpt2", "bert", "albert"])
def model(request, tmp_path_factory) -> HeadedModel:
    """A small model of a family, with its head."""
    return open_with_head(save(tmp_path_factory.mktemp("model"), headed(request.param)))


@pytest.fixture
def two_cores(monkeypatch):
    """Two questions at once, however many cores there are."""
    monkeypatch.setattr(side_by_side, "n_cores", lambda: 2)


def likelihoods(model, neurons=None):
    """Negative log-likelihood of each text, with neurons cut."""
    if neurons is None:
        return scoring.score_texts(model, TEXTS)
    with lesion(model.body, neurons):
        return scoring.score_texts(model, TEXTS)


def test_a_replica_has_the_same_weights_and_other_modules(model):
    """Every parameter is the very tensor; the body lies inside the network; no module is shared."""
    other = replica(model)
    assert all(a is b for a, b in zip(model.network.parameters(), other.network.parameters(), strict=True))
    assert any(module is other.body.model for module in other.network.modules())
    assert not set(model.network.modules()) & set(other.network.modules())
    for name, score in likelihoods(model).items():
        np.testing.assert_array_equal(likelihoods(other)[name].items, score.items)


def test_a_cut_of_a_replica_is_not_felt_by_the_model(model):
    """While all neurons of the replica are cut, the model says what it said."""
    other, whole = replica(model), likelihoods(model)
    every = np.ones(model.body.n_layers * model.body.n_units, bool)
    with lesion(other.body, every):
        for name, score in likelihoods(model).items():
            np.testing.assert_array_equal(score.items, whole[name].items)
        changed = scoring.score_texts(other, TEXTS)
    assert any((changed[name].items != score.items).any() for name, score in whole.items())


def test_answers_come_in_order_and_are_those_of_one_after_the_other(model, two_cores):
    """Nine cuts, two at a time, on threads of their own; the number of torch's threads is given back."""
    rng, before = np.random.default_rng(0), torch.get_num_threads()
    cuts = [None, *(rng.random((8, model.body.n_layers * model.body.n_units)) < 0.3)]
    names, told = set(), []

    def ask(own, cut, watch):
        names.add(threading.current_thread().name)
        return likelihoods(own, cut)

    found = side_by_side.side_by_side(model, cuts, ask, told.append)
    for cut, one in zip(cuts, found, strict=True):
        for name, score in likelihoods(model, cut).items():
            np.testing.assert_allclose(one[name].items, score.items, rtol=1e-5, atol=1e-5)
    assert len(names) == 2 and threading.current_thread().name not in names
    assert told == sorted(told) and told[-1] == 1.0
    assert torch.get_num_threads() == before


def test_a_wish_to_stop_reaches_every_question(model, two_cores):
    """What ``tell`` raises stops those under way, and those that wait never begin."""
    begun = []

    def ask(own, task, watch):
        begun.append(task)
        while not watch.cancelled():
            threading.Event().wait(0.01)
        raise CancelledError("stopped")

    def tell(fraction):
        raise CancelledError("enough")

    with pytest.raises(CancelledError, match="enough"):
        side_by_side.side_by_side(model, range(50), ask, tell)
    assert len(begun) == 2


def test_the_first_error_is_raised_and_the_others_stop(model, two_cores):
    """One question fails; the one beside it is told to stop."""
    stopped = []

    def ask(own, task, watch):
        if task == 1:
            raise ValueError("wrong")
        while not watch.cancelled():
            threading.Event().wait(0.01)
        stopped.append(task)

    with pytest.raises(ValueError, match="wrong"):
        side_by_side.side_by_side(model, range(20), ask, lambda fraction: None)
    assert stopped == [0]


def test_progress_is_a_part_of_the_question():
    """A source that is half-way through the first 80 % of a question has done 40 % of it."""
    watch = Watch(threading.Event())
    watch.part(0.8)(0.5, "token 5 of 10")
    assert watch.fraction == 0.4
