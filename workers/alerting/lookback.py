"""How far back a policy looks: the window that a source is asked for, computed from the slot and never from a clock."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from workers.alerting.periods import SEASON_STEP, ago, begin, shifted
from workers.alerting.policy import Condition, Policy, conditions
from workers.alerting.series import Graph

# Of a graph whose rows are readings and no periods.
READINGS_DAYS = 31
_SPARE = 2
# The age of data is told up to this one; what is older is older than it.
OLDEST = timedelta(days=400)


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
    newest = [newest_after(each, graph, first) for each in conditions(policy) if each.measure == "freshness"]
    if graph.grain is None:
        return Window(min([ago(first, "day", READINGS_DAYS, None, graph.zone), *newest]), slot)
    current = begin(first, graph.grain, graph.zone)
    latest = shifted(current, graph.grain, graph.zone, -policy.lag_periods - 1)
    starts = [_first(each, latest, graph) for each in conditions(policy)]
    start = min([shifted(min(starts), graph.grain, graph.zone, -_SPARE), *newest])
    return Window(start, shifted(begin(slot, graph.grain, graph.zone), graph.grain, graph.zone, 1))


def newest_after(condition: Condition, graph: Graph, slot: datetime) -> datetime:
    """Return from when on rows are looked for, to tell how old the data is at a slot.

    Data without a row since then is older than each limit that the age is compared with, unless one lies beyond OLDEST.
    """
    seconds = min(max(*ages(condition), Decimal()), Decimal(OLDEST.days * 86400))
    then = slot - timedelta(seconds=float(seconds))
    if graph.grain is None:
        return then - timedelta(days=1)
    return shifted(begin(then, graph.grain, graph.zone), graph.grain, graph.zone, -_SPARE)


def ages(condition: Condition) -> list[Decimal]:
    """Return each number, in seconds, with which an age is compared by a condition on it."""
    found = [condition.threshold_value, condition.threshold_high]
    if isinstance(condition, Policy):
        found += [condition.guards.recover_threshold, *condition.notify.escalate_at]
    return [each for each in found if each is not None]


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
