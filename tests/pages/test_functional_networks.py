"""The Functional networks page in Streamlit's test bench: nothing there, found, under way, failed, cut, bridged."""

import dataclasses
import shlex

import pytest

from brainlike_core import archive, archive_networks, engine, jobs
from brainlike_core.__main__ import _parser
from brainlike_core.commands_inside import lesion_config, networks_config
from brainlike_core.config import (
    BridgeConfig,
    ExtractConfig,
    LesionConfig,
    NetworksConfig,
    PreservationConfig,
)
from brainlike_core.errors import UnknownNameError
from parts import network_form
from tests import synthetic_networks as made
from tests import synthetic_run
from tests.pages.test_pages import _point, box, said, show

PAGE = "pages/4_Functional_networks.py"


@pytest.fixture
def home(monkeypatch, tmp_path):
    """The page on an empty store; its folder."""
    _point(monkeypatch, str(tmp_path))
    return tmp_path


@pytest.fixture
def found(home):
    """Made-up networks are in the store; its folder."""
    made.write(made.config(), made.make_networks(), "networks", home)
    return home


@pytest.fixture
def asked(monkeypatch):
    """What the worker is asked for, in place of a worker."""
    configs = []
    monkeypatch.setattr(engine, "start_aside", lambda config, *rest: configs.append(config))
    return configs


def labels(app):
    """What the buttons say."""
    return [button.label for button in app.button]


def press(app, label):
    """Press the button with a label."""
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, [e.message for e in app.exception]


def commands(app):
    """The commands that are shown."""
    return [code.value for code in app.code]


def test_an_empty_store_offers_to_find_networks(home, asked):
    """A form with the default model and our four sets, its cost and command; pressed, the worker is asked for that."""
    app = show(PAGE)
    assert "No networks have been found yet" in said(app) and "from measured rates" in said(app)
    press(app, "Find networks")
    assert asked == [NetworksConfig()] and asked[0].id in app.query_params["inside"]


def test_no_texts_ask_for_some(home):
    """Without a set of texts there is no button, but a word why."""
    app = show(PAGE)
    next(group for group in app.button_group if group.label == "Texts").set_value([]).run()
    assert "at least one set of texts" in said(app) and "Find networks" not in labels(app)


def test_what_is_under_way_survives_a_reload_and_a_failure_says_why(home):
    """Its card with Cancel; afterwards what went wrong, and the button again."""
    job = jobs.Job(home, NetworksConfig())
    job.write("running")
    app = show(PAGE, inside=NetworksConfig().id)
    assert "Cancel" in labels(app) and "could not be found" not in said(app)
    press(app, "Cancel")
    assert (home / "networks" / f"{NetworksConfig().id}.cancel").exists()
    job.write("failed", "The worker did not start")
    for query in ({}, {"inside": NetworksConfig().id}):
        app = show(PAGE, **query)
        assert said(app).count("The worker did not start") == 1 and "Find networks" in labels(app)


def test_a_cancelled_cut_is_said_calmly(found):
    """The link of a cut that was stopped: one quiet line, no warning, and the form."""
    job = jobs.Job(found, made.lesion_config())
    job.write("cancelled", "It was cancelled; what is finished is kept")
    app = show(PAGE, cut=made.lesion_config().id)
    assert "Lesion of network 1 · minilm-l6: It was cancelled; what is finished is kept." in said(app)
    assert not app.warning and "Cut" in labels(app)


def test_found_networks_are_shown_with_every_chart(found):
    """Sentences, the chosen network, three charts and its two, with captions; nothing has been cut, no run is there."""
    app = show(PAGE)
    words = said(app)
    assert "3 networks inside minilm-l6: 18 key neurons of 40" in words
    assert "**Network 1**: 10 key neurons" in words
    assert len(app.get("plotly_chart")) == 5
    assert "Nothing of these networks has been cut yet" in words
    assert "The bridge needs a finished run of minilm-l6" in words


