"""`tocsin tenants`: whose schedules there are."""

import argparse
from typing import Any

from tocsin.installation import opened
from tocsin.terminal import show_json, show_row, show_table, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("tenants", help="tenants").add_subparsers(metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make a tenant")
    create.add_argument("slug", metavar="SLUG")
    create.add_argument("--name", metavar="NAME", help="how people call it (the slug)")
    with_json(create)
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="every tenant")
    with_json(listing)
    listing.set_defaults(do=_list)


def _create(args: argparse.Namespace) -> int:
    from api import tenants

    with opened() as conn:
        made = tenants.create(conn, args.slug, args.name)
    return show_row(args, made, f"made the tenant {made.slug}")


def _list(args: argparse.Namespace) -> int:
    from api import shapes, tenants

    with opened() as conn:
        found = sorted(tenants.list_all(conn), key=lambda each: each.slug)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.slug, each.name, each.status, each.created_at) for each in found]
        show_table(("SLUG", "NAME", "STATUS", "CREATED"), rows, "no tenants yet")
    return 0
