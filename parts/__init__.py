"""What the pages are put together from; the parts that several pages share are named here.

``selection``, ``frame``, ``pickers``, ``runs`` and ``brains`` are the shared
ones; each other file serves the page that it is named after.
"""

from . import places
from .brains import atom_view, mesh_title, pick_mesh, score_view, show_brain, show_two_brains
from .cost import show_cost
from .frame import PAGES, embedded, page
from .links import follow, network_card, region_card, ways, word_card
from .pickers import atom_chart, clicked, figure, pick, pick_atom, pick_network, switch
from .runs import choose_run, load_run, no_runs, passages, regions, run_labels, store, words
from .selection import (
    FIELDS,
    Selection,
    carried,
    network_index,
    parse_selection,
    select,
    slug,
    unique_run,
    whole_number,
)
from .start import headline, job_card, next_pages, recovery_table, run_table
from .story import show_story
from .subgroup import layers, neurons, overview
from .words import transcript, words_view

__all__ = [
    "FIELDS",
    "PAGES",
    "Selection",
    "atom_chart",
    "atom_view",
    "carried",
    "choose_run",
    "clicked",
    "embedded",
    "figure",
    "follow",
    "headline",
    "job_card",
    "layers",
    "load_run",
    "network_card",
    "network_index",
    "mesh_title",
    "neurons",
    "next_pages",
    "no_runs",
    "overview",
    "page",
    "parse_selection",
    "passages",
    "pick",
    "pick_atom",
    "pick_mesh",
    "pick_network",
    "places",
    "recovery_table",
    "region_card",
    "regions",
    "run_labels",
    "run_table",
    "score_view",
    "select",
    "show_brain",
    "show_cost",
    "show_story",
    "show_two_brains",
    "slug",
    "store",
    "switch",
    "transcript",
    "unique_run",
    "ways",
    "whole_number",
    "word_card",
    "words",
    "words_view",
]
