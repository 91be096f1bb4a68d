"""Gates: what a new run does beside an earlier one of its schedule, and who frees the gate."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from db.runs import Pointer, cancel
from tests import make
from tests.scheduler.ticking import Hand

SECOND = timedelta(seconds=1)


def come_due(hand: Hand, schedule: UUID) -> None:
    """Makes the schedule's next slot due now."""
    hand.conn.execute(
        "update schedules set interval_anchor = date_trunc('milliseconds', now()), next_fire_at = now(), "
        "plan_from = now() - interval '1 s' where id = %s",
        (schedule,),
    )


def fire_again(hand: Hand, schedule: UUID) -> None:
    """Makes the schedule's next slot due now, and turns the ticker."""
    come_due(hand, schedule)
    hand.turn()


def gated(hand: Hand, policy: str, **row: object) -> UUID:
    """A schedule with that overlap policy whose first run is queued."""
    schedule = hand.schedule(interval_seconds=100000, overlap_policy=policy, **row)
    hand.turn()
    assert hand.runs(schedule) == [("queued", None)]
    return schedule


def holder(hand: Hand, schedule: UUID) -> UUID | None:
    """The run that holds the schedule's gate."""
    found: UUID | None = hand.value("select run_id from schedule_gates where schedule_id = %s", schedule)
    return found


def test_skip_skips_what_comes_while_one_runs(hand: Hand) -> None:
    schedule = gated(hand, "skip")
    leased = hand.start(schedule)
    fire_again(hand, schedule)
    assert hand.runs(schedule) == [("running", None), ("skipped", "overlap")]

    hand.end(leased)
    fire_again(hand, schedule)

    assert hand.runs(schedule)[-1] == ("queued", None)


def test_queue_lets_them_run_one_after_the_other(hand: Hand) -> None:
    schedule = gated(hand, "queue")
    first = hand.start(schedule)
    fire_again(hand, schedule)
    fire_again(hand, schedule)
    assert hand.runs(schedule) == [("running", None), ("pending", None), ("pending", None)]
    assert hand.value("select count(*) from runs where available_at = 'infinity'") == 2

    assert [ended.has_waiting for ended in hand.end(first)] == [True]
    hand.turn()
    assert hand.runs(schedule) == [("succeeded", None), ("queued", None), ("pending", None)]

    hand.end(hand.start(schedule))
    hand.turn()
    assert [ended.has_waiting for ended in hand.end(hand.start(schedule))] == [False]
    hand.turn()
    assert hand.runs(schedule) == [("succeeded", None)] * 3


def test_allow_lets_them_run_beside_one_another(hand: Hand) -> None:
    schedule = gated(hand, "allow")
    hand.start(schedule)
    fire_again(hand, schedule)

    assert hand.runs(schedule) == [("running", None), ("queued", None)]


def test_cancel_running_asks_the_earlier_one_and_waits_for_its_end(hand: Hand) -> None:
    schedule = gated(hand, "cancel_running")
    leased = hand.start(schedule)
    fire_again(hand, schedule)
    assert hand.runs(schedule) == [("running", None), ("pending", None)]
    assert hand.value("select cancel_requested_at is not null from runs where id = %s", leased.id)

    hand.end(leased, "cancelled")
    hand.turn()

    assert [state for state, _ in hand.runs(schedule)] == ["cancelled", "queued"]


def test_cancel_running_cancels_at_once_what_nobody_works_on(hand: Hand) -> None:
    schedule = gated(hand, "cancel_running")
    fire_again(hand, schedule)

    assert hand.runs(schedule) == [("cancelled", "overlap"), ("queued", None)]


def test_cancel_running_of_one_that_ends_otherwise_lets_the_new_one_run(hand: Hand) -> None:
    schedule = gated(hand, "cancel_running")
    leased = hand.start(schedule)
    fire_again(hand, schedule)

    # It did not heed the cancel and failed: it is not tried again beside the run that replaced it.
    hand.end(leased, "pending", reason="retry", delay=0)
    hand.turn()

    assert [state for state, _ in hand.runs(schedule)] == ["cancelled", "queued"]


@pytest.mark.parametrize("end", ["succeeded", "dead", "cancelled"])
def test_every_end_frees_the_gate(hand: Hand, end: str) -> None:
    schedule = gated(hand, "queue")
    leased = hand.start(schedule)
    assert holder(hand, schedule) == leased.id

    hand.end(leased, end)

    assert holder(hand, schedule) is None


