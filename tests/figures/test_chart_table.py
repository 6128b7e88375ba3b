"""The table behind a chart: its numbers are those of the chart, for each chart of the app."""

import dataclasses

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from brainlike_core.figures import matrix, theme
from brainlike_core.figures.chart_table import chart_table, hover_text
from tests import synthetic_run as made
from tests.every_chart import every_chart

CHARTS = every_chart()


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_of_the_app_has_a_table(name):
    """Each has rows, no column without a word of what it is, and no markup in it."""
    table = chart_table(CHARTS[name])
    assert len(table) and table.columns.is_unique
    words = table.to_numpy(dtype=object).ravel()
    assert not [word for word in words if "<br>" in str(word) or "%{" in str(word)]


@pytest.mark.parametrize(
    "name", ["lags", "curves", "power of atoms", "fit by size", "rebuilt", "time course"]
)
def test_the_numbers_are_those_of_the_lines(name):
    """Every point of every line, in its order, digit by digit."""
    chart = CHARTS[name]
    shown = [trace for trace in chart.data if trace.name or trace.hoverinfo != "skip"]
    x = np.concatenate([np.asarray(trace.x, float) for trace in shown])
    y = np.concatenate([np.asarray(trace.y, float) for trace in shown])
    table = chart_table(chart)
    first, second = [column for column in table.columns if pd.api.types.is_numeric_dtype(table[column])][:2]
    np.testing.assert_array_equal(table[first], x)
    np.testing.assert_array_equal(table[second], y)


def test_the_matrix_names_its_links():
    """Of the planted link: sub-group, network, sign and both nulls, as the pointer reads them; no control is a row."""
    table = chart_table(CHARTS["matrix"])
    row = table[table["series"] == "activation, beats both nulls"].iloc[0]
    assert row["sub-group (atom)"] == "3" and row["name"] == "Language" and "Dice" in row["reads"]
    both_signs = 1  # of atom 3 with Language
    assert len(table) == made.N_ATOMS * made.make_run().atlas.n_networks + both_signs


def test_atoms_without_a_tick_are_named_too():
    """Of more than forty sub-groups every second has its number on the axis; the table has all."""
    c = made.make_run().correspondence
    cells = {
        name: np.repeat(getattr(c, name), 4, 1) for name in ("dice", "p_spin", "q_spin", "p_phase", "q_phase")
    }
    many = dataclasses.replace(c, **cells, atom_q=np.repeat(c.atom_q, 4))
    order = list(range(47, -1, -1))
    table = chart_table(matrix.correspondence_matrix(many, order))
    told = table["reads"].str.extract(r"Atom (\d+)")[0]
    assert (told == table["sub-group (atom)"]).all() and set(told) == set(map(str, order))


def test_a_heat_map_is_a_row_for_each_cell():
    """Network, layer and r of each model, equal to the arrays that were drawn."""
    chart = CHARTS["by network"]
    table = chart_table(chart)
    z = np.concatenate([np.asarray(trace.z, float).ravel() for trace in chart.data])
    np.testing.assert_array_equal(table["value"], z[np.isfinite(z)])
    assert set(table["panel"]) == {"minilm-l6", "minilm-l6 · random 0"}


def test_error_bars_are_their_ends():
    """Random neurons kept: mean and range, as the bars reach."""
    chart = CHARTS["preservation"]
    bars = next(trace for trace in chart.data if trace.error_y.array is not None)
    table = chart_table(chart)
    rows = table[table["series"] == bars.name].head(len(bars.y))
    low, high = rows.filter(like=" from").iloc[:, 0], rows.filter(like=" to").iloc[:, 0]
    below = bars.error_y.array if bars.error_y.arrayminus is None else bars.error_y.arrayminus
    np.testing.assert_allclose(low, np.asarray(bars.y) - below)
    np.testing.assert_allclose(high, np.asarray(bars.y) + bars.error_y.array)


def test_bars_and_counts():
    """Neurons by layer are the histogram of the dictionary; values of a histogram are all there."""
    run = made.make_run()
    table = chart_table(CHARTS["layers"])
    np.testing.assert_array_equal(table["neurons"], run.dictionary.layer_histogram[3])
    assert len(chart_table(CHARTS["null of one"])) == 41


def test_places_with_names_are_named_and_numbers_stay_numbers():
    """Ticks that stand for names give names, marks beside their place too; a scale of numbers is left alone."""
    chart = go.Figure([go.Scatter(x=[0.5, 2.0, None], y=[0, 1.2, 1], mode="markers", name="a")])
    chart.update_yaxes(tickvals=[0, 1], ticktext=["<b>Default</b>", "Language"])
    chart.update_xaxes(tickvals=[0, 1, 2], ticktext=["0", "1", "2"], title="r")
    table = chart_table(chart)
    assert table.to_dict("list") == {"series": ["a", "a"], "r": [0.5, 2.0], "name": ["Default", "Language"]}


def test_numbers_are_written_as_the_pointer_writes_them():
    """Formats of d3: fixed digits, sign, share, thousands."""
    values = {"x": 1234567.0, "y": -0.5, "text": "a &lt; b", "customdata": np.array([0.25])}
    assert hover_text("%{x:,.0f} · %{y:+.2f}<br>%{customdata[0]:.0%} %{text}<extra>no</extra>", values) == (
        "1,234,567 · -0.50 · 25% a < b"
    )


@pytest.mark.parametrize("name", list(CHARTS)[:4])
def test_the_table_does_not_depend_on_the_ground(name):
    """A chart on a dark page has the same numbers."""
    pd.testing.assert_frame_equal(chart_table(theme.in_dark(CHARTS[name])), chart_table(CHARTS[name]))
