"""What a tenant's settings decide when something is made: how many there may be, and in which zone it is."""

from typing import Literal, NamedTuple
from uuid import UUID

from api.refusals import refuse
from db.pool import Connection, transaction
from db.query import Query

What = Literal["schedules", "sources", "members"]


class Quota(NamedTuple):
    """How many there may be."""

    quota: int


class Used(NamedTuple):
    """How many there are."""

    used: int


class Zone(NamedTuple):
    """An IANA name."""

    timezone: str


LOCK_QUOTA = Query("lock_quota", Quota)
COUNT = Query("count_for_quota", Used)
GET_ZONE = Query("get_default_timezone", Zone)


def check_room(conn: Connection, tenant_id: UUID, what: What) -> None:
    """Passes when one more fits into the tenant's quota; within the caller's transaction nobody else takes its place.

    Raises BadDefinition.
    """
    with transaction(conn):
        limit = LOCK_QUOTA.one(conn, tenant_id=tenant_id, what=what)
        found = limit and COUNT.one(conn, tenant_id=tenant_id, what=what)
    if limit is not None and found is not None and found.used >= limit.quota:
        raise refuse("", f"this tenant may have {limit.quota} {what}, and has them; an operator can raise its quota")


def default_timezone(conn: Connection, tenant_id: UUID) -> str:
    """The zone of a schedule that names none."""
    found = GET_ZONE.one(conn, tenant_id=tenant_id)
    return found.timezone if found else "UTC"
