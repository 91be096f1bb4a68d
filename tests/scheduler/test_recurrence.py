"""Recurrences beyond cron: which dates and instants they name, what they refuse, and what they say."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.zones import zone
from scheduler.days import Closed, Days
from scheduler.fields import BadRecurrence
from scheduler.pattern_words import explain_pattern
from scheduler.policy import Fire, Policy, Skip, plan
from scheduler.recurrence import Pattern, pattern, skips, whole
from scheduler.slots import check, count_and_newest, next_slot, preview, slots_between
from tests.scheduler.recurring import expected

NINE = {"hour": 9}
MADRID = "Europe/Madrid"
TODAY = date(2026, 1, 7)
TICK = timedelta(microseconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # a time's parts


def local_days(
    told: dict[str, Any], count: int, since: date = TODAY, days: Days | None = None, timezone: str = MADRID
) -> str:
    """The next dates in the schedule's zone, as text."""
    after = datetime.combine(since, datetime.min.time(), zone(timezone)).astimezone(UTC) - TICK
    found = preview(pattern(whole(told, since), timezone, days=days), after, count)
    return " ".join(slot.local[:10] for slot in found)


@pytest.mark.parametrize(
    ("told", "days"),
    [
        ({"every": "month", "days": ["first mon"]}, "2026-02-02 2026-03-02 2026-04-06"),
        ({"every": "month", "days": ["2nd fri"]}, "2026-01-09 2026-02-13 2026-03-13"),
        ({"every": "month", "days": ["last fri"]}, "2026-01-30 2026-02-27 2026-03-27"),
        ({"every": "month", "days": ["fifth sat"]}, "2026-01-31 2026-05-30 2026-08-29"),
        ({"every": "month", "days": [31]}, "2026-01-31 2026-03-31 2026-05-31"),
        ({"every": "month", "days": [-1]}, "2026-01-31 2026-02-28 2026-03-31"),
        ({"every": "month", "days": [15, -1, 15]}, "2026-01-15 2026-01-31 2026-02-15"),
        ({"every": "month", "days": ["first business day"]}, "2026-02-02 2026-03-02 2026-04-01"),
        ({"every": "month", "days": ["last business day"]}, "2026-01-30 2026-02-27 2026-03-31"),
        ({"every": "month", "days": ["2nd last business day"]}, "2026-01-29 2026-02-26 2026-03-30"),
        ({"every": "month", "days": ["23rd business day"]}, "2026-07-31 2026-12-31 2027-03-31"),
        ({"every": "quarter", "days": ["last business day"]}, "2026-03-31 2026-06-30 2026-09-30"),
        ({"every": "quarter", "days": [1]}, "2026-04-01 2026-07-01 2026-10-01"),
        ({"every": "quarter", "days": ["first mon"], "month": 2}, "2026-02-02 2026-05-04 2026-08-03"),
        ({"every": "year", "days": [24], "month": 12}, "2026-12-24 2027-12-24 2028-12-24"),
        ({"every": "year", "days": [29], "month": 2}, "2028-02-29 2032-02-29 2036-02-29"),
        ({"every": "year", "days": ["last day"]}, "2026-12-31 2027-12-31 2028-12-31"),
        ({"every": "week", "days": ["mon", "wed"]}, "2026-01-07 2026-01-12 2026-01-14"),
        ({"every": "week", "interval": 2, "days": ["mon", "wed"]}, "2026-01-07 2026-01-19 2026-01-21"),
        ({"every": "week", "interval": 2, "from": "2026-01-18", "days": ["mon"]}, "2026-01-12 2026-01-26 2026-02-09"),
        ({"every": "day", "interval": 10, "from": "2025-12-31"}, "2026-01-10 2026-01-20 2026-01-30"),
        ({"every": "day", "weekends": True}, "2026-01-07 2026-01-08 2026-01-09 2026-01-12"),
        ({"every": "month", "interval": 5, "days": [1], "from": "2025-12-09"}, "2026-05-01 2026-10-01 2027-03-01"),
        ({"every": "month", "days": [1], "weekends": True, "shift": "after"}, "2026-02-02 2026-03-02 2026-04-01"),
        ({"every": "month", "days": [1], "weekends": True, "shift": "before"}, "2026-01-30 2026-02-27 2026-04-01"),
        ({"every": "month", "days": [1], "weekends": True}, "2026-04-01 2026-05-01 2026-06-01"),
    ],
)
def test_it_falls_on_the_days_that_it_names(told: dict[str, Any], days: str) -> None:
    assert local_days(told, len(days.split())) == days


