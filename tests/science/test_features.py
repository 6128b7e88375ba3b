"""features.py: named features as atoms, and what is not defined for a handful of them."""

import doctest

import numpy as np
import pytest

from brainlike_core.errors import ConfigError
from brainlike_core.science import features
from brainlike_core.science.features import features_as_atoms, without_organization
from tests.synthetic_run import make_run

SEED = np.random.default_rng(0)


def test_the_docstrings_examples_hold():
    """Every example in the file's docstrings gives what it shows."""
    found = doctest.testmod(features)
    assert found.attempted and found.failed == 0


def test_loadings_are_the_identity_and_atoms_rebuild_the_features():
    """X = atoms @ diag(norms): nothing is lost, so R2 = 1 is true and no claim."""
    x = SEED.standard_normal((80, 5))
    found = features_as_atoms(x, tuple("abcde"), 7)
    np.testing.assert_array_equal(found.loadings.toarray(), np.eye(5))
    np.testing.assert_allclose(found.atoms * np.linalg.norm(x, axis=0), x, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.atoms, axis=0), 1, atol=1e-6)
    assert (found.r2 == 1).all() and found.penalty == 0 and found.first_tr == 7
    assert found.subgroups.tolist() == [0, 1, 2, 3, 4] and found.names == tuple("abcde")


def test_fewer_than_two_moving_features_are_refused():
    """One regressor has no correlation to show."""
    with pytest.raises(ConfigError, match="Too few features"):
        features_as_atoms(np.zeros((80, 3)), tuple("abc"), 0)


def test_organization_of_a_handful_is_not_defined():
    """Counts of links stay, whatever compares atoms or layers becomes NaN; the given value is untouched."""
    whole = make_run().organization
    found = without_organization(whole)
    left = found.metrics.set_index("metric")["value"].dropna()
    assert set(left.index) == set(features.DEFINED) & set(whole.metrics["metric"])
    assert found.networks["involvement_pos"].equals(whole.networks["involvement_pos"])
    assert found.networks["centre_of_mass"].isna().all() and not found.layer_profiles.any()
    assert whole.metrics["value"].notna().sum() > len(left)
