"""The brain viewer: four linked views of every map of a run, drawn by WebGL2 in the browser.

Geometry and maps travel once, each as one block of bytes; after that the
browser changes map, threshold, colours, surface and outline by itself, and
Python hears of clicks and of the map that was left on screen. The folder
``browser`` holds the browser's half; ``component`` puts it on a page of
Streamlit (import it from there: nothing here loads Streamlit), ``standalone``
into a file.
"""

from .colours import COLOUR_MAPS, colour_table
from .difference import difference_settings, difference_view
from .fallback import plotly_fallback
from .packing import NO_DATA, digest, pack, quantise
from .redrawn import redrawn
from .settings import view_settings
from .standalone import html_fragment, standalone_html
from .story import StoryView, story_settings
from .view import BrainView

__all__ = [
    "COLOUR_MAPS",
    "NO_DATA",
    "BrainView",
    "StoryView",
    "colour_table",
    "difference_settings",
    "difference_view",
    "digest",
    "html_fragment",
    "pack",
    "plotly_fallback",
    "quantise",
    "redrawn",
    "standalone_html",
    "story_settings",
    "view_settings",
]
