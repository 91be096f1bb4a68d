"""`python -m bench [NAME…]`: runs the benches and prints what they found."""

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import plots
from bench.result import Options, Result, commit, machine, table
from tocsin.terminal import bar

BENCHES = (
    "claim",
    "tickers",
    "rows",
    "dead_rows",
    "ring",
    "herd",
    "flood",
    "fairness",
    "lag",
    "idle",
    "asked",
    "pages",
    "formats",
    "alerts",
    "reports",
    "exports",
    "crew",
    "tuning",
    "retention",
    "capacity",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benches named, all without a name; returns 0, or 1 when a figure misses its goal."""
    parser = argparse.ArgumentParser(prog="tocsin bench", description="What the engine does, beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"out of {', '.join(BENCHES)}; all without one")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--reps", type=int, default=3, help="repetitions, of which the median is told")
    parser.add_argument("--n", type=int, help="how much work, instead of what each bench proposes")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="also draw what was found, as SVG")
    chosen = parser.parse_args(argv)
    unknown = [name for name in chosen.names if name not in BENCHES]
    if unknown or chosen.reps < 1 or (chosen.n is not None and chosen.n < 1):
        parser.error(
            f"no bench {unknown[0]}; there are {', '.join(BENCHES)}" if unknown else "--reps and --n take 1 or more"
        )
    results, failed = _run(chosen.names or BENCHES, Options(chosen.reps, chosen.n))
    found = [result.as_json() for result in results]
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{machine()}; commit {commit() or 'unknown'}; medians of {chosen.reps}\n\n{table(results)}")
    if chosen.plots:
        plots.write(found, chosen.plots)
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed or any(result.is_met is False for result in results) else 0


def _run(names: Sequence[str], options: Options) -> tuple[list[Result], list[str]]:
    """What was found, and the benches that failed: hours of figures are not lost with one of them."""
    results: list[Result] = []
    failed: list[str] = []
    for place, name in enumerate(names):
        done = f"{bar(place / len(names))}  " if sys.stderr.isatty() else ""
        print(f"{done}{name} …", file=sys.stderr, flush=True)
        try:
            results += importlib.import_module(f"bench.{name}").run(options)
        except ModuleNotFoundError:
            # `tocsin bench` says what is to be installed.
            raise
        except Exception:  # noqa: BLE001  whatever it is, it is this bench's alone
            traceback.print_exc()
            failed.append(name)
    return results, failed


if __name__ == "__main__":
    raise SystemExit(main())
