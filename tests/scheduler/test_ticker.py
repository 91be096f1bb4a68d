"""The tick: what is due is claimed, planned, inserted and advanced, all or nothing."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from db.ids import ids_at
from scheduler import dead
from scheduler import ticker as module
from scheduler.frontier import LONG_AGO
from scheduler.ticker import tick
from tests import make
from tests.scheduler.ticking import Hand
from tests.system import until
from workers.alert_book import LIST_UNCHECKED

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def test_what_is_due_fires_and_what_is_not_waits(hand: Hand) -> None:
    now = make.now(hand.conn)
    due = hand.schedule(scheduled_at=now)
    hand.schedule(scheduled_at=now + timedelta(hours=1))
    hand.schedule(scheduled_at=now, status="paused")
    hand.schedule(scheduled_at=now, status="cancelled")
    hand.schedule(scheduled_at=now, next_fire_at=None, status="completed")

    hand.turn()

    assert hand.conn.execute("select schedule_id, state, slot_at, fence from runs").fetchall() == [
        (due, "queued", now, 1)
    ]
    assert len(hand.rings.packs) == 1


def test_a_second_tick_finds_nothing(hand: Hand) -> None:
    schedule = hand.schedule(interval_seconds=60)
    hand.turn()
    first = hand.conn.execute("select * from schedules").fetchall()

    hand.turn(hand.another())

    assert hand.conn.execute("select * from schedules").fetchall() == first
    assert len(hand.runs(schedule)) == 1


def test_a_run_carries_its_slot_in_its_id_and_its_version(hand: Hand) -> None:
    schedule = hand.schedule(interval_seconds=1, params={"a": 1})
    hand.conn.execute("update schedules set params = '{\"a\": 2}' where id = %s", (schedule,))
    hand.turn()

    row = hand.conn.execute("select slot_at, id, schedule_version from runs").fetchone()
    assert row
    slot, run, version = row
    assert run.int >> 80 == round(slot.timestamp() * 1000)
    assert version == 2
    assert hand.start(schedule).params == '{"a": 2}'


def test_a_schedule_that_one_ticker_holds_is_passed_over_by_the_others(hand: Hand, database: str) -> None:
    held = hand.schedule()
    with make.connect(database) as other, other.transaction():
        other.execute("select from schedules where id = %s for update", (held,))
        free = hand.schedule()
        hand.turn()
        assert hand.runs(free) == [("queued", None)]
        assert hand.runs(held) == []
    hand.turn()
    assert hand.runs(held) == [("queued", None)]


def test_a_schedule_that_cannot_be_planned_stops_nobody_and_fails(hand: Hand) -> None:
    schedules = [hand.schedule(interval_seconds=60) for _ in range(5)]
    bad = hand.schedule(cron="61 25 * * *", next_fire_at=make.now(hand.conn) - SECOND)
    lost = hand.schedule(cron="0 8 * * *", timezone="Mars/Base", next_fire_at=make.now(hand.conn))

    hand.turn()

    assert [hand.runs(each) for each in schedules] == [[("queued", None)]] * 5
    for each in (bad, lost):
        status, error, at, due = (
            hand.conn.execute(
                "select status, last_error, last_error_at, next_fire_at from schedules where id = %s", (each,)
            ).fetchone()
            or ("",) * 4
        )
        assert status == "failed"
        assert error
        assert at is not None
        assert due is None


def test_a_row_that_the_database_refuses_is_found_by_halving_and_pushed_ahead(hand: Hand) -> None:
    hand.conn.execute("alter table runs add constraint no_such_kind check (kind <> 'test.refused')")
    schedules = [hand.schedule(interval_seconds=60) for _ in range(20)]
    bad = hand.schedule(interval_seconds=60, kind="test.refused")

    hand.turn()

    assert [hand.runs(each) for each in schedules] == [[("queued", None)]] * 20
    assert hand.runs(bad) == []
    assert "no_such_kind" in hand.value("select last_error from schedules where id = %s", bad)
    assert hand.value("select next_fire_at - now() between '50 s' and '1 min' from schedules where id = %s", bad)
    assert hand.value("select status from schedules where id = %s", bad) == "active"

    hand.conn.execute("alter table runs drop constraint no_such_kind")
    hand.conn.execute("update schedules set next_fire_at = now() where id = %s", (bad,))
    hand.turn()
    assert len(hand.runs(bad)) == 1
    assert hand.value("select last_error from schedules where id = %s", bad) is None


def test_a_slot_that_was_backfilled_meanwhile_is_passed_over(hand: Hand) -> None:
    now = make.now(hand.conn)
    schedule = hand.schedule(scheduled_at=now)
    run = make.run(hand.conn, hand.tenant, schedule_id=schedule, slot_at=now, origin="backfill")

    hand.turn()

    assert hand.value("select array_agg(id) from runs where schedule_id = %s", schedule) == [run]
    assert hand.value("select last_slot_at from schedules where id = %s", schedule) == now
    assert hand.value("select last_error from schedules where id = %s", schedule) is None


def test_a_rogue_who_rewinds_the_due_time_fires_nothing_twice(hand: Hand) -> None:
    schedule = hand.schedule(interval_seconds=3600)
    hand.turn()
    hand.conn.execute("update schedules set next_fire_at = now() - interval '1 day' where id = %s", (schedule,))

    hand.turn()

    assert len(hand.runs(schedule)) == 1
    assert hand.value("select next_fire_at > now() from schedules where id = %s", schedule)


@pytest.mark.parametrize("clock_error", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_the_hosts_clock_is_not_asked(hand: Hand, monkeypatch: pytest.MonkeyPatch, clock_error: timedelta) -> None:
    import time

    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + clock_error.total_seconds())
    due = hand.schedule()
    later = hand.schedule(scheduled_at=make.now(hand.conn) + timedelta(minutes=5))

    hand.turn()

    assert len(hand.runs(due)) == 1
    assert hand.runs(later) == []


# Misfires, as the real ticker decides them.


def missed(hand: Hand, policy: str, seconds: int = 600, **row: object) -> UUID:
    """A schedule of each minute whose last `seconds` nobody planned; the grace is five seconds."""
    start = make.now(hand.conn) - timedelta(seconds=seconds + 30)
    row = {"plan_from": start, "next_fire_at": start + timedelta(seconds=60), "misfire_grace_seconds": 5} | row
    return hand.schedule(interval_seconds=60, interval_anchor=start, misfire_policy=policy, **row)


def test_misfire_once_makes_one_run_for_all_that_was_missed(hand: Hand) -> None:
    schedule = missed(hand, "once")
    hand.turn()

    assert hand.runs(schedule) == [("skipped", "misfire"), ("queued", None)]
    assert hand.value("select skipped_count from runs where state = 'skipped'") == 9
    assert hand.value("select run_count from schedules where id = %s", schedule) == 1


def test_what_an_alert_missed_names_its_slots_and_is_made_up_for_by_the_next_check(hand: Hand) -> None:
    schedule = missed(hand, "once", kind="kpi.threshold")
    other = missed(hand, "once")
    hand.turn()

    fired = hand.value("select slot_at from runs where schedule_id = %s and state <> 'skipped'", schedule)
    found = hand.conn.execute(
        "select slot_at, skipped_until from runs where schedule_id = %s and state = 'skipped'", (schedule,)
    ).fetchone()
    assert found is not None
    first, last = found
    minute = timedelta(minutes=1)
    wanted = [fired - place * minute for place in range(9, 0, -1)]
    assert (first, last) == (wanted[0], wanted[-1])
    asked: dict[str, Any] = {"tenant_id": hand.tenant, "schedule_id": schedule, "slot_at": fired}
    assert [row.slot_at for row in LIST_UNCHECKED.all(hand.conn, since=first - minute, **asked)] == wanted
    assert hand.value("select outcome from runs where schedule_id = %s and state = 'skipped'", other) is None

    # One that overlapped is its own slot, and a holiday is none that anybody missed.
    for slot, reason in ((fired + minute, "overlap"), (fired + 2 * minute, "holiday")):
        row = {"origin": "schedule", "state": "skipped", "reason": reason, "skipped_until": slot, "skipped_count": 1}
        make.run(hand.conn, hand.tenant, schedule_id=schedule, slot_at=slot, **row)
    later = asked | {"slot_at": fired + 3 * minute}
    assert [row.slot_at for row in LIST_UNCHECKED.all(hand.conn, since=fired, **later)] == [fired + minute]


def test_what_is_made_up_for_is_the_newest_hundred(hand: Hand) -> None:
    schedule = missed(hand, "once", seconds=60 * 500, kind="kpi.threshold")
    hand.turn()

    fired = hand.value("select slot_at from runs where schedule_id = %s and state <> 'skipped'", schedule)
    asked = {"tenant_id": hand.tenant, "schedule_id": schedule, "slot_at": fired}
    found = [row.slot_at for row in LIST_UNCHECKED.all(hand.conn, since=fired - timedelta(days=1), **asked)]
    assert (len(found), found[-1]) == (100, fired - timedelta(minutes=1))


def test_misfire_all_makes_a_run_for_each(hand: Hand) -> None:
    schedule = missed(hand, "all")
    hand.turn()

    assert hand.runs(schedule) == [("queued", None)] * 10
    assert hand.value("select run_count from schedules where id = %s", schedule) == 10


def test_misfire_all_keeps_the_newest_up_to_its_limit(hand: Hand) -> None:
    schedule = missed(hand, "all", misfire_limit=3)
    hand.turn()

    assert hand.runs(schedule) == [("skipped", "misfire_limit"), *[("queued", None)] * 3]
    assert hand.value("select skipped_count from runs where state = 'skipped'") == 7


def test_misfire_all_makes_a_hundred_a_tick_until_none_is_left(hand: Hand) -> None:
    schedule = missed(hand, "all", seconds=60 * 250)
    batch = tick(hand.conn, LONG_AGO, 10, lambda _: None)
    assert len(batch.rings) == 100

    hand.turn()

    assert hand.runs(schedule) == [("queued", None)] * 250


def test_misfire_skip_makes_none(hand: Hand) -> None:
    schedule = missed(hand, "skip")
    hand.turn()

    assert hand.runs(schedule) == [("skipped", "misfire")]
    assert hand.value("select skipped_count from runs") == 10
    assert hand.value("select run_count from schedules where id = %s", schedule) == 0


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_a_one_time_schedule_fires_however_late(hand: Hand, policy: str) -> None:
    schedule = hand.schedule(scheduled_at=make.now(hand.conn) - 3 * DAY, misfire_policy=policy)
    hand.turn()

    assert hand.runs(schedule) == [("queued", None)]


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_a_standstill_longer_than_the_partitions_reach_is_caught_up(hand: Hand, policy: str) -> None:
    start = make.now(hand.conn) - 70 * DAY
    schedule = hand.schedule(
        interval_seconds=86400,
        interval_anchor=start,
        plan_from=start,
        next_fire_at=start + DAY,
        misfire_policy=policy,
        misfire_limit=10,
    )
    hand.turn()

    assert hand.value("select last_error from schedules where id = %s", schedule) is None
    assert (
        hand.value("select coalesce(sum(skipped_count), 0) + count(*) filter (where state = 'queued') from runs") == 70
    )


def test_a_standstill_longer_than_the_retention_is_caught_up_as_far_as_that(hand: Hand) -> None:
    start = make.now(hand.conn) - 200 * DAY
    schedule = hand.schedule(
        interval_seconds=86400, interval_anchor=start, plan_from=start, next_fire_at=start + DAY, misfire_policy="skip"
    )
    hand.turn()

    assert hand.value("select last_error from schedules where id = %s", schedule) is None
    assert 89 <= hand.value("select skipped_count from runs") <= 91


# Ends.


def test_max_runs_counts_planned_slots_and_then_completes(hand: Hand) -> None:
    schedule = missed(hand, "all", max_runs=3)
    hand.turn()
    assert hand.runs(schedule) == [("queued", None)] * 3
    assert hand.value("select status from schedules where id = %s", schedule) == "active"

    for run in hand.ids(schedule, "queued"):
        hand.conn.execute("update runs set state = 'cancelled', fence = fence + 1 where id = %s", (run,))
    hand.turn()

    assert hand.value("select status from schedules where id = %s", schedule) == "completed"
    assert hand.value("select next_fire_at from schedules where id = %s", schedule) is None


@pytest.mark.parametrize(("end", "status"), [("succeeded", "completed"), ("dead", "failed")])
def test_a_one_time_schedule_ends_as_its_run_does(hand: Hand, end: str, status: str) -> None:
    schedule = hand.schedule()
    hand.turn()
    leased = hand.start(schedule)
    hand.turn()
    assert hand.value("select status from schedules where id = %s", schedule) == "active"

    hand.end(leased, end)
    hand.turn()

    assert hand.value("select status from schedules where id = %s", schedule) == status
    assert (hand.value("select last_run_at from schedules where id = %s", schedule) is not None) is (end == "succeeded")


def test_a_schedule_ends_at_its_end(hand: Hand) -> None:
    schedule = missed(hand, "all", ends_at=make.now(hand.conn) - timedelta(seconds=300))
    hand.turn()

    assert len(hand.runs(schedule)) == 5
    assert hand.value("select next_fire_at from schedules where id = %s", schedule) is None


# A ticker in trouble.


def test_a_held_ticker_fires_nothing_and_sleeps(database: str) -> None:
    hand = Hand(database, is_held=True)
    schedule = hand.schedule()

    hand.turn()

    assert hand.runs(schedule) == []
    assert hand.ticker.next_due(hand.conn) > 60
    hand.close()


def test_a_ticker_that_is_behind_looks_again_soon_but_does_not_spin(hand: Hand, database: str) -> None:
    held = hand.schedule()
    with make.connect(database) as other, other.transaction():
        other.execute("select from schedules where id = %s for update", (held,))
        waits = [hand.ticker.next_due(hand.conn) for _ in range(12)]
        assert waits[0] == 0.005
        assert waits == sorted(waits)
        assert waits[-1] == 0.5


def test_what_becomes_due_while_another_holds_rows_is_not_waited_for_any_longer(hand: Hand, database: str) -> None:
    held = hand.schedule()
    soon = make.now(hand.conn) + timedelta(seconds=0.4)
    with make.connect(database) as other, other.transaction():
        other.execute("select from schedules where id = %s for update", (held,))
        assert [hand.ticker.next_due(hand.conn) for _ in range(12)][-1] == 0.5

        schedule = hand.schedule(interval_seconds=3600, interval_anchor=soon, next_fire_at=soon)
        assert hand.ticker.next_due(hand.conn) <= 0.4
        until(lambda: make.now(hand.conn) >= soon)
        assert hand.ticker.next_due(hand.conn) == 0.005
        hand.turn()
        assert hand.runs(schedule) == [("queued", None)]


def test_an_error_leaves_nothing_of_the_batch(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.schedule(interval_seconds=60, misfire_policy="all")
    before = hand.conn.execute("select * from schedules").fetchall()

    def fail(name: str) -> None:
        if name == "before_commit":
            raise RuntimeError(name)

    monkeypatch.setattr(module, "faultpoint", fail)
    with pytest.raises(RuntimeError):
        tick(hand.conn, LONG_AGO, 10, lambda _: None)

    assert hand.conn.execute("select * from schedules").fetchall() == before
    assert hand.value("select count(*) from runs") == 0


def test_a_batch_that_costs_the_connection_is_a_smaller_one_next_time(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.schedule()

    def break_off(name: str) -> None:
        if name == "before_commit":
            hand.conn.execute("select pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(module, "faultpoint", break_off)
    limit = hand.ticker._limit

    with pytest.raises(psycopg.OperationalError):
        hand.ticker.tick(hand.conn)

    assert hand.ticker._limit == limit // 2


def test_ids_of_many_different_slots_cost_no_more_than_one_each(monkeypatch: pytest.MonkeyPatch, hand: Hand) -> None:
    made: list[int] = []

    def counted(slot: datetime, count: int) -> list[UUID]:
        made.append(count)
        return ids_at(slot, count)

    monkeypatch.setattr(module, "ids_at", counted)
    now = make.now(hand.conn)
    slots = [now + number % 500 * SECOND for number in range(1000)]

    ids = module._ids(slots)

    assert sum(made) == 1000
    assert len(set(ids)) == 1000
    assert [run.int >> 80 for run in ids] == [round(slot.timestamp() * 1000) for slot in slots]


@pytest.mark.parametrize(("end", "status"), [("succeeded", "completed"), ("dead", "failed")])
def test_a_one_time_schedule_whose_dead_run_is_replayed_ends_as_the_replay_does(
    hand: Hand, end: str, status: str
) -> None:
    schedule = hand.schedule(overlap_policy="allow")
    hand.turn()
    hand.end(hand.start(schedule), "dead")
    hand.turn()
    assert hand.value("select status from schedules where id = %s", schedule) == "failed"

    (run,) = hand.ids(schedule, "dead")
    dead.replay(hand.conn, hand.tenant, run)
    hand.turn()
    assert hand.value("select status from schedules where id = %s", schedule) == "active"
    hand.end(hand.start(schedule), end)
    hand.turn()

    assert hand.value("select status from schedules where id = %s", schedule) == status


def test_a_replay_revives_no_schedule_that_somebody_cancelled(hand: Hand) -> None:
    schedule = hand.schedule(overlap_policy="allow")
    hand.turn()
    hand.end(hand.start(schedule), "dead")
    hand.turn()
    hand.conn.execute("update schedules set status = 'cancelled' where id = %s", (schedule,))

    (run,) = hand.ids(schedule, "dead")
    dead.replay(hand.conn, hand.tenant, run)
    hand.turn()

    assert hand.value("select status from schedules where id = %s", schedule) == "cancelled"
