"""`tocsin members`: the people of a tenant, and what each may."""

import argparse
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import show_json, show_row, show_table, with_json, with_limit, with_tenant

if TYPE_CHECKING:
    from api.members import Member
    from db.pool import Connection

_MANY = 1_000_000


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("members", help="the people of a tenant").add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the tenant's members, newest first")
    with_limit(listing)
    listing.set_defaults(do=_list)
    create = verbs.add_parser("create", help="make a member; a JWT of that subject has its role from now on")
    create.add_argument("subject", metavar="SUBJECT", help="the `sub` of their JWT")
    create.add_argument("--email", required=True, metavar="ADDRESS")
    create.add_argument("--name", metavar="NAME")
    create.add_argument("--role", choices=("viewer", "editor", "admin"), default="viewer", help="viewer")
    create.set_defaults(do=_create)
    for name, words, do in (
        ("disable", "let a member in nowhere", _disable),
        ("erase", "erase a person; the audit log keeps what they did under their subject", _erase),
    ):
        parser = verbs.add_parser(name, help=words)
        parser.add_argument("member", metavar="MEMBER", help="their subject, or the member's id")
        parser.set_defaults(do=do)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _list(args: argparse.Namespace) -> int:
    from api import members, shapes

    with opened() as conn:
        found = members.list_all(conn, tenant_id(conn, args.tenant), limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [(each.id, each.subject, each.email, each.role, each.disabled_at) for each in found]
        show_table(("ID", "SUBJECT", "EMAIL", "ROLE", "DISABLED"), rows, "no members yet")
    return 0


def _create(args: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from api import members
    from api.refusals import of_model

    try:
        body = members.MemberIn(subject=args.subject, email=args.email, name=args.name, role=args.role)
    except ValidationError as error:
        raise of_model(error) from None
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        made = members.create(conn, tenant, body)
        record(conn, tenant, "member.created", ("member", made.id), None, members.audited(made))
    return show_row(args, made, f"made the member {made.subject} ({made.id}), {made.role}")


def _disable(args: argparse.Namespace) -> int:
    from api import members

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        before = _find(conn, tenant, args.member)
        after = members.edit(conn, tenant, before.id, members.MemberPatch(is_disabled=True))
        record(conn, tenant, "member.edited", ("member", after.id), members.audited(before), members.audited(after))
    return show_row(args, after, f"disabled the member {after.subject} ({after.id})")


def _erase(args: argparse.Namespace) -> int:
    from api import members

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        gone = members.delete(conn, tenant, _find(conn, tenant, args.member).id)
        record(conn, tenant, "member.erased", ("member", gone.id), members.audited(gone))
    return show_row(args, gone, f"erased the member {gone.subject} ({gone.id})")


def _find(conn: "Connection", tenant: UUID, what: str) -> "Member":
    """The member of that subject or id. Raises Complaint."""
    from api import members

    for each in members.list_all(conn, tenant, limit=_MANY):
        if what in (each.subject, str(each.id)):
            return members.get(conn, tenant, each.id)
    raise Complaint(f"there is no member {what!r}; `tocsin members list` shows them")
