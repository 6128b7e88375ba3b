"""The model picker of the Start page: cards at once, any hub id, controls; never torch in the app's process."""

import json
import subprocess
import sys
import time

import pytest
from streamlit.testing.v1 import AppTest

import parts
from brainlike_core import engine, fetching
from parts import models as model_parts
from tests.hub_server import Repo, hub  # noqa: F401
from tests.pages.test_pages import ROOT, said


@pytest.fixture(autouse=True)
def empty(monkeypatch, tmp_path):
    """Nothing has been run, and nothing was asked."""
    monkeypatch.setattr(parts.places, "CACHE", str(tmp_path))
    monkeypatch.setattr(fetching, "_cards", {})
    monkeypatch.setattr(fetching, "_downloads", {})


def show() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def picker(app: AppTest):
    return next(box for box in app.multiselect if box.label == "Models")


def run_button(app: AppTest):
    return next(b for b in app.button if b.label == "Run")


def type_model(app: AppTest, name: str) -> AppTest:
    next(box for box in app.text_input if box.label == "Another model").set_value(name).run()
    for _ in range(100):
        if fetching.model_card(name) is not None:
            break
        time.sleep(0.05)
    return app.run()


def test_a_chosen_model_shows_its_card_at_once():
    """Family, layers, neurons, memory, licence, gate and where it is; Run waits until it is here."""
    app = show()
    picker(app).set_value(["meta-llama/Llama-2-7b-hf"]).run()
    text = said(app)
    assert "Llama: 32 layers × 4,096 = **131,072** neurons" in text and "Memory about 27 GB (14 GB" in text
    assert "Llama 2 Community License" in text and model_parts.STATES["agreement"] in text
    assert "huggingface.co/meta-llama/Llama-2-7b-hf" in text and "HF_TOKEN" in text
    assert run_button(app).disabled and any(b.label == "Get it" for b in app.button)


def test_the_baseline_is_a_choice(monkeypatch):
    """One run beside the models', whatever the weights."""
    begun = []
    monkeypatch.setattr(engine, "start", lambda configs, *where: begun.extend(configs))
    app = show()
    picker(app).set_value(["minilm-l6", "low-level"]).run()
    run_button(app).click().run()
    assert [(c.extract.model, c.extract.weights) for c in begun] == [
        ("minilm-l6", "trained"), ("low-level", "trained"),
    ]  # fmt: skip


def test_any_hub_id_gets_a_card(hub):  # noqa: F811
    """Asked of the hub; then it can be fetched from the card, and Run waits for it."""
    config = json.dumps({"model_type": "gpt2", "n_layer": 2, "n_embd": 8}).encode()
    hub.repos["org/name"] = Repo(
        {"config.json": config, "tokenizer.json": b"{}", "model.safetensors": b"w" * 99}
    )
    app = type_model(show(), "org/name")
    assert "2 layers × 8 = **16** neurons" in said(app) and run_button(app).disabled
    next(b for b in app.button if b.key == "get-start-org/name").click().run()
    for _ in range(100):
        if fetching.downloads()["org/name"].state != "running":
            break
        time.sleep(0.05)
    assert fetching.downloads()["org/name"].state == "done"
    fetching.forget_card("org/name")
    app = type_model(app, "org/name")
    assert not run_button(app).disabled


@pytest.mark.parametrize("name", ["org/none", "../x", "org/name;ls", "minilm-l7"])
def test_what_cannot_be_had_is_a_calm_sentence(hub, name):  # noqa: F811
    """No traceback; what was chosen beside it can still run."""
    app = type_model(show(), name)
    assert len(app.warning) == 1 and not app.exception and not run_button(app).disabled


def test_the_app_s_process_never_loads_torch():
    """The form, the Library's cards and a card of the hub: neither torch nor transformers is imported."""
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from brainlike_core import inventory;"
        "app = AppTest.from_file('app.py', default_timeout=60).run(); assert not app.exception;"
        "app.switch_page('pages/6_Library.py').run(); assert not app.exception; inventory.find_model('org/x');"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
