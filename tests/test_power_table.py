"""values/power.py, the table that comes with the product, and the power command."""

import doctest
import itertools
import json

import numpy as np
import pandas as pd
import pytest

from brainlike_core import inventory
from brainlike_core.__main__ import main
from brainlike_core.config import PowerConfig
from brainlike_core.errors import ConfigError
from brainlike_core.science.statistics import wilson
from brainlike_core.sources import power_table as files
from brainlike_core.values import PowerTable
from brainlike_core.values import power as values
from brainlike_core.values.power import COLUMNS, RISING, rising

SUBJECTS, MINUTES, EFFECTS = (5, 20, 80), (5.0, 10.0, 40.0), (0.0, 0.2, 0.4)


def table(power=lambda n, m, e: 0.05 + e * np.log(n * m) / 4):
    """A table of three by three by three designs, by a rule."""
    rows = []
    for claim, n, m, e in itertools.product(values.CLAIMS, SUBJECTS, MINUTES, EFFECTS):
        p = power(n, m, e)
        rows.append((claim, n, m, e, p, p - 0.02, p + 0.02, 100 if n < 80 else 50, e / 2, 0.01))
    return PowerTable(pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(), {})


@pytest.fixture(scope="module")
def product():
    return inventory.power_table()


def test_examples():
    """The docstrings are true."""
    assert doctest.testmod(values).failed == 0


def test_a_simulated_design_is_read_as_it_is():
    """20 listeners, 10 minutes, r .2: the row of the table."""
    found = table().at("predicts", 20, 10.0, 0.2)
    assert found.power == pytest.approx(0.05 + 0.2 * np.log(200) / 4) and found.simulated and found.n == 100


def test_between_designs_by_hand():
    """Half way in the logarithms of listeners and minutes, and in the effect: the mean of the eight around it."""
    found = table().at("better", 40, 20.0, 0.3)
    corners = [0.05 + e * np.log(n * m) / 4 for n in (20, 80) for m in (10, 40) for e in (0.2, 0.4)]
    assert found.power == pytest.approx(np.mean(corners)) and not found.simulated and found.n == 50


@pytest.mark.parametrize("claim", values.CLAIMS)
def test_interpolation_never_leaves_the_range_of_its_neighbours(claim):
    """200 random designs in a table of noise; levelled where a claim rises with the data."""
    rng = np.random.default_rng(3)
    noisy = table(lambda n, m, e: rng.random())
    rows = noisy.table.query("claim == @claim")
    grid = rows["power"].to_numpy().reshape(3, 3, 3)
    grid = rising(grid) if claim in RISING else grid
    for _ in range(200):
        where = np.exp(rng.uniform(np.log(5), np.log(80))), np.exp(rng.uniform(np.log(5), np.log(40)))
        n, m, e = round(where[0]), where[1], rng.uniform(0, 0.4)
        axes = zip((SUBJECTS, MINUTES, EFFECTS), (n, m, e), strict=True)
        low = [slice(max(np.searchsorted(a, v, "right") - 1, 0), np.searchsorted(a, v) + 1) for a, v in axes]
        around = grid[tuple(low)]
        assert around.min() - 1e-12 <= noisy.at(claim, n, m, e).power <= around.max() + 1e-12


def test_more_data_never_have_less_power_where_they_cannot_harm():
    """In a table of noise, along every axis; links keep what was simulated."""
    rng = np.random.default_rng(4)
    noisy = table(lambda n, m, e: rng.random())
    for claim in RISING:
        curve = [noisy.at(claim, 20, m, 0.3).power for m in np.geomspace(5, 40, 30).clip(5, 40)]
        assert (np.diff(curve) >= -1e-12).all()
    row = noisy.table.query("claim == 'link' and n_subjects == 80 and minutes == 40 and effect == 0.4")
    assert noisy.at("link", 80, 40.0, 0.4).power == row["power"].item()


def test_minutes_for_a_power():
    """The curve of r .4 with 20 listeners passes .6 where its rule does; where it never does: None."""
    assert table().minutes_for("predicts", 20, 0.4, 0.6) == pytest.approx(np.exp(5.5) / 20, rel=0.02)
    assert table().minutes_for("predicts", 20, 0.0, 0.8) is None


@pytest.mark.parametrize(
    ("where", "found"),
    [((4, 10.0, 0.2), "4 listeners"), ((20, 41.0, 0.2), "41 minutes"), ((20, 10.0, 0.5), "0.5 effect")],
)
def test_a_design_outside_is_refused(where, found):
    """Nothing is extrapolated: the range is named, and how to simulate the design."""
    with pytest.raises(ConfigError, match=found) as refusal:
        table().at("predicts", *where)
    assert "power --simulate" in str(refusal.value)


