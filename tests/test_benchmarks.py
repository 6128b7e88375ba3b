"""The benchmark's bookkeeping: agreement first, ratios against goals, rows that replace their own."""

import doctest
import json

import pytest

from benchmarks import measure
from benchmarks.__main__ import table, write
from benchmarks.measure import Comparison, DisagreementError, compare, within

FIELDS = [  # what every row of results.json holds
    "row",
    "peer",
    "size",
    "ours",
    "theirs",
    "unit",
    "ratio",
    "goal",
    "reached",
    "agree",
    "runs",
    "seed",
    "versions",
]


def adding(size: int, theirs=sum, **options) -> Comparison:
    """The sum of some numbers, ours by a generator and the peer's by ``theirs``."""
    return Comparison(
        "sums", "builtin sum", f"{size} numbers", "numpy", "numpy", lambda: range(size),
        lambda case: sum(n + 0 for n in case), theirs,
        lambda case, a, b: within("difference", abs(a - b), 0), n_repeats=3, **options,
    )  # fmt: skip


def test_docstring_examples():
    """The hand-worked examples in the docstrings hold."""
    results = doctest.testmod(measure)
    assert results.attempted >= 2 and not results.failed


def test_a_row_has_every_field_of_the_results():
    """One comparison gives one row, and its ratio is judged by its goal."""
    row = compare(adding(20_000, row="sums-large", goal="<= 1000", seed=4))
    assert set(FIELDS) <= set(row)
    assert row["row"] == "sums-large" and row["agree"] and row["reached"] and row["runs"] == 3
    assert row["seed"] == 4 and row["versions"]["numpy"]


def test_a_side_may_tell_its_own_seconds():
    """A browser's clock: the row holds what the sides answer, and the goal is on our seconds."""
    told = Comparison(
        "brains", "peer", "two", "numpy", "numpy", lambda: None, lambda case: 0.05, lambda case: 2.0,
        lambda case, a, b: "same values", n_repeats=3, goal="<= 0.06 s", compared="told",
    )  # fmt: skip
    row = compare(told)
    assert (row["ours"], row["theirs"], row["unit"], row["reached"]) == (0.05, 2.0, "seconds", True)
    assert row["ratio"] == 40


def test_different_answers_are_not_timed():
    """A peer that answers something else ends the comparison."""
    with pytest.raises(DisagreementError, match="difference"):
        compare(adding(10, theirs=lambda case: 3))


def test_a_run_replaces_its_own_rows_only(tmp_path):
    """Rows of another size stay; the same row, peer and size is written anew."""
    path = tmp_path / "results.json"
    rows = [compare(adding(size)) for size in (10, 20_000)]
    write(rows, path)
    write([{**rows[0], "ours": 120.456}], path)
    kept = json.loads(path.read_text())
    assert [row["size"] for row in kept] == ["10 numbers", "20000 numbers"]
    assert kept[0]["ours"] == 120.5
    assert "120 s" in table(kept).splitlines()[2]
