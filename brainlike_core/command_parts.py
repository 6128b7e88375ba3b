"""What every command has: its parser's first options, progress on standard error, numbers as ranges."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from . import inventory
from .errors import ConfigError

MAX_NUMBERS = 10_000  # in one list of layers or subjects


def command(commands: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.set_defaults(command=function)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--cache", default="cache", metavar="FOLDER", help="the store (default: cache)")
    return parser


def data_folder(given: argparse.Namespace) -> str | None:
    return inventory.data_folder(given.data or os.environ.get("BRAINLIKE_DATA"))


class Watch:
    """Progress on standard error: one line per step."""

    def __init__(self, label: str) -> None:
        self.step = ""
        print(label, file=sys.stderr)

    def __call__(self, step: str, fraction: float) -> None:
        if step != self.step:
            self.step = step
            print(f"  {step} ...", file=sys.stderr)

    def end(self, seconds: float) -> None:
        print(f"  done in {seconds:.1f} s", file=sys.stderr)


def ranges(text: str, option: str) -> tuple[int, ...]:
    """'1-3,7' -> (1, 2, 3, 7); 'all' -> ()."""
    if text == "all":
        return ()
    try:
        parts = [_range(part) for part in text.split(",")]
    except ValueError:
        parts = []
    # Counted before they are written out: 0-99999999999 would fill the memory.
    if not all(parts) or not 0 < sum(part.stop - part.start for part in parts) <= MAX_NUMBERS:
        raise ConfigError(
            f"Invalid value for {option}",
            found=repr(text if len(text) <= 40 else text[:39] + "…"),
            needed=f"'all', or at most {MAX_NUMBERS} numbers such as 0-3,7",
            do=f"change {option}",
        )
    return tuple(number for part in parts for number in part)


def _range(text: str) -> range:
    """'1-3' -> range(1, 4)."""
    first, dash, last = text.partition("-")
    return range(int(first), int(last if dash else first) + 1)
