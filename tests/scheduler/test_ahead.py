"""What lies ahead of a schedule: its days of a month, and what it does in nights when the clock turns."""

from datetime import UTC, date, datetime, timedelta

import pytest

from scheduler.ahead import Timing
from scheduler.days import Closed, Days
from scheduler.slots import Cron, Interval, Once, Recurrence, next_slot

ZONE = "Europe/Paris"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def timing(recurrence: Recurrence, own: frozenset[date] = frozenset(), until: datetime | None = None) -> Timing:
    return Timing(recurrence, ZONE, Closed(Days(own=own), ZONE), NOW, until)


def test_a_month_names_each_days_slots_by_the_clock_of_the_zone() -> None:
    days = timing(Cron("30 2 * * *", ZONE)).month(2026, 3)
    assert [day.date.day for day in days] == list(range(1, 32))
    # What has passed lies not ahead; today's slot has passed too.
    assert [day.date.day for day in days if day.fires] == list(range(11, 32))
    turning = days[28]
    assert turning.is_turning
    assert [(slot.local, slot.dst) for slot in turning.slots] == [("2026-03-29T03:00:00+02:00", "gap")]
    assert [day.date.day for day in days if day.is_turning] == [29]


@pytest.mark.parametrize("recurrence", [Cron("* * * * *", ZONE), Interval(60, NOW), Cron("*/7 1-3 * * *", ZONE)])
def test_a_months_counts_are_those_of_the_slots_one_by_one(recurrence: Recurrence) -> None:
    end = datetime(2026, 3, 31, 22, tzinfo=UTC)
    count, slot = 0, next_slot(recurrence, NOW)
    while slot is not None and slot < end:
        count, slot = count + 1, next_slot(recurrence, slot)
    days = timing(recurrence).month(2026, 3)
    assert sum(day.fires for day in days) == count
    assert all(len(day.slots) == min(day.fires, 4) for day in days)


def test_a_day_of_the_calendar_says_how_many_slots_it_takes_away() -> None:
    days = timing(Cron("0 9,17 * * *", ZONE), frozenset({date(2026, 4, 6)})).month(2026, 4)
    assert (days[5].fires, days[5].skipped, days[5].slots) == (0, 2, [])
    assert {day.fires for day in days} == {0, 2}


def test_nothing_lies_behind_the_end() -> None:
    days = timing(Cron("0 9 * * *", ZONE), until=NOW + timedelta(days=3)).month(2026, 3)
    assert [day.date.day for day in days if day.fires] == [11, 12, 13]


@pytest.mark.parametrize(
    ("recurrence", "first", "second"),
    [
        (Cron("30 2 * * *", ZONE), "fires once, at its end: 03:00", "fires the first time"),
        (Cron("30 2 * * *", ZONE, "skip", "second"), "does not fire that night", "fires the second time"),
        (Cron("30 2 * * *", ZONE, "shift", "both"), "fires as much later", "fires both times"),
        (Cron("0 9 * * *", ZONE), "None of its times falls into that hour", "None of its times falls into that hour"),
        (Cron("30 * * * *", ZONE), "nothing is left out", "nothing comes twice"),
        (Interval(60, NOW), "takes no notice", "takes no notice"),
        (Once(NOW), "takes no notice", "takes no notice"),
    ],
)
def test_a_night_is_told_as_the_slots_then_are(recurrence: Recurrence, first: str, second: str) -> None:
    gap, fold = timing(recurrence).nights(2)
    assert gap.date == date(2026, 3, 29)
    assert gap.sentence.startswith("The clock of Europe/Paris goes forward from 02:00 to 03:00. ")
    assert first in gap.sentence
    assert fold.date == date(2026, 10, 25)
    assert fold.sentence.startswith("The clock of Europe/Paris goes back from 03:00 to 02:00. ")
    assert second in fold.sentence


def test_the_slots_of_a_night_are_marked() -> None:
    gap, fold = timing(Cron("30 2 * * *", ZONE, "skip", "both")).nights(2)
    assert gap.slots == []
    assert [slot.dst for slot in fold.slots] == ["fold_first", "fold_second"]


def test_a_zone_whose_clock_never_turns_has_no_such_nights() -> None:
    assert Timing(Cron("0 9 * * *"), "UTC", None, NOW, None).nights(2) == []
