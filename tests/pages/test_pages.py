"""Pages in Streamlit's own test bench, on made-up runs in a temporary store."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core import archive, engine, heard_words, inventory, jobs
from brainlike_core.__main__ import _configs, _parser
from brainlike_core.config import DictionaryConfig, ExtractConfig, MatchConfig, RunConfig
from brainlike_core.errors import BrainlikeError
from brainlike_core.exports.reproduce import run_command
from tests import synthetic_run as made

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("pages/1_Brain_maps.py", "pages/2_Correspondence.py", "pages/3_Compare_models.py")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A store with a trained and a random run, and another recording; the ids by name."""
    folder = tmp_path_factory.mktemp("cache")
    wanted = {
        "trained": made.config(),
        "random": made.config(weights="random"),
        "pieman": made.config(recording="pieman"),
    }
    ids = {name: made.write(made.make_run(config), folder) for name, config in wanted.items()}
    return ids | {"folder": str(folder)}


@pytest.fixture
def shop(monkeypatch, runs):
    """Point the pages at that store."""
    _point(monkeypatch, runs["folder"])
    return runs


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """Point the pages at an empty store."""
    _point(monkeypatch, str(tmp_path))


def _point(monkeypatch, folder):
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(parts.places, "CACHE", folder)


def show(page: str = "app.py", **query: str) -> AppTest:
    """One page as a deep link opens it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if page != "app.py":
        app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def said(app: AppTest) -> str:
    """All words of a page."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.subheader, *app.title]
    return "\n".join(str(part.value) for part in parts)


def box(app: AppTest, label: str):
    """The select box with a label."""
    return next(b for b in app.selectbox if b.label == label)


@pytest.mark.parametrize("page", ["app.py", *PAGES])
def test_every_page_opens_with_nothing_in_the_address(shop, page):
    """No exception, no warning, and a title."""
    app = show(page)
    assert app.title and not app.warning


@pytest.mark.parametrize("page", ["app.py", *PAGES])
def test_every_page_has_a_friendly_empty_state(empty, page):
    """An empty store offers one way on, never a traceback."""
    app = show(page)
    assert "othing has been run yet" in said(app)
    assert not app.warning


def test_start_shows_a_result_with_zero_clicks(shop):
    """Held-out r, both counts of links beside the fakes', and recovery beside chance."""
    metrics = {m.label: (m.value, m.delta) for m in show().metric}
    assert metrics["Held-out r"][0] == "0.120" and "p 0.005" in metrics["Held-out r"][1]
    assert metrics["Links, spin rule"][0] == "4" and "fake atoms 14" in metrics["Links, spin rule"][1]
    assert metrics["Beat both nulls"][0] == "1"
    assert metrics["Plant recovered"][0] == "67%" and "chance 10%" in metrics["Plant recovered"][1]


def test_a_trained_run_is_shown_first(shop):
    """Random weights are a control: they never greet the reader unasked."""
    assert box(show("pages/1_Brain_maps.py"), "Run").value in (shop["trained"], shop["pieman"])


@pytest.mark.parametrize("length", [12, 20, 64])
def test_a_link_opens_its_run(shop, length):
    """Twelve characters of the id are enough."""
    app = show("pages/1_Brain_maps.py", run=shop["random"][:length])
    assert box(app, "Run").value == shop["random"]
    assert "random weights" in said(app)


def test_a_link_opens_its_atom_network_and_region(shop):
    """Everything that is on screen is in the address."""
    app = show("pages/1_Brain_maps.py", run=shop["trained"][:12], atom="5", network="language", region="42")
    assert box(app, "Sub-group").value == 5
    assert box(app, "Brain network").value == made.LANGUAGE
    assert "Sub-groups at parcel 42" in said(app)


