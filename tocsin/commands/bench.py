"""`tocsin bench`: what the engine does a second, beside its peers."""

import argparse
from typing import Any

from tocsin.complaints import Complaint
from tocsin.terminal import between, with_json


def add(commands: Any) -> None:
    """Adds the parser."""
    bench = commands.add_parser("bench", help="measure this Tocsin beside its peers, on servers of its own")
    bench.add_argument("names", nargs="*", metavar="NAME", help="which benches (all)")
    bench.add_argument("--reps", type=between(1, 100), metavar="N", help="repetitions of each")
    bench.add_argument("--n", type=between(1, 10_000_000), metavar="N", help="size of each")
    bench.add_argument("--plots", metavar="FOLDER", help="also draw what was found, as SVG")
    with_json(bench)
    bench.set_defaults(do=_bench)


def _bench(args: argparse.Namespace) -> int:
    try:
        from bench.__main__ import main
    except ModuleNotFoundError as error:
        raise Complaint(f"`tocsin bench` lacks {error.name}: use `make bench`") from None
    argv = list(args.names) + (["--json"] if args.is_json else [])
    for name in ("reps", "n", "plots"):
        if getattr(args, name) is not None:
            argv += [f"--{name}", str(getattr(args, name))]
    return main(argv)
