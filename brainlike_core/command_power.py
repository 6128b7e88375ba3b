"""The command that says how often a claim would be supported with so much data."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from . import inventory
from .command_parts import Watch, command
from .config import PowerConfig
from .figures import power
from .values import Power, PowerTable


def add_power(commands: Any) -> None:
    """Add ``power``."""
    plain, what = PowerConfig(), "how often a claim would be supported with so much data"
    add = command(commands, "power", what, _power).add_argument
    add("--subjects", type=int, required=True, metavar="N", help="listeners")
    add("--minutes", type=float, required=True, metavar="M", help="of story")
    add("--tr", type=float, default=plain.tr, metavar="S", help=f"default {plain.tr}")
    add("--simulate", action="store_true", help="simulate this very design, not the table")
    add("--repeats", type=int, default=plain.n_repeats, help=f"worlds (default {plain.n_repeats})")
    add("--seed", type=int, default=plain.seed)


def _power(given: argparse.Namespace) -> None:
    config = PowerConfig(
        n_subjects=(given.subjects,),
        minutes=(given.minutes,),
        tr=given.tr,
        n_repeats=given.repeats,
        n_link_repeats=-(-given.repeats // 4),
        seed=given.seed,
    )
    table = inventory.power_table()
    if given.simulate:
        from .science.power import power_table

        table = replace(table, table=power_table(config, _tenths()))
    rows = table.design(given.subjects, given.minutes)
    if not given.json:
        print("\n".join(power.answer(table, rows, given.tr, given.simulate)))
        return
    claims = [asdict(row) | {"minutes_for_80": _minutes(table, row, given.simulate)} for row in rows]
    design = {"n_subjects": given.subjects, "minutes": given.minutes, "tr": given.tr}
    print(json.dumps({"power": design | {"simulated": given.simulate, "claims": claims}}, allow_nan=False))


def _minutes(table: PowerTable, row: Power, simulated: bool) -> float | None:
    return None if simulated else table.minutes_for(row.claim, row.n_subjects, row.effect)


def _tenths() -> Callable[[float], None]:
    """Progress on standard error, one line for each tenth."""
    watch = Watch("simulating")
    return lambda fraction: watch(f"{10 * int(10 * fraction)} %", fraction)
