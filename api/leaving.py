"""What becomes of a tenant that leaves: its rows are handed out, and then erased."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from api import audit, shapes, tenants
from api.audit import Author
from db import migrate
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.store import Store
from scheduler.refusals import WrongState
from workers.artifacts import Installation


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
INSTALLATION = Query("get_installation", Installation)

_TRIES = 5
# Somebody else held what it waited for: a deadlock, or the server's own lock_timeout.
_IN_THE_WAY = ("40P01", "55P03")

# The only secret that is not sealed: what a token is found by.
_SECRET = {"api_tokens": ("hash",)}


def export(conn: Connection, slug: str) -> Iterator[Kept]:
    """Every row that the tenant has, its own first, without secrets; within the caller's transaction. Raises NotFound."""
    tenant = tenants.get(conn, slug)
    for row in EXPORT.each(conn, tenant_id=tenant.id):
        content = {name: value for name, value in row.content.items() if name not in _SECRET.get(row.name, ())}
        yield Kept(row.name, shapes.without_secrets(content))


def erase(conn: Connection, slug: str, author: Author, store: Store | None = None) -> dict[str, int]:
    """The number of rows of each table that went with the tenant; the operator's audit log keeps that it was.

    Commits, so the caller has no transaction open. Work on the tenant locks the same rows in other orders: a try that
    loses to it begins anew. Raises NotFound, and WrongState when each try lost; nothing is gone then. Its files go from
    the store after its rows; what is left of them after StoreUnavailable the ticker's sweep deletes.
    """
    tenant = tenants.get(conn, slug)
    for _ in range(_TRIES):
        try:
            with transaction(conn):
                gone = _erase(conn, slug, author)
            break
        except DatabaseError as error:
            if error.sqlstate not in _IN_THE_WAY:
                raise
    else:
        raise WrongState(
            f"the tenant {slug} is being worked on: erasing it lost {_TRIES} times to who held its rows, and nothing is "
            "gone; suspend it, and try again once its runs are over"
        )
    # A copy of somebody else's database knows its tenants' files under the other's name: they are not the copy's.
    if store is not None and not migrate.is_foreign(conn) and (installation := INSTALLATION.one(conn)) is not None:
        store.erase(f"{installation.id}/{tenant.id}")
    return gone


def _erase(conn: Connection, slug: str, author: Author) -> dict[str, int]:
    tenant = tenants.get(conn, slug)
    gone = {each.name: each.rows for each in ERASE.all(conn, tenant_id=tenant.id) if each.rows}
    audit.record(conn, None, author, "tenant.erased", ("tenant", tenant.id), {"slug": slug}, {"rows": gone})
    return gone
