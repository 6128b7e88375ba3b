"""Presenter mode: larger type, keys instead of the mouse, and stops saved in the browser to walk through."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HTML = """<div class="stage" role="toolbar" aria-label="Presenter" hidden>
<div class="list" hidden><ol></ol>
<p class="keys">F: leave · arrows: sub-group · space: play · 1 to 9, Page down, Page up: stops</p></div>
<div class="bar">
<span class="where"></span><span class="said" role="status"></span>
<button type="button" data-act="back" data-needs aria-label="Stop before">‹</button>
<button type="button" data-act="next" data-needs aria-label="Next stop">›</button>
<button type="button" data-act="save">Save this view</button>
<button type="button" data-act="list">Stops</button>
<button type="button" data-act="link" data-needs>Copy link</button>
<button type="button" data-act="file" data-needs>Save file</button>
<label>Load file<input type="file" accept="application/json,.json"></label>
<button type="button" data-act="leave">Leave</button>
</div></div>
"""
_STAGE = st.components.v2.component(
    "brainlike.stage",
    html=_HTML,
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def presenting() -> bool:
    """Whether the page is shown in presenter mode (``?present=1``)."""
    return st.query_params.get("present") == "1"


def stage(title: str) -> None:
    """What listens to the keys of presenter mode on a page, and its bar of stops.

    A visit that starts in presenter mode sees nothing before its type is large.
    """
    waits = presenting() and not st.session_state.get("staged")
    data = {"present": presenting(), "title": title, "waits": waits}
    told = _STAGE(key="stage", data=data, on_larger_change=lambda: None)
    if waits and not told.larger:
        st.stop()
    st.session_state["staged"] = True
