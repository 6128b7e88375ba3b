"""How do models differ?"""

import streamlit as st

import parts
from brainlike_core.figures import captions, comparison
from parts import compare, depth

with parts.page("Compare models", "How do models differ in how their sub-groups are organised?"):
    runs = compare.choose_runs()
    grid = st.grid(2, min_column_width=420, gap="large")
    left, right = grid.cell(), grid.cell()
    with left:
        st.subheader("Held-out prediction", anchor=False)
        chart = comparison.heldout_scores(runs)
        parts.figure(chart, captions.heldout(runs), "Mean held-out r of each model", "heldout")
        st.subheader("Delay", anchor=False)
        parts.figure(comparison.lag_curves(runs), captions.lags(runs), "Held-out r by delay", "lags")
    with right:
        st.subheader("Diversity and consistency", anchor=False)
        kind = "consistency"
        if not parts.embedded():
            kind = st.segmented_control(
                "Consistency of", ["consistency", "consistency_spatial"], default=kind, required=True,
                format_func=lambda metric: "Time courses" if metric == "consistency" else "Brain maps",
            )  # fmt: skip
        chart = comparison.diversity_consistency(runs, kind)
        parts.figure(chart, captions.tradeoff(runs), "Diversity against consistency", "tradeoff")

    st.subheader("What can be said", anchor=False)
    found = compare.claims(runs)
    if found:
        st.caption(captions.claims(runs))

    st.subheader("Which networks are involved", anchor=False)
    rule = "paper"
    if not parts.embedded():
        rule = st.segmented_control(
            "Links by", ["paper", "accepted"], default=rule, required=True,
            format_func=lambda rule: "The paper's spin rule" if rule == "paper" else "Beats both nulls",
        )  # fmt: skip
    chart = comparison.involvement(runs, rule)
    parts.figure(chart, captions.involvement(runs, rule), "Linked sub-groups of each network", "involvement")

    st.subheader("Which layers predict the brain", anchor=False)
    depth.which_layers(runs)

    st.subheader("Where in depth", anchor=False)
    chart = comparison.layer_profiles(runs)
    parts.figure(chart, captions.profiles(runs), "Layers of each network's sub-groups", "profiles")

    st.subheader("All metrics", anchor=False)
    table = comparison.metrics_table(runs)
    st.dataframe(table)
    st.caption(captions.metrics(runs))
    st.download_button("Metrics as CSV", table.to_csv(), "metrics.csv", icon=":material/download:")
