"""The views of the Compare page: each a comparison of the chosen runs, and what can be claimed of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

import parts
from brainlike_core.figures import captions, comparison, sizes
from brainlike_core.values import Run

from . import compare, depth

Pair = tuple[Run, Run] | None
AXES = ("Parameters", "Neurons", "Order above")


def prediction(runs: Sequence[Run], pair: Pair) -> None:
    """Held-out r beside its null, its delay, and trained beside random weights."""
    left, right = _two(runs)
    with left:
        st.subheader("Held-out prediction", anchor=False)
        chart = comparison.heldout_scores(runs)
        parts.figure(chart, captions.heldout(runs), "Mean held-out r of each model", "heldout")
        compare.claims(pair, ["r_heldout"])
    with right:
        st.subheader("Delay", anchor=False)
        parts.figure(comparison.lag_curves(runs), captions.lags(runs), "Held-out r by delay", "lags")
        st.subheader("Trained against random weights", anchor=False)
        _twins(runs, "r_heldout")


def _two(runs: Sequence[Run] = ()) -> tuple[Any, Any]:
    """Two places beside each other; one beneath the other where many runs want the width."""
    if len(runs) > 6:
        return st.container(), st.container()
    grid = st.grid(2, min_column_width=400, gap="large")
    return grid.cell(), grid.cell()


def _twins(runs: Sequence[Run], metric: str) -> None:
    if not sizes.twins(runs):
        st.caption(
            "No model here has both trained and random weights: its random twin is a run of its own, see Start."
        )
        return
    chart, caption = sizes.trained_and_random(runs, metric), sizes.pairs_caption(runs, metric)
    parts.figure(chart, caption, "Trained models and their random twins", f"twins-{metric}")


def organisation(runs: Sequence[Run], pair: Pair) -> None:
    """Diversity against consistency, links and compactness, trained beside random weights."""
    able = [run for run in runs if not run.dictionary.names]
    if not able:
        st.info("Features of the words have no organisation: choose a run of a model above.")
        return
    left, right = _two(runs)
    with left:
        st.subheader("Diversity and consistency", anchor=False)
        kind = {"Time courses": "consistency", "Brain maps": "consistency_spatial"}[
            parts.switch("of", "Consistency of", ["Time courses", "Brain maps"])
        ]
        chart = comparison.diversity_consistency(runs, kind)
        parts.figure(chart, captions.tradeoff(runs), "Diversity against consistency", "tradeoff")
        compare.claims(pair, ["diversity", "consistency", "consistency_spatial", "effective_rank"])
    with right:
        st.subheader("Compactness", anchor=False)
        chart = sizes.rows(able, "compactness")
        parts.figure(
            chart, sizes.rows_caption(able, "compactness"), "Compactness of each model", "compactness"
        )
        chart = sizes.rows(able, "n_links")
        parts.figure(
            chart, sizes.rows_caption(able, "n_links"), "Links of each model beside fakes", "n-links"
        )
        compare.claims(pair, ["compactness"])
        st.subheader("Trained against random weights", anchor=False)
        _twins(able, kind)


def networks(runs: Sequence[Run], pair: Pair) -> None:
    """Involvement of every brain network, by sign."""
    st.subheader("Which networks are involved", anchor=False)
    rules = {"The paper's spin rule": "paper", "Beats both nulls": "accepted"}
    rule = rules[parts.switch("rule", "Links by", list(rules))]
    chart = comparison.involvement(runs, rule)
    parts.figure(chart, captions.involvement(runs, rule), "Linked sub-groups of each network", "involvement")
    compare.claims(pair, ["compactness"])


def in_depth(runs: Sequence[Run], pair: Pair) -> None:
    """Which layers predict, and where the linked sub-groups lie."""
    st.subheader("Which layers predict the brain", anchor=False)
    depth.which_layers(runs)
    st.subheader("Where the sub-groups of each network lie", anchor=False)
    chart = comparison.layer_profiles(runs)
    parts.figure(chart, captions.profiles(runs), "Layers of each network's sub-groups", "profiles")


def size_and_family(runs: Sequence[Run], pair: Pair) -> None:
    """One metric against the size of the model, families joined."""
    st.subheader("Size and family", anchor=False)
    left, right = _two()
    with left:
        titles = {title: name for name, title in sizes.METRICS.items()}
        slugs = {parts.slug(title): title for title in titles}
        chosen = slugs.get(st.query_params.get("metric", ""), "Held-out r")
        if not parts.embedded():
            parts.pick("metric", "Metric", list(titles), chosen, str, short=parts.slug)
    with right:
        axis = parts.switch("axis", "Axis", AXES)
    known = compare.parameters()
    values: dict[str, list[float]] = {
        "Parameters": [known.get(compare.model(run), 0) for run in runs],
        "Neurons": [run.dictionary.n_neurons * (not run.dictionary.names) for run in runs],
        "Order above": [float(i) for i in range(1, len(runs) + 1)],
    }
    metric = titles[chosen]
    chart = sizes.by_size(runs, values[axis], metric, axis.lower())
    parts.figure(
        chart, sizes.size_caption(runs, values[axis], metric), f"{chosen} by {axis.lower()}", "by-size"
    )
    compare.claims(pair, [metric])


def brain(runs: Sequence[Run], pair: Pair) -> None:
    """Where the first of the pair predicts better than the second."""
    if pair is None:
        compare.claims(pair, [])
        return
    st.subheader("Where one predicts better", anchor=False)
    first, second = comparison.run_names(pair)
    parts.show_two_brains(*pair, (first, second), "difference")
    st.caption(sizes.difference_caption(*pair) + captions.drawn(pair[0], parts.mesh_title()))
    compare.claims(pair, ["r_heldout"])


def all_numbers(runs: Sequence[Run], pair: Pair) -> None:
    """Every metric of every run, and every claim about the pair."""
    st.subheader("All metrics", anchor=False)
    table = comparison.metrics_table(runs)
    st.dataframe(table)
    st.caption(captions.metrics(runs))
    st.download_button("Metrics as CSV", table.to_csv(), "metrics.csv", icon=":material/download:")
    st.subheader("What can be said", anchor=False)
    compare.claims(pair, ["r_heldout", *comparison.METRIC_TITLES])


VIEWS = {
    "Prediction": prediction,
    "Organisation": organisation,
    "Networks": networks,
    "Depth": in_depth,
    "Size and family": size_and_family,
    "Brain": brain,
    "All numbers": all_numbers,
}
