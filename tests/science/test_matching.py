"""science/matching.py: both nulls on plants and on noise."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from brainlike_core.config import EncodingConfig, MatchConfig
from brainlike_core.errors import AtlasError
from brainlike_core.science import matching
from brainlike_core.science.spins import SpinNull, turned_labels

from .test_encoding import smooth
from .test_spins import two_caps


def small_world(planted):
    """Eight subjects on a coarse parcellation; the first atom drives network 1 where planted."""
    surface, labels = two_caps()
    rng = np.random.default_rng(0)
    tree = cKDTree(surface.sphere[:162])
    vertex_location = np.concatenate(
        [
            tree.query(surface.sphere[: surface.n_left])[1],
            162 + tree.query(surface.sphere[surface.n_left :] * [1, 1, 1])[1],
        ]
    ).astype(np.int32)
    atoms = smooth(rng, 150, 6)
    bold = smooth(rng, 8, 160, 324)
    home = np.bincount(vertex_location[labels == 1], minlength=324) > 0
    if planted:
        bold[:, :150, home] += atoms[:, :1]
    turned = turned_labels(surface.sphere, surface.faces, surface.n_left, labels, 999, seed=0)
    return atoms, bold, SpinNull(labels, turned, vertex_location, 2, 324)


@pytest.mark.parametrize("planted", [True, False])
def test_both_nulls_accept_the_plant_and_nothing_in_noise(planted):
    """A planted atom-network pair survives spins, sign-randomised atoms and the gate; noise gives none."""
    from brainlike_core.science.encoding import encode

    atoms, bold, null = small_world(planted)
    settings = EncodingConfig(n_surrogates=19)
    encoded = encode(atoms, bold, 0, settings)
    found = matching.match(
        atoms,
        bold,
        0,
        encoded.z_maps,
        encoded.atom_q,
        null,
        ("one", "two"),
        MatchConfig(n_fakes=40),
        settings,
    )
    accepted = found.accepted_links
    assert accepted[0, 0, 0] == planted
    assert accepted.sum() == int(planted)
    assert found.n_links_fake.shape == (40,) and (found.p_spin > 0).all()


def test_maps_of_another_space_are_refused():
    """Maps must have the recording's locations."""
    surface, labels = two_caps()
    null = SpinNull(labels, labels[None][:0], np.arange(len(labels), dtype=np.int32), 2, surface.n_vertices)
    with pytest.raises(AtlasError, match="found 10 locations, needed 20484"):
        matching.match(
            np.ones((5, 1)),
            np.ones((3, 9, 10)),
            0,
            np.ones((1, 10)),
            np.ones(1),
            null,
            ("a", "b"),
            MatchConfig(),
            EncodingConfig(),
        )
