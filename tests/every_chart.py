"""Every chart of the app, made from made-up values: name -> plotly figure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from brainlike_core import heard_words, inventory
from brainlike_core.config import BridgeConfig
from brainlike_core.figures import (
    charts,
    comparison,
    cuts,
    dictionary_choice,
    layers,
    library_charts,
    matrix,
    networks,
    power,
    words,
)
from tests import synthetic_networks, synthetic_run
from tests.figures.test_dictionary_choice import choice
from tests.figures.test_library_charts import check
from tests.figures.test_words import PROFILE
from tests.layer_world import made_curve, made_profiles


def every_chart() -> dict[str, go.Figure]:
    """One of each kind."""
    trained = synthetic_run.make_run()
    runs = [trained, synthetic_run.make_run(synthetic_run.config(weights="random"), 1)]
    return _of_a_run(trained) | _of_runs(runs) | _of_networks() | _of_answers(runs)


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
    profiles = [made_profiles(names)] * 2
    table = inventory.power_table()
    one = table.table.groupby("claim")["effect"].max().to_dict()
    return {
        "choice": dictionary_choice.choice_chart(choice()),
        "curves": layers.curves(runs, curves),
        "by network": layers.by_network(runs, curves),
        "network depths": layers.network_depths(runs, profiles),
        "sub-group depths": layers.subgroup_depths(runs, profiles),
        "lag check": library_charts.lag_curve(check(12.0, 0.0)),
        "sound check": library_charts.sound_curve(check(0.0, 0.0, 2.0)),
        "power": power.power_curves(table, 20, float(np.median(table.table["minutes"])), one, power.MARKS),
        "power of atoms": power.atom_curves(table),
    }
