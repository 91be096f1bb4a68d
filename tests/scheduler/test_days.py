"""Days on which nothing fires: what is decided of their slots, on the wall clock of any zone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.zones import zone
from scheduler.days import Closed, Days, UnknownPlace, check_place, country_days
from scheduler.policy import Fire, Misfire, Plan, Policy, Skip, plan
from scheduler.slots import Cron, Interval, next_open, preview, slots_between

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHRISTMAS = Days("DE")
ZONES = (
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "UTC",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # a time's parts


def own(timezone: str, *days: date) -> Closed:
    return Closed(Days(own=frozenset(days)), timezone)


def fired(made: Plan) -> list[datetime]:
    return [each.slot_at for each in made.decisions if isinstance(each, Fire)]


def skipped(made: Plan) -> list[Skip]:
    return [each for each in made.decisions if isinstance(each, Skip)]


def test_the_next_slot_is_the_first_that_is_on_no_holiday() -> None:
    nine = Cron("0 9 * * *", "Europe/Berlin")
    made = plan(nine, utc(2026, 12, 23, 8), utc(2026, 12, 24, 8), Policy(), closed=Closed(CHRISTMAS, "Europe/Berlin"))
    assert fired(made) == [utc(2026, 12, 24, 8)]
    assert made.next_fire_at == utc(2026, 12, 27, 8)


def test_holidays_passed_by_are_one_range_that_no_run_makes_up_for_and_none_counts() -> None:
    nine = Cron("0 9 * * *", "Europe/Berlin")
    closed = Closed(CHRISTMAS, "Europe/Berlin")
    made = plan(nine, utc(2026, 12, 24, 8), utc(2026, 12, 27, 8), Policy("all", max_runs=2, run_count=1), closed=closed)
    assert made.decisions == (
        Skip(utc(2026, 12, 25, 8), utc(2026, 12, 26, 8), 2, "holiday"),
        Fire(utc(2026, 12, 27, 8), utc(2026, 12, 27, 8)),
    )
    assert made.is_finished


def test_the_day_is_the_schedules_own_and_not_that_of_utc() -> None:
    late, early = Cron("0 23 * * *", "America/Los_Angeles"), Cron("0 1 * * *", "Asia/Kathmandu")
    closed = own("America/Los_Angeles", date(2026, 7, 4))
    assert next_open(late, utc(2026, 7, 4, 7), closed) == utc(2026, 7, 6, 6)
    closed = own("Asia/Kathmandu", date(2026, 7, 4))
    assert next_open(early, utc(2026, 7, 3, 12), closed) == utc(2026, 7, 4, 19, 15)


def test_an_interval_goes_by_the_date_of_its_zone() -> None:
    closed = own("Pacific/Kiritimati", date(2026, 7, 4))
    made = plan(Interval(6 * 3600, utc(2026, 7, 3)), utc(2026, 7, 3, 6), utc(2026, 7, 4, 12), Policy(), closed=closed)
    # The fourth of July is from 10 to 10 o'clock UTC there.
    assert skipped(made) == [Skip(utc(2026, 7, 3, 12), utc(2026, 7, 4, 6), 4, "holiday")]
    assert fired(made) == [utc(2026, 7, 4, 12)]


@pytest.mark.parametrize(
    ("misfire", "fires", "skips"),
    [
        ("once", [27], [("misfire", 22, 24), ("holiday", 25, 26)]),
        ("all", [22, 23, 24, 27], [("holiday", 25, 26)]),
        ("skip", [], [("misfire", 22, 24), ("holiday", 25, 26), ("misfire", 27, 27)]),
    ],
)
def test_what_was_missed_beside_holidays_is_made_up_for_by_the_policy_and_they_are_not(
    misfire: Misfire, fires: list[int], skips: list[tuple[str, int, int]]
) -> None:
    closed = Closed(CHRISTMAS, "Europe/Berlin")
    nine = Cron("0 9 * * *", "Europe/Berlin")
    made = plan(nine, utc(2026, 12, 21, 8), utc(2026, 12, 27, 12), Policy(misfire), closed=closed)
    assert [slot.day for slot in fired(made)] == fires
    assert [(each.reason, each.slot_at.day, each.until.day) for each in skipped(made)] == skips
    assert made.next_fire_at == utc(2026, 12, 28, 8)


def test_when_only_a_holiday_passed_there_is_nothing_to_make_up_for() -> None:
    closed = own("UTC", date(2026, 5, 1))
    made = plan(Cron("0 * * * *"), utc(2026, 4, 30, 23, 30), utc(2026, 5, 1, 12, 30), Policy("once"), closed=closed)
    assert made.decisions == (Skip(utc(2026, 5, 1), utc(2026, 5, 1, 12), 13, "holiday"),)
    assert made.next_fire_at == utc(2026, 5, 2)


def test_holidays_without_a_slot_between_them_are_one_range() -> None:
    closed = own("UTC", date(2026, 5, 1), date(2026, 5, 4))
    made = plan(Cron("0 9 * * 1-5"), utc(2026, 4, 30, 9), utc(2026, 5, 5, 9), Policy(), closed=closed)
    assert skipped(made) == [Skip(utc(2026, 5, 1, 9), utc(2026, 5, 4, 9), 2, "holiday")]


def test_a_year_of_seconds_is_counted_and_not_listed() -> None:
    closed = Closed(CHRISTMAS, "America/Los_Angeles")
    made = plan(Cron("* * * * * *"), utc(2026, 1, 2, 8), utc(2026, 12, 31), Policy("once"), closed=closed)
    assert sum(each.count for each in skipped(made)) + 1 > 300 * 86400
    assert len(skipped(made)) < 30


def test_a_jittered_slot_on_a_holiday_does_not_fire_and_its_neighbours_keep_their_rhythm() -> None:
    hourly, policy = Cron("0 * * * *"), Policy(jitter_seconds=600, seed="x")
    closed = own("UTC", date(2026, 5, 1))
    open_, shut = (
        plan(hourly, utc(2026, 4, 30, 23), utc(2026, 5, 2, 2), policy, closed=each) for each in (None, closed)
    )
    assert open_.next_fire_at == shut.next_fire_at
    assert [each.reason for each in skipped(shut)] == ["holiday", "misfire"]


def test_what_never_fires_comes_to_an_end() -> None:
    closed = Closed(CHRISTMAS, "Europe/Berlin")
    assert plan(
        Cron("0 9 25 12 *", "Europe/Berlin"), utc(2026, 1, 1), utc(2026, 1, 1), Policy(), closed=closed
    ).is_finished


def test_a_preview_leaves_holidays_out() -> None:
    closed = Closed(CHRISTMAS, "Europe/Berlin")
    found = preview(Cron("0 9 24-28 12 *", "Europe/Berlin"), utc(2026, 1, 1), 3, closed=closed)
    assert [slot.at.day for slot in found] == [24, 27, 28]


def test_a_date_that_a_zone_left_out_has_no_slots() -> None:
    # Samoa went from the 29th of December 2011 to the 31st.
    closed = own("Pacific/Apia", date(2011, 12, 30), date(2011, 12, 31))
    hourly = Interval(3600, utc(2011, 12, 29))
    shut = [slot for slot in slots_between(hourly, utc(2011, 12, 29), utc(2012, 1, 3), 1000)[0] if closed.holds(slot)]
    assert (shut[0], shut[-1]) == (utc(2011, 12, 30, 10), utc(2011, 12, 31, 9))


def test_a_date_that_came_back_for_an_hour_is_one_date() -> None:
    # Newfoundland put its clock back from a minute after midnight to a minute after eleven.
    closed = own("America/St_Johns", date(2010, 11, 7))
    spans = [span for span in closed.spans(utc(2010, 11, 6), utc(2010, 11, 9)) if span.is_closed]
    tick = timedelta(microseconds=1)
    assert [(span.after + tick, span.until + tick) for span in spans] == [
        (utc(2010, 11, 7, 2, 30), utc(2010, 11, 7, 2, 31)),
        (utc(2010, 11, 7, 3, 30), utc(2010, 11, 8, 3, 30)),
    ]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(366, 60 * 365).map(lambda number: EPOCH + timedelta(days=number, hours=number % 24)),
)
@example("Pacific/Apia", utc(2011, 12, 28, 20))
@example("Africa/Cairo", utc(2026, 4, 22, 12))
@example("America/Sao_Paulo", utc(2018, 11, 2, 12))
def test_spans_cut_time_where_the_local_date_does(timezone: str, after: datetime) -> None:
    until = after + timedelta(days=6)
    local = [(after + timedelta(days=days)).astimezone(zone(timezone)).date() for days in (1, 2, 4)]
    closed = own(timezone, *local)
    spans = list(closed.spans(after, until))
    assert (spans[0].after, spans[-1].until) == (after, until)
    assert all(was.until == each.after and was.is_closed != each.is_closed for was, each in pairwise(spans))
    for span in spans:
        step = max((span.until - span.after) / 50, timedelta(microseconds=1))
        within = [span.until - number * step for number in range(50) if span.until - number * step > span.after]
        assert {closed.holds(each) for each in [*within, span.after + timedelta(microseconds=1)]} == {span.is_closed}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(("0 9 * * *", "30 2 * * *", "0 */5 * * *", "*/40 * * * 0", "0 0 * * *")),
    st.sampled_from(("once", "all", "skip")),
    st.integers(45 * 365 * 24, 57 * 365 * 24).map(lambda number: EPOCH + timedelta(hours=number)),
    st.integers(0, 20 * 24 * 60),
    st.sets(st.integers(0, 20), max_size=8),
    st.sampled_from((1, 3, 100)),
    st.sampled_from((0, 60, 3 * 86400)),
)
def test_each_slot_is_decided_once_and_fires_on_open_days_alone(
    timezone: str,
    expression: str,
    misfire: Misfire,
    after: datetime,
    minutes: int,
    numbers: set[int],
    per_tick: int,
    grace_seconds: int,
) -> None:
    now = after + timedelta(minutes=minutes)
    closed = own(timezone, *((after + timedelta(days=number)).date() for number in numbers))
    recurrence = Cron(expression, timezone)
    policy = Policy(misfire, grace_seconds=grace_seconds, limit=5)
    decided: list[datetime] = []
    low = after
    while True:
        made = plan(recurrence, low, now, policy, per_tick, closed=closed)
        for each in made.decisions:
            if isinstance(each, Fire):
                assert not closed.holds(each.slot_at)
                decided.append(each.slot_at)
            else:
                found, _ = slots_between(recurrence, each.slot_at - timedelta(seconds=1), each.until, 10_000)
                assert len(found) == each.count
                assert {closed.holds(slot) for slot in found} == {each.reason == "holiday"}
                decided += found
        if not made.has_more:
            break
        assert made.last_slot_at is not None
        low = made.last_slot_at
    due, _ = slots_between(recurrence, after, now, 10_000)
    assert decided == due
    assert made.next_fire_at is not None
    assert made.next_fire_at > now
    assert not closed.holds(made.next_fire_at)


def test_a_countrys_days_come_with_their_names_and_a_part_has_more() -> None:
    assert country_days("DE", None, 2027)[date(2027, 12, 25)] == "Christmas Day"
    assert date(2027, 11, 1) in country_days("DE", "BY", 2027)
    assert date(2027, 11, 1) not in country_days("DE", None, 2027)


@pytest.mark.parametrize(
    ("country", "subdivision", "field", "says"),
    [
        ("XX", None, "country", "ISO 3166"),
        ("DEU", None, "country", "ISO 3166"),
        ("HolidayBase", None, "country", "ISO 3166"),
        ("DE", "ZZ", "subdivision", "takes one of BB, BE, BW"),
        (None, "BY", "subdivision", "give the country too"),
    ],
)
def test_a_place_that_is_not_known_is_refused_by_name(
    country: str | None, subdivision: str | None, field: str, says: str
) -> None:
    with pytest.raises(UnknownPlace, match=says) as refused:
        check_place(country, subdivision)
    assert refused.value.field == field
