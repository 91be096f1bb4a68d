"""Real series run through the judge and the backtest; what they come to is computed here once more, with loops alone.

The files are those of the package vega_datasets: hourly temperatures of Seattle in 2010 by the clock on the wall, with
the hour that a March night left out and the one that a November night went through twice; daily weather of 2012 to 2015;
employment by month, 2006 to 2015.
"""

import csv
import importlib.util
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.workers.alerting.made import policy
from workers.alerting.backtest import Backtest, backtest, suggest_threshold
from workers.alerting.series import WHOLE, Graph, Reading, read
from workers.formats.numbers import Style

SEATTLE = ZoneInfo("America/Los_Angeles")
MAYBE = {True: "firing", False: "ok"}


def rows_of(file: str) -> list[dict[str, str]]:
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None
    assert found.origin is not None
    with (Path(found.origin).parent / "_data" / file).open(newline="") as lines:
        return list(csv.DictReader(lines))


def weather() -> tuple[Reading, dict[date, Fraction]]:
    rows = rows_of("seattle-weather.csv")
    table = [(row["date"].replace("/", "-"), row["temp_max"]) for row in rows]
    graph = Graph("temp_max", "date", (), "day", SEATTLE, Style("°C"))
    return read(["date", "temp_max"], table, graph, None), {date.fromisoformat(day): Fraction(t) for day, t in table}


def hours() -> tuple[Reading, dict[datetime, Fraction]]:
    """The hourly file; the dictionary is by the instant in UTC, from the two turns of the clock in that year."""
    rows = [
        (datetime.fromisoformat(row["date"].replace("/", "-")), row["temp"]) for row in rows_of("seattle-temps.csv")
    ]
    summer, winter = datetime.fromisoformat("2010-03-14T03:00"), datetime.fromisoformat("2010-11-07T02:00")
    known = {}
    for wall, temperature in rows:
        behind = 7 if summer <= wall < winter else 8
        known[(wall + timedelta(hours=behind)).replace(tzinfo=UTC)] = Fraction(temperature)
    graph = Graph("temp", "date", (), "hour", SEATTLE, Style("°F"))
    return read(["date", "temp"], rows, graph, None), known


def seen(done: Backtest) -> list[str]:
    """The state after each check, from the transitions alone."""
    moves = {move.at: move.after for move in done.transitions}
    state, states = "ok", []
    for slot in done.slots:
        state = moves.get(slot, state)
        states.append(state)
    return states


def test_each_hour_of_a_year_has_one_place_but_the_one_that_the_file_lacks() -> None:
    reading, known = hours()
    series = reading.series[WHOLE]
    assert len(series.starts) == 8759
    gaps = [start for start, after in pairwise(series.starts) if after - start > timedelta(hours=1)]
    assert gaps == [datetime(2010, 11, 7, 8, tzinfo=UTC)]
    # 01:00 came twice that night and stands once in the file; 02:00 of the night in March never was, and reads as 03:00.
    assert {start: Fraction(value or 0) for start, value in zip(series.starts, series.values, strict=True)} == known


def test_heat_with_for_and_hysteresis_is_what_plain_loops_find() -> None:
    reading, known = weather()
    slots = [datetime(2012, 1, 2, 15, tzinfo=UTC) + timedelta(days=n) for n in range(1459)]
    rule = policy("27", guards={"forSeconds": 2 * 86400, "recoverThreshold": "24", "keepFiringForSeconds": 86400})
    done = backtest(rule, reading, slots)

    expected, alarm, hot_days = [], "ok", 0
    for slot in slots:
        warmth = known[slot.date() - timedelta(days=1)]
        if alarm in ("ok", "pending"):
            hot_days = hot_days + 1 if warmth > 27 else 0
            alarm = "firing" if hot_days == 3 else "pending" if hot_days else "ok"
        elif alarm == "firing":
            alarm = "firing" if warmth > 24 else "recovering"
        else:
            alarm = "firing" if warmth > 27 else "ok"
        if alarm in ("ok", "firing"):
            hot_days = 0
        expected.append(alarm)
    assert seen(done) == expected
    assert done.codes["fired"] == sum(a == "firing" and b == "pending" for b, a in pairwise(expected)) > 10
    assert done.codes["resolved"] == done.codes["fired"]


@pytest.mark.parametrize("season", ["none", "dayOfWeek"])
def test_anomalies_of_four_years_are_those_of_median_and_deviation(season: str) -> None:
    reading, known = weather()
    slots = [datetime(2012, 1, 2, 15, tzinfo=UTC) + timedelta(days=n) for n in range(1459)]
    rule = policy("4.5", measure="anomaly", condition="OUTSIDE", season=season, historyPeriods=20)
    done = backtest(rule, reading, slots)

    expected, state, unchecked = [], "ok", 0
    step = 7 if season == "dayOfWeek" else 1
    for slot in slots:
        day = slot.date() - timedelta(days=1)
        past = [known[each] for n in range(1, 21) if (each := day - timedelta(days=n * step)) in known]
        if len(past) < 8:
            unchecked += 1
        else:
            middle = median(past)
            reach = Fraction("4.5") * median(abs(each - middle) for each in past)
            state = MAYBE[abs(known[day] - middle) > reach]
        expected.append(state)
    assert seen(done) == expected
    assert expected.count("firing") > 20
    assert done.codes["could_not_check"] == unchecked == (8 if step == 1 else 56)


