"""Silences: spans in which nobody is told, of one alert or of all, begun at once or planned; past ones stay as history."""

from datetime import datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.definitions import Line, Time
from api.kpi_alerts import KPI_ALERTS
from api.nouns import Id, Noun
from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NotFound, WrongState

MOST_SILENCES = 1000
"""How many hold or are to come; what is over counts no more."""
LONGEST = timedelta(days=366)


class Silence(NamedTuple):
    """A silence, of one alert or of all, for the segments that its pattern takes."""

    id: UUID
    name: str
    alert_id: UUID | None
    segment: str
    starts_at: datetime
    ends_at: datetime
    is_active: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class Count(NamedTuple):
    """How many there are."""

    silences: int


INSERT = Query("insert_silence", Id)
LIST = Query("list_silences", Silence)
LOCK = Query("lock_silence", Id)
UPDATE = Query("update_silence")
DELETE = Query("delete_silence")
COUNT = Query("count_silences", Count)
SILENCES: Noun[Silence] = Noun(
    "silence",
    "/api/silences",
    LIST,
    LOCK,
    DELETE,
    filters=("alert_id", "is_active"),
    volatile=frozenset({"isActive"}),
)

Seconds = Annotated[
    int, Field(strict=True, ge=1, le=int(LONGEST.total_seconds()), description="in place of `endsAt`: how long")
]
Segment = Annotated[Line, Field(description="the segments that it is for: * is any text, ? any character")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class SilenceIn(_Body):
    """A silence to be made: until an instant, or for so many seconds."""

    name: Line
    alert_id: UUID | None = None
    segment: Segment = "*"
    starts_at: Annotated[Time | None, Field(description="one that has passed is now, as is none")] = None
    ends_at: Time | None = None
    duration_seconds: Seconds | None = None


class SilencePatch(_Body):
    """What changes: the name, and the end, which has come where it is now or before."""

    name: Line | None = None
    ends_at: Time | None = None
    duration_seconds: Annotated[
        Seconds | None, Field(description="in place of `endsAt`: how long, counted from now")
    ] = None


def create(conn: Connection, tenant_id: UUID, body: SilenceIn, *, created_by: str | None = None) -> Silence:
    """The silence made; a firing that is there at its end is told then. Raises BadDefinition."""
    now = schedules.read_now(conn)
    starts_at = max(body.starts_at or now, now)
    if starts_at - now > LONGEST:
        raise refuse("startsAt", f"takes an instant within {LONGEST.days} days")
    ends_at = _end(starts_at, body.ends_at, body.duration_seconds)
    if ends_at is None:
        raise refuse("endsAt", "is required where there is no durationSeconds")
    _check_span(starts_at, ends_at)
    if body.alert_id is not None:
        try:
            KPI_ALERTS.get(conn, tenant_id, body.alert_id)
        except NotFound as error:
            raise refuse("alertId", str(error).replace("kpi_alert", "alert")) from None
    found = COUNT.one(conn, tenant_id=tenant_id)
    if found is not None and found.silences >= MOST_SILENCES:
        raise refuse("", f"a tenant has at most {MOST_SILENCES} silences that are not over")
    made = INSERT.one(
        conn,
        tenant_id=tenant_id,
        name=body.name,
        alert_id=body.alert_id,
        segment=body.segment,
        starts_at=starts_at,
        ends_at=ends_at,
        created_by=created_by,
    )
    if made is None:
        raise RuntimeError("a silence is always written")
    return SILENCES.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: Silence, patch: SilencePatch) -> Silence:
    """The silence with its name or its end changed; the caller holds it. Raises BadDefinition, WrongState once it is over."""
    now = schedules.read_now(conn)
    if row.ends_at <= now:
        raise WrongState(f"the silence {row.name!r} is over; make another one")
    moved = _end(now, patch.ends_at, patch.duration_seconds)
    ends_at = row.ends_at if moved is None else max(moved, now)
    if ends_at <= row.starts_at:
        raise refuse("endsAt", "takes an instant after startsAt; one that has not begun can be deleted")
    _check_span(row.starts_at, ends_at)
    UPDATE.run(conn, tenant_id=tenant_id, id=row.id, name=patch.name or row.name, ends_at=ends_at)
    return SILENCES.get(conn, tenant_id, row.id)


def check_not_begun(row: Silence, now: datetime) -> None:
    """Passes for a silence that nobody has felt yet: one that began is why somebody was not told. Raises WrongState."""
    if row.starts_at <= now:
        raise WrongState(f"the silence {row.name!r} has begun and stays as history; end it by its endsAt")


def _end(since: datetime, ends_at: datetime | None, seconds: int | None) -> datetime | None:
    if ends_at is not None and seconds is not None:
        raise refuse("durationSeconds", "is given in place of endsAt, not beside it")
    return ends_at if seconds is None else since + timedelta(seconds=seconds)


def _check_span(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise refuse("endsAt", "takes an instant to come, after startsAt")
    if ends_at - starts_at > LONGEST:
        raise refuse("endsAt", f"takes an instant at most {LONGEST.days} days after startsAt")
