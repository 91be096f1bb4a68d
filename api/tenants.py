"""Tenants: whose schedules they are. Without TOCSIN_HOSTING there is one, made when it is first used."""

import re
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NameTaken, NotFound

DEFAULT = "default"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Tenant(NamedTuple):
    """A tenant's row."""

    id: UUID
    slug: str
    name: str
    status: str
    created_at: datetime


INSERT = Query("insert_tenant", Tenant)
GET = Query("get_tenant", Tenant)
LIST = Query("list_tenants", Tenant)


def create(conn: Connection, slug: str, name: str | None = None) -> Tenant:
    """The tenant made. Raises BadDefinition, NameTaken."""
    if not _SLUG.fullmatch(slug):
        raise refuse("slug", "takes up to 63 lower-case letters, digits and hyphens, and begins with no hyphen")
    if name is not None and (not name.isprintable() or not name.strip()):
        raise refuse("name", "takes one line of printable characters")
    made = INSERT.one(conn, slug=slug, name=name or slug)
    if made is None:
        raise NameTaken(f"there is a tenant {slug} already")
    return made


def get(conn: Connection, slug: str) -> Tenant:
    """The tenant of that slug. Raises NotFound."""
    found = GET.one(conn, slug=slug)
    if found is None:
        raise NotFound(f"there is no tenant {slug!r}; `tocsin tenants create` makes one")
    return found


def default(conn: Connection) -> Tenant:
    """The default tenant, made now if this is its first use."""
    return GET.one(conn, slug=DEFAULT) or INSERT.one(conn, slug=DEFAULT, name="Default") or get(conn, DEFAULT)


def list_all(conn: Connection) -> list[Tenant]:
    """Every tenant by slug: the operator's view."""
    return LIST.all(conn)
