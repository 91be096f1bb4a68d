"""The nights when the clock turns, by name, and every expression against a minute-by-minute reading."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.zones import zone
from scheduler import slots
from scheduler.slots import Cron, check, count_and_newest, next_slot, preview, slots_between
from tests.scheduler.by_hand import Fields, expected

# zone -> UTC instants near its turns.
NIGHTS = {
    "America/New_York": ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Europe/Paris": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "America/Santiago": ["2026-04-05T03:00", "2026-09-06T04:00"],
    "Africa/Cairo": ["2026-04-23T22:00", "2026-10-29T21:00"],
    "Africa/Casablanca": ["2025-02-23T02:00", "2025-04-06T02:00", "2026-02-15T02:00", "2026-03-22T02:00"],
    "Pacific/Apia": ["2011-12-30T10:00", "2011-09-24T14:00", "2012-03-31T14:00"],
    "Pacific/Kiritimati": ["1994-12-31T10:00"],
    "America/Vancouver": ["2025-03-09T10:00", "2025-11-02T09:00", "2026-03-08T10:00", "2026-11-01T09:00"],
}
PLACES = [(name, datetime.fromisoformat(at).replace(tzinfo=UTC)) for name, times in NIGHTS.items() for at in times]


def shown(expression: str, timezone: str, start: str, count: int, gap: str = "end", fold: str = "first") -> list[str]:
    """The previewed local times, each with its mark when it has one."""
    cron = Cron(expression, timezone, gap, fold)
    check(cron)
    slots = preview(cron, datetime.fromisoformat(start), count)
    assert [slot.at for slot in slots] == slots_between(cron, datetime.fromisoformat(start), slots[-1].at, count)[0]
    return [slot.local if slot.dst is None else f"{slot.local} {slot.dst}" for slot in slots]


@pytest.mark.parametrize(
    ("gap", "night"),
    [("end", ["2026-03-29T03:00:00+02:00 gap"]), ("skip", []), ("shift", ["2026-03-29T03:30:00+02:00 gap"])],
)
def test_paris_a_fixed_time_in_the_gap_follows_the_policy(gap: str, night: list[str]) -> None:
    assert shown("30 2 * * *", "Europe/Paris", "2026-03-28T00:00Z", 2 + len(night), gap) == [
        "2026-03-28T02:30:00+01:00",
        *night,
        "2026-03-30T02:30:00+02:00",
    ]


@pytest.mark.parametrize(
    ("fold", "night"),
    [
        ("first", ["2026-10-25T02:30:00+02:00 fold_first"]),
        ("second", ["2026-10-25T02:30:00+01:00 fold_second"]),
        ("both", ["2026-10-25T02:30:00+02:00 fold_first", "2026-10-25T02:30:00+01:00 fold_second"]),
    ],
)
def test_paris_a_fixed_time_in_the_overlap_follows_the_policy(fold: str, night: list[str]) -> None:
    assert shown("30 2 * * *", "Europe/Paris", "2026-10-24T00:00Z", 2 + len(night), fold=fold) == [
        "2026-10-24T02:30:00+02:00",
        *night,
        "2026-10-26T02:30:00+01:00",
    ]


def test_new_york_a_daily_time_fires_once_at_fall_back_where_croniter_fires_twice() -> None:
    assert shown("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", 2) == [
        "2026-11-01T01:30:00-04:00 fold_first",
        "2026-11-02T01:30:00-05:00",
    ]


def test_several_fixed_minutes_in_the_gap_are_one_slot_at_its_end() -> None:
    assert shown("15,45 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 2) == [
        "2026-03-29T03:00:00+02:00 gap",
        "2026-03-30T02:15:00+02:00",
    ]


def test_a_starred_minute_under_a_fixed_hour_is_a_fixed_time() -> None:
    assert shown("*/30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 2) == [
        "2026-03-29T03:00:00+02:00 gap",
        "2026-03-30T02:00:00+02:00",
    ]
    assert shown("*/30 2 * * *", "Europe/Paris", "2026-10-24T12:00Z", 3) == [
        "2026-10-25T02:00:00+02:00 fold_first",
        "2026-10-25T02:30:00+02:00 fold_first",
        "2026-10-26T02:00:00+01:00",
    ]


@pytest.mark.parametrize(("timezone", "near"), PLACES)
@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_a_wildcard_hour_never_pauses_nor_stutters(timezone: str, near: datetime, minutes: int) -> None:
    cron = Cron(f"*/{minutes} * * * *", timezone)
    slots, _ = slots_between(cron, near - timedelta(hours=30), near + timedelta(hours=30), 10_000)
    steps = {later - earlier for earlier, later in pairwise(slots)}
    assert steps == {timedelta(minutes=minutes)}


def test_every_second_hour_means_the_even_hours_of_the_clock_face() -> None:
    assert shown("0 */2 * * *", "America/New_York", "2026-03-08T04:30Z", 2) == [
        "2026-03-08T00:00:00-05:00",
        "2026-03-08T04:00:00-04:00",
    ]
    assert shown("0 */2 * * *", "Europe/Paris", "2026-10-24T23:30Z", 3) == [
        "2026-10-25T02:00:00+02:00 fold_first",
        "2026-10-25T02:00:00+01:00 fold_second",
        "2026-10-25T04:00:00+01:00",
    ]


def test_listed_even_hours_are_fixed_times() -> None:
    assert shown("0 0-22/2 * * *", "America/New_York", "2026-03-08T04:30Z", 3) == [
        "2026-03-08T00:00:00-05:00",
        "2026-03-08T03:00:00-04:00 gap",
        "2026-03-08T04:00:00-04:00",
    ]


def test_lord_howe_keeps_the_half_hour_that_ends_its_gap() -> None:
    assert shown("30 * * * *", "Australia/Lord_Howe", "2026-10-03T14:45Z", 3) == [
        "2026-10-04T01:30:00+10:30",
        "2026-10-04T02:30:00+11:00",
        "2026-10-04T03:30:00+11:00",
    ]
    assert shown("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", 1) == ["2026-10-04T02:30:00+11:00 gap"]
    assert shown("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00Z", 2) == [
        "2026-04-05T01:45:00+11:00 fold_first",
        "2026-04-06T01:45:00+10:30",
    ]


@pytest.mark.parametrize(
    ("timezone", "start", "night"),
    [
        ("America/Santiago", "2026-09-06T00:00Z", "2026-09-06T01:00:00-03:00 gap"),
        ("Africa/Cairo", "2026-04-23T12:00Z", "2026-04-24T01:00:00+03:00 gap"),
    ],
)
def test_a_gap_at_midnight_fires_the_day_that_begins_after_it(timezone: str, start: str, night: str) -> None:
    assert shown("0 0 * * *", timezone, start, 1) == [night]


def test_midnight_that_comes_twice_fires_once() -> None:
    assert shown("30 23 * * *", "America/Santiago", "2026-04-04T12:00Z", 2) == [
        "2026-04-04T23:30:00-03:00 fold_first",
        "2026-04-05T23:30:00-04:00",
    ]


def test_casablanca_turns_back_for_ramadan_and_forth_after_it() -> None:
    assert shown("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00Z", 2) == [
        "2026-02-15T02:30:00+01:00 fold_first",
        "2026-02-16T02:30:00+00:00",
    ]
    assert shown("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00Z", 2) == [
        "2026-03-22T03:00:00+01:00 gap",
        "2026-03-23T02:30:00+01:00",
    ]


def test_apia_fires_the_day_it_skipped_at_the_first_midnight_after() -> None:
    assert shown("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00Z", 2) == [
        "2011-12-31T00:00:00+14:00 gap",
        "2011-12-31T09:00:00+14:00",
    ]
    assert shown("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 1) == ["2011-12-31T00:00:00+14:00 gap"]
    assert shown("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00Z", 1, gap="skip") == ["2011-12-31T09:00:00+14:00"]


def test_monrovia_ended_its_gap_in_the_middle_of_a_minute() -> None:
    assert shown("0 0 * * *", "Africa/Monrovia", "1972-01-06T12:00Z", 2) == [
        "1972-01-07T00:44:30+00:00 gap",
        "1972-01-08T00:00:00+00:00",
    ]


def test_kiritimati_shifts_the_day_it_skipped_over_the_end_of_the_year() -> None:
    assert shown("0 9 * * *", "Pacific/Kiritimati", "1994-12-30T12:00Z", 3, gap="shift") == [
        "1994-12-30T09:00:00-10:00",
        "1995-01-01T09:00:00+14:00 gap",
        "1995-01-02T09:00:00+14:00",
    ]


Field = tuple[str, frozenset[int]]


def starred_of(low: int, high: int) -> st.SearchStrategy[Field]:
    """A field that begins with a star, with the numbers that it means."""
    whole = frozenset(range(low, high + 1))
    stepped = st.integers(2, (high - low) // 2).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step))))
    return stepped | st.just(("*", whole))


def fields_of(low: int, high: int, *, may_star: bool = True) -> st.SearchStrategy[Field]:
    """A field's text with the numbers that it means."""
    number = st.integers(low, high)
    single = number.map(lambda value: (str(value), frozenset({value})))
    listed = st.frozensets(number, min_size=1, max_size=4).map(lambda some: (",".join(map(str, sorted(some))), some))
    ranged = st.tuples(number, number, st.integers(1, 5)).filter(lambda three: three[0] < three[1])
    stepped = ranged.map(lambda three: ("{}-{}/{}".format(*three), frozenset(range(three[0], three[1] + 1, three[2]))))
    plain = single | listed | stepped
    return plain | starred_of(low, high) if may_star else plain


