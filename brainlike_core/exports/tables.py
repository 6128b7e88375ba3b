"""The numbers of a run as tables: CSV to read, Parquet to keep types and digits."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from ..values import Run
from .names import Files, model_of, task_of


def run_tables(run: Run) -> dict[str, pd.DataFrame]:
    """Every table of a run, by name.

    Returns
    -------
    dict of DataFrame
        ``correspondence`` (each sub-group, network and sign with all p and q),
        ``locations`` (scores of each location), ``maps`` (z of each location
        and sub-group), ``atoms`` (time courses), ``layers`` (neurons of each
        sub-group by layer; not of a baseline), ``metrics``, ``networks`` and,
        of a simulated recording, ``recovery``.
    """
    tables = {
        "correspondence": correspondence_table(run),
        "locations": locations_table(run),
        "maps": maps_table(run),
        "atoms": atoms_table(run),
        "layers": layers_table(run),
        "metrics": run.organization.metrics,
        "networks": run.organization.networks,
    }
    if run.dictionary.names:  # features of the words have no neurons
        del tables["layers"]
    if run.recovery is not None:
        tables["recovery"] = run.recovery.table
    return tables


def correspondence_table(run: Run) -> pd.DataFrame:
    """One row for each sub-group, network and sign, linked or not."""
    c = run.correspondence
    sign, atom, network = (index.ravel() for index in np.indices(c.dice.shape))
    columns = {"atom": atom, "network": np.array(c.networks)[network], "sign": np.array(["+", "-"])[sign]}
    columns |= {name: getattr(c, name).ravel() for name in ("dice", "p_spin", "q_spin", "p_phase", "q_phase")}
    columns |= {"atom_q": c.atom_q[atom], "link_paper": c.paper_links.ravel()}
    return pd.DataFrame(columns | {"link_accepted": c.accepted_links.ravel()})


def locations_table(run: Run) -> pd.DataFrame:
    """One row for each location: where it is, how well it is predicted, its null and its ceiling."""
    e = run.encoding
    names = (
        "r_heldout", "r2_heldout", "p", "q", "p_max", "delay", "noise_ceiling", "group_ceiling", "r2_insample",
        "r2_insample_null", "r2_nuisance", "r2_unique",
    )  # fmt: skip
    return pd.DataFrame(_places(run) | {name: getattr(e, name) for name in names})


def maps_table(run: Run) -> pd.DataFrame:
    """One row for each location: z of every sub-group's group map."""
    maps = {f"atom_{k}": row for k, row in enumerate(run.encoding.z_maps)}
    return pd.DataFrame(_places(run) | maps)


def _places(run: Run) -> dict[str, np.ndarray]:
    """Number and name of each location, and the network that most of its vertices carry."""
    r = run.recording
    names = np.array(r.locations) if r.locations else np.array([f"vertex {k}" for k in range(r.n_locations)])
    counts = np.zeros((r.n_locations, run.atlas.n_networks + 1), np.int64)
    drawn = r.vertex_location >= 0
    np.add.at(counts, (r.vertex_location[drawn], run.atlas.labels[drawn]), 1)
    network = np.array(["", *run.atlas.networks])[counts[:, 1:].argmax(1) + 1]
    network[counts[:, 1:].sum(1) == 0] = ""
    return {"location": np.arange(r.n_locations), "name": names, "network": network}


def atoms_table(run: Run) -> pd.DataFrame:
    """One row for each TR: volume, seconds from the first volume, and the activity of every atom (unit norm)."""
    d = run.dictionary
    columns = {f"atom_{k}": column for k, column in enumerate(d.atoms.T)}
    return pd.DataFrame({"tr": d.trs, "seconds": d.trs * run.recording.tr} | columns)


def layers_table(run: Run) -> pd.DataFrame:
    """One row for each sub-group: its neurons in every layer."""
    d = run.dictionary
    counts = pd.DataFrame(d.layer_histogram, columns=[f"layer_{k}" for k in d.layers])
    return counts.rename_axis("atom").reset_index()


def table_files(run: Run) -> Files:
    """Every table of a run as CSV and as Parquet."""
    stem = f"task-{task_of(run)}_desc-{model_of(run)}"
    files: Files = {}
    for name, table in run_tables(run).items():
        files |= both_formats(table, f"{stem}_{name}")
    return files


def both_formats(table: pd.DataFrame, stem: str) -> Files:
    """One table as CSV (UTF-8) and as Parquet."""
    parquet = io.BytesIO()
    table.to_parquet(parquet, index=False)
    return {f"{stem}.csv": table.to_csv(index=False).encode(), f"{stem}.parquet": parquet.getvalue()}
