"""`/api/calendars`: days on which schedules do not fire: a country's holidays, and a tenant's own."""

import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import calendars, shapes
from api.calendars import MOST_DAYS, YEARS
from api.definitions import Line
from api.paging import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.request import Asked, Change, Editor, Reader, answer, etag_of
from db.pool import Connection
from scheduler import schedules

router = APIRouter(prefix="/api/calendars", tags=["calendars"], responses=answers(400, 401, 403, 404, 422, 429, 503))

CalendarOut = shapes.model_of(calendars.Calendar, "Calendar")
CalendarList = shapes.list_of(CalendarOut, "CalendarList")
DayOut = shapes.model_of(calendars.Day, "CalendarDay")
CalendarYear = shapes.model_of(
    calendars.Calendar,
    "CalendarYear",
    year=(int, ...),
    days=(list[DayOut], ...),  # type: ignore[valid-type]  # made while running
)

_ISO = len("2026-12-24")
Country = Annotated[str, Field(max_length=100, description="ISO 3166 code of a country whose holidays are known")]
Subdivision = Annotated[str, Field(max_length=100, description="the code of a part of the country, such as BY")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


def _read_day(value: Any) -> Any:
    """The date that an ISO 8601 text names. Raises ValueError on anything else."""
    try:
        day = datetime.date.fromisoformat(value) if isinstance(value, str) and len(value) == _ISO else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise ValueError(f"takes a date from {YEARS[0]} to {YEARS[-1]}, such as 2026-12-24")
    return day


class OwnDay(_Body):
    """A day of a calendar's own."""

    date: Annotated[datetime.date, BeforeValidator(_read_day), Field(description="such as 2026-12-24")]
    name: Line


OwnDays = Annotated[list[OwnDay], Field(max_length=MOST_DAYS)]


class CalendarIn(_Body):
    """A calendar to be made."""

    name: Line
    country: Country | None = None
    subdivision: Subdivision | None = None
    own_days: OwnDays = Field(default_factory=list)


class CalendarPatch(_Body):
    """What changes; `ownDays` are all of them, and a country that is null takes the public holidays away."""

    name: Line | None = None
    country: Country | None = None
    subdivision: Subdivision | None = None
    own_days: OwnDays | None = None


@router.get("", responses=good(200, CalendarList))
def list_calendars(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The calendars, newest first."""
    before = place_of(cursor, "calendars", asking.tenant)
    with asking.listing() as conn:
        rows = calendars.list_all(conn, asking.tenant, before=before, limit=room(limit))
    return answer(page(rows, limit, "calendars", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, CalendarOut))
def create_calendar(asking: Editor, body: CalendarIn) -> Response:
    """Makes a calendar; schedules keep it once they name it as their `calendarId`."""

    def work(conn: Connection) -> Change:
        made = calendars.create(conn, asking.tenant, **body.model_dump(mode="json"))
        return _changed("created", None, made, status=201, location=f"/api/calendars/{made.id}")

    return asking.writing(work)


@router.get("/{calendar_id}", responses=good(200, CalendarYear))
def get_calendar(
    asking: Reader,
    calendar_id: UUID,
    year: Annotated[int | None, Query(ge=YEARS[0], le=YEARS[-1], description="whose days (this year, in UTC)")] = None,
) -> Response:
    """One calendar, with its days of a year."""
    with asking.reading() as conn:
        row = calendars.get(conn, asking.tenant, calendar_id)
        asked = schedules.read_now(conn).year if year is None else year
    shape = shapes.plain(row)
    days = [shapes.plain(day) for day in calendars.days(row, asked)]
    return answer({**shape, "year": asked, "days": days}, etag=etag_of(shape))


@router.patch("/{calendar_id}", responses=good(200, CalendarOut, 409, 412))
def edit_calendar(asking: Editor, calendar_id: UUID, body: CalendarPatch) -> Response:
    """Changes the fields named; the schedules that keep it are planned anew from now on."""
    given: dict[str, Any] = body.model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, calendar_id)
        return _changed("edited", before, calendars.edit(conn, asking.tenant, calendar_id, changes))

    return asking.writing(work)


@router.delete("/{calendar_id}", status_code=204, responses=answers(409, 412))
def delete_calendar(asking: Editor, calendar_id: UUID) -> Response:
    """Deletes a calendar that no schedule keeps."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, calendar_id)
        calendars.delete(conn, asking.tenant, calendar_id)
        return Change("calendar.deleted", ("calendar", calendar_id), shapes.plain(before), None, status=204)

    return asking.writing(work)


_MAY_BE_NULL = frozenset({"country", "subdivision"})


def _locked(asking: Asked, conn: Connection, calendar_id: UUID) -> calendars.Calendar:
    """The calendar, locked, as the caller read it. Raises NotFound, Stale."""
    row = calendars.locked(conn, asking.tenant, calendar_id)
    asking.check_match(etag_of(shapes.plain(row)))
    return row


def _changed(
    what: str,
    before: calendars.Calendar | None,
    after: calendars.Calendar,
    *,
    status: int = 200,
    location: str | None = None,
) -> Change:
    shape = shapes.plain(after)
    past = before and shapes.plain(before)
    return Change(f"calendar.{what}", ("calendar", after.id), past, shape, shape, status, location, etag_of(shape))
