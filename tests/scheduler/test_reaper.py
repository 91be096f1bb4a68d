"""The reaper: what lost processes held, what ended, and the weeks that are made and dropped."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from psycopg.errors import CheckViolation

from db.jsonb import Jsonb
from db.pool import DatabaseError
from db.runs import count_cancelled
from scheduler import reaper, runs
from tests import make
from tests.scheduler.ticking import Hand
from workers.lease import RELEASE

DAY = timedelta(days=1)


def lose(hand: Hand, process: UUID) -> None:
    """Lets the process's lease run out."""
    hand.conn.execute("update processes set leased_until = now() - interval '1 ms' where id = %s", (process,))


def run_of(hand: Hand, schedule: UUID) -> dict[str, Any]:
    """The schedule's only run."""
    row: dict[str, Any] = hand.value("select to_jsonb(r) from runs as r where schedule_id = %s", schedule)
    return row


def counted_cancels() -> float:
    """How many runs of `hand`'s kind were counted as cancelled."""
    return REGISTRY.get_sample_value("tocsin_runs_total", {"kind": "test.noop", "state": "cancelled"}) or 0.0


def test_a_run_of_a_lost_process_is_a_suspect_and_its_attempt_is_not_counted(hand: Hand) -> None:
    schedule = hand.schedule(max_attempts=1)
    hand.turn()
    leased = hand.start(schedule)
    hand.rings.packs.clear()
    lose(hand, hand.process)

    hand.turn()

    run = run_of(hand, schedule)
    assert (run["state"], run["queue"], run["attempt"]) == ("queued", "suspect", 0)
    assert run["fence"] > leased.fence
    assert [queue for queue, *_ in hand.rings.packs] == ["suspect"]
    assert hand.end(leased) == [], "the zombie's end is refused"


def test_a_suspect_that_loses_its_process_again_is_guilty(hand: Hand, caplog: pytest.LogCaptureFixture) -> None:
    schedule = hand.schedule(max_attempts=2, backoff={"baseSeconds": 0, "maxSeconds": 0})
    hand.turn()
    states = []
    for _ in range(3):
        process = make.process(hand.conn)
        hand.start(schedule, process)
        lose(hand, process)
        hand.turn()
        states.append((run_of(hand, schedule)["state"], run_of(hand, schedule)["attempt"]))

    assert states == [("queued", 0), ("queued", 1), ("dead", 2)]
    assert hand.conn.execute("select cause, attempts, state from dead_letters").fetchall() == [("expired", 2, "open")]
    levels = [line.levelname for line in caplog.records if line.message == "run.expired"]
    assert levels == ["WARNING", "WARNING", "ERROR"]


def test_a_process_that_stopped_leaves_its_runs_at_once(hand: Hand) -> None:
    schedule = hand.schedule()
    hand.turn()
    hand.start(schedule)
    hand.conn.execute("update processes set stopped_at = now()")

    hand.turn()

    assert run_of(hand, schedule)["state"] == "queued"


def test_a_deadline_that_a_living_worker_lets_pass_counts_as_an_attempt(hand: Hand) -> None:
    schedule = hand.schedule(max_attempts=2, backoff={"baseSeconds": 0, "maxSeconds": 0})
    hand.turn()
    hand.start(schedule)
    hand.conn.execute("update runs set deadline_at = now() - interval '6 s'")

    hand.turn()

    run = run_of(hand, schedule)
    assert (run["state"], run["queue"], run["attempt"], run["error"]) == ("queued", "default", 1, "the deadline passed")


def test_a_run_that_was_to_be_cancelled_is_not_tried_again(hand: Hand) -> None:
    schedule = hand.schedule(overlap_policy="queue")
    hand.turn()
    hand.start(schedule)
    hand.conn.execute("update runs set cancel_requested_at = now()")
    lose(hand, hand.process)
    before = counted_cancels()

    hand.turn()

    assert run_of(hand, schedule)["state"] == "cancelled"
    assert counted_cancels() == before + 1
    assert run_of(hand, schedule)["finished_at"]
    assert hand.value("select run_id from schedule_gates") is None