@st.composite
def expressions(
    draw: st.DrawFn,
    /,
    *,
    days: bool = True,
    minute_stars: bool = True,
    hour_stars: bool = True,
    hour_field: st.SearchStrategy[Field] | None = None,
) -> Fields:
    minute, minutes = draw(fields_of(0, 59, may_star=minute_stars))
    # Most nights turn between midnight and four.
    early = fields_of(0, 4, may_star=False)
    hour, hours = draw(early | fields_of(0, 23, may_star=hour_stars) if hour_field is None else hour_field)
    dom, dom_numbers = draw(st.just(("*", frozenset[int]())) | (fields_of(1, 31) if days else st.nothing()))
    dow, dow_numbers = draw(st.just(("*", frozenset[int]())) | (fields_of(0, 6) if days else st.nothing()))
    month, months = draw(st.just(("*", frozenset[int]())) | (fields_of(1, 12) if days else st.nothing()))
    return Fields(
        f"{minute} {hour} {dom} {month} {dow}",
        minutes,
        hours,
        None if dom == "*" else dom_numbers,
        None if month == "*" else months,
        None if dow == "*" else dow_numbers,
    )


@settings(max_examples=100, deadline=None)
@given(
    fields=expressions(),
    place=st.sampled_from(PLACES),
    gap=st.sampled_from(["end", "skip", "shift"]),
    fold=st.sampled_from(["first", "second", "both"]),
    hours=st.integers(-30, 30),
    keep=st.integers(0, 20),
)
def test_slots_are_those_of_a_minute_by_minute_reading(
    fields: Fields, place: tuple[str, datetime], gap: str, fold: str, hours: int, keep: int
) -> None:
    timezone, near = place
    after = near + timedelta(hours=hours - 20, minutes=hours)
    until = after + timedelta(hours=44)
    cron = Cron(fields.text, timezone, gap, fold)
    check_or_assume(cron)
    truth = expected(fields, timezone, gap, fold, after, until)
    assert slots_between(cron, after, until, 5000) == (truth, False)
    # Few slots are listed rather than counted, so the counting is asked by itself.
    assert slots.count_between(cron, after, until) == len(truth)
    older = truth[: max(len(truth) - keep, 0)]
    ends = (older[0], older[-1]) if older else (None, None)
    assert count_and_newest(cron, after, until, keep) == (len(older), *ends, truth[len(older) :])


