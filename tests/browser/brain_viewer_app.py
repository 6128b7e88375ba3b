"""The page that the browser tests of the brain viewer open."""

import json

import streamlit as st

from brainlike_core.figures.brain_viewer import plotly_fallback
from brainlike_core.figures.brain_viewer.component import brain_viewer, two_brains
from tests.made_views import make_pair, make_view

st.set_page_config(layout="wide")
kind = st.query_params.get("kind")
if kind == "pair":
    pair = st.cache_resource(make_pair)()
    told = two_brains(pair, ("First", "Second"), key="pair", threshold=1.0, height=420)
    st.text(json.dumps({"pick": told.pick, "map": told.map}))
    st.stop()
made = st.cache_resource(make_view)(kind == "parcels")
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
