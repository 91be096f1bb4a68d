"""Schedules as they are made and changed, on a real database and beside a real tick."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.ids import slot_of, to_milliseconds
from db.pool import Connection, Database
from db.runs import pass_gates
from scheduler import asked, schedules
from scheduler.definition import NewSchedule, Schedule
from scheduler.frontier import LONG_AGO
from scheduler.refusals import BadSpan, NameTaken, NotFound, WrongState
from scheduler.slots import BadRecurrence
from scheduler.ticker import tick
from tests import make

DAY = timedelta(days=1)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


@pytest.fixture
def tenant_id(conn: Connection) -> UUID:
    return make.tenant(conn)


def _create(conn: Connection, tenant_id: UUID, **columns: Any) -> Schedule:
    columns = {"kind": "test.noop", "name": uuid4().hex} | columns
    return schedules.create(conn, tenant_id, uuid4(), NewSchedule(**columns), retention_days=90)


def _runs(conn: Connection, schedule_id: UUID) -> list[tuple[datetime, str, str]]:
    statement = "select slot_at, origin, state from runs where schedule_id = %s order by slot_at"
    return conn.execute(statement, (schedule_id,)).fetchall()


def _tick(conn: Connection) -> None:
    tick(conn, LONG_AGO, 100, lambda _rows: None)


def _make_due(conn: Connection, schedule_id: UUID, ago: timedelta) -> datetime:
    """Moves an interval schedule as if it had been made `ago`; returns its first slot."""
    conn.execute(
        "update schedules set interval_anchor = interval_anchor - %(ago)s, plan_from = plan_from - %(ago)s, "
        "next_fire_at = next_fire_at - %(ago)s where id = %(id)s",
        {"ago": ago, "id": schedule_id},
    )
    first: datetime = make.value(conn, "select next_fire_at from schedules where id = %s", schedule_id)
    return first


def test_an_interval_counts_from_when_it_was_made(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60)
    assert row.interval_anchor == to_milliseconds(row.created_at)
    assert row.next_fire_at == row.interval_anchor + timedelta(seconds=60)
    assert row.plan_from == row.created_at
    assert row.version == 1
    assert make.value(conn, "select count(*) from schedule_gates where schedule_id = %s", row.id) == 1


def test_a_schedule_that_starts_later_fires_from_then(conn: Connection, tenant_id: UUID) -> None:
    starts = (make.now(conn) + 3 * DAY).replace(hour=9, minute=0, second=0, microsecond=0)
    row = _create(conn, tenant_id, cron="0 9 * * *", starts_at=starts)
    assert row.next_fire_at == starts


@pytest.mark.parametrize("ago", [timedelta(seconds=5), 20 * DAY, 80 * DAY])
def test_a_time_in_the_past_fires_once_at_its_own_slot(conn: Connection, tenant_id: UUID, ago: timedelta) -> None:
    row = _create(conn, tenant_id, scheduled_at=make.now(conn) - ago, overlap_policy="allow")
    assert row.next_fire_at == row.scheduled_at
    _tick(conn)
    _tick(conn)
    assert _runs(conn, row.id) == [(row.scheduled_at, "schedule", "queued")]
    assert schedules.get(conn, tenant_id, row.id).next_fire_at is None


def test_a_time_beyond_what_is_kept_is_refused_by_name(conn: Connection, tenant_id: UUID) -> None:
    with pytest.raises(BadRecurrence, match="TOCSIN_RETENTION_DAYS keeps 90 days"):
        _create(conn, tenant_id, scheduled_at=make.now(conn) - 91 * DAY)


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "interval_seconds": 5}, "cron"),
        ({"cron": "* * 31 2 *"}, "cron"),
        ({"cron": "* * * * *", "timezone": "Nowhere"}, "timezone"),
        ({"interval_seconds": 60, "timezone": "Nowhere"}, "timezone"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"scheduled_at": datetime(2030, 1, 1)}, "scheduled_at"),  # noqa: DTZ001  naive is the point
        ({"cron": "* * * * *", "ends_at": datetime(2030, 1, 1)}, "ends_at"),  # noqa: DTZ001
        ({"cron": "* * * * *", "dst_fold": "neither"}, "dst_fold"),
    ],
)
def test_what_cannot_recur_is_refused_and_nothing_is_stored(
    conn: Connection, tenant_id: UUID, columns: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRecurrence) as caught:
        _create(conn, tenant_id, **columns)
    assert caught.value.field == field
    assert make.value(conn, "select count(*) from schedules") == 0


def test_an_end_that_leaves_no_slot_is_refused(conn: Connection, tenant_id: UUID) -> None:
    with pytest.raises(BadRecurrence, match="no slot to come"):
        _create(conn, tenant_id, interval_seconds=3600, ends_at=make.now(conn) + timedelta(minutes=1))


def test_names_are_the_tenants_own(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, name="one", interval_seconds=60)
    with pytest.raises(NameTaken):
        _create(conn, tenant_id, name="one", interval_seconds=60)
    assert _create(conn, make.tenant(conn), name="one", interval_seconds=60).id != row.id
    other = _create(conn, tenant_id, name="two", interval_seconds=60)
    with pytest.raises(NameTaken):
        schedules.edit(conn, tenant_id, other.id, {"name": "one"})


def test_another_tenants_schedule_is_not_found(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, name="one", interval_seconds=60)
    stranger = make.tenant(conn)
    for change in (schedules.pause, schedules.resume, schedules.cancel, asked.run_now):
        with pytest.raises(NotFound):
            change(conn, stranger, row.id)
    with pytest.raises(NotFound):
        schedules.get(conn, stranger, "one")
    with pytest.raises(NotFound):
        schedules.edit(conn, stranger, row.id, {"name": "x"})


def test_each_change_wakes_the_tickers_once(conn: Connection, tenant_id: UUID, database: str) -> None:
    with Database.at(database).connect("listen", for_listening=True) as listening:
        listening.execute("listen tocsin")
        row = _create(conn, tenant_id, interval_seconds=60)
        schedules.pause(conn, tenant_id, row.id)
        schedules.resume(conn, tenant_id, row.id)
        asked.run_now(conn, tenant_id, row.id)
        assert [note.channel for note in listening.notifies(timeout=5, stop_after=4)] == ["tocsin"] * 4
        assert list(listening.notifies(timeout=0)) == []


def test_the_paused_span_makes_no_rows(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, misfire_policy="all", overlap_policy="allow")
    first = row.next_fire_at
    assert first is not None
    assert schedules.pause(conn, tenant_id, row.id, "a note").next_fire_at is None
    _make_due(conn, row.id, timedelta(minutes=10))
    _tick(conn)
    resumed = schedules.resume(conn, tenant_id, row.id)
    _tick(conn)
    assert _runs(conn, row.id) == []
    assert resumed.next_fire_at is not None
    assert resumed.next_fire_at > make.now(conn)
    assert (resumed.next_fire_at - first) % timedelta(seconds=60) == timedelta(0)


def test_a_time_that_passed_while_paused_has_passed(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, scheduled_at=make.now(conn) + timedelta(hours=1))
    schedules.pause(conn, tenant_id, row.id)
    conn.execute("update schedules set scheduled_at = scheduled_at - interval '2 h' where id = %s", (row.id,))
    assert schedules.resume(conn, tenant_id, row.id).next_fire_at is None
    _tick(conn)
    assert _runs(conn, row.id) == []


def test_an_edit_changes_what_it_names_and_raises_the_version(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, params={"a": 1}, tags=("x",))
    edited = schedules.edit(conn, tenant_id, row.id, {"params": {"a": 2}})
    left_alone = {"params", "version", "updated_at"}
    assert {name for name in row._fields if getattr(row, name) != getattr(edited, name)} <= left_alone
    assert (edited.params, edited.version) == ({"a": 2}, 2)
    kept = conn.execute("select version, params from schedule_versions order by version").fetchall()
    assert kept == [(1, {"a": 1}), (2, {"a": 2})]


def test_an_edit_of_timing_plans_anew_and_keeps_the_anchor(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, misfire_policy="all", overlap_policy="allow")
    anchor = row.interval_anchor
    edited = schedules.edit(conn, tenant_id, row.id, {"interval_seconds": 90})
    assert (edited.interval_anchor, edited.interval_seconds) == (anchor, 90)
    assert anchor is not None
    assert edited.next_fire_at == anchor + timedelta(seconds=90)
    as_cron = schedules.edit(conn, tenant_id, row.id, {"cron": "0 9 * * *"})
    assert (as_cron.interval_seconds, as_cron.interval_anchor, as_cron.cron) == (None, None, "0 9 * * *")
    with pytest.raises(BadRecurrence):
        schedules.edit(conn, tenant_id, row.id, {"cron": "nonsense"})
    assert schedules.get(conn, tenant_id, row.id).cron == "0 9 * * *"


CHANGES: dict[str, Callable[[Connection, UUID, UUID], Schedule]] = {
    "an edit": lambda conn, tenant, row: schedules.edit(conn, tenant, row, {"params": {"b": 2}}),
    "a new rhythm": lambda conn, tenant, row: schedules.edit(conn, tenant, row, {"interval_seconds": 7200}),
    "a pause": schedules.pause,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("overlap", "state"), [("allow", "queued"), ("skip", "pending")])
def test_what_is_due_before_a_change_runs_as_it_was_though_no_ticker_came_to_it(
    conn: Connection, tenant_id: UUID, change: str, overlap: str, state: str
) -> None:
    row = _create(conn, tenant_id, interval_seconds=3600, params={"a": 1}, overlap_policy=overlap, misfire_policy="all")
    first = _make_due(conn, row.id, timedelta(hours=2, minutes=1))

    CHANGES[change](conn, tenant_id, row.id)
    _tick(conn)

    assert _runs(conn, row.id) == [(first + each * timedelta(hours=1), "schedule", state) for each in range(2)]
    old = "select params from schedule_versions where schedule_id = %s and version = %s"
    for version in make.value(conn, "select array_agg(schedule_version) from runs where schedule_id = %s", row.id):
        assert make.value(conn, old, row.id, version) == {"a": 1}


def test_what_is_due_before_a_cancel_is_a_run_that_was_cancelled(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=3600)
    first = _make_due(conn, row.id, timedelta(minutes=61))

    schedules.cancel(conn, tenant_id, row.id)

    assert _runs(conn, row.id) == [(first, "schedule", "cancelled")]


def test_an_edited_paused_schedule_stays_paused(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60)
    schedules.pause(conn, tenant_id, row.id)
    edited = schedules.edit(conn, tenant_id, row.id, {"interval_seconds": 30})
    assert (edited.status, edited.next_fire_at) == ("paused", None)


def test_a_cancelled_schedule_is_over_with_its_open_runs(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60)
    run = asked.run_now(conn, tenant_id, row.id)
    assert [ring.id for ring in pass_gates(conn, [row.id])] == [run]
    waiting = asked.run_now(conn, tenant_id, row.id)
    assert schedules.cancel(conn, tenant_id, row.id).status == "cancelled"
    states = conn.execute("select id, state, reason from runs order by slot_at, id").fetchall()
    assert {(run, "cancelled", "schedule_cancelled"), (waiting, "cancelled", "schedule_cancelled")} == set(states)
    assert schedules.gate_holder(conn, tenant_id, row.id) is None
    for change in (schedules.pause, schedules.resume, schedules.cancel, asked.run_now):
        with pytest.raises(WrongState):
            change(conn, tenant_id, row.id)
    with pytest.raises(WrongState):
        schedules.edit(conn, tenant_id, row.id, {"name": "x"})


@pytest.mark.parametrize(("policy", "is_gated"), [("skip", True), ("queue", True), ("allow", False)])
def test_a_run_asked_for_waits_at_the_gate_where_there_is_one(
    conn: Connection, tenant_id: UUID, policy: str, is_gated: bool
) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, overlap_policy=policy)
    first = asked.run_now(conn, tenant_id, row.id, triggered_by="a test")
    second = asked.run_now(conn, tenant_id, row.id)
    found = conn.execute(
        "select id, origin, state, triggered_by, available_at = 'infinity' from runs order by slot_at, id"
    ).fetchall()
    assert set(found) == {
        (first, "manual", "pending", "a test", is_gated),
        (second, "manual", "pending", None, is_gated),
    }
    released = [ring.id for ring in pass_gates(conn, [row.id])]
    assert len(released) == (1 if is_gated else 0)
    # The other one was asked for: it waits, whatever the policy does to slots.
    assert [ring.id for ring in pass_gates(conn, [row.id])] == []
    assert make.value(conn, "select count(*) from runs where state = 'pending'") == (1 if is_gated else 2)


def test_backfill_makes_each_missing_slot_once(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, cron="0 * * * *")
    last = make.now(conn).replace(minute=0, second=0, microsecond=0)
    made = asked.backfill(conn, tenant_id, row.id, last - timedelta(hours=2), last, retention_days=90)
    assert [slot_of(run) for run in made] == [last - timedelta(hours=2), last - timedelta(hours=1), last]
    more = asked.backfill(conn, tenant_id, row.id, last - timedelta(hours=3), last, retention_days=90)
    assert [slot_of(run) for run in more] == [last - timedelta(hours=3)]
    assert {(origin, state) for _, origin, state in _runs(conn, row.id)} == {("backfill", "pending")}
    assert schedules.get(conn, tenant_id, row.id).run_count == 0


def test_a_backfill_says_before_what_it_would_do_and_does_nothing_then(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, cron="0 * * * *")
    last = make.now(conn).replace(minute=0, second=0, microsecond=0)
    asked.backfill(conn, tenant_id, row.id, last - timedelta(hours=1), last, retention_days=90)
    span = last - timedelta(hours=3), last

    found = asked.preview_backfill(conn, tenant_id, row.id, *span, retention_days=90)

    assert found.lacking == [last - timedelta(hours=3), last - timedelta(hours=2)]
    assert found.taken == [last - timedelta(hours=1), last]
    assert len(_runs(conn, row.id)) == 2
    made = asked.backfill(conn, tenant_id, row.id, *span, retention_days=90)
    assert [slot_of(run) for run in made] == found.lacking


def test_a_slot_that_was_skipped_lacks_its_run(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, cron="0 * * * *")
    last = make.now(conn).replace(minute=0, second=0, microsecond=0)
    make.run(
        conn, tenant_id, schedule_id=row.id, origin="schedule", state="skipped", slot_at=last, skipped_until=last
    )  # fmt: skip
    assert asked.preview_backfill(conn, tenant_id, row.id, last, last, retention_days=90).lacking == [last]


def test_backfill_reaches_weeks_that_have_no_partition_yet(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, cron="0 0 * * 1")
    now = make.now(conn)
    assert len(asked.backfill(conn, tenant_id, row.id, now - 70 * DAY, now, retention_days=90)) == 10


def test_backfill_leaves_due_slots_to_the_ticker(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, misfire_policy="all", overlap_policy="allow")
    first = _make_due(conn, row.id, timedelta(minutes=3))
    now = make.now(conn)
    made = asked.backfill(conn, tenant_id, row.id, first - timedelta(minutes=3), now, retention_days=90)
    assert [slot_of(run) for run in made] == [first - timedelta(minutes=minutes) for minutes in (3, 2, 1)]
    _tick(conn)
    origins = [origin for _, origin, _ in _runs(conn, row.id)]
    assert origins == ["backfill"] * 3 + ["schedule"] * 3
    assert schedules.get(conn, tenant_id, row.id).last_error is None


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (timedelta(hours=-1), timedelta(hours=1), "ends in the future"),
        (timedelta(hours=-1), timedelta(hours=-2), "begins after its end"),
        (-100 * DAY, -99 * DAY, "TOCSIN_RETENTION_DAYS keeps 90 days"),
        (-2 * DAY, -DAY, "more than 1000 slots"),
    ],
)
def test_a_span_that_cannot_be_backfilled_is_refused(
    conn: Connection, tenant_id: UUID, first: timedelta, last: timedelta, said: str
) -> None:
    row = _create(conn, tenant_id, cron="* * * * *")
    now = make.now(conn)
    with pytest.raises(BadSpan, match=said):
        asked.backfill(conn, tenant_id, row.id, now + first, now + last, retention_days=90)
    assert _runs(conn, row.id) == []


def test_previews_are_what_the_ticker_plans(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=60, max_runs=2, overlap_policy="allow")
    assert [slot.at for slot in schedules.preview(conn, tenant_id, row.id, 5)] == [
        row.next_fire_at,
        row.next_fire_at + timedelta(seconds=60) if row.next_fire_at else None,
    ]
    late = _create(conn, tenant_id, scheduled_at=make.now(conn) - DAY, overlap_policy="allow")
    assert [slot.at for slot in schedules.preview(conn, tenant_id, late.id, 5)] == [late.scheduled_at]
    _tick(conn)
    assert schedules.preview(conn, tenant_id, late.id, 5) == []
    schedules.cancel(conn, tenant_id, row.id)
    assert schedules.preview(conn, tenant_id, row.id, 5) == []


def test_lists_are_newest_first_and_the_tenants_own(conn: Connection, tenant_id: UUID) -> None:
    made = [_create(conn, tenant_id, interval_seconds=60).id for _ in range(3)]
    _create(conn, make.tenant(conn), interval_seconds=60)
    schedules.pause(conn, tenant_id, made[0])
    assert [row.id for row in schedules.list_all(conn, tenant_id)] == made[::-1]
    assert [row.id for row in schedules.list_all(conn, tenant_id, limit=1)] == [made[2]]
    assert [row.id for row in schedules.list_all(conn, tenant_id, schedules.ScheduleFilter(status="paused"))] == [
        made[0]
    ]
    assert schedules.list_all(conn, tenant_id, schedules.ScheduleFilter(kind="other")) == []


def test_a_backfill_over_a_skipped_span_makes_each_of_its_slots(conn: Connection, tenant_id: UUID) -> None:
    row = _create(
        conn, tenant_id, interval_seconds=3600, misfire_policy="skip", misfire_grace_seconds=0, overlap_policy="allow"
    )
    first = _make_due(conn, row.id, timedelta(hours=4, minutes=1))
    _tick(conn)
    assert [state for _, _, state in _runs(conn, row.id)] == ["skipped"]

    made = asked.backfill(conn, tenant_id, row.id, first, first + timedelta(hours=2), retention_days=90)

    assert [slot_of(run) for run in made] == [first + each * timedelta(hours=1) for each in range(3)]
    assert asked.backfill(conn, tenant_id, row.id, first, first + timedelta(hours=2), retention_days=90) == []


def test_a_new_rhythm_does_not_forget_the_slot_that_waits_within_its_jitter(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=7200, jitter_seconds=7200, misfire_grace_seconds=0)
    conn.execute(
        "update schedules set interval_anchor = interval_anchor - interval '7205 s', "
        "plan_from = plan_from - interval '7205 s' where id = %s",
        (row.id,),
    )

    edited = schedules.edit(conn, tenant_id, row.id, {"interval_seconds": 10_000})

    assert [(origin, state) for _, origin, state in _runs(conn, row.id)] == [("schedule", "pending")]
    assert edited.next_fire_at is not None
    assert edited.next_fire_at > make.now(conn)


def test_a_schedule_that_is_given_a_gate_waits_for_what_is_open(conn: Connection, tenant_id: UUID) -> None:
    row = _create(conn, tenant_id, interval_seconds=3600, overlap_policy="allow")
    _make_due(conn, row.id, timedelta(minutes=61))
    _tick(conn)
    schedules.edit(conn, tenant_id, row.id, {"overlap_policy": "queue"})
    asked.run_now(conn, tenant_id, row.id)
    assert pass_gates(conn, [row.id]) == []

    conn.execute("update runs set state = 'cancelled', finished_at = now(), fence = fence + 1 where state = 'queued'")

    assert len(pass_gates(conn, [row.id])) == 1
    assert schedules.gate_holder(conn, tenant_id, row.id) is not None
