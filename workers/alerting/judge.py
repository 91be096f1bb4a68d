"""What a rule finds in a series at a slot: whether its conditions hold, on which figures, and a sentence of why."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from workers.alerting.conditions import CONDITIONS, excess
from workers.alerting.measures import Judged, judged, measure
from workers.alerting.policy import Condition, Group, Policy
from workers.alerting.reasons import Answer, Joined, Part, say
from workers.alerting.series import Series
from workers.formats.numbers import PLAIN, Style

WORST: tuple[Answer, ...] = ("could_not_check", "no_data")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. `low` and `high` are the limits that the main measure's `number` was compared with.

    `stays`: a firing alert goes on, since the number is not yet on the good side of its recovery limit. `excess` is how
    far beyond its limit the number lies, where one side is the worse; `level` how many steps of the ladder it is beyond.
    """

    segment: str
    answer: Answer
    reason: Part | Joined | str = field(repr=False)
    data_as_of: datetime | None = None
    stays: bool = False
    value: Decimal | None = None
    number: Decimal | None = None
    baseline: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    excess: Decimal | None = None
    level: int = 0
    start: datetime | None = None
    end: datetime | None = None
    is_under_way: bool = False
    style: Style = PLAIN

    @property
    def sentence(self) -> str:
        """Why the answer is what it is; made when somebody reads it, since most checks of a backtest nobody does."""
        said = self.reason if isinstance(self.reason, str) else say(self.reason, self.style)
        return f"{said} (so far: the period is under way)" if self.is_under_way else said


class _Asked(NamedTuple):
    series: Series
    period: Judged
    slot: datetime
    data_as_of: datetime | None


def judge(policy: Policy, series: Series, slot: datetime, data_as_of: datetime | None) -> Finding:
    """Return what the policy's conditions find. Nothing that began after the slot is looked at."""
    period = judged(series, slot, data_as_of, policy.lag_periods, is_complete=policy.complete_periods_only)
    asked = _Asked(series, period, slot, data_as_of)
    main = _part(policy, asked, policy.threshold_value)
    others = [_further(each, asked) for each in policy.also]
    found = _join(policy.match, [main, *others])
    stays = found.answer == "holds"
    recover = policy.guards.recover_threshold
    if recover is not None and not stays:
        stays = _join(policy.match, [_part(policy, asked, recover), *others]).answer == "holds"
    number, low, high = main.measured.number, main.low, main.high
    beyond = None
    if number is not None and low is not None and high is not None:
        beyond = excess(policy.condition, number, low, high)
    return Finding(
        series.segment,
        found.answer,
        found,
        data_as_of,
        stays,
        main.measured.value,
        number,
        main.measured.baseline,
        low,
        high,
        beyond,
        _level(policy, number),
        period.start,
        period.end,
        period.is_under_way,
        series.graph.style,
    )


def ended(segment: str, data_as_of: datetime | None) -> Finding:
    """Return what is found about a segment of a graph that is split another way now: nothing, and it is over."""
    return Finding(segment, "does_not", "the graph is no longer split that way", data_as_of)


def unread(segment: str, why: str) -> Finding:
    """Return what is found where the source gave no answer, or none that can be read."""
    return Finding(segment, "could_not_check", why)


def _further(each: Condition | Group, asked: _Asked) -> Part | Joined:
    if isinstance(each, Group):
        return _join(each.match, [_part(one, asked, one.threshold_value) for one in each.conditions])
    return _part(each, asked, each.threshold_value)


def _join(match: str, parts: list[Part | Joined]) -> Part | Joined:
    """Return one answer for several. What decides alone decides, whatever the others could not say."""
    if len(parts) == 1:
        return parts[0]
    decisive: Answer = "does_not" if match == "all" else "holds"
    other: Answer = "holds" if match == "all" else "does_not"
    found = {part.answer for part in parts}
    answer = next((each for each in (decisive, *WORST) if each in found), other)
    return Joined(answer, [part for part in parts if part.answer == answer], is_unanimous=answer == other)


def _part(condition: Condition, asked: _Asked, threshold: Decimal | None) -> Part:
    measured = measure(condition, asked.series, asked.period, asked.slot, asked.data_as_of)
    if condition.measure == "noData":
        answer: Answer = "does_not"
        if measured.problem:
            answer = "holds" if measured.is_missing else "could_not_check"
        return Part(answer, "problem" if measured.problem else "present", condition, measured)
    if measured.problem:
        return Part("no_data" if measured.is_missing else "could_not_check", "problem", condition, measured)
    if threshold is None:
        raise ValueError(f"thresholdValue is missing: {condition.measure} takes a number")
    low, high = _limits(condition, measured.baseline, measured.spread, threshold)
    value, base = measured.value, measured.baseline
    if value is not None and base is not None:
        if condition.minimum_base is not None and abs(base) < condition.minimum_base:
            return Part("does_not", "small base", condition, measured, low, high)
        if condition.minimum_change is not None and abs(value - base) < condition.minimum_change:
            return Part("does_not", "small change", condition, measured, low, high)
    if measured.number is None:
        holds = _holds_from_zero(condition, value or Decimal(), low, high)
        return Part("holds" if holds else "does_not", "from zero", condition, measured, low, high)
    holds = CONDITIONS[condition.condition](measured.number, low, high)
    return Part("holds" if holds else "does_not", "compared", condition, measured, low, high)


def _limits(
    condition: Condition, baseline: Decimal | None, spread: Decimal | None, threshold: Decimal
) -> tuple[Decimal, Decimal]:
    if condition.measure != "anomaly":
        return threshold, threshold if condition.threshold_high is None else condition.threshold_high
    middle, reach = baseline or Decimal(), threshold * (spread or Decimal())
    if condition.condition.startswith("GREATER"):
        return middle + reach, middle + reach
    return middle - reach, middle - reach if condition.condition.startswith("LESS") else middle + reach


def _holds_from_zero(condition: Condition, value: Decimal, low: Decimal, high: Decimal) -> bool:
    """Return what a percentage of 0 comes to: by default a growth, or a fall, beyond any; and 0% from 0 to 0."""
    if condition.zero_base != "new":
        return condition.zero_base == "fire"
    percent = Decimal("Infinity").copy_sign(value) if value else Decimal()
    return CONDITIONS[condition.condition](percent, low, high)


def _level(policy: Policy, number: Decimal | None) -> int:
    if number is None or not policy.notify.escalate_at:
        return 0
    holds = CONDITIONS[policy.condition]
    return sum(holds(number, step, step) for step in policy.notify.escalate_at)
