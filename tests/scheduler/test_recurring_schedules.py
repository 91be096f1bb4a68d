"""Schedules with a recurrence, on a real database and beside a real tick."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import calendars, reasons
from api.calendars import Calendar
from api.definitions import ScheduleIn, read_schedule
from api.edits import edit_schedule
from api.refusals import BadDefinition
from config.seal import Seal
from db.pool import Connection, Database
from scheduler import asked, schedules
from scheduler.definition import NewSchedule, Schedule
from scheduler.frontier import LONG_AGO
from scheduler.slots import BadRecurrence
from scheduler.ticker import tick
from tests import make

DAY = timedelta(days=1)
DAILY = {"every": "day"}


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


@pytest.fixture
def tenant_id(conn: Connection) -> UUID:
    return make.tenant(conn)


def _create(conn: Connection, tenant_id: UUID, told: dict[str, Any], **columns: Any) -> Schedule:
    new = NewSchedule("test.noop", uuid4().hex, recurrence=told, **columns)
    return schedules.create(conn, tenant_id, uuid4(), new, retention_days=90)


def _calendar(conn: Connection, tenant_id: UUID, *days: date) -> Calendar:
    named = [{"date": str(day), "name": "a holiday"} for day in days]
    return calendars.create(conn, tenant_id, uuid4().hex, own_days=named)


def _as_if_since(conn: Connection, row: Schedule, since: datetime) -> None:
    """As if no ticker had come to the schedule since then."""
    conn.execute("update schedules set plan_from = %s, next_fire_at = %s where id = %s", (since, since, row.id))


def _tick(conn: Connection, ahead_seconds: float = 0) -> None:
    assert tick(conn, LONG_AGO, 100, lambda _rows: None, ahead_seconds=ahead_seconds).failed == []


def _runs(conn: Connection, schedule_id: UUID) -> list[tuple[Any, ...]]:
    statement = "select slot_at::date, state, reason, skipped_count from runs where schedule_id = %s order by slot_at"
    return conn.execute(statement, (schedule_id,)).fetchall()


def test_what_passed_is_planned_from_the_row_as_it_is_stored(conn: Connection, tenant_id: UUID) -> None:
    now = schedules.read_now(conn)
    row = _create(conn, tenant_id, DAILY, misfire_policy="all")
    assert row.recurrence == {"every": "day", "interval": 1, "hour": 0, "minute": 0, "shift": "skip", "weekends": False}
    _as_if_since(conn, row, now - 3 * DAY)
    _tick(conn)
    assert [run[:2] for run in _runs(conn, row.id)] == [(now.date() - n * DAY, "pending") for n in (2, 1, 0)]
    after = schedules.get(conn, tenant_id, row.id)
    assert after.next_fire_at is not None
    assert after.next_fire_at.date() == now.date() + DAY
    assert [slot.at for slot in schedules.preview(conn, tenant_id, row.id, 1)] == [after.next_fire_at]


def test_periods_that_are_passed_over_are_counted_from_the_day_it_was_made(conn: Connection, tenant_id: UUID) -> None:
    now = schedules.read_now(conn)
    row = _create(conn, tenant_id, {"every": "day", "interval": 3})
    assert row.recurrence is not None
    assert row.recurrence["from"] == str(now.date())
    assert row.next_fire_at is not None
    assert row.next_fire_at.date() == now.date() + 3 * DAY
    renamed = schedules.edit(conn, tenant_id, row.id, {"name": "another"})
    assert (renamed.recurrence, renamed.next_fire_at) == (row.recurrence, row.next_fire_at)


@pytest.mark.parametrize(("shift", "moved"), [("after", 2), ("none", 1)])
def test_a_holiday_moves_what_falls_on_it_and_records_no_skip(
    conn: Connection, tenant_id: UUID, shift: str, moved: int
) -> None:
    # A Monday to come, so that the day behind it is a business day, and it recurs on no other day before the next one.
    today = schedules.read_now(conn).date()
    monday = today + (7 - today.weekday()) * DAY
    calendar = _calendar(conn, tenant_id, monday)
    told = {"every": "week", "days": ["mon"], "shift": shift}
    row = _create(conn, tenant_id, told, calendar_id=calendar.id)
    assert row.next_fire_at is not None
    assert row.next_fire_at.date() == monday + (moved - 1) * DAY
    # What the holiday moved is what a tick plans, not what the calendar skips.
    calendars.edit(conn, tenant_id, calendar.id, {"own_days": [{"date": str(monday - 7 * DAY), "name": "past"}]})
    _as_if_since(conn, row, datetime.combine(monday - 8 * DAY, datetime.min.time(), schedules.read_now(conn).tzinfo))
    _tick(conn)
    fired = monday - 7 * DAY + (moved - 1) * DAY
    assert _runs(conn, row.id) == ([(fired, "pending", None, None)] if fired <= today else [])


def test_a_recurrence_that_skips_records_the_holiday(conn: Connection, tenant_id: UUID) -> None:
    today = schedules.read_now(conn).date()
    calendar = _calendar(conn, tenant_id, today - DAY)
    row = _create(conn, tenant_id, DAILY, calendar_id=calendar.id, overlap_policy="allow")
    _as_if_since(conn, row, schedules.read_now(conn) - 2 * DAY)
    _tick(conn, ahead_seconds=90_000)
    assert _runs(conn, row.id) == [
        (today - DAY, "skipped", "holiday", 1),
        (today, "queued", None, None),
    ]


def test_an_edit_of_the_calendar_plans_its_business_days_anew(conn: Connection, tenant_id: UUID) -> None:
    calendar = _calendar(conn, tenant_id)
    told = {"every": "month", "days": ["first business day"]}
    row = _create(conn, tenant_id, told, calendar_id=calendar.id)
    assert row.next_fire_at is not None
    first = row.next_fire_at.date()
    calendars.edit(conn, tenant_id, calendar.id, {"own_days": [{"date": str(first), "name": "a strike"}]})
    edited = schedules.get(conn, tenant_id, row.id)
    assert edited.next_fire_at is not None
    assert first < edited.next_fire_at.date() <= first + 3 * DAY
    assert edited.version == row.version + 1


def test_runs_without_a_calendar_are_made_ahead(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, {"every": "minute"}, overlap_policy="allow")
    _tick(conn, ahead_seconds=130)
    assert len(_runs(conn, row.id)) >= 2


def test_a_backfill_knows_the_calendar(conn: Connection, tenant_id: UUID) -> None:
    now = schedules.read_now(conn)
    # A Wednesday that has passed: the Thursday behind it takes its slot in.
    wednesday = now.date() - ((now.weekday() - 2) % 7 + 7) * DAY
    calendar = _calendar(conn, tenant_id, wednesday)
    row = _create(conn, tenant_id, {"every": "day", "shift": "after"}, calendar_id=calendar.id)
    begin = datetime.combine(wednesday - DAY, datetime.min.time(), now.tzinfo)
    asked.backfill(conn, tenant_id, row.id, begin, begin + 2 * DAY, retention_days=90)
    assert [run[0] for run in _runs(conn, row.id)] == [wednesday - DAY, wednesday + DAY]


def test_an_edit_takes_the_old_way_to_recur_off_and_keeps_the_version(conn: Connection, tenant_id: UUID) -> None:
    row = schedules.create(
        conn, tenant_id, uuid4(), NewSchedule("test.noop", "nightly", cron="0 3 * * *"), retention_days=90
    )
    edited = edit_schedule(
        conn,
        tenant_id,
        row.id,
        {"recurrence": {"every": "Quarter", "days": ["LAST fri"], "hour": 9}},
        kinds={},
        seal=Seal(()),
    )
    assert (edited.cron, edited.version) == (None, row.version + 1)
    assert reasons.in_words(edited) == "At 09:00 on the last Friday of each quarter (UTC)"
    stored = (
        "select definition -> 'recurrence' ->> 'every' from schedule_versions where schedule_id = %s and version = %s"
    )
    assert make.value(conn, stored, row.id, edited.version) == "quarter"
    back = edit_schedule(conn, tenant_id, row.id, {"cronExpression": "0 4 * * *"}, kinds={}, seal=Seal(()))
    assert (back.recurrence, back.cron) == (None, "0 4 * * *")
    with pytest.raises(BadDefinition, match=r"^recurrence.days.0: takes mon, tue"):
        edit_schedule(
            conn, tenant_id, row.id, {"recurrence": {"every": "week", "days": ["x"]}}, kinds={}, seal=Seal(())
        )


@pytest.mark.parametrize(
    ("told", "field", "says"),
    [
        ({"every": "day", "shift": "before"}, "recurrence.shift", "moves what falls on a day of a calendar"),
        ({"every": "day", "interval": 0}, "recurrence.interval", "takes a whole number from 1 to 366"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    conn: Connection, tenant_id: UUID, told: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(BadRecurrence, match=says) as refused:
        _create(conn, tenant_id, told)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"every": "fortnight"}, "recurrence.every"),
        ({}, "recurrence.every"),
        ({"every": "day", "hour": "9"}, "recurrence.hour"),
        ({"every": "day", "from": 5}, "recurrence.from"),
        ({"every": "month", "days": [1, True]}, "recurrence.days.1"),
        ({"every": "month", "days": []}, "recurrence.days"),
        ({"every": "day", "at": "09:00"}, "recurrence.at"),
        ({"every": "day", "weekends": 1}, "recurrence.weekends"),
        ({"every": "day", "shift": "later"}, "recurrence.shift"),
    ],
)
def test_a_body_is_refused_under_the_part_at_fault(told: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadDefinition) as refused:
        read_schedule({"jobType": "test.noop", "recurrence": told})
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_a_body_says_what_is_stored() -> None:
    given = {"every": "WEEK", "from": "2026-01-05", "days": ["MON"], "interval": 2}
    body = ScheduleIn.model_validate({"jobType": "test.noop", "recurrence": given})
    assert body.recurrence is not None
    assert body.recurrence.start == date(2026, 1, 5)