def test_an_hourly_change_against_last_week_is_by_the_clock_on_the_wall() -> None:
    reading, known = hours()
    slots = [datetime(2010, 1, 15, 8, 5, tzinfo=UTC) + timedelta(hours=n) for n in range(8300)]
    rule = policy("0.9", measure="change", baseline="sameLastWeek", condition="GREATER_THAN")
    done = backtest(rule, reading, slots)

    turns = [datetime(2010, 3, 14, 10, tzinfo=UTC), datetime(2010, 11, 7, 9, tzinfo=UTC)]
    state, outcomes = "ok", []
    states = []
    for slot in slots:
        hour = slot.replace(minute=0) - timedelta(hours=1)
        week = timedelta(days=7)
        for turn, shift in zip(turns, (-1, 1), strict=True):
            if turn <= hour < turn + timedelta(days=7) + timedelta(hours=shift):
                week += timedelta(hours=shift)
        before = known.get(hour - week)
        now = known.get(hour)
        if now is None:
            outcomes.append("no_data")
        elif before is None:
            outcomes.append("could_not_check")
        else:
            state = MAYBE[now - before > Fraction("0.9")]
            outcomes.append("checked")
        states.append(state)
    assert states.count("firing") > 100
    assert [slot for slot, a, b in zip(slots, seen(done), states, strict=True) if a != b] == []
    assert done.codes["no_data"] == outcomes.count("no_data")
    assert done.codes["could_not_check"] == outcomes.count("could_not_check")


def employment() -> tuple[Reading, dict[str, dict[date, Decimal]]]:
    rows = rows_of("us-employment.csv")
    sectors = ["construction", "manufacturing", "government"]
    table = [(row["month"], sector, row[sector]) for row in rows for sector in sectors]
    graph = Graph("jobs", "month", ("sector",), "month", ZoneInfo("America/New_York"), Style("k"))
    known = {s: {date.fromisoformat(row["month"]): Decimal(row[s]) for row in rows} for s in sectors}
    return read(["month", "sector", "jobs"], table, graph, None), known


def test_sectors_that_shrink_by_the_year_each_have_their_own_state() -> None:
    reading, known = employment()
    # The figures of a month come with the Friday after it, so on the tenth the month before is whole.
    slots = [datetime(2007 + n // 12, n % 12 + 1, 10, 14, tzinfo=UTC) for n in range(108)]
    rule = policy(
        "-4",
        measure="percentChange",
        baseline="sameLastYear",
        condition="LESS_THAN",
        minimumChange="300",
        minimumBase="1000",
    )
    done = backtest(rule, reading, slots)
    for sector, months in known.items():
        expected, state = [], "ok"
        for slot in slots:
            last = slot.date().replace(day=1) - timedelta(days=1)
            now, before = months[last.replace(day=1)], months.get(date(last.year - 1, last.month, 1))
            if before is not None:
                state = MAYBE[(now - before) * 100 < -4 * before and abs(now - before) >= 300]
            expected.append(state)
        mine = {move.at: move.after for move in done.transitions if move.segment == sector}
        state, found = "ok", []
        for slot in slots:
            state = str(mine.get(slot, state))
            found.append(state)
        assert found == expected, sector
    assert {firing.segment for firing in done.firings} == {"construction", "manufacturing"}


def test_a_forecast_of_last_seasons_and_their_drift_is_what_loops_find() -> None:
    reading, known = employment()
    series = Reading({"government": reading.series["government"]})
    slots = [datetime(2009 + n // 12, n % 12 + 1, 10, 14, tzinfo=UTC) for n in range(84)]
    rule = policy(
        "-2",
        measure="percentChange",
        baseline="forecast",
        baselinePeriods=3,
        season="monthOfYear",
        condition="LESS_THAN",
    )
    done = backtest(rule, series, slots)
    expected: list[Any] = []
    for slot in slots:
        last = (slot.date().replace(day=1) - timedelta(days=1)).replace(day=1)
        past = [known["government"].get(last.replace(year=last.year - n)) for n in (1, 2, 3)]
        there = [each for each in past if each is not None]
        forecast = there[0] + (there[0] - there[-1]) / (len(there) - 1)
        expected.append(MAYBE[(known["government"][last] - forecast) * 100 < -2 * forecast])
    assert seen(done) == expected
    assert "firing" in expected


def test_the_suggested_threshold_makes_no_more_messages_than_wanted_and_a_lower_one_more() -> None:
    reading, _ = weather()
    slots = [datetime(2012, 1, 2, 15, tzinfo=UTC) + timedelta(days=n) for n in range(1459)]
    found = suggest_threshold(policy("0"), reading, slots, wanted=12)
    assert backtest(policy(str(found.threshold)), reading, slots).messages == found.messages <= 12
    assert 25 < found.threshold < 36
    lower = [threshold for threshold in found.tried if threshold < found.threshold]
    assert lower
    assert min(found.tried[threshold] for threshold in lower) > 12
