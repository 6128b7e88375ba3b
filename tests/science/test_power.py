"""science/power.py: what a table is made of, recovery of atoms, and progress that can stop it."""

import doctest

import numpy as np
import pytest

from brainlike_core.config import PowerConfig
from brainlike_core.errors import CancelledError
from brainlike_core.science import power, statistics
from brainlike_core.science.power import atom_recovery, atom_table, power_table

SMALL = PowerConfig(
    n_subjects=(4, 8),
    minutes=(5.0,),
    effects=(0.0, 0.4),
    differences=(0.0, 0.2),
    link_effects=(0.0, 0.5),
    n_repeats=6,
    n_link_repeats=2,
    n_spins=1000,
)


def test_examples():
    """The docstrings are true."""
    assert doctest.testmod(power).failed == 0 and doctest.testmod(statistics).failed == 0


def test_a_table_has_every_design_and_its_interval():
    """Two groups, one length, two effects of each claim; the same again from the same seed."""
    found = power_table(SMALL)
    counts = found.groupby("claim").size().to_dict()
    assert counts == {"predicts": 4, "better": 4, "replicates": 4, "link": 4, "any link": 2}
    assert ((found["low"] <= found["power"]) & (found["power"] <= found["high"])).all()
    assert set(found.query("claim == 'link'")["n"]) == {2} and set(found.query("claim == 'better'")["n"]) == {
        6
    }
    assert found.equals(power_table(SMALL))


def test_more_minutes_find_more():
    """True r .4 of 20 listeners: 24 minutes beat 6; so does what is measured."""
    config = PowerConfig(
        n_subjects=(20,), minutes=(6.0, 24.0), effects=(0.0, 0.4), differences=(0.0, 0.3), n_repeats=40, n_link_repeats=0
    )  # fmt: skip
    found = power_table(config).set_index(["claim", "minutes", "effect"])
    for claim, effect in (("predicts", 0.4), ("better", 0.3), ("replicates", 0.4)):
        short, long = found.loc[(claim, 6.0, effect)], found.loc[(claim, 24.0, effect)]
        assert (
            long["power"] > short["power"]
            and long["measured"] - long["null"] > short["measured"] - short["null"]
        )


def test_long_stories_get_fewer_worlds():
    """A half beyond 15 minutes, a third beyond 30, a quarter beyond 60, never none."""
    config = PowerConfig(n_repeats=100, n_link_repeats=2)
    assert [power._repeats(config, m) for m in (10, 20, 40, 80)] == [(100, 2), (50, 1), (34, 1), (25, 1)]


def test_a_simulation_can_be_stopped():
    """What its progress raises ends it."""

    def stop(fraction):
        assert 0 < fraction <= 1
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        power_table(SMALL, stop)


def test_atoms_come_back_better_with_less_noise_and_more_neurons():
    """Ten minutes: nearly all of 16 atoms at SNR 3; fewer at .1; in between, more neurons help."""
    clean, noisy = (atom_recovery(10.0, 1000, snr, n_atoms=16) for snr in (3.0, 0.05))
    assert clean.shape == (16,) and clean.mean() > 0.95 > noisy.mean()
    few, many = (atom_recovery(10.0, n, 0.1, n_atoms=16).mean() for n in (200, 2000))
    assert many > few


def test_a_table_of_atoms():
    """Mean |cos| and the share at .9 or above, over 64 atoms of each repeat."""
    found = atom_table([(5.0, 600, 3.0)], n_repeats=2)
    (row,) = found.to_dict("records")
    assert row["n"] == 128 and row["low"] <= row["found"] <= row["high"]
    each = np.concatenate([atom_recovery(5.0, 600, 3.0, seed=s) for s in (0, 1)])
    assert row["cos"] == pytest.approx(each.mean()) and row["found"] == (each >= 0.9).mean()
