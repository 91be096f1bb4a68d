"""How far back a policy looks: the window that a source is asked for, computed from the slot and never from a clock."""

from datetime import datetime
from typing import NamedTuple

from workers.alerting.periods import SEASON_STEP, ago, begin, shifted
from workers.alerting.policy import Condition, Policy, conditions
from workers.alerting.series import Graph

# Of a graph whose rows are readings and no periods.
READINGS_DAYS = 31
_SPARE = 2


class Window(NamedTuple):
    """From `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime


def window(policy: Policy, graph: Graph, slot: datetime, earliest: datetime | None = None) -> Window | None:
    """Return the window that holds all a check at `slot` looks at, and those at slots since `earliest`; None without times.

    It ends with the period that holds the slot, and has two periods more than are looked at, for those that come late.
    """
    if graph.time is None:
        return None
    first = min(slot, earliest or slot)
    if graph.grain is None:
        return Window(ago(first, "day", READINGS_DAYS, None, graph.zone), slot)
    current = begin(first, graph.grain, graph.zone)
    latest = shifted(current, graph.grain, graph.zone, -policy.lag_periods - 1)
    starts = [_first(each, latest, graph) for each in conditions(policy)]
    start = shifted(min(starts), graph.grain, graph.zone, -_SPARE)
    return Window(start, shifted(begin(slot, graph.grain, graph.zone), graph.grain, graph.zone, 1))


def _first(condition: Condition, period: datetime, graph: Graph) -> datetime:
    """The earliest period that one condition looks at, when it judges this one."""
    grain, zone = graph.grain, graph.zone
    if grain is None:
        return period
    if condition.measure == "anomaly" or condition.baseline == "forecast":
        count = condition.history_periods if condition.measure == "anomaly" else condition.baseline_periods or 4
        if condition.season == "none":
            return shifted(period, grain, zone, -count)
        return ago(period, SEASON_STEP[condition.season], count, grain, zone)
    if condition.baseline == "rollingMean":
        return shifted(period, grain, zone, -(condition.baseline_periods or 7))
    if condition.baseline in ("sameLastWeek", "sameLastMonth", "sameLastYear"):
        step = condition.baseline.removeprefix("sameLast").lower()
        return ago(period, step, 1, grain, zone)  # type: ignore[arg-type]  # the three words are steps
    return shifted(period, grain, zone, -1)
