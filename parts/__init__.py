"""What the pages are put together from; the parts that several pages share are named here.

``selection``, ``frame``, ``pickers``, ``runs`` and ``brains`` are the shared
ones; each other file serves the page that it is named after.
"""

from . import places
from .brains import atom_view, score_view, show_brain
from .frame import PAGES, embedded, page
from .pickers import atom_chart, clicked, figure, pick, pick_atom, pick_network
from .runs import choose_run, load_run, no_runs, passages, regions, store, words
from .selection import (
    FIELDS,
    Selection,
    network_index,
    parse_selection,
    select,
    slug,
    unique_run,
    whole_number,
)
from .start import headline, job_card, next_pages, recovery_table, run_table

__all__ = [
    "FIELDS",
    "PAGES",
    "Selection",
    "atom_chart",
    "atom_view",
    "choose_run",
    "clicked",
    "embedded",
    "figure",
    "headline",
    "job_card",
    "load_run",
    "network_index",
    "next_pages",
    "no_runs",
    "page",
    "parse_selection",
    "passages",
    "pick",
    "pick_atom",
    "pick_network",
    "places",
    "recovery_table",
    "regions",
    "run_table",
    "score_view",
    "select",
    "show_brain",
    "slug",
    "store",
    "unique_run",
    "whole_number",
    "words",
]
