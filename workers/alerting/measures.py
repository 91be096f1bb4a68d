"""What each measure comes to for one period: the number to compare, its baseline, or why there is none."""

from bisect import bisect_left
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from workers.alerting.lookback import ages, newest_after
from workers.alerting.periods import SEASON_STEP, ago, begin, phase, shifted
from workers.alerting.policy import MIN_HISTORY, Condition
from workers.alerting.series import UNTIMED, Series
from workers.alerting.words import rfc3339

MIN_SEASONS = 2
HUNDRED = Decimal(100)


class Judged(NamedTuple):
    """The period that a slot judges: its start, its end (None for a reading), and its place in the series, if any."""

    start: datetime | None
    end: datetime | None
    place: int | None
    is_under_way: bool = False


class Measured(NamedTuple):
    """A measure's number and what it was made of. `problem` says why there is none; `is_missing` that it is no data.

    `spread` is an anomaly's median absolute deviation, `against` what the baseline is, in words. `is_at_least`: it is an
    age, and the data may be older, since nothing newer was found as far back as was looked.
    """

    number: Decimal | None
    value: Decimal | None = None
    baseline: Decimal | None = None
    spread: Decimal | None = None
    against: str = ""
    problem: str = ""
    is_missing: bool = False
    is_at_least: bool = False


def judged(series: Series, slot: datetime, data_as_of: datetime | None, lag: int, *, is_complete: bool) -> Judged:
    """Return the period that is judged at a slot: the last one that had ended by then, and by when the data is from.

    Unless complete ones are asked for it is the one under way. A series without a grain is judged by its last reading.
    """
    by = slot if data_as_of is None else min(slot, data_as_of)
    graph = series.graph
    if graph.grain is None:
        last = series.last(by if series.starts and series.starts[-1] != UNTIMED else slot)
        place = None if last is None or last < lag else last - lag
        return Judged(None if place is None else series.starts[place], None, place)
    start = shifted(begin(by, graph.grain, graph.zone), graph.grain, graph.zone, -lag - is_complete)
    end = shifted(start, graph.grain, graph.zone, 1)
    return Judged(start, end, series.at(start), end > by)


def measure(condition: Condition, series: Series, period: Judged, slot: datetime, as_of: datetime | None) -> Measured:
    """Return what the condition's measure comes to. Only what began before the period counts as its past."""
    if condition.measure == "freshness":
        return _freshness(condition, series, slot, as_of)
    value = _value(series, period)
    if condition.measure in ("value", "noData") or value.number is None or period.place is None:
        return value
    made_of = (condition.baseline, condition.baseline_periods, condition.season, condition.history_periods)
    key = (condition.measure, made_of, period.place)
    if key not in series.known:
        find = _anomaly if condition.measure == "anomaly" else _compared
        series.known[key] = find(condition, series, period.place, value.number)
    found: Measured = series.known[key]
    return found


def _value(series: Series, period: Judged) -> Measured:
    if period.place is None:
        where = f" for {rfc3339(period.start)}" if period.start else ""
        return Measured(None, problem=f"there is no row{where}", is_missing=True)
    start = series.starts[period.place]
    if start in series.problems:
        return Measured(None, problem=series.problems[start])
    value = series.values[period.place]
    if value is None:
        where = "" if start == UNTIMED else f" for {rfc3339(start)}"
        return Measured(None, problem=f"the value{where} is NULL or NaN", is_missing=True)
    return Measured(value, value)


def _freshness(condition: Condition, series: Series, slot: datetime, as_of: datetime | None) -> Measured:
    """Return the age of the newest figure; what the source says of its own freshness counts only without a time column."""
    graph = series.graph
    if graph.time is None:
        if not series.starts:
            return Measured(None, problem="there is no row", is_missing=True)
        if as_of is None:
            return Measured(None, problem="nothing says how old the data is")
        return _age(slot, as_of)
    place = series.last(slot)
    while place is not None and place >= 0 and series.values[place] is None:
        place -= 1
    if place is not None and place >= 0:
        newest = series.starts[place]
        return _age(slot, newest if graph.grain is None else shifted(newest, graph.grain, graph.zone, 1))
    oldest = _age(slot, newest_after(condition, graph, slot))
    if oldest.number is None or oldest.number <= max(ages(condition)):
        return Measured(None, problem="there is no figure as far back as is looked", is_missing=True)
    return oldest._replace(is_at_least=True)


