"""`tocsin tokens`: what opens the API."""

import argparse
from typing import Any
from uuid import UUID

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, tenant_id, who
from tocsin.terminal import show_json, show_row, show_table, with_json, with_limit, with_tenant


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("tokens", help="API tokens").add_subparsers(metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make a token and print it, once; it is stored as a hash only")
    which = create.add_mutually_exclusive_group(required=True)
    which.add_argument("--scope", choices=("read", "write", "admin"), help="of a tenant: a viewer's, editor's, admin's")
    which.add_argument("--operator", action="store_true", help="above the tenants: it may everything")
    create.add_argument("--name", metavar="NAME", help="what it is for (who made it)")
    create.add_argument("--expires", metavar="TIME", help="when it ends, such as 2026-03-29T01:00:00Z (never)")
    with_tenant(create)
    create.set_defaults(do=_create)
    listing = verbs.add_parser("list", help="a tenant's tokens, newest first, revoked ones too")
    listing.add_argument("--operator", action="store_true", help="those of operators")
    with_tenant(listing)
    with_limit(listing)
    listing.set_defaults(do=_list)
    revoke = verbs.add_parser("revoke", help="end a token, whosever it is; it opens nothing from now on")
    revoke.add_argument("token", metavar="ID", help="its id; `tocsin tokens list` shows it")
    revoke.set_defaults(do=_revoke)
    for parser in verbs.choices.values():
        with_json(parser)


def _create(args: argparse.Namespace) -> int:
    from api import shapes, tokens
    from api.definitions import read_time
    from scheduler.schedules import read_now

    try:
        expires_at = None if args.expires is None else read_time(args.expires)
    except ValueError as error:
        raise Complaint(f"--expires: {error}") from None
    with changing() as conn:
        tenant = _tenant(conn, args)
        if expires_at is not None and expires_at <= read_now(conn):
            raise Complaint("--expires: takes a time to come")
        scope = "operator" if args.operator else args.scope
        made, text = tokens.create(
            conn, tenant, args.name or f"of {who()}", scope, expires_at=expires_at, created_by=who()
        )
        shape = shapes.plain(made)
        record(conn, tenant, "token.created", ("token", made.id), None, shape)
    if args.is_json:
        show_json({**shape, "token": text})
    else:
        print(text)
    return 0


def _list(args: argparse.Namespace) -> int:
    from api import shapes, tokens

    with opened() as conn:
        found = tokens.list_all(conn, _tenant(conn, args), limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [
            (each.id, each.name, each.scope, each.created_at, each.expires_at, each.revoked_at, each.last_used_at)
            for each in found
        ]
        show_table(("ID", "NAME", "SCOPE", "CREATED", "EXPIRES", "REVOKED", "LAST USED"), rows, "no tokens yet")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    from api import shapes, tokens

    try:
        token_id = UUID(args.token)
    except ValueError:
        # It may be the token itself, which is repeated nowhere.
        raise Complaint("takes the id of a token, not its text; `tocsin tokens list` shows ids") from None
    with changing() as conn:
        tenant = tokens.owner_of(conn, token_id)
        before = tokens.get(conn, tenant, token_id)
        after = tokens.revoke(conn, tenant, token_id)
        record(conn, tenant, "token.revoked", ("token", token_id), shapes.plain(before), shapes.plain(after))
    return show_row(args, after, f"revoked the token {after.name} ({after.id})")


def _tenant(conn: Any, args: argparse.Namespace) -> UUID | None:
    if args.operator and args.tenant is not None:
        raise Complaint("takes --tenant or --operator, not both: an operator stands above the tenants")
    return None if args.operator else tenant_id(conn, args.tenant)
