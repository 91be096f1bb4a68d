"""`tocsin migrate | ticker | worker | api | up | demo`: what runs, and what makes it run here."""

import argparse
import importlib
from typing import Any

from tocsin.complaints import Complaint
from tocsin.terminal import counted, show_json, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    migrate = commands.add_parser("migrate", help="bring the database's schema forward")
    with_json(migrate)
    migrate.set_defaults(do=_migrate)
    ticker = commands.add_parser("ticker", help="turn due schedules into runs, until SIGTERM")
    ticker.set_defaults(do=_ticker)
    worker = commands.add_parser("worker", help="run what is due and deliver what it tells, until SIGTERM")
    worker.add_argument("--grace", type=_seconds, default=25.0, metavar="SECONDS", help="how long a stop may take (25)")
    worker.set_defaults(do=_worker)
    api = commands.add_parser("api", help="serve the web, until SIGTERM")
    api.add_argument("--openapi", action="store_true", help="print the OpenAPI document and end")
    api.set_defaults(do=_api)
    up = commands.add_parser("up", help="a whole Tocsin on this machine, until Ctrl-C")
    up.add_argument("--folder", metavar="PATH", help="where its data, mails and logs are kept (.run of the checkout)")
    up.set_defaults(do=_up)
    demo = commands.add_parser("demo", help="one schedule of every kind, from a due row to its delivery, here and now")
    with_json(demo)
    demo.set_defaults(do=_demo)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"takes a number of seconds from 0 to 3600, got {text!r}")
    return value


def _migrate(args: argparse.Namespace) -> int:
    from config import honcho
    from db.migrate import build_walls, migrate
    from db.pool import Database

    database = Database.from_environ()
    applied = migrate(database, lambda known: counted(known, "migrations"))
    walled = build_walls(database)
    if args.is_json:
        show_json({"applied": applied, "walled": walled})
        return 0
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply: the schema is up to date")
    if walled:
        print(f"put {len(walled)} tables behind the second wall; a web process takes it from its next start on")
    if honcho.is_release():
        print("the release is done, and stays: honcho ends every process when one ends", flush=True)
        honcho.stay()
    return 0


def _ticker(_args: argparse.Namespace) -> int:
    from scheduler.__main__ import main

    return main()


def _worker(args: argparse.Namespace) -> int:
    from workers.main import main

    return main(args.grace)


def _api(args: argparse.Namespace) -> int:
    if args.openapi:
        from api.app import openapi

        show_json(openapi())
        return 0
    from api.serving import main

    return main()


def _up(args: argparse.Namespace) -> int:
    return _local("up", ["--folder", args.folder] if args.folder else [])


def _demo(args: argparse.Namespace) -> int:
    return _local("demo", ["--json"] if args.is_json else [])


def _local(name: str, argv: list[str]) -> int:
    """Runs local.NAME, whose servers come with the extra `demo`."""
    try:
        module = importlib.import_module(f"local.{name}")
    except ModuleNotFoundError as error:
        raise Complaint(f"`tocsin {name}` lacks {error.name}: install tocsin[demo], or use `make {name}`") from None
    status: int = module.main(argv)
    return status
