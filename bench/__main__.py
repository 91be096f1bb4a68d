"""`python -m bench [NAME…]`: runs the benches and prints what they found."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence

from bench.result import Options, Result, commit, machine, table

BENCHES = ("claim", "ring", "burst", "lag", "idle")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benches named, all without a name; returns 0, or 1 when a figure misses its goal."""
    parser = argparse.ArgumentParser(prog="tocsin bench", description="What the engine does, beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"out of {', '.join(BENCHES)}; all without one")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--reps", type=int, default=3, help="repetitions, of which the median is told")
    parser.add_argument("--n", type=int, help="how much work, instead of what each bench proposes")
    chosen = parser.parse_args(argv)
    unknown = [name for name in chosen.names if name not in BENCHES]
    if unknown or chosen.reps < 1 or (chosen.n is not None and chosen.n < 1):
        parser.error(
            f"no bench {unknown[0]}; there are {', '.join(BENCHES)}" if unknown else "--reps and --n take 1 or more"
        )
    results: list[Result] = []
    for name in chosen.names or BENCHES:
        print(f"{name} …", file=sys.stderr, flush=True)
        results += importlib.import_module(f"bench.{name}").run(Options(chosen.reps, chosen.n))
    if chosen.json:
        print(json.dumps([result.as_json() for result in results], indent=2))
    else:
        print(f"{machine()}; commit {commit() or 'unknown'}; medians of {chosen.reps}\n\n{table(results)}")
    return 1 if any(result.is_met is False for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
