"""The second wall between tenants: a transaction that sees one tenant's rows, whatever its statements forget."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection, transaction
from db.query import Query


class Entered(NamedTuple):
    """What the transaction was set to."""

    statement_timeout: str
    tenant: str
    role: str | None


class Planned(NamedTuple):
    """How statements are planned from now on."""

    plan_cache_mode: str


class Wall(NamedTuple):
    """Whether all of a tenant's is behind the wall, and what it needs: the role, which the owner of the tables takes."""

    owner: str
    has_role: bool
    may_take_role: bool
    is_walled: bool


ENTER = Query("enter_tenant", Entered)
SET_PLANNING = Query("set_planning", Planned)
LOOK = Query("look_at_wall", Wall)


def look(conn: Connection) -> Wall:
    """The second wall as it is now."""
    return LOOK.all(conn)[0]


def has_wall(conn: Connection) -> bool:
    """True when the role `tocsin_api` may be taken and every tenant's table is behind it; else the first wall is alone."""
    return look(conn).is_walled


@contextmanager
def within(conn: Connection, tenant_id: UUID, *, is_walled: bool) -> Iterator[None]:
    """A transaction in which only this tenant's rows are there. All that it sets passes with it."""
    with transaction(conn):
        ENTER.one(conn, tenant_id=tenant_id, is_walled=is_walled)
        yield


def plan_each(conn: Connection) -> None:
    """Has the statements of this transaction planned for their own values: lists whose filters may be null need it."""
    SET_PLANNING.one(conn, mode="force_custom_plan")


def plan_once(conn: Connection) -> None:
    """Has them planned once for all values again: what goes by ids over all partitions takes longer to plan than to run."""
    SET_PLANNING.one(conn, mode="force_generic_plan")
