"""`tocsin schedules`: what fires, when, and everything that is done to it."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, retention_days, seal, tenant_id, who
from tocsin.terminal import between, show_facts, show_json, show_table, with_json, with_limit, with_tenant

if TYPE_CHECKING:
    from datetime import datetime

    from db.pool import Connection
    from scheduler.definition import Schedule

# Options of `create` that go into the body under another name.
_FIELDS = {
    "kind": "jobType",
    "name": "name",
    "cron": "cronExpression",
    "every": "intervalSeconds",
    "at": "scheduledAt",
    "tz": "timezone",
    "gap": "dstGap",
    "fold": "dstFold",
    "starts_at": "startsAt",
    "ends_at": "endsAt",
    "max_runs": "maxRuns",
    "misfire": "misfirePolicy",
    "grace": "misfireGraceSeconds",
    "overlap": "overlapPolicy",
    "jitter": "jitterSeconds",
    "max_attempts": "maxAttempts",
    "timeout": "timeoutSeconds",
    "queue": "queue",
    "tag": "tags",
    "deliver_within": "deliverWithinSeconds",
}


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("schedules", help="schedules").add_subparsers(metavar="VERB", required=True)
    _add_create(verbs)
    listing = verbs.add_parser("list", help="the tenant's schedules, newest first")
    listing.add_argument("--kind", metavar="KIND")
    listing.add_argument("--status", choices=("active", "paused", "completed", "failed", "cancelled"))
    listing.add_argument(
        "--overdue", action="store_true", help="which did not deliver in time, or are due and not planned"
    )
    with_limit(listing)
    listing.set_defaults(do=_list)
    for name, words, do in (
        ("show", "one schedule", _show),
        ("pause", "plan nothing until it is resumed", _pause),
        ("resume", "plan on from now; what passed meanwhile never fires", _resume),
        ("cancel", "end it for good, and its open runs with it", _cancel),
        ("run", "run it once, now, beside its slots", _run),
        ("backfill", "make the runs of past slots that have none", _backfill),
        ("next", "when it fires next", _next),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.add_argument("schedule", metavar="SCHEDULE", help="its id or its name")
        parser.set_defaults(do=do)
        if name == "pause":
            parser.add_argument("--note", metavar="TEXT", help="why; it is shown while the schedule is paused")
        if name == "next":
            parser.add_argument("--count", type=between(1, 1000), default=5, metavar="N", help="so many (5)")
        if name == "backfill":
            parser.add_argument("--from", dest="first", required=True, metavar="TIME", help="the first time, included")
            parser.add_argument("--to", dest="last", required=True, metavar="TIME", help="the last time, included")
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _add_create(verbs: Any) -> None:
    create = verbs.add_parser("create", help="make a schedule")
    create.add_argument("kind", metavar="KIND", help="such as http.call")
    create.add_argument("--name", metavar="NAME", help="unique for the tenant (the kind and a part of the id)")
    when = create.add_mutually_exclusive_group(required=True)
    when.add_argument("--cron", metavar="EXPR", help="five fields, six with seconds first, or @daily and the like")
    when.add_argument("--every", type=int, metavar="SECONDS", help="an interval, counted from now")
    when.add_argument("--recurrence", metavar="JSON", help='such as {"every": "month", "days": ["last business day"]}')
    when.add_argument("--at", metavar="TIME", help="once, such as 2026-03-29T01:00:00Z; fires at once when it is past")
    create.add_argument("--tz", metavar="ZONE", help="an IANA name such as Europe/Paris (the tenant's own, UTC)")
    create.add_argument("--params", metavar="JSON|@FILE", help="what the kind takes: JSON, or @ and a file with it")
    create.add_argument("--max-runs", type=int, metavar="N", help="end after so many planned slots")
    create.add_argument("--misfire", metavar="POLICY", help="slots that are late: once|all|skip (once)")
    create.add_argument("--overlap", metavar="POLICY", help="an earlier run is open: skip|queue|allow|cancel_running")
    create.add_argument("--gap", metavar="POLICY", help="a time that the clock skips: end|skip|shift (end)")
    create.add_argument("--fold", metavar="POLICY", help="a time that comes twice: first|second|both (first)")
    create.add_argument("--starts-at", metavar="TIME", help="no slot before it")
    create.add_argument("--ends-at", metavar="TIME", help="no slot after it")
    create.add_argument("--grace", type=int, metavar="SECONDS", help="how late a slot may be and still fire (60)")
    create.add_argument("--jitter", type=int, metavar="SECONDS", help="spread the start over so many seconds (0)")
    create.add_argument("--max-attempts", type=int, metavar="N", help="attempts before a run is dead (5)")
    create.add_argument("--timeout", type=int, metavar="SECONDS", help="how long an attempt may take (the kind's)")
    create.add_argument("--queue", metavar="QUEUE", help="alerts|reports|ai|calls|default (the kind's)")
    create.add_argument("--tag", action="append", metavar="TAG", help="may be given several times")
    create.add_argument(
        "--deliver-within",
        type=int,
        metavar="SECONDS",
        help="tell the owner when a slot is not delivered so long after it is due",
    )
    create.add_argument(
        "--calendar", metavar="CALENDAR", help="the id or the name of the calendar on whose days it does not fire"
    )
    create.set_defaults(do=_create)


def _create(args: argparse.Namespace) -> int:
    from api import calendars, crew_default
    from api.definitions import create_schedule, read_schedule
    from config.environ import read
    from workers.kinds import load

    given = {field: getattr(args, option) for option, field in _FIELDS.items()}
    body = {field: value for field, value in given.items() if value is not None}
    body["jobPayload"] = _json("params", args.params, {})
    if args.recurrence is not None:
        body["recurrence"] = _json("recurrence", args.recurrence, None)
    kinds = load(read(("TOCSIN_KINDS",))["TOCSIN_KINDS"])
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        if args.calendar is not None:
            body["calendarId"] = str(calendars.named(conn, tenant, args.calendar).id)
        row = create_schedule(
            conn,
            tenant,
            read_schedule(body),
            kinds=kinds,
            seal=seal(),
            retention_days=retention_days(),
            created_by=who(),
            crew_url=crew_default.url_of_setting(),
        )
        _record(conn, "created", None, row)
    return _show_one(args, row, "made")


def _json(name: str, text: str | None, default: Any) -> Any:
    """The JSON that the option gives, or the file after its @. Raises Complaint."""
    if text is None:
        return default
    try:
        return json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except OSError as error:
        raise Complaint(f"{name}: cannot read {text[1:]}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(f"{name}: takes a JSON object, but this is not JSON: {error}") from None


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        wanted = schedules.ScheduleFilter(kind=args.kind, status=args.status, is_overdue=args.overdue)
        found = schedules.list_all(conn, tenant, wanted, limit=args.limit)
    if args.is_json:
        show_json([shapes.schedule(row) for row in found])
    else:
        rows = [
            (row.id, row.name, row.kind, _when(row), row.status, row.next_fire_at, row.last_run_at) for row in found
        ]
        show_table(
            ("ID", "NAME", "KIND", "WHEN", "STATUS", "NEXT", "LAST SUCCESS"),
            rows,
            "none is overdue" if args.overdue else "no schedules yet",
        )
    return 0


def _show(args: argparse.Namespace) -> int:
    from scheduler import schedules

    with opened() as conn:
        row = schedules.get(conn, tenant_id(conn, args.tenant), args.schedule)
    return _show_one(args, row, "")


def _pause(args: argparse.Namespace) -> int:
    from scheduler import schedules

    with changing() as conn:
        before = schedules.get(conn, tenant_id(conn, args.tenant), args.schedule)
        row = schedules.pause(conn, before.tenant_id, before.id, args.note)
        _record(conn, "paused", before, row)
    return _show_one(args, row, "paused")


def _resume(args: argparse.Namespace) -> int:
    from scheduler import schedules

    with changing() as conn:
        before = schedules.get(conn, tenant_id(conn, args.tenant), args.schedule)
        row = schedules.resume(conn, before.tenant_id, before.id)
        _record(conn, "resumed", before, row)
    return _show_one(args, row, "resumed")


def _cancel(args: argparse.Namespace) -> int:
    from scheduler import schedules

    with changing() as conn:
        before = schedules.get(conn, tenant_id(conn, args.tenant), args.schedule)
        row = schedules.cancel(conn, before.tenant_id, before.id)
        _record(conn, "cancelled", before, row)
    return _show_one(args, row, "cancelled")


def _run(args: argparse.Namespace) -> int:
    from scheduler import asked, schedules

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = schedules.get(conn, tenant, args.schedule)
        run = asked.run_now(conn, tenant, row.id, triggered_by=who())
        record(conn, tenant, "schedule.run", ("schedule", row.id), None, {"runIds": [run]})
    return _show_runs(args, [run])


def _backfill(args: argparse.Namespace) -> int:
    from scheduler import asked, schedules

    first, last = _time("--from", args.first), _time("--to", args.last)
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = schedules.get(conn, tenant, args.schedule)
        made = asked.backfill(
            conn,
            tenant,
            row.id,
            first,
            last,
            retention_days=retention_days(),
            triggered_by=who(),
        )
        after = {"from": first, "to": last, "runIds": made}
        record(conn, tenant, "schedule.backfilled", ("schedule", row.id), None, after)
    return _show_runs(args, made)


def _next(args: argparse.Namespace) -> int:
    from api import reasons, shapes
    from scheduler import schedules

    with opened() as conn:
        row = schedules.get(conn, tenant_id(conn, args.tenant), args.schedule)
        found = schedules.preview(conn, row.tenant_id, row.id, args.count)
    if args.is_json:
        show_json(shapes.slots(found))
    else:
        print(reasons.in_words(row))
        rows = [(slot.at, slot.local, slot.dst) for slot in found]
        show_table(("AT", "LOCAL", "DST"), rows, "it does not fire any more")
    return 0


def _show_one(args: argparse.Namespace, row: "Schedule", what: str) -> int:
    from api import shapes

    shown = shapes.schedule(row)
    if args.is_json:
        show_json(shown)
    elif what:
        following = f"; next {shown['nextRunAt']:%Y-%m-%dT%H:%M:%SZ}" if shown["nextRunAt"] else ""
        print(f"{what} {row.name} ({row.id}){following}")
    else:
        show_facts(shown)
    return 0


def _show_runs(args: argparse.Namespace, made: "list[Any]") -> int:
    if args.is_json:
        show_json({"runIds": made})
    else:
        print("\n".join(f"made the run {run}" for run in made) or "no run made: every slot of the span has its row")
    return 0


def _record(conn: "Connection", what: str, before: "Schedule | None", after: "Schedule") -> None:
    from api.shapes import schedule

    past = before and schedule(before)
    record(conn, after.tenant_id, f"schedule.{what}", ("schedule", after.id), past, schedule(after))


def _when(row: "Schedule") -> str:
    if row.cron is not None:
        return f"{row.cron} {row.timezone}"
    if row.recurrence is not None:
        from scheduler.pattern_words import explain_pattern

        return explain_pattern(row.recurrence, row.timezone)
    return f"every {row.interval_seconds} s" if row.interval_seconds is not None else "once"


def _time(option: str, text: str) -> "datetime":
    from api.definitions import read_time

    try:
        return read_time(text)
    except ValueError as error:
        raise Complaint(f"{option}: {error}") from None
