"""Schedules that keep a calendar, on a real database and beside a real tick."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import calendars, reasons
from api.calendars import Calendar
from api.refusals import BadDefinition
from db.pool import Connection, Database
from db.query import Query
from scheduler import asked, runs, schedules
from scheduler.definition import NewSchedule, Schedule
from scheduler.frontier import LONG_AGO
from scheduler.refusals import WrongState
from scheduler.slots import BadRecurrence
from scheduler.ticker import tick
from tests import make

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


@pytest.fixture
def tenant_id(conn: Connection) -> UUID:
    return make.tenant(conn)


def _calendar(conn: Connection, tenant_id: UUID, *days: date) -> Calendar:
    return calendars.create(conn, tenant_id, uuid4().hex, own_days=_named(*days))


def _named(*days: date) -> list[dict[str, str]]:
    return [{"date": str(day), "name": f"the holiday of {day}"} for day in days]


def _create(conn: Connection, tenant_id: UUID, calendar: Calendar, **columns: Any) -> Schedule:
    new = NewSchedule("test.noop", uuid4().hex, calendar_id=calendar.id, **columns)
    return schedules.create(conn, tenant_id, uuid4(), new, retention_days=90)


def _hourly_since(conn: Connection, tenant_id: UUID, calendar: Calendar, since: datetime, **columns: Any) -> Schedule:
    """An hourly schedule that no ticker has come to since then."""
    row = _create(conn, tenant_id, calendar, interval_seconds=3600, interval_anchor=since, **columns)
    conn.execute("update schedules set plan_from = %s, next_fire_at = %s where id = %s", (since, since, row.id))
    return schedules.get(conn, tenant_id, row.id)


def _noon(conn: Connection, days_ago: int) -> datetime:
    return schedules.read_now(conn).replace(hour=12, minute=0, second=0, microsecond=0) - days_ago * DAY


def _runs(conn: Connection, schedule_id: UUID) -> list[tuple[str, str | None, int | None]]:
    statement = "select state, reason, skipped_count from runs where schedule_id = %s order by slot_at"
    return conn.execute(statement, (schedule_id,)).fetchall()


def _tick(conn: Connection, ahead_seconds: float = 0) -> dict[str, int]:
    return tick(conn, LONG_AGO, 100, lambda _rows: None, ahead_seconds=ahead_seconds).misfires


def test_a_holiday_is_a_skipped_run_that_is_neither_counted_nor_made_up_for(conn: Connection, tenant_id: UUID) -> None:
    since = _noon(conn, 4)
    calendar = _calendar(conn, tenant_id, since.date() + DAY)
    row = _hourly_since(conn, tenant_id, calendar, since, misfire_policy="all", max_runs=1000)
    misfires = _tick(conn)
    found = _runs(conn, row.id)
    assert ("skipped", "holiday", 24) in found
    assert misfires == {}
    row = schedules.get(conn, tenant_id, row.id)
    assert row.run_count == len(found) - 1
    run = next(run for run in runs.list_all(conn, tenant_id) if run.reason == "holiday")
    history = runs.show(conn, tenant_id, run.id)
    named = calendars.holiday_of(conn, tenant_id, history.run)
    assert named == f"the holiday of {since.date() + DAY}"
    told = reasons.of_run(history, schedules.read_now(conn), None, named)
    assert any("because its calendar has those days off" in sentence for sentence in told)
    assert f"Its slot fell on {named}." in told


def test_the_next_fire_and_its_preview_pass_over_holidays(conn: Connection, tenant_id: UUID) -> None:
    today = schedules.read_now(conn).date()
    calendar = _calendar(conn, tenant_id, today, today + DAY, today + 3 * DAY)
    row = _create(conn, tenant_id, calendar, cron="0 9 * * *")
    assert row.next_fire_at is not None
    assert row.next_fire_at.date() == today + 2 * DAY
    shown = schedules.preview(conn, tenant_id, row.id, 2)
    assert [slot.at.date() for slot in shown] == [today + 2 * DAY, today + 4 * DAY]


def test_a_schedule_with_a_calendar_is_not_made_ahead(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, _calendar(conn, tenant_id), interval_seconds=10, overlap_policy="allow")
    _tick(conn, ahead_seconds=15)
    assert _runs(conn, row.id) == []


def test_an_edit_of_the_calendar_decides_what_passed_by_the_old_days_and_plans_by_the_new(
    conn: Connection, tenant_id: UUID
) -> None:
    since = _noon(conn, 2)
    today = schedules.read_now(conn).date()
    calendar = _calendar(conn, tenant_id, *(since.date() + number * DAY for number in range(5)))
    row = _hourly_since(conn, tenant_id, calendar, since)
    calendars.edit(conn, tenant_id, calendar.id, {"own_days": _named(today + 20 * DAY)})
    assert [run[:2] for run in _runs(conn, row.id)] == [("skipped", "holiday")]
    edited = schedules.get(conn, tenant_id, row.id)
    assert edited.version == row.version + 1
    assert edited.next_fire_at is not None
    assert edited.next_fire_at <= schedules.read_now(conn) + HOUR
    assert _tick(conn) == {}


def test_an_edit_plans_hundreds_of_schedules_anew_by_as_many_statements_as_one(
    conn: Connection, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = _noon(conn, 2)
    far = [since.date() + number * DAY for number in range(5)]
    asked_for: list[str] = []
    execute = Query._execute

    def noted(query: Query[Any], cursor: Any, *args: Any) -> Any:
        if cursor.connection is conn:
            asked_for.append(query.name)
        return execute(query, cursor, *args)

    monkeypatch.setattr(Query, "_execute", noted)

    def edited(count: int) -> int:
        calendar = _calendar(conn, tenant_id, *far)
        row = _hourly_since(conn, tenant_id, calendar, since)
        conn.execute(
            "insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, calendar_id, "
            "next_fire_at, plan_from, jitter_seconds, status) "
            "select gen_random_uuid(), tenant_id, kind, name || n, interval_seconds, interval_anchor, calendar_id, "
            "case when n %% 3 > 0 then next_fire_at end, plan_from, n %% 2, (array['paused', 'active'])[least(1, n %% 3) + 1] "
            "from schedules, generate_series(2, %s) as n where id = %s",
            (count, row.id),
        )
        asked_for.clear()
        calendars.edit(conn, tenant_id, calendar.id, {"own_days": _named(far[0] + 20 * DAY)})
        statements = len(asked_for)
        found = conn.execute(
            "select status, version - %s * (id = %s)::int, next_fire_at <= now() + interval '61 minutes', count(*)::int "
            "from schedules where calendar_id = %s group by 1, 2, 3 order by 1",
            (row.version - 1, row.id, calendar.id),
        ).fetchall()
        paused = count // 3
        assert found == [("active", 2, True, count - paused)] + [("paused", 2, None, paused)] * (paused > 0)
        skipped = "select count(*)::int from runs where reason = 'holiday' and skipped_count > 30 and schedule_id in "
        assert make.value(conn, skipped + "(select id from schedules where calendar_id = %s)", calendar.id) == (
            count - paused
        )
        return statements

    assert edited(300) == edited(1)


def test_an_edit_that_would_end_one_of_many_changes_none_and_says_which(conn: Connection, tenant_id: UUID) -> None:
    today = schedules.read_now(conn).date()
    calendar = _calendar(conn, tenant_id, today + DAY)
    ends = datetime.combine(today + 3 * DAY, datetime.min.time(), UTC)
    rows = [_create(conn, tenant_id, calendar, cron="0 9 * * *") for _ in range(5)]
    rows.append(_create(conn, tenant_id, calendar, cron="0 9 * * *", ends_at=ends))
    with pytest.raises(BadDefinition, match=f"would leave the schedule '{rows[-1].name}' no slot to come"):
        calendars.edit(conn, tenant_id, calendar.id, {"own_days": _named(*(today + n * DAY for n in range(4)))})
    assert [schedules.get(conn, tenant_id, row.id) for row in rows] == rows
    assert calendars.get(conn, tenant_id, calendar.id) == calendar


def test_a_new_name_plans_nothing_anew(conn: Connection, tenant_id: UUID) -> None:
    calendar = _calendar(conn, tenant_id)
    row = _create(conn, tenant_id, calendar, cron="0 9 * * *")
    assert calendars.edit(conn, tenant_id, calendar.id, {"name": "another"}).name == "another"
    assert schedules.get(conn, tenant_id, row.id) == row


def test_a_calendar_that_is_given_or_taken_away_plans_anew(conn: Connection, tenant_id: UUID) -> None:
    today = schedules.read_now(conn).date()
    calendar = _calendar(conn, tenant_id, *(today + number * DAY for number in range(9)))
    row = _create(conn, tenant_id, calendar, interval_seconds=60)
    assert row.next_fire_at is not None
    assert row.next_fire_at.date() == today + 9 * DAY
    freed = schedules.edit(conn, tenant_id, row.id, {"calendar_id": None})
    assert freed.next_fire_at is not None
    assert freed.next_fire_at.date() <= today + DAY
    again = schedules.edit(conn, tenant_id, row.id, {"calendar_id": calendar.id})
    assert again.next_fire_at == row.next_fire_at


def test_a_pause_records_the_holidays_that_passed(conn: Connection, tenant_id: UUID) -> None:
    since = _noon(conn, 1)
    calendar = _calendar(conn, tenant_id, *(since.date() + number * DAY for number in range(5)))
    row = _hourly_since(conn, tenant_id, calendar, since)
    conn.execute("update schedules set next_fire_at = now() + interval '4 days' where id = %s", (row.id,))
    schedules.pause(conn, tenant_id, row.id)
    assert [run[:2] for run in _runs(conn, row.id)] == [("skipped", "holiday")]


def test_a_backfill_leaves_holidays_out(conn: Connection, tenant_id: UUID) -> None:
    since = _noon(conn, 4)
    calendar = _calendar(conn, tenant_id, since.date() + DAY)
    row = _create(conn, tenant_id, calendar, interval_seconds=3600, interval_anchor=since)
    made = asked.backfill(conn, tenant_id, row.id, since, since + 2 * DAY, retention_days=90)
    assert len(made) == 49 - 24


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"scheduled_at": datetime.fromisoformat("2030-01-01T00:00:00Z")}, "is for schedules that recur"),
        ({"cron": "0 0 25 12 *"}, "leaves no slot to come"),
    ],
)
def test_what_cannot_keep_the_calendar_is_refused(
    conn: Connection, tenant_id: UUID, columns: dict[str, Any], says: str
) -> None:
    calendar = calendars.create(conn, tenant_id, "a country", country="DE")
    with pytest.raises(BadRecurrence, match=says) as refused:
        _create(conn, tenant_id, calendar, **columns)
    assert refused.value.field == "calendar_id"


def test_another_tenants_calendar_is_none(conn: Connection, tenant_id: UUID) -> None:
    foreign = _calendar(conn, make.tenant(conn))
    with pytest.raises(BadRecurrence, match="names no calendar"):
        _create(conn, tenant_id, foreign, cron="0 9 * * *")


def test_a_calendar_in_use_stays_and_one_of_schedules_that_are_over_goes(conn: Connection, tenant_id: UUID) -> None:
    calendar = _calendar(conn, tenant_id)
    row = _create(conn, tenant_id, calendar, cron="0 9 * * *")
    with pytest.raises(WrongState, match="schedules keep the calendar"):
        calendars.delete(conn, tenant_id, calendar.id)
    schedules.cancel(conn, tenant_id, row.id)
    calendars.delete(conn, tenant_id, calendar.id)
    assert schedules.get(conn, tenant_id, row.id).calendar_id is None
