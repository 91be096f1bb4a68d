"""Clocks that step back, standstills, deploys and tickers that come back: each slot once, and none never."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from scheduler import schedules
from tests.museum.timed import TimedHand

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONDAY = datetime(2027, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize("stepped_at", [-1, 0, 1, 60], ids="{:+} s".format)
def test_a_clock_that_steps_back_loses_no_slot_and_doubles_none(
    make_timed: Callable[..., TimedHand], stepped_at: int
) -> None:
    """oban-py#17: a daily cron is missed and doubled when the clock is set back."""
    eight = MONDAY + 8 * HOUR
    timed = make_timed(eight - 5 * MINUTE)
    daily, minutely = timed.cron("0 8 * * *"), timed.cron("* * * * *")

    timed.walk(eight + stepped_at * SECOND, 30 * SECOND)
    timed.set_clock(timed.now - 90 * SECOND)
    timed.tick()
    timed.walk(eight + 5 * MINUTE, 30 * SECOND)

    assert timed.slots(daily) == [eight]
    assert timed.slots(minutely) == [eight + count * MINUTE for count in range(-4, 6)]
    timed.set_clock(eight + DAY)
    timed.tick()
    assert timed.slots(daily) == [eight, eight + DAY]


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_hundreds_of_missed_slots_are_followed_by_the_next(make_timed: Callable[..., TimedHand], policy: str) -> None:
    """kubernetes#42649: after more than a hundred missed starts a CronJob never starts again."""
    timed = make_timed(MONDAY)
    schedule = timed.cron("* * * * *", misfire_policy=policy, misfire_grace_seconds=10)
    timed.walk(MONDAY + MINUTE, MINUTE)

    timed.set_clock(MONDAY + 3 * HOUR + 30 * SECOND)
    timed.tick()
    timed.walk(MONDAY + 3 * HOUR + 5 * MINUTE, 5 * SECOND)

    after = [MONDAY + 3 * HOUR + count * MINUTE for count in range(1, 6)]
    missed = {"once": 1, "all": 179, "skip": 0}[policy]
    assert timed.slots(schedule)[1 + missed :] == after
    assert timed.value("select coalesce(sum(skipped_count), 0) from runs") == 179 - missed


def test_a_schedule_paused_over_the_weekend_fires_on_monday(make_timed: Callable[..., TimedHand]) -> None:
    """kubernetes#45825: a CronJob suspended for a weekend never starts again."""
    timed = make_timed(MONDAY - 3 * DAY, days=4)
    schedule = timed.cron("* * * * *", misfire_policy="all")
    schedules.pause(timed.conn, timed.tenant, schedule)
    timed.walk(MONDAY, 6 * HOUR)

    schedules.resume(timed.conn, timed.tenant, schedule)
    timed.walk(MONDAY + 5 * MINUTE, 30 * SECOND)

    assert timed.slots(schedule) == [MONDAY + count * MINUTE for count in range(1, 6)]


def test_a_weekly_schedule_fires_though_the_ticker_is_deployed_every_ten_minutes(
    make_timed: Callable[..., TimedHand],
) -> None:
    """river#791: where deploys are frequent a weekly periodic job never runs."""
    timed = make_timed(MONDAY + HOUR, days=30)
    weekly = timed.cron("0 9 * * 1")
    every_week = timed.schedule(
        interval_seconds=7 * 86400, interval_anchor=MONDAY + 2 * HOUR, plan_from=timed.now, next_fire_at=timed.now
    )

    for _ in range(30 * 24 * 6):
        timed.set_clock(timed.now + 10 * MINUTE)
        timed.tick(timed.another())

    assert timed.slots(weekly) == [MONDAY + 9 * HOUR + week * 7 * DAY for week in range(5)]
    assert timed.slots(every_week) == [MONDAY + 2 * HOUR + week * 7 * DAY for week in range(5)]


def test_a_ticker_that_comes_back_replays_nothing_of_what_another_did(
    make_timed: Callable[..., TimedHand],
) -> None:
    """jobrunr#808: a master that regains its role plays back the ticks of the days between."""
    timed = make_timed(MONDAY)
    schedule = timed.cron("*/15 * * * *", misfire_policy="all")
    first, second = timed.ticker, timed.another()

    for ticker, hours in ((first, 3), (second, 48), (first, 3)):
        for _ in range(hours * 4):
            timed.set_clock(timed.now + 15 * MINUTE)
            timed.tick(ticker)

    assert timed.slots(schedule) == [MONDAY + count * 15 * MINUTE for count in range(1, 54 * 4 + 1)]


def test_a_retry_that_waits_longer_than_any_lease_comes_once(make_timed: Callable[..., TimedHand]) -> None:
    """kombu#337, celery#2481: a message delayed beyond the broker's time-out is handed out again and again."""
    timed = make_timed(MONDAY)
    schedule = timed.schedule()
    timed.turn()
    leased = timed.start(schedule)
    timed.end(leased, "pending", reason="retry", delay=3600.0)
    timed.rings.packs.clear()
    # Its worker is gone long before the retry is due.
    timed.conn.execute("update processes set leased_until = %s", (MONDAY + 15 * SECOND,))

    for _ in range(60):
        timed.turn()
        assert timed.rings.packs == []
        assert timed.runs(schedule) == [("pending", "retry")]
        timed.set_clock(timed.now + MINUTE)
    for _ in range(10):
        timed.turn()
        timed.set_clock(timed.now + MINUTE)

    assert len(timed.rings.packs) == 1
    assert timed.conn.execute("select state, attempt from runs").fetchall() == [("queued", 1)]
