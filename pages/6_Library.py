"""What is here?"""

import streamlit as st

import library_parts as library
import page_parts as parts
from brainlike_core import pipeline

with parts.page("Library", "What is here, what can be had, and does your own recording fit?"):
    catalogue = pipeline.catalogue(parts.DATA)
    names = ["Recordings", "Your own", "Models", "Atlases", "Surfaces and stories", "Store"]
    recordings, own, models, atlases, surfaces, store = st.tabs(names)
    with recordings:
        library.cards([entry for entry in catalogue["recordings"] if entry["how"] != "your folder"])
    with own:
        config = library.own_recording()
        if config and st.button("Check", type="primary", icon=":material/fact_check:"):
            st.session_state["checked"] = config
        if config and st.session_state.get("checked") == config:
            library.check_report(config)
    with models:
        library.cards(catalogue["models"])
    with atlases:
        library.cards(catalogue["atlases"])
    with surfaces:
        library.cards([*catalogue["surfaces"], *catalogue["stories"]])
    with store:
        library.store_panel()
