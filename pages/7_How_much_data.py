"""How much data does a claim need?"""

import streamlit as st

import page_parts as parts
import power_parts
from brainlike_core import inventory
from brainlike_core.figures import power as figures

with parts.page("How much data", "How many listeners and minutes of story does a claim need?"):
    table = inventory.power_table()
    n_subjects, minutes, effects = power_parts.choose_design(table)
    here = power_parts.this_run()
    for claim, effect in effects.items():
        found = table.at(claim, n_subjects, minutes, effect)
        st.markdown(
            f"**{figures.TITLES[claim]}.** {figures.sentence(table, found)} :gray[({figures.seen(found)})]"
        )
    if here:
        st.caption(power_parts.run_sentence(table, here, effects))
    chart = figures.power_curves(table, n_subjects, minutes, effects, (*figures.MARKS, *here))
    parts.figure(
        chart, figures.curves_caption(table), "Power of each claim against minutes of story", "power"
    )

    st.subheader("How well atoms come back", anchor=False)
    parts.figure(
        figures.atom_curves(table), figures.atoms_caption(table), "Recovery of planted atoms", "atoms"
    )
    st.subheader("The same on the command line", anchor=False)
    st.code(power_parts.command(n_subjects, minutes), language="bash")
    name = "power.csv"
    st.download_button("Table as CSV", table.table.to_csv(index=False), name, icon=":material/download:")