@settings(max_examples=40, deadline=None)
@given(fields=expressions(minute_stars=False, hour_stars=False), place=st.sampled_from(PLACES))
def test_cronsim_agrees_on_fixed_times_at_every_night(fields: Fields, place: tuple[str, datetime]) -> None:
    assume(not (fields.days and fields.weekdays and is_starred(fields)))
    assert_cronsim_agrees(fields, *place)


@settings(max_examples=40, deadline=None)
@given(
    fields=expressions(days=False, hour_field=starred_of(0, 23)),
    place=st.sampled_from([place for place in PLACES if place[0] in {"America/New_York", "Europe/Paris"}]),
)
def test_cronsim_agrees_on_wildcard_hours_where_the_clock_turns_by_an_hour(
    fields: Fields, place: tuple[str, datetime]
) -> None:
    assert_cronsim_agrees(fields, *place)


def is_starred(fields: Fields) -> bool:
    """Whether cronsim would join the day fields by "and" where we read "or"."""
    _, _, dom, _, dow = fields.text.split()
    return dom.startswith("*") or dow.startswith("*")


def check_or_assume(cron: Cron) -> None:
    try:
        check(cron)
    except ValueError as error:
        assume("can never fire" not in str(error) and "a step is" not in str(error))
        raise


def assert_cronsim_agrees(fields: Fields, timezone: str, near: datetime) -> None:
    cron = Cron(fields.text, timezone)
    check_or_assume(cron)
    after = (near - timedelta(hours=36)).astimezone(zone(timezone))
    peer, ours = CronSim(fields.text, after), next_slot(cron, after)
    for _ in range(40):
        assert ours == next(peer).astimezone(UTC)
        assert ours is not None
        ours = next_slot(cron, ours)
