"""`tocsin users`: whom crews are asked about."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import show_facts, show_json, show_table, with_json, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("users", help="whom crews are asked about").add_subparsers(
        metavar="VERB", required=True
    )
    listing = verbs.add_parser("list", help="the newest thousand")
    listing.add_argument("--segment", metavar="NAME", help="of this segment alone")
    listing.set_defaults(do=_list)
    show = verbs.add_parser("show", help="one user")
    show.add_argument("uid", metavar="UID")
    show.set_defaults(do=_show)
    importing = verbs.add_parser("import", help="make users of a CSV file, or make those that are there like it")
    importing.add_argument("file", metavar="FILE", help="its first line names the columns; - is standard input")
    importing.set_defaults(do=_import)
    delete = verbs.add_parser("delete", help="delete a user with all answers about them")
    delete.add_argument("uid", metavar="UID")
    delete.set_defaults(do=_delete)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from api.users import USERS

    with opened() as conn:
        found = USERS.list_all(conn, tenant_id(conn, args.tenant), segment=args.segment)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.uid, each.segment, each.priority, each.active, each.goal) for each in found]
        show_table(("UID", "SEGMENT", "PRIORITY", "ACTIVE", "GOAL"), rows, "no users yet")
    return 0


def _show(args: argparse.Namespace) -> int:
    from api import shapes, users

    with opened() as conn:
        found = shapes.plain(users.named(conn, tenant_id(conn, args.tenant), args.uid))
    show_json(found) if args.is_json else show_facts(found)
    return 0


def _import(args: argparse.Namespace) -> int:
    from api import shapes, users

    content = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        done = users.upsert(conn, tenant, users.read_csv(content, most=users.MOST_AT_HAND))
        record(conn, tenant, "user.imported", ("user", tenant), None, shapes.plain(done))
    if args.is_json:
        show_json(shapes.plain(done))
    else:
        print(f"{done.created} are new and {done.updated} changed")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from api import shapes, users
    from api.users import USERS

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = USERS.delete(conn, tenant, users.named(conn, tenant, args.uid).id)
        record(conn, tenant, "user.deleted", ("user", row.id), shapes.plain(row))
    if args.is_json:
        show_json(shapes.plain(row))
    else:
        print(f"deleted the user {row.uid}")
    return 0
