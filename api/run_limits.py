"""Limits on runs: how many of a tenant, or of those that use one of its sources or hosts, are out at once and a minute."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from api import sources
from api.nouns import Id, Noun
from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound
from workers import uses

TENANT = "tenant"
MOST_LIMITS = 200


class Limit(NamedTuple):
    """A limit; `running` runs are released under it and not over, `waiting` ones could go if it let them."""

    id: UUID
    name: str
    max_running: int | None
    max_per_minute: int | None
    running: int
    waiting: int
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_limit", Id)
LIST = Query("list_limits", Limit)
LOCK = Query("lock_limit", Id)
UPDATE = Query("update_limit")
DELETE = Query("delete_limit")
LIMITS: Noun[Limit] = Noun(
    "limit",
    "/api/limits",
    LIST,
    LOCK,
    DELETE,
    volatile=frozenset({"running", "waiting"}),
)


def create(
    conn: Connection, tenant_id: UUID, name: str, *, max_running: int | None, max_per_minute: int | None
) -> Limit:
    """The limit made; it holds for runs planned from now on. Raises BadDefinition, NameTaken."""
    _check(max_running, max_per_minute)
    name = _checked_name(conn, tenant_id, name)
    if len(LIMITS.list_all(conn, tenant_id, limit=MOST_LIMITS)) == MOST_LIMITS:
        raise refuse("", f"a tenant has at most {MOST_LIMITS} limits")
    made = INSERT.one(conn, tenant_id=tenant_id, name=name, max_running=max_running, max_per_minute=max_per_minute)
    if made is None:
        raise NameTaken(f"there is a limit {name} already; change that one")
    return LIMITS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, limit_id: UUID, changes: Mapping[str, Any]) -> Limit:
    """The limit with `max_running` and `max_per_minute` changed where they are given. Raises NotFound, BadDefinition."""
    row = LIMITS.locked(conn, tenant_id, limit_id)
    most = {name: changes.get(name, getattr(row, name)) for name in ("max_running", "max_per_minute")}
    _check(**most)
    UPDATE.run(conn, tenant_id=tenant_id, id=limit_id, **most)
    schedules.wake(conn)
    return LIMITS.get(conn, tenant_id, limit_id)


def delete(conn: Connection, tenant_id: UUID, limit_id: UUID) -> Limit:
    """The limit as it was; what waited under it goes on. Raises NotFound."""
    row = LIMITS.delete(conn, tenant_id, limit_id)
    schedules.wake(conn)
    return row


def _check(max_running: int | None, max_per_minute: int | None) -> None:
    if max_running is None and max_per_minute is None:
        raise refuse("maxRunning", "takes a number where maxPerMinute has none: a limit limits something")


def _checked_name(conn: Connection, tenant_id: UUID, name: str) -> str:
    """The name as runs have it. Raises BadDefinition."""
    what, _, which = name.strip().partition(":")
    if name.strip() == TENANT:
        return TENANT
    if what == "source" and (source_id := _uuid(which)) is not None:
        try:
            return uses.source(sources.get(conn, tenant_id, source_id).id)
        except NotFound as error:
            raise refuse("name", str(error)) from None
    host = uses.host_named(which) if what == "host" else None
    if host is None:
        raise refuse("name", "takes tenant, source:ID or host:NAME, such as host:api.example.com or host:10.0.0.7:8080")
    return host


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
