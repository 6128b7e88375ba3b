"""How much data does a claim need?"""

import streamlit as st

import parts
from brainlike_core import inventory
from brainlike_core.figures import power as figures
from parts import power

with parts.page("How much data", "How many listeners and minutes of story does a claim need?"):
    table = inventory.power_table()
    n_subjects, minutes, effects = power.choose_design(table)
    here = power.this_run()
    for claim, effect in effects.items():
        found = table.at(claim, n_subjects, minutes, effect)
        st.markdown(
            f"**{figures.TITLES[claim]}.** {figures.sentence(table, found)} :gray[({figures.seen(found)})]"
        )
    if here:
        st.caption(power.run_sentence(table, here, effects))
    chart = figures.power_curves(table, n_subjects, minutes, effects, (*figures.MARKS, *here))
    parts.figure(
        chart, figures.curves_caption(table), "Power of each claim against minutes of story", "power"
    )

    st.subheader("How well atoms come back", anchor=False)
    parts.figure(
        figures.atom_curves(table), figures.atoms_caption(table), "Recovery of planted atoms", "atoms"
    )
    st.subheader("The same on the command line", anchor=False)
    st.code(power.command(n_subjects, minutes), language=None)
    name = "power.csv"
    st.download_button("Table as CSV", table.table.to_csv(index=False), name, icon=":material/download:")
