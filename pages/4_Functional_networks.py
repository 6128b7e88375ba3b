"""What networks does the model have inside, and what if we cut one?"""

import streamlit as st

import parts
from parts import cuts, networks

with parts.page("Functional networks", "What networks does the model have inside, and what if we cut one?"):
    chosen = networks.choose()
    found = networks.load(chosen)
    network = networks.chosen_network(found)

    st.subheader("What was found", anchor=False)
    networks.overview(chosen, found, network)

    st.subheader("One network", anchor=False)
    networks.pick_network(found, network)
    networks.one_network(found, network)

    st.subheader("Cut it", anchor=False)
    cuts.cut(chosen, found, network)

    st.subheader("How few neurons will do", anchor=False)
    cuts.how_few(chosen, found.reading.get("head", "none"))

    st.subheader("The bridge to the brain", anchor=False)
    cuts.bridge(chosen, found.reading.get("head", "none"))
