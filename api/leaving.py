"""What becomes of a tenant that leaves: its rows are handed out, and then erased."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from api import audit, shapes, tenants
from api.audit import Author
from db.pool import Connection
from db.query import Query


class Kept(NamedTuple):
    """A row of a tenant, with its table."""

    name: str
    content: dict[str, Any]


class Gone(NamedTuple):
    """How many rows of a table went."""

    name: str
    rows: int


EXPORT = Query("export_tenant", Kept)
ERASE = Query("erase_tenant", Gone)

# The only secret that is not sealed: what a token is found by.
_SECRET = {"api_tokens": ("hash",)}


def export(conn: Connection, slug: str) -> Iterator[Kept]:
    """Every row that the tenant has, its own first, without secrets; within the caller's transaction. Raises NotFound."""
    tenant = tenants.get(conn, slug)
    for row in EXPORT.each(conn, tenant_id=tenant.id):
        content = {name: value for name, value in row.content.items() if name not in _SECRET.get(row.name, ())}
        yield Kept(row.name, shapes.without_secrets(content))


def erase(conn: Connection, slug: str, author: Author) -> dict[str, int]:
    """The number of rows of each table that went with the tenant; the operator's audit log keeps that it was.

    For the caller's transaction. Raises NotFound.
    """
    tenant = tenants.get(conn, slug)
    gone = {each.name: each.rows for each in ERASE.all(conn, tenant_id=tenant.id) if each.rows}
    audit.record(conn, None, author, "tenant.erased", ("tenant", tenant.id), {"slug": slug}, {"rows": gone})
    return gone
