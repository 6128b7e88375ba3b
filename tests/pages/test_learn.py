"""The Learn page in Streamlit's test bench: every step with a made-up run and with none, glossary, exercises."""

from __future__ import annotations

import pytest

from brainlike_core import engine
from brainlike_core.config import LesionConfig
from parts.learn_glossary import TERMS, search
from parts.learn_steps import STEPS
from tests import synthetic_networks as inside
from tests import synthetic_run as made
from tests.pages.test_pages import _point, box, said, show

PAGE = "pages/5_Learn.py"
NUMBERS = range(1, len(STEPS) + 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store with one trained run."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, made.write(made.make_run(), folder)


@pytest.fixture
def home(monkeypatch, kept):
    """Pages on that store."""
    _point(monkeypatch, str(kept[0]))
    return kept


@pytest.fixture
def own(monkeypatch, tmp_path):
    """Pages on a store of the test's own, which holds one trained run."""
    made.write(made.make_run(), tmp_path)
    _point(monkeypatch, str(tmp_path))
    return tmp_path


def step(number: int, **query: str):
    """One step as a link opens it."""
    return show(PAGE, step=str(number), **query)


def ask(app):
    """The same page with the answer shown."""
    next(t for t in app.toggle if t.label == "Show the answer").set_value(True).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_has_an_idea_a_control_a_figure_and_a_hidden_answer(home, number):
    """What is read, moved and seen; the answer comes only when it is asked for."""
    app = step(number)
    text = said(app)
    assert STEPS[number - 1].idea in text and STEPS[number - 1].question in text
    assert app.slider or app.select_slider or app.selectbox or app.number_input
    assert app.get("plotly_chart") or app.get("bidi_component")  # the brain of step 7 is a component
    before = {m.value for m in app.markdown}
    answer = {m.value for m in ask(app).markdown} - before
    assert len(answer) == 1 and any(c.isdigit() for c in answer.pop())


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_without_a_run_still_teaches_and_offers_one(monkeypatch, tmp_path, number):
    """The idea and the question, a button and the command; no traceback, no invented number."""
    _point(monkeypatch, str(tmp_path))
    app = step(number)
    text = said(app)
    assert STEPS[number - 1].idea in text and "Nothing has been run yet" in text
    assert any(b.label == "Run the embedded recording" for b in app.button)
    assert app.code[0].value.startswith("python -m brainlike_core run --recording simulated")
    assert "start the one beside" in said(ask(app))


def test_the_first_run_is_started_by_one_button(monkeypatch, tmp_path):
    """Both embedded models, trained and random, on the embedded recording."""
    begun = []
    monkeypatch.setattr(engine, "start", lambda configs, *where: begun.append(configs))
    _point(monkeypatch, str(tmp_path))
    next(b for b in step(4).button if b.label == "Run the embedded recording").click().run()
    assert [c.extract.weights for c in begun[0]] == ["trained", "random"] * 2


@pytest.mark.parametrize("text", ["0", "11", "-1", "two", "", "9" * 5000, "٣"])
def test_a_step_that_there_is_not_becomes_the_first(home, text):
    """The address is untrusted: a calm note, and it is never repeated."""
    app = show(PAGE, step=text)
    assert "showing the first" in said(app) and STEPS[0].idea in said(app)


def test_next_and_previous_write_the_step_to_the_address(home):
    """Forward, back, and no further than the ends."""
    app = step(9)
    press(app, "Next")
    assert app.query_params["step"] == "10" and STEPS[9].idea in said(app)
    assert next(b for b in app.button if b.label == "Next").disabled
    press(app, "Previous")
    assert app.query_params["step"] == "9"
    assert next(b for b in step(1).button if b.label == "Previous").disabled


def press(app, label: str):
    """Click the button with a label."""
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def test_a_shown_answer_does_not_give_the_next_one_away(home):
    """Each step hides its own."""
    app = ask(step(4))
    press(app, "Next")
    assert not next(t for t in app.toggle if t.label == "Show the answer").value


@pytest.mark.parametrize(
    ("number", "label", "value"),
    [
        (1, "Unit", 4), (2, "Seconds per volume", 5.0), (3, "Further delay (s)", 6.0), (4, "Atoms to add up", 0),
        (5, "Loading beyond", 0.9), (6, "Atoms in the regression", 1), (7, "Brain network", 0), (8, "Fake atom", 7),
        (10, "Sub-group", 5),
    ],
)  # fmt: skip
def test_moving_a_control_changes_the_numbers(home, number, label, value):
    """The control is live: what is said beside it, or under the figure, is computed anew."""
    app = step(number)
    before = said(app)
    widgets = [*app.slider, *app.select_slider, *app.number_input, *app.selectbox]
    next(w for w in widgets if w.label == label).set_value(value).run()
    assert not app.exception and said(app) != before


def test_the_chosen_neuron_is_in_the_address_and_stays_from_step_to_step(home):
    """Layer 2, unit 7 is neuron 27; the atom's step rebuilds the same one."""
    app = step(1)
    app.select_slider[0].set_value(2).run()
    next(n for n in app.number_input if n.label == "Unit").set_value(7).run()
    assert app.query_params["neuron"] == "27"
    app = step(4, neuron="27")
    assert "Layer 2, unit 7 loads on" in said(app)
    assert "Layer 0, unit 3" in said(step(4, neuron="40"))  # there are forty, from 0


def test_one_run_is_shown_among_its_null_and_its_twin_is_offered(own, monkeypatch):
    """Until there is another, a comparison starts the same model with random weights, and nothing else."""
    begun = []
    monkeypatch.setattr(engine, "start", lambda configs, *where: begun.extend(configs))
    app = step(9)
    assert "n = 41 sign-randomised recordings" in said(app)
    press(app, "Run it with random weights")
    assert [(c.extract.model, c.extract.weights) for c in begun] == [("minilm-l6", "random")]
    assert begun[0].match == made.config().match
    made.write(made.make_run(made.config(weights="random")), own)
    app = step(9)
    assert box(app, "Compare with").options and "predicts the brain better" in said(app)


def test_a_lesion_is_offered_and_shown_once_it_is_there(own, monkeypatch):
    """Meanwhile an atom is left out of the regression; then the cut stands among its random cuts."""
    asked = []
    monkeypatch.setattr(engine, "start_aside", lambda config, *where: asked.append(config))
    app = step(10)
    assert "not been cut yet" in said(app) and "held-out R²" in said(app)
    press(app, "Cut network 1 of this model")
    assert isinstance(asked[0], LesionConfig) and asked[0].networks.extract.model == "minilm-l6"
    lesion = inside.lesion_config()
    inside.write(lesion, inside.make_lesion(lesion), "lesion", own)
    app = step(10)
    assert "not been cut yet" not in said(app) and "random cuts of as many neurons" in said(app)


def test_the_tour_prefers_the_planted_truth(own):
    """A newer run on another recording does not take the tour's place, unless the address asks for it."""
    other = made.write(made.make_run(made.config(recording="pieman")), own)
    assert (
        "simulated" in box(step(1), "The tour's run").value or box(step(1), "The tour's run").value != other
    )
    assert box(step(1, run=other[:12]), "The tour's run").value == other


# -- glossary -----------------------------------------------------------------------------


def test_the_glossary_finds_terms_by_name_first_then_by_sentence():
    """Case does not matter; nothing found is an empty list."""
    assert search("SPIN")[0].term == "Spin test" and len(search("spin")) > 1
    assert search("no such letters") == [] and search("  ") == list(TERMS)


def test_every_term_has_one_sentence_and_a_step_that_there_is():
    """Alphabetical, unique, ended by one full stop."""
    names = [term.term.lower() for term in TERMS]
    assert names == sorted(names) and len(set(names)) == len(names)
    steps = {one.name for one in STEPS} | {""}
    assert all(term.sentence.endswith(".") and ". " not in term.sentence for term in TERMS)
    assert {term.step for term in TERMS} == steps


def test_the_glossary_needs_no_run_and_its_search_is_in_the_address(monkeypatch, tmp_path):
    """A link opens a search; the tour beneath is not computed."""
    _point(monkeypatch, str(tmp_path))
    app = show(PAGE, part="glossary", term="ceiling")
    assert "Noise ceiling" in said(app) and "Spin test" not in said(app)
    assert not any(b.label == "Next" for b in app.button)
    app.button[0].click().run()
    assert "part" not in app.query_params and STEPS[6].idea in said(app)  # the ceiling is shown by step 7


# -- for teachers ----------------------------------------------------------------------------


def test_exercises_hide_their_answers_and_have_them_from_the_truth(home):
    """Recovered effects, planted links and misses are those of the made-up run's own table."""
    app = show(PAGE, part="for-teachers")
    assert "Typical mistake" not in said(app) and "3 effects were planted" in said(app)
    next(t for t in app.toggle if t.label == "Show all answers").set_value(True).run()
    text = said(app)
    assert text.count("Typical mistake") == 7
    assert "2 of 3 can be found: word rate in Auditory (+); narrative in Language (+)" in text
    assert "Missed: dialogue in Default (+). In 0 of 1 a sub-group follows the pattern" in text
    assert "Spin rule: 0 of 4 links are planted ones. Both nulls: 0 of 1" in text
    assert app.dataframe[0].value["recovered"].tolist() == [True, True, False]


def test_one_answer_can_be_asked_for(home):
    """A toggle for each exercise."""
    app = show(PAGE, part="for-teachers")
    [t for t in app.toggle if t.label == "Show the answer"][3].set_value(True).run()
    assert said(app).count("Typical mistake") == 1 and "In-sample R² is 0.70" in said(app)


def test_exercises_need_a_planted_truth(own, monkeypatch):
    """A run on a real recording has none: one button to have one."""
    other = made.write(made.make_run(made.config(recording="pieman")), own)
    app = show(PAGE, part="for-teachers", run=other[:12])
    assert "need a run on the simulated recording" in said(app)