def test_the_address_names_networks_and_one_of_them(found):
    """`net` counts from 1; its passages and sentence are shown."""
    app = show(PAGE, inside=made.config().id[:12], net="2")
    assert "**Network 2**: 5 key neurons" in said(app) and box(app, "Network").value == 2


@pytest.mark.parametrize(
    "query", [{"net": "4"}, {"net": "-1"}, {"net": "x"}, {"inside": "ffffffffffff"}, {"cut": "'"}]
)
def test_an_address_that_means_nothing_is_said_to(found, query):
    """A network that there is not, no number, another id: a note, and the page stands."""
    made.write(made.lesion_config(), made.make_lesion(made.lesion_config()), "lesion", found)
    app = show(PAGE, **query)
    assert f"The link's {next(iter(query))} could not be found here" in said(app)
    assert "**Network 1**" in said(app)


def test_a_picked_network_goes_to_the_address(found):
    """So that a link shows the same."""
    app = show(PAGE)
    box(app, "Network").set_value(3).run()
    assert "3" in app.query_params["net"] and "**Network 3**: 4 key neurons" in said(app)


def test_a_cut_is_asked_for_as_the_form_says(found, asked):
    """The chosen network, its mean in its place; then all together kept alone."""
    app = show(PAGE, net="2")
    next(g for g in app.button_group if g.label == "A cut neuron gives").set_value("mean").run()
    press(app, "Cut")
    next(g for g in app.button_group if g.label == "What").set_value("preserve").run()
    next(g for g in app.button_group if g.label == "Which").set_value("all").run()
    press(app, "Keep only")
    assert asked == [
        LesionConfig(made.config(), (1,), how="mean"),
        LesionConfig(made.config(), (), action="preserve"),
    ]


def test_a_setting_that_changes_nothing_is_refused_calmly(found):
    """Amplified once and by nothing: what is needed is said, and the rest of the page stands."""
    app = show(PAGE)
    next(g for g in app.button_group if g.label == "What").set_value("amplify").run()
    next(n for n in app.number_input if n.label == "Times").set_value(1.0).run()
    assert "an add or a scale that changes something" in said(app)
    assert "The bridge needs a finished run" in said(app)


def test_a_finished_cut_is_shown_with_its_text(found):
    """Sentences, chart, caption with the null; the button now opens it."""
    config = made.lesion_config()
    made.write(config, made.make_lesion(config), "lesion", found)
    app = show(PAGE)
    words = said(app)
    assert "Lesion of network 1: 10 neurons (25.0%)" in words and "worse than 20 random cuts" in words
    assert "What it writes" in words and "smallest possible p is 0.048" in words
    assert "Show it" in labels(app) and "The last cut" not in words


def test_a_model_that_does_not_write_has_no_text(found):
    """It is said instead."""
    config = made.lesion_config()
    made.write(config, made.make_lesion(config, writes=False), "lesion", found)
    assert "This model does not write" in said(show(PAGE))


def test_the_cut_of_the_chosen_network_is_shown_first(found):
    """Of two cuts that of network 2 is shown with network 2; the address can name the other."""
    for k in (1, 0):
        made.write(made.lesion_config(k), made.make_lesion(made.lesion_config(k)), "lesion", found)
    assert "Lesion of network 2" in said(show(PAGE, net="2"))
    assert "Lesion of network 1: 10" in said(show(PAGE, net="2", cut=made.lesion_config(0).id))


def test_how_few_neurons_will_do_is_asked_for_and_shown(found, asked):
    """The paper's numbers of networks by default, fewer by choice; what is known is drawn with its sentence."""
    app = show(PAGE)
    assert "This has not been asked of these networks yet" in said(app)
    next(g for g in app.button_group if g.label == "Networks (C)").set_value([2, 5]).run()
    press(app, "Keep only these")
    assert asked == [PreservationConfig(made.config(), (2, 5))]
    made.write(asked[0], made.make_curve(), "preservation", found)
    words = said(show(PAGE))
    assert "2 networks, 10 neurons (25.0%): text, perplexity 40; as many random neurons 200" in words


