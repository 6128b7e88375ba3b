"""``python -m benchmarks [name ...]``: compare with named peers, print a table, write results."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

NAMES = ("dictionary", "encoding", "spins", "extraction")
RESULTS = Path(__file__).parent / "results"
COLUMNS = ("what", "peer", "size", "ours", "peer's", "ratio (range)", "memory, ours / peer's")


def main(arguments: list[str] | None = None) -> int:
    """Run some or all comparisons; 0 done, 1 where two sides disagree."""
    chosen = _parse(arguments)
    # Before numpy, numba and torch are imported: they read these once.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(chosen.threads)
    os.environ["TQDM_DISABLE"] = "1"
    from .measure import DisagreementError

    rows = []
    for name in chosen.names or NAMES:
        try:
            found = _run(name)
        except DisagreementError as error:
            print(f"{name}: not timed, because the answers differ. {error}", file=sys.stderr)
            return 1
        _write(name, found)
        rows += found
    print("\n" + table(rows))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare with named peers.")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default 1)")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(NAMES))
    if unknown:
        parser.error(f"Unknown comparison: found {', '.join(unknown)}, needed {', '.join(NAMES)}.")
    return chosen


def _run(name: str) -> list[dict]:
    """Results of one file's comparisons; those whose peer is missing are named and left out."""
    from .measure import compare, here

    found = []
    for comparison in importlib.import_module(f"benchmarks.{name}").COMPARISONS:
        if not here(comparison):
            print(f"{comparison.package} is not installed; do: pip install -r requirements-bench.txt")
            continue
        print(f"{comparison.name} against {comparison.peer} ...", flush=True)
        result = compare(comparison)
        print(f"  checked: {result['agreement']}\n  {result['ratio']:.1f} times", flush=True)
        found.append(result)
    return found


def _write(name: str, found: list[dict]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")


def table(rows: list[dict]) -> str:
    """Results as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: dict) -> tuple[str, ...]:
    peer = row["peer"]
    ratio = f"{row['ratio']:.3g} ({row['ratio_low']:.3g}-{row['ratio_high']:.3g})"
    memory = f"{row['ours_mb']:.0f} / {row['theirs_mb']:.0f} MB" if "ours_mb" in row else ""
    return (
        row["name"],
        peer,
        row["size"],
        f"{row['ours_s']:.3g} s",
        f"{row['theirs_s']:.3g} s",
        ratio,
        memory,
    )


if __name__ == "__main__":
    sys.exit(main())
