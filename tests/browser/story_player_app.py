"""The page that the browser tests of the story player open: planted maps, words and courses."""

import json

import streamlit as st

from brainlike_core.figures.brain_viewer.component import story_player
from tests.made_views import make_story

st.set_page_config(layout="wide")
story = st.cache_resource(make_story)()
atom = st.selectbox("Atom", [0, 1], key="atom")
told = story_player(story, atom=atom, network="Default", height=700, key="player")
st.text(json.dumps({"pick": told.pick, "webgl": told.webgl}))
