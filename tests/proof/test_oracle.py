"""The oracle against the engine's own slots, by night and by day; and what it expects of a history."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.zones import zone
from proof.oracle import due_slots, expected
from proof.outages import Outages
from proof.records import Fault, History, Run, ScheduleMove, Version
from proof.wall import NotJudged
from scheduler import slots
from scheduler.slots import BadRecurrence, Cron, Interval, Once, slots_between
from tests.scheduler.test_slots_nights import PLACES, expressions

GAPS = st.sampled_from(["end", "skip", "shift"])
FOLDS = st.sampled_from(["first", "second", "both"])
T = datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp()


def millis(found: list[datetime]) -> list[int]:
    return [round(slot.timestamp() * 1000) for slot in found]


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def cron(expression: str, timezone: str = "UTC", gap: str = "end", fold: str = "first") -> dict[str, Any]:
    return {"cron": expression, "timezone": timezone, "dst_gap": gap, "dst_fold": fold}


def local(expression: str, timezone: str, start: str, hours: int, gap: str = "end", fold: str = "first") -> list[str]:
    """The slots of the hours from `start` on, as the zone's clock shows them."""
    after = datetime.fromisoformat(start).timestamp()
    found = due_slots(cron(expression, timezone, gap, fold), after, after + hours * 3600)
    return [datetime.fromtimestamp(at / 1000, zone(timezone)).isoformat() for at in found]


@settings(max_examples=250, deadline=None)
@given(
    fields=expressions(),
    place=st.sampled_from(PLACES),
    gap=GAPS,
    fold=FOLDS,
    hours=st.integers(-30, 30),
    second=st.sampled_from(["", "7 ", "*/20 ", "0,59 "]),
)
def test_the_oracle_and_the_engine_name_the_same_slots_on_every_night(
    fields: Any, place: tuple[str, datetime], gap: str, fold: str, hours: int, second: str
) -> None:
    timezone, near = place
    after = near + timedelta(hours=hours - 20, minutes=hours)
    until = after + timedelta(hours=44)
    expression = second + fields.text
    assert_same(Cron(expression, timezone, gap, fold), after, until)


@settings(max_examples=150, deadline=None)
@given(
    dom=st.sampled_from(["*", "?", "L", "1,L", "31", "30", "*/10", "1-9/4", "5/7"]),
    month=st.sampled_from(["*", "2", "feb-apr/2", "jan,DEC", "*/5", "3/4"]),
    dow=st.sampled_from(
        ["*", "?", "fri-sun", "5#2", "mon-wed#1", "fri-sun#1", "L5", "1#1,L5", "7", "1/2", "FRI/2", "*/3", "0-7/3"]
    ),
    hour=st.sampled_from(["3", "*/6", "0-23", "*,5"]),
    day=st.integers(10_600, 25_500),
)
def test_the_oracle_and_the_engine_name_the_same_days(dom: str, month: str, dow: str, hour: str, day: int) -> None:
    after = datetime.fromtimestamp(day * 86_400, UTC)
    assert_same(Cron(f"10 {hour} {dom} {month} {dow}", "Europe/Paris"), after, after + timedelta(days=400))


def assert_same(recurrence: Cron, after: datetime, until: datetime) -> None:
    try:
        slots.check(recurrence)
    except BadRecurrence as error:
        assume("can never fire" not in str(error) and "a step is" not in str(error))
        raise
    definition = cron(recurrence.expression, recurrence.timezone, recurrence.gap, recurrence.fold)
    ours, has_more = slots_between(recurrence, after, until, 20_000)
    assume(not has_more)
    assert due_slots(definition, after.timestamp(), until.timestamp()) == millis(ours)


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.integers(1, 10_000),
    anchor=st.integers(0, 10**12),
    after=st.integers(0, 10**15),
    span=st.integers(0, 10**11),
)
def test_the_oracle_and_the_engine_name_the_same_slots_of_an_interval(
    seconds: int, anchor: int, after: int, span: int
) -> None:
    epoch, micro = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    span = min(span, seconds * 10**6 * 500)
    anchored, low = epoch + anchor * 1000 * micro, epoch + after * micro
    ours, _ = slots_between(Interval(seconds, anchored), low, low + span * micro, 1000)
    definition = {"interval_seconds": seconds, "interval_anchor": anchored.isoformat()}
    assert due_slots(definition, low.timestamp(), (low + span * micro).timestamp()) == millis(ours)


