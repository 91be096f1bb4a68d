"""Expressions, intervals and one-time schedules away from the clock-turning nights."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import slots
from scheduler.slots import (
    BadRecurrence,
    Cron,
    Interval,
    Once,
    Recurrence,
    check,
    count_and_newest,
    first_after,
    jittered,
    next_slot,
    preview,
    slots_between,
)
from scheduler.words import explain

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
SECOND = timedelta(seconds=1)
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

# Every expression of the five source documents, with the first slots of 2026 in New York, as local month-day and time.
SEEDS = {
    "0 * * * *": "01-01T00:00 01-01T01:00",
    "0 0 * * *": "01-01T00:00 01-02T00:00",
    "0 0 * * 0": "01-04T00:00 01-11T00:00",
    "0 0 1 * *": "01-01T00:00 02-01T00:00",
    "0 9 * * 1-5": "01-01T09:00 01-02T09:00 01-05T09:00",
    "*/15 * * * *": "01-01T00:00 01-01T00:15 01-01T00:30",
    "0 0,12 * * *": "01-01T00:00 01-01T12:00 01-02T00:00",
    "0 8 1 * *": "01-01T08:00 02-01T08:00",
    "30 2 * * *": "01-01T02:30 01-02T02:30",
    "* * * * *": "01-01T00:00 01-01T00:01",
    "*/1 * * * *": "01-01T00:00 01-01T00:01",
    "*/30 * * * *": "01-01T00:00 01-01T00:30 01-01T01:00",
    "*/5 * * * *": "01-01T00:00 01-01T00:05",
    "0 9 * * 1": "01-05T09:00 01-12T09:00",
    "0 10 * * 1": "01-05T10:00 01-12T10:00",
    "0 9 * * *": "01-01T09:00 01-02T09:00",
    "0 9 1 * *": "01-01T09:00 02-01T09:00",
    "0 9,18 * * 1-5": "01-01T09:00 01-01T18:00 01-02T09:00 01-02T18:00 01-05T09:00",
}

# What croniter adds to the five fields, and our own readings, first slots of 2026 in UTC.
SYNTAX = {
    "@hourly": "01-01T00:00 01-01T01:00",
    "@DAILY": "01-01T00:00 01-02T00:00",
    "@midnight": "01-01T00:00 01-02T00:00",
    "@weekly": "01-04T00:00 01-11T00:00",
    "@monthly": "01-01T00:00 02-01T00:00",
    "@yearly": "01-01T00:00",
    "@annually": "01-01T00:00",
    "  0\t9  * * MON-fri ": "01-01T09:00 01-02T09:00 01-05T09:00",
    "0 0 * jan,MAR sun": "01-04T00:00 01-11T00:00 01-18T00:00 01-25T00:00 03-01T00:00",
    "0 0 * * 7": "01-04T00:00 01-11T00:00",
    "0 0 * * fri-sun": "01-02T00:00 01-03T00:00 01-04T00:00 01-09T00:00",
    "0 0 * * 5-7": "01-02T00:00 01-03T00:00 01-04T00:00 01-09T00:00",
    "0 0 * * 1-7/2": "01-02T00:00 01-04T00:00 01-05T00:00 01-07T00:00 01-09T00:00",
    "0 0 * * 3-7/4": "01-04T00:00 01-07T00:00 01-11T00:00",
    "5/20 0 1 1 *": "01-01T00:05 01-01T00:25 01-01T00:45",
    "50/20 0 * * *": "01-01T00:50 01-02T00:50",
    "10-20/5 0 1 1 ?": "01-01T00:10 01-01T00:15 01-01T00:20",
    "0 0 ? * 1": "01-05T00:00 01-12T00:00",
    "0 0 L * *": "01-31T00:00 02-28T00:00 03-31T00:00",
    "0 0 1,L * *": "01-01T00:00 01-31T00:00 02-01T00:00 02-28T00:00",
    "0 0 15W * *": "01-15T00:00 02-16T00:00 03-16T00:00",
    "0 0 31W 2 *": "02-27T00:00",
    "0 0 * * L5": "01-30T00:00 02-27T00:00",
    "0 0 * * 5#2": "01-09T00:00 02-13T00:00",
    "0 0 * * mon#1,fri#2": "01-05T00:00 01-09T00:00 02-02T00:00 02-13T00:00",
    "0 0 31 * *": "01-31T00:00 03-31T00:00 05-31T00:00",
    "0 0 13 * fri": "01-02T00:00 01-09T00:00 01-13T00:00 01-16T00:00",
    "0 0 */10 * mon": "01-01T00:00 01-05T00:00 01-11T00:00 01-12T00:00",
    "0 0 30 2 mon": "02-02T00:00 02-09T00:00",
    "0 0 13 * fri#2": "01-09T00:00 01-13T00:00 02-13T00:00 03-13T00:00 04-10T00:00",
    "0 0 15W * 1": "01-05T00:00 01-12T00:00 01-15T00:00",
    "*/20 * * * * *": "01-01T00:00 01-01T00:00:20 01-01T00:00:40 01-01T00:01",
    "30 0 9 * * 1": "01-05T09:00:30 01-12T09:00:30",
    "0 0 29 2 *": "2028-02-29T00:00 2032-02-29T00:00",
    "0 0 * 2 1#5": "2044-02-29T00:00",
}


def local_slots(recurrence: Recurrence, timezone: str, count: int) -> str:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(timezone)).astimezone(UTC) - SECOND
    found = [slot.local[: slot.local.rindex(slot.local[-6])] for slot in preview(recurrence, start, count)]
    return " ".join(text.removeprefix("2026-").removesuffix(":00") for text in found)


@pytest.mark.parametrize("expression", SEEDS)
def test_seed_expression(expression: str) -> None:
    cron = Cron(expression, "America/New_York")
    check(cron)
    assert local_slots(cron, "America/New_York", len(SEEDS[expression].split())) == SEEDS[expression]


@pytest.mark.parametrize("expression", SYNTAX)
def test_syntax(expression: str) -> None:
    cron = Cron(expression)
    check(cron)
    wanted = [text if text.count("-") == 2 else f"2026-{text}" for text in SYNTAX[expression].split()]
    found = [
        slot.local.removesuffix("+00:00").removesuffix(":00") for slot in preview(cron, NEW_YEAR - SECOND, len(wanted))
    ]
    assert found == [text.removesuffix(":00") if text.count(":") == 2 else text for text in wanted]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("5-1 * * * *", "field minute '5-1': a range runs from low to high"),
        ("* 22-2 * * *", "field hour '22-2': a range runs from low to high"),
        ("0 0 * * fri-mon", "field day-of-week 'fri-mon': a range runs from low to high"),
        ("0 0 * * sat-fri#1", "field day-of-week 'sat-fri#1': a range runs"),
        ("0 0 * nov-feb *", "field month 'nov-feb': a range runs from low to high"),
        ("7-7 * * * *", "field minute '7-7': a range needs two different ends"),
        ("*/90 * * * *", r"field minute '\*/90': a step is from 1 to 59"),
        ("*/60 * * * *", r"field minute '\*/60': a step is from 1 to 59"),
        ("0 */24 * * *", "field hour"),
        ("0 0 */32 * *", "field day-of-month"),
        ("0 0 * */12 *", "field month"),
        ("0 0 * * */7", "field day-of-week"),
        ("0 0 * * 7/2", "a step starts from Sunday as 0"),
        ("*/0 * * * *", "a step is from 1 to 59"),
        ("5/0 * * * *", "a step is from 1 to 59"),
        ("H/0 * * * *", "a step is from 1 to 59"),
        ("H(30-10) * * * *", "a range runs from low to high"),
        ("H(0-99) * * * *", "takes 0-59"),
        ("R * * * *", "R is random anew at every reading"),
        ("R/5 * * * *", "R is random anew"),
        ("0 R(1-5) * * *", "R is random anew"),
        ("0 0 30 2 *", "can never fire"),
        ("0 0 31 4,6,9,11 *", "can never fire"),
        ("@reboot", "takes the nicknames @hourly, @daily"),
        ("@every 5m", "takes the nicknames"),
        ("* * * * * * *", "got 7 fields"),
        ("* * * *", "got 4 fields"),
        ("", "got 0 fields"),
        ("CRON_TZ=UTC 0 9 * * *", "field second"),
        ("60 * * * *", "field minute '60': takes 0-59"),
        ("-1 * * * *", "takes 0-59"),
        ("0 24 * * *", "takes 0-23"),
        ("0 0 0 * *", "takes 1-31"),
        ("0 0 * 0 *", "takes 1-12"),
        ("0 0 * 13 *", "takes 1-12"),
        ("0 0 * * 8", "takes 0-7"),
        ("0 0 * * mo", "takes 0-7"),
        ("mon * * * *", "takes 0-59"),
        ("0 0 * mon *", "takes 1-12"),
        ("? * * * *", "takes 0-59"),
        ("0 0 L-3 * *", "takes 1-31"),
        ("0 0 LW * *", "takes 1-31"),
        ("0 0 32W * *", "not understood"),
        ("0 0 15W,20 * *", "W stands alone"),
        ("0 0 * * 5L", "takes 0-7"),
        ("0 0 * * 5#6", "takes 0-7"),
        ("0 0 * * fri#2,mon", "not understood"),
        ("1,,2 * * * *", "takes 0-59"),
        ("1, * * * *", "takes 0-59"),
        ("*-5 * * * *", "takes 0-59"),
        ("**/5 * * * *", "takes 0-59"),
        ("0 9 * * 1\0", "takes 0-7"),
        ("0 9 * * 1\n", "takes 0-7"),
        ("0\u00a09 * * *", "got 4 fields"),
        ("\uff10 9 * * *", "takes 0-59"),
        ("\u0661 9 * * *", "takes 0-59"),
        ("* * * * " + "1," * 200 + "1", "at most 250 characters, got 409"),
        ("0" * 10_000, "at most 250 characters"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_refused_at_save_with_the_reason(expression: str, reason: str) -> None:
    began = time.perf_counter()
    with pytest.raises(BadRecurrence, match=f"^cron .*{reason}") as refusal:
        check(Cron(expression))
    assert refusal.value.field == "cron"
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["0 9 * * *"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises((BadRecurrence, TypeError)):
        check(Cron(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recurrence", "message"),
    [
        (Cron("0 9 * * *", "Europe/Pari"), "^timezone takes an IANA name such as Europe/Paris, got 'Europe/Pari'"),
        (Cron("0 9 * * *", gap="later"), "^dst_gap takes end, skip, shift, got 'later'"),
        (Cron("0 9 * * *", fold="last"), "^dst_fold takes first, second, both, got 'last'"),
        (Interval(0, NEW_YEAR), "^interval_seconds takes whole seconds from 1 to"),
        (Interval(True, NEW_YEAR), "^interval_seconds"),
        (Interval(10**10, NEW_YEAR), "^interval_seconds"),
        (Interval(60, NEW_YEAR.replace(tzinfo=None)), "^interval_anchor takes a time with its offset"),
        (Once(NEW_YEAR.replace(tzinfo=None)), "^scheduled_at takes a time with its offset"),
        (Once(datetime(9500, 1, 1, tzinfo=UTC)), "^scheduled_at takes a time from 1970 to 8999"),
        (Once(datetime(1969, 12, 31, tzinfo=UTC)), "^scheduled_at takes a time from 1970"),
    ],
)
def test_other_fields_are_refused_by_name(recurrence: Recurrence, message: str) -> None:
    with pytest.raises(BadRecurrence, match=message):
        check(recurrence)


@given(text=st.text(alphabet="0123456789*/-,#LWHR?() @abcdefmnorstuy", max_size=30))
@settings(max_examples=300, deadline=None)
def test_what_passes_the_check_always_has_a_next_slot(text: str) -> None:
    for expression in (text, f"{text} * * *", f"0 0 {text} * *", f"0 0 * * {text}"):
        try:
            check(Cron(expression, "Europe/Paris"))
        except BadRecurrence:
            continue
        for year in (1970, 2026, 2096):
            after = datetime(year, 3, 1, tzinfo=UTC)
            slot = next_slot(Cron(expression, "Europe/Paris"), after)
            assert slot is not None
            assert slot > after


def test_h_spreads_by_the_schedules_id_and_stays() -> None:
    found = {local_slots(Cron("H H * * *", hash_id=str(number)), "UTC", 1) for number in range(200)}
    assert len(found) > 100
    assert local_slots(Cron("H H * * *", hash_id="a"), "UTC", 1) == local_slots(
        Cron("H H * * *", hash_id="a"), "UTC", 1
    )
    quarter = [slot.at.minute for slot in preview(Cron("H/15 * * * *", hash_id="a"), NEW_YEAR, 4)]
    assert [minute - quarter[0] for minute in quarter] == [0, 15, 30, 45]
    assert all(slot.at.hour < 3 for slot in preview(Cron("H H(0-2) * * *", hash_id="b"), NEW_YEAR, 5))


def test_a_nickname_is_not_hashed() -> None:
    assert local_slots(Cron("@daily", hash_id="some id"), "UTC", 1) == "01-01T00:00"


def test_without_h_the_id_is_forgotten_so_that_a_herd_is_one_value() -> None:
    herd = {Cron("0 9 * * thu", "Europe/Paris", hash_id=str(number)) for number in range(1000)}
    assert len(herd) == 1
    assert len({Cron("H 9 * * thu", "Europe/Paris", hash_id=str(number)) for number in range(1000)}) == 1000


def test_a_herd_of_equal_schedules_costs_one_search() -> None:
    before = slots._next_by_wall.cache_info().misses
    for number in range(100_000):
        assert next_slot(Cron("7 9 * 2 *", "Europe/Paris", hash_id=str(number)), NEW_YEAR) is not None
    assert slots._next_by_wall.cache_info().misses - before <= 1


def test_a_search_stays_far_below_a_tick() -> None:
    """Half of the searches take less than 0.3 ms; measured 30 to 130 microseconds."""
    times = []
    for day in range(200):
        began = time.perf_counter()
        next_slot(Cron("13 9 * * 1-5", "Europe/Paris"), NEW_YEAR + timedelta(days=day))
        times.append(time.perf_counter() - began)
    assert sorted(times)[100] < 0.0003


@given(after=INSTANTS, expression=st.sampled_from(sorted({*SEEDS, *SYNTAX})))
@settings(max_examples=200, deadline=None)
def test_the_next_slot_is_croniters_where_no_clock_turns(after: datetime, expression: str) -> None:
    slot = next_slot(Cron(expression), after)
    assert slot is not None
    assert slot > after
    if expression in {"0 0 13 * fri#2", "0 0 15W * 1"}:
        return  # croniter forgets the day of the month beside # and the weekday beside W; we read "or".
    start = after.replace(tzinfo=None)
    theirs = croniter(expression.strip().replace("\t", " "), start, ret_type=datetime, second_at_beginning=True)
    assert slot.replace(tzinfo=None) == theirs.get_next(datetime)


def test_after_the_last_year_there_is_no_slot() -> None:
    end = datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for recurrence in (Cron("* * * * *"), Cron("0 0 29 2 *", "Europe/Paris"), Interval(60, NEW_YEAR), Once(NEW_YEAR)):
        assert next_slot(recurrence, end) is None
        assert next_slot(recurrence, datetime.max.replace(tzinfo=UTC)) is None


def test_slots_begin_with_1970() -> None:
    first = next_slot(Cron("0 0 * * *"), datetime(1, 1, 2, tzinfo=UTC))
    assert first == datetime(1970, 1, 1, tzinfo=UTC)


@given(
    after=INSTANTS,
    anchor=INSTANTS,
    seconds=st.integers(1, 10_000_000),
    steps=st.integers(0, 3000),
    keep=st.integers(0, 30),
)
def test_an_interval_keeps_its_phase(after: datetime, anchor: datetime, seconds: int, steps: int, keep: int) -> None:
    step = timedelta(seconds=seconds)
    interval = Interval(seconds, anchor)
    slot = next_slot(interval, after)
    assert slot is not None
    assert after < slot <= after + step
    assert (slot - anchor) % step == timedelta(0)
    until = slot + step * steps
    count, first, last, newest = count_and_newest(interval, after, until, keep)
    assert count + len(newest) == steps + 1
    assert newest == [until - step * back for back in reversed(range(min(keep, steps + 1)))]
    if count:
        assert (first, last) == (slot, slot + step * (count - 1))


def test_an_interval_counts_elapsed_time_through_the_nights() -> None:
    interval = Interval(86400, datetime(2026, 3, 28, 2, 30, tzinfo=UTC))
    shown = preview(interval, datetime(2026, 3, 28, tzinfo=UTC), 2, timezone="Europe/Paris")
    assert [slot.local for slot in shown] == ["2026-03-28T03:30:00+01:00", "2026-03-29T04:30:00+02:00"]


def test_a_one_time_schedule_whose_instant_has_passed_has_its_slot_ahead() -> None:
    once = Once(NEW_YEAR)
    now = NEW_YEAR + timedelta(days=30)
    assert next_slot(once, now) is None
    assert next_slot(once, first_after(once, now)) == NEW_YEAR
    assert first_after(Cron("* * * * *"), now) == now


def test_slots_between_says_whether_there_are_more() -> None:
    cron = Cron("0 * * * *")
    until = NEW_YEAR + timedelta(hours=5)
    assert slots_between(cron, NEW_YEAR, until, 5) == (
        [NEW_YEAR + timedelta(hours=hour) for hour in range(1, 6)],
        False,
    )
    assert slots_between(cron, NEW_YEAR, until, 4) == ([NEW_YEAR + timedelta(hours=hour) for hour in range(1, 5)], True)
    assert slots_between(cron, until, NEW_YEAR, 4) == ([], False)


def test_a_year_of_missed_seconds_is_counted_not_listed() -> None:
    until = datetime(2027, 1, 1, tzinfo=UTC)
    began = time.perf_counter()
    count, first, last, newest = count_and_newest(Cron("* * * * * *", "Europe/Paris"), NEW_YEAR, until, 3)
    assert time.perf_counter() - began < 5
    assert count == 365 * 86400 - 3
    assert (first, last) == (NEW_YEAR + SECOND, until - 3 * SECOND)
    assert newest == [until - 2 * SECOND, until - SECOND, until]


@given(
    slot=INSTANTS,
    distance=st.none() | st.integers(1, 10**7),
    jitter=st.integers(0, 10**8),
    seed=st.text(max_size=40),
)
def test_jitter_stays_in_its_window_and_before_the_next_slot(
    slot: datetime, distance: int | None, jitter: int, seed: str
) -> None:
    following = None if distance is None else slot + timedelta(seconds=distance)
    fired = jittered(slot, following, jitter, seed)
    assert fired == jittered(slot, following, jitter, seed)
    assert slot <= fired < slot + timedelta(seconds=max(jitter, 1))
    assert following is None or fired < following


def test_jitter_spreads_a_herd_evenly() -> None:
    fired = [jittered(NEW_YEAR, None, 100, str(number)) - NEW_YEAR for number in range(2000)]
    per_tenth = [sum(wait // timedelta(seconds=10) == tenth for wait in fired) for tenth in range(10)]
    assert min(per_tenth) > 140
    assert max(per_tenth) < 260


def test_a_preview_keeps_to_start_and_end() -> None:
    starts, ends = NEW_YEAR + timedelta(hours=1), NEW_YEAR + timedelta(hours=3)
    shown = preview(Cron("0 * * * *"), NEW_YEAR - timedelta(days=9), 10, starts, ends)
    assert [slot.at.hour for slot in shown] == [1, 2, 3]
    assert [slot.local for slot in shown][:1] == ["2026-01-01T01:00:00+00:00"]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("0 9 * * 1-5", "At 09:00, Monday through Friday (Europe/Paris)"),
        ("@daily", "At 00:00 (Europe/Paris)"),
        ("*/15 * * * *", "Every 15 minutes (Europe/Paris)"),
        ("*/10 * * * * *", "Every 10 seconds (Europe/Paris)"),
        ("H 9 * * *", "At 09:03 (Europe/Paris)"),
        ("0 0 L * *", "At 00:00, on the last day of the month (Europe/Paris)"),
        ("0 0 * * L5", "At 00:00, on the last Friday of the month (Europe/Paris)"),
        ("0 0 13 * fri", "At 00:00, on day 13 of the month; also At 00:00, only on Friday (Europe/Paris)"),
    ],
)
def test_an_expression_in_words(expression: str, sentence: str) -> None:
    assert explain(expression, "Europe/Paris", "x") == sentence


@pytest.mark.parametrize("expression", [*SEEDS, *SYNTAX])
def test_every_expression_has_words(expression: str) -> None:
    assert not explain(expression, "UTC").startswith("Cron ")
