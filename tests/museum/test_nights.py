"""The nights when the clock turns, as a ticker lives through them: nothing stops, stutters or comes an hour late."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from config.zones import zone
from scheduler import schedules
from tests.museum.timed import TimedHand

HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)
QUARTER = timedelta(minutes=15)

# zone -> the instants at which its clock turns back and forth in 2027, as naive UTC.
BACK = {
    "Europe/Paris": "2027-10-31T01:00",
    "America/New_York": "2027-11-07T06:00",
    "Australia/Lord_Howe": "2027-04-03T15:00",
}
FORTH = {
    "Europe/Paris": "2027-03-28T01:00",
    "America/New_York": "2027-03-14T07:00",
    "Australia/Lord_Howe": "2027-10-02T15:30",
}


def utc(text: str) -> datetime:
    """The instant of a text without an offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def halves(after: datetime, until: datetime) -> list[datetime]:
    """The half hours in (after, until]; `after` is one."""
    return [after + count * HALF for count in range(1, (until - after) // HALF + 1)]


@pytest.mark.parametrize("timezone", BACK)
def test_a_ticker_goes_on_when_the_clock_turns_back(make_timed: Callable[..., TimedHand], timezone: str) -> None:
    """celery#6438: beat stops sending at the end of daylight saving time."""
    turn = utc(BACK[timezone])
    timed = make_timed(turn - 6 * HOUR)
    always = timed.cron("*/30 * * * *", timezone)
    daily = timed.cron("45 1 * * *", timezone)

    timed.walk(turn + 30 * HOUR, QUARTER)

    assert timed.slots(always) == halves(turn - 6 * HOUR, turn + 30 * HOUR)
    days = [slot.astimezone(zone(timezone)).date() for slot in timed.slots(daily)]
    assert len(days) == len(set(days)) == 2


@pytest.mark.parametrize("timezone", FORTH)
def test_a_ticker_goes_on_when_the_clock_turns_forth(make_timed: Callable[..., TimedHand], timezone: str) -> None:
    """apscheduler#1036: the scheduler is stuck after the night on which an hour was left out."""
    turn = utc(FORTH[timezone])
    timed = make_timed(turn - 12 * HOUR)
    always = timed.cron("*/30 * * * *", timezone)
    swallowed = timed.cron("15 2 * * *", timezone)

    timed.walk(turn + 60 * HOUR, QUARTER)

    assert timed.slots(always) == halves(turn - 12 * HOUR, turn + 60 * HOUR)
    first, *later = timed.slots(swallowed)
    assert first == turn, "what the gap swallowed runs at its end"
    assert [slot.astimezone(zone(timezone)).strftime("%H:%M") for slot in later] == ["02:15", "02:15"]
    assert timed.value("select count(*) from schedules where status <> 'active' or last_error is not null") == 0


@pytest.mark.parametrize("turn", [*BACK.items(), *FORTH.items()], ids="-".join)
def test_a_fixed_time_on_the_day_of_the_turn_is_on_the_wall_clock(
    make_timed: Callable[..., TimedHand], turn: tuple[str, str]
) -> None:
    """celery#9653, django-celery-beat#134: on the day of the turn a fixed time fires an hour late."""
    timezone, at = turn[0], utc(turn[1])
    day = at.astimezone(zone(timezone)).date()
    timed = make_timed(at - 3 * HOUR)
    # Made and planned before the turn, due after it.
    morning = timed.cron("0 9 * * *", timezone)

    timed.walk(at + 12 * HOUR, QUARTER)

    nine = datetime(day.year, day.month, day.day, 9, tzinfo=zone(timezone)).astimezone(UTC)
    assert timed.slots(morning) == [nine]
    assert timed.value("select available_at = slot_at from runs")


def test_an_edited_zone_holds_from_the_next_slot_on(make_timed: Callable[..., TimedHand]) -> None:
    """django-celery-beat's README: after a change of the zone the old one holds until somebody resets the last run."""
    timed = make_timed(utc("2027-01-11T00:00"))
    schedule = timed.cron("0 8 * * *", "Europe/Paris")
    timed.walk(utc("2027-01-11T12:00"), HOUR)
    assert timed.slots(schedule) == [utc("2027-01-11T07:00")]

    edited = schedules.edit(timed.conn, timed.tenant, schedule, {"timezone": "America/New_York"})

    assert edited.next_fire_at == utc("2027-01-11T13:00")
    timed.walk(utc("2027-01-12T14:00"), HOUR)
    assert timed.slots(schedule) == [utc("2027-01-11T07:00"), utc("2027-01-11T13:00"), utc("2027-01-12T13:00")]
