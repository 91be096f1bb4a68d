"""`tocsin sources`: where kinds read."""

import argparse
from typing import Any

from tocsin.installation import changing, opened, record, seal, tenant_id
from tocsin.terminal import show_json, show_row, show_table, with_json, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("sources", help="databases that kinds read").add_subparsers(
        metavar="VERB", required=True
    )
    create = verbs.add_parser("create", help="make a source; its password is stored sealed by TOCSIN_SECRET_KEYS")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--type", default="postgres", metavar="TYPE", help="postgres")
    create.add_argument(
        "--url", required=True, help="postgresql://user:password@host:5432/name, or - to read it from standard input"
    )
    with_tenant(create)
    with_json(create)
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="the tenant's sources")
    with_tenant(listing)
    with_json(listing)
    listing.set_defaults(do=_list)


def _create(args: argparse.Namespace) -> int:
    import sys

    from api import shapes, sources

    # An address on the command line is seen by whoever lists processes.
    url = sys.stdin.readline().strip() if args.url == "-" else args.url
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        made = sources.create_source(conn, tenant, args.name, args.type, url, seal())
        record(conn, tenant, "source.created", ("source", made.id), None, shapes.plain(made))
    return show_row(args, made, f"made the source {made.name} ({made.id})")


def _list(args: argparse.Namespace) -> int:
    from api import shapes, sources

    with opened() as conn:
        found = sources.list_all(conn, tenant_id(conn, args.tenant))
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.id, each.name, each.type, each.url) for each in found]
        show_table(("ID", "NAME", "TYPE", "URL"), rows, "no sources yet")
    return 0
