"""`tocsin import`: the schedules of cron and of Celery beat, made here; what they ran is never run."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import changing, tenant_id
from tocsin.terminal import show_json, show_table, with_json, with_tenant

if TYPE_CHECKING:
    from uuid import UUID

    from db.pool import Connection
    from tocsin.imports.found import Found
    from tocsin.imports.make import Became, Target


class _Planned(Exception):
    """Ends the transaction of a plan, so that nothing of it stays."""


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("import", help="schedules of other systems").add_subparsers(
        metavar="FROM", required=True
    )
    crontab = verbs.add_parser("crontab", help="of a crontab, as `crontab -l` prints it")
    crontab.add_argument("file", metavar="FILE", help="- is standard input")
    crontab.add_argument("--system", action="store_true", help="a user stands before each command, as in /etc/crontab")
    crontab.set_defaults(do=_crontab)
    beat = verbs.add_parser("celery-beat", help="of a beat_schedule, or of django-celery-beat")
    beat.add_argument("file", metavar="FILE", nargs="?", help="FILE.py with a beat_schedule, or FILE.json of dumpdata")
    beat.add_argument("--database", metavar="URL", help="postgresql:// or sqlite:/// of django-celery-beat's tables")
    beat.set_defaults(do=_beat)
    for parser in (crontab, beat):
        parser.add_argument("--tz", metavar="ZONE", help="the zone it fires in, where it names none")
        parser.add_argument("--url", metavar="URL", help="http.call calls it; {name} and {task} in it are filled in")
        parser.add_argument(
            "--params", metavar="JSON|@FILE", default="{}", help="more params of http.call, such as secret"
        )
        parser.add_argument(
            "--kind-of",
            metavar="JSON|@FILE",
            default="{}",
            help='{"pattern": {"kind": K, "params": {}}}, first match wins',
        )
        parser.add_argument("--plan", action="store_true", help="say what would be made, and make nothing")
        with_tenant(parser)
        with_json(parser)


def _crontab(args: argparse.Namespace) -> int:
    from tocsin.imports import crontab

    has_users = args.system or Path(args.file) == Path("/etc/crontab") or Path(args.file).parent == Path("/etc/cron.d")
    return _import(args, crontab.read(_text(args.file), args.tz, has_users=has_users), "crontab")


def _beat(args: argparse.Namespace) -> int:
    from tocsin.imports import beat_source, beat_tables

    if (args.file is None) == (args.database is None):
        raise Complaint("takes either FILE.py, FILE.json or --database URL")
    if args.database is not None:
        found = beat_tables.read_database(args.database)
    elif args.file.endswith(".json"):
        found = beat_tables.read_dump(_text(args.file))
    else:
        try:
            found = beat_source.read(_text(args.file), args.tz)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Complaint(f"{args.file} is no Python: {error}") from None
        if not found:
            raise Complaint(f"{args.file} has no beat_schedule")
    return _import(args, found, "celery-beat")


def _text(file: str) -> str:
    try:
        return sys.stdin.buffer.read().decode() if file == "-" else Path(file).read_text("utf-8")
    except OSError as error:
        raise Complaint(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Complaint(f"cannot read {file}: it is no text in UTF-8") from None


def _import(args: argparse.Namespace, found: "Sequence[Found]", origin: str) -> int:
    from config.environ import read
    from tocsin.imports.make import make_all
    from workers.kinds import load

    target = _target(args)
    kinds = load(read(("TOCSIN_KINDS",))["TOCSIN_KINDS"])
    became: list[Became] = []
    notes: list[str] = []
    try:
        with changing() as conn:
            tenant = tenant_id(conn, args.tenant)
            became += make_all(conn, tenant, found, target, origin, kinds)
            notes += _notes(conn, tenant, became)
            _end(is_plan=args.plan)
    except _Planned:
        pass
    if args.is_json:
        show_json({"plan": args.plan, "notes": notes, "items": [_shown(each, is_plan=args.plan) for each in became]})
    else:
        _show(became, is_plan=args.plan)
        for note in notes:
            print(note)
    return 1 if became and all(each.what == "left" for each in became) else 0


def _notes(conn: "Connection", tenant: "UUID", became: "Sequence[Became]") -> list[str]:
    """What is to be known of the import as a whole."""
    from api import tenant_rules

    without = sum("cronExpression" in each.body and "timezone" not in each.body for each in became)
    if not without:
        return []
    zone = tenant_rules.default_timezone(conn, tenant)
    return [
        f"no zone is said for {without} of them, so they fire in the tenant's, {zone}: --tz or CRON_TZ says another"
    ]


def _end(*, is_plan: bool) -> None:
    if is_plan:
        raise _Planned


def _target(args: argparse.Namespace) -> "Target":
    from tocsin.bodies import given
    from tocsin.imports.make import Target

    kinds = given(args.kind_of)
    for pattern, row in kinds.items():
        if not isinstance(row, dict) or not isinstance(row.get("kind"), str) or set(row) - {"kind", "params", "args"}:
            raise Complaint(f'--kind-of: {pattern!r} takes {{"kind": K, "params": {{…}}, "args": ["name", …]}}')
        if not isinstance(row.get("params", {}), dict) or not isinstance(row.get("args", []), list):
            raise Complaint(f"--kind-of: {pattern!r}: params is an object, args a list of names")
    return Target(args.url, given(args.params), kinds)


def _shown(each: "Became", *, is_plan: bool) -> dict[str, Any]:
    entry, row = each.entry, each.schedule
    return {
        "name": entry.name,
        "place": entry.place,
        "task": entry.task,
        "became": each.what,
        "why": each.why or None,
        "notes": list(entry.notes),
        "scheduleId": None if row is None or (is_plan and each.what == "made") else row.id,
        "body": {name: value for name, value in each.body.items() if name != "jobPayload"} or None,
        "isPaused": entry.is_paused,
        "nextRunAt": None if row is None else row.next_fire_at,
    }


def _show(became: "Sequence[Became]", *, is_plan: bool) -> None:
    words = {"made": "would be made" if is_plan else "made", "there": "there", "left": "left out"}
    rows = [
        (words[each.what], each.entry.name, _when(each), "; ".join(filter(None, (each.why, *each.entry.notes))))
        for each in became
    ]
    show_table(
        ("", "NAME", "WHEN", "TO KNOW"), [tuple(cell or "" for cell in row) for row in rows], "nothing to import"
    )
    if became:
        counts = Counter(each.what for each in became)
        print("\n" + ", ".join(f"{counts[what]} {word}" for what, word in words.items()))


def _when(each: "Became") -> str:
    body = each.body
    if "cronExpression" in body:
        return f"{body['cronExpression']} {body.get('timezone', '')}".strip()
    return f"every {body['intervalSeconds']} s" if "intervalSeconds" in body else str(body.get("scheduledAt", ""))
