"""How do models differ?"""

import streamlit as st

import parts
from brainlike_core.figures import captions
from parts import compare, compare_views

with parts.page("Compare models", "How do models differ in how their sub-groups are organised?"):
    runs = compare.choose_runs()
    pair = compare.choose_pair(runs)
    view = parts.switch("view", "View", list(compare_views.VIEWS))
    compare_views.VIEWS[view](runs, pair)
    if pair:
        st.caption(captions.claims(pair))
