"""The slots ahead by column: as many as the schedules have one by one, however they are counted."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from scheduler import herds, slots
from scheduler.days import Closed, Days
from scheduler.herds import Columns, Herd
from tests import make

# The night in which Madrid's clock is put back.
AT = datetime(2026, 10, 24, 16, 0, tzinfo=UTC)
DAY = Columns(AT, timedelta(minutes=30), 49)
CALENDAR = uuid4()


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    """A connection of the test's own."""
    with make.connect(database) as found:
        yield found


def herd(next_fire_at: datetime, **values: Any) -> Herd:
    """A schedule of its own."""
    row: dict[str, Any] = dict.fromkeys(Herd._fields) | {
        "schedules": 1,
        "next_fire_at": next_fire_at,
        "timezone": "Europe/Madrid",
    }
    return Herd(**row | {"dst_gap": "end", "dst_fold": "first", "hash_id": "", "herds": 1} | values)


def by_column(found: list[datetime]) -> list[int]:
    """The slots counted one by one."""
    counts = [0] * DAY.number
    for slot in found:
        counts[(slot - DAY.first_at) // DAY.width] += 1
    return counts


def counted(one: Herd, days: dict[UUID, Days] | None = None) -> list[int]:
    counts = [0] * DAY.number
    for number, count in herds.later(one, days or {}, DAY):
        counts[number] += count
    return counts


@pytest.mark.parametrize(
    "expression", ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 * * * *", "0 9 * * 1-5", "59 23 * * *"]
)
@pytest.mark.parametrize("minutes", [0, 1, 29, 30, 61, 600])
def test_after_its_next_a_schedule_has_in_each_column_the_slots_that_it_has(expression: str, minutes: int) -> None:
    recurrence = slots.Cron(expression, "Europe/Madrid")
    following = slots.next_slot(recurrence, AT + timedelta(minutes=minutes))
    assert following is not None
    found, _ = slots.slots_between(recurrence, following, DAY.edge(49) - timedelta(microseconds=1), 2000)
    assert counted(herd(following, cron=expression)) == by_column(found)


def test_an_interval_its_end_and_the_runs_that_are_left_are_kept() -> None:
    every = {"interval_seconds": 600, "interval_anchor": AT}
    assert counted(herd(AT, **every))[:3] == [2, 3, 3]
    assert counted(herd(AT + timedelta(minutes=10), **every))[:3] == [1, 3, 3]
    assert sum(counted(herd(AT, **every, runs_left=6))) == 5
    ended = counted(herd(AT, **every, ends_at=AT + timedelta(minutes=50)))
    assert ended[:4] == [2, 3, 0, 0]
    assert sum(ended) == 5


def test_what_a_calendar_closes_is_not_ahead() -> None:
    days = Days(own=frozenset({date(2026, 10, 25)}))
    one = herd(AT, cron="0 * * * *", calendar_id=CALENDAR)
    closed = Closed(days, "Europe/Madrid")
    found, _ = slots.slots_between(slots.Cron("0 * * * *", "Europe/Madrid"), AT, DAY.edge(49), 2000, closed)
    assert counted(one, {CALENDAR: days}) == by_column(found)
    assert sum(counted(one, {CALENDAR: days})) < sum(counted(one))


def test_the_herd_is_seen_before_it_comes(conn: make.Connection) -> None:
    tenant, other = make.tenant(conn), make.tenant(conn)
    nine = make.now(conn).replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    morning = {"cron": f"0 {nine.hour} * * *", "next_fire_at": nine}
    for _ in range(5):
        make.schedule(conn, tenant, **morning)
        make.schedule(conn, other, **morning)
    make.schedule(conn, tenant, scheduled_at=nine + timedelta(minutes=1))
    make.schedule(conn, tenant, **morning, status="paused")
    hourly = {"cron": "17 * * * *", "next_fire_at": nine.replace(minute=17)}
    make.schedule(conn, tenant, **hourly)
    columns = Columns(nine - timedelta(hours=3), timedelta(minutes=30), 48)

    found = herds.ahead(conn, tenant, columns)

    assert found.columns == [0] * 6 + [7] + [0, 1] * 20 + [0]
    assert not found.is_least


def test_what_is_beyond_the_largest_herds_is_said_to_be_left_out(
    conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make.tenant(conn)
    at = make.now(conn).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    make.schedule(conn, tenant, cron="0 * * * *", next_fire_at=at)
    make.schedule(conn, tenant, cron="0 * * * *", next_fire_at=at)
    make.schedule(conn, tenant, cron="5 * * * *", next_fire_at=at.replace(minute=5))
    monkeypatch.setattr(herds, "MOST_HERDS", 1)

    found = herds.ahead(conn, tenant, Columns(at, timedelta(hours=1), 3))

    # Of the small herd no more than what is due next is known.
    assert found.columns == [3, 2, 2]
    assert found.is_least