def test_each_run_that_ends_cancelled_is_counted_once_and_one_that_is_asked_to_not_before_its_end(hand: Hand) -> None:
    queued, running, given_back = (hand.schedule() for _ in range(3))
    hand.turn()
    works = {each: hand.start(each) for each in (running, given_back)}
    before = counted_cancels()

    for each in (queued, running, given_back):
        run = run_of(hand, each)
        runs.cancel(hand.conn, UUID(run["tenant_id"]), UUID(run["id"]))
    assert counted_cancels() == before + 1

    # The worker is stopped, and gives back what it has not begun.
    given = works[given_back]
    fence = {"ids": [given.id], "slots": [given.slot_at], "fences": [given.fence]}
    count_cancelled(RELEASE.all(hand.conn, **fence, process_id=hand.process, reason="worker_stopped", delay=0))
    assert counted_cancels() == before + 2
    lose(hand, hand.process)
    hand.turn()
    assert counted_cancels() == before + 3
    assert {run_of(hand, each)["state"] for each in works} == {"cancelled"}


def test_an_attempt_that_would_be_tried_again_is_told_as_cancelled_where_that_was_asked(hand: Hand) -> None:
    schedule = hand.schedule()
    hand.turn()
    leased = hand.start(schedule)
    hand.conn.execute("update runs set cancel_requested_at = now()")
    assert [each.state for each in hand.end(leased, "pending")] == ["cancelled"]
    assert [each.state for each in hand.end(leased, "pending")] == ["cancelled"], "asked again after a lost answer"


@pytest.mark.parametrize("is_handed_over", [True, False])
@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_a_delivery_of_a_lost_process_is_unknown_only_if_its_content_may_have_left(
    hand: Hand, is_handed_over: bool, policy: str
) -> None:
    slot = make.now(hand.conn)
    run = make.run(hand.conn, hand.tenant, slot_at=slot, state="succeeded")
    make.delivery(
        hand.conn, hand.tenant, run, slot, state="sending", fence=3, attempts=1, leased_by=hand.process,
        unknown_policy=policy, handed_over_at=slot if is_handed_over else None,
    )  # fmt: skip
    lose(hand, hand.process)

    hand.turn()

    expected = "unknown" if is_handed_over and policy == "hold" else "pending"
    assert hand.conn.execute("select state, unknown_count, fence, leased_by from deliveries").fetchall() == [
        (expected, int(is_handed_over), 4, None)
    ]


def test_a_delivery_past_its_deadline_is_taken_back(hand: Hand) -> None:
    slot = make.now(hand.conn)
    run = make.run(hand.conn, hand.tenant, slot_at=slot, state="succeeded")
    make.delivery(
        hand.conn, hand.tenant, run, slot, state="sending", fence=3, leased_by=hand.process, deadline_at=slot - DAY
    )

    hand.turn()

    assert hand.value("select state from deliveries") == "pending"


def test_a_delivery_that_lost_its_process_at_each_attempt_fails(hand: Hand) -> None:
    slot = make.now(hand.conn)
    run = make.run(hand.conn, hand.tenant, slot_at=slot, state="succeeded")
    make.delivery(
        hand.conn, hand.tenant, run, slot, state="sending", fence=3, attempts=4, max_attempts=4, leased_by=hand.process
    )
    lose(hand, hand.process)

    hand.turn()

    assert hand.conn.execute("select state, error from deliveries").fetchall() == [
        ("failed", "its process was lost before anything was handed over")
    ]


def test_the_lost_are_declared_lost_once_and_the_living_not(hand: Hand) -> None:
    lost = make.process(hand.conn)
    lose(hand, lost)

    hand.turn()
    hand.turn()

    assert hand.value("select array_agg(id) from processes where lost_at is not null") == [lost]


# Weeks.


def weeks(hand: Hand) -> set[str]:
    """The weeks that have a partition of runs."""
    rows = hand.conn.execute("select inhrelid::regclass::text from pg_inherits where inhparent = 'runs'::regclass")
    return {name.removeprefix("runs_") for (name,) in rows.fetchall()}


def past(hand: Hand, days: int) -> datetime:
    """An instant so many days ago, with its week made."""
    at = make.now(hand.conn) - days * DAY
    hand.conn.execute("select make_partitions(%s, %s)", (at, at))
    return at


def test_old_weeks_are_dropped_with_all_that_belongs_to_their_runs(hand: Hand) -> None:
    at = past(hand, 120)
    run = make.run(hand.conn, hand.tenant, slot_at=at, state="succeeded")
    make.delivery(hand.conn, hand.tenant, run, at, state="sent")
    before = weeks(hand)

    hand.turn()

    assert len(before - weeks(hand)) == 1
    assert hand.value("select count(*) from deliveries") == 0


