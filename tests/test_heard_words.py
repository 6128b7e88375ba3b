"""Words of a made-up run: their activity, and what drives an atom."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from brainlike_core import archive, heard_words
from brainlike_core.errors import ConfigError, RecordingError
from brainlike_core.values import Story
from tests import synthetic_run as made


def run_with(activity, words):
    """A run whose atom 0 has this activity, and a word at each TR so that word i is heard with row i."""
    run = made.make_run()
    n = len(activity)
    atoms = np.repeat(np.asarray(activity, np.float32)[:, None], made.N_ATOMS, 1)
    dictionary = dataclasses.replace(run.dictionary, atoms=atoms)
    onsets = made.TR * (6 + np.arange(n)) - 5.0 + 1e-6
    spans = np.zeros((n, 2), int)
    story = Story("s", "S", "", tuple(words), spans, onsets, onsets, np.ones(n, bool))
    return dataclasses.replace(run, dictionary=dictionary, story=story)


def test_activity_at_a_word_is_a_row_of_the_activity_of_words():
    """Every atom at word 20 is what the table of that atom says of word 20."""
    run = made.make_run()
    at = heard_words.atoms_at_word(run, 20)
    assert at.shape == (made.N_ATOMS,)
    for atom in (0, 7):
        assert at[atom] == heard_words.word_activity(run, atom)["activity"][20]


def test_the_profile_counts_what_is_heard_while_the_atom_is_high():
    """Words 100 to 119 of 200 are heard high, and are the only nouns: 100 % against 0 %, beyond every shift."""
    high = np.zeros(200)
    high[100:120] = 1.0
    run = run_with(high, ["w"] * 200)
    kinds = pd.DataFrame({"Noun": high, "Verb": np.tile([0.0, 1.0], 100), heard_words.FREQUENCY: 3.0})
    table = heard_words.word_profile(run, 0, kinds).set_index("kind")
    assert table.loc["Noun", ["driving", "others", "difference"]].tolist() == [1, 0, 1]
    n_shifts = 200 - 2 * 14 + 1  # 20 s are 13.4 words
    assert table["n_shifts"].iloc[0] == n_shifts and table["n_driving"].iloc[0] == 20
    assert table.loc["Noun", "p"] == pytest.approx(1 / (n_shifts + 1))
    assert table.loc["Verb", "p"] == 1 and table.loc["Verb", "difference"] == pytest.approx(0)


def test_no_profile_where_nothing_drives():
    """A flat atom has no driving word."""
    run = run_with(np.zeros(200), ["w"] * 200)
    assert heard_words.word_profile(run, 0, pd.DataFrame({"Noun": np.zeros(200)})).empty


def test_members_are_the_neurons_of_a_sub_group_by_loading():
    """Neuron n belongs to atom n % 12: atom 5 holds 5, 17 and 29 of 40 neurons, ten units a layer."""
    members = made.make_run().dictionary.members(5)
    assert members[["neuron", "layer", "unit"]].to_numpy().tolist() == [[5, 0, 5], [17, 1, 7], [29, 2, 9]]
    assert (members["loading"] == 1).all()


def test_stored_responses_are_read_as_they_were_written(tmp_path):
    """The response of a neuron is a column of what the walk stored."""
    run = made.make_run()
    run_id = made.write(run, tmp_path)
    workspace = archive.open_store(tmp_path)
    found = archive.load_responses(run_id, workspace)
    assert found.values.shape == (made.N_TRS, run.dictionary.n_neurons)
    workspace.results.remove(archive.known_record(run_id, workspace).entries["responses"])
    with pytest.raises(RecordingError, match="no longer in the cache"):
        archive.load_responses(run_id, workspace)


def test_a_baseline_has_no_responses(tmp_path, monkeypatch):
    """Features of the words are no neurons: a refusal, not a KeyError."""
    run_id = made.write(made.make_run(), tmp_path)
    workspace = archive.open_store(tmp_path)
    record = archive.known_record(run_id, workspace)
    entries = {step: key for step, key in record.entries.items() if step != "responses"}
    monkeypatch.setattr(archive, "known_record", lambda *_: dataclasses.replace(record, entries=entries))
    with pytest.raises(ConfigError, match="have no neurons"):
        archive.load_responses(run_id, workspace)
