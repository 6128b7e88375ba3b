"""The Export button: what a page shows can be saved, made only when asked for, named for what it is."""

from __future__ import annotations

import io
import zipfile

import nibabel
import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core.figures.brain_viewer.component import ViewerResult
from parts import export, shown
from tests import synthetic_run as made
from tests.pages.test_pages import ROOT

LABELS = {
    "Save figure",
    "Maps: GIfTI, CIFTI, NIfTI (ZIP)",
    "Tables: CSV, Parquet (ZIP)",
    "Methods, BibTeX, commands, notebook (ZIP)",
    "Report: one HTML file",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with a trained and a random run."""
    folder = tmp_path_factory.mktemp("cache")
    for weights in ("trained", "random"):
        made.write(made.make_run(made.config(weights=weights)), folder)
    return str(folder)


def show(page: str, monkeypatch, store: str, **query: str) -> AppTest:
    """A page on that store."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(parts.places, "CACHE", store)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def offered(app: AppTest) -> set[str]:
    """What can be saved from a page's Export button."""
    return {
        button.proto.label
        for button in app.get("download_button")
        if button.proto.id.endswith(f"save-{button.proto.label}")
    }


def test_a_page_of_one_run_offers_all_kinds(monkeypatch, store):
    """Brain, charts, maps, tables, words and report; making them is left for later."""
    made_now = []
    monkeypatch.setattr(export, "print_chart", lambda *a: made_now.append(a))
    monkeypatch.setattr(export, "print_brain", lambda *a, **k: made_now.append(a))
    app = show("pages/2_Correspondence.py", monkeypatch, store)
    assert offered(app) == LABELS
    box = next(b for b in app.selectbox if b.label == "Figure")
    assert box.options[0].startswith("Brain map: Atom 3") and "Sub-groups against networks" in box.options
    assert box.options[-1] == "All of them (ZIP)" and not made_now


def test_a_comparison_offers_figures_and_data(monkeypatch, store):
    """Several runs have no report of one run."""
    app = show("pages/3_Compare_models.py", monkeypatch, store)
    assert offered(app) == {"Save figure", "Maps: GIfTI, CIFTI, NIfTI (ZIP)", "Tables: CSV, Parquet (ZIP)"}


def test_two_brains_and_their_difference_are_offered(monkeypatch, store):
    """Each by its own name; the difference is drawn from its own map."""
    noted = {}
    monkeypatch.setattr(export, "export_button", lambda place: noted.update(shown.shown().brains))
    monkeypatch.setattr("parts.frame.export_button", export.export_button)
    show("pages/3_Compare_models.py", monkeypatch, store, view="brain")
    names = [name for name in noted if name.startswith("Brain map: ")]
    assert len(names) == 3 and names[2] == "Brain map: Difference, Held-out r"
    left, right, difference = (
        view.maps[options["selected_map"]] for view, options in (noted[n] for n in names)
    )
    np.testing.assert_allclose(difference, left - right, atol=1e-6)
    assert noted[names[2]][0].default_limit < noted[names[0]][0].default_limit


def test_a_page_without_anything_to_save_has_no_button(monkeypatch, tmp_path):
    """Nothing has been run: nothing is offered."""
    assert not offered(show("pages/2_Correspondence.py", monkeypatch, str(tmp_path)))


def unzipped(content: bytes) -> dict[str, bytes]:
    """Names and bytes of a ZIP."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_files_are_what_their_names_say():
    """Maps of two runs lie in folders of their own and open; the text names the view."""
    runs = [made.make_run(), made.make_run(made.config(weights="random"))]
    files = unzipped(export.zipped(export.of_runs(runs, export._maps)))
    assert {name.split("/")[0] for name in files} == {run.id[:12] for run in runs}
    name = next(name for name in files if name.endswith("stat-z_statmap.dscalar.nii"))
    assert nibabel.Cifti2Image.from_bytes(files[name]).shape[0] == made.N_ATOMS
    told = export.text(runs[0], 3, 6)
    assert b"--atom 3 --network Language" in told["commands.sh"]


def test_a_chart_and_a_brain_become_the_chosen_format():
    """One figure is one file; several are a ZIP of that format."""
    from brainlike_core import inventory
    from brainlike_core.exports.printed import brain_view
    from brainlike_core.figures import charts

    run = made.make_run()
    view = brain_view(run, inventory.surface(), inventory.regions())
    now = shown.Shown({"Neurons by layer": (charts.layer_histogram(run.dictionary, 3), "n = 40.")}, {}, [run])
    now.brains["Brain map"] = (
        view,
        {"selected_map": 3, "threshold": 2.3, "network": "Language", "height": 400},
    )
    one = export.one_or_zip(export.draw(now, ["Neurons by layer"], "svg"))
    assert b"n = 40." in one and one.startswith(b"<?xml")
    both = unzipped(export.one_or_zip(export.draw(now, ["Brain map", "Neurons by layer"], "png")))
    assert set(both) == {"brain-map.png", "neurons-by-layer.png"} and both["brain-map.png"].startswith(
        b"\x89PNG"
    )


def test_the_map_left_on_screen_is_the_one_exported(monkeypatch, store):
    """Scrubbed to the noise ceiling: offered and kept by later runs; forgotten when other maps are shown."""
    told, given = [2, None, None, None], []

    def viewer(view, *, key, **options):
        given.append(options["selected_map"])
        return ViewerResult(pick=None, map=told[len(given) - 1], webgl=True)

    monkeypatch.setattr(parts.brains, "brain_viewer", viewer)
    app = show("pages/1_Brain_maps.py", monkeypatch, store, maps="scores")
    box = next(b for b in app.selectbox if b.label == "Figure")
    assert box.options[0] == "Brain map: Noise ceiling"
    app.run()
    assert next(b for b in app.selectbox if b.label == "Figure").options[0] == "Brain map: Noise ceiling"
    app.query_params["run"] = made.config(weights="random").id
    app.run()
    assert next(b for b in app.selectbox if b.label == "Figure").options[0] != "Brain map: Noise ceiling"
    assert given == [0, 2, 0] and not app.exception


def test_the_moment_at_which_the_story_rests_is_the_one_exported(monkeypatch, store):
    """Before a rest, the moment at which the player begins; then volume 20, measured and predicted, kept by later runs."""
    told = [None, 20, None]
    monkeypatch.setattr(
        parts.story, "story_player",
        lambda story, **options: ViewerResult(pick=None, map=told.pop(0), webgl=True),
    )  # fmt: skip
    app = show("pages/1_Brain_maps.py", monkeypatch, store, maps="story")
    tr = made.make_run().recording.tr

    def moments() -> list[str]:
        options = next(b for b in app.selectbox if b.label == "Figure").options
        return [option for option in options if option.startswith("Brain map: Story at")]

    assert moments() and f"{20 * tr:.1f} s" not in moments()[0]
    for _ in range(2):
        app.run()
        assert moments() == [
            f"Brain map: Story at {20 * tr:.1f} s, {name}" for name in ("measured", "predicted")
        ]
    assert not app.exception