@pytest.mark.parametrize("state", ["pending", "queued", "running"])
def test_a_week_with_an_open_run_stays(hand: Hand, state: str) -> None:
    at = past(hand, 120)
    run = make.run(hand.conn, hand.tenant, slot_at=at, state=state, leased_by=hand.process, available_at="infinity")

    reaper.keep_house(hand.conn, 90)

    assert hand.value("select id from runs") == run


@pytest.mark.parametrize("state", ["pending", "sending"])
def test_a_week_with_an_open_delivery_stays(hand: Hand, state: str) -> None:
    at = past(hand, 120)
    run = make.run(hand.conn, hand.tenant, slot_at=at, state="succeeded")
    make.delivery(hand.conn, hand.tenant, run, at, state=state)

    reaper.keep_house(hand.conn, 90)

    assert hand.value("select count(*) from deliveries") == 1


def test_a_week_within_the_retention_stays(hand: Hand) -> None:
    at = past(hand, 89)
    make.run(hand.conn, hand.tenant, slot_at=at, state="succeeded")

    reaper.keep_house(hand.conn, 90)

    assert hand.value("select count(*) from runs") == 1


def test_weeks_are_made_ahead(hand: Hand) -> None:
    in_four_weeks = make.now(hand.conn) + 28 * DAY
    hand.value("select drop_partitions(%s)", in_four_weeks + 8 * DAY)
    with pytest.raises(CheckViolation):
        make.run(hand.conn, hand.tenant, slot_at=in_four_weeks)

    hand.turn()

    run = make.run(hand.conn, hand.tenant, slot_at=in_four_weeks)
    assert hand.value("select id from runs where slot_at = %s", in_four_weeks) == run


def test_a_long_reader_does_not_let_the_house_hold_up_everybody(hand: Hand, database: str) -> None:
    past(hand, 120)
    with make.connect(database) as reader, reader.transaction():
        reader.execute("select count(*) from runs")
        with pytest.raises(DatabaseError, match="lock timeout"):
            reaper.keep_house(hand.conn, 90)
        # The ticker goes on and tries again later.
        assert hand.ticker.keep_house(hand.conn) == 0
        hand.schedule()
        assert hand.ticker.tick(hand.conn) == 1


def test_segments_that_are_over_and_silences_that_were_are_forgotten(hand: Hand) -> None:
    alert = make.alert(hand.conn, hand.tenant)
    now = make.now(hand.conn)
    settled = {"alarm": "ok", "is_told": False, "told_trouble": None, "held_since": None, "missed": None}
    for segment, age, state, memory in (
        ("over", 91, "ok", settled),
        ("told", 91, "ok", settled | {"is_told": True}),
        ("held", 91, "ok", settled | {"held_since": now.isoformat()}),
        ("fires", 91, "firing", settled | {"alarm": "firing"}),
        ("young", 89, "ok", settled),
        ("", 91, "ok", settled),
    ):
        slot = now - age * DAY
        row = {"tenant_id": hand.tenant, "alert_id": alert, "segment": segment, "state": state, "run_id": hand.process}
        make.insert(hand.conn, "alert_states", row | {"since": slot, "slot_at": slot, "memory": Jsonb(memory)})
    for name, age in (("past", 91), ("late", 89)):
        row = {"tenant_id": hand.tenant, "name": name, "starts_at": now - 100 * DAY, "ends_at": now - age * DAY}
        make.insert(hand.conn, "silences", row)

    reaper.keep_house(hand.conn, 90)

    kept = hand.conn.execute("select segment from alert_states order by segment").fetchall()
    assert [segment for (segment,) in kept] == ["", "fires", "held", "told", "young"]
    assert hand.conn.execute("select name from silences").fetchall() == [("late",)]


def test_processes_that_ended_long_ago_are_forgotten(hand: Hand) -> None:
    week = make.now(hand.conn) - 8 * DAY
    make.process(hand.conn, stopped_at=week)
    make.process(hand.conn, lost_at=week)
    holding = make.process(hand.conn, lost_at=week)
    make.run(hand.conn, hand.tenant, state="running", leased_by=holding)

    reaper.keep_house(hand.conn, 90)

    assert hand.value("select count(*) from processes where lost_at is not null or stopped_at is not null") == 1
