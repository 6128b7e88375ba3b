"""The frame of every page: title, navigation, and one calm box where something is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import streamlit as st

from brainlike_core.errors import BrainlikeError
from brainlike_core.figures import theme

from .export import export_button
from .selection import carried, select
from .shown import begin
from .stage import presenting, stage

PAGES = (
    ("app.py", "Start", ":material/play_circle:", "Choose, run, watch, open"),
    ("pages/1_Brain_maps.py", "Brain maps", ":material/neurology:", "Where does a sub-group predict?"),
    ("pages/2_Correspondence.py", "Correspondence", ":material/apps:", "Which sub-group, which network?"),
    ("pages/3_Compare_models.py", "Compare models", ":material/compare_arrows:", "How do models differ?"),
    (
        "pages/4_Functional_networks.py",
        "Functional networks",
        ":material/hub:",
        "What networks are inside, and what if one is cut?",
    ),
    (
        "pages/7_How_much_data.py",
        "How much data",
        ":material/query_stats:",
        "How much data does a claim need?",
    ),
    ("pages/5_Learn.py", "Learn", ":material/school:", "How does this work? Ten steps"),
    ("pages/6_Library.py", "Library", ":material/local_library:", "What is here, and what can be had?"),
)
# Our own mark, inline: named icons of the tab are fetched from a server, and this app needs no network.
MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#12212B"/>'
    '<rect x="6" y="6" width="9" height="9" fill="#B2182B"/>'
    '<rect x="18" y="7" width="7" height="7" fill="none" stroke="#7CC4C2" stroke-width="2"/>'
    '<rect x="7" y="18" width="7" height="7" fill="none" stroke="#7CC4C2" stroke-width="2"/>'
    '<rect x="17" y="17" width="9" height="9" fill="#4393C3"/></svg>'
)
# Streamlit writes white on the primary colour, which is bright on a dark page.
_ON_BRIGHT = (
    '[data-testid="stBaseButton-primary"]:enabled, [data-testid="stBaseButton-primary"]:enabled *, '
    "[data-tag-index], [data-tag-index] * { color: #10191F !important }"
)
# What the keyboard has reached has a ring, also where Streamlit draws none.
_RING = """:focus-visible, :has(> input[role=combobox]:focus-visible), [data-testid="data-grid-canvas"]:focus-within
{{ outline: 2px solid {ring} !important; outline-offset: 1px }}
input[role=combobox]:focus-visible {{ outline: none !important }}
[data-testid="stMain"]:focus-visible {{ outline-offset: -2px }}
[data-testid="stSidebar"] :focus-visible, [data-testid="stSidebar"] :has(> input[role=combobox]:focus-visible)
{{ outline-color: {dark_ring} !important }}"""


@contextlib.contextmanager
def page(title: str, question: str) -> Iterator[None]:
    """The frame of a page: title, navigation, and one calm box where something is refused."""
    st.set_page_config(
        page_title=f"{title} · Brainlike",
        page_icon=MARK,
        layout="wide",
        initial_sidebar_state=230,
    )
    st.session_state["here"] = title
    st.html(f"<style>{_looks()}</style>")
    begin()
    with st.container(gap=None):
        with st.container(height=1, border=False):  # it has no height: what follows stays while it loads
            stage(title)
        if not embedded():
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
            ):
                heading = title if title != "Start" else "Which neurons go with which brain network?"
                st.title(heading, width="content")
                saving = st.container(width="content")
            st.markdown(f":gray[{question}]")
    if not (embedded() or presenting()):
        _sidebar()
    try:
        yield
        if not embedded():
            export_button(saving)
    except BrainlikeError as error:
        st.warning(str(error), title="This did not work", icon=":material/info:")


def _looks() -> str:
    """Rules of a page: the ring of the focus, and what can be read on bright colours."""
    dark = st.context.theme.type == "dark"
    bright = theme.dark_colour(theme.ACCENT)
    return f"{_RING.format(ring=bright if dark else theme.ACCENT, dark_ring=bright)} {_ON_BRIGHT if dark else ''}"


def embedded() -> bool:
    """Whether the page is shown inside a slide (``?embed=true``): controls are hidden."""
    return bool(st.context.is_embedded)


@contextlib.contextmanager
def room(key: str, height: int) -> Iterator[None]:
    """A place of at least so many pixels, so that nothing below jumps while what it holds is loaded.

    Style sheets come with a script, late on a busy machine: until then the place is exactly so high.
    """
    name = re.sub(r"[^\w-]", "-", f"{key}-room")
    place = f'.st-key-{name}, [data-testid="stLayoutWrapper"]:has(> .st-key-{name})'
    grows = f"height: auto !important; flex: none !important; min-height: {height}px; overflow: visible !important"
    st.html(f"<style>{place} {{ {grows} }}</style>")
    with st.container(key=name, height=height, border=False):
        yield


def _sidebar() -> None:
    with st.sidebar:
        st.header("Brainlike", anchor=False)
        st.caption("Neurons of language models and networks of the human brain")
        st.space("small")
        for path, label, icon, text in PAGES:
            st.page_link(path, label=label, icon=icon, help=text, query_params=carried(), width="stretch")
        st.space("small")
        st.button(
            "Present", icon=":material/co_present:", type="tertiary", on_click=select, kwargs={"present": 1},
            help="Larger type, keys instead of the mouse, saved stops (key F)",
        )  # fmt: skip
