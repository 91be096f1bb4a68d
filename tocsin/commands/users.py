"""`tocsin users`: whom crews are asked about."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, seal, tenant_id
from tocsin.terminal import draw, show_facts, show_json, show_table, undraw, with_json, with_tenant

if TYPE_CHECKING:
    from api.users import Imported

_SECONDS = 600.0


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
    importing = verbs.add_parser("import", help="make users of a CSV file or a source, and change those that are there")
    importing.add_argument(
        "file", metavar="FILE", nargs="?", help="CSV whose first line names the columns; - is standard input"
    )
    importing.add_argument("--source", metavar="NAME", help="the source that is asked instead, by its name or id")
    importing.add_argument("--query", metavar="QUERY", help="whose columns are uid and any that a file may have")
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
    from api import shapes

    if (args.file is None) == (args.source is None) or (args.source is None) != (args.query is None):
        raise Complaint("takes either FILE, or --source NAME with --query QUERY")
    done = _of_file(args) if args.source is None else _of_source(args)
    if args.is_json:
        show_json(shapes.plain(done))
    else:
        print(f"{done.created} are new and {done.updated} changed")
    return 0


def _of_file(args: argparse.Namespace) -> "Imported":
    from api import shapes, user_imports, users

    content = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    found = user_imports.read_csv(content, user_imports.MOST)
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        done = users.upsert(conn, tenant, found)
        record(conn, tenant, "user.imported", ("user", tenant), None, shapes.plain(done))
    return done


def _of_source(args: argparse.Namespace) -> "Imported":
    from api import shapes, user_imports
    from api.asked_sources import Means, asked, named
    from config.environ import read
    from db.pool import transaction
    from workers.sources.table import Question, SourceRefused, SourceUnavailable, streamed

    value = read(("TOCSIN_EGRESS_ALLOW", "TOCSIN_FILES"))
    means = Means(seal(), value["TOCSIN_EGRESS_ALLOW"], value["TOCSIN_FILES"])
    with opened() as conn, user_imports.spool() as found:
        tenant = tenant_id(conn, args.tenant)
        row = named(conn, tenant, args.source)
        try:
            with (
                asked(row, tenant, means) as source,
                streamed(
                    source, Question(args.query, row.now), timeout_seconds=_SECONDS, row_cap=user_imports.MOST
                ) as stream,
            ):
                found.fill(stream, lambda count: _draw(0.0, f"{count} users read"))
        except (SourceRefused, SourceUnavailable) as error:
            raise Complaint(str(error)) from None
        with transaction(conn):
            users = f"of {len(found)} users written"
            done = user_imports.write(conn, tenant, found, lambda count: _draw(count / len(found), f"{count} {users}"))
            record(conn, tenant, "user.imported", ("user", tenant), None, shapes.plain(done))
    if sys.stderr.isatty():
        undraw()
    return done


def _draw(fraction: float, words: str) -> None:
    if sys.stderr.isatty():
        draw(fraction, words)


def _delete(args: argparse.Namespace) -> int:
    from api import shapes, users
    from api.users import USERS

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = USERS.delete(conn, tenant, users.named(conn, tenant, args.uid).id)
        record(conn, tenant, "user.deleted", ("user", row.id), *USERS.audited(shapes.plain(row), None))
    if args.is_json:
        show_json(shapes.plain(row))
    else:
        print(f"deleted the user {row.uid}")
    return 0
