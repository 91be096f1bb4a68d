"""Runs made ahead of their instant: rung when it comes, started by nobody before, taken back by whoever changes them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.runs import LEAD_SECONDS, Ring
from scheduler import schedules
from scheduler.definition import NewSchedule
from scheduler.made import Made, ServerClock
from scheduler.policy import Fire, Policy, plan
from scheduler.slots import Interval, slots_between
from scheduler.steps import Ticker
from tests import make
from tests.scheduler.ticking import Hand

SECOND = timedelta(seconds=1)
NOON = datetime.fromisoformat("2026-01-01T12:00:00+00:00")


@pytest.fixture
def ahead(database: str) -> Iterator[Hand]:
    """A ticker that makes runs twenty seconds ahead."""
    hand = Hand(database)
    hand.settings = replace(hand.settings, ahead_seconds=20)
    hand.ticker = hand.another()
    yield hand
    hand.close()


def soon(hand: Hand, seconds: float = 10, **row: Any) -> UUID:
    """A schedule every hour whose first slot comes in some seconds."""
    first: datetime = make.now(hand.conn) + seconds * SECOND
    given: dict[str, Any] = {"interval_seconds": 3600, "interval_anchor": first, "overlap_policy": "allow"} | row
    new = NewSchedule("test.noop", str(uuid4()), **given)
    return schedules.create(hand.conn, hand.tenant, uuid4(), new, retention_days=90).id


def made(hand: Hand, schedule: UUID) -> list[Any]:
    """The schedule's runs as (state, version, seconds until it may be leased)."""
    return hand.conn.execute(
        "select state, schedule_version, ceil(extract(epoch from released_at - now())) from runs "
        "where schedule_id = %s order by slot_at",
        (schedule,),
    ).fetchall()


def wait_until_rung(hand: Hand, ticker: Ticker) -> None:
    """Turns the ticker as its loop does, until it rings."""
    for _ in range(1000):
        if sum([step(hand.conn) for step in ticker.steps()]) == 0:
            threading.Event().wait(min(1.0, ticker.next_due(hand.conn)))
        if hand.rings.packs:
            return
    raise AssertionError("nothing was rung")


def test_a_run_is_made_ahead_and_rung_at_its_instant(ahead: Hand) -> None:
    schedule = soon(ahead, 1)
    ahead.turn()
    assert ahead.runs(schedule) == [("queued", None)]
    assert not ahead.rings.packs
    slot = ahead.value("select slot_at from runs where schedule_id = %s", schedule)

    wait_until_rung(ahead, ahead.ticker)

    assert ahead.value("select %s - now() <= make_interval(secs => %s)", slot, LEAD_SECONDS)
    leased = ahead.start(schedule, lead=LEAD_SECONDS)
    assert leased.started_at >= slot
    assert leased.released_at == slot


def test_nobody_starts_a_run_before_its_instant(ahead: Hand) -> None:
    schedule = soon(ahead)
    ahead.turn()

    with pytest.raises(ValueError, match="not enough values"):
        ahead.start(schedule)
    assert ahead.runs(schedule) == [("queued", None)]


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_a_run_that_must_pass_a_gate_is_not_made_ahead(ahead: Hand, policy: str) -> None:
    schedule = soon(ahead, overlap_policy=policy)
    ahead.turn()

    assert ahead.runs(schedule) == []


def test_a_jittered_run_is_made_for_its_jittered_instant(ahead: Hand) -> None:
    schedule = soon(ahead, 2, jitter_seconds=10)
    due = schedules.get(ahead.conn, ahead.tenant, schedule).next_fire_at
    ahead.turn()

    assert ahead.value("select released_at from runs where schedule_id = %s", schedule) == due


def test_a_schedule_shows_the_run_made_ahead_as_its_next(ahead: Hand) -> None:
    schedule = soon(ahead)
    before = schedules.get(ahead.conn, ahead.tenant, schedule)
    ahead.turn()
    after = schedules.get(ahead.conn, ahead.tenant, schedule)

    assert after.next_fire_at == before.next_fire_at
    assert (before.made_ahead, after.made_ahead) == (0, 1)


def test_a_preview_counts_what_is_made_ahead(ahead: Hand) -> None:
    schedule = soon(ahead, max_runs=2)
    before = schedules.preview(ahead.conn, ahead.tenant, schedule, 5)
    ahead.turn()

    assert len(before) == 2
    assert schedules.preview(ahead.conn, ahead.tenant, schedule, 5) == before


def test_an_edit_takes_back_what_was_made_and_it_is_made_anew(ahead: Hand) -> None:
    schedule = soon(ahead)
    before = schedules.get(ahead.conn, ahead.tenant, schedule)
    ahead.turn()
    edited = schedules.edit(ahead.conn, ahead.tenant, schedule, {"params": {"to": "others"}})

    assert made(ahead, schedule) == []
    assert (edited.next_fire_at, edited.last_slot_at, edited.run_count) == (before.next_fire_at, None, 0)
    ahead.turn()
    assert made(ahead, schedule) == [("queued", 2, 10)]