@given(at=st.integers(-2, 2), ends=st.tuples(st.integers(-2, 2), st.integers(-2, 2)))
def test_a_time_lies_in_a_span_that_begins_before_it_and_ends_no_earlier(at: int, ends: tuple[int, int]) -> None:
    low, high = T + ends[0], T + ends[1]
    after, until = (datetime.fromtimestamp(end, UTC) for end in (low, high))
    ours, _ = slots_between(Once(datetime.fromtimestamp(T + at, UTC)), after, until, 9)
    assert due_slots({"scheduled_at": iso(T + at)}, low, high) == millis(ours)


@pytest.mark.parametrize(
    ("night", "found"),
    [
        (("30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 24), ["2026-03-29T03:00:00+02:00"]),
        (("30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 24, "shift"), ["2026-03-29T03:30:00+02:00"]),
        (("30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 24, "skip"), []),
        (("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", 24), ["2026-11-01T01:30:00-04:00"]),
        (("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", 24, "end", "second"), ["2026-11-01T01:30:00-05:00"]),
        (
            ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", 24, "end", "both"),
            ["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"],
        ),
        (
            ("30 * * * *", "Australia/Lord_Howe", "2026-10-03T14:45Z", 1),
            ["2026-10-04T01:30:00+10:30", "2026-10-04T02:30:00+11:00"],
        ),
        (("0 0 * * *", "America/Santiago", "2026-09-06T00:00Z", 12), ["2026-09-06T01:00:00-03:00"]),
        (("30 23 * * *", "America/Santiago", "2026-04-04T12:00Z", 24), ["2026-04-04T23:30:00-03:00"]),
        (("@daily", "Africa/Cairo", "2026-04-23T12:00Z", 12), ["2026-04-24T01:00:00+03:00"]),
        (("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00Z", 24), ["2026-02-15T02:30:00+01:00"]),
        (("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00Z", 24), ["2026-03-22T03:00:00+01:00"]),
        (("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 999), ["2011-12-31T00:00:00+14:00"]),
        (("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 999, "shift"), ["2011-12-31T09:00:00+14:00"]),
        (("0 0 * * *", "Africa/Monrovia", "1972-01-06T12:00Z", 24), ["1972-01-07T00:44:30+00:00"]),
    ],
)
def test_a_named_night_has_the_declared_slots(night: tuple[Any, ...], found: list[str]) -> None:
    assert local(*night) == found


def test_a_starred_minute_under_a_fixed_hour_is_fixed_where_cronsim_would_go_on() -> None:
    assert local("*/30 2 * * *", "Europe/Paris", "2026-10-24T12:00Z", 24) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
    ]


def test_a_wildcard_hour_comes_twice_and_never_out_of_a_gap() -> None:
    assert local("30 */2 * * *", "Europe/Paris", "2026-10-24T23:30Z", 3) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    ]
    assert local("30 */2 * * *", "Europe/Paris", "2026-03-29T00:00Z", 2) == []


def test_both_bounds_of_a_definition_are_slots_of_it() -> None:
    definition = cron("* * * * *") | {"starts_at": iso(T + 60), "ends_at": iso(T + 120)}
    assert due_slots(definition, T - 999, T + 999) == [round(T + 60) * 1000, round(T + 120) * 1000]


@pytest.mark.parametrize(
    "expression", ["H * * * *", "H(0-9) 0 * * *", "0 0 15W * *", "0 0 * *", "1 2 3 4 5 6 7", "@reboot"]
)
def test_what_cronsim_cannot_read_is_not_judged(expression: str) -> None:
    with pytest.raises(NotJudged):
        due_slots(cron(expression), T, T + 99)


def test_an_unknown_zone_is_not_judged() -> None:
    with pytest.raises(NotJudged, match="Nowhere"):
        due_slots(cron("* * * * *", "Mars/Nowhere"), T, T + 99)


# Histories: a schedule every ten seconds, made at T, looked at until T + 100.

EVERY_TEN: dict[str, Any] = {"interval_seconds": 10, "interval_anchor": iso(T)}


def version(number: int, at: float, definition: dict[str, Any], schedule: str = "s") -> Version:
    return Version(schedule, number, at, definition)


def move(at: float, number: int, status: str, plan_from: float, last: float | None = None) -> ScheduleMove:
    last_slot = None if last is None else round(last * 1000)
    return ScheduleMove(round((at - T) * 1000), at, "s", number, status, plan_from, last_slot, None)


def run_of(slot: float, *, origin: str = "schedule", state: str = "succeeded", reason: str | None = None) -> Run:
    return Run(
        "r", round(slot * 1000), "t", "s", 1, "k", origin, state, reason, 1, 1, 5, slot, slot, slot, None, None, slot
    )


def seconds(found: list[int]) -> list[float]:
    return [slot / 1000 - T for slot in found]


def both(history: History) -> tuple[list[float], list[float]]:
    found = expected(history)
    return seconds(found.must["s"]), seconds([slot for slot in found.may["s"] if slot <= history.until * 1000])


def history(versions: list[Version], moves: list[ScheduleMove] | None = None, **more: Any) -> History:
    return History(versions=versions, schedule_moves=moves or (), until=T + 100, **({"grace_seconds": 30.0} | more))


def test_slots_after_the_making_must_be_decided_until_the_grace_begins() -> None:
    made = history([version(1, T + 0.5, EVERY_TEN)], [move(T + 0.6, 1, "active", T + 0.5)])
    assert both(made) == ([10, 20, 30, 40, 50, 60, 70], [80, 90, 100])


@given(millisecond=st.integers(0, 999))
def test_the_slot_at_the_instant_of_planning_itself_is_not_due(millisecond: int) -> None:
    at = T + millisecond / 1000
    said = {"interval_seconds": 10, "interval_anchor": iso(at)}
    found = expected(history([version(1, at, said)], grace_seconds=60.0))
    assert found.must["s"][0] == round(at * 1000) + 10_000


def test_a_schedule_without_moves_is_active_from_its_versions_on() -> None:
    assert both(history([version(1, T + 0.5, EVERY_TEN)]))[0] == [10, 20, 30, 40, 50, 60, 70]


def test_jitter_moves_the_end_and_no_slot() -> None:
    made = history([version(1, T + 0.5, EVERY_TEN | {"jitter_seconds": 15})])
    assert both(made) == ([10, 20, 30, 40, 50], [60, 70, 80, 90, 100])


def test_while_a_schedule_is_paused_nothing_is_due_and_around_the_pause_it_may_be() -> None:
    moves = [
        move(T + 0.6, 1, "active", T + 0.5),
        move(T + 32.0, 1, "paused", T + 0.5),
        move(T + 65.0, 2, "active", T + 64.9),
    ]
    versions = [version(1, T + 0.5, EVERY_TEN), version(2, T + 64.9, EVERY_TEN)]
    assert both(history(versions, moves)) == ([10, 20, 70], [30, 80, 90, 100])


def test_a_pause_during_a_fault_leaves_open_what_was_due_meanwhile() -> None:
    moves = [move(T + 0.6, 1, "active", T + 0.5), move(T + 42.0, 1, "paused", T + 0.5)]
    outage = Fault(T + 18, T + 41, "kill", "ticker")
    assert both(history([version(1, T, EVERY_TEN)], moves)) == ([10, 20, 30], [40])
    assert both(history([version(1, T, EVERY_TEN)], moves, faults=[outage])) == ([10], [20, 30, 40])


def test_an_edit_of_the_timing_plans_from_its_instant() -> None:
    versions = [version(1, T + 0.5, EVERY_TEN), version(2, T + 35, {"cron": "*/15 * * * * *"})]
    moves = [move(T + 0.6, 1, "active", T + 0.5), move(T + 35.1, 2, "active", T + 35, last=T + 30)]
    assert both(history(versions, moves)) == ([10, 20, 30, 45, 60], [40, 75, 90])


def test_what_the_ticker_decided_before_an_edit_got_its_lock_is_left_to_the_old_version() -> None:
    versions = [version(1, T + 0.5, EVERY_TEN), version(2, T + 29, {"cron": "* * * * * *"})]
    moves = [move(T + 0.6, 1, "active", T + 0.5), move(T + 31, 2, "active", T + 29, last=T + 30)]
    must, may = both(history(versions, moves))
    assert must[:4] == [10, 20, 31, 32]
    assert may[:1] == [30]


def test_an_edit_of_anything_else_leaves_every_slot_due() -> None:
    versions = [version(1, T + 0.5, EVERY_TEN), version(2, T + 30, EVERY_TEN | {"name": "other"})]
    moves = [move(T + 0.6, 1, "active", T + 0.5), move(T + 30.01, 2, "active", T + 0.5, last=T + 20)]
    assert both(history(versions, moves))[0] == [10, 20, 30, 40, 50, 60, 70]


def test_a_change_of_zone_moves_the_slots_from_then_on() -> None:
    at = datetime(2026, 11, 22, 6, 30, tzinfo=UTC).timestamp()
    daily = cron("0 9 * * *", "Europe/Paris")
    versions = [version(1, at - 90_000, daily), version(2, at, daily | {"timezone": "America/New_York"})]
    found = expected(History(versions=versions, until=at + 90_000))
    assert [iso(slot / 1000) for slot in found.must["s"]] == ["2026-11-21T08:00:00+00:00", "2026-11-22T14:00:00+00:00"]


def test_an_early_completion_excuses_no_slot_and_a_cancel_does() -> None:
    versions = [version(1, T + 0.5, EVERY_TEN)]
    made = move(T + 0.6, 1, "active", T + 0.5)
    assert both(history(versions, [made, move(T + 27, 1, "completed", T + 0.5)]))[0] == [10, 20, 30, 40, 50, 60, 70]
    assert both(history(versions, [made, move(T + 27, 1, "cancelled", T + 0.5)])) == ([10, 20], [30])


def test_beyond_the_last_of_max_runs_nothing_must_be_and_misfires_do_not_count() -> None:
    versions = [version(1, T + 0.5, EVERY_TEN | {"max_runs": 2})]
    fired = [run_of(T + 10, state="skipped", reason="misfire"), run_of(T + 20), run_of(T + 30, origin="manual")]
    assert both(history(versions, runs=fired))[0] == [10, 20, 30, 40, 50, 60, 70]
    assert both(history(versions, runs=[*fired, run_of(T + 40)]))[0] == [10, 20, 30, 40]


def test_a_time_that_had_passed_when_the_schedule_was_made_is_due_at_once() -> None:
    found = expected(
        history([version(1, T + 0.5, {"scheduled_at": iso(T - 500), "max_runs": 1})], runs=[run_of(T - 500)])
    )
    assert seconds(found.must["s"]) == [-500]
    assert found.late == {("s", round(T - 500) * 1000): T + 0.5}


def test_a_time_that_passed_during_a_pause_is_no_claim() -> None:
    once = {"scheduled_at": iso(T + 20)}
    moves = [
        move(T + 0.6, 1, "active", T + 0.5),
        move(T + 5, 1, "paused", T + 0.5),
        move(T + 30, 2, "active", T + 30),
    ]
    assert both(history([version(1, T + 0.5, once), version(2, T + 30, once)], moves)) == ([], [20])


def test_a_one_time_run_that_died_was_due_all_the_same() -> None:
    moves = [move(T + 0.6, 1, "active", T + 0.5), move(T + 21, 1, "failed", T + 0.5, last=T + 20)]
    assert both(history([version(1, T + 0.5, {"scheduled_at": iso(T + 20)})], moves)) == ([20], [])


def test_a_version_allows_its_own_slots_whenever_and_no_others() -> None:
    versions = [version(1, T, EVERY_TEN), version(2, T + 35, {"cron": "*/15 * * * * *"})]
    found = expected(history(versions))
    assert found.allowed("s", 1, round(T + 90) * 1000)
    assert found.allowed("s", 2, round(T - 15) * 1000)
    assert not found.allowed("s", 2, round(T + 40) * 1000)
    assert not found.allowed("s", 2, round(T + 45) * 1000 + 1)
    assert not found.allowed("s", 3, round(T + 45) * 1000)


def test_a_hashed_schedule_is_counted_as_unjudged_with_all_its_versions() -> None:
    found = expected(history([version(1, T, EVERY_TEN), version(2, T + 35, cron("H * * * *"))]))
    assert "cron" in found.unjudged["s"]
    assert "s" not in found.must
    assert found.allowed("s", 1, 5)


def test_a_schedule_whose_version_is_lost_is_unjudged() -> None:
    found = expected(history([version(1, T, EVERY_TEN)], [move(T, 1, "active", T), move(T + 9, 2, "active", T + 9)]))
    assert found.unjudged == {"s": "version 2 is not in the history"}


def test_ten_thousand_equal_schedules_are_expected_in_seconds() -> None:
    definition = cron("*/10 * * * * *", "Europe/Paris")
    versions = [version(1, T + n / 1e5, definition, f"s{n}") for n in range(10_000)]
    began = monotonic()
    found = expected(history(versions))
    assert sum(map(len, found.must.values())) == 70_000
    assert found.allowed("s77", 1, found.must["s77"][3])
    assert monotonic() - began < 10


def test_the_time_of_faults_is_counted_once_where_they_overlap() -> None:
    outages = Outages([Fault(10, 20, "a", ""), Fault(15, 25, "b", ""), Fault(40, 40, "c", "")])
    assert outages.after(8, 5) == 28
    assert outages.after(12, 5) == 30
    assert outages.after(26, 5) == 31
    assert outages.before(27, 5) == 7
    assert outages.before(22, 5) == 5
    assert outages.touch(35, 40)
    assert not outages.touch(26, 39)
