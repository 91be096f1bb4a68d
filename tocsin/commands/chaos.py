"""`tocsin chaos`: faults on a whole Tocsin of its own, and the verdict on what it did."""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from tocsin.complaints import Complaint
from tocsin.terminal import between, draw, undraw, with_json

_MOST_SEEDS = 10**9
_MOST_FAULTS = 10_000


def add(commands: Any) -> None:
    """Adds the parser."""
    chaos = commands.add_parser("chaos", help="kill, stop, cut and restart a Tocsin of its own; prove what it did")
    chaos.add_argument("--schedules", type=between(1, 1_000_000), default=200, metavar="N", help="how many (200)")
    chaos.add_argument("--minutes", type=float, default=2.0, metavar="M", help="how long the faults last (2)")
    chaos.add_argument("--seed", type=between(1, _MOST_SEEDS), metavar="S", help="repeats a run's luck (a new one)")
    chaos.add_argument("--lease", type=float, default=3.0, metavar="SECONDS", help="the processes' lease (3)")
    chaos.add_argument(
        "--faults", metavar="NAMES", help="only these, comma-separated, NAME=COUNT for so many; or `none`"
    )
    chaos.add_argument("--broker", choices=("redis", "rabbitmq"), default="redis", help="what rings the bell (redis)")
    chaos.add_argument("--folder", type=Path, metavar="FOLDER", help="keep logs, the sinks' lines and the picture here")
    with_json(chaos)
    chaos.set_defaults(do=_chaos)


def _chaos(args: argparse.Namespace) -> int:
    try:
        from local import rabbitmq
        from proof.chaos.faults import FAULTS, left_out
        from proof.chaos.plan import Scale
        from proof.chaos.run import run
        from proof.chaos.world import Setup
    except ModuleNotFoundError as error:
        raise Complaint(f"`tocsin chaos` lacks {error.name}: install tocsin[demo]") from None
    if not 0.1 <= args.minutes <= 24 * 60 or not 0.5 <= args.lease <= 600:
        raise Complaint("--minutes takes 0.1 to 1440, --lease 0.5 to 600")
    if args.broker == "rabbitmq" and (missing := rabbitmq.lacks()):
        raise Complaint(f"--broker rabbitmq: {missing}")
    names = None if args.faults is None else _faults(args.faults, FAULTS)
    seed = args.seed or random.randrange(1, _MOST_SEEDS)
    delay = 500 if random.Random(seed).random() < 0.5 else 0
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
        if any(args.folder.iterdir()):
            raise Complaint(f"--folder takes an empty folder, and there is something in {args.folder}")
    setup = Setup(lease_seconds=args.lease, mail_delay_ms=delay, broker=args.broker)
    for why, without in left_out(setup).items():
        if wanted := [name for name in names or () if name in without]:
            raise Complaint(f"--faults: {wanted[0]} can't be done here: {why}")
    outcome = run(
        Scale(args.schedules, args.minutes * 60, seed),
        setup,
        names,
        args.folder,
        tell=_teller(args.minutes * 60),
    )
    if sys.stderr.isatty():
        undraw()
    print(json.dumps(outcome.as_json(), indent=2) if args.is_json else outcome.verdict.as_text())
    return 0 if outcome.is_sound else 1


def _teller(seconds: float) -> Callable[[str], None]:
    """Says a line on standard error; on a terminal above a bar of how much of the faults' time is over."""
    began = time.monotonic()

    def tell(line: str) -> None:
        if not sys.stderr.isatty():
            print(line, file=sys.stderr, flush=True)
            return
        undraw()
        print(line, file=sys.stderr)
        draw((time.monotonic() - began) / seconds, "of the faults' time")

    return tell


def _faults(text: str, known: Collection[str]) -> Collection[str] | Mapping[str, int]:
    """The faults that the option names, with counts where it counts them."""
    if text == "none":
        return ()
    found = dict(word.partition("=")[::2] for word in text.split(","))
    for name, count in found.items():
        if name not in known:
            raise Complaint(f"--faults: there is no {name}; it takes {', '.join(known)}")
        if count and not (count.isdecimal() and 0 < int(count) <= _MOST_FAULTS):
            raise Complaint(f"--faults: {name} is done 1 to {_MOST_FAULTS} times, and not {count}")
    if not any(found.values()):
        return found.keys()
    if not all(found.values()):
        raise Complaint("--faults: either each of them has a =COUNT, or none")
    return {name: int(count) for name, count in found.items()}
