"""``python -m benchmarks [name ...]``: compare with named peers, print a table, write ``results.json``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

NAMES = ("dictionary", "encoding", "spins", "extraction", "ica", "viewer")
RESULTS = Path(__file__).parent / "results.json"
COLUMNS = ("row", "peer", "size", "ours", "peer's", "ratio (range)", "goal", "memory, ours / peer's")


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
        write([result])  # at once: a long script may be stopped
    return found


def write(found: list[dict], path: Path = RESULTS) -> None:
    """Put rows into the list of results, one line each; a row of the same peer and size is replaced."""
    known = json.loads(path.read_text()) if path.exists() else []
    rows = {(row["row"], row["peer"], row["size"]): row for row in [*known, *found]}
    lines = [json.dumps(_rounded(rows[key]), allow_nan=False) for key in sorted(rows)]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _rounded(row: dict) -> dict:
    """Four digits are more than a shared machine can repeat."""
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()}


def table(rows: list[dict]) -> str:
    """Results as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: dict) -> tuple[str, ...]:
    unit = "MB" if row["unit"] == "MB" else "s"
    memory = f"{row['ours_mb']:.0f} / {row['theirs_mb']:.0f} MB" if "ours_mb" in row else ""
    goal = f"{row['goal']} {'reached' if row['reached'] else 'missed'}" if row["goal"] else ""
    return (
        row["row"],
        row["peer"],
        row["size"],
        f"{row['ours']:.3g} {unit}",
        f"{row['theirs']:.3g} {unit}",
        f"{row['ratio']:.3g} ({row['ratio_low']:.3g}-{row['ratio_high']:.3g})",
        goal,
        memory,
    )


if __name__ == "__main__":
    sys.exit(main())
