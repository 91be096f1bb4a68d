"""`tocsin templates`: how a tenant words its messages, tried on samples before they are kept."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.installation import changing, opened, record, tenant_id
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import show_json

if TYPE_CHECKING:
    from uuid import UUID

    from api.nouns import Noun
    from api.templates import Template
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "templates", "how a tenant words its messages")
    _TEMPLATES.add(verbs, "list", "show", "create", "delete")
    edit = verbs.add_parser("edit", help="change one; the next messages are worded by it")
    edit.add_argument("which", metavar="TEMPLATE", help="its id or its name")
    edit.add_argument("body", metavar="JSON|@FILE", help="what changes; null gives a part back to Tocsin")
    edit.set_defaults(do=_edit)
    preview = verbs.add_parser("preview", help="a sample in the words of a template, which is stored nowhere")
    preview.add_argument("body", metavar="JSON|@FILE", help="what the API takes, and a sample")
    preview.add_argument("--part", choices=("subject", "text", "html"), help="this part alone, as it is")
    preview.set_defaults(do=_preview)
    finish(verbs)


def _edit(args: argparse.Namespace) -> int:
    from api import templates

    noun = templates.TEMPLATES
    patch = bodies.read(templates.TemplatePatch, bodies.given(args.body))
    with opened() as conn:
        found = noun.named(conn, tenant_id(conn, args.tenant), args.which)
    # No transaction waits while it is tried. Its purpose never changes, so what was tried is what is kept.
    templates.check(found.purpose, patch)
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = noun.locked(conn, tenant, found.id)
        after = templates.edit(conn, tenant, row, patch)
        record(conn, tenant, "template.edited", ("template", row.id), noun.shown(row), noun.shown(after))
    return _TEMPLATES.said(args, after, f"changed the template {after.name}, now version {after.version}")


def _preview(args: argparse.Namespace) -> int:
    from api import templates

    found = templates.preview(bodies.read(templates.PreviewIn, bodies.given(args.body)))
    if args.is_json:
        show_json(found._asdict())
    elif args.part is not None:
        print(getattr(found, args.part))
    else:
        print(f"Subject: {found.subject}\n\n{found.text}")
    return 0


def _noun() -> "Noun[Template]":
    from api.templates import TEMPLATES

    return TEMPLATES


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Template":
    from api import templates

    return templates.create(conn, tenant, bodies.read(templates.TemplateIn, body))


def _before_create(_conn: "Connection", _tenant: "UUID", body: dict[str, Any]) -> None:
    from api import templates

    given = bodies.read(templates.TemplateIn, body)
    templates.check(given.purpose, given)


def _before_delete(conn: "Connection", tenant: "UUID", row: Any) -> None:
    from api import templates

    templates.check_unused(conn, tenant, row)


_TEMPLATES = Listed(
    "templates",
    "template",
    _noun,
    _make,
    {"ID": "id", "NAME": "name", "PURPOSE": "purpose", "VERSION": "version"},
    before_delete=_before_delete,
    before_create=_before_create,
)
