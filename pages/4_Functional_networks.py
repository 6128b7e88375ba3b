"""What networks does the model have inside, and what if we cut one?"""

import streamlit as st

import cut_parts
import network_parts
import page_parts as parts

with parts.page("Functional networks", "What networks does the model have inside, and what if we cut one?"):
    chosen = network_parts.choose()
    found = network_parts.load(chosen)
    network = network_parts.chosen_network(found)

    st.subheader("What was found", anchor=False)
    network_parts.overview(chosen, found, network)

    st.subheader("One network", anchor=False)
    network_parts.pick_network(found, network)
    network_parts.one_network(found, network)

    st.subheader("Cut it", anchor=False)
    cut_parts.cut(chosen, found, network)

    st.subheader("How few neurons will do", anchor=False)
    cut_parts.how_few(chosen)

    st.subheader("The bridge to the brain", anchor=False)
    cut_parts.bridge(chosen)
