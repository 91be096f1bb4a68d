"""`tocsin suppressions`: whom a tenant mails no more, and who is mailed again."""

import argparse
from typing import Any

from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import show_json, show_row, show_table, with_json, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("suppressions", help="whom a tenant mails no more").add_subparsers(
        metavar="VERB", required=True
    )
    adding = verbs.add_parser("add", help="mail an address no more")
    adding.add_argument("recipient", metavar="ADDRESS")
    adding.add_argument("--schedule", metavar="NAME", help="mails of this schedule alone")
    adding.add_argument("--note", metavar="TEXT", help="why, for whoever reads it later")
    adding.set_defaults(do=_add)
    listing = verbs.add_parser("list", help="who is mailed no more, and why")
    listing.add_argument("--recipient", metavar="ADDRESS", help="of this address alone")
    listing.set_defaults(do=_list)
    delete = verbs.add_parser("delete", help="mail an address again, for everything that it was suppressed for")
    delete.add_argument("recipient", metavar="ADDRESS")
    delete.set_defaults(do=_delete)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _add(args: argparse.Namespace) -> int:
    from api import suppressions
    from scheduler import schedules

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        schedule_id = schedules.get(conn, tenant, args.schedule).id if args.schedule else None
        made = suppressions.create(
            conn, tenant, args.recipient, schedule_id=schedule_id, source="command", note=args.note
        )
        record(conn, tenant, "suppression.created", ("suppression", made.id), None, suppressions.told(made))
    return show_row(args, made, f"{made.recipient} is mailed no more")


def _list(args: argparse.Namespace) -> int:
    from api import shapes, suppressions

    with opened() as conn:
        found = suppressions.list_all(conn, tenant_id(conn, args.tenant), recipient=args.recipient)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [
            (each.recipient, each.reason, each.source, each.schedule_id or "all", each.created_at) for each in found
        ]
        show_table(("RECIPIENT", "REASON", "SOURCE", "SCHEDULE", "SINCE"), rows, "nobody is suppressed")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from api import suppressions
    from scheduler.refusals import NotFound

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        found = suppressions.list_all(conn, tenant, recipient=args.recipient)
        if not found:
            raise NotFound(f"{args.recipient} is not suppressed")
        for each in found:
            suppressions.delete(conn, tenant, each.id)
            record(conn, tenant, "suppression.deleted", ("suppression", each.id), suppressions.told(each))
    return show_row(args, found[0], f"{found[0].recipient} is mailed again")
