"""Every chart of the app, made from made-up values: name -> plotly figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainlike_core import heard_words, inventory
from brainlike_core.config import BridgeConfig
from brainlike_core.figures import (
    charts,
    comparison,
    cuts,
    dictionary_choice,
    layers,
    learn,
    library_charts,
    matrix,
    networks,
    power,
    sizes,
    third_links,
    words,
)
from brainlike_core.values import FakeAtoms, Rebuilt
from tests import synthetic_networks, synthetic_run
from tests.figures.test_dictionary_choice import choice
from tests.figures.test_library_charts import check
from tests.figures.test_words import PROFILE
from tests.layer_world import made_curve, made_profiles, made_third_links


def every_chart() -> dict[str, go.Figure]:
    """One of each kind."""
    trained = synthetic_run.make_run()
    runs = [trained, synthetic_run.make_run(synthetic_run.config(weights="random"), 1)]
    return _of_a_run(trained) | _of_runs(runs) | _of_networks() | _of_answers(runs) | _of_the_tour()


def _of_a_run(run) -> dict[str, go.Figure]:
    c = run.correspondence
    heard = heard_words.word_activity(run, 3)
    return {
        "matrix": matrix.correspondence_matrix(c, matrix.atom_order(c), atom=3, network=6),
        "fake links": matrix.fake_links(c),
        "ranking": charts.network_ranking(c, 6),
        "region": charts.region_ranking(c, run.encoding.z_maps[:, 42]),
        "time course": charts.time_course(run.dictionary, 3, run.recording.tr, heard),
        "layers": charts.layer_histogram(run.dictionary, 3),
        "word": charts.word_ranking(c, np.linspace(-2, 3, synthetic_run.N_ATOMS)),
        "neuron": charts.neuron_trace(
            run.dictionary, 3, run.dictionary.atoms[:, 5], run.recording.tr, "layer 0, unit 1"
        ),
        "word classes": words.class_profile(PROFILE),
    }


def _of_runs(runs) -> dict[str, go.Figure]:
    return {
        "held-out": comparison.heldout_scores(runs),
        "lags": comparison.lag_curves(runs),
        "diversity": comparison.diversity_consistency(runs),
        "involvement": comparison.involvement(runs),
        "profiles": comparison.layer_profiles(runs),
        "by size": sizes.by_size(runs, [1e8, 1e9], "r_heldout", "parameters"),
        "one metric": sizes.rows(runs, "consistency"),
        "trained and random": sizes.trained_and_random(runs, "r_heldout"),
    }


def _of_networks() -> dict[str, go.Figure]:
    found = synthetic_networks.make_networks()
    lesion = synthetic_networks.make_lesion(synthetic_networks.lesion_config())
    brain = ("Default", "Language", "Auditory", "Visual")
    bridge = synthetic_networks.make_bridge(BridgeConfig("ab" * 32, against="Default"), brain)
    return {
        "stability": networks.layers_and_stability(found, 0),
        "recurrence": networks.recurrence(found, 0),
        "connectivity": networks.connectivity(found, 0),
        "text sets": networks.by_text_set(found, 0),
        "cut": cuts.cut_effects(lesion),
        "preservation": cuts.preservation(synthetic_networks.make_curve()),
        "bridge, language": cuts.bridge_language(bridge),
        "bridge, brain": cuts.bridge_prediction(bridge),
        "dissociation": cuts.dissociation(bridge),
    }


def _of_answers(runs) -> dict[str, go.Figure]:
    names = runs[0].atlas.networks
    curves = [made_curve(names), made_curve(names, (0.02, 0.03, 0.01))]
    profiles, linked = [made_profiles(names)] * 2, [made_third_links(names)] * 2
    table = inventory.power_table()
    one = table.table.groupby("claim")["effect"].max().to_dict()
    return {
        "choice": dictionary_choice.choice_chart(choice()),
        "curves": layers.curves(runs, curves),
        "by network": layers.by_network(runs, curves),
        "links by third": third_links.by_third(runs, linked),
        "network depths": layers.network_depths(runs, profiles),
        "sub-group depths": layers.subgroup_depths(runs, profiles),
        "lag check": library_charts.lag_curve(check(12.0, 0.0)),
        "sound check": library_charts.sound_curve(check(0.0, 0.0, 2.0)),
        "power": power.power_curves(table, 20, float(np.median(table.table["minutes"])), one, power.MARKS),
        "power of atoms": power.atom_curves(table),
    }


def _of_the_tour() -> dict[str, go.Figure]:
    rng = np.random.default_rng(0)
    heard = pd.DataFrame({"word": ["a", "<b>", "c"], "onset": [1.0, 2.0, 4.0], "response": [1.5, -0.5, 0.3]})
    means = pd.DataFrame({"onset": [0.0, 3.0], "n_words": [2, 1], "response": [0.5, 0.3]})
    hrf = pd.DataFrame({"seconds": [0, 5, 10], "response": [0.0, 1.0, 0.1]})
    curve = pd.DataFrame({"delay": [0.0, 1.0, 2.0], "r": [0.1, 0.3, 0.2]})
    copies = rng.normal(size=(9, 40))
    by_size = pd.DataFrame(
        {
            "n_atoms": [2, 8],
            "home": [0.3, 0.6],
            "fake_home": [0.2, 0.5],
            "away": [0.2, 0.3],
            "fake_away": [0.0, 0.0],
        }
    )
    return {
        "words": learn.neuron_words(heard),
        "volumes": learn.volumes(heard, means, 1.5),
        "delays": learn.delays(hrf, curve, curve.assign(r=0), 0.5, ("with", "without")),
        "rebuilt": learn.rebuilt(Rebuilt(copies[0], copies[1], 0.5, (3, 1)), 1.5),
        "fit by size": learn.fit_by_size(by_size, 8),
        "fakes": learn.fakes(
            FakeAtoms(copies[0], copies[1], copies, -0.6, np.linspace(-0.3, 0.3, 9), 0.1), 8, 1.5
        ),
        "null of one": learn.null_of_one(np.linspace(-0.03, 0.03, 41), 0.12),
        "lost": learn.lost(pd.DataFrame({"network": ["a", "b", "c"], "lost": [0.1, np.nan, 0.3]})),
        "planted": learn.planted(copies[0], copies[1], 1.5, "speech", 3),
    }
