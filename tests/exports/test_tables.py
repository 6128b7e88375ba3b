"""The numbers of a run as tables, read again by pandas and pyarrow."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from brainlike_core.exports import tables
from tests import synthetic_run as made


@pytest.fixture(scope="module")
def run():
    """A made-up run."""
    return made.make_run()


def test_both_formats_hold_the_same_table(run):
    """Parquet keeps every digit; CSV says the same to the last digit that float32 has."""
    files = tables.table_files(run)
    whole = tables.run_tables(run)
    assert len(files) == 2 * len(whole)
    for name, table in whole.items():
        stem = f"task-simulated_desc-MinilmL6_{name}"
        read = parquet.read_table(io.BytesIO(files[f"{stem}.parquet"])).to_pandas()
        pd.testing.assert_frame_equal(read, table, check_dtype=False)
        text = pd.read_csv(io.BytesIO(files[f"{stem}.csv"]), keep_default_na=True)
        assert list(text.columns) == list(table.columns) and len(text) == len(table)
        for column in table.select_dtypes("number"):
            np.testing.assert_allclose(text[column].astype(float), table[column].astype(float), rtol=1e-6)


def test_the_correspondence_table_says_what_is_linked(run):
    """The one link that beats both nulls is where it was put, with its sign."""
    table = tables.correspondence_table(run)
    assert len(table) == 2 * made.N_ATOMS * len(run.atlas.networks)
    (row,) = table[table["link_accepted"]].itertuples()
    sign, atom, network = made.ACCEPTED
    assert (row.atom, row.network, row.sign) == (atom, run.atlas.networks[network], "+-"[sign])
    assert table["link_paper"].sum() == 4 and row.dice == np.float32(0.5)


def test_locations_name_the_network_that_most_of_their_vertices_carry(run):
    """Counted vertex by vertex for a few parcels; scores stand in their rows."""
    table = tables.locations_table(run)
    for k in (0, 17, 99):
        labels = run.atlas.labels[run.recording.vertex_location == k]
        names = [run.atlas.networks[label - 1] for label in labels if label]
        want = max(run.atlas.networks, key=names.count) if names else ""
        assert names.count(table["network"][k]) == names.count(want)
    np.testing.assert_array_equal(table["r_heldout"], run.encoding.r_heldout)


def test_atoms_stand_on_the_recording_clock(run):
    """The first row is the first TR of the atoms, in seconds from the first volume."""
    table = tables.atoms_table(run)
    assert table["tr"][0] == 6 and table["seconds"][0] == 6 * made.TR
    np.testing.assert_array_equal(table["atom_3"], run.dictionary.atoms[:, 3])
