"""The Compare page in Streamlit's test bench: no run, one, a few, a dozen; views, pairs and orders in the address."""

import pytest

from parts import compare
from parts.compare_views import VIEWS
from tests import synthetic_run as made
from tests.pages.test_pages import _point, box, said, show

PAGE = "pages/3_Compare_models.py"
MODELS = (
    "openai-community/gpt2-xl", "openai-community/gpt2", "google-bert/bert-base-uncased", "huggyllama/llama-7b",
    "meta-llama/Llama-2-7b-hf", "meta-llama/Meta-Llama-3-8B", "smollm2-135m", "minilm-l6", "me/unknown",
    "Qwen/Qwen2.5-0.5B", "EleutherAI/pythia-70m",
)  # fmt: skip
SLUGS = ("prediction", "organisation", "networks", "depth", "size-and-family", "brain", "all-numbers")


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    """Twelve runs: eleven models, and a random twin; ids by model."""
    folder = tmp_path_factory.mktemp("cache")
    ids = {
        name: made.write(made.make_run(made.config(name), seed=i), folder) for i, name in enumerate(MODELS)
    }
    ids["twin"] = made.write(made.make_run(made.config("minilm-l6", "random")), folder)
    return str(folder), ids


@pytest.fixture
def many(monkeypatch, dozen):
    """Pages on those twelve."""
    _point(monkeypatch, dozen[0])
    return dozen[1]


@pytest.fixture
def one(monkeypatch, tmp_path):
    """Pages on a store with one run."""
    _point(monkeypatch, str(tmp_path))
    return made.write(made.make_run(), tmp_path)


@pytest.mark.parametrize("view", SLUGS)
def test_every_view_shows_twelve_runs(many, view):
    """Each is drawn, with a caption, and nothing is refused."""
    app = show(PAGE, view=view)
    assert len(app.multiselect[0].value) == 12 and not app.warning
    assert app.get("plotly_chart") or app.get("bidi_component") or app.dataframe
    assert app.caption


@pytest.mark.parametrize("view", SLUGS)
def test_every_view_of_one_run_says_what_is_missing(one, view):
    """One run is shown; a claim, a twin or a difference names the second run that it needs."""
    text = said(show(PAGE, view=view))
    wanted = {"depth": "Each layer, or each third", "networks": "claim needs two runs"}
    assert wanted.get(view, "needs two runs") in text
    if view == "prediction":
        assert "its random twin is a run of its own" in text


def test_the_views_are_those_that_links_name():
    """A renamed view would break links."""
    assert tuple(compare.parts.slug(name) for name in VIEWS) == SLUGS


def test_a_link_opens_its_pair_and_its_order(many):
    """The claim is about the pair of the address; a pair that is not there becomes the first."""
    first, second = many["openai-community/gpt2"], many["smollm2-135m"]
    app = show(PAGE, first=first[:12], second=second[:12], order="by-held-out-r")
    assert (box(app, "Does").value, box(app, "differ from").value) == (first, second)
    assert "openai-community/gpt2 predicts the brain better than smollm2-135m" in said(app)
    assert box(app, "Order of the runs").value == "By held-out r"
    assert box(show(PAGE, first="zz", second="f" * 12), "Does").value in many.values()


def test_a_new_first_of_the_pair_drops_the_second(many):
    """Its partners may be others."""
    app = show(PAGE, first=many["openai-community/gpt2"][:12], second=many["smollm2-135m"][:12])
    box(app, "Does").set_value(many["minilm-l6"]).run()
    assert app.query_params["first"] == many["minilm-l6"][:12] and "second" not in app.query_params


def test_families_stand_together_small_models_first(many):
    """By family and size; the twin follows its trained model; by score the best comes first."""
    runs = [made.make_run(made.config(name)) for name in MODELS] + [
        made.make_run(made.config("minilm-l6", "random"))
    ]
    ordered = [
        (compare.model(run).rsplit("/")[-1], run.config.extract.weights)
        for run in compare.in_order(runs, "By family and size")
    ]
    names = [name for name, _ in ordered]
    assert names.index("gpt2") + 1 == names.index("gpt2-xl")
    assert ordered[:3] == [
        ("minilm-l6", "trained"),
        ("minilm-l6", "random"),
        ("bert-base-uncased", "trained"),
    ]
    assert [n for n in names if "lama" in n] == ["llama-7b", "Llama-2-7b-hf", "Meta-Llama-3-8B"]
    assert compare.in_order(runs, "By held-out r")[-1].config.extract.weights == "random"
    assert compare.in_order(runs, "As chosen") == runs


def test_size_names_models_whose_size_is_not_known(many):
    """me/unknown has no card; as an order it is drawn."""
    assert "Size not known, so not drawn: me/unknown" in said(show(PAGE, view="size-and-family"))
    app = show(PAGE, view="size-and-family", axis="order-above", metric="diversity")
    assert "not drawn" not in said(app) and box(app, "Metric").value == "Diversity"


def test_the_claims_stand_under_their_comparison(many):
    """Prediction under prediction, organisation under organisation; all of them with all numbers."""
    assert "more diverse" not in said(show(PAGE))
    text = said(show(PAGE, view="organisation"))
    assert "more diverse" in text and "predicts the brain better" not in text and "fewer networks" in text
    assert "more diverse" in said(show(PAGE, view="all-numbers"))


def test_runs_that_were_not_asked_by_layer_do_not_fill_the_page(many):
    """Twelve buttons in one closed box."""
    app = show(PAGE, view="depth")
    assert any("12 runs that were not asked yet" in e.label for e in app.expander)