@pytest.mark.parametrize(
    "query",
    [
        {"atom": "-1"}, {"atom": "12"}, {"atom": "1e3"}, {"atom": "٣"}, {"atom": "9" * 5000},
        {"network": "../../etc"}, {"network": "17"}, {"network": "no-such"}, {"network": ""},
        {"region": "100"}, {"region": "0x10"}, {"region": "None"},
        {"word": "999999"}, {"word": "-1"}, {"word": "fox"},
        {"run": "zz"}, {"run": "a" * 11}, {"run": "A" * 64}, {"run": "f" * 64}, {"run": "../cache"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", PAGES[:2])
def test_what_is_not_understood_is_ignored_with_a_calm_note(shop, page, query):
    """The page opens on its default and says which part of the link it could not find; it never repeats it."""
    app = show(page, **query)
    (field, value) = next(iter(query.items()))
    assert any(f"link's {field} could not be found" in c.value for c in app.caption)
    assert box(app, "Run").value in (shop["trained"], shop["pieman"])
    assert len(value) < 6 or value not in said(app)


def test_a_picker_writes_to_the_address(shop):
    """Choosing a sub-group and a network changes the link, and only that."""
    app = show("pages/1_Brain_maps.py", run=shop["trained"][:12])
    box(app, "Sub-group").set_value(7).run()
    box(app, "Brain network").set_value(made.AUDITORY).run()
    assert dict(app.query_params) == {
        "run": shop["trained"][:12], "atom": "7", "network": "auditory",
    }  # fmt: skip
    assert "**Atom 7**" in said(app)
    box(app, "Brain network").set_value(-1).run()
    assert "network" not in app.query_params


def test_another_run_keeps_network_and_region_but_no_sub_group(shop):
    """Atom 7 of one model has nothing to do with atom 7 of another."""
    app = show("pages/1_Brain_maps.py", run=shop["trained"][:12], atom="7", network="auditory", region="4")
    box(app, "Run").set_value(shop["random"]).run()
    assert dict(app.query_params) == {"run": shop["random"][:12], "network": "auditory", "region": "4"}


@pytest.mark.parametrize("view", ["Words", "Neurons", "Overview"])
def test_what_is_below_the_brain_is_in_the_address(shop, view):
    """A link opens the view it was made in, and a made-up one opens the first."""
    app = show("pages/1_Brain_maps.py", run=shop["trained"][:12], view=view.lower())
    heads = {
        "Words": "What kinds of words drive it",
        "Neurons": "Its neurons by loading",
        "Overview": "When it is active",
    }
    assert heads[view] in said(app)
    assert heads["Overview"] in said(show("pages/1_Brain_maps.py", view="../x"))


def test_region_network_and_word_each_rank_the_sub_groups(shop):
    """All three at once, each with a way to clear it."""
    query = {"run": shop["trained"][:12], "region": "42", "network": "language", "word": "20"}
    app = show("pages/1_Brain_maps.py", **query)
    text = said(app)
    assert "Sub-groups at parcel 42" in text and "Language: its sub-groups" in text
    assert "Sub-groups at “a”, 0:34" in text
    next(b for b in app.button if b.key == "clear-word").click().run()
    assert "word" not in app.query_params and "region" in app.query_params


def test_a_word_outside_the_sub_groups_rows_says_so(shop, monkeypatch):
    """A word heard before the first row has no activity: a sentence, no empty chart."""
    monkeypatch.setattr(heard_words, "atoms_at_word", lambda *_: np.full(made.N_ATOMS, np.nan))
    assert "lies outside the part" in said(show("pages/1_Brain_maps.py", word="0"))


def test_the_choice_says_what_it_costs_before_run(shop):
    """From the times of the stored runs (1 + 2 + 3 s, scaled), with memory and download."""
    text = said(show())
    assert "earlier run" in text and "of memory for the model" in text and "Nothing to download" in text


def test_an_empty_store_says_documented_times(empty):
    """No run to learn from: the times measured on two cores."""
    assert "times measured on two cores" in said(show())


def test_correspondence_says_real_fake_and_accepted(shop):
    """The plain words above the matrix."""
    text = said(show("pages/2_Correspondence.py", run=shop["trained"][:12]))
    assert "**4 links** by the paper's spin rule" in text
    assert "**14** on average (5 to 24)" in text and "**1** survives both nulls" in text


def test_correspondence_ranks_the_network_of_the_link(shop):
    """network=6 and network=language are the same place."""
    for network in ("6", "language"):
        app = show("pages/2_Correspondence.py", network=network)
        assert "Language: its sub-groups" in said(app)


def test_the_planted_truth_is_shown_for_simulated_runs_only(shop):
    """Three planted effects with their check marks; a real recording has no such table."""
    app = show("pages/2_Correspondence.py", run=shop["trained"][:12])
    assert app.dataframe[0].value["recovered"].tolist() == [True, True, False]
    assert not show("pages/2_Correspondence.py", run=shop["pieman"][:12]).dataframe


def test_comparison_takes_all_runs_of_one_recording(shop):
    """Trained first; the other recording is a group of its own."""
    app = show("pages/3_Compare_models.py", run=shop["trained"][:12], view="all-numbers")
    assert app.multiselect[0].value == [shop["trained"], shop["random"]]
    assert list(app.dataframe[0].value.columns) == ["minilm-l6", "minilm-l6 · random 0"]


def test_comparison_re_opens_the_runs_of_its_link(shop):
    """runs= names them, by twelve characters each."""
    app = show("pages/3_Compare_models.py", runs=shop["random"][:12])
    assert app.multiselect[0].value == [shop["random"]]
    app.multiselect[0].set_value([shop["random"], shop["trained"]]).run()
    assert app.query_params["runs"] == f"{shop['random'][:12]},{shop['trained'][:12]}"


def test_comparison_of_nothing_is_of_all(shop):
    """Removing the last run brings all of them back."""
    app = show("pages/3_Compare_models.py", run=shop["trained"][:12])
    app.multiselect[0].set_value([]).run()
    assert not app.exception and len(app.multiselect[0].value) == 2


def test_a_refusal_is_one_calm_sentence(shop, monkeypatch):
    """A BrainlikeError becomes a box with its own words."""

    def refuse(*_):
        raise BrainlikeError("The run is damaged", found="3 bytes", needed="4", do="run it again")

    monkeypatch.setattr(archive, "load_run", refuse)
    app = show("pages/1_Brain_maps.py")
    assert app.warning[0].value == "The run is damaged: found 3 bytes, needed 4; run it again."


def test_run_starts_what_the_form_says(shop, monkeypatch):
    """Two models, trained: two configs go to the engine."""
    begun = []
    monkeypatch.setattr(engine, "start", lambda configs, *where: begun.append((configs, where)))
    app = show()
    next(b for b in app.button if b.label == "Run").click().run()
    (configs, where) = begun[0]
    assert [c.extract.model for c in configs] == ["smollm2-135m", "minilm-l6"]
    assert {c.extract.weights for c in configs} == {"trained"} and where[0] == shop["folder"]


def test_the_empty_state_runs_the_embedded_recording(empty, monkeypatch):
    """One button: both models, trained and random, on the simulated recording."""
    begun = []
    monkeypatch.setattr(engine, "start", lambda configs, *where: begun.extend(configs))
    app = show()
    next(b for b in app.button if b.label == "Run the embedded recording").click().run()
    assert [(c.extract.model, c.extract.weights) for c in begun] == [
        ("smollm2-135m", "trained"), ("smollm2-135m", "random"),
        ("minilm-l6", "trained"), ("minilm-l6", "random"),
    ]  # fmt: skip


def test_a_reload_finds_the_job_under_way_and_can_cancel_it(shop, monkeypatch):
    """Progress is read from disk, so a new session sees step, time left and Cancel."""
    job = jobs.Status(
        "ab" * 32, "minilm-l6 · simulated", "running", "Learn the sparse dictionary", 0.4, 65.0, "",
        (("Read the recording", "done", 3.0),),
    )  # fmt: skip
    cancelled = []
    monkeypatch.setattr(jobs, "active", lambda *_: [job])
    monkeypatch.setattr(jobs, "cancel", lambda run_id, *_: cancelled.append(run_id))
    app = show()
    assert any("Read the recording · 3 s" in m.value for m in app.markdown)
    next(b for b in app.button if b.label == "Cancel").click().run()
    assert cancelled == ["ab" * 32]


def test_a_failed_job_says_why(shop, monkeypatch):
    """The sentence of the error, not a traceback."""
    job = jobs.Status("cd" * 32, "x · y", "failed", message="Disk is full: found 0 bytes; free some.")
    monkeypatch.setattr(jobs, "active", lambda *_: [job])
    assert "Disk is full" in said(show())


def test_the_command_computes_the_same_configs():
    """The command line's own parser turns the words back into the same configs."""
    wanted = [
        RunConfig(
            extract=ExtractConfig(model=model, weights=weights, layers=(0, 1, 2), seed=0),
            dictionary=DictionaryConfig(n_atoms=32, penalty=0.2),
            match=MatchConfig(atlas="yeo7", n_spins=500, null="centroid", level=0.01),
        )
        for model in ("minilm-l6", "smollm2-135m")
        for weights in ("trained", "random")
    ]
    words = run_command(wanted).split()[3:]
    assert _configs(_parser().parse_args(words)) == wanted
    assert _configs(_parser().parse_args(run_command([RunConfig()]).split()[3:])) == [RunConfig()]


def test_a_command_quotes_a_folder_with_spaces():
    """What is pasted into a shell stays one word."""
    config = made.config(recording="pieman")
    assert "--data 'my data'" in run_command([config], "my data")


def test_ids_that_two_runs_share_are_not_a_run():
    """A prefix must be unique."""
    twins = ["a" * 63 + "b", "a" * 63 + "c"]
    assert parts.parse_selection({"run": "a" * 12}, twins).run is None
    assert parts.parse_selection({"run": twins[0]}, twins).run == twins[0]


def test_slugs_of_every_atlas_are_unique():
    """A slug names one network."""
    for entry in (e for e in inventory.catalogue()["atlases"] if e["here"]):
        networks = inventory.atlas(entry["name"]).networks
        assert len({parts.slug(n) for n in networks}) == len(networks)
        for i, name in enumerate(networks):
            assert parts.network_index(parts.slug(name), networks) == i


def test_settings_keep_the_app_closed_and_quiet():
    """Telemetry off, no error details, XSRF and CORS on, this machine only, uploads capped."""
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    server = settings["server"]
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert server["enableXsrfProtection"] and server["enableCORS"]
    assert (server["address"], server["maxUploadSize"], server["fileWatcherType"]) == (
        "127.0.0.1",
        200,
        "none",
    )


@pytest.mark.parametrize("path", [ROOT / "app.py", *(ROOT / p for p in PAGES)], ids=lambda p: p.name)
def test_pages_stay_short(path):
    """Controls, one call, figures: at most 90 lines, no function longer than 15."""
    text = path.read_text()
    assert text.count("\n") <= 90
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 15
