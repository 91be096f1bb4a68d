"""Calendars: a country's holidays and days of a tenant's own, on which the schedules that keep them do not fire."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from api.refusals import refuse
from config.zones import zone
from db.jsonb import Jsonb
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler import keepers, schedules
from scheduler.days import UnknownPlace, check_place, country_days
from scheduler.refusals import NameTaken, NotFound, WrongState
from scheduler.runs import Run

MOST_CALENDARS = 200
MOST_DAYS = 1000
YEARS = range(1970, 2100)
_FOREIGN_KEY = "23503"
_UNIQUE = "23505"
_COUNTRY = re.compile("[A-Za-z]{2}")


class Calendar(NamedTuple):
    """A calendar: the public holidays of a country or a part of it, and `own_days`, each a date with its name."""

    id: UUID
    name: str
    country: str | None
    subdivision: str | None
    own_days: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


class Day(NamedTuple):
    """A day of a calendar; `is_own`: the tenant's own, whether or not it is a public holiday too."""

    date: date
    name: str
    is_own: bool


class Id(NamedTuple):
    """The id of a row that was written or locked."""

    id: UUID


INSERT = Query("insert_calendar", Id)
LIST = Query("list_calendars", Calendar)
LOCK = Query("lock_calendar", Id)
UPDATE = Query("update_calendar")
DELETE = Query("delete_calendar")


def create(
    conn: Connection,
    tenant_id: UUID,
    name: str,
    *,
    country: str | None = None,
    subdivision: str | None = None,
    own_days: Sequence[Mapping[str, Any]] = (),
) -> Calendar:
    """The calendar made. Raises BadDefinition, NameTaken."""
    columns = _checked(name, country, subdivision, own_days)
    if len(list_all(conn, tenant_id, limit=MOST_CALENDARS)) == MOST_CALENDARS:
        raise refuse("", f"a tenant has at most {MOST_CALENDARS} calendars")
    made = INSERT.one(conn, tenant_id=tenant_id, **columns)
    if made is None:
        raise NameTaken(f"there is a calendar named {name!r} already")
    return get(conn, tenant_id, made.id)


def list_all(
    conn: Connection,
    tenant_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 1000,
) -> list[Calendar]:
    """The tenant's calendars, newest first."""
    return LIST.all(conn, tenant_id=tenant_id, id=None, before_at=before[0], before_id=before[1], room=limit)


def named(conn: Connection, tenant_id: UUID, id_or_name: str) -> Calendar:
    """The tenant's calendar of that id or name. Raises NotFound."""
    for each in list_all(conn, tenant_id):
        if id_or_name in (each.name, str(each.id)):
            return each
    raise NotFound(f"there is no calendar {id_or_name}")


def get(conn: Connection, tenant_id: UUID, calendar_id: UUID) -> Calendar:
    """The tenant's calendar. Raises NotFound."""
    found = LIST.one(conn, tenant_id=tenant_id, id=calendar_id, before_at=None, before_id=None, room=1)
    if found is None:
        raise NotFound(f"there is no calendar {calendar_id}")
    return found


def locked(conn: Connection, tenant_id: UUID, calendar_id: UUID) -> Calendar:
    """The tenant's calendar, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=calendar_id)
    return get(conn, tenant_id, calendar_id)


def edit(conn: Connection, tenant_id: UUID, calendar_id: UUID, changes: Mapping[str, Any]) -> Calendar:
    """The calendar with the columns given changed, and each schedule that keeps it planned anew from now on.

    What is due by then is decided by the days as they were. Raises NotFound, BadDefinition, NameTaken.
    """
    with transaction(conn):
        row = locked(conn, tenant_id, calendar_id)
        was = {name: getattr(row, name) for name in ("name", "country", "subdivision", "own_days")}
        columns = _checked(**{**was, **changes})
        is_other = any(_plain(columns[name]) != was[name] for name in was if name != "name")
        if is_other:
            keepers.settle(conn, tenant_id, calendar_id)
        try:
            UPDATE.run(conn, tenant_id=tenant_id, id=calendar_id, **columns)
        except DatabaseError as error:
            if error.sqlstate != _UNIQUE:
                raise
            raise NameTaken(f"there is a calendar named {columns['name']!r} already") from None
        ended = keepers.plan_anew(conn, tenant_id, calendar_id) if is_other else None
        if ended is not None:
            raise refuse("", f"would leave the schedule {ended!r} no slot to come")
        return get(conn, tenant_id, calendar_id)


def delete(conn: Connection, tenant_id: UUID, calendar_id: UUID) -> Calendar:
    """The calendar as it was before it was deleted. Raises NotFound, and WrongState while a schedule keeps it."""
    row = locked(conn, tenant_id, calendar_id)
    try:
        with transaction(conn):
            DELETE.run(conn, tenant_id=tenant_id, id=calendar_id)
    except DatabaseError as error:
        if error.sqlstate != _FOREIGN_KEY:
            raise
        raise WrongState(f"schedules keep the calendar {row.name!r}; give them another or none first") from None
    return row


def days(row: Calendar, year: int) -> list[Day]:
    """The calendar's days of a year, oldest first; a day of its own goes by its own name."""
    found = {} if row.country is None else dict(country_days(row.country, row.subdivision, year))
    own = {day: str(each["name"]) for each in row.own_days if (day := date.fromisoformat(each["date"])).year == year}
    return [Day(day, {**found, **own}[day], day in own) for day in sorted({*found, *own})]


def name_of(row: Calendar, day: date) -> str | None:
    """The name of the day; None when it is no day of the calendar."""
    return next((each.name for each in days(row, day.year) if each.date == day), None)


def holiday_of(conn: Connection, tenant_id: UUID, run: Run) -> str | None:
    """The name of the day for which the run was skipped, if its schedule's calendar still has it; None for other runs."""
    if run.reason != "holiday" or run.schedule_id is None:
        return None
    schedule = schedules.get(conn, tenant_id, run.schedule_id)
    if schedule.calendar_id is None:
        return None
    day = run.slot_at.astimezone(zone(schedule.timezone)).date()
    return name_of(get(conn, tenant_id, schedule.calendar_id), day)


def _plain(value: Any) -> Any:
    return value.obj if isinstance(value, Jsonb) else value


def _checked(
    name: str, country: str | None, subdivision: str | None, own_days: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The columns as they are stored. Raises BadDefinition."""
    if country is not None:
        country = country.strip().upper() if _COUNTRY.fullmatch(country.strip()) else country
    subdivision = None if subdivision is None else subdivision.strip()
    try:
        check_place(country, subdivision)
    except UnknownPlace as error:
        raise refuse(error.field, str(error)) from None
    named: dict[str, str] = {}
    for place, each in enumerate(own_days):
        day = str(each["date"])
        if day in named:
            raise refuse(f"ownDays.{place}.date", f"takes each date once, and {day} is there already")
        named[day] = each["name"]
    stored = [{"date": day, "name": named[day]} for day in sorted(named)]
    return {"name": name.strip(), "country": country, "subdivision": subdivision, "own_days": Jsonb(stored)}