def test_a_retry_keeps_the_gate(hand: Hand) -> None:
    schedule = gated(hand, "queue")
    leased = hand.start(schedule)
    hand.end(leased, "pending", reason="retry", delay=0)
    fire_again(hand, schedule)

    assert holder(hand, schedule) == leased.id
    assert hand.runs(schedule) == [("queued", None), ("pending", None)]


def test_a_run_cancelled_before_it_began_frees_the_gate(hand: Hand) -> None:
    schedule = gated(hand, "queue")
    (run,) = hand.ids(schedule, "queued")
    slot = hand.value("select slot_at from runs where id = %s", run)

    cancel(hand.conn, [Pointer(run, slot)], "asked")

    assert holder(hand, schedule) is None
    assert hand.runs(schedule) == [("cancelled", "asked")]


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_a_reaped_death_frees_the_gate(hand: Hand, policy: str) -> None:
    schedule = gated(hand, policy, max_attempts=1)
    hand.start(schedule)
    hand.conn.execute("update runs set deadline_at = now() - interval '1 minute'")

    hand.turn()

    assert [state for state, _ in hand.runs(schedule)] == ["dead"]
    assert holder(hand, schedule) is None


def test_two_tickers_never_let_two_runs_through_one_gate(hand: Hand, database: str) -> None:
    schedules = [hand.schedule(interval_seconds=100000, overlap_policy="queue") for _ in range(20)]
    for _ in range(3):
        for schedule in schedules:
            come_due(hand, schedule)
        hand.ticker.tick(hand.conn)
    others = [Hand(database) for _ in range(4)]
    threads = [threading.Thread(target=other.turn) for other in others for _ in range(1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()

    open_runs = "select max(n) from (select count(*) as n from runs where state = 'queued' group by schedule_id) as c"
    assert hand.value(open_runs) == 1
    assert hand.value("select count(*) from runs where state = 'queued'") == 20
    assert hand.value("select count(*) from schedule_gates as g inner join runs as r on r.id = g.run_id "
                      "where r.state = 'queued'") == 20  # fmt: skip


def test_a_run_asked_for_by_hand_waits_at_the_gate_and_is_not_skipped(hand: Hand) -> None:
    schedule = gated(hand, "skip")
    leased = hand.start(schedule)
    make.run(
        hand.conn, hand.tenant, schedule_id=schedule, state="pending", available_at="infinity", fence=0,
        slot_at=make.now(hand.conn) + SECOND,
    )  # fmt: skip
    hand.turn()
    assert [state for state, _ in hand.runs(schedule)] == ["running", "pending"]

    hand.end(leased)
    hand.turn()

    assert [state for state, _ in hand.runs(schedule)] == ["succeeded", "queued"]


WAIT_IN_A_CROWD = """
    with made as (
        insert into schedules (id, tenant_id, kind, name, scheduled_at, overlap_policy, status)
        select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, %s, 'test.noop', 'crowd' || n,
            date_trunc('milliseconds', now()), 'queue', 'paused'
        from generate_series(1, 1200) as n
        returning id, tenant_id, scheduled_at
    )
    insert into runs (id, slot_at, tenant_id, schedule_id, kind, queue, origin, state, available_at)
    select gen_random_uuid(), scheduled_at, tenant_id, id, 'test.noop', 'default', 'schedule', 'pending', 'infinity'
    from made
"""


def test_a_crowd_at_closed_gates_keeps_nobody_from_passing_an_open_one(hand: Hand) -> None:
    hand.conn.execute(WAIT_IN_A_CROWD, (hand.tenant,))
    hand.conn.execute("update schedule_gates set run_id = gen_random_uuid(), run_slot_at = now()")
    last = hand.value("select id from schedules order by id desc limit 1")
    hand.conn.execute("update schedule_gates set run_id = null where schedule_id = %s", (last,))

    hand.ticker.pass_gates(hand.conn)

    assert hand.runs(last) == [("queued", None)]
    assert hand.value("select count(*) from runs where state = 'queued'") == 1


def test_one_that_was_asked_to_cancel_is_not_asked_again_every_second(hand: Hand) -> None:
    schedule = gated(hand, "cancel_running")
    leased = hand.start(schedule)
    fire_again(hand, schedule)
    row = hand.value("select xmin::text from runs where id = %s", leased.id)

    hand.turn()

    assert hand.value("select xmin::text from runs where id = %s", leased.id) == row