@pytest.mark.parametrize(
    ("told", "days"),
    [
        # Good Friday is the 3rd of April, Easter Monday the 6th; both are holidays in Germany.
        ({"every": "month", "days": ["3rd business day"]}, "2026-04-07 2026-05-06"),
        ({"every": "month", "days": [3], "shift": "before"}, "2026-04-02 2026-05-03"),
        ({"every": "month", "days": [3], "shift": "after"}, "2026-04-07 2026-05-03"),
        ({"every": "month", "days": [3], "shift": "after", "weekends": True}, "2026-04-07 2026-05-04"),
        # All four days around Easter come together on the Tuesday: one slot.
        ({"every": "month", "days": [3, 4, 5, 6, 7], "shift": "after", "weekends": True}, "2026-04-07 2026-05-04"),
        ({"every": "year", "days": ["last business day"], "interval": 1}, "2026-12-31 2027-12-31"),
        ({"every": "year", "days": [25], "month": 12, "shift": "before"}, "2026-12-24 2027-12-24"),
        ({"every": "year", "days": [25], "month": 12, "shift": "none"}, "2026-12-25 2027-12-25"),
    ],
)
def test_business_days_and_moves_go_by_the_calendar(told: dict[str, Any], days: str) -> None:
    assert local_days(told, 2, date(2026, 4, 1), Days("DE"), "Europe/Berlin") == days


def test_a_move_may_lead_into_another_month_or_year() -> None:
    new_year = {"every": "year", "days": [1], "weekends": True, "shift": "before"}
    assert local_days(new_year, 3, date(2021, 12, 1), Days("DE")) == "2021-12-31 2022-12-30 2023-12-29"


def test_a_day_without_a_business_day_within_a_month_is_skipped() -> None:
    closed = Days(own=frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(45)))
    monthly = {"every": "month", "days": [10], "shift": "after"}
    assert local_days(monthly, 2, date(2026, 1, 1), closed) == "2026-02-16 2026-03-10"
    daily = {"every": "month", "days": [1, 10], "shift": "after"}
    assert local_days(daily, 2, date(2026, 1, 1), closed) == "2026-02-16 2026-03-01"


@pytest.mark.parametrize(
    ("gap", "fold", "spring", "autumn"),
    [
        ("end", "first", [utc(2027, 3, 28, 1)], [utc(2026, 10, 25, 0, 30)]),
        ("skip", "second", [], [utc(2026, 10, 25, 1, 30)]),
        ("shift", "both", [utc(2027, 3, 28, 1, 30)], [utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)]),
    ],
)
def test_the_clocks_turning_nights_are_those_of_cron(
    gap: str, fold: str, spring: list[datetime], autumn: list[datetime]
) -> None:
    last_sunday = pattern({"every": "month", "days": ["last sun"], "hour": 2, "minute": 30}, MADRID, gap, fold)
    for night, slots in ((utc(2027, 3, 28), spring), (utc(2026, 10, 25), autumn)):
        assert slots_between(last_sunday, night - timedelta(hours=12), night + timedelta(hours=12), 9)[0] == slots
    shown = preview(last_sunday, utc(2026, 10, 24, 12), 1)[0]
    assert shown.dst == ("fold_second" if fold == "second" else "fold_first")


def test_parts_of_a_day_go_on_through_the_nights() -> None:
    half_hours = pattern({"every": "minute", "interval": 30}, MADRID)
    found, _ = slots_between(half_hours, utc(2026, 10, 24, 22), utc(2026, 10, 25, 4), 99)
    assert len(found) == 12
    assert {late - soon for soon, late in pairwise(found)} == {timedelta(minutes=30)}
    sixth = pattern({"every": "hour", "interval": 6, "minute": 5}, MADRID)
    assert [slot.local[11:16] for slot in preview(sixth, utc(2027, 3, 27, 23), 4)] == [
        "00:05",
        "06:05",
        "12:05",
        "18:05",
    ]


def test_a_holiday_that_is_skipped_is_recorded_and_a_weekend_is_no_slot() -> None:
    told = whole({"every": "day", "hour": 9, "weekends": True}, TODAY)
    assert skips(told)
    closed = Closed(Days("DE"), "Europe/Berlin")
    made = plan(pattern(told, "Europe/Berlin"), utc(2026, 4, 2, 8), utc(2026, 4, 7, 7), Policy(), closed=closed)
    assert made.decisions == (
        Skip(utc(2026, 4, 3, 7), utc(2026, 4, 6, 7), 2, "holiday"),
        Fire(utc(2026, 4, 7, 7), utc(2026, 4, 7, 7)),
    )