def test_an_edit_leaves_what_has_run(ahead: Hand) -> None:
    schedule = ahead.schedule(interval_seconds=8)
    ahead.turn()
    first = ahead.value("select min(slot_at) from runs where schedule_id = %s", schedule)
    assert [seconds > 0 for *_, seconds in made(ahead, schedule)] == [False, True, True]
    edited = schedules.edit(ahead.conn, ahead.tenant, schedule, {"interval_seconds": 3600})

    assert len(made(ahead, schedule)) == 1
    assert (edited.last_slot_at, edited.run_count) == (first, 1)


def test_a_pause_takes_back_what_was_made(ahead: Hand) -> None:
    schedule = soon(ahead)
    ahead.turn()
    schedules.pause(ahead.conn, ahead.tenant, schedule)
    ahead.turn()
    assert made(ahead, schedule) == []

    schedules.resume(ahead.conn, ahead.tenant, schedule)
    ahead.turn()
    assert [state for state, *_ in made(ahead, schedule)] == ["queued"]


def test_a_cancelled_schedule_leaves_no_run_that_never_was(ahead: Hand) -> None:
    schedule = soon(ahead)
    ahead.turn()
    schedules.cancel(ahead.conn, ahead.tenant, schedule)

    assert made(ahead, schedule) == []


def test_a_one_time_schedule_made_ahead_can_be_moved(ahead: Hand) -> None:
    at = make.now(ahead.conn) + 10 * SECOND
    schedule = soon(ahead, interval_seconds=None, interval_anchor=None, scheduled_at=at)
    ahead.turn()
    assert [state for state, *_ in made(ahead, schedule)] == ["queued"]
    schedules.edit(ahead.conn, ahead.tenant, schedule, {"scheduled_at": at + 3600 * SECOND})
    ahead.turn()

    assert made(ahead, schedule) == []
    assert schedules.get(ahead.conn, ahead.tenant, schedule).next_fire_at == at + 3600 * SECOND


def test_only_a_slot_that_has_not_come_can_be_taken_back(ahead: Hand) -> None:
    schedule = soon(ahead)
    ahead.turn()
    back = "update schedules set last_slot_at = last_slot_at - interval '1 hour' where id = %s"
    ahead.conn.execute(back, (schedule,))

    with pytest.raises(psycopg.DatabaseError) as refused:
        ahead.conn.execute(back, (schedule,))
    assert refused.value.sqlstate == "TC004"


def test_a_ticker_that_comes_later_rings_what_another_made(ahead: Hand) -> None:
    soon(ahead, 1)
    ahead.turn()
    assert not ahead.rings.packs

    wait_until_rung(ahead, ahead.another())


def test_a_ticker_takes_over_the_rings_of_one_that_stopped(ahead: Hand) -> None:
    other = ahead.another()
    ahead.turn(other)
    soon(ahead, 1.5)
    ahead.turn()
    assert not ahead.rings.packs
    ahead.ticker.stop(ahead.conn)
    other._last_pass.clear()

    wait_until_rung(ahead, other)


def test_what_was_missed_is_made_up_for_at_once_and_not_by_a_slot_to_come() -> None:
    hourly = Interval(3600, NOON)
    found = plan(hourly, NOON, NOON + timedelta(minutes=119, seconds=50), Policy("once"), until=NOON + 7205 * SECOND)

    assert [each.slot_at for each in found.decisions if isinstance(each, Fire)] == [
        NOON + timedelta(hours=1),
        NOON + timedelta(hours=2),
    ]


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), min_size=1, max_size=30),
    st.integers(0, 20),
    st.sampled_from([None, 3, 25]),
)
def test_planning_ahead_decides_each_slot_once(
    every: int, looks: list[tuple[int, int]], jitter: int, max_runs: int | None
) -> None:
    recurrence = Interval(every, NOON)
    now, until, last, count = NOON, NOON, NOON, 0
    fired: list[datetime] = []
    for wait, ahead_seconds in looks:
        now += wait * SECOND
        policy = Policy("all", jitter_seconds=jitter, seed="s", limit=100000, max_runs=max_runs, run_count=count)
        until = max(until, now + ahead_seconds * SECOND)
        found = plan(recurrence, last, now, policy, until=now + ahead_seconds * SECOND)
        for each in found.decisions:
            assert isinstance(each, Fire)
            assert each.fire_at <= now + ahead_seconds * SECOND
            fired.append(each.slot_at)
        count, last = len(fired), found.last_slot_at or last

    assert fired == slots_between(recurrence, NOON, until, 100000)[0][: len(fired)]


def test_the_few_of_one_tenant_are_not_rung_behind_the_many_of_another() -> None:
    clock = ServerClock()
    clock.set(NOON)
    many, few = UUID(int=1), UUID(int=2)
    kept = Made(clock)
    kept.add({(NOON, many): [Ring(uuid4(), NOON, 1, "default", "k", many) for _ in range(25)]})
    kept.add({(NOON, few): [Ring(uuid4(), NOON, 1, "default", "k", few)]})

    packs = [kept.due(10)]
    later = NOON + SECOND / 1000
    kept.add({(later, few): [Ring(uuid4(), later, 1, "default", "k", few)]})
    while kept.seconds() <= 0:
        packs.append(kept.due(10))

    assert [[ring.tenant_id for ring in pack] for pack in packs] == [
        [few, *[many] * 9], [few, *[many] * 9], [many] * 7,
    ]  # fmt: skip
    assert not kept.due(10)
