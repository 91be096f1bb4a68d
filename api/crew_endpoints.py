"""Crew endpoints: what is asked about users, at what pace. Headers go in, are stored sealed, and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID, uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.definitions import Line, Words
from api.nouns import Id, Noun
from api.refusals import refuse
from api.users import Segment
from config.seal import Seal, is_sealed
from db.jsonb import dumps, loads
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.sealed import endpoint_headers_place
from scheduler import schedules
from scheduler.refusals import NameTaken
from workers.http import BadUrl, check_url, origin
from workers.kinds.http_call import check_headers

MOST_ENDPOINTS = 100
_UNIQUE = "23505"

Protocol = Literal["plain", "crewai"]


class CrewEndpoint(NamedTuple):
    """A crew endpoint as it is shown: of its headers only whether there are any."""

    id: UUID
    name: str
    url: str
    has_headers: bool
    timeout_seconds: float
    concurrency: int
    rate_per_minute: int | None
    segments: list[str]
    protocol: Protocol
    circuit_open_since: datetime | None
    created_at: datetime
    updated_at: datetime


class Sealed(NamedTuple):
    """An endpoint's headers as they are stored; null where it has none."""

    sealed_headers: str | None


INSERT = Query("insert_crew_endpoint", Id)
LIST = Query("list_crew_endpoints", CrewEndpoint)
LOCK = Query("lock_crew_endpoint", Id)
UPDATE = Query("update_crew_endpoint")
DELETE = Query("delete_crew_endpoint")
OPEN = Query("open_crew_endpoint", Sealed)
ENDPOINTS: Noun[CrewEndpoint] = Noun(
    "crew_endpoint",
    "/api/crew-endpoints",
    LIST,
    LOCK,
    DELETE,
    volatile=frozenset({"circuitOpenSince"}),
)


def _callable(text: str) -> str:
    try:
        return check_url(text)
    except BadUrl as error:
        raise ValueError(str(error)) from None


def _sent(headers: dict[str, str]) -> dict[str, str]:
    if any(is_sealed(value) for value in headers.values()):
        raise ValueError("takes the secrets themselves; they are sealed when they are stored")
    return check_headers(headers)


Url = Annotated[str, AfterValidator(_callable), Field(description="what is called; a secret belongs into a header")]
Headers = Annotated[
    dict[str, str],
    AfterValidator(_sent),
    Field(description="sent with each call, sealed as a whole, never shown again"),
]
Timeout = Annotated[float, Field(gt=0, le=280, description="for a whole call, in seconds")]
Places = Annotated[int, Field(strict=True, ge=1, le=100_000, description="calls at a time, of all workers together")]
Rate = Annotated[int, Field(strict=True, ge=1, le=1_000_000, description="calls a minute, evenly")]
Segments = Annotated[
    list[Segment],
    Field(max_length=100, description="whose users it is asked about; empty: all that no other endpoint names"),
]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class CrewEndpointIn(_Body):
    """A crew endpoint to be made."""

    name: Line
    url: Url
    headers: Headers = Field(default_factory=dict)
    timeout_seconds: Timeout = 60.0
    concurrency: Places = 20
    rate_per_minute: Rate | None = None
    segments: Segments = Field(default_factory=list)
    protocol: Annotated[Protocol, Words] = "plain"


class CrewEndpointPatch(_Body):
    """What changes; without headers the stored ones stay, if they go where they were given for."""

    name: Line | None = None
    url: Url | None = None
    headers: Headers | None = None
    timeout_seconds: Timeout | None = None
    concurrency: Places | None = None
    rate_per_minute: Rate | None = None
    segments: Segments | None = None
    protocol: Annotated[Protocol, Words] | None = None


def create(conn: Connection, tenant_id: UUID, body: CrewEndpointIn, seal: Seal) -> CrewEndpoint:
    """The endpoint made, with the limit of its calls. Raises BadDefinition, NameTaken, SealError."""
    if len(ENDPOINTS.list_all(conn, tenant_id, limit=MOST_ENDPOINTS)) == MOST_ENDPOINTS:
        raise refuse("", f"a tenant has at most {MOST_ENDPOINTS} crew endpoints")
    endpoint_id = uuid4()
    made = INSERT.one(
        conn,
        id=endpoint_id,
        tenant_id=tenant_id,
        sealed_headers=_sealed(tenant_id, endpoint_id, body.headers, seal),
        **body.model_dump(exclude={"headers"}),
    )
    if made is None:
        raise NameTaken(f"there is a crew endpoint named {body.name!r} already")
    return ENDPOINTS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: CrewEndpoint, patch: CrewEndpointPatch, seal: Seal) -> CrewEndpoint:
    """The endpoint with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, SealError."""
    given = patch.model_dump(exclude_unset=True, exclude={"headers"})
    changes = {name: value for name, value in given.items() if value is not None or name == "rate_per_minute"}
    columns: dict[str, Any] = {
        name: getattr(row, name) for name in CrewEndpointIn.model_fields if name != "headers"
    } | changes
    if patch.headers is None and row.has_headers and origin(columns["url"]) != origin(row.url):
        # A stored secret goes nowhere else than where it was given for.
        raise refuse("headers", "is required again when they are sent elsewhere")
    sealed = None if patch.headers is None else _sealed(tenant_id, row.id, patch.headers, seal)
    try:
        with transaction(conn):
            UPDATE.run(
                conn,
                tenant_id=tenant_id,
                id=row.id,
                sealed_headers=sealed,
                keeps_headers=patch.headers is None,
                **columns,
            )
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a crew endpoint named {columns['name']!r} already") from None
    schedules.wake(conn)
    return ENDPOINTS.get(conn, tenant_id, row.id)


def headers_of(conn: Connection, tenant_id: UUID, endpoint_id: UUID, seal: Seal) -> dict[str, str]:
    """The headers that it is called with. Raises SealError."""
    stored = OPEN.one(conn, tenant_id=tenant_id, id=endpoint_id)
    if stored is None or stored.sealed_headers is None:
        return {}
    found: dict[str, str] = loads(seal.open(stored.sealed_headers, endpoint_headers_place(tenant_id, endpoint_id)))
    return found


def _sealed(tenant_id: UUID, endpoint_id: UUID, headers: dict[str, str], seal: Seal) -> str | None:
    return seal.seal(dumps(headers), endpoint_headers_place(tenant_id, endpoint_id)) if headers else None
