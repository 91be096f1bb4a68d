"""`tocsin tokens`: what opens the API."""

import argparse
from typing import Any
from uuid import UUID

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, tenant_id, who
from tocsin.terminal import between, show_json, show_row, show_table, with_json, with_limit, with_tenant


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
    link = verbs.add_parser(
        "link",
        help="print a link that signs a person in, once",
        description="Prints an address of TOCSIN_URL that signs whoever opens it in to the dashboard, once, for twelve "
        "hours. Example: tocsin tokens link --member ann@example.com",
    )
    link.add_argument("--role", choices=("viewer", "editor", "admin"), help="what they may (the member's, or admin)")
    link.add_argument(
        "--member", metavar="MEMBER", help="the member who signs in, by address or subject (nobody's own)"
    )
    link.add_argument("--minutes", type=between(1, 1440), default=15, metavar="N", help="how long it works (15)")
    with_tenant(link)
    link.set_defaults(do=_link)
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


def _link(args: argparse.Namespace) -> int:
    from api import shapes, sign_in_links, sign_ins
    from config.environ import need

    base: str = need("TOCSIN_URL")
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        member = None if args.member is None else _member(conn, tenant, args.member)
        role = args.role or (member.role if member else "admin")
        made, path = sign_in_links.create(
            conn, tenant, sign_ins.SCOPES[role], who(), minutes=args.minutes, member_id=member and member.id
        )
        shape = {**shapes.plain(made), "member": member and member.subject}
        record(conn, tenant, "link.created", ("sign_in_link", made.id), None, shape)
    url = base.rstrip("/") + path
    if args.is_json:
        show_json({**shape, "role": role, "url": url})
    else:
        print(url)
    return 0


def _member(conn: Any, tenant: UUID, what: str) -> Any:
    """The member of that address or subject. Raises Complaint."""
    from api import sign_ins

    found = sign_ins.people(conn, tenant, subject=what, email=what)
    if not found:
        raise Complaint(f"there is no member {what!r}; `tocsin members list` shows them")
    if found[0].is_disabled:
        raise Complaint(f"the member {what!r} is disabled")
    return found[0]


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
