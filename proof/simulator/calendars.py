"""What the statements about calendars do to the model: each function mirrors the file of its name in sql/queries."""
# ruff: noqa: ARG001  every statement is asked alike

from datetime import datetime
from typing import Final

from proof.simulator.planning import Answer, Params
from proof.simulator.store import Busy, Store


def hold_calendar(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The calendar. It need not be held: in the model one person changes schedules and calendars."""
    return [(p["id"],)] if p["id"] in db.calendars else []


def lock_calendar(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The calendar; see `hold_calendar`."""
    return hold_calendar(db, now, p, owner)


def list_calendars(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The one calendar that is asked for."""
    return [(p["id"], "calendar", None, None, db.calendars[p["id"]].own_days, now, now)]


def lock_calendar_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedules that keep the calendar and are not over, locked for the owner's transaction."""
    rows = [
        row
        for row in sorted(db.schedules.values(), key=lambda row: row.id)
        if row.definition["calendar_id"] == p["calendar_id"] and row.status in ("active", "paused", "failed")
    ]
    if any(db.locks.get(row.id, owner) is not owner for row in rows):
        raise Busy
    db.locks.update((row.id, owner) for row in rows)
    return [(row.id, row.name, row.status, row.next_fire_at) for row in rows]


def update_calendar(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The calendar with other days."""
    row = db.calendars[p["id"]]
    db.touch(row)
    row.own_days = p["own_days"].obj
    return [()]


STATEMENTS: Final = (hold_calendar, lock_calendar, list_calendars, lock_calendar_schedules, update_calendar)
