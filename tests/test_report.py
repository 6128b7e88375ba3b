"""report.py: the numbers of a made-up run, known by heart, and its sentences."""

import dataclasses
import json

import numpy as np
import pytest

from brainlike_core import report
from tests import synthetic_run as made

LINK = {"atom", "network", "sign", "dice", "p", "q", "p_phase", "q_phase", "accepted"}


@pytest.fixture(scope="module")
def run():
    """Twelve atoms, 40 neurons, 100 parcels, four links of which one passes both nulls."""
    return made.make_run()


@pytest.fixture(scope="module")
def numbers(run):
    """Its summary, once through JSON: what a reader of ``--json`` has."""
    return json.loads(json.dumps(report.summary(run), allow_nan=False))


def test_sizes_and_names(numbers, run):
    """Counts of everything, and which run it is."""
    sizes = {name: numbers[name] for name in ("n_neurons", "n_trs", "n_atoms", "n_subjects")}
    assert sizes == {"n_neurons": 40, "n_trs": 60, "n_atoms": 12, "n_subjects": 4}
    names = tuple(numbers[name] for name in ("id", "label", "recording", "model", "weights", "seed"))
    assert names == (run.id, "minilm-l6 · simulated", "simulated", "minilm-l6", "trained", 0)
    assert numbers["seconds"] == {"recording": 1.0, "dictionary": 2.0, "encoding": 3.0}


def test_dictionary_numbers(numbers):
    """Every neuron has one loading and R2 one half."""
    found = numbers["dictionary"]
    assert (found["r2_median"], found["lambda"], found["n_iterations"]) == (0.5, 0.1, 7)
    assert found["loadings_per_neuron_median"] == 1


def test_encoding_numbers(numbers):
    """Ten of 100 parcels have q = .01, one of 12 atoms has; the null lies evenly between -.03 and .03."""
    e = numbers["encoding"]
    assert (e["n_significant"], e["n_locations"], e["n_surrogates"]) == (10, 100, 41)
    assert (e["r_heldout_mean"], e["r_heldout_mean_p"], e["r_heldout_max"]) == (0.12, 0.005, 0.22)
    assert e["r_heldout_null_mean"] == pytest.approx(0, abs=1e-6)
    assert e["r_heldout_null_sd"] == pytest.approx(np.linspace(-0.03, 0.03, 41).std(), rel=1e-4)
    assert (e["noise_ceiling_mean"], e["noise_ceiling_max"], e["r_subject_mean"]) == (0.25, 0.25, 0.09)
    assert (e["r2_insample_max"], e["r2_insample_null_mean"]) == (0.7, 0.69)
    assert e["lag_curve"] == {"0": 0.02, "1": 0.05, "2": 0.12, "3": 0.06, "4": 0.01}
    assert (e["map_delay_trs"], e["n_atoms_brain_related"]) == (2, 1)


def test_correspondence_numbers(numbers):
    """Four links, strongest first; the fakes get 5 to 24 links, 14.5 on average, and no accepted one."""
    c = numbers["correspondence"]
    assert (c["atlas"], c["n_links"], c["n_links_accepted"], c["n_fakes"]) == ("eg17", 4, 1, 20)
    assert (c["n_links_fake_mean"], c["n_links_fake_range"]) == (14.5, [5, 23])
    assert c["n_links_accepted_fake_mean"] == 0
    assert [link["dice"] for link in c["links"]] == [0.5, 0.3, 0.2, 0.1]
    assert [(link["atom"], link["sign"]) for link in c["links"]] == [(3, "+"), (5, "-"), (3, "+"), (3, "-")]
    assert [link["accepted"] for link in c["links"]] == [True, False, False, False]
    assert all(set(link) == LINK for link in c["links"])


def test_range_of_the_fakes_is_the_middle_95_percent(run):
    """Of 0, 1, ..., 200 links: 5 to 195."""
    fakes = dataclasses.replace(run.correspondence, n_links_fake=np.arange(201, dtype=np.int32))
    found = report.summary(dataclasses.replace(run, correspondence=fakes))["correspondence"]
    assert (found["n_links_fake_mean"], found["n_links_fake_range"]) == (100, [5, 195])


def test_organization_numbers(numbers):
    """Each metric with its interval, and with its null where it has one; None where nothing is defined."""
    o = numbers["organization"]
    for name, (value, low, high) in made.METRICS.items():
        assert o[name] == value and o["intervals"][name] == [low, high]
    assert o["nulls"] == {"consistency": [-0.05, 0.08], "consistency_spatial": [0.0, 0.1]}
    assert len(o["networks"]) == 17
    assert o["networks"][made.LANGUAGE]["involvement_pos"] == 1
    assert o["networks"][made.LANGUAGE]["consistency"] is None


def test_recovery_only_where_something_was_planted(numbers):
    """Two of three effects came back; a real recording has no such part."""
    r = numbers["recovery"]
    assert (r["score"], r["chance"], r["p"], r["n_links"], r["n_links_planted"]) == (
        0.666667,
        0.1,
        0.02,
        4,
        3,
    )
    assert [row["recovered"] for row in r["table"]] == [True, True, False]
    real = report.summary(made.make_run(made.config(recording="pieman")))
    assert "recovery" not in real and set(numbers) - set(real) == {"recovery"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_none(run, value):
    """Standard JSON has no NaN and no infinity."""
    spoilt = dataclasses.replace(
        run, encoding=dataclasses.replace(run.encoding, r_subjects=np.full(4, value, np.float32))
    )
    assert report.summary(spoilt)["encoding"]["r_subject_mean"] is None


def test_six_digits_are_kept(run):
    """Enough for any figure, and equal on every machine."""
    seconds = dataclasses.replace(
        run, recovery=dataclasses.replace(run.recovery, score=1 / 3, p=1.23456789e-7)
    )
    found = report.summary(seconds)["recovery"]
    assert (found["score"], found["p"]) == (0.333333, 1.23457e-7)


def test_no_links_is_an_empty_list(run):
    """And its sentence still holds."""
    none = np.ones_like(run.correspondence.p_spin)
    bare = dataclasses.replace(run, correspondence=dataclasses.replace(run.correspondence, p_spin=none))
    found = report.summary(bare)
    assert (found["correspondence"]["n_links"], found["correspondence"]["links"]) == (0, [])
    assert report.sentences(found)[2].startswith("0 links by the paper's spin rule with eg17;")


def test_sentences(numbers):
    """Nulls stand beside every figure."""
    assert report.sentences(numbers) == [
        "minilm-l6 · simulated: 40 neurons, 12 atoms (dictionary R2 0.50 at lambda 0.1).",
        "Held-out r 0.120, p 0.005 (null 0.000 +- 0.018, 41 surrogates); best location 0.22; "
        "10 of 100 locations at FDR .05.",
        "4 links by the paper's spin rule with eg17; sign-randomised atoms get 14 (5-23). "
        "1 pass both nulls and the atom gate.",
        "Planted truth: 67% of 3 effects recovered, chance 10%, p 0.0200; 3 of 4 accepted links are planted "
        "ones.",
    ]


def test_sentences_name_random_weights():
    """The label says so, with the seed."""
    settings = made.config(weights="random", recording="pieman")
    lines = report.sentences(report.summary(made.make_run(settings)))
    assert lines[0].startswith("minilm-l6 · random 0 · pieman: 40 neurons") and len(lines) == 3
