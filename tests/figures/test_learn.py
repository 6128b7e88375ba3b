"""The tour's charts: what is drawn is what was computed."""

import numpy as np
import pandas as pd
import pytest

from brainlike_core.figures import learn
from brainlike_core.values import FakeAtoms, Rebuilt


def test_words_are_drawn_as_they_are():
    """A word with markup is text, never markup."""
    heard = pd.DataFrame({"word": ["<b>a</b>", "b"], "onset": [1.0, 2.0], "response": [1.5, -0.5]})
    figure = learn.neuron_words(heard)
    assert list(figure.data[0].y) == [1.5, -0.5] and figure.data[0].text[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert learn.plain("_x_") == r"\_x\_"


def test_a_volume_is_a_step_of_its_own_length():
    """From its start, one TR long, then a gap."""
    heard = pd.DataFrame({"word": ["a"], "onset": [3.2], "response": [1.0]})
    means = pd.DataFrame({"onset": [3.0], "n_words": [1], "response": [1.0]})
    step = learn.volumes(heard, means, 1.5).data[1]
    assert step.x[:2].tolist() == [3.0, 4.5] and np.isnan(step.x[2])


def test_the_chosen_delay_is_marked_on_the_chosen_curve():
    """Between two points the mark lies on the line."""
    hrf = pd.DataFrame({"seconds": [0, 1], "response": [0, 1]})
    curve = pd.DataFrame({"delay": [0.0, 1.0], "r": [0.1, 0.3]})
    figure = learn.delays(hrf, curve, curve.assign(r=0), 0.5, ("with", "without"))
    mark = figure.data[-1]
    assert mark.x[0] == 0.5 and mark.y[0] == pytest.approx(0.2)


def test_fakes_stand_beside_the_real_one():
    """Lines at both |r|; an atom that follows upside down is turned, and said to be."""
    copies = np.random.default_rng(0).normal(size=(9, 20))
    found = FakeAtoms(copies[0], copies[1], copies, -0.6, np.linspace(-0.3, 0.3, 9), 0.1)
    figure = learn.fakes(found, 8, 1.5)
    assert figure.data[1].name == "atom upside down" and (figure.data[1].y == -copies[0]).all()
    assert [round(line.x0, 2) for line in figure.layout.shapes] == [0.3, 0.6]
    assert "n = 9" in learn.fakes_caption(found, 4) and "not corrected" in learn.fakes_caption(found, 4)


def test_a_rebuilt_neuron_says_how_many_atoms_it_is_made_of():
    """One atom, two atoms."""
    series = np.zeros(5)
    names = [learn.rebuilt(Rebuilt(series, series, 0.5, atoms), 1.5).data[1].name for atoms in ((3,), (3, 1))]
    assert names == ["1 atom", "2 atoms"]


def test_losses_are_sorted_and_unmeasured_networks_left_out():
    """Largest first, on top."""
    table = pd.DataFrame({"network": ["a", "b", "c"], "lost": [0.1, np.nan, 0.3]})
    bars = learn.lost(table).data[0]
    assert list(bars.y) == ["c", "a"] and list(bars.x) == [0.3, 0.1]
