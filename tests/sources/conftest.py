"""Fixtures of the tests that run language models."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """torch on one thread: small models are faster so, and other tests run beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
