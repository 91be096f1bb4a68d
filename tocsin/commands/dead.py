"""`tocsin dead`: dead letters, which wait for somebody to replay or discard them."""

import argparse
import contextlib
from typing import TYPE_CHECKING, Any

from tocsin.commands.runs import show_attempts
from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, run_id, tenant_id, who
from tocsin.terminal import (
    counted,
    is_refused,
    short,
    show_facts,
    show_json,
    show_row,
    show_table,
    with_json,
    with_limit,
    with_tenant,
    with_yes,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.pool import Connection
    from scheduler.dead import LetterFilter

_MOST_AT_ONCE = 10_000


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("dead", help="dead letters").add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the tenant's dead letters, newest first")
    _with_filters(listing)
    listing.add_argument("--state", choices=("open", "replayed", "discarded"), default="open", help="open")
    with_limit(listing)
    listing.set_defaults(do=_list)
    for name, words, do in (
        ("show", "one dead letter", _show),
        ("replay", "open its run again; what was done and delivered is not done twice", _replay),
        ("discard", "settle it without a replay", _discard),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.set_defaults(do=do)
        of_one = parser.add_mutually_exclusive_group(required=True) if name == "replay" else parser
        nargs = {"nargs": "?"} if name == "replay" else {}
        of_one.add_argument("letter", metavar="ID", help="of the dead letter, or of its run", **nargs)
        if name == "replay":
            of_one.add_argument("--all", action="store_true", help="all open ones, the newest 10,000 at once")
            _with_filters(parser, ", with --all")
            with_yes(parser)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _with_filters(parser: argparse.ArgumentParser, more: str = "") -> None:
    words = "of one schedule, by its id or its name, with what its runs made"
    parser.add_argument("--schedule", metavar="SCHEDULE", help=words + more)
    parser.add_argument("--parent", metavar="RUN", help="of what one run made, such as a crew's" + more)
    parser.add_argument("--kind", metavar="KIND", help="of one kind" + more)


def _wanted(args: argparse.Namespace, conn: "Connection", tenant: "UUID", state: str = "open") -> "LetterFilter":
    from scheduler import dead, schedules

    schedule = schedules.get(conn, tenant, args.schedule).id if args.schedule else None
    parent = run_id(args.parent) if args.parent else None
    return dead.LetterFilter(state=state, schedule_id=schedule, parent_run_id=parent, kind=args.kind)


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import dead

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        found = dead.list_all(conn, tenant, _wanted(args, conn, tenant, args.state), limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(letter) for letter in found])
    else:
        rows = [
            (
                each.id,
                each.schedule_name,
                each.item_key,
                each.kind,
                each.cause,
                each.attempts,
                each.created_at,
                short(each.error),
            )
            for each in found
        ]
        show_table(("ID", "SCHEDULE", "ITEM", "KIND", "CAUSE", "ATTEMPTS", "DIED", "ERROR"), rows, "no dead letters")
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

    if args.all:
        return _replay_all(args)
    for name in ("schedule", "parent", "kind"):
        if getattr(args, name) is not None:
            raise Complaint(f"--{name}: goes with --all, and not with one dead letter")
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        letter = dead.get(conn, tenant, run_id(args.letter))
        run = dead.replay(conn, tenant, letter.id, by=who())
        subject = ("dead_letter", letter.id)
        record(conn, tenant, "dead_letter.replayed", subject, {"state": letter.state}, {"runId": run.id})
    return show_row(args, run, f"the run {run.id} is open again")


def _replay_all(args: argparse.Namespace) -> int:
    """Reopens one run after the other, each in a transaction of its own: what was done stays if it is interrupted."""
    from db.pool import transaction
    from scheduler import dead
    from scheduler.refusals import WrongState

    opened_again = []
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        letters = dead.list_all(conn, tenant, _wanted(args, conn, tenant), limit=_MOST_AT_ONCE)
        if letters and is_refused(
            args, f"{len(letters)} runs are opened again, and tell whom they did not. Replay them?"
        ):
            return 1
        for letter in counted(letters, "dead letters"):
            # Somebody else may have settled it since it was listed.
            with contextlib.suppress(WrongState), transaction(conn):
                run = dead.replay(conn, tenant, letter.id, by=who())
                subject = ("dead_letter", letter.id)
                record(conn, tenant, "dead_letter.replayed", subject, {"state": letter.state}, {"runId": run.id})
                opened_again.append(run.id)
    if args.is_json:
        show_json({"runIds": opened_again, "hasMore": len(letters) == _MOST_AT_ONCE})
    else:
        print(f"{len(opened_again)} runs are open again")
    return 0


def _discard(args: argparse.Namespace) -> int:
    from scheduler import dead

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        letter = dead.discard(conn, tenant, run_id(args.letter), by=who())
        subject = ("dead_letter", letter.id)
        record(conn, tenant, "dead_letter.discarded", subject, {"state": "open"}, {"state": letter.state})
    return show_row(args, letter, f"the dead letter {letter.id} is discarded")
