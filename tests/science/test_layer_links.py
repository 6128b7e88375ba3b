"""science/layer_links.py: each third is the whole walk of its neurons; a plant in one third is found there alone."""

from dataclasses import replace

import numpy as np
import pytest

from brainlike_core.config import DictionaryConfig, EncodingConfig, MatchConfig
from brainlike_core.science.dictionary import learn_dictionary
from brainlike_core.science.encoding import encode
from brainlike_core.science.layer_links import maps_and_gate, third_links
from brainlike_core.science.matching import match
from brainlike_core.science.spins import SpinNull
from brainlike_core.values import NeuronResponses

from .test_encoding import smooth

N_TRS, N_UNITS, N_LOCATIONS = 160, 30, 40
ENCODING = EncodingConfig(n_surrogates=19, delays=(0, 1), n_flips=20)
MATCH = MatchConfig(n_spins=199, n_fakes=20)
DICTIONARY = DictionaryConfig(n_atoms=3, n_iterations=20)


def world(planted):
    """Six layers; two atoms each third. Where planted, the first atom of the middle third drives ten locations."""
    rng = np.random.default_rng(0)
    courses = smooth(rng, N_TRS, 6)
    values = np.concatenate(
        [
            courses[:, 2 * third : 2 * third + 2] @ np.sign(rng.standard_normal((2, 2 * N_UNITS)))
            * (rng.random(2 * N_UNITS) + 0.5)
            for third in range(3)
        ],
        axis=1,
    )  # fmt: skip
    values += 0.3 * smooth(rng, N_TRS, values.shape[1])
    values = ((values - values.mean(0)) / values.std(0)).astype(np.float32)
    bold = smooth(rng, 8, N_TRS + 2, N_LOCATIONS)
    if planted:
        bold[:, 1 : N_TRS + 1, :10] += 1.5 * courses[:, 2, None]
    labels = np.repeat([1, 2, 0, 0], 10).astype(np.uint8)
    turned = np.stack([np.roll(rng.permutation(labels.reshape(-1, 2)).ravel(), 1) for _ in range(199)])
    null = SpinNull(labels, turned, np.arange(N_LOCATIONS, dtype=np.int32), 2, N_LOCATIONS)
    responses = NeuronResponses("made up", "tr", values, tuple(range(6)), N_UNITS, 0)
    return responses, bold.astype(np.float32), null


def ask(planted):
    responses, bold, null = world(planted)
    return third_links(responses, bold, null, ("A", "B"), DICTIONARY, ENCODING, MATCH)


def test_maps_and_gate_are_those_of_the_encoding():
    """The short way to maps, delay and gate gives what the whole encoding gives."""
    responses, bold, _ = world(True)
    atoms = learn_dictionary(responses.values, DICTIONARY, layers=tuple(range(6)), n_units=N_UNITS).atoms
    z_maps, atom_q, delay = maps_and_gate(atoms, bold, 0, ENCODING)
    whole = encode(atoms, bold, 0, ENCODING)
    np.testing.assert_array_equal(z_maps, whole.z_maps)
    np.testing.assert_array_equal(atom_q, whole.atom_q)
    assert delay == whole.map_delay


def test_a_third_is_a_walk_of_its_neurons():
    """Links and counts of the middle third are those of dictionary, encoding and match on its two layers."""
    responses, bold, null = world(True)
    found = third_links(responses, bold, null, ("A", "B"), DICTIONARY, ENCODING, MATCH)
    middle = responses.values[:, 2 * N_UNITS : 4 * N_UNITS]
    atoms = learn_dictionary(middle, replace(DICTIONARY), layers=(2, 3), n_units=N_UNITS).atoms
    encoded = encode(atoms, bold, 0, ENCODING)
    alone = match(atoms, bold, 0, encoded.z_maps, encoded.atom_q, null, ("A", "B"), MATCH, ENCODING)
    ours = found.links.query("third == 'middle'").drop(columns="third").reset_index(drop=True)
    assert ours.equals(alone.links())
    row = found.thirds.set_index("third").loc["middle"]
    assert row.n_links == alone.paper_links.sum() and row.n_accepted == alone.accepted_links.sum()
    assert row.n_links_fake == pytest.approx(alone.n_links_fake.mean())
    reached = (alone.n_links_fake_accepted >= row.n_accepted).sum()
    assert row.n_accepted_p == pytest.approx((1 + reached) / 21)


def test_the_plant_is_found_in_its_third():
    """A course of the middle layers that drives network A: accepted there, at the smallest p, and in no other third."""
    found = ask(True)
    counts = found.counts.pivot(index="third", columns="network", values="n_accepted")
    assert counts.loc["middle", "A"] >= 1
    assert counts.loc[["early", "late"]].to_numpy().sum() == 0
    middle = found.thirds.set_index("third").loc["middle"]
    assert middle["n_accepted_p"] == pytest.approx(1 / 21) and middle["map_delay"] == 1
    assert (found.thirds[["first_layer", "last_layer"]].to_numpy() == [[0, 1], [2, 3], [4, 5]]).all()


def test_noise_gives_no_accepted_link():
    """Where nothing drives the brain no third is linked, and the count's p says so."""
    found = ask(False)
    assert found.thirds["n_accepted"].sum() == 0 and (found.thirds["n_accepted_p"] == 1).all()
