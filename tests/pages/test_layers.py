"""The section "Which layers predict the brain" of the Compare page, in Streamlit's test bench."""

import pytest

from brainlike_core import archive, archive_layers, engine, follow_ups, jobs
from brainlike_core.config import LayersConfig
from tests import synthetic_run as made
from tests.layer_world import made_curve, made_profiles, made_third_links
from tests.pages.test_pages import _point, said, show

PAGE = "pages/3_Compare_models.py"


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Pages on a store with two runs; the folder and the runs' ids."""
    ids = [made.write(made.make_run(made.config(weights=w)), tmp_path) for w in ("trained", "random")]
    _point(monkeypatch, str(tmp_path))
    return tmp_path, ids


def keep(folder, config):
    """Store made-up answers to the question."""
    workspace = archive.open_store(folder)
    networks = made.make_run().atlas.networks
    workspace.results.put(archive.curve_question(config, workspace), made_curve(networks, by=config.by))
    workspace.results.put(archive.profiles_question(config, workspace), made_profiles(networks))


def labels(app):
    """What the buttons say."""
    return [button.label for button in app.button]


def test_the_page_offers_to_compute_each_run_and_begins_it_once(home, monkeypatch):
    """Nothing is stored: a button and the command for each run; pressed, the worker is asked for that run."""
    asked = []
    monkeypatch.setattr(engine, "start_aside", lambda *given: asked.append(given))
    app = show(PAGE, view="depth")
    assert {"Compute minilm-l6", "Compute minilm-l6 · random 0"} <= set(labels(app))
    commands = [c.value for c in app.code]
    assert f"python -m brainlike_core layers {home[1][0][:12]} --by layer" in commands
    next(b for b in app.button if b.label == "Compute minilm-l6").click().run()
    assert asked[0][0] == LayersConfig(home[1][0]) and asked[0][1] == str(home[0])


def test_the_page_shows_what_is_stored_and_offers_the_rest(home, monkeypatch):
    """Verdicts and numbers of one run, a button for the other; nothing is computed."""
    monkeypatch.setattr(follow_ups, "layer_answers", lambda *given: pytest.fail("computed"))
    keep(home[0], LayersConfig(home[1][0]))
    app = show(PAGE, view="depth")
    words = said(app)
    assert "Highest: layer 1, mean held-out r 0.200" in words
    assert "supported] **The middle third of the layers predicts the brain best**" in words.replace(
        "badge[:material/check: ", ""
    )
    assert "Compute minilm-l6" not in labels(app) and "Compute minilm-l6 · random 0" in labels(app)


def test_thirds_are_another_question(home):
    """What is stored by layer is not shown by third, and the command says which."""
    keep(home[0], LayersConfig(home[1][0]))
    app = show(PAGE, view="depth")
    next(c for c in app.segmented_control if c.label == "One dictionary for each").set_value("third").run()
    assert f"python -m brainlike_core layers {home[1][0][:12]} --by third" in [c.value for c in app.code]
    assert "Highest: layer 1" not in said(app)


def test_thirds_are_shown_with_their_links(home):
    """What each third goes with, in a chart and in words; a run that was not asked says with which command."""
    first, second = (LayersConfig(run_id, "third") for run_id in home[1])
    keep(home[0], first)
    keep(home[0], second)
    workspace, networks = archive.open_store(home[0]), made.make_run().atlas.networks
    workspace.results.put(archive_layers.third_links_question(first, workspace), made_third_links(networks))
    app = show(PAGE, view="depth")
    assert "third goes with" not in said(app) and "both nulls and the atom gate" not in said(app)
    next(c for c in app.segmented_control if c.label == "One dictionary for each").set_value("third").run()
    words = said(app)
    assert f"2 pass both nulls and the atom gate, of theirs 0.1 (p 0.010): {networks[0]} 2." in words
    assert f"`python -m brainlike_core layers {home[1][1][:12]} --by third`" in words


def test_a_reload_finds_what_is_under_way(home):
    """Its card with Cancel in place of its button; after a failure, why, and the button again."""
    job = jobs.Job(home[0], LayersConfig(home[1][0]))
    job.write("running")
    app = show(PAGE, view="depth")
    assert "Cancel" in labels(app) and "Compute minilm-l6" not in labels(app)
    job.write("failed", "The worker did not start")
    app = show(PAGE, view="depth")
    assert "The worker did not start" in said(app) and "Compute minilm-l6" in labels(app)
