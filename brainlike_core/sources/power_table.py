"""The power table that comes with the product: made once by ``python docs/power.py``."""

from __future__ import annotations

import json

import pandas as pd

from ..values import PowerTable
from .catalogue_entry import EMBEDDED

TABLE, ATOMS, MADE = (EMBEDDED / name for name in ("power.csv", "power_atoms.csv", "power.json"))


def read_power_table() -> PowerTable:
    """Shares of planted worlds in which each claim was supported, and how they were made."""
    return PowerTable(pd.read_csv(TABLE), pd.read_csv(ATOMS), json.loads(MADE.read_text()))


def write_power_table(found: PowerTable) -> None:
    """Put a newly simulated table in its place."""
    for frame, path in ((found.table, TABLE), (found.atoms, ATOMS)):
        frame.to_csv(path, index=False, float_format="%.4g", lineterminator="\n")
    MADE.write_text(json.dumps(found.made, indent=2) + "\n")
