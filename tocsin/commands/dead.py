"""`tocsin dead`: dead letters, which wait for somebody to replay or discard them."""

import argparse
from typing import Any

from tocsin.commands.runs import show_attempts
from tocsin.installation import changing, opened, record, run_id, tenant_id, who
from tocsin.terminal import short, show_facts, show_json, show_row, show_table, with_json, with_limit, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("dead", help="dead letters").add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the tenant's dead letters, newest first")
    listing.add_argument("--schedule", metavar="SCHEDULE", help="of one schedule, by its id or its name")
    listing.add_argument("--state", choices=("open", "replayed", "discarded"), default="open", help="open")
    with_limit(listing)
    listing.set_defaults(do=_list)
    for name, words, do in (
        ("show", "one dead letter", _show),
        ("replay", "open its run again; what was done and delivered is not done twice", _replay),
        ("discard", "settle it without a replay", _discard),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.add_argument("letter", metavar="ID", help="of the dead letter, or of its run")
        parser.set_defaults(do=do)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import dead, schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        schedule = schedules.get(conn, tenant, args.schedule).id if args.schedule else None
        wanted = dead.LetterFilter(state=args.state, schedule_id=schedule)
        found = dead.list_all(conn, tenant, wanted, limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(letter) for letter in found])
    else:
        rows = [
            (each.id, each.schedule_name, each.kind, each.cause, each.attempts, each.created_at, short(each.error))
            for each in found
        ]
        show_table(("ID", "SCHEDULE", "KIND", "CAUSE", "ATTEMPTS", "DIED", "ERROR"), rows, "no dead letters")
    return 0


def _show(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import dead, runs

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        letter = dead.get(conn, tenant, run_id(args.letter))
        attempts = runs.show(conn, tenant, letter.run_id).attempts
    if args.is_json:
        show_json(shapes.plain(letter) | {"attempts": [shapes.plain(attempt) for attempt in attempts]})
        return 0
    show_facts(shapes.plain(letter))
    show_attempts(attempts)
    return 0


def _replay(args: argparse.Namespace) -> int:
    from scheduler import dead

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        letter = dead.get(conn, tenant, run_id(args.letter))
        run = dead.replay(conn, tenant, letter.id, by=who())
        subject = ("dead_letter", letter.id)
        record(conn, tenant, "dead_letter.replayed", subject, {"state": letter.state}, {"runId": run.id})
    return show_row(args, run, f"the run {run.id} is open again")


def _discard(args: argparse.Namespace) -> int:
    from scheduler import dead

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        letter = dead.discard(conn, tenant, run_id(args.letter), by=who())
        subject = ("dead_letter", letter.id)
        record(conn, tenant, "dead_letter.discarded", subject, {"state": "open"}, {"state": letter.state})
    return show_row(args, letter, f"the dead letter {letter.id} is discarded")