ORDINALS = ["first", "second", "third", "4th", "5th", "last", "2nd last", "3rd last"]
OF_A_MONTH = st.one_of(
    st.integers(1, 31),
    st.integers(-31, -1),
    st.builds(
        "{} {}".format,
        st.sampled_from(ORDINALS),
        st.sampled_from(["mon", "wed", "fri", "sat", "sun", "day", "business day"]),
    ),
)
STARTS = st.dates(date(2009, 1, 1), date(2028, 1, 1)).map(str)
ZONES = (MADRID, "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "UTC")


@st.composite
def recurrences(draw: st.DrawFn) -> dict[str, Any]:
    every = draw(st.sampled_from(["minute", "hour", "day", "week", "month", "month", "quarter", "year"]))
    told: dict[str, Any] = {"every": every, "weekends": draw(st.booleans())}
    if every in ("minute", "hour"):
        told["interval"] = draw(st.sampled_from([1, 2, 4, 12]))
        told["shift"] = draw(st.sampled_from(["skip", "none"]))
    else:
        told |= {"interval": draw(st.integers(1, 4)), "from": draw(STARTS), "hour": draw(st.integers(0, 3))}
        told["shift"] = draw(st.sampled_from(["skip", "none", "before", "after"]))
    if every != "minute":
        told["minute"] = draw(st.sampled_from([0, 1, 30, 59]))
    if every == "week":
        told["days"] = draw(st.lists(st.sampled_from(["mon", "thu", "sat", "sun"]), min_size=1, max_size=3))
    if every in ("month", "quarter", "year"):
        told["days"] = draw(st.lists(OF_A_MONTH, min_size=1, max_size=3))
    if every in ("quarter", "year") and draw(st.booleans()):
        told["month"] = draw(st.integers(1, 3 if every == "quarter" else 12))
    return told


@settings(max_examples=80, deadline=None)
@given(
    told=recurrences(),
    timezone=st.sampled_from(ZONES),
    gap=st.sampled_from(["end", "skip", "shift"]),
    fold=st.sampled_from(["first", "second", "both"]),
    first=st.dates(date(2010, 1, 1), date(2028, 12, 31)),
    runs=st.lists(st.tuples(st.integers(-40, 450), st.integers(1, 9)), max_size=5),
    keep=st.integers(0, 3),
)
def test_slots_are_those_that_a_slow_search_finds(
    told: dict[str, Any],
    timezone: str,
    gap: str,
    fold: str,
    first: date,
    runs: list[tuple[int, int]],
    keep: int,
) -> None:
    span = 2 if told["every"] in ("minute", "hour") else 380
    last = first + timedelta(days=span)
    own = frozenset(first + timedelta(days=begin + n) for begin, length in runs for n in range(length))
    recurrence = pattern(told, timezone, gap, fold, Days(own=own))
    closed = Closed(Days(own=own), timezone) if skips(told) else None
    slow = expected(told, timezone, gap, fold, own, first, last)
    after = datetime.combine(first, datetime.min.time(), UTC) - TICK
    until = datetime.combine(last, datetime.max.time(), UTC)
    found = slots_between(recurrence, after, until, 100_000, closed)[0]
    assert found == slow
    if closed is None:
        count, oldest, newest, kept = count_and_newest(recurrence, after, until, keep)
        split = max(len(slow) - keep, 0)
        assert (count, kept) == (split, slow[split:])
        assert (oldest, newest) == ((slow[0], slow[split - 1]) if split else (None, None))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "recurrence.every takes minute, hour, day, week, month, quarter, year"),
        ({"every": "fortnight"}, "recurrence.every takes"),
        ({"every": "day", "at": 9}, "recurrence.at is not a field of this"),
        ({"every": "minute", "interval": 45}, "recurrence.interval takes a whole number from 1 to 30"),
        (
            {"every": "minute", "interval": 7},
            "recurrence.interval takes 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 for each min",
        ),
        ({"every": "hour", "interval": 5}, "recurrence.interval takes 1, 2, 3, 4, 6, 8, 12 for each hour"),
        ({"every": "hour", "hour": 5}, "recurrence.hour takes nothing when it recurs every hour"),
        ({"every": "minute", "shift": "after"}, "recurrence.shift takes skip, none when it recurs every minute"),
        ({"every": "day", "hour": 24}, "recurrence.hour takes a whole number from 0 to 23"),
        ({"every": "day", "minute": True}, "recurrence.minute takes a whole number from 0 to 59"),
        ({"every": "day", "days": ["mon"]}, "recurrence.days takes nothing when it recurs every day"),
        ({"every": "day", "from": "soon"}, "recurrence.from takes a date such as"),
        ({"every": "day", "from": "1960-01-01"}, "recurrence.from takes a date from 1970-01-01"),
        ({"every": "day", "weekends": "yes"}, "recurrence.weekends takes true or false"),
        ({"every": "day", "shift": "later"}, "recurrence.shift takes skip, none, before, after"),
        ({"every": "week"}, "recurrence.days takes from 1 to 62 days when it recurs every week"),
        ({"every": "week", "days": ["first mon"]}, "recurrence.days.0 takes mon, tue"),
        ({"every": "month", "days": []}, "recurrence.days takes from 1"),
        ({"every": "month", "days": [1, 0]}, "recurrence.days.1 takes a day of the month"),
        ({"every": "month", "days": ["mon"]}, "recurrence.days.0 takes"),
        ({"every": "month", "days": ["6th mon"]}, "recurrence.days.0 takes"),
        ({"every": "month", "days": ["24th business day"]}, "recurrence.days.0 takes"),
        ({"every": "month", "days": [1], "month": 2}, "recurrence.month takes nothing when it recurs every month"),
        ({"every": "quarter", "days": [1], "month": 4}, "recurrence.month takes a whole number from 1 to 3"),
        ({"every": "year", "days": [30], "month": 2}, "recurrence.days leaves no day: this would never fire"),
        ({"every": "week", "days": ["sun"], "weekends": True}, "recurrence.days leaves no day"),
        ({"every": "day", "interval": 7, "from": "2026-01-04", "weekends": True}, "recurrence.weekends leaves no day"),
    ],
)
def test_what_is_wrong_is_refused_under_its_name(told: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRecurrence) as refused:
        check(pattern(whole(told, TODAY)))
    assert str(refused.value).startswith(says)


