"""The report of a run as one page: what it holds, what it never asks for, and how large it may be."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from brainlike_core import inventory
from brainlike_core.exports import html_report
from brainlike_core.exports.matrix_svg import matrix_svg
from brainlike_core.figures import matrix
from brainlike_core.figures.brain_viewer import BrainView, html_fragment
from tests import synthetic_run as made


@pytest.fixture(scope="module")
def run():
    """A made-up run."""
    return made.make_run()


@pytest.fixture(scope="module")
def page(run):
    """Its report."""
    return html_report.html_report(
        run,
        inventory.surface(),
        inventory.regions(),
        methods="Neurons <were> read.",
        bibtex="@article{x}",
        command="python -m x",
    )


class Tags(HTMLParser):
    """Every tag with its attributes, and the text outside scripts and styles."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self.inside = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in ("script", "style", "template"):
            self.text.append(data)


def read(page):
    """The page, parsed."""
    tags = Tags()
    tags.feed(page)
    return tags


def test_nothing_is_asked_from_anywhere(page):
    """No tag names a place outside the page, and the page forbids it to its own scripts."""
    tags = read(page).tags
    for tag, attributes in tags:
        for name in ("src", "href", "srcset", "action", "poster"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
    (policy,) = [a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "http" not in policy
    assert "@import" not in page and not re.search(r"url\((?!#|data:)", page)


def test_it_holds_the_run(run, page):
    """Headline numbers beside their nulls, links, passages, methods, references and command, all as text."""
    text = " ".join(" ".join(read(page).text).split())
    for part in (
        "minilm-l6 · simulated", "0.120", "null 0.000", "Beat both nulls", "Atom 3 · Language +", "fox", "Neurons <were> read.",
        "@article{x}", "python -m x", "67%", "Which sub-group goes with which network",
    ):  # fmt: skip
        assert part in text, part
    assert "<b>fox</b>" not in page  # words of a story are never markup


def test_pictures_have_words_for_those_who_do_not_see_them(page):
    """Every image has its alternative text."""
    images = [attributes for tag, attributes in read(page).tags if tag == "img"]
    assert len(images) >= 4 and all(attributes.get("alt") for attributes in images)


def test_a_square_says_what_it_is(run):
    """One rect for each cell; the linked one carries Dice, p and q, and its sub-group for the click."""
    c = run.correspondence
    svg = matrix_svg(matrix.correspondence_matrix(c, matrix.atom_order(c)))
    rects = re.findall(r'<rect data-atom="(\d+)"[^>]*><title>([^<]*)</title>', svg)
    assert len(rects) == made.N_ATOMS * 17 + 1  # atom 3 has both signs in one cell
    (accepted,) = [words for atom, words in rects if "beats both nulls" in words]
    assert "Dice 0.50" in accepted and "spin p 0.01" in accepted and ("3", accepted) in rects


def test_the_size_is_bounded(run, page):
    """200 maps of noise at every vertex, which no packing makes smaller, stay below the promise with all the rest."""
    noise = np.random.default_rng(0).normal(size=(200, 20_484)).astype(np.float32)
    names = tuple(f"Atom {k}" for k in range(200))
    vertices = np.arange(20_484, dtype=np.int32)
    view = BrainView(inventory.surface(), run.atlas, inventory.regions(), (), vertices, noise, names, "z")
    assert len(page.encode()) + len(html_fragment(view, set())) < html_report.MAX_BYTES
