"""Runs of a schedule and deliveries of a run, as they are listed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.ids import ids_at
from db.pool import Connection, Database
from scheduler import deliveries, runs
from scheduler.deliveries import DeliveryFilter
from scheduler.runs import RunFilter
from tests import make

HOUR = timedelta(hours=1)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


def _of_every_origin(conn: Connection, tenant_id: UUID) -> tuple[UUID, datetime, dict[UUID, dict[str, Any]]]:
    """A schedule, an instant, and what the schedule's runs of the hours before it are, by their ids."""
    schedule_id = make.schedule(conn, tenant_id, tags=["daily"])
    at = make.now(conn)
    made = [{"slot_at": at - hour * HOUR, "origin": "schedule", "state": "succeeded"} for hour in (0, 2, 3)]
    made += [{"slot_at": at - hour * HOUR, "origin": "manual", "state": "dead"} for hour in (1, 2, 2, 2, 5)]
    made += [{"slot_at": at - 4 * HOUR, "origin": "backfill", "state": "cancelled"}]
    made += [{"slot_at": at - 3 * HOUR, "origin": "schedule", "state": "skipped", "skipped_until": at - 3 * HOUR}]
    found = {make.run(conn, tenant_id, schedule_id=schedule_id, **each): each for each in made}
    for other in (make.schedule(conn, tenant_id), None):
        make.run(conn, tenant_id, schedule_id=other, slot_at=at - 2 * HOUR)
    return schedule_id, at, found


def test_a_schedules_runs_are_listed_page_by_page_whatever_made_them(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    schedule_id, _, made = _of_every_origin(conn, tenant_id)
    newest_first = sorted(made, key=lambda each: (made[each]["slot_at"], each), reverse=True)

    def all_of(limit: int) -> Iterator[runs.Run]:
        before: tuple[datetime | None, UUID | None] = (None, None)
        while page := runs.list_all(conn, tenant_id, RunFilter(schedule_id), before=before, limit=limit):
            yield from page
            before = (page[-1].slot_at, page[-1].id)

    for limit in (1, 2, 3, 50):
        assert [run.id for run in all_of(limit)] == newest_first, limit
    name = make.value(conn, "select name from schedules where id = %s", schedule_id)
    assert {run.schedule_name for run in all_of(50)} == {name}
    assert runs.list_all(conn, make.tenant(conn), RunFilter(schedule_id)) == []


def test_a_schedules_runs_pass_the_filters_that_all_runs_do(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    schedule_id, at, _ = _of_every_origin(conn, tenant_id)

    def hours(**asked: Any) -> list[int]:
        found = runs.list_all(conn, tenant_id, RunFilter(schedule_id=schedule_id, **asked))
        return [(at - run.slot_at) // HOUR for run in found]

    assert hours(state="dead") == [1, 2, 2, 2, 5]
    assert hours(origin="schedule") == [0, 2, 3, 3]
    assert hours(kind="test.noop", tag="daily", state="cancelled") == [4]
    assert hours(first_at=at - 4 * HOUR, last_at=at - 2 * HOUR) == [2, 2, 2, 2, 3, 3, 4]
    assert hours(origin="manual", state="succeeded") == []
    assert hours(kind="test.other") == hours(tag="weekly") == hours(parent_run_id=uuid4()) == []


def test_a_runs_deliveries_are_listed_without_those_of_others_at_its_slot(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    at = make.now(conn)
    mine, other = (make.run(conn, tenant_id, slot_at=at) for _ in range(2))
    first, second = sorted(ids_at(at, 2))
    make.delivery(conn, tenant_id, mine, at, id=first, recipient="Ann@example.com")
    make.delivery(conn, tenant_id, mine, at, id=second, recipient="ben@example.com", state="sent")
    make.delivery(conn, tenant_id, other, at, recipient="ann@example.com")

    def found(**asked: Any) -> list[UUID]:
        return [each.id for each in deliveries.list_all(conn, tenant_id, DeliveryFilter(run_id=mine, **asked))]

    assert found() == [second, first]
    assert found(recipient="ann@example.com") == [first]
    assert found(state="sent") == [second]
    assert found(first_at=at - HOUR, last_at=at) == [second, first]
    assert found(first_at=at, last_at=at + HOUR) == [second, first]
    assert found(first_at=at + HOUR) == found(last_at=at - HOUR) == []
    rest = deliveries.list_all(conn, tenant_id, DeliveryFilter(run_id=mine), before=(at, second))
    assert [each.id for each in rest] == [first]


def test_what_is_not_the_id_of_a_run_has_no_deliveries(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    at = make.now(conn)
    make.delivery(conn, tenant_id, make.run(conn, tenant_id, slot_at=at), at)

    for run_id in (uuid4(), UUID(int=0), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")):
        assert deliveries.list_all(conn, tenant_id, DeliveryFilter(run_id=run_id)) == []