@settings(max_examples=40, deadline=None)
@given(told=recurrences())
def test_what_is_filled_in_says_the_same_and_is_filled_in_once(told: dict[str, Any]) -> None:
    filled = whole(told, TODAY)
    assert whole(filled, TODAY + timedelta(days=400)) == filled
    assert pattern(filled).walls == pattern(told).walls or told["interval"] == 1
    assert explain_pattern(filled, "UTC").endswith("(UTC)")


def test_it_ends_where_the_holidays_are_no_longer_known() -> None:
    paid = pattern({"every": "month", "days": ["last business day"]}, days=Days("DE"))
    assert next_slot(paid, utc(2100, 11, 30, 12)) == utc(2100, 12, 31)
    assert next_slot(paid, utc(2100, 12, 31)) is None


def test_a_herd_of_equal_recurrences_is_one_value() -> None:
    herd: set[Pattern] = {pattern({"every": "month", "days": ["last fri"]}, MADRID) for _ in range(50)}
    assert len(herd) == 1


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (
            {"every": "month", "days": ["first business day"], **NINE},
            "At 09:00 on the first business day of each month",
        ),
        (
            {"every": "month", "days": [1, 15, -1], "shift": "before", "weekends": True},
            "At 00:00 on the 1st, the 15th and the last day of each month; what falls on a holiday or a weekend moves",
        ),
        ({"every": "week", "days": ["fri", "mon"], **NINE}, "At 09:00 on Monday and Friday"),
        (
            {"every": "week", "interval": 2, "from": "2026-01-05", "days": ["mon"], **NINE},
            "At 09:00 on Monday of every 2nd week, counted from 2026-01-05",
        ),
        ({"every": "day", "weekends": True, **NINE}, "At 09:00 every day, but not on weekends"),
        ({"every": "quarter", "days": ["2nd last fri"]}, "At 00:00 on the 2nd last Friday of each quarter"),
        ({"every": "quarter", "days": [3], "month": 2}, "At 00:00 on the 3rd of the 2nd month of each quarter"),
        (
            {"every": "year", "days": [24], "month": 12, "shift": "none"},
            "At 00:00 on the 24th of December each year, hol",
        ),
        ({"every": "minute", "interval": 15, "shift": "skip"}, "Every 15 minutes"),
        ({"every": "hour", "interval": 6, "minute": 5}, "Every 6 hours from midnight on at 5 minutes past"),
    ],
)
def test_it_is_told_in_plain_words(told: dict[str, Any], says: str) -> None:
    assert explain_pattern(whole(told, TODAY), MADRID).startswith(says)