def test_an_unknown_claim_and_a_table_without_columns_are_refused():
    """By name, and with the columns that are needed."""
    with pytest.raises(ConfigError, match="one of better, link, predicts, replicates"):
        table().at("wins", 20, 10.0, 0.2)
    with pytest.raises(ConfigError, match="lacks columns"):
        PowerTable(pd.DataFrame({"claim": []}), pd.DataFrame(), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"n_subjects": (2,)},
        {"n_subjects": (10, 5)},
        {"minutes": (1.0,)},
        {"tr": 4.5},
        {"effects": (0.1, 0.2)},
        {"differences": (0.0, 0.9)},
        {"weaker": 0.55},
        {"n_spins": 100},
        {"level": 0.0},
        {"n_repeats": -1},
    ],
)
def test_settings_outside_their_range_are_refused(changes):
    """Each with what was found and what is needed."""
    with pytest.raises(ConfigError, match="needed"):
        PowerConfig(**changes)


# -- the table of the product ----------------------------------------------------------


def test_the_products_table_is_whole_and_says_how_it_was_made(product):
    """Every design of its config has a row with its interval; version, seed and command stand beside it."""
    config = product.made["config"]
    n = len(config["n_subjects"]) * len(config["minutes"])
    for claim, effects in (("predicts", "effects"), ("better", "differences"), ("link", "link_effects")):
        rows = product.table[product.table["claim"] == claim]
        assert len(rows) == n * len(config[effects])
        assert ((rows["low"] <= rows["power"]) & (rows["power"] <= rows["high"])).all()
    assert product.made["how"] == "python docs/power.py" and {"version", "utc"} <= set(product.made)
    assert config == json.loads(json.dumps(PowerConfig().__dict__))
    size = sum(path.stat().st_size for path in (files.TABLE, files.ATOMS, files.MADE))
    assert size < 100_000


def test_the_products_table_holds_its_level_and_rises(product):
    """False findings are at their level or below, by the 95 % interval of the independent worlds (numbers of listeners
    share theirs); the best design finds what the worst does not."""
    for claim, level in (("predicts", 0.05), ("replicates", 0.05), ("better", 0.025), ("any link", 0.05)):
        share, n = product.found_in_nothing(claim)
        n_worlds = n // len(PowerConfig().n_subjects)
        assert wilson(share, n_worlds)[0] <= level and n > 400
    for claim, effect in (("predicts", 0.3), ("better", 0.2), ("replicates", 0.3), ("link", 0.35)):
        worst, best = product.at(claim, 5, 5.0, effect), product.at(claim, 80, 80.0, effect)
        assert best.low > worst.high


def test_a_table_comes_back_as_it_was_written(monkeypatch, tmp_path, product):
    """Four digits of each number; the same bytes again."""
    for name in ("TABLE", "ATOMS", "MADE"):
        monkeypatch.setattr(files, name, tmp_path / name)
    files.write_power_table(product)
    first = (tmp_path / "TABLE").read_bytes()
    again = files.read_power_table()
    pd.testing.assert_frame_equal(again.table, product.table, rtol=1e-3)
    files.write_power_table(again)
    assert (tmp_path / "TABLE").read_bytes() == first


# -- the command ------------------------------------------------------------------------


def test_the_command_answers_and_says_that_it_interpolates(capsys):
    """Every claim with its interval, what would be measured, and the minutes for 80 %."""
    assert main(["power", "--subjects", "23", "--minutes", "12"]) == 0
    told = capsys.readouterr().out.replace("\xa0", " ")
    assert "480 volumes, 158 free numbers" in told and "Interpolated between simulated designs" in told
    assert told.count("predicts ") == len(PowerConfig().effects) and "80 %" in told


def test_the_commands_json_is_one_object(capsys, product):
    """The same numbers as the table's."""
    assert main(["power", "--subjects", "20", "--minutes", "10", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["power"]
    first = next(c for c in told["claims"] if c["claim"] == "predicts" and c["effect"] == 0.3)
    assert first["power"] == product.at("predicts", 20, 10.0, 0.3).power and not told["simulated"]


def test_the_command_simulates_a_design_that_is_not_in_the_table(capsys):
    """Four listeners: refused from the table, simulated on request."""
    ask = ["power", "--subjects", "4", "--minutes", "5", "--tr", "2", "--repeats", "3", "--json"]
    assert main(ask) == 2
    assert "needed 5 to 80" in capsys.readouterr().err
    assert main([*ask, "--simulate"]) == 0
    told = json.loads(capsys.readouterr().out)["power"]
    assert told["simulated"] and {(c["claim"] == "link", c["n"]) for c in told["claims"]} == {
        (True, 1),
        (False, 3),
    }


@pytest.mark.parametrize("ask", [["--subjects", "2"], ["--tr", "5"], ["--repeats", "0"]])
def test_the_command_refuses_what_cannot_be(capsys, ask):
    """Exit status 2 and one sentence."""
    given = {"--subjects": "20", "--minutes": "10"} | dict([ask])
    assert main(["power", "--simulate", *itertools.chain(*given.items())]) == 2
    assert "needed" in capsys.readouterr().err
