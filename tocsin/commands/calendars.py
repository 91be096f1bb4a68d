"""`tocsin calendars`: days on which schedules do not fire: a country's holidays, and a tenant's own."""

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import between, show_json, show_row, show_table, with_json, with_tenant

if TYPE_CHECKING:
    from api.calendars import Calendar


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("calendars", help="days on which schedules do not fire").add_subparsers(
        metavar="VERB", required=True
    )
    create = verbs.add_parser("create", help="make a calendar")
    create.add_argument("name", metavar="NAME", help="unique for the tenant")
    create.add_argument("--country", metavar="CODE", help="ISO 3166 code: its public holidays are days of the calendar")
    create.add_argument("--subdivision", metavar="CODE", help="a part of the country, whose holidays count too")
    create.add_argument(
        "--day", action="append", default=[], type=_day, metavar="DATE=NAME", help="a day of its own; several times"
    )
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="the tenant's calendars, newest first")
    listing.set_defaults(do=_list)
    show = verbs.add_parser("show", help="one calendar with its days of a year")
    show.add_argument("--year", type=between(1970, 2099), metavar="YEAR", help="whose days (this year, in UTC)")
    show.set_defaults(do=_show)
    delete = verbs.add_parser("delete", help="delete a calendar that no schedule keeps")
    delete.set_defaults(do=_delete)
    for parser in (show, delete):
        parser.add_argument("calendar", metavar="CALENDAR", help="its id or its name")
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _day(text: str) -> dict[str, str]:
    day, _, name = text.partition("=")
    try:
        date.fromisoformat(day)
    except ValueError:
        name = ""
    if not name.strip() or not name.isprintable() or len(day) != len("2026-12-24"):
        raise argparse.ArgumentTypeError(f"takes a date and its name, such as 2026-12-24=Christmas Eve, got {text!r}")
    return {"date": day, "name": name.strip()}


def _create(args: argparse.Namespace) -> int:
    from api import calendars, shapes

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        made = calendars.create(
            conn, tenant, args.name, country=args.country, subdivision=args.subdivision, own_days=args.day
        )
        record(conn, tenant, "calendar.created", ("calendar", made.id), None, shapes.plain(made))
    return show_row(args, made, f"made the calendar {made.name} ({made.id}): {_said(made)}")


def _list(args: argparse.Namespace) -> int:
    from api import calendars, shapes

    with opened() as conn:
        found = calendars.list_all(conn, tenant_id(conn, args.tenant))
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.id, each.name, each.country, each.subdivision, len(each.own_days)) for each in found]
        show_table(("ID", "NAME", "COUNTRY", "SUBDIVISION", "OWN DAYS"), rows, "no calendars yet")
    return 0


def _show(args: argparse.Namespace) -> int:
    from api import calendars, shapes
    from scheduler import schedules

    with opened() as conn:
        row = calendars.named(conn, tenant_id(conn, args.tenant), args.calendar)
        year = args.year or schedules.read_now(conn).year
    days = calendars.days(row, year)
    if args.is_json:
        show_json({**shapes.plain(row), "year": year, "days": [shapes.plain(day) for day in days]})
    else:
        print(f"{row.name} ({row.id}): {_said(row)}")
        rows = [(day.date, day.name, "its own" if day.is_own else "") for day in days]
        show_table(("DATE", "NAME", ""), rows, f"no days in {year}")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from api import calendars, shapes

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        found = calendars.named(conn, tenant, args.calendar)
        calendars.delete(conn, tenant, found.id)
        record(conn, tenant, "calendar.deleted", ("calendar", found.id), shapes.plain(found))
    return show_row(args, found, f"deleted the calendar {found.name}")


def _said(row: "Calendar") -> str:
    place = "-".join(part for part in (row.country, row.subdivision) if part)
    own = f"{len(row.own_days)} of its own"
    return f"the holidays of {place} and {own}" if place else own
