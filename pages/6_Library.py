"""What is here?"""

import streamlit as st

import parts
from brainlike_core import inventory
from parts import library

with parts.page("Library", "What is here, what can be had, and does your own recording fit?"):
    catalogue = inventory.catalogue(parts.places.DATA)
    names = ["Recordings", "Your own", "Models", "Atlases", "Surfaces and texts", "Store"]
    # The tab is in the address, so that a reload comes back to it.
    recordings, own, models, atlases, surfaces, store = st.tabs(names, key="tab", bind="query-params")
    with recordings:
        library.check_panel(own=False)
        library.cards([entry for entry in catalogue["recordings"] if entry["how"] != "your folder"])
    with own:
        config = library.own_recording()
        if config and st.button("Check", type="primary", icon=":material/fact_check:"):
            library.begin_check(config)
        library.check_panel(own=True)
    with models:
        library.model_cards(catalogue["models"])
    with atlases:
        library.cards(catalogue["atlases"])
    with surfaces:
        library.cards([*catalogue["surfaces"], *catalogue["stories"], *catalogue["texts"]])
    with store:
        library.store_panel()
