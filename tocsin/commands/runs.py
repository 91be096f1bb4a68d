"""`tocsin runs`: what was done, and what is being done."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tocsin.installation import changing, opened, record, run_id, tenant_id, who
from tocsin.terminal import (
    bar,
    cell,
    short,
    show_facts,
    show_json,
    show_row,
    show_table,
    with_json,
    with_limit,
    with_tenant,
)

if TYPE_CHECKING:
    from db.pool import Connection
    from scheduler.runs import Attempt, History, Run

STATES = ("pending", "queued", "running", "succeeded", "dead", "cancelled", "skipped")
_LEFT = frozenset({"cancelled", "skipped"})
_OVER = frozenset({"succeeded", "dead", "cancelled", "skipped"})
_BETWEEN_LOOKS = 0.5
_END = {True: "", False: "\n"}


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("runs", help="runs").add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the tenant's runs, newest slot first")
    listing.add_argument("--schedule", metavar="SCHEDULE", help="of one schedule, by its id or its name")
    listing.add_argument("--state", choices=STATES)
    with_limit(listing)
    listing.set_defaults(do=_list)
    for name, words, do in (
        ("show", "one run with its attempts, steps, log, deliveries and files", _show),
        ("cancel", "end an open run, or ask its worker to", _cancel),
        ("retry", "open a dead run again", _retry),
        ("watch", "follow a run to its end; exit status 0 when it succeeded", _watch),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.add_argument("run", metavar="RUN", help="its id")
        parser.set_defaults(do=do)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import runs, schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        schedule = schedules.get(conn, tenant, args.schedule).id if args.schedule else None
        wanted = runs.RunFilter(schedule_id=schedule, state=args.state)
        found = runs.list_all(conn, tenant, wanted, limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(run) for run in found])
    else:
        rows = [
            (run.id, run.schedule_name, run.slot_at, run.origin, run.state, run.attempt, short(_why(run)))
            for run in found
        ]
        show_table(("ID", "SCHEDULE", "SLOT", "ORIGIN", "STATE", "ATTEMPT", "WHY"), rows, "no runs")
    return 0


def _why(run: "Run") -> str | None:
    """Why the run is in its state; what was cancelled or skipped is so by its reason, whatever an attempt met before."""
    return (run.reason or run.error) if run.state in _LEFT else (run.error or run.reason)


def _show(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import runs

    with opened() as conn:
        found = runs.show(conn, tenant_id(conn, args.tenant), run_id(args.run))
    if args.is_json:
        rest = {name: value for name, value in shapes.plain(found).items() if name != "run"}
        show_json(shapes.plain(found.run) | rest)
    else:
        _show_history(found)
    return 0


def show_attempts(attempts: "list[Attempt]") -> None:
    """Prints the attempts of a run that ended, with their tracebacks."""
    for attempt in attempts:
        print(f"\nattempt {attempt.attempt}: {attempt.outcome} at {cell(attempt.finished_at)}  {attempt.error or ''}")
        if attempt.traceback:
            print(attempt.traceback.rstrip())


def _show_history(found: "History") -> None:
    from api import shapes

    show_facts(shapes.plain(found.run))
    show_attempts(found.attempts)
    for step in found.steps:
        print(f"\nstep {step.name}: {cell(step.result)}")
    for line in found.logs:
        print(f"{cell(line.created_at)}  {line.message}  {cell(line.fields) if line.fields else ''}".rstrip())
    if found.deliveries:
        print()
        rows = [
            (each.id, each.channel, each.recipient, each.state, each.attempts, short(each.error))
            for each in found.deliveries
        ]
        show_table(("DELIVERY", "CHANNEL", "RECIPIENT", "STATE", "ATTEMPTS", "WHY"), rows, "")
    if found.artifacts:
        print()
        files = [(each.id, each.name, each.size_bytes, each.record_count) for each in found.artifacts]
        show_table(("FILE", "NAME", "BYTES", "ROWS"), files, "")
    for letter in found.dead_letters:
        print(f"\ndead letter {letter.id}: {letter.cause} at {cell(letter.created_at)}, {letter.state}")


def _cancel(args: argparse.Namespace) -> int:
    from scheduler import runs

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        before = runs.get(conn, tenant, run_id(args.run))
        run = runs.cancel(conn, tenant, before.id)
        _record(conn, tenant, "cancelled", before, run)
    became = "asked to stop" if run.state == "running" else run.state
    return show_row(args, run, f"the run {run.id} is {became}")


def _retry(args: argparse.Namespace) -> int:
    from scheduler import runs

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        before = runs.get(conn, tenant, run_id(args.run))
        run = runs.retry(conn, tenant, before.id, by=who())
        _record(conn, tenant, "retried", before, run)
    return show_row(args, run, f"the run {run.id} is open again")


def _record(conn: "Connection", tenant: UUID, what: str, before: "Run", after: "Run") -> None:
    from api.shapes import moved_run

    record(conn, tenant, f"run.{what}", ("run", after.id), moved_run(before), moved_run(after))


def _watch(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import runs

    seen = ""
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        while True:
            run = runs.get(conn, tenant, run_id(args.run))
            line = _watched(run, has_bar=sys.stdout.isatty())
            if line != seen and not args.is_json:
                # On a terminal one line that is written over, in a pipe a line for each change.
                print(f"\r\x1b[K{line}" if sys.stdout.isatty() else line, end=_END[sys.stdout.isatty()], flush=True)
            seen = line
            if run.state in _OVER:
                break
            time.sleep(_BETWEEN_LOOKS)
    if args.is_json:
        show_json(shapes.plain(run))
    elif sys.stdout.isatty():
        print()
    return 0 if run.state == "succeeded" else 1


def _watched(run: "Run", *, has_bar: bool) -> str:
    """A run on one line: its state, its attempt, and how far it says it is."""
    words = [run.state, f"attempt {run.attempt}"]
    if run.progress:
        fraction = float(run.progress["fraction"])
        words.append(bar(fraction) if has_bar else f"{fraction:.0%}")
        # The note is a kind's own text, perhaps a customer's: nothing in it may steer the terminal.
        words.append("".join(each for each in short(run.progress["note"]) if each.isprintable()))
    return "  ".join(words).rstrip()