def _age(slot: datetime, newest: datetime) -> Measured:
    age = Decimal(max(slot - newest, timedelta()) // timedelta(seconds=1))
    return Measured(age, age)


def _compared(condition: Condition, series: Series, place: int, value: Decimal) -> Measured:
    baseline, against = _baseline(condition, series, place)
    if baseline is None:
        return Measured(None, value, problem=against)
    change = value - baseline
    if condition.measure == "change":
        return Measured(change, value, baseline, against=against)
    percent = change / abs(baseline) * HUNDRED if baseline else None
    return Measured(percent, value, baseline, against=against)


def _baseline(condition: Condition, series: Series, place: int) -> tuple[Decimal | None, str]:
    """Return the baseline with its name, or None with why there is none."""
    if series.starts[place] == UNTIMED:
        return None, "there is nothing to compare with: the graph has no time column"
    if condition.baseline == "rollingMean":
        return _rolling_mean(series, place, condition.baseline_periods or 7)
    if condition.baseline == "forecast":
        return _forecast(condition, series, place)
    grain, zone, start = series.graph.grain, series.graph.zone, series.starts[place]
    if condition.baseline in (None, "previousPeriod"):
        if grain is None:
            return _at(series, place - 1, start, "the reading before")
        then = shifted(start, grain, zone, -1)
        return _at(series, series.at(then), then, "the period before")
    step = condition.baseline.removeprefix("sameLast").lower()
    then = ago(start, step, 1, grain, zone)  # type: ignore[arg-type]
    return _at(series, series.at(then), then, f"the same period last {step}")


def _at(series: Series, place: int | None, start: datetime, name: str) -> tuple[Decimal | None, str]:
    if place is None or place < 0:
        return None, f"there is nothing to compare with: {name} ({rfc3339(start)}) has no row"
    value = series.values[place]
    if value is None:
        why = series.problems.get(series.starts[place], "its value is NULL or NaN")
        return None, f"there is nothing to compare with: {name} ({rfc3339(series.starts[place])}): {why}"
    return value, name


def _rolling_mean(series: Series, place: int, count: int) -> tuple[Decimal | None, str]:
    grain, zone = series.graph.grain, series.graph.zone
    first = place - count
    if grain is not None:
        first = bisect_left(series.starts, shifted(series.starts[place], grain, zone, -count))
    values = [value for value in series.values[max(first, 0) : place] if value is not None]
    if len(values) * 2 < count:
        return None, f"there is nothing to compare with: {len(values)} of the {count} periods before have a value"
    return sum(values, Decimal()) / len(values), f"the mean of {len(values)} periods before"


def _forecast(condition: Condition, series: Series, place: int) -> tuple[Decimal | None, str]:
    """Return last season's figure plus the mean step from season to season: the seasonal naive forecast with drift."""
    grain, zone, start = series.graph.grain, series.graph.zone, series.starts[place]
    found: list[tuple[int, Decimal]] = []
    for seasons in range(1, (condition.baseline_periods or 4) + 1):
        if condition.season == "none":
            then = place - seasons if grain is None else series.at(shifted(start, grain, zone, -seasons))
        else:
            then = series.at(ago(start, SEASON_STEP[condition.season], seasons, grain, zone))
        value = series.values[then] if then is not None and then >= 0 else None
        if value is not None:
            found.append((seasons, value))
    if len(found) < MIN_SEASONS:
        return (
            None,
            f"there is nothing to forecast from: {len(found)} seasons before have a value, it takes {MIN_SEASONS}",
        )
    (near, newest), (far, oldest) = found[0], found[-1]
    drift = (newest - oldest) / (far - near)
    return newest + near * drift, f"the forecast from {len(found)} seasons"


def _anomaly(condition: Condition, series: Series, place: int, value: Decimal) -> Measured:
    past = _past_of_same_phase(condition, series, place)
    if len(past) < MIN_HISTORY:
        return Measured(None, value, problem=f"{len(past)} earlier periods have a value, it takes {MIN_HISTORY}")
    middle = median(past)
    spread = median([abs(each - middle) for each in past])
    return Measured(value, value, middle, spread, f"the median of {len(past)} periods before")


def _past_of_same_phase(condition: Condition, series: Series, place: int) -> list[Decimal]:
    zone, season = series.graph.zone, condition.season
    if ("phases", season) not in series.known:
        places: dict[tuple[int, ...], list[int]] = {}
        for each, start in enumerate(series.starts):
            if series.values[each] is not None:
                places.setdefault(phase(start, season, zone), []).append(each)
        series.known["phases", season] = places
    alike = series.known["phases", season][phase(series.starts[place], season, zone)]
    end = bisect_left(alike, place)
    return [series.values[each] for each in alike[max(end - condition.history_periods, 0) : end]]
