"""`tocsin sources`: where kinds read."""

import argparse
from typing import Any

from tocsin.installation import changing, opened, record, seal, tenant_id
from tocsin.terminal import show_json, show_row, show_table, with_json, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("sources", help="databases, Cubes, metrics and files that kinds read").add_subparsers(
        metavar="VERB", required=True
    )
    create = verbs.add_parser("create", help="make a source; its password is stored sealed by TOCSIN_SECRET_KEYS")
    create.add_argument("name", metavar="NAME")
    create.add_argument(
        "--type", default="postgres", metavar="TYPE", help="postgres (the default), cube, prometheus, http or duckdb"
    )
    create.add_argument(
        "--url",
        required=True,
        help="postgresql://user:password@host:5432/name, https://host/path or file:///folder/ by the type, "
        "or - to read it from standard input",
    )
    create.add_argument(
        "--secret",
        default="",
        help="Cube's API secret, a bearer token or a password; - reads the next line of standard input",
    )
    create.add_argument("--options", default="{}", metavar="JSON", help="what the type takes besides, as a JSON object")
    with_tenant(create)
    with_json(create)
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="the tenant's sources")
    with_tenant(listing)
    with_json(listing)
    listing.set_defaults(do=_list)


def _create(args: argparse.Namespace) -> int:
    import json
    import sys

    from api import shapes, sources
    from api.refusals import refuse
    from config.environ import read

    # An address or a secret on the command line is seen by whoever lists processes.
    url, secret = (sys.stdin.readline().strip() if given == "-" else given for given in (args.url, args.secret))
    try:
        options = json.loads(args.options)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise refuse("options", "takes a JSON object")
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        made = sources.create_source(
            conn,
            tenant,
            args.name,
            args.type,
            url,
            seal(),
            secret=secret,
            options=options,
            files=read(("TOCSIN_FILES",))["TOCSIN_FILES"],
        )
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