def test_the_bridge_offers_networks_with_accepted_subgroups_first(found, asked):
    """Only Language has one that beats both nulls; the paper's rule has three networks and a double dissociation."""
    run = synthetic_run.write(synthetic_run.make_run(), found)
    app = show(PAGE)
    assert box(app, "Brain network").options == ["Language (1 sub-group)"] and box(app, "Against").disabled
    press(app, "Build the bridge")
    next(g for g in app.button_group if g.label == "Links by").set_value("paper").run()
    press(app, "Build the bridge")
    assert asked[0] == BridgeConfig(run) and (asked[1].rule, asked[1].against) == ("paper", "Default")


def test_runs_of_other_models_are_not_offered(found):
    """Random weights are another model."""
    synthetic_run.write(synthetic_run.make_run(synthetic_run.config(weights="random")), found)
    assert "The bridge needs a finished run of minilm-l6" in said(show(PAGE))


@pytest.mark.parametrize("dissociates", [True, False])
def test_a_finished_bridge_ends_with_its_verdict(found, dissociates):
    """Prediction, language and the double dissociation with numbers, whichever way it went."""
    run = synthetic_run.make_run()
    synthetic_run.write(run, found)
    config = BridgeConfig(run.id, against="Default", rule="paper")
    made.write(config, made.make_bridge(config, run.atlas.networks, dissociates), "bridge", found)
    app = show(PAGE)
    words = said(app)
    assert f"**{'Double' if dissociates else 'No'} dissociation**" in words and "Language loses +0." in words
    assert len(app.get("plotly_chart")) == 8


def test_embedded_slides_show_results_without_controls(found, monkeypatch):
    """No button that starts anything."""
    monkeypatch.setattr("parts.embedded", lambda: True)
    app = show(PAGE)
    assert "**Network 1**" in said(app) and not {"Find networks", "Cut"} & set(labels(app))


def test_records_come_newest_first_and_of_their_own_kind(found):
    """A lesion is no network; what was pruned is refused in one sentence."""
    config = made.lesion_config()
    made.write(config, made.make_lesion(config), "lesion", found)
    workspace = archive.open_store(found)
    assert [one.id for one in archive_networks.finished_networks(workspace)] == [made.config().id]
    assert [one.config for one in archive_networks.lesions_of(made.config().id, workspace)] == [config]
    assert (
        archive_networks.lesions_of("0" * 64, workspace) == archive_networks.finished_bridges(workspace) == []
    )
    assert archive_networks.load_lesion(config.id, workspace).n_cut == 10
    with pytest.raises(UnknownNameError, match="compute it again"):
        archive_networks.load_bridge(config.id, workspace)


@pytest.mark.parametrize(
    "config",
    [
        NetworksConfig(),
        NetworksConfig(
            ExtractConfig("minilm-l6", (0, 2), weights="random"),
            ("code", "/my texts"),
            7,
            12,
            "canica",
            3.0,
            seed=1,
        ),
    ],
)
def test_the_command_of_a_page_asks_the_same_question(config):
    """Words of the command line, read again, are the same config: networks, and every kind of cut."""
    given = _parser().parse_args(shlex.split(network_form.networks_command(config))[3:])
    assert networks_config(given) == config
    for cut in (
        LesionConfig(config, (2,), how="mean", tasks=("topic",)),
        LesionConfig(config, (0, 4), action="amplify", scale=2.5, add=1.0),
        LesionConfig(config, (), action="preserve"),
    ):
        given = _parser().parse_args(shlex.split(network_form.lesion_command(cut))[3:])
        assert lesion_config(given) == cut


def test_other_kinds_of_jobs_have_their_own_list(home):
    """A lesion under way is no walk under way."""
    config = dataclasses.replace(made.lesion_config(), n_random=30)
    jobs.Job(home, config).write("running")
    assert [job.run_id for job in jobs.active(home, LesionConfig)] == [config.id]
    assert jobs.active(home) == []
