"""Crew responses: what endpoints answered about users, or why nothing is kept of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api.definitions import Json
from api.nouns import Id
from api.refusals import refuse
from api.users import Long, Uid
from db.jsonb import Jsonb
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NotFound


class CrewResponse(NamedTuple):
    """An answer about a user; one that failed has an error, and how it began."""

    id: UUID
    user_uid: str
    request_context: str | None
    request_goal: str | None
    response_data: Any
    endpoint_id: UUID | None
    run_id: UUID | None
    slot_at: datetime | None
    status: str
    error: str | None
    excerpt: str | None
    matched: Any
    rule_error: str | None
    latency_ms: int | None
    created_at: datetime


class Total(NamedTuple):
    """How many there are."""

    total: int


class CrewResponseFilter(NamedTuple):
    """Which responses are listed; None asks nothing. Both instants are included."""

    user_uid: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    path: list[str] | None = None
    equals: str | None = None
    matched: bool | None = None


LIST = Query("list_crew_responses", CrewResponse)
COUNT = Query("count_crew_responses", Total)
GET = Query("get_crew_response", CrewResponse)
INSERT = Query("insert_crew_response", Id)
DELETE = Query("delete_crew_response", Id)


class CrewResponseIn(BaseModel):
    """A response that somebody stores by hand."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    user_uid: Uid
    request_context: Long | None = None
    request_goal: Long | None = None
    response_data: Json


def list_all(
    conn: Connection, tenant_id: UUID, wanted: CrewResponseFilter, *, limit: int, offset: int
) -> tuple[list[CrewResponse], int]:
    """The tenant's responses, newest first, and how many there are like that."""
    asked: Mapping[str, Any] = wanted._asdict()
    rows = LIST.all(conn, tenant_id=tenant_id, room=limit, passed=offset, **asked)
    found = COUNT.one(conn, tenant_id=tenant_id, **asked)
    return rows, found.total if found else 0


def get(conn: Connection, tenant_id: UUID, response_id: UUID) -> CrewResponse:
    """The tenant's response. Raises NotFound."""
    found = GET.one(conn, tenant_id=tenant_id, id=response_id)
    if found is None:
        raise NotFound(f"there is no crew response {response_id}")
    return found


def create(conn: Connection, tenant_id: UUID, body: CrewResponseIn) -> CrewResponse:
    """The response kept. Raises BadDefinition when there is no such user."""
    columns = body.model_dump() | {"response_data": Jsonb(body.response_data)}
    made = INSERT.one(conn, tenant_id=tenant_id, **columns)
    if made is None:
        raise refuse("userUid", f"names no user: there is none with the uid {body.user_uid}")
    return get(conn, tenant_id, made.id)


def delete(conn: Connection, tenant_id: UUID, response_id: UUID) -> CrewResponse:
    """The response as it was. Raises NotFound."""
    row = get(conn, tenant_id, response_id)
    DELETE.one(conn, tenant_id=tenant_id, id=response_id)
    return row
