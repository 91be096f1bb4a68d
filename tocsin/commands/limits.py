"""`tocsin limits`: how many runs are out at once and a minute, of a tenant, a source or a host."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import show_json, show_row, show_table, with_json, with_tenant

if TYPE_CHECKING:
    from uuid import UUID

    from api.run_limits import Limit
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser(
        "limits", help="how many runs are out at once and a minute: of a tenant, a source, a host"
    ).add_subparsers(metavar="VERB", required=True)
    setting = verbs.add_parser("set", help="make a limit, or change the numbers of one")
    setting.add_argument("name", metavar="NAME", help="tenant, source:ID or host:NAME, such as host:api.example.com")
    setting.add_argument("--max-running", type=_number, metavar="N", help="runs released and not over; none: no bound")
    setting.add_argument("--max-per-minute", type=_number, metavar="N", help="runs released a minute; none: no bound")
    setting.set_defaults(do=_set)
    listing = verbs.add_parser("list", help="the tenant's limits, with what is out and what waits")
    listing.set_defaults(do=_list)
    delete = verbs.add_parser("delete", help="take a limit away; what waited under it goes on")
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(do=_delete)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _number(text: str) -> int | str:
    if text == "none":
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a whole number or none, got {text!r}") from None


def _set(args: argparse.Namespace) -> int:
    from api import run_limits, shapes

    given = {"max_running": args.max_running, "max_per_minute": args.max_per_minute}
    changes = {name: None if value == "none" else value for name, value in given.items() if value is not None}
    if not changes:
        raise Complaint("give --max-running, --max-per-minute or both")
    for name, value in changes.items():
        lowest = 0 if name == "max_running" else 1
        if value is not None and not lowest <= value <= 1_000_000:
            raise Complaint(f"--{name.replace('_', '-')} takes {lowest} to 1000000, got {value}")
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        before = _found(conn, tenant, args.name)
        if before is None:
            after = run_limits.create(conn, tenant, args.name, **{**dict.fromkeys(given), **changes})
        else:
            after = run_limits.edit(conn, tenant, before.id, changes)
        what = "created" if before is None else "edited"
        past = before and shapes.plain(before)
        record(conn, tenant, f"limit.{what}", ("limit", after.id), past, shapes.plain(after))
    return show_row(args, after, f"{after.name}: {_said(after)}")


def _list(args: argparse.Namespace) -> int:
    from api import run_limits, shapes

    with opened() as conn:
        found = run_limits.LIMITS.list_all(conn, tenant_id(conn, args.tenant))
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.name, each.max_running, each.max_per_minute, each.running, each.waiting) for each in found]
        show_table(("NAME", "MAX RUNNING", "MAX PER MINUTE", "RUNNING", "WAITING"), rows, "no limits yet")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from api import run_limits, shapes
    from scheduler.refusals import NotFound

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        found = _found(conn, tenant, args.name)
        if found is None:
            raise NotFound(f"there is no limit {args.name}")
        run_limits.delete(conn, tenant, found.id)
        record(conn, tenant, "limit.deleted", ("limit", found.id), shapes.plain(found))
    return show_row(args, found, f"took the limit {found.name} away")


def _found(conn: "Connection", tenant: "UUID", name: str) -> "Limit | None":
    from api import run_limits

    return next((each for each in run_limits.LIMITS.list_all(conn, tenant) if each.name in (name, name.lower())), None)


def _said(limit: "Limit") -> str:
    at_once = "any number at once" if limit.max_running is None else f"{limit.max_running} at once"
    return at_once + ("" if limit.max_per_minute is None else f", {limit.max_per_minute} a minute")
