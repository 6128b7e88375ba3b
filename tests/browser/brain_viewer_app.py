"""The page that the browser tests of the brain viewer open."""

import json

import streamlit as st

from brainlike_core.figures.brain_viewer import plotly_fallback
from brainlike_core.figures.brain_viewer.component import brain_viewer
from tests.made_views import make_view

st.set_page_config(layout="wide")
made = st.cache_resource(make_view)(st.query_params.get("kind") == "parcels")
choice = st.selectbox("Page threshold", [2.0, 3.0], key="threshold")
if not st.checkbox("Show the brain", value=True):
    st.stop()
shown = brain_viewer(made, selected_map=2, threshold=choice, network="Default", key="viewer")
told = st.session_state.setdefault("told", {"runs": 0})
told["runs"] += 1
if shown.pick:
    told["pick"] = shown.pick
if shown.map is not None:
    told["map"] = shown.map
st.text(json.dumps(told | {"webgl": shown.webgl}))
if not shown.webgl:
    st.plotly_chart(plotly_fallback(made, 2), key="fallback")
