"""What becomes of due slots: each rule as a claim, then every plan against conservation."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.policy import Fire, Misfire, Plan, Policy, Skip, plan
from scheduler.slots import Cron, Interval, Once, Recurrence, jittered, next_slot, slots_between

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTELY = Cron("* * * * *")
HOURLY = Cron("0 * * * *")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def fire(slot_at: datetime, at: datetime | None = None) -> Fire:
    return Fire(slot_at, at or slot_at)


def fired(made: Plan) -> list[datetime]:
    return [decision.slot_at for decision in made.decisions if isinstance(decision, Fire)]


def skipped(made: Plan) -> list[Skip]:
    return [decision for decision in made.decisions if isinstance(decision, Skip)]


def test_nothing_is_decided_before_its_time() -> None:
    assert plan(MINUTELY, NOON, at(0.9), Policy()) == Plan((), None, at(1), at(1), is_finished=False, has_more=False)


def test_a_slot_fires_at_its_instant() -> None:
    assert plan(MINUTELY, NOON, at(1), Policy()) == Plan(
        (fire(at(1)),), at(1), at(2), at(2), is_finished=False, has_more=False
    )


@pytest.mark.parametrize(("seconds", "is_late"), [(60, False), (60.000001, True)])
def test_the_grace_counts_from_the_nominal_instant(seconds: float, is_late: bool) -> None:
    made = plan(HOURLY, NOON, at(60) + timedelta(seconds=seconds), Policy("skip", grace_seconds=60))
    assert made.decisions == ((Skip(at(60), at(60), 1, "misfire"),) if is_late else (fire(at(60)),))


def test_all_slots_within_the_grace_fire() -> None:
    made = plan(Interval(10, NOON), NOON, at(1), Policy("skip", grace_seconds=60))
    assert fired(made) == [NOON + timedelta(seconds=seconds) for seconds in range(10, 70, 10)]


def test_once_makes_up_for_all_missed_slots_with_the_newest() -> None:
    made = plan(HOURLY, NOON, at(60 * 5 + 30), Policy("once"))
    assert made.decisions == (Skip(at(60), at(240), 4, "misfire"), fire(at(300)))
    assert made.last_slot_at == at(300)
    assert made.next_fire_at == at(360)


def test_once_leaves_the_making_up_to_a_slot_that_is_on_time() -> None:
    made = plan(HOURLY, NOON, at(60 * 5 + 0.5), Policy("once"))
    assert made.decisions == (Skip(at(60), at(240), 4, "misfire"), fire(at(300)))


def test_skip_leaves_late_slots_out_as_one_range() -> None:
    made = plan(HOURLY, NOON, at(60 * 5 + 30), Policy("skip"))
    assert made.decisions == (Skip(at(60), at(300), 5, "misfire"),)
    assert made.last_slot_at == at(300)
    assert not made.has_more


def test_all_fires_oldest_first_in_portions() -> None:
    policy, after, seen = Policy("all"), NOON, list[datetime]()
    for portion in (100, 100, 50):
        made = plan(MINUTELY, after, at(250.5), policy)
        assert len(made.decisions) == portion
        assert made.has_more == (portion == 100)
        assert made.last_slot_at is not None
        assert made.next_slot_at == made.next_fire_at == made.last_slot_at + timedelta(minutes=1)
        after, seen = made.last_slot_at, seen + fired(made)
    assert seen == [at(minute) for minute in range(1, 251)]


def test_all_keeps_the_newest_up_to_its_limit() -> None:
    made = plan(MINUTELY, NOON, at(5000.5), Policy("all", grace_seconds=0, limit=1000))
    assert skipped(made) == [Skip(at(1), at(4000), 4000, "misfire_limit")]
    assert fired(made) == [at(minute) for minute in range(4001, 4101)]
    assert made.has_more
    assert made.next_fire_at == at(4101)


def test_a_week_of_missed_seconds_becomes_one_range_and_one_run_within_a_second() -> None:
    began = time.perf_counter()
    made = plan(Cron("* * * * * *"), NOON, NOON + timedelta(days=7), Policy("once", grace_seconds=0))
    assert time.perf_counter() - began < 1
    assert made.decisions == (
        Skip(NOON + timedelta(seconds=1), NOON + timedelta(days=7, seconds=-1), 7 * 86400 - 1, "misfire"),
        fire(NOON + timedelta(days=7)),
    )


@pytest.mark.parametrize("misfire", ["once", "all", "skip"])
@pytest.mark.parametrize("jitter", [0, 30])
def test_a_one_time_schedule_in_the_past_fires_once_whatever_the_policy(misfire: Misfire, jitter: int) -> None:
    policy = Policy(misfire, jitter_seconds=jitter, limit=0)
    made = plan(Once(NOON), at(-1), at(60 * 24 * 300), policy)
    fire_at = jittered(NOON, None, jitter, policy.seed)
    assert made == Plan((fire(NOON, fire_at),), NOON, None, None, is_finished=True, has_more=False)
    assert plan(Once(NOON), NOON, at(60 * 24 * 300), policy).decisions == ()
    assert plan(Once(NOON), NOON, at(60 * 24 * 300), policy).is_finished


def test_the_last_of_max_runs_finishes_the_schedule() -> None:
    policy = Policy("all", max_runs=5, run_count=2)
    made = plan(MINUTELY, NOON, at(30.5), policy)
    assert fired(made) == [at(1), at(2), at(3)]
    assert made.is_finished
    assert (made.next_slot_at, made.next_fire_at, made.has_more) == (None, None, False)
    assert plan(MINUTELY, at(3), at(60), replace(policy, run_count=5)) == Plan(
        (), None, None, None, is_finished=True, has_more=False
    )


def test_skipped_slots_do_not_count_as_runs() -> None:
    made = plan(HOURLY, NOON, at(330), Policy("skip", max_runs=1))
    assert not made.is_finished
    assert made.next_slot_at == at(360)


def test_start_and_end_are_slots_too() -> None:
    policy = Policy("all", starts_at=at(60), ends_at=at(120))
    assert plan(HOURLY, at(-600), at(0), policy).next_fire_at == at(60)
    assert not plan(HOURLY, at(-600), at(60), policy).is_finished
    made = plan(HOURLY, at(-600), at(600), policy)
    assert fired(made) == [at(60), at(120)]
    assert made.is_finished
    assert plan(HOURLY, at(120), at(600), policy).is_finished


def test_an_end_between_two_slots_finishes_with_the_earlier_one() -> None:
    made = plan(HOURLY, NOON, at(60), Policy(ends_at=at(119)))
    assert made.decisions == (fire(at(60)),)
    assert made.is_finished


def test_a_jittered_slot_waits_for_its_own_instant() -> None:
    policy = Policy(jitter_seconds=1800, seed="a schedule's id")
    waits = jittered(at(60), at(120), 1800, policy.seed)
    assert at(60) < waits < at(90)
    early = plan(HOURLY, NOON, waits - timedelta(microseconds=1), policy)
    assert (early.decisions, early.next_slot_at, early.next_fire_at) == ((), at(60), waits)
    assert plan(HOURLY, NOON, waits, policy).decisions == (fire(at(60), waits),)


def test_a_jittered_slot_that_has_not_fired_stays_ahead_of_the_missed_ones() -> None:
    policy = Policy("once", jitter_seconds=1800, seed="a schedule's id")
    made = plan(HOURLY, NOON, at(180), policy)
    assert made.decisions == (
        Skip(at(60), at(60), 1, "misfire"),
        fire(at(120), jittered(at(120), at(180), 1800, policy.seed)),
    )
    assert made.next_slot_at == at(180)
    assert made.next_fire_at is not None
    assert made.next_fire_at > at(180)


def test_a_jitter_wider_than_the_grace_makes_no_slot_late_by_itself() -> None:
    policy = Policy("skip", grace_seconds=60, jitter_seconds=1800, seed="a schedule's id")
    fire_at = plan(HOURLY, NOON, NOON, policy).next_fire_at
    assert fire_at is not None
    assert plan(HOURLY, NOON, fire_at + timedelta(seconds=1), policy).decisions == (fire(at(60), fire_at),)


def test_a_herd_is_planned_faster_than_the_ticker_needs() -> None:
    """Measured 1 to 3 microseconds a schedule; each has an id, a seed and instants of its own."""
    now = at(5.01)
    rows = [
        (
            Cron("*/5 * * * *", "Europe/Paris", hash_id=str(number)),
            datetime(2026, 1, 1, 12, tzinfo=UTC),
            Policy(seed=str(number)),
        )
        for number in range(20_000)
    ]
    began = time.perf_counter()
    for recurrence, after, policy in rows:
        plan(recurrence, after, now, policy)
    assert time.perf_counter() - began < 1


RECURRENCES = st.sampled_from(
    [
        MINUTELY,
        HOURLY,
        Cron("*/7 * * * *", "Europe/Paris"),
        Cron("15,45 2 * * *", "Europe/Paris"),
        Cron("30 */2 * * *", "America/New_York", fold="both", gap="shift"),
        Cron("*/10 * * * * *"),
    ]
) | st.integers(5, 5000).map(lambda seconds: Interval(seconds, NOON))
STARTS = st.sampled_from(
    [NOON, datetime(2026, 3, 28, 23, 17, 5, tzinfo=UTC), datetime(2026, 10, 24, 22, 17, tzinfo=UTC)]
)
MINUTES = st.integers(-3000, 5000)


@st.composite
def policies(draw: st.DrawFn, start: datetime) -> Policy:
    bound = st.none() | MINUTES.map(lambda minutes: start + timedelta(minutes=minutes))
    return Policy(
        misfire=draw(st.sampled_from(["once", "all", "skip"])),
        grace_seconds=draw(st.sampled_from([0, 1, 60, 3600])),
        limit=draw(st.sampled_from([0, 1, 7, 1000])),
        max_runs=draw(st.none() | st.integers(0, 40)),
        starts_at=draw(bound),
        ends_at=draw(bound),
        jitter_seconds=draw(st.sampled_from([0, 0, 20, 900, 10_000])),
        seed=draw(st.text(max_size=3)),
    )


@given(data=st.data(), recurrence=RECURRENCES, start=STARTS)
@settings(max_examples=150, deadline=None)
def test_planning_again_and_again_decides_each_due_slot_exactly_once(
    data: st.DataObject, recurrence: Recurrence, start: datetime
) -> None:
    policy = data.draw(policies(start))
    per_tick = data.draw(st.sampled_from([1, 3, 100]))
    steps = data.draw(st.lists(st.floats(0, 90_000), min_size=1, max_size=6))
    after, now, run_count, is_finished = start, start, 0, False
    decided: list[datetime] = []
    for seconds in steps:
        now += timedelta(seconds=seconds)
        for _ in range(50):
            made = plan(recurrence, after, now, replace(policy, run_count=run_count), per_tick)
            assert len(fired(made)) <= per_tick
            for decision in made.decisions:
                decided += covered(recurrence, decision)
            after, run_count = made.last_slot_at or after, run_count + len(fired(made))
            is_finished = is_finished or made.is_finished
            check_next(recurrence, made, policy, after, now)
            if not made.has_more:
                break
    assert decided == sorted(set(decided))
    low = start if policy.starts_at is None else max(start, policy.starts_at - timedelta(microseconds=1))
    assert decided == slots_between(recurrence, low, after, 100_000)[0]
    assert policy.max_runs is None or run_count <= policy.max_runs


def covered(recurrence: Recurrence, decision: Fire | Skip) -> list[datetime]:
    """The slots that a decision is about; a range must be exactly as long as it says."""
    if isinstance(decision, Fire):
        assert next_slot(recurrence, decision.slot_at - timedelta(microseconds=1)) == decision.slot_at
        return [decision.slot_at]
    before = decision.slot_at - timedelta(microseconds=1)
    slots, has_more = slots_between(recurrence, before, decision.until, decision.count)
    assert (slots[0], slots[-1], len(slots), has_more) == (decision.slot_at, decision.until, decision.count, False)
    return slots


def check_next(recurrence: Recurrence, made: Plan, policy: Policy, after: datetime, now: datetime) -> None:
    """The next slot follows the last decided one, and is due exactly when the plan says that there is more."""
    if made.is_finished:
        assert (made.next_slot_at, made.next_fire_at, made.has_more) == (None, None, False)
        return
    low = after if policy.starts_at is None else max(after, policy.starts_at - timedelta(microseconds=1))
    assert made.next_slot_at == next_slot(recurrence, low)
    assert made.next_slot_at is not None
    following = next_slot(recurrence, made.next_slot_at)
    assert made.next_fire_at == jittered(made.next_slot_at, following, policy.jitter_seconds, policy.seed)
    assert made.has_more == (made.next_fire_at <= now)
    assert policy.ends_at is None or made.next_slot_at <= policy.ends_at
