"""`resume`: how soon work goes on that a killed worker, a killed ticker or a lost Redis had, and what that burns."""

import argparse
from collections.abc import Callable

from proof.scenarios import kills, losses, outage
from proof.scenarios.report import Part

PARTS: dict[str, Callable[[argparse.Namespace], list[Part]]] = {
    "workers": kills.measure,
    "tickers": losses.tickers,
    "redis": losses.redis,
    "outage": outage.measure,
}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--only", help=f"these, comma-separated, out of {', '.join(PARTS)}")
    parser.add_argument("--lease", type=float, default=15.0, help="the lease in seconds (15)")
    parser.add_argument("--count", type=int, default=20, help="SIGKILLs of workers (20)")
    parser.add_argument("--every", type=float, default=8.0, help="seconds between two of them (8)")
    parser.add_argument("--work-seconds", type=float, default=2.0, help="how long the long runs take (2)")
    parser.add_argument("--baseline-seconds", type=float, default=20.0, help="what comes before the first loss (20)")
    # Slots are made twenty seconds ahead: by then none is left that a lost ticker had made.
    parser.add_argument("--away-seconds", type=float, default=25.0, help="how long a lost ticker stays away (25)")
    parser.add_argument("--tickers", type=int, default=4, help="SIGKILLs of tickers (4)")
    parser.add_argument("--losses", type=int, default=32, help="losses of Redis, every second one a restart (32)")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long Redis is down (10)")
    parser.add_argument("--rate", type=float, default=40.0, help="slots a second (40)")
    parser.add_argument("--seed", type=int, default=1)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> list[Part]:
    """Each part that is asked for."""
    parts = []
    for name in args.only.split(",") if args.only else PARTS:
        tell(name)
        for part in PARTS[name](args):
            parts.append(part)
            tell(part.as_text())
    return parts
